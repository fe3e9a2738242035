//! Real audit events: through the command line, out of SQL, and out of other readers.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::common::{TestServer, kronika, python, shared, unpacked};

fn import(server: &TestServer, file: &Path, mapping: &str) -> std::process::Output {
    let state = server.home().path("import-state");
    let mut command = kronika();
    command.arg("import").arg(file).args(["--server", &server.url, "--key", &server.key, "--mapping", mapping]);
    command.arg("--state-dir").arg(state).args(["--in-flight", "1"]).output().unwrap()
}

fn counted<'a>(values: impl Iterator<Item = Option<&'a str>>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for value in values {
        *counts.entry(value.unwrap_or("(none)").to_string()).or_insert(0) += 1;
    }
    counts
}

async fn counts(server: &TestServer, expression: &str) -> BTreeMap<String, u64> {
    let sql = format!("SELECT {expression} AS k, count(*) FROM events GROUP BY 1");
    let rows = server.rows("default", &sql).await;
    let key = |row: &Vec<Value>| row[0].as_str().unwrap_or("(none)").to_string();
    rows.iter().map(|row| (key(row), row[1].as_str().unwrap().parse().unwrap())).collect()
}

fn lines(file: &Path) -> Vec<Value> {
    let text = unpacked(file);
    text.split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

/// The day of the event as the mapping `windows` reads it.
fn day(event: &Value) -> &str {
    let time = event["UtcTime"].as_str().or_else(|| event["@timestamp"].as_str()).unwrap();
    &time[..10]
}

#[tokio::test]
async fn windows_events_come_back_by_module_by_day_and_field_by_field() {
    let Some(file) = shared("data/real/windows-host.ndjson.zst") else { return };
    let server = TestServer::start();
    let output = import(&server, &file, "windows");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let events = lines(&file);
    let modules = counted(events.iter().map(|event| event["Channel"].as_str()));
    let days = counted(events.iter().map(|event| Some(day(event))));
    for state in ["hot", "flushed", "compacted"] {
        match state {
            "flushed" => drop(server.flush().await),
            "compacted" => drop(server.compact().await),
            _ => {}
        }
        assert_eq!(counts(&server, "module").await, modules, "{state}");
        assert_eq!(counts(&server, "CAST(date AS VARCHAR)").await, days, "{state}");
    }
    field_by_field(&server, &events, "windows").await;
    // The same file again, as if nothing were known about it.
    std::fs::remove_dir_all(server.home().path("import-state")).unwrap();
    let output = import(&server, &file, "windows");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, events.len() as u64);
    other_readers(&server);
    server.stop();
}

/// Every value of the top level is found again: in `attributes` under its own name, or, where it is
/// not there, in a column that holds its text.
async fn field_by_field(server: &TestServer, events: &[Value], mapping: &str) {
    let tables = tables(mapping);
    let (mut at, mut after) = (0, "-1".to_owned());
    while at < events.len() {
        let sql = format!("SELECT * FROM events WHERE _seq > {after} ORDER BY _seq LIMIT 5000");
        let answer = server.query("default", &sql).await.json(200);
        let names: Vec<&str> =
            answer["schema"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect();
        let attributes_at = names.iter().position(|name| *name == "attributes").unwrap();
        let seq_at = names.iter().position(|name| *name == "_seq").unwrap();
        for row in answer["rows"].as_array().unwrap() {
            let attributes: Value = serde_json::from_str(row[attributes_at].as_str().unwrap_or("{}")).unwrap();
            let cells = row.as_array().unwrap();
            for (field, value) in events[at].as_object().unwrap() {
                let lost = lost(value, attributes.get(field), cells, &tables);
                assert!(lost.is_none(), "event {at}: of `{field}` is lost {}; attributes {attributes}", lost.unwrap());
            }
            at += 1;
            after = row[seq_at].as_str().unwrap().to_owned();
        }
    }
    assert_eq!(at, events.len());
}

/// The first part of a sent value that is neither in `attributes` under its own path nor in a column.
/// Where the mapping replaces values one to one, the replacement in a column tells what was sent.
fn lost<'a>(value: &'a Value, kept: Option<&Value>, cells: &[Value], tables: &Tables) -> Option<&'a Value> {
    if value.is_null() || kept == Some(value) {
        return None;
    }
    if let (Value::Object(members), false) = (value, value.as_object().is_some_and(serde_json::Map::is_empty)) {
        let inner = |name: &String| kept.and_then(|kept| kept.get(name));
        return members.iter().find_map(|(name, value)| lost(value, inner(name), cells, tables));
    }
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_string);
    let instant = normal(&text.replace(' ', "T"));
    let same =
        |cell: &Value| cell == value || cell.as_str().is_some_and(|cell| cell == text || normal(cell) == instant);
    // Items of `related` hold values as well.
    let names =
        |item: &Value| item.as_object().is_some_and(|fields| fields.values().any(|field| *field == text.as_str()));
    let within = |cell: &Value| cell.as_array().is_some_and(|items| items.iter().any(names));
    let replaced =
        |cell: &Value| tables.contains(&(text.clone(), cell.as_str().map_or_else(|| cell.to_string(), str::to_string)));
    (!cells.iter().any(|cell| same(cell) || within(cell) || replaced(cell))).then_some(value)
}

