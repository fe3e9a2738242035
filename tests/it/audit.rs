//! The audit journal as an auditor meets it: who read, who operated, who was refused; complete,
//! bounded, without the values, and for nobody else.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::common::{Home, TestServer, send};

/// Groups and rollups soon, so that tests need not wait for a minute.
const SOON: &str = "[audit]\ngroup_interval = \"200ms\"\nrollup_interval = \"500ms\"\n";
/// Longest time until what is counted is written.
const WRITTEN: Duration = Duration::from_secs(10);

async fn make(
    server: &TestServer,
    name: &str,
    scopes: &[&str],
    project: &str,
    restrictions: Value,
) -> (String, String) {
    let new = json!({"name": name, "scopes": scopes, "project": project, "restrictions": restrictions});
    let answer = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    (answer["id"].as_str().unwrap().into(), answer["secret"].as_str().unwrap().into())
}

/// A key that reads the whole journal.
struct Auditor(String);

impl Auditor {
    async fn new(server: &TestServer) -> Self {
        Self(make(server, "auditor", &["audit-read"], "_audit", json!({})).await.1)
    }

    async fn rows(&self, server: &TestServer, sql: &str) -> Vec<Vec<Value>> {
        let answer = server.ask(&self.0, sql).await.json(200);
        serde_json::from_value(answer["rows"].clone()).unwrap()
    }

    async fn count(&self, server: &TestServer, condition: &str) -> u64 {
        let rows = self.rows(server, &format!("SELECT count(*) FROM events WHERE {condition}")).await;
        rows[0][0].as_str().unwrap().parse().unwrap()
    }

