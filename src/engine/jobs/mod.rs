//! The engine's own jobs: which run, how far they are, how they ended.
//!
//! ```text
//! begin ─▶ Job (progress, cancelled?) ─▶ finish          by the part that does the work
//!            └─▶ Jobs: list, find, cancel                by operators, and among a project's tasks
//! ```
//!
//! Clients tell of theirs over HTTP (`imports`). A job that is dropped without an end has failed. What ended is kept, so many of each kind
//! (`jobs.history_max`), in `jobs.ndjson` of the data directory (`history`); what ran when the process ended is
//! found there at the next start and has failed.
//!
//! # Invariants
//! * A subject or a result never holds a value that may have to be erased: both outlive the data.
//! * What must leave a trace (erasure, moves, backups; not flushes and the like) is on disk before it begins.

mod error;
mod history;
mod imports;
mod record;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::{EngineError, now_us};
use crate::event::names::ProjectName;
use history::History;

pub use error::JobError;
pub(super) use imports::Imports;
pub use imports::{ImportReport, NewImport};
pub use record::{JobInfo, Kind, Outcome, State};

/// All jobs of a data directory; clones share them.
#[derive(Clone)]
pub struct Jobs(Arc<Registry>);

struct Registry {
    inner: Mutex<Known>,
    /// Whether the server stops: what begins now is asked to end at once.
    closing: AtomicBool,
    history: History,
    kept: usize,
}

#[derive(Default)]
struct Known {
    running: BTreeMap<String, Running>,
    /// The newest last, so many of each kind.
    ended: BTreeMap<Kind, VecDeque<JobInfo>>,
}

struct Running {
    info: JobInfo,
    token: CancellationToken,
}

impl Jobs {
    /// Reads what is kept in `path`, of which so many of each kind stay.
    pub(super) fn open(path: &Path, kept: usize) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Directory { path: path.to_path_buf(), source };
        let (history, found) = History::open(path, now_us()).map_err(failed)?;
        let mut known = Known::default();
        for info in found {
            known.keep(info, kept);
        }
        history.replace(&known.all_ended()).map_err(failed)?;
        let closing = AtomicBool::new(false);
        Ok(Self(Arc::new(Registry { inner: Mutex::new(known), closing, history, kept })))
    }

    /// Begins a job. `subject` says what it works on in a few words, in nothing that may have to be erased.
    ///
    /// # Errors
    /// It must leave a trace, and its beginning cannot be kept on disk.
    pub fn begin<'p>(
        &self,
        kind: Kind,
        project: impl Into<Option<&'p ProjectName>>,
        subject: &str,
    ) -> Result<Job, EngineError> {
        self.begin_with(kind, project, subject, CancellationToken::new())
    }

    /// As [`Jobs::begin`], of work that ends when `token` is cancelled.
    ///
    /// # Errors
    /// As [`Jobs::begin`].
    pub fn begin_with<'p>(
        &self,
        kind: Kind,
        project: impl Into<Option<&'p ProjectName>>,
        subject: &str,
        token: CancellationToken,
    ) -> Result<Job, EngineError> {
        let info = JobInfo::new(Uuid::now_v7().to_string(), kind, project.into().cloned(), subject, now_us());
        let id = info.id.clone();
        self.0.inner.lock().running.insert(id.clone(), Running { info: info.clone(), token: token.clone() });
        if self.0.closing.load(Ordering::Acquire) && kind.can_be_canceled() {
            token.cancel();
        }
        let job = Job { follower: Follower { registry: Arc::clone(&self.0), id, token }, ended: false };
        if kind.is_told_of_its_start()
            && let Err(source) = self.0.history.add(&info, kind.must_leave_a_trace())
            && kind.must_leave_a_trace()
        {
            return Err(EngineError::Directory { path: self.0.history.path().to_path_buf(), source });
        }
        Ok(job)
    }

    /// All jobs that are known, those that began last first.
    #[must_use]
    pub fn list(&self) -> Vec<JobInfo> {
        let known = self.0.inner.lock();
        let mut all = known.all_ended();
        all.extend(known.running.values().map(|running| running.info.clone()));
        all.sort_by(|left, right| (right.started_us, &right.id).cmp(&(left.started_us, &left.id)));
        all
    }

    /// One job.
    ///
    /// # Errors
    /// None has the id, or its end is long past.
    pub fn get(&self, id: &str) -> Result<JobInfo, JobError> {
        let known = self.0.inner.lock();
        let running = known.running.get(id).map(|running| &running.info);
        let found = running.or_else(|| known.ended.values().flatten().find(|info| info.id == id));
        found.cloned().ok_or_else(|| JobError::NotFound(id.to_owned()))
    }

    /// Asks a job to end; what it did so far stays. It has ended when its state says so.
    ///
    /// # Errors
    /// There is none, it has ended, or it is of a kind that cannot be left half done.
    pub fn cancel(&self, id: &str) -> Result<JobInfo, JobError> {
        if let Some(running) = self.0.inner.lock().running.get(id) {
            if !running.info.kind.can_be_canceled() {
                return Err(JobError::NotCancelable(running.info.kind));
            }
            running.token.cancel();
            return Ok(running.info.clone());
        }
        Err(JobError::Ended(self.get(id)?.state))
    }

    /// Asks all jobs of a project to end that can.
    pub(super) fn cancel_of(&self, project: &ProjectName) {
        let known = self.0.inner.lock();
        let of = known.running.values().filter(|running| running.info.project.as_ref() == Some(project));
        of.filter(|running| running.info.kind.can_be_canceled()).for_each(|running| running.token.cancel());
    }

    /// Asks all jobs to end that can, also those to come: the server stops.
    pub(super) fn cancel_all(&self) {
        self.0.closing.store(true, Ordering::Release);
        let known = self.0.inner.lock();
        let can = known.running.values().filter(|running| running.info.kind.can_be_canceled());
        can.for_each(|running| running.token.cancel());
    }

    /// How many run, by kind.
    pub(super) fn running(&self) -> BTreeMap<Kind, usize> {
        let mut counts: BTreeMap<Kind, usize> = Kind::ALL.iter().map(|kind| (*kind, 0)).collect();
        for running in self.0.inner.lock().running.values() {
            *counts.entry(running.info.kind).or_default() += 1;
        }
        counts
    }
}

