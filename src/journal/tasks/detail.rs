//! Who started tasks, and what belongs to one.

use serde_json::{Value, json};

use crate::journal::Statement;
use crate::journal::lookup::{LookupError, Narrow};
use crate::journal::rows::{Reader, Row, text};

/// What is told of the event that started a task; what may be hidden is left out where it is.
const STARTER: [&str; 14] = [
    "event_id",
    "event_time",
    "event_type",
    "actor_type",
    "actor_id",
    "actor_name",
    "actor_email",
    "credential_id",
    "channel",
    "client_address",
    "http_method",
    "url",
    "http_status",
    "message",
];

/// Most events that are told of one task.
pub const EVENTS_MAX: usize = 1_000;

fn visible<'c>(columns: &'c [&'c str], hidden: &[String]) -> Vec<&'c str> {
    columns.iter().filter(|column| !hidden.iter().any(|hidden| hidden == *column)).copied().collect()
}

/// Adds `started_by` to each task: the event that its reports name as their cause, else the one that shares their
/// correlation and is no report itself, else who stands in its first report.
///
/// # Errors
/// As the query's.
pub(crate) async fn add_starters(reader: &Reader<'_>, tasks: &mut [Row], hidden: &[String]) -> Result<(), LookupError> {
    let ids = |column: &str| -> Vec<Value> {
        let mut ids: Vec<&str> = tasks.iter().filter_map(|task| text(task, column)).collect();
        ids.sort_unstable();
        ids.dedup();
        ids.into_iter().map(Value::from).collect()
    };
    let causes = by(reader, "event_id", ids("causation_id"), hidden).await?;
    let open = |task: &&Row| cause(task, &causes).is_none();
    let mut correlations: Vec<&str> = tasks
        .iter()
        .filter(open)
        .flat_map(|task| [text(task, "correlation_id"), text(task, "task_id")])
        .flatten()
        .collect();
    correlations.sort_unstable();
    correlations.dedup();
    let related = by(reader, "correlation_id", correlations.into_iter().map(Value::from).collect(), hidden).await?;
    for task in tasks {
        let found = cause(task, &causes).map(|row| ("causation_id", row)).or_else(|| {
            let same = |row: &&Row| {
                let of = text(row, "correlation_id");
                of.is_some() && [text(task, "correlation_id"), text(task, "task_id")].contains(&of)
            };
            related.iter().find(|row| alike(row, task) && same(row)).map(|row| ("correlation_id", row))
        });
        let started_by = match found {
            Some((known_by, row)) => shown(row, known_by),
            None => own(task),
        };
        task.insert("started_by".into(), started_by);
    }
    Ok(())
}

fn alike(row: &Row, task: &Row) -> bool {
    ["tenant_id", "source"].iter().all(|column| row.get(*column) == task.get(*column))
}

fn cause<'r>(task: &Row, causes: &'r [Row]) -> Option<&'r Row> {
    let id = text(task, "causation_id")?;
    causes.iter().find(|row| text(row, "event_id") == Some(id) && alike(row, task))
}

fn shown(row: &Row, known_by: &str) -> Value {
    let mut shown: Row = row
        .iter()
        .filter(|(column, value)| STARTER.contains(&column.as_str()) && !value.is_null())
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect();
    shown.insert("known_by".into(), known_by.into());
    Value::Object(shown)
}

/// Who stands in the first report.
fn own(task: &Row) -> Value {
    let columns = ["actor_type", "actor_id", "actor_name", "actor_email"];
    let actor: Row = columns
        .iter()
        .filter_map(|column| Some(((*column).to_owned(), task.get(*column).filter(|value| !value.is_null())?.clone())))
        .collect();
    if actor.is_empty() {
        return Value::Null;
    }
    let mut shown = actor;
    shown.insert("event_id".into(), task.get("first_event_id").cloned().unwrap_or_default());
    shown.insert("known_by".into(), json!("first_report"));
    Value::Object(shown)
}

/// Events that are no reports and whose `column` is one of `ids`, the oldest first.
async fn by(reader: &Reader<'_>, column: &str, ids: Vec<Value>, hidden: &[String]) -> Result<Vec<Row>, LookupError> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut ask = Statement::default();
    let names: Vec<String> = ids.into_iter().enumerate().map(|(at, id)| ask.value(&format!("id{at}"), id)).collect();
    let mut columns = vec!["tenant_id", "source", "correlation_id"];
    columns.extend(visible(&STARTER, hidden));
    ask.sql = format!(
        "SELECT {}\nFROM events\nWHERE {column} IN ({}) AND task_id IS NULL\nORDER BY event_time, _seq\nLIMIT {}",
        columns.join(", "),
        names.join(", "),
        10 * EVENTS_MAX
    );
    reader.all(&ask).await
}

/// What is asked for the reports of a task, in order.
#[must_use]
pub fn timeline_statement(id: &str, narrow: &Narrow, columns: &str) -> Statement {
    let mut ask = Statement::default();
    let id = ask.value("id", id);
    let narrow = narrow.condition(&mut ask);
    ask.sql = format!(
        "SELECT {columns}\nFROM events\nWHERE task_id = {id}{narrow}\nORDER BY event_time, sequence, _seq\nLIMIT {}",
        EVENTS_MAX + 1
    );
    ask
}

/// What is asked for the events that belong to a task and are none of its reports: its cause, what shares its
/// correlation, what it caused.
#[must_use]
pub fn related_statement(task: &Row, columns: &str) -> Statement {
    let mut ask = Statement::default();
    let mut value = |name: &str, column: &str| ask.value(name, task.get(column).cloned().unwrap_or_default());
    let (tenant, source, id) = (value("tenant", "tenant_id"), value("source", "source"), value("id", "task_id"));
    let (cause, correlation) = (value("cause", "causation_id"), value("correlation", "correlation_id"));
    ask.sql = format!(
        "SELECT {columns}
FROM events
WHERE tenant_id = {tenant} AND source = {source} AND (task_id IS DISTINCT FROM {id})
    AND (event_id = CAST({cause} AS VARCHAR) OR correlation_id = {id} OR correlation_id = CAST({correlation} AS VARCHAR)
        OR causation_id IN (SELECT event_id FROM events WHERE tenant_id = {tenant} AND source = {source} AND task_id = {id}))
ORDER BY event_time, sequence, _seq
LIMIT {}",
        EVENTS_MAX + 1
    );
    ask
}
