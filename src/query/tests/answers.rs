//! Types × formats: every type that a query can yield, in every format.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, NullArray, RecordBatch, RecordBatchOptions, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use serde_json::{Value, json};

use super::fixture::{Fixture, body, json_rows};
use crate::query::Format;

/// SQL expression, type name, JSON value, CSV text.
#[expect(clippy::too_many_lines, reason = "a table")]
fn yields() -> Vec<(&'static str, &'static str, Value, &'static str)> {
    vec![
        ("NULL", "null", json!(null), "\"\""),
        ("true", "bool", json!(true), "true"),
        ("arrow_cast(-3, 'Int8')", "int32", json!(-3), "-3"),
        ("arrow_cast(300, 'Int16')", "int32", json!(300), "300"),
        ("arrow_cast(3, 'UInt8')", "int32", json!(3), "3"),
        ("arrow_cast(65535, 'UInt16')", "int32", json!(65_535), "65535"),
        ("arrow_cast(7, 'Int32')", "int32", json!(7), "7"),
        ("arrow_cast(4294967295, 'UInt32')", "int64", json!("4294967295"), "4294967295"),
        ("9223372036854775807", "int64", json!("9223372036854775807"), "9223372036854775807"),
        ("18446744073709551615", "uint64", json!("18446744073709551615"), "18446744073709551615"),
        ("arrow_cast(1.5, 'Float16')", "float32", json!(1.5), "1.5"),
        ("arrow_cast(0.1, 'Float32')", "float32", json!(0.1), "0.1"),
        ("0.1", "float64", json!(0.1), "0.1"),
        ("arrow_cast('NaN', 'Float64')", "float64", json!("NaN"), "NaN"),
        ("arrow_cast('-inf', 'Float32')", "float32", json!("-Infinity"), "-Infinity"),
        ("arrow_cast('1.50', 'Decimal32(9, 2)')", "decimal(9,2)", json!("1.50"), "1.50"),
        ("arrow_cast('1.50', 'Decimal64(18, 2)')", "decimal(18,2)", json!("1.50"), "1.50"),
        (
            "arrow_cast('-12345678901234567890.12', 'Decimal128(38, 2)')",
            "decimal(38,2)",
            json!("-12345678901234567890.12"),
            "-12345678901234567890.12",
        ),
        ("arrow_cast('1.5', 'Decimal256(76, 1)')", "decimal(76,1)", json!("1.5"), "1.5"),
        ("arrow_cast(1200, 'Decimal128(10, -2)')", "decimal(12,0)", json!("1200"), "1200"),
        ("'a\"b,ż\n'", "text", json!("a\"b,ż\n"), "\"a\"\"b,ż\n\""),
        ("arrow_cast('', 'LargeUtf8')", "text", json!(""), "\"\""),
        ("arrow_cast('v', 'Utf8View')", "text", json!("v"), "v"),
        ("arrow_cast('d', 'Dictionary(Int32, Utf8)')", "text", json!("d"), "d"),
        ("arrow_cast('d', 'Dictionary(Int32, Utf8View)')", "text", json!("d"), "d"),
        ("arrow_cast('ab', 'Binary')", "binary", json!("YWI="), "YWI="),
        ("arrow_cast('abc', 'LargeBinary')", "binary", json!("YWJj"), "YWJj"),
        ("arrow_cast('abcd', 'BinaryView')", "binary", json!("YWJjZA=="), "YWJjZA=="),
        ("arrow_cast(arrow_cast('ab', 'Binary'), 'FixedSizeBinary(2)')", "binary", json!("YWI="), "YWI="),
        ("DATE '2025-03-04'", "date", json!("2025-03-04"), "2025-03-04"),
        ("arrow_cast(DATE '0001-01-01', 'Date64')", "date", json!("0001-01-01"), "0001-01-01"),
        ("arrow_cast('10:20:30', 'Time32(Second)')", "time", json!("10:20:30"), "10:20:30"),
        ("arrow_cast('10:20:30.5', 'Time32(Millisecond)')", "time", json!("10:20:30.5"), "10:20:30.5"),
        ("arrow_cast('10:20:30.000001', 'Time64(Microsecond)')", "time", json!("10:20:30.000001"), "10:20:30.000001"),
        (
            "arrow_cast('10:20:30.000000001', 'Time64(Nanosecond)')",
            "time",
            json!("10:20:30.000000001"),
            "10:20:30.000000001",
        ),
        (
            "arrow_cast('2025-03-04T07:55:10', 'Timestamp(Second, None)')",
            "timestamp",
            json!("2025-03-04T07:55:10Z"),
            "2025-03-04T07:55:10Z",
        ),
        (
            "arrow_cast('2025-03-04T07:55:10.25', 'Timestamp(Millisecond, Some(\"UTC\"))')",
            "timestamp",
            json!("2025-03-04T07:55:10.25Z"),
            "2025-03-04T07:55:10.25Z",
        ),
        (
            "arrow_cast('1969-12-31T23:59:59.999999Z', 'Timestamp(Microsecond, Some(\"+02:00\"))')",
            "timestamp",
            json!("1969-12-31T23:59:59.999999Z"),
            "1969-12-31T23:59:59.999999Z",
        ),
        (
            "arrow_cast('2025-03-04T08:55:10+01:00', 'Timestamp(Nanosecond, Some(\"Europe/Warsaw\"))')",
            "timestamp",
            json!("2025-03-04T07:55:10Z"),
            "2025-03-04T07:55:10Z",
        ),
        (
            "TIMESTAMP '2025-03-04 07:55:10.123456789'",
            "timestamp",
            json!("2025-03-04T07:55:10.123456789Z"),
            "2025-03-04T07:55:10.123456789Z",
        ),
        (
            "INTERVAL '1 year 2 months 3 days 4 hours 5.5 seconds'",
            "interval",
            json!("P1Y2M3DT4H5.5S"),
            "P1Y2M3DT4H5.5S",
        ),
        (
            "TIMESTAMP '2025-03-04 00:00:00' - TIMESTAMP '2025-03-04 00:01:30.5'",
            "duration",
            json!("PT-1M-30.5S"),
            "PT-1M-30.5S",
        ),
        ("arrow_cast(0, 'Duration(Second)')", "duration", json!("PT0S"), "PT0S"),
        ("arrow_cast(1, 'Duration(Millisecond)')", "duration", json!("PT0.001S"), "PT0.001S"),
        ("arrow_cast(3600000000, 'Duration(Microsecond)')", "duration", json!("PT1H"), "PT1H"),
        ("[1, NULL]", "list<int64>", json!(["1", null]), "\"[\"\"1\"\",null]\""),
        ("arrow_cast([1], 'LargeList(Int32)')", "list<int32>", json!([1]), "[1]"),
        ("arrow_cast([1, 2], 'FixedSizeList(2, Int32)')", "list<int32>", json!([1, 2]), "\"[1,2]\""),
        ("arrow_cast([1, 2], 'ListView(Int32)')", "list<int32>", json!([1, 2]), "\"[1,2]\""),
        ("arrow_cast([1, 2], 'LargeListView(Int32)')", "list<int32>", json!([1, 2]), "\"[1,2]\""),
        ("[]", "list<null>", json!([]), "[]"),
        ("[[INTERVAL '1' DAY]]", "list<list<interval>>", json!([["P1D"]]), "\"[[\"\"P1D\"\"]]\""),
        (
            "named_struct('a', 1, 'b', [TIMESTAMP '2025-03-04 00:00:00'])",
            "struct<a: int64, b: list<timestamp>>",
            json!({"a": "1", "b": ["2025-03-04T00:00:00Z"]}),
            "\"{\"\"a\"\":\"\"1\"\",\"\"b\"\":[\"\"2025-03-04T00:00:00Z\"\"]}\"",
        ),
        ("MAP {'k': arrow_cast('v', 'Utf8View')}", "map<text, text>", json!({"k": "v"}), "\"{\"\"k\"\":\"\"v\"\"}\""),
        ("MAP {1: 2}", "map<int64, int64>", json!([["1", "2"]]), "\"[[\"\"1\"\",\"\"2\"\"]]\""),
        ("'{\"a\":{\"b\":[1,2.50]}}'->'a'", "json", json!({"b": [1, 2.5]}), "\"{\"\"b\"\":[1,2.50]}\""),
        ("'{\"a\":\"x\"}'->'a'", "json", json!("x"), "\"\"\"x\"\"\""),
        ("'{\"a\":9007199254740993}'->'a'", "json", json!(9_007_199_254_740_993_i64), "9007199254740993"),
        ("'{\"a\":null}'->'a'", "json", json!(null), "\"\""),
        ("'{\"a\":true}'->'a'", "json", json!(true), "true"),
        ("'{\"a\":\"x\"}'->>'a'", "text", json!("x"), "x"),
        ("['{\"a\":1}'->'a']", "list<json>", json!([1]), "[1]"),
    ]
}

