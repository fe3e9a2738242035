//! What a restricted key can find out: nothing.
//!
//! Two servers get the same visible events in the same order; one gets hidden ones as well: of another
//! tenant, of hidden modules, without a module, too old, of another dataset, location or object, shown by
//! their object only, and of another project with the same module names. A secret text stands in all that is hidden. Every statement of `tests/canary` is then asked in
//! every format, and every named query and route: no answer, header or error holds the text, in any
//! spelling that SQL offers, and both servers answer alike, so that no count, bound, plan or error
//! tells whether hidden events are there.

use arrow::record_batch::RecordBatch;
use arrow::util::pretty::pretty_format_batches;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::common::{Home, TestServer, send};

/// Stands in everything that is hidden, and in no question.
const SECRET: &str = "7f3a9cKd";
const STATEMENTS: &str = include_str!("../canary/statements.sql");
const FORMATS: [&str; 5] = ["json", "ndjson", "csv", "arrow", "parquet"];
const SHIPPED: &str = "from=2025-01-01T00:00:00Z&to=2025-12-31T00:00:00Z";

fn statements() -> Vec<String> {
    let lines = STATEMENTS.lines().filter(|line| !line.starts_with("--") && !line.trim().is_empty());
    let filled = lines.map(|line| {
        let line = line.replace("{canary}", "KANAREK").replace("{other}", "umbrella");
        line.replace("{hidden}", "vault").replace("{id}", "hidden-1")
    });
    filled.collect()
}

/// Spellings of the secret that an answer could have: SQL can turn text round or encode it.
fn spellings() -> Vec<String> {
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    // As base64, by its place in the text; what depends on the neighbours is left out.
    let base64 = ["N2YzYTljS2", "dmM2E5Y0tk", "3ZjNhOWNLZ"].map(str::to_owned);
    let mut all = vec![SECRET.to_owned(), SECRET.chars().rev().collect(), hex.to_uppercase(), hex];
    all.extend(base64);
    all
}

fn line(event: Value) -> String {
    format!("{event}\n")
}

/// Events that the restricted keys may see; the masked column holds the secret.
fn visible(batch: usize) -> String {
    let (modules, outcomes) = (["orders", "payments"], ["success", "failure"]);
    let event = |n: usize| {
        let n = batch * 100 + n;
        line(
            json!({"event_id": format!("visible-{n}"), "event_time": format!("2025-03-0{}T10:00:{:02}Z", 1 + n % 3, n % 60),
            "tenant_id": "acme", "source": "shop", "dataset": "log", "unit_id": "w1", "module": modules[n % 2],
            "event_type": "order.paid", "action": "update", "message": format!("seen {n}"), "actor_name": format!("Ann {}", n % 4),
            "actor_email": format!("KANAREK-{SECRET}@example.com"), "duration_ns": n * 1_000_003, "outcome": outcomes[n % 2],
            "severity_number": 9 + (n % 3) * 4, "object_type": "order", "object_id": format!("o{}", n % 5),
            "object_before": {"state": "new"}, "object_after": {"state": format!("s{n}")}, "task_id": format!("t{}", n % 3),
            "session_id": format!("s{}", n % 3), "url": "/a/1", "http_method": "GET", "http_status": 200, "direction": "outbound",
            "causation_id": format!("visible-{}", n / 2), "note": format!("plain {n}")}),
        )
    };
    (0..40).map(event).collect()
}

