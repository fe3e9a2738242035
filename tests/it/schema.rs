//! What an editor completes: held against what SQL itself takes and refuses.

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{TestServer, send};

async fn schema(server: &TestServer, key: &str) -> Value {
    send(server.with(key, Method::GET, "/api/v1/schema")).await.json(200)
}

fn names(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    list.as_array().unwrap().iter().find(|one| one["name"] == name).unwrap_or_else(|| panic!("no {name}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn everything_that_is_listed_can_be_asked_as_it_is_listed() {
    let server = TestServer::start();
    server.append("default", "", "{\"module\":\"orders\"}").await.json(200);
    let told = schema(&server, &server.key).await;
    let tables = told["tables"].as_array().unwrap();
    assert!(tables.len() > 20 && names(&told["tables"])[..2] == ["events", "ledger"], "{:?}", names(&told["tables"]));
    for table in tables {
        let sql = format!("SELECT * FROM {} LIMIT 1", table["name"].as_str().unwrap());
        let answer = server.ask(&server.key, &sql).await.json(200);
        let columns = table["columns"].as_array().unwrap().iter();
        let listed: Vec<Value> =
            columns.map(|column| json!({"name": column["name"], "type": column["type"]})).collect();
        assert_eq!(json!(listed), answer["schema"], "{sql}");
        assert!(!table["description"].as_str().unwrap().is_empty(), "{table}");
        assert_eq!(table["title"].is_string(), table["kind"] == "view", "{table}");
    }
    let events = &named(&told["tables"], "events")["columns"];
    for column in events.as_array().unwrap() {
        assert!(column["description"].as_str().is_some_and(|text| !text.is_empty()), "{column}");
    }
    assert_eq!(named(&told["tables"], "tasks")["title"], "Background tasks");
    let duration = named(&named(&told["tables"], "http_calls")["columns"], "duration_ms");
    assert_eq!((&duration["type"], &duration["description"]), (&json!("int64"), &Value::Null));
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_function_exists_and_those_that_are_kept_away_are_not_listed() {
    let server = TestServer::start();
    let told = schema(&server, &server.key).await;
    let functions = told["functions"].as_array().unwrap();
    assert!(functions.len() > 200, "{}", functions.len());
    for function in functions {
        let name = function["name"].as_str().unwrap();
        let call = match function["kind"].as_str().unwrap() {
            "scalar" | "aggregate" => format!("SELECT \"{name}\"()"),
            "window" => format!("SELECT \"{name}\"() OVER ()"),
            "table" => format!("SELECT * FROM {name}()"),
            kind => panic!("{kind}"),
        };
        let answer = server.ask(&server.key, &call).await;
        // Called without arguments most are refused, and known all the same.
        assert!(!answer.text.contains("unknown_function"), "{call}: {}", answer.text);
    }
    for name in ["version", "input_file_name", "cast_to_type", "arrow_metadata"] {
        assert!(!names(&told["functions"]).contains(&name), "{name}");
    }
    let syntax = |name: &str| named(&told["functions"], name)["syntax"].as_str().map(str::to_owned);
    assert_eq!(syntax("in_network").as_deref(), Some("in_network(address, network)"));
    assert!(syntax("date_trunc").is_some_and(|text| text.starts_with("date_trunc(")));
    let known = functions.iter().filter(|function| function["syntax"].is_string()).count();
    assert!(known * 10 > functions.len() * 8, "{known} of {}", functions.len());
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restricted_key_is_shown_what_its_sql_shows() {
    let server = TestServer::start();
    let new = json!({"name": "r", "scopes": ["query"], "project": "default",
        "restrictions": {"masked_columns": ["actor_email"]}});
    let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    let key = made["secret"].as_str().unwrap();
    let told = schema(&server, key).await;
    let columns = names(&named(&told["tables"], "events")["columns"]).join(" ");
    for hidden in ["actor_email", "raw", "attributes"] {
        assert!(!columns.split(' ').any(|column| column == hidden), "{hidden}: {columns}");
    }
    assert!(columns.contains("actor_id"));
    let listed = names(&told["tables"]);
    assert!(!listed.contains(&"ledger"), "{listed:?}");
    // Of each view SQL says the same.
    let all = schema(&server, &server.key).await;
    for name in names(&all["tables"]) {
        let answer = server.ask(key, &format!("SELECT * FROM {name} LIMIT 1")).await;
        assert_eq!(answer.status == 200, listed.contains(&name), "{name}: {}", answer.text);
    }
    assert!(listed.len() > 3 && listed.len() < names(&all["tables"]).len() - 3, "{listed:?}");
    server.stop();
}
