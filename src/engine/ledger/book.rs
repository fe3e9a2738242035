//! The sums of one project: by day of receipt, key and source, and the last batches one by one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::series::Series;
use super::tally::{OTHER, Part, Tally, count};
use crate::config;
use crate::event::columns::DAY_US;

/// Sources of one batch that its line names.
const NAMED_MAX: usize = 5;
/// Series of numbers of one project; further ones are not followed.
const SERIES_MAX: usize = 1_000;

/// What sums are apart by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::engine) struct Line {
    /// Day of receipt, since 1970 (UTC); `None`: days that are told no more one by one.
    pub(in crate::engine) day: Option<i32>,
    /// Public id of the key.
    pub(in crate::engine) key: Option<String>,
    pub(in crate::engine) source: String,
}

/// Sums of a line; times are µs since 1970.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::engine) struct Sums {
    pub(in crate::engine) batches: u64,
    pub(in crate::engine) accepted: u64,
    pub(in crate::engine) duplicates: u64,
    /// By code.
    pub(in crate::engine) rejected: BTreeMap<String, u64>,
    pub(in crate::engine) late: u64,
    /// What was put right or kept aside, by kind.
    pub(in crate::engine) remarks: BTreeMap<String, u64>,
    pub(in crate::engine) first_received: Option<i64>,
    pub(in crate::engine) last_received: Option<i64>,
    /// Greatest `event_time` of an accepted event.
    pub(in crate::engine) newest: Option<i64>,
}

impl Sums {
    pub(in crate::engine) fn received(&self) -> u64 {
        self.accepted + self.duplicates + self.rejected()
    }

    pub(in crate::engine) fn rejected(&self) -> u64 {
        self.rejected.values().sum()
    }

    fn of(part: &Part, at: i64) -> Self {
        Self {
            batches: 1,
            accepted: part.accepted,
            duplicates: part.duplicates,
            rejected: part.rejected.clone(),
            late: part.late,
            remarks: part.remarks.clone(),
            first_received: Some(at),
            last_received: Some(at),
            newest: part.newest,
        }
    }

    pub(in crate::engine) fn add(&mut self, other: &Self) {
        self.batches += other.batches;
        self.accepted += other.accepted;
        self.duplicates += other.duplicates;
        self.late += other.late;
        other.rejected.iter().for_each(|(code, more)| count(&mut self.rejected, code, *more));
        other.remarks.iter().for_each(|(kind, more)| count(&mut self.remarks, kind, *more));
        self.first_received = match (self.first_received, other.first_received) {
            (Some(mine), Some(theirs)) => Some(mine.min(theirs)),
            (mine, theirs) => mine.or(theirs),
        };
        self.last_received = self.last_received.max(other.last_received);
        self.newest = self.newest.max(other.newest);
    }
}

/// One batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct BatchLine {
    /// Its id, as in its receipt; none where nothing of it was stored.
    pub(crate) batch: Option<String>,
    /// When it was received, µs since 1970.
    pub(crate) received_at: i64,
    /// Public id of the key that sent it.
    pub(crate) key: Option<String>,
    /// Its first sources.
    pub(crate) sources: Vec<String>,
    /// Events that it had.
    pub(crate) received: u64,
    /// Events stored.
    pub(crate) accepted: u64,
    /// Events that were here already.
    pub(crate) duplicates: u64,
    /// Events refused, by code.
    pub(crate) rejected: BTreeMap<String, u64>,
    /// Accepted events that came in long after they happened.
    pub(crate) late: u64,
    /// What was put right or kept aside, by kind.
    pub(crate) remarks: BTreeMap<String, u64>,
}

/// Which numbers belong together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(in crate::engine) struct Numbered {
    pub(in crate::engine) source: String,
    pub(in crate::engine) tenant: String,
    pub(in crate::engine) dataset: String,
}

/// Events that left the table for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Removed {
    /// Their time was over.
    Retained,
    /// Somebody had the right to have them erased.
    Erased,
}

/// The sums of one project.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Book {
    /// When it was begun, µs since 1970.
    pub(super) began: i64,
    /// Events that the table had then.
    pub(super) opening: u64,
    /// Number of the last frame of the log that is in the sums.
    pub(super) through: u64,
    /// Number of the last entry beside the log that is.
    pub(super) entries: u64,
    pub(super) retained: u64,
    pub(super) erased: u64,
    #[serde(with = "pairs")]
    pub(super) lines: BTreeMap<Line, Sums>,
    #[serde(with = "pairs")]
    pub(super) series: BTreeMap<Numbered, Series>,
    pub(super) batches: VecDeque<BatchLine>,
    /// Keys and sources that are told apart.
    pub(super) known: BTreeSet<(Option<String>, String)>,
    /// Sums of all lines; whoever reads a book has them counted.
    #[serde(skip)]
    pub(super) all: Sums,
    /// Last receipt and greatest `event_time` by source, over all lines.
    #[serde(skip)]
    pub(super) last: BTreeMap<String, Last>,
}