impl Known {
    fn keep(&mut self, info: JobInfo, kept: usize) {
        let of = self.ended.entry(info.kind).or_default();
        of.push_back(info);
        while of.len() > kept {
            of.pop_front();
        }
    }

    fn all_ended(&self) -> Vec<JobInfo> {
        self.ended.values().flatten().cloned().collect()
    }

    /// All that the file holds.
    fn all_told(&self) -> Vec<JobInfo> {
        let running = self.running.values().map(|running| &running.info);
        let mut all = self.all_ended();
        all.extend(running.filter(|info| info.kind.is_told_of_its_start()).cloned());
        all
    }
}

impl Registry {
    fn end(&self, id: &str, outcome: Outcome) {
        let mut known = self.inner.lock();
        let Some(Running { mut info, .. }) = known.running.remove(id) else { return };
        info.end(outcome, now_us());
        known.keep(info.clone(), self.kept);
        // Outdated lines are dropped once they are more than those that are kept; under the lock, so that no
        // line is added meanwhile and lost.
        let kept = if self.history.is_long(known.ended.values().map(VecDeque::len).sum()) {
            self.history.replace(&known.all_told())
        } else {
            drop(known);
            self.history.add(&info, info.kind.must_leave_a_trace())
        };
        if let Err(error) = kept {
            tracing::error!(job = id, kind = info.kind.as_str(), %error, "the end of a job cannot be kept");
        }
    }
}

/// A job that runs; dropped without [`Job::finish`] it has failed.
#[must_use]
pub struct Job {
    follower: Follower,
    ended: bool,
}

/// What the threads that do the work of a job tell and ask; clones are of the same job.
#[derive(Clone)]
pub struct Follower {
    registry: Arc<Registry>,
    id: String,
    token: CancellationToken,
}

impl Follower {
    /// So much of the job is done, of so much where that is known; in whatever unit its kind counts.
    pub fn progress(&self, done: u64, total: Option<u64>) {
        self.change(|info| (info.done, info.total) = (done, total));
    }

    fn change(&self, change: impl FnOnce(&mut JobInfo)) {
        if let Some(running) = self.registry.inner.lock().running.get_mut(&self.id) {
            change(&mut running.info);
        }
    }

    /// Whether somebody asked the job to end.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.token.is_cancelled()
    }
}

impl Job {
    /// Its id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.follower.id
    }

    /// For threads that do its work.
    #[must_use]
    pub fn follower(&self) -> Follower {
        self.follower.clone()
    }

    /// As [`Follower::progress`].
    pub fn progress(&self, done: u64, total: Option<u64>) {
        self.follower.progress(done, total);
    }

    /// What it has come to so far, as a JSON object.
    pub fn tell(&self, result: Value) {
        self.follower.change(|info| info.result = Some(result));
    }

    /// Whether somebody asked it to end.
    #[must_use]
    pub fn cancelled(&self) -> bool {
        self.follower.cancelled()
    }

    /// Cancelled when somebody asks the job to end.
    #[must_use]
    pub fn token(&self) -> CancellationToken {
        self.follower.token.clone()
    }

    /// It has ended.
    pub fn finish(mut self, outcome: Outcome) {
        self.ended = true;
        self.follower.registry.end(&self.follower.id, outcome);
    }

    /// There was nothing to do: it is not worth a word. Not of kinds whose beginning is kept.
    pub fn discard(mut self) {
        self.ended = true;
        self.follower.registry.inner.lock().running.remove(&self.follower.id);
    }

    /// It has ended as `result` says: done, failed, or canceled where it was asked to end and gave an error.
    pub fn finish_with<T, E: std::error::Error + 'static>(self, result: &Result<T, E>) {
        let outcome = match result {
            Ok(_) => Outcome::Done,
            Err(_) if self.cancelled() => Outcome::Canceled,
            Err(error) => Outcome::failed(error),
        };
        self.finish(outcome);
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.ended {
            let outcome = match std::thread::panicking() {
                true => Outcome::Failed("a fault of ours ended it; the server's log says more".to_owned()),
                false if self.cancelled() => Outcome::Canceled,
                false => Outcome::Failed("it was left off before its end".to_owned()),
            };
            self.follower.registry.end(&self.follower.id, outcome);
        }
    }
}

#[cfg(test)]
mod tests;
