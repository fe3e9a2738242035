//! Failed logins and denials: the first ones told one by one, the rest counted, none left out.
//!
//! Logins fail by source, denials by key and source. What goes beyond the limits of an interval, or
//! comes from more places than there is room for, is one event with a count at its end.

use std::collections::BTreeMap;
use std::net::IpAddr;

use serde_json::json;

use super::event::{AuditEvent, Origin};
use super::rollups::{Bounded, Seen};
use crate::access::KeyId;

/// What was refused, with its stable code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RefusalKind {
    /// No key, or none that opens anything.
    Login(&'static str),
    /// A valid key that may not do what it asked for.
    Denial(&'static str),
}

/// Who is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Refused {
    /// The key that is valid but may not; `None` for failed logins.
    key: Option<KeyId>,
    source: Option<IpAddr>,
}

#[derive(Debug, Default)]
struct Count {
    seen: Seen,
    told: u32,
    more: BTreeMap<&'static str, u64>,
}

/// The refusals of one interval.
#[derive(Debug)]
pub(super) struct Refusals {
    logins: Bounded<Refused, Count>,
    denials: Bounded<Refused, Count>,
    logins_max: u32,
    denials_max: u32,
}

impl Refusals {
    pub(super) fn new(room: usize, logins_max: u32, denials_max: u32) -> Self {
        Self { logins: Bounded::new(room), denials: Bounded::new(room), logins_max, denials_max }
    }

    /// Whether this refusal is to be an event of its own, for which there may be no `room`; it is counted where not.
    pub(super) fn admit(&mut self, origin: &Origin, kind: RefusalKind, room: bool, now_us: i64) -> bool {
        let is_login = matches!(kind, RefusalKind::Login(_));
        let (RefusalKind::Login(code) | RefusalKind::Denial(code)) = kind;
        let (kind, max) =
            if is_login { (&mut self.logins, self.logins_max) } else { (&mut self.denials, self.denials_max) };
        let key = origin.actor.as_ref().filter(|_| !is_login).map(|actor| actor.key.clone());
        let (count, own) = kind.at(Refused { key, source: origin.source });
        if own && room && count.told < max {
            count.told += 1;
            return true;
        }
        count.seen.at(now_us);
        *count.more.entry(code).or_default() += 1;
        false
    }

    /// All refusals so far; none are left.
    pub(super) fn cut(&mut self) -> Self {
        Self { logins: self.logins.cut(), denials: self.denials.cut(), ..*self }
    }

    /// One event for each key or source of which more was refused than was told.
    pub(super) fn events(self) -> impl Iterator<Item = AuditEvent> {
        let logins = self.logins.all().map(|(who, count)| (who, count, true));
        let denials = self.denials.all().map(|(who, count)| (who, count, false));
        let more = logins.chain(denials).filter(|(_, count, _)| !count.more.is_empty());
        more.map(|(who, count, is_login)| event(who, &count, is_login))
    }
}

fn event(who: Option<Refused>, count: &Count, is_login: bool) -> AuditEvent {
    let total: u64 = count.more.values().sum();
    let event_type = if is_login { "access.logins_failed" } else { "access.denials" };
    let key = who.as_ref().and_then(|who| who.key.as_ref().map(ToString::to_string));
    let source = who.as_ref().and_then(|who| who.source).map(|source| source.to_string());
    let event = AuditEvent::new("access", event_type, if is_login { "login" } else { "other" })
        .with("outcome", "failure")
        .with("actor_type", key.as_ref().map(|_| "api_key"))
        .with("actor_id", key)
        .with("client_address", source)
        .with("object_id", who.is_none().then_some("_other"))
        .with("message", format!("{total} more of the kind, not told one by one"))
        .attribute("count", total)
        .attribute("codes", json!(count.more));
    count.seen.describe(event)
}
