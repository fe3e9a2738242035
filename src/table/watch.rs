//! How somebody follows and steers work on a table that takes long.

/// Told how far the work is, and asked whether it should go on; from whatever thread does it.
pub trait Watch: Send + Sync {
    /// So many of so many bytes are done.
    fn progress(&self, _done: u64, _total: u64) {}

    /// Whether it should end; what is committed stays.
    fn is_cancelled(&self) -> bool {
        false
    }

    /// Whether somebody waits for the end of the work, which may go on later.
    fn is_wanted(&self) -> bool {
        false
    }

    /// Called between two pieces of work, on a thread that may block: waits while others need the machine.
    fn give_way(&self) {}
}

/// Nobody follows.
#[derive(Debug, Clone, Copy)]
pub struct Unwatched;

impl Watch for Unwatched {}
