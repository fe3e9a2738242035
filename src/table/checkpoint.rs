//! Checkpoints, and the log files that nobody needs behind them: opening reads one checkpoint and few commits, however
//! many there ever were.
//!
//! A checkpoint is due every [`CHECKPOINT_INTERVAL`] commits. What stands before one goes once that checkpoint is as
//! old as files that were replaced may become (`compaction.keep_replaced`): an older version could not be read any more.

use std::time::Duration;

use futures::TryStreamExt;
use object_store::ObjectStore;
use object_store::path::Path;

use super::error::TableError;
use super::log::{LOG_DIR, checkpoint_version, commit_version};
use super::opened::Table;
use super::vacuum::delete_all;
use super::{CHECKPOINT_INTERVAL, delta, seals};
use crate::failpoint;

impl Table {
    /// Writes a checkpoint of the newest version, and drops what is not needed behind older ones.
    ///
    /// # Errors
    /// The store fails; the log is whole without a checkpoint.
    pub async fn checkpoint(&self) -> Result<(), TableError> {
        let _one = self.checkpointing.lock().await;
        let (version, last) = {
            let state = self.state.lock().await;
            (state.version(), state.checkpoint())
        };
        if version == last {
            return Ok(());
        }
        failpoint::at("table.checkpoint");
        delta::write_checkpoint(&self.storage, &self.root, version).await?;
        failpoint::at("table.checkpointed");
        seals::seal(&self.storage, &self.root, version).await?;
        self.state.lock().await.has_checkpoint(version, self.clock.now_ms());
        self.drop_old_log().await
    }

    /// Writes a checkpoint when one is due. A failure is only reported: it costs opening time.
    pub(super) async fn checkpoint_if_due(&self) {
        let due = {
            let state = self.state.lock().await;
            state.version() - state.checkpoint() >= CHECKPOINT_INTERVAL
        };
        if !due || self.checkpointing.try_lock().is_err() {
            return;
        }
        if let Err(error) = self.checkpoint().await {
            tracing::warn!(project = %self.project, error = &error as &dyn std::error::Error, "no checkpoint");
        }
    }

    /// Deletes commits and checkpoints before the newest checkpoint that is old enough.
    async fn drop_old_log(&self) -> Result<(), TableError> {
        let keep = i64::try_from(self.settings.keep_replaced.max(MOMENT).as_millis()).unwrap_or(i64::MAX);
        let before = self.clock.now_ms().saturating_sub(keep);
        let Some(first) = self.state.lock().await.log_begins_at(before) else { return Ok(()) };
        let (store, directory) = (self.storage.store(), self.root.clone().join(LOG_DIR));
        let failed = |source| TableError::store("list", &directory, source);
        let is_old = |path: &Path| {
            let name = path.filename().unwrap_or_default();
            commit_version(name).or_else(|| checkpoint_version(name)).is_some_and(|version| version < first)
        };
        let listed = store.list(Some(&directory)).map_ok(|file| file.location);
        let old: Vec<Path> =
            listed.try_filter(|path| std::future::ready(is_old(path))).try_collect().await.map_err(failed)?;
        let dropped = delete_all(store.as_ref(), old).await?;
        tracing::debug!(project = %self.project, first, dropped, "old log files are gone");
        self.state.lock().await.drop_log_before(first);
        Ok(())
    }
}

/// Least age: whoever opens the table right now has listed its log and reads it.
const MOMENT: Duration = Duration::from_secs(60);
