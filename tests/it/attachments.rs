//! Files of events: stored once by their hash, had by whoever sees an event that names them, whole or in parts.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::common::{Answer, Home, TestServer, python, send};
use super::lifecycle::S3;

/// Bytes that no text holds, `size` of them.
fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| ((at * 2_654_435_761) >> 7) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Bytes as they came.
struct Got {
    status: u16,
    headers: HeaderMap,
    bytes: Vec<u8>,
}

impl Got {
    #[track_caller]
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).unwrap_or_else(|| panic!("no {name} in {:?}", self.headers)).to_str().unwrap()
    }
}

async fn get(server: &TestServer, key: &str, path: &str, headers: &[(&str, &str)]) -> Got {
    let request = server.with(key, Method::GET, path);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Got { status, headers, bytes: response.bytes().await.unwrap().to_vec() }
}

async fn upload(server: &TestServer, query: &str, kind: &str, body: Vec<u8>) -> Answer {
    let request = server.request(Method::POST, &format!("/api/v1/attachments{query}"));
    send(request.header("content-type", kind).body(body)).await
}

async fn key(server: &TestServer, scopes: &[&str], restrictions: Value) -> String {
    let new = json!({"name": "k", "scopes": scopes, "project": "default", "restrictions": restrictions});
    let answer = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    answer["secret"].as_str().unwrap().to_owned()
}

async fn append(server: &TestServer, event: Value) {
    server.append("default", "", event.to_string()).await.json(200);
}

