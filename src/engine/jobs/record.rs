//! What is known of a job.

use std::fmt;

use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use crate::error::with_causes;
use crate::event::names::ProjectName;

/// Longest subject or error that is kept, in characters.
const TEXT_MAX: usize = 500;

/// What kind of job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Hot events become files.
    Flush,
    /// Small files become large ones.
    Compaction,
    /// Files that no version needs are deleted.
    Vacuum,
    /// A client sends files of events.
    Import,
    /// Events become a file for somebody.
    Export,
    /// Days leave a table because of its age.
    Retention,
    /// Somebody's data is taken out of all files.
    Erase,
    /// Stored files are read and compared with their checksums.
    Scrub,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Flush,
        Self::Compaction,
        Self::Vacuum,
        Self::Import,
        Self::Export,
        Self::Retention,
        Self::Erase,
        Self::Scrub,
    ];

    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Flush => "flush",
            Self::Compaction => "compaction",
            Self::Vacuum => "vacuum",
            Self::Import => "import",
            Self::Export => "export",
            Self::Retention => "retention",
            Self::Erase => "erase",
            Self::Scrub => "scrub",
        }
    }

    /// Whether its beginning is kept: one that is repeated every few minutes is only told of when it ends.
    pub(super) const fn is_told_of_its_start(self) -> bool {
        !matches!(self, Self::Flush | Self::Vacuum | Self::Scrub)
    }

    /// Whether it is refused where it cannot be kept on disk that it began.
    pub(super) const fn must_leave_a_trace(self) -> bool {
        matches!(self, Self::Retention | Self::Erase)
    }

    /// Whether it may be ended by somebody: a flush or a retention is one commit, which is there or not.
    pub(super) const fn can_be_canceled(self) -> bool {
        !matches!(self, Self::Flush | Self::Vacuum | Self::Retention)
    }
}

/// Where a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It runs.
    InProgress,
    /// It did what it was to do.
    Done,
    /// It could not; `error` says why.
    Failed,
    /// Somebody ended it, or the server stopped; what it did stays.
    Canceled,
}

impl State {
    /// Its word, as `task_status` has it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It did what it was to do.
    Done,
    /// It could not, for this reason.
    Failed(String),
    /// It was asked to end.
    Canceled,
}

impl Outcome {
    /// The end by an error, with its causes.
    #[must_use]
    pub fn failed(error: &(dyn std::error::Error + 'static)) -> Self {
        Self::Failed(with_causes(error))
    }
}

/// A job.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct JobInfo {
    /// Its id; those of later jobs are greater.
    pub id: String,
    /// What kind of job.
    pub kind: Kind,
    /// The project that it works on; none for one that is about the server.
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// What it works on.
    pub subject: String,
    /// Where it stands.
    pub state: State,
    /// How much is done, in the unit of its kind.
    pub done: u64,
    /// How much there is to do, where that is known.
    pub total: Option<u64>,
    /// When it began.
    #[serde(rename = "started", serialize_with = "time", deserialize_with = "us")]
    #[schema(value_type = String, format = DateTime)]
    pub started_us: i64,
    /// When it ended; none while it runs.
    #[serde(rename = "ended", serialize_with = "maybe_time", deserialize_with = "maybe_us")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_us: Option<i64>,
    /// Why it failed.
    pub error: Option<String>,
    /// What it came to.
    #[schema(value_type = Option<Object>)]
    pub result: Option<Value>,
}

impl JobInfo {
    pub(super) fn new(id: String, kind: Kind, project: Option<ProjectName>, subject: &str, now_us: i64) -> Self {
        let subject = subject.chars().take(TEXT_MAX).collect();
        let (state, done, total, ended_us, error, result) = (State::InProgress, 0, None, None, None, None);
        Self { id, kind, project, subject, state, done, total, started_us: now_us, ended_us, error, result }
    }

    pub(super) fn end(&mut self, outcome: Outcome, now_us: i64) {
        (self.state, self.error) = match outcome {
            Outcome::Done => (State::Done, None),
            Outcome::Failed(why) => (State::Failed, Some(why.chars().take(TEXT_MAX).collect())),
            Outcome::Canceled => (State::Canceled, None),
        };
        self.ended_us = Some(now_us.max(self.started_us));
    }
}

fn text_of(us: i64) -> String {
    DateTime::from_timestamp_micros(us).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Micros, true)
}

fn time<S: Serializer>(us: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text_of(*us))
}

fn maybe_time<S: Serializer>(us: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    us.map(text_of).serialize(serializer)
}

fn us<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
    DateTime::parse_from_rfc3339(&String::deserialize(deserializer)?)
        .map(|time| time.timestamp_micros())
        .map_err(serde::de::Error::custom)
}

fn maybe_us<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let time = text.map(|text| DateTime::parse_from_rfc3339(&text)).transpose();
    time.map(|time| time.map(|time| time.timestamp_micros())).map_err(serde::de::Error::custom)
}
