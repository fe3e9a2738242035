//! The ledger of ingest, and rejected lines: what is counted apart, and how long either is kept.

use serde::{Deserialize, Serialize};

use super::{ByteCount, Span};

/// `[ledger]`: what became of everything that was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Ledger {
    /// An event that comes in so long after it happened is late.
    pub late_after: Span,
    /// A source that sends nothing for so long is silent.
    pub silent_after: Span,
    /// How long sums stand day by day; older ones are one sum for each key and source.
    pub keep_days: u32,
    /// Sums of one project; when there are more, the oldest days are put together sooner.
    pub rows_max: usize,
    /// Pairs of key and source of one project; further ones are counted under `_other`.
    pub sources_max: usize,
    /// Batches of one project that are told one by one: the last ones.
    pub batches_max: usize,
    /// Sources that number their events in `sequence`, one by one within a tenant and dataset: what is missing is told.
    pub numbered_sources: Vec<String>,
    /// Gaps that are told of one series of numbers; of further ones only how many numbers are missing.
    pub gaps_max: usize,
}

impl Default for Ledger {
    fn default() -> Self {
        Self {
            late_after: Span::secs(86_400),
            silent_after: Span::secs(86_400),
            keep_days: 31,
            rows_max: 5_000,
            sources_max: 500,
            batches_max: 200,
            numbered_sources: Vec::new(),
            gaps_max: 100,
        }
    }
}

/// `[dead_letters]`: rejected lines.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DeadLetters {
    /// How long a rejected line is kept.
    pub retention: Span,
    /// Room for those of one project; the oldest go first.
    pub size_max: ByteCount,
    /// Longest line that is kept whole; of longer ones the beginning, which cannot be replayed.
    pub text_max: ByteCount,
}

impl Default for DeadLetters {
    fn default() -> Self {
        Self { retention: Span::secs(30 * 86_400), size_max: ByteCount::mib(128), text_max: ByteCount::mib(1) }
    }
}