#[tokio::test]
async fn every_type_in_every_format() {
    let fixture = Fixture::new();
    let mut wrong = Vec::new();
    for (expression, type_name, value, csv) in yields() {
        let sql = format!("SELECT {expression} AS v");
        let in_format = async |format| match fixture.run(&sql).await {
            Ok(answer) => body(answer, format).await.map_err(|error| format!("{error:?}")),
            Err(error) => Err(format!("{error:?}")),
        };
        let mut check = |what: &str, got: Result<Value, String>, wanted: Value| {
            if got.as_ref() != Ok(&wanted) {
                wrong.push(format!("{sql}, {what}: {got:?}, not {wanted}"));
            }
        };
        let json = in_format(Format::Json).await.map(|bytes| serde_json::from_slice::<Value>(&bytes).unwrap());
        check("json", json.clone().map(|json| json["rows"].clone()), json!([[value]]));
        check("type", json.map(|json| json["schema"][0]["type"].clone()), json!(type_name));
        let line = in_format(Format::Ndjson).await.map(|bytes| serde_json::from_slice(&bytes).unwrap());
        check("ndjson", line, json!({"v": value}));
        let text = in_format(Format::Csv).await.map(|bytes| String::from_utf8(bytes).unwrap().into());
        check("csv", text, format!("v\r\n{csv}\r\n").into());
        let rows = in_format(Format::Arrow).await.map(|bytes| json_rows(&arrow_rows(&bytes)).into());
        check("arrow", rows, json!([[value]]));
        let rows = in_format(Format::Parquet).await.map(|bytes| json_rows(&parquet_rows(bytes)).into());
        check("parquet", rows, json!([[value]]));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn answers_without_rows_or_values_have_all_formats() {
    let fixture = Fixture::new();
    for sql in [
        "SELECT * FROM events",
        "SELECT 1 AS a, 'x' AS b WHERE false",
        "SELECT NULL AS a, [NULL] AS b",
        "EXPLAIN SELECT 1",
    ] {
        for format in Format::ALL {
            let bytes = body(fixture.run(sql).await.unwrap(), format).await.unwrap();
            match format {
                Format::Json => assert!(serde_json::from_slice::<Value>(&bytes).unwrap()["rows"].is_array()),
                Format::Ndjson => assert!(bytes.is_empty() || bytes.ends_with(b"}\n")),
                Format::Csv | Format::CsvSafe => assert!(bytes.ends_with(b"\r\n")),
                Format::Arrow => _ = arrow_rows(&bytes),
                Format::Parquet => _ = parquet_rows(bytes),
            }
        }
    }
}

#[tokio::test]
async fn equal_names_are_told_apart_everywhere() {
    let fixture = Fixture::new();
    let sql = "SELECT * FROM (SELECT 1 AS a, 4 AS a_2) x CROSS JOIN (SELECT 2 AS a) y CROSS JOIN (SELECT 3 AS a) z";
    let line = body(fixture.run(sql).await.unwrap(), Format::Ndjson).await.unwrap();
    assert_eq!(String::from_utf8(line).unwrap(), "{\"a\":\"1\",\"a_2\":\"4\",\"a_3\":\"2\",\"a_4\":\"3\"}\n");
    let csv = body(fixture.run(sql).await.unwrap(), Format::Csv).await.unwrap();
    assert_eq!(String::from_utf8(csv).unwrap(), "a,a_2,a_3,a_4\r\n1,4,2,3\r\n");
}

/// Arrays that SQL cannot make, or not so: through the normaliser and all encoders by hand.
#[tokio::test]
async fn arrays_that_sql_rarely_makes() {
    use arrow::array::{
        Int32Array, IntervalDayTimeArray, IntervalYearMonthArray, ListViewArray, RunArray, StructArray, UnionArray,
    };
    use arrow::buffer::{NullBuffer, ScalarBuffer};
    use arrow::datatypes::{Int32Type, IntervalDayTime, UnionFields};
    let runs: RunArray<Int32Type> =
        RunArray::try_new(&Int32Array::from(vec![2, 3]), &StringArray::from(vec![Some("r"), None])).unwrap();
    let item = Arc::new(Field::new("item", DataType::Int32, true));
    let values: ArrayRef = Arc::new(Int32Array::from(vec![1, 2, 3]));
    // Backwards, overlapping, and NULL over a range that is there.
    let views = ListViewArray::try_new(
        item,
        ScalarBuffer::from(vec![1, 0, 0]),
        ScalarBuffer::from(vec![2, 2, 3]),
        values,
        Some(NullBuffer::from(vec![true, true, false])),
    )
    .unwrap();
    let fields =
        UnionFields::try_new([3, 5], [Field::new("n", DataType::Int32, true), Field::new("s", DataType::Utf8, true)])
            .unwrap();
    let dense = UnionArray::try_new(
        fields,
        ScalarBuffer::from(vec![5_i8, 3, 3]),
        Some(ScalarBuffer::from(vec![0, 0, 1])),
        vec![Arc::new(Int32Array::from(vec![Some(7), None])), Arc::new(StringArray::from(vec!["t\n"]))],
    )
    .unwrap();
    let months = IntervalYearMonthArray::from(vec![13, -1, 0]);
    let days =
        IntervalDayTimeArray::from(vec![Some(IntervalDayTime::new(2, 500)), Some(IntervalDayTime::new(0, -1)), None]);
    let empty = StructArray::new_empty_fields(3, Some(NullBuffer::from(vec![true, false, true])));
    let columns: Vec<(&str, ArrayRef, &str, [Value; 3])> = vec![
        ("runs", Arc::new(runs), "text", [json!("r"), json!("r"), json!(null)]),
        ("views", Arc::new(views), "list<int32>", [json!([2, 3]), json!([1, 2]), json!(null)]),
        ("union", Arc::new(dense), "json", [json!("t\n"), json!(7), json!(null)]),
        ("months", Arc::new(months), "interval", [json!("P1Y1M"), json!("P-1M"), json!("PT0S")]),
        ("days", Arc::new(days), "interval", [json!("P2DT0.5S"), json!("PT-0.001S"), json!(null)]),
        ("empty", Arc::new(empty), "json", [json!({}), json!(null), json!({})]),
        ("null", Arc::new(NullArray::new(3)), "null", [json!(null), json!(null), json!(null)]),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, array, ..)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.iter().map(|(_, array, ..)| Arc::clone(array)).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).unwrap();
    for part in [batch.clone(), batch.slice(1, 2)] {
        let skip = 3 - part.num_rows();
        let normal = super::fixture::normal(&part);
        let rows = json_rows(&normal);
        for (at, (name, _, type_name, values)) in columns.iter().enumerate() {
            let got: Vec<&Value> = rows.iter().map(|row| &row[at]).collect();
            assert_eq!(got, values[skip..].iter().collect::<Vec<_>>(), "{name}");
            let columns = crate::query::normalise::Normaliser::new(&part.schema());
            assert_eq!(columns.columns()[at].type_name, *type_name, "{name}");
        }
    }
}

#[test]
fn an_answer_without_columns_keeps_its_rows() {
    let options = RecordBatchOptions::new().with_row_count(Some(2));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), vec![], &options).unwrap();
    assert_eq!(json_rows(&super::fixture::normal(&batch)), [json!([]), json!([])]);
}