#[tokio::test]
async fn a_response_of_5_mb_comes_back_byte_for_byte_in_whole_and_in_parts() {
    let server = TestServer::start();
    let body = bytes(5_000_000);
    let hash = sha256(&body);
    let first = upload(&server, "?name=..%2Fodpowied%C5%BA.bin", "application/x-thing", body.clone()).await.json(201);
    let want = json!({"sha256": hash, "size": 5_000_000, "content_type": "application/x-thing", "name": "_odpowiedź.bin", "ref": format!("blob:{hash}")});
    assert_eq!(first, want);
    assert_eq!(
        upload(&server, &format!("?sha256={hash}"), "application/x-thing", body.clone()).await.json(200)["sha256"],
        hash
    );
    let below = server.home().data_dir().join("store/projects/default/attachments");
    let stored: Vec<_> = std::fs::read_dir(below.join(&hash[..2])).unwrap().collect();
    assert_eq!(stored.len(), 1, "the same content is kept once");
    assert_eq!(std::fs::read_dir(server.home().data_dir().join("uploads")).unwrap().count(), 0);

    // Nobody has it before an event names it.
    let path = format!("/api/v1/attachments/{hash}");
    send(server.request(Method::GET, &path)).await.problem(404, "attachment_not_found");
    append(&server, json!({"event_id": "e1", "module": "api", "request_body": "{\"a\":1}", "request_content_type": "application/json",
        "response_body_size": 5_000_000, "attachments": [{"role": "response", "name": "odpowiedź.bin", "content_type": "application/x-thing",
            "size": 5_000_000, "sha256": hash, "ref": first["ref"]}]})).await;
    for state in ["hot", "flushed", "killed"] {
        if state == "flushed" {
            server.flush().await;
        }
        for path in [path.as_str(), "/api/v1/events/e1/response", &format!("{path}?event=e1")] {
            let got = get(&server, &server.key, path, &[]).await;
            assert_eq!((got.status, got.bytes.len()), (200, body.len()), "{state} {path}");
            assert_eq!(sha256(&got.bytes), hash, "{state} {path}");
            assert_eq!(got.header("content-type"), "application/x-thing");
            assert_eq!(got.header("etag"), format!("\"{hash}\""));
            assert!(got.header("content-disposition").starts_with("attachment; filename=\""), "{path}");
            assert_eq!(got.header("x-content-type-options"), "nosniff");
            assert!(got.header("content-security-policy").contains("sandbox"));
        }
    }
    let got = get(&server, &server.key, &path, &[]).await;
    assert_eq!(
        got.header("content-disposition"),
        "attachment; filename=\"odpowied_.bin\"; filename*=UTF-8''odpowied%C5%BA.bin"
    );
    for (range, from, to) in [
        ("bytes=0-0", 0, 1),
        ("bytes=4999999-", 4_999_999, 5_000_000),
        ("bytes=-1000", 4_999_000, 5_000_000),
        ("bytes=1000000-1999999", 1_000_000, 2_000_000),
    ] {
        let got = get(&server, &server.key, &path, &[("range", range)]).await;
        assert_eq!(got.status, 206, "{range}");
        assert_eq!(got.header("content-range"), format!("bytes {from}-{}/5000000", to - 1));
        assert!(got.bytes == body[from..to], "{range}");
    }
    let got = get(&server, &server.key, &path, &[("range", "bytes=5000000-")]).await;
    assert_eq!((got.status, got.header("content-range")), (416, "bytes */5000000"));
    assert_eq!(serde_json::from_slice::<Value>(&got.bytes).unwrap()["code"], "range_not_satisfiable");
    let got = get(&server, &server.key, &path, &[("if-none-match", &format!("\"{hash}\""))]).await;
    assert_eq!((got.status, got.bytes.len()), (304, 0));
    let head = send(server.request(Method::HEAD, &path)).await;
    assert_eq!((head.status, head.headers["content-length"].to_str().unwrap()), (200, "5000000"));
    let got = get(&server, &server.key, "/api/v1/events/e1/request", &[("range", "bytes=1-3")]).await;
    assert_eq!(
        (got.status, got.bytes.as_slice(), got.header("content-type")),
        (206, &b"\"a\""[..], "application/json")
    );
    assert!(got.header("content-disposition").contains("e1_request.json"));

    // Durable before the answer.
    let last = upload(&server, "", "text/plain", b"last".to_vec()).await.json(201);
    append(&server, json!({"event_id": "e2", "attachments": [{"role": "file", "sha256": last["sha256"]}]})).await;
    let server = TestServer::start_in(&server.kill());
    let got =
        get(&server, &server.key, &format!("/api/v1/attachments/{}", last["sha256"].as_str().unwrap()), &[]).await;
    assert_eq!((got.status, got.bytes.as_slice()), (200, &b"last"[..]));
    assert_eq!(got.header("content-type"), "application/octet-stream", "the event names no type");
    assert_eq!(sha256(&get(&server, &server.key, "/api/v1/events/e1/response", &[]).await.bytes), hash);
    server.stop();
}

