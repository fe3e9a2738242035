//! Start, stop, restart; one process per directory; pressure.

use reqwest::Method;
use serde_json::json;

use super::common::{Home, TestServer, kronika, python, send, wait};

const COUNT: &str = "SELECT count(*) FROM events";

fn lines(ids: std::ops::Range<u32>) -> String {
    ids.map(|id| format!("{{\"event_id\":\"{id}\",\"module\":\"m{}\"}}\n", id % 3)).collect()
}

#[tokio::test]
async fn a_clean_stop_and_a_kill_lose_nothing() {
    let server = TestServer::start();
    server.append("default", "", lines(0..10)).await.json(200);
    let server = TestServer::start_in(&server.stop());
    assert_eq!(server.metric("kronika_hot_events", "project=\"default\"").await, 0.0, "a clean stop flushes");
    server.append("default", "", lines(10..20)).await.json(200);
    let server = TestServer::start_in(&server.kill());
    assert_eq!(
        server.metric("kronika_hot_events", "project=\"default\"").await,
        10.0,
        "after a kill the log is replayed"
    );
    assert_eq!(server.count("default", COUNT).await, 20);
    let seqs = server.rows("default", "SELECT count(DISTINCT _seq), count(DISTINCT event_id) FROM events").await;
    assert_eq!(json!(seqs), json!([["20", "20"]]));
    server.stop();
}

#[tokio::test]
async fn minted_ids_and_places_are_the_same_after_a_replay() {
    let server = TestServer::start();
    server.append("default", "", "{\"a\":1}\n{\"a\":2}\n").await.json(200);
    let sql = "SELECT event_id, _seq, observed_time, attributes FROM events ORDER BY _seq";
    let before = server.rows("default", sql).await;
    let server = TestServer::start_in(&server.kill());
    assert_eq!(server.rows("default", sql).await, before);
    server.flush().await;
    assert_eq!(server.rows("default", sql).await, before);
    server.stop();
}

#[tokio::test]
async fn a_second_process_on_the_same_directory_is_refused_by_the_pid_of_the_first() {
    let server = TestServer::start();
    let mut second = server.home().command(&[]).spawn().unwrap();
    let code = wait(&mut second);
    let mut said = String::new();
    std::io::Read::read_to_string(&mut second.stderr.take().unwrap(), &mut said).unwrap();
    assert_eq!(code, Some(69), "{said}");
    assert!(said.contains("in use by process"), "{said}");
    server.stop();
}

#[tokio::test]
async fn late_events_go_to_the_partition_of_their_own_date() {
    let server = TestServer::start();
    let body = "{\"event_time\":\"1999-12-31T23:59:59.999999Z\",\"module\":\"a/b=c%\"}\n{\"event_time\":\"2025-01-01T00:00:00Z\"}\n";
    server.append("default", "", body).await.json(200);
    server.flush().await;
    let table = server.home().data_dir().join("store/projects/default/events");
    assert!(table.join("date=1999-12-31/module=a%2Fb%3Dc%25").is_dir());
    assert!(table.join("date=2025-01-01/module=__HIVE_DEFAULT_PARTITION__").is_dir());
    let rows = server.rows("default", "SELECT date, module FROM events ORDER BY event_time").await;
    assert_eq!(json!(rows), json!([["1999-12-31", "a/b=c%"], ["2025-01-01", null]]));
    server.stop();
}

#[tokio::test]
async fn ingest_is_refused_before_the_memory_budget_is_passed_and_goes_on_after_a_flush() {
    let server = TestServer::start_with(
        "[ingest]\nhot_max = \"1MiB\"\nbody_max = \"512KiB\"\nline_max = \"64KiB\"\n[flush]\nsize = \"1MiB\"\n",
    );
    let body: String = (0..400).map(|n| format!("{{\"n\":{n},\"text\":\"{}\"}}\n", "x".repeat(500))).collect();
    let mut refused = None;
    let mut accepted = 0;
    for _ in 0..400 {
        let answer = server.append("default", "", body.clone()).await;
        if answer.status != 200 {
            answer.problem(429, "overloaded");
            assert!(answer.headers.contains_key("retry-after"));
            refused = Some(());
            break;
        }
        accepted += 400;
    }
    // The flush job may keep up; what matters is that nothing was lost on the way.
    if refused.is_some() {
        server.flush().await;
        server.append("default", "", body).await.json(200);
        accepted += 400;
    }
    assert_eq!(server.count("default", COUNT).await, accepted);
    server.stop();
}

