//! What is kept of first steps: for each plan, the result of each file.
//!
//! A plan uses all of its results or none, so that room is made by letting go of the plan that was asked for the
//! longest ago, as a whole.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::record_batch::RecordBatch;
use object_store::path::Path;
use parking_lot::Mutex;

use super::key::PlanKey;
use crate::table::version::DataFile;

/// Plans that are known at once.
const PLANS_MAX: usize = 1_000;
/// Which part of all room the results of one plan may take.
const PLAN_SHARE: usize = 2;

/// The result of a first step for one file.
#[derive(Debug, Clone)]
pub(super) struct FileResult {
    pub batches: Arc<[RecordBatch]>,
    /// Their size in memory.
    pub bytes: usize,
}

/// Kept results of all projects.
#[derive(Debug)]
pub(crate) struct Partials {
    bytes_max: usize,
    plans: Mutex<Plans>,
    hits: AtomicU64,
    misses: AtomicU64,
}

#[derive(Debug, Default)]
struct Plans {
    known: HashMap<Arc<PlanKey>, Known>,
    bytes: usize,
    /// Counts up with each question.
    now: u64,
}

/// What is known of a plan.
#[derive(Debug, Default)]
struct Known {
    asked_at: u64,
    /// Whether its results take more room than they are worth.
    is_large: bool,
    bytes: usize,
    files: HashMap<Path, FileResult>,
}

/// What is known of a plan when it is asked for.
#[derive(Debug)]
pub(super) enum Seen {
    /// Nothing, or nothing is to be kept of it.
    Never,
    /// It was asked for before; the results of the files in question, as far as they are kept.
    Before(Vec<Option<FileResult>>),
}

/// Figures of what is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Figures {
    /// Bytes of kept results, in memory form.
    pub bytes: usize,
    /// Files whose result was kept when it was wanted.
    pub hits: u64,
    /// Files of plans that came back whose result was not kept.
    pub misses: u64,
}

impl Partials {
    /// Room for `bytes_max`; 0 keeps nothing.
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { bytes_max, plans: Mutex::default(), hits: AtomicU64::new(0), misses: AtomicU64::new(0) }
    }

    pub(crate) fn is_off(&self) -> bool {
        self.bytes_max == 0
    }

    /// Bytes that the results of one plan may take.
    pub(super) fn plan_max(&self) -> usize {
        self.bytes_max / PLAN_SHARE
    }

    /// What is known of `plan` for `files`; from now on it was asked for.
    pub(super) fn find(&self, plan: &Arc<PlanKey>, files: &[Arc<DataFile>]) -> Seen {
        let mut guard = self.plans.lock();
        let plans = &mut *guard;
        plans.now += 1;
        let now = plans.now;
        let Some(known) = plans.known.get_mut(plan) else {
            if plans.known.len() >= PLANS_MAX {
                plans.forget_oldest(plan);
            }
            plans.known.insert(Arc::clone(plan), Known { asked_at: now, ..Known::default() });
            return Seen::Never;
        };
        known.asked_at = now;
        if known.is_large {
            return Seen::Never;
        }
        let result = |file: &Arc<DataFile>| known.files.get(&file.location).cloned();
        let results: Vec<_> = files.iter().map(result).collect();
        drop(guard);
        let hits = results.iter().flatten().count();
        self.hits.fetch_add(hits as u64, Ordering::Relaxed);
        self.misses.fetch_add((results.len() - hits) as u64, Ordering::Relaxed);
        Seen::Before(results)
    }

    /// Keeps the result of `plan` for a file.
    pub(super) fn insert(&self, plan: &PlanKey, file: &Path, result: &FileResult) {
        let mut guard = self.plans.lock();
        let plans = &mut *guard;
        let Some(known) = plans.known.get_mut(plan).filter(|known| !known.is_large) else { return };
        let before = known.files.insert(file.clone(), result.clone()).map_or(0, |before| before.bytes);
        known.bytes = known.bytes + result.bytes - before;
        let is_large = known.bytes > self.plan_max();
        plans.bytes = plans.bytes + result.bytes - before;
        if is_large {
            plans.give_up(plan);
        }
        while plans.bytes > self.bytes_max && plans.forget_oldest(plan) {}
    }

    /// Keeps nothing of `plan` from now on: its results are too large.
    pub(super) fn give_up(&self, plan: &PlanKey) {
        self.plans.lock().give_up(plan);
    }

    /// Lets go of the results of files of the table at `root` that are not `live` any more.
    pub(crate) fn forget_files(&self, root: &Path, live: &HashSet<&Path>) {
        let mut plans = self.plans.lock();
        let mut freed = 0;
        for known in plans.known.values_mut() {
            let mut bytes = 0;
            known.files.retain(|file, result| {
                let stays = live.contains(file) || !file.prefix_matches(root);
                bytes += if stays { 0 } else { result.bytes };
                stays
            });
            known.bytes -= bytes;
            freed += bytes;
        }
        plans.bytes -= freed;
    }

    /// Lets go of everything, the conditions of plans as well.
    pub(crate) fn forget_all(&self) {
        let mut plans = self.plans.lock();
        (plans.known, plans.bytes) = (HashMap::new(), 0);
    }

    /// What is kept, and how often it helped.
    pub(crate) fn figures(&self) -> Figures {
        let bytes = self.plans.lock().bytes;
        Figures { bytes, hits: self.hits.load(Ordering::Relaxed), misses: self.misses.load(Ordering::Relaxed) }
    }
}

impl Plans {
    fn give_up(&mut self, plan: &PlanKey) {
        if let Some(known) = self.known.get_mut(plan) {
            self.bytes -= known.bytes;
            *known = Known { asked_at: known.asked_at, is_large: true, ..Known::default() };
        }
    }

    /// Lets go of the plan that was asked for the longest ago, but for `but`; whether there was one.
    fn forget_oldest(&mut self, but: &PlanKey) -> bool {
        let others = self.known.iter().filter(|(plan, _)| ***plan != *but);
        let Some(oldest) = others.min_by_key(|(_, known)| known.asked_at).map(|(plan, _)| Arc::clone(plan)) else {
            return false;
        };
        if let Some(known) = self.known.remove(&oldest) {
            self.bytes -= known.bytes;
        }
        true
    }
}
