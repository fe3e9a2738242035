//! The object store (seaweedfs on loopback) killed and away for an hour while events come: how many are taken in, what is
//! answered meanwhile, and whether all of them are there once it is back.

use std::time::{Duration, Instant};

use bytes::Bytes;
use serde_json::{Value, json};

use crate::load::{self, Sent, Server, Size};
use crate::store::{self, Store};
use crate::{fill, number, round, say};

const BODY_EVENTS: usize = 100;
/// Asked each minute: from the log's figures alone, from files, and from files unless they are away.
const COUNT: &str = "SELECT count(*) FROM events";
const SCAN: &str = "SELECT count(DISTINCT message) FROM events";
const PROOF: &str = "SELECT count(*), count(DISTINCT event_id), count(DISTINCT _seq) FROM events";

/// Sends bodies at a pace, and keeps count.
struct Sender<'a> {
    server: &'a Server,
    http: reqwest::Client,
    bodies: std::vec::IntoIter<Bytes>,
    acknowledged: u64,
    refused: u64,
}

impl Sender<'_> {
    /// One minute of bodies, each `pause` after the one before; the acknowledgements' latencies.
    async fn minute(&mut self, pause: Duration) -> Sent {
        let (began, mut acks) = (Instant::now(), Vec::new());
        let mut tick = tokio::time::interval(pause);
        while began.elapsed() < Duration::from_secs(60) {
            tick.tick().await;
            let body = self.bodies.next().expect("as many bodies as minutes need");
            let sent = Instant::now();
            if self.send(body).await {
                acks.push(sent.elapsed());
            }
        }
        Sent::new(60.0, acks)
    }

    /// Whether a body was acknowledged; one that was refused is not sent again.
    async fn send(&mut self, body: Bytes) -> bool {
        let url = format!("{}/api/v1/events?mapping=kronika-bench", self.server.url);
        let request = self.http.post(url).bearer_auth(&self.server.key).header("content-type", "application/x-ndjson");
        let answer = request.body(body).send().await.expect("an answer");
        match answer.status().as_u16() {
            200 => self.acknowledged += BODY_EVENTS as u64,
            429 => self.refused += BODY_EVENTS as u64,
            status => panic!("{status}: {:?}", answer.text().await),
        }
        answer.status() == 200
    }

    async fn asked(&self, sql: &str, partial: bool) -> Value {
        let request = self.http.post(format!("{}/api/v1/query", self.server.url)).bearer_auth(&self.server.key);
        let asked = Instant::now();
        let answer = request.json(&json!({"sql": sql, "partial": partial})).send().await.expect("an answer");
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.expect("JSON");
        let rows_missing = &body["stats"]["rows_missing"];
        json!({"status": status, "code": body["code"], "rows": body["rows"], "rows_missing": rows_missing, "seconds": round(asked.elapsed().as_secs_f64())})
    }

    async fn say_minute(&self, minute: u64, acks: &Sent) {
        let figures = self.server.figures().await;
        let of_acks = |share| (acks.count() > 0).then(|| round(acks.percentile_ms(share)));
        say(json!({
            "minute": minute, "acknowledged": self.acknowledged, "refused": self.refused, "ack_p50_ms": of_acks(0.5), "ack_p99_ms": of_acks(0.99),
            "away_seconds": figures.of("kronika_store_away_seconds"), "hot_events": figures.of("kronika_hot_events{project=\"default\"}"),
            "wal_used_mb": (figures.of("kronika_wal_used_bytes") / 1e6).round(), "rss_mb": self.server.rss_bytes() >> 20,
            "count": self.asked(COUNT, false).await, "scan": self.asked(SCAN, false).await, "partial": self.asked(SCAN, true).await,
        }));
    }
}

/// The run.
pub(crate) async fn run() {
    let (minutes, rate, stored) = (number("minutes", 60), number("rate", 400), number("events", 200_000));
    let home = tempfile::tempdir().expect("a directory");
    let Some(mut store) = Store::start(home.path()) else { return };
    let server = Server::open(home.path(), &store::settings(), load::binary());
    server.ready_after().await;
    fill::fill(&server, load::generator(stored)).await;
    let journal = fill::in_order(&fill::generator(7, (minutes + 2) * 60 * rate, fill::FIRST_DAY, 1));
    let bodies = load::bodies(&journal, Size::Events(BODY_EVENTS)).into_iter();
    let mut sender = Sender { server: &server, http: reqwest::Client::new(), bodies, acknowledged: 0, refused: 0 };
    let pause = Duration::from_secs_f64(BODY_EVENTS as f64 / rate as f64);
    store.kill();
    for minute in 1..=minutes {
        let acks = sender.minute(pause).await;
        sender.say_minute(minute, &acks).await;
    }
    store.resume();
    let back = Instant::now();
    while server.figures().await.of("kronika_hot_events{project=\"default\"}") > 0.0 {
        assert!(back.elapsed() < Duration::from_secs(600), "not flushed ten minutes after the store is back");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let flushed = back.elapsed().as_secs_f64();
    let last = sender.bodies.next().expect("a further body");
    assert!(sender.send(last).await, "events are taken in again");
    let wanted = stored + sender.acknowledged;
    let before = sender.asked(PROOF, false).await;
    let Sender { http, acknowledged, refused, .. } = sender;
    say(
        json!({"minutes": minutes, "flushed_seconds": round(flushed), "acknowledged": acknowledged, "refused": refused, "stored_and_acknowledged": wanted, "found": before}),
    );
    let server = server.kill_and_restart();
    server.ready_after().await;
    let found = load::query(&http, &server, PROOF).await;
    let all = wanted.to_string();
    assert_eq!(found["rows"], json!([[all, all, all]]), "after a kill");
    say(json!({"after a kill": found["rows"]}));
}
