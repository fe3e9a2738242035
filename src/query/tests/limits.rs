//! Limits hold, and what was cut says so.

use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::path::Path;
use serde_json::{Value, json};

use super::fixture::{Fixture, START, body, event};
use crate::config::{ByteCount, Span};
use crate::error::{Kind, Report};
use crate::query::{Format, Limits, Params};
use crate::table::version::TableVersion;

const ENDLESS: &str = "SELECT count(*) FROM generate_series(1, 1000000000000) a(x) WHERE x % 7 = 8";

async fn thousand() -> Fixture {
    let mut fixture = Fixture::new();
    let events: Vec<Value> =
        (0..1_000).map(|n| event(n, START + n, Some("m"), json!({"message": "m".repeat(100)}))).collect();
    fixture.store(&events).await;
    fixture
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_stops_at_its_deadline() {
    let mut fixture = thousand().await;
    fixture.limits.timeout = Span(Duration::from_millis(300));
    let started = Instant::now();
    let error = fixture.run(ENDLESS).await.expect_err("endless");
    assert_eq!((error.code(), error.kind()), ("deadline_exceeded", Kind::DeadlineExceeded));
    // Also once rows came: the reader is slower than the deadline.
    let answer = fixture.run("SELECT x FROM generate_series(1, 1000000000000) a(x)").await.unwrap();
    tokio::time::sleep(Duration::from_millis(400)).await;
    let error = body(answer, Format::Ndjson).await.expect_err("endless");
    assert_eq!(error.code(), "deadline_exceeded");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_a_query_stops_its_work() {
    let fixture = thousand().await;
    let metrics = fixture.runtime.executor().handle().expect("threads").metrics();
    let before = metrics.num_alive_tasks();
    let grouped = "SELECT x % 1000, count(*) FROM generate_series(1, 1000000000000) a(x) GROUP BY 1";
    for sql in [ENDLESS, grouped] {
        let cut = tokio::time::timeout(Duration::from_millis(200), fixture.run(sql)).await;
        assert!(cut.is_err(), "{sql} ended");
    }
    let answer = fixture.run("SELECT x, x % 7 FROM generate_series(1, 1000000000000) a(x) WHERE x > 10").await.unwrap();
    drop(answer);
    let stopped = async {
        while metrics.num_alive_tasks() > before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(5), stopped).await.expect("work goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_stops_at_its_memory() {
    let mut fixture = thousand().await;
    fixture.limits.memory_max = ByteCount::mib(4);
    let sql = "SELECT length(string_agg(CAST(x AS VARCHAR), ',')) FROM generate_series(1, 5000000) a(x)";
    let error = fixture.run(sql).await.expect_err("too large");
    assert_eq!((error.code(), error.kind()), ("memory_exceeded", Kind::Invalid), "{error:?}");
    // What can spill does.
    fixture.limits.memory_max = ByteCount::mib(32);
    let sql =
        "SELECT max(n) FROM (SELECT row_number() OVER (ORDER BY x % 1000, x) n FROM generate_series(1, 3000000) a(x))";
    let (rows, outcome) = fixture.ask(sql).await;
    assert_eq!(rows, [json!(["3000000"])]);
    assert!(outcome.stats.bytes_spilled > 0, "{:?}", outcome.stats);
}

#[tokio::test]
async fn caps_cut_and_say_so_in_every_format() {
    let fixture = thousand().await;
    let run = async |sql: &str, limits: Limits| fixture.session().run(sql, Params::None, limits).await.unwrap();
    let three = Limits { rows_max: 3, ..fixture.limits };
    let sql = "SELECT _seq FROM events ORDER BY event_time DESC";
    let answer = run(sql, three).await;
    let end = answer.end();
    assert!(end.get().is_none());
    let json: Value = serde_json::from_slice(&body(answer, Format::Json).await.unwrap()).unwrap();
    assert_eq!((&json["rows"], &json["truncated"]), (&json!([["999"], ["998"], ["997"]]), &json!(true)));
    assert_eq!(json["schema"], json!([{"name": "_seq", "type": "int64"}]));
    assert_eq!(json["stats"]["rows"], 3);
    assert!(end.get().unwrap().truncated);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let ndjson = text(body(run(sql, three).await, Format::Ndjson).await.unwrap());
    assert!(ndjson.ends_with("{\"_seq\":\"997\"}\n{\"_truncated\":true}\n"), "{ndjson}");
    let csv = text(body(run(sql, three).await, Format::Csv).await.unwrap());
    assert_eq!(csv, "_seq\r\n999\r\n998\r\n997\r\n# truncated\r\n");
    let parquet = body(run(sql, three).await, Format::Parquet).await.unwrap();
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(parquet)).unwrap();
    let marks = reader.metadata().file_metadata().key_value_metadata().unwrap();
    assert!(marks.iter().any(|mark| mark.key == "kronika.truncated" && mark.value.as_deref() == Some("true")));
    let answer = run(sql, three).await;
    let end = answer.end();
    body(answer, Format::Arrow).await.unwrap();
    assert!(end.get().unwrap().truncated);
    // By bytes; and exactly as many rows as allowed is not cut.
    let small = Limits { bytes_max: ByteCount(1_000), ..fixture.limits };
    let (batches, outcome) = run("SELECT message FROM events", small).await.collect().await.unwrap();
    let rows: usize = batches.iter().map(arrow::array::RecordBatch::num_rows).sum();
    assert!(outcome.truncated && rows > 0 && rows < 11, "{rows}");
    let (_, outcome) = run("SELECT _seq FROM events LIMIT 3", three).await.collect().await.unwrap();
    assert!(!outcome.truncated);
}

#[tokio::test]
async fn a_long_text_is_refused() {
    let fixture = Fixture::new();
    let error = fixture.run(&format!("SELECT '{}'", "x".repeat(70_000))).await.expect_err("too long");
    assert_eq!((error.code(), error.kind()), ("sql_too_long", Kind::TooLarge));
}

/// The first rows come before the last are computed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_streams() {
    use futures::StreamExt;
    let fixture = thousand().await;
    for format in [Format::Json, Format::Ndjson, Format::Csv, Format::Arrow] {
        let answer = fixture.run("SELECT x FROM generate_series(1, 1000000000000) a(x)").await.unwrap();
        let mut chunks = Box::pin(crate::query::encode(answer, format));
        let mut bytes = 0;
        while bytes < 10_000 {
            bytes += chunks.next().await.unwrap().unwrap().len();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_running_query_holds_only_what_it_looks_at_of_hot_events() {
    for order in ["", " ORDER BY event_time DESC"] {
        let mut fixture = Fixture::new();
        let events: Vec<Value> =
            (0..40_000).map(|n| event(n, START + n, Some("m"), json!({"actor_id": "a", "message": "long"}))).collect();
        fixture.heat(&events);
        let of = |name| {
            let column = fixture.hot[0].rows.column_by_name(name).expect("a column");
            Arc::downgrade(column)
        };
        let (looked_at, other) = (of("actor_id"), of("message"));
        let session = fixture.session();
        fixture.hot.clear();
        let sql = format!("SELECT event_id, actor_id FROM events WHERE action = 'x'{order}");
        let answer = session.run_once(&sql, Params::None, fixture.limits).await.unwrap();
        assert!(looked_at.upgrade().is_some(), "it still runs: {sql}");
        assert!(other.upgrade().is_none(), "the rest is gone: {sql}");
        let (batches, _) = answer.collect().await.unwrap();
        assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 40_000);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn footers_of_files_that_are_no_longer_live_are_let_go() {
    let mut fixture = thousand().await;
    fixture.store(&[event(2_000, START, Some("n"), json!({}))]).await;
    fixture.ask("SELECT max(message) FROM events").await;
    assert_eq!(fixture.runtime.cached_footers(), 2);
    let version = TableVersion { version: 1, files: fixture.files[1..].to_vec() };
    fixture.runtime.forget_files(&Path::from("projects/p2"), &version);
    assert_eq!(fixture.runtime.cached_footers(), 2, "another table's stay");
    fixture.runtime.forget_files(&Path::from("projects/p"), &version);
    assert_eq!(fixture.runtime.cached_footers(), 1);
}
