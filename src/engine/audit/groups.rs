//! Queries of one interval: like ones are one event with counts and sums.
//!
//! Alike are queries of one key from one source, through one route, of one statement, that ended alike.
//! How many groups there are is bounded: a key has an eighth of the room, and what it asks beyond is
//! counted in one group of its own; keys beyond the bound share one. So a flood costs its sender the
//! detail and nobody else, and every query is counted in exactly one event.

use std::collections::BTreeMap;
use std::time::Duration;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use serde_json::{Value, json};

use super::event::{Actor, AuditEvent, Origin, nanos};
use super::statement::Statement;

/// Hashes of parameters that one event lists.
const PARAMETERS_MAX: usize = 8;
/// Callers' names of queries that one event lists.
const IDS_MAX: usize = 4;
/// `object_id` of queries that were counted together.
const OTHER: &str = "_other";

/// How a query ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct QueryEnd {
    /// `completed`, `truncated`, `failed` or `canceled`.
    pub status: &'static str,
    /// Stable code of its error.
    pub error_code: Option<&'static str>,
    /// HTTP status of the answer; 0 where none was sent.
    pub http_status: u16,
}

/// What a query took and gave.
#[derive(Debug, Clone, Copy, Default)]
pub struct QueryCost {
    /// When it came, µs since 1970.
    pub started_us: i64,
    /// Until the last byte of its answer.
    pub duration: Duration,
    /// Rows of the answer.
    pub rows: u64,
    /// Bytes of the answer's body.
    pub bytes: u64,
    /// Bytes read of stored files.
    pub bytes_scanned: u64,
}

/// What makes queries alike.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Alike {
    pub(super) origin: Origin,
    pub(super) named: Option<String>,
    pub(super) statement: String,
    pub(super) end: QueryEnd,
}

/// What is counted of like queries.
#[derive(Debug, Default)]
struct Group {
    /// That of the first one.
    statement: Option<Statement>,
    ids: Vec<String>,
    parameters: Vec<String>,
    /// Queries whose parameters are not among those listed.
    parameters_more: u64,
    statuses: BTreeMap<&'static str, u64>,
    count: u64,
    first_us: i64,
    last_us: i64,
    total: Duration,
    shortest: Duration,
    longest: Duration,
    rows: u64,
    bytes: u64,
    bytes_scanned: u64,
}

/// The queries of one interval.
#[derive(Debug)]
pub(super) struct Groups {
    max: usize,
    alike: HashMap<Alike, Group, RandomState>,
    /// Groups of each key in `alike`.
    of_key: HashMap<Option<Actor>, usize, RandomState>,
    /// What keys asked beyond their share.
    beyond: HashMap<Option<Actor>, Group, RandomState>,
    /// What keys asked for which there is not even that.
    rest: Group,
}

impl Groups {
    pub(super) fn new(max: usize) -> Self {
        Self {
            max,
            alike: HashMap::default(),
            of_key: HashMap::default(),
            beyond: HashMap::default(),
            rest: Group::default(),
        }
    }

    /// Counts one query.
    pub(super) fn add(&mut self, alike: Alike, statement: Statement, id: Option<String>, cost: &QueryCost) {
        let (status, full) = (alike.end.status, self.alike.len() >= self.max);
        if let Some(group) = self.alike.get_mut(&alike) {
            return group.add(status, Some((statement, id)), cost);
        }
        let own = self.of_key.entry(alike.origin.actor.clone()).or_default();
        if !full && *own < (self.max / 8).max(1) {
            *own += 1;
            return self.alike.entry(alike).or_default().add(status, Some((statement, id)), cost);
        }
        let room = self.beyond.len() < self.max;
        match self.beyond.get_mut(&alike.origin.actor) {
            Some(group) => group.add(status, None, cost),
            None if room => self.beyond.entry(alike.origin.actor).or_default().add(status, None, cost),
            None => self.rest.add(status, None, cost),
        }
    }

