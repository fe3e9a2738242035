//! Numbers that a source counts its events by, and which of them never came.
//!
//! A series knows its least and greatest number and the gaps between. Numbers may come in any order and twice: one
//! that comes late closes its gap. Gaps are bounded; of those beyond only their numbers are counted.

use serde::{Deserialize, Serialize};

/// From one number to another, both included.
pub(super) type Run = (i64, i64);

/// One series of numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Series {
    /// Least and greatest number; `None` before the first.
    pub(super) span: Option<Run>,
    /// What is missing between, in order.
    pub(super) gaps: Vec<Run>,
    /// How many numbers are missing in gaps that are not told any more.
    pub(super) untold: u64,
}

impl Series {
    /// Takes in numbers that came; at most `gaps_max` gaps are told.
    pub(super) fn add(&mut self, run: Run, gaps_max: usize) {
        let Some((least, greatest)) = self.span else {
            self.span = Some(run);
            return;
        };
        if run.0 > greatest.saturating_add(1) {
            self.gaps.push((greatest + 1, run.0 - 1));
        }
        if run.1 < least.saturating_sub(1) {
            self.gaps.insert(0, (run.1 + 1, least - 1));
        }
        self.span = Some((least.min(run.0), greatest.max(run.1)));
        self.close(run);
        while self.gaps.len() > gaps_max {
            // The oldest are the least likely to be closed.
            self.untold = self.untold.saturating_add(length(self.gaps.remove(0)));
        }
    }

    /// Takes `run` out of the gaps.
    fn close(&mut self, run: Run) {
        let from = self.gaps.partition_point(|gap| gap.1 < run.0);
        let to = self.gaps.partition_point(|gap| gap.0 <= run.1);
        if from >= to {
            return;
        }
        let (first, last) = (self.gaps[from], self.gaps[to - 1]);
        let before = (first.0 < run.0).then(|| (first.0, run.0 - 1));
        let after = (last.1 > run.1).then(|| (run.1 + 1, last.1));
        self.gaps.splice(from..to, before.into_iter().chain(after));
    }

    /// How many numbers are missing.
    pub(super) fn missing(&self) -> u64 {
        self.gaps.iter().fold(self.untold, |sum, gap| sum.saturating_add(length(*gap)))
    }
}

fn length((from, to): Run) -> u64 {
    to.abs_diff(from).saturating_add(1)
}

/// Numbers in order as runs.
pub(super) fn runs(mut numbers: Vec<i64>) -> Vec<Run> {
    numbers.sort_unstable();
    let mut runs: Vec<Run> = Vec::new();
    for number in numbers {
        match runs.last_mut() {
            Some(last) if number <= last.1.saturating_add(1) => last.1 = number,
            _ => runs.push((number, number)),
        }
    }
    runs
}

#[cfg(test)]
mod tests;
