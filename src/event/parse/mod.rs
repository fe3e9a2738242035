//! Bodies into rows: the entrance of ingest, and of replay.
//!
//! `http` hands over a body that is decompressed and redacted; `engine` judges the result (ids seen
//! before, modules above the cap), makes the body durable and keeps the rows. At replay the same body
//! with the same interpretation, context and verdicts gives the very same rows.
//!
//! What is taken, and what is refused:
//! * NDJSON: one object a line; LF, CRLF or a lone CR ends it; blank lines, a BOM at the start and a
//!   last line without an end are fine. A bad line is rejected and the next one read: one that holds no
//!   object, no JSON, bytes that are no UTF-8, more than 64 levels or more than the limit.
//! * JSON: one object, an array of objects, or a document that wraps them under the key that the
//!   mapping names. An item that is no object, too deep or too long is rejected; a mistake in the JSON
//!   itself refuses the body, since nothing tells where the next record starts.
//! * An array sent as NDJSON is refused with a hint, and so is NDJSON sent as JSON: guessing would
//!   hide a mistake until the day when the first line happens to look like the other form.
//! * `{}` is an event: it gets the time of receipt and an id. Of a key that stands twice the last counts.

mod document;
mod error;
mod ids;
mod lines;
mod record;
mod verdicts;

use super::fill::Remarks;
use super::interpretation::Interpretation;
use super::{columns::Rows, fill};

pub use error::{BodyError, LineError, LineErrors};
pub(crate) use ids::Fingerprint;
pub use ids::{MintSeed, Place, SentId};
pub use verdicts::{Verdict, Verdicts, VerdictsError};

/// Largest body that is parsed: offsets are 32 bits wide, and derived columns may be larger than it.
pub const BODY_MAX: usize = 256 << 20;

/// Code of a record that is refused since its id is stored with other content.
pub const EVENT_ID_CONFLICT: &str = "event_id_conflict";

/// Code of a record whose module is not among those of the sender's key.
pub const MODULE_NOT_ALLOWED: &str = "module_not_allowed";
/// Code of a record whose tenant is not among those of the sender's key.
pub const TENANT_NOT_ALLOWED: &str = "tenant_not_allowed";
/// Code of a record whose dataset is not among those of the sender's key.
pub const DATASET_NOT_ALLOWED: &str = "dataset_not_allowed";
/// Code of a record whose location is not among those of the sender's key.
pub const UNIT_NOT_ALLOWED: &str = "unit_not_allowed";
/// Codes of records that the sender's key is not for.
pub const NOT_ALLOWED: [&str; 4] = [MODULE_NOT_ALLOWED, TENANT_NOT_ALLOWED, DATASET_NOT_ALLOWED, UNIT_NOT_ALLOWED];

/// How the records stand in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BodyFormat {
    /// One object, an array of objects, or a document around them.
    Json,
    /// One object a line.
    Ndjson,
}

/// What rows take from the request and not from the body.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Name of the project: `tenant_id` of events without one.
    pub project: &'a str,
    /// Time of receipt, µs since 1970.
    pub received_at: i64,
    /// Where ids of events without one come from, if that is known already; see [`Parsed::mint`].
    pub mint: Option<MintSeed>,
}

/// Limits of one body.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Longest record, in bytes.
    pub line_max: usize,
    /// Most records, rejected ones included.
    pub events_max: u32,
}

/// A record that gave no row, for the dead-letter file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Number of the record, from 0.
    pub record: u32,
    /// Its line, from 1; in JSON bodies the number of the record.
    pub line: u32,
    /// Where it lies in the body.
    pub span: std::ops::Range<usize>,
    /// Why, as a stable code.
    pub code: &'static str,
    /// It is no JSON object: nobody can tell what its text means.
    pub broken: bool,
}

