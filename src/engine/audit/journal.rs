//! What waits to be written, and how it is.
//!
//! Requests add to counts under one short lock. A job turns them into events when their interval is
//! over and puts them into the log. While that fails nothing more is taken: counts grow, events do not.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::event::{AuditEvent, Origin};
use super::groups::{Alike, Groups, QueryCost};
use super::refusals::{RefusalKind, Refusals};
use super::rollups::{Activity, Bounded, Party, Received};
use super::statement::Statement;
use crate::config;
use crate::engine::now_us;

/// Bytes of events that make one batch of the log, but for a single larger one.
const CHUNK: usize = 256 << 10;

/// Shortest and longest time between two looks of the job.
const LOOK_MIN: Duration = Duration::from_millis(5);
const LOOK_MAX: Duration = Duration::from_millis(250);

/// What was not written yet.
pub(super) struct Journal {
    queue_max: usize,
    group_interval: Duration,
    rollup_interval: Duration,
    pending: Mutex<Pending>,
    /// Batches that were taken and are not in the log; held while they are put there.
    pub(super) unsent: tokio::sync::Mutex<VecDeque<Vec<u8>>>,
}

struct Pending {
    queries: Groups,
    activity: Bounded<Party, Activity>,
    refusals: Refusals,
    /// Events of their own that need not be durable before the answer.
    queue: Vec<AuditEvent>,
    grouped: Instant,
    rolled_up: Instant,
    /// Whether the last batch is written: what comes now goes to the log of the process.
    closed: bool,
}

impl Journal {
    pub(super) fn new(settings: &config::Audit) -> Self {
        let room = settings.queue_max;
        let pending = Pending {
            queries: Groups::new(room),
            activity: Bounded::new(room),
            refusals: Refusals::new(room, settings.failed_logins_max, settings.denials_max),
            queue: Vec::new(),
            grouped: Instant::now(),
            rolled_up: Instant::now(),
            closed: false,
        };
        Self {
            queue_max: room,
            group_interval: settings.group_interval.0,
            rollup_interval: settings.rollup_interval.0,
            pending: Mutex::new(pending),
            unsent: tokio::sync::Mutex::default(),
        }
    }

    /// How often the job looks, so that nothing waits longer than its interval.
    pub(super) fn look_every(&self) -> Duration {
        (self.group_interval / 4).clamp(LOOK_MIN, LOOK_MAX)
    }

    fn open(&self) -> Option<parking_lot::MutexGuard<'_, Pending>> {
        let pending = self.pending.lock();
        if pending.closed {
            tracing::warn!("a request ended after the audit journal was closed: it is not recorded");
            return None;
        }
        Some(pending)
    }

    pub(super) fn query(&self, alike: Alike, statement: Statement, id: Option<String>, cost: &QueryCost) {
        if let Some(mut pending) = self.open() {
            pending.queries.add(alike, statement, id, cost);
        }
    }

    pub(super) fn request(&self, party: Party, failed: bool, received: Option<&Received>) {
        let now_us = now_us();
        if let Some(mut pending) = self.open() {
            pending.activity.at(party).0.add(failed, received, now_us);
        }
    }

    /// Whether a refusal is to be an event of its own; it is counted where not.
    pub(super) fn admits_refusal(&self, origin: &Origin, kind: RefusalKind) -> bool {
        self.open().is_some_and(|mut pending| {
            let room = pending.queue.len() < self.queue_max;
            pending.refusals.admit(origin, kind, room, now_us())
        })
    }

    /// Queues an event that is written at the job's next look; whether there was room.
    #[must_use]
    pub(super) fn queue(&self, event: AuditEvent) -> bool {
        let Some(mut pending) = self.open() else { return false };
        let room = pending.queue.len() < self.queue_max;
        if room {
            pending.queue.push(event);
        }
        room
    }

    /// What is due, as batches for the log; at the end, which is told by `last`, everything.
    pub(super) fn take_due(&self, last: bool) -> Vec<Vec<u8>> {
        let (mut events, queries, counts) = {
            let mut pending = self.pending.lock();
            pending.closed |= last;
            let due = |since: Instant, interval| last || since.elapsed() + self.look_every() > interval;
            let (grouped, rolled_up) =
                (due(pending.grouped, self.group_interval), due(pending.rolled_up, self.rollup_interval));
            let queries = grouped.then(|| {
                pending.grouped = Instant::now();
                pending.queries.cut()
            });
            let counts = rolled_up.then(|| {
                pending.rolled_up = Instant::now();
                (pending.activity.cut(), pending.refusals.cut())
            });
            (std::mem::take(&mut pending.queue), queries, counts)
        };
        // Made into events when requests can count again.
        events.extend(queries.into_iter().flat_map(Groups::events));
        if let Some((activity, refusals)) = counts {
            events.extend(activity.all().flat_map(|(party, activity)| activity.events(party)));
            events.extend(refusals.events());
        }
        chunks(events)
    }
}

fn chunks(events: Vec<AuditEvent>) -> Vec<Vec<u8>> {
    let mut chunks: Vec<Vec<u8>> = Vec::new();
    for line in events.into_iter().map(AuditEvent::line) {
        match chunks.last_mut() {
            Some(chunk) if chunk.len() + line.len() <= CHUNK => chunk.extend_from_slice(&line),
            _ => chunks.push(line),
        }
    }
    chunks
}
