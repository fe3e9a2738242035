use std::time::Instant;

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use super::*;
use crate::cli::testing::FakeServer;

const QUICK: Policy = Policy {
    tries: 4,
    first: Duration::from_millis(5),
    longest: Duration::from_millis(20),
    patience: Duration::from_secs(2),
};

fn client(url: &str) -> Client {
    crate::cli::install_tls();
    let args = ServerArgs {
        server: url.parse().unwrap(),
        key: Some("secret-key".parse().unwrap()),
        key_file: None,
        project: Some("shop".into()),
    };
    Client::new(&args, QUICK).unwrap()
}

#[tokio::test]
async fn a_call_carries_key_project_query_and_body() {
    let server = FakeServer::script(vec![(200, &[], r#"{"ok":true}"#)]).await;
    let call = Call::post("/api/v1/x", Repeat::Always).query("a", "b c&d").json(&json!({ "n": 1 }));
    let answer: Value = client(&format!("{}/base/", server.url())).json(&call).await.unwrap();
    assert_eq!(answer, json!({ "ok": true }));
    let asked = &server.asked()[0];
    assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/base/api/v1/x"));
    assert_eq!(asked.query["a"], "b c&d");
    assert_eq!(asked.headers["authorization"], "Bearer secret-key");
    assert_eq!(asked.headers["kronika-project"], "shop");
    assert_eq!(asked.text(), r#"{"n":1}"#);
}

/// How many tries each answer gets, and the exit code at the end.
#[tokio::test]
async fn answers_are_repeated_by_the_table() {
    let cases = [
        (429, Repeat::Always, 4, 69),
        (429, Repeat::Untouched, 4, 69),
        (503, Repeat::Always, 4, 69),
        (503, Repeat::Untouched, 1, 69),
        (502, Repeat::Always, 4, 69),
        (504, Repeat::Untouched, 1, 1),
        (500, Repeat::Always, 1, 1),
        (400, Repeat::Always, 1, 1),
        (401, Repeat::Always, 1, 1),
        (302, Repeat::Always, 1, 1),
    ];
    for (status, repeat, tries, exit) in cases {
        let server = FakeServer::script(vec![(status, &[], "")]).await;
        let error = client(&server.url()).send(&Call::post("/x", repeat)).await.unwrap_err();
        assert_eq!((server.asked().len(), error.exit_code()), (tries, exit), "{status} {repeat:?}");
    }
}

#[tokio::test]
async fn a_later_answer_counts() {
    let server = FakeServer::script(vec![(503, &[], ""), (429, &[], ""), (200, &[], "7")]).await;
    assert_eq!(client(&server.url()).json::<u32>(&Call::get("/x")).await.unwrap(), 7);
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn retry_after_lengthens_the_pause_up_to_our_patience() {
    let server = FakeServer::script(vec![(429, &[("retry-after", "1")], ""), (200, &[], "7")]).await;
    let started = Instant::now();
    assert_eq!(client(&server.url()).json::<u32>(&Call::get("/x")).await.unwrap(), 7);
    assert!(started.elapsed() >= Duration::from_secs(1));
    let server = FakeServer::script(vec![(429, &[("retry-after", "3600")], "")]).await;
    assert_eq!(client(&server.url()).send(&Call::get("/x")).await.unwrap_err().exit_code(), 69);
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn retry_after_is_seconds_or_a_date() {
    let read = |text: &str| {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", text.parse().unwrap());
        retry::retry_after(&headers)
    };
    assert_eq!(read("7"), Some(Duration::from_secs(7)));
    assert_eq!(read("Tue, 02 Jan 2024 03:04:05 GMT"), Some(Duration::ZERO));
    assert_eq!(read("soon"), None);
    let date = (chrono::Utc::now() + chrono::Duration::seconds(90)).to_rfc2822();
    assert!(read(&date).is_some_and(|pause| (80..=90).contains(&pause.as_secs())));
}

#[test]
fn pauses_double_and_are_bounded() {
    let answered = Failure::Answered { problem: Box::new(Problem { status: 503, ..Problem::default() }), wait: None };
    let pause = |tried| Policy::PATIENT.pause(tried, Repeat::Always, &answered);
    for (tried, most_ms) in [(1, 200), (2, 400), (3, 800), (10, 15_000), (24, 15_000)] {
        let pause = pause(tried).unwrap().as_millis();
        assert!((most_ms * 3 / 4..=most_ms).contains(&pause), "{tried}: {pause}");
    }
    assert_eq!(pause(25), None);
}

/// A listener that breaks the first `breaks` connections after reading a request, then answers properly.
async fn breaking(breaks: usize) -> (String, JoinSet<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        for count in 1.. {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut buffer = [0; 4096];
            let _ = socket.read(&mut buffer).await.unwrap();
            if count > breaks {
                socket.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n7").await.unwrap();
                return count;
            }
        }
        unreachable!()
    });
    (url, tasks)
}

#[tokio::test]
async fn a_broken_connection_is_repeated_when_that_is_safe() {
    let (url, mut tasks) = breaking(2).await;
    assert_eq!(client(&url).json::<u32>(&Call::get("/x")).await.unwrap(), 7);
    assert_eq!(tasks.join_next().await.unwrap().unwrap(), 3);
    let (url, _tasks) = breaking(2).await;
    let error = client(&url).send(&Call::post("/x", Repeat::Untouched)).await.unwrap_err();
    assert!(matches!(error, CliError::Unreachable { .. }), "{error:?}");
}

#[tokio::test]
async fn no_server_is_unavailable_with_a_hint() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let error = client(&url).send(&Call::post("/x", Repeat::Untouched)).await.unwrap_err();
    assert_eq!(error.exit_code(), 69);
    assert!(error.text().contains("kronika serve") && error.text().contains(&url), "{}", error.text());
}

#[tokio::test]
async fn a_problem_is_shown_with_code_and_hint() {
    let body = r#"{"type":"problems/mapping_not_found","title":"Not found","status":404,"code":"mapping_not_found",
        "detail":"there is no mapping `x`","hint":"did you mean `y`?","position":{"line":1}}"#;
    let server = FakeServer::script(vec![(404, &[], body)]).await;
    let error = client(&server.url()).send(&Call::get("/x")).await.unwrap_err();
    let want = "error: there is no mapping `x` (404 mapping_not_found)\nhint: did you mean `y`?\n";
    assert_eq!(error.text(), want);
}

#[test]
fn a_missing_key_is_explained_in_flags_not_headers() {
    let body = br#"{"detail":"a valid API key is required","code":"unauthenticated","hint":"send `Authorization: Bearer KEY`"}"#;
    let problem = Problem::parse(reqwest::StatusCode::UNAUTHORIZED, body);
    assert_eq!(problem.advice().as_deref(), Some("give a valid key with --key-file, KRONIKA_KEY or --key"));
    let full = Problem::parse(reqwest::StatusCode::TOO_MANY_REQUESTS, br#"{"hint":"flush"}"#);
    assert_eq!(full.advice().as_deref(), Some("flush"));
}

#[test]
fn bodies_that_are_no_problem_are_shown_short_and_harmless() {
    let problem = Problem::parse(reqwest::StatusCode::BAD_GATEWAY, b"<html>\x1b[2J bad");
    assert_eq!(problem.to_string(), "<html> [2J bad (502)");
    assert_eq!(Problem::parse(reqwest::StatusCode::NOT_FOUND, b"").to_string(), "Not Found (404)");
    let long = Problem::parse(reqwest::StatusCode::NOT_FOUND, &[b'x'; 5_000]);
    assert!(long.to_string().len() < 400);
}

#[test]
fn keys_stay_secret() {
    let args = ServerArgs {
        server: "http://localhost".parse().unwrap(),
        key: Some("very-secret".parse().unwrap()),
        key_file: None,
        project: None,
    };
    assert!(!format!("{args:?}").contains("very"));
    assert!(!format!("{:?}", client("http://localhost")).contains("secret-key"));
    let whose = args.whose().unwrap();
    assert!(whose.starts_with("key ") && !whose.contains("very"), "{whose}");
    for bad in ["", "two words", "nul\0", "zażółć"] {
        assert!(bad.parse::<Key>().is_err(), "{bad:?}");
    }
}

#[test]
fn a_key_file_is_read_and_trimmed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let args = |path: &std::path::Path| ServerArgs {
        server: "http://localhost".parse().unwrap(),
        key: None,
        key_file: Some(path.to_owned()),
        project: None,
    };
    std::fs::write(&path, "abc\n").unwrap();
    assert_eq!(args(&path).the_key().unwrap().unwrap().0, "abc");
    std::fs::write(&path, "\n").unwrap();
    assert!(matches!(args(&path).the_key(), Err(CliError::Usage(_))));
    assert!(matches!(args(&dir.path().join("none")).the_key(), Err(CliError::File { .. })));
}
