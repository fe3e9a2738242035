//! What the server does by itself: it starts, with which settings, after what; it stops; old days of
//! the journal go.

use std::sync::Arc;

use serde_json::{Value, json};

use super::event::AuditEvent;
use super::memory::{Previous, Settings, hash_of};
use crate::access::{KeyId, Scope};
use crate::engine::recover::Recovered;
use crate::engine::{EngineError, Inner, Removed, now_us};
use crate::event::columns::DAY_US;
use crate::event::names::ProjectName;

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

    /// Drops the days of the journal that are older than its retention.
    pub(in crate::engine) async fn expire_audit(self: &Arc<Self>) -> Result<(), EngineError> {
        let name = ProjectName::audit();
        let project = self.projects.get(&name).ok_or(EngineError::UnknownProject(name))?;
        let keep = i64::try_from(self.shared.config.audit.retention.0.as_micros()).unwrap_or(i64::MAX);
        let first_kept = now_us().saturating_sub(keep).div_euclid(DAY_US);
        let first_kept = i32::try_from(first_kept).unwrap_or(i32::MIN);
        if project.snapshot_version().files.iter().any(|file| file.date < first_kept) {
            project.ledger.removing(Removed::Retained)?;
        }
        let swap = |version| project.swap_smaller(version, Removed::Retained);
        let report = project.table.expire(first_kept, swap).await?;
        // Also where no compaction is scheduled, which does it otherwise.
        project.table.vacuum(self.shared.config.compaction.keep_replaced.0).await?;
        if report.files > 0 {
            let event = AuditEvent::new(MODULE, "audit.expired", "delete").by_the_server();
            let event = event.with("outcome", "success").with("object_type", "project");
            let event = event.with("object_id", ProjectName::AUDIT).attribute("days", report.days);
            self.record_or_queue(event.attribute("files", report.files).attribute("events", report.rows)).await;
        }
        Ok(())
    }
}

impl AuditEvent {
    fn by_the_server(self) -> Self {
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
