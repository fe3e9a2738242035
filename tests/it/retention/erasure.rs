//! Erasures: a value that was put everywhere it can lie is nowhere afterwards, whatever happens in between.
//!
//! `KRONIKA_ERASE_KILLS` sets how often the server is killed in the middle of an erasure (3 by default).

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use reqwest::Method;
use serde_json::{Value, json};

use super::super::common::{Home, TestServer, send};
use super::{audit_rows, audited, call, get};

/// In every place, and in no place afterwards.
pub(super) const CANARY: &str = "KANAREK-7f3a9cKd";
/// Longest wait for an erasure.
const PATIENCE: Duration = Duration::from_secs(120);

/// Waits until an erasure has ended well.
pub(super) async fn done(server: &TestServer, id: &str) -> Value {
    let started = Instant::now();
    loop {
        let erasure = get(server, &format!("/api/v1/erasures/{id}")).await;
        if erasure["stage"] == "done" {
            return erasure;
        }
        assert!(
            started.elapsed() < PATIENCE && erasure["stage"] != "canceled",
            "{erasure:#}\n{}",
            server.log().join("\n")
        );
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

pub(super) async fn erase(server: &TestServer, body: Value) -> Value {
    let made = call(server, Method::POST, "/api/v1/erasures", body).await.json(202);
    done(server, made["id"].as_str().unwrap()).await
}

fn files(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

/// Whether the canary is in a file, as bytes or, of a Parquet file, in its rows.
pub(super) fn holds(bytes: bytes::Bytes, is_parquet: bool) -> bool {
    let mut holds = memchr::memmem::find(&bytes, CANARY.as_bytes()).is_some();
    if is_parquet {
        for batch in ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap() {
            holds |= format!("{:?}", batch.unwrap().columns()).contains(CANARY);
        }
    }
    holds
}

/// Files below a directory that hold the canary, as bytes or, of Parquet files, in their rows.
pub(super) fn holding(dir: &Path) -> Vec<String> {
    let mut all = Vec::new();
    files(dir, &mut all);
    assert!(all.len() > 10, "{all:?}");
    let mut found = Vec::new();
    for path in all {
        let Ok(bytes) = std::fs::read(&path) else { continue };
        if holds(bytes.into(), path.extension().is_some_and(|extension| extension == "parquet")) {
            found.push(path.strip_prefix(dir).unwrap().display().to_string());
        }
    }
    found.sort();
    found
}

fn event(n: usize, canary: bool) -> String {
    let (actor, told) = if canary {
        (CANARY.to_owned(), "")
    } else {
        (format!("actor-{}", n % 7), if n % 10 == 3 { CANARY } else { "" })
    };
    let event = json!({"event_id": format!("e{n}"), "event_time": format!("2025-03-0{}T10:00:{:02}Z", 1 + n % 3, n % 60),
        "module": (["orders", "logs"][n % 2]), "actor_id": actor, "actor_email": (if canary { format!("{CANARY}@example.com") } else { String::new() }),
        "object_type": "customer", "object_id": (if canary { CANARY } else { "7" }), "message": format!("told {told} so"),
        "url": format!("/customers?name={told}&x=1"), "labels": {"who": told}, "request_body": "r".repeat(200 + n % 300),
        "object_after": {"name": told, "n": n}, "whatever": [told, n]});
    format!("{event}\n")
}

fn events(numbers: std::ops::Range<usize>) -> String {
    numbers.map(|n| event(n, n % 5 == 0)).collect()
}

const CONFIG: &str = "[ingest]\nbody_max = \"1MiB\"\nline_max = \"256KiB\"\n[flush]\ninterval = \"1h\"\n[wal]\nsegment_size = \"64KiB\"\nsize_max = \"8MiB\"\n[compaction]\ninterval = \"0s\"\n\
    files_min = 2\nkeep_replaced = \"1h\"\n[webhook]\nallowed_networks = [\"127.0.0.0/8\"]\nretry_first = \"1ms\"\nretry_longest = \"5ms\"\n\
    attempts_max = 2\n[alerts]\nevery_min = \"100ms\"\ndelay = \"0s\"\n[retention]\nshare_max = 100\n";

/// Puts the canary into every place that there is.
async fn spread(server: &TestServer) {
    for round in 0..6 {
        let first = round * 100;
        let body = format!(
            "{}{{\"event_id\": \"bad-{round}\", \"message\": \"{CANARY}\" \"broken\"}}\n",
            events(first..first + 100)
        );
        let request = server.request(Method::POST, "/api/v1/events").header("idempotency-key", format!("key-{round}"));
        let answer = send(request.header("content-type", "application/x-ndjson").body(body)).await.json(200);
        assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(100), &json!(1)), "{answer}");
        if round % 2 == 1 {
            server.flush().await;
        }
        if round == 3 {
            server.compact().await;
        }
    }
    server.compact().await;
    // A file that only the canary's events name, and one that another names as well.
    for (name, shared) in [("own", false), ("shared", true)] {
        let upload = server.request(Method::POST, "/api/v1/attachments").header("content-type", "text/plain");
        let sha256 =
            send(upload.body(format!("{} {name}", if shared { "a" } else { CANARY }))).await.json(201)["sha256"]
                .as_str()
                .unwrap()
                .to_owned();
        for (id, actor) in [("canary", CANARY), ("other", "bob")] {
            if id == "canary" || shared {
                let event = json!({"event_id": format!("{name}-{id}"), "module": "files", "actor_id": actor, "attachments": [{"name": name, "sha256": sha256, "role": "file"}]});
                server.append("default", "", event.to_string()).await.json(200);
            }
        }
    }
    let export = json!({"format": "ndjson", "filter": {"actor_id": CANARY, "period": "all"}});
    call(server, Method::POST, "/api/v1/exports", export).await.json(202);
    let filter = json!({"name": "hers", "filter": {"actor_id": CANARY}});
    call(server, Method::POST, "/api/v1/filters", filter).await.json(201);
    let alert = json!({"name": "hers", "filter": {"actor_id": CANARY}, "condition": {"op": ">=", "value": 1}, "every": "100ms", "window": "1h", "by": ["actor_id"],
        "channels": [{"type": "webhook", "url": "http://127.0.0.1:1025/"}]});
    call(server, Method::POST, "/api/v1/alerts", alert).await.json(201);
    // A product that cannot be reached is asked to restore what was deleted: a call on disk, and an event of `_audit`.
    let hook = json!({"url": "http://127.0.0.1:1025/restore", "secret": "a secret of the product", "object_types": ["customer"]});
    assert_eq!(
        send(server.request(Method::PUT, "/api/v1/projects/default/webhooks/unknown").json(&hook)).await.status,
        204
    );
    let deleted = json!({"event_id": "deleted", "event_time": "2025-03-05T10:00:00Z", "module": "orders", "action": "delete", "object_type": "customer",
        "object_id": CANARY, "actor_id": CANARY, "object_before": {"name": CANARY}});
    server.append("default", "", deleted.to_string()).await.json(200);
    let path = format!("/api/v1/objects/customer/{CANARY}/restore");
    call(server, Method::POST, &path, json!({"reason": "by mistake"})).await.json(200);
    let started = Instant::now();
    while get(server, "/api/v1/webhooks/deliveries").await[0]["state"] != "dead" {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let now = json!({"event_id": "now", "module": "orders", "actor_id": CANARY});
    server.append("default", "", now.to_string()).await.json(200);
    // In memory only, when the erasure begins.
    server.append("default", "", events(600..650)).await.json(200);
}

/// Events that were sent as such: the engine tells of exports and alerts in others.
const OURS: &str = "SELECT count(*) FROM events WHERE module IN ('orders', 'logs') AND event_id LIKE 'e%'";

/// The erasure among the jobs, and who, why, how many and a hash in the audit journal.
async fn is_told(server: &TestServer, erasure: &Value, own: u64) {
    let jobs = get(server, "/api/v1/jobs").await;
    let job = jobs["jobs"].as_array().unwrap().iter().find(|job| job["kind"] == "erase").unwrap();
    assert_eq!(
        (&job["state"], &job["project"], &job["done"], &job["total"]),
        (&json!("done"), &json!("default"), &json!(6), &json!(7)),
        "{job}"
    );
    assert!(job["subject"].as_str().unwrap().contains(erasure["id"].as_str().unwrap()), "{job}");

    // The journal says who, why, how many, and a hash.
    let told = audited(server, "erasure.done").await;
    let attributes: Value = serde_json::from_str(told[0][3].as_str().unwrap()).unwrap();
    assert_eq!(
        (&attributes["value_hash"], &attributes["events"], &told[0][5]),
        (&erasure["value_hash"], &json!(own), &json!("request 4711"))
    );
    assert_eq!(attributes["asked_by"], erasure["by"]);
    // What spoke of the value has the hash in its place.
    let hash = format!("erased:{}", erasure["value_hash"].as_str().unwrap());
    let mut spoke = audit_rows(server, "SELECT * FROM events").await;
    spoke.retain(|row| json!(row).to_string().contains(&hash));
    assert_eq!(json!(spoke.len()), erasure["counts"]["audit_blanked"], "{spoke:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_lay_everywhere_is_nowhere_afterwards() {
    let home = Home::new(CONFIG);
    // A crash in between: the log is read back, and what it holds is noted anew.
    let server = TestServer::start_in(&home);
    spread(&server).await;
    server.kill();
    let server = TestServer::start_in(&home);
    server.flush().await;
    let data = home.data_dir();
    let places = holding(&data);
    for part in [
        "wal/",
        "dead_letters/",
        "exports/",
        "filters/",
        "alerts/",
        "webhooks/",
        "_delta_log/",
        "date=",
        "attachments/",
        "projects/_audit/",
    ] {
        assert!(places.iter().any(|path| path.contains(part)), "the canary was not in {part}: {places:#?}");
    }
    let others = format!("{OURS} AND actor_id <> '{CANARY}'");
    let before = server.count("default", &others).await;
    assert_eq!(before, 520);
    let own = server.count("default", &format!("SELECT count(*) FROM events WHERE actor_id = '{CANARY}'")).await;
    let body = json!({"project": "default", "column": "actor_id", "value": CANARY, "mentions": true, "reason": "request 4711"});
    let preview = call(&server, Method::POST, "/api/v1/erasures/preview", body.clone()).await.json(200);
    assert_eq!((preview["rows"].as_u64().unwrap(), &preview["held"]), (own, &json!(0)));
    let mentions = preview["mentions"].as_u64().unwrap();
    assert!(mentions > 60, "{preview}");

    let erasure = erase(&server, body.clone()).await;
    assert_eq!(erasure["proof"]["found_in"], json!([]), "{erasure:#}");
    assert_eq!((erasure["counts"]["rows"].as_u64().unwrap(), &erasure["proof"]["rows_left"]), (own, &json!(0)));
    assert!(erasure["counts"]["blanked"].as_u64().unwrap() >= mentions, "{erasure:#}");
    for (place, least) in [
        ("dead_letters", 6),
        ("exports", 1),
        ("deliveries", 1),
        ("alerts", 1),
        ("filters", 1),
        ("attachments", 1),
        ("audit_blanked", 1),
    ] {
        assert!(erasure["counts"][place].as_u64().unwrap() >= least, "{place}: {erasure:#}");
    }
    assert_eq!(holding(&data), Vec::<String>::new());
    // The others are all there, without the value.
    assert_eq!(server.count("default", OURS).await, before);
    let sql = "SELECT message, url, object_after, labels FROM events WHERE event_id = 'e13'";
    let row = &server.rows("default", sql).await[0];
    assert_eq!(
        (&row[0], &row[1], &row[2]),
        (&json!("told [erased] so"), &json!("/customers?name=[erased]&x=1"), &json!(r#"{"name":"[erased]","n":13}"#)),
        "{row:?}"
    );
    assert!(row[3].to_string().contains("[erased]"), "{row:?}");
    let shared = server.count("default", "SELECT count(*) FROM events WHERE event_id = 'shared-other'").await;
    assert_eq!(shared, 1);

    is_told(&server, &erasure, own).await;

    // Again it is nothing; and nothing comes back by a restart.
    let again = erase(&server, body.clone()).await;
    assert_eq!(
        (&again["counts"]["rows"], &again["counts"]["blanked"], &again["value_hash"]),
        (&json!(0), &json!(0), &erasure["value_hash"])
    );
    let server = TestServer::start_in(&server.stop());
    assert_eq!(holding(&data), Vec::<String>::new());
    assert_eq!(server.count("default", OURS).await, before);
    // The same events again are still duplicates; new ones of the same actor are taken.
    let repeated = server.append("default", "", event(5, true)).await.json(200);
    assert_eq!(repeated["duplicates"], 1);
    assert_eq!(server.append("default", "", event(9_005, true)).await.json(200)["accepted"], 1);
    let home = server.kill();
    let server = TestServer::start_in(&home);
    assert_eq!(erase(&server, body).await["counts"]["rows"], 1);
    assert_eq!(holding(&data), Vec::<String>::new());
    server.stop();
}

/// Starts with many small files, so that an erasure takes many commits.
async fn many_files(home: &Arc<Home>, rounds: usize) -> TestServer {
    let server = TestServer::start_in(home);
    for round in 0..rounds {
        server.append("default", "", events(round * 30..round * 30 + 30)).await.json(200);
        server.flush().await;
    }
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_is_killed_goes_on_and_counts_every_event_once() {
    let kills: usize = std::env::var("KRONIKA_ERASE_KILLS").ok().map_or(3, |text| text.parse().unwrap());
    let home = Home::new(CONFIG);
    let mut server = many_files(&home, 12).await;
    let before = server.count("default", "SELECT count(*) FROM events").await;
    let own = server.count("default", &format!("SELECT count(*) FROM events WHERE actor_id = '{CANARY}'")).await;
    let body =
        json!({"project": "default", "column": "actor_id", "value": CANARY, "mentions": true, "reason": "request 1"});
    let made = call(&server, Method::POST, "/api/v1/erasures", body).await.json(202);
    let id = made["id"].as_str().unwrap().to_owned();
    let mut stages = Vec::new();
    for kill in 0..kills {
        tokio::time::sleep(Duration::from_millis(20 + (kill as u64 * 173) % 900)).await;
        stages.push(get(&server, &format!("/api/v1/erasures/{id}")).await["stage"].to_string());
        server = TestServer::start_in(&server.kill());
    }
    println!("killed at {stages:?}");
    let erasure = done(&server, &id).await;
    assert_eq!(
        (erasure["counts"]["rows"].as_u64().unwrap(), &erasure["proof"]["found_in"]),
        (own, &json!([])),
        "{erasure:#}"
    );
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, before - own);
    assert_eq!(holding(&home.data_dir()), Vec::<String>::new());
    server.stop();
}

#[tokio::test]
async fn an_object_goes_with_what_names_it_and_a_cancel_stops_an_erasure_that_waits() {
    let server = TestServer::start();
    let event = |id: &str, object: &str, related: Value| {
        json!({"event_id": id, "event_time": "2025-03-01T10:00:00Z", "module": "m", "object_type": "order", "object_id": object, "related": related}).to_string()
    };
    for (id, object, related) in [
        ("1", "55", json!([])),
        ("2", "56", json!([{"type": "order", "id": "55", "role": "parent"}])),
        ("3", "555", json!([])),
    ] {
        server.append("default", "", event(id, object, related)).await.json(200);
    }
    let erasure = erase(&server, json!({"project": "default", "object": "order:55", "reason": "r"})).await;
    assert_eq!((&erasure["counts"]["rows"], &erasure["column"]), (&json!(2), &json!("object")));
    assert_eq!(server.rows("default", "SELECT event_id FROM events").await, [[json!("3")]]);
    // A hold that comes after an erasure was asked for makes it wait; who wants can stop it.
    let body = json!({"project": "default", "column": "object_id", "value": "555", "reason": "r"});
    call(&server, Method::POST, "/api/v1/holds", json!({"project": "default", "reason": "r", "object": "order:555"}))
        .await
        .json(201);
    call(&server, Method::POST, "/api/v1/erasures", body.clone()).await.problem(409, "legal_hold");
    let mut body = body;
    body["except_held"] = json!(true);
    let kept = erase(&server, body).await;
    assert_eq!((&kept["counts"]["rows"], &kept["proof"]["rows_left"]), (&json!(0), &json!(1)));
    let path = format!("/api/v1/erasures/{}", kept["id"].as_str().unwrap());
    send(server.request(Method::DELETE, &path)).await.problem(409, "erasure_ended");
    assert_eq!(get(&server, "/api/v1/erasures?project=default").await.as_array().unwrap().len(), 2);
    assert_eq!(server.metric("kronika_erased_events_total", "default").await, 2.0);
    server.stop();
}
