//! Values that an answer cannot hold are errors, not other values.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, TimestampSecondArray};

use super::*;

#[test]
fn an_instant_out_of_range_is_an_error() {
    let array: ArrayRef = Arc::new(TimestampSecondArray::from(vec![i64::MAX]));
    let batch = RecordBatch::try_from_iter([("t", array)]).unwrap();
    let error = Normaliser::new(&batch.schema()).apply(&batch).expect_err("292 billion years");
    assert_eq!(crate::error::Report::code(&error), "evaluation_failed");
}
