//! What is known of an object at a glance.

use serde::Serialize;
use serde_json::{Value, json};

use super::restore::Verdict;
use super::{LIFE, ObjectRef};
use crate::journal::Statement;
use crate::journal::lookup::LookupError;
use crate::journal::rows::{Reader, Row, int, text};

/// Most names that are told.
const NAMES_MAX: usize = 200;

/// An object at a glance.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Summary {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Events that name it, its own among them.
    pub events: i64,
    /// Time of the first of them.
    #[schema(value_type = Option<String>)]
    pub first_event_at: Value,
    /// Time of the last of them.
    #[schema(value_type = Option<String>)]
    pub last_event_at: Value,
    /// The source systems that tell of it.
    pub sources: Vec<SourceSummary>,
    /// The names that it had, each with the first and the last event that has it.
    #[schema(value_type = Vec<Object>)]
    pub names: Vec<Row>,
}

/// What one source tells of an object.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct SourceSummary {
    /// Account, shop or school inside the source system.
    #[schema(value_type = Option<String>)]
    pub tenant_id: Value,
    /// The source system.
    #[schema(value_type = Option<String>)]
    pub source: Value,
    /// Its last name.
    #[schema(value_type = Option<String>)]
    pub name: Value,
    /// Events that name it.
    pub events: i64,
    /// Events whose object it is.
    pub own_events: i64,
    /// Events by module.
    #[schema(value_type = Vec<String>)]
    pub modules: Value,
    /// First and last event that names it.
    #[schema(value_type = Object)]
    pub first_event: Value,
    /// See `first_event`.
    #[schema(value_type = Object)]
    pub last_event: Value,
    /// Whether it is deleted now; absent where no event tells of its life.
    pub deleted: Option<bool>,
    /// The event that deleted it.
    #[schema(value_type = Option<Object>)]
    pub deleted_by: Value,
    /// Whether it can be restored; absent where it is not deleted.
    pub restorable: Option<bool>,
    /// Why it cannot be restored.
    pub not_restorable_because: Option<String>,
}

/// What is asked first: what each source tells.
#[must_use]
pub fn statement(object: &ObjectRef) -> Statement {
    let mut ask = Statement::default();
    let named = object.named_in(&mut ask);
    let (kind, id) = (ask.value("type", object.kind.as_str()), ask.value("id", object.id.as_str()));
    let own = format!("object_type = {kind} AND object_id = {id}");
    ask.sql = format!(
        "SELECT
    tenant_id,
    source,
    count(*) AS events,
    count(*) FILTER (WHERE {own}) AS own_events,
    last_value(object_name ORDER BY event_time, sequence, _seq) FILTER (WHERE {own} AND object_name IS NOT NULL) AS name,
    array_agg(DISTINCT module) AS modules,
    min(event_time) AS first_event_at,
    first_value(event_id ORDER BY event_time, sequence, _seq) AS first_event_id,
    first_value(event_type ORDER BY event_time, sequence, _seq) AS first_event_type,
    max(event_time) AS last_event_at,
    last_value(event_id ORDER BY event_time, sequence, _seq) AS last_event_id,
    last_value(event_type ORDER BY event_time, sequence, _seq) AS last_event_type
FROM events
WHERE {named}
GROUP BY tenant_id, source
ORDER BY tenant_id, source"
    );
    ask
}

fn names_statement(object: &ObjectRef) -> Statement {
    let mut ask = Statement::default();
    let own = object.own(&mut ask);
    ask.sql = format!(
        "SELECT tenant_id, source, object_name AS name, min(event_time) AS first_seen, max(event_time) AS last_seen, count(*) AS events
FROM events
WHERE {own} AND object_name IS NOT NULL
GROUP BY tenant_id, source, object_name
ORDER BY first_seen, name
LIMIT {NAMES_MAX}"
    );
    ask
}

/// The last event of its life in each source.
pub(super) fn life_statement(object: &ObjectRef, more: &str) -> Statement {
    let mut ask = Statement::default();
    let own = object.own(&mut ask);
    ask.sql = format!(
        "SELECT * FROM (
    SELECT
        tenant_id, source, event_id, event_time, event_type, action, actor_id{more},
        row_number() OVER (PARTITION BY tenant_id, source ORDER BY event_time DESC, sequence DESC, _seq DESC) AS newest
    FROM events
    WHERE {own} AND {LIFE}
)
WHERE newest = 1
ORDER BY tenant_id, source"
    );
    ask
}

/// The object at a glance; `verdict` says of a source and a type whether it can be restored.
///
/// # Errors
/// No event names it; the query fails.
pub async fn summary(
    reader: &Reader<'_>,
    object: &ObjectRef,
    verdict: &(dyn Fn(&str, &str) -> Verdict + Sync),
) -> Result<Summary, LookupError> {
    let sources = reader.all(&statement(object)).await?;
    if sources.is_empty() {
        return Err(LookupError::NoObject { kind: object.kind.clone(), id: object.id.clone() });
    }
    let names = reader.all(&names_statement(object)).await?;
    let lives = reader.all(&life_statement(object, "")).await?;
    let times =
        |column: &str| sources.iter().filter_map(|row| text(row, column)).map(str::to_owned).collect::<Vec<_>>();
    let (first, last) = (times("first_event_at").into_iter().min(), times("last_event_at").into_iter().max());
    Ok(Summary {
        kind: object.kind.clone(),
        id: object.id.clone(),
        events: sources.iter().filter_map(|row| int(row, "events")).sum(),
        first_event_at: first.into(),
        last_event_at: last.into(),
        sources: sources.iter().map(|row| one_source(object, row, &lives, verdict)).collect(),
        names,
    })
}

fn one_source(
    object: &ObjectRef,
    row: &Row,
    lives: &[Row],
    verdict: &(dyn Fn(&str, &str) -> Verdict + Sync),
) -> SourceSummary {
    let same = |life: &&Row| ["tenant_id", "source"].iter().all(|column| life.get(*column) == row.get(*column));
    let life = lives.iter().find(same);
    let deleted = life.map(|life| text(life, "action") == Some("delete"));
    let verdict = (deleted == Some(true)).then(|| verdict(text(row, "source").unwrap_or_default(), &object.kind));
    let value = |column: &str| row.get(column).cloned().unwrap_or_default();
    let event = |which: &str| {
        json!({
            "event_id": value(&format!("{which}_event_id")),
            "event_time": value(&format!("{which}_event_at")),
            "event_type": value(&format!("{which}_event_type")),
        })
    };
    let deleted_by = life.filter(|_| deleted == Some(true)).map(|life| {
        json!({"event_id": life.get("event_id"), "event_time": life.get("event_time"), "actor_id": life.get("actor_id")})
    });
    SourceSummary {
        tenant_id: value("tenant_id"),
        source: value("source"),
        name: value("name"),
        events: int(row, "events").unwrap_or(0),
        own_events: int(row, "own_events").unwrap_or(0),
        modules: value("modules"),
        first_event: event("first"),
        last_event: event("last"),
        deleted,
        deleted_by: deleted_by.unwrap_or_default(),
        restorable: verdict.as_ref().map(|verdict| matches!(verdict, Verdict::Restorable)),
        not_restorable_because: verdict.and_then(Verdict::reason),
    }
}