/// Events that they may not see, all of them full of the secret.
fn hidden(batch: usize) -> String {
    let canary = format!("KANAREK-{SECRET}");
    // Each is against one rule of the keys and keeps all others.
    let kinds = [
        json!({"tenant_id": "umbrella", "module": "orders"}),
        json!({"tenant_id": format!("umbrella-{SECRET}"), "module": "payments"}),
        json!({"tenant_id": "acme", "module": "vault"}),
        json!({"tenant_id": "acme", "module": format!("vault-{SECRET}")}),
        json!({"tenant_id": "acme"}),
        json!({"tenant_id": "acme", "module": "orders", "event_time": "1995-05-05T05:05:05Z"}),
        json!({"tenant_id": "acme", "module": "orders", "dataset": canary}),
        json!({"tenant_id": "acme", "module": "orders", "unit_id": canary}),
        json!({"tenant_id": "acme", "module": "orders", "unit_id": null}),
        json!({"tenant_id": "acme", "module": "orders", "visibility": "object"}),
        json!({"tenant_id": "acme", "module": "orders", "object_type": "vault", "related": null}),
        json!({"tenant_id": "acme", "module": "orders", "object_type": null, "related": null}),
    ];
    let event = |n: usize| {
        let mut event = json!({"event_id": format!("hidden-{}", batch * 100 + n), "event_time": format!("2025-03-0{}T10:00:00.5Z", 1 + n % 5),
            "source": "shop", "dataset": "log", "event_type": canary, "action": "update", "message": format!("{canary} {n}"),
            "actor_name": canary, "actor_email": canary, "actor_id": canary, "duration_ns": 9_000_000_000_000_i64, "outcome": "failure",
            "severity_number": 21, "error_message": canary, "object_type": "order", "object_id": canary, "url": canary,
            "object_before": {"state": canary}, "object_after": {"state": n}, "task_id": canary, "session_id": canary,
            "http_method": "GET", "http_status": 500, "direction": "outbound", "causation_id": "visible-1", "note": canary, "unit_id": "w1", "related": [{"type": "order", "id": "o1"}]});
        for (name, value) in kinds[n % kinds.len()].as_object().unwrap() {
            event[name] = value.clone();
        }
        line(event)
    };
    (0..30).map(event).collect()
}

struct World {
    server: TestServer,
    /// Restricted by rows, and by rows and columns.
    keys: [String; 2],
}

impl World {
    /// The same numbers are taken on both servers: what is not hidden here goes to another project.
    async fn new(with_hidden: bool) -> Self {
        // The audit journal takes numbers as well: on both servers the same, where no clock decides.
        let audit = "[audit]\ngroup_interval = \"1h\"\nrollup_interval = \"1h\"\n";
        let server = TestServer::start_in(&Home::new(&format!("[query]\nthreads = 2\n{audit}")));
        for project in ["shop", "filler", "secret"] {
            server.create_project(project).await;
        }
        let place = if with_hidden { "shop" } else { "filler" };
        server.append("shop", "", visible(0)).await.json(200);
        server.append(place, "", hidden(0)).await.json(200);
        server.append("secret", "", hidden(7)).await.json(200);
        server.flush().await;
        server.append("shop", "", visible(1)).await.json(200);
        server.append(place, "", hidden(1)).await.json(200);
        server.flush().await;
        server.append(place, "", hidden(2)).await.json(200);
        server.append("shop", "", visible(2)).await.json(200);
        let mut rows = json!({"modules": ["order*", "payments"], "tenant_ids": ["acme"], "lookback_days": 7_300,
            "datasets": ["log"], "unit_ids": ["w1"], "general_only": true});
        let mut columns = rows.clone();
        rows["object_types"] = json!(["order"]);
        columns["objects"] = json!(["order:o0", "order:o1", "order:o2", "order:o3", "order:o4"]);
        columns["masked_columns"] = json!(["actor_email", "observed_time"]);
        let keys = [key(&server, rows).await, key(&server, columns).await];
        Self { server, keys }
    }

    fn request(&self, key: usize, method: Method, path: &str) -> RequestBuilder {
        self.server.client.request(method, format!("{}{path}", self.server.url)).bearer_auth(&self.keys[key])
    }

    async fn ask(&self, key: usize, sql: &str, format: &str) -> Found {
        let body = json!({"sql": sql, "format": format});
        found(self.request(key, Method::POST, "/api/v1/query").json(&body)).await
    }
}

async fn key(server: &TestServer, restrictions: Value) -> String {
    let new = json!({"name": "restricted", "scopes": ["query"], "project": "shop", "restrictions": restrictions});
    let answer = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    answer["secret"].as_str().unwrap().to_owned()
}

/// Everything that came back.
struct Found {
    status: u16,
    head: String,
    body: Vec<u8>,
}

async fn found(request: RequestBuilder) -> Found {
    let mut response = request.send().await.unwrap();
    let (status, head) = (response.status().as_u16(), format!("{:?}", response.headers()));
    // A body that breaks off is read as far as it goes.
    let mut body = Vec::new();
    // A stream does not end: what it says at first is enough.
    let streams = response.headers().get("content-type").is_some_and(|kind| kind == "text/event-stream");
    let patience = std::time::Duration::from_secs(if streams { 2 } else { 120 });
    let read = async {
        while let Ok(Some(chunk)) = response.chunk().await {
            body.extend_from_slice(&chunk);
        }
    };
    let _ = tokio::time::timeout(patience, read).await;
    Found { status, head, body }
}

