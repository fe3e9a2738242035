//! What one batch was: counted once, when it is judged, and kept in its frame of the log.

use std::collections::BTreeMap;
use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::series::{Run, runs};
use crate::config;
use crate::event::parse::{Parsed, Verdict, Verdicts};

/// Name of what is counted together because it is too much to tell apart.
pub(super) const OTHER: &str = "_other";
/// Code of events that were refused only since others of their batch were.
pub(super) const BATCH_REFUSED: &str = "batch_refused";
/// Sources of one batch that are told apart.
const PARTS_MAX: usize = 64;
/// Longest name of a source, tenant or dataset that is told, in bytes.
const NAME_MAX: usize = 200;
/// Runs of numbers of one series that one batch tells of.
const RUNS_MAX: usize = 10_000;

/// What one batch was.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Tally {
    /// Public id of the key that sent it.
    #[serde(rename = "k", default, skip_serializing_if = "Option::is_none")]
    pub(super) key: Option<String>,
    /// By source.
    #[serde(rename = "p")]
    pub(super) parts: Vec<Part>,
}

/// What a batch had of one source. Records that could not be read are of the source that the key or mapping names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Part {
    #[serde(rename = "s")]
    pub(super) source: String,
    #[serde(rename = "a", default, skip_serializing_if = "is_zero")]
    pub(super) accepted: u64,
    #[serde(rename = "d", default, skip_serializing_if = "is_zero")]
    pub(super) duplicates: u64,
    /// By code.
    #[serde(rename = "r", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) rejected: BTreeMap<String, u64>,
    /// Accepted events that came in long after they happened.
    #[serde(rename = "l", default, skip_serializing_if = "is_zero")]
    pub(super) late: u64,
    /// Greatest `event_time` of an accepted event, µs since 1970.
    #[serde(rename = "t", default, skip_serializing_if = "Option::is_none")]
    pub(super) newest: Option<i64>,
    /// What was put right or kept aside, by kind; of the whole batch, in its first part.
    #[serde(rename = "m", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) remarks: BTreeMap<String, u64>,
    /// Numbers that a numbered source gave its events.
    #[serde(rename = "n", default, skip_serializing_if = "Vec::is_empty")]
    pub(super) numbers: Vec<Numbers>,
}

/// Numbers of one tenant and dataset.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Numbers {
    #[serde(rename = "i")]
    pub(super) tenant: String,
    #[serde(rename = "d")]
    pub(super) dataset: String,
    #[serde(rename = "r")]
    pub(super) runs: Vec<Run>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How a batch is to be counted.
pub(in crate::engine) struct Counting<'a> {
    pub(in crate::engine) rules: &'a config::Ledger,
    pub(in crate::engine) received_at: i64,
    pub(in crate::engine) key: Option<String>,
    /// Source of records that could not be read.
    pub(in crate::engine) source: &'a str,
}

impl Tally {
    /// Counts a body as it was first parsed, and what was judged of its records.
    pub(in crate::engine) fn of(parsed: &Parsed, verdicts: &Verdicts, how: Counting<'_>) -> Self {
        let mut parts = Parts { rules: how.rules, parts: Vec::new(), last: 0, numbers: HashMap::new() };
        let late_before =
            how.received_at.saturating_sub(i64::try_from(how.rules.late_after.0.as_micros()).unwrap_or(i64::MAX));
        for (row, record) in parsed.row_records.iter().enumerate() {
            let at = parts.place(parsed.source(row));
            match verdicts.get(*record) {
                Verdict::Accepted | Verdict::Overflow => parts.accept(at, parsed, row, late_before),
                Verdict::Duplicate => parts.parts[at].duplicates += 1,
                refused => {
                    let code = refused.refusal().map_or("rejected", |(code, _)| code);
                    count(&mut parts.parts[at].rejected, code, 1);
                }
            }
        }
        if !parsed.rejected.is_empty() {
            let at = parts.place(how.source.as_bytes());
            for rejected in &parsed.rejected {
                count(&mut parts.parts[at].rejected, rejected.code, 1);
            }
        }
        Self { key: how.key, parts: parts.finish() }
    }

    /// What was put right or kept aside in the whole batch.
    pub(in crate::engine) fn remark(&mut self, remarks: &BTreeMap<String, u64>) {
        if let Some(part) = self.parts.first_mut() {
            part.remarks.clone_from(remarks);
        }
    }

    /// The same batch, of which nothing is stored.
    pub(in crate::engine) fn refused(mut self) -> Self {
        for part in &mut self.parts {
            let spoiled = std::mem::take(&mut part.accepted);
            if spoiled > 0 {
                count(&mut part.rejected, BATCH_REFUSED, spoiled);
            }
            (part.late, part.newest) = (0, None);
            part.remarks.clear();
            part.numbers.clear();
        }
        self
    }

    /// A batch of a log that was written before there was a ledger: `rows` events of unknown senders.
    pub(in crate::engine) fn untold(rows: u32) -> Self {
        Self { key: None, parts: vec![Part { source: String::new(), accepted: rows.into(), ..Part::default() }] }
    }
}

/// The parts while they are counted.
struct Parts<'a> {
    rules: &'a config::Ledger,
    parts: Vec<Part>,
    /// Part of the row before: most batches are of one source.
    last: usize,
    /// By part, tenant and dataset.
    numbers: HashMap<(usize, String, String), Vec<i64>>,
}

impl Parts<'_> {
    /// The part of `source`.
    fn place(&mut self, source: &[u8]) -> usize {
        if self.parts.get(self.last).is_some_and(|part| part.source.as_bytes() == source) {
            return self.last;
        }
        let name = if self.parts.len() < PARTS_MAX { told(source) } else { OTHER.to_owned() };
        let known = self.parts.iter().position(|part| part.source.as_bytes() == source || part.source == name);
        self.last = known.unwrap_or_else(|| {
            self.parts.push(Part { source: name, ..Part::default() });
            self.parts.len() - 1
        });
        self.last
    }

    fn accept(&mut self, at: usize, parsed: &Parsed, row: usize, late_before: i64) {
        let part = &mut self.parts[at];
        part.accepted += 1;
        let time = parsed.event_time(row);
        part.late += u64::from(time.is_some_and(|time| time < late_before));
        part.newest = part.newest.max(time);
        if self.rules.numbered_sources.is_empty() || !self.rules.numbered_sources.contains(&part.source) {
            return;
        }
        if let Some(number) = parsed.sequence(row) {
            let series = (at, told(parsed.tenant(row)), told(parsed.dataset(row)));
            self.numbers.entry(series).or_default().push(number);
        }
    }

    fn finish(mut self) -> Vec<Part> {
        let mut numbers: Vec<_> = self.numbers.into_iter().collect();
        numbers.sort_unstable();
        for ((at, tenant, dataset), numbers) in numbers {
            let mut runs = runs(numbers);
            // What is left out is told as missing, which is the safe side.
            runs.truncate(RUNS_MAX);
            self.parts[at].numbers.push(Numbers { tenant, dataset, runs });
        }
        self.parts
    }
}

pub(super) fn count(counts: &mut BTreeMap<String, u64>, name: &str, more: u64) {
    match counts.get_mut(name) {
        Some(count) => *count += more,
        None => drop(counts.insert(name.to_owned(), more)),
    }
}

/// A name as the ledger tells it.
fn told(name: &[u8]) -> String {
    let text = String::from_utf8_lossy(name);
    let mut end = text.len().min(NAME_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}
