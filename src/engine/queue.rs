//! A lock of which whoever holds it for long can see that others wait.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Mutex, MutexGuard};

/// First come, first served.
#[derive(Debug, Default)]
pub(super) struct Queue {
    lock: Mutex<()>,
    waiting: AtomicUsize,
}

/// One that waits; dropped when it has the lock, or gives up.
struct Waits<'q>(&'q AtomicUsize);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Queue {
    pub(super) async fn lock(&self) -> MutexGuard<'_, ()> {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waits = Waits(&self.waiting);
        self.lock.lock().await
    }

    /// Whether somebody waits.
    pub(super) fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }
}

#[cfg(test)]
mod tests;
