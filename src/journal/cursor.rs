//! Cursors: where a page of a list ended. They name the last row by its place in the order, so that rows that
//! come or go meanwhile neither double nor skip others; and the newest row there was at the first page, so that
//! all pages are of one moment.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::JournalError;
use crate::access::{hex, unhex};

/// Where a page ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Cursor {
    /// What the list is: filters, sort and zone, hashed.
    #[serde(rename = "l")]
    pub list: u64,
    /// Bounds of the period as they were at the first page, in µs.
    #[serde(rename = "p")]
    pub period: (Option<i64>, Option<i64>),
    /// The newest `_seq` at the first page.
    #[serde(rename = "m")]
    pub newest_seq: i64,
    /// Value of the column that is sorted by, where that is not the time.
    #[serde(rename = "v")]
    pub value: Value,
    /// `event_time` of the last row, µs.
    #[serde(rename = "t")]
    pub time_us: i64,
    /// `_seq` of the last row.
    #[serde(rename = "s")]
    pub seq: i64,
}

/// Longest text of a cursor: the value that is sorted by can be long.
const TEXT_MAX: usize = 8 << 10;

impl Cursor {
    /// As text for URLs; nobody should read anything out of it.
    #[must_use]
    pub(super) fn encode(&self) -> String {
        hex(serde_json::to_string(self).unwrap_or_default().as_bytes())
    }

    /// Reads what [`Cursor::encode`] made for the list with the hash `list`.
    ///
    /// # Errors
    /// It is no cursor, or one of another list.
    pub(super) fn decode(text: &str, list: u64) -> Result<Self, JournalError> {
        let no_cursor = || JournalError::BadCursor("is none that a list gave");
        if text.len() > 2 * TEXT_MAX {
            return Err(no_cursor());
        }
        let bytes = unhex(text);
        let cursor: Self = bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()).ok_or_else(no_cursor)?;
        if cursor.list != list {
            return Err(JournalError::BadCursor("belongs to a list with other filters, sort or zone"));
        }
        Ok(cursor)
    }
}

#[cfg(test)]
mod tests;
