//! What became of records: a server's answers, added up.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::batch::Batch;

/// How many refusals are shown in full.
const SHOWN_MAX: usize = 10;

/// A server's answer to one body.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Receipt {
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    #[serde(default)]
    pub(super) duplicates: u64,
    /// The first refused lines.
    #[serde(default)]
    pub(super) errors: Vec<LineError>,
    /// All refused lines by code.
    #[serde(default)]
    pub(super) error_counts: BTreeMap<String, u64>,
    /// The server had answered this body before, and stored nothing now.
    #[serde(skip)]
    pub(super) replayed: bool,
}

/// A line that the server did not take.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct LineError {
    /// In the body, from 1.
    pub(super) line: u64,
    pub(super) code: String,
    #[serde(default)]
    pub(super) message: String,
}

/// Counts of one file, over all runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Totals {
    /// Events stored.
    pub(super) accepted: u64,
    /// Events that the server had already.
    pub(super) duplicates: u64,
    /// Records not taken, by the server or before they were sent.
    pub(super) rejected: u64,
}

impl Totals {
    /// Adds what became of one batch.
    pub(super) fn add(&mut self, batch: &Batch, receipt: &Receipt) {
        if receipt.replayed {
            self.duplicates += receipt.accepted + receipt.duplicates;
        } else {
            self.accepted += receipt.accepted;
            self.duplicates += receipt.duplicates;
        }
        self.rejected += receipt.rejected + batch.faults.len() as u64;
    }

    /// Events the server has judged.
    pub(super) fn events(&self) -> u64 {
        self.accepted + self.duplicates + self.rejected
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} accepted, {} duplicates, {} rejected", self.accepted, self.duplicates, self.rejected)
    }
}

/// A record that was not taken, by its number in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) line: u64,
    pub(super) code: String,
    pub(super) message: String,
}

/// Refusals of one run: the first few, and how many of each code.
#[derive(Debug, Clone, Default)]
pub(super) struct Refusals {
    pub(super) first: Vec<Refusal>,
    pub(super) by_code: BTreeMap<String, u64>,
}

impl Refusals {
    /// Adds those of one batch, in the order of the file.
    pub(super) fn add(&mut self, batch: &Batch, receipt: &Receipt) {
        for (code, count) in &receipt.error_counts {
            *self.by_code.entry(code.clone()).or_default() += count;
        }
        for (_, fault) in &batch.faults {
            *self.by_code.entry(fault.code.to_owned()).or_default() += 1;
        }
        let own = batch.faults.iter().map(|(line, fault)| (*line, fault.code, fault.message.as_str()));
        let theirs = receipt.errors.iter().map(|error| {
            let line = batch.first + error.line.saturating_sub(1);
            (line, error.code.as_str(), error.message.as_str())
        });
        let mut all: Vec<_> = own.chain(theirs).collect();
        all.sort_by_key(|(line, ..)| *line);
        for (line, code, message) in all {
            if self.first.len() < SHOWN_MAX {
                self.first.push(Refusal { line, code: code.to_owned(), message: message.to_owned() });
            }
        }
    }
}

#[cfg(test)]
mod tests;
