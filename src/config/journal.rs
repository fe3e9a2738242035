//! Limits of the journal's lists and figures.

use serde::{Deserialize, Serialize};

use super::ByteCount;

/// Limits of the journal's lists and figures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// Most rows of a page.
    pub page_max: usize,
    /// How far the matches of a list are counted where the request does not say it.
    pub total_max: u64,
    /// Most values of a facet, series of a histogram or groups of an aggregate.
    pub groups_max: usize,
    /// Most steps of a histogram.
    pub steps_max: usize,
    /// Memory for answers of figures that are still true.
    pub figures_max: ByteCount,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            page_max: 1_000,
            total_max: 10_000,
            groups_max: 1_000,
            steps_max: 5_000,
            figures_max: ByteCount::mib(32),
        }
    }
}
