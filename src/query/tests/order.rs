//! Newest first and oldest first: the order itself, and how little is read for it.

use serde_json::{Value, json};

use super::fixture::{DAY, Fixture, START, event};

/// `files` files of `per_file` rows whose times interleave over one day and module.
async fn overlapping(files: i64, per_file: i64) -> Fixture {
    let mut fixture = Fixture::new();
    for file in 0..files {
        let events: Vec<Value> = (0..per_file)
            .map(|row| {
                let number = row * files + file;
                let more = json!({"message": format!("message {number}"), "severity_text": if row % 50 == 0 { "error" } else { "info" }});
                event(number, START + number * 100_000, Some("orders"), more)
            })
            .collect();
        fixture.store(&events).await;
    }
    fixture
}

fn seqs(rows: &[Value]) -> Vec<i64> {
    rows.iter().map(|row| row[0].as_str().unwrap().parse().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_latest_of_many_overlapping_files_need_no_sort_and_few_rows() {
    let fixture = overlapping(220, 2_000).await;
    let sql = "SELECT _seq AS n, * FROM events ORDER BY event_time DESC LIMIT 100";
    let plan = fixture.plan(sql).await;
    assert!(!plan.contains("SortExec") && plan.contains("TimeOrderExec"), "{plan}");
    let (rows, outcome) = fixture.ask(sql).await;
    let newest: Vec<i64> = (0..440_000).rev().take(100).collect();
    assert_eq!(seqs(&rows), newest);
    assert!(outcome.stats.rows_scanned < 50_000, "{:?}", outcome.stats);
    // A row more makes the next file count: its latest possible time is wider than its rows.
    assert!(outcome.stats.files <= 120, "{:?}", outcome.stats);
    let sql = "SELECT _seq AS n, * FROM events ORDER BY event_time, _seq LIMIT 100";
    let plan = fixture.plan(sql).await;
    assert!(!plan.contains("SortExec") && plan.contains("oldest first"), "{plan}");
    let (rows, outcome) = fixture.ask(sql).await;
    assert_eq!(seqs(&rows), (0..100).collect::<Vec<_>>());
    assert!(outcome.stats.rows_scanned < 260_000 && outcome.stats.files <= 120, "{:?}", outcome.stats);
    let filtered =
        "SELECT _seq FROM events WHERE severity_text = 'error' ORDER BY event_time DESC, _seq DESC LIMIT 5 OFFSET 2";
    assert!(!fixture.plan(filtered).await.contains("SortExec"));
    let (rows, _) = fixture.ask(filtered).await;
    let errors: Vec<i64> = (0..440_000).rev().filter(|number| number / 220 % 50 == 0).skip(2).take(5).collect();
    assert_eq!(seqs(&rows), errors);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hot_and_stored_rows_merge_in_the_total_order() {
    let mut fixture = overlapping(3, 5_000).await;
    // Equal times, out of order, in two batches; ties go by `_seq`.
    for batch in 0..2_i64 {
        let events: Vec<Value> = (0..500_i64)
            .map(|row| {
                event(
                    20_000 + batch * 500 + row,
                    START + (row * 7_919 % 500) * 3_000_000,
                    Some(["a", "orders"][row as usize % 2]),
                    Value::Null,
                )
            })
            .collect();
        fixture.heat(&events);
    }
    for way in ["DESC", "ASC"] {
        let sql = format!("SELECT _seq, event_time FROM events ORDER BY event_time {way}, _seq {way}");
        let plan = fixture.plan(&sql).await;
        assert!(!plan.contains("SortExec") && plan.contains("TimeOrderExec"), "{plan}");
        let (ordered, _) = fixture.ask(&sql).await;
        assert_eq!(ordered.len(), 16_000);
        // The same by DataFusion's own sort: an expression is no column that could be pushed.
        let own = format!("ORDER BY event_time + INTERVAL '0' SECOND {way}, _seq {way}");
        let (sorted, _) = fixture.ask(&format!("SELECT _seq, event_time FROM events {own}")).await;
        assert_eq!(ordered, sorted);
        let conditions = [("module = 'a'", 10), ("module = 'orders'", 700), ("_seq % 3 = 0", 100), ("_seq < 0", 5)];
        for (condition, limit) in conditions {
            let from = format!("SELECT _seq FROM events WHERE {condition}");
            let (ordered, _) = fixture.ask(&format!("{from} ORDER BY event_time {way} LIMIT {limit}")).await;
            assert_eq!(ordered, fixture.ask(&format!("{from} {own} LIMIT {limit}")).await.0, "{condition} {way}");
        }
    }
    let mixed = fixture.plan("SELECT _seq FROM events ORDER BY event_time DESC, _seq ASC").await;
    assert!(mixed.contains("SortExec"), "{mixed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_file_is_read_in_slices_that_grow() {
    let fixture = overlapping(1, 60_000).await;
    let (rows, outcome) = fixture.ask("SELECT _seq FROM events ORDER BY event_time DESC LIMIT 10").await;
    assert_eq!(seqs(&rows), (59_990..60_000).rev().collect::<Vec<_>>());
    assert!(outcome.stats.rows_scanned <= 2_048, "{:?}", outcome.stats);
    let (rows, outcome) = fixture.ask("SELECT _seq FROM events ORDER BY event_time LIMIT 10").await;
    assert_eq!(seqs(&rows), (0..10).collect::<Vec<_>>());
    assert!(outcome.stats.rows_scanned <= 2_048, "{:?}", outcome.stats);
    // Through several slices, with a condition that matches one row of each.
    let (rows, _) =
        fixture.ask("SELECT _seq FROM events WHERE _seq % 10000 = 1 ORDER BY event_time DESC LIMIT 100").await;
    assert_eq!(seqs(&rows), [50_001, 40_001, 30_001, 20_001, 10_001, 1]);
    let (rows, _) = fixture.ask("SELECT _seq FROM events WHERE _seq % 10000 = 1 ORDER BY event_time LIMIT 100").await;
    assert_eq!(seqs(&rows), [1, 10_001, 20_001, 30_001, 40_001, 50_001]);
    let (rows, _) = fixture.ask("SELECT _seq FROM events ORDER BY event_time").await;
    assert_eq!(seqs(&rows), (0..60_000).collect::<Vec<_>>());
    let (rows, _) =
        fixture.ask("SELECT count(*) FROM (SELECT 1 FROM events ORDER BY event_time DESC LIMIT 30000)").await;
    assert_eq!(rows, [json!(["30000"])]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_orders_are_sorted_and_prune_while_they_run() {
    let mut fixture = Fixture::new();
    for day in 0..4 {
        let events: Vec<Value> = (0..3_000)
            .map(|row| event(day * 3_000 + row, START + day * DAY + row, Some("m"), json!({"duration_ns": row})))
            .collect();
        fixture.store(&events).await;
    }
    for order in ["event_time, event_id", "duration_ns DESC", "event_time DESC, event_id"] {
        let plan = fixture.plan(&format!("SELECT _seq FROM events ORDER BY {order} LIMIT 5")).await;
        assert!(plan.contains("SortExec: TopK") && plan.contains("DynamicFilter"), "{order}: {plan}");
    }
    let (rows, _) = fixture.ask("SELECT _seq FROM events ORDER BY event_time LIMIT 3").await;
    assert_eq!(seqs(&rows), [0, 1, 2]);
    let (rows, _) = fixture.ask("SELECT duration_ns FROM events ORDER BY duration_ns DESC LIMIT 2").await;
    assert_eq!(seqs(&rows), [2_999, 2_999]);
}

/// A computed column below a plain choice of columns, as views have them: in several partitions, and no sort.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn computed_columns_of_a_subquery_keep_the_order_and_the_limit() {
    for stored in [false, true] {
        let mut fixture = Fixture::new();
        let events: Vec<Value> = (0..5_000)
            .map(|number| event(number, START + number * 1_000, Some("orders"), json!({"message": "m"})))
            .collect();
        if stored {
            fixture.store(&events).await;
        } else {
            fixture.heat(&events);
        }
        let inner = "SELECT event_time, changes, CASE WHEN message = 'm' THEN upper(message) ELSE 'x' END AS kind, _seq FROM events";
        for (limit, offset) in [(3, 0), (3, 2), (5_000, 0), (6_000, 0)] {
            let sql = format!(
                "SELECT _seq, changes, kind FROM ({inner}) ORDER BY event_time DESC, _seq DESC LIMIT {limit} OFFSET {offset}"
            );
            let (rows, _) = fixture.ask(&sql).await;
            let wanted: Vec<i64> = (0..5_000).rev().skip(offset).take(limit).collect();
            assert_eq!(seqs(&rows), wanted, "{stored} {sql}");
            assert!(rows.iter().all(|row| row[2] == "M"));
        }
    }
}
