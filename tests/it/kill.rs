//! kill -9 at any moment: every acknowledged event is there exactly once.
//!
//! `KRONIKA_KILL_CYCLES` sets how many kills (10 by default). The server flushes every second and
//! compacts every three; eight clients send until it dies and note what was acknowledged.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::common::{Home, TestServer};
use super::ledger::{closed, ledger};

const CLIENTS: u64 = 8;
const CONFIG: &str =
    "[flush]\ninterval = \"1s\"\n[compaction]\ninterval = \"3s\"\nfiles_min = 2\nkeep_replaced = \"5s\"\n";

#[derive(Default)]
struct Sent {
    /// Batches by number of their first event: whether they were acknowledged.
    batches: Mutex<HashMap<u64, bool>>,
    next: AtomicU64,
}

const BATCH: u64 = 50;
/// Of a client between two batches.
const PAUSE: Duration = Duration::from_millis(20);

fn body(first: u64) -> String {
    (first..first + BATCH)
        .map(|n| {
            let (day, module) = (1 + n % 3, n % 7);
            format!(
                "{{\"event_id\":\"{n}\",\"event_time\":\"2025-03-0{day}T08:00:00Z\",\"module\":\"m{module}\",\"message\":\"{}\"}}\n",
                "text ".repeat(20)
            )
        })
        .collect()
}

async fn client(url: String, key: String, sent: Arc<Sent>) {
    let http = reqwest::Client::new();
    loop {
        let first = sent.next.fetch_add(BATCH, Ordering::Relaxed);
        sent.batches.lock().unwrap().insert(first, false);
        let request = http.post(format!("{url}/api/v1/events")).bearer_auth(&key);
        match request.header("content-type", "application/x-ndjson").body(body(first)).send().await {
            Ok(answer) if answer.status() == 200 => {
                // Only a whole answer is one.
                if answer.bytes().await.is_ok() {
                    sent.batches.lock().unwrap().insert(first, true);
                }
                // Each check reads all events: what a fast build could take in hundreds of cycles would be too many.
                tokio::time::sleep(PAUSE).await;
            }
            Ok(answer) if answer.status() == 429 => tokio::time::sleep(Duration::from_millis(50)).await,
            Ok(answer) => panic!("{}", answer.status()),
            Err(_) => return,
        }
    }
}

/// What the server was doing when it was killed, by its own log.
fn phases(log: &[String]) -> HashSet<&'static str> {
    let mut open: HashSet<&'static str> = HashSet::new();
    for line in log {
        for phase in ["flush", "commit", "compaction"] {
            if line.contains(&format!("{phase} begins")) {
                open.insert(phase);
            } else if line.contains(&format!("{phase} ends")) {
                open.remove(phase);
            }
        }
    }
    open
}

/// Every acknowledged event once, every other at most once, and a batch whole or not at all.
async fn check(server: &TestServer, sent: &Sent, cycle: usize) -> u64 {
    let doubled = server.rows("default", "SELECT event_id FROM events GROUP BY event_id HAVING count(*) > 1").await;
    assert!(doubled.is_empty(), "cycle {cycle}: doubled {doubled:?}");
    let sql = "SELECT CAST(event_id AS BIGINT) / 50 AS batch, count(*) FROM events GROUP BY 1";
    let rows = server.rows("default", sql).await;
    let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let stored: HashMap<u64, u64> = rows.iter().map(|row| (number(&row[0]) * BATCH, number(&row[1]))).collect();
    closes(server, &stored, &format!("cycle {cycle}")).await;
    let batches = sent.batches.lock().unwrap();
    let lost: Vec<_> = batches.iter().filter(|(first, acked)| **acked && stored.get(first) != Some(&BATCH)).collect();
    assert!(lost.is_empty(), "cycle {cycle}: acknowledged but not there: {lost:?}");
    let torn: Vec<_> = stored.iter().filter(|(_, count)| **count != BATCH).collect();
    assert!(torn.is_empty(), "cycle {cycle}: half batches: {torn:?}");
    batches.values().filter(|acked| **acked).count() as u64
}

/// The ledger has counted what is there, each batch once.
async fn closes(server: &TestServer, stored: &HashMap<u64, u64>, when: &str) {
    let answer = ledger(server, "default", "").await;
    let [_, accepted, ..] = closed(&answer, when);
    assert_eq!(accepted, i64::try_from(stored.values().sum::<u64>()).unwrap(), "{when}: {answer}");
}

/// Looks at the ledger until the server dies: its sums close at any moment. How often they were looked at.
async fn watch(url: String, key: String) -> u64 {
    let (http, mut looks) = (reqwest::Client::new(), 0);
    loop {
        let Ok(answer) = http.get(format!("{url}/api/v1/ingest/ledger")).bearer_auth(&key).send().await else {
            return looks;
        };
        let Ok(text) = answer.text().await else { return looks };
        closed(&serde_json::from_str(&text).unwrap(), "while it is sent to");
        looks += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledged_events_survive_kills_exactly_once() {
    let cycles: usize = std::env::var("KRONIKA_KILL_CYCLES").ok().map_or(10, |text| text.parse().unwrap());
    let home = Home::with_env(CONFIG, &[("RUST_LOG", "warn,kronika::phase=debug")]);
    let sent = Arc::new(Sent::default());
    let mut server = TestServer::start_in(&home);
    let mut hits: HashMap<&'static str, u64> = HashMap::new();
    let (mut acked, mut looks) = (0, 0);
    for cycle in 0..cycles {
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..CLIENTS {
            clients.spawn(client(server.url.clone(), server.key.clone(), Arc::clone(&sent)));
        }
        let watching = tokio::task::JoinSet::from_iter([watch(server.url.clone(), server.key.clone())]);
        // Spread over the second between two flushes, and over the three between compactions.
        let wait = 900 + (cycle as u64 * 613) % 2_600;
        tokio::time::sleep(Duration::from_millis(wait)).await;
        let log = server.log_handle();
        server.kill();
        let within = phases(&log.lock().unwrap());
        for phase in &within {
            *hits.entry(phase).or_insert(0) += 1;
        }
        if !within.is_empty() {
            *hits.entry("any of them").or_insert(0) += 1;
        }
        clients.join_all().await;
        looks += watching.join_all().await.iter().sum::<u64>();
        server = TestServer::start_in(&home);
        acked = check(&server, &sent, cycle).await;
    }
    server.flush().await;
    server.compact().await;
    check(&server, &sent, cycles).await;
    server.stop();
    let events = acked * BATCH;
    println!("{cycles} kills, {events} acknowledged events, 0 lost, 0 doubled; killed within: {hits:?}");
    println!("the ledger closed {looks} times while events came in");
    assert!(acked > 0 && looks > 0);
}
