//! The scrub: reads every stored file slowly, again and again, and compares it with its checksums, so that damage
//! is known while there still is a backup of before.
//!
//! What it finds goes where damage that queries find goes (`table::DamageLog`): to the log, the metrics, and the
//! queries that may go without. A file that was damaged and is whole again, restored, is so from the next pass on.
//! Each pass is a job that is seen and can be canceled; the next one begins when it would have begun anyway.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::FutureExt;
use parking_lot::Mutex;
use serde::Serialize;
use serde_json::json;
use tokio::sync::Notify;

use super::Inner;
use super::jobs::{Job, Kind, Outcome};
use super::meters::{SCRUB_BYTES, SCRUB_FILES, SCRUB_PASSES};
use crate::config::ByteCount;
use crate::table::{Checked, DataFile, FileDamage};

/// How often a little is read.
const STEP: Duration = Duration::from_millis(500);
/// Bytes of one read, whatever the rate.
const READ_MAX: u64 = 1 << 20;

/// Where the scrub stands.
#[derive(Default)]
struct Pass {
    began: Option<Instant>,
    left: VecDeque<Arc<DataFile>>,
    /// The file that is being read, and up to where.
    reading: Option<(Arc<DataFile>, Arc<Checked>, u64)>,
    job: Option<Job>,
    done: Done,
}

/// What a pass has done, in files and bytes.
#[derive(Debug, Clone, Copy, Default, Serialize)]
struct Done {
    files: u64,
    bytes: u64,
    damaged: u64,
    #[serde(skip)]
    bytes_in_all: u64,
}

impl Pass {
    fn is_over(&self) -> bool {
        self.left.is_empty() && self.reading.is_none()
    }

    /// So many bytes were read, with a file's end and damage among them or not.
    fn note(&mut self, bytes: u64, is_end: bool, is_damaged: bool) {
        self.done.bytes += bytes;
        self.done.files += u64::from(is_end);
        self.done.damaged += u64::from(is_damaged);
        if let Some(job) = &self.job {
            job.progress(self.done.bytes, Some(self.done.bytes_in_all));
            job.tell(json!(self.done));
        }
    }

    /// Ends the pass as its job was told to, if it was.
    fn end_if_canceled(&mut self) {
        if let Some(job) = self.job.take_if(|job| job.cancelled()) {
            self.left.clear();
            self.reading = None;
            job.finish(Outcome::Canceled);
        }
    }
}

/// Starts the job.
pub(super) fn start(engine: &Arc<Inner>) {
    if engine.shared.config.scrub.interval.0.is_zero() {
        return;
    }
    let (scrubbed, pass) = (Arc::clone(engine), Arc::new(tokio::sync::Mutex::new(Pass::default())));
    let last = Arc::new(Mutex::new(Instant::now()));
    engine.tasks.start_on(engine.compactors.handle(), "scrub", STEP, Arc::new(Notify::new()), move || {
        let (engine, pass, last) = (Arc::clone(&scrubbed), Arc::clone(&pass), Arc::clone(&last));
        async move {
            let since = std::mem::replace(&mut *last.lock(), Instant::now()).elapsed().min(2 * STEP);
            engine.scrub(&mut *pass.lock().await, since).await
        }
        .boxed()
    });
}

