//! Sessions: their start and end, whether they go on, what was looked at, what lay in the basket.
//!
//! A session starts and ends where its source says so (`attributes.session_start`, `session_end`), else with its
//! first and last event. It is active while the source names no end and the last event is less than half an hour old.
//! A filter chooses sessions by one of their events; what is told is always of the whole session.

pub mod rules;

use super::Statement;
use super::lookup::Narrow;
use super::picked::{Picked, names, picked};

/// Most events that are told of one session.
pub const EVENTS_MAX: usize = 1_000;
/// Without an end from the source, a session is over after so many minutes.
const ACTIVE_MINUTES: i64 = 30;

const COLUMNS: &[Picked] = &[
    ("first_event_at", "min(event_time)", &[]),
    ("last_event_at", "max(event_time)", &[]),
    (
        "said_start",
        "min(TRY_CAST(json_as_text(attributes, 'session_start') AS TIMESTAMP WITH TIME ZONE))",
        &["attributes"],
    ),
    ("said_end", "max(TRY_CAST(json_as_text(attributes, 'session_end') AS TIMESTAMP WITH TIME ZONE))", &["attributes"]),
    (
        "marked_active",
        "last_value(session_active ORDER BY event_time, sequence, _seq) FILTER (WHERE session_active IS NOT NULL)",
        &["session_active"],
    ),
    ("events", "count(*)", &[]),
    ("page_views", "count(*) FILTER (WHERE http_method = 'GET' OR action = 'read')", &["http_method", "action"]),
    (
        "failures",
        "count(*) FILTER (WHERE outcome = 'failure' OR severity_number >= 17)",
        &["outcome", "severity_number"],
    ),
    ("said_products", "max(TRY_CAST(json_as_text(attributes, 'products_viewed') AS BIGINT))", &["attributes"]),
    (
        "seen_products",
        "count(DISTINCT object_id) FILTER (WHERE object_type = 'product' AND action = 'read')",
        &["object_id", "object_type", "action"],
    ),
    (
        "cart_value",
        "last_value(json_as_text(attributes, 'cart_value') ORDER BY event_time, sequence, _seq) FILTER (WHERE json_as_text(attributes, 'cart_value') IS NOT NULL)",
        &["attributes"],
    ),
    (
        "visitor_id",
        "last_value(visitor_id ORDER BY event_time, sequence, _seq) FILTER (WHERE visitor_id IS NOT NULL)",
        &["visitor_id"],
    ),
    (
        "actor_id",
        "last_value(actor_id ORDER BY event_time, sequence, _seq) FILTER (WHERE actor_id IS NOT NULL)",
        &["actor_id"],
    ),
    (
        "actor_email",
        "last_value(actor_email ORDER BY event_time, sequence, _seq) FILTER (WHERE actor_email IS NOT NULL)",
        &["actor_email"],
    ),
    (
        "client_address",
        "last_value(client_address ORDER BY event_time, sequence, _seq) FILTER (WHERE client_address IS NOT NULL)",
        &["client_address"],
    ),
    (
        "unit_id",
        "last_value(unit_id ORDER BY event_time, sequence, _seq) FILTER (WHERE unit_id IS NOT NULL)",
        &["unit_id"],
    ),
    (
        "unit_name",
        "last_value(unit_name ORDER BY event_time, sequence, _seq) FILTER (WHERE unit_name IS NOT NULL)",
        &["unit_name"],
    ),
];

/// What is worked out from [`COLUMNS`] and not told itself.
const INNER: [&str; 4] = ["said_start", "said_end", "said_products", "seen_products"];

/// Which sessions.
#[derive(Debug, Default)]
pub struct Wanted {
    /// A condition on events, with its values in the statement: a session is told when one of its events fulfils it.
    pub condition: Option<String>,
    /// Only active ones, or only others.
    pub active: Option<bool>,
    /// Up to which session: those that come after it in the list.
    pub after: Option<(i64, String)>,
    /// Most rows.
    pub limit: usize,
}

/// What tells sessions of one start apart.
const PLACE: &str = "concat(tenant_id, chr(31), source, chr(31), session_id)";

