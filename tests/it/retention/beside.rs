//! Erasures where the tables lie elsewhere, and while somebody still reads what they remove.

use std::time::{Duration, Instant};

use futures::TryStreamExt;
use kronika::table::{RemoteSettings, Storage};
use object_store::{ObjectStore, ObjectStoreExt};
use reqwest::Method;
use serde_json::{Value, json};

use super::erasure::{CANARY, done, erase, holding, holds};
use super::{call, get};
use crate::common::stores::{Kind, Store};
use crate::common::{Home, TestServer};

/// Events of two days and modules, every fifth of whom is to be forgotten, and some that tell of him.
fn events(numbers: std::ops::Range<usize>, filler: usize) -> String {
    let line = |n: usize| {
        let actor = if n.is_multiple_of(5) { CANARY.to_owned() } else { format!("actor-{}", n % 7) };
        let told = if n % 10 == 3 { CANARY } else { "nobody" };
        let noise: String =
            (0..filler).map(|at| format!("{:016x}", (n * 131 + at).wrapping_mul(0x9E37_79B9_7F4A_7C15))).collect();
        let event = json!({"event_id": format!("e{n}"), "event_time": format!("2025-03-0{}T10:00:00Z", 1 + n % 2), "module": (["orders", "logs"][n % 2]),
            "actor_id": actor, "message": format!("told {told} so {noise}")});
        format!("{event}\n")
    };
    numbers.map(line).collect()
}

