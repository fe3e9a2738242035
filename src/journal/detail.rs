//! One event, and those beside it.

use serde_json::Value;

use super::columns::columns;
use super::compile::Values;
use super::statement::Statement;
use crate::event::schema::SEQ;

/// Most events of one id that are looked at.
const CANDIDATES_MAX: usize = 20;

/// The events with these values, newest first.
#[must_use]
pub fn event(wanted: &[(&str, String)], hidden: &[String]) -> Statement {
    let mut values = Values::default();
    let is = |(name, value): &(&str, String)| format!("{name} = {}", values.add(value.as_str()));
    let conditions: Vec<String> = wanted.iter().map(is).collect();
    let shown: Vec<&str> = columns(hidden).chain([SEQ]).collect();
    let sql = format!(
        "SELECT {} FROM events WHERE {} ORDER BY event_time DESC, {SEQ} DESC LIMIT {CANDIDATES_MAX}",
        shown.join(", "),
        conditions.join(" AND ")
    );
    Statement::new(sql, values)
}

/// What two events can have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbour {
    name: &'static str,
    /// Columns and the values that both have.
    same: Vec<(&'static str, String)>,
    /// Place of the event.
    time: String,
    seq: i64,
    shown: Vec<&'static str>,
}

/// Names of what events have in common, the columns that say it, and whether it is unique among all sources.
const KINDS: [(&str, &[&str]); 4] = [
    ("object", &["object_type", "object_id"]),
    ("actor", &["source", "actor_id"]),
    ("session", &["source", "session_id"]),
    ("task", &["source", "task_id"]),
];

/// Columns that are shown of a neighbour.
const SHOWN: [&str; 10] = [
    "event_id",
    "event_time",
    "source",
    "dataset",
    "tenant_id",
    "module",
    "event_type",
    "action",
    "outcome",
    "message",
];

impl Neighbour {
    /// Everything that `event` can have neighbours in.
    #[must_use]
    pub fn of(event: &Value, hidden: &[String]) -> Vec<Self> {
        let text = |name: &str| event.get(name).and_then(Value::as_str).map(str::to_owned);
        let seq = text(SEQ).and_then(|seq| seq.parse().ok());
        let (Some(time), Some(seq)) = (text("event_time"), seq) else { return Vec::new() };
        let seen = |name: &&'static str| !hidden.iter().any(|hidden| hidden == name);
        let shown: Vec<&'static str> = SHOWN.iter().copied().filter(seen).collect();
        let of = |(name, columns): &(&'static str, &[&'static str])| {
            let same = columns.iter().map(|column| Some((*column, text(column)?))).collect::<Option<Vec<_>>>()?;
            Some(Self { name, same, time: time.clone(), seq, shown: shown.clone() })
        };
        KINDS.iter().filter_map(of).collect()
    }

    /// What is in common.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The nearest event after, or before.
    #[must_use]
    pub fn statement(&self, after: bool) -> Statement {
        let mut values = Values::default();
        let (sign, way) = if after { (">", "ASC") } else { ("<", "DESC") };
        let same: Vec<String> =
            self.same.iter().map(|(name, value)| format!("{name} = {}", values.add(value.as_str()))).collect();
        let (time, seq) = (values.add(self.time.as_str()), values.add(self.seq));
        let sql = format!(
            "SELECT {} FROM events WHERE {} AND event_time {sign}= {time} AND (event_time {sign} {time} OR {SEQ} {sign} {seq}) \
             ORDER BY event_time {way}, {SEQ} {way} LIMIT 1",
            self.shown.join(", "),
            same.join(" AND ")
        );
        Statement::new(sql, values)
    }
}
