//! Answers of an object store that mean trouble: nothing is lost, nothing doubled, and it heals by itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use reqwest::Method;
use serde_json::{Value, json};

use crate::common::stores::{Kind, Store};
use crate::common::way::{RuledWay, s3_error};
use crate::common::{Home, TestServer, send};

const ALL: &str = "SELECT count(*), count(DISTINCT event_id), count(DISTINCT _seq) FROM events";
const CONFIG: &str =
    "[flush]\ninterval = \"1d\"\n[compaction]\ninterval = \"0s\"\nfiles_min = 2\nkeep_replaced = \"0s\"\n";

fn events(from: u64, count: u64, module: &str) -> String {
    let noise = |n: u64| format!("{:016x}", (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let line = |n: u64| {
        let text: String = (0..20).map(|at| noise(n * 20 + at)).collect();
        format!(
            "{{\"event_id\":\"{n}\",\"event_time\":\"2026-03-04T10:00:00Z\",\"module\":\"{module}\",\"message\":\"{text}\"}}\n"
        )
    };
    (from..from + count).map(line).collect()
}

async fn assert_all(server: &TestServer, count: u64, when: &str) {
    let all = count.to_string();
    assert_eq!(json!(server.rows("default", ALL).await), json!([[all, all, all]]), "{when}");
}

/// A server whose tables lie on a store behind a way with rules; nothing of them stays on its disk.
async fn behind_a_way() -> Option<(Store, RuledWay, TestServer, String)> {
    let store = Store::start(Kind::Moto).await?;
    let way = RuledWay::to(&store.url());
    let config = format!("{CONFIG}{}", store.settings_at(&way.url, "cache_max = \"0B\"\n"));
    Some((store, way, TestServer::start_with(&config), config))
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_of_a_store_lose_nothing_and_heal() {
    let Some((_store, way, server, config)) = behind_a_way().await else { return };
    let mut count = 0;
    for (what, status, code) in [
        ("credentials that expired", 403, "ExpiredToken"),
        ("a clock that is wrong", 403, "RequestTimeTooSkewed"),
        ("no right to do anything", 403, "AccessDenied"),
        ("a bucket that is gone", 404, "NoSuchBucket"),
        ("too many requests", 429, "SlowDown"),
        ("a store that slows down", 503, "SlowDown"),
        ("a fault of the store", 500, "InternalError"),
        ("a timeout of the store", 408, "RequestTimeout"),
    ] {
        server.append("default", "", events(count, 30, "stored")).await.json(200);
        server.flush().await;
        way.rule(move |_, _| Some((status, s3_error(code))));
        server.append("default", "", events(count + 30, 20, "hot")).await.json(200);
        let refused = send(server.request(Method::POST, "/api/v1/admin/flush")).await;
        assert_eq!(refused.status, 503, "{what}: {}", refused.text);
        // What is in memory answers; what is not says so, and is not taken for lost.
        let wanting =
            server.query("default", "SELECT count(DISTINCT message) FROM events WHERE module = 'stored'").await;
        assert_eq!(wanting.status, 503, "{what}: {}", wanting.text);
        if count == 0 {
            let hot = "SELECT count(DISTINCT message) FROM events WHERE module = 'hot'";
            assert_eq!(server.count("default", hot).await, 20, "{what}");
        }
        server.append("default", "", events(count + 50, 10, "hot")).await.json(200);
        assert!(way.free() >= 2, "{what}: nobody asked");
        count += 60;
        // The store counts as away for a second after it was.
        let began = std::time::Instant::now();
        while send(server.request(Method::POST, "/api/v1/admin/flush")).await.status != 200 {
            assert!(began.elapsed() < std::time::Duration::from_secs(30), "{what}: it does not heal");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        assert_all(&server, count, what).await;
    }
    server.stop();
    let server = TestServer::start_in(&Home::new(&config));
    assert_all(&server, count, "another server").await;
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_fails_behind_a_status_of_200_is_none() {
    let Some((_store, way, server, config)) = behind_a_way().await else { return };
    // A file of more than 8 MiB goes in parts; the end of those is what may fail so.
    for from in (0..70_000).step_by(10_000) {
        server.append("default", "", events(from, 10_000, "large")).await.json(200);
    }
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    way.rule(move |method, path| {
        let is_end = method == Method::POST && path.contains("uploadId=");
        (is_end && counted.fetch_add(1, Ordering::SeqCst) < 50).then(|| (200, s3_error("InternalError")))
    });
    let flushed = send(server.request(Method::POST, "/api/v1/admin/flush")).await;
    let met = way.free();
    assert!(met > 0, "no upload in parts: {}", flushed.text);
    assert_eq!(flushed.status, 503, "{}", flushed.text);
    assert_all(&server, 70_000, "after a failed end").await;
    server.flush().await;
    assert_all(&server, 70_000, "after the next").await;
    server.stop();
    let server = TestServer::start_in(&Home::new(&config));
    assert_all(&server, 70_000, "another server").await;
    assert_eq!(server.count("default", "SELECT count(DISTINCT message) FROM events").await, 70_000);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_right_to_delete_everything_else_goes_on() {
    let Some((_store, way, server, _)) = behind_a_way().await else { return };
    let refuse = |method: &Method, path: &str| {
        let deletes = method == Method::DELETE || (method == Method::POST && path.contains("?delete"));
        deletes.then(|| (403, s3_error("AccessDenied")))
    };
    way.rule(refuse);
    for at in 0..3 {
        server.append("default", "", events(at * 100, 100, "m")).await.json(200);
        server.flush().await;
    }
    let compact = async || send(server.request(Method::POST, "/api/v1/admin/compact")).await;
    let refused = compact().await;
    refused.problem(503, "table_store_failed");
    assert!(refused.text.contains("delete"), "{}", refused.text);
    assert_all(&server, 300, "merged, and nothing deleted").await;
    assert_eq!(server.metric("kronika_table_files", "project=\"default\"").await, 1.0, "the merge itself is done");
    let jobs = send(server.request(Method::GET, "/api/v1/jobs?kind=vacuum&state=failed")).await.json(200);
    assert!(jobs["jobs"][0]["error"].as_str().unwrap().contains("delete"), "{jobs}");
    server.append("default", "", events(300, 50, "m")).await.json(200);
    server.flush().await;
    assert!(way.free() >= 1);
    assert_eq!(compact().await.status, 200);
    let jobs = send(server.request(Method::GET, "/api/v1/jobs?kind=vacuum&state=done")).await.json(200);
    let deleted: u64 =
        jobs["jobs"].as_array().unwrap().iter().map(|job| job["result"]["files"].as_u64().unwrap()).sum();
    assert!(deleted >= 3, "{jobs}");
    assert_all(&server, 350, "healed").await;
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_not_there_yet_is_an_error_and_no_answer_without_it() {
    let Some((_store, way, server, _)) = behind_a_way().await else { return };
    for at in 0..2 {
        server.append("default", "", events(at * 100, 100, "m")).await.json(200);
        server.flush().await;
    }
    way.rule(|method, path| {
        (*method == Method::GET && path.contains(".parquet")).then(|| (404, s3_error("NoSuchKey")))
    });
    let wanting = "SELECT count(DISTINCT message) FROM events";
    let refused = server.query("default", wanting).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    // A merge leaves the files alone that it cannot find, and the table as it is.
    let report = server.compact().await;
    let ours: Vec<&Value> = report.as_array().unwrap().iter().filter(|one| one["project"] == "default").collect();
    assert_eq!((&ours[0]["files_in"], &ours[0]["files_out"]), (&json!(0), &json!(0)), "{report}");
    assert!(way.free() > 0);
    assert_eq!(server.count("default", wanting).await, 200);
    assert_all(&server, 200, "it is there").await;
    server.stop();
}
