//! The job of exports: starts what is due (so many at once, so many of a project), tells what is not told yet, removes
//! what has expired.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;

use super::around::Around;
use super::{Live, Running};
use crate::config::ByteCount;
use crate::engine::jobs::{self, Outcome};
use crate::engine::{EngineError, Inner, now_us};
use crate::error::Report;
use crate::event::names::ProjectName;
use crate::journal::exports::{Ended, Export, Failure, Job, Status, clear};
use crate::query::Limits;

/// How often the job looks for what is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Starts the job.
pub(in crate::engine) fn start(engine: &Arc<Inner>) {
    let due = Arc::clone(engine);
    engine.tasks.start("exports", LOOK_EVERY, Arc::clone(&engine.exports.nudge), move || {
        let engine = Arc::clone(&due);
        async move { engine.exports_due().await.map_err(|error| error.to_string()) }.boxed()
    });
}

impl Inner {
    async fn exports_due(self: &Arc<Self>) -> Result<(), EngineError> {
        while self.exports.running.lock().try_join_next().is_some() {}
        let keep = self.shared.config.exports.keep.0;
        for live in self.exports.lives() {
            let export = live.export();
            let over = export.expires_us(keep).is_some_and(|expires| expires <= now_us());
            if over && live.claim() {
                let (engine, Export { project, id, .. }) = (Arc::clone(self), export);
                let failed = |source| EngineError::Directory { path: self.exports.root.clone(), source };
                let removed = tokio::task::spawn_blocking(move || engine.exports.remove(&project, &id)).await;
                removed.map_err(|error| failed(io::Error::other(error)))?.map_err(failed)?;
            } else if export.status.is_final() {
                self.tell(&live).await;
            }
        }
        self.start_due();
        Ok(())
    }

    /// Starts what may run, the oldest of each project first.
    fn start_due(self: &Arc<Self>) {
        let settings = &self.shared.config.exports;
        let mut waiting = self.exports.lives();
        let mut running: BTreeMap<ProjectName, usize> = BTreeMap::new();
        let mut total = 0;
        for live in waiting.iter().filter(|live| live.is_running()) {
            *running.entry(live.state.borrow().project.clone()).or_default() += 1;
            total += 1;
        }
        waiting.retain(|live| !live.is_canceled() && !live.is_running() && !live.state.borrow().status.is_final());
        waiting.sort_by_key(|live| live.state.borrow().created_us);
        for live in waiting {
            let of = running.entry(live.state.borrow().project.clone()).or_default();
            if total >= settings.at_once_max || self.exports.stop.is_cancelled() {
                return;
            }
            if *of >= settings.project_at_once_max {
                continue;
            }
            if !live.claim() {
                continue;
            }
            (*of, total) = (*of + 1, total + 1);
            let engine = Arc::clone(self);
            let work = move || engine.run_export(&live);
            self.exports.running.lock().spawn_blocking_on(work, self.exports.threads.handle());
        }
    }

    /// One run of an export, on a thread that may block.
    fn run_export(self: &Arc<Self>, live: &Arc<Live>) {
        let running = Running { live, nudge: &self.exports.nudge };
        if let Err(error) = self.try_export(live) {
            let (id, error) = (live.export().id, &error as &dyn std::error::Error);
            tracing::error!(export = id.as_str(), error, "an export cannot be kept; it is tried again");
            // Not at once: the disk may be full.
            std::thread::sleep(LOOK_EVERY);
        }
        drop(running);
    }

    fn try_export(self: &Arc<Self>, live: &Arc<Live>) -> Result<(), EngineError> {
        let runtime = self.exports.threads.handle().clone();
        let begun = self.exports.change(live, |export| {
            export.status = Status::InProgress;
            export.started_us.get_or_insert_with(now_us);
        })?;
        let own = self.jobs.begin_with(jobs::Kind::Export, &begun.project, begun.id.as_str(), live.end.clone())?;
        runtime.block_on(self.tell(live));
        let dir = self.exports.dir(&begun.project, &begun.id);
        let around = Arc::new(Around::new(self, live, &begun));
        let stop = live.end.clone();
        let job = Job { export: begun, dir: dir.clone(), around, runtime: runtime.clone(), stop };
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job.run()));
        match ended {
            Ok(Ended::Done) => own.finish(Outcome::Done),
            Ok(Ended::Stopped) if !live.is_canceled() => return Ok(()),
            Ok(Ended::Stopped) => {
                own.finish(Outcome::Canceled);
                self.end_export(live, &dir, Status::Canceled, None)?;
            }
            Ok(Ended::Failed(error)) => {
                let said = &error as &dyn std::error::Error;
                tracing::warn!(export = live.export().id.as_str(), error = said, "an export failed");
                own.finish(Outcome::Failed(error.code().to_owned()));
                let failure = Failure { code: error.code().to_owned(), message: error.to_string() };
                self.end_export(live, &dir, Status::Failed, Some(failure))?;
            }
            Err(_) => {
                own.finish(Outcome::Failed("a fault of ours".to_owned()));
                let failure = Failure { code: "internal".to_owned(), message: "a fault of ours".to_owned() };
                self.end_export(live, &dir, Status::Failed, Some(failure))?;
            }
        }
        runtime.block_on(self.tell(live));
        Ok(())
    }

    /// Ends an export without a file.
    pub(super) fn end_export(
        &self,
        live: &Live,
        dir: &Path,
        status: Status,
        failure: Option<Failure>,
    ) -> Result<(), EngineError> {
        clear(dir).map_err(|source| EngineError::Directory { path: dir.to_path_buf(), source })?;
        self.exports.change(live, |export| {
            (export.status, export.failure) = (status, failure);
            export.finished_us = Some(now_us());
        })?;
        Ok(())
    }

    pub(super) fn export_limits(&self) -> Limits {
        let config = &self.shared.config;
        Limits {
            rows_max: u64::MAX,
            bytes_max: ByteCount(u64::MAX),
            timeout: config.exports.query_timeout,
            memory_max: config.query.memory_max,
        }
    }
}
