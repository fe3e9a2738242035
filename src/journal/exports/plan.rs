//! From what was asked for to SQL: how many rows on which day, then some days after the other.
//!
//! Each window is a query of its own over a fresh snapshot, so that no version of the table is held for the hours that
//! an export may take. What came later than the export has larger numbers and is left out.

use std::fmt::Write;

use arrow::array::AsArray;
use arrow::datatypes::{Date32Type, Int64Type};
use arrow::record_batch::RecordBatch;
use chrono::{DateTime, SecondsFormat};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::ExportError;
use super::record::{Cursor, Export};
use super::spec::{ExportFormat, Order, What};
use crate::event::columns::DAY_US;
use crate::journal::{Selection, Statement, Values};

/// Rows that are worth a query of their own: days with fewer share one.
const WINDOW_ROWS: u64 = 250_000;
/// The columns of the order.
pub(super) const KEYS: [&str; 2] = ["event_time", "_seq"];
/// What an archive of bodies is made of.
const BODY_COLUMNS: [&str; 10] = [
    "event_id",
    "event_time",
    "tenant_id",
    "source",
    "dataset",
    "request_content_type",
    "request_body",
    "response_content_type",
    "response_body",
    "attachments",
];
/// Columns of which an event must have one to be among bodies.
const BODIES: [&str; 3] = ["request_body", "response_body", "attachments"];

/// Days that are asked for together, in days since 1970, both inclusive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// The first day.
    pub from: i32,
    /// The last day.
    pub to: i32,
    /// Rows that were counted.
    pub rows: u64,
}

/// The filter's condition, with that on the moment of the export.
fn condition(export: &Export, filter: &Value, values: &mut Values) -> Result<String, ExportError> {
    let now = DateTime::from_timestamp_micros(export.created_us).unwrap_or_default();
    let condition = Selection::from_json(filter, now)?.condition(values, &export.by.hidden)?;
    let mut condition = format!("({condition}) AND _seq <= {}", export.seq_max);
    if export.spec.format == ExportFormat::Bodies {
        let columns = columns(export);
        let any: Vec<_> = BODIES.iter().filter(|name| columns.contains(name)).collect();
        let any: Vec<String> = any.iter().map(|name| format!("{name} IS NOT NULL")).collect();
        let any = if any.is_empty() { "false".to_owned() } else { any.join(" OR ") };
        // Writing to a String cannot fail.
        let _ = write!(condition, " AND ({any})");
    }
    Ok(condition)
}

/// Columns of the rows, in their order.
fn columns(export: &Export) -> Vec<&str> {
    let visible = export.spec.columns.iter().map(String::as_str);
    match export.spec.format {
        ExportFormat::Bodies => visible.filter(|column| BODY_COLUMNS.contains(column)).collect(),
        ExportFormat::Rows(_) | ExportFormat::Bundle => visible.collect(),
    }
}

/// How many columns of the rows are for the file; those of the order may follow.
pub(super) fn column_count(export: &Export) -> Option<usize> {
    match export.spec.what {
        What::Filter(_) => Some(columns(export).len()),
        What::Sql { .. } => None,
    }
}

/// How many rows each day has; `None` of queries.
pub(super) fn count(export: &Export) -> Result<Option<Statement>, ExportError> {
    let What::Filter(filter) = &export.spec.what else { return Ok(None) };
    let mut values = Values::default();
    let condition = condition(export, filter, &mut values)?;
    let sql = format!("SELECT date, count(*) AS events FROM events WHERE {condition} GROUP BY date ORDER BY date");
    Ok(Some(Statement::new(sql, values)))
}

/// Windows of counted days, in the order of the export.
pub(super) fn windows(batches: &[RecordBatch], order: Order) -> Vec<Window> {
    let mut windows: Vec<Window> = Vec::new();
    for batch in batches {
        let days = batch.column_by_name("date").and_then(|column| column.as_primitive_opt::<Date32Type>());
        let counts = batch.column_by_name("events").and_then(|column| column.as_primitive_opt::<Int64Type>());
        let (Some(days), Some(counts)) = (days, counts) else { continue };
        for row in 0..days.len() {
            let (day, rows) = (days.value(row), u64::try_from(counts.value(row)).unwrap_or(0));
            match windows.last_mut() {
                Some(last) if last.rows + rows <= WINDOW_ROWS => (last.to, last.rows) = (day, last.rows + rows),
                _ => windows.push(Window { from: day, to: day, rows }),
            }
        }
    }
    if order == Order::NewestFirst {
        windows.reverse();
    }
    windows
}

/// The rows of a window behind `cursor`; without a window, none of them, for their schema.
pub(super) fn rows(export: &Export, window: Option<&Window>, cursor: Option<Cursor>) -> Result<Statement, ExportError> {
    let filter = match &export.spec.what {
        What::Filter(filter) => filter,
        What::Sql { .. } => return Err(ExportError::Invalid("a query has no windows".into())),
    };
    let mut values = Values::default();
    let mut condition = condition(export, filter, &mut values)?;
    if let Some(window) = window {
        let (from, to) = (day(window.from), day(window.to.saturating_add(1)));
        let _ = write!(condition, " AND event_time >= '{from}' AND event_time < '{to}'");
    }
    let (beyond, direction) = match export.spec.order {
        Order::NewestFirst => ('<', "DESC"),
        Order::OldestFirst => ('>', "ASC"),
    };
    if let Some(Cursor { time_us, seq, .. }) = cursor {
        let time = instant(time_us);
        // The first condition is implied; by it files are left out.
        let _ = write!(
            condition,
            " AND event_time {beyond}= '{time}' AND (event_time {beyond} '{time}' OR _seq {beyond} {seq})"
        );
    }
    let mut columns = columns(export);
    for key in KEYS {
        if !columns.contains(&key) {
            columns.push(key);
        }
    }
    let columns = columns.join(", ");
    let limit = if window.is_none() { " LIMIT 0" } else { "" };
    let sql = format!(
        "SELECT {columns} FROM events WHERE {condition} ORDER BY event_time {direction}, _seq {direction}{limit}"
    );
    Ok(Statement::new(sql, values))
}

fn day(days: i32) -> String {
    instant(i64::from(days) * DAY_US)
}

fn instant(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).unwrap_or_default().to_rfc3339_opts(SecondsFormat::Micros, true)
}
