//! The query suite: `cargo bench --bench suite [-- EVENTS]` (10,000,000 by default).
//!
//! Loads the generated journal, flushes, compacts, and has `benches/suite.py` ask the 21 questions of
//! the suite in turn of Kronika (over HTTP) and of DuckDB (over the live Parquet files of the same
//! table). Needs the suite's SQL beside the project and, in KRONIKA_TEST_PYTHON, a Python with
//! `.ci/requirements.txt`.

mod load;

use std::path::Path;
use std::process::Command;

fn main() {
    let queries = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bench/queries");
    let (true, Some(python)) = (queries.exists(), std::env::var_os("KRONIKA_TEST_PYTHON")) else {
        println!("SKIPPED: the suite's SQL is not there, or KRONIKA_TEST_PYTHON is not set");
        return;
    };
    let events = load::number_argument(10_000_000);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let server = load::Server::start("");
    let generator = load::generator(events);
    for day in 0..generator.days() {
        let mut journal = Vec::new();
        generator.day(day).write_to(&mut journal).expect("memory takes what it is given");
        runtime.block_on(load::send(&server, load::bodies(&journal.into(), load::Size::Bytes(1_000_000)), 4));
    }
    runtime.block_on(load::post(&server, "/api/v1/admin/flush"));
    println!("{events} events in, {:.1} CPU-seconds", server.cpu_seconds());
    runtime.block_on(load::post(&server, "/api/v1/admin/compact"));
    println!(
        "compacted, {:.1} CPU-seconds; {:.1} bytes an event",
        server.cpu_seconds(),
        server.live_bytes(&runtime) / events as f64
    );
    let params: serde_json::Map<String, serde_json::Value> = generator
        .params()
        .expect("a journal of 30 days has all of the suite's constants")
        .pairs()
        .into_iter()
        .map(|(name, value)| (name.to_string(), value.into()))
        .collect();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/suite.py");
    let status = Command::new(python)
        .arg(script)
        .args([&server.url, &server.key, &server.pid().to_string()])
        .arg(server.table())
        .arg(queries)
        .arg(serde_json::Value::Object(params).to_string())
        .status()
        .expect("Python runs");
    assert!(status.success(), "the suite failed");
}
