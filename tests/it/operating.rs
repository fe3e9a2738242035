//! What an operator sees of a running server: health, figures, logs with request ids, the API's own pages.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Home, TestServer, send};

/// Names of a text in Prometheus' format, by its `# TYPE` lines, with their kinds.
fn served(text: &str) -> BTreeSet<(String, String)> {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(|line| line.split_once(' ').unwrap()).map(|(name, kind)| (name.to_owned(), kind.to_owned())).collect()
}

/// Names and kinds of `docs/metrics.md`.
fn documented() -> BTreeSet<(String, String)> {
    let page = include_str!("../../docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `kronika_"));
    let names = rows.map(|row| {
        let mut cells = row.split(" | ");
        let name = format!("kronika_{}", cells.next().unwrap().trim_end_matches('`'));
        (name, cells.next().unwrap().to_owned())
    });
    names.collect()
}

/// A server that has done everything that is counted.
async fn busy() -> TestServer {
    let server = TestServer::start();
    for n in 0..3 {
        let body = format!("{{\"event_id\":\"{n}\",\"a\":1}}\n{{\"event_id\":\"{n}\",\"a\":1}}\nnonsense\n");
        server.append("default", "", body).await.json(200);
        server.flush().await;
    }
    server.compact().await;
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 3);
    server.query("default", "SELECT nothing FROM events").await.problem(400, "unknown_column");
    server
}

#[tokio::test]
async fn every_metric_is_on_the_page_and_the_other_way_round() {
    let server = busy().await;
    let text = send(server.request(Method::GET, "/metrics")).await.text;
    let (served, mut documented) = (served(&text), documented());
    // A step must fail before it is counted.
    documented.remove(&("kronika_job_failures_total".to_owned(), "counter".to_owned()));
    // So must a listener fall behind, an alert be told, a policy or an erasure take something, a file be due to be read.
    for rare in [
        "kronika_tail_behind_total",
        "kronika_alert_notices_total",
        "kronika_retained_away_events_total",
        "kronika_retention_refused_total",
        "kronika_erased_events_total",
        "kronika_blanked_events_total",
        "kronika_scrub_files_total",
        "kronika_scrub_bytes_total",
    ] {
        documented.remove(&(rare.to_owned(), "counter".to_owned()));
    }
    assert_eq!(served, documented);
    for line in text.lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(value.parse::<f64>().is_ok_and(f64::is_finite), "{line}");
        assert!(series.starts_with("kronika_"), "{line}");
    }
    let helped = text.lines().filter(|line| line.starts_with("# HELP ")).count();
    assert_eq!(helped, served.len(), "every metric says what it is");
    server.stop();
}

#[tokio::test]
async fn figures_are_those_of_what_was_done() {
    let server = busy().await;
    let at_least = async |name: &str, label: &str, least: f64| {
        let value = server.metric(name, label).await;
        assert!(value >= least, "{name}{{{label}}} is {value}");
    };
    assert_eq!(server.metric("kronika_ingest_events_total", "project=\"default\",outcome=\"accepted\"").await, 3.0);
    assert_eq!(server.metric("kronika_ingest_events_total", "project=\"default\",outcome=\"duplicate\"").await, 3.0);
    assert_eq!(server.metric("kronika_ingest_rejected_events_total", "").await, 3.0);
    // The audit journal takes its own.
    at_least("kronika_wal_frames_total", "", 3.0).await;
    at_least("kronika_wal_append_seconds_count", "", 3.0).await;
    at_least("kronika_flush_seconds_count", "", 3.0).await;
    at_least("kronika_wal_sync_seconds_count", "", 1.0).await;
    at_least("kronika_table_commit_seconds_count", "", 4.0).await;
    at_least("kronika_compactions_total", "project=\"default\"", 1.0).await;
    at_least("kronika_query_plan_seconds_count", "", 1.0).await;
    at_least("kronika_query_run_seconds_count", "", 1.0).await;
    let query = "method=\"POST\",route=\"/api/v1/query\",status=\"2xx\"";
    assert_eq!(server.metric("kronika_http_request_seconds_count", query).await, 1.0);
    assert_eq!(server.metric("kronika_http_problems_total", "code=\"unknown_column\"").await, 1.0);
    assert_eq!(server.metric("kronika_ready", "").await, 1.0);
    at_least("kronika_process_resident_memory_bytes", "", 10e6).await;
    at_least("kronika_process_open_fds", "", 5.0).await;
    at_least("kronika_process_start_time_seconds", "", 1.7e9).await;
    // What clients send is no label.
    for path in ["/api/v1/nothing/secret-path", "/api/v1/mappings/secret-name"] {
        send(server.request(Method::GET, path)).await;
    }
    let odd = Method::from_bytes(b"SECRET").unwrap();
    send(server.request(odd, "/livez")).await.problem(405, "method_not_allowed");
    let text = send(server.request(Method::GET, "/metrics")).await.text.to_lowercase();
    assert!(!text.contains("secret"), "{text}");
    server.stop();
}

