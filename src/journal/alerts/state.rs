//! Where a rule stands, and how an answer moves it on.
//!
//! | a group | line crossed | not crossed, or gone from the answer |
//! |---|---|---|
//! | unknown | pending, or firing where nothing is held | – |
//! | pending | firing once it is held | unknown |
//! | firing | told again where that is due | resolved, unknown |

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use xxhash_rust::xxh3::xxh3_128;

use super::question::instant;
use super::{AlertRule, Measured, Metric, NoData, Notice, NoticeKind};
use crate::config::Span;

/// Ticks that are made up for after a pause; of a longer one, the last.
const MISSED_MAX: i64 = 100;
/// Key of the group that stands for an answer without a value; no key of a group looks like it.
const NOTHING: &str = "no data";

/// Where a rule stands.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleState {
    /// The last tick that was asked at, ms since 1970.
    pub tick_ms: Option<i64>,
    /// Why the last question was not answered.
    pub problem: Option<String>,
    /// Why it is not asked any more.
    pub stopped: Option<String>,
    /// Groups that are pending or firing, by their canonical text.
    pub groups: BTreeMap<String, GroupState>,
    /// What has yet to be told.
    pub notices: Vec<Notice>,
    /// What has yet to be written into the journal.
    pub history: Vec<Value>,
}

/// A group that crosses the line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GroupState {
    /// What tells it from others.
    pub group: Map<String, Value>,
    /// Its last value.
    pub value: Option<f64>,
    /// Since which tick, ms since 1970.
    pub since_ms: i64,
    /// How far it has come.
    pub phase: Phase,
}

/// How far a group has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Not for long enough.
    Pending,
    /// An episode.
    Firing {
        /// Its id.
        episode: String,
        /// When it was last told.
        told_ms: i64,
        /// How often it was told again.
        repeats: u32,
    },
}

/// Where a rule stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Not asked yet.
    New,
    /// Nothing crosses the line.
    Ok,
    /// Something does, not for long enough.
    Pending,
    /// Something does.
    Firing,
    /// There is no value, and that is told.
    NoData,
    /// The last question was not answered.
    Failed,
    /// Not asked any more: its key has ended.
    Stopped,
    /// Switched off.
    Disabled,
}

/// Something that happened to a group.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// What.
    pub kind: NoticeKind,
    /// The episode.
    pub episode: String,
    /// The group.
    pub group: Map<String, Value>,
    /// Its value.
    pub value: Option<f64>,
    /// The tick.
    pub at_ms: i64,
    /// Since when.
    pub since_ms: i64,
}

impl RuleState {
    /// Where the rule stands.
    #[must_use]
    pub fn status(&self, enabled: bool) -> Status {
        let firing = |group: &GroupState| matches!(group.phase, Phase::Firing { .. });
        if self.stopped.is_some() {
            Status::Stopped
        } else if !enabled {
            Status::Disabled
        } else if self.problem.is_some() {
            Status::Failed
        } else if self.groups.get(NOTHING).is_some_and(firing) {
            Status::NoData
        } else if self.groups.values().any(firing) {
            Status::Firing
        } else if !self.groups.is_empty() {
            Status::Pending
        } else if self.tick_ms.is_none() {
            Status::New
        } else {
            Status::Ok
        }
    }
}

/// The ticks at which a rule is to be asked, now that it is `now_ms`: all since the last, up to a bound; a new rule
/// begins with the last one that is over.
#[must_use]
pub fn due_ticks(every: Span, last_ms: Option<i64>, now_ms: i64) -> Vec<i64> {
    let every = i64::try_from(every.0.as_millis()).unwrap_or(i64::MAX).max(1);
    let newest = now_ms.div_euclid(every);
    let first = last_ms.map_or(newest, |last| last.div_euclid(every) + 1).max(newest - MISSED_MAX + 1);
    (first..=newest).map(|tick| tick * every).collect()
}

