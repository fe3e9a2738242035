//! The same named query, asked for by many at the same time, is computed once.
//!
//! Dashboards on many screens refresh together. Whoever comes while the query runs waits; when that run is over, the
//! first of those who waited runs it again for all of them. So at most one run is going on, and nobody
//! gets an answer whose computation began before they asked: what was stored before is in it.
//!
//! A run belongs to its caller: it is within the caller's quota, and ends when the caller goes away or fails; then the
//! next in line runs. Answers larger than `query.shared_max` are not kept, and everybody gets their own.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::MutexGuard;

use crate::event::names::ProjectName;
use crate::query::answer::Kept;
use crate::query::restrict::Restriction;

/// What makes two requests the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Request {
    pub(super) project: ProjectName,
    pub(super) name: String,
    /// Parameters as they were sent, sorted by name.
    pub(super) given: Vec<(String, String)>,
    /// Address of the caller's restriction, which all who share it hold.
    restriction: Option<usize>,
}

impl Request {
    pub(super) fn new(
        project: &ProjectName,
        name: &str,
        given: &[(String, String)],
        restriction: Option<&Arc<Restriction>>,
    ) -> Self {
        let mut given = given.to_vec();
        // Values of one name stay in their order.
        given.sort_by(|a, b| a.0.cmp(&b.0));
        let restriction = restriction.map(|restriction| Arc::as_ptr(restriction).addr());
        Self { project: project.clone(), name: name.to_owned(), given, restriction }
    }
}

/// Requests that are being answered.
#[derive(Debug, Default)]
pub(super) struct Shared(Mutex<HashMap<Request, Weak<Slot>>>);

impl Shared {
    /// The place of `request`, which everybody gets who asks for the same while anybody holds it.
    pub(super) fn slot(&self, request: Request) -> Arc<Slot> {
        let mut slots = self.0.lock();
        if let Some(slot) = slots.get(&request).and_then(Weak::upgrade) {
            return slot;
        }
        slots.retain(|_, slot| slot.strong_count() > 0);
        let slot = Arc::new(Slot::default());
        slots.insert(request, Arc::downgrade(&slot));
        slot
    }
}

/// Runs of one request, one after the other.
#[derive(Debug, Default)]
pub(super) struct Slot {
    begun: Mutex<u64>,
    last: tokio::sync::Mutex<Option<(u64, Kept)>>,
}

impl Slot {
    /// Runs that have begun so far: only later ones may answer who asks now.
    pub(super) fn begun(&self) -> u64 {
        *self.begun.lock()
    }

    /// Waits until no run is going on.
    pub(super) async fn wait(&self) -> Place<'_> {
        Place { slot: self, last: self.last.lock().await }
    }
}

/// The right to run; the next in line gets it when this is dropped.
pub(super) struct Place<'a> {
    slot: &'a Slot,
    last: MutexGuard<'a, Option<(u64, Kept)>>,
}

impl Place<'_> {
    /// The answer of a run that began after the first `seen`.
    pub(super) fn answer_after(&self, seen: u64) -> Option<&Kept> {
        self.last.as_ref().filter(|(run, _)| *run > seen).map(|(_, kept)| kept)
    }

    /// Begins a run.
    pub(super) fn begin(&self) -> u64 {
        let mut begun = self.slot.begun.lock();
        *begun += 1;
        *begun
    }

    /// Keeps the answer of `run` for those who wait.
    pub(super) fn keep(mut self, run: u64, answer: Kept) {
        *self.last = Some((run, answer));
    }
}

#[cfg(test)]
mod tests;
