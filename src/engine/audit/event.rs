//! An event of the audit journal, in the words of the event model.

use std::net::IpAddr;
use std::sync::Arc;

use serde_json::{Map, Value};

use crate::access::KeyId;
use crate::engine::now_us;
use crate::event::names::ProjectName;

/// `dataset` of all events of the journal.
const DATASET: &str = "audit";

/// A key that did something.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Actor {
    /// Public id.
    pub key: KeyId,
    /// Its name at the time.
    pub name: Arc<str>,
}

/// Who did something, where, and from where.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Origin {
    /// The key; `None` where none is known.
    pub actor: Option<Actor>,
    /// The project that it is about; `None` for the server as a whole.
    pub project: Option<ProjectName>,
    /// The other end of the connection.
    pub source: Option<IpAddr>,
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// The route as the OpenAPI document has it; empty where there is none.
    pub route: Arc<str>,
}

/// One event of the journal; a column that is not set is NULL.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditEvent {
    columns: Map<String, Value>,
    attributes: Map<String, Value>,
}

impl AuditEvent {
    /// An event that happens now.
    #[must_use]
    pub fn new(module: &str, event_type: &str, action: &str) -> Self {
        let event = Self { columns: Map::new(), attributes: Map::new() };
        let event = event.with("event_time", now_us()).with("dataset", DATASET).with("module", module);
        event.with("event_type", event_type).with("action", action)
    }

    /// Sets a column of the model; NULL and an empty text leave it as it is.
    #[must_use]
    pub fn with(mut self, column: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if !value.is_null() && value.as_str() != Some("") {
            self.columns.insert(column.to_owned(), value);
        }
        self
    }

    /// Sets a member of `attributes`; NULL leaves it out.
    #[must_use]
    pub fn attribute(mut self, name: &str, value: impl Into<Value>) -> Self {
        let value = value.into();
        if !value.is_null() {
            self.attributes.insert(name.to_owned(), value);
        }
        self
    }

    /// Says who did it, where, and from where.
    #[must_use]
    pub fn from_origin(self, origin: &Origin) -> Self {
        let event = match &origin.actor {
            Some(actor) => self
                .with("actor_type", "api_key")
                .with("actor_id", actor.key.as_str())
                .with("actor_name", &*actor.name)
                .with("credential_type", "api_key")
                .with("credential_id", actor.key.as_str()),
            None => self,
        };
        event
            .with("tenant_id", origin.project.as_ref().map(ProjectName::as_str))
            .with("client_address", origin.source.map(|address| address.to_string()))
            .with("channel", if origin.method.is_empty() { None } else { Some("api") })
            .with("http_method", origin.method)
            .with("http_route", &*origin.route)
    }

    /// The event as a line of NDJSON.
    pub(in crate::engine) fn line(mut self) -> Vec<u8> {
        if !self.attributes.is_empty() {
            self.columns.insert("attributes".into(), Value::Object(self.attributes));
        }
        let mut line = Value::Object(self.columns).to_string().into_bytes();
        line.push(b'\n');
        line
    }
}

/// Seconds are too coarse and floats inexact: a length of time in ns, as the model has it.
pub(crate) fn nanos(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