/// Paths of all objects of a store that hold the canary.
async fn holding_objects(store: &Store) -> (usize, Vec<String>) {
    let options = [
        ("aws_endpoint", store.url()),
        ("aws_allow_http", "true".to_owned()),
        ("aws_region", "us-east-1".to_owned()),
        ("aws_access_key_id", "test".to_owned()),
        ("aws_secret_access_key", "testtest".to_owned()),
    ];
    let options = options.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let storage = Storage::open_with("s3://journal/prod", &options, &RemoteSettings::default()).unwrap();
    let store = storage.store();
    let all: Vec<_> = store.list(Some(storage.prefix())).try_collect().await.unwrap();
    let mut found = Vec::new();
    for object in &all {
        let bytes = store.get(&object.location).await.unwrap().bytes().await.unwrap();
        let path = object.location.to_string();
        if holds(bytes, path.ends_with(".parquet")) {
            found.push(path);
        }
    }
    (all.len(), found)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_in_tables_on_s3_is_nowhere_afterwards_nor_in_the_cache() {
    let Some(store) = Store::start(Kind::Weed).await else { return };
    let config = format!(
        "[flush]\ninterval = \"1h\"\n[compaction]\ninterval = \"0s\"\nfiles_min = 2\nkeep_replaced = \"1h\"\n{}",
        store.settings("")
    );
    let home = Home::new(&config);
    let server = TestServer::start_in(&home);
    for round in 0..4 {
        server.append("default", "", events(round * 100..round * 100 + 100, 1)).await.json(200);
        server.flush().await;
        if round == 2 {
            // Files that were replaced keep their rows until their grace is over.
            server.compact().await;
        }
    }
    server.append("default", "", events(400..450, 1)).await.json(200);
    let own = server.count("default", &format!("SELECT count(*) FROM events WHERE actor_id = '{CANARY}'")).await;
    // What is read is in the cache.
    assert_eq!(server.rows("default", "SELECT message, actor_id FROM events").await.len(), 450);
    let (objects, found) = holding_objects(&store).await;
    assert!(found.len() > 8 && found.iter().any(|path| path.contains("_delta_log")), "{found:#?} of {objects}");

    let body =
        json!({"project": "default", "column": "actor_id", "value": CANARY, "mentions": true, "reason": "request 9"});
    let erasure = erase(&server, body.clone()).await;
    assert_eq!(
        (erasure["counts"]["rows"].as_u64().unwrap(), &erasure["proof"]["found_in"]),
        (own, &json!([])),
        "{erasure:#}"
    );
    assert_eq!((own, &erasure["proof"]["rows_left"]), (90, &json!(0)));
    let (objects, found) = holding_objects(&store).await;
    assert!(objects > 5 && found.is_empty(), "{found:#?} of {objects}");
    assert_eq!(holding(&home.data_dir()), Vec::<String>::new());
    assert_eq!(server.count("default", "SELECT count(*) FROM events WHERE message LIKE '%[erased]%'").await, 45);
    assert_eq!(erase(&server, body).await["counts"]["rows"], 0);
    // A server that has never seen it finds the same.
    server.stop();
    let server = TestServer::start_in(&Home::new(&config));
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 360);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_began_before_an_erasure_gets_all_its_rows_and_the_erasure_waits_for_it() {
    let home =
        Home::new("[flush]\ninterval = \"1h\"\n[compaction]\ninterval = \"0s\"\n[query]\nbytes_max = \"1GiB\"\n");
    let server = TestServer::start_in(&home);
    for round in 0..12 {
        server.append("default", "", events(round * 2_000..round * 2_000 + 2_000, 60)).await.json(200);
        server.flush().await;
    }
    // More than fits between a server and a client that does not read on.
    let request = server.request(Method::POST, "/api/v1/query").header("kronika-project", "default");
    let question = json!({"sql": "SELECT event_id, actor_id, message FROM events", "format": "ndjson"});
    let mut answer = request.json(&question).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut rows = answer.chunk().await.unwrap().unwrap().to_vec();

    let body = json!({"project": "default", "column": "actor_id", "value": CANARY, "reason": "request 10"});
    let made = call(&server, Method::POST, "/api/v1/erasures", body).await.json(202);
    let path = format!("/api/v1/erasures/{}", made["id"].as_str().unwrap());
    // Whoever asks from now on does not see him; the files stay for the one who reads them.
    let (began, gone) = (Instant::now(), format!("SELECT count(*) FROM events WHERE actor_id = '{CANARY}'"));
    while server.count("default", &gone).await > 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "{}", get(&server, &path).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_ne!(get(&server, &path).await["stage"], "done", "it is still being read");
    while let Some(chunk) = answer.chunk().await.unwrap() {
        rows.extend_from_slice(&chunk);
    }
    let rows: Vec<Value> = rows
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    assert_eq!((rows.len(), rows.iter().filter(|row| row["actor_id"] == CANARY).count()), (24_000, 4_800));

    let erasure = done(&server, made["id"].as_str().unwrap()).await;
    assert_eq!((&erasure["counts"]["rows"], &erasure["proof"]["rows_left"]), (&json!(4_800), &json!(0)), "{erasure:#}");
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 19_200);
    server.stop();
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_of_everything_and_one_of_nothing_are_both_told() {
    let server = TestServer::start_with("[compaction]\ninterval = \"0s\"\n");
    let line = |n: usize| format!("{{\"event_id\":\"e{n}\",\"tenant_id\":\"{CANARY}\",\"module\":\"m{}\"}}\n", n % 3);
    server.append("default", "", (0..60).map(line).collect::<String>()).await.json(200);
    server.flush().await;
    server.append("default", "", (60..90).map(line).collect::<String>()).await.json(200);
    let body =
        |value: &str| json!({"project": "default", "column": "tenant_id", "value": value, "reason": "the tenant left"});
    for (value, rows) in [("nobody-of-this-name", 0), (CANARY, 90), (CANARY, 0)] {
        let preview = call(&server, Method::POST, "/api/v1/erasures/preview", body(value)).await.json(200);
        assert_eq!(preview["rows"], rows, "{preview}");
        let erasure = erase(&server, body(value)).await;
        assert_eq!(
            (&erasure["counts"]["rows"], &erasure["proof"]["found_in"]),
            (&json!(rows), &json!([])),
            "{erasure:#}"
        );
    }
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 0);
    assert_eq!(holding(&server.home().data_dir()), Vec::<String>::new());
    assert_eq!(super::audited(&server, "erasure.done").await.len(), 3, "an entry each");
    // The table goes on.
    server.append("default", "", line(100)).await.json(200);
    server.flush().await;
    let server = TestServer::start_in(&server.stop());
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 1);
    server.stop();
}