/// What is asked for sessions as of `now_us`, those that started last first.
#[must_use]
pub fn statement(mut ask: Statement, wanted: &Wanted, hidden: &[String], now_us: i64) -> Statement {
    let chosen = wanted.condition.as_ref().map(|condition| {
        format!(
            "
    JOIN (SELECT DISTINCT tenant_id AS t, source AS s, session_id AS i FROM events WHERE session_id IS NOT NULL AND ({condition})) AS chosen
        ON tenant_id = chosen.t AND source = chosen.s AND session_id = chosen.i"
        )
    });
    let shows = |column: &str| !hidden.iter().any(|hidden| hidden == column);
    let now = ask.value("now_us", now_us);
    let (said_start, said_end) = if shows("attributes") {
        ("said_start", "said_end")
    } else {
        ("CAST(NULL AS TIMESTAMP)", "CAST(NULL AS TIMESTAMP)")
    };
    let products = match (shows("attributes"), names(COLUMNS, hidden).contains(&"seen_products")) {
        (true, true) => ",\n    coalesce(said_products, seen_products) AS products_viewed",
        (true, false) => ",\n    said_products AS products_viewed",
        (false, true) => ",\n    seen_products AS products_viewed",
        (false, false) => "",
    };
    let instant = "'Timestamp(Microsecond, Some(\"UTC\"))'";
    let told: Vec<&str> = names(COLUMNS, hidden).into_iter().filter(|name| !INNER.contains(name)).collect();
    let mut last = Vec::new();
    if let Some(active) = wanted.active {
        last.push(if active { "active".to_owned() } else { "NOT active".to_owned() });
    }
    if let Some((time_us, place)) = &wanted.after {
        let (time, place) = (ask.value("after_us", *time_us), ask.value("after_place", place.as_str()));
        last.push(format!("(time_us < {time} OR time_us = {time} AND place > {place})"));
    }
    let last = if last.is_empty() { String::new() } else { format!("\nWHERE {}", last.join(" AND ")) };
    ask.sql = format!(
        "SELECT *, CAST(started_at AS BIGINT) AS time_us, {PLACE} AS place FROM (
SELECT
    tenant_id, source, session_id,
    coalesce(arrow_cast({said_start}, {instant}), first_event_at) AS started_at,
    coalesce(arrow_cast({said_end}, {instant}), last_event_at) AS ended_at,
    {said_end} IS NULL AND CAST(last_event_at AS BIGINT) > {now} - {} AS active,
    {}{products}
FROM (
    SELECT
        tenant_id,
        source,
        session_id,
{}
    FROM events{}
    WHERE session_id IS NOT NULL
    GROUP BY tenant_id, source, session_id
))
ORDER BY started_at DESC, place
LIMIT {}",
        ACTIVE_MINUTES * 60_000_000,
        told.join(", "),
        picked(COLUMNS, hidden),
        chosen.unwrap_or_default(),
        wanted.limit
    );
    if !last.is_empty() {
        // The columns that it names are made by the statement itself.
        ask.sql = format!(
            "SELECT * FROM (\n{}\n){last}\nORDER BY started_at DESC, place\nLIMIT {}",
            unlimited(&ask.sql),
            wanted.limit
        );
    }
    ask
}

/// A statement without its order and limit, to stand inside of another.
fn unlimited(sql: &str) -> &str {
    sql.rfind("\nORDER BY ").map_or(sql, |end| &sql[..end])
}

/// The condition of one session, for [`Wanted::condition`].
#[must_use]
pub fn of_id(ask: &mut Statement, id: &str, narrow: &Narrow) -> String {
    let id = ask.value("session", id);
    format!("session_id = {id}{}", narrow.condition(ask))
}

/// What is asked for the events of a session, in order.
#[must_use]
pub fn events_statement(id: &str, narrow: &Narrow, columns: &str) -> Statement {
    let mut ask = Statement::default();
    let condition = of_id(&mut ask, id, narrow);
    ask.sql = format!(
        "SELECT {columns}\nFROM events\nWHERE {condition}\nORDER BY event_time, sequence, _seq\nLIMIT {}",
        EVENTS_MAX + 1
    );
    ask
}
