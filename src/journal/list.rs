//! Lists: rows in an order, a page at a time.

use chrono::{DateTime, Utc};
use serde_json::Value;
use xxhash_rust::xxh3::xxh3_64;

use super::columns::single;
use super::compile::Values;
use super::cursor::Cursor;
use super::period::{Bounds, Period, show};
use super::{JournalError, Selection, Statement};
use crate::event::schema::SEQ;

/// Column of the time, by which lists are sorted and ties are broken.
pub const EVENT_TIME: &str = "event_time";

/// By what a list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort {
    /// The column.
    pub column: &'static str,
    /// Largest first.
    pub descending: bool,
}

impl Sort {
    /// Newest first.
    pub const NEWEST: Self = Self { column: EVENT_TIME, descending: true };

    /// Reads `-event_time`, `duration_ns`; a `-` is largest first.
    ///
    /// # Errors
    /// No column that can be sorted by.
    pub fn parse(text: &str) -> Result<Self, JournalError> {
        let (name, descending) = match text.strip_prefix('-') {
            Some(name) => (name, true),
            None => (text, false),
        };
        Ok(Self { column: single("sort", name)?, descending })
    }

    fn text(self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.column)
    }

    /// What stands behind `ORDER BY`.
    #[must_use]
    pub fn order(self) -> String {
        let way = if self.descending { "DESC" } else { "ASC" };
        match self.column {
            EVENT_TIME => format!("{EVENT_TIME} {way}, {SEQ} {way}"),
            column => format!("{column} {way} NULLS LAST, {EVENT_TIME} {way}, {SEQ} {way}"),
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page {
    /// What is listed; its period is that of the first page.
    pub selection: Selection,
    /// By what it is sorted.
    pub sort: Sort,
    /// Rows of the page.
    pub limit: usize,
    /// The bounds of the period.
    pub bounds: Bounds,
    /// The newest `_seq` that the list may show.
    newest_seq: i64,
    after: Option<Cursor>,
}

impl Page {
    /// The page behind `cursor`, or the first one; `newest_seq` is the newest there is now.
    ///
    /// # Errors
    /// The cursor belongs to another list.
    pub fn new(
        selection: Selection,
        sort: Sort,
        limit: usize,
        cursor: Option<&str>,
        newest_seq: i64,
    ) -> Result<Self, JournalError> {
        let mut page = Self { bounds: selection.bounds()?, selection, sort, limit, newest_seq, after: None };
        if let Some(text) = cursor {
            let cursor = Cursor::decode(text, page.list())?;
            let time = |us: Option<i64>| us.and_then(DateTime::<Utc>::from_timestamp_micros);
            page.bounds = Bounds { from: time(cursor.period.0), to: time(cursor.period.1) };
            page.newest_seq = cursor.newest_seq;
            page.after = Some(cursor);
        }
        let text = |at: Option<DateTime<Utc>>| at.map(show);
        page.selection.period = match (text(page.bounds.from), text(page.bounds.to)) {
            (None, None) => Period::Unsaid,
            (from, to) => Period::Between { from, to },
        };
        Ok(page)
    }

    /// The rows: one more than the page has, so that the end is known.
    ///
    /// # Errors
    /// A value that a filter cannot take.
    pub fn rows(&self, columns: &[&str], hidden: &[String]) -> Result<Statement, JournalError> {
        let mut values = Values::default();
        let mut condition = self.condition(&mut values, hidden)?;
        if let Some(cursor) = &self.after {
            condition = format!("{condition} AND {}", self.behind(cursor, &mut values));
        }
        let mut selected = columns.to_vec();
        for needed in [self.sort.column, EVENT_TIME, SEQ] {
            if !selected.contains(&needed) {
                selected.push(needed);
            }
        }
        let (selected, order, limit) = (selected.join(", "), self.sort.order(), self.limit + 1);
        let sql = format!("SELECT {selected} FROM events WHERE {condition} ORDER BY {order} LIMIT {limit}");
        Ok(Statement::new(sql, values))
    }

    /// How many rows the whole list has; no further than one above `most`.
    ///
    /// # Errors
    /// A value that a filter cannot take.
    pub fn total(&self, most: Option<u64>, hidden: &[String]) -> Result<Statement, JournalError> {
        let mut values = Values::default();
        let condition = self.condition(&mut values, hidden)?;
        let sql = match most {
            None => format!("SELECT count(*) AS total FROM events WHERE {condition}"),
            Some(most) => format!(
                "SELECT count(*) AS total FROM (SELECT 1 FROM events WHERE {condition} LIMIT {})",
                most.saturating_add(1)
            ),
        };
        Ok(Statement::new(sql, values))
    }

    /// The cursor of the page behind a row.
    #[must_use]
    pub fn next(&self, value: Value, time_us: i64, seq: i64) -> String {
        let us = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_micros());
        let period = (us(self.bounds.from), us(self.bounds.to));
        Cursor { list: self.list(), period, newest_seq: self.newest_seq, value, time_us, seq }.encode()
    }

    fn condition(&self, values: &mut Values, hidden: &[String]) -> Result<String, JournalError> {
        let condition = self.selection.condition(values, hidden)?;
        // On the first page there is nothing newer, and a count over whole files needs no test.
        Ok(match &self.after {
            None => condition,
            Some(_) => format!("{condition} AND {SEQ} <= {}", values.add(self.newest_seq)),
        })
    }

    /// Rows that come after the cursor's in the order of the list.
    fn behind(&self, cursor: &Cursor, values: &mut Values) -> String {
        let sign = if self.sort.descending { "<" } else { ">" };
        let time = DateTime::<Utc>::from_timestamp_micros(cursor.time_us).map(show).unwrap_or_default();
        let (time, seq) = (values.add(time), values.add(cursor.seq));
        // The first part alone chooses files and pages of them.
        let tie = format!("({EVENT_TIME} {sign}= {time} AND ({EVENT_TIME} {sign} {time} OR {SEQ} {sign} {seq}))");
        let column = self.sort.column;
        match &cursor.value {
            _ if column == EVENT_TIME => tie,
            Value::Null => format!("({column} IS NULL AND {tie})"),
            value => {
                let value = values.add(value.clone());
                format!("({column} {sign} {value} OR ({column} = {value} AND {tie}) OR {column} IS NULL)")
            }
        }
    }

    /// What the list is, as a number: filters, sort and zone, but not the period, which cursors hold themselves.
    fn list(&self) -> u64 {
        let mut selection = self.selection.clone();
        selection.period = Period::Unsaid;
        xxh3_64(format!("{}|{}|{}", selection.to_json(), selection.of_object, self.sort.text()).as_bytes())
    }
}
