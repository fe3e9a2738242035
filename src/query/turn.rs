//! A query's place among those that run at once: held until its answer ends, however it ends.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is told at the end: bytes of files that were read.
type AtEnd = Box<dyn FnOnce(u64) + Send + Sync>;

/// A place; who gave it learns at the end what was read.
pub struct Turn {
    scanned: AtomicU64,
    at_end: Option<AtEnd>,
}

impl Turn {
    /// A place that `at_end` takes back.
    #[must_use]
    pub fn new(at_end: impl FnOnce(u64) + Send + Sync + 'static) -> Self {
        Self { scanned: AtomicU64::new(0), at_end: Some(Box::new(at_end)) }
    }

    /// Notes what the query has read.
    pub(crate) fn note(&self, scanned: u64) {
        self.scanned.store(scanned, Ordering::Relaxed);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        if let Some(at_end) = self.at_end.take() {
            at_end(self.scanned.load(Ordering::Relaxed));
        }
    }
}

impl fmt::Debug for Turn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("scanned", &self.scanned).finish_non_exhaustive()
    }
}
