//! One export as it is kept: what was asked for, by whom, how far it is. `export.json` in its directory.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::error::ExportError;
use super::plan::Window;
use super::spec::{ExportFormat, Spec, What};
use crate::access::{KeyId, Restrictions};
use crate::event::names::ProjectName;
use crate::query::{Format, Params};

/// Name of an export: random, so that nobody can guess one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExportId(String);

impl ExportId {
    /// A new one.
    #[must_use]
    pub fn random() -> Self {
        Self(format!("exp_{}", Uuid::new_v4().simple()))
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for ExportId {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let digits = text.strip_prefix("exp_").unwrap_or("");
        let fine = digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if fine { Ok(Self(text)) } else { Err("an export's id is exp_ and 32 hex digits".into()) }
    }
}

impl From<ExportId> for String {
    fn from(id: ExportId) -> Self {
        id.0
    }
}

/// State of an export, in the model's words for tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// It waits for its turn.
    Enqueued,
    /// It is being made.
    InProgress,
    /// Its file is there.
    Done,
    /// It cannot be made.
    Failed,
    /// Somebody stopped it.
    Canceled,
}

impl Status {
    /// As the model has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Enqueued => "enqueued",
            Self::InProgress => "in_progress",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Whether nothing changes any more.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Failed | Self::Canceled)
    }
}

/// Who asked for an export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct By {
    /// The key.
    pub key: KeyId,
    /// Its name at the time.
    pub name: String,
    /// What it was restricted to.
    pub restrictions: Restrictions,
    /// Columns that did not exist for it.
    pub hidden: Vec<String>,
}

/// How far an export is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Rows that are to come, counted before; `None` of queries, whose rows nobody counts.
    pub rows_total: Option<u64>,
    /// Rows that are on disk.
    pub rows: u64,
    /// Files of an archive that are on disk.
    pub files: u64,
    /// Bytes on disk.
    pub bytes: u64,
    /// Chunks on disk.
    pub chunks: u64,
}

impl Progress {
    /// Share of the rows that are done, 0 to 1.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "a share for people")]
    pub fn fraction(&self, status: Status) -> Option<f64> {
        match (status, self.rows_total) {
            (Status::Done, _) => Some(1.0),
            (_, Some(0)) => Some(0.0),
            (_, Some(total)) => Some((self.rows as f64 / total as f64).min(1.0)),
            (_, None) => None,
        }
    }
}

/// Place of the last row that is on disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The window that it is in.
    pub window: usize,
    /// Its `event_time`, µs.
    pub time_us: i64,
    /// Its `_seq`.
    pub seq: i64,
}

/// The file that an export made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileInfo {
    /// Its name.
    pub name: String,
    /// Its type.
    pub content_type: String,
    /// Its bytes.
    pub size: u64,
    /// SHA-256 of them, in hex.
    pub sha256: String,
}

/// Why an export failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable code.
    pub code: String,
    /// In words.
    pub message: String,
}

/// One export.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Export {
    /// Its name.
    pub id: ExportId,
    /// Its project.
    pub project: ProjectName,
    /// What was asked for.
    pub spec: Spec,
    /// By whom.
    pub by: By,
    /// When, µs since 1970: relative periods and looks back are those of this moment.
    pub created_us: i64,
    /// Largest `_seq` of that moment: later events are not in it.
    pub seq_max: i64,
    /// State.
    pub status: Status,
    /// When it was begun.
    #[serde(default)]
    pub started_us: Option<i64>,
    /// When it ended.
    #[serde(default)]
    pub finished_us: Option<i64>,
    /// How far it is.
    #[serde(default)]
    pub progress: Progress,
    /// Days that are asked for one after the other, once they are counted.
    #[serde(default)]
    pub windows: Option<Vec<Window>>,
    /// Where it goes on.
    #[serde(default)]
    pub cursor: Option<Cursor>,
    /// What it made.
    #[serde(default)]
    pub file: Option<FileInfo>,
    /// Why it failed.
    #[serde(default)]
    pub failure: Option<Failure>,
    /// How many of its own events are in the journal.
    #[serde(default)]
    pub told: u32,
}

impl Export {
    /// An export that waits for its turn.
    #[must_use]
    pub fn new(project: ProjectName, spec: Spec, by: By, (created_us, seq_max): (i64, i64)) -> Self {
        Self {
            id: ExportId::random(),
            project,
            spec,
            by,
            created_us,
            seq_max,
            status: Status::Enqueued,
            started_us: None,
            finished_us: None,
            progress: Progress::default(),
            windows: None,
            cursor: None,
            file: None,
            failure: None,
            told: 0,
        }
    }

    /// When its file goes, µs since 1970; `None` while it is not there.
    #[must_use]
    pub fn expires_us(&self, keep: std::time::Duration) -> Option<i64> {
        let keep = i64::try_from(keep.as_micros()).unwrap_or(i64::MAX);
        self.finished_us.map(|finished| finished.saturating_add(keep))
    }

    /// Bytes that it takes on disk.
    #[must_use]
    pub fn disk_bytes(&self) -> u64 {
        match self.status {
            // What is put together at the end is there twice for a while.
            Status::Enqueued | Status::InProgress => self.progress.bytes * if self.is_assembled() { 2 } else { 1 },
            Status::Done => self.file.as_ref().map_or(0, |file| file.size),
            Status::Failed | Status::Canceled => 0,
        }
    }

    fn is_assembled(&self) -> bool {
        !matches!(self.spec.format, ExportFormat::Rows(format) if format != Format::Parquet)
    }

    /// The statement that it begins with, for whoever wants to know whether it can be asked: the SQL, and the values
    /// of its placeholders.
    ///
    /// # Errors
    /// The filter is none.
    pub fn probe(&self) -> Result<(String, Params), ExportError> {
        match &self.spec.what {
            What::Sql { sql, .. } => Ok((sql.clone(), self.spec.what.params()?)),
            What::Filter(_) => {
                let statement = super::plan::rows(self, None, None)?;
                let params = statement.params();
                Ok((statement.sql, params))
            }
        }
    }

    /// Forgets what is on disk: the rows come again from the first one.
    pub(super) fn begin_again(&mut self) {
        self.progress = Progress { rows_total: self.progress.rows_total, ..Progress::default() };
        self.cursor = None;
    }
}
