//! Single values of an answer's batches.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;

/// The text in `column` of a row; `None` where it is NULL, or the answer has no such column.
pub(crate) fn text_of<'a>(batch: &'a RecordBatch, column: &str, row: usize) -> Option<&'a str> {
    let column = batch.column_by_name(column)?.as_string_opt::<i32>()?;
    column.is_valid(row).then(|| column.value(row))
}

/// The 64-bit integer, or the µs of the instant, in `column` of a row.
pub(crate) fn instant_of(batch: &RecordBatch, column: &str, row: usize) -> Option<i64> {
    let array = batch.column_by_name(column)?;
    if array.is_null(row) {
        return None;
    }
    match array.data_type() {
        DataType::Int64 => Some(array.as_primitive::<Int64Type>().value(row)),
        DataType::Timestamp(..) => array.as_primitive_opt::<TimestampMicrosecondType>().map(|times| times.value(row)),
        _ => None,
    }
}
