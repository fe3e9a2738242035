//! Events in: formats, limits, idempotency, duplicates, mappings.

use std::io::Write;

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{TestServer, send};

fn event(id: u32) -> String {
    json!({"event_id": id.to_string(), "event_time": "2025-03-04T08:00:00Z", "module": "orders", "n": id}).to_string()
}

fn events(ids: std::ops::Range<u32>) -> String {
    ids.map(|id| event(id) + "\n").collect()
}

const COUNT: &str = "SELECT count(*) FROM events";

#[tokio::test]
async fn every_form_and_coding_of_a_body_is_taken_in_and_visible_at_once() {
    let server = TestServer::start();
    let post = |kind: &'static str| server.request(Method::POST, "/api/v1/events").header("content-type", kind);
    let one = send(post("application/json").body(event(1))).await.json(200);
    assert_eq!((&one["accepted"], &one["rejected"], &one["duplicates"]), (&json!(1), &json!(0), &json!(0)));
    assert!(one["batch"].as_str().is_some_and(|batch| batch.len() == 36), "{one}");
    send(post("application/json").body(format!("[{},{}]", event(2), event(3)))).await.json(200);
    send(post("application/x-ndjson").body(events(4..6))).await.json(200);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(events(6..8).as_bytes()).unwrap();
    let mut deflate = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    deflate.write_all(events(8..10).as_bytes()).unwrap();
    let zstd = zstd::encode_all(events(10..12).as_bytes(), 1).unwrap();
    for (coding, body) in [("gzip", gzip.finish().unwrap()), ("deflate", deflate.finish().unwrap()), ("zstd", zstd)] {
        send(post("application/x-ndjson").header("content-encoding", coding).body(body)).await.json(200);
    }
    assert_eq!(server.count("default", COUNT).await, 11);
    server.stop();
}

#[tokio::test]
async fn bad_lines_are_named_and_the_good_ones_stored_unless_all_or_nothing_is_asked() {
    let server = TestServer::start();
    let body = format!("{}\nnot json\n{}\n[1]\n", event(1), event(2));
    let answer = server.append("default", "?atomic=true", body.clone()).await.problem(400, "events_rejected");
    assert_eq!(answer["errors"][0]["line"], 2);
    assert_eq!(server.count("default", COUNT).await, 0);
    let answer = server.append("default", "", body).await.json(200);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(2), &json!(2)));
    let lines: Vec<&Value> = answer["errors"].as_array().unwrap().iter().map(|error| &error["line"]).collect();
    assert_eq!(lines, [&json!(2), &json!(4)]);
    let dead = send(server.request(Method::GET, "/api/v1/ingest/dead-letters/download")).await.text;
    assert!(dead.contains("not json"), "{dead}");
    server.append("default", "", "").await.problem(400, "empty_body");
    server.append("default", "", "nothing here is json").await.problem(400, "events_rejected");
    server.stop();
}

