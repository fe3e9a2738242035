//! The preparer thread: the next segment is there before the writer needs it, and segments that
//! nobody needs any more become spares or go.
//!
//! One chore at a time, oldest segment first, each made durable before the next: a crash leaves no
//! gap between segments. A chore that failed is tried again after a pause; a segment that cannot be
//! removed holds back the removal of younger ones.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::segment::{self, Segment};
use super::state::{Limits, RETRY, Shared, State};
use super::{WalError, trace};
use crate::error::with_causes;

/// Files kept to make the next segments from: writing zeros costs as much as writing frames.
const SPARES_MAX: usize = 2;

/// One piece of work, decided under the lock and done outside it.
#[derive(Debug)]
enum Chore {
    SetAside(Segment),
    Remove(Segment),
    Prepare { id: u64, len: u64, spare: Option<PathBuf> },
    Grow(Segment, u64),
    Discard(PathBuf),
}

/// Does chores until the log is closed.
pub(super) fn run<T>(shared: &Shared<T>) {
    while let Some(chore) = next_chore(shared) {
        match chore {
            Chore::SetAside(segment) => retired(shared, segment::set_aside(&segment)),
            Chore::Remove(segment) => retired(shared, segment::remove(&segment).map(|()| None)),
            Chore::Prepare { id, len, spare } => {
                prepared(shared, segment::prepare(&shared.limits.dir, id, len, spare.as_deref()));
            }
            Chore::Grow(segment, len) => prepared(shared, segment::grow(&segment, len)),
            // The next start removes what cannot be removed now.
            Chore::Discard(spare) => {
                drop(fs::remove_file(&spare));
                trace::removed(&spare);
            }
        }
    }
}

/// Waits for something to do; `None` when the log is closed.
fn next_chore<T>(shared: &Shared<T>) -> Option<Chore> {
    let mut state = shared.state.lock();
    loop {
        if state.closing && state.written {
            return None;
        }
        match state.retry_at {
            Some(at) if at > Instant::now() => {
                shared.chores.wait_until(&mut state, at);
                continue;
            }
            _ => state.retry_at = None,
        }
        if let Some(chore) = state.chore(&shared.limits) {
            return Some(chore);
        }
        shared.chores.wait(&mut state);
    }
}

impl<T> State<T> {
    fn chore(&mut self, limits: &Limits) -> Option<Chore> {
        if let Some(oldest) = self.ledger.retirable() {
            let oldest = oldest.clone();
            return Some(if self.keeps(&oldest, limits) { Chore::SetAside(oldest) } else { Chore::Remove(oldest) });
        }
        if self.broken.is_some() {
            return None;
        }
        if self.fresh_only
            && let Some(spare) = self.spares.pop()
        {
            return Some(Chore::Discard(spare));
        }
        let len = self.wanted.unwrap_or(limits.segment_size).max(limits.segment_size);
        // A frame larger than a segment needs the disk that spares take up.
        let spares = limits.segment_size * self.spares.len() as u64;
        if len > limits.segment_size && self.ledger.bytes() + len + spares > limits.size_max && spares > 0 {
            return self.spares.pop().map(Chore::Discard);
        }
        match self.ready.as_ref() {
            Some(ready) if self.wanted.is_some() && ready.len < len => {
                return self.ready.take().map(|ready| Chore::Grow(ready, len));
            }
            Some(_) => return None,
            None => {}
        }
        // A segment ahead that the budget would not let anyone open is no use.
        let affordable = self.wanted.is_some() || self.ledger.bytes() + len <= limits.size_max;
        let spare = if len == limits.segment_size { self.spares.pop() } else { None };
        affordable.then_some(Chore::Prepare { id: self.next_id, len, spare })
    }

    /// Whether the segment's file is worth keeping, within the budget.
    fn keeps(&self, segment: &Segment, limits: &Limits) -> bool {
        // The segment itself is among the ledger's; it only changes its place.
        let total = self.ledger.bytes() + limits.segment_size * (1 + self.spares.len() as u64);
        !self.fresh_only
            && segment.len == limits.segment_size
            && self.spares.len() < SPARES_MAX
            && total <= limits.size_max
    }
}

fn retired<T>(shared: &Shared<T>, done: Result<Option<PathBuf>, WalError>) {
    let mut state = shared.state.lock();
    match done {
        Ok(spare) => {
            state.ledger.retire();
            state.spares.extend(spare);
        }
        Err(error) => note_failure(&mut state, &error),
    }
}

fn prepared<T>(shared: &Shared<T>, done: Result<Segment, WalError>) {
    let mut state = shared.state.lock();
    match done {
        Ok(segment) => {
            state.ready = Some(segment);
            state.no_segment = None;
        }
        Err(error) => {
            note_failure(&mut state, &error);
            state.no_segment = Some(Arc::new(error));
        }
    }
    shared.segment.notify_one();
}

fn note_failure<T>(state: &mut State<T>, error: &WalError) {
    tracing::warn!(error = with_causes(error), "a log segment could not be prepared or removed");
    state.note_error(error);
    state.retry_at = Some(Instant::now() + RETRY);
}