    /// All groups so far; none are left.
    pub(super) fn cut(&mut self) -> Self {
        std::mem::replace(self, Self::new(self.max))
    }

    /// One event for each group.
    pub(super) fn events(self) -> impl Iterator<Item = AuditEvent> {
        let alike = self.alike.into_iter().map(|(alike, group)| alike_event(&alike, group));
        let beyond = self.beyond.into_iter().map(|(actor, group)| other_event(actor, group));
        let rest = (self.rest.count > 0).then(|| other_event(None, self.rest));
        alike.chain(beyond).chain(rest)
    }
}

impl Group {
    fn add(&mut self, status: &'static str, asked: Option<(Statement, Option<String>)>, cost: &QueryCost) {
        self.first_us = if self.count == 0 { cost.started_us } else { self.first_us.min(cost.started_us) };
        self.shortest = if self.count == 0 { cost.duration } else { self.shortest.min(cost.duration) };
        self.last_us = self.last_us.max(cost.started_us);
        self.longest = self.longest.max(cost.duration);
        self.total += cost.duration;
        self.count += 1;
        self.rows += cost.rows;
        self.bytes += cost.bytes;
        self.bytes_scanned += cost.bytes_scanned;
        *self.statuses.entry(status).or_default() += 1;
        let Some((statement, id)) = asked else { return };
        if let Some(hash) = &statement.parameters
            && !self.parameters.contains(hash)
        {
            if self.parameters.len() < PARAMETERS_MAX {
                self.parameters.push(hash.clone());
            } else {
                self.parameters_more += 1;
            }
        }
        self.ids.extend(id.filter(|id| self.ids.len() < IDS_MAX && !self.ids.contains(id)));
        self.statement.get_or_insert(statement);
    }

    fn describe(self, event: AuditEvent) -> AuditEvent {
        let some = |list: Vec<String>| if list.is_empty() { Value::Null } else { json!(list) };
        event
            .with("event_time", self.first_us)
            .with("duration_ns", nanos(self.total))
            .with("response_body_size", self.bytes)
            .attribute("count", self.count)
            .attribute("rows", self.rows)
            .attribute("bytes", self.bytes)
            .attribute("bytes_scanned", self.bytes_scanned)
            .attribute("duration_min_ns", nanos(self.shortest))
            .attribute("duration_max_ns", nanos(self.longest))
            .attribute("last_us", self.last_us)
            .attribute("query_ids", some(self.ids))
            .attribute("parameters", some(self.parameters))
            .attribute("parameters_more", Some(self.parameters_more).filter(|more| *more > 0))
    }
}

fn alike_event(alike: &Alike, mut group: Group) -> AuditEvent {
    let event_type = if alike.named.is_some() { "query.named" } else { "query.run" };
    let event = AuditEvent::new("queries", event_type, "read").from_origin(&alike.origin);
    let event = match group.statement.take() {
        Some(statement) => statement.describe(event),
        None => event,
    };
    let end = &alike.end;
    let event = event
        .with("object_name", alike.named.clone())
        .with("outcome", if matches!(end.status, "completed" | "truncated") { "success" } else { "failure" })
        .with("status", end.status)
        .with("error_code", end.error_code)
        .with("http_status", Some(end.http_status).filter(|status| *status > 0));
    group.describe(event)
}

fn other_event(actor: Option<Actor>, mut group: Group) -> AuditEvent {
    let statuses = std::mem::take(&mut group.statuses);
    let event = AuditEvent::new("queries", "query.other", "read")
        .from_origin(&Origin { actor, ..Origin::default() })
        .with("object_type", "statement")
        .with("object_id", OTHER)
        .with("outcome", "unknown")
        .with("message", "further statements, counted together: more than audit.queue_max allows within one interval")
        .attribute("statuses", json!(statuses));
    group.describe(event)
}