/// Rows of one body, and what must be known about them before they are accepted.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The rows, in the order sent.
    pub rows: Rows,
    /// Number of records in the body, rejected ones included.
    pub records: u32,
    /// Record of each row, from 0.
    pub row_records: Vec<u32>,
    /// What was rejected, as the sender is told.
    pub errors: LineErrors,
    /// All rejected records.
    pub rejected: Vec<Rejected>,
    /// What the ledger counts.
    pub remarks: Remarks,
    /// Ids by which records sent twice are found.
    pub sent: Vec<SentId>,
    /// The distinct modules of the rows.
    pub modules: Vec<Option<Box<str>>>,
    /// Position in `modules` of each row's module.
    pub row_modules: Vec<u32>,
    /// Row and place of each row whose `event_id` is still a placeholder.
    minted: Vec<(u32, Place)>,
}

/// Parses a body. With `verdicts` (at replay, or once the engine has judged) only accepted records
/// become rows, modules above the cap become `_other`, and conflicts are told among the errors.
///
/// # Errors
/// The body as a whole cannot be read, or it passes a limit; nothing of it may be stored.
pub fn parse(
    body: &[u8],
    format: BodyFormat,
    interpretation: &Interpretation,
    context: &Context<'_>,
    limits: &Limits,
    verdicts: Option<&Verdicts>,
) -> Result<Parsed, BodyError> {
    if body.len() > BODY_MAX {
        return Err(BodyError::TooLarge { limit: BODY_MAX });
    }
    let start = if body.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
    if body[start..].iter().all(u8::is_ascii_whitespace) {
        return Err(BodyError::Empty);
    }
    let mut run = record::Run::new(body, interpretation, context, limits, verdicts);
    let valid = simdutf8::basic::from_utf8(body).is_ok();
    match format {
        BodyFormat::Ndjson => lines::walk(&mut run, start, valid)?,
        BodyFormat::Json if valid => document::walk(&mut run, start)?,
        BodyFormat::Json => {
            let at = simdutf8::compat::from_utf8(body).err().map_or(0, |error| error.valid_up_to());
            return Err(BodyError::InvalidUtf8 { at });
        }
    }
    Ok(run.finish())
}

impl Parsed {
    /// Gives ids to the events that came without one: texts in the form of a UUID that are a function
    /// of the seed and the record's place only, so that replay gives the same.
    pub fn mint(&mut self, seed: &MintSeed) {
        for (row, place) in self.minted.drain(..) {
            self.rows.overwrite(fill::EVENT_ID, row as usize, &seed.id(place));
        }
    }

    /// `tenant_id` of a row.
    #[must_use]
    pub fn tenant(&self, row: usize) -> &[u8] {
        self.text(fill::TENANT_ID, row)
    }

    /// `dataset` of a row.
    #[must_use]
    pub fn dataset(&self, row: usize) -> &[u8] {
        self.text(fill::DATASET, row)
    }

    /// `source` of a row.
    #[must_use]
    pub fn source(&self, row: usize) -> &[u8] {
        self.text(fill::SOURCE, row)
    }

    /// `event_time` of a row, µs since 1970.
    #[must_use]
    pub fn event_time(&self, row: usize) -> Option<i64> {
        self.number(fill::EVENT_TIME, row)
    }

    /// `sequence` of a row.
    #[must_use]
    pub fn sequence(&self, row: usize) -> Option<i64> {
        self.number(fill::SEQUENCE, row)
    }

    fn number(&self, column: usize, row: usize) -> Option<i64> {
        match self.rows.peek(column) {
            // NULLs at the end of a column are not there yet.
            super::columns::ColumnData::I64(column) if row < column.len() => column.value(row),
            _ => None,
        }
    }

    /// `unit_id` of a row; none where it has none.
    #[must_use]
    pub fn unit(&self, row: usize) -> Option<&[u8]> {
        match self.rows.peek(fill::UNIT_ID) {
            // NULLs at the end of a column are not there yet.
            super::columns::ColumnData::Text(column) if row < column.len() && column.is_valid(row) => {
                Some(column.value(row))
            }
            _ => None,
        }
    }

    fn text(&self, column: usize, row: usize) -> &[u8] {
        match self.rows.peek(column) {
            super::columns::ColumnData::Text(column) => column.value(row),
            _ => &[],
        }
    }

    /// Number of rows whose `event_id` is still to be minted.
    #[must_use]
    pub fn unminted(&self) -> usize {
        self.minted.len()
    }
}

#[cfg(test)]
mod tests;