    /// Events as objects without what is NULL, oldest first; waits until there are `least`.
    async fn events(&self, server: &TestServer, condition: &str, least: usize) -> Vec<Value> {
        let started = Instant::now();
        let sql = format!("SELECT * FROM events WHERE {condition} ORDER BY _seq");
        loop {
            let request = server.with(&self.0, Method::POST, "/api/v1/query");
            let answer = send(request.json(&json!({"sql": sql, "format": "ndjson"}))).await;
            assert_eq!(answer.status, 200, "{}", answer.text);
            let mut events: Vec<Value> = answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            if events.len() >= least {
                events.iter_mut().for_each(tidy);
                return events;
            }
            assert!(started.elapsed() < WRITTEN, "{} of {least} events where {condition}", events.len());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

fn tidy(event: &mut Value) {
    event.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    if let Some(text) = event["attributes"].as_str().map(str::to_owned) {
        event["attributes"] = serde_json::from_str(&text).unwrap();
    }
}

#[track_caller]
fn has(event: &Value, want: Value) {
    for (name, value) in want.as_object().unwrap() {
        assert_eq!(&event[name], value, "{name} of {event:#}");
    }
}

/// Whether any file below `dir` holds one of `texts` as it is.
fn grep(dir: &Path, texts: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(grep(&path, texts));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        let holds = |text: &&&str| memchr::memmem::find(&bytes, text.as_bytes()).is_some();
        found.extend(texts.iter().filter(holds).map(|text| format!("{}: {text}", path.display())));
    }
    found
}

#[tokio::test]
async fn operators_are_recorded_before_and_after_what_they_did() {
    let server = TestServer::start();
    let auditor = Auditor::new(&server).await;
    server.create_project("shop").await;
    let (id, secret) =
        make(&server, "dashboards", &["query"], "shop", json!({"masked_columns": ["actor_email"]})).await;
    send(server.request(Method::POST, &format!("/api/v1/keys/{id}/rotate")).json(&json!({}))).await.json(200);
    send(server.request(Method::DELETE, &format!("/api/v1/keys/{id}"))).await;
    send(server.request(Method::DELETE, "/api/v1/keys/nobody")).await.problem(404, "key_not_found");
    let mapping = "name = \"mine\"\n";
    send(server.request(Method::PUT, "/api/v1/mappings/mine").body(mapping)).await;
    server.flush().await;
    server.compact().await;
    send(server.request(Method::DELETE, "/api/v1/projects/shop?confirm=shop")).await;
    let events = auditor.events(&server, "correlation_id IS NOT NULL", 18).await;
    let mut calls: Vec<(String, String)> = Vec::new();
    for pair in events.chunks(2) {
        let [begun, ended] = pair else { panic!("a call without an end: {pair:?}") };
        has(
            begun,
            json!({"status": "begun", "outcome": "unknown", "actor_name": "first admin key", "actor_type": "api_key"}),
        );
        assert_eq!(begun["correlation_id"], ended["correlation_id"]);
        assert_eq!(ended["client_address"], "127.0.0.1");
        let (kind, outcome) = (ended["event_type"].as_str().unwrap(), ended["outcome"].as_str().unwrap());
        calls.push((kind.to_owned(), outcome.to_owned()));
    }
    let mapping =
        if calls.iter().any(|call| *call == ("mapping.put".into(), "success".into())) { "success" } else { "failure" };
    let want = [
        ("key.create", "success"),
        ("project.create", "success"),
        ("key.create", "success"),
        ("key.rotate", "success"),
        ("key.revoke", "success"),
        ("key.revoke", "failure"),
        ("mapping.put", mapping),
        ("admin.flush", "success"),
        ("admin.compact", "success"),
        ("project.delete", "success"),
    ];
    assert_eq!(calls, want.map(|(kind, outcome)| (kind.to_owned(), outcome.to_owned())));
    let of = |kind: &str, id: &str| {
        let found = events
            .iter()
            .find(|event| event["event_type"] == kind && event["object_id"] == id && event["status"] != "begun");
        found.unwrap_or_else(|| panic!("no {kind} of {id}")).clone()
    };
    let created = of("key.create", &id);
    has(
        &created,
        json!({"module": "keys", "action": "create", "object_type": "key", "http_status": 201, "http_route": "/api/v1/keys"}),
    );
    assert!(
        created["object_after"].as_str().unwrap().contains("actor_email") && created.get("object_before").is_none()
    );
    let revoked = of("key.revoke", &id);
    let fields = revoked["changed_fields"].to_string();
    assert!(fields.contains("revoked_at") && fields.contains("state"), "{revoked:#}");
    has(&of("key.revoke", "nobody"), json!({"outcome": "failure", "error_code": "key_not_found", "http_status": 404}));
    has(&of("project.delete", "shop"), json!({"module": "projects", "object_type": "project"}));
    let shown = serde_json::to_string(&events).unwrap();
    let random = secret.split('_').nth(3).unwrap();
    assert!(!shown.contains(random) && !shown.contains(server.key.split('_').nth(3).unwrap()));
    server.stop();
}

#[tokio::test]
async fn refusals_and_failed_logins_are_recorded() {
    let server = TestServer::start_with(SOON);
    let auditor = Auditor::new(&server).await;
    server.create_project("other").await;
    let (query_id, query) =
        make(&server, "masked", &["query"], "default", json!({"masked_columns": ["actor_email"]})).await;
    let (ingest_id, ingest) =
        make(&server, "orders only", &["ingest"], "default", json!({"modules": ["orders"]})).await;
    let (revoked_id, revoked) = make(&server, "gone", &["query"], "default", json!({})).await;
    send(server.request(Method::DELETE, &format!("/api/v1/keys/{revoked_id}"))).await;

    send(server.with(&query, Method::POST, "/api/v1/admin/flush")).await.problem(403, "forbidden");
    send(
        server
            .with(&query, Method::POST, "/api/v1/query")
            .header("kronika-project", "other")
            .json(&json!({"sql": "SELECT 1"})),
    )
    .await
    .problem(403, "forbidden");
    server.ask(&query, "SELECT actor_email FROM events").await.problem(403, "hidden_column");
    let send_events = |body: &'static str| server.with(&ingest, Method::POST, "/api/v1/events").body(body);
    send(send_events("{\"module\":\"vault\"}\n")).await.problem(400, "events_rejected");
    send(send_events("{\"module\":\"vault\"}\n{\"module\":\"orders\"}\n")).await.json(200);
    // On disk before the answer: no waiting here.
    let denied = auditor.events(&server, "event_type = 'access.denied'", 0).await;
    let codes: Vec<_> = denied
        .iter()
        .map(|event| (event["actor_id"].as_str().unwrap(), event["error_code"].as_str().unwrap()))
        .collect();
    let (q, i, not_allowed) = (query_id.as_str(), ingest_id.as_str(), "module_or_tenant_not_allowed");
    assert_eq!(codes, [(q, "forbidden"), (q, "forbidden"), (q, "hidden_column"), (i, not_allowed), (i, not_allowed)]);
    has(
        &denied[0],
        json!({"module": "access", "outcome": "failure", "http_route": "/api/v1/admin/flush", "http_status": 403,
        "actor_name": "masked", "tenant_id": "default", "client_address": "127.0.0.1"}),
    );
    has(&denied[0]["attributes"], json!({"needed_scope": "admin"}));
    has(&denied[1]["attributes"], json!({"needed_scope": "query", "asked_project": "other"}));
    has(&denied[2], json!({"message": "select actor_email from events", "object_type": "statement"}));

    server.ask(&revoked, "SELECT 1").await.problem(401, "unauthenticated");
    let known = auditor.events(&server, "event_type = 'access.login_failed'", 0).await;
    has(
        &known[0],
        json!({"actor_id": revoked_id, "actor_name": "gone", "error_code": "key_revoked", "action": "login", "http_status": 401}),
    );
    for _ in 0..30 {
        send(server.client.post(format!("{}/api/v1/query", server.url)).body("{}"))
            .await
            .problem(401, "unauthenticated");
        server.ask("krn_q_wrong", "SELECT 1").await.problem(401, "unauthenticated");
    }
    let started = Instant::now();
    let total = loop {
        let told = auditor.events(&server, "event_type = 'access.login_failed'", 1).await.len() as u64;
        let sql = "SELECT coalesce(sum(CAST(attributes->>'count' AS BIGINT)), 0) FROM events WHERE event_type = 'access.logins_failed'";
        let more: u64 = auditor.rows(&server, sql).await[0][0].as_str().unwrap().parse().unwrap();
        if told + more == 61 || started.elapsed() > WRITTEN {
            break (told, told + more);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(total.1, 61, "every failed login is told or counted");
    assert!(total.0 < 61, "and not all are told");
    server.stop();
}

#[tokio::test]
async fn queries_are_grouped_and_ingest_and_keys_rolled_up() {
    let server = TestServer::start_with(SOON);
    let auditor = Auditor::new(&server).await;
    let (id, reader) = make(&server, "reader", &["query", "ingest"], "default", json!({})).await;
    let body = "{\"event_id\":\"1\",\"module\":\"orders\"}\n[1]\n";
    send(server.with(&reader, Method::POST, "/api/v1/events").body(body)).await.json(200);
    send(server.with(&reader, Method::POST, "/api/v1/events").body("{\"event_id\":\"1\",\"module\":\"orders\"}\n"))
        .await
        .json(200);
    send(server.with(&reader, Method::POST, "/api/v1/events").body("not json")).await.problem(400, "events_rejected");
    for limit in 1..=5 {
        server
            .ask(&reader, &format!("SELECT message FROM events WHERE module = 'orders' LIMIT {limit}"))
            .await
            .json(200);
    }
    server.ask(&reader, "SELECT nothing FROM events").await.problem(400, "unknown_column");
    let params =
        json!({"sql": "SELECT count(*) FROM events WHERE actor_id = $who", "params": {"who": "ann"}, "id": "q-17"});
    send(server.with(&reader, Method::POST, "/api/v1/query").json(&params)).await.json(200);
    let named = "/api/v1/queries/errors_by_module?from=2025-01-01T00:00:00Z&to=2025-12-31T00:00:00Z";
    send(server.with(&reader, Method::GET, named)).await.json(200);
    server.ask(&reader, "SELECT x FROM generate_series(1, 2000000) t(x)").await.json(200);

    let sum = "SELECT coalesce(sum(CAST(attributes->>'count' AS BIGINT)), 0) FROM events WHERE module = 'queries'";
    let started = Instant::now();
    while auditor.rows(&server, sum).await[0][0] != "9" {
        assert!(started.elapsed() < WRITTEN, "{:?}", auditor.rows(&server, sum).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let queries = auditor.events(&server, "module = 'queries'", 5).await;
    let with_text = |text: &str| {
        let found =
            queries.iter().find(|event| event["message"].as_str().is_some_and(|message| message.contains(text)));
        found.unwrap_or_else(|| panic!("no {text} in {queries:#?}")).clone()
    };
    let like = with_text("limit ?");
    has(
        &like,
        json!({"event_type": "query.run", "action": "read", "outcome": "success", "status": "completed", "actor_id": id,
        "message": "select message from events where module = ? limit ?", "object_refs": [format!("statement:{}", like["object_id"].as_str().unwrap()), "table:events"],
        "http_route": "/api/v1/query", "http_status": 200, "tenant_id": "default", "source": "kronika", "dataset": "audit"}),
    );
    assert!(like["attributes"]["bytes"].as_u64().unwrap() > 0 && like["duration_ns"].is_string(), "{like:#}");
    has(&with_text("nothing"), json!({"outcome": "failure", "status": "failed", "error_code": "unknown_column"}));
    let bound = with_text("$who");
    has(&bound["attributes"], json!({"parameter_types": {"who": "text"}, "query_ids": ["q-17"]}));
    assert_eq!(bound["attributes"]["parameters"][0].as_str().map(str::len), Some(32));
    has(&with_text("generate_series"), json!({"status": "truncated", "outcome": "success"}));
    let named = queries.iter().find(|event| event["event_type"] == "query.named").unwrap();
    has(
        named,
        json!({"object_name": "errors_by_module", "http_route": "/api/v1/queries/{name}", "http_method": "GET"}),
    );

    let sums = "SELECT sum(CAST(attributes->>'requests' AS BIGINT)), sum(CAST(attributes->>'accepted' AS BIGINT)), sum(CAST(attributes->>'rejected' AS BIGINT)), \
        sum(CAST(attributes->>'duplicates' AS BIGINT)), sum(CAST(attributes->>'failed' AS BIGINT)) FROM events WHERE event_type = 'ingest.rollup'";
    let started = Instant::now();
    while auditor.rows(&server, sums).await != [[json!("3"), json!("1"), json!("1"), json!("1"), json!("1")]] {
        assert!(started.elapsed() < WRITTEN, "{:?}", auditor.rows(&server, sums).await);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let used = format!("event_type = 'key.used' AND actor_id = '{id}'");
    let used = auditor.events(&server, &used, 1).await;
    has(&used[0], json!({"actor_name": "reader", "object_type": "key", "object_id": id}));
    server.stop();
}

#[tokio::test]
async fn a_query_whose_client_leaves_is_one_that_was_canceled() {
    let server = TestServer::start_with(SOON);
    let auditor = Auditor::new(&server).await;
    let long = json!({"sql": "SELECT count(*) FROM generate_series(1, 1000000000000) a(x) WHERE x % 7 = 8"});
    let request = server.request(Method::POST, "/api/v1/query").json(&long).timeout(Duration::from_millis(400));
    assert!(request.send().await.unwrap_err().is_timeout());
    let events = auditor.events(&server, "module = 'queries' AND status = 'canceled'", 1).await;
    has(&events[0], json!({"outcome": "failure", "attributes": events[0]["attributes"]}));
    assert!(events[0].get("http_status").is_none(), "{:#}", events[0]);
    server.stop();
}

#[tokio::test]
async fn what_was_answered_is_recorded_also_after_a_kill() {
    // Groups wait long: only what is durable before the answer may count.
    let home = Home::new("[audit]\ngroup_interval = \"1m\"\nrollup_interval = \"10m\"\n");
    let mut server = TestServer::start_in(&home);
    let auditor = Auditor::new(&server).await;
    let (_, reader) = make(&server, "reader", &["query"], "default", json!({})).await;
    for round in 0..5 {
        make(&server, &format!("made {round}"), &["query"], "default", json!({})).await;
        send(server.with(&reader, Method::GET, "/api/v1/keys")).await.problem(403, "forbidden");
        server.ask(&auditor.0, "SELECT 1").await.json(200);
        server.kill();
        server = TestServer::start_in(&home);
        let created =
            format!("event_type = 'key.create' AND status = 'completed' AND object_after LIKE '%made {round}%'");
        assert_eq!(auditor.count(&server, &created).await, 1, "{round}");
        assert_eq!(auditor.count(&server, "event_type = 'access.denied'").await, round + 1);
        let reads = "event_type = 'audit.read' AND message = 'select ?'";
        assert_eq!(auditor.count(&server, reads).await, round + 1);
        let crashes = "event_type = 'server.start' AND attributes->>'previous_run' = 'crashed'";
        assert_eq!(auditor.count(&server, crashes).await, round + 1);
    }
    server.stop();
}

#[tokio::test]
async fn a_clean_stop_writes_what_waits_and_says_so() {
    let home = Home::new("[audit]\ngroup_interval = \"1m\"\nrollup_interval = \"10m\"\n");
    let server = TestServer::start_in(&home);
    let auditor = Auditor::new(&server).await;
    server.rows("default", "SELECT count(*) FROM events").await;
    server.append("default", "", "{\"module\":\"m\"}\n").await.json(200);
    server.stop();
    let server = TestServer::start_in(&home);
    for condition in [
        "event_type = 'query.run' AND message = 'select count (*) from events'",
        "event_type = 'ingest.rollup' AND attributes->>'accepted' = '1'",
        "event_type = 'server.stop' AND actor_type = 'system'",
        "event_type = 'server.start' AND attributes->>'previous_run' = 'stopped'",
    ] {
        assert_eq!(auditor.count(&server, condition).await, 1, "{condition}");
    }
    server.stop();
}

#[tokio::test]
async fn reading_the_journal_is_recorded_once() {
    let server = TestServer::start_with(SOON);
    let auditor = Auditor::new(&server).await;
    for n in 0..7 {
        // The count is of reads before this one: each is one event, and recording one is not a read.
        assert_eq!(auditor.count(&server, "event_type = 'audit.read'").await, n);
    }
    let named = "/api/v1/queries/errors_by_module?from=2025-01-01T00:00:00Z&to=2030-12-31T00:00:00Z";
    send(server.with(&auditor.0, Method::GET, named)).await.json(200);
    server.ask(&auditor.0, "SELECT nonsense FROM events").await.problem(400, "unknown_column");
    tokio::time::sleep(Duration::from_millis(600)).await;
    let reads = auditor.events(&server, "event_type = 'audit.read'", 9).await;
    assert_eq!(reads.len(), 9);
    has(
        &reads[0],
        json!({"actor_name": "auditor", "tenant_id": "_audit", "module": "access", "action": "read", "outcome": "success",
        "message": "select count (*) from events where event_type = ?"}),
    );
    has(&reads[7], json!({"object_name": "errors_by_module"}));
    has(&reads[8], json!({"outcome": "failure", "error_code": "unknown_column"}));
    assert_eq!(auditor.count(&server, "module = 'queries'").await, 0, "reads of the journal are not grouped as well");
    server.stop();
}

#[tokio::test]
async fn the_journal_is_for_auditors_and_nobody_writes_to_it() {
    let server = TestServer::start();
    server.create_project("shop").await;
    let auditor = Auditor::new(&server).await;
    let of = |request: RequestBuilder| request.header("kronika-project", "_audit");
    let question = json!({"sql": "SELECT count(*) FROM events"});
    let (_, of_shop) = make(&server, "shop's auditor", &["query", "audit-read"], "shop", json!({})).await;
    let (_, restricted) = make(&server, "restricted", &["audit-read"], "shop", json!({"modules": ["keys"]})).await;
    let (_, some) = make(&server, "keys only", &["audit-read"], "_audit", json!({"modules": ["keys"]})).await;
    let admin = send(
        server.request(Method::POST, "/api/v1/keys").json(&json!({"name": "both", "scopes": ["admin", "audit-read"]})),
    )
    .await
    .json(201);
    let both = admin["secret"].as_str().unwrap();
    let (_, query) = make(&server, "query", &["query"], "shop", json!({})).await;

    let read = |key: String| send(of(server.with(&key, Method::POST, "/api/v1/query")).json(&question));
    read(server.key.clone()).await.problem(403, "forbidden");
    read(query).await.problem(403, "forbidden");
    read(restricted).await.problem(403, "restricted_key");
    let number = |answer: Value| answer["rows"][0][0].as_str().unwrap().parse::<u64>().unwrap();
    let whole = number(read(both.to_owned()).await.json(200));
    let shops = number(read(of_shop.clone()).await.json(200));
    assert!(shops > 0 && shops < whole, "of another project an auditor sees what is about it: {shops} of {whole}");
    let sql = json!({"sql": "SELECT DISTINCT tenant_id FROM events"});
    let tenants = send(of(server.with(&of_shop, Method::POST, "/api/v1/query")).json(&sql)).await.json(200);
    assert_eq!(tenants["rows"], json!([["shop"]]));
    let sql = json!({"sql": "SELECT DISTINCT module FROM events"});
    assert_eq!(
        send(server.with(&some, Method::POST, "/api/v1/query").json(&sql)).await.json(200)["rows"],
        json!([["keys"]])
    );
    // Without the header it is a key of its project.
    assert_eq!(number(send(server.with(&of_shop, Method::POST, "/api/v1/query").json(&question)).await.json(200)), 0);
    send(server.with(&auditor.0, Method::POST, "/api/v1/query").header("kronika-project", "shop").json(&question))
        .await
        .problem(403, "forbidden");

    for key in [&server.key, both] {
        send(of(server.with(key, Method::POST, "/api/v1/events")).body("{\"module\":\"x\"}\n"))
            .await
            .problem(403, "project_reserved");
    }
    send(server.request(Method::DELETE, "/api/v1/projects/_audit?confirm=_audit"))
        .await
        .problem(400, "project_reserved");
    send(server.request(Method::POST, "/api/v1/projects").json(&json!({"name": "_audit"})))
        .await
        .problem(400, "project_reserved");
    for scopes in [vec!["query"], vec!["audit-read", "ingest"]] {
        let new = json!({"name": "x", "scopes": scopes, "project": "_audit"});
        send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.problem(400, "invalid_key");
    }
    let names = |answer: Value| {
        answer
            .as_array()
            .unwrap()
            .iter()
            .map(|project| project["name"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(send(server.request(Method::GET, "/api/v1/projects")).await.json(200)), ["default", "shop"]);
    assert_eq!(
        names(send(server.with(both, Method::GET, "/api/v1/projects")).await.json(200)),
        ["default", "shop", "_audit"]
    );
    let flushed = send(of(server.request(Method::POST, "/api/v1/admin/flush"))).await.json(200);
    assert_eq!(flushed[0]["project"], "_audit");
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_statements_gives_a_bounded_number_of_events() {
    const SENT: usize = 5_000;
    let server = TestServer::start_with("[audit]\ngroup_interval = \"1s\"\nrollup_interval = \"1s\"\nqueue_max = 64\n");
    let auditor = Auditor::new(&server).await;
    let (id, reader) = make(&server, "flood", &["query"], "default", json!({})).await;
    let started = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for client in 0..16 {
        let (http, url, reader) = (server.client.clone(), format!("{}/api/v1/query", server.url), reader.clone());
        clients.spawn(async move {
            for n in (client..SENT).step_by(16) {
                // Refused before planning costs nothing, so that there are many in a second.
                let sql = format!("SELECT nothing_{n} FROM nowhere_{n}");
                let answer = http.post(&url).bearer_auth(&reader).json(&json!({"sql": sql})).send().await.unwrap();
                assert!([400, 429].contains(&answer.status().as_u16()));
            }
        });
    }
    clients.join_all().await;
    // So that nothing waits longer than the interval, one may be a quarter shorter.
    let intervals = started.elapsed().as_millis() as u64 / 750 + 2;
    let of_flood = format!("module = 'queries' AND actor_id = '{id}'");
    let sum = format!("SELECT sum(CAST(attributes->>'count' AS BIGINT)), count(*) FROM events WHERE {of_flood}");
    let waiting = Instant::now();
    let events = loop {
        let row = auditor.rows(&server, &sum).await.remove(0);
        if row[0] == SENT.to_string().as_str() {
            break row[1].as_str().unwrap().parse::<u64>().unwrap();
        }
        assert!(waiting.elapsed() < WRITTEN, "{row:?}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    // An eighth of 64 groups and one for all others, each time.
    assert!(events <= 9 * intervals, "{events} events in {intervals} intervals");
    assert!(
        auditor.count(&server, &format!("{of_flood} AND event_type = 'query.other' AND object_id = '_other'")).await
            > 0
    );
    println!("{SENT} distinct statements in {:?}: {events} events", started.elapsed());
    server.stop();
}

#[tokio::test]
async fn ingest_and_queries_pay_no_sync_of_their_own() {
    let server = TestServer::start_with("[audit]\ngroup_interval = \"1m\"\nrollup_interval = \"10m\"\n");
    let (_, both) = make(&server, "both", &["query", "ingest"], "default", json!({})).await;
    let before = server.metric("kronika_wal_frames_total", "").await;
    for n in 0..40 {
        send(
            server
                .with(&both, Method::POST, "/api/v1/events")
                .body(format!("{{\"module\":\"m\",\"message\":\"{n}\"}}\n")),
        )
        .await
        .json(200);
        server.ask(&both, "SELECT count(*) FROM events").await.json(200);
    }
    let frames = server.metric("kronika_wal_frames_total", "").await - before;
    assert_eq!(frames as u64, 40, "one frame a batch of events, none for the journal");
    server.stop();
}

#[tokio::test]
async fn no_value_reaches_the_disk() {
    const LITERAL: &str = "hunter2-literal";
    let home = Home::new(SOON);
    let server = TestServer::start_in(&home);
    let auditor = Auditor::new(&server).await;
    let (_, reader) = make(&server, "reader", &["query"], "default", json!({})).await;
    let sqls = [
        format!("SELECT * FROM events WHERE actor_id = '{LITERAL}' -- {LITERAL}"),
        format!("SELECT * FROM events WHERE actor_id = \"{LITERAL}\" /* {LITERAL} */"),
        format!("SELECT * FROM events WHERE actor_id IN ('a', '{LITERAL}', $${LITERAL}$$)"),
        format!("SELECT '{LITERAL}"),
        format!("SELECT 'x' AS \"{LITERAL}\""),
    ];
    for key in [&reader, &auditor.0] {
        for sql in &sqls {
            server.ask(key, sql).await;
        }
        for params in [json!([LITERAL]), json!({LITERAL: 1}), json!([[LITERAL, LITERAL]])] {
            send(server.with(key, Method::POST, "/api/v1/query").json(&json!({"sql": "SELECT $1", "params": params})))
                .await;
        }
        let named = format!("/api/v1/queries/errors_by_module?from={LITERAL}&{LITERAL}=1");
        send(server.with(key, Method::GET, &named)).await;
    }
    // A whole key where an id or a name belongs.
    let path = format!("/api/v1/keys/{}", server.key);
    send(server.request(Method::GET, &path)).await.problem(404, "key_not_found");
    send(server.with(&reader, Method::DELETE, &path)).await.problem(403, "forbidden");
    send(server.request(Method::GET, &format!("/api/v1/queries/{reader}?x={reader}"))).await;
    send(server.request(Method::GET, "/api/v1/keys?key=x").header("user-agent", format!("curl {reader}"))).await;
    let queries = auditor.events(&server, "module = 'queries'", 6).await;
    let shown = serde_json::to_string(&queries).unwrap();
    assert!(!shown.contains(LITERAL), "{shown}");
    let secrets: Vec<String> =
        [&server.key, &reader, &auditor.0].map(|key| key.split('_').nth(3).unwrap().to_owned()).into();
    let data = home.data_dir();
    server.kill();
    let mut texts: Vec<&str> = secrets.iter().map(String::as_str).collect();
    texts.push(LITERAL);
    assert_eq!(grep(&data, &texts), Vec::<String>::new());
    // The search finds what is there.
    assert!(!grep(&data, &["select * from events where actor_id = ?"]).is_empty());
}

#[tokio::test]
async fn a_full_memory_of_ingest_does_not_stop_the_journal() {
    let server = TestServer::start_with(&format!(
        "{SOON}[ingest]\nhot_max = \"1MiB\"\nbody_max = \"1MiB\"\nline_max = \"1MiB\"\n[flush]\nsize = \"1MiB\"\n"
    ));
    let auditor = Auditor::new(&server).await;
    let (id, sender) = make(&server, "sender", &["ingest"], "default", json!({})).await;
    let body = format!("{{\"message\":\"{}\"}}\n", "x".repeat((1 << 20) - 100));
    send(server.with(&sender, Method::POST, "/api/v1/events").body(body)).await.problem(429, "overloaded");
    send(server.with(&sender, Method::GET, "/api/v1/keys")).await.problem(403, "forbidden");
    assert_eq!(auditor.count(&server, &format!("event_type = 'access.denied' AND actor_id = '{id}'")).await, 1);
    let rolled = auditor.events(&server, &format!("event_type = 'ingest.rollup' AND actor_id = '{id}'"), 1).await;
    has(&rolled[0]["attributes"], json!({"requests": 1, "failed": 1, "errors": {"overloaded": 1}}));
    server.stop();
}

#[tokio::test]
async fn a_log_without_room_refuses_operators_and_forgets_nothing() {
    let home = Home::new(
        "[audit]\ngroup_interval = \"200ms\"\nrollup_interval = \"1s\"\nreserve = \"1MiB\"\n\
         [wal]\nsegment_size = \"256KiB\"\nsize_max = \"8MiB\"\n[ingest]\nbody_max = \"512KiB\"\nline_max = \"256KiB\"\n",
    );
    let server = TestServer::start_in(&home);
    let auditor = Auditor::new(&server).await;
    let (_, reader) = make(&server, "reader", &["query"], "default", json!({})).await;
    server.create_project("stuck").await;
    // A table that cannot be written: what is hot stays in the log.
    for project in ["stuck", "_audit"] {
        let table = home.data_dir().join(format!("store/projects/{project}/events"));
        std::fs::rename(&table, table.with_extension("aside")).unwrap();
        std::fs::write(&table, "in the way").unwrap();
    }
    let body = format!("{{\"message\":\"{}\"}}\n", "x".repeat(200_000));
    let mut sent = 0;
    let refused = loop {
        let answer = server.append("stuck", "", body.clone()).await;
        if answer.status != 200 {
            break answer;
        }
        sent += 1;
        assert!(sent < 100, "the log never fills");
    };
    refused.problem(429, "overloaded");
    // Ingest is at its limit; the journal is not.
    let denied = |n: u64| format!("event_type = 'access.denied' AND {n} = {n}");
    send(server.with(&reader, Method::GET, "/api/v1/keys")).await.problem(403, "forbidden");
    assert_eq!(auditor.count(&server, &denied(1)).await, 1);
    make(&server, "made while full", &["query"], "default", json!({})).await;
    // Until its reserve is used up as well: then nothing is done that cannot be recorded.
    let tenants: Vec<String> = (0..900).map(|n| format!("tenant-{n:0>60}")).collect();
    let new =
        json!({"name": "large", "scopes": ["query"], "project": "default", "restrictions": {"tenant_ids": tenants}});
    let mut made = 0;
    let refused = loop {
        let answer = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await;
        if answer.status != 201 {
            break answer;
        }
        made += 1;
        assert!(made < 200, "the reserve never ends");
    };
    refused.problem(503, "audit_unavailable");
    // Small events still fit behind the last segment, for a while.
    let mut read = 0;
    let refused = loop {
        let answer = server.ask(&auditor.0, "SELECT 1").await;
        if answer.status != 200 {
            break answer;
        }
        read += 1;
        assert!(read < 2_000, "the reserve never ends");
    };
    refused.problem(503, "audit_unavailable");
    let unready = send(server.request(Method::GET, "/readyz")).await;
    assert_eq!(unready.status, 503, "{}", unready.text);
    // Room again: everything that waited is written.
    for project in ["stuck", "_audit"] {
        let table = home.data_dir().join(format!("store/projects/{project}/events"));
        std::fs::remove_file(&table).unwrap();
        std::fs::rename(table.with_extension("aside"), &table).unwrap();
    }
    let started = Instant::now();
    while server.ask(&auditor.0, "SELECT 1").await.status != 200 {
        assert!(started.elapsed() < Duration::from_secs(30), "no room came back: {:?}", server.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let list = send(server.request(Method::GET, "/api/v1/keys")).await.json(200);
    let large = list.as_array().unwrap().iter().filter(|key| key["name"] == "large").count() as u64;
    let created = "event_type = 'key.create' AND status = 'completed' AND object_after LIKE '%\"large\"%'";
    assert!(auditor.count(&server, created).await >= made, "every key that was answered is recorded");
    let begun = "event_type = 'key.create' AND status = 'begun'";
    assert!(auditor.count(&server, begun).await >= large, "no key without at least its beginning");
    server.stop();
}

#[tokio::test]
async fn changed_settings_are_told_at_the_next_start() {
    let home = Home::with_env("", &[("KRONIKA__STORAGE__OPTIONS__AWS_SECRET_ACCESS_KEY", "hunter2")]);
    let server = TestServer::start_in(&home);
    let auditor = Auditor::new(&server).await;
    let home = server.stop();
    let changed =
        home.again("[query]\ntimeout = \"7s\"\n", &[("KRONIKA__STORAGE__OPTIONS__AWS_SECRET_ACCESS_KEY", "hunter3")]);
    let server = TestServer::start_in(&changed);
    let events = auditor.events(&server, "event_type = 'server.settings_changed'", 1).await;
    let changes: BTreeMap<&str, &Value> = events[0]["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| (change["path"].as_str().unwrap(), change))
        .collect();
    has(changes["query.timeout"], json!({"op": "replace", "before": "\"1m\"", "after": "\"7s\""}));
    assert!(changes.contains_key("storage.options.aws_secret_access_key"), "{changes:?}");
    let data = changed.data_dir();
    server.stop();
    assert_eq!(grep(&data, &["hunter2", "hunter3"]), Vec::<String>::new());
}
