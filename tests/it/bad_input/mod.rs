//! Bad input: whatever is sent, the answer is the documented one, nothing that was accepted is lost, and the
//! next valid event is taken in.
//!
//! `cases.toml` holds what is one request each; what is more than one request is a test of its own, listed there
//! by its name. A row of the catalogue that is in neither fails [`every_row_is_somewhere`].

mod cases;
mod connections;
mod processes;
mod settings;

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

pub(super) use self::cases::packed;
use self::cases::{Case, Table};
use super::common::{Answer, Home, TestServer, send};

/// Rows of the catalogue of bad inputs that concern what exists; 39, 40, 46, 53 to 56 belong to protocols and
/// places of their own.
fn wanted_rows() -> impl Iterator<Item = u32> {
    (1..=38).chain(41..=45).chain(47..=52).chain(57..=62).chain(71..=83)
}

const COUNT: &str = "SELECT count(*) FROM events";

/// What one case made of its project.
struct Done {
    project: String,
    stored: u64,
}

/// The server must never say these.
fn assert_calm(server: &TestServer) {
    let log = server.log().join("\n");
    for word in ["panicked", "internal error"] {
        assert!(!log.contains(word), "{word}:\n{log}");
    }
}

#[tokio::test]
async fn every_case_has_its_documented_answer_and_harms_nothing() {
    let table = Table::read();
    let home = Home::new("");
    let server = TestServer::start_in(&home);
    let (mut wrong, mut done) = (Vec::new(), Vec::new());
    for (number, case) in table.cases.iter().enumerate() {
        let project = format!("case-{number}");
        server.create_project(&project).await;
        match run(&server, &project, case).await {
            Ok(stored) => done.push(Done { project, stored }),
            Err(why) => wrong.push(format!("row {} ({}): {why}", case.row, case.name)),
        }
    }
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), table.cases.len(), wrong.join("\n"));
    assert_calm(&server);
    println!("{} cases of {} rows", table.cases.len(), table.by_row().len());
    // What was stored stays what it is: replayed from the log, then in the tables.
    let server = TestServer::start_in(&server.kill());
    for state in ["replayed", "flushed"] {
        for Done { project, stored } in &done {
            assert_eq!(server.count(project, COUNT).await, *stored, "{state}: {project}");
        }
        server.flush().await;
    }
    assert_calm(&server);
    server.stop();
}

/// Runs one case and says how many events its project holds at the end.
async fn run(server: &TestServer, project: &str, case: &Case) -> Result<u64, String> {
    let mut before = 0;
    if let Some(parts) = &case.before {
        before = server.append(project, "", cases::bytes(parts)).await.json(200)["accepted"].as_u64().unwrap();
    }
    let answer = send(request(server, project, case).await).await;
    check(case, &answer)?;
    let stored = case.stored.unwrap_or(before + case.accepted);
    let found = server.count(project, COUNT).await;
    if found != stored {
        return Err(format!("{found} events are stored, not {stored}"));
    }
    for (sql, want) in &case.rows {
        let (got, want) = (server.query(project, sql).await, serde_json::from_str::<Value>(want).unwrap());
        let rows = got.json(200)["rows"].clone();
        if rows != want {
            return Err(format!("{sql}: {rows}, not {want}"));
        }
    }
    let valid = r#"{"event_id":"valid","event_time":"2025-03-04T08:00:00Z","module":"valid"}"#;
    let after = server.append(project, "", valid).await;
    if after.status != 200 || after.json(200)["accepted"] != 1 {
        return Err(format!("then a valid event: {} {}", after.status, after.text));
    }
    Ok(stored + 1)
}

