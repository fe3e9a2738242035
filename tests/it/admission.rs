//! Quotas, turns and shared runs, as senders and dashboards meet them.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures::future::join_all;
use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Answer, Home, TestServer, kronika, send};

/// Seconds of work for one thread, nothing to hold in memory.
const LONG: &str = "SELECT count(*) FROM generate_series(1, 1000000000000) a(x) WHERE x % 7 = 8";
/// Longest wait of a small query beside long ones.
const PROMPT: Duration = Duration::from_secs(5);

async fn key(server: &TestServer, scopes: &[&str], quota: Value) -> (String, String) {
    let new = json!({"name": "k", "scopes": scopes, "project": "default", "quota": quota});
    let answer = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    (answer["id"].as_str().unwrap().into(), answer["secret"].as_str().unwrap().into())
}

async fn append(server: &TestServer, key: &str, events: usize) -> Answer {
    let body = "{\"module\":\"orders\",\"event_type\":\"placed\"}\n".repeat(events);
    let request = server.with(key, Method::POST, "/api/v1/events");
    send(request.header("content-type", "application/x-ndjson").body(body)).await
}

/// Seconds after which the refused request is worth repeating.
fn retry_after(answer: &Answer) -> u64 {
    answer.problem(429, "quota_exceeded");
    answer.headers["retry-after"].to_str().unwrap().parse().unwrap()
}

#[tokio::test]
async fn a_key_has_so_many_requests_a_second_and_not_one_more() {
    let server = TestServer::start();
    let (id, secret) = key(&server, &["query"], json!({"requests_per_second": 3})).await;
    let list = || send(server.with(&secret, Method::GET, "/api/v1/queries"));
    let began = Instant::now();
    let answers = join_all((0..12).map(|_| list())).await;
    let taken = began.elapsed().as_secs_f64();
    let accepted = answers.iter().filter(|answer| answer.status == 200).count();
    assert!(accepted >= 3 && accepted as f64 <= 3.0 + 3.0 * taken + 1.0, "{accepted} in {taken} s");
    let refused = answers.iter().find(|answer| answer.status != 200).unwrap();
    assert_eq!(retry_after(refused), 1);
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    list().await.json(200);
    let path = format!("/api/v1/keys/{id}/quota");
    let unlimited = json!({"requests_per_second": 0});
    let shown = send(server.request(Method::PUT, &path).json(&unlimited)).await.json(200);
    assert_eq!(shown["quota"]["requests_per_second"], 0);
    assert!(join_all((0..50).map(|_| list())).await.iter().all(|answer| answer.status == 200));
    let wrong =
        send(server.request(Method::PUT, &path).json(&json!({"requests": 1}))).await.problem(400, "invalid_json");
    assert!(wrong["detail"].as_str().unwrap().contains("requests_per_second"), "{wrong}");
    server.stop();
}

#[tokio::test]
async fn a_refused_batch_stores_nothing_and_a_large_one_goes_through_whole() {
    let server = TestServer::start();
    let (_, by_events) = key(&server, &["ingest"], json!({"events_per_second": 10})).await;
    let (_, by_bytes) = key(&server, &["ingest"], json!({"bytes_per_second": "1KiB"})).await;
    append(&server, &by_events, 40).await.json(200);
    // 31 too many, at 10 a second; less what has passed meanwhile.
    let wait = retry_after(&append(&server, &by_events, 1).await);
    assert!((2..=4).contains(&wait), "{wait}");
    append(&server, &by_bytes, 100).await.json(200);
    let wait = retry_after(&append(&server, &by_bytes, 1).await);
    assert!((2..=4).contains(&wait), "{wait}");
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 140);
    tokio::time::sleep(Duration::from_millis(3_300)).await;
    append(&server, &by_events, 1).await.json(200);
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 141);
    server.stop();
}

