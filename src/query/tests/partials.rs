//! Kept partial aggregates: what they save, and that they change no answer.

use std::sync::Arc;

use object_store::path::Path;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::fixture::{DAY, Fixture, START, event, json_rows};
use crate::config::{self, ByteCount};
use crate::event::globs::{ModuleGlob, ModuleGlobs};
use crate::event::names::ProjectName;
use crate::query::{Outcome, Params, Reader, Restriction, RowRules, Session};
use crate::table::version::TableVersion;

/// Aggregates of many kinds, over everything and over ranges.
const QUESTIONS: [&str; 14] = [
    "SELECT module, count(*) FROM events GROUP BY module ORDER BY module",
    "SELECT count(*), count(actor_id), sum(duration_ns), avg(duration_ns), min(message), max(http_status) FROM events",
    "SELECT date, module, count(DISTINCT actor_id) FROM events GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT date_trunc('hour', event_time) AS hour, outcome, count(*) FROM events GROUP BY 1, 2 ORDER BY 1, 2",
    "SELECT count(*) FILTER (WHERE http_status >= 500), count(*) FILTER (WHERE actor_id = 'a1') FROM events",
    "SELECT actor_id, max(event_time), min(event_time) FROM events WHERE http_status <> 404 GROUP BY 1 ORDER BY 1",
    "SELECT module, outcome, count(*) FROM events GROUP BY ROLLUP (module, outcome) ORDER BY 1, 2, 3",
    "SELECT module, approx_percentile_cont(duration_ns, 0.5) FROM events WHERE duration_ns = 7 GROUP BY 1 ORDER BY 1",
    "SELECT count(*) FROM events WHERE module = 'm1' AND event_time >= '2025-03-04T12:00:00Z'",
    "SELECT module, count(*) FROM events WHERE event_time < '2025-03-05T06:00:00Z' GROUP BY 1 ORDER BY 1",
    "SELECT DISTINCT lower(actor_id) FROM events ORDER BY 1",
    "SELECT m, sum(n) FROM (SELECT module AS m, duration_ns % 7 AS n FROM events WHERE action = 'x') GROUP BY 1 ORDER BY 1",
    "SELECT bool_or(http_status = 500), stddev(duration_ns) IS NULL FROM events WHERE actor_id IN ('a1', 'a2', 'zz')",
    "SELECT a.module, a.n, b.n FROM (SELECT module, count(*) n FROM events GROUP BY 1) a \
     JOIN (SELECT module, count(DISTINCT actor_id) n FROM events GROUP BY 1) b ON a.module = b.module ORDER BY 1",
];

fn settings(partials_max: ByteCount) -> config::Query {
    config::Query { threads: 2, partials_max, ..config::Query::default() }
}

/// Events of three days and modules; `salt` makes others.
fn events(from: i64, count: i64, salt: u64) -> Vec<Value> {
    let one = |n: i64| {
        let noise = (n as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(salt) >> 20;
        let (status, outcome) = ([200, 404, 500][noise as usize % 3], ["success", "failure"][noise as usize % 2]);
        let more = json!({
            "actor_id": format!("a{}", noise % 5), "duration_ns": noise % 1_000, "message": format!("m{noise}"),
            "http_status": status, "outcome": outcome,
        });
        let module = ["m1", "m2", "m3"][(noise / 7) as usize % 3];
        event(from + n, START + (noise % 259_200) as i64 * 1_000_000, Some(module), more)
    };
    (0..count).map(one).collect()
}

async fn filled() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.store(&events(0, 300, 0)).await;
    fixture.heat(&events(300, 40, 1));
    fixture
}