#[tokio::test]
async fn a_file_has_the_rights_of_its_events() {
    let server = TestServer::start();
    server.create_project("other").await;
    let stored = upload(&server, "", "text/html", b"<script>1</script>".to_vec()).await.json(201);
    let hash = stored["sha256"].as_str().unwrap();
    let file = json!([{"role": "request", "name": "x.html", "content_type": "text/html", "sha256": hash}]);
    append(&server, json!({"event_id": "1", "module": "vault", "tenant_id": "a", "attachments": file})).await;
    let paths = [format!("/api/v1/attachments/{hash}"), "/api/v1/events/1/request".to_owned()];
    let cases = [
        (json!({}), 200, ""),
        (json!({"modules": ["vault"]}), 200, ""),
        (json!({"modules": ["orders"]}), 404, ""),
        (json!({"tenant_ids": ["b"]}), 404, ""),
        (json!({"masked_columns": ["actor_email"]}), 200, ""),
    ];
    for (restrictions, status, _) in &cases {
        let key = key(&server, &["query"], restrictions.clone()).await;
        for path in &paths {
            let got = get(&server, &key, path, &[]).await;
            assert_eq!(got.status, *status, "{restrictions} {path}");
            if got.status == 200 {
                assert!(got.header("content-disposition").starts_with("attachment"), "never inline");
                assert_eq!(got.bytes, b"<script>1</script>");
            }
        }
    }
    let masked = key(&server, &["query"], json!({"masked_columns": ["attachments"]})).await;
    send(server.with(&masked, Method::GET, &paths[0])).await.problem(403, "hidden_column");
    send(server.with(&masked, Method::GET, &paths[1])).await.problem(404, "body_not_found");
    let masked = key(&server, &["query"], json!({"masked_columns": ["request_body"]})).await;
    send(server.with(&masked, Method::GET, &paths[1])).await.problem(403, "hidden_column");
    let ingest = key(&server, &["ingest"], json!({})).await;
    send(server.with(&ingest, Method::GET, &paths[0])).await.problem(403, "forbidden");
    // Of another project it is not even there, also where an event there names it.
    server.append("other", "", json!({"event_id": "1", "attachments": file}).to_string()).await.json(200);
    let foreign = server.request(Method::GET, &paths[0]).header("kronika-project", "other");
    send(foreign).await.problem(404, "attachment_not_stored");
    send(server.request(Method::GET, "/api/v1/attachments/abc")).await.problem(400, "invalid_sha256");
    // It goes with its project.
    let stored = server.request(Method::POST, "/api/v1/attachments").header("kronika-project", "other");
    send(stored.body("of other")).await.json(201);
    let below = server.home().data_dir().join("store/projects/other");
    assert!(below.join("attachments").is_dir());
    assert_eq!(send(server.request(Method::DELETE, "/api/v1/projects/other?confirm=other")).await.status, 204);
    assert!(!below.exists());
    server.stop();
}

#[tokio::test]
async fn what_is_too_large_or_of_another_kind_is_refused_and_leaves_nothing() {
    let server = TestServer::start_with("[attachments]\nsize_max = \"64KiB\"\ntypes = [\"text/*\", \"image/png\"]\n");
    upload(&server, "", "text/plain", vec![b'x'; 65_536]).await.json(201);
    upload(&server, "", "text/plain", vec![b'y'; 65_537]).await.problem(413, "attachment_too_large");
    // Of unknown length.
    let chunks = futures::stream::iter((0..9).map(|_| Ok::<_, std::io::Error>(vec![b'z'; 8_192])));
    let request = server.request(Method::POST, "/api/v1/attachments").header("content-type", "text/plain");
    send(request.body(reqwest::Body::wrap_stream(chunks))).await.problem(413, "attachment_too_large");
    upload(&server, "", "image/png", b"p".to_vec()).await.json(201);
    for kind in ["image/jpeg", "application/json", "nonsense"] {
        upload(&server, "", kind, b"p".to_vec()).await.problem(415, "attachment_type");
    }
    let wrong = sha256(b"something else");
    upload(&server, &format!("?sha256={wrong}"), "text/plain", b"p".to_vec()).await.problem(400, "attachment_differs");
    upload(&server, "?sha256=12", "text/plain", b"p".to_vec()).await.problem(400, "invalid_sha256");
    upload(&server, "?what=1", "text/plain", b"p".to_vec()).await.problem(400, "invalid_parameter");
    let packed = server.request(Method::POST, "/api/v1/attachments").header("content-type", "text/plain");
    send(packed.header("content-encoding", "gzip").body("x")).await.problem(415, "unsupported_encoding");
    let empty = upload(&server, "", "text/plain", Vec::new()).await.json(201);
    append(&server, json!({"event_id": "e", "attachments": [{"role": "file", "sha256": empty["sha256"]}]})).await;
    let got =
        get(&server, &server.key, &format!("/api/v1/attachments/{}", empty["sha256"].as_str().unwrap()), &[]).await;
    assert_eq!((got.status, got.bytes.len()), (200, 0));
    let named = server.request(Method::POST, "/api/v1/attachments").header("content-type", "text/plain");
    let named = named.header("content-disposition", "form-data; name=\"f\"; filename=\"a/b.txt\"").body("named");
    assert_eq!(send(named).await.json(201)["name"], "a_b.txt");
    assert_eq!(std::fs::read_dir(server.home().data_dir().join("uploads")).unwrap().count(), 0);
    server.append("default", "", "{\"message\":\"goes on\"}").await.json(200);
    server.stop();
}

