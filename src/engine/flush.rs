//! From hot to table, from small files to large ones, and what the log may forget.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::project::Project;
use super::{EngineError, Inner};
use crate::event::names::ProjectName;
use crate::failpoint;
use crate::table::CompactWhich;

/// How often the flush job looks at the projects.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How often histograms are gathered.
const GATHER_EVERY: Duration = Duration::from_secs(5);

/// What a flush of one project did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FlushSummary {
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// Events that left memory.
    pub rows: u64,
    /// Files written.
    pub files: u64,
    /// Their size in bytes.
    pub bytes: u64,
}

/// What a compaction of one project did.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct CompactSummary {
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// Partitions rewritten.
    pub partitions: u64,
    /// Files that went in.
    pub files_in: u64,
    /// Files that came out.
    pub files_out: u64,
    /// Size of the files that went in, in bytes.
    pub bytes_in: u64,
    /// Size of the files that came out, in bytes.
    pub bytes_out: u64,
    /// Events in them.
    pub rows: u64,
}

/// Starts the jobs.
pub(super) fn start(engine: &Arc<Inner>) {
    let due = Arc::clone(engine);
    let nudge = Arc::clone(&engine.shared.flush_now);
    let look_every = LOOK_EVERY.min(engine.shared.config.flush.interval.0.max(Duration::from_millis(10)));
    engine.tasks.start_on(engine.flushers.handle(), "flush", look_every, nudge, move || {
        let engine = Arc::clone(&due);
        async move { engine.flush_due().await.map_err(|error| error.to_string()) }.boxed()
    });
    let gathered = Arc::clone(&engine.shared);
    engine.tasks.start("figures", GATHER_EVERY, Arc::new(Notify::new()), move || {
        gathered.counters.upkeep();
        std::future::ready(Ok(())).boxed()
    });
    let interval = engine.shared.config.compaction.interval.0;
    if interval.is_zero() {
        return;
    }
    let due = Arc::clone(engine);
    engine.tasks.start_on(engine.compactors.handle(), "compaction", interval, Arc::new(Notify::new()), move || {
        let engine = Arc::clone(&due);
        async move { engine.compact(None, false).await.map(|_| ()).map_err(|error| error.to_string()) }.boxed()
    });
}

impl Inner {
    /// Flushes the projects that are due: by age, by size, because memory is short, or because they
    /// keep the log from being recycled.
    async fn flush_due(&self) -> Result<(), EngineError> {
        let settings = &self.shared.config.flush;
        let pinning: HashSet<ProjectName> = self.wal.pinning().into_iter().collect();
        let short = self.shared.hot_bytes.load(Ordering::Relaxed) > self.shared.config.ingest.hot_max.as_usize() / 2;
        for project in self.projects.all() {
            let hot = project.hot();
            let old = hot.oldest.is_some_and(|oldest| oldest.elapsed() >= settings.interval.0);
            let due = old || hot.bytes >= settings.size.as_usize() || (short && hot.rows > 0);
            if due || pinning.contains(&project.name) {
                self.flush_project(&project).await?;
            }
        }
        Ok(())
    }

    /// Flushes one project, or all.
    pub(super) async fn flush(&self, name: Option<&ProjectName>) -> Result<Vec<FlushSummary>, EngineError> {
        let mut summaries = Vec::new();
        for project in self.projects.some(name)? {
            summaries.push(self.flush_project(&project).await?);
        }
        Ok(summaries)
    }

    async fn flush_project(&self, project: &Arc<Project>) -> Result<FlushSummary, EngineError> {
        let _one = project.flushing.lock().await;
        let (batches, through) = project.cut();
        let mut summary = FlushSummary { project: project.name.clone(), rows: 0, files: 0, bytes: 0 };
        if !batches.is_empty() {
            let began = Instant::now();
            let rows: Vec<RecordBatch> = batches.iter().map(|batch| batch.rows.clone()).collect();
            drop(batches);
            let publish = |version| {
                let freed = project.swap(version, Some(through));
                self.shared.hot_bytes.fetch_sub(freed, Ordering::Relaxed);
            };
            tracing::debug!(target: "kronika::phase", project = %project.name, "flush begins");
            failpoint::at("flush.begin");
            let report = project.table.flush(&rows, through, publish).await?;
            failpoint::at("table.published");
            tracing::debug!(target: "kronika::phase", project = %project.name, "flush ends");
            summary = FlushSummary { rows: report.rows, files: report.files, bytes: report.bytes, ..summary };
            self.shared.counters.flushed(&summary, began.elapsed());
        }
        self.forget(project, through).await?;
        Ok(summary)
    }

    /// The rows are in the table: once ids and answers are durable as well, the log may forget them.
    async fn forget(&self, project: &Arc<Project>, through: i64) -> Result<(), EngineError> {
        let (shared, ids) = (Arc::clone(&self.shared), Arc::clone(project));
        let synced = tokio::task::spawn_blocking(move || {
            failpoint::at("flush.ids");
            ids.sync_ids()?;
            shared.receipts.lock().sync()
        });
        let failed = |source| EngineError::Directory { path: self.directory.root().to_path_buf(), source };
        synced.await.map_err(|error| failed(std::io::Error::other(error)))??;
        failpoint::at("flush.forget");
        self.wal.forget(&project.name, u64::try_from(through).unwrap_or(0));
        Ok(())
    }

    /// Compacts one project, or all; `all_partitions` also those that the schedule would leave alone.
    pub(super) async fn compact(
        &self,
        name: Option<&ProjectName>,
        all_partitions: bool,
    ) -> Result<Vec<CompactSummary>, EngineError> {
        let mut summaries = Vec::new();
        for project in self.projects.some(name)? {
            let _one = project.compacting.lock().await;
            if project.intake.lock().is_closed() {
                continue;
            }
            let which = if all_partitions { CompactWhich::All } else { CompactWhich::Due };
            let began = Instant::now();
            tracing::debug!(target: "kronika::phase", project = %project.name, "compaction begins");
            let report = project
                .table
                .compact(which, |version| {
                    project.swap(version, None);
                })
                .await?;
            tracing::debug!(target: "kronika::phase", project = %project.name, "compaction ends");
            let summary = CompactSummary {
                project: project.name.clone(),
                partitions: report.partitions,
                files_in: report.files_in,
                files_out: report.files_out,
                bytes_in: report.bytes_in,
                bytes_out: report.bytes_out,
                rows: report.rows,
            };
            self.shared.counters.compacted(&summary, began.elapsed());
            project.table.vacuum(self.shared.config.compaction.keep_replaced.0).await?;
            summaries.push(summary);
        }
        Ok(summaries)
    }
}
