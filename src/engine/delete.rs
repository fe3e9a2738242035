//! Deleting a project: first nobody can reach it, then it is noted, then its data goes.
//!
//! ```text
//! closed (no more events) ─▶ out of the list ─▶ keys revoked ─▶ log drained ─▶ noted ─▶ files removed
//! ```
//!
//! A crash before the note leaves the project as it was, with its keys revoked; one after it is made
//! good at the next start. The text of its events stays in segments of the log until they are used again.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::deletions::Deletion;
use super::project::Project;
use super::{EngineError, Inner, now_s, now_us};
use crate::config::Quota;
use crate::event::names::ProjectName;

/// Longest wait for batches of the project that are on their way to the disk.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// Pause between two looks at them.
const DRAIN_LOOK: Duration = Duration::from_millis(5);

impl Inner {
    /// Deletes a project with all its data; when this returns, its files are gone.
    pub(super) async fn delete_project(&self, name: &ProjectName) -> Result<(), EngineError> {
        if name.is_audit() {
            return Err(EngineError::ReservedProject(name.clone()));
        }
        let _changing = self.projects.changing().await;
        self.check_deletable(name)?;
        if let Some(project) = self.projects.take_out(name) {
            if let Err(error) = self.let_go_of(&project).await {
                self.projects.put_back(project);
                return Err(error);
            }
        } else if !self.shared.deleted.unfinished().contains(name) {
            return Err(EngineError::UnknownProject(name.clone()));
        }
        self.projects.remove_files(name).await?;
        self.saved.forget(name)?;
        self.views.forget(name)?;
        self.alerts.forget(name)?;
        self.redactions.forget(name)?;
        self.retention.forget(name)?;
        self.webhooks.forget(name)
    }

    /// Waits until nothing works on the project any more, and notes its deletion.
    async fn let_go_of(&self, project: &Arc<Project>) -> Result<(), EngineError> {
        self.keys.revoke_project(&project.name, now_s())?;
        self.jobs.cancel_of(&project.name);
        // Whoever waits for one of these finds the project closed and empty.
        let _flushing = project.flushing.lock().await;
        let _compacting = project.compacting.lock().await;
        self.drain(project).await?;
        self.exports.drop_project(&project.name).await?;
        let deletion = Deletion { before_seq: self.wal.next_seq(), deleted_at: now_us(), removed: false };
        self.shared.deleted.note(&project.name, deletion)?;
        self.shared.hot_bytes.fetch_sub(project.drop_hot(), Ordering::Relaxed);
        project.hub.close().await;
        self.wal.forget(&project.name, deletion.before_seq.saturating_sub(1));
        self.admission.set_quota(&project.name, Quota::default())
    }

    async fn drain(&self, project: &Project) -> Result<(), EngineError> {
        let started = Instant::now();
        while project.has_batches_in_log() {
            if started.elapsed() > DRAIN_MAX {
                return Err(EngineError::ProjectBusy(project.name.clone()));
            }
            tokio::time::sleep(DRAIN_LOOK).await;
        }
        Ok(())
    }
}
