//! The scrub: reads every stored file slowly, again and again, and compares it with its checksums, so that damage
//! is known while there still is a backup of before.
//!
//! What it finds goes where damage that queries find goes (`table::DamageLog`): to the log, the metrics, and the
//! queries that may go without. A file that was damaged and is whole again, restored, is so from the next pass on.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Inner;
use super::meters::{SCRUB_BYTES, SCRUB_FILES, SCRUB_PASSES};
use crate::error::chain;
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
        if pass.left.is_empty() && pass.reading.is_none() {
            if pass.began.is_some_and(|began| began.elapsed() < settings.interval.0) {
                return Ok(());
            }
            self.begin_pass(pass);
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
        while due > 0 && !self.shared.stopping.load(std::sync::atomic::Ordering::Relaxed) {
            let next = pass.reading.take().or_else(|| {
                let file = pass.left.pop_front()?;
                let checked = Arc::new(Checked::new(self.projects.storage().store(), Arc::clone(&file)));
                Some((file, checked, 0))
            });
            let Some((file, checked, from)) = next else {
                self.shared.counters.count(SCRUB_PASSES, 1);
                return Ok(());
            };
            let to = (from + READ_MAX).min(file.size);
            let outcome = checked.ranges(std::slice::from_ref(&(from..to))).await;
            self.shared.counters.count(SCRUB_BYTES, to - from);
            due = due.saturating_sub((to - from).max(1));
            match outcome {
                Ok(_) if to < file.size => pass.reading = Some((file, checked, to)),
                Ok(_) => {
                    self.runtime.damage().clear(&file.location);
                    self.shared.counters.count(SCRUB_FILES, 1);
                }
                Err(error) => {
                    if let Err(failure) = self.note_failure(&file, checked.damage(), error) {
                        // Later in the same pass, behind those that can be read.
                        pass.left.push_back(file);
                        return Err(failure);
                    }
                }
            }
        }
        Ok(())
    }

    fn begin_pass(&self, pass: &mut Pass) {
        pass.began = Some(Instant::now());
        let versions: Vec<_> = self.projects.all().iter().map(|project| project.snapshot_version()).collect();
        pass.left = versions.iter().flat_map(|version| version.files.iter().cloned()).collect();
        // Damaged files that were replaced, dropped or erased are nobody's concern any more.
        let damage = self.runtime.damage();
        let live: std::collections::HashSet<_> = pass.left.iter().map(|file| file.location.clone()).collect();
        damage.all().iter().filter(|(place, _)| !live.contains(place)).for_each(|(place, _)| damage.clear(place));
    }

    /// Damage is noted; a file that went meanwhile is none; what the store could not do is the step's failure.
    fn note_failure(
        &self,
        file: &DataFile,
        damage: Option<&FileDamage>,
        error: object_store::Error,
    ) -> Result<(), String> {
        let is_live = || {
            let versions = self.projects.all();
            versions.iter().any(|project| project.snapshot_version().files.iter().any(|live| live.path == file.path))
        };
        let note = |what: &str| {
            let found = FileDamage { path: file.path.clone(), what: what.to_owned() };
            self.runtime.damage().note(&file.location, &found);
        };
        match (damage, &error) {
            (Some(damage), _) => self.runtime.damage().note(&file.location, damage),
            (None, object_store::Error::NotFound { .. }) if !is_live() => {}
            (None, object_store::Error::NotFound { .. }) => note("is missing"),
            (None, _) if is_of_disk(&error) => note("cannot be read: the disk has an error there"),
            (None, _) => return Err(format!("cannot read `{}`: {error}", file.location)),
        }
        Ok(())
    }
}

/// Whether the disk itself refused (EIO).
fn is_of_disk(error: &object_store::Error) -> bool {
    let refused = |error: &std::io::Error| error.raw_os_error() == Some(libc::EIO);
    chain(error).any(|error| error.downcast_ref().is_some_and(refused))
}
