//! Saved filters over HTTP: kept, shared, used, limited, gone with their project.

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{TestServer, send};

const PATH: &str = "/api/v1/filters";

async fn query_key(server: &TestServer, project: &str, restrictions: Value) -> String {
    let new = json!({"name": "filters", "scopes": ["query"], "project": project, "restrictions": restrictions});
    let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    made["secret"].as_str().unwrap().to_owned()
}

fn failures(more: Value) -> Value {
    let mut filter = json!({"name": "Failures of today", "filter": {"outcome": "failure", "period": "today", "tz": "Europe/Warsaw"},
        "columns": ["event_time", "message"], "sort": "-event_time"});
    filter.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    filter
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_are_kept_for_their_key_or_for_all() {
    let server = TestServer::start();
    let (anna, boris) =
        (query_key(&server, "default", json!({})).await, query_key(&server, "default", json!({})).await);
    let restricted = query_key(&server, "default", json!({"modules": ["orders"]})).await;
    let post = async |key: &str, filter: Value| send(server.with(key, Method::POST, PATH).json(&filter)).await;
    let mine = post(&anna, failures(json!({}))).await.json(201);
    assert_eq!(mine["filter"]["period"], "today", "a relative period stays relative");
    post(&anna, failures(json!({}))).await.problem(409, "filter_exists");
    let ours = post(&anna, failures(json!({"name": "Ours", "shared": true, "default": true}))).await.json(201);
    post(&restricted, failures(json!({"shared": true}))).await.problem(403, "restricted_key");
    post(&anna, failures(json!({"name": "x", "filter": {"modul": "x"}}))).await.problem(400, "unknown_filter");
    post(&anna, failures(json!({"name": "x", "surprise": 1}))).await.problem(400, "invalid_json");
    let list = async |key: &str| -> Vec<String> {
        let all = send(server.with(key, Method::GET, PATH)).await.json(200);
        all.as_array().unwrap().iter().map(|filter| filter["name"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(list(&anna).await, ["Failures of today", "Ours"]);
    assert_eq!(list(&boris).await, ["Ours"]);
    let path = |filter: &Value| format!("{PATH}/{}", filter["id"].as_str().unwrap());
    send(server.with(&boris, Method::GET, &path(&mine))).await.problem(404, "filter_not_found");
    send(server.with(&boris, Method::DELETE, &path(&ours))).await.problem(403, "not_your_filter");
    let by_name = send(server.with(&boris, Method::GET, &format!("{PATH}/Ours"))).await.json(200);
    assert_eq!(by_name, ours);
    let changed =
        send(server.with(&anna, Method::PUT, &path(&mine)).json(&failures(json!({"name": "Renamed"})))).await.json(200);
    assert_eq!((&changed["id"], &changed["name"]), (&mine["id"], &json!("Renamed")));

    let server = TestServer::start_in(&server.kill());
    let again = send(server.with(&anna, Method::GET, &path(&mine))).await.json(200);
    assert_eq!(again, changed, "what was answered is kept over a crash");
    assert_eq!(send(server.with(&anna, Method::DELETE, &path(&mine))).await.status, 204);
    send(server.with(&anna, Method::GET, &path(&mine))).await.problem(404, "filter_not_found");
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_are_limited_and_go_with_their_project() {
    let server = TestServer::start_with("[saved]\nfilters_max = 2\nfilter_size_max = \"1KiB\"\n");
    server.create_project("shop").await;
    let key = query_key(&server, "shop", json!({})).await;
    let post = async |name: &str, filter: Value| {
        let new = json!({"name": name, "filter": filter});
        send(server.with(&key, Method::POST, PATH).json(&new)).await
    };
    post("one", json!({})).await.json(201);
    let large = post("large", json!({"q": "x".repeat(1_024)})).await.problem(400, "too_many_filters");
    assert!(large["detail"].as_str().unwrap().contains("saved.filter_size_max"), "{large}");
    post("two", json!({"q": "x".repeat(800)})).await.json(201);
    let many = post("three", json!({})).await.problem(400, "too_many_filters");
    assert!(many["detail"].as_str().unwrap().contains("saved.filters_max"), "{many}");
    assert_eq!(send(server.request(Method::DELETE, "/api/v1/projects/shop?confirm=shop")).await.status, 204);
    server.create_project("shop").await;
    let key = query_key(&server, "shop", json!({})).await;
    assert_eq!(
        send(server.with(&key, Method::GET, PATH)).await.json(200),
        json!([]),
        "nothing of the old project comes back"
    );
    server.stop();
}
