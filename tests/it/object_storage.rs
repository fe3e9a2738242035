//! Tables on object stores: what is asked of them, what happens while they are away, that nothing is lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::common::stores::{Kind, LossyWay, Store};
use super::common::{Answer, Home, TestServer, send};

const COUNT: &str = "SELECT count(*) FROM events";

/// Events of one day with ids `PREFIX-n`, each of about 400 bytes that do not repeat.
fn events(prefix: &str, ids: std::ops::Range<u64>) -> String {
    let line = |id: u64| {
        let noise =
            |salt: u64| (id + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(salt as u32).wrapping_mul(salt | 1);
        let text: String = (1..20).map(|salt| format!("{:016x} ", noise(salt))).collect();
        let second = id % 86_400;
        let time = format!("2026-03-04T{:02}:{:02}:{:02}Z", second / 3_600, second / 60 % 60, second % 60);
        format!(
            "{{\"event_id\":\"{prefix}-{id}\",\"event_time\":\"{time}\",\"module\":\"{prefix}\",\"source\":\"shop\",\
             \"event_type\":\"order.paid\",\"actor_id\":\"u{}\",\"message\":\"{text}\"}}\n",
            noise(3) % 1_000
        )
    };
    ids.map(line).collect()
}

async fn append(server: &TestServer, prefix: &str, ids: std::ops::Range<u64>) {
    for from in ids.clone().step_by(10_000) {
        server.append("default", "", events(prefix, from..ids.end.min(from + 10_000))).await.json(200);
    }
}

/// A query and what it cost.
async fn cost(server: &TestServer, sql: &str) -> (Value, u64, u64) {
    let answer = server.query("default", sql).await.json(200);
    let of = |name: &str| answer["stats"][name].as_u64().unwrap();
    (answer["rows"].clone(), of("requests"), of("bytes_fetched"))
}

async fn partial(server: &TestServer, sql: &str) -> Answer {
    let request = server.request(Method::POST, "/api/v1/query").header("kronika-project", "default");
    send(request.json(&json!({"sql": sql, "partial": true}))).await
}

const NEEDLE: &str = "SELECT * FROM events WHERE event_id = 'orders-31007'";
const DASHBOARD: [&str; 3] = [
    "SELECT date, count(*) FROM events GROUP BY date",
    "SELECT module, event_type, count(*) FROM events GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 10",
    "SELECT date_trunc('hour', event_time) AS hour, count(*), count(DISTINCT actor_id) FROM events GROUP BY 1 ORDER BY 1",
];

/// The budget: a needle at most 3 requests where nothing is known of the table's files, none after that, none
/// for a dashboard's refresh, none after a restart, none for what this server wrote itself.
#[tokio::test]
async fn requests_stay_in_their_budget() {
    let Some(store) = Store::start(Kind::Moto).await else { return };
    // What works in the background asks as well.
    let off = "[compaction]\ninterval = \"0s\"\n[scrub]\ninterval = \"0s\"\n";
    let settings = format!("{off}{}", store.settings(""));
    let server = TestServer::start_with(&settings);
    append(&server, "orders", 0..40_000).await;
    let flushed = server.flush().await;
    let mine = flushed.as_array().unwrap().iter().find(|one| one["project"] == "default").unwrap();
    let requests = &mine["requests"];
    assert_eq!(
        (&mine["files"], &requests["put"], &requests["get"], &requests["list"]),
        (&json!(1), &json!(2), &json!(0), &json!(0))
    );
    assert!(requests["sent_bytes"].as_u64().unwrap() > mine["bytes"].as_u64().unwrap(), "{mine}");
    println!("a flush of 40,000 events: {mine}");
    let (rows, asked, _) = cost(&server, NEEDLE).await;
    assert_eq!((rows.as_array().unwrap().len(), asked), (1, 0), "what this server wrote it has");
    assert!(server.metric("kronika_store_requests_total", "kind=\"put\"").await >= 2.0);
    server.stop();

    let server = TestServer::start_in(&Home::new(&settings));
    let (rows, asked, fetched) = cost(&server, NEEDLE).await;
    println!("a needle of a table of 40,000 events, cold: {asked} requests, {fetched} bytes");
    assert_eq!(rows.as_array().unwrap().len(), 1);
    assert!((1..=3).contains(&asked) && fetched > 0, "{asked} requests");
    assert_eq!(cost(&server, NEEDLE).await.1, 0, "warm");
    for sql in DASHBOARD {
        cost(&server, sql).await;
    }
    let by_kind = async || -> BTreeMap<&str, f64> {
        let mut all = BTreeMap::new();
        for kind in ["get", "head", "put", "list", "delete"] {
            all.insert(kind, server.metric("kronika_store_requests_total", &format!("kind=\"{kind}\"")).await);
        }
        all
    };
    let before = by_kind().await;
    for sql in DASHBOARD {
        assert_eq!(cost(&server, sql).await.1, 0, "{sql}");
    }
    assert_eq!(by_kind().await, before);
    assert!(server.metric("kronika_cache_bytes", "").await > 0.0);

    let server = TestServer::start_in(&server.kill());
    for sql in DASHBOARD.into_iter().chain([NEEDLE]) {
        assert_eq!(cost(&server, sql).await.1, 0, "after a restart: {sql}");
    }
    let home = server.stop();
    // Damaged entries are noticed, and cost what they cost at first.
    damage(&home.data_dir().join("cache"));
    let server = TestServer::start_in(&home);
    let (rows, asked, _) = cost(&server, NEEDLE).await;
    assert!(rows.as_array().unwrap().len() == 1 && asked > 0);
    assert!(server.metric("kronika_cache_blocks_total", "damaged").await > 0.0);
    server.stop();
}

/// Flips a bit of every file.
fn damage(dir: &std::path::Path) {
    for part in std::fs::read_dir(dir).unwrap() {
        for file in std::fs::read_dir(part.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let mut bytes = std::fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 4;
            std::fs::write(&path, bytes).unwrap();
        }
    }
}

/// Waits until a figure is what it should be.
async fn wait_for(server: &TestServer, name: &str, label: &str, good: impl Fn(f64) -> bool) {
    let started = Instant::now();
    loop {
        let now = server.metric(name, label).await;
        if good(now) {
            return;
        }
        assert!(started.elapsed() < Duration::from_secs(90), "{name} is {now}\n{}", server.log().join("\n"));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_store_that_is_away_costs_old_events_only_and_nothing_is_lost() {
    let Some(mut store) = Store::start(Kind::Weed).await else { return };
    // Large files do not stay in so small a cache.
    let budgets = "[flush]\ninterval = \"200ms\"\nsize = \"1MiB\"\n\
                   [ingest]\nhot_max = \"4MiB\"\nbody_max = \"1MiB\"\nline_max = \"64KiB\"\n";
    let settings = store.settings("cache_max = \"1MiB\"\n");
    let server = TestServer::start_with(&format!("{budgets}{settings}"));
    server.append("default", "", events("small", 0..100)).await.json(200);
    server.flush().await;
    server.append("default", "", events("large", 0..2_000)).await.json(200);
    server.flush().await;
    assert_eq!(server.count("default", COUNT).await, 2_100);
    let small = "SELECT count(DISTINCT message) FROM events WHERE module = 'small'";
    assert_eq!(server.count("default", small).await, 100);

    store.go_away();
    server.append("default", "", events("hot", 0..50)).await.json(200);
    let wanting = "SELECT module, count(DISTINCT message) FROM events GROUP BY module ORDER BY module";
    let refused = server.query("default", wanting).await;
    let problem = refused.problem(503, "store_away");
    assert!(problem["detail"].as_str().unwrap().contains("the object store `s3://journal/prod`"), "{problem}");
    assert!(refused.headers.contains_key("retry-after"));
    wait_for(&server, "kronika_store_away_seconds", "", |seconds| seconds > 0.0).await;
    let began = Instant::now();
    server.query("default", wanting).await.problem(503, "store_away");
    assert!(began.elapsed() < Duration::from_secs(2), "an answer at once: {:?}", began.elapsed());
    assert_eq!(server.count("default", small).await, 100, "what the cache has");
    assert_eq!(server.count("default", "SELECT count(DISTINCT message) FROM events WHERE module = 'hot'").await, 50);
    let answer = partial(&server, wanting).await;
    assert_eq!(answer.headers["kronika-partial"], "true");
    let answer = answer.json(200);
    assert_eq!(answer["rows"], json!([["hot", "50"], ["small", "100"]]), "{answer}");
    assert_eq!((&answer["stats"]["partial"], &answer["stats"]["rows_missing"]), (&json!(true), &json!(2_000)));
    let list = "/api/v1/events?period=all&fields=message&sort=event_time&limit=100";
    server.get("default", list).await.problem(503, "store_away");
    let listed = server.get("default", &format!("{list}&partial=true")).await;
    assert_eq!(listed.headers["kronika-partial"], "true");
    let listed = listed.json(200);
    assert_eq!((listed["events"].as_array().unwrap().len(), &listed["total"]["value"]), (100, &json!(150)), "{listed}");
    assert_eq!(listed["missing"], json!({"files": 1, "events": 2_000}));
    assert_eq!(send(server.client.get(format!("{}/readyz", server.url))).await.status, 200, "it takes events");

    // The budget is full at last; what was acknowledged is visible.
    let mut acknowledged = 50;
    let refused = loop {
        let answer = server.append("default", "", events("hot", acknowledged..acknowledged + 500)).await;
        if answer.status != 200 {
            break answer;
        }
        acknowledged += 500;
        assert!(acknowledged < 100_000, "never full");
    };
    refused.problem(429, "overloaded");
    assert!(refused.headers.contains_key("retry-after"));
    assert_eq!(server.count("default", "SELECT count(*) FROM events WHERE module = 'hot'").await, acknowledged);

    // Also a server that is killed meanwhile has all, once the store is back.
    let home = server.kill();
    store.come_back().await;
    let server = TestServer::start_in(&home);
    wait_for(&server, "kronika_hot_events", "project=\"default\"", |hot| hot == 0.0).await;
    wait_for(&server, "kronika_store_away_seconds", "", |seconds| seconds == 0.0).await;
    server.append("default", "", events("hot", acknowledged..acknowledged + 500)).await.json(200);
    let rows =
        server.rows("default", "SELECT count(*), count(DISTINCT event_id), count(DISTINCT _seq) FROM events").await;
    let all = (2_100 + acknowledged + 500).to_string();
    assert_eq!(json!(rows), json!([[all, all, all]]));
    let whole = partial(&server, wanting).await;
    assert!(!whole.headers.contains_key("kronika-partial") && whole.json(200)["stats"].get("partial").is_none());
    server.stop();
}

/// Appends until told to stop; the number of events that were acknowledged.
async fn load(server: &TestServer, stop: &AtomicBool) -> u64 {
    let (mut acknowledged, mut body) = (0, 0);
    while !stop.load(Ordering::SeqCst) {
        let answer = server.append("default", "", events(&format!("b{}", body % 3), body * 20..body * 20 + 20)).await;
        body += 1;
        match answer.status {
            200 => acknowledged += 20,
            429 => tokio::time::sleep(Duration::from_millis(50)).await,
            _ => panic!("{}", answer.text),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    acknowledged
}

/// Takes the store away again and again while events come in and files are written and merged.
async fn through_outages(kind: Kind, outages: u32) {
    let Some(mut store) = Store::start(kind).await else { return };
    let settings = store.settings("");
    let config =
        format!("[flush]\ninterval = \"300ms\"\n[compaction]\ninterval = \"500ms\"\nfiles_min = 4\n{settings}");
    let server = Arc::new(TestServer::start_with(&config));
    let stop = AtomicBool::new(false);
    let trouble = async {
        for _ in 0..outages {
            tokio::time::sleep(Duration::from_millis(700)).await;
            store.go_away();
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            store.come_back().await;
        }
        tokio::time::sleep(Duration::from_millis(500)).await;
        stop.store(true, Ordering::SeqCst);
    };
    let (acknowledged, ()) = tokio::join!(load(&server, &stop), trouble);
    wait_for(&server, "kronika_hot_events", "project=\"default\"", |hot| hot == 0.0).await;
    let sql = "SELECT count(*), count(DISTINCT event_id), count(DISTINCT _seq) FROM events";
    let all = acknowledged.to_string();
    assert_eq!(json!(server.rows("default", sql).await), json!([[all, all, all]]));
    Arc::into_inner(server).unwrap().stop();
    // Nothing of it was on this disk only.
    let server = TestServer::start_in(&Home::new(&config));
    assert_eq!(json!(server.rows("default", sql).await), json!([[all, all, all]]));
    println!("{kind:?}: {acknowledged} events through {outages} outages");
    server.stop();
}

/// `KRONIKA_STORE_OUTAGES` says how often each store goes.
fn outages() -> u32 {
    std::env::var("KRONIKA_STORE_OUTAGES").ok().map_or(1, |count| count.parse().unwrap())
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_seaweedfs_is_killed() {
    through_outages(Kind::Weed, outages()).await;
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_azure_blob_goes_away() {
    through_outages(Kind::Azurite, outages()).await;
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_when_a_store_hangs() {
    through_outages(Kind::Moto, outages()).await;
}

#[tokio::test]
async fn a_commit_whose_answer_is_lost_is_known_as_our_own() {
    let Some(store) = Store::start(Kind::Weed).await else { return };
    let way = LossyWay::to(&store.url());
    let server = TestServer::start_with(&store.settings_at(&way.url, ""));
    let sql = "SELECT count(*), count(DISTINCT event_id), count(DISTINCT _seq) FROM events";
    for round in 1..=5 {
        server.append("default", "", events("a", (round - 1) * 30..round * 30)).await.json(200);
        way.lose(usize::try_from(round).unwrap().min(2));
        let flushed = send(server.request(Method::POST, "/api/v1/admin/flush")).await;
        assert!([200, 503].contains(&flushed.status), "{}", flushed.text);
        let all = (round * 30).to_string();
        assert_eq!(json!(server.rows("default", sql).await), json!([[all, all, all]]), "round {round}");
        assert_eq!(way.left(), 0, "the answers were lost");
    }
    server.flush().await;
    assert_eq!(server.metric("kronika_hot_events", "project=\"default\"").await, 0.0);
    assert_eq!(server.metric("kronika_table_version", "project=\"default\"").await, 5.0, "one commit a round");
    server.stop();
    let server = TestServer::start_in(&Home::new(&store.settings("")));
    assert_eq!(json!(server.rows("default", sql).await), json!([["150", "150", "150"]]));
    server.stop();
}

#[tokio::test]
async fn a_start_without_its_store_says_so_and_changes_nothing() {
    let Some(mut store) = Store::start(Kind::Weed).await else { return };
    let home = Home::new(&store.settings(""));
    let server = TestServer::start_in(&home);
    append(&server, "orders", 0..50).await;
    server.flush().await;
    append(&server, "orders", 50..80).await;
    server.kill();
    store.go_away();
    let began = Instant::now();
    let refused = home.command(&[]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(69), "{said}");
    assert!(said.contains("prod/") && said.contains("hint: check the disk or the object store"), "{said}");
    assert!(!String::from_utf8_lossy(&refused.stdout).contains("listening"));
    // `storage.retry_timeout` is 2 s.
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    store.come_back().await;
    // The store listens before it finds its volumes: a supervisor would try again, too.
    let began = Instant::now();
    let is_sound = || {
        let mut verify = super::common::kronika();
        verify.arg("verify").arg("--data-dir").arg(home.data_dir()).arg("--config").arg(home.path("kronika.toml"));
        verify.output().unwrap().status.success()
    };
    while !is_sound() && began.elapsed() < Duration::from_secs(60) {
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let server = TestServer::start_in(&home);
    assert_eq!(server.count("default", COUNT).await, 80);
    server.stop();
}

#[tokio::test]
async fn tables_move_to_a_store_while_the_server_serves() {
    let Some(store) = Store::start(Kind::Weed).await else { return };
    let server = TestServer::start();
    append(&server, "orders", 0..3_000).await;
    server.flush().await;
    server.create_project("other").await;
    server.append("other", "", events("x", 0..40)).await.json(200);
    let home = Arc::clone(server.home());
    let relocate = || {
        let mut command = super::common::kronika();
        command.args(["move", "--json", "--to", "s3://journal/prod", "--data-dir"]).arg(home.data_dir());
        command.arg("--option").arg(format!("aws_endpoint={}", store.url()));
        for option in ["aws_allow_http=true", "aws_region=us-east-1"] {
            command.args(["--option", option]);
        }
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "testtest");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let events_of = |report: &Value, project: &str| {
        let all = report["projects"].as_array().unwrap();
        all.iter().find(|one| one["project"] == project).map(|one| one["events"].as_u64().unwrap())
    };
    let first = relocate();
    assert_eq!((&first["complete"], events_of(&first, "default")), (&json!(false), Some(3_000)), "{first}");
    // It serves on: a merge, new files, and events that only the log has.
    append(&server, "orders", 3_000..3_500).await;
    server.flush().await;
    server.compact().await;
    append(&server, "orders", 3_500..3_600).await;
    let home = server.kill();
    // Whoever starts at the new place now would not have what came meanwhile.
    let there = home.again(&store.settings(""), &[]);
    let refused = there.command(&[]).output().unwrap();
    let said = String::from_utf8_lossy(&refused.stderr);
    assert_eq!(refused.status.code(), Some(1), "{said}");
    assert!(said.contains("not all at `s3://journal/prod") && said.contains("run `kronika move` again"), "{said}");
    let second = relocate();
    assert_eq!((&second["complete"], events_of(&second, "default")), (&json!(true), Some(3_500)), "{second}");
    let before = relocate();
    assert!(before["projects"].as_array().unwrap().iter().all(|one| one["files_copied"] == 0), "{before}");

    let server = TestServer::start_in(&there);
    let sql = "SELECT count(*), count(DISTINCT event_id), count(DISTINCT _seq) FROM events";
    assert_eq!(json!(server.rows("default", sql).await), json!([["3600", "3600", "3600"]]));
    assert_eq!(server.count("other", COUNT).await, 40);
    server.flush().await;
    append(&server, "orders", 3_600..3_700).await;
    assert_eq!(server.count("default", COUNT).await, 3_700);
    server.stop();
}