#[tokio::test]
async fn the_line_limit_holds_at_its_border() {
    let server = TestServer::start_with("[ingest]\nline_max = \"1KiB\"\nbody_max = \"4KiB\"\n");
    let line = |len: usize| {
        let frame = r#"{"event_id":"x","a":""}"#.len();
        format!(r#"{{"event_id":"x","a":"{}"}}"#, "b".repeat(len - frame))
    };
    assert_eq!(server.append("default", "", line(1_024)).await.json(200)["accepted"], 1);
    let over = server.append("default", "", line(1_025) + "\n" + &event(7)).await.json(200);
    assert_eq!((&over["accepted"], &over["errors"][0]["code"]), (&json!(1), &json!("line_too_long")));
    let most = (line(1_000) + "\n").repeat(4) + &" ".repeat(92);
    assert_eq!(server.append("default", "", most.clone()).await.status, 200);
    server.append("default", "", most + " ").await.problem(413, "body_too_large");
    server.stop();
}

#[tokio::test]
async fn an_idempotency_key_stores_once_and_answers_alike_also_after_flush_and_kill() {
    let server = TestServer::start();
    let keyed = |server: &TestServer, body: String| {
        let request = server.request(Method::POST, "/api/v1/events").header("idempotency-key", "order-55042");
        request.header("content-type", "application/x-ndjson").body(body)
    };
    let body: String = (0..5).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let first = send(keyed(&server, body.clone())).await.json(200);
    assert_eq!(first["accepted"], 5);
    let (a, b) = tokio::join!(send(keyed(&server, body.clone())), send(keyed(&server, body.clone())));
    assert_eq!((a.json(200), b.json(200)), (first.clone(), first.clone()));
    send(keyed(&server, body.clone() + "{}")).await.problem(409, "idempotency_key_reused");
    server.flush().await;
    let server = TestServer::start_in(&server.kill());
    assert_eq!(send(keyed(&server, body.clone())).await.json(200), first);
    send(keyed(&server, body + "{}")).await.problem(409, "idempotency_key_reused");
    assert_eq!(server.count("default", COUNT).await, 5);
    server.stop();
}

#[tokio::test]
async fn the_same_key_twice_at_once_is_one_batch() {
    let server = TestServer::start();
    let body: String = (0..2_000).map(|n| format!("{{\"n\":{n}}}\n")).collect();
    let sends = (0..8).map(|_| {
        let request = server.request(Method::POST, "/api/v1/events").header("idempotency-key", "k");
        send(request.header("content-type", "application/x-ndjson").body(body.clone()))
    });
    let answers = futures::future::join_all(sends).await;
    let batches: std::collections::HashSet<String> =
        answers.iter().map(|answer| answer.json(200)["batch"].to_string()).collect();
    assert_eq!(batches.len(), 1);
    assert_eq!(server.count("default", COUNT).await, 2_000);
    server.stop();
}

#[tokio::test]
async fn a_sent_id_is_stored_once_and_other_content_under_it_is_refused() {
    let server = TestServer::start();
    assert_eq!(server.append("default", "", events(1..4)).await.json(200)["accepted"], 3);
    let again = server.append("default", "", events(2..6)).await.json(200);
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(2), &json!(2)));
    let other = event(3).replace("orders", "payments");
    let answer = server.append("default", "", format!("{other}\n{}", event(9))).await.json(200);
    assert_eq!((&answer["accepted"], &answer["errors"][0]["code"]), (&json!(1), &json!("event_id_conflict")));
    server.flush().await;
    let server = TestServer::start_in(&server.kill());
    assert_eq!(server.append("default", "", events(1..6)).await.json(200)["duplicates"], 5);
    assert_eq!(server.count("default", COUNT).await, 6);
    server.stop();
}

