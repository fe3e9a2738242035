//! What is known about a file's columns: taken from the Parquet footer when we write a file, kept as
//! JSON in the Delta log, read back when a table is opened.
//!
//! # Invariants
//! * Bounds are never narrower than the values. The log has instants in ms, since readers cut them
//!   there: a minimum is rounded down and a maximum up. Text bounds are cut at
//!   [`super::layout::TEXT_BOUND`] bytes, a maximum then being counted up by one.
//! * A bound that cannot be kept that way is left out.

use chrono::{DateTime, SecondsFormat, Utc};
use parquet::file::metadata::ParquetMetaData;
use parquet::file::statistics::Statistics;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use packed::FileStats;

use super::layout;
use super::version::{ColumnStats, StatValue};
use crate::event::model::{COLUMNS, Kind, find};
use crate::event::schema::{SEQ, SEQ_AT};

/// The longest text bound that is kept; only a maximum that cannot be cut is longer.
const TEXT_BOUND_MAX: usize = 4 * layout::TEXT_BOUND;

/// Statistics as the log has them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Logged {
    num_records: Option<i64>,
    #[serde(default)]
    min_values: Map<String, Value>,
    #[serde(default)]
    max_values: Map<String, Value>,
    #[serde(default)]
    null_count: Map<String, Value>,
}

/// Statistics of a file that was just written.
pub(super) fn from_footer(footer: &ParquetMetaData) -> FileStats {
    layout::stat_columns().filter_map(|(column, name)| column_from_footer(footer, column, name)).collect()
}

fn column_from_footer(footer: &ParquetMetaData, column: usize, name: &str) -> Option<ColumnStats> {
    let schema = footer.file_metadata().schema_descr();
    let leaf = schema.columns().iter().position(|leaf| leaf.path().string() == name)?;
    let mut merged: Option<ColumnStats> = None;
    for group in footer.row_groups() {
        let chunk = of_chunk(group.column(leaf).statistics()?, column, group.num_rows())?;
        merged = Some(match merged {
            None => chunk,
            Some(merged) => merge(merged, chunk),
        });
    }
    merged
}

fn of_chunk(statistics: &Statistics, column: usize, rows: i64) -> Option<ColumnStats> {
    let nulls = statistics.null_count_opt()?;
    if i64::try_from(nulls).ok() == Some(rows) {
        return Some(ColumnStats { column, min: None, max: None, nulls });
    }
    let (min, max) = match statistics {
        Statistics::Int32(of) => (StatValue::I32(*of.min_opt()?), StatValue::I32(*of.max_opt()?)),
        Statistics::Int64(of) => (StatValue::I64(*of.min_opt()?), StatValue::I64(*of.max_opt()?)),
        Statistics::ByteArray(of) => {
            let text =
                |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok().filter(|text| text.len() <= TEXT_BOUND_MAX);
            (StatValue::Text(text(of.min_opt()?.data())?), StatValue::Text(text(of.max_opt()?.data())?))
        }
        _ => return None,
    };
    Some(ColumnStats { column, min: Some(min), max: Some(max), nulls })
}

/// Statistics of two row groups; one whose values are all NULL has no bounds.
fn merge(left: ColumnStats, right: ColumnStats) -> ColumnStats {
    let pick =
        |left: Option<StatValue>, right: Option<StatValue>, right_wins: fn(&StatValue, &StatValue) -> bool| match (
            left, right,
        ) {
            (Some(left), Some(right)) => Some(if right_wins(&left, &right) { right } else { left }),
            (left, right) => left.or(right),
        };
    ColumnStats {
        column: left.column,
        min: pick(left.min, right.min, |left, right| right < left),
        max: pick(left.max, right.max, |left, right| right > left),
        nulls: left.nulls + right.nulls,
    }
}

/// Statistics as JSON text for the log.
pub(super) fn encode(rows: u64, stats: &FileStats) -> Result<String, serde_json::Error> {
    let mut logged = Logged {
        num_records: i64::try_from(rows).ok(),
        min_values: Map::new(),
        max_values: Map::new(),
        null_count: Map::new(),
    };
    for column in stats.iter() {
        let name = name_of(column.column);
        let time = kind_of(column.column) == Kind::Time;
        logged.null_count.insert(name.to_owned(), column.nulls.into());
        if let Some(min) = column.min.as_ref().and_then(|min| to_json(min, time, i64::div_euclid)) {
            logged.min_values.insert(name.to_owned(), min);
        }
        let up = |value: i64, unit: i64| -value.saturating_neg().div_euclid(unit);
        if let Some(max) = column.max.as_ref().and_then(|max| to_json(max, time, up)) {
            logged.max_values.insert(name.to_owned(), max);
        }
    }
    serde_json::to_string(&logged)
}

fn to_json(bound: &StatValue, time: bool, to_ms: impl Fn(i64, i64) -> i64) -> Option<Value> {
    match bound {
        StatValue::I64(us) if time => {
            let instant = DateTime::<Utc>::from_timestamp_millis(to_ms(*us, 1_000))?;
            Some(instant.to_rfc3339_opts(SecondsFormat::Millis, true).into())
        }
        StatValue::I64(value) => Some((*value).into()),
        StatValue::I32(value) => Some((*value).into()),
        StatValue::Text(text) => Some(text.clone().into()),
    }
}

/// Row count and statistics from the log's JSON text; `None` without a row count.
///
/// Other writers cut instants to ms, maxima included: a maximum in whole ms may stand for anything
/// up to the next one.
pub(super) fn decode(text: &str) -> Option<(u64, FileStats)> {
    let logged: Logged = serde_json::from_str(text).ok()?;
    let rows = u64::try_from(logged.num_records?).ok()?;
    let column = |(column, name): (usize, &str)| {
        let nulls = logged.null_count.get(name)?.as_u64()?;
        let bound = |values: &Map<String, Value>| from_json(values.get(name)?, kind_of(column));
        let widen = |max| match max {
            StatValue::I64(us) if kind_of(column) == Kind::Time && us % 1_000 == 0 => StatValue::I64(us + 999),
            max => max,
        };
        let (min, max) = (bound(&logged.min_values), bound(&logged.max_values).map(widen));
        Some(ColumnStats { column, min, max, nulls })
    };
    Some((rows, layout::stat_columns().filter_map(column).collect()))
}

fn from_json(value: &Value, kind: Kind) -> Option<StatValue> {
    match kind {
        Kind::Time => {
            let instant = DateTime::parse_from_rfc3339(value.as_str()?).ok()?;
            Some(StatValue::I64(instant.timestamp_micros()))
        }
        Kind::Int64 => value.as_i64().map(StatValue::I64),
        Kind::Int32 => value.as_i64().and_then(|value| i32::try_from(value).ok()).map(StatValue::I32),
        _ => value.as_str().map(|text| StatValue::Text(text.to_owned())),
    }
}

/// Name of column `at` of the row schema; only those that can have statistics are asked for.
fn name_of(at: usize) -> &'static str {
    COLUMNS.get(at).map_or(SEQ, |column| column.name)
}

fn kind_of(at: usize) -> Kind {
    COLUMNS.get(at).map_or(Kind::Int64, |column| column.kind)
}

/// Position in the row schema of a column that is stored in files.
pub(super) fn position(name: &str) -> Option<usize> {
    if name == SEQ { Some(SEQ_AT) } else { find(name) }
}

mod packed;

#[cfg(test)]
mod tests;
