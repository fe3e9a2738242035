//! From hot batches to files: sort, encode, upload, then one commit for all of them.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use arrow::record_batch::RecordBatch;
use futures::future::join_all;
use parking_lot::Mutex;

use super::commit::{Change, Outcome};
use super::error::TableError;
use super::opened::Table;
use super::order::{Planned, plan, stored};
use super::upload::Target;
use super::version::{DataFile, TableVersion};
use super::writer::write_file;
use crate::failpoint;

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
            failpoint::at("table.uploaded");
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

    /// Writes the files on a few threads; each goes from file to file, so that encoders find the last
    /// one's memory warm.
    async fn write(
        &self,
        batches: &Arc<[RecordBatch]>,
        mut planned: Vec<Planned>,
    ) -> Result<Vec<Arc<DataFile>>, TableError> {
        let stored: Arc<[RecordBatch]> = batches.iter().map(stored).collect::<Result<_, _>>()?;
        // The largest first (they are taken from the end), so that no thread is left with it at last.
        planned.sort_by_key(|planned| planned.rows.len());
        let queue = Arc::new(Mutex::new(planned));
        let writers = (0..self.settings.writers.max(1)).map(|_| {
            let (target, stored, queue) = (self.target(), Arc::clone(&stored), Arc::clone(&queue));
            tokio::task::spawn_blocking(move || write_queued(&target, &stored, &queue))
        });
        let mut files = Vec::new();
        // Each is waited for, also after an error: none may still write when the flush is repeated.
        for written in join_all(writers).await {
            files.push(written??);
        }
        Ok(files.into_iter().flatten().collect())
    }
}

/// Writes files as long as there are any; after an error nobody begins another one.
fn write_queued(
    target: &Target,
    stored: &[RecordBatch],
    queue: &Mutex<Vec<Planned>>,
) -> Result<Vec<Arc<DataFile>>, TableError> {
    let next = || queue.lock().pop();
    let mut files = Vec::new();
    while let Some(planned) = next() {
        let contents = planned.contents(stored);
        let written = write_file(target, planned.partition.clone(), &contents, |file| {
            planned.chunks(stored, &contents).try_for_each(|rows| file.write(&rows?))
        });
        files.push(Arc::new(written.inspect_err(|_| queue.lock().clear())?));
    }
    Ok(files)
}
