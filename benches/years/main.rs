//! What years of events cost: `cargo bench --bench years -- RUN [--OPTION VALUE]…`. Prints JSON lines.
//!
//! | run | what | options |
//! |---|---|---|
//! | `growth` | a project of 50 days × 20 modules filled to each size: time and memory of a start, three questions | `--sizes 1000000,10000000,50000000` |
//! | `ingest` | into an empty project and into the one that `growth` left, in turn | `--events 500000 --rounds 6` |
//! | `history` | a start over a table of so many commits, without a checkpoint and with one | `--commits 100000` |
//! | `sustained` | full speed for so long, beside an analyst, dashboards, compaction and retention | `--minutes 30 --body 100 --rate 0 --dashboards 10 --analysts 1 --free-gb 10 --warm-up 0` |
//! | `builds` | ingest by two builds in turn | `--events 1000000 --rounds 6 --other PROGRAM` |
//! | `scans` | the suite's 21 questions by two builds in turn, over the same files | `--events 10000000 --rounds 6 --other PROGRAM` |
//! | `store` | the suite on S3 (seaweedfs), each question cold and warm: seconds, requests, bytes | `--events 3000000` |
//! | `needle` | one event in a file of more than 128 MiB on S3, cold and warm | `--events 1500000` |
//! | `outage` | the object store (seaweedfs) killed and away for so long while events come; all are there afterwards | `--minutes 60 --rate 400 --events 200000` |
//!
//! `--dir` names the directory of `growth`, `ingest` and `scans`, which stays; what lies there is not made again.
//! `scans` and `store` need the suite's SQL beside the project; `store`, `needle` and `outage` also KRONIKA_TEST_PYTHON, beside which
//! the program `weed` of `.ci/requirements.txt` lies.

#![expect(clippy::print_stdout, reason = "figures are for people")]

mod builds;
mod fill;
mod growth;
mod history;
#[path = "../load/mod.rs"]
mod load;
mod outage;
mod questions;
mod store;
mod sustained;

use std::path::PathBuf;

use serde_json::Value;

fn main() {
    let run = std::env::args().skip(1).find(|argument| !argument.starts_with("--")).unwrap_or_default();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        match run.as_str() {
            "growth" => growth::grow().await,
            "ingest" => growth::ingest().await,
            "history" => history::open().await,
            "sustained" => sustained::run().await,
            "builds" => builds::ingest().await,
            "scans" => builds::scans().await,
            "store" => store::suite().await,
            "needle" => store::needle().await,
            "outage" => outage::run().await,
            _ => println!(
                "SKIPPED: name a run: growth, ingest, history, sustained, builds, scans, store, needle or outage"
            ),
        }
    });
}

/// The value behind `--name`.
fn option(name: &str) -> Option<String> {
    let mut arguments = std::env::args().skip_while(|argument| argument.strip_prefix("--") != Some(name));
    arguments.nth(1)
}

fn number(name: &str, default: u64) -> u64 {
    let given = option(name).map(|text| text.replace('_', "").parse());
    given.map_or(default, |parsed| parsed.unwrap_or_else(|_| panic!("--{name} is a whole number")))
}

/// Where what is made once stays.
fn directory() -> PathBuf {
    option("dir").map_or_else(|| std::env::temp_dir().join("kronika-years"), PathBuf::from)
}

/// A line of figures, with the machine's load.
fn say(mut figures: Value) {
    figures["load"] = load::machine_load().into();
    println!("{figures}");
}

fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (half, even) = (sorted.len() / 2, sorted.len().is_multiple_of(2));
    if even { (sorted[half - 1] + sorted[half]) / 2.0 } else { sorted[half] }
}
