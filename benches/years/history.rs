//! A start over a long log: as if so many flushes had been, nine of ten of whose files were merged away.

use std::path::Path;

use serde_json::{Value, json};

use crate::growth::{self, CONFIG, Starts};
use crate::load::{self, Server, Size};
use crate::{number, say};

/// Commits after which there is a checkpoint.
const CHECKPOINT_EVERY: usize = 100;

/// The starts.
pub(crate) async fn open() {
    let commits = number("commits", 100_000);
    let home = tempfile::tempdir().expect("a directory");
    let start = || Server::open(home.path(), CONFIG, load::binary());
    let bodies = load::bodies(&load::journal(2 * CHECKPOINT_EVERY as u64), Size::Events(1));
    let server = start();
    server.ready_after().await;
    let log = server.table().join("_delta_log");
    flush(&server, bodies[0].clone()).await;
    server.stop();
    write(&log, commits);
    tell("no checkpoint", commits, &log, &growth::starts(start).await);
    let server = start();
    server.ready_after().await;
    let mut rest = bodies.into_iter().skip(1);
    while !log.join("_last_checkpoint").exists() {
        flush(&server, rest.next().expect("a checkpoint within twice as many commits as it takes")).await;
    }
    server.stop();
    tell("a checkpoint", commits, &log, &growth::starts(start).await);
}

async fn flush(server: &Server, body: bytes::Bytes) {
    load::send(server, vec![body], 1).await;
    load::post(server, "/api/v1/admin/flush").await;
}

/// Commits from the second one on, in the words of the first.
fn write(log: &Path, commits: u64) {
    let path = |version: u64| log.join(format!("{version:020}.json"));
    let first = std::fs::read_to_string(path(1)).expect("the first flush's commit");
    let lines = first.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let mut add = lines.into_iter().find(|line| line.get("add").is_some()).expect("it added a file");
    let file = |version: u64| format!("date=2025-01-01/module=m/{version}.parquet");
    for version in 2..=commits {
        add["add"]["path"] = file(version).into();
        let mut text = format!("{{\"commitInfo\":{{\"timestamp\":{version}}}}}\n");
        if !version.is_multiple_of(10) {
            let gone = json!({"path": file(version - 1), "deletionTimestamp": version, "dataChange": false});
            text.push_str(&format!("{}\n", json!({"remove": gone})));
        }
        std::fs::write(path(version), format!("{text}{add}\n")).expect("a commit");
    }
}

fn tell(what: &str, commits: u64, log: &Path, starts: &Starts) {
    let files = std::fs::read_dir(log).expect("the log").count();
    say(json!({
        "log": what, "commits": commits, "log_files": files, "ready_ms": starts.ready_ms, "cpu_ms": starts.cpu_ms,
        "rss_mb": starts.rss_mb, "hwm_mb": starts.hwm_mb,
    }));
}
