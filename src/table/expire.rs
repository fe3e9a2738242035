//! Retention: whole partitions leave the table by a commit that only names their files; none is read.
//!
//! The files themselves go with the next vacuum, like all that were removed.

use std::sync::Arc;

use super::commit::{Change, Outcome};
use super::error::TableError;
use super::opened::Table;
use super::version::{DataFile, TableVersion};

/// Commits of others that may take files away in a row before we give up until the next time.
const TRIES: usize = 8;

/// What left the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ExpireReport {
    /// Days, by the UTC date of their events.
    pub days: u64,
    /// Files.
    pub files: u64,
    /// Events in them.
    pub rows: u64,
    /// Size of the files, in bytes.
    pub bytes: u64,
}

impl Table {
    /// Removes the files for which `goes` holds and hands the new version to `publish` once it is durable.
    /// Events that are not in the table yet stay.
    ///
    /// # Errors
    /// [`TableError::Fenced`], [`TableError::Unsettled`] until the next flush, or the store fails.
    pub async fn expire(
        &self,
        goes: impl Fn(&DataFile) -> bool + Send + Sync,
        publish: impl Fn(Arc<TableVersion>) + Send + Sync,
    ) -> Result<ExpireReport, TableError> {
        // A merge of files that leave meanwhile would be for nothing.
        let _one = self.compacting.lock().await;
        for _ in 0..TRIES {
            let mut state = self.state.lock().await;
            self.check_settled(&state)?;
            let removes: Vec<_> = state.live.values().filter(|file| goes(file)).cloned().collect();
            if removes.is_empty() {
                return Ok(ExpireReport::default());
            }
            let mut days: Vec<i32> = removes.iter().map(|file| file.date).collect();
            days.sort_unstable();
            days.dedup();
            let report = ExpireReport {
                days: days.len() as u64,
                files: removes.len() as u64,
                rows: removes.iter().map(|file| file.rows).sum(),
                bytes: removes.iter().map(|file| file.size).sum(),
            };
            let outcome = self.commit(&mut state, &Change { removes, deletes: true, ..Change::default() }).await?;
            self.publish(&mut state, &publish);
            if matches!(outcome, Outcome::Committed) {
                drop(state);
                self.checkpoint_if_due().await;
                return Ok(report);
            }
        }
        Err(TableError::Contended(TRIES))
    }
}
