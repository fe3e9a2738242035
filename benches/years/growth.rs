//! A project that grows to years: what a start costs, and whether ingest feels how much lies there.

use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};

use crate::fill::{self, DAYS, FIRST_DAY};
use crate::load::{self, Sent, Server, Size};
use crate::{directory, median, number, option, round, say};

/// Without a schedule, so that the figures are of one thing; what was replaced goes at once.
pub(crate) const CONFIG: &str = "[compaction]\ninterval = \"0s\"\nkeep_replaced = \"0s\"\n[scrub]\ninterval = \"0s\"\n";
const ASKED: usize = 20;
const STARTS: usize = 5;

/// Fills the project to each size and measures it there.
pub(crate) async fn grow() {
    let dir = directory().join("growth");
    let sizes = option("sizes").unwrap_or_else(|| "1000000,10000000,50000000".into());
    let sizes: Vec<u64> = sizes.split(',').map(|size| size.parse().expect("--sizes are whole numbers")).collect();
    let mut before = 0;
    for (step, size) in sizes.into_iter().enumerate() {
        let server = Server::open(&dir, CONFIG, load::binary());
        server.ready_after().await;
        let stored = count(&server).await;
        assert!(stored == before || stored >= size, "{} has {stored} events: begin anew", dir.display());
        if stored < size {
            let journal = fill::generator(100 + step as u64, size - stored, FIRST_DAY, DAYS);
            let (sent, compacted) = fill::fill(&server, journal).await;
            let cpu = server.cpu_seconds();
            say(
                json!({"filled_to": size, "send_seconds": round(sent), "compact_seconds": round(compacted), "cpu_seconds": round(cpu)}),
            );
        }
        server.stop();
        // A project that has grown further on is measured once, at what it has.
        if stored <= size {
            measure(&dir, size).await;
        }
        before = size;
    }
}

async fn count(server: &Server) -> u64 {
    let answer = load::query(&reqwest::Client::new(), server, "SELECT count(*) FROM events").await;
    answer["rows"][0][0].as_str().and_then(|count| count.parse().ok()).expect("a number")
}

/// Starts, and questions to the last of them.
async fn measure(dir: &Path, size: u64) {
    let empty = starts(|| Server::start(CONFIG)).await;
    let full = starts(|| Server::open(dir, CONFIG, load::binary())).await;
    let server = Server::open(dir, CONFIG, load::binary());
    server.ready_after().await;
    let figures = server.figures().await;
    let of = |name: &str| figures.of(&format!("kronika_table_{name}{{project=\"default\"}}"));
    say(json!({
        "events": size, "stored": of("events"), "live_files": of("files"), "versions": of("version"), "table_bytes": of("bytes"),
        "disk_bytes": server.stored_bytes(), "bytes_per_event": round(of("bytes") / size as f64),
        "ready_ms": full.ready_ms, "ready_ms_empty": empty.ready_ms, "cpu_ms": full.cpu_ms, "cpu_ms_empty": empty.cpu_ms,
        "rss_mb": full.rss_mb, "rss_mb_empty": empty.rss_mb, "hwm_mb": full.hwm_mb, "hwm_mb_empty": empty.hwm_mb,
    }));
    ask(&server, size).await;
    server.stop();
}

/// Medians of some starts.
pub(crate) struct Starts {
    pub(crate) ready_ms: f64,
    pub(crate) cpu_ms: f64,
    pub(crate) rss_mb: f64,
    pub(crate) hwm_mb: f64,
}

pub(crate) async fn starts(start: impl Fn() -> Server) -> Starts {
    let mut all: [Vec<f64>; 4] = Default::default();
    for _ in 0..STARTS {
        let server = start();
        let ready = server.ready_after().await.as_secs_f64() * 1e3;
        let mega = |bytes: u64| bytes as f64 / f64::from(1 << 20);
        let seen = [ready, server.cpu_seconds() * 1e3, mega(server.rss_bytes()), mega(server.peak_rss_bytes())];
        for (values, value) in all.iter_mut().zip(seen) {
            values.push(value);
        }
        server.stop();
    }
    let [ready_ms, cpu_ms, rss_mb, hwm_mb] = all.map(|values| round(median(&values)));
    Starts { ready_ms, cpu_ms, rss_mb, hwm_mb }
}

async fn ask(server: &Server, size: u64) {
    let http = reqwest::Client::new();
    let some = "SELECT event_id FROM events WHERE date = '2026-10-20' AND module = 'payments' LIMIT 1";
    let some = load::query(&http, server, some).await;
    let id = some["rows"][0][0].as_str().expect("an event of that day");
    let list = "events?from=2026-10-01&to=2026-11-19";
    let sql = |sql: String| move || http_query(server, sql.clone());
    let get = |path: String| move || http_get(server, path.clone());
    timed(server, size, "SELECT count(*)", sql("SELECT count(*) FROM events".into())).await;
    timed(server, size, "needle by id, all columns", sql(format!("SELECT * FROM events WHERE event_id = '{id}'")))
        .await;
    timed(server, size, "event's detail", get(format!("events/{id}"))).await;
    timed(server, size, "list: first page", get(list.into())).await;
    timed(server, size, "list: first page, no total", get(format!("{list}&total=none"))).await;
}

