//! Bad input that is more than one request, or less than one: what comes over a connection.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use reqwest::Method;
use serde_json::json;

use super::super::common::{TestServer, send};
use super::super::transport::{address, talk};
use super::{COUNT, assert_calm, key};

/// The head of a request that sends events; `more` are headers, each with its line's end.
fn head(key: &str, more: &str) -> String {
    format!("POST /api/v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {key}\r\n{more}\r\n")
}

/// What is stored, after a valid event that must be taken in.
async fn stored_then_one_more(server: &TestServer) -> u64 {
    let before = server.count("default", COUNT).await;
    assert_eq!(server.append("default", "", "{\"valid\":true}").await.json(200)["accepted"], 1);
    before
}

#[tokio::test]
async fn a_body_without_an_end_is_refused_at_the_limit() {
    let server = TestServer::start_with("[ingest]\nline_max = \"64KiB\"\nbody_max = \"1MiB\"\n");
    let sent = Arc::new(AtomicU64::new(0));
    let line = Bytes::from("{\"a\":\"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"}\n".repeat(1_000));
    let count = Arc::clone(&sent);
    // Five gigabytes, were they all asked for.
    let lines = futures::stream::iter(0..5_u64 << 30 >> 16).map(move |_| {
        count.fetch_add(line.len() as u64, Ordering::Relaxed);
        Ok::<_, std::io::Error>(line.clone())
    });
    let request = server.request(reqwest::Method::POST, "/api/v1/events").body(reqwest::Body::wrap_stream(lines));
    // A client that never looks up while it sends may find the connection closed before it reads the answer.
    if let Ok(answer) = request.send().await {
        assert_eq!(answer.status(), 413);
        assert!(answer.text().await.unwrap_or_default().contains("body_too_large"));
    }
    let sent = sent.load(Ordering::Relaxed);
    assert!(sent < 256 << 20, "{sent} bytes were read of a body that is refused");
    assert_eq!(stored_then_one_more(&server).await, 0);
    assert_calm(&server);
    server.stop();
}

