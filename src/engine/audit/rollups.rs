//! What is counted over a minute: ingest by key, project and source, and the use of keys.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::net::IpAddr;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use serde_json::json;

use super::event::{Actor, AuditEvent, Origin};
use crate::event::names::ProjectName;

/// Name of what was counted together because there was no more room.
const OTHER: &str = "_other";

/// Counts by key, as many as there is room for; the rest together.
#[derive(Debug)]
pub(super) struct Bounded<K, V> {
    max: usize,
    counts: HashMap<K, V, RandomState>,
    rest: Option<V>,
}

impl<K: Eq + Hash, V: Default> Bounded<K, V> {
    pub(super) fn new(max: usize) -> Self {
        Self { max, counts: HashMap::default(), rest: None }
    }

    /// The count of `key`, or that of all for which there is no room; whether it is its own.
    pub(super) fn at(&mut self, key: K) -> (&mut V, bool) {
        if self.counts.len() >= self.max && !self.counts.contains_key(&key) {
            return (self.rest.get_or_insert_default(), false);
        }
        (self.counts.entry(key).or_default(), true)
    }

    /// All counts so far; none are left.
    pub(super) fn cut(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.max))
    }

    /// The counts, that of the rest without a key.
    pub(super) fn all(self) -> impl Iterator<Item = (Option<K>, V)> {
        let counts = self.counts.into_iter().map(|(key, count)| (Some(key), count));
        counts.chain(self.rest.map(|rest| (None, rest)))
    }
}

/// First and last time, µs since 1970.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Seen {
    first: i64,
    last: i64,
}

impl Seen {
    pub(super) fn at(&mut self, now_us: i64) {
        if self.first == 0 {
            self.first = now_us;
        }
        self.last = self.last.max(now_us);
    }

    pub(super) fn describe(self, event: AuditEvent) -> AuditEvent {
        event.with("event_time", self.first).attribute("last_us", self.last)
    }
}

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Party {
    pub(super) actor: Actor,
    pub(super) project: Option<ProjectName>,
    pub(super) source: Option<IpAddr>,
}

impl Party {
    fn origin(self) -> Origin {
        Origin { actor: Some(self.actor), project: self.project, source: self.source, ..Origin::default() }
    }
}

/// What one request to take events in came to.
#[derive(Debug, Clone, Copy, Default)]
pub struct Received {
    /// Bytes of the body, decompressed.
    pub bytes: u64,
    /// Events stored.
    pub accepted: u64,
    /// Events refused.
    pub rejected: u64,
    /// Events that were here already.
    pub duplicates: u64,
    /// Stable code, where the request failed as a whole.
    pub error_code: Option<&'static str>,
}

/// What a party did in one interval.
#[derive(Debug, Default)]
pub(super) struct Activity {
    seen: Seen,
    requests: u64,
    failed: u64,
    ingest: Ingested,
}

#[derive(Debug, Default)]
struct Ingested {
    seen: Seen,
    requests: u64,
    sums: Received,
    errors: BTreeMap<&'static str, u64>,
}

impl Activity {
    pub(super) fn add(&mut self, failed: bool, received: Option<&Received>, now_us: i64) {
        self.seen.at(now_us);
        self.requests += 1;
        self.failed += u64::from(failed);
        if let Some(received) = received {
            self.ingest.add(received, now_us);
        }
    }

    /// The use of the key, and what was taken in with it.
    pub(super) fn events(self, party: Option<Party>) -> impl Iterator<Item = AuditEvent> {
        let key = party.as_ref().map_or(OTHER.to_owned(), |party| party.actor.key.to_string());
        let origin = party.map_or_else(Origin::default, Party::origin);
        let used = AuditEvent::new("keys", "key.used", "other")
            .from_origin(&origin)
            .with("object_type", "key")
            .with("object_id", key)
            .with("outcome", outcome(self.requests, self.failed))
            .attribute("requests", self.requests)
            .attribute("failed", self.failed);
        let ingest = (self.ingest.requests > 0).then(|| self.ingest.event(origin));
        [self.seen.describe(used)].into_iter().chain(ingest)
    }
}

impl Ingested {
    fn add(&mut self, received: &Received, now_us: i64) {
        self.seen.at(now_us);
        self.requests += 1;
        self.sums.bytes += received.bytes;
        self.sums.accepted += received.accepted;
        self.sums.rejected += received.rejected;
        self.sums.duplicates += received.duplicates;
        if let Some(code) = received.error_code {
            *self.errors.entry(code).or_default() += 1;
        }
    }

    fn event(self, origin: Origin) -> AuditEvent {
        let failed: u64 = self.errors.values().sum();
        let origin = Origin { method: "POST", route: "/api/v1/events".into(), ..origin };
        let event = AuditEvent::new("ingest", "ingest.rollup", "receive")
            .from_origin(&origin)
            .with("object_type", "project")
            .with("object_id", origin.project.as_ref().map_or(OTHER, ProjectName::as_str))
            .with("outcome", outcome(self.requests, failed))
            .with("request_body_size", self.sums.bytes)
            .attribute("requests", self.requests)
            .attribute("failed", failed)
            .attribute("accepted", self.sums.accepted)
            .attribute("rejected", self.sums.rejected)
            .attribute("duplicates", self.sums.duplicates)
            .attribute("bytes", self.sums.bytes);
        let event = if failed > 0 { event.attribute("errors", json!(self.errors)) } else { event };
        self.seen.describe(event)
    }
}

/// Of requests that went either way nothing can be said as a whole.
fn outcome(requests: u64, failed: u64) -> &'static str {
    match failed {
        0 => "success",
        failed if failed == requests => "failure",
        _ => "unknown",
    }
}