/// Moves a rule on by the answer of one tick: what changed is in its notices and history, too.
pub fn advance(rule: &AlertRule, state: &mut RuleState, tick_ms: i64, measured: &Measured) -> Vec<Change> {
    let alert = &rule.alert;
    (state.tick_ms, state.problem) = (Some(tick_ms), None);
    let without_value = measured.iter().all(|(_, value)| value.is_none());
    if without_value && alert.no_data == NoData::Keep {
        return Vec::new();
    }
    let mut crossing: Vec<(String, Map<String, Value>, Option<f64>)> = measured
        .iter()
        .filter(|(_, value)| value.is_some_and(|value| alert.condition.op.holds(value, alert.condition.value)))
        .map(|(group, value)| (key_of(group), group.clone(), *value))
        .collect();
    if without_value && alert.no_data == NoData::Alert {
        crossing.push((NOTHING.to_owned(), Map::new(), None));
    }
    crossing.extend(fallen_silent(rule, state, measured));
    let mut changes = Vec::new();
    let still: BTreeSet<&String> = crossing.iter().map(|(key, ..)| key).collect();
    let gone: Vec<String> = state.groups.keys().filter(|key| !still.contains(key)).cloned().collect();
    for key in gone {
        let Some(group) = state.groups.remove(&key) else { continue };
        let value = measured.iter().find(|(group, _)| key_of(group) == key).and_then(|(_, value)| *value);
        if let Phase::Firing { episode, .. } = group.phase {
            let (group, since_ms) = (group.group, group.since_ms);
            changes.push(Change { kind: NoticeKind::Resolved, episode, group, value, at_ms: tick_ms, since_ms });
        }
    }
    for (key, group, value) in crossing {
        changes.extend(cross(rule, state, tick_ms, (key, group, value)));
    }
    for change in &changes {
        note(rule, state, change);
    }
    changes
}

/// Groups of a rule that counts, which fired for too few events and now have none at all.
fn fallen_silent(
    rule: &AlertRule,
    state: &RuleState,
    measured: &Measured,
) -> Vec<(String, Map<String, Value>, Option<f64>)> {
    let counts = rule.alert.sql.is_none() && matches!(rule.alert.metric, Metric::Count | Metric::Distinct);
    if !counts || !rule.alert.condition.op.holds(0.0, rule.alert.condition.value) {
        return Vec::new();
    }
    let present: BTreeSet<String> = measured.iter().map(|(group, _)| key_of(group)).collect();
    let absent = state.groups.iter().filter(|(key, group)| !present.contains(*key) && !group.group.is_empty());
    absent.map(|(key, group)| (key.clone(), group.group.clone(), Some(0.0))).collect()
}

fn cross(
    rule: &AlertRule,
    state: &mut RuleState,
    tick_ms: i64,
    (key, group, value): (String, Map<String, Value>, Option<f64>),
) -> Option<Change> {
    let hold = millis(rule.alert.hold);
    let known = state.groups.entry(key.clone()).or_insert_with(|| GroupState {
        group: group.clone(),
        value,
        since_ms: tick_ms,
        phase: Phase::Pending,
    });
    known.value = value;
    let since_ms = known.since_ms;
    let change = |kind, episode| Some(Change { kind, episode, group, value, at_ms: tick_ms, since_ms });
    match &mut known.phase {
        Phase::Pending if tick_ms - since_ms >= hold => {
            let episode = episode_of(rule, &key, tick_ms);
            known.phase = Phase::Firing { episode: episode.clone(), told_ms: tick_ms, repeats: 0 };
            change(if value.is_none() { NoticeKind::NoData } else { NoticeKind::Firing }, episode)
        }
        Phase::Pending => None,
        Phase::Firing { episode, told_ms, repeats } => {
            let due = rule.alert.repeat.is_some_and(|repeat| tick_ms - *told_ms >= millis(repeat));
            due.then(|| {
                (*told_ms, *repeats) = (tick_ms, *repeats + 1);
                episode.clone()
            })
            .and_then(|episode| change(NoticeKind::Repeat, episode))
        }
    }
}

