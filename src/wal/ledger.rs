//! Which segments hold frames that no table holds yet, and when a segment is free again.
//!
//! Segments are freed oldest first and never the newest that has a frame: its last frame is what the
//! sequence goes on from after a restart.

use std::collections::{BTreeSet, HashMap, VecDeque};

use super::segment::Segment;
use crate::event::names::ProjectName;

/// A segment and the last unforgotten row number of each project in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) segment: Segment,
    projects: HashMap<ProjectName, u64>,
    /// Whether a frame in it is on disk.
    used: bool,
}

/// Segments with frames, oldest first; the last one is written to.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    held: VecDeque<Held>,
}

impl Ledger {
    /// Takes in the segment that is written to from now on.
    pub(super) fn open(&mut self, segment: Segment) {
        debug_assert!(self.held.back().is_none_or(|newest| newest.segment.id + 1 == segment.id));
        self.held.push_back(Held { segment, projects: HashMap::new(), used: false });
    }

    /// Takes back the newest segment, when it turned out to hold nothing.
    pub(super) fn drop_newest(&mut self) -> Option<Segment> {
        self.held.pop_back().map(|held| held.segment)
    }

    /// Notes a frame in the newest segment; `last` is the number of its last row.
    pub(super) fn note(&mut self, project: &ProjectName, last: u64) {
        let Some(newest) = self.held.back_mut() else { return };
        newest.used = true;
        match newest.projects.get_mut(project) {
            Some(noted) => *noted = last,
            None => drop(newest.projects.insert(project.clone(), last)),
        }
    }

    /// Lets go of the project's rows up to `through`; says whether a segment can be retired.
    pub(super) fn forget(&mut self, project: &ProjectName, through: u64) -> bool {
        for held in &mut self.held {
            if held.projects.get(project).is_some_and(|last| *last <= through) {
                held.projects.remove(project);
            }
        }
        self.retirable().is_some()
    }

    /// Oldest segment, if nobody needs it any more.
    pub(super) fn retirable(&self) -> Option<&Segment> {
        let (oldest, next) = (self.held.front()?, self.held.get(1)?);
        (next.used && oldest.projects.is_empty()).then_some(&oldest.segment)
    }

    /// Removes the oldest segment from the books, once its file is out of the way.
    pub(super) fn retire(&mut self) {
        debug_assert!(self.retirable().is_some());
        self.held.pop_front();
    }

    /// Projects whose rows keep the oldest segments, as many segments as must go for `bytes` to be freed.
    pub(super) fn holders(&self, mut bytes: u64) -> Vec<ProjectName> {
        let closed = self.held.len().saturating_sub(1);
        let mut found = BTreeSet::new();
        for held in self.held.iter().take(closed) {
            if bytes == 0 {
                break;
            }
            found.extend(held.projects.keys());
            bytes = bytes.saturating_sub(held.segment.len);
        }
        found.into_iter().cloned().collect()
    }

    /// Number of segments.
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }

    /// Bytes of the segments' files.
    pub(super) fn bytes(&self) -> u64 {
        self.held.iter().map(|held| held.segment.len).sum()
    }

    /// Segment that is written to.
    pub(super) fn newest(&self) -> Option<&Segment> {
        self.held.back().map(|held| &held.segment)
    }
}

#[cfg(test)]
mod tests;