impl Inner {
    /// Reads as much as is due after `since`.
    async fn scrub(&self, pass: &mut Pass, since: Duration) -> Result<(), String> {
        let settings = &self.shared.config.scrub;
        pass.end_if_canceled();
        if pass.is_over() {
            if pass.began.is_some_and(|began| began.elapsed() < settings.interval.0) {
                return Ok(());
            }
            self.begin_pass(pass)?;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rate"
        )]
        let mut due = (settings.rate.0 as f64 * since.as_secs_f64()) as u64;
        if self.projects.storage().knock().await.is_some() {
            return Ok(());
        }
        while due > 0 && !self.shared.stopping.load(Ordering::Relaxed) {
            let next = pass.reading.take().or_else(|| {
                let file = pass.left.pop_front()?;
                let checked = Arc::new(Checked::new(self.projects.storage().store(), Arc::clone(&file)));
                Some((file, checked, 0))
            });
            let Some((file, checked, from)) = next else {
                self.end_pass(pass);
                return Ok(());
            };
            due = due.saturating_sub(self.read_on(pass, file, checked, from).await?.max(1));
        }
        if pass.is_over() {
            self.end_pass(pass);
        }
        Ok(())
    }

    /// Reads the next bytes of a file; how many there were.
    async fn read_on(
        &self,
        pass: &mut Pass,
        file: Arc<DataFile>,
        checked: Arc<Checked>,
        from: u64,
    ) -> Result<u64, String> {
        let to = (from + READ_MAX).min(file.size);
        let outcome = checked.ranges(std::slice::from_ref(&(from..to))).await;
        self.shared.counters.count(SCRUB_BYTES, to - from);
        match outcome {
            Ok(_) if to < file.size => {
                pass.note(to - from, false, false);
                pass.reading = Some((file, checked, to));
            }
            Ok(_) => {
                self.runtime.damage().clear(&file.location);
                self.shared.counters.count(SCRUB_FILES, 1);
                pass.note(to - from, true, false);
            }
            Err(error) => match self.note_failure(&file, checked.damage(), error) {
                Ok(is_damaged) => pass.note(file.size - from, true, is_damaged),
                Err(failure) => {
                    // Later in the same pass, behind those that can be read.
                    pass.done.bytes = pass.done.bytes.saturating_sub(from);
                    pass.left.push_back(file);
                    return Err(failure);
                }
            },
        }
        Ok(to - from)
    }

    fn end_pass(&self, pass: &mut Pass) {
        self.shared.counters.count(SCRUB_PASSES, 1);
        if let Some(job) = pass.job.take() {
            job.finish(Outcome::Done);
        }
    }

    fn begin_pass(&self, pass: &mut Pass) -> Result<(), String> {
        pass.began = Some(Instant::now());
        let versions: Vec<_> = self.projects.all().iter().map(|project| project.snapshot_version()).collect();
        pass.left = versions.iter().flat_map(|version| version.files.iter().cloned()).collect();
        // Damaged files that were replaced, dropped or erased are nobody's concern any more.
        let damage = self.runtime.damage();
        let live: std::collections::HashSet<_> = pass.left.iter().map(|file| file.location.clone()).collect();
        damage.all().iter().filter(|(place, _)| !live.contains(place)).for_each(|(place, _)| damage.clear(place));
        let bytes_in_all = pass.left.iter().map(|file| file.size).sum();
        pass.done = Done { bytes_in_all, ..Done::default() };
        if !pass.left.is_empty() {
            let subject = format!("{} files of {}", pass.left.len(), ByteCount(bytes_in_all));
            pass.job = Some(self.jobs.begin(Kind::Scrub, None, &subject).map_err(|error| error.to_string())?);
        }
        Ok(())
    }

    /// Damage is noted, and told; a file that went meanwhile is none; what the store could not do is the step's failure.
    fn note_failure(
        &self,
        file: &DataFile,
        damage: Option<&FileDamage>,
        error: object_store::Error,
    ) -> Result<bool, String> {
        let is_live = || {
            let versions = self.projects.all();
            versions.iter().any(|project| project.snapshot_version().files.iter().any(|live| live.path == file.path))
        };
        match (damage.cloned().or_else(|| FileDamage::of_read(file, &error)), &error) {
            (Some(_), object_store::Error::NotFound { .. }) if !is_live() => Ok(false),
            (Some(damage), _) => {
                self.runtime.damage().note(&file.location, &damage);
                Ok(true)
            }
            (None, _) => Err(format!("cannot read `{}`: {error}", file.location)),
        }
    }
}