#[tokio::test]
async fn a_mapping_changed_after_the_answer_does_not_change_what_was_acknowledged() {
    let server = TestServer::start();
    let put = |server: &TestServer, path: &str| {
        let text = format!("title = \"t\"\nsource = \"shop\"\n[columns]\nmodule = \"{path}\"\n");
        server.request(Method::PUT, "/api/v1/mappings/shop").body(text)
    };
    assert_eq!(send(put(&server, "area")).await.status, 204);
    let body = r#"{"area":"a","zone":"z","x":1}"#;
    server.append("default", "?mapping=shop", body).await.json(200);
    assert_eq!(send(put(&server, "zone")).await.status, 204);
    server.append("default", "?mapping=shop", body).await.json(200);
    let rows = async |server: &TestServer| {
        server.rows("default", "SELECT event_id, module, source, attributes FROM events ORDER BY _seq").await
    };
    let before = rows(&server).await;
    assert_eq!(before[0][1..], [json!("a"), json!("shop"), json!(r#"{"zone":"z","x":1}"#)]);
    assert_eq!(before[1][1..], [json!("z"), json!("shop"), json!(r#"{"area":"a","x":1}"#)]);
    let server = TestServer::start_in(&server.kill());
    assert_eq!(rows(&server).await, before);
    server.append("default", "?mapping=none", body).await.problem(404, "mapping_not_found");
    server.stop();
}

#[tokio::test]
async fn a_mapping_is_tried_before_it_is_stored() {
    let server = TestServer::start();
    let mapping = "source = \"till\"\n\n[columns]\nevent_id = \"no\"\nmodule = { constant = \"sales\" }\n";
    let tried = async |asked: Value| send(server.request(Method::POST, "/api/v1/mapping-trials").json(&asked)).await;
    let sample = "{\"no\": \"7\", \"request_headers\": {\"cookie\": \"secret\"}}\nnonsense\n";
    let became = tried(json!({"mapping": mapping, "sample": sample})).await.json(200);
    assert_eq!(became["events"][0]["event_id"], "7", "{became}");
    assert_eq!((&became["events"][0]["module"], &became["events"][0]["source"]), (&json!("sales"), &json!("till")));
    assert_eq!(became["errors"][0]["line"], 2, "{became}");
    assert!(!became.to_string().contains("secret"), "{became}");
    let document = "{\n\"no\": \"8\"\n}";
    let whole = tried(json!({"mapping": mapping, "sample": document, "format": "json"})).await.json(200);
    assert_eq!(whole["events"][0]["event_id"], "8");
    tried(json!({"mapping": "[columns]\nevent_idd = \"no\"", "sample": "{}"})).await.problem(400, "invalid_mapping");
    tried(json!({"mapping": mapping, "sample": "{}", "format": "csv"})).await.problem(400, "invalid_parameter");
    let listed = send(server.request(Method::GET, "/api/v1/mappings")).await.json(200);
    assert!(listed.as_array().unwrap().iter().all(|one| one["origin"] == "shipped"), "{listed}");
    assert_eq!(server.query("default", "SELECT count(*) FROM events").await.json(200)["rows"][0][0], "0");
    server.stop();
}

#[tokio::test]
async fn modules_above_the_cap_share_one_and_keep_their_name() {
    let server = TestServer::start_with("[ingest]\nmodules_max = 2\n");
    let body: String =
        ["a", "b", "c", "a", "d"].iter().map(|module| format!("{{\"module\":\"{module}\"}}\n")).collect();
    let answer = server.append("default", "", body).await.json(200);
    assert_eq!((&answer["accepted"], &answer["remarks"]["module_overflow"]), (&json!(5), &json!(2)));
    let sql = "SELECT module, attributes->>'module' FROM events ORDER BY _seq";
    let want = json!([["a", null], ["b", null], ["_other", "c"], ["a", null], ["_other", "d"]]);
    assert_eq!(json!(server.rows("default", sql).await), want);
    let server = TestServer::start_in(&server.kill());
    assert_eq!(json!(server.rows("default", sql).await), want);
    server.stop();
}

#[tokio::test]
async fn secrets_never_reach_the_disk() {
    let server = TestServer::start();
    let body = r#"{"request_headers":{"Authorization":"Bearer planted-secret","Accept":"*/*"}}"#;
    server.append("default", "", body).await.json(200);
    let rows = server.rows("default", "SELECT request_headers FROM events").await;
    assert!(!rows[0][0].to_string().contains("planted-secret"), "{rows:?}");
    assert!(rows[0][0].to_string().contains("Accept"), "{rows:?}");
    let home = server.kill();
    let found =
        std::process::Command::new("grep").arg("-ra").arg("planted-secret").arg(home.data_dir()).output().unwrap();
    assert!(found.stdout.is_empty(), "{}", String::from_utf8_lossy(&found.stdout));
}

#[tokio::test]
async fn events_that_the_log_could_not_take_are_no_duplicates_when_they_are_sent_again() {
    let server = TestServer::start_with("[wal]\nsegment_size = \"64KiB\"\n");
    let (wal, away) = (server.home().data_dir().join("wal"), server.home().path("wal-away"));
    let large = |id: u32| json!({"event_id": id.to_string(), "message": "m".repeat(9_000)}).to_string();
    server.append("default", "", large(0)).await.json(200);
    // No more segments can be made, as on a full disk.
    std::fs::rename(&wal, &away).unwrap();
    let mut stored = 1;
    let refused = loop {
        let answer = server.append("default", "", large(stored)).await;
        if answer.status != 200 {
            break answer;
        }
        stored += 1;
        assert!(stored < 200);
    };
    assert_eq!(refused.status, 503, "{}", refused.text);
    std::fs::rename(&away, &wal).unwrap();
    let again = loop {
        let answer = server.append("default", "", large(stored)).await;
        if answer.status == 200 {
            break answer.json(200);
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    };
    assert_eq!((&again["accepted"], &again["duplicates"]), (&json!(1), &json!(0)));
    assert_eq!(server.count("default", COUNT).await, u64::from(stored) + 1);
    server.stop();
}