async fn request(server: &TestServer, project: &str, case: &Case) -> reqwest::RequestBuilder {
    let method = Method::from_bytes(case.method.as_bytes()).unwrap();
    let mut request = server.client.request(method, format!("{}{}", server.url, case.path()));
    if !case.headers.iter().any(|(name, _)| name == "kronika-project") {
        request = request.header("kronika-project", project);
    }
    for (name, value) in &case.headers {
        request = request.header(name, value);
    }
    request = match case.key.as_deref() {
        None => request.bearer_auth(&server.key),
        Some("none") => request,
        Some("wrong") => request.bearer_auth("krn_nobody_knows_it"),
        Some("elsewhere") => request.bearer_auth(key(server, "default", "ingest").await),
        Some(scope) => request.bearer_auth(key(server, project, scope).await),
    };
    if let Some(question) = case.question() {
        return request.header("content-type", "application/json").body(question);
    }
    if !case.kind.is_empty() {
        request = request.header("content-type", &case.kind);
    }
    if let Some(coding) = case.coding.first() {
        request = request.header("content-encoding", coding.trim_end_matches("-members"));
    }
    request.body(case.packed())
}

async fn key(server: &TestServer, project: &str, scope: &str) -> String {
    let new = json!({"name": "of a case", "scopes": [scope], "project": project});
    let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    made["secret"].as_str().unwrap().to_string()
}

/// Whether the answer is the one that the case describes.
fn check(case: &Case, answer: &Answer) -> Result<(), String> {
    let said = || answer.text.chars().take(400).collect::<String>();
    if answer.status != case.status {
        return Err(format!("status {}: {}", answer.status, said()));
    }
    let kind = answer.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or("");
    if answer.status >= 400 && kind != "application/problem+json" {
        return Err(format!("an error of type `{kind}`: {}", said()));
    }
    let document: Value = serde_json::from_str(&answer.text).unwrap_or(Value::Null);
    if case.code.as_ref().is_some_and(|code| document["code"] != **code) {
        return Err(format!("code {}: {}", document["code"], said()));
    }
    if case.hint && document["hint"].as_str().is_none_or(str::is_empty) {
        return Err(format!("no hint: {}", said()));
    }
    for text in &case.says {
        if !answer.text.contains(text) {
            return Err(format!("does not say {text:?}: {:?}", said()));
        }
    }
    if let Some(text) = case.silent.iter().find(|text| answer.text.contains(*text)) {
        return Err(format!("says {text:?}: {}", said()));
    }
    if case.is_receipt() { receipt(case, &document) } else { Ok(()) }
}

fn receipt(case: &Case, document: &Value) -> Result<(), String> {
    let counts = [("accepted", case.accepted), ("rejected", case.rejected), ("duplicates", case.duplicates)];
    if let Some((name, want)) = counts.iter().find(|(name, want)| document[name] != *want) {
        return Err(format!("{name} is {}, not {want}: {document:.400}", document[name]));
    }
    let counted = |member: &str| serde_json::from_value::<BTreeMap<String, u64>>(document[member].clone()).unwrap();
    if counted("error_counts") != case.errors {
        return Err(format!("errors by code: {}, not {:?}", document["error_counts"], case.errors));
    }
    let remarks = counted("remarks");
    match case.remarks.iter().find(|(kind, count)| remarks.get(*kind) != Some(*count)) {
        Some((kind, count)) => Err(format!("remarks: {remarks:?}, not {count} of {kind}")),
        None => Ok(()),
    }
}

/// Every row has a case, or a test that exists, or a reason.
#[test]
fn every_row_is_somewhere() {
    let table = Table::read();
    let mut places = table.by_row();
    let sources = cases::sources();
    for elsewhere in &table.elsewhere {
        for test in &elsewhere.tests {
            assert!(sources.has_test(test), "row {}: there is no test `{test}`", elsewhere.row);
        }
        *places.entry(elsewhere.row).or_default() += elsewhere.tests.len();
    }
    for absent in &table.absent {
        assert!(absent.reason.len() > 20, "row {}: `{}` is no reason", absent.row, absent.reason);
        *places.entry(absent.row).or_default() += 1;
    }
    let missing: Vec<u32> = wanted_rows().filter(|row| places.get(row).is_none_or(|count| *count == 0)).collect();
    assert!(missing.is_empty(), "rows without a case: {missing:?}");
    let strange: Vec<&u32> = places.keys().filter(|row| !wanted_rows().any(|wanted| wanted == **row)).collect();
    assert!(strange.is_empty(), "rows that the catalogue does not have: {strange:?}");
}