#[test]
fn alerts_speak_of_metrics_that_there_are() {
    let rules = include_str!("../../packaging/alerts.yml");
    let page = include_str!("../../docs/metrics.md");
    let names: BTreeSet<String> = documented().into_iter().map(|(name, _)| name).collect();
    let mut used = 0;
    for word in
        rules.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| word.starts_with("kronika_"))
    {
        let of = ["_bucket", "_count", "_sum"].iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
        assert!(names.contains(of), "{word} is no metric");
        used += 1;
    }
    assert!(used > 12, "{used}");
    for alert in rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: Kronika")) {
        assert!(page.contains(alert), "{alert} is not on the page");
    }
}

#[tokio::test]
async fn readiness_names_each_check_with_figures() {
    let server = busy().await;
    let ready = send(server.client.get(format!("{}/readyz", server.url))).await;
    assert_eq!((ready.status, ready.text.as_str()), (200, "ok\n"));
    let document = send(server.client.get(format!("{}/readyz?verbose", server.url))).await.json(200);
    assert_eq!(document["ready"], true);
    let names: Vec<&str> =
        document["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["log", "flush", "commit", "compaction", "store", "keys", "disk", "clock", "stop"]);
    assert!(document["checks"][6]["figures"]["free_bytes"].as_u64().unwrap() > 0);
    send(server.client.get(format!("{}/readyz?verbos", server.url))).await.problem(400, "invalid_parameter");
    server.stop();
}

#[tokio::test]
async fn a_disk_with_too_little_room_is_not_ready_and_others_learn_the_name_only() {
    let server = TestServer::start_with("[server]\ndisk_free_min = \"1TiB\"\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let ask = |path: &str, from: &str| {
        send(server.client.get(format!("{}{path}", server.url)).header("x-forwarded-for", from))
    };
    let inside = ask("/readyz", "127.0.0.1").await;
    if inside.status == 200 {
        println!("a disk with more than 1 TiB: nothing to see");
        server.stop();
        return;
    }
    assert_eq!(inside.status, 503);
    assert!(inside.text.contains("disk: ") && inside.text.contains("server.disk_free_min 1TiB"), "{}", inside.text);
    let outside = ask("/readyz", "192.0.2.1").await;
    assert_eq!((outside.status, outside.text.as_str()), (503, "disk: failed\n"));
    ask("/readyz?verbose", "192.0.2.1").await.problem(401, "unauthenticated");
    ask("/metrics", "192.0.2.1").await.problem(401, "unauthenticated");
    assert_eq!(ask("/readyz?verbose", "127.0.0.1").await.json(503)["ready"], false);
    assert_eq!(server.metric("kronika_check_ok", "check=\"disk\"").await, 0.0);
    server.stop();
}

/// Asks until `/readyz` answers with `status` and a line that starts with `line`; this line.
async fn until_ready_is(server: &TestServer, status: u16, line: &str) -> String {
    let started = std::time::Instant::now();
    loop {
        let answer = send(server.client.get(format!("{}/readyz", server.url))).await;
        let said = answer.text.lines().find(|said| said.starts_with(line));
        if let Some(said) = said.filter(|_| answer.status == status) {
            return said.to_owned();
        }
        assert!(started.elapsed().as_secs() < 30, "{}: {}", answer.status, answer.text);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn a_flush_that_fails_is_told_counted_and_heals() {
    // The first compaction may fail as well, and heals with the next.
    let each = "interval = \"200ms\"\n";
    let server = TestServer::start_with(&format!("[flush]\n{each}[compaction]\n{each}"));
    let table = server.home().data_dir().join("store/projects/default/events");
    let aside = server.home().path("aside");
    std::fs::rename(&table, &aside).unwrap();
    std::fs::write(&table, "no directory").unwrap();
    server.append("default", "", "{\"a\":1}").await.json(200);
    until_ready_is(&server, 503, "flush: ").await;
    assert!(server.metric("kronika_job_failures_total", "job=\"flush\"").await >= 1.0);
    assert_eq!(server.metric("kronika_ready", "").await, 0.0);
    // Nothing is lost meanwhile, and it goes on by itself.
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 1);
    std::fs::remove_file(&table).unwrap();
    std::fs::rename(&aside, &table).unwrap();
    until_ready_is(&server, 200, "ok").await;
    assert_eq!(server.metric("kronika_table_events", "project=\"default\"").await, 1.0);
    server.stop();
}

#[tokio::test]
async fn a_clock_that_stands_behind_what_is_stored_is_not_ready() {
    let (home, _) = super::format::restored();
    let log = home.data_dir().join("store/projects/shop/events/_delta_log/00000000000000000001.json");
    let text = std::fs::read_to_string(&log).unwrap();
    let (before, rest) = text.split_once("\"modificationTime\":").unwrap();
    let after = rest.trim_start_matches(|c: char| c.is_ascii_digit());
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    let in_an_hour = now + 3_600_000;
    std::fs::write(&log, format!("{before}\"modificationTime\":{in_an_hour}{after}")).unwrap();
    let server = TestServer::start_in(&home);
    let said = until_ready_is(&server, 503, "clock: the clock stands ").await;
    assert!(said.contains("server.clock_back_max 5m"), "{said}");
    server.stop();
}

/// The server's log as JSON, once a line has `text`.
async fn lines(server: &TestServer, text: &str) -> Vec<Value> {
    server.wait_for_log(text).await;
    server.log().iter().filter(|line| line.contains(text)).map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_request_has_one_id_in_the_answer_the_problem_and_every_line_of_the_log() {
    let server = TestServer::start_in(&Home::with_env("", &[("RUST_LOG", "warn,kronika=debug")]));
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = server.request(Method::POST, "/api/v1/query").header("x-request-id", "mine-1");
    let request = request.header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    let answer = send(request.json(&json!({"sql": "SELECT secret_column FROM events"}))).await;
    assert_eq!(answer.headers["x-request-id"], "mine-1");
    assert_eq!(answer.json(400)["request_id"], "mine-1");
    assert_eq!(answer.json(400)["instance"], "/api/v1/query");
    let lines = lines(&server, "mine-1").await;
    assert!(!lines.is_empty());
    for line in &lines {
        assert_eq!(
            (&line["span"]["request_id"], &line["span"]["trace_id"]),
            (&json!("mine-1"), &json!(trace)),
            "{line}"
        );
        assert!(!line.to_string().contains("secret_column"), "SQL is not logged: {line}");
    }
    let answered = lines.iter().find(|line| line["message"] == "answered").unwrap();
    assert_eq!((&answered["status"], &answered["code"]), (&json!(400), &json!("unknown_column")));

    // A bad id is replaced, none is made good.
    let minted = send(server.request(Method::GET, "/livez").header("x-request-id", "a b\"c")).await;
    assert_eq!(minted.headers["x-request-id"].len(), 32);
    let other = send(server.request(Method::GET, "/livez")).await;
    assert_ne!(minted.headers["x-request-id"], other.headers["x-request-id"]);
    server.stop();
}

#[tokio::test]
async fn the_form_of_the_log_is_a_setting() {
    for (format, is_json) in [("text", false), ("json", true), ("auto", true)] {
        let server = TestServer::start_with(&format!("[log]\nformat = \"{format}\"\nfilter = \"kronika=debug\"\n"));
        send(server.request(Method::GET, "/livez").header("x-request-id", "here")).await;
        server.wait_for_log("here").await;
        let line = server.log().into_iter().find(|line| line.contains("here")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(&line).is_ok(), is_json, "{format}: {line}");
        server.stop();
    }
}

#[tokio::test]
async fn every_refusal_is_a_problem_document() {
    let server = TestServer::start();
    let ask = |method: &str, path: &str| server.request(Method::from_bytes(method.as_bytes()).unwrap(), path);
    let wrong = send(ask("DELETE", "/api/v1/events")).await;
    wrong.problem(405, "method_not_allowed");
    let allowed: BTreeSet<&str> = wrong.headers["allow"].to_str().unwrap().split(',').map(str::trim).collect();
    assert_eq!(allowed, BTreeSet::from(["GET", "HEAD", "POST"]));
    send(ask("GET", "/api/docs/nothing.js")).await.problem(404, "route_not_found");
    send(ask("GET", "/api/v2/events")).await.problem(404, "route_not_found");
    send(ask("PUT", "/api/v1/mappings/x").body(vec![b'#'; (2 << 20) + 1])).await.problem(413, "body_too_large");
    send(ask("POST", "/api/v1/query").body(vec![b' '; (2 << 20) + 1])).await.problem(413, "body_too_large");
    send(ask("POST", "/api/v1/query").body("{")).await.problem(400, "invalid_json");
    send(ask("POST", "/api/v1/events").header("content-type", "text/html").body("x"))
        .await
        .problem(415, "unsupported_media_type");
    send(ask("POST", "/api/v1/events?nothing=1").body("{}")).await.problem(400, "invalid_parameter");
    send(ask("GET", "/api/v1/keys/%FF")).await.problem(400, "invalid_path");
    let head = send(ask("HEAD", "/nothing")).await;
    assert_eq!((head.status, head.text.as_str()), (404, ""));
    let page = send(server.client.get(format!("{}/api/errors", server.url))).await;
    assert_eq!(page.text, include_str!("../../docs/errors.md"));
    server.stop();
}

#[tokio::test]
async fn the_api_describes_itself() {
    let server = TestServer::start_with("[ingest]\nbody_max = \"1MiB\"\nline_max = \"1MiB\"\n");
    let info = send(server.request(Method::GET, "/api/v1/info")).await.json(200);
    assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(info["limits"]["body_max_bytes"], 1 << 20);
    assert_eq!((&info["formats"]["data_directory"], &info["formats"]["event_model"]), (&json!(1), &json!(1)));

    let document = send(server.client.get(format!("{}/api/openapi.json", server.url))).await.json(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1."), "{}", document["openapi"]);
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            assert!(
                responses.keys().all(|status| status.parse::<u16>().is_ok()),
                "{method} {path}: {:?}",
                responses.keys()
            );
            assert!(responses.contains_key("500") && responses.contains_key("503"), "{method} {path}");
            for (status, response) in responses.iter().filter(|(status, _)| status.as_str() >= "400") {
                let is_health = path == "/readyz" && status == "503";
                assert!(
                    is_health || response["content"]["application/problem+json"].is_object(),
                    "{method} {path} {status}"
                );
            }
            operations += 1;
        }
    }
    assert!(operations > 20);
    let cells = &document["components"]["schemas"]["QueryAnswer"]["properties"]["rows"]["items"]["items"];
    assert!(cells.get("type").is_none(), "a cell is text, a number, a truth value, null, …: {cells}");

    let page = send(server.client.get(format!("{}/api/docs/", server.url))).await;
    assert_eq!(page.status, 200);
    assert!(page.text.contains("swagger-ui"), "{}", page.text);
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe-eval"), "{policy}");
    let start = send(server.client.get(format!("{}/api/docs/swagger-initializer.js", server.url))).await;
    assert!(start.text.contains("/api/openapi.json"), "{}", start.text);
    // Nothing is fetched from elsewhere.
    assert!(!page.text.contains("http://") && !page.text.contains("https://"), "{}", page.text);
    let elsewhere = send(server.client.get(format!("{}/livez", server.url))).await;
    assert_eq!(elsewhere.headers["content-security-policy"], "default-src 'none'; frame-ancestors 'none'");
    server.stop();
}