#[tokio::test]
async fn a_projects_quota_is_for_all_its_keys_and_survives_a_restart() {
    let server = TestServer::start();
    let cli = |server: &TestServer, arguments: &[&str]| {
        let out = kronika().args(arguments).args(["--server", &server.url, "--key", &server.key]).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    cli(&server, &["projects", "quota", "default", "events_per_second=5"]);
    let home = server.stop();
    let server = TestServer::start_in(&home);
    assert!(cli(&server, &["projects", "quota", "default", "--json"]).contains("\"events_per_second\": 5"));
    let (_, first) = key(&server, &["ingest"], json!({})).await;
    let (_, second) = key(&server, &["ingest"], json!({})).await;
    append(&server, &first, 50).await.json(200);
    let refused = append(&server, &second, 1).await;
    assert!(retry_after(&refused) >= 8);
    assert!(refused.text.contains("project"), "{}", refused.text);
    server.create_project("other").await;
    server.append("other", "", "{}").await.json(200);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_analyst_with_many_queries_does_not_hold_up_a_dashboard() {
    let server = TestServer::start_with("[query]\nat_once_max = 4\nwaiting_max = 6\nwait_max = \"60s\"\n");
    let (_, analyst) = key(&server, &["query"], json!({"queries_at_once": 3})).await;
    let (_, dashboard) = key(&server, &["query"], json!({})).await;
    let long = async {
        let stop = tokio::time::sleep(Duration::from_secs(6));
        let asked = join_all((0..9).map(|_| server.ask(&analyst, LONG)));
        tokio::select! {
            answers = asked => panic!("{answers:?}"),
            () = stop => {}
        }
    };
    let small = async {
        tokio::time::sleep(Duration::from_millis(800)).await;
        assert!(server.metric("kronika_queries_running", "").await <= 4.0);
        assert!((server.metric("kronika_queries_waiting", "").await - 6.0).abs() < 0.5);
        for _ in 0..5 {
            let began = Instant::now();
            server.ask(&dashboard, "SELECT count(*) FROM events").await.json(200);
            assert!(began.elapsed() < PROMPT, "{:?}", began.elapsed());
        }
        // A tenth one of the analyst finds the queue full.
        let refused = server.ask(&analyst, LONG).await;
        refused.problem(429, "queries_busy");
        assert!(refused.headers.contains_key("retry-after"));
    };
    tokio::join!(long, small);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_named_query_runs_once_for_all_who_ask_at_the_same_time() {
    let home = Home::new("");
    let dir = home.data_dir().join("queries");
    std::fs::create_dir_all(&dir).unwrap();
    let sql = "-- title: Slow\n-- param: at_least integer = 0 | Fewest\n\
               SELECT random() AS run, (SELECT count(*) FROM events) AS events, count(*) AS rows\n\
               FROM generate_series(1, 20000000) t(x) WHERE x % 3 >= $at_least\n";
    std::fs::write(dir.join("slow.sql"), sql).unwrap();
    let server = TestServer::start_in(&home);
    let ask = |path: &'static str| async { send(server.request(Method::GET, path)).await.json(200)["rows"][0].clone() };
    let answers = join_all((0..20).map(|_| ask("/api/v1/queries/slow"))).await;
    let runs: HashSet<String> = answers.iter().map(|row| row[0].to_string()).collect();
    assert!(runs.len() <= 2, "{runs:?}");
    let (one, other) = tokio::join!(ask("/api/v1/queries/slow"), ask("/api/v1/queries/slow?at_least=1"));
    assert_ne!(one[2], other[2]);

    // Whoever asks after an event was acknowledged finds it, whatever run is going on.
    let readers = (0..6).map(|at| {
        let server = &server;
        async move {
            tokio::time::sleep(Duration::from_millis(60 * at)).await;
            for _ in 0..3 {
                let before = server.append("default", "", "{}").await.json(200)["accepted"].as_u64().unwrap();
                assert_eq!(before, 1);
                let stored = server.count("default", "SELECT count(*) FROM events").await;
                let row = send(server.request(Method::GET, "/api/v1/queries/slow")).await.json(200)["rows"][0].clone();
                let seen: u64 = row[1].as_str().unwrap().parse().unwrap();
                assert!(seen >= stored, "{seen} of {stored}");
            }
        }
    });
    join_all(readers).await;
    server.stop();
}
