//! What the server does by itself: it starts, with which settings, after what; it stops.

use std::sync::Arc;

use serde_json::{Value, json};

use super::event::AuditEvent;
use super::memory::{Previous, Settings, hash_of};
use crate::access::{KeyId, Scope};
use crate::engine::recover::Recovered;
use crate::engine::{EngineError, Inner};

const MODULE: &str = "lifecycle";

impl Inner {
    /// Records a start; where the log has no room for it now, it is written when there is.
    pub(in crate::engine) async fn record_start(
        self: &Arc<Self>,
        recovered: &Recovered,
        first_key: Option<KeyId>,
    ) -> Result<(), EngineError> {
        let before = self.audit.memory.begin(&self.shared.config)?;
        let settings = self.audit.memory.settings();
        let previous = self.audit.memory.previous;
        let event = AuditEvent::new(MODULE, "server.start", "start")
            .by_the_server()
            .with("outcome", "success")
            .attribute("version", env!("CARGO_PKG_VERSION"))
            .attribute("pid", std::process::id())
            .attribute("previous_run", previous.as_str())
            .attribute("settings_hash", hash_of(&settings))
            .attribute("replayed_batches", recovered.frames)
            .attribute("replayed_events", recovered.rows)
            .attribute("torn_write_cut", recovered.cut);
        let mut events = vec![event];
        let changes = changes(&before, &settings);
        if previous != Previous::None && !changes.is_empty() {
            let event = AuditEvent::new(MODULE, "server.settings_changed", "update").by_the_server();
            events.push(event.with("outcome", "success").with("changes", Value::Array(changes)));
        }
        events.extend(first_key.map(|key| {
            let scopes = json!([Scope::Admin.as_str()]);
            let event = AuditEvent::new("keys", "key.create", "create").by_the_server();
            let event = event.with("outcome", "success").with("object_type", "key").with("object_id", key.as_str());
            event
                .with("message", "no admin key was valid")
                .with("object_after", json!({"id": key.as_str(), "scopes": scopes}))
        }));
        for event in events {
            self.record_or_queue(event).await;
        }
        Ok(())
    }

    /// Writes everything that waits, and the stop; what cannot be written is told in the log of the process.
    pub(in crate::engine) async fn record_stop(self: &Arc<Self>) -> Result<(), EngineError> {
        let event = AuditEvent::new(MODULE, "server.stop", "stop").by_the_server().with("outcome", "success");
        let written = match self.write_audit(true).await {
            Ok(()) => self.append_audit(event.line()).await,
            Err(error) => Err(error),
        };
        match written {
            Ok(()) => self.audit.memory.stopped(),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "the end of the audit journal cannot be written");
                Ok(())
            }
        }
    }
}

impl AuditEvent {
    /// Says that the server did it.
    pub(in crate::engine) fn by_the_server(self) -> Self {
        self.with("actor_type", "system").with("channel", "system")
    }
}

impl Previous {
    fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Stopped => "stopped",
            Self::Crashed => "crashed",
        }
    }
}

/// Settings that differ, in the model's form of changes.
fn changes(before: &Settings, after: &Settings) -> Vec<Value> {
    let gone = before.keys().filter(|name| !after.contains_key(*name));
    let names = after.keys().chain(gone).filter(|name| before.get(*name) != after.get(*name));
    names
        .map(|name| match (before.get(name), after.get(name)) {
            (Some(before), Some(after)) => json!({"path": name, "op": "replace", "before": before, "after": after}),
            (None, Some(after)) => json!({"path": name, "op": "add", "after": after}),
            (before, None) => json!({"path": name, "op": "remove", "before": before}),
        })
        .collect()
}
