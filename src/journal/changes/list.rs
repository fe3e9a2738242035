//! Who changed which field, over any period: one row a change.

use crate::journal::Statement;
use crate::journal::picked::{Picked, names};

/// What is told of the event of a change; what may be hidden is left out where it is.
const EVENT: &[Picked] = &[
    ("event_id", "event_id", &["event_id"]),
    ("event_time", "event_time", &[]),
    ("tenant_id", "tenant_id", &["tenant_id"]),
    ("source", "source", &["source"]),
    ("dataset", "dataset", &["dataset"]),
    ("module", "module", &["module"]),
    ("event_type", "event_type", &["event_type"]),
    ("actor_type", "actor_type", &["actor_type"]),
    ("actor_id", "actor_id", &["actor_id"]),
    ("actor_name", "actor_name", &["actor_name"]),
    ("actor_email", "actor_email", &["actor_email"]),
    ("object_type", "object_type", &["object_type"]),
    ("object_id", "object_id", &["object_id"]),
    ("object_name", "object_name", &["object_name"]),
    ("_seq", "_seq", &[]),
];

/// Which changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChangeFilter {
    /// Fields, exactly, or all that begin with what stands before a `*` at the end.
    pub fields: Vec<String>,
    /// Fields that are left out, likewise.
    pub not_fields: Vec<String>,
    /// Values before: JSON, or a text without its quotes.
    pub before: Vec<String>,
    /// Values after, likewise.
    pub after: Vec<String>,
    /// What the value before holds, in any case.
    pub before_contains: Vec<String>,
    /// What the value after holds, likewise.
    pub after_contains: Vec<String>,
    /// `add`, `remove`, `replace`, `set`.
    pub ops: Vec<String>,
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Time of the event, in µs.
    pub time_us: i64,
    /// Its number.
    pub seq: i64,
    /// The change in it.
    pub number: i64,
}

/// What is asked for the list, the newest first; `events` is a condition on events whose values are in `ask`.
#[must_use]
pub fn list(
    mut ask: Statement,
    filter: &ChangeFilter,
    events: Option<&str>,
    after: Option<Page>,
    limit: usize,
    hidden: &[String],
) -> Statement {
    let mut of_events = vec!["changes IS NOT NULL".to_owned()];
    of_events.extend(events.map(|events| format!("({events})")));
    // Names of fields are in a column of their own: events without them are left out before their changes are read.
    let exact: Vec<&String> = filter.fields.iter().filter(|field| !field.ends_with('*')).collect();
    if !exact.is_empty() && exact.len() == filter.fields.len() {
        let any: Vec<String> = exact
            .iter()
            .enumerate()
            .map(|(at, field)| {
                format!("array_has(changed_fields, {})", ask.value(&format!("field{at}"), field.as_str()))
            })
            .collect();
        of_events.push(format!("({})", any.join(" OR ")));
    }
    let mut of_changes = Vec::new();
    of_changes.extend(fields(&mut ask, "field", &filter.fields));
    of_changes.extend(fields(&mut ask, "not_field", &filter.not_fields).map(|any| format!("NOT {any}")));
    of_changes.extend(values(&mut ask, "before", &filter.before));
    of_changes.extend(values(&mut ask, "after", &filter.after));
    of_changes.extend(holds(&mut ask, "before", &filter.before_contains));
    of_changes.extend(holds(&mut ask, "after", &filter.after_contains));
    if !filter.ops.is_empty() {
        let ops: Vec<String> =
            filter.ops.iter().enumerate().map(|(at, op)| ask.value(&format!("op{at}"), op.as_str())).collect();
        of_changes.push(format!("op IN ({})", ops.join(", ")));
    }
    if let Some(page) = after {
        let (time, seq, number) = (
            ask.value("after_us", page.time_us),
            ask.value("after_seq", page.seq),
            ask.value("after_number", page.number),
        );
        let instant = format!("arrow_cast(CAST({time} AS BIGINT), 'Timestamp(Microsecond, Some(\"UTC\"))')");
        of_events.push(format!("(event_time < {instant} OR event_time = {instant} AND _seq <= {seq})"));
        of_changes.push(format!("(event_time < {instant} OR _seq < {seq} OR number > {number})"));
    }
    let event = names(EVENT, hidden).join(", ");
    let of_changes = if of_changes.is_empty() { "true".to_owned() } else { of_changes.join("\n    AND ") };
    ask.sql = format!(
        "SELECT {event}, number, path, op, before, after, CAST(event_time AS BIGINT) AS time_us
FROM (
    SELECT {event}, number, change['path'] AS path, change['op'] AS op, change['before'] AS before, change['after'] AS after
    FROM (
        SELECT {event}, unnest(changes) AS change, unnest(range(0, array_length(changes))) AS number
        FROM events
        WHERE {}
    )
)
WHERE {of_changes}
ORDER BY event_time DESC, _seq DESC, number
LIMIT {limit}",
        of_events.join("\n            AND ")
    );
    ask
}

/// `path` is one of `fields`.
fn fields(ask: &mut Statement, name: &str, fields: &[String]) -> Option<String> {
    let any: Vec<String> = fields
        .iter()
        .enumerate()
        .map(|(at, field)| match field.strip_suffix('*') {
            Some(prefix) => format!("starts_with(path, {})", ask.value(&format!("{name}{at}"), prefix)),
            None => format!("path = {}", ask.value(&format!("{name}{at}"), field.as_str())),
        })
        .collect();
    (!any.is_empty()).then(|| format!("({})", any.join(" OR ")))
}

/// `column` is one of `values`: as JSON, or as a text without its quotes.
fn values(ask: &mut Statement, column: &str, values: &[String]) -> Option<String> {
    let mut any = Vec::new();
    for (at, value) in values.iter().enumerate() {
        any.push(ask.value(&format!("{column}{at}"), value.as_str()));
        any.push(ask.value(&format!("{column}{at}_text"), crate::journal::tree::quoted(value)));
    }
    (!any.is_empty()).then(|| format!("{column} IN ({})", any.join(", ")))
}

/// `column` holds one of `texts`, in any case.
fn holds(ask: &mut Statement, column: &str, texts: &[String]) -> Option<String> {
    let any: Vec<String> = texts
        .iter()
        .enumerate()
        .map(|(at, text)| {
            format!("strpos(lower({column}), lower({})) > 0", ask.value(&format!("{column}_holds{at}"), text.as_str()))
        })
        .collect();
    (!any.is_empty()).then(|| format!("({})", any.join(" OR ")))
}
