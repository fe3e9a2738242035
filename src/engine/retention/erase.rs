//! The way of one erasure, stage by stage. Each stage may be done again: a crash, a stop or a failure goes on with
//! the stage at which it was.

use std::sync::Arc;

use thiserror::Error;

use super::instant;
use crate::engine::audit::AuditEvent;
use crate::engine::{AppendError, EngineError, Inner};
use crate::error::Report;
use crate::retention::{Erasure, RetentionError, Stage, Subject};

/// Why an erasure does not go on now.
#[derive(Debug, Error)]
pub(super) enum Halt {
    #[error(transparent)]
    Engine(#[from] EngineError),
    #[error(transparent)]
    Append(#[from] AppendError),
    /// It is tried again by itself.
    #[error("{0}")]
    Waits(String),
    /// The server stops, or the erasure was canceled.
    #[error("stopped")]
    Stopped,
}

impl From<crate::table::TableError> for Halt {
    fn from(error: crate::table::TableError) -> Self {
        Self::Engine(error.into())
    }
}

impl From<RetentionError> for Halt {
    fn from(error: RetentionError) -> Self {
        Self::Engine(error.into())
    }
}

impl Inner {
    /// Takes each erasure as far as it goes, the oldest first.
    pub(super) async fn erase_due(self: &Arc<Self>) -> Result<(), EngineError> {
        let mut failed = Ok(());
        for erasure in self.retention.erasures.due() {
            if self.shared.ending.is_cancelled() {
                break;
            }
            let problem = match self.erase(&erasure.id).await {
                Ok(()) | Err(Halt::Stopped) => continue,
                Err(Halt::Waits(why)) => why,
                Err(Halt::Append(error)) => error.to_string(),
                Err(Halt::Engine(EngineError::Retention(RetentionError::Ended(_)))) => continue,
                Err(Halt::Engine(error @ EngineError::UnknownProject(_))) => error.to_string(),
                Err(Halt::Engine(error)) => {
                    tracing::error!(
                        id = erasure.id,
                        code = error.code(),
                        error = &error as &dyn std::error::Error,
                        "an erasure cannot go on; it is tried again"
                    );
                    let text = error.to_string();
                    failed = Err(error);
                    text
                }
            };
            match self.retention.erasures.update(&erasure.id, |erasure| erasure.problem = Some(problem)) {
                Ok(_) | Err(EngineError::Retention(RetentionError::Ended(_))) => {}
                Err(error) => failed = Err(error),
            }
        }
        failed
    }

    /// Takes one erasure to its end.
    async fn erase(self: &Arc<Self>, id: &str) -> Result<(), Halt> {
        loop {
            let erasure = self.retention.erasures.get(id)?;
            let Some(subject) = erasure.subject.clone() else { return Ok(()) };
            if self.shared.ending.is_cancelled() {
                return Err(Halt::Stopped);
            }
            self.retention.erasures.show(&self.jobs, &erasure)?;
            let next = match erasure.stage {
                Stage::Pending => {
                    self.check_holds(&erasure)?;
                    Stage::Places
                }
                Stage::Places => {
                    self.erase_places(&erasure, &subject).await?;
                    Stage::Rows
                }
                Stage::Rows => {
                    self.erase_rows(&erasure, &subject).await?;
                    self.append_audit(step(&erasure, "erasure.rows_removed").line()).await?;
                    Stage::Log
                }
                Stage::Log => {
                    self.renew_log(&erasure).await?;
                    Stage::Remains
                }
                Stage::Remains => {
                    self.erase_remains(&erasure, &subject).await?;
                    Stage::Files
                }
                Stage::Files => {
                    self.purge_tables(&erasure).await?;
                    Stage::Proof
                }
                Stage::Proof => return self.prove(&erasure, &subject).await,
                Stage::Done | Stage::Canceled => return Ok(()),
            };
            self.retention.erasures.update(id, |erasure| (erasure.stage, erasure.problem) = (next, None))?;
        }
    }

    /// A hold of all events also holds what lies beside them.
    fn check_holds(&self, erasure: &Erasure) -> Result<(), Halt> {
        let holds = self.retention.in_force(&erasure.project);
        match holds.iter().find(|hold| hold.is_whole()) {
            Some(hold) => Err(Halt::Waits(format!("all events are under the legal hold {}", hold.id))),
            None => Ok(()),
        }
    }

    /// Looks through everything once more, and ends the erasure.
    async fn prove(self: &Arc<Self>, erasure: &Erasure, subject: &Subject) -> Result<(), Halt> {
        let proof = self.proof(erasure, subject).await?;
        let counts = &erasure.counts;
        let event = step(erasure, "erasure.done").with("outcome", "success");
        let event = event.attribute("events", counts.rows).attribute("blanked", counts.blanked);
        let event = event.attribute("audit_blanked", counts.audit_blanked).attribute("files", counts.files);
        let event = event.attribute("dead_letters", counts.dead_letters).attribute("exports", counts.exports);
        let event = event.attribute("attachments", counts.attachments).attribute("events_held", proof.rows_left);
        self.append_audit(event.attribute("still_found_in", proof.found_in.len()).line()).await?;
        let ended = self.retention.erasures.update(&erasure.id, |erasure| {
            erasure.proof = Some(proof);
            erasure.end(Stage::Done, instant());
        })?;
        self.retention.erasures.finish(&ended);
        self.shared.counters.erased(&erasure.project, counts.rows, counts.blanked);
        Ok(())
    }
}

/// An event of the audit journal about an erasure: who, why, whose by its hash.
pub(super) fn step(erasure: &Erasure, event_type: &str) -> AuditEvent {
    let event = AuditEvent::new("retention", event_type, "delete").by_the_server();
    let event = event.with("tenant_id", erasure.project.as_str()).with("object_type", "erasure");
    let event = event.with("object_id", erasure.id.clone()).with("message", erasure.reason.clone());
    let event = event.attribute("asked_by", erasure.by.clone()).attribute("column", erasure.column.clone());
    event.attribute("value_hash", erasure.value_hash.clone())
}
