//! Directories of releases: read exactly, written on, and refused where they are newer.
//!
//! `tests/fixtures/format-1/data` is a directory that a server of format 1 left behind when it was killed, with
//! events in a table and in the log, ids, answers, rejected lines and keys. `expected.json` is what that server
//! said of them. Never make a fixture of an old format again: its bytes are what counts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Home, TestServer, send, wait};

const SETTINGS: &str =
    "[wal]\nsegment_size = \"64KiB\"\n[compaction]\ninterval = \"0s\"\n[dead_letters]\nretention = \"36500d\"\n";
const ALL: &str = "SELECT * FROM events ORDER BY _seq";
const PROJECTS: [&str; 2] = ["default", "shop"];
/// Sent with an Idempotency-Key; in the log of the fixture.
const KEYED: &str =
    "{\"event_id\":\"k1\",\"module\":\"orders\",\"amount\":249.90}\n{\"event_id\":\"k2\",\"note\":\"zażółć\"}\n";

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/format-1")
}

/// Copies a directory; the file of keys is for its owner only, which git does not keep.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else if entry.file_name() != "LOCK" {
            std::fs::copy(entry.path(), &target).unwrap();
            if entry.file_name() == "keys.json" {
                use std::os::unix::fs::PermissionsExt;
                std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
    }
}

/// A home with a copy of the fixture, and what is expected of it.
pub(super) fn restored() -> (Arc<Home>, Value) {
    let home = Home::new(SETTINGS);
    copy(&fixture().join("data"), &home.data_dir());
    let expected: Value = serde_json::from_slice(&std::fs::read(fixture().join("expected.json")).unwrap()).unwrap();
    std::fs::write(home.path("admin.key"), expected["admin_key"].as_str().unwrap()).unwrap();
    (home, expected)
}

async fn answers(server: &TestServer) -> Value {
    let mut projects = json!({});
    for project in PROJECTS {
        let answer = server.query(project, ALL).await.json(200);
        let letters =
            server.request(Method::GET, "/api/v1/ingest/dead-letters/download").header("kronika-project", project);
        let letters = send(letters).await.text;
        projects[project] = json!({"schema": answer["schema"], "rows": answer["rows"], "dead_letters": letters});
    }
    projects
}

async fn keyed(server: &TestServer) -> super::common::Answer {
    let request = server.request(Method::POST, "/api/v1/events").header("idempotency-key", "fixture-1");
    send(request.header("kronika-project", "shop").body(KEYED)).await
}

/// Makes the fixture when asked to by `KRONIKA_MAKE_FIXTURE=1`; else there is nothing to do.
#[tokio::test]
async fn make() {
    if std::env::var_os("KRONIKA_MAKE_FIXTURE").is_none() {
        return;
    }
    let server = TestServer::start_with(SETTINGS);
    server.create_project("shop").await;
    for journal in ["expertsender", "voucherify"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/golden/{journal}.ndjson"));
        let text = std::fs::read_to_string(path).unwrap();
        let lines: Vec<&str> = text.lines().take(3).collect();
        server.append("default", "", lines.join("\n")).await.json(200);
        server.flush().await;
    }
    server.append("shop", "", "{\"event_id\":\"s1\",\"module\":\"a/b=c%\"}\n{\"broken\n").await.json(200);
    server.flush().await;
    keyed(&server).await.json(200);
    server.append("default", "", "{\"event_id\":\"hot-1\",\"module\":\"payments\"}\n{\"no\":\"id\"}\n").await.json(200);
    let new = json!({"name": "sender", "scopes": ["ingest"], "project": "shop"});
    let key = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    let expected = json!({
        "admin_key": server.key, "ingest_key": key["secret"], "projects": answers(&server).await,
        "receipt": keyed(&server).await.json(200),
    });
    let home = server.kill();
    let _ = std::fs::remove_dir_all(fixture());
    copy(&home.data_dir(), &fixture().join("data"));
    let _ = std::fs::remove_dir_all(fixture().join("data/spill"));
    std::fs::write(fixture().join("expected.json"), format!("{expected:#}\n")).unwrap();
}

