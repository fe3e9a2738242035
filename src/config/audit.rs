//! The audit journal: how long it is kept, what it may take, how much of it is told call by call.

use serde::{Deserialize, Serialize};

use super::{ByteCount, ConfigError, Span};

/// `[audit]`: the project `_audit`, in which readers and operators are recorded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Audit {
    /// How long its days are kept; at least 90 days, which auditors expect to find at hand.
    pub retention: Span,
    /// Memory beside `ingest.hot_max`, and room in the write-ahead log, that only the journal may use, so that it
    /// goes on when ingest answers 429. Of the log it takes up to an eighth, and one segment at least.
    pub reserve: ByteCount,
    /// How long like queries are gathered into one event.
    pub group_interval: Span,
    /// How long ingest, the use of keys, and refusals beyond their limits are gathered into one event.
    pub rollup_interval: Span,
    /// Most groups, and most rollups of a kind, that one interval holds; of one key an eighth of the groups. What comes
    /// on top is counted together, by key, and beyond as many keys again in one event.
    pub queue_max: usize,
    /// Failed logins of one source within `rollup_interval` that are events of their own; further ones are counted.
    pub failed_logins_max: u32,
    /// Refusals of one key from one source within `rollup_interval` that are events of their own; further ones are
    /// counted.
    pub denials_max: u32,
    /// Longest text of a statement that is kept; of longer ones the beginning is, and the hash of the whole.
    pub statement_max: ByteCount,
}

impl Default for Audit {
    fn default() -> Self {
        Self {
            retention: Span::secs(400 * 86_400),
            reserve: ByteCount::mib(64),
            group_interval: Span::secs(1),
            rollup_interval: Span::secs(60),
            queue_max: 1_000,
            failed_logins_max: 10,
            denials_max: 100,
            statement_max: ByteCount(4 << 10),
        }
    }
}

impl Audit {
    /// Room in a log of `size_max` with segments of `segment_size` that only the journal may use.
    #[must_use]
    pub fn log_reserve(&self, wal: &super::Wal) -> u64 {
        self.reserve.0.min(wal.size_max.0 / 8).max(wal.segment_size.0)
    }

    /// Refuses settings that contradict each other.
    ///
    /// # Errors
    /// The contradiction, with both numbers.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if self.group_interval > self.rollup_interval {
            return Err(ConfigError::Contradiction(format!(
                "audit.group_interval {} must be at most audit.rollup_interval {}",
                self.group_interval, self.rollup_interval
            )));
        }
        Ok(())
    }
}
