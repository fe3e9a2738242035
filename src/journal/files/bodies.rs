//! The request or the response of an event as a file: from its column, or from the attachment that holds it where it
//! was too big for one.

use std::fmt;

use arrow::record_batch::RecordBatch;
use serde::Serialize;
use serde_json::{Map, json};
use thiserror::Error;

use super::cells::{instant_of, text_of};
use super::names::{content_type, extension_of, safe_name};
use crate::error::{Kind, Report};
use crate::journal::Statement;
use crate::table::BlobId;

/// Events of one id that are looked at; the same id more often than this is told apart by its source first.
const ROWS_MAX: usize = 100;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyOf {
    /// What was sent.
    Request,
    /// What came back.
    Response,
}

impl BodyOf {
    /// Its word in columns, roles and names.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Response => "response",
        }
    }
}

impl fmt::Display for BodyOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which event's body is wanted: ids of two logs may coincide.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// The event's id.
    pub event_id: String,
    /// Its `source`, where that must be told.
    pub source: Option<String>,
    /// Its `dataset`.
    pub dataset: Option<String>,
    /// Its `tenant_id`.
    pub tenant_id: Option<String>,
}

/// A look-up of a body.
#[derive(Debug)]
pub struct Bodies {
    of: BodyOf,
    wanted: Wanted,
    /// Whether the caller sees `attachments`.
    with_attachments: bool,
}

/// An event that has the id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Candidate {
    /// Its `source`.
    pub source: String,
    /// Its `dataset`.
    pub dataset: String,
    /// Its `tenant_id`.
    pub tenant_id: String,
}

/// Where the bytes are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// In the column.
    Text {
        /// The text, byte for byte as it was sent.
        text: String,
        /// Whether its sender cut it.
        cut: bool,
    },
    /// In an attachment.
    Blob(BlobId),
}

/// A body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Its bytes.
    pub content: Content,
    /// Its type.
    pub content_type: String,
    /// A safe name for it.
    pub name: String,
}

/// Why there is no body.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum BodyError {
    /// The caller sees no such event.
    #[error("there is no event `{0}`")]
    NoEvent(String),
    /// Events of several logs have the id.
    #[error("the id `{id}` has {} events of different logs", candidates.len())]
    Ambiguous {
        /// The id.
        id: String,
        /// What tells them apart.
        candidates: Vec<Candidate>,
    },
    /// The event has none.
    #[error("the event `{id}` has no {of}")]
    NoBody {
        /// The id.
        id: String,
        /// Which body.
        of: BodyOf,
    },
}

impl Report for BodyError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoEvent(_) | Self::NoBody { .. } => Kind::NotFound,
            Self::Ambiguous { .. } => Kind::Conflict,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoEvent(_) => "event_not_found",
            Self::NoBody { .. } => "body_not_found",
            Self::Ambiguous { .. } => "event_ambiguous",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Ambiguous { .. } => Some("add ?source=, &dataset= or &tenant_id= of one of the `candidates`".into()),
            Self::NoEvent(_) | Self::NoBody { .. } => None,
        }
    }
}

impl Bodies {
    /// A look-up for a caller to whom `hidden` columns do not exist.
    #[must_use]
    pub fn new(of: BodyOf, wanted: Wanted, hidden: &[String]) -> Self {
        let with_attachments = !hidden.iter().any(|column| column == "attachments");
        Self { of, wanted, with_attachments }
    }

    /// What is asked.
    #[must_use]
    pub fn statement(&self) -> Statement {
        let of = self.of;
        let mut columns = format!(
            "event_id, source, dataset, tenant_id, {of}_body AS body, {of}_content_type AS content_type, {of}_body_size AS size"
        );
        if self.with_attachments {
            columns.push_str(", attachments");
        }
        let mut sql = format!("SELECT {columns} FROM events WHERE event_id = $event_id");
        let mut params = Map::new();
        params.insert("event_id".into(), json!(self.wanted.event_id));
        let chosen =
            [("source", &self.wanted.source), ("dataset", &self.wanted.dataset), ("tenant_id", &self.wanted.tenant_id)];
        for (column, value) in chosen {
            if let Some(value) = value {
                sql.push_str(&format!(" AND {column} = ${column}"));
                params.insert(column.into(), json!(value));
            }
        }
        sql.push_str(&format!(" ORDER BY event_time DESC, _seq DESC LIMIT {ROWS_MAX}"));
        Statement { sql, params }
    }

    /// The body among the rows of the answer.
    ///
    /// # Errors
    /// [`BodyError`]
    pub fn read(&self, batches: &[RecordBatch]) -> Result<Body, BodyError> {
        let rows: Vec<(&RecordBatch, usize)> =
            batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| (batch, row))).collect();
        let mut candidates: Vec<Candidate> = Vec::new();
        for (batch, row) in &rows {
            let text = |column| text_of(batch, column, *row).unwrap_or_default().to_owned();
            let one = Candidate { source: text("source"), dataset: text("dataset"), tenant_id: text("tenant_id") };
            if !candidates.contains(&one) {
                candidates.push(one);
            }
        }
        let id = self.wanted.event_id.clone();
        let Some((batch, row)) = rows.first() else { return Err(BodyError::NoEvent(id)) };
        if candidates.len() > 1 {
            return Err(BodyError::Ambiguous { id, candidates });
        }
        self.of_row(batch, *row).ok_or(BodyError::NoBody { id, of: self.of })
    }

    fn of_row(&self, batch: &RecordBatch, row: usize) -> Option<Body> {
        let sent = text_of(batch, "content_type", row);
        let text = text_of(batch, "body", row);
        let size = instant_of(batch, "size", row);
        let cut =
            text.is_some_and(|text| size.is_some_and(|size| usize::try_from(size).is_ok_and(|size| size > text.len())));
        let file = super::attached::items(batch, row).into_iter().find(|file| file.is(self.of.as_str()));
        let file = file.filter(|_| text.is_none() || cut);
        let (content, sent) = match (file, text) {
            (Some(file), _) => (Content::Blob(file.id), file.content_type.or(sent.map(str::to_owned))),
            (None, Some(text)) => (Content::Text { text: text.to_owned(), cut }, sent.map(str::to_owned)),
            (None, None) => return None,
        };
        // Text without a type is text.
        let plain = matches!(content, Content::Text { .. }).then_some("text/plain; charset=utf-8");
        let content_type = content_type(sent.as_deref().or(plain)).to_owned();
        let name = format!("{}_{}.{}", self.wanted.event_id, self.of, extension_of(&content_type));
        Some(Body { content, name: safe_name(&name), content_type })
    }
}
