//! `kronika verify` finds what is there and what is not, beside a server and without one; the scrub finds the
//! same by itself, and a query says which file it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{assert_sound, load, run, verify};
use crate::common::{Home, TestServer};

const COUNT: &str = "SELECT count(*) FROM events";
const SCAN: &str = "SELECT event_id, message FROM events ORDER BY message";

fn lines(from: u64, count: u64, module: &str) -> String {
    let line = |n: u64| format!("{{\"event_id\":\"{n}\",\"module\":\"{module}\",\"message\":\"event {n}\"}}\n");
    (from..from + count).map(line).collect()
}

/// Data files of a project, smallest path first.
fn data_files(home: &Arc<Home>) -> Vec<PathBuf> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() && !path.ends_with("_delta_log") {
                walk(&path, found);
            } else if path.extension().is_some_and(|end| end == "parquet") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(&home.data_dir().join("store/projects/default/events"), &mut found);
    found.sort();
    found
}

fn flip(path: &Path, at: usize) {
    let mut bytes = std::fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    std::fs::write(path, bytes).unwrap();
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// The findings under `kind` that name `file`.
fn naming<'a>(found: &'a Value, kind: &str, file: &str) -> Vec<&'a str> {
    let all = found[kind].as_array().unwrap().iter();
    all.filter(|one| one["place"].as_str().unwrap().contains(file)).map(|one| one["what"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sound_directory_is_sound_also_under_load() {
    let server = TestServer::start_with(
        "[flush]\ninterval = \"100ms\"\n[compaction]\ninterval = \"200ms\"\nfiles_min = 2\nkeep_replaced = \"0s\"\n[wal]\nsegment_size = \"64KiB\"\n",
    );
    let sent = Arc::new(load::Sent::default());
    let senders = load::send(&server, &sent, 2, 60);
    for round in 0..4 {
        let (code, found) = verify(server.home(), round % 2 == 1);
        assert_eq!((code, &found["damage"]), (Some(0), &json!([])), "{found:#}");
    }
    senders.join_all().await;
    server.flush().await;
    let found = assert_sound(server.home(), "after a load");
    let table = found["tables"].as_array().unwrap().iter().find(|table| table["project"] == "default").unwrap();
    let events = server.count("default", COUNT).await;
    assert_eq!((&table["rows"], &table["in_log"], &table["unchecked"]), (&json!(events), &json!(0), &json!(0)));
    server.append("default", "", lines(1_000_000, 7, "late")).await.json(200);
    let home = server.kill();
    let found = assert_sound(&home, "after a kill");
    let table = found["tables"].as_array().unwrap().iter().find(|table| table["project"] == "default").unwrap();
    assert_eq!((&table["rows"], &table["in_log"]), (&json!(events), &json!(7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_damaged_missing_or_too_much_is_named() {
    let server = TestServer::start_with("[compaction]\ninterval = \"0s\"\n");
    for (at, module) in (0..).zip(["a", "b", "c", "d"]) {
        server.append("default", "", lines(at * 10_000, 2_000, module)).await.json(200);
    }
    server.flush().await;
    let home = server.stop();
    let files = data_files(&home);
    assert_eq!(files.len(), 4);
    // A page, a footer, a file that is gone, one that is cut short; and one that nobody knows.
    flip(&files[0], 700);
    let length = std::fs::metadata(&files[1]).unwrap().len() as usize;
    flip(&files[1], length - 40);
    std::fs::remove_file(&files[2]).unwrap();
    let bytes = std::fs::read(&files[3]).unwrap();
    std::fs::write(&files[3], &bytes[..bytes.len() / 2]).unwrap();
    let orphan = files[0].with_file_name("0123.parquet");
    std::fs::write(&orphan, b"PAR1").unwrap();
    flip(&home.data_dir().join("keys.json"), 60);
    flip(&home.data_dir().join("store/projects/default/events/_delta_log/00000000000000000000.json"), 200);

    let (code, found) = verify(&home, false);
    assert_eq!(code, Some(1));
    // The log of the table comes first: without it nothing is known of its files.
    assert!(naming(&found, "damage", "00000000000000000000.json")[0].contains("checksum"), "{found:#}");
    assert!(naming(&found, "damage", "keys.json")[0].contains("checksum"), "{found:#}");
    flip(&home.data_dir().join("store/projects/default/events/_delta_log/00000000000000000000.json"), 200);
    let (code, found) = verify(&home, false);
    assert_eq!(code, Some(1));
    assert!(naming(&found, "damage", name(&files[0])).is_empty(), "a page is looked at with --deep only");
    assert!(naming(&found, "damage", name(&files[1]))[0].contains("checksum"), "{found:#}");
    assert_eq!(naming(&found, "damage", name(&files[2])), ["is missing"]);
    assert!(naming(&found, "damage", name(&files[3]))[0].contains("bytes, the log says"), "{found:#}");
    assert!(naming(&found, "notes", "0123.parquet")[0].contains("no version"), "{found:#}");
    let (code, found) = verify(&home, true);
    assert_eq!(code, Some(1));
    assert_eq!(naming(&found, "damage", name(&files[0])), ["is damaged between bytes 0 and 32768"]);
    let output = run(&home, &["verify", "--deep"]);
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("DAMAGED: ") && said.contains(name(&files[2])), "{said}");
    assert_eq!(output.status.code(), Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_names_the_damaged_file_and_may_go_without_it() {
    let server = TestServer::start_with("[compaction]\ninterval = \"0s\"\n[scrub]\ninterval = \"0s\"\n");
    for (at, module) in (0..).zip(["a", "b", "c"]) {
        server.append("default", "", lines(at * 10_000, 1_000, module)).await.json(200);
    }
    server.flush().await;
    let damaged = data_files(server.home()).remove(1);
    flip(&damaged, 900);
    // A restart, so that nothing is in memory.
    let server = TestServer::start_in(&server.stop());
    let problem = server.query("default", SCAN).await.problem(503, "data_file_damaged");
    assert!(problem["detail"].as_str().unwrap().contains(name(&damaged)), "{problem}");
    assert!(problem["hint"].as_str().unwrap().contains("partial"), "{problem}");
    // Others answer, and the count of whole files needs no page.
    assert_eq!(server.rows("default", "SELECT max(message) FROM events WHERE module = 'a'").await.len(), 1);
    assert_eq!(server.count("default", COUNT).await, 3_000);
    let ask = |sql: &str| {
        let request = server.request(reqwest::Method::POST, "/api/v1/query").header("kronika-project", "default");
        crate::common::send(request.json(&json!({"sql": sql, "partial": true})))
    };
    let answer = ask(SCAN).await;
    assert_eq!(answer.headers["kronika-partial"], "true");
    let answer = answer.json(200);
    assert_eq!(answer["rows"].as_array().unwrap().len(), 2_000);
    assert_eq!((&answer["stats"]["files_missing"], &answer["stats"]["rows_missing"]), (&json!(1), &json!(1_000)));
    assert_eq!(server.metric("kronika_damaged_files", "").await, 1.0);
    // So do the lists and figures of the journal.
    for (path, counted) in [
        ("/api/v1/events?period=all&fields=message&limit=1000&total=exact", "/total/value"),
        ("/api/v1/facets?period=all&fields=actor_id,message", "/facets/message/events"),
        ("/api/v1/histogram?period=all&step=day&by=message", "/series"),
        ("/api/v1/aggregate?period=all&metric=distinct&of=message", "/rows/0/value"),
    ] {
        let refused = server.get("default", path).await;
        assert!(refused.problem(503, "data_file_damaged")["detail"].as_str().unwrap().contains(name(&damaged)));
        let answer = server.get("default", &format!("{path}&partial=true")).await;
        assert_eq!(
            (&answer.headers["kronika-partial"], answer.headers.contains_key("etag")),
            (&"true".parse().unwrap(), false)
        );
        let answer = answer.json(200);
        assert_eq!(answer["missing"], json!({"files": 1, "events": 1_000}), "{path}");
        let counted = answer.pointer(counted).unwrap();
        let sum = |series: &Vec<Value>| series.iter().map(|one| one["total"].as_u64().unwrap()).sum();
        let counted: u64 = counted
            .as_array()
            .map_or_else(|| counted.as_u64().or_else(|| counted.as_str()?.parse().ok()).unwrap(), sum);
        assert_eq!(counted, 2_000, "{path}: {answer}");
    }
    let asked = server.get("default", "/api/v1/events?period=all&module=a&partial=true").await;
    assert!(!asked.headers.contains_key("kronika-partial") || asked.json(200)["missing"]["files"] == 1);
    server.get("default", "/api/v1/facets?partial=maybe").await.problem(400, "invalid_filter");
    // A key that sees one module is told that something is missing, not how much of what it must not see.
    let new =
        json!({"name": "a only", "scopes": ["query"], "project": "default", "restrictions": {"modules": ["a", "b"]}});
    let made = crate::common::send(server.request(reqwest::Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    let list = server.with(
        made["secret"].as_str().unwrap(),
        reqwest::Method::GET,
        "/api/v1/events?period=all&partial=true&fields=message",
    );
    assert_eq!(crate::common::send(list).await.json(200)["missing"], json!({}));
    // Without need nothing is skipped.
    let answer = ask("SELECT message FROM events WHERE module = 'a' LIMIT 1").await.json(200);
    assert_eq!(answer["rows"].as_array().unwrap().len(), 1);
    // It is not merged into a file that looks whole, and keeps nothing else from being merged.
    for (from, module) in [(90_000, "a"), (91_000, "b"), (92_000, "b")] {
        server.append("default", "", lines(from, 10, module)).await.json(200);
        server.flush().await;
    }
    let compacted = server.compact().await;
    let ours = compacted.as_array().unwrap().iter().find(|one| one["project"] == "default").unwrap();
    let figures = ["partitions", "files_in", "files_out", "files_damaged"].map(|name| ours[name].as_u64().unwrap());
    assert_eq!(figures, [2, 4, 2, 1], "{ours}");
    assert!(damaged.exists());
    server.query("default", SCAN).await.problem(503, "data_file_damaged");
    // Copied back, and a restart: nothing is missing, and it is merged like any other.
    flip(&damaged, 900);
    let server = TestServer::start_in(&server.kill());
    assert_eq!(server.query("default", SCAN).await.json(200)["rows"].as_array().unwrap().len(), 3_030);
    let compacted = server.compact().await;
    let ours = compacted.as_array().unwrap().iter().find(|one| one["project"] == "default").unwrap();
    assert_eq!((&ours["files_in"], &ours["files_out"], &ours["files_damaged"]), (&json!(2), &json!(1), &json!(0)));
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scrub_finds_damage_by_itself_and_sees_it_mended() {
    let config = "[compaction]\ninterval = \"0s\"\n[scrub]\ninterval = \"1s\"\nrate = \"64MiB\"\n";
    let server = TestServer::start_with(config);
    for (at, module) in (0..).zip(["a", "b", "c"]) {
        server.append("default", "", lines(at * 10_000, 500, module)).await.json(200);
    }
    server.flush().await;
    let wait = async |name: &str, least: f64, most: f64| {
        let began = Instant::now();
        loop {
            let found = server.metric(name, "").await;
            if (least..=most).contains(&found) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{name} is {found}, not {least} to {most}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    wait("kronika_scrub_passes_total", 1.0, f64::MAX).await;
    wait("kronika_scrub_files_total", 3.0, f64::MAX).await;
    // A pass is a job: how far it is, and what it came to.
    let passes = async |state: &str| {
        let path = format!("/api/v1/jobs?kind=scrub&state={state}");
        crate::common::send(server.request(reqwest::Method::GET, &path)).await.json(200)["jobs"].clone()
    };
    let done = passes("done").await[0].clone();
    let files = done["result"]["files"].as_u64().unwrap();
    assert!(files >= 3 && done["result"]["damaged"] == 0, "{done}");
    assert_eq!(done["subject"].as_str().unwrap().split(' ').next().unwrap(), files.to_string(), "{done}");
    assert_eq!((&done["done"], &done["project"]), (&done["total"], &Value::Null), "{done}");
    assert_eq!(server.metric("kronika_damaged_files", "").await, 0.0);
    let file = data_files(server.home()).remove(0);
    flip(&file, 500);
    wait("kronika_damaged_files", 1.0, 1.0).await;
    server.wait_for_log(name(&file)).await;
    let began = Instant::now();
    while passes("done").await[0]["result"]["damaged"] != 1 {
        assert!(began.elapsed() < Duration::from_secs(30), "{}", passes("done").await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    flip(&file, 500);
    wait("kronika_damaged_files", 0.0, 0.0).await;
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pass_of_the_scrub_can_be_canceled_and_says_how_far_it_is() {
    let server =
        TestServer::start_with("[compaction]\ninterval = \"0s\"\n[scrub]\ninterval = \"1s\"\nrate = \"64KiB\"\n");
    let noise = |n: u64| n.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    let line = |n: u64| {
        format!(
            "{{\"event_id\":\"{n}\",\"message\":\"{}\"}}\n",
            (1..40).map(|m| format!("{:x}", noise(n * 40 + m))).collect::<String>()
        )
    };
    server.append("default", "", (1..6_000).map(line).collect::<String>()).await.json(200);
    server.flush().await;
    // A pass that begins now takes a minute.
    let began = Instant::now();
    let job = loop {
        let jobs = server.request(reqwest::Method::GET, "/api/v1/jobs?kind=scrub&state=in_progress");
        let jobs = crate::common::send(jobs).await.json(200)["jobs"].clone();
        match jobs.as_array().unwrap().iter().find(|job| job["total"].as_u64().is_some_and(|total| total > 1 << 20)) {
            Some(job) => break job.clone(),
            None => assert!(began.elapsed() < Duration::from_secs(30), "{jobs}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert!(job["done"].as_u64() < job["total"].as_u64(), "{job}");
    let path = format!("/api/v1/jobs/{}", job["id"].as_str().unwrap());
    let cancel = server.request(reqwest::Method::POST, &format!("{path}/cancel"));
    let canceled = crate::common::send(cancel).await;
    assert!(canceled.status < 300, "{}", canceled.text);
    let began = Instant::now();
    while crate::common::send(server.request(reqwest::Method::GET, &path)).await.json(200)["state"] != "canceled" {
        assert!(began.elapsed() < Duration::from_secs(10), "it goes on");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_is_older_than_its_tables_is_refused() {
    let config = "[flush]\ninterval = \"1d\"\n[wal]\nsegment_size = \"64KiB\"\n";
    let server = TestServer::start_with(config);
    server.append("default", "", lines(0, 10, "a")).await.json(200);
    let home = server.kill();
    let old = home.path("old-wal");
    copy(&home.data_dir().join("wal"), &old);
    let server = TestServer::start_in(&home);
    server.append("default", "", lines(10, 10, "a")).await.json(200);
    server.flush().await;
    let home = server.kill();
    // The data directory comes from a backup, the tables do not.
    std::fs::remove_dir_all(home.data_dir().join("wal")).unwrap();
    copy(&old, &home.data_dir().join("wal"));
    let (code, found) = verify(&home, false);
    assert_eq!(code, Some(1));
    assert!(naming(&found, "damage", "write-ahead log")[0].contains("older copy"), "{found:#}");
    let output = home.command(&[]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("older") && said.contains("hint: ") && said.contains("accept_older_log"), "{said}");
    // Its owner knows better: nothing is doubled, nothing of the tables is lost.
    let home = home.again(&format!("{config}[server]\naccept_older_log = true\n"), &[]);
    let server = TestServer::start_in(&home);
    assert_eq!(server.count("default", COUNT).await, 20);
    server.append("default", "", lines(20, 5, "a")).await.json(200);
    server.flush().await;
    assert_eq!(server.count("default", COUNT).await, 25);
    server.stop();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
}
