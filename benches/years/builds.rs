//! Two builds in turn under the same load: what a part of the server costs.
//!
//! One is the benchmark's own (or KRONIKA_BENCH_SERVER), the other `--other`: a build, or a script around one, that leaves
//! the part out.

use std::ffi::OsString;
use std::path::Path;

use serde_json::{Value, json};

use crate::growth::CONFIG;
use crate::load::{self, Server, Size};
use crate::{directory, fill, median, number, option, questions, round, say};

fn both() -> [(&'static str, OsString); 2] {
    let other = option("other").expect("--other names a program");
    [("this", load::binary()), ("other", other.into())]
}

/// Figures of both builds by round, and what the first has more than the second.
struct Rounds {
    name: &'static str,
    values: [Vec<f64>; 2],
}

impl Rounds {
    fn new(name: &'static str) -> Self {
        Self { name, values: Default::default() }
    }

    fn tell(&self) {
        let [this, other] = [0, 1].map(|at| median(&self.values[at]));
        let pairs: Vec<f64> = self.values[0].iter().zip(&self.values[1]).map(|(this, other)| this / other).collect();
        let percent = |ratio: f64| round((ratio - 1.0) * 100.0);
        say(json!({
            "figure": self.name, "rounds": pairs.len(), "median_this": round(this), "median_other": round(other),
            "percent_of_medians": percent(this / other), "percent_of_pairs": percent(median(&pairs)),
        }));
    }
}

/// Turns of a round: who begins changes.
fn turns(round: u64) -> [usize; 2] {
    if round.is_multiple_of(2) { [0, 1] } else { [1, 0] }
}

/// Ingest from 16 clients in bodies of 100 events and of 1 MB, flushes included.
pub(crate) async fn ingest() {
    let (events, rounds, builds) = (number("events", 1_000_000), number("rounds", 6), both());
    let journal = load::journal(events);
    for (bodies, size, name) in [
        ("100 events", Size::Events(100), "events per CPU-second, bodies of 100 events"),
        ("1 MB", Size::Bytes(1_000_000), "events per CPU-second, bodies of 1 MB"),
    ] {
        let mut all = Rounds::new(name);
        for turn in 0..rounds {
            for which in turns(turn) {
                let (build, program) = &builds[which];
                let home = tempfile::tempdir().expect("a directory");
                let server = Server::open(home.path(), CONFIG, program.clone());
                let sent = load::send(&server, load::bodies(&journal, size), 16).await;
                load::post(&server, "/api/v1/admin/flush").await;
                let rate = events as f64 / server.cpu_seconds();
                say(json!({
                    "build": build, "bodies": bodies, "per_cpu_second": rate as u64, "per_second": (events as f64 / sent.seconds) as u64,
                    "ack_p50_ms": round(sent.percentile_ms(0.5)), "ack_p99_ms": round(sent.percentile_ms(0.99)),
                }));
                all.values[which].push(rate);
            }
        }
        all.tell();
    }
}

/// The suite over the same files.
pub(crate) async fn scans() {
    let (events, rounds, builds) = (number("events", 10_000_000), number("rounds", 6), both());
    let generator = load::generator(events);
    let Some(suite) = questions::suite(&generator) else { return };
    let dir = directory().join("scans");
    filled(&dir, generator, events).await;
    let mut answers: Vec<Option<Value>> = vec![None; suite.len()];
    let (mut cpu, mut wall) = (Rounds::new("CPU-seconds of the suite"), Rounds::new("seconds of the suite"));
    for turn in 0..rounds {
        for which in turns(turn) {
            let (build, program) = &builds[which];
            let server = Server::open(&dir, CONFIG, program.clone());
            server.ready_after().await;
            let http = reqwest::Client::new();
            let mut sums = [0.0; 2];
            for asked in [false, true] {
                for ((_, sql), known) in suite.iter().zip(&mut answers) {
                    let took = questions::ask(&http, &server, sql).await;
                    if asked {
                        sums[0] += took.cpu;
                        sums[1] += took.seconds;
                    }
                    same(known, &took.answer["rows"], sql);
                }
            }
            cpu.values[which].push(sums[0]);
            wall.values[which].push(sums[1]);
            say(json!({"build": build, "suite_cpu_seconds": round(sums[0]), "suite_seconds": round(sums[1])}));
            server.stop();
        }
    }
    cpu.tell();
    wall.tell();
}

/// Both builds give as many rows; which of equal ones a LIMIT takes SQL leaves open.
fn same(known: &mut Option<Value>, rows: &Value, sql: &str) {
    let count = |rows: &Value| rows.as_array().map_or(0, Vec::len);
    let known = known.get_or_insert_with(|| rows.clone());
    assert_eq!(count(known), count(rows), "{sql}");
}

/// Makes the files, unless they are there.
async fn filled(dir: &Path, generator: kronika::generate::Generator, events: u64) {
    let server = Server::open(dir, CONFIG, load::binary());
    server.ready_after().await;
    let stored = server.figures().await.of("kronika_table_events{project=\"default\"}") as u64;
    assert!(stored == 0 || stored == events, "{} has {stored} events: begin anew", dir.display());
    if stored == 0 {
        fill::fill(&server, generator).await;
    }
    server.stop();
}
