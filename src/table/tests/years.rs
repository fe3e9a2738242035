//! A table over a long time, which is told and not waited for: files, bytes and log stay within bounds.
//!
//! Few days by themselves; a whole year with `KRONIKA_YEAR_DAYS=365`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::support::*;
use crate::config::Compaction;
use crate::table::*;

const HOUR_MS: i64 = 3_600_000;
const MODULES: [&str; 2] = ["orders", "payments"];
/// Flushes of an hour.
const FLUSHES: i64 = 2;
/// Live files of a date and module: a few of each tier.
const FILES_MAX: usize = 3 * 8;
/// Files of the log: commits up to the checkpoint behind which eight hours lie, and those since. A restart takes the age
/// of checkpoints from the disk, whose clock is not the one that is told here: their hundreds of commits stay longer.
const LOG_MAX: usize = 450;

fn number(name: &str, default: i64) -> i64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

fn count(dir: &Path) -> usize {
    std::fs::read_dir(dir).expect("lists").count()
}

struct Year {
    place: Place,
    writer: Uuid,
    now_ms: Arc<AtomicI64>,
    table: Table,
    next: i64,
    flushed: u64,
    rewritten: u64,
    most_files: usize,
    most_log: usize,
    most_open: Duration,
}

impl Year {
    async fn begin(days: i64) -> Self {
        let (place, writer) = (Place::new(), Uuid::new_v4());
        let now = chrono::Utc::now().timestamp_millis() / 86_400_000 - days;
        let now_ms = Arc::new(AtomicI64::new(now * 86_400_000));
        let table = Self::open(&place, writer, &now_ms).await;
        let (most_files, most_log, most_open) = (0, 0, Duration::ZERO);
        Self { place, writer, now_ms, table, next: 1, flushed: 0, rewritten: 0, most_files, most_log, most_open }
    }

