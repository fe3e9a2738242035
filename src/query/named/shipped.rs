//! The named queries that every server has.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::NamedQuery;

/// Embeds files of `sql/queries` by name.
macro_rules! embed {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("../../../sql/queries/", $name, ".sql")))),*]
    };
}

/// Name and file; a test holds this list against the directory.
static FILES: &[(&str, &str)] = embed![
    "actor_activity",
    "api_keys",
    "changes_by_field",
    "deletions_and_restores",
    "employees_by_location",
    "errors_by_module",
    "event_types",
    "events_per_hour",
    "exports_log",
    "failed_deliveries_by_peer",
    "funnel",
    "http_status_by_hour",
    "logins_by_hour",
    "modules_overview",
    "object_history",
    "response_time_by_route",
    "session_events",
    "sessions_per_hour",
    "slowest_calls",
    "task_timeline",
    "tasks_by_state",
    "top_actors",
    "top_objects",
    "visitors_per_day",
];

/// All of them, by name. A test parses each; one that cannot be parsed is not there.
pub(super) fn all() -> BTreeMap<String, Arc<NamedQuery>> {
    let parsed = |(name, text): &(&str, &str)| {
        NamedQuery::parse(name, text).ok().map(|query| ((*name).to_owned(), Arc::new(query)))
    };
    FILES.iter().filter_map(parsed).collect()
}
