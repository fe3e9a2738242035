//! Exports as their owners meet them: made in the background, killed and resumed, fetched, refused, told.

use std::collections::HashSet;
use std::io::{Cursor, Read};
use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::common::{Answer, Home, TestServer, kronika, send};

/// Longest wait for an export.
const PATIENCE: Duration = Duration::from_secs(300);

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn make_key(server: &TestServer, scopes: &[&str], restrictions: Value) -> (String, String) {
    let new = json!({"name": "exporter", "scopes": scopes, "project": "default", "restrictions": restrictions});
    let answer = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    (answer["id"].as_str().unwrap().into(), answer["secret"].as_str().unwrap().into())
}

async fn ask_as(server: &TestServer, key: &str, new: &Value) -> Answer {
    send(server.with(key, Method::POST, "/api/v1/exports").json(new)).await
}

async fn create(server: &TestServer, new: Value) -> String {
    let answer = ask_as(server, &server.key, &new).await;
    let location = answer.headers.get("location").map(|value| value.to_str().unwrap().to_owned());
    let id = answer.json(202)["id"].as_str().unwrap().to_owned();
    assert_eq!(location.unwrap(), format!("/api/v1/exports/{id}"));
    id
}

async fn state(server: &TestServer, id: &str) -> Value {
    send(server.request(Method::GET, &format!("/api/v1/exports/{id}"))).await.json(200)
}

