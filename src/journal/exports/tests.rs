use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, StringArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Field};
use arrow::record_batch::RecordBatch;
use proptest::prelude::*;
use serde_json::json;

use super::chunks::{Chunker, ROWS_MAX};
use super::plan;
use super::*;
use crate::access::{KeyId, Restrictions};
use crate::event::names::ProjectName;

fn batch(sizes: &[usize]) -> RecordBatch {
    let texts: StringArray = sizes.iter().map(|size| (*size % 5 > 0).then(|| "x".repeat(*size))).collect();
    let lists = ListArray::new(
        Arc::new(Field::new("element", DataType::Utf8, true)),
        OffsetBuffer::from_lengths(sizes.iter().map(|_| 1)),
        Arc::new(sizes.iter().map(|size| Some("y".repeat(size / 2))).collect::<StringArray>()),
        None,
    );
    let numbers: Int64Array = (0..sizes.len() as i64).collect();
    let columns: [(&str, ArrayRef); 3] = [("a", Arc::new(texts)), ("b", Arc::new(lists)), ("n", Arc::new(numbers))];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, array)| (name, array, true))).unwrap()
}

/// Rows of each chunk when the batch comes in slices that end at `cuts`.
fn chunk_sizes(rows: &RecordBatch, cuts: &[usize]) -> Vec<usize> {
    let mut chunker = Chunker::default();
    let (mut sizes, mut from) = (Vec::new(), 0);
    for to in cuts.iter().copied().chain([rows.num_rows()]) {
        let chunks = chunker.push(&rows.slice(from, to - from)).unwrap();
        sizes.extend(chunks.iter().map(RecordBatch::num_rows));
        from = to;
    }
    sizes.extend(chunker.rest().unwrap().map(|chunk| chunk.num_rows()));
    sizes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn chunks_depend_on_the_rows_alone(
        sizes in prop::collection::vec(0_usize..3_000_000, 1..40),
        cuts in prop::collection::vec(0_usize..40, 0..6),
    ) {
        let rows = batch(&sizes);
        let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(sizes.len())).collect();
        cuts.sort_unstable();
        let whole = chunk_sizes(&rows, &[]);
        prop_assert_eq!(whole.iter().sum::<usize>(), sizes.len());
        prop_assert_eq!(chunk_sizes(&rows, &cuts), whole);
    }
}

#[test]
fn a_chunk_ends_at_its_limits() {
    let small = batch(&vec![1; ROWS_MAX + 1]);
    assert_eq!(chunk_sizes(&small, &[7, ROWS_MAX]), [ROWS_MAX, 1]);
    // 12 MB of text and 6 MB in a list: the second would make it more than 32 MiB.
    assert_eq!(chunk_sizes(&batch(&[12_000_001, 12_000_001, 1]), &[1]), [1, 2]);
    assert_eq!(chunk_sizes(&batch(&[40_000_001, 40_000_001]), &[]), [1, 1], "a row of its own");
}

fn spec(new: serde_json::Value) -> Result<Spec, ExportError> {
    Spec::new(serde_json::from_value(new).unwrap(), &["event_id", "event_time", "message", "_seq"])
}

fn an_export(new: serde_json::Value) -> Export {
    let key: KeyId = serde_json::from_value(json!("abcdefghijkl")).unwrap();
    let by = By { key, name: "k".into(), restrictions: Restrictions::default(), hidden: Vec::new() };
    Export::new(ProjectName::default_project(), spec(new).unwrap(), by, (1_741_000_000_000_000, 77))
}

#[test]
fn an_export_goes_on_behind_its_last_row() {
    let mut export = an_export(json!({"filter": {"module": ["orders"]}, "columns": ["message"]}));
    let window = plan::Window { from: 20_148, to: 20_150, rows: 9 };
    let sql = plan::rows(&export, Some(&window), None).unwrap().sql;
    assert!(sql.starts_with("SELECT message, event_time, _seq FROM events WHERE ("), "{sql}");
    assert!(sql.contains("AND _seq <= 77 AND event_time >= '2025-03-01T00:00:00.000000Z' AND event_time < '2025-03-04T00:00:00.000000Z'"), "{sql}");
    assert!(sql.ends_with("ORDER BY event_time DESC, _seq DESC"), "{sql}");
    let cursor = Cursor { window: 0, time_us: 1_740_900_000_000_001, seq: 12 };
    let sql = plan::rows(&export, Some(&window), Some(cursor)).unwrap().sql;
    let time = "'2025-03-02T07:20:00.000001Z'";
    assert!(sql.contains(&format!("event_time <= {time} AND (event_time < {time} OR _seq < 12)")), "{sql}");
    export.spec.order = Order::OldestFirst;
    let sql = plan::rows(&export, Some(&window), Some(cursor)).unwrap().sql;
    assert!(sql.contains(&format!("event_time >= {time} AND (event_time > {time} OR _seq > 12)")), "{sql}");
    assert!(sql.ends_with("ORDER BY event_time ASC, _seq ASC"), "{sql}");
}

#[test]
fn small_days_share_a_window() {
    let counts = |pairs: &[(i32, i64)]| {
        let days: arrow::array::Date32Array = pairs.iter().map(|(day, _)| Some(*day)).collect();
        let rows: Int64Array = pairs.iter().map(|(_, rows)| Some(*rows)).collect();
        let columns: [(&str, ArrayRef); 2] = [("date", Arc::new(days)), ("events", Arc::new(rows))];
        RecordBatch::try_from_iter(columns).unwrap()
    };
    let days = [(1, 100), (2, 249_900), (5, 1), (6, 900_000), (9, 10)];
    let of = |order| {
        let windows = plan::windows(&[counts(&days[..2]), counts(&days[2..])], order);
        windows.iter().map(|window| (window.from, window.to, window.rows)).collect::<Vec<_>>()
    };
    let want = [(1, 2, 250_000), (5, 5, 1), (6, 6, 900_000), (9, 9, 10)];
    assert_eq!(of(Order::OldestFirst), want);
    assert_eq!(of(Order::NewestFirst), want.iter().rev().copied().collect::<Vec<_>>());
}

#[test]
fn a_record_is_read_as_it_was_kept() {
    let mut export = an_export(json!({"sql": "SELECT $1", "params": [1], "format": "parquet"}));
    export.windows = Some(vec![plan::Window { from: 1, to: 2, rows: 3 }]);
    export.cursor = Some(Cursor { window: 0, time_us: 1, seq: 2 });
    let text = serde_json::to_string(&export).unwrap();
    assert_eq!(serde_json::from_str::<Export>(&text).unwrap(), export);
    assert!(ExportId::try_from("exp_../../../etc/passwd/0000000000000".to_owned()).is_err());
    assert_eq!(export.spec.file_name(0), "kronika-query-19700101T000000Z.parquet");
}

#[test]
fn events_of_an_export_are_the_same_each_time() {
    let mut export = an_export(json!({"filter": {}}));
    assert_eq!(told(&export, 1, None), told(&export, 1, Some(5)));
    export.status = Status::Failed;
    export.failure = Some(Failure { code: "key_ended".into(), message: "gone".into() });
    assert_eq!(word_count(&export), 3);
    let last: serde_json::Value = serde_json::from_slice(&told(&export, 3, None)).unwrap();
    assert_eq!((&last["task_status"], &last["error_code"]), (&json!("failed"), &json!("key_ended")));
    assert!(last.get("attachments").is_none());
}
