//! Senders that remember what was acknowledged, and the check that must hold after every crash: every
//! acknowledged event once and as it was sent, every other at most once, batches whole, in the order of a sender.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::common::TestServer;

/// Events of a batch.
pub(super) const BATCH: u64 = 20;
/// Of a sender between two batches.
const PAUSE: Duration = Duration::from_millis(15);
const FILLER: &str = "text text text text text text text text text text";

/// What was sent, by the first event of each batch: whether it was acknowledged.
#[derive(Default)]
pub(super) struct Sent {
    batches: Mutex<HashMap<u64, bool>>,
    next: AtomicU64,
}

impl Sent {
    pub(super) fn acknowledged(&self) -> u64 {
        self.batches.lock().unwrap().values().filter(|acked| **acked).count() as u64
    }
}

fn body(sender: u64, first: u64) -> String {
    let line = |n: u64| {
        let (day, module) = (1 + n % 3, n % 5);
        format!(
            "{{\"event_id\":\"{n}\",\"event_time\":\"2025-03-0{day}T08:00:00Z\",\"module\":\"m{module}\",\
             \"session_id\":\"s{sender}\",\"message\":\"{n} {FILLER}\"}}\n"
        )
    };
    (first..first + BATCH).map(line).collect()
}

/// Sends until the server is gone, or for `batches`.
async fn sender(url: String, key: String, sent: Arc<Sent>, sender: u64, batches: usize) {
    let http = reqwest::Client::new();
    for _ in 0..batches {
        let first = sent.next.fetch_add(BATCH, Ordering::Relaxed);
        sent.batches.lock().unwrap().insert(first, false);
        let request = http.post(format!("{url}/api/v1/events")).bearer_auth(&key);
        match request.header("content-type", "application/x-ndjson").body(body(sender, first)).send().await {
            Ok(answer) if answer.status() == 200 => {
                // Only a whole answer is one.
                if answer.bytes().await.is_ok() {
                    sent.batches.lock().unwrap().insert(first, true);
                }
                // A check reads all events, and a million at most.
                tokio::time::sleep(PAUSE).await;
            }
            Ok(answer) if [429, 503].contains(&answer.status().as_u16()) => {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(answer) => panic!("{}", answer.status()),
            Err(_) => return,
        }
    }
}

/// Starts `senders`; they end when the server is gone, or after `batches` each.
pub(super) fn send(server: &TestServer, sent: &Arc<Sent>, senders: u64, batches: usize) -> tokio::task::JoinSet<()> {
    let mut all = tokio::task::JoinSet::new();
    for number in 0..senders {
        all.spawn(sender(server.url.clone(), server.key.clone(), Arc::clone(sent), number, batches));
    }
    all
}

/// The check; returns the number of batches that are there.
pub(super) async fn check(server: &TestServer, sent: &Sent, when: &str) -> usize {
    let doubled = server.rows("default", "SELECT event_id FROM events GROUP BY event_id HAVING count(*) > 1").await;
    assert!(doubled.is_empty(), "{when}: doubled {doubled:?}");
    let changed = format!(
        "SELECT event_id FROM events WHERE session_id LIKE 's%' AND message IS DISTINCT FROM event_id || ' {FILLER}'"
    );
    let changed = server.rows("default", &changed).await;
    assert!(changed.is_empty(), "{when}: changed {changed:?}");
    let sql = "SELECT session_id, CAST(event_id AS BIGINT), _seq FROM events WHERE session_id LIKE 's%' ORDER BY session_id, _seq LIMIT 1000000";
    let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<u64>().unwrap();
    let (mut stored, mut last) = (HashMap::<u64, u64>::new(), HashMap::<String, u64>::new());
    for row in server.rows("default", sql).await {
        let event = number(&row[1]);
        *stored.entry(event / BATCH * BATCH).or_default() += 1;
        let before = last.insert(row[0].to_string(), event);
        assert!(before.is_none_or(|before| before < event), "{when}: {event} of {} behind {before:?}", row[0]);
    }
    assert!(stored.values().sum::<u64>() < 1_000_000, "{when}: more was sent than one answer holds");
    let batches = sent.batches.lock().unwrap();
    let lost: Vec<_> = batches.iter().filter(|(first, acked)| **acked && stored.get(first) != Some(&BATCH)).collect();
    assert!(lost.is_empty(), "{when}: acknowledged but not there: {lost:?}");
    let torn: Vec<_> = stored.iter().filter(|(_, count)| **count != BATCH).collect();
    assert!(torn.is_empty(), "{when}: half batches: {torn:?}");
    let strange: Vec<_> = stored.keys().filter(|first| !batches.contains_key(first)).collect();
    assert!(strange.is_empty(), "{when}: never sent: {strange:?}");
    stored.len()
}
