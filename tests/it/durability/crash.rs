//! The process ends at each of the places where an end could hurt (`kronika::failpoint`), under load; after the
//! restart the check of `load` holds, and `kronika verify --deep` finds nothing.
//!
//! `KRONIKA_CRASH=all` runs every point; without it a few.

use std::sync::Arc;
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;

use super::{assert_sound, load};
use crate::common::{Home, TestServer, send};

const CONFIG: &str = "[flush]\ninterval = \"150ms\"\n[compaction]\ninterval = \"400ms\"\nfiles_min = 2\nkeep_replaced = \"0s\"\n\
    [wal]\nsegment_size = \"64KiB\"\nsize_max = \"6MiB\"\n[ingest]\nbody_max = \"128KiB\"\nline_max = \"64KiB\"\n";
/// A checkpoint comes every hundred commits.
const BUSY: &str = "[flush]\ninterval = \"10ms\"\n[wal]\nsegment_size = \"64KiB\"\nsize_max = \"6MiB\"\n[ingest]\nbody_max = \"128KiB\"\nline_max = \"64KiB\"\n";

/// Every point, at which of its calls the process ends.
const CRASHES: &[(&str, u32)] = &[
    ("wal.write", 40),
    ("wal.written", 40),
    ("wal.synced", 40),
    ("wal.prepare", 5),
    ("wal.renamed", 5),
    ("wal.retire", 3),
    ("wal.retired", 3),
    ("publish.visible", 40),
    ("ingest.answer", 40),
    ("flush.begin", 4),
    ("disk.write", 12),
    ("disk.sync", 13),
    ("table.upload", 9),
    ("table.uploaded", 3),
    ("table.commit", 5),
    ("table.committed", 5),
    ("table.published", 4),
    ("flush.ids", 3),
    ("flush.forget", 4),
    ("table.checkpoint", 1),
    ("table.checkpointed", 1),
    ("compact.read", 1),
    ("compact.written", 1),
    ("compact.committed", 1),
    ("vacuum.delete", 3),
    ("state.write", 20),
    ("state.written", 20),
    ("export.write", 1),
    ("export.written", 1),
];

/// Those of every run.
const FEW: [&str; 9] = [
    "wal.written",
    "wal.renamed",
    "publish.visible",
    "disk.write",
    "table.uploaded",
    "table.committed",
    "flush.ids",
    "compact.committed",
    "state.written",
];

/// Sets off what only an operator or a reader does, until the server is gone.
async fn operate(url: String, key: String) {
    let http = reqwest::Client::new();
    for round in 0..1_000 {
        let post = |path: &str| http.post(format!("{url}{path}")).bearer_auth(&key);
        let new = json!({"name": format!("key {round}"), "scopes": ["ingest"]});
        let made = post("/api/v1/keys").json(&new).send().await;
        let asked = post("/api/v1/exports").json(&json!({"filter": {}, "format": "ndjson"})).send().await;
        if made.is_err() || asked.is_err() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
}

async fn crash_at(point: &'static str, call: u32) {
    let config = if point.starts_with("table.checkpoint") { BUSY } else { CONFIG };
    let armed = format!("{point}=abort@{call}");
    let home = Home::with_env(config, &[(kronika::failpoint::VARIABLE, &armed)]);
    let mut server = TestServer::start_in(&home);
    let sent = Arc::new(load::Sent::default());
    let mut senders = load::send(&server, &sent, if config == BUSY { 1 } else { 4 }, usize::MAX);
    senders.spawn(operate(server.url.clone(), server.key.clone()));
    let began = Instant::now();
    while server.is_alive() {
        assert!(began.elapsed() < Duration::from_secs(60), "{armed}: the point was not reached");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    drop(server);
    senders.join_all().await;
    let acknowledged = sent.acknowledged();

    let home = home.again(config, &[]);
    let server = TestServer::start_in(&home);
    let stored = load::check(&server, &sent, &armed).await;
    // It goes on, and what is stored stays so through flush, compaction and another start.
    load::send(&server, &sent, 2, 3).join_all().await;
    server.flush().await;
    server.compact().await;
    assert!(load::check(&server, &sent, &armed).await >= stored);
    send(server.request(Method::GET, "/api/v1/keys")).await.json(200);
    let home = server.stop();
    assert_sound(&home, &armed);
    println!("{armed}: {acknowledged} batches acknowledged, {stored} there");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_end_at_any_point_loses_and_doubles_nothing() {
    let all = std::env::var("KRONIKA_CRASH").as_deref() == Ok("all");
    let chosen = CRASHES.iter().copied().filter(|(point, _)| all || FEW.contains(point));
    // Two at a time: the one waits for its disk while the other computes.
    let chosen: Vec<_> = chosen.collect();
    for pair in chosen.chunks(2) {
        let mut running = tokio::task::JoinSet::new();
        pair.iter().for_each(|(point, call)| drop(running.spawn(crash_at(point, *call))));
        while let Some(done) = running.join_next().await {
            done.unwrap();
        }
    }
}

#[test]
fn every_point_has_its_crash() {
    let crashed: Vec<&str> = CRASHES.iter().map(|(point, _)| *point).collect();
    assert_eq!(crashed, kronika::failpoint::POINTS);
}

#[test]
fn a_point_that_does_not_exist_is_refused_at_the_start() {
    let home = Home::with_env("", &[(kronika::failpoint::VARIABLE, "no.such=abort")]);
    let output = home.command(&[]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("no.such") && said.contains("table.committed"), "{said}");
}