#[tokio::test]
async fn a_directory_of_format_1_is_read_exactly_and_written_on() {
    let (home, expected) = restored();
    let server = TestServer::start_in(&home);
    assert_eq!(answers(&server).await["shop"], expected["projects"]["shop"]);
    assert_eq!(answers(&server).await, expected["projects"]);

    // Answers and ids are known.
    let again = keyed(&server).await;
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.json(200), expected["receipt"]);
    let known = server.append("shop", "", KEYED).await.json(200);
    assert_eq!((&known["duplicates"], &known["accepted"]), (&json!(2), &json!(0)));

    // The key still sends, and what it sends comes behind all that there is.
    let last = server.count("shop", "SELECT max(_seq) FROM events").await;
    let sent = server.client.post(format!("{}/api/v1/events", server.url));
    let sent = sent.bearer_auth(expected["ingest_key"].as_str().unwrap()).body("{\"event_id\":\"new\"}");
    assert_eq!(send(sent).await.json(200)["accepted"], 1);
    let count = expected["projects"]["shop"]["rows"].as_array().unwrap().len() as u64 + 1;
    assert_eq!(server.count("shop", "SELECT count(*) FROM events").await, count);
    assert!(server.count("shop", "SELECT _seq FROM events WHERE event_id = 'new'").await > last);
    server.flush().await;
    server.compact().await;
    let server = TestServer::start_in(&server.kill());
    assert_eq!(server.count("shop", "SELECT count(*) FROM events").await, count);
    let before = &expected["projects"]["default"]["rows"];
    assert_eq!(&answers(&server).await["default"]["rows"], before, "flushed and compacted, it is the same");
    server.stop();
}

/// Paths with contents of everything in a directory.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
        } else if path.file_name().is_some_and(|name| name != "LOCK") {
            let bytes = std::fs::read(&path).unwrap();
            found.insert(path, bytes);
        }
    }
    found
}

/// Starts a server that must refuse; what it says.
fn refused(home: &Arc<Home>) -> String {
    let before = contents(&home.data_dir());
    let mut child = home.command(&[]).spawn().unwrap();
    let code = wait(&mut child);
    let mut said = String::new();
    std::io::Read::read_to_string(&mut child.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("hint: "), "{said}");
    let after = contents(&home.data_dir());
    let changed: Vec<_> =
        before.iter().filter(|(path, bytes)| after.get(*path) != Some(bytes)).map(|(path, _)| path).collect();
    assert!(changed.is_empty(), "touched: {changed:?}");
    said
}

#[test]
fn a_newer_directory_log_or_table_is_refused_and_left_as_it_is() {
    let (home, _) = restored();
    let identity = home.data_dir().join("kronika.json");
    let text = std::fs::read_to_string(&identity).unwrap();
    std::fs::write(&identity, text.replace("\"format\": 1", "\"format\": 2")).unwrap();
    assert!(refused(&home).contains("has format 2, this program knows up to 1"));

    let (home, _) = restored();
    let mut segments: Vec<_> =
        std::fs::read_dir(home.data_dir().join("wal")).unwrap().map(|entry| entry.unwrap().path()).collect();
    segments.sort();
    let segment = segments.iter().find(|path| path.extension().is_some_and(|end| end == "log")).unwrap();
    let mut bytes = std::fs::read(segment).unwrap();
    bytes[8..12].copy_from_slice(&2_u32.to_le_bytes());
    let sum = crc32c::crc32c(&bytes[..32]);
    bytes[32..36].copy_from_slice(&sum.to_le_bytes());
    std::fs::write(segment, bytes).unwrap();
    let said = refused(&home);
    assert!(said.contains("version 2") || said.contains("format 2"), "{said}");

    let (home, _) = restored();
    let log = home.data_dir().join("store/projects/shop/events/_delta_log/00000000000000000000.json");
    let text = std::fs::read_to_string(&log).unwrap();
    let newer = text.replace("\"kronika.modelVersion\":\"1\"", "\"kronika.modelVersion\":\"2\"");
    assert_ne!(newer, text);
    std::fs::write(&log, newer).unwrap();
    let said = refused(&home);
    assert!(said.contains("model") && said.contains('2'), "{said}");
}
