//! The write-ahead log: everything in it becomes files of tables, and its files are made anew.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::erase::{Halt, step};
use crate::engine::Inner;
use crate::retention::Erasure;

/// Longest wait for the files of the log to go.
const GONE_MAX: Duration = Duration::from_secs(60);
/// Pause between two looks at them.
const GONE_LOOK: Duration = Duration::from_millis(10);

impl Inner {
    /// Leaves no byte in the log that was written before.
    pub(super) async fn renew_log(self: &Arc<Self>, erasure: &Erasure) -> Result<(), Halt> {
        // What is flushed needs no room in the log: that of two new segments.
        self.flush(None).await?;
        let renewal = self.wal.renew();
        for event_type in ["erasure.log_renewal_begun", "erasure.log_renewed"] {
            renewal.begin_segment();
            self.append_audit(step(erasure, event_type).line()).await?;
        }
        let first = renewal.newest();
        self.flush(None).await?;
        let started = Instant::now();
        while !renewal.is_gone_before(first) {
            if started.elapsed() > GONE_MAX {
                return Err(Halt::Waits("old files of the write-ahead log cannot be deleted yet".into()));
            }
            if self.shared.ending.is_cancelled() {
                return Err(Halt::Stopped);
            }
            tokio::time::sleep(GONE_LOOK).await;
        }
        Ok(())
    }
}