/// Asks until all that can be kept is.
async fn ask_again(fixture: &Fixture, sql: &str) -> (Vec<Value>, Outcome) {
    for _ in 0..2 {
        fixture.ask(sql).await;
    }
    fixture.ask(sql).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_back_reads_new_files_and_events_only() {
    let mut fixture = filled().await;
    let sql = QUESTIONS[3];
    let (first, cost) = fixture.ask(sql).await;
    assert_eq!((cost.stats.files, cost.stats.files_kept, cost.stats.rows_scanned), (9, 0, 340));
    assert_eq!(fixture.runtime.partials().figures().bytes, 0, "nobody knows yet that it comes back");
    let (second, cost) = fixture.ask(sql).await;
    assert_eq!((cost.stats.files, cost.stats.files_kept), (9, 0));
    let (third, cost) = fixture.ask(sql).await;
    assert_eq!((cost.stats.files, cost.stats.files_kept, cost.stats.rows_scanned), (0, 9, 40));
    assert!(first == second && second == third);
    let figures = fixture.runtime.partials().figures();
    assert!((figures.hits, figures.misses) == (9, 9) && figures.bytes > 0, "{figures:?}");

    fixture.store(&events(1_000, 30, 2)).await;
    let (_, cost) = fixture.ask(sql).await;
    assert_eq!(cost.stats.files_kept, 9);
    assert_eq!((cost.stats.files, cost.stats.rows_scanned), (fixture.files.len() as u64 - 9, 70));
}

/// A range that moves with the clock: files that stay inside are those of the last time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_ends_of_a_range_are_read_and_what_lies_between_is_kept() {
    let fixture = filled().await;
    let ask = async |minute: i64| {
        let from = START + DAY / 2 + minute * 60_000_000;
        let sql = format!(
            "SELECT module, count(*) FROM events WHERE event_time >= to_timestamp_micros({from}) \
             AND event_time < to_timestamp_micros({}) GROUP BY 1 ORDER BY 1",
            from + 2 * DAY
        );
        let (rows, cost) = fixture.ask(&sql).await;
        let seconds = |event: &Value| event["event_time"].as_i64().unwrap();
        let range = from..from + 2 * DAY;
        let all = events(0, 300, 0).into_iter().chain(events(300, 40, 1));
        let expected = all.filter(|event| range.contains(&seconds(event))).count() as u64;
        let told = rows.iter().map(|row| row[1].as_str().map_or(row[1].as_u64(), |n| n.parse().ok()).unwrap());
        assert_eq!(told.sum::<u64>(), expected, "{rows:?}");
        cost.stats
    };
    ask(0).await;
    assert_eq!(ask(1).await.files_kept, 0);
    let stats = ask(2).await;
    assert_eq!((stats.files_kept, stats.files), (3, 6), "{stats:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_differ_from_run_to_run_is_not_kept() {
    let fixture = filled().await;
    for sql in [
        "SELECT module, count(*) FROM events WHERE random() < 2 GROUP BY 1",
        "SELECT module, max(random()) FROM events GROUP BY 1",
        "SELECT module, first_value(message ORDER BY event_time) FROM events GROUP BY 1",
        "SELECT module, count(*) FROM events WHERE actor_id = (SELECT max(message) FROM events) GROUP BY 1",
        "SELECT count(*) FROM (SELECT message FROM events LIMIT 7)",
        "SELECT min(event_time) FROM events WHERE actor_id = 'a1'",
        "SELECT * FROM events ORDER BY event_time DESC LIMIT 3",
    ] {
        let (_, cost) = ask_again(&fixture, sql).await;
        assert_eq!(cost.stats.files_kept, 0, "{sql}");
    }
    assert_eq!(fixture.runtime.partials().figures().bytes, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn literals_functions_and_conditions_tell_plans_apart() {
    let fixture = filled().await;
    let plain = plain_of(&fixture);
    for sql in [
        "SELECT module, count(*) FROM events WHERE actor_id = 'a1' GROUP BY 1 ORDER BY 1",
        "SELECT module, count(*) FROM events WHERE actor_id = 'a2' GROUP BY 1 ORDER BY 1",
        "SELECT module, count(*) FROM events WHERE message = 'a2' GROUP BY 1 ORDER BY 1",
        "SELECT module, count(actor_id) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT module, count(DISTINCT actor_id) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT module, min(actor_id) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT module, max(actor_id) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT module, max(lower(actor_id)) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT module, max(upper(actor_id)) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT module, count(*) FILTER (WHERE http_status = 500) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT module, count(*) FILTER (WHERE http_status = 404) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT module, count(*) FROM events WHERE actor_id LIKE 'a%' GROUP BY 1 ORDER BY 1",
        "SELECT module, count(*) FROM events WHERE actor_id LIKE '%1' GROUP BY 1 ORDER BY 1",
        "SELECT module, count(*) FROM events WHERE actor_id IN ('a1', 'a3', 'a4', 'x') GROUP BY 1 ORDER BY 1",
        "SELECT module, count(*) FROM events WHERE actor_id IN ('a1', 'a3', 'a2', 'x') GROUP BY 1 ORDER BY 1",
        "SELECT module, count(CASE WHEN http_status = 500 THEN 1 END) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT module, count(CASE WHEN http_status = 404 THEN 1 END) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT module, sum(duration_ns % 2) FROM events GROUP BY 1 ORDER BY 1",
        "SELECT module, sum(duration_ns % 3) FROM events GROUP BY 1 ORDER BY 1",
    ] {
        let (rows, cost) = ask_again(&fixture, sql).await;
        assert_eq!(cost.stats.files_kept, 9, "{sql}");
        assert_eq!(rows, plain.ask(sql).await.0, "{sql}");
    }
}

/// The same events with nothing kept.
fn plain_of(fixture: &Fixture) -> Fixture {
    let mut plain = Fixture::new();
    (plain.store, plain.files, plain.hot) = (Arc::clone(&fixture.store), fixture.files.clone(), fixture.hot.clone());
    plain.restart(&settings(ByteCount(0)));
    plain
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_that_take_too_much_room_are_given_up() {
    let mut fixture = filled().await;
    let by_message = "SELECT message, count(*) FROM events GROUP BY 1 ORDER BY 1";
    let by_module = QUESTIONS[0];
    // A group for each row: of nine files, each more than a ninth of a half.
    fixture.restart(&settings(ByteCount(32 << 10)));
    let (rows, cost) = ask_again(&fixture, by_message).await;
    assert_eq!((cost.stats.files_kept, cost.stats.files), (0, 9));
    assert_eq!(rows, plain_of(&fixture).ask(by_message).await.0);
    assert_eq!(fixture.runtime.partials().figures().bytes, 0);
    let (_, cost) = ask_again(&fixture, by_module).await;
    assert_eq!(cost.stats.files_kept, 9, "others are kept");

    // Nothing at all.
    fixture.restart(&settings(ByteCount(0)));
    assert_eq!(ask_again(&fixture, by_module).await.1.stats.files_kept, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plan_that_was_asked_for_the_longest_ago_makes_room() {
    let mut fixture = filled().await;
    ask_again(&fixture, QUESTIONS[0]).await;
    let one = fixture.runtime.partials().figures().bytes;
    fixture.restart(&settings(ByteCount(2 * one as u64 + 64)));
    let questions: Vec<_> = (0..6).map(|n| QUESTIONS[0].replace("count(*)", &format!("sum({n})"))).collect();
    for sql in &questions {
        ask_again(&fixture, sql).await;
        assert!(fixture.runtime.partials().figures().bytes <= 2 * one + 64);
    }
    assert_eq!(fixture.ask(&questions[5]).await.1.stats.files_kept, 9);
    assert_eq!(fixture.ask(&questions[0]).await.1.stats.files_kept, 0, "it is gone");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_of_files_that_are_no_longer_live_are_let_go() {
    let fixture = filled().await;
    ask_again(&fixture, QUESTIONS[0]).await;
    let all = fixture.runtime.partials().figures().bytes;
    let version = TableVersion { version: 2, files: fixture.files[3..].to_vec() };
    fixture.runtime.forget_files(&Path::from("projects/p2"), &version);
    assert_eq!(fixture.runtime.partials().figures().bytes, all, "another table's stay");
    fixture.runtime.forget_files(&Path::from("projects/p"), &version);
    assert_eq!(fixture.runtime.partials().figures().bytes * 9, all * 6);
    assert_eq!(fixture.ask(QUESTIONS[0]).await.1.stats.files_kept, 6);
    fixture.runtime.forget_files(&Path::from("projects/p"), &TableVersion { version: 3, files: Vec::new() });
    assert_eq!(fixture.runtime.partials().figures().bytes, 0);
}

/// What is kept is of the rows that are there: a file that was merged or rewritten is another one.
async fn changed(fixture: &mut Fixture, step: u8, salt: u64) {
    match step {
        0 => fixture.store(&events(10_000, 25, salt)).await,
        1 => fixture.heat(&events(20_000, 25, salt)),
        // Flush.
        2 => {
            fixture.hot.clear();
            fixture.store(&events(20_000, 25, salt)).await;
        }
        // Erasure, or retention.
        _ => {
            let at = salt as usize % fixture.files.len().max(1);
            if at < fixture.files.len() {
                fixture.files.remove(at);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    /// Invariant 5 of the design: a cache changes no answer.
    #[test]
    fn answers_are_those_without_anything_kept(steps in proptest::collection::vec((0_u8..4, any::<u64>()), 1..6)) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        runtime.block_on(async {
            let mut fixture = filled().await;
            for (step, salt) in steps {
                for sql in QUESTIONS {
                    let plain = plain_of(&fixture).ask(sql).await.0;
                    for _ in 0..3 {
                        assert_eq!(fixture.ask(sql).await.0, plain, "{sql}");
                    }
                }
                changed(&mut fixture, step, salt).await;
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_project_has_what_it_asked_for() {
    let fixture = filled().await;
    assert_eq!(ask_again(&fixture, QUESTIONS[0]).await.1.stats.files_kept, 9);
    let other = ProjectName::try_from("q").unwrap();
    for kept in [0, 0, 9] {
        let session = Session::new(&fixture.runtime, &other, fixture.session().snapshot().clone());
        let answer = session.run(QUESTIONS[0], Params::None, fixture.limits).await.unwrap();
        assert_eq!(answer.collect().await.unwrap().1.stats.files_kept, kept);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_who_may_see_less_gets_nothing_of_what_is_kept() {
    let fixture = filled().await;
    let sql = "SELECT module, count(*) FROM events GROUP BY 1 ORDER BY 1";
    let (all, _) = ask_again(&fixture, sql).await;
    let modules = ModuleGlobs::new(&[ModuleGlob::try_from("m1").unwrap()]).unwrap();
    let rules = RowRules { modules: Some(modules), ..RowRules::default() };
    let reader = Reader { restriction: Some(Arc::new(Restriction::new(rules, &[]))), ..Reader::default() };
    for _ in 0..3 {
        let session = fixture.session().read_by(reader.clone());
        let (batches, outcome) = session.run(sql, Params::None, fixture.limits).await.unwrap().collect().await.unwrap();
        let rows: Vec<Value> = batches.iter().flat_map(json_rows).collect();
        assert_eq!((rows.as_slice(), outcome.stats.files_kept), (&all[..1], 0));
    }
}