#[tokio::test]
async fn a_body_that_is_cut_off_stores_nothing() {
    let server = TestServer::start();
    let lines = "{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n{\"a\":";
    for (framing, body) in [
        ("Content-Length: 1000\r\n", lines.to_string()),
        ("Transfer-Encoding: chunked\r\n", format!("{:x}\r\n{lines}\r\n", lines.len())),
        ("Transfer-Encoding: chunked\r\n", format!("fff\r\n{lines}")),
        ("Transfer-Encoding: chunked\r\n", format!("zz\r\n{lines}\r\n0\r\n\r\n")),
    ] {
        let mut stream = TcpStream::connect(address(&server)).unwrap();
        stream.write_all((head(&server.key, framing) + &body).as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let mut answer = String::new();
        // A client that is gone may also find the connection closed.
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400 "), "{framing}: {answer}");
        // The same, gone at once.
        let mut stream = TcpStream::connect(address(&server)).unwrap();
        stream.write_all((head(&server.key, framing) + &body).as_bytes()).unwrap();
        drop(stream);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(stored_then_one_more(&server).await, 0);
    assert_calm(&server);
    server.stop();
}

#[tokio::test]
async fn idle_connections_disturb_nobody() {
    let server = TestServer::start_with("[server]\nconnections_max = 800\n");
    let mut idle: Vec<TcpStream> = (0..700).map(|_| TcpStream::connect(address(&server)).unwrap()).collect();
    for stream in &mut idle[..300] {
        stream.write_all(b"POST /api/v1/events HTTP/1.1\r\nHo").unwrap();
    }
    let started = Instant::now();
    for n in 0..50 {
        server.append("default", "", format!("{{\"n\":{n}}}")).await.json(200);
    }
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
    assert_eq!(stored_then_one_more(&server).await, 50);
    drop(idle);
    assert_calm(&server);
    server.stop();
}

#[tokio::test]
async fn a_key_revoked_while_its_body_is_sent_stores_nothing() {
    let server = TestServer::start();
    let secret = key(&server, "default", "ingest").await;
    let mut stream = TcpStream::connect(address(&server)).unwrap();
    stream.write_all(head(&secret, "Content-Length: 16\r\n").as_bytes()).unwrap();
    stream.write_all(b"{\"a\":1}\n").unwrap();
    // What came so far is read, and the key was good.
    tokio::time::sleep(Duration::from_millis(200)).await;
    let id = secret.split('_').nth(2).unwrap();
    assert_eq!(send(server.request(Method::DELETE, &format!("/api/v1/keys/{id}"))).await.status, 204);
    stream.write_all(b"{\"a\":2}\n").unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = [0; 512];
    let read = stream.read(&mut answer).unwrap();
    let answer = String::from_utf8_lossy(&answer[..read]).into_owned();
    assert!(answer.starts_with("HTTP/1.1 401 ") && !answer.contains("revoked"), "{answer}");
    assert_eq!(stored_then_one_more(&server).await, 0);
    server.stop();
}

#[tokio::test]
async fn requests_cannot_be_smuggled() {
    let server = TestServer::start_with("[server]\nheader_timeout = \"1s\"\n");
    let hidden = "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n";
    let event = "{\"a\":1}";
    // Read by one length these are one request, by the other two: there must be one answer, or none.
    for (headers, body) in [
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", format!("0\r\n\r\n{hidden}")),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", format!("0\r\n\r\n{hidden}")),
        ("Content-Length: 7\r\nContent-Length: 40\r\n", format!("{event}{hidden}")),
        ("Content-Length: 7, 40\r\n", format!("{event}{hidden}")),
        ("Content-Length: +7\r\n", format!("{event}{hidden}")),
        ("Content-Length : 7\r\n", format!("{event}{hidden}")),
        ("Transfer-Encoding: xchunked\r\n", format!("0\r\n\r\n{hidden}")),
        ("Transfer-Encoding: chunked, identity\r\n", format!("0\r\n\r\n{hidden}")),
        ("Transfer-Encoding : chunked\r\n", format!("0\r\n\r\n{hidden}")),
        ("X: y\r\n Transfer-Encoding: chunked\r\n", format!("0\r\n\r\n{hidden}")),
    ] {
        let (_, answer) = talk(&server, &(head(&server.key, headers) + &body));
        assert!(answer.matches("HTTP/1.1 ").count() <= 1, "{headers:?}: {answer}");
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{headers:?}: {answer}");
    }
    let (_, absolute) =
        talk(&server, "GET http://elsewhere.example/livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    assert!(absolute.starts_with("HTTP/1.1 200 "), "{absolute}");
    for nonsense in [
        "\0\0\0\0\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET /\u{7f} HTTP/1.1\r\n\r\n",
        "\x16\x03\x01\x02\r\n\r\n",
    ] {
        let (_, answer) = talk(&server, nonsense);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{nonsense:?}: {answer}");
    }
    assert_eq!(stored_then_one_more(&server).await, 0);
    assert_calm(&server);
    server.stop();
}

#[tokio::test]
async fn headers_beyond_every_limit_are_refused() {
    let server = TestServer::start_with("[server]\nheader_timeout = \"2s\"\n");
    let many: String = (0..10_000).map(|n| format!("X-{n}: y\r\n")).collect();
    for (what, text) in [
        ("one of a megabyte", format!("GET /livez HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n", "y".repeat(1 << 20))),
        ("ten thousand", format!("GET /livez HTTP/1.1\r\nHost: x\r\n{many}\r\n")),
        ("a path of a megabyte", format!("GET /{} HTTP/1.1\r\nHost: x\r\n\r\n", "y".repeat(1 << 20))),
    ] {
        let mut stream = TcpStream::connect(address(&server)).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // The server may stop reading before all is written.
        let written = stream.write_all(text.as_bytes());
        let mut answer = Vec::new();
        let read = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let refused =
            ["HTTP/1.1 431 ", "HTTP/1.1 414 ", "HTTP/1.1 400 "].iter().any(|status| answer.starts_with(status));
        assert!(refused || (answer.is_empty() && (written.is_err() || read.is_err())), "{what}: {answer}");
    }
    assert_eq!(stored_then_one_more(&server).await, 0);
    assert_calm(&server);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_that_are_reset_at_once_disturb_nobody() {
    let server = TestServer::start();
    let client = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    let ask = || client.post(format!("{}/api/v1/events", server.url)).bearer_auth(&server.key).body("{\"reset\":true}");
    assert_eq!(ask().send().await.unwrap().status(), 200);
    for _ in 0..40 {
        let rush = (0..50).map(|_| ask().timeout(Duration::from_micros(300)).send());
        // Dropped on the way, each is a stream that the client resets.
        let _ = futures::future::join_all(rush).await;
    }
    let started = Instant::now();
    assert_eq!(server.append("default", "", "{}").await.status, 200);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let fresh = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    assert_eq!(fresh.get(format!("{}/livez", server.url)).send().await.unwrap().status(), 200);
    assert_calm(&server);
    server.stop();
}

#[tokio::test]
async fn an_answer_that_is_not_read_ends_at_its_deadline() {
    let server = TestServer::start_with("[query]\ntimeout = \"2s\"\n");
    let body =
        json!({"sql": "SELECT x, repeat('y', 1000) FROM generate_series(1, 1000000000) a(x)", "format": "ndjson"})
            .to_string();
    let before = resident_kib(&server);
    let mut stream = TcpStream::connect(address(&server)).unwrap();
    let question = format!(
        "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Length: {}\r\n\r\n{body}",
        server.key,
        body.len()
    );
    stream.write_all(question.as_bytes()).unwrap();
    let started = Instant::now();
    let mut seen = false;
    loop {
        let running = server.metric("kronika_queries_running", "").await > 0.0;
        seen |= running;
        if seen && !running {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(20), "the query goes on though nobody reads its answer");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let grown = resident_kib(&server).saturating_sub(before);
    assert!(grown < 300 << 10, "{grown} KiB were taken for an answer that nobody reads");
    // What is read at last must not look complete.
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.ends_with(b"0\r\n\r\n"), "the end of a body that was broken off");
    assert_eq!(stored_then_one_more(&server).await, 0);
    server.stop();
}

fn resident_kib(server: &TestServer) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_questions_at_once_are_answered_or_told_to_come_again() {
    let server = TestServer::start_with("[server]\nconnections_max = 2000\n");
    server.append("default", "", "{\"n\":1}\n".repeat(1_000)).await.json(200);
    let questions = futures::future::join_all((0..1_000).map(|_| server.query("default", COUNT)));
    let events = async {
        for n in 0..20 {
            assert_eq!(server.append("default", "", format!("{{\"during\":{n}}}")).await.status, 200);
        }
    };
    let (answers, ()) = tokio::join!(questions, events);
    let mut answered = 0;
    for answer in answers {
        match answer.status {
            200 => answered += 1,
            _ => {
                answer.problem(429, "queries_busy");
                assert!(answer.headers.contains_key("retry-after"));
            }
        }
    }
    println!("{answered} of 1,000 questions at once were answered, the others told to come again");
    assert!(answered > 0);
    assert_eq!(stored_then_one_more(&server).await, 1_020);
    assert_calm(&server);
    server.stop();
}
