//! What is not read.

use serde_json::{Value, json};

use super::fixture::{DAY, Fixture, START, event};

/// Ten days, three modules (one of them none), 40 rows each.
async fn ten_days() -> Fixture {
    let mut fixture = Fixture::new();
    let mut events = Vec::new();
    for day in 0..10 {
        for (at, module) in [Some("orders"), Some("payments"), None].into_iter().enumerate() {
            for row in 0..40_i64 {
                let seq = day * 1_000 + at as i64 * 100 + row;
                let more = json!({"message": format!("row {row}"), "http_status": if row % 4 == 0 { json!(500) } else { Value::Null }});
                events.push(event(seq, START + day * DAY + row * 3_600_000_000 / 2, module, more));
            }
        }
    }
    fixture.store(&events).await;
    fixture
}

#[track_caller]
fn count(rows: &[Value]) -> i64 {
    rows[0][0].as_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn conditions_on_time_date_and_module_leave_files_out() {
    let fixture = ten_days().await;
    // The condition, rows that match, files that must be opened (for columns, not for a count).
    let cases = [
        ("true", 1_200, 30),
        ("date = '2025-03-05'", 120, 3),
        ("date = DATE '2025-03-05' AND module = 'orders'", 40, 1),
        ("module IN ('orders', 'payments') AND date < '2025-03-06'", 80 * 2, 4),
        ("module IS NULL", 400, 10),
        ("module LIKE 'pay%'", 400, 10),
        ("upper(module) = 'ORDERS' AND date IN ('2025-03-04', '2025-03-13')", 80, 2),
        ("event_time >= '2025-03-05T00:00:00Z' AND event_time < '2025-03-06T00:00:00Z'", 120, 3),
        ("event_time >= '2025-03-05T01:00:00+01:00' AND event_time < '2025-03-06T01:00:00+01:00'", 120, 3),
        ("event_time BETWEEN '2025-03-05' AND '2025-03-05T10:00:00Z' AND module = 'orders'", 21, 1),
        ("event_time = '2025-03-05T00:30:00Z'", 3, 3),
        ("'2025-03-12T19:00:00Z' <= event_time", 6 + 120, 6),
        (
            "event_time > TIMESTAMP '2025-03-12 19:00:00' AND event_time <= arrow_cast('2025-03-13T00:00:00.000000001', 'Timestamp(Nanosecond, None)')",
            3 + 3,
            6,
        ),
        ("event_time > '2030-01-01'", 0, 0),
        ("event_time > '2025-03-09' AND event_time < '2025-03-05'", 0, 0),
        ("module = 'none'", 0, 0),
        ("event_id = 'id-3107'", 1, 2),
        ("module = 'orders' OR http_status = 500", 400 + 200, 30),
        ("date = '2025-03-05' AND (module = 'orders' OR http_status = 500)", 40 + 20, 3),
        ("contains(message, 'row 39') AND module = 'orders'", 10, 10),
    ];
    for (condition, rows, files) in cases {
        let sql = format!("SELECT count(*), count(DISTINCT message), min(event_time) FROM events WHERE {condition}");
        let (answer, outcome) = fixture.ask(&sql).await;
        assert_eq!(count(&answer), rows, "{condition}");
        assert!(outcome.stats.files <= files, "{condition}: {:?}", outcome.stats);
        let (answer, ordered) =
            fixture.ask(&format!("SELECT * FROM events WHERE {condition} ORDER BY event_time DESC")).await;
        assert_eq!(answer.len() as i64, rows, "{condition}");
        assert!(ordered.stats.files <= files, "{condition}: {:?}", ordered.stats);
    }
}

#[tokio::test]
async fn a_count_of_whole_files_reads_none() {
    let mut fixture = ten_days().await;
    let cases = [
        ("true", 1_200),
        ("date >= '2025-03-06'", 960),
        ("module = 'orders'", 400),
        ("event_time >= '2025-03-06T00:00:00Z' AND event_time < '2025-03-08T00:00:00Z'", 240),
        ("event_time >= '2025-03-06T00:00:00Z' AND module IS NULL", 320),
    ];
    for (condition, rows) in cases {
        let sql = format!("SELECT count(*) FROM events WHERE {condition}");
        let (answer, outcome) = fixture.ask(&sql).await;
        assert_eq!((count(&answer), outcome.stats.files), (rows, 0), "{condition}");
        assert!(fixture.plan(&sql).await.contains("PlaceholderRowExec"), "{condition}");
    }
    fixture.heat(&[event(90_000, START, Some("orders"), Value::Null)]);
    let (answer, outcome) = fixture.ask("SELECT count(*) FROM events").await;
    assert_eq!((count(&answer), outcome.stats.files, outcome.stats.rows_scanned), (1_201, 0, 0));
    let (answer, outcome) = fixture.ask("SELECT count(*) FROM events WHERE date < '2025-03-06'").await;
    assert_eq!(count(&answer), 241);
    assert!(outcome.stats.files <= 6);
    let (answer, _) = fixture.ask("SELECT min(date), max(date), count(http_status) FROM events").await;
    assert_eq!(answer, [json!(["2025-03-04", "2025-03-13", "300"])]);
}

#[tokio::test]
async fn hot_batches_outside_the_range_are_not_read() {
    let mut fixture = Fixture::new();
    for day in 0..3 {
        let events: Vec<Value> =
            (0..10).map(|row| event(day * 10 + row, START + day * DAY + row, Some("m"), Value::Null)).collect();
        fixture.heat(&events);
    }
    let (answer, outcome) = fixture.ask("SELECT event_id FROM events WHERE event_time >= '2025-03-06T00:00:00Z'").await;
    assert_eq!((answer.len(), outcome.stats.rows_scanned), (10, 10));
}

/// The same SQL must give the same rows wherever they lie, in whatever way it is read.
#[tokio::test]
async fn the_same_question_has_the_same_answer_hot_stored_and_mixed() {
    let events: Vec<Value> = (0..300_i64)
        .map(|n| {
            let more = json!({
                "message": if n % 7 == 0 { Value::Null } else { json!(format!("order {n} żółć")) },
                "duration_ns": 9_007_199_254_740_993_i64 + n, "http_status": 200 + 150 * (n % 3),
                "task_progress": 0.5 * n as f64, "session_active": n % 2 == 0,
                "object_refs": [format!("order:{}", n % 5), "x:1"], "labels": {"k": format!("v{n}")},
                "attributes": json!({"a": {"b": n}, "s": "t", "f": 1.5}).to_string(),
                "changes": [{"path": "p", "op": "set", "before": null, "after": "1"}],
                "attachments": [{"role": "copy", "size": n}],
            });
            event(n, START + n * 3_600_000_000, [Some("a"), Some("b"), None][n as usize % 3], more)
        })
        .collect();
    let (mut hot, mut stored, mut mixed) = (Fixture::new(), Fixture::new(), Fixture::new());
    hot.heat(&events[..100]);
    hot.heat(&events[100..]);
    stored.store(&events[..100]).await;
    stored.store(&events[100..]).await;
    mixed.store(&events[..137]).await;
    mixed.heat(&events[137..]);
    for sql in [
        "SELECT * FROM events ORDER BY _seq",
        "SELECT * FROM events ORDER BY event_time DESC LIMIT 50",
        "SELECT module, count(*), sum(duration_ns - 9007199254740993), avg(task_progress) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT date, count(*) FROM events WHERE module IS NOT NULL GROUP BY 1 ORDER BY 1",
        "SELECT _seq FROM events WHERE array_has(object_refs, 'order:3') AND http_status >= 400 ORDER BY _seq",
        "SELECT _seq FROM events WHERE attributes->'a'->>'b' = '17'",
        "SELECT _seq, labels['k'] FROM events WHERE labels['k'] = 'v20'",
        "SELECT _seq, attributes->'a' FROM events WHERE message LIKE '%9 żółć' ORDER BY 1",
        "SELECT count(*) FROM events a JOIN events b ON a.event_id = b.event_id WHERE a.module = 'a'",
        "SELECT _seq FROM events WHERE session_active AND module = 'a' AND event_time > '2025-03-08T12:00:00Z' ORDER BY event_time DESC",
        "SELECT DISTINCT http_status FROM events ORDER BY 1",
        "SELECT max(event_time), min(event_time) FROM events WHERE date = '2025-03-07'",
        "SELECT _seq FROM events e WHERE e.http_status = (SELECT max(http_status) FROM events) ORDER BY _seq LIMIT 9",
        "SELECT attachments[1]['size'] FROM events WHERE changes[1]['after'] = '1' ORDER BY _seq LIMIT 3",
    ] {
        let wanted = hot.ask(sql).await.0;
        assert!(!wanted.is_empty(), "{sql}");
        assert_eq!(wanted, stored.ask(sql).await.0, "stored: {sql}");
        assert_eq!(wanted, mixed.ask(sql).await.0, "mixed: {sql}");
    }
}

#[tokio::test]
async fn an_empty_project_answers() {
    let fixture = Fixture::new();
    assert!(fixture.ask("SELECT * FROM events ORDER BY event_time DESC").await.0.is_empty());
    assert_eq!(fixture.ask("SELECT count(*), max(event_time) FROM events").await.0, [json!(["0", null])]);
}

/// Ids and long texts are tested while decoding; narrow aggregates are not.
#[tokio::test]
async fn late_decoding_is_decided_per_scan() {
    let fixture = ten_days().await;
    let filtered_above = async |sql: &str| fixture.plan(sql).await.contains("FilterExec");
    assert!(!filtered_above("SELECT * FROM events WHERE event_id = 'id-1'").await);
    assert!(!filtered_above("SELECT message FROM events WHERE http_status = 500").await);
    assert!(!filtered_above("SELECT count(*) FROM events WHERE session_id = 's'").await);
    assert!(
        !filtered_above(
            "SELECT module, count(*) FROM events WHERE http_status = 500 AND contains(message, 'x') GROUP BY 1"
        )
        .await
    );
    assert!(filtered_above("SELECT module, count(*) FROM events WHERE http_status = 500 GROUP BY 1").await);
}

/// Planning must not grow to seconds with the number of files; statistics are made columnar once.
#[tokio::test]
async fn twenty_thousand_files_are_planned_quickly() {
    use crate::event::schema::EVENT_TIME_AT;
    use crate::table::version::{ColumnStats, DataFile, StatValue, Work};
    let mut fixture = Fixture::new();
    for number in 0..20_000_i64 {
        let (date, module) = (number / 40, number % 40);
        let stats = |at| Some(StatValue::I64(START + date * DAY + at));
        let times = ColumnStats { column: EVENT_TIME_AT, min: stats(0), max: stats(DAY - 1), nulls: 0 };
        fixture.files.push(std::sync::Arc::new(DataFile {
            location: object_store::path::Path::from(format!("{number}.parquet")),
            path: format!("{number}.parquet"),
            size: 1_000,
            rows: 10,
            date: (START / DAY + date) as i32,
            module: Some(format!("m{module}")),
            modified_ms: 1,
            ordered: true,
            work: Work::default(),
            stats: [times].into_iter().collect(),
            sums: None,
        }));
    }
    let sql = "EXPLAIN SELECT module, count(*) FROM events WHERE event_time >= '2025-03-10' AND event_time < '2025-03-11' AND module <> 'm3' GROUP BY 1";
    fixture.ask(sql).await;
    let session = fixture.session();
    let started = std::time::Instant::now();
    for _ in 0..5 {
        let answer = session.run(sql, crate::query::Params::None, fixture.limits).await.unwrap();
        let (batches, _) = answer.collect().await.unwrap();
        let plan = super::fixture::json_rows(&batches[0])[1][1].to_string();
        assert!(plan.contains("EventsExec: hot=0, files=39"), "{plan}");
    }
    let each = started.elapsed() / 5;
    println!("planning over 20,000 files: {each:?}");
    assert!(each < std::time::Duration::from_secs(1), "{each:?}");
}
