//! The audit journal: who reads and who operates, as events of the reserved project `_audit`.
//!
//! An ordinary table behind the same log. What may enter it when:
//!
//! ```text
//! denials, admin calls, reads of `_audit` ─▶ Engine::record ─▶ log ─▶ then the answer
//! queries, ingest, use of keys, failed logins ─▶ counts under a lock ─▶ job, each second or minute ─▶ log
//! ```
//!
//! # Invariants
//! * An event of the first kind is on disk before its request is answered, or the request fails.
//! * Every request of the second kind is counted in exactly one event; a crash loses one interval.
//! * The number of events of an interval is bounded, whatever is asked (`groups`, `rollups`, `refusals`).
//! * No value of a statement or of its parameters is stored, no secret, no body (`statement`).
//! * The journal has memory and room in the log that ingest cannot take (`[audit] reserve`).

mod event;
mod groups;
mod journal;
mod lifecycle;
mod memory;
mod refusals;
mod rollups;
mod statement;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use futures::FutureExt;
use thiserror::Error;
use tokio::sync::Notify;

pub(crate) use event::nanos;
pub use event::{Actor, AuditEvent, Origin};
pub use groups::{QueryCost, QueryEnd};
pub use refusals::RefusalKind;
pub use rollups::Received;
pub use statement::Asked;

use super::{AppendError, Engine, EngineError, Inner};
use crate::config;
use crate::error::{Kind, Report};
use crate::event::names::ProjectName;
use groups::Alike;
use journal::Journal;
use memory::Memory;
use rollups::Party;
use statement::Statement;

/// What cannot be recorded is not done, or not answered.
#[derive(Debug, Error)]
#[error("the call cannot be recorded in the audit journal")]
pub struct AuditError(#[source] AppendError);

impl Report for AuditError {
    fn kind(&self) -> Kind {
        Kind::Unavailable
    }

    fn code(&self) -> &'static str {
        "audit_unavailable"
    }

    fn hint(&self) -> Option<String> {
        Some("look at /readyz: the write-ahead log needs room; events of the call that were recorded say how far it came".into())
    }
}

/// The journal of one engine.
pub(super) struct Audit {
    journal: Journal,
    memory: Memory,
}

impl Audit {
    pub(super) fn open(path: &Path, settings: &config::Audit) -> Result<Self, EngineError> {
        Ok(Self { journal: Journal::new(settings), memory: Memory::open(path)? })
    }

    /// Hash of a value that the journal may have: under the secret of the data directory.
    pub(super) fn hash_of_value(&self, value: &str) -> String {
        self.memory.key.hash(value.as_bytes())
    }
}

/// Starts the job: what waits is written.
pub(super) fn start(engine: &Arc<Inner>) {
    let due = Arc::clone(engine);
    engine.tasks.start("audit", engine.audit.journal.look_every(), Arc::new(Notify::new()), move || {
        let engine = Arc::clone(&due);
        async move { engine.write_audit(false).await.map_err(|error| error.to_string()) }.boxed()
    });
}

impl Inner {
    /// Writes what is due, or everything; what cannot be written stays, and nothing more is taken.
    pub(super) async fn write_audit(self: &Arc<Self>, last: bool) -> Result<(), AppendError> {
        let mut unsent = self.audit.journal.unsent.lock().await;
        loop {
            if unsent.is_empty() {
                unsent.extend(self.audit.journal.take_due(last));
            }
            let Some(batch) = unsent.front() else { return Ok(()) };
            self.append_audit(batch.clone()).await?;
            unsent.pop_front();
        }
    }

    /// What may be kept of a question.
    fn statement(&self, asked: Asked<'_>) -> Statement {
        let config = &self.shared.config;
        let (sql_max, text_max) = (config.query.sql_max.as_usize(), config.audit.statement_max.as_usize());
        Statement::of(asked, &self.audit.memory.key, sql_max, text_max)
    }

    /// Records at once, or as soon as that is possible.
    pub(super) async fn record_or_queue(self: &Arc<Self>, event: AuditEvent) {
        if let Err(error) = self.append_audit(event.clone().line()).await {
            let error = &error as &dyn std::error::Error;
            if self.audit.journal.queue(event) {
                tracing::warn!(error, "an audit event cannot be written now; it is tried again");
            } else {
                tracing::error!(error, "an audit event cannot be written");
            }
        }
    }
}

/// A question that was answered, or not.
#[derive(Debug)]
pub struct QueryCall<'a> {
    /// Who asked.
    pub origin: &'a Origin,
    /// What was asked.
    pub asked: Asked<'a>,
    /// What the caller calls the query.
    pub id: Option<String>,
    /// How it ended.
    pub end: QueryEnd,
    /// What it took and gave.
    pub cost: QueryCost,
}

impl Engine {
    /// Records an event; it is on disk when this returns.
    ///
    /// # Errors
    /// It cannot be stored: what it is about must not be done, or not be answered.
    pub async fn record(&self, event: AuditEvent) -> Result<(), AuditError> {
        self.0.append_audit(event.line()).await.map_err(AuditError)
    }

    /// Records an event soon; for what cannot wait for the disk.
    pub fn record_later(&self, event: AuditEvent) {
        if !self.0.audit.journal.queue(event) {
            tracing::error!("an audit event cannot be written: too many wait already");
        }
    }

    /// Records a refusal: at once where `durable`, else soon; beyond the limits of its kind as a count.
    ///
    /// A refusal that cannot be stored now is stored as soon as it can: the request is refused anyway.
    pub async fn record_refusal(
        &self,
        origin: &Origin,
        kind: RefusalKind,
        durable: bool,
        event: impl FnOnce() -> AuditEvent + Send,
    ) {
        if !self.0.audit.journal.admits_refusal(origin, kind) {
            return;
        }
        if durable {
            self.0.record_or_queue(event()).await;
        } else {
            self.record_later(event());
        }
    }

    /// Counts a query.
    pub fn count_query(&self, call: QueryCall<'_>) {
        let statement = self.0.statement(call.asked);
        let named = match call.asked {
            Asked::Named(name, _) => Some(name.to_owned()),
            Asked::Sql(..) => None,
        };
        let alike = Alike { origin: call.origin.clone(), named, statement: statement.id.clone(), end: call.end };
        self.0.audit.journal.query(alike, statement, call.id, &call.cost);
    }

    /// Adds what was asked to an event, as far as it may be kept.
    #[must_use]
    pub fn describe_asked(&self, event: AuditEvent, asked: Asked<'_>) -> AuditEvent {
        let statement = self.0.statement(asked);
        let parameters = statement.parameters.clone();
        let event = statement.describe(event).attribute("parameters", parameters.map(|hash| vec![hash]));
        match asked {
            Asked::Named(name, _) => event.with("object_name", name),
            Asked::Sql(..) => event,
        }
    }

    /// Counts a request of a valid key from `source` that is about `project`, and what it sent.
    pub fn count_request(
        &self,
        actor: &Actor,
        project: Option<&ProjectName>,
        source: Option<IpAddr>,
        failed: bool,
        received: Option<&Received>,
    ) {
        let party = Party { actor: actor.clone(), project: project.cloned(), source };
        self.0.audit.journal.request(party, failed, received);
    }
}

#[cfg(test)]
mod tests;