impl Found {
    /// The body and what its format packs away.
    fn text(&self, format: &str) -> String {
        let text = String::from_utf8_lossy(&self.body).into_owned();
        let batches = match format {
            "arrow" if self.status == 200 => arrow_batches(&self.body),
            "parquet" if self.status == 200 => parquet_batches(&self.body),
            _ => return text,
        };
        text + &pretty_format_batches(&batches).unwrap().to_string()
    }

    #[track_caller]
    fn assert_silent(&self, format: &str, what: &str) {
        let text = self.text(format);
        for spelling in spellings() {
            for (part, text) in [("body", &text), ("headers", &self.head)] {
                assert!(!text.contains(&spelling), "{what} ({format}): the {part} hold {spelling}:\n{text}");
            }
        }
    }

    /// What must be the same whatever is hidden: of an error its code, of rows all but their order and
    /// the times of receipt.
    fn comparable(&self, key: usize) -> Value {
        let document: Value = serde_json::from_slice(&self.body).unwrap();
        if self.status != 200 {
            return json!([self.status, document["code"]]);
        }
        let names: Vec<&str> =
            document["schema"].as_array().unwrap().iter().map(|column| column["name"].as_str().unwrap()).collect();
        let kept: Vec<usize> =
            (0..names.len()).filter(|at| key == 1 || !names[*at].starts_with("observed_time")).collect();
        let row = |row: &Value| json!(kept.iter().map(|at| row[*at].clone()).collect::<Vec<_>>()).to_string();
        let mut rows: Vec<String> = document["rows"].as_array().unwrap().iter().map(row).collect();
        rows.sort();
        json!([names, rows, document["truncated"]])
    }
}

fn arrow_batches(body: &[u8]) -> Vec<RecordBatch> {
    let reader = arrow::ipc::reader::StreamReader::try_new(body, None).unwrap();
    reader.map(Result::unwrap).collect()
}

