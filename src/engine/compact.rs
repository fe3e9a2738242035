//! From small files to large ones, and away with those that nobody needs: on schedule, or when an operator asks.
//!
//! Each run over a project that has something to do is a job that is seen and can be canceled; what it committed
//! stays, and the next run goes on from there.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::FutureExt;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::Notify;

use super::jobs::{Follower, Kind, Outcome};
use super::project::Project;
use super::{EngineError, Inner};
use crate::config::ByteCount;
use crate::event::names::ProjectName;
use crate::table::{CompactWhich, Watch};

/// Longest wait between two chunks of rows while requests are served: compaction is slower then, and never stands.
const GIVE_WAY_MAX: Duration = Duration::from_millis(10);
/// Pause between two looks whether they are.
const GIVE_WAY_LOOK: Duration = Duration::from_millis(2);

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
    /// Files that are damaged, and were left as they are.
    #[serde(default)]
    pub files_damaged: u64,
}

/// Starts the job.
pub(super) fn start(engine: &Arc<Inner>) {
    let interval = engine.shared.config.compaction.interval.0;
    if interval.is_zero() {
        return;
    }
    let due = Arc::clone(engine);
    engine.tasks.start_on(engine.compactors.handle(), "compaction", interval, Arc::new(Notify::new()), move || {
        let engine = Arc::clone(&due);
        async move {
            // A store that is away is asked once a second; merges would fail one by one.
            if engine.projects.storage().knock().await.is_some() {
                return Ok(());
            }
            engine.compact(None, false).await.map(|_| ()).map_err(|error| error.to_string())
        }
        .boxed()
    });
}

impl Inner {
    /// Compacts one project, or all; `all_partitions` also those that the schedule would leave alone.
    pub(super) async fn compact(
        self: &Arc<Self>,
        name: Option<&ProjectName>,
        all_partitions: bool,
    ) -> Result<Vec<CompactSummary>, EngineError> {
        let which = if all_partitions { CompactWhich::All } else { CompactWhich::Due };
        let (mut summaries, mut failed) = (Vec::new(), None);
        for project in self.projects.some(name)? {
            match self.compact_to_the_end(&project, which).await {
                Ok(summary) => summaries.extend(summary),
                // What is wrong with one project keeps none of the others from it.
                Err(error) => {
                    tracing::warn!(project = %project.name, error = &error as &dyn std::error::Error, "not compacted to the end");
                    failed.get_or_insert(error);
                }
            }
        }
        failed.map_or(Ok(summaries), Err)
    }

    /// Compacts a project, unless it is closed; where retention, an erasure or another compaction waits, it has its turn
    /// in between.
    async fn compact_to_the_end(
        self: &Arc<Self>,
        project: &Arc<Project>,
        which: CompactWhich,
    ) -> Result<Option<CompactSummary>, EngineError> {
        let mut sum = CompactSummary::nothing(project);
        loop {
            let _one = project.compacting.lock().await;
            if project.intake.lock().is_closed() {
                return Ok(None);
            }
            let (summary, left_off) = self.compact_project(project, which).await?;
            sum.add(summary);
            self.vacuum_project(project).await?;
            if !left_off {
                return Ok(Some(sum));
            }
        }
    }

    /// One run over a project, and whether it left off for somebody who waits.
    async fn compact_project(
        self: &Arc<Self>,
        project: &Arc<Project>,
        which: CompactWhich,
    ) -> Result<(CompactSummary, bool), EngineError> {
        let began = Instant::now();
        let mut summary = CompactSummary::nothing(project);
        let mut left_off = false;
        let due = project.table.compaction_due(which);
        if due > 0 {
            let job = self.jobs.begin(Kind::Compaction, &project.name, &format!("{} of files", ByteCount(due)))?;
            // What waits for queries that wait for it would wait forever: it does not wait, nor do they go first.
            let crowded = project.table.is_crowded();
            let (threads, patience) =
                if crowded { (&self.hurried, Duration::ZERO) } else { (&self.compactors, GIVE_WAY_MAX) };
            let watch = Arc::new(Watching {
                engine: Arc::clone(self),
                project: Arc::clone(project),
                job: job.follower(),
                patience,
            });
            tracing::debug!(target: "kronika::phase", project = %project.name, "compaction begins");
            let compacting = Arc::clone(project);
            let compacted = threads.finish(async move {
                let publish = |version| {
                    compacting.swap(version, None);
                };
                Ok(compacting.table.compact_watched(which, watch, publish).await?)
            });
            let compacted = compacted.await;
            tracing::debug!(target: "kronika::phase", project = %project.name, "compaction ends");
            self.runtime.forget_files(project.table.root(), &project.snapshot_version());
            if let Ok(report) = &compacted {
                left_off = report.left_off && !job.cancelled();
                summary = CompactSummary {
                    partitions: report.partitions,
                    files_in: report.files_in,
                    files_out: report.files_out,
                    bytes_in: report.bytes_in,
                    bytes_out: report.bytes_out,
                    rows: report.rows,
                    files_damaged: project.table.damaged_files(),
                    ..summary
                };
                job.tell(json!(summary));
            }
            match &compacted {
                Ok(_) if job.cancelled() => job.finish(Outcome::Canceled),
                other => job.finish_with(other),
            }
            compacted?;
        }
        self.shared.counters.compacted(&summary, began.elapsed());
        Ok((summary, left_off))
    }

    /// Deletes files that no version needs.
    pub(super) async fn vacuum_project(&self, project: &Project) -> Result<(), EngineError> {
        let job = self.jobs.begin(Kind::Vacuum, &project.name, "files that were replaced, or never committed")?;
        let deleted = project.table.vacuum(self.shared.config.compaction.keep_replaced.0).await;
        match &deleted {
            Ok(0) => job.discard(),
            Ok(files) => {
                job.progress(*files, Some(*files));
                job.tell(json!({"files": files}));
                job.finish(Outcome::Done);
            }
            Err(_) => job.finish_with(&deleted),
        }
        deleted?;
        Ok(())
    }
}

impl CompactSummary {
    fn nothing(project: &Project) -> Self {
        let (files_damaged, project) = (project.table.damaged_files(), project.name.clone());
        Self { project, partitions: 0, files_in: 0, files_out: 0, bytes_in: 0, bytes_out: 0, rows: 0, files_damaged }
    }

    fn add(&mut self, more: Self) {
        self.partitions += more.partitions;
        self.files_in += more.files_in;
        self.files_out += more.files_out;
        self.bytes_in += more.bytes_in;
        self.bytes_out += more.bytes_out;
        self.rows += more.rows;
        self.files_damaged = more.files_damaged;
    }
}

/// Follows a compaction: its job is told, and requests go first.
struct Watching {
    engine: Arc<Inner>,
    project: Arc<Project>,
    job: Follower,
    /// How long it waits for them between two chunks of rows.
    patience: Duration,
}

impl Watch for Watching {
    fn progress(&self, done: u64, total: u64) {
        self.job.progress(done, Some(total));
    }

    fn is_cancelled(&self) -> bool {
        self.job.cancelled()
    }

    fn is_wanted(&self) -> bool {
        self.project.compacting.is_wanted()
    }

    fn give_way(&self) {
        let engine = &self.engine;
        let is_busy = || engine.runtime.running() > 0 || engine.shared.in_flight.load(Ordering::Relaxed) > 0;
        let began = Instant::now();
        while began.elapsed() < self.patience && is_busy() {
            std::thread::sleep(GIVE_WAY_LOOK);
        }
    }
}