async fn http_query(server: &Server, sql: String) -> Value {
    load::query(&reqwest::Client::new(), server, &sql).await
}

async fn http_get(server: &Server, path: String) -> Value {
    let request = reqwest::Client::new().get(format!("{}/api/v1/{path}", server.url)).bearer_auth(&server.key);
    let answer = request.send().await.expect("an answer");
    assert!(answer.status().is_success(), "{path}: {}", answer.status());
    answer.json().await.expect("JSON")
}

/// Asks once, which is told apart, and then again and again.
async fn timed<F: Future<Output = Value>>(server: &Server, size: u64, name: &str, ask: impl Fn() -> F) {
    let first = Instant::now();
    ask().await;
    let (first, cpu, began) = (first.elapsed(), server.cpu_seconds(), Instant::now());
    let mut taken = Vec::new();
    for _ in 0..ASKED {
        let asked = Instant::now();
        ask().await;
        taken.push(asked.elapsed());
    }
    let cpu_ms = (server.cpu_seconds() - cpu) * 1e3 / ASKED as f64;
    let taken = Sent::new(began.elapsed().as_secs_f64(), taken);
    say(json!({
        "events": size, "question": name, "first_ms": round(first.as_secs_f64() * 1e3), "p50_ms": round(taken.percentile_ms(0.5)),
        "p99_ms": round(taken.percentile_ms(0.99)), "cpu_ms": round(cpu_ms),
    }));
}

/// The same journals in turn into new projects and into the one that has grown, of one server.
pub(crate) async fn ingest() {
    let (events, rounds) = (number("events", 500_000), number("rounds", 6));
    let server = Server::open(&directory().join("growth"), CONFIG, load::binary());
    server.ready_after().await;
    say(
        json!({"stored": count(&server).await, "files": server.figures().await.of("kronika_table_files{project=\"default\"}")}),
    );
    let begun = chrono::Utc::now().timestamp().cast_unsigned();
    for (at, (name, first_day, days)) in [
        ("partitions of one new day", FIRST_DAY + 2 * DAYS.cast_signed(), 1),
        ("all thousand partitions", FIRST_DAY, DAYS),
    ]
    .into_iter()
    .enumerate()
    {
        let mut rates: [[Vec<f64>; 2]; 2] = Default::default();
        for round in 0..rounds {
            let seed = begun + (at as u64) * 1_000 + round;
            let journal = fill::interleaved(&fill::generator(seed, events, first_day, days));
            let empty = format!("empty-{seed}");
            create(&server, &empty).await;
            let mut turns = [(0, empty.as_str()), (1, "default")];
            if round % 2 == 1 {
                turns.reverse();
            }
            for (which, project) in turns {
                let rate = once(&server, name, project, &journal, events).await;
                rates[which][0].push(rate.0);
                rates[which][1].push(rate.1);
            }
        }
        let [empty, large] = rates.map(|both| both.map(|values| median(&values)));
        let change = |at: usize| round((large[at] / empty[at] - 1.0) * 100.0);
        say(json!({
            "ingest": name, "rounds": rounds, "events": events, "median_per_cpu_second": {"empty": empty[0] as u64, "large": large[0] as u64, "percent": change(0)},
            "median_per_second": {"empty": empty[1] as u64, "large": large[1] as u64, "percent": change(1)},
        }));
    }
    server.stop();
}

async fn create(server: &Server, name: &str) {
    let request = reqwest::Client::new().post(format!("{}/api/v1/projects", server.url)).bearer_auth(&server.key);
    let answer = request.json(&json!({"name": name})).send().await.expect("an answer");
    assert!(answer.status().is_success(), "{name}: {}", answer.status());
}

/// Events per CPU-second and per second until all of them are in the table.
async fn once(server: &Server, name: &str, project: &str, journal: &bytes::Bytes, events: u64) -> (f64, f64) {
    let (cpu, began) = (server.cpu_seconds(), Instant::now());
    let sent = load::send_to(server, project, load::bodies(journal, Size::Bytes(1_000_000)), 16).await;
    load::post_for(server, Some(project), "/api/v1/admin/flush").await;
    let (cpu, seconds) = (server.cpu_seconds() - cpu, began.elapsed().as_secs_f64());
    let rates = (events as f64 / cpu, events as f64 / seconds);
    say(json!({
        "ingest": name, "project": project, "cpu_seconds": round(cpu), "per_cpu_second": rates.0 as u64, "per_second": rates.1 as u64,
        "ack_p50_ms": round(sent.percentile_ms(0.5)), "ack_p99_ms": round(sent.percentile_ms(0.99)),
    }));
    rates
}
