//! What people and programs are told, and how far that has come.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::question::instant;
use super::{AlertRule, Change};

/// What a notice says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NoticeKind {
    /// The line is crossed.
    Firing,
    /// It still is.
    Repeat,
    /// It is not any more.
    Resolved,
    /// There is no value.
    NoData,
    /// A trial, at somebody's request.
    Test,
}

/// A notice, and to which channels it has yet to go.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    /// The same for the same thing, also when it is worked out again after a crash.
    pub id: String,
    /// What it says.
    pub kind: NoticeKind,
    /// Of which episode.
    pub episode: String,
    /// Of which group.
    pub group: Map<String, Value>,
    /// The value that was found.
    pub value: Option<f64>,
    /// The tick, ms since 1970.
    pub at_ms: i64,
    /// Since when the episode lasts.
    pub since_ms: i64,
    /// Channels that it has yet to go to.
    pub left: Vec<Told>,
}

/// One channel of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Told {
    /// Number of the channel in the rule.
    pub channel: usize,
    /// Tries so far.
    pub attempts: u32,
    /// When it is tried next, ms since 1970.
    pub due_ms: i64,
}

impl NoticeKind {
    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Repeat => "repeat",
            Self::Resolved => "resolved",
            Self::NoData => "no_data",
            Self::Test => "test",
        }
    }
}

impl Notice {
    /// A notice of a change, for all channels of the rule.
    pub(super) fn new(rule: &AlertRule, kind: NoticeKind, change: &Change, number: u32) -> Self {
        let behind = if number == 0 { String::new() } else { format!("-{number}") };
        Self {
            id: format!("{}-{}{behind}", change.episode, kind.as_str()),
            kind,
            episode: change.episode.clone(),
            group: change.group.clone(),
            value: change.value,
            at_ms: change.at_ms,
            since_ms: change.since_ms,
            left: to_all(rule),
        }
    }

    /// A trial.
    #[must_use]
    pub fn test(rule: &AlertRule, id: &str, group: Map<String, Value>, value: Option<f64>, now_ms: i64) -> Self {
        Self {
            id: format!("{id}-test"),
            kind: NoticeKind::Test,
            episode: id.to_owned(),
            group,
            value,
            at_ms: now_ms,
            since_ms: now_ms,
            left: to_all(rule),
        }
    }

    /// The document that a webhook gets.
    #[must_use]
    pub fn document(&self, rule: &AlertRule, project: &str) -> Value {
        let alert = &rule.alert;
        let to = self.at_ms;
        let from = to.saturating_sub(i64::try_from(alert.window.0.as_millis()).unwrap_or(i64::MAX));
        json!({
            "notification": self.id,
            "status": self.kind.as_str(),
            "project": project,
            "alert": {"id": rule.id, "name": alert.name},
            "episode": self.episode,
            "group": self.group,
            "value": self.value,
            "condition": {"op": alert.condition.op.sign(), "value": alert.condition.value},
            "metric": alert.sql.is_none().then_some(alert.metric),
            "filter": alert.filter,
            "window": {"from": instant(from), "to": instant(to)},
            "since": instant(self.since_ms),
            "at": instant(self.at_ms),
        })
    }

    /// Subject of a mail.
    #[must_use]
    pub fn subject(&self, rule: &AlertRule) -> String {
        let group: Vec<String> = self.group.values().map(text).collect();
        let group = if group.is_empty() { String::new() } else { format!(" ({})", group.join(", ")) };
        let subject = format!("[{}] {}{group}", self.kind.as_str(), rule.alert.name);
        // A group is named by values of events, which may hold anything.
        subject.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect()
    }

    /// Text of a mail.
    #[must_use]
    pub fn text(&self, rule: &AlertRule, project: &str) -> String {
        let alert = &rule.alert;
        let mut lines = vec![format!("{}: {}", self.kind.as_str(), alert.name), String::new()];
        lines.extend(self.group.iter().map(|(name, value)| format!("{name}: {}", text(value))));
        let value = self.value.map_or_else(|| "none".to_owned(), |value| value.to_string());
        lines.push(format!("value: {value} (fires where {} {})", alert.condition.op.sign(), alert.condition.value));
        lines.push(format!("window: {} up to {}", alert.window, instant(self.at_ms)));
        lines.push(format!("since: {}", instant(self.since_ms)));
        lines.push(format!("project: {project}"));
        lines.push(format!("alert: {}", rule.id));
        lines.push(format!("episode: {}", self.episode));
        lines.iter().map(|line| line.chars().filter(|c| !c.is_control()).collect::<String>() + "\n").collect()
    }
}

fn to_all(rule: &AlertRule) -> Vec<Told> {
    (0..rule.alert.channels.len()).map(|channel| Told { channel, attempts: 0, due_ms: 0 }).collect()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