    async fn open(place: &Place, writer: Uuid, now_ms: &Arc<AtomicI64>) -> Table {
        let now_ms = Arc::clone(now_ms);
        let table = open(&place.storage, writer).await;
        table.with_clock(Clock::new(move || now_ms.load(Ordering::Relaxed)))
    }

    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::Relaxed)
    }

    async fn hour(&mut self) {
        for _ in 0..FLUSHES {
            let mut rows = Vec::new();
            for module in MODULES {
                rows.extend((0..3).map(|at| spec((self.now_ms() + at) * 1_000, Some(module))));
            }
            // Now and then something comes late.
            if self.next % 50 == 1 {
                rows.push(spec((self.now_ms() - 100 * HOUR_MS) * 1_000, Some(MODULES[0])));
            }
            let report = flush(&self.table, self.next, &rows).await.expect("flushes");
            self.flushed += report.bytes;
            self.next += rows.len() as i64;
            self.now_ms.fetch_add(HOUR_MS / FLUSHES, Ordering::Relaxed);
        }
        let report = self.table.compact(CompactWhich::Due, |_| ()).await.expect("compacts");
        self.rewritten += report.bytes_out;
        self.table.vacuum(Compaction::default().keep_replaced.0).await.expect("vacuums");
        let version = self.table.current();
        let mut counts: BTreeMap<_, usize> = BTreeMap::new();
        version.files.iter().for_each(|file| *counts.entry((file.date, file.module.clone())).or_default() += 1);
        self.most_files = self.most_files.max(counts.values().copied().max().unwrap_or(0));
        self.most_log = self.most_log.max(count(&self.place.table_dir().join("_delta_log")));
    }

    async fn restart(&mut self) {
        let began = Instant::now();
        self.table = Self::open(&self.place, self.writer, &self.now_ms).await;
        self.most_open = self.most_open.max(began.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn files_bytes_and_log_stay_within_bounds() {
    let days = number("KRONIKA_YEAR_DAYS", 9);
    let mut year = Year::begin(days).await;
    for day in 0..days {
        for _ in 0..24 {
            year.hour().await;
        }
        if day % 3 == 2 {
            year.restart().await;
        }
    }
    let version = year.table.current();
    assert_eq!(version.rows(), (year.next - 1) as u64, "every row is there");
    let today = i32::try_from(year.now_ms() / 86_400_000).expect("fits");
    let mut days_files: BTreeMap<_, usize> = BTreeMap::new();
    version.files.iter().for_each(|file| *days_files.entry((file.date, file.module.clone())).or_default() += 1);
    let untouched = |date: &i32| *date < today - 6;
    let closed: Vec<_> = days_files.iter().filter(|((date, _), _)| untouched(date)).collect();
    assert!(closed.iter().all(|(_, files)| **files == 1), "a day that is over is one file: {closed:?}");
    let amplification = year.rewritten as f64 / year.flushed as f64;
    let on_disk = super::races::walk(&year.place.table_dir());
    println!(
        "{days} days: version {}, {} live files, {on_disk} Parquet files on disk, at most {} of a day and module, {amplification:.2} bytes rewritten for each flushed, at most {} log files, opened in {:?}",
        version.version,
        version.files.len(),
        year.most_files,
        year.most_log,
        year.most_open
    );
    assert!(year.most_files <= FILES_MAX, "{} files of one day and module", year.most_files);
    assert!(amplification <= 3.0, "{amplification}");
    assert!(year.most_log <= LOG_MAX, "{} log files", year.most_log);
}

/// Commits of a table's log, as if so many flushes had been: each adds a file, and every day's files became one.
fn long_log(place: &Place, commits: u64) {
    let log = place.table_dir().join("_delta_log");
    let path = |version: u64| log.join(format!("{version:020}.json"));
    let template = std::fs::read_to_string(path(1)).expect("is there");
    let file = |version: u64| format!("date=2025-01-01/module=m/{version}.parquet");
    let add: serde_json::Value = template
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).expect("is JSON"))
        .find(|line| line.get("add").is_some())
        .expect("has a file");
    let text = |version: u64| {
        let mut add = add.clone();
        add["add"]["path"] = file(version).into();
        let mut lines = format!("{{\"commitInfo\":{{\"timestamp\":{version}}}}}\n");
        if !version.is_multiple_of(10) {
            // Nine of ten stood in the way of the tenth for a while.
            let remove = serde_json::json!({"remove": {"path": file(version - 1), "deletionTimestamp": version, "dataChange": false}});
            lines.push_str(&format!("{remove}\n"));
        }
        format!("{lines}{add}\n")
    };
    for version in 2..=commits {
        std::fs::write(path(version), text(version)).expect("writes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_many_commits_opens_from_its_checkpoint() {
    let commits = u64::try_from(number("KRONIKA_LONG_LOG", 1_500)).expect("is positive");
    let place = Place::new();
    let writer = Uuid::new_v4();
    let table = open(&place.storage, writer).await;
    flush(&table, 1, &[spec(1, Some("m"))]).await.expect("flushes");
    drop(table);
    long_log(&place, commits);
    let began = Instant::now();
    let table = open(&place.storage, writer).await;
    let without = began.elapsed();
    table.checkpoint().await.expect("checkpoints");
    let files = table.current().files.clone();
    assert!(files.len() as u64 >= commits / 10);
    for number in 0..50 {
        flush(&table, 2 + number, &[spec(number, Some("m"))]).await.expect("flushes");
    }
    let paths = |table: &Table| table.current().files.iter().map(|file| file.path.clone()).collect::<BTreeSet<_>>();
    let (live, version) = (paths(&table), table.current().version);
    drop(table);
    let mut opened = Vec::new();
    for _ in 0..3 {
        let began = Instant::now();
        let again = open(&place.storage, writer).await;
        opened.push(began.elapsed());
        assert_eq!(again.current().version, version);
        assert!(paths(&again) == live, "{} files, {} are live", again.current().files.len(), live.len());
    }
    // Two days later the commits before the checkpoint are of no use to anybody.
    let table = open(&place.storage, writer).await;
    let later = chrono::Utc::now().timestamp_millis() + 2 * 86_400_000;
    let table = table.with_clock(Clock::new(move || later));
    table.checkpoint().await.expect("checkpoints");
    flush(&table, 60, &[spec(60, Some("m"))]).await.expect("flushes");
    drop(table);
    let began = Instant::now();
    let again = open(&place.storage, writer).await;
    let cleaned = began.elapsed();
    assert_eq!(again.current().files.len(), live.len() + 1);
    let log = count(&place.table_dir().join("_delta_log"));
    println!(
        "{commits} commits, {} live files: opened in {without:?} without a checkpoint, {opened:?} with one, {cleaned:?} with {log} log files",
        live.len()
    );
    assert!(log <= 60, "{log} log files");
    assert!(cleaned < Duration::from_secs(5), "{cleaned:?}");
}
