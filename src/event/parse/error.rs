//! What can be wrong with a body, and with one record in it.

use std::collections::BTreeMap;

use thiserror::Error;

use super::super::json::ScanError;
use crate::error::{Kind, Report};

/// Why a body as a whole is refused. Offsets are bytes from its start.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BodyError {
    /// Nothing but whitespace.
    #[error("the body holds no events")]
    Empty,
    /// Above what one body may hold.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
    /// More records than one body may hold.
    #[error("the body holds more than {limit} events")]
    TooManyEvents {
        /// The limit.
        limit: u32,
    },
    /// A JSON body that is no UTF-8.
    #[error("the body is no UTF-8: byte {at}")]
    InvalidUtf8 {
        /// Offset of the first bad byte.
        at: usize,
    },
    /// A JSON body that is no JSON.
    #[error("the body is no JSON: {0}")]
    InvalidJson(#[source] ScanError),
    /// JSON, but neither an object nor an array.
    #[error("the body is neither an object nor an array of objects")]
    NotRecords,
    /// More follows the JSON value.
    #[error("more follows the JSON value at byte {at}")]
    TrailingData {
        /// Offset of what follows.
        at: usize,
    },
    /// A JSON array sent as NDJSON.
    #[error("the body is a JSON array, not one object a line")]
    ArrayAsLines,
    /// The document around the records would be copied into too many of them.
    #[error("the fields around the records, repeated for each, would take more than {limit} bytes")]
    DocumentTooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl Report for BodyError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooLarge { .. } | Self::TooManyEvents { .. } | Self::DocumentTooLarge { .. } => Kind::TooLarge,
            Self::Empty
            | Self::InvalidUtf8 { .. }
            | Self::InvalidJson(_)
            | Self::NotRecords
            | Self::TrailingData { .. }
            | Self::ArrayAsLines => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty_body",
            Self::TooLarge { .. } => "body_too_large",
            Self::TooManyEvents { .. } => "too_many_events",
            Self::InvalidUtf8 { .. } => "invalid_utf8",
            Self::InvalidJson(_) | Self::TrailingData { .. } => "invalid_json",
            Self::NotRecords => "not_an_object",
            Self::ArrayAsLines => "array_as_lines",
            Self::DocumentTooLarge { .. } => "document_too_large",
        }
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::Empty => "send one JSON object a line, or a JSON object or array",
            Self::TooLarge { .. } | Self::TooManyEvents { .. } => "split it into several requests",
            Self::InvalidUtf8 { .. } => "encode the body as UTF-8",
            Self::TrailingData { .. } => {
                "send several objects as an array, or one a line with Content-Type: application/x-ndjson"
            }
            Self::ArrayAsLines => "send an array with Content-Type: application/json",
            Self::DocumentTooLarge { .. } => "send fewer records in one document",
            Self::InvalidJson(_) | Self::NotRecords => return None,
        };
        Some(text.to_string())
    }
}

/// How many rejected records are described one by one.
const DESCRIBED_MAX: usize = 100;
/// Longest message, in bytes.
const MESSAGE_MAX: usize = 200;

/// One rejected record, as the sender is told.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct LineError {
    /// Line of an NDJSON body, number of the record in a JSON body; from 1.
    pub line: u32,
    /// Offset in the body of what is wrong.
    pub offset: u64,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong, at most 200 bytes.
    pub message: String,
}

/// Rejected records: the first hundred in words, all by code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineErrors {
    /// The first hundred.
    pub first: Vec<LineError>,
    /// Number of all by code.
    pub counts: BTreeMap<&'static str, u32>,
}

impl LineErrors {
    /// Number of all.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.counts.values().sum()
    }

    /// Adds one; the message is only asked for where it is kept.
    pub fn add(&mut self, line: u32, offset: usize, code: &'static str, message: impl FnOnce() -> String) {
        *self.counts.entry(code).or_default() += 1;
        if self.first.len() < DESCRIBED_MAX {
            let mut message = message();
            message.truncate(message.floor_char_boundary(MESSAGE_MAX));
            self.first.push(LineError { line, offset: offset as u64, code, message });
        }
    }

    /// Puts the described ones in the order of their lines, after some were added late.
    pub fn sort(&mut self) {
        self.first.sort_by_key(|error| error.line);
    }
}