fn parquet_batches(body: &[u8]) -> Vec<RecordBatch> {
    let bytes = bytes::Bytes::copy_from_slice(body);
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap();
    reader.build().unwrap().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_finds_the_canary_or_tells_that_it_is_there() {
    let (with, without) = (World::new(true).await, World::new(false).await);
    let statements = statements();
    assert!(statements.len() >= 60, "{}", statements.len());
    // The canary is there for those who may see it.
    let all = with.server.query("shop", "SELECT message FROM events").await;
    assert!(all.text.contains(SECRET), "{}", all.text);
    let (mut answered, mut refused) = (0, 0);
    for key in [0, 1] {
        for sql in &statements {
            for format in FORMATS {
                let found = with.ask(key, sql, format).await;
                assert_ne!(found.status, 500, "{sql}: {}", found.text("json"));
                // The second key must not see the masked column, whose visible rows hold the canary.
                if key == 1 || !reads_emails(sql) {
                    found.assert_silent(format, sql);
                }
                if found.status == 200 { answered += 1 } else { refused += 1 }
            }
            if !sql.starts_with("EXPLAIN ANALYZE") {
                let (here, there) = (with.ask(key, sql, "json").await, without.ask(key, sql, "json").await);
                let (here, there) = (here.comparable(key), there.comparable(key));
                let (seen, wanted) = (here.to_string(), there.to_string());
                let at = seen.bytes().zip(wanted.bytes()).take_while(|(a, b)| a == b).count().saturating_sub(200);
                let part = |text: &str| text.chars().skip(at).take(600).collect::<String>();
                assert!(here == there, "{sql}: hidden events change the answer\n{}\n{}", part(&seen), part(&wanted));
            }
        }
    }
    println!("{} statements, {answered} answers and {refused} refusals looked through", statements.len());
    assert!(answered > refused, "most statements are meant to be answered");
    with.server.stop();
    without.server.stop();
}

/// Whether an answer to the key that masks nothing holds visible e-mail addresses.
fn reads_emails(sql: &str) -> bool {
    sql.contains('*') && !sql.contains("count(*)") || sql.contains("actor_email") || sql.starts_with("TABLE")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_route_shows_the_canary_to_a_restricted_key() {
    let world = World::new(true).await;
    let list = send(world.server.request(Method::GET, "/api/v1/queries")).await.json(200);
    let mut paths: Vec<String> = Vec::new();
    for query in list.as_array().unwrap() {
        let mut path = format!("/api/v1/queries/{}?", query["name"].as_str().unwrap());
        for parameter in query["parameters"].as_array().unwrap() {
            match parameter["name"].as_str().unwrap() {
                "from" => path += &format!("{SHIPPED}&"),
                "to" => {}
                "object_id" => path += "object_id=o1&",
                name if parameter["required"] == true => path += &format!("{name}=order&"),
                _ => {}
            }
        }
        paths.push(path);
    }
    for format in FORMATS {
        for path in &paths {
            let found = found(world.request(1, Method::GET, &format!("{path}format={format}"))).await;
            assert!([200, 400, 403].contains(&found.status), "{path}: {}", found.text("json"));
            found.assert_silent(format, path);
        }
    }
    let document = send(world.server.request(Method::GET, "/api/openapi.json")).await.json(200);
    for (path, operations) in document["paths"].as_object().unwrap() {
        for method in operations.as_object().unwrap().keys().filter(|method| *method != "delete") {
            let url = path.replace("{name}", "errors_by_module").replace("{id}", "x");
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let request = world.request(1, method.clone(), &url);
            let request =
                if method == Method::GET { request } else { request.json(&json!({"sql": "SELECT * FROM events"})) };
            found(request).await.assert_silent("json", path);
        }
    }
    for path in [
        "events?period=all&fields=*",
        "events?period=all&q=a&total=exact",
        "events?period=all&sort=-duration_ns&explain=sql",
        "facets?period=all&fields=module,tenant_id,source,event_type,object_id,actor_id",
        "histogram?period=all&by=tenant_id",
        "aggregate?period=all&by=module,tenant_id&metric=max&of=message",
        "changes?period=all",
        "objects/order/o1",
        "objects/order/o1/history",
        "objects/order/o1/state",
        "objects/order/o1/children",
        "tasks?period=all",
        "sessions?period=all",
        "actors/a",
        "screens/idosell/event_log?period=all",
        "filters/fields",
    ] {
        let found = found(world.request(1, Method::GET, &format!("/api/v1/{path}"))).await;
        assert!([200, 400, 403, 404].contains(&found.status), "{path}: {}", found.text("json"));
        found.assert_silent("json", path);
    }
    let others = world.request(1, Method::POST, "/api/v1/query").header("kronika-project", "secret");
    send(others.json(&json!({"sql": "SELECT * FROM events"}))).await.problem(403, "forbidden");
    for path in ["ledger", "ledger/batches", "dead-letters", "dead-letters/download"] {
        let request = world.request(1, Method::GET, &format!("/api/v1/ingest/{path}"));
        send(request).await.problem(403, "restricted_key");
    }
    let ledger = world.request(1, Method::POST, "/api/v1/query").json(&json!({"sql": "SELECT * FROM ledger"}));
    send(ledger).await.problem(403, "hidden_table");
    world.server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_of_one_project_finds_nothing_of_another() {
    let world = World::new(true).await;
    let new = json!({"name": "filler", "scopes": ["query"], "project": "filler"});
    let answer = send(world.server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    let key = answer["secret"].as_str().unwrap();
    for sql in statements() {
        for format in FORMATS {
            let request = world.server.client.post(format!("{}/api/v1/query", world.server.url)).bearer_auth(key);
            let found = found(request.json(&json!({"sql": sql, "format": format}))).await;
            assert_ne!(found.status, 500, "{sql}: {}", found.text("json"));
            found.assert_silent(format, &sql);
        }
    }
    // What was asked, and refused, is in the journal; what is hidden is not, and a project's auditor sees
    // nothing of the others.
    let home = world.server.stop();
    let server = TestServer::start_in(&home);
    let auditor = |project: &'static str| {
        let new = json!({"name": "auditor", "scopes": ["audit-read"], "project": project});
        let request = server.request(Method::POST, "/api/v1/keys").json(&new);
        async move { send(request).await.json(201)["secret"].as_str().unwrap().to_owned() }
    };
    let read = async |key: &str, sql: &str| {
        let request = server.client.post(format!("{}/api/v1/query", server.url)).bearer_auth(key);
        let found = found(request.header("kronika-project", "_audit").json(&json!({"sql": sql}))).await;
        assert_eq!(found.status, 200, "{}", found.text("json"));
        found
    };
    let whole = read(&auditor("_audit").await, "SELECT * FROM events").await;
    assert!(whole.text("json").contains("select count (*) from events"));
    whole.assert_silent("json", "the audit journal");
    let fillers = read(&auditor("filler").await, "SELECT DISTINCT tenant_id FROM events").await;
    assert_eq!(serde_json::from_slice::<Value>(&fillers.body).unwrap()["rows"], json!([["filler"]]));
    server.stop();
}
