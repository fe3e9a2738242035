//! Which files are merged: tiers while a day is written, one file once it is over, within a budget of bytes.
//!
//! ```text
//! flushes ─▶ 8 of them ─▶ one file ─▶ 8 of those ─▶ one file ─▶ the day is over and quiet ─▶ one file
//!            tier 0                   tier 1                    tier 2
//! ```
//!
//! A file's tier is how often its rows were rewritten, by bytes ([`Work`]). A day that is written spends at most
//! twice its bytes on merges, so that closing it never takes it above three times; a day to which small files come
//! late merges these among themselves, until they are worth a rewrite of the large one. More than [`FILES_MAX`]
//! small files of one date and module are merged whatever that costs: every query opens all of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{CompactWhich, Files};
use crate::table::opened::TableSettings;
use crate::table::version::{DataFile, Work};

/// Files that are merged at a time.
pub(super) const FAN_IN: usize = 64;
/// Small files of a date and module that are too many whatever the budget says.
const FILES_MAX: usize = 128;
/// Small files of a date and module that keep queries longer than merging them would.
const CROWD: usize = 32;
/// Bytes that merges may write for each that was flushed, while a day is written and after.
const OPEN_BUDGET: u64 = 2;
const BUDGET: u64 = 3;
const DAY_MS: i64 = 86_400_000;

/// What decides about merges.
#[derive(Debug, Clone, Copy)]
pub(super) struct Policy<'s> {
    pub(super) which: CompactWhich,
    pub(super) settings: &'s TableSettings,
    pub(super) now_ms: i64,
}

/// The next files of each date and module to be merged into one, the newest date first.
///
/// After these are merged there may be more: it is asked again until there are none.
pub(super) fn plan<'f>(files: impl IntoIterator<Item = &'f Arc<DataFile>>, policy: Policy<'_>) -> Vec<Files> {
    partitions(files, policy.settings).into_values().filter_map(|files| policy.group(files)).collect()
}

/// Whether any date and module has so many small files that merging them must not wait for queries.
pub(super) fn is_crowded<'f>(files: impl IntoIterator<Item = &'f Arc<DataFile>>, settings: &TableSettings) -> bool {
    partitions(files, settings).values().any(|files| files.len() >= CROWD)
}

/// Small files of each date and module, the newest date first.
fn partitions<'f>(
    files: impl IntoIterator<Item = &'f Arc<DataFile>>,
    settings: &TableSettings,
) -> BTreeMap<(std::cmp::Reverse<i32>, Option<&'f str>), Files> {
    let mut partitions: BTreeMap<_, Files> = BTreeMap::new();
    // A file that another tool has added may have any order: it is left alone.
    for file in files.into_iter().filter(|file| file.ordered && file.size < settings.target_size) {
        partitions.entry((std::cmp::Reverse(file.date), file.module.as_deref())).or_default().push(Arc::clone(file));
    }
    partitions
}

impl Policy<'_> {
    /// Files of one date and module that are worth a merge.
    fn group(self, mut files: Files) -> Option<Files> {
        if files.len() < 2 {
            return None;
        }
        files.sort_by_key(|file| file.size);
        if self.which == CompactWhich::All || files.len() > FILES_MAX {
            return self.fitting(&files);
        }
        if self.is_closed(&files) { self.all_within_budget(&files) } else { self.tier(&files) }
    }

    /// Whether a day is over, and nothing has changed in it for a while.
    fn is_closed(self, files: &[Arc<DataFile>]) -> bool {
        let after = i64::try_from(self.settings.close_after.as_millis()).unwrap_or(i64::MAX);
        let over = files.first().map_or(i64::MAX, |file| (i64::from(file.date) + 1).saturating_mul(DAY_MS));
        let changed = files.iter().map(|file| file.modified_ms).max();
        let last = changed.map_or(over, |changed| changed.max(over));
        last.saturating_add(after) <= self.now_ms
    }

    /// As many as possible, the smallest first.
    fn all_within_budget(self, files: &[Arc<DataFile>]) -> Option<Files> {
        let mut group = self.fitting(files)?;
        // All of them, or what is worth it without the largest.
        let mut least = 2;
        while group.len() >= least {
            if is_within(&group, BUDGET) {
                return Some(group);
            }
            group.pop();
            least = self.settings.files_min.max(2);
        }
        None
    }

    /// The files of the lowest tier that has enough of them.
    fn tier(self, files: &[Arc<DataFile>]) -> Option<Files> {
        let mut tiers: BTreeMap<u64, Files> = BTreeMap::new();
        for file in files {
            tiers.entry(tier_of(file.work)).or_default().push(Arc::clone(file));
        }
        tiers.into_values().find_map(|files| {
            let group = self.fitting(&files).filter(|group| group.len() >= self.settings.files_min)?;
            is_within(&group, OPEN_BUDGET).then_some(group)
        })
    }

    /// The first files, while they can be merged at a time and their sum is about the target size.
    fn fitting(self, files: &[Arc<DataFile>]) -> Option<Files> {
        let most = self.settings.target_size.saturating_add(self.settings.target_size / 4);
        let mut sum = 0_u64;
        let fits = files.iter().take(FAN_IN).take_while(|file| {
            sum = sum.saturating_add(file.size);
            sum <= most
        });
        let group: Files = fits.cloned().collect();
        (group.len() >= 2).then_some(group)
    }
}

/// How often the bytes of a file were rewritten, about.
fn tier_of(work: Work) -> u64 {
    (work.rewritten + work.flushed / 2) / work.flushed.max(1)
}

/// Whether a merge of these files leaves them within so many bytes rewritten for each that was flushed.
fn is_within(files: &[Arc<DataFile>], budget: u64) -> bool {
    let work = Work::sum(files).and(files.iter().map(|file| file.size).sum());
    work.rewritten <= budget.saturating_mul(work.flushed)
}

#[cfg(test)]
mod tests;