/// What a mapping's value tables replace, with the replacement.
type Tables = std::collections::HashSet<(String, String)>;

fn tables(mapping: &str) -> Tables {
    fn walk(value: &toml::Value, found: &mut Tables) {
        let Some(table) = value.as_table() else { return };
        for (key, inner) in table {
            match (key.as_str(), inner.as_table()) {
                ("values", Some(values)) => found.extend(values.iter().map(|(sent, stored)| {
                    (sent.clone(), stored.as_str().map_or_else(|| stored.to_string(), str::to_string))
                })),
                _ => walk(inner, found),
            }
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("mappings/{mapping}.toml"));
    let mut found = Tables::new();
    walk(&toml::from_str(&std::fs::read_to_string(path).unwrap()).unwrap(), &mut found);
    found
}

fn normal(instant: &str) -> String {
    let bare = instant.trim_end_matches('Z');
    if bare.contains('.') { bare.trim_end_matches('0').trim_end_matches('.').to_string() } else { bare.to_string() }
}

/// Delta, Polars and DuckDB read the same table.
fn other_readers(server: &TestServer) {
    let Some(python) = python() else { return };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/readers.py");
    let table = server.home().data_dir().join("store/projects/default/events");
    let output = Command::new(python).arg(script).arg(table).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("readers agree"), "{said}");
}

#[tokio::test]
async fn names_that_need_escapes_are_read_alike_by_all() {
    let server = TestServer::start();
    let modules = ["a/b", "50%", "x=y", "Курьеры", "Zażółć gęślą", "a b", "dots.", "q?*#", "100%25"];
    let mut body: String =
        modules.iter().map(|module| serde_json::json!({"module": module}).to_string() + "\n").collect();
    body.push_str("{\"message\":\"no module\"}\n");
    server.append("default", "", body).await.json(200);
    server.flush().await;
    assert_eq!(counts(&server, "module").await.len(), modules.len() + 1);
    other_readers(&server);
    server.stop();
}

#[tokio::test]
async fn cloudtrail_records_come_in_singly_and_as_delivered() {
    let Some(file) = shared("data/real/cloudtrail.ndjson.zst") else { return };
    let server = TestServer::start();
    let output = import(&server, &file, "cloudtrail");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let events = lines(&file);
    assert_eq!(counts(&server, "module").await, counted(events.iter().map(|event| event["eventSource"].as_str())));
    field_by_field(&server, &events, "cloudtrail").await;
    let delivered = r#"{"Records":[{"eventVersion":"1.08","eventTime":"2025-03-04T08:55:10Z","eventSource":"s3.amazonaws.com","eventName":"GetObject","eventID":"0d5b4c52-3c4e-4a0d-8c6f-d1a1f2b0e001"},{"eventTime":"2025-03-04T08:55:11Z","eventSource":"iam.amazonaws.com","eventName":"CreateUser"}]}"#;
    let request = server.request(reqwest::Method::POST, "/api/v1/events?mapping=cloudtrail");
    let answer =
        super::common::send(request.header("content-type", "application/json").body(delivered)).await.json(200);
    assert_eq!(answer["accepted"], 2);
    let rows = server
        .rows("default", "SELECT event_type, module FROM events WHERE event_time >= '2025-01-01' ORDER BY event_time")
        .await;
    assert_eq!(
        serde_json::json!(rows),
        serde_json::json!([["GetObject", "s3.amazonaws.com"], ["CreateUser", "iam.amazonaws.com"]])
    );
    server.stop();
}
