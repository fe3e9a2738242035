//! Disks that are full or fail, at the log, the tables, the checkpoint and the spill.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{assert_sound, load};
use crate::common::{Home, TestServer};

const CONFIG: &str = "[flush]\ninterval = \"100ms\"\n[wal]\nsegment_size = \"64KiB\"\nsize_max = \"6MiB\"\n[ingest]\nbody_max = \"64KiB\"\nline_max = \"64KiB\"\n";

fn armed(points: &str) -> Arc<Home> {
    Home::with_env(CONFIG, &[(kronika::failpoint::VARIABLE, points)])
}

/// After whatever happened: a start without faults has everything.
async fn assert_whole_after_restart(server: TestServer, sent: &load::Sent, when: &str) {
    let home = server.kill().again(CONFIG, &[]);
    let server = TestServer::start_in(&home);
    load::check(&server, sent, when).await;
    server.flush().await;
    load::check(&server, sent, when).await;
    let home = server.stop();
    assert_sound(&home, when);
}

/// Waits until a figure has grown to `least`.
async fn wait_for(server: &TestServer, metric: &str, label: &str, least: f64) {
    let began = Instant::now();
    while server.metric(metric, label).await < least {
        assert!(began.elapsed() < Duration::from_secs(30), "{metric}{{{label}}} stays below {least}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_of_the_log_ends_ingest_and_nothing_else() {
    for points in ["wal.written=error:5@30", "wal.write=error:28@30"] {
        let server = TestServer::start_in(&armed(points));
        let sent = Arc::new(load::Sent::default());
        load::send(&server, &sent, 4, 40).join_all().await;
        let acked = sent.acknowledged();
        assert!(acked > 0 && acked < 160, "{points}: {acked}");
        let refused = server.append("default", "", "{\"a\":1}").await;
        refused.problem(503, "wal_broken");
        assert!(load::check(&server, &sent, points).await >= acked as usize, "queries go on");
        let ready = reqwest::get(format!("{}/readyz", server.url)).await.unwrap();
        assert_eq!(ready.status(), 503);
        assert_whole_after_restart(server, &sent, points).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_where_a_segment_is_made_heals_by_itself() {
    let server = TestServer::start_in(&armed("wal.prepare=error:28@3-4"));
    let sent = Arc::new(load::Sent::default());
    let senders = load::send(&server, &sent, 4, 60);
    let began = Instant::now();
    let mut refused = false;
    while !refused && began.elapsed() < Duration::from_secs(20) {
        refused = server.append("default", "", "{\"a\":1}").await.status == 503;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert!(refused, "the disk was full");
    senders.join_all().await;
    // A second later there is room again.
    let began = Instant::now();
    while server.append("default", "", "{\"module\":\"other\"}").await.status != 200 {
        assert!(began.elapsed() < Duration::from_secs(20), "it does not heal");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_during_a_flush_leaves_all_in_the_log_and_is_tried_again() {
    let server = TestServer::start_in(&armed("disk.write=error:28@9"));
    let sent = Arc::new(load::Sent::default());
    load::send(&server, &sent, 4, 30).join_all().await;
    wait_for(&server, "kronika_job_failures_total", "job=\"flush\"", 1.0).await;
    server.flush().await;
    let stored = load::check(&server, &sent, "a full disk").await;
    assert_eq!(stored as u64, sent.acknowledged());
    let staging = server.home().data_dir().join("store/.staging");
    assert_eq!(std::fs::read_dir(staging).unwrap().count(), 0, "nothing half written is left");
    assert_whole_after_restart(server, &sent, "a full disk").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_of_a_table_file_ends_flushes_and_loses_nothing() {
    let server = TestServer::start_in(&armed("disk.sync=error:5@9"));
    let sent = Arc::new(load::Sent::default());
    load::send(&server, &sent, 4, 30).join_all().await;
    wait_for(&server, "kronika_job_failures_total", "job=\"flush\"", 1.0).await;
    // What a failed sync left on disk is unknown: no later one makes it good.
    load::check(&server, &sent, "a failed sync").await;
    assert_whole_after_restart(server, &sent, "a failed sync").await;
}

/// Mounts memory at `dir` and gives it back when dropped.
struct Mounted(std::path::PathBuf);

impl Mounted {
    fn new(dir: &Path, options: &str) -> Option<Self> {
        std::fs::create_dir_all(dir).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", options, "none"]).arg(dir).output();
        match mount {
            Ok(output) if output.status.success() => Some(Self(dir.to_path_buf())),
            Ok(output) => unmountable(&String::from_utf8_lossy(&output.stderr)),
            Err(error) => unmountable(&error.to_string()),
        }
    }
}

/// Machines without the right to mount are common, also as CI.
fn unmountable<T>(reason: &str) -> Option<T> {
    println!("SKIPPED: memory cannot be mounted as a disk: {reason}");
    None
}

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_really_full_refuses_ingest_keeps_all_and_heals() {
    let home = Home::new(
        "[flush]\ninterval = \"200ms\"\n[wal]\nsegment_size = \"256KiB\"\nsize_max = \"6MiB\"\n[ingest]\nbody_max = \"64KiB\"\nline_max = \"64KiB\"\n[server]\ndisk_free_min = \"0B\"\n",
    );
    let Some(_mounted) = Mounted::new(&home.data_dir(), "size=24m") else { return };
    let server = TestServer::start_in(&home);
    let sent = Arc::new(load::Sent::default());
    load::send(&server, &sent, 4, 10).join_all().await;
    let filler = home.data_dir().join("filler");
    let filled = Command::new("dd").args(["if=/dev/zero", "bs=64K"]).arg(format!("of={}", filler.display())).output();
    assert!(!filled.unwrap().status.success(), "the disk is full");

    let began = Instant::now();
    while server.metric("kronika_http_problems_total", "code").await == 0.0 {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing is refused on a full disk");
        load::send(&server, &sent, 4, 40).join_all().await;
    }
    assert!(load::check(&server, &sent, "full").await as u64 >= sent.acknowledged(), "queries go on");
    std::fs::remove_file(filler).unwrap();
    let (before, began) = (sent.acknowledged(), Instant::now());
    while sent.acknowledged() < before + 40 {
        assert!(began.elapsed() < Duration::from_secs(60), "it does not heal");
        load::send(&server, &sent, 4, 5).join_all().await;
    }
    server.flush().await;
    load::check(&server, &sent, "healed").await;
    let home = server.stop();
    let server = TestServer::start_in(&home);
    load::check(&server, &sent, "restarted").await;
    let home = server.stop();
    assert_sound(&home, "a full disk");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_system_without_inodes_keeps_all_says_so_and_heals() {
    let home = Home::new("[flush]\ninterval = \"1d\"\n[compaction]\ninterval = \"0s\"\n");
    let Some(_mounted) = Mounted::new(&home.data_dir(), "size=1500m,nr_inodes=400") else { return };
    let server = TestServer::start_in(&home);
    // A file for each module: more than there are inodes.
    let lines: String = (0..600).map(|n| format!("{{\"event_id\":\"{n}\",\"module\":\"m{n}\"}}\n")).collect();
    server.append("default", "", lines).await.json(200);
    let refused = crate::common::send(server.request(reqwest::Method::POST, "/api/v1/admin/flush")).await;
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert_eq!(server.count("default", "SELECT count(DISTINCT event_id) FROM events").await, 600, "it is in the log");
    // Take what is left: then the disk is full for everything, and the check says of what.
    let mut fillers = Vec::new();
    while let Ok(file) = std::fs::File::create(home.data_dir().join(format!("filler-{}", fillers.len()))) {
        fillers.push(file);
        assert!(fillers.len() < 1_000, "there are more inodes than were given");
    }
    let ready = reqwest::get(format!("{}/readyz?verbose", server.url)).await.unwrap().text().await.unwrap();
    assert!(ready.contains("no inode is free"), "{ready}");
    for at in 0..fillers.len() {
        std::fs::remove_file(home.data_dir().join(format!("filler-{at}"))).unwrap();
    }
    let remount = Command::new("mount").args(["-o", "remount,nr_inodes=20000"]).arg(home.data_dir()).output().unwrap();
    assert!(remount.status.success(), "{}", String::from_utf8_lossy(&remount.stderr));
    server.flush().await;
    let all = "SELECT count(*), count(DISTINCT event_id), count(DISTINCT module) FROM events";
    assert_eq!(serde_json::json!(server.rows("default", all).await), serde_json::json!([["600", "600", "600"]]));
    let home = server.stop();
    assert_sound(&home, "without inodes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_syncs_for_seconds_makes_answers_late_and_no_event_twice() {
    let server = TestServer::start_in(&armed("wal.written=sleep:5000@20-21"));
    let sent = Arc::new(load::Sent::default());
    let senders = load::send(&server, &sent, 2, 40);
    // Senders who lose patience repeat themselves, under the same key.
    let impatient = reqwest::Client::builder().timeout(Duration::from_millis(700)).build().unwrap();
    let mut tries = 0;
    for batch in 0..30 {
        loop {
            tries += 1;
            let request = impatient.post(format!("{}/api/v1/events", server.url)).bearer_auth(&server.key);
            let body = format!("{{\"module\":\"impatient\",\"object_id\":\"{batch}\"}}\n");
            let answer = request.header("idempotency-key", format!("patience {batch}")).body(body).send().await;
            match answer.map(|answer| answer.status().as_u16()) {
                Ok(200) => break,
                // Late, or the first of them is still on its way.
                Err(_) | Ok(409 | 429 | 503) => tokio::time::sleep(Duration::from_millis(50)).await,
                Ok(other) => panic!("{other}"),
            }
            assert!(tries < 1_000, "never answered");
        }
    }
    senders.join_all().await;
    assert!(tries > 34, "nobody had to wait: {tries} tries");
    let counts = "SELECT count(*), count(DISTINCT object_id) FROM events WHERE module = 'impatient'";
    assert_eq!(serde_json::json!(server.rows("default", counts).await), serde_json::json!([["30", "30"]]));
    load::check(&server, &sent, "a slow disk").await;
    assert_whole_after_restart(server, &sent, "a slow disk").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_the_spill_fails_the_query_alone() {
    let home = Home::new("[query]\nmemory_max = \"16MiB\"\n");
    let Some(_mounted) = Mounted::new(&home.data_dir().join("spill"), "size=1m") else { return };
    let server = TestServer::start_in(&home);
    let line = format!("{{\"message\":\"{}\"}}\n", "x".repeat(900));
    for _ in 0..8 {
        server.append("default", "", line.repeat(8_000)).await.json(200);
    }
    server.flush().await;
    let answer = server.query("default", "SELECT message, event_id FROM events ORDER BY message || event_id").await;
    assert!([400, 503].contains(&answer.status) || answer.text.is_empty(), "{}: {}", answer.status, answer.text);
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 64_000);
    server.append("default", "", "{\"a\":1}").await.json(200);
    let spill = server.home().data_dir().join("spill");
    let left: u64 = walk(&spill);
    assert!(left < 1 << 20, "{left} bytes of intermediate results are left");
    server.stop();
}

fn walk(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { walk(&path) } else { std::fs::metadata(&path).unwrap().len() }).sum()
}