/// Text of one batch must stay small, however much its views point to.
#[test]
fn large_batches_are_handed_on_in_parts() {
    let text = "x".repeat(1 << 20);
    let array: arrow::array::StringViewArray = (0..64).map(|_| Some(text.as_str())).collect();
    let schema = Schema::new(vec![Field::new("t", DataType::Utf8View, true)]);
    let batch = RecordBatch::try_new(Arc::new(schema), vec![Arc::new(array)]).unwrap();
    let parts = crate::query::normalise::split(batch);
    assert!(parts.len() >= 4 && parts.iter().all(|part| part.num_rows() <= 16), "{}", parts.len());
    assert_eq!(parts.iter().map(RecordBatch::num_rows).sum::<usize>(), 64);
}

fn arrow_rows(bytes: &[u8]) -> RecordBatch {
    let reader = arrow::ipc::reader::StreamReader::try_new(bytes, None).unwrap();
    let schema = reader.schema();
    let batches: Vec<_> = reader.map(Result::unwrap).collect();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}

fn parquet_rows(bytes: Vec<u8>) -> RecordBatch {
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap();
    let schema = Arc::clone(reader.schema());
    let batches: Vec<_> = reader.build().unwrap().map(Result::unwrap).collect();
    arrow::compute::concat_batches(&schema, &batches).unwrap()
}
