//! Exports of a large journal: `cargo bench --bench exports [-- EVENTS]` (1,000,000 by default; 10,000,000 is meant).
//!
//! Loads generated events, compacts, then exports all of them in several formats: once undisturbed, once killed (kill -9)
//! near the middle and gone on with by a new process. Prints a JSON line for each: rows per second, the server's memory
//! at rest and at its peak, the size of the file, and whether both files have one SHA-256. `KRONIKA_BENCH_FORMATS` names
//! the formats, separated by commas.

#![expect(clippy::print_stdout, reason = "figures are for people")]

mod load;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

const FORMATS: &str = "parquet,ndjson,csv-safe,arrow";
const COLUMNS: [&str; 14] = [
    "event_id",
    "event_time",
    "tenant_id",
    "source",
    "dataset",
    "module",
    "event_type",
    "action",
    "message",
    "outcome",
    "actor_id",
    "object_type",
    "object_id",
    "http_status",
];

fn main() {
    let events = load::number_argument(1_000_000);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let mut server = load::Server::start("");
    let seconds = runtime.block_on(load::fill(&server, events));
    println!("{}", json!({"events": events, "load_seconds": seconds, "load": load::machine_load()}));
    let formats = std::env::var("KRONIKA_BENCH_FORMATS").unwrap_or_else(|_| FORMATS.to_owned());
    for format in formats.split(',') {
        // All columns where that is what a format is for; else those that a person reads.
        let columns = (format == "csv-safe" || format == "ndjson").then_some(COLUMNS);
        let new = json!({"filter": {"dataset!": ["exports"]}, "format": format, "columns": columns});
        // A process of its own, so that its peak is that of the export.
        server = server.kill_and_restart();
        let rest = server.rss_bytes();
        let began = Instant::now();
        let (id, whole) = runtime.block_on(async {
            let id = create(&server, &new).await;
            let export = wait(&server, &id, |_| false).await;
            (id, export)
        });
        let seconds = began.elapsed().as_secs_f64();
        let peak = server.peak_rss_bytes();
        runtime.block_on(remove(&server, &id));
        let id = runtime.block_on(create(&server, &new));
        let half = runtime.block_on(wait(&server, &id, |export| export["progress"]["fraction"].as_f64() > Some(0.4)));
        server = server.kill_and_restart();
        let began = Instant::now();
        let resumed = runtime.block_on(wait(&server, &id, |_| false));
        let equal = whole["file"]["sha256"] == resumed["file"]["sha256"] && whole["file"]["sha256"].is_string();
        runtime.block_on(remove(&server, &id));
        println!(
            "{}",
            json!({
                "format": format, "columns": columns.map_or(0, |columns| columns.len()), "rows": whole["progress"]["rows"],
                "seconds": round(seconds), "rows_per_second": (events as f64 / seconds) as u64, "file_bytes": whole["file"]["size"],
                "rest_rss_mb": rest >> 20, "peak_rss_mb": peak >> 20, "peak_rss_mb_after_resume": server.peak_rss_bytes() >> 20,
                "killed_at_rows": half["progress"]["rows"], "was_running": half["status"] == "in_progress",
                "seconds_after_restart": round(began.elapsed().as_secs_f64()), "same_sha256": equal, "load": load::machine_load(),
            })
        );
        assert!(equal, "{whole:#} {resumed:#}");
    }
}

async fn create(server: &load::Server, new: &Value) -> String {
    let request = reqwest::Client::new().post(format!("{}/api/v1/exports", server.url)).bearer_auth(&server.key);
    let answer = request.json(new).send().await.expect("an answer");
    let body: Value = answer.json().await.expect("JSON");
    body["id"].as_str().unwrap_or_else(|| panic!("{body}")).to_owned()
}

async fn remove(server: &load::Server, id: &str) {
    let request = reqwest::Client::new().delete(format!("{}/api/v1/exports/{id}", server.url)).bearer_auth(&server.key);
    assert!(request.send().await.expect("an answer").status().is_success());
}

/// Waits until the export has ended, or is as wanted.
async fn wait(server: &load::Server, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let http = reqwest::Client::new();
    loop {
        let request = http.get(format!("{}/api/v1/exports/{id}", server.url)).bearer_auth(&server.key);
        let export: Value = request.send().await.expect("an answer").json().await.expect("JSON");
        match export["status"].as_str() {
            Some("done") => return export,
            Some("enqueued" | "in_progress") if wanted(&export) => return export,
            Some("enqueued" | "in_progress") => tokio::time::sleep(Duration::from_millis(50)).await,
            _ => panic!("{export:#}"),
        }
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
