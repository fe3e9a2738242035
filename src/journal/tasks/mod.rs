//! Background tasks: one row each in its present state, or in that of any moment.
//!
//! Every report of a task is an event with its `task_id`; the last by time, then by the source's own sequence, is its
//! state. Counts, results and messages are those of the last report that has them. A task that still runs is measured
//! up to the moment that is asked for. The engine's own jobs are among them ([`OwnTask`]).

mod detail;
mod own;

use super::Statement;
use super::picked::{Picked, names, picked};
use super::{Field, Filter, JournalError, Selection, Term};

pub(crate) use detail::add_starters;
pub use detail::{EVENTS_MAX, related_statement, timeline_statement};
pub use own::{OWN_SOURCE, OwnTask};

/// Columns of a task that filters may name: those of its last report, and those of its start.
pub const FIELDS: [&str; 17] = [
    "tenant_id",
    "source",
    "dataset",
    "module",
    "task_id",
    "task_type",
    "task_status",
    "status",
    "task_progress",
    "task_done_count",
    "task_failed_count",
    "object_type",
    "object_id",
    "actor_id",
    "error_code",
    "error_message",
    "correlation_id",
];

macro_rules! last {
    ($column:literal) => {
        ($column, concat!("last_value(", $column, " ORDER BY event_time, sequence, _seq)"), &[$column])
    };
    ($column:literal that has one) => {
        (
            $column,
            concat!(
                "last_value(",
                $column,
                " ORDER BY event_time, sequence, _seq) FILTER (WHERE ",
                $column,
                " IS NOT NULL)"
            ),
            &[$column],
        )
    };
}

macro_rules! first {
    ($column:literal) => {
        (
            $column,
            concat!(
                "first_value(",
                $column,
                " ORDER BY event_time, sequence, _seq) FILTER (WHERE ",
                $column,
                " IS NOT NULL)"
            ),
            &[$column],
        )
    };
}

/// What a task is made of.
const COLUMNS: &[Picked] = &[
    last!("dataset"),
    last!("module"),
    last!("task_type" that has one),
    last!("task_status" that has one),
    last!("status"),
    last!("task_progress" that has one),
    last!("task_done_count" that has one),
    last!("task_failed_count" that has one),
    last!("task_result" that has one),
    last!("error_code"),
    last!("error_message"),
    last!("message"),
    last!("object_type"),
    last!("object_id"),
    last!("object_name" that has one),
    last!("attachments" that has one),
    ("last_duration_ns", "last_value(duration_ns ORDER BY event_time, sequence, _seq)", &["duration_ns"]),
    ("started_at", "min(event_time)", &[]),
    ("event_time", "max(event_time)", &[]),
    ("reports", "count(*)", &[]),
    ("first_event_id", "first_value(event_id ORDER BY event_time, sequence, _seq)", &["event_id"]),
    ("last_event_id", "last_value(event_id ORDER BY event_time, sequence, _seq)", &["event_id"]),
    first!("causation_id"),
    first!("correlation_id"),
    first!("actor_type"),
    first!("actor_id"),
    first!("actor_name"),
    first!("actor_email"),
];

/// Which tasks.
#[derive(Debug, Default)]
pub struct Wanted {
    /// A condition on the columns of a task ([`FIELDS`] and `event_time`), with its values in the statement.
    pub condition: Option<String>,
    /// A condition on its events, with its values in the statement: an id, a source.
    pub of_events: Option<String>,
    /// The moment, in µs since 1970; `None` is now.
    pub as_of_us: Option<i64>,
    /// Up to which task: those that come after it in the list.
    pub after: Option<After>,
    /// Most rows.
    pub limit: usize,
    /// The engine's own jobs that belong to the list, as they are at the moment; only for a caller to whom nothing
    /// is hidden.
    pub own: Vec<OwnTask>,
}

/// Where a page of the list ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// Time of the task's last report, in µs.
    pub time_us: i64,
    /// Its place, as text.
    pub place: String,
}

/// What is asked for tasks, those with the latest report first; `now_us` measures those that run.
#[must_use]
pub fn statement(mut ask: Statement, wanted: &Wanted, hidden: &[String], now_us: i64) -> Statement {
    let mut events = "task_id IS NOT NULL".to_owned();
    if let Some(as_of) = wanted.as_of_us {
        events.push_str(&format!(" AND event_time <= {}", instant(&ask.value("as_of", as_of))));
    }
    if let Some(more) = &wanted.of_events {
        events.push_str(&format!(" AND ({more})"));
    }
    let mut tasks =
        vec![wanted.condition.as_ref().map_or_else(|| "true".to_owned(), |condition| format!("({condition})"))];
    if let Some(after) = &wanted.after {
        let (time, place) = (ask.value("after_us", after.time_us), ask.value("after_place", after.place.as_str()));
        tasks.push(format!(
            "(CAST(event_time AS BIGINT) < {time} OR CAST(event_time AS BIGINT) = {time} AND {PLACE} > {place})"
        ));
    }
    let now = ask.value("now_us", wanted.as_of_us.unwrap_or(now_us));
    let measured = if hidden.iter().any(|column| column == "task_status" || column == "duration_ns") {
        String::new()
    } else {
        format!(
            ",
    CASE
        WHEN task_status NOT IN ('done', 'failed', 'canceled') THEN ({now} - CAST(started_at AS BIGINT)) / 1000
        WHEN last_duration_ns IS NOT NULL THEN last_duration_ns / 1000000
        ELSE (CAST(event_time AS BIGINT) - CAST(started_at AS BIGINT)) / 1000
    END AS processing_ms"
        )
    };
    if measured.is_empty() {
        ask.params.remove("now_us");
    }
    let own = match wanted.own.is_empty() {
        true => String::new(),
        false => {
            let rows = own::rows(&mut ask, &wanted.own, wanted.as_of_us.unwrap_or(now_us));
            format!("\n    UNION ALL\n    {rows}")
        }
    };
    ask.sql = format!(
        "SELECT
    tenant_id, source, task_id, {},
    CAST(event_time AS BIGINT) AS time_us,
    {PLACE} AS place{measured}
FROM (
    SELECT
        tenant_id,
        source,
        task_id,
{}
    FROM events
    WHERE {events}
    GROUP BY tenant_id, source, task_id{own}
)
WHERE {}
ORDER BY event_time DESC, place
LIMIT {}",
        names(COLUMNS, hidden).join(", "),
        picked(COLUMNS, hidden),
        tasks.join(" AND "),
        wanted.limit
    );
    ask
}

/// Refuses a filter on what is no column of a task.
///
/// # Errors
/// The first such filter, with the columns that there are.
pub fn check(selection: &Selection) -> Result<(), JournalError> {
    fn walk(filter: &Filter) -> Result<(), JournalError> {
        filter.terms.iter().try_for_each(|term| match term {
            Term::Condition(condition) => match &condition.field {
                Field::Column(column) if FIELDS.contains(&column.name) => Ok(()),
                _ => {
                    let message = format!("is nothing that a task has; it has {}", FIELDS.join(", "));
                    Err(JournalError::value(&condition.name, message))
                }
            },
            Term::Any(filters) | Term::All(filters) => filters.iter().try_for_each(walk),
            Term::Not(filter) => walk(filter),
        })
    }
    walk(&selection.filter)
}

/// What tells tasks of one time apart.
const PLACE: &str = "concat(tenant_id, chr(31), source, chr(31), task_id)";

/// A number of µs as an instant.
fn instant(us: &str) -> String {
    format!("arrow_cast(CAST({us} AS BIGINT), 'Timestamp(Microsecond, Some(\"UTC\"))')")
}
