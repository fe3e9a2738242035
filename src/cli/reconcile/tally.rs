//! Counts and content hashes by day, source and module; and which events make the difference.
//!
//! Hashes are sums of the hashes of events, so that order does not matter and an event that stands twice does.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::rows::Row;
use crate::cli::CliError;

/// Most groups that are kept in memory.
const GROUPS_MAX: usize = 1_000_000;

/// What takes the events of a side.
pub(super) trait Pass: Send + 'static {
    /// Takes one event.
    fn take(&mut self, row: Row) -> Result<(), CliError>;
}

/// Events that are compared as one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Group {
    pub(super) day: i32,
    pub(super) source: String,
    pub(super) module: Option<String>,
}

impl Group {
    fn of(row: &Row) -> Self {
        Self { day: row.day, source: row.source.clone(), module: row.module.clone() }
    }
}

/// How many events, and the sum of their hashes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sum {
    pub(super) rows: u64,
    pub(super) content: u128,
}

impl Sum {
    fn add(&mut self, content: u128) {
        self.rows += 1;
        self.content = self.content.wrapping_add(content);
    }
}

/// A log of one tenant: what a file covers.
pub(super) type Log = (String, String, String);

/// All groups of one side.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) groups: BTreeMap<Group, Sum>,
    /// Tenants, sources and datasets that were seen.
    pub(super) logs: BTreeSet<Log>,
    pub(super) rows: u64,
}

impl Pass for Tally {
    fn take(&mut self, row: Row) -> Result<(), CliError> {
        self.rows += 1;
        self.groups.entry(Group::of(&row)).or_default().add(row.content);
        self.logs.insert((row.tenant, row.source, row.dataset));
        if self.groups.len() > GROUPS_MAX || self.logs.len() > GROUPS_MAX {
            let text = format!("more than {GROUPS_MAX} groups of day, source and module; narrow it with --from, --to");
            return Err(CliError::Usage(text));
        }
        Ok(())
    }
}

/// Groups of both sides that differ, with their sums here and there.
pub(super) fn differing(here: &Tally, there: &Tally) -> BTreeMap<Group, (Sum, Sum)> {
    let all: BTreeSet<&Group> = here.groups.keys().chain(there.groups.keys()).collect();
    let of = |side: &Tally, group: &Group| side.groups.get(group).copied().unwrap_or_default();
    let both = all.into_iter().map(|group| (group.clone(), (of(here, group), of(there, group))));
    both.filter(|(_, (here, there))| here != there).collect()
}

/// Why an event is a difference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    OnlyHere,
    OnlyThere,
    /// The same id, other content.
    Differs,
    /// The same event, but not as often.
    Repeated,
}

impl Why {
    pub(super) const ALL: [Self; 4] = [Self::OnlyHere, Self::OnlyThere, Self::Differs, Self::Repeated];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::OnlyHere => "only here",
            Self::OnlyThere => "only there",
            Self::Differs => "differs",
            Self::Repeated => "repeated",
        }
    }
}

/// An event that makes a difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Difference {
    pub(super) day: i32,
    pub(super) log: Log,
    pub(super) id: String,
    pub(super) why: Why,
}

/// The first differences, and how many there are of each kind.
#[derive(Debug, Default)]
pub(super) struct Differences {
    pub(super) first: BTreeSet<Difference>,
    pub(super) counts: BTreeMap<Why, u64>,
}

/// Finds the events that make a difference, a slice of the ids at a time.
#[derive(Debug)]
pub(super) struct Matcher {
    groups: HashSet<Group>,
    slice: u128,
    slices: u128,
    there: bool,
    seen: HashMap<u128, Seen>,
}

#[derive(Debug)]
struct Seen {
    day: i32,
    log: Log,
    id: String,
    here: Sum,
    there: Sum,
}

impl Matcher {
    /// For events of `groups` whose ids fall into the slice number `slice` of `slices`.
    pub(super) fn new(groups: HashSet<Group>, slice: u64, slices: u64) -> Self {
        let (slice, slices) = (u128::from(slice), u128::from(slices.max(1)));
        Self { groups, slice, slices, there: false, seen: HashMap::new() }
    }

    /// The events that follow are the other side's.
    pub(super) fn turn(mut self) -> Self {
        self.there = true;
        self
    }

    /// Adds what was found; at most `limit` differences are kept, the first by day, log and id.
    pub(super) fn finish(self, limit: usize, found: &mut Differences) {
        for seen in self.seen.into_values() {
            let why = match (seen.here, seen.there) {
                (here, there) if here == there => continue,
                (here, _) if here.rows == 0 => Why::OnlyThere,
                (_, there) if there.rows == 0 => Why::OnlyHere,
                (here, there) if here.rows != there.rows => Why::Repeated,
                _ => Why::Differs,
            };
            *found.counts.entry(why).or_default() += 1;
            found.first.insert(Difference { day: seen.day, log: seen.log, id: seen.id, why });
            if found.first.len() > limit {
                found.first.pop_last();
            }
        }
    }
}

impl Pass for Matcher {
    fn take(&mut self, row: Row) -> Result<(), CliError> {
        if row.key % self.slices != self.slice || !self.groups.contains(&Group::of(&row)) {
            return Ok(());
        }
        let Row { day, tenant, source, dataset, id, content, .. } = row;
        let new = || Seen { day, log: (tenant, source, dataset), id, here: Sum::default(), there: Sum::default() };
        let seen = self.seen.entry(row.key).or_insert_with(new);
        if self.there { &mut seen.there } else { &mut seen.here }.add(content);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