#[tokio::test]
async fn the_same_id_in_two_logs_is_told_apart() {
    let server = TestServer::start();
    for (dataset, text) in [("event_log", "of the shop"), ("panel_logs", "of the panel")] {
        append(&server, json!({"event_id": "700", "source": "idosell", "dataset": dataset, "response_body": text}))
            .await;
    }
    append(&server, json!({"event_id": "701", "request_body": "abc", "request_body_size": 10})).await;
    let refused =
        send(server.request(Method::GET, "/api/v1/events/700/response")).await.problem(409, "event_ambiguous");
    let candidates = refused["candidates"].as_array().unwrap();
    assert_eq!(candidates.len(), 2, "{refused}");
    let got = get(&server, &server.key, "/api/v1/events/700/response?dataset=panel_logs", &[]).await;
    assert_eq!((got.status, got.bytes.as_slice()), (200, &b"of the panel"[..]));
    assert_eq!(got.header("content-type"), "text/plain; charset=utf-8");
    let one = format!("source=idosell&dataset={}&tenant_id=default", candidates[0]["dataset"].as_str().unwrap());
    assert_eq!(get(&server, &server.key, &format!("/api/v1/events/700/response?{one}"), &[]).await.status, 200);
    send(server.request(Method::GET, "/api/v1/events/700/request?dataset=panel_logs"))
        .await
        .problem(404, "body_not_found");
    send(server.request(Method::GET, "/api/v1/events/none/request")).await.problem(404, "event_not_found");
    send(server.request(Method::GET, "/api/v1/events/700/request?data=1")).await.problem(400, "invalid_parameter");
    // A text that its sender cut says so.
    let cut = get(&server, &server.key, "/api/v1/events/701/request", &[]).await;
    assert_eq!((cut.bytes.as_slice(), cut.header("kronika-truncated")), (&b"abc"[..], "true"));
    server.stop();
}

#[tokio::test]
async fn files_lie_in_the_tables_storage_also_on_s3() {
    let Some(python) = python() else { return };
    let s3 = S3::start(&python);
    let made = reqwest::Client::new().put(format!("{}/journal", s3.url)).send().await.unwrap();
    assert!(made.status().is_success());
    let config = format!(
        "[storage]\nurl = \"s3://journal/prod\"\n[storage.options]\naws_endpoint = \"{}\"\naws_allow_http = \"true\"\n\
         aws_access_key_id = \"test\"\naws_secret_access_key = \"test\"\naws_region = \"us-east-1\"\n",
        s3.url
    );
    let server = TestServer::start_with(&config);
    // Above the size of one part.
    let body = bytes(20_000_000);
    let hash = sha256(&body);
    upload(&server, "", "audio/mpeg", body.clone()).await.json(201);
    append(&server, json!({"event_id": "call", "attachments": [{"role": "recording", "sha256": hash, "content_type": "audio/mpeg"}]})).await;
    server.flush().await;
    server.stop();
    // The disk is lost, the bucket is not.
    let server = TestServer::start_in(&Home::new(&config));
    let path = format!("/api/v1/attachments/{hash}");
    assert_eq!(sha256(&get(&server, &server.key, &path, &[]).await.bytes), hash);
    let part = get(&server, &server.key, &path, &[("range", "bytes=15000000-15000999")]).await;
    assert_eq!((part.status, part.header("content-type")), (206, "audio/mpeg"));
    assert!(part.bytes == body[15_000_000..15_001_000]);
    server.stop();
}