#[tokio::test]
async fn projects_do_not_see_one_another() {
    let server = TestServer::start();
    for name in ["one", "two"] {
        server.create_project(name).await;
        server.append(name, "", format!("{{\"message\":\"of {name}\"}}")).await.json(200);
    }
    assert_eq!(json!(server.rows("one", "SELECT message FROM events").await), json!([["of one"]]));
    let new = json!({"name": "reader", "scopes": ["query"], "project": "two"});
    let key = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    let secret = key["secret"].as_str().unwrap();
    let ask = |project: Option<&'static str>| {
        let request = server.client.post(format!("{}/api/v1/query", server.url)).bearer_auth(secret);
        let request = project.map_or(request.try_clone().unwrap(), |name| request.header("kronika-project", name));
        send(request.json(&json!({"sql": "SELECT message FROM events"})))
    };
    assert_eq!(ask(None).await.json(200)["rows"], json!([["of two"]]));
    ask(Some("one")).await.problem(403, "forbidden");
    let path = format!("/api/v1/keys/{}", key["id"].as_str().unwrap());
    assert_eq!(send(server.request(Method::DELETE, &path)).await.status, 204);
    ask(None).await.problem(401, "unauthenticated");
    server.stop();
}

#[tokio::test]
async fn a_query_on_a_directory_that_no_server_holds_sees_the_log_as_well() {
    let server = TestServer::start();
    server.append("default", "", lines(0..4)).await.json(200);
    server.flush().await;
    server.append("default", "", lines(4..7)).await.json(200);
    let home = server.kill();
    let query = || {
        let mut command = kronika();
        command.args(["query", COUNT, "--format", "csv", "--data-dir"]).arg(home.data_dir());
        command.output().unwrap()
    };
    let output = query();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().nth(1), Some("7"));
    let server = TestServer::start_in(&home);
    assert_eq!(server.count("default", COUNT).await, 7);
    let held = query();
    assert_eq!(held.status.code(), Some(69), "{}", String::from_utf8_lossy(&held.stderr));
    server.stop();
}

/// An S3 server of the test's own.
pub(super) struct S3 {
    child: std::process::Child,
    pub(super) url: String,
}

impl S3 {
    pub(super) fn start(python: &std::path::Path) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let child = std::process::Command::new(python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        let url = format!("http://127.0.0.1:{port}");
        let started = std::time::Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(started.elapsed().as_secs() < 60, "the S3 server did not start");
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        Self { child, url }
    }
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test]
async fn a_table_on_s3_outlives_the_data_directory() {
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
    server.append("default", "", lines(0..10)).await.json(200);
    server.flush().await;
    server.append("default", "", lines(10..15)).await.json(200);
    let server = TestServer::start_in(&server.kill());
    assert_eq!(server.count("default", COUNT).await, 15);
    server.flush().await;
    server.compact().await;
    assert_eq!(server.count("default", COUNT).await, 15);
    server.stop();

    // The disk is lost, the bucket is not.
    let server = TestServer::start_in(&Home::new(&config));
    assert_eq!(server.count("default", COUNT).await, 15);
    server.append("default", "", lines(20..27)).await.json(200);
    assert_eq!(server.count("default", COUNT).await, 22);
    server.flush().await;
    let server = TestServer::start_in(&server.kill());
    assert_eq!(server.count("default", COUNT).await, 22);
    let unique = server.rows("default", "SELECT count(DISTINCT _seq), count(DISTINCT event_id) FROM events").await;
    assert_eq!(json!(unique), json!([["22", "22"]]));
    server.stop();
}