/// Waits until the export is as wanted.
async fn until(server: &TestServer, id: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    let started = Instant::now();
    loop {
        let export = state(server, id).await;
        if wanted(&export) {
            return export;
        }
        assert!(started.elapsed() < PATIENCE, "{export:#}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn has_ended(export: &Value) -> bool {
    !["enqueued", "in_progress"].contains(&export["status"].as_str().unwrap())
}

async fn done(server: &TestServer, id: &str) -> Value {
    let export = until(server, id, has_ended).await;
    assert_eq!(export["status"], "done", "{export:#}");
    export
}

/// The file of an export, which must be what its record says.
async fn file(server: &TestServer, id: &str) -> Vec<u8> {
    let export = done(server, id).await;
    let response = server.request(Method::GET, &format!("/api/v1/exports/{id}/file")).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let digest = response.headers()["etag"].to_str().unwrap().trim_matches('"').to_owned();
    let bytes = response.bytes().await.unwrap().to_vec();
    assert_eq!(
        (export["file"]["sha256"].as_str().unwrap(), digest.as_str()),
        (sha256(&bytes).as_str(), sha256(&bytes).as_str())
    );
    assert_eq!(export["file"]["size"], bytes.len());
    bytes
}

async fn export(server: &TestServer, new: Value) -> Vec<u8> {
    file(server, &create(server, new).await).await
}

fn rows(ndjson: &[u8]) -> Vec<Value> {
    std::str::from_utf8(ndjson).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn entries(zip: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = zip::ZipArchive::new(Cursor::new(zip)).unwrap();
    let read = |at: usize| {
        let mut entry = archive.by_index(at).unwrap();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        (entry.name().to_owned(), bytes)
    };
    (0..zip::ZipArchive::new(Cursor::new(zip)).unwrap().len()).map(read).collect()
}

/// Events over five days; every third has the time of the one before, so that only `_seq` tells them apart.
fn body(ids: std::ops::Range<u64>) -> String {
    let event = |n: u64| {
        let at = n / 3 * 2_160 % 432_000;
        let (day, hour, minute, second) = (1 + at / 86_400, at / 3_600 % 24, at / 60 % 60, at % 60);
        format!(
            "{{\"event_id\":\"{n}\",\"event_time\":\"2025-03-0{day}T{hour:02}:{minute:02}:{second:02}Z\",\"module\":\"m{}\",\"source\":\"shop\",\
             \"message\":\"=1+{n} żółw\",\"object_type\":\"order\",\"object_id\":\"{}\",\"request_body\":\"{{\\\"n\\\":{n}}}\",\
             \"request_content_type\":\"application/json\",\"response_body\":\"<ok>{n}</ok>\",\"amount\":{n}.50}}\n",
            n % 3,
            n % 1_000
        )
    };
    ids.map(event).collect()
}

/// All of [`body`], and nothing that exports tell of themselves.
fn ours() -> Value {
    json!({"module": ["m0", "m1", "m2"]})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_of_200_000_events_that_was_killed_has_the_bytes_of_one_that_was_not() {
    let mut events = 200_000;
    let mut server = TestServer::start_with("[exports]\nfiles_max = 1000000\n");
    for from in (0..events).step_by(20_000) {
        server.append("default", "", body(from..from + 20_000)).await.json(200);
        if from % 60_000 == 0 {
            server.flush().await;
        }
    }
    let formats = [
        json!({"format": "ndjson"}),
        json!({"format": "csv-safe", "order": "event_time", "columns": ["event_id", "message", "attributes", "related"]}),
        json!({"format": "arrow"}),
        json!({"format": "parquet"}),
        json!({"format": "bodies"}),
    ];
    let mut killed = Vec::new();
    for format in &formats {
        let mut new = json!({"filter": ours()});
        new.as_object_mut().unwrap().extend(format.as_object().unwrap().clone());
        let whole = create(&server, new.clone()).await;
        let want = file(&server, &whole).await;
        let export = state(&server, &whole).await;
        assert_eq!(export["progress"]["rows"], events, "{export:#}");
        assert_eq!((&export["progress"]["rows_total"], &export["progress"]["fraction"]), (&json!(events), &json!(1.0)));
        if format["format"] == "ndjson" {
            check_rows(&want, events);
        }
        let id = create(&server, new).await;
        // What comes later is not in it, though its times lie between those of what is.
        server.append("default", "", body(events..events + 1_000)).await.json(200);
        let begun = |export: &Value| has_ended(export) || export["progress"]["rows"].as_u64() > Some(0);
        let export = until(&server, &id, begun).await;
        server = TestServer::start_in(&server.kill());
        let got = file(&server, &id).await;
        killed.push((format["format"].clone(), export["progress"]["rows"].clone(), !has_ended(&export)));
        assert!(got == want, "{killed:?}: {} bytes, {} wanted", got.len(), want.len());
        events += 1_000;
        for id in [&id, &whole] {
            send(server.request(Method::DELETE, &format!("/api/v1/exports/{id}"))).await.json(200);
            send(server.request(Method::GET, &format!("/api/v1/exports/{id}"))).await.problem(404, "export_not_found");
        }
    }
    println!("format, rows at the kill, whether it was being made: {killed:?}");
    assert!(killed.iter().filter(|(.., midway)| *midway).count() >= 3, "{killed:?}");
    let left: Vec<_> = std::fs::read_dir(server.home().data_dir().join("exports/default")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
    server.stop();
}

/// Every event once, newest first, with all that it has.
fn check_rows(ndjson: &[u8], events: u64) {
    let rows = rows(ndjson);
    let place = |row: &Value| {
        (row["event_time"].as_str().unwrap().to_owned(), row["_seq"].as_str().unwrap().parse::<i64>().unwrap())
    };
    assert!(rows.windows(2).all(|pair| place(&pair[0]) > place(&pair[1])), "not newest first");
    let ids: HashSet<&str> = rows.iter().map(|row| row["event_id"].as_str().unwrap()).collect();
    assert_eq!((rows.len() as u64, ids.len() as u64), (events, events));
    for row in rows.iter().step_by(997) {
        let n = row["event_id"].as_str().unwrap();
        assert_eq!(row["message"], format!("=1+{n} żółw"));
        assert_eq!(row["attributes"], format!("{{\"amount\":{n}.50}}"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_format_holds_the_rows_of_the_query() {
    let server = TestServer::start();
    server.append("default", "", body(0..300)).await.json(200);
    server.flush().await;
    server.append("default", "", body(300..400)).await.json(200);
    let columns = ["event_id", "event_time", "message", "attributes", "object_refs", "http_status"];
    let sql = format!(
        "SELECT {} FROM events WHERE module IN ('m0', 'm1', 'm2') ORDER BY event_time DESC, _seq DESC",
        columns.join(", ")
    );
    for format in ["csv-safe", "csv", "ndjson", "arrow", "parquet"] {
        let request = server.request(Method::POST, "/api/v1/query").json(&json!({"sql": sql, "format": format}));
        let want = request.send().await.unwrap().bytes().await.unwrap().to_vec();
        let of_filter = export(&server, json!({"filter": ours(), "columns": columns, "format": format})).await;
        let of_sql = export(&server, json!({"sql": sql, "format": format})).await;
        match format {
            "arrow" | "parquet" => {
                let shown = |bytes: &[u8]| if format == "arrow" { arrow_rows(bytes) } else { parquet_rows(bytes) };
                assert_eq!(shown(&of_filter), shown(&want), "{format}");
                assert_eq!(shown(&of_sql), shown(&want), "{format}");
            }
            _ => assert!(of_filter == want && of_sql == want, "{format}"),
        }
    }
    // Spreadsheets run no text of ours unless that is asked for.
    let safe = export(&server, json!({"filter": ours(), "columns": ["message"]})).await;
    let safe = String::from_utf8(safe).unwrap();
    assert!(safe.contains("\r\n'=1+7 żółw\r\n") && !safe.contains("\r\n="), "{}", &safe[..200]);
    // Nothing is a file as well.
    for format in ["csv-safe", "ndjson", "arrow", "parquet", "bodies", "bundle"] {
        let none = export(&server, json!({"filter": {"module": ["none"]}, "format": format})).await;
        match format {
            "ndjson" => assert!(none.is_empty()),
            "bodies" | "bundle" => assert!(entries(&none).iter().all(|(_, bytes)| bytes.is_empty())),
            "arrow" => assert_eq!(arrow_rows(&none).lines().count(), 4, "a head without rows"),
            "parquet" => assert_eq!(parquet_rows(&none).lines().count(), 4),
            _ => assert!(none.starts_with(b"event_id,") && none.ends_with(b"_seq\r\n")),
        }
    }
    let with = json!({"sql": "SELECT event_id FROM events WHERE object_id = $id ORDER BY 1", "params": {"id": "7"}, "format": "csv"});
    assert_eq!(export(&server, with).await, b"event_id\r\n7\r\n");
    server.stop();
}

fn arrow_rows(bytes: &[u8]) -> String {
    let reader = arrow::ipc::reader::StreamReader::try_new(bytes, None).unwrap();
    pretty(reader.schema(), reader.map(Result::unwrap).collect())
}

fn parquet_rows(bytes: &[u8]) -> String {
    let bytes = bytes::Bytes::copy_from_slice(bytes);
    let reader =
        parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
    pretty(arrow::record_batch::RecordBatchReader::schema(&reader), reader.map(Result::unwrap).collect())
}

fn pretty(schema: arrow::datatypes::SchemaRef, batches: Vec<arrow::record_batch::RecordBatch>) -> String {
    arrow::util::pretty::pretty_format_batches_with_schema(schema, &batches).unwrap().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_contradicts_itself_is_refused_before_it_waits() {
    let server = TestServer::start();
    let cases = [
        (json!({}), "invalid_export"),
        (json!({"filter": {}, "sql": "SELECT 1"}), "invalid_export"),
        (json!({"filter": []}), "invalid_export"),
        (json!({"filter": {}, "format": "xlsx"}), "invalid_export"),
        (json!({"filter": {}, "format": "json"}), "invalid_export"),
        (json!({"filter": {}, "order": "message"}), "invalid_export"),
        (json!({"filter": {}, "columns": ["nothing"]}), "invalid_export"),
        (json!({"filter": {}, "columns": ["message", "message"]}), "invalid_export"),
        (json!({"filter": {}, "columns": []}), "invalid_export"),
        (json!({"filter": {}, "params": {"a": 1}}), "invalid_export"),
        (json!({"filter": {}, "columns": ["message"], "format": "bodies"}), "invalid_export"),
        (json!({"sql": "SELECT 1", "format": "bundle"}), "invalid_export"),
        (json!({"sql": "SELECT 1", "columns": ["a"]}), "invalid_export"),
        (json!({"sql": "SELECT nothing FROM events"}), "unknown_column"),
        (json!({"sql": "DROP TABLE events"}), "not_a_query"),
        (json!({"sql": "SELECT $a"}), "invalid_parameter"),
        (json!({"sql": "SELECT 1", "params": 1}), "invalid_parameter"),
        (json!({"filter": {}, "more": 1}), "invalid_json"),
    ];
    for (new, code) in cases {
        let answer = ask_as(&server, &server.key, &new).await;
        assert_eq!(answer.json(400)["code"], code, "{new}");
    }
    let list = send(server.request(Method::GET, "/api/v1/exports")).await.json(200);
    assert_eq!(list, json!([]), "nothing of it waits");
    for path in ["x", "exp_00000000000000000000000000000000", "..%2F..%2Fetc%2Fpasswd"] {
        send(server.request(Method::GET, &format!("/api/v1/exports/{path}"))).await.problem(404, "export_not_found");
        send(server.request(Method::GET, &format!("/api/v1/exports/{path}/file")))
            .await
            .problem(404, "export_not_found");
    }
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_has_the_rights_of_the_key_that_asked_for_it() {
    let server = TestServer::start();
    server.append("default", "", body(0..300)).await.json(200);
    let secret = json!({"event_id": "s", "module": "vault", "message": "canary", "tenant_id": "default"});
    server.append("default", "", secret.to_string()).await.json(200);
    let (_, query) = make_key(&server, &["query"], json!({})).await;
    for path in ["/api/v1/exports", "/api/v1/exports/x", "/api/v1/exports/x/file"] {
        send(server.with(&query, Method::GET, path)).await.problem(403, "forbidden");
    }
    ask_as(&server, &query, &json!({"filter": {}})).await.problem(403, "forbidden");
    let narrow = json!({"modules": ["m1"], "masked_columns": ["object_id"]});
    let (_, restricted) = make_key(&server, &["export"], narrow.clone()).await;
    let (_, alike) = make_key(&server, &["export"], narrow).await;
    let (_, other) = make_key(&server, &["export"], json!({"modules": ["m2"]})).await;
    let (wide_id, wide) = make_key(&server, &["export"], json!({})).await;
    let new = json!({"filter": {}, "format": "ndjson"});
    let id = ask_as(&server, &restricted, &new).await.json(202)["id"].as_str().unwrap().to_owned();
    let rows = rows(&file(&server, &id).await);
    assert_eq!(rows.len(), 100);
    assert!(
        rows.iter()
            .all(|row| row["module"] == "m1" && row.get("object_id").is_none() && row.get("attributes").is_none())
    );
    let all = ask_as(&server, &wide, &new).await.json(202)["id"].as_str().unwrap().to_owned();
    done(&server, &all).await;
    ask_as(&server, &restricted, &json!({"filter": {}, "columns": ["object_id"]})).await.problem(400, "invalid_export");
    ask_as(&server, &restricted, &json!({"sql": "SELECT object_id FROM events"})).await.problem(403, "hidden_column");
    let of_sql = json!({"sql": "SELECT DISTINCT module FROM events", "format": "csv"});
    let of_sql = ask_as(&server, &restricted, &of_sql).await.json(202)["id"].as_str().unwrap().to_owned();
    assert_eq!(file(&server, &of_sql).await, b"module\r\nm1\r\n");
    // Who sees less than the one who asked has neither the file nor the knowledge that there is one.
    let has =
        async |key: &str, id: &str| send(server.with(key, Method::GET, &format!("/api/v1/exports/{id}/file"))).await;
    for (key, export, status) in [
        (&restricted, &id, 200),
        (&alike, &id, 200),
        (&wide, &id, 200),
        (&other, &id, 404),
        (&restricted, &all, 404),
        (&other, &all, 404),
        (&wide, &all, 200),
    ] {
        assert_eq!(has(key, export).await.status, status, "{export}");
        let list = send(server.with(key, Method::GET, "/api/v1/exports")).await.text;
        assert_eq!(list.contains(export.as_str()), status == 200);
        let answer = send(server.with(key, Method::GET, &format!("/api/v1/exports/{export}/events"))).await;
        assert_eq!(answer.status, status);
    }
    send(server.with(&other, Method::DELETE, &format!("/api/v1/exports/{id}"))).await.problem(404, "export_not_found");
    // The file of an export is an attachment of its event: for those who may export.
    let hash = state(&server, &all).await["file"]["sha256"].as_str().unwrap().to_owned();
    let path = format!("/api/v1/attachments/{hash}");
    assert_eq!(send(server.request(Method::GET, &path)).await.status, 200);
    send(server.with(&query, Method::GET, &path)).await.problem(403, "forbidden");
    // A key that has ended has nothing any more.
    assert_eq!(send(server.request(Method::DELETE, &format!("/api/v1/keys/{wide_id}"))).await.status, 204);
    has(&wide, &all).await.problem(401, "unauthenticated");
    has(&restricted, &all).await.problem(404, "export_not_found");
    assert_eq!(has(&server.key, &all).await.status, 200);
    server.stop();
}

/// Hours of work whose rows come all the time.
const LONG: &str = "SELECT x, repeat('text ', 20) AS text FROM generate_series(1, 1000000000000) a(x)";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_ends_when_its_key_does_or_somebody_cancels_it() {
    let server = TestServer::start();
    let (id, key) = make_key(&server, &["export"], json!({})).await;
    let running = |export: &Value| export["progress"]["rows"].as_u64() > Some(0);
    let export = ask_as(&server, &key, &json!({"sql": LONG})).await.json(202)["id"].as_str().unwrap().to_owned();
    until(&server, &export, running).await;
    let waiting = create(&server, json!({"sql": "SELECT 1", "format": "csv"})).await;
    assert_eq!(state(&server, &waiting).await["status"], "enqueued", "one of a project at a time");
    send(server.request(Method::GET, &format!("/api/v1/exports/{export}/file"))).await.problem(409, "export_not_ready");
    assert_eq!(send(server.request(Method::DELETE, &format!("/api/v1/keys/{id}"))).await.status, 204);
    let ended = until(&server, &export, has_ended).await;
    assert_eq!((&ended["status"], &ended["error"]["code"]), (&json!("failed"), &json!("key_ended")), "{ended:#}");
    let dir = server.home().data_dir().join("exports/default").join(&export);
    // How it ended is written by a file of its own that takes the place of the last one.
    let names = || -> Vec<_> { std::fs::read_dir(&dir).unwrap().map(|entry| entry.unwrap().file_name()).collect() };
    for _ in 0..100 {
        if names() == ["export.json"] {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(names(), ["export.json"], "no half file");
    assert_eq!(file(&server, &waiting).await, b"Int64(1)\r\n1\r\n");

    let export = create(&server, json!({"sql": LONG})).await;
    until(&server, &export, running).await;
    let waiting = create(&server, json!({"sql": "SELECT 1"})).await;
    for id in [&waiting, &export] {
        send(server.request(Method::DELETE, &format!("/api/v1/exports/{id}"))).await.json(200);
        let ended = until(&server, id, has_ended).await;
        assert_eq!(ended["status"], "canceled", "{ended:#}");
    }
    assert_eq!(server.metric("kronika_exports_running", "").await, 0.0);
    assert_eq!(server.metric("kronika_exports_waiting", "").await, 0.0);
    // Another one runs where that one ran.
    assert_eq!(export_ids(&server, "canceled").await.len(), 2);
    assert_eq!(self::export(&server, json!({"sql": "SELECT 2 AS n", "format": "csv"})).await, b"n\r\n2\r\n");
    // A clean stop does not wait for it; the next start begins it again.
    let export = create(&server, json!({"sql": LONG})).await;
    until(&server, &export, running).await;
    let server = TestServer::start_in(&server.stop());
    until(&server, &export, running).await;
    send(server.request(Method::DELETE, &format!("/api/v1/exports/{export}"))).await.json(200);
    until(&server, &export, has_ended).await;
    server.stop();
}

async fn export_ids(server: &TestServer, status: &str) -> Vec<String> {
    let list = send(server.request(Method::GET, "/api/v1/exports")).await.json(200);
    let of = list.as_array().unwrap().iter().filter(|export| export["status"] == status);
    of.map(|export| export["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exports_keep_to_their_limits() {
    let config = "[exports]\nwaiting_max = 2\ndisk_max = \"16MiB\"\nkeep = \"3s\"\nfiles_max = 4\n[audit]\ngroup_interval = \"1s\"\n";
    let server = TestServer::start_with(config);
    let over = create(&server, json!({"sql": LONG, "format": "csv"})).await;
    let ended = until(&server, &over, has_ended).await;
    assert_eq!(
        (&ended["status"], &ended["error"]["code"]),
        (&json!("failed"), &json!("export_disk_full")),
        "{ended:#}"
    );
    server.append("default", "", body(0..3)).await.json(200);
    let two = json!({"filter": {"module": ["m0", "m1"]}, "format": "bodies"});
    assert_eq!(entries(&export(&server, two).await).len(), 5, "four files and the index");
    let three = create(&server, json!({"filter": ours(), "format": "bodies"})).await;
    let ended = until(&server, &three, has_ended).await;
    assert_eq!(
        (&ended["status"], &ended["error"]["code"]),
        (&json!("failed"), &json!("export_too_many_files")),
        "{ended:#}"
    );
    // Slow enough to be there for a while: nothing comes of it before its last row.
    let slow = json!({"sql": "SELECT count(*) FROM generate_series(1, 1000000000000) a(x) WHERE x % 7 = 8"});
    let busy = [create(&server, slow.clone()).await, create(&server, slow.clone()).await];
    let refused = ask_as(&server, &server.key, &slow).await;
    refused.problem(429, "exports_busy");
    for id in &busy {
        send(server.request(Method::DELETE, &format!("/api/v1/exports/{id}"))).await.json(200);
        until(&server, id, has_ended).await;
    }
    let short = create(&server, json!({"sql": "SELECT 1"})).await;
    let export = done(&server, &short).await;
    assert!(export["expires_at"].is_string());
    let started = Instant::now();
    while send(server.request(Method::GET, &format!("/api/v1/exports/{short}"))).await.status != 404 {
        assert!(started.elapsed() < Duration::from_secs(20), "it does not expire");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(started.elapsed() > Duration::from_secs(2), "it expires too soon");
    assert!(!server.home().data_dir().join("exports/default").join(&short).exists());
    server.stop();
    let server = TestServer::start_with("[exports]\ndisk_reserve = \"16TiB\"\n");
    ask_as(&server, &server.key, &json!({"filter": {}})).await.problem(503, "export_disk_full");
    server.append("default", "", "{\"message\":\"events are taken\"}").await.json(200);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_a_task_in_the_journal_of_its_project_and_a_call_in_that_of_the_server() {
    let server = TestServer::start();
    server.append("default", "", body(0..10)).await.json(200);
    let (key_id, key) = make_key(&server, &["export"], json!({})).await;
    let filter = json!({"module": ["m1"]});
    let new = json!({"filter": filter, "columns": ["event_id", "message"], "order": "event_time"});
    let id = ask_as(&server, &key, &new).await.json(202)["id"].as_str().unwrap().to_owned();
    let export = done(&server, &id).await;
    assert_eq!(send(server.with(&key, Method::GET, &format!("/api/v1/exports/{id}/file"))).await.status, 200);
    let started = Instant::now();
    let events = loop {
        let sql = format!("SELECT * FROM events WHERE dataset = 'exports' AND task_id = '{id}' ORDER BY sequence");
        let request = server.request(Method::POST, "/api/v1/query").json(&json!({"sql": sql, "format": "ndjson"}));
        let events = rows(send(request).await.text.as_bytes());
        if events.len() == 3 {
            break events;
        }
        assert!(started.elapsed() < PATIENCE, "{events:#?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    let told: Vec<_> = events.iter().map(|event| event["task_status"].as_str().unwrap()).collect();
    assert_eq!(told, ["enqueued", "in_progress", "done"]);
    for event in &events {
        assert_eq!(
            (&event["source"], &event["actor_id"], &event["object_id"]),
            (&json!("kronika"), &json!(key_id), &json!(id))
        );
        let own: Value = serde_json::from_str(event["attributes"].as_str().unwrap()).unwrap();
        let want = json!({"exported_object": "event", "parameters": {"order": "event_time", "fields": ["event_id", "message"], "format": "csv-safe"}, "filters": filter});
        assert_eq!(own, json!({"export": want}));
    }
    let file = &events[2]["attachments"][0];
    assert_eq!((&file["role"], &file["sha256"]), (&json!("export"), &export["file"]["sha256"]));
    assert_eq!(
        (&events[2]["task_done_count"], &events[2]["task_progress"], &events[2]["outcome"]),
        (&json!("3"), &json!(100.0), &json!("success"))
    );
    let expires = export["expires_at"].as_str().unwrap();
    assert_eq!(file["expires_at"].as_str().unwrap()[..19], expires[..19]);

    let (_, auditor) = {
        let new = json!({"name": "auditor", "scopes": ["audit-read"], "project": "_audit"});
        let answer = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
        ((), answer["secret"].as_str().unwrap().to_owned())
    };
    let sql = format!(
        "SELECT event_type, object_id FROM events WHERE module = 'exports' AND actor_id = '{key_id}' ORDER BY _seq"
    );
    let answer = server.ask(&auditor, &sql).await.json(200);
    assert_eq!(answer["rows"], json!([["export.create", id], ["export.download", id]]), "polls are no events");
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn progress_comes_as_events_and_the_file_in_parts() {
    let server = TestServer::start();
    server.append("default", "", body(0..3_000)).await.json(200);
    let id = create(&server, json!({"filter": ours(), "format": "ndjson"})).await;
    let watched = send(server.request(Method::GET, &format!("/api/v1/exports/{id}/events"))).await;
    assert_eq!(watched.headers["content-type"], "text/event-stream");
    let last = watched.text.trim().rsplit("\n\n").next().unwrap();
    let (event, data) = last.split_once('\n').unwrap();
    let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
    assert_eq!((event, &data["status"], &data["progress"]["rows"]), ("event: end", &json!("done"), &json!(3_000)));
    let whole = file(&server, &id).await;
    let path = format!("/api/v1/exports/{id}/file");
    let mut parts = Vec::new();
    while parts.len() < whole.len() {
        let range = format!("bytes={}-{}", parts.len(), parts.len() + 99_999);
        let part = server.request(Method::GET, &path).header("range", range).send().await.unwrap();
        assert_eq!(part.status(), 206);
        parts.extend_from_slice(&part.bytes().await.unwrap());
    }
    assert!(parts == whole);
    // A server that stops does not wait for those who watch.
    let id = create(&server, json!({"sql": LONG})).await;
    until(&server, &id, |export| export["status"] == "in_progress").await;
    let watching = server.request(Method::GET, &format!("/api/v1/exports/{id}/events")).send().await.unwrap();
    let started = Instant::now();
    let home = server.stop();
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    drop(watching);
    let server = TestServer::start_in(&home);
    send(server.request(Method::DELETE, &format!("/api/v1/exports/{id}"))).await.json(200);
    until(&server, &id, has_ended).await;
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn archives_have_safe_names_and_bundles_keep_secrets() {
    const SECRET: &str = "s3cr3t-7f1";
    let server = TestServer::start();
    let attach = async |kind: &str, body: String| {
        let request = server.request(Method::POST, "/api/v1/attachments").header("content-type", kind.to_owned());
        send(request.body(body)).await.json(201)["sha256"].as_str().unwrap().to_owned()
    };
    let big = attach("application/json", format!("{{\"card\":{{\"number\":\"{SECRET}\"}},\"kept\":1}}")).await;
    let picture = attach("image/png", "no text".into()).await;
    let events = [
        json!({"event_id": "../../etc/passwd", "event_time": "2025-03-01T10:00:00Z", "source": "shop", "dataset": "log", "module": "m0",
            "request_body": format!("{{\"card\":{{\"number\":\"{SECRET}\"}}}}"), "request_content_type": "application/json",
            "response_body": "\u{1b}[31mred", "card": {"number": SECRET}, "message": "a\nb"}),
        json!({"event_id": "2", "event_time": "2025-03-01T11:00:00Z", "source": "shop", "dataset": "log", "module": "m0", "attachments": [
            {"role": "response", "name": "big\".json", "content_type": "application/json", "sha256": big},
            {"role": "file", "name": "p.png", "content_type": "image/png", "sha256": picture},
            {"role": "file", "name": "gone.bin", "sha256": "0".repeat(64)}]}),
        json!({"event_id": "3", "event_time": "2025-03-01T12:00:00Z", "module": "m0", "visibility": "object", "message": "only in its object"}),
    ];
    for event in events {
        server.append("default", "", event.to_string()).await.json(200);
    }
    let bodies = entries(&export(&server, json!({"filter": ours(), "format": "bodies"})).await);
    let named: Vec<&str> = bodies.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(named.len(), 4, "{named:?}");
    assert!(named.iter().all(|name| !name.contains("..") && !name.contains(['"', '\\'])), "{named:?}");
    assert_eq!(named.iter().collect::<HashSet<_>>().len(), 4);
    let index = rows(&bodies.iter().find(|(name, _)| name == "index.ndjson").unwrap().1);
    assert_eq!(index.len(), 3, "{index:#?}");
    for line in &index {
        let (_, bytes) = bodies.iter().find(|(name, _)| line["file"] == *name).unwrap();
        assert_eq!((&line["sha256"], &line["size"]), (&json!(sha256(bytes)), &json!(bytes.len())));
    }
    assert!(
        bodies.iter().any(|(_, bytes)| bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes())),
        "bodies are exact"
    );

    // Rules that did not hold when the events came.
    let rules = json!({"paths": ["card.number", "request_body.card.number", "response_body.card.number"]});
    assert_eq!(send(server.request(Method::PUT, "/api/v1/projects/default/redaction").json(&rules)).await.status, 204);
    let bundle = entries(&export(&server, json!({"filter": ours(), "format": "bundle"})).await);
    let named: Vec<&str> = bundle.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(&named[..3], ["events.ndjson", "events.txt", "index.ndjson"]);
    assert_eq!(named.len(), 7, "{named:?}");
    for (name, bytes) in &bundle {
        let text = String::from_utf8_lossy(bytes);
        assert!(!text.contains(SECRET), "{name}: {text}");
        assert!(!name.ends_with(".txt") || name.starts_with("files/") || !text.contains('\u{1b}'), "{text}");
    }
    let of = |name: &str| String::from_utf8(bundle.iter().find(|(known, _)| known == name).unwrap().1.clone()).unwrap();
    assert_eq!(rows(of("events.ndjson").as_bytes()).len(), 2, "what is visible from its object only is not in a list");
    assert!(of("events.txt").contains("   message: a\\nb\n"), "{}", of("events.txt"));
    let index = rows(of("index.ndjson").as_bytes());
    let big = index.iter().find(|line| line["name"] == "big\".json").unwrap();
    assert_eq!(big["redacted"], true, "{index:#?}");
    assert!(of(big["file"].as_str().unwrap()).contains("\"kept\":1"));
    let gone = index.iter().find(|line| line["name"] == "gone.bin").unwrap();
    assert_eq!((&gone["stored"], &gone["file"]), (&json!(false), &json!("")));
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_exports_lists_goes_on_and_cancels() {
    let server = TestServer::start();
    server.append("default", "", body(0..2_000)).await.json(200);
    let dir = tempfile::tempdir().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = kronika();
        command.args(arguments).args(["--server", &server.url, "--key", &server.key]).current_dir(dir.path());
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let filter = ours().to_string();
    let (code, out, err) = run(&["export", "--filter", &filter, "--format", "ndjson", "-o", "all.ndjson"]);
    assert_eq!((code, out.as_str()), (Some(0), "all.ndjson"), "{err}");
    let all = std::fs::read(dir.path().join("all.ndjson")).unwrap();
    assert_eq!(rows(&all).len(), 2_000);
    let (code, id, err) = run(&[
        "export",
        "--sql",
        "SELECT count(*) AS n FROM events WHERE module = $m",
        "-p",
        "m=m1",
        "--format",
        "csv",
        "--no-wait",
    ]);
    assert_eq!(code, Some(0), "{err}");
    let (code, name, err) = run(&["exports", "fetch", &id]);
    assert_eq!(code, Some(0), "{err}");
    assert!(name.starts_with("kronika-query-") && name.ends_with(".csv"), "{name}");
    assert_eq!(std::fs::read_to_string(dir.path().join(name)).unwrap(), "n\r\n667\r\n");
    // A fetch that broke off goes on behind what is there; what is wrong there is found by the hash.
    let id = export_ids(&server, "done").await.pop().unwrap();
    std::fs::write(dir.path().join("again.ndjson.part"), &all[..100_000]).unwrap();
    let (code, ..) = run(&["exports", "fetch", &id, "-o", "again.ndjson"]);
    assert_eq!(code, Some(0));
    assert!(std::fs::read(dir.path().join("again.ndjson")).unwrap() == all);
    assert!(!dir.path().join("again.ndjson.part").exists());
    std::fs::write(dir.path().join("bad.ndjson.part"), vec![b'x'; 100]).unwrap();
    let (code, _, err) = run(&["exports", "fetch", &id, "-o", "bad.ndjson"]);
    assert!(code == Some(1) && err.contains("SHA-256") && !dir.path().join("bad.ndjson").exists(), "{err}");
    let (code, out, _) = run(&["exports", "list"]);
    assert!(code == Some(0) && out.contains(&id) && out.contains("done"), "{out}");
    let (code, out, _) = run(&["exports", "cancel", &id]);
    assert!(code == Some(0) && out.contains(&id), "{out}");
    let (code, _, err) = run(&["exports", "fetch", &id]);
    assert!(code == Some(1) && err.contains("no export"), "{err}");
    let (code, _, err) = run(&["export", "--filter", "{"]);
    assert!(code == Some(2) && err.contains("--filter"), "{err}");
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_project_that_is_deleted_takes_its_exports_along() {
    let server = TestServer::start_in(&Home::new("[exports]\nproject_at_once_max = 1\n"));
    server.create_project("shop").await;
    let of_shop = |method, path: &str| server.request(method, path).header("kronika-project", "shop");
    let made = send(of_shop(Method::POST, "/api/v1/exports").json(&json!({"sql": LONG}))).await.json(202);
    let path = format!("/api/v1/exports/{}", made["id"].as_str().unwrap());
    let started = Instant::now();
    while send(of_shop(Method::GET, &path)).await.json(200)["progress"]["rows"] == 0 {
        assert!(started.elapsed() < PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    send(server.request(Method::GET, &path)).await.problem(404, "export_not_found");
    let deleted = send(server.request(Method::DELETE, "/api/v1/projects/shop?confirm=shop")).await;
    assert_eq!(deleted.status, 204, "{}", deleted.text);
    assert!(!server.home().data_dir().join("exports/shop").exists());
    server.create_project("shop").await;
    assert_eq!(send(of_shop(Method::GET, "/api/v1/exports")).await.json(200), json!([]));
    server.stop();
}
