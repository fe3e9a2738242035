//! The live tail under load: `cargo bench --bench tail [-- EVENTS_PER_SECOND]` (10,000 by default).
//!
//! For 20 seconds so many events a second come in, in bodies of 100, while 100 listeners are at the tail: all with the
//! same filter and few columns, each with a filter of its own, and all with all columns. Prints one JSON line for each:
//! events that are missing or came twice, the time from sending to arrival, CPU seconds of the server, how often a
//! listener fell behind.

#![expect(clippy::print_stdout, reason = "figures are for people")]

mod load;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures::StreamExt;
use load::Server;
use serde_json::json;
use tokio::sync::watch;
use tokio::task::JoinSet;

const LISTENERS: u64 = 100;
const RUN: Duration = Duration::from_secs(20);
const BODY: u64 = 100;
/// Of so many events one tells how long it took.
const SAMPLE: u64 = 101;

fn main() {
    let rate = load::number_argument(10_000);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    println!(
        "{}",
        json!({"events_per_second": rate, "listeners": LISTENERS, "seconds": RUN.as_secs(), "load": load::machine_load()})
    );
    for (name, query) in [
        ("same filter, three columns", "?fields=event_id,message,module"),
        ("a filter each", "?fields=event_id,message,module&actor_id=u{}"),
        ("same filter, all columns", "?"),
    ] {
        let server = Arc::new(Server::start(""));
        runtime.block_on(measure(name, query, &server, rate));
    }
}

async fn measure(name: &str, query: &str, server: &Arc<Server>, rate: u64) {
    let events = rate * RUN.as_secs() / BODY * BODY;
    let each = query.contains("{}");
    let (ready, mut listening) = watch::channel(0_u64);
    let ready = Arc::new(ready);
    let mut listeners = JoinSet::new();
    for number in 0..LISTENERS {
        let url = format!("{}/api/v1/tail{}", server.url, query.replace("{}", &number.to_string()));
        let wanted = if each { (0..events).filter(|event| event % LISTENERS == number).count() as u64 } else { events };
        let (key, ready) = (server.key.clone(), Arc::clone(&ready));
        listeners.spawn(async move { listen(&url, &key, events, wanted, &ready).await });
    }
    listening.wait_for(|count| *count == LISTENERS).await.expect("listeners");
    let cpu = server.cpu_seconds();
    let started = Instant::now();
    send(server, events, rate).await;
    let sent = started.elapsed();
    let (mut latencies, mut missing, mut twice, mut heard) = (Vec::new(), 0, 0, 0);
    while let Some(done) = listeners.join_next().await {
        let done = done.expect("a listener");
        latencies.extend(done.latencies);
        (missing, twice, heard) = (missing + done.missing, twice + done.twice, heard + done.heard);
    }
    let cpu = server.cpu_seconds() - cpu;
    latencies.sort_by(f64::total_cmp);
    let at =
        |share: f64| latencies.get(((latencies.len().max(1) - 1) as f64 * share) as usize).map(|took| took / 1_000.0);
    let metrics =
        reqwest::get(format!("{}/metrics", server.url)).await.expect("figures").text().await.expect("figures");
    let behind = metrics.lines().find(|line| line.starts_with("kronika_tail_behind_total{"));
    println!(
        "{}",
        json!({
            "run": name, "events": events, "sent_in_seconds": sent.as_secs_f64(), "heard": heard, "missing": missing, "twice": twice,
            "p50_ms": at(0.5), "p99_ms": at(0.99), "max_ms": at(1.0), "server_cpu_seconds": cpu,
            "cpu_of_two_cores": cpu / sent.as_secs_f64() / 2.0, "behind": behind.and_then(|line| line.rsplit(' ').next()),
            "peak_rss_mb": server.peak_rss_bytes() >> 20, "load": load::machine_load(),
        })
    );
}