/// Last receipt and greatest `event_time` of a source, µs since 1970.
pub(in crate::engine) type Last = (Option<i64>, Option<i64>);

impl Book {
    /// Counts what is not saved, as it follows from the lines.
    pub(super) fn recount(&mut self) {
        (self.all, self.last) = (Sums::default(), BTreeMap::new());
        for (line, sums) in &self.lines {
            self.all.add(sums);
            note_last(&mut self.last, &line.source, sums);
        }
    }

    /// Adds a batch that was received at `at`.
    pub(super) fn add(&mut self, batch: Option<String>, at: i64, tally: &Tally, rules: &config::Ledger) {
        let day = i32::try_from(at.div_euclid(DAY_US)).unwrap_or(i32::MAX);
        for part in &tally.parts {
            let (key, source) = self.told_apart(tally.key.clone(), &part.source, rules.sources_max);
            let sums = Sums::of(part, at);
            self.all.add(&sums);
            note_last(&mut self.last, &source, &sums);
            self.lines.entry(Line { day: Some(day), key, source }).or_default().add(&sums);
            self.number(part, rules.gaps_max);
        }
        // At a start those that were refused come before those of the log.
        let place = self.batches.partition_point(|known| known.received_at <= at);
        self.batches.insert(place, line_of(batch, at, tally));
        while self.batches.len() > rules.batches_max {
            self.batches.pop_front();
        }
        self.put_together(day, rules);
    }

    fn told_apart(&mut self, key: Option<String>, source: &str, most: usize) -> (Option<String>, String) {
        let pair = (key, source.to_owned());
        if self.known.contains(&pair) {
            return pair;
        }
        if self.known.len() >= most {
            return (Some(OTHER.to_owned()), OTHER.to_owned());
        }
        self.known.insert(pair.clone());
        pair
    }

    fn number(&mut self, part: &Part, gaps_max: usize) {
        for numbers in &part.numbers {
            let numbered = Numbered {
                source: part.source.clone(),
                tenant: numbers.tenant.clone(),
                dataset: numbers.dataset.clone(),
            };
            if self.series.len() >= SERIES_MAX && !self.series.contains_key(&numbered) {
                continue;
            }
            let series = self.series.entry(numbered).or_default();
            numbers.runs.iter().for_each(|run| series.add(*run, gaps_max));
        }
    }

    /// Adds days that are too old, or too many, to the sums of all such days.
    fn put_together(&mut self, today: i32, rules: &config::Ledger) {
        let kept_from = today.saturating_sub(i32::try_from(rules.keep_days).unwrap_or(i32::MAX));
        let first_day = Line { day: Some(i32::MIN), key: None, source: String::new() };
        while let Some((line, _)) = self.lines.range(first_day.clone()..).next() {
            let too_old = line.day.is_some_and(|day| day <= kept_from);
            let too_many = self.lines.len() > rules.rows_max && line.day.is_some_and(|day| day < today);
            if !too_old && !too_many {
                return;
            }
            let line = line.clone();
            let Some(sums) = self.lines.remove(&line) else { return };
            self.lines.entry(Line { day: None, ..line }).or_default().add(&sums);
        }
    }

    /// Counts events that left the table.
    pub(super) fn remove(&mut self, kind: Removed, count: u64) {
        match kind {
            Removed::Retained => self.retained += count,
            Removed::Erased => self.erased += count,
        }
    }

    /// Events that should be there, hot or stored.
    pub(super) fn expected(&self) -> i128 {
        i128::from(self.opening) + i128::from(self.all.accepted) - i128::from(self.retained) - i128::from(self.erased)
    }
}

fn note_last(last: &mut BTreeMap<String, Last>, source: &str, sums: &Sums) {
    let note = |known: &mut Last| *known = (known.0.max(sums.last_received), known.1.max(sums.newest));
    match last.get_mut(source) {
        Some(known) => note(known),
        None => note(last.entry(source.to_owned()).or_default()),
    }
}

fn line_of(batch: Option<String>, received_at: i64, tally: &Tally) -> BatchLine {
    let mut all = Sums::default();
    tally.parts.iter().for_each(|part| all.add(&Sums::of(part, received_at)));
    BatchLine {
        batch,
        received_at,
        key: tally.key.clone(),
        sources: tally.parts.iter().take(NAMED_MAX).map(|part| part.source.clone()).collect(),
        received: all.received(),
        accepted: all.accepted,
        duplicates: all.duplicates,
        late: all.late,
        rejected: all.rejected,
        remarks: all.remarks,
    }
}

/// Maps whose keys are no texts, as lists.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K, V, S>(map: &BTreeMap<K, V>, serializer: S) -> Result<S::Ok, S::Error>
    where
        K: Serialize,
        V: Serialize,
        S: Serializer,
    {
        serializer.collect_seq(map.iter())
    }

    pub(super) fn deserialize<'de, K, V, D>(deserializer: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
        D: Deserializer<'de>,
    {
        Ok(Vec::<(K, V)>::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests;
