//! SQL functions of ours: what filters of the journal are made of, and anybody may use.
//!
//! | function | answers |
//! |---|---|
//! | `contains_text(text, column, …)` | whether `text` stands in any of the columns, letters' case aside; lists, structs and maps are searched through |
//! | `has_attachment(attachments, sha256)` | whether one file of the event has this hash |
//! | `has_change(changes, path, before, after)` | whether one change has this path (`price.*` is all below), old and new value; NULL is any |
//! | `in_network(address, network)` | whether an IP address lies in `10.0.0.0/8` |
//! | `local_bin(step, time, zone)` | the first instant of the step (`15m`, `day`, `week`, `month`…) that holds `time`, on the zone's clocks |
//! | `local_part(part, time, zone)` | `hour` (0–23), `minute` (of the day), `weekday` (1 is Monday) or `day` (of the month) on the zone's clocks; a NULL or unknown zone is UTC |
//! | `text_pattern(text)` | the first line with `*` for what differs between texts of one kind: words with digits, e-mail addresses, quotations |
//!
//! None makes more than it is given, so none needs the guard's bounds.

mod contains_text;
mod has_attachment;
mod has_change;
mod in_network;
mod local_bin;
mod local_part;
mod text_pattern;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, ScalarUDF};

use super::error::QueryError;

/// How each is called and what it answers, for editors; the table above in other words.
pub(crate) const SYNTAX: [(&str, &str, &str); 7] = [
    (
        "contains_text",
        "contains_text(text, column[, ...])",
        "Whether a text stands in any of the columns, letters' case aside. Lists, structs and maps are searched through.",
    ),
    ("has_attachment", "has_attachment(attachments, sha256)", "Whether one file of the event has this SHA-256."),
    (
        "has_change",
        "has_change(changes, path, before, after)",
        "Whether one change has this path (`price.*` is all below), old and new value. NULL is any.",
    ),
    ("in_network", "in_network(address, network)", "Whether an IP address lies in a network such as `10.0.0.0/8`."),
    (
        "local_bin",
        "local_bin(step, time, zone)",
        "The first instant of the step (`15m`, `day`, `week`, `month`, ...) that holds a time, on the zone's clocks.",
    ),
    (
        "local_part",
        "local_part(part, time, zone)",
        "`hour`, `minute` of the day, `weekday` (1 is Monday) or `day` of the month on the zone's clocks.",
    ),
    (
        "text_pattern",
        "text_pattern(text)",
        "The first line with `*` for what differs between texts of one kind: words with digits, e-mail addresses, quotations.",
    ),
];

/// All functions of ours.
pub(crate) fn all() -> Vec<Arc<ScalarUDF>> {
    vec![
        Arc::new(ScalarUDF::from(contains_text::ContainsText::new())),
        Arc::new(ScalarUDF::from(has_attachment::HasAttachment::new())),
        Arc::new(ScalarUDF::from(has_change::HasChange::new())),
        Arc::new(ScalarUDF::from(in_network::InNetwork::new())),
        Arc::new(ScalarUDF::from(local_bin::LocalBin::new())),
        Arc::new(ScalarUDF::from(local_part::LocalPart::new())),
        Arc::new(ScalarUDF::from(text_pattern::TextPattern::new())),
    ]
}

/// A value that makes a call fail.
fn refused(message: String) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::Evaluation(message)))
}

/// The text of a constant argument: `None` is NULL.
fn constant(function: &str, argument: &str, value: &ColumnarValue) -> Result<Option<String>, DataFusionError> {
    let text = match value {
        ColumnarValue::Scalar(scalar) if scalar.is_null() => return Ok(None),
        ColumnarValue::Scalar(scalar) => scalar.cast_to(&DataType::Utf8).ok(),
        ColumnarValue::Array(_) => None,
    };
    match text {
        Some(ScalarValue::Utf8(text)) => Ok(text),
        _ => Err(refused(format!("`{argument}` of `{function}` is a constant text"))),
    }
}

/// A column of texts.
fn texts(value: &ColumnarValue, rows: usize) -> Result<StringArray, DataFusionError> {
    let array: ArrayRef = value.to_array(rows)?;
    let array = cast(&array, &DataType::Utf8)?;
    Ok(array.as_string::<i32>().clone())
}

/// The value at `row`, unless it is NULL.
fn at(texts: &StringArray, row: usize) -> Option<&str> {
    texts.is_valid(row).then(|| texts.value(row))
}
