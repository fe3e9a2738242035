//! Everybody at once: `cargo bench --bench mixed [-- EVENTS]` (2,000,000 stored events by default).
//!
//! For 30 seconds 50 dashboards refresh a named query each second, one analyst scans everything again and again,
//! and 30,000 events a second come in, in bodies of 100. Each has a key of its own. Prints one JSON line for each of
//! them alone and one for each beside the others: how often, p50 and p99.

#![expect(clippy::print_stdout, reason = "figures are for people")]

mod load;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use load::{Sent, Server};
use serde_json::json;
use tokio::task::JoinSet;

const DASHBOARDS: u64 = 50;
const EVENTS_PER_SECOND: u64 = 30_000;
const BODY: usize = 100;
const SENDERS: u64 = 8;
const RUN: Duration = Duration::from_secs(30);
/// What dashboards show; the whole month, so that there is something to compute.
const TILES: [&str; 5] = ["errors_by_module", "events_per_hour", "modules_overview", "top_actors", "slowest_calls"];
const RANGE: &str = "from=2026-10-01&to=2026-11-01";
const SCAN: &str = "SELECT module, count(*), max(length(raw)), count(DISTINCT actor_id) FROM events \
                    WHERE url LIKE '%a%' OR message LIKE '%e%' GROUP BY module";

fn main() {
    let stored = load::number_argument(2_000_000);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let server = Arc::new(Server::start(""));
    runtime.block_on(load::send(&server, load::bodies(&load::journal(stored), load::Size::Bytes(1_000_000)), 4));
    runtime.block_on(load::post(&server, "/api/v1/admin/flush"));
    let bodies: Arc<[Bytes]> = load::bodies(&load::journal(1_000_000), load::Size::Events(BODY)).into();
    println!("{}", json!({"stored_events": stored, "seconds": RUN.as_secs(), "load": load::machine_load()}));
    let parts: [(&str, bool, bool, bool); 4] = [
        ("ingest alone", true, false, false),
        ("dashboards alone", false, true, false),
        ("analyst alone", false, false, true),
        ("all together", true, true, true),
    ];
    for (name, ingest, dashboards, analyst) in parts {
        let cpu = server.cpu_seconds();
        runtime.block_on(async {
            let until = Instant::now() + RUN;
            let ingesting = ingest.then(|| run(ingesting(&server, &bodies, until)));
            let showing = dashboards.then(|| run(refreshing(&server, until)));
            let scanning = analyst.then(|| run(scanning(&server, until)));
            for (who, work) in [("ingest", ingesting), ("dashboards", showing), ("analyst", scanning)] {
                if let Some(mut work) = work {
                    report(name, who, &work.join_next().await.expect("one task").expect("no panic"));
                }
            }
        });
        let cpu = server.cpu_seconds() - cpu;
        println!("{}", json!({"run": name, "server_cpu_seconds": cpu.round(), "load": load::machine_load()}));
    }
}

fn run(work: impl Future<Output = Sent> + Send + 'static) -> JoinSet<Sent> {
    let mut set = JoinSet::new();
    set.spawn(work);
    set
}

fn report(run: &str, who: &str, sent: &Sent) {
    let [p50, p99] = [0.5, 0.99].map(|share| sent.percentile_ms(share).round());
    let rate = (sent.count() as f64 / sent.seconds * 10.0).round() / 10.0;
    println!(
        "{}",
        json!({"run": run, "who": who, "answers": sent.count(), "per_second": rate, "p50_ms": p50, "p99_ms": p99})
    );
}

/// A key of its own.
async fn key(server: &Server, scope: &str) -> String {
    let request = reqwest::Client::new().post(format!("{}/api/v1/keys", server.url)).bearer_auth(&server.key);
    let new = json!({"name": scope, "scopes": [scope], "project": "default"});
    let answer = request.json(&new).send().await.expect("an answer");
    let answer: serde_json::Value = answer.json().await.expect("JSON");
    answer["secret"].as_str().expect("a secret").to_owned()
}

/// Calls `once` every `pause`, or as soon as it is done, until the end; how long each call took.
async fn paced<F: Future<Output = Duration>>(
    until: Instant,
    pause: Duration,
    mut once: impl FnMut(u64) -> F,
) -> Vec<Duration> {
    let mut tick = tokio::time::interval(pause);
    tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut latencies, mut count) = (Vec::new(), 0);
    while Instant::now() < until {
        tick.tick().await;
        latencies.push(once(count).await);
        count += 1;
    }
    latencies
}

async fn all(started: Instant, mut set: JoinSet<Vec<Duration>>) -> Sent {
    let mut latencies = Vec::new();
    while let Some(done) = set.join_next().await {
        latencies.extend(done.expect("no panic"));
    }
    Sent::new(started.elapsed().as_secs_f64(), latencies)
}

fn ingesting(server: &Arc<Server>, bodies: &Arc<[Bytes]>, until: Instant) -> impl Future<Output = Sent> + use<> {
    let (server, bodies) = (Arc::clone(server), Arc::clone(bodies));
    async move {
        let (key, started) = (key(&server, "ingest").await, Instant::now());
        let mut set = JoinSet::new();
        let pause = Duration::from_secs_f64(SENDERS as f64 * BODY as f64 / EVENTS_PER_SECOND as f64);
        for sender in 0..SENDERS {
            let (bodies, key) = (Arc::clone(&bodies), key.clone());
            let url = format!("{}/api/v1/events?mapping=kronika-bench", server.url);
            set.spawn(async move {
                let http = reqwest::Client::builder().http1_only().build().expect("a client");
                paced(until, pause, |count| {
                    let body = bodies[((count * SENDERS + sender) % bodies.len() as u64) as usize].clone();
                    let (http, url, key) = (http.clone(), url.clone(), key.clone());
                    async move { load::send_one(&http, &url, &key, &body).await }
                })
                .await
            });
        }
        all(started, set).await
    }
}

fn refreshing(server: &Arc<Server>, until: Instant) -> impl Future<Output = Sent> + use<> {
    let server = Arc::clone(server);
    async move {
        let (key, started) = (key(&server, "query").await, Instant::now());
        let mut set = JoinSet::new();
        for dashboard in 0..DASHBOARDS {
            let tile = TILES[(dashboard % TILES.len() as u64) as usize];
            let (url, key) = (format!("{}/api/v1/queries/{tile}?{RANGE}", server.url), key.clone());
            set.spawn(async move {
                let http = reqwest::Client::builder().http1_only().build().expect("a client");
                paced(until, Duration::from_secs(1), |_| ask(http.get(&url).bearer_auth(&key))).await
            });
        }
        all(started, set).await
    }
}

fn scanning(server: &Arc<Server>, until: Instant) -> impl Future<Output = Sent> + use<> {
    let server = Arc::clone(server);
    async move {
        let (key, started) = (key(&server, "query").await, Instant::now());
        let http = reqwest::Client::new();
        let ask = |_| {
            let request = http.post(format!("{}/api/v1/query", server.url)).bearer_auth(&key);
            ask(request.json(&json!({"sql": SCAN})))
        };
        let latencies = paced(until, Duration::from_millis(1), ask).await;
        Sent::new(started.elapsed().as_secs_f64(), latencies)
    }
}

async fn ask(request: reqwest::RequestBuilder) -> Duration {
    let started = Instant::now();
    let answer = request.send().await.expect("an answer");
    let status = answer.status();
    let body = answer.bytes().await.expect("a whole answer");
    assert!(status.is_success(), "{status}: {}", String::from_utf8_lossy(&body));
    started.elapsed()
}
