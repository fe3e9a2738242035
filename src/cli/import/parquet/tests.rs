use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Builder,
    Int64Array, ListBuilder, MapBuilder, RecordBatch, StringArray, StringBuilder, StructArray,
    TimestampMicrosecondArray, TimestampNanosecondArray, UInt64Array,
};
use arrow::datatypes::{Field, Int32Type};

use super::*;

fn file(columns: Vec<(&str, ArrayRef)>) -> File {
    let batch =
        RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap();
    let file = tempfile::tempfile().unwrap();
    let mut writer = ArrowWriter::try_new(file.try_clone().unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    file
}

fn rows(file: File, skip: u64) -> Vec<String> {
    let mut records = ParquetRecords::new(file, 100, skip, 1 << 20).unwrap();
    let mut all = vec![];
    let mut out = vec![];
    while let Some(taken) = records.next(&mut out).unwrap() {
        assert_eq!(taken, Taken::Record);
        all.push(String::from_utf8(std::mem::take(&mut out)).unwrap());
    }
    all
}

#[track_caller]
fn check(array: impl Array + 'static, want: &[&str]) {
    let got = rows(file(vec![("v", Arc::new(array))]), 0);
    let want: Vec<String> =
        want.iter().map(|value| if value.is_empty() { "{}".into() } else { format!("{{\"v\":{value}}}") }).collect();
    assert_eq!(got, want);
}

#[test]
fn numbers_keep_every_digit() {
    check(
        Int64Array::from(vec![Some(i64::MIN), None, Some(i64::MAX)]),
        &["-9223372036854775808", "", "9223372036854775807"],
    );
    check(UInt64Array::from(vec![u64::MAX]), &["18446744073709551615"]);
    let decimals = Decimal128Array::from(vec![Some(12_345_678_901_234_567_890_123_456_789_i128), Some(-5), None]);
    check(decimals.with_precision_and_scale(38, 4).unwrap(), &["1234567890123456789012345.6789", "-0.0005", ""]);
    check(
        Float64Array::from(vec![0.1, 1e300, -0.0, f64::NAN, f64::NEG_INFINITY]),
        &["0.1", "1e300", "-0.0", "\"NaN\"", "\"-inf\""],
    );
    check(Float32Array::from(vec![0.1, f32::MAX]), &["0.1", "3.4028235e38"]);
}

#[test]
fn instants_are_exact_and_say_their_zone() {
    let us = vec![Some(1_782_000_000_123_456), None];
    check(TimestampMicrosecondArray::from(us.clone()).with_timezone("UTC"), &["\"2026-06-21T00:00:00.123456Z\"", ""]);
    check(TimestampMicrosecondArray::from(us), &["\"2026-06-21T00:00:00.123456\"", ""]);
    let ns = TimestampNanosecondArray::from(vec![1_782_000_000_123_456_789]).with_timezone("UTC");
    check(ns, &["\"2026-06-21T00:00:00.123456789Z\""]);
    check(Date32Array::from(vec![20_625]), &["\"2026-06-21\""]);
}

#[test]
fn text_bytes_and_truth() {
    check(StringArray::from(vec![Some("a\"\n\u{1}ż"), Some(""), None]), &[r#""a\"\n\u0001ż""#, "\"\"", ""]);
    check(BinaryArray::from_vec(vec![b"\x00\xff"]), &["\"00ff\""]);
    check(BooleanArray::from(vec![true, false]), &["true", "false"]);
}

#[test]
fn nested_values_stay_nested() {
    let mut lists = ListBuilder::new(Int32Builder::new());
    lists.append_value([Some(1), None]);
    lists.append(false);
    check(lists.finish(), &["[1,null]", ""]);
    let mut maps = MapBuilder::new(None, StringBuilder::new(), StringBuilder::new());
    maps.keys().append_value("k");
    maps.values().append_value("v");
    maps.append(true).unwrap();
    check(maps.finish(), &[r#"{"k":"v"}"#]);
    let field = Arc::new(Field::new("x", DataType::Int32, true));
    let inner: ArrayRef = Arc::new(arrow::array::PrimitiveArray::<Int32Type>::from(vec![7]));
    check(StructArray::from(vec![(field, inner)]), &[r#"{"x":7}"#]);
}

#[test]
fn rows_are_skipped_and_counted() {
    let count = 2_500;
    let make = || file(vec![("n", Arc::new(Int64Array::from_iter_values(0..count)) as ArrayRef)]);
    let all = rows(make(), 0);
    assert_eq!(all.len() as i64, count);
    assert_eq!(rows(make(), 2_000), all[2_000..]);
    assert_eq!(rows(make(), 9_999), Vec::<String>::new());
    let mut records = ParquetRecords::new(make(), 1_000, 1_250, 1 << 20).unwrap();
    assert_eq!(records.position(), 500);
    records.next(&mut vec![]).unwrap();
    assert_eq!(records.record_max, 1 << 20);
}

#[test]
fn rows_that_are_too_long_are_left_out_and_other_files_refused() {
    let texts: ArrayRef = Arc::new(StringArray::from(vec!["short", "very very long", "s"]));
    let mut records = ParquetRecords::new(file(vec![("v", texts)]), 1, 0, 16).unwrap();
    let mut out = vec![];
    let taken: Vec<bool> =
        std::iter::from_fn(|| records.next(&mut out).unwrap()).map(|taken| taken == Taken::Record).collect();
    assert_eq!(taken, [true, false, true]);
    assert_eq!(out, br#"{"v":"short"}{"v":"s"}"#);
    let mut other = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut other, b"no parquet").unwrap();
    assert!(ParquetRecords::new(other, 1, 0, 16).is_err());
}
