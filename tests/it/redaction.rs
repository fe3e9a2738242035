//! Secrets that are planted in every place where one can be: none is found in what the server keeps or says.

use std::path::Path;
use std::sync::Arc;

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::bad_input::packed;
use super::common::{Answer, Home, TestServer, kronika, send};

/// What must not be found.
const SECRET: &str = "s3cr3t-canary-7c1f";
/// What must be found, so that looking proves something.
const PLAIN: &str = "plain-canary-52ab";

const CONFIG: &str = "[ingest]\nline_max = \"64KiB\"\nbody_max = \"1MiB\"\n[redaction]\npaths = [\"pin\"]\n\
                      [redaction.projects.shop]\npaths = [\"payment.iban\"]\n";

/// An event with a secret in one place, by the name of the place. `¤` stands for the secret.
const PLACES: &[(&str, &str)] = &[
    ("header map", r#"{"request_headers":{"Authorization":"Bearer ¤","Accept":"*/*"}}"#),
    ("answer's headers", r#"{"response_headers":{"Set-Cookie":"sid=¤; HttpOnly"}}"#),
    ("casing of keys", r#"{"request_headers":{"X-Api-Key":"¤","x_api_key":"¤","HTTP_X_API_KEY":"¤","COOKIE":"¤"}}"#),
    ("duplicate keys", r#"{"request_headers":{"cookie":"¤","cookie":"¤"},"request_headers":{"cookie":"¤"}}"#),
    ("escaped keys", r#"{"request_h\u0065aders":{"\u0061uthorization":"¤"}}"#),
    (
        "list of names and values",
        r#"{"headers":[{"name":"Authorization","value":"¤"},{"key":"cookie","values":["¤"]}]}"#,
    ),
    ("flat list", r#"{"rawHeaders":["Host","x","Cookie","¤"]}"#),
    ("pairs", r#"{"x":{"headers":[["X-Auth-Token","¤"]]}}"#),
    ("header lines", r#"{"request_headers":"Host: x\r\nAuthorization: Bearer ¤\r\n"}"#),
    ("nested attributes", r#"{"attributes":{"http":{"request":{"headers":{"authorization":"¤"}}}}}"#),
    ("body as JSON text", r#"{"request_body":"{\"headers\":{\"authorization\":\"¤\"},\"card\":{\"number\":\"¤\"}}"}"#),
    ("answer's body as JSON text", r#"{"response_body":"[{\"cvc\":\"¤\"}]"}"#),
    ("JSON text in JSON text", r#"{"request_body":"{\"inner\":\"{\\\"headers\\\":{\\\"cookie\\\":\\\"¤\\\"}}\"}"}"#),
    ("form", r#"{"request_body":"grant_type=password&password=¤&client_secret=¤"}"#),
    ("form's first field", r#"{"request_body":"access_token=¤"}"#),
    ("URL", r#"{"url":"https://x.example/a?b=c&api_key=¤&d=e#f"}"#),
    ("URL with an escape", r#"{"object_url":"\/a?b=c\u0026token\u003dS"}"#),
    ("URL, name in percents", r#"{"url":"/a?api%5Fkey=¤"}"#),
    ("URL in a message", r#"{"message":"GET /a?access_token=¤ failed"}"#),
    ("parameter of the project", r#"{"url":"/a?voucher=¤"}"#),
    ("header of the project", r#"{"request_headers":{"X_Shop_Key":"¤"}}"#),
    ("raw", r#"{"raw":"{\"headers\":{\"Authorization\":\"¤\"}}"}"#),
    ("path of the project", r#"{"card":{"number":"¤"},"request_body":"{\"card\":{\"number\":\"¤\"}}"}"#),
    ("path of the project, escaped", r#"{"c\u0061rd":{"numb\u0065r":["¤",{"¤":"¤"}]}}"#),
    ("path of the settings", r#"{"pin":"¤"}"#),
    ("path of the settings for the project", r#"{"payment":{"iban":"¤"}}"#),
    ("changes", r#"{"object_before":{"pin":1,"headers":{"cookie":"¤"}},"object_after":{"headers":{"cookie":"¤2"}}}"#),
];

/// Lines that are refused, with a secret.
const BROKEN: &[&str] = &[
    r#"{"request_headers":{"Authorization":"Bearer ¤""#,
    r#"{"request_headers":{"Authorization":"Bearer ¤"#,
    "{'headers': {'Authorization': 'Bearer ¤'}}",
    "{headers:{cookie:¤}}",
    "GET /a?api_key=¤ HTTP/1.1",
    r#"["Cookie: ¤", {"headers":{"cookie":"¤"}}]"#,
    r#"{"pin":¤}"#,
];

fn with_secret(text: &str, mark: &str) -> String {
    text.replace('¤', SECRET).replacen('{', &format!("{{\"labels\":{{\"place\":\"{mark}\",\"plain\":\"{PLAIN}\"}},"), 1)
}

struct World {
    server: TestServer,
    /// All that the server answered.
    said: Vec<String>,
}

impl World {
    async fn new() -> Self {
        let server = TestServer::start_in(&Home::with_env(CONFIG, &[("RUST_LOG", "debug")]));
        server.create_project("shop").await;
        let own = json!({"paths": ["card.number", "request_body.card.number", "response_body.cvc"], "headers": ["x-shop-key"], "parameters": ["voucher"]});
        let put = server.request(Method::PUT, "/api/v1/projects/shop/redaction").json(&own);
        assert_eq!(send(put).await.status, 204);
        let raw = "title = \"raw\"\nwrapper = \"Records\"\nkeep_raw = true\n[columns]\nmessage = \"text\"\n";
        assert_eq!(send(server.request(Method::PUT, "/api/v1/mappings/raw").body(raw)).await.status, 204);
        Self { server, said: Vec::new() }
    }

    fn post(&self, path: &str, kind: &str) -> RequestBuilder {
        self.server.request(Method::POST, path).header("kronika-project", "shop").header("content-type", kind)
    }

    async fn sent(&mut self, request: RequestBuilder) -> Answer {
        let answer = send(request).await;
        self.said.push(answer.text.clone());
        answer
    }

    async fn ask(&mut self, sql: &str, format: &str) -> String {
        let request = self.post("/api/v1/query", "application/json");
        let answer = self.sent(request.body(json!({"sql": sql, "format": format}).to_string())).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.text
    }
}

/// Sends every place in every way, and says how many events were stored and how many secrets blanked.
async fn plant(world: &mut World) -> (u64, u64) {
    let (mut stored, mut blanked) = (0, 0);
    let mut count = |receipt: &Value| {
        stored += receipt["accepted"].as_u64().unwrap();
        blanked += receipt["remarks"]["redacted"].as_u64().unwrap_or(0);
    };
    let (json, lines) = ("application/json", "application/x-ndjson");
    for (at, (place, text)) in PLACES.iter().enumerate() {
        let event = with_secret(text, place);
        let receipt = world.sent(world.post("/api/v1/events", lines).body(event.clone())).await.json(200);
        assert!(receipt["remarks"]["redacted"].as_u64().is_some_and(|count| count > 0), "{place}: {receipt}");
        count(&receipt);
        count(&world.sent(world.post("/api/v1/events", json).body(format!("[{event}]"))).await.json(200));
        let document = format!("{{\"Records\":[{event}]}}");
        count(&world.sent(world.post("/api/v1/events?mapping=raw", json).body(document.clone())).await.json(200));
        count(&world.sent(world.post("/api/v1/events?mapping=raw", lines).body(document.clone())).await.json(200));
        let coding = ["gzip", "zstd", "deflate"][at % 3];
        let request = world.post("/api/v1/events", lines).header("content-encoding", coding);
        count(&world.sent(request.body(packed(coding, event.as_bytes()))).await.json(200));
        // The same key twice: the answer comes from where answers are kept.
        for _ in 0..2 {
            let request = world.post("/api/v1/events", lines).header("idempotency-key", format!("k{at}-{SECRET}"));
            let answer = world.sent(request.body(event.clone())).await;
            if !answer.headers.contains_key("idempotency-replayed") {
                count(&answer.json(200));
            }
        }
        // The same id with other content: a dead letter.
        for n in 0..2 {
            let event = event.replacen('{', &format!("{{\"event_id\":\"conflict-{at}\",\"n\":{n},"), 1);
            count(&world.sent(world.post("/api/v1/events", lines).body(event + "\n{}")).await.json(200));
        }
        // Too long for a line.
        let long = event.replacen('{', &format!("{{\"long\":\"{}\",", "x".repeat(70_000)), 1);
        count(&world.sent(world.post("/api/v1/events", lines).body(long + "\n{}")).await.json(200));
        let tried = world.sent(world.post("/api/v1/mappings/raw/test", json).body(document)).await;
        assert_eq!(tried.status, 200, "{}", tried.text);
        assert!(tried.text.contains("[redacted]"), "{place}: {}", tried.text);
    }
    for line in BROKEN {
        let line = line.replace('¤', SECRET);
        for query in ["", "?atomic=true", "?mapping=raw"] {
            let request = world.post(&format!("/api/v1/events{query}"), lines);
            let answer = world.sent(request.body(format!("{line}\n{{\"message\":\"{PLAIN}\"}}\n"))).await;
            if answer.status == 200 {
                count(&answer.json(200));
            }
        }
        let request = world.post("/api/v1/events", json);
        let answer = world.sent(request.body(line)).await;
        if answer.status == 200 {
            count(&answer.json(200));
        }
    }
    let mut latin = b"{\"request_headers\":{\"cookie\":\"".to_vec();
    latin.extend_from_slice(SECRET.as_bytes());
    latin.extend_from_slice(b"\",\"x\":\"\xFF\"}}\n{}\n");
    count(&world.sent(world.post("/api/v1/events", lines).body(latin)).await.json(200));
    (stored, blanked)
}

/// Files below `dir` that hold `text`, Parquet files decoded.
fn holders(dir: &Path, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holders(&path, text));
            continue;
        }
        let mut bytes = std::fs::read(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "parquet")
            && !path.display().to_string().contains("_delta_log")
        {
            bytes.extend(decoded(&path));
        }
        if memchr::memmem::find(&bytes, text.as_bytes()).is_some() {
            found.push(path.display().to_string());
        }
    }
    found
}

fn decoded(path: &Path) -> Vec<u8> {
    let file = std::fs::File::open(path).unwrap();
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
    let mut out = arrow::json::LineDelimitedWriter::new(Vec::new());
    for batch in reader.build().unwrap() {
        out.write(&batch.unwrap()).unwrap();
    }
    out.finish().unwrap();
    out.into_inner()
}

#[track_caller]
fn assert_hidden(home: &Arc<Home>, must_hold: &[&str]) {
    assert_eq!(holders(&home.data_dir(), SECRET), [""; 0], "files with a secret");
    let plain = holders(&home.data_dir(), PLAIN);
    for place in must_hold {
        assert!(plain.iter().any(|path| path.contains(place)), "nothing of what was sent is in {place}: {plain:?}");
    }
}

#[tokio::test]
async fn no_planted_secret_is_found_anywhere() {
    let mut world = World::new().await;
    let (stored, blanked) = plant(&mut world).await;
    println!("{} places, {stored} events, {blanked} secrets", PLACES.len() + BROKEN.len());
    assert!(blanked > stored, "{blanked} of {stored}");
    assert_eq!(world.server.count("shop", "SELECT count(*) FROM events").await, stored);
    let counted = world.server.metric("kronika_ingest_remarks_total", "kind=\"redacted\"").await;
    assert!((counted - blanked as f64).abs() < 0.5, "{counted} of {blanked}");
    assert!(world.ask("SELECT * FROM events", "ndjson").await.contains(PLAIN));
    let unmarked = "SELECT labels['place'], attributes FROM events WHERE labels['place'] IS NOT NULL \
                    AND json_length(attributes, '$redacted') IS NULL AND json_length(attributes, '$event', '$redacted') IS NULL";
    let rows: Value = serde_json::from_str(&world.ask(unmarked, "json").await).unwrap();
    assert_eq!(rows["rows"], json!([]), "events that do not tell what was blanked in them");
    let letters = world
        .sent(
            world.server.request(Method::GET, "/api/v1/ingest/dead-letters/download").header("kronika-project", "shop"),
        )
        .await;
    assert!(letters.text.contains("[redacted]") && letters.text.contains("event_id_conflict"), "{}", letters.text);
    assert!(letters.text.contains("invalid_json") && letters.text.contains("line_too_long"));
    let wrong = format!("SELECT * FROM events WHERE nothing = '{PLAIN}'");
    world
        .sent(world.post("/api/v1/query", "application/json").body(json!({"sql": wrong}).to_string()))
        .await
        .problem(400, "unknown_column");
    for said in &world.said {
        let told = said.find(SECRET).map(|at| &said[said.floor_char_boundary(at.saturating_sub(300))..]);
        assert_eq!(told.map(|told| &told[..told.floor_char_boundary(400)]), None, "an answer tells a secret");
    }
    let log = world.server.log_handle();
    let home = world.server.kill();
    assert_hidden(&home, &["/wal/", "/dead_letters/"]);

    // Replayed, flushed, merged: still hidden, still the same.
    let server = TestServer::start_in(&home);
    assert_eq!(server.count("shop", "SELECT count(*) FROM events").await, stored);
    server.flush().await;
    server.append("shop", "", with_secret(PLACES[0].1, "again")).await.json(200);
    server.flush().await;
    server.compact().await;
    assert_eq!(server.count("shop", "SELECT count(*) FROM events").await, stored + 1);
    let later = server.log_handle();
    let home = server.stop();
    assert_hidden(&home, &[".parquet", "/dead_letters/"]);
    for log in [log, later] {
        let log = log.lock().unwrap().join("\n");
        assert!(!log.contains(SECRET) && !log.contains("panicked"), "{log}");
    }
}

#[tokio::test]
async fn rules_of_a_project_are_its_own_and_outlive_restarts_but_not_the_project() {
    let server = TestServer::start_with("[redaction]\nheaders = [\"x-only\"]\nparameters = []\n");
    for name in ["one", "two"] {
        server.create_project(name).await;
    }
    let put = |server: &TestServer, name: &str, rules: Value| {
        send(server.request(Method::PUT, &format!("/api/v1/projects/{name}/redaction")).json(&rules))
    };
    let get = async |server: &TestServer, name: &str| {
        send(server.request(Method::GET, &format!("/api/v1/projects/{name}/redaction"))).await.json(200)
    };
    assert_eq!(put(&server, "one", json!({"paths": ["card"]})).await.status, 204);
    let event = r#"{"card":"c","headers":{"x_only":"x","cookie":"kept"},"url":"/?token=kept"}"#;
    let stored = async |server: &TestServer, name: &str| {
        server.append(name, "", event).await.json(200);
        server.rows(name, "SELECT attributes, url FROM events ORDER BY _seq DESC LIMIT 1").await
    };
    let hidden = r#"{"card":"[redacted]","headers":{"x_only":"[redacted]","cookie":"kept"},"$redacted":["card","headers.x_only"]}"#;
    let shown = r#"{"card":"c","headers":{"x_only":"[redacted]","cookie":"kept"},"$redacted":["headers.x_only"]}"#;
    assert_eq!(json!(stored(&server, "one").await), json!([[hidden, "/?token=kept"]]));
    assert_eq!(json!(stored(&server, "two").await), json!([[shown, "/?token=kept"]]));
    for (rules, code) in [
        (json!({"paths": ["a..b"]}), "invalid_redaction"),
        (json!({"paths": ["*"]}), "invalid_redaction"),
        (json!({"headers": ["a b"]}), "invalid_redaction"),
        (json!({"paths": (0..129).map(|n| format!("a{n}")).collect::<Vec<_>>()}), "invalid_redaction"),
        (json!({"path": ["a"]}), "invalid_json"),
        (json!([]), "invalid_json"),
    ] {
        put(&server, "one", rules).await.problem(400, code);
    }
    put(&server, "none", json!({})).await.problem(404, "project_not_found");
    let server = TestServer::start_in(&server.kill());
    assert_eq!(get(&server, "one").await["own"]["paths"], json!(["card"]));
    assert_eq!(get(&server, "one").await["in_force"]["headers"], json!(["x-only"]));
    assert_eq!(json!(stored(&server, "one").await), json!([[hidden, "/?token=kept"]]));
    // From the command line.
    let run = |arguments: &[&str]| {
        let mut command = kronika();
        command.args(["projects", "redaction"]).args(arguments).args(["--server", &server.url]);
        let done = command.env("KRONIKA_KEY", &server.key).output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap() + &String::from_utf8(done.stderr).unwrap())
    };
    let (code, said) = run(&["set", "two", "--path", "card", "--header", "cookie", "--parameter", "token"]);
    assert_eq!(code, Some(0), "{said}");
    let (code, said) = run(&["show", "two", "--json"]);
    assert!(code == Some(0) && said.contains("cookie") && said.contains("x-only"), "{said}");
    assert_eq!(json!(stored(&server, "two").await)[0][1], "/?token=[redacted]");
    assert_eq!(run(&["set", "two", "--path", "a..b"]).0, Some(1));
    assert_eq!(run(&["set", "two"]).0, Some(0));
    assert_eq!(json!(stored(&server, "two").await), json!([[shown, "/?token=kept"]]));
    // A project of the same name begins anew.
    send(server.request(Method::DELETE, "/api/v1/projects/one?confirm=one")).await;
    server.create_project("one").await;
    assert_eq!(get(&server, "one").await["own"]["paths"], json!([]));
    server.stop();
}

#[test]
fn redaction_settings_that_cannot_be_used_refuse_the_start() {
    for (text, says) in [
        ("[redaction]\npaths = [\"a..b\"]\n", "a..b"),
        ("[redaction]\npaths = [\"*\"]\n", "names no key"),
        ("[redaction]\nheader = [\"x\"]\n", "header"),
        ("[redaction.projects.shop]\npaths = [\"\"]\n", "shop"),
        ("[redaction.projects.\"No Project\"]\npaths = [\"a\"]\n", "No Project"),
    ] {
        let home = Home::new(text);
        let output = home.command(&[]).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && said.contains(says), "{text}: {said}");
        assert!(!home.data_dir().exists(), "{text}");
    }
}