/// What a change leads to: a notice, and all but repeats a line of history.
fn note(rule: &AlertRule, state: &mut RuleState, change: &Change) {
    let repeats = state.groups.values().find_map(|group| match &group.phase {
        Phase::Firing { episode, repeats, .. } if *episode == change.episode => Some(*repeats),
        _ => None,
    });
    let number = if change.kind == NoticeKind::Repeat { repeats.unwrap_or(0) } else { 0 };
    let waits = |notice: &Notice| {
        notice.episode == change.episode
            && notice.kind != NoticeKind::Repeat
            && notice.left.len() == rule.alert.channels.len()
    };
    match change.kind {
        // Nobody was told that it fired: it is not worth telling that it does not.
        NoticeKind::Resolved if state.notices.iter().any(waits) => {
            state.notices.retain(|notice| notice.episode != change.episode);
        }
        // A repeat of what has yet to be told says nothing more.
        NoticeKind::Repeat if state.notices.iter().any(|notice| notice.episode == change.episode) => {}
        kind if !rule.alert.channels.is_empty() => state.notices.push(Notice::new(rule, kind, change, number)),
        _ => {}
    }
    if change.kind != NoticeKind::Repeat {
        state.history.push(event(rule, change));
    }
}

/// A change as an event of the project.
fn event(rule: &AlertRule, change: &Change) -> Value {
    let status = change.kind.as_str();
    let (action, severity) = match change.kind {
        NoticeKind::Resolved => ("stop", 9),
        _ => ("start", 13),
    };
    let group: Vec<String> = change
        .group
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
        .collect();
    let behind = if group.is_empty() { String::new() } else { format!(" ({})", group.join(", ")) };
    json!({
        "event_id": format!("{}-{status}", change.episode),
        "event_time": instant(change.at_ms),
        "source": "kronika",
        "dataset": "alerts",
        "module": "alerts",
        "event_type": format!("alert.{status}"),
        "action": action,
        "status": status,
        "severity_number": severity,
        "message": format!("{}{behind}: {status}", rule.alert.name),
        "actor_type": "system",
        "actor_id": "kronika",
        "object_type": "alert",
        "object_id": rule.id,
        "object_name": rule.alert.name,
        "correlation_id": change.episode,
        "attributes": {
            "group": change.group, "value": change.value, "op": rule.alert.condition.op.sign(),
            "threshold": rule.alert.condition.value, "window": rule.alert.window.to_string(), "since": instant(change.since_ms),
        },
    })
}

/// That a rule is not asked any more, as an event of the project.
pub(super) fn stopped_event(rule: &AlertRule, reason: &str, now_ms: i64) -> Value {
    json!({
        "event_id": format!("{}-{}-stopped", rule.id, rule.revision),
        "event_time": instant(now_ms),
        "source": "kronika",
        "dataset": "alerts",
        "module": "alerts",
        "event_type": "alert.stopped",
        "action": "stop",
        "status": "stopped",
        "severity_number": 13,
        "message": format!("{}: {reason}", rule.alert.name),
        "actor_type": "system",
        "actor_id": "kronika",
        "object_type": "alert",
        "object_id": rule.id,
        "object_name": rule.alert.name,
    })
}

fn key_of(group: &Map<String, Value>) -> String {
    Value::Object(group.clone()).to_string()
}

/// The same whenever it is worked out.
fn episode_of(rule: &AlertRule, key: &str, tick_ms: i64) -> String {
    let text = format!("{}\n{}\n{key}\n{tick_ms}", rule.id, rule.revision);
    format!("{:032x}", xxh3_128(text.as_bytes()))
}

fn millis(span: Span) -> i64 {
    i64::try_from(span.0.as_millis()).unwrap_or(i64::MAX)
}
