//! What the guard lets through and what it stops, asked of whole queries.

use std::time::{Duration, Instant};

use serde_json::json;

use super::fixture::{Fixture, START, event};
use crate::config::{self, Span};
use crate::error::Report;
use crate::query::{Limits, Params, QueryError};

async fn code(fixture: &Fixture, sql: &str) -> &'static str {
    let result = match fixture.run(sql).await {
        Ok(answer) => answer.collect().await.map(|_| ()),
        Err(error) => Err(error),
    };
    result.err().map_or("ok", |error| error.code())
}

fn small() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.heat(&[
        event(1, START, Some("m"), json!({"message": "payment refused", "http_status": 500})),
        event(2, START + 1, Some("n"), json!({"message": null, "http_status": 200})),
    ]);
    fixture
}

/// `levels` subqueries around one another, each with `item` made of the `x` of the next.
fn nested(item: &str, levels: usize) -> String {
    let mut sql = "SELECT _seq AS x FROM events".to_owned();
    for _ in 0..levels {
        sql = format!("SELECT {item} AS x FROM ({sql})");
    }
    format!("SELECT count(*) FROM ({sql}) WHERE x IS NOT NULL")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn expressions_that_double_are_refused_before_they_do() {
    let fixture = small();
    for item in ["x + x", "greatest(x, x)", "CASE WHEN x > 1 THEN x END", "max(x) + min(x)"] {
        assert_eq!(code(&fixture, &nested(item, 5)).await, "ok", "{item}");
        assert_eq!(code(&fixture, &nested(item, 20)).await, "query_too_complex", "{item}");
    }
    // What only grows does not matter.
    assert_eq!(code(&fixture, &nested("x + 1", 20)).await, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_on_functions_also_hold_where_planners_insert_them() {
    let fixture = small();
    for sql in [
        "SELECT range(0, 100000) || range(0, 100000)",
        "SELECT repeat('a', 600000) || repeat('a', 600000)",
        "SELECT [repeat('a', 600000), repeat('b', 600000)]",
        "SELECT overlay(repeat('a', 600000) PLACING repeat('b', 600000) FROM 1)",
    ] {
        assert_eq!(code(&fixture, sql).await, "value_too_large", "{sql}");
    }
    // Arguments of tables are computed while the text is planned.
    let table = "SELECT * FROM generate_series(1, length(repeat('a', 2000000)))";
    assert_eq!(code(&fixture, table).await, "invalid_query");
    let (rows, _) = fixture.ask("SELECT message || ' (' || http_status || ')' FROM events ORDER BY _seq").await;
    assert_eq!(rows, [json!(["payment refused (500)"]), json!([null])]);
    let (rows, _) =
        fixture.ask("SELECT module || 'x' AS m, count(*) FROM events GROUP BY module || 'x' ORDER BY 1").await;
    assert_eq!(rows, [json!(["mx", "1"]), json!(["nx", "1"])]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scans_and_products_over_their_quota_are_refused() {
    let mut fixture = small();
    fixture.store(&[event(3, START, Some("a"), json!({})), event(4, START, Some("b"), json!({}))]).await;
    let mut settings = config::Query { threads: 2, ..config::Query::default() };
    settings.guard.scan_files_max = 1;
    settings.guard.product_max = 8;
    fixture.restart(&settings);
    assert_eq!(code(&fixture, "SELECT message FROM events").await, "scan_too_large");
    assert_eq!(code(&fixture, "SELECT message FROM events WHERE module = 'a'").await, "ok");
    assert_eq!(code(&fixture, "SELECT message FROM events ORDER BY event_time DESC LIMIT 1").await, "ok");
    settings.guard.scan_files_max = 2;
    fixture.restart(&settings);
    assert_eq!(code(&fixture, "SELECT message FROM events").await, "ok");
    let product = "SELECT a.message, b.message FROM events a JOIN events b ON a._seq < b._seq";
    assert_eq!(code(&fixture, product).await, "product_too_large", "16 pairs");
    settings.guard.product_max = 16;
    fixture.restart(&settings);
    assert_eq!(code(&fixture, product).await, "ok");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_deadline_is_told_while_planners_are_at_work() {
    let mut fixture = small();
    let mut settings = config::Query { threads: 2, ..config::Query::default() };
    settings.guard.planners = 1;
    settings.guard.operators_max = 2_000;
    fixture.restart(&settings);
    fixture.limits.timeout = Span(Duration::from_millis(200));
    // 600 alternatives are planned for seconds; a second query waits for the one planner.
    let alternatives: Vec<String> = (0..600).map(|n| format!("http_status + {n} = {n}")).collect();
    let slow = format!("SELECT count(*) FROM events WHERE {}", alternatives.join(" OR "));
    let started = Instant::now();
    let (first, second) = tokio::join!(code(&fixture, &slow), code(&fixture, "SELECT 1"));
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
    assert!([("deadline_exceeded", "queries_busy"), ("ok", "ok")].contains(&(first, second)), "{first} {second}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ordinary_query_pays_little_for_the_guard() {
    let fixture = small();
    let sql = "SELECT module, count(*) AS events FROM events WHERE event_time >= '2025-03-04T00:00:00Z' AND outcome IS NULL GROUP BY module";
    let guard = config::Guard::default();
    let started = Instant::now();
    let rounds = 200;
    for _ in 0..rounds {
        super::super::guard::parse(sql, &guard).unwrap();
    }
    let parsed = started.elapsed() / rounds;
    fixture.ask(sql).await;
    let started = Instant::now();
    for _ in 0..20 {
        fixture.ask(sql).await;
    }
    println!("text checked and parsed in {parsed:?}, the whole query in {:?}", started.elapsed() / 20);
    assert!(parsed < Duration::from_millis(5), "{parsed:?}");
}

#[tokio::test]
async fn every_refusal_names_its_setting() {
    let fixture = small();
    let limits = Limits { ..fixture.limits };
    for (sql, setting) in [
        (format!("SELECT {}", vec!["1"; 300].join("+")), "operators_max"),
        (format!("SELECT '{}'", "x".repeat(33_000)), "literal_max"),
        (nested("x + x", 20), "expression_max"),
        ("SELECT message ~ '((a{1,300}){1,300})' FROM events".into(), "pattern_max"),
    ] {
        let error: QueryError = fixture.session().run(&sql, Params::None, limits).await.expect_err(&sql);
        assert!(error.hint().is_some_and(|hint| hint.contains(&format!("query.guard.{setting}"))), "{error:?}");
    }
}
