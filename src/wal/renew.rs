//! Getting rid of everything that was ever written: what an erasure needs, for files of the log are used again and
//! keep, behind their newest frames, what they held before.
//!
//! While a [`Renewal`] lives, segments are made from nothing and deleted when nobody needs them any more. The segment
//! that was prepared before may still be an old file, so two new ones must be begun: the second is clean.
//!
//! ```text
//! renew ─▶ begin, append ─▶ begin, append ─▶ newest ─▶ flush everything ─▶ is_gone_before(newest)
//! ```

use super::Wal;

/// The log while it is renewed; files are used again once this is dropped.
pub struct Renewal<'a, T: Send + 'static>(&'a Wal<T>);

impl<T: Send + 'static> Wal<T> {
    /// Uses no file of the log again from now on, and deletes those that were kept for that.
    #[must_use]
    pub fn renew(&self) -> Renewal<'_, T> {
        self.shared.state.lock().fresh_only = true;
        self.shared.chores.notify_one();
        Renewal(self)
    }
}

impl<T: Send + 'static> Renewal<'_, T> {
    /// Lets the next frame begin a new segment.
    pub fn begin_segment(&self) {
        self.0.shared.state.lock().room = 0;
    }

    /// Number of the segment that is written to; 0 before the first.
    #[must_use]
    pub fn newest(&self) -> u64 {
        self.0.shared.state.lock().ledger.newest().map_or(0, |segment| segment.id)
    }

    /// Whether all segments before `segment` are deleted.
    #[must_use]
    pub fn is_gone_before(&self, segment: u64) -> bool {
        let state = self.0.shared.state.lock();
        !state.ledger.holds_before(segment) && state.spares.is_empty()
    }
}

impl<T: Send + 'static> Drop for Renewal<'_, T> {
    fn drop(&mut self) {
        self.0.shared.state.lock().fresh_only = false;
    }
}