fn now_us() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// Sends bodies at an even rate, from as many clients as that takes.
async fn send(server: &Arc<Server>, events: u64, rate: u64) {
    let started = Instant::now();
    let http = reqwest::Client::builder().http1_only().build().expect("a client");
    let mut sending = JoinSet::new();
    for from in (0..events).step_by(BODY as usize) {
        tokio::time::sleep_until((started + Duration::from_secs_f64(from as f64 / rate as f64)).into()).await;
        let (http, server) = (http.clone(), Arc::clone(server));
        sending.spawn(async move {
            let body: String = (from..from + BODY).map(line).collect();
            let request = http.post(format!("{}/api/v1/events", server.url)).bearer_auth(&server.key);
            let answer =
                request.header("content-type", "application/x-ndjson").body(body).send().await.expect("an answer");
            assert!(answer.status().is_success(), "{}", answer.status());
        });
        while sending.try_join_next().is_some() {}
    }
    while sending.join_next().await.is_some() {}
}

fn line(event: u64) -> String {
    let module = ["orders", "payments", "couriers", "users"][(event % 4) as usize];
    format!(
        "{{\"event_id\":\"e-{event}\",\"module\":\"{module}\",\"event_type\":\"{module}.changed\",\"action\":\"update\",\"tenant_id\":\"shop\",\
         \"source\":\"bench\",\"actor_id\":\"u{}\",\"object_type\":\"order\",\"object_id\":\"{event}\",\"outcome\":\"success\",\
         \"message\":\"t={}\",\"duration_ns\":1200000,\"http_status\":200,\"url\":\"/api/orders/{event}\",\"cart\":{{\"value\":12.5,\"items\":3}}}}\n",
        event % LISTENERS,
        now_us()
    )
}

struct Heard {
    heard: u64,
    missing: u64,
    twice: u64,
    latencies: Vec<f64>,
}

/// Listens until everything wanted has come.
async fn listen(url: &str, key: &str, events: u64, wanted: u64, ready: &watch::Sender<u64>) -> Heard {
    let http = reqwest::Client::builder().http1_only().build().expect("a client");
    let response = http.get(url).bearer_auth(key).send().await.expect("an answer");
    assert!(response.status().is_success(), "{}", response.status());
    let mut body = response.bytes_stream();
    let mut seen = vec![0_u64; events as usize / 64 + 1];
    let mut done = Heard { heard: 0, missing: wanted, twice: 0, latencies: Vec::new() };
    let id = memchr::memmem::Finder::new(b"\"event_id\":\"e-");
    let time = memchr::memmem::Finder::new(b"\"message\":\"t=");
    let mut rest: Vec<u8> = Vec::new();
    let mut hello = false;
    let until = Instant::now() + RUN * 6;
    while done.missing > 0 {
        let piece = match tokio::time::timeout_at(until.into(), body.next()).await {
            Ok(Some(Ok(piece))) => piece,
            _ => break,
        };
        if !hello {
            hello = true;
            ready.send_modify(|count| *count += 1);
        }
        rest.extend_from_slice(&piece);
        let whole = memchr::memmem::rfind(&rest, b"\n\n").map_or(0, |at| at + 2);
        let now = now_us();
        for at in id.find_iter(&rest[..whole]) {
            let number = digits(&rest[at + id.needle().len()..]);
            let (word, bit) = (number as usize / 64, 1_u64 << (number % 64));
            done.heard += 1;
            if seen[word] & bit != 0 {
                done.twice += 1;
                continue;
            }
            seen[word] |= bit;
            done.missing -= 1;
            if number.is_multiple_of(SAMPLE)
                && let Some(from) = time.find(&rest[at..whole])
            {
                done.latencies.push(now.saturating_sub(digits(&rest[at + from + time.needle().len()..])) as f64);
            }
        }
        rest.drain(..whole);
    }
    done.latencies.sort_by(f64::total_cmp);
    done
}

fn digits(bytes: &[u8]) -> u64 {
    bytes.iter().take_while(|byte| byte.is_ascii_digit()).fold(0, |number, byte| number * 10 + u64::from(byte - b'0'))
}
