//! The whole server under load: `cargo bench --bench server [-- EVENTS]` (1,000,000 by default).
//!
//! Sends generated events over loopback through the mapping `kronika-bench`, from 16 clients, once in
//! bodies of 100 events and once in bodies of 1 MB; every body waits for its durable answer. Prints
//! one JSON line for each: events per second and per CPU-second of the server (flushes included),
//! the answers' latency, the server's peak memory, bytes stored per event after compaction.

#![expect(clippy::print_stdout, reason = "figures are for people")]

mod load;

use serde_json::json;

fn main() {
    let events = load::number_argument(1_000_000);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let journal = load::journal(events);
    println!("{}", json!({"events": events, "bytes": journal.len(), "load": load::machine_load()}));
    let mut directories = Vec::new();
    for (name, size) in [("100 events", load::Size::Events(100)), ("1 MB", load::Size::Bytes(1_000_000))] {
        let server = load::Server::start("");
        directories.push(server.directory());
        let sent = runtime.block_on(load::send(&server, load::bodies(&journal, size), 16));
        runtime.block_on(load::post(&server, "/api/v1/admin/flush"));
        let cpu = server.cpu_seconds();
        let peak = server.peak_rss_bytes();
        let files = server.stored_bytes();
        runtime.block_on(load::post(&server, "/api/v1/admin/compact"));
        println!(
            "{}",
            json!({
                "bodies": name, "clients": 16, "seconds": round(sent.seconds), "events_per_second": (events as f64 / sent.seconds) as u64,
                "cpu_seconds": round(cpu), "events_per_cpu_second": (events as f64 / cpu) as u64,
                "ack_p50_ms": round(sent.percentile_ms(0.5)), "ack_p99_ms": round(sent.percentile_ms(0.99)),
                "peak_rss_mb": peak >> 20, "bytes_per_event_flushed": round(files as f64 / events as f64),
                "bytes_per_event_compacted": round(server.live_bytes(&runtime) / events as f64),
                "compaction_cpu_seconds": round(server.cpu_seconds() - cpu), "load": load::machine_load(),
            })
        );
    }
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
