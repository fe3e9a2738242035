//! What a project takes, held against what `kronika verify`, the files and SQL say.

use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{TestServer, kronika, send};

async fn storage(server: &TestServer, project: &str) -> Value {
    send(server.request(Method::GET, &format!("/api/v1/projects/{project}/storage"))).await.json(200)
}

/// Number and size of the Parquet files below a directory.
fn parquet(dir: &Path) -> (u64, u64) {
    let (mut dirs, mut found) = (vec![dir.to_path_buf()], (0, 0));
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            let path = entry.path();
            if path.is_dir() && !path.ends_with("_delta_log") {
                dirs.push(path);
            } else if path.extension().is_some_and(|end| end == "parquet") {
                found = (found.0 + 1, found.1 + entry.metadata().unwrap().len());
            }
        }
    }
    found
}

#[tokio::test]
async fn a_project_says_what_it_takes_by_module_and_month() {
    let server =
        TestServer::start_with("[flush]\ninterval = \"1d\"\n[compaction]\ninterval = \"0s\"\nkeep_replaced = \"1h\"\n");
    server.create_project("shop").await;
    let event =
        |module: &str, time: &str| format!("{{\"module\":\"{module}\",\"event_time\":\"{time}\",\"message\":\"x\"}}\n");
    let months = [
        ("orders", "2025-03-01T10:00:00Z"),
        ("orders", "2025-03-31T23:59:59Z"),
        ("orders", "2025-04-01T00:00:00Z"),
        ("stock", "2025-03-05T10:00:00Z"),
    ];
    let body: String = months.iter().map(|(module, time)| event(module, time)).collect();
    server.append("shop", "", body + "{\"event_time\":\"2025-03-01T10:00:00Z\"}\n").await.json(200);
    let before = storage(&server, "shop").await;
    assert_eq!(before["hot"]["rows"], 5);
    assert!(before["hot"]["bytes"].as_u64().unwrap() > 0, "{before}");
    assert_eq!((&before["total"], &before["modules"]), (&json!({"files": 0, "rows": 0, "bytes": 0}), &json!([])));
    server.flush().await;
    server.append("shop", "", event("stock", "2025-03-05T11:00:00Z")).await.json(200);
    server.flush().await;
    server.append("shop", "", event("orders", "2025-04-02T10:00:00Z")).await.json(200);
    let now = storage(&server, "shop").await;
    let rows: Vec<Value> = now["modules"]
        .as_array()
        .unwrap()
        .iter()
        .map(|part| {
            assert!(part["bytes"].as_u64().unwrap() > 0);
            json!([part["month"], part["module"], part["files"], part["rows"]])
        })
        .collect();
    let expected = json!([
        ["2025-04", "orders", 1, 1],
        ["2025-03", null, 1, 1],
        ["2025-03", "orders", 2, 2],
        ["2025-03", "stock", 2, 2],
    ]);
    assert_eq!(json!(rows), expected);
    assert_eq!((&now["total"]["files"], &now["total"]["rows"], &now["hot"]["rows"]), (&json!(6), &json!(6), &json!(1)));
    let (files, bytes) = parquet(&server.home().data_dir().join("store/projects/shop"));
    assert_eq!((&now["total"]["files"], &now["total"]["bytes"]), (&json!(files), &json!(bytes)));
    let of =
        |name: &str| now["modules"].as_array().unwrap().iter().map(|part| part[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((of("bytes"), of("rows")), (bytes, 6));
    // Two small files of a day and module become one; what they were waits for its deletion.
    server.compact().await;
    let after = storage(&server, "shop").await;
    assert_eq!((&after["total"]["rows"], &after["log"]["replaced_files"]), (&json!(6), &json!(2)), "{after}");
    assert_eq!(after["total"]["files"], 5);
    let verify = kronika().args(["verify", "--json", "--data-dir"]).arg(server.home().data_dir()).output().unwrap();
    let told: Value = serde_json::from_slice(&verify.stdout).unwrap();
    let table = told["tables"].as_array().unwrap().iter().find(|table| table["project"] == "shop").unwrap();
    for (ours, theirs) in [("files", "files"), ("rows", "rows"), ("bytes", "bytes")] {
        assert_eq!(after["total"][ours], table[theirs], "{table}");
    }
    assert_eq!((&after["log"]["version"], &after["log"]["replaced_files"]), (&table["version"], &table["replaced"]));
    send(server.request(Method::GET, "/api/v1/projects/nowhere/storage")).await.problem(404, "project_not_found");
    send(server.request(Method::GET, "/api/v1/projects/No/storage")).await.problem(400, "invalid_project");
    server.stop();
}
