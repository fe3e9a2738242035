//! Putting a deleted object back: what would come back, whether it can, and the event and the call that ask for it.
//!
//! The journal does not own the object. It keeps what was deleted, writes down who asked for it back, and calls the
//! product, which does the work.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::moment::Moments;
use super::state::Status;
use super::summary::life_statement;
use super::{Moment, ObjectRef};
use crate::journal::Statement;
use crate::journal::catalog::{self, Restorable};
use crate::journal::changes::{Change, diff};
use crate::journal::lookup::{LookupError, one_place};
use crate::journal::rows::{Reader, Row, text};
use crate::journal::tree::{Node, Object};

/// What the deletion tells that the restore takes over.
const KEPT: [&str; 9] =
    ["tenant_id", "source", "dataset", "module", "submodule", "visibility", "event_timezone", "unit_id", "unit_name"];

/// Whether objects of a type can be restored in a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// They can.
    Restorable,
    /// They cannot, and why.
    Not(String),
}

impl Verdict {
    /// Why not.
    #[must_use]
    pub fn reason(self) -> Option<String> {
        match self {
            Self::Restorable => None,
            Self::Not(reason) => Some(reason),
        }
    }
}

/// What a restore would do.
#[derive(Debug, Serialize)]
pub struct Preview {
    /// Account, shop or school inside the source system.
    pub tenant_id: Value,
    /// The source system.
    pub source: Value,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// Its name when it was deleted.
    pub name: Value,
    /// Whether it can be restored now.
    pub restorable: bool,
    /// Why it cannot.
    pub not_restorable_because: Option<String>,
    /// The event that deleted it.
    pub deleted_by: Option<Row>,
    /// What would come back: the last snapshot, or what its events tell of it.
    pub payload: Option<Node>,
    /// Whether that is all of it.
    pub complete: bool,
    /// Why it may not be.
    pub incomplete_because: Vec<String>,
    /// What the payload would change about what there is now.
    pub changes: Vec<ShownDifference>,
    /// The whole row of the deletion.
    #[serde(skip)]
    deletion: Option<Row>,
}

/// A field that a restore would change.
#[derive(Debug, Serialize)]
pub struct ShownDifference {
    path: String,
    op: crate::journal::changes::Op,
    #[serde(skip_serializing_if = "Option::is_none")]
    before: Option<Node>,
    #[serde(skip_serializing_if = "Option::is_none")]
    after: Option<Node>,
}

impl From<Change> for ShownDifference {
    fn from(change: Change) -> Self {
        Self { path: change.path, op: change.op, before: change.before, after: change.after }
    }
}

/// Who asks for a restore.
#[derive(Debug, Clone)]
pub struct Asker {
    /// Id of the key.
    pub key: String,
    /// Its name.
    pub name: String,
    /// Why, in the asker's words.
    pub reason: Option<String>,
}

/// What is written when a restore is asked for.
#[derive(Debug, Clone, PartialEq)]
pub struct RestoreEvent {
    /// Its id; the same for the same deletion, so that of two that ask at once one is a duplicate.
    pub event_id: String,
    /// The source system.
    pub source: String,
    /// The event as a line of NDJSON.
    pub line: String,
    /// What the product is called with.
    pub call: String,
}

/// Whether objects of a type can be restored in a source, by its catalogue.
#[must_use]
pub fn restorable(source: &str, kind: &str) -> Verdict {
    match catalog::restorable(source, kind) {
        Restorable::Yes => Verdict::Restorable,
        Restorable::No(reason) => Verdict::Not(reason.en.clone()),
        Restorable::Unknown => Verdict::Not(format!(
            "nothing says that `{source}` can restore a `{kind}`: name it in `object_types` of the project's webhook for it"
        )),
    }
}

/// What is asked for the end of an object's life in each source.
#[must_use]
pub fn preview_statement(object: &ObjectRef) -> Statement {
    life_statement(
        object,
        ", actor_name, dataset, module, submodule, visibility, event_timezone, unit_id, unit_name, object_name, \
         related, correlation_id, CAST(event_time AS BIGINT) AS time_us",
    )
}

/// The last event of the object's life.
///
/// # Errors
/// It has none, or several sources have it; the query fails.
pub async fn last_deletion(reader: &Reader<'_>, object: &ObjectRef, ask: &Statement) -> Result<Row, LookupError> {
    let rows = reader.all(ask).await?;
    let last = one_place(&object.reference(), &rows, &["tenant_id", "source"])?;
    last.cloned().ok_or_else(|| LookupError::NoObject { kind: object.kind.clone(), id: object.id.clone() })
}

