//! From hot batches to files: sort, encode, upload, then one commit for all of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::record_batch::RecordBatch;
use futures::{StreamExt, TryStreamExt, stream};

use super::commit::{Change, Outcome};
use super::error::TableError;
use super::opened::Table;
use super::order::{Planned, plan, stored};
use super::version::{DataFile, TableVersion};
use super::writer::write_file;

/// What a flush did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FlushReport {
    /// Version of the table afterwards.
    pub version: u64,
    /// Rows that went into files; fewer than were handed over where an earlier flush, whose outcome
    /// was unknown, turned out to have stored some.
    pub rows: u64,
    /// Files written: one for each date and module.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

impl Table {
    /// Stores the rows of `batches` (row schema, any order), whose `_seq` are not above `through`, in
    /// one commit, and hands the new version to `publish` once it is durable.
    ///
    /// Rows that the table has already (`_seq` not above [`Table::flushed_through`]) are left out:
    /// repeating a flush after an error stores each row once.
    ///
    /// # Errors
    /// [`TableError::Fenced`] for good; [`TableError::OutcomeUnknown`]: repeat it; the store fails.
    pub async fn flush(
        &self,
        batches: &[RecordBatch],
        through: i64,
        publish: impl FnOnce(Arc<TableVersion>) + Send,
    ) -> Result<FlushReport, TableError> {
        let _one = self.flushing.lock().await;
        let batches: Arc<[RecordBatch]> = batches.into();
        let report = loop {
            let after = self.settle().await?;
            let planned = self.plan(&batches, after, through).await?;
            let files = self.write(&batches, planned).await?;
            let mut state = self.state.lock().await;
            let mut report = FlushReport::default();
            if !files.is_empty() {
                report.files = files.len() as u64;
                report.rows = files.iter().map(|file| file.rows).sum();
                report.bytes = files.iter().map(|file| file.size).sum();
                let change = Change { adds: files, through: Some(through), ..Change::default() };
                match self.commit(&mut state, &change).await? {
                    Outcome::Committed => {}
                    // Nothing is removed, so that nothing can be gone; both start over.
                    Outcome::Moved | Outcome::Gone => continue,
                }
            }
            report.version = state.version();
            self.publish(&mut state, publish);
            break report;
        };
        self.checkpoint_if_due().await;
        Ok(report)
    }

    /// Finds out how an earlier flush went; the last `_seq` of ours that the table has.
    async fn settle(&self) -> Result<Option<i64>, TableError> {
        let mut state = self.state.lock().await;
        if self.in_doubt.load(Ordering::Acquire) {
            self.catch_up(&mut state).await?;
            self.in_doubt.store(false, Ordering::Release);
        }
        Ok(state.txn(self.writer.app()))
    }

    async fn plan(
        &self,
        batches: &Arc<[RecordBatch]>,
        after: Option<i64>,
        through: i64,
    ) -> Result<Vec<Planned>, TableError> {
        let batches = Arc::clone(batches);
        tokio::task::spawn_blocking(move || plan(&batches, after, through)).await?
    }

    async fn write(
        &self,
        batches: &Arc<[RecordBatch]>,
        planned: Vec<Planned>,
    ) -> Result<Vec<Arc<DataFile>>, TableError> {
        let stored: Arc<[RecordBatch]> = batches.iter().map(stored).collect::<Result<_, _>>()?;
        let files = planned.into_iter().map(|planned| {
            let (target, stored) = (self.target(), Arc::clone(&stored));
            tokio::task::spawn_blocking(move || {
                write_file(&target, planned.partition.clone(), |file| {
                    planned.chunks(&stored).try_for_each(|rows| file.write(&rows?))
                })
            })
        });
        // `buffered`: an iterator of tasks is lazy, so that no more than these run at a time.
        let files = stream::iter(files).buffer_unordered(self.settings.writers.max(1));
        files.map(|file| file?.map(Arc::new)).try_collect().await
    }
}
