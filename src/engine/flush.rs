//! From hot to table, and what the log may forget.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Notify;

use super::jobs;
use super::project::Project;
use super::{EngineError, Inner};
use crate::event::names::ProjectName;
use crate::failpoint;
use crate::table::{Requests, Tally, observed};

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
    /// What was asked of the object store, if the table lies on one.
    #[serde(default)]
    pub requests: Requests,
}

/// Starts the job.
pub(super) fn start(engine: &Arc<Inner>) {
    let due = Arc::clone(engine);
    let nudge = Arc::clone(&engine.shared.flush_now);
    let look_every = LOOK_EVERY.min(engine.shared.config.flush.interval.0.max(Duration::from_millis(10)));
    engine.tasks.start_on(engine.flushers.handle(), "flush", look_every, nudge, move || {
        let engine = Arc::clone(&due);
        async move { engine.flush_due().await.map_err(|error| error.to_string()) }.boxed()
    });
    let gathered = Arc::clone(engine);
    engine.tasks.start("figures", GATHER_EVERY, Arc::new(Notify::new()), move || {
        gathered.shared.counters.upkeep();
        gathered.silent_imports_end();
        std::future::ready(Ok(())).boxed()
    });
}

impl Inner {
    /// Flushes the projects that are due: by age, by size, because memory is short, or because they
    /// keep the log from being recycled.
    async fn flush_due(&self) -> Result<(), EngineError> {
        // Encoding again and again what cannot be stored would only cost; `/readyz` and `/metrics` tell of it.
        if self.projects.storage().knock().await.is_some() {
            return Ok(());
        }
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
        let mut summary =
            FlushSummary { project: project.name.clone(), rows: 0, files: 0, bytes: 0, requests: Requests::default() };
        if !batches.is_empty() {
            let events = batches.iter().map(|batch| batch.rows.num_rows()).sum::<usize>();
            let job = self.jobs.begin(jobs::Kind::Flush, &project.name, &format!("{events} events"))?;
            let began = Instant::now();
            let rows: Vec<RecordBatch> = batches.iter().map(|batch| batch.rows.clone()).collect();
            drop(batches);
            let publish = |version| {
                let freed = project.swap(version, Some(through));
                self.shared.hot_bytes.fetch_sub(freed, Ordering::Relaxed);
            };
            tracing::debug!(target: "kronika::phase", project = %project.name, "flush begins");
            let tally = Arc::new(Tally::default());
            failpoint::at("flush.begin");
            let flushed = observed(Arc::clone(&tally) as _, project.table.flush(&rows, through, publish)).await;
            failpoint::at("table.published");
            tracing::debug!(target: "kronika::phase", project = %project.name, "flush ends");
            if let Ok(report) = &flushed {
                let (rows, files, bytes) = (report.rows, report.files, report.bytes);
                summary = FlushSummary { rows, files, bytes, requests: tally.requests(), ..summary };
                job.progress(report.rows, Some(report.rows));
                job.tell(json!({"events": report.rows, "files": report.files, "bytes": report.bytes}));
            }
            job.finish_with(&flushed);
            flushed?;
            self.shared.counters.flushed(&summary, began.elapsed());
        }
        self.forget(project, through).await?;
        Ok(summary)
    }

    /// The rows are in the table: once ids, answers and sums are durable as well, the log may forget them.
    async fn forget(&self, project: &Arc<Project>, through: i64) -> Result<(), EngineError> {
        let (shared, ids) = (Arc::clone(&self.shared), Arc::clone(project));
        let synced = tokio::task::spawn_blocking(move || {
            failpoint::at("flush.ids");
            ids.sync_ids()?;
            shared.receipts.lock().sync()?;
            ids.ledger.save()
        });
        let failed = |source| EngineError::Directory { path: self.directory.root().to_path_buf(), source };
        synced.await.map_err(|error| failed(std::io::Error::other(error)))??;
        failpoint::at("flush.forget");
        self.wal.forget(&project.name, u64::try_from(through).unwrap_or(0));
        Ok(())
    }
}
