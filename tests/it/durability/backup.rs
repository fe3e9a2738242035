//! Backups taken while a server writes, restored elsewhere, and refused where they would lose what came after.

use std::sync::Arc;

use reqwest::Method;
use serde_json::{Value, json};

use super::{assert_sound, load, run};
use crate::common::{Home, TestServer, send};

const CONFIG: &str = "[flush]\ninterval = \"150ms\"\n[compaction]\ninterval = \"300ms\"\nfiles_min = 2\nkeep_replaced = \"0s\"\n\
    [wal]\nsegment_size = \"64KiB\"\nsize_max = \"6MiB\"\n[ingest]\nbody_max = \"128KiB\"\nline_max = \"64KiB\"\n";

/// Runs a command that must succeed; its JSON.
#[track_caller]
fn report(home: &Arc<Home>, words: &[&str]) -> Value {
    let output = run(home, words);
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// A home whose data directory does not exist yet, with the settings written down.
fn empty() -> Arc<Home> {
    let home = Home::new(CONFIG);
    std::fs::write(home.path("kronika.toml"), CONFIG).unwrap();
    home
}

/// Restores into a new home, with the key of the old one.
fn restored(from: &Home, place: &str, backup: Option<&str>) -> (Arc<Home>, Value) {
    let home = empty();
    std::fs::copy(from.path("admin.key"), home.path("admin.key")).unwrap();
    let mut words = vec!["restore", place, "--json"];
    words.extend(backup.iter().flat_map(|id| ["--backup", id]));
    let told = report(&home, &words);
    (home, told)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_taken_under_load_has_all_that_was_acknowledged_before_it() {
    let server = TestServer::start_in(&Home::new(CONFIG));
    let place = server.home().path("backups").display().to_string();
    let sent = Arc::new(load::Sent::default());
    load::send(&server, &sent, 2, 20).join_all().await;
    let new = json!({"name": "sender", "scopes": ["ingest"], "project": "default"});
    let key = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    let keyed = || {
        server
            .request(Method::POST, "/api/v1/events")
            .header("idempotency-key", "once")
            .body("{\"event_id\":\"k\",\"session_id\":\"k\",\"message\":\"k\"}")
    };
    // Under other ids than the load's.
    send(server.request(Method::POST, "/api/v1/projects").json(&json!({"name": "shop"}))).await.json(201);
    let receipt = send(keyed().header("kronika-project", "shop")).await.json(200);

    // Three backups while it goes on; each has what was acknowledged when it began.
    let mut taken = Vec::new();
    let senders = load::send(&server, &sent, 3, 150);
    for _ in 0..3 {
        let acked = sent.acknowledged();
        let told = report(server.home(), &["backup", &place, "--json"]);
        taken.push((told["id"].as_str().unwrap().to_owned(), acked, told));
    }
    senders.join_all().await;
    let home = server.stop();
    // What is there is not copied again: only the state is.
    let again = report(&home, &["backup", &place, "--json"]);
    let last = report(&home, &["backup", &place, "--json"]);
    assert!(
        again["files"] == last["files"] && last["copied_files"].as_u64() < last["files"].as_u64(),
        "{again} {last}"
    );
    assert!(last["copied_files"].as_u64() <= again["copied_files"].as_u64(), "{again} {last}");
    let acked = sent.acknowledged();
    taken.extend([again, last].map(|told| (told["id"].as_str().unwrap().to_owned(), acked, told)));

    let listed = report(&home, &["restore", &place, "--list", "--json"]);
    let ids: Vec<&str> = listed.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 5, "{listed}");
    for (id, acked, _) in &taken {
        let (copy, told) = restored(&home, &place, Some(id));
        assert_eq!(told["id"], **id);
        assert_sound(&copy, id);
        let server = TestServer::start_in(&copy);
        let found = server.count("default", "SELECT count(DISTINCT event_id) FROM events").await;
        let all = server.count("default", "SELECT count(*) FROM events").await;
        assert_eq!(found, all, "{id}: something is doubled");
        let least = acked * load::BATCH;
        assert!(all >= least, "{id}: {all} of {least} events");
        assert_eq!(all % load::BATCH, 0, "{id}: half a batch");
        // Keys, answers and ids are known there as well.
        let again = server.request(Method::POST, "/api/v1/events").header("idempotency-key", "once");
        let again = send(
            again.header("kronika-project", "shop").body("{\"event_id\":\"k\",\"session_id\":\"k\",\"message\":\"k\"}"),
        )
        .await;
        assert_eq!(
            (again.headers["idempotency-replayed"].to_str().unwrap(), again.json(200)),
            ("true", receipt.clone())
        );
        let sent =
            server.client.post(format!("{}/api/v1/events", server.url)).bearer_auth(key["secret"].as_str().unwrap());
        let sent = send(sent.body("{\"event_id\":\"0\",\"message\":\"another\"}")).await.json(200);
        assert_eq!(sent["accepted"], 0, "the id is known: {sent}");
        server.flush().await;
        server.stop();
    }
    // The newest is the default, and a place that is used is left alone.
    let (copy, told) = restored(&home, &place, None);
    assert_eq!(told["id"], taken[4].0);
    let output = run(&copy, &["restore", &place]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(said.contains("is a data directory already") && said.contains("hint: "), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_state_than_the_store_knows_is_refused() {
    let home = empty();
    let store = home.path("bucket").display().to_string();
    let config = format!("{CONFIG}[storage]\nurl = {store:?}\n");
    let server = TestServer::start_in(&home.again(&config, &[]));
    let place = home.path("backups").display().to_string();
    server.append("default", "", "{\"event_id\":\"1\"}").await.json(200);
    server.flush().await;
    report(server.home(), &["backup", &place, "--json"]);
    server.append("default", "", "{\"event_id\":\"2\"}").await.json(200);
    server.flush().await;
    let home = server.stop();
    // The machine is lost, the bucket is not.
    std::fs::remove_dir_all(home.data_dir()).unwrap();
    let output = run(&home, &["restore", &place]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("would lose") && said.contains("hint: "), "{said}");
    assert!(!home.data_dir().join("kronika.json").exists());
    // Without the later commits it is the backup's own state again.
    std::fs::remove_dir_all(home.path("bucket")).unwrap();
    report(&home, &["restore", &place, "--json"]);
    let server = TestServer::start_in(&home);
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 1);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_file_is_neither_backed_up_nor_restored() {
    let server = TestServer::start_in(&Home::new("[compaction]\ninterval = \"0s\"\n"));
    let place = server.home().path("backups");
    let line = |n: u64| format!("{{\"event_id\":\"{n}\",\"message\":\"event {n}\"}}\n");
    server.append("default", "", (0..3_000).map(line).collect::<String>()).await.json(200);
    server.flush().await;
    let home = server.stop();
    let find = |root: &std::path::Path| {
        let found =
            std::process::Command::new("find").arg(root).args(["-name", "*.parquet", "-path", "*default*"]).output();
        std::path::PathBuf::from(String::from_utf8(found.unwrap().stdout).unwrap().lines().next().unwrap())
    };
    let flip = |path: &std::path::Path| {
        let mut bytes = std::fs::read(path).unwrap();
        bytes[1_000] ^= 4;
        std::fs::write(path, bytes).unwrap();
    };
    let file = find(&home.data_dir());
    flip(&file);
    let to = place.display().to_string();
    let output = run(&home, &["backup", &to]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0));
    assert!(said.contains(file.file_name().unwrap().to_str().unwrap()), "{said}");
    assert_eq!(report(&home, &["restore", &to, "--list", "--json"]), json!([]), "it is no backup");
    flip(&file);
    report(&home, &["backup", &to, "--json"]);
    let copied = find(&place);
    flip(&copied);
    let other = empty();
    let output = run(&other, &["restore", &to]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_ne!(output.status.code(), Some(0));
    assert!(said.contains(copied.file_name().unwrap().to_str().unwrap()) && said.contains("checksum"), "{said}");
    assert!(!other.data_dir().join("kronika.json").exists());
    // Once it is mended, the restore goes on.
    flip(&copied);
    report(&other, &["restore", &to, "--json"]);
    std::fs::copy(home.path("admin.key"), other.path("admin.key")).unwrap();
    let server = TestServer::start_in(&other);
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 3_000);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_outlives_a_project_that_is_made_again_under_its_name() {
    let server = TestServer::start_in(&Home::new(CONFIG));
    let place = server.home().path("backups").display().to_string();
    let fill = async |word: &str, count: usize| {
        server.create_project("shop").await;
        let event = |n: usize| format!("{}\n", json!({"event_id": format!("{word}-{n}"), "message": word}));
        server.append("shop", "", (0..count).map(event).collect::<String>()).await.json(200);
        server.flush().await;
    };
    fill("first", 30).await;
    let first = report(server.home(), &["backup", &place, "--json"]);
    send(server.request(Method::DELETE, "/api/v1/projects/shop?confirm=shop")).await;
    fill("other", 20).await;
    let other = report(server.home(), &["backup", &place, "--json"]);
    let home = server.stop();
    for (told, word, count) in [(first, "first", 30), (other, "other", 20)] {
        let (copy, _) = restored(&home, &place, told["id"].as_str());
        assert_sound(&copy, word);
        let server = TestServer::start_in(&copy);
        let sql = format!("SELECT count(*) FROM events WHERE message = '{word}'");
        assert_eq!(server.count("shop", &sql).await, count, "{word}");
        assert_eq!(server.count("shop", "SELECT count(*) FROM events").await, count, "{word}");
        server.stop();
    }
}