impl Preview {
    /// Of the last event of the object's life and all its events.
    #[must_use]
    pub fn of(object: &ObjectRef, last: Row, moments: &Moments, verdict: Verdict) -> Self {
        let value = |column: &str| last.get(column).cloned().unwrap_or_default();
        let now = moments.at(i64::MAX);
        let deleted = text(&last, "action") == Some("delete");
        let payload = (deleted && !now.object.is_empty()).then(|| now.object.clone());
        let reason = if !deleted {
            Some(format!("`{}` is not deleted: its last event is {}", object.reference(), told(&last)))
        } else if payload.is_none() {
            Some(format!("no event tells what `{}` was", object.reference()))
        } else {
            verdict.reason()
        };
        let there = if now.status == Status::Deleted { Object::default() } else { now.object };
        let changes = payload.as_ref().map(|payload| diff(&there, payload)).unwrap_or_default();
        Self {
            tenant_id: value("tenant_id"),
            source: value("source"),
            kind: object.kind.clone(),
            id: object.id.clone(),
            name: value("object_name"),
            restorable: reason.is_none(),
            not_restorable_because: reason,
            deleted_by: deleted.then(|| {
                let shown = ["event_id", "event_time", "event_type", "actor_id", "actor_name"];
                shown.iter().map(|column| ((*column).to_owned(), value(column))).collect()
            }),
            payload: payload.map(Node::Object),
            complete: now.whole,
            incomplete_because: now.reasons,
            changes: changes.into_iter().map(Into::into).collect(),
            deletion: deleted.then_some(last),
        }
    }

    /// Id of the event that deleted it; empty where none did.
    #[must_use]
    pub fn deletion_id(&self) -> &str {
        self.deletion.as_ref().and_then(|deletion| text(deletion, "event_id")).unwrap_or_default()
    }

    /// The event and the call of a restore at `now`.
    ///
    /// # Errors
    /// It cannot be restored, and why.
    pub fn restore(&self, project: &str, asker: &Asker, now: &Moment) -> Result<RestoreEvent, LookupError> {
        if let Some(reason) = &self.not_restorable_because {
            return Err(LookupError::NotRestorable(reason.clone()));
        }
        let (Some(deletion), Some(payload)) = (&self.deletion, &self.payload) else {
            return Err(LookupError::NotRestorable("no event deleted it".into()));
        };
        let deleted_by = text(deletion, "event_id").unwrap_or_default();
        let event_id = format!("restore-{deleted_by}");
        let mut event: Map<String, Value> = KEPT
            .iter()
            .filter_map(|column| {
                Some(((*column).to_owned(), deletion.get(*column).filter(|value| !value.is_null())?.clone()))
            })
            .collect();
        let related = deletion.get("related").filter(|related| related.is_array());
        let correlation = text(deletion, "correlation_id").unwrap_or(deleted_by);
        let more = json!({
            "event_id": event_id,
            "event_time": now.text,
            "event_type": format!("{}.restored", self.kind),
            "action": "restore",
            "actor_type": "api_key",
            "actor_id": asker.key,
            "actor_name": asker.name,
            "credential_type": "api_key",
            "credential_id": asker.name,
            "channel": "api",
            "object_type": self.kind,
            "object_id": self.id,
            "object_name": self.name,
            "message": asker.reason,
            "causation_id": deleted_by,
            "correlation_id": correlation,
            "related": related,
        });
        event.extend(
            more.as_object()
                .into_iter()
                .flatten()
                .filter(|(_, value)| !value.is_null())
                .map(|(k, v)| (k.clone(), v.clone())),
        );
        let call = json!({
            "type": "restore",
            "project": project,
            "event_id": event_id,
            "requested_at": now.text,
            "requested_by": {"key": asker.key, "name": asker.name},
            "reason": asker.reason,
            "tenant_id": self.tenant_id,
            "source": self.source,
            "object": {"type": self.kind, "id": self.id, "name": self.name},
            "deleted_by_event_id": deleted_by,
            "complete": self.complete,
        });
        let source = text(deletion, "source").unwrap_or_default().to_owned();
        let payload = payload.text();
        let (line, call) =
            (with_last(&Value::Object(event), "object_after", &payload), with_last(&call, "payload", &payload));
        Ok(RestoreEvent { event_id, source, line, call })
    }
}

/// An object's JSON text with one more member, whose text is taken as it is: every digit of it counts.
fn with_last(object: &Value, key: &str, text: &str) -> String {
    let mut line = object.to_string();
    line.pop();
    format!("{line},\"{key}\":{text}}}")
}

fn told(row: &Row) -> String {
    let part = |column| text(row, column).unwrap_or("-").to_owned();
    format!("{} ({}) of {}", part("event_id"), part("action"), part("event_time"))
}
