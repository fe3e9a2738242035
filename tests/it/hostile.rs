//! SQL of strangers against the real server with 8 GB of address space, while others send events.
//!
//! `hostile/statements.txt` has a row for each statement and what the server answers. After each, the
//! same process must answer an ordinary query; what its caller gave up must have ended within a second (of a release
//! build: `cargo test --release --test it hostile`).

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::common::{Answer, Home, TestServer, send};

const STATEMENTS: &str = include_str!("hostile/statements.txt");
/// `ulimit -v`, in KiB.
const ADDRESS_SPACE_KIB: u64 = 8 << 20;
/// `query.timeout` of the server.
const TIMEOUT: Duration = Duration::from_secs(5);
/// When the caller of a statement that does not end gives up.
const GIVES_UP: Duration = Duration::from_millis(700);
/// How soon an abandoned query must be gone; what is not optimized, beside other tests, takes longer.
const GONE: Duration = Duration::from_secs(if cfg!(debug_assertions) { 4 } else { 1 });
/// Longest an answer may take, the deadline included.
const ANSWERED: Duration = Duration::from_secs(if cfg!(debug_assertions) { 12 } else { 7 });
const EVENTS: usize = 50_000;
const MODULES: [&str; 5] = ["orders", "payments", "couriers", "auth", "exports"];
const BATCH: usize = 100;
const PAUSE: Duration = Duration::from_millis(20);

/// What a row of the file allows.
#[derive(Debug, PartialEq)]
enum Expected {
    Ok,
    Problem(u16, String),
    /// An answer, or any refusal that is the caller's to mend.
    Any,
    Cancel,
}

struct Row {
    line: usize,
    expected: Vec<Expected>,
    sql: String,
}

fn rows() -> Vec<Row> {
    let parse = |(at, line): (usize, &str)| {
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (expected, sql) = line.split_once('\t').unwrap_or_else(|| panic!("line {}: no tab", at + 1));
        let expected = expected.split('|').map(|one| match one.split_once(' ') {
            None if one == "ok" => Expected::Ok,
            None if one == "any" => Expected::Any,
            None if one == "cancel" => Expected::Cancel,
            Some((status, code)) => Expected::Problem(status.parse().unwrap(), code.to_string()),
            None => panic!("line {}: `{one}`", at + 1),
        });
        Some(Row { line: at + 1, expected: expected.collect(), sql: expanded(sql) })
    };
    STATEMENTS.lines().enumerate().filter_map(parse).collect()
}

/// Replaces `@{N|text}` and `@{N|text|separator}`.
fn expanded(sql: &str) -> String {
    let Some(start) = sql.find("@{") else { return sql.to_string() };
    let end = start + sql[start..].find('}').unwrap();
    // The text itself may end in `}`: `@{9|}}`.
    let end = if sql[end + 1..].starts_with('}') { end + 1 } else { end };
    let (count, rest) = sql[start + 2..end].split_once('|').unwrap();
    let (text, separator) = match rest.split_once('|') {
        Some((text, separator)) => (text, separator),
        None => (rest, ""),
    };
    let repeated: Vec<String> = (0..count.parse().unwrap()).map(|n: usize| text.replace('#', &n.to_string())).collect();
    format!("{}{}{}", &sql[..start], repeated.join(separator), expanded(&sql[end + 1..]))
}

#[test]
fn the_file_is_read_as_it_says() {
    assert_eq!(expanded("a @{3|x#|, } b @{2|(}"), "a x0, x1, x2 b ((");
    assert_eq!(expanded("SELECT @{2|'x'|||}"), "SELECT 'x'||'x'");
    assert_eq!(expanded("1@{2|}}"), "1}}");
    assert!(rows().len() >= 150, "{}", rows().len());
}

fn events(prefix: &str, from: usize, count: usize) -> String {
    let event = |n: usize| {
        json!({
            "event_id": format!("{prefix}{n:06}"), "event_time": format!("2025-03-0{}T{:02}:{:02}:00Z", n % 5 + 1, n / 60 % 24, n % 60),
            "module": MODULES[n % MODULES.len()], "event_type": "order.changed",
            "action": "update", "outcome": if n.is_multiple_of(7) { "failure" } else { "success" }, "http_status": 200 + n % 300,
            "message": format!("payment {n} of order {} was refused by the bank, the customer was told by e-mail", n / 3),
            "cart": {"items": [1, 2, n], "total": n}, "severity_number": n % 24 + 1,
        })
        .to_string()
    };
    (from..from + count).map(|n| event(n) + "\n").collect()
}

/// Sends batches until told to stop; gives the time of each answer.
async fn ingest(request: RequestBuilder, prefix: &str, stop: Arc<AtomicBool>) -> Vec<Duration> {
    let mut times = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let body = events(prefix, times.len() * BATCH, BATCH);
        let started = Instant::now();
        let answered = request.try_clone().unwrap().body(body).send().await.map(|answer| answer.status().as_u16());
        // A server that died is the other side's to tell.
        let Ok(status) = answered else { break };
        assert_eq!(status, 200);
        times.push(started.elapsed());
        tokio::time::sleep(PAUSE).await;
    }
    times
}

fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    times[(times.len() - 1) * percent / 100]
}

struct Light {
    stop: Arc<AtomicBool>,
    sender: tokio::task::JoinHandle<Vec<Duration>>,
}

impl Light {
    #[expect(clippy::disallowed_methods, reason = "the test's own sender, which it waits for")]
    fn start(server: &TestServer, prefix: &'static str) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let request = server.request(Method::POST, "/api/v1/events").header("kronika-project", "busy");
        let request = request.header("content-type", "application/x-ndjson");
        let sender = tokio::spawn(ingest(request, prefix, Arc::clone(&stop)));
        Self { stop, sender }
    }

    async fn end(self) -> Vec<Duration> {
        self.stop.store(true, Ordering::Relaxed);
        self.sender.await.unwrap()
    }
}

/// Asks, and compares; `Err` says what was wrong.
async fn check(server: &TestServer, row: &Row) -> Result<&'static str, String> {
    let started = Instant::now();
    let cancels = row.expected.contains(&Expected::Cancel);
    let asked = ask(server, &row.sql);
    let Ok(answer) = tokio::time::timeout(if cancels { GIVES_UP } else { ANSWERED }, asked).await else {
        if !cancels {
            return Err("no answer in time".into());
        }
        return gone(server).await.map(|()| "canceled");
    };
    let answer = answer?;
    let took = started.elapsed();
    let code = || serde_json::from_str::<Value>(&answer.text).unwrap_or_default()["code"].as_str().map(str::to_string);
    let fits = |expected: &Expected| match expected {
        Expected::Ok => answer.status == 200,
        Expected::Problem(status, wanted) => answer.status == *status && code().as_ref() == Some(wanted),
        Expected::Any => [200, 400].contains(&answer.status),
        // How much such a query has gathered until its caller leaves is a matter of the machine's speed.
        Expected::Cancel => answer.status == 400 && code().as_deref() == Some("memory_exceeded"),
    };
    if !row.expected.iter().any(fits) {
        let text: String = answer.text.chars().take(300).collect();
        return Err(format!("{} after {took:?}: {text}", answer.status));
    }
    gone(server).await?;
    Ok(if answer.status == 200 { "answered" } else { "refused" })
}

/// As [`TestServer::query`], of a server that may die of it.
async fn ask(server: &TestServer, sql: &str) -> Result<Answer, String> {
    let request = server.request(Method::POST, "/api/v1/query").json(&json!({"sql": sql}));
    let response = request.send().await.map_err(|error| error.to_string())?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    // A body that breaks off is how an answer fails on the way.
    let text = response.text().await.unwrap_or_else(|error| error.to_string());
    Ok(Answer { status, headers, text })
}

/// Queries that are planned or run.
async fn running(server: &TestServer) -> Result<bool, String> {
    let answer = server.request(Method::GET, "/metrics").send().await.map_err(|error| error.to_string())?;
    let text = answer.text().await.map_err(|error| error.to_string())?;
    Ok(!text.lines().any(|line| line == "kronika_queries_running 0"))
}

/// Waits until no query is planned or run.
async fn gone(server: &TestServer) -> Result<(), String> {
    let since = Instant::now();
    while running(server).await? {
        if since.elapsed() > GONE {
            return Err(format!("still running {:?} later", since.elapsed()));
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_statement_harms_the_server() {
    let config = format!("[query]\ntimeout = \"{}s\"\n", TIMEOUT.as_secs());
    let limit = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$@\"");
    let mut server = TestServer::start_under(&Home::new(&config), &["sh", "-c", &limit, "sh"]);
    server.create_project("busy").await;
    for from in (0..EVENTS).step_by(5_000) {
        server.append("default", "", events("e", from, 5_000)).await.json(200);
        if from == EVENTS / 2 {
            server.flush().await;
        }
    }
    let light = Light::start(&server, "alone");
    tokio::time::sleep(Duration::from_secs(8)).await;
    let mut alone = light.end().await;

    let light = Light::start(&server, "beside");
    let (mut wrong, mut slowest) = (Vec::new(), Vec::new());
    let mut counts = std::collections::BTreeMap::new();
    for row in rows() {
        let started = Instant::now();
        match check(&server, &row).await {
            Ok(how) => *counts.entry(how).or_insert(0) += 1,
            Err(why) => {
                println!("line {}: {why:.200}", row.line);
                wrong.push(format!("line {}: {why}\n    {:.160}", row.line, row.sql));
            }
        }
        slowest.push((started.elapsed(), row.line));
        if !server.is_alive() {
            wrong.push(format!("line {}: the process ended:\n{}", row.line, server.log().join("\n")));
            break;
        }
        match tokio::time::timeout(ANSWERED, ask(&server, "SELECT count(*) FROM events")).await {
            Ok(Ok(answer)) if answer.status == 200 => {}
            Ok(answer) => wrong.push(format!("line {}: then an ordinary query: {answer:?}", row.line)),
            Err(_) => wrong.push(format!("line {}: then an ordinary query got no answer", row.line)),
        }
    }
    let alive = server.is_alive();
    let mut beside = if alive { light.end().await } else { vec![Duration::ZERO] };
    slowest.sort_unstable();
    let last: Vec<String> = slowest.iter().rev().take(10).map(|(time, line)| format!("{line}: {time:.1?}")).collect();
    println!("statements: {counts:?}; slowest by line: {}", last.join(", "));
    println!(
        "ingest of {BATCH} events, p50/p99 in ms: alone {:.1}/{:.1} ({} batches), beside the statements {:.1}/{:.1} ({} batches)",
        percentile(&mut alone, 50).as_secs_f64() * 1e3,
        percentile(&mut alone, 99).as_secs_f64() * 1e3,
        alone.len(),
        percentile(&mut beside, 50).as_secs_f64() * 1e3,
        percentile(&mut beside, 99).as_secs_f64() * 1e3,
        beside.len(),
    );
    assert!(wrong.is_empty(), "{} of {} wrong:\n{}", wrong.len(), rows().len(), wrong.join("\n"));
    assert_eq!(
        server.count("busy", "SELECT count(*) FROM events").await as usize,
        (alone.len() + beside.len()) * BATCH
    );
    server.stop();
}

/// Events as long as they may be, which no statistics of rows tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn long_events_do_not_harm_the_server() {
    let config = format!("[query]\ntimeout = \"{}s\"\n", TIMEOUT.as_secs());
    let limit = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$@\"");
    let mut server = TestServer::start_under(&Home::new(&config), &["sh", "-c", &limit, "sh"]);
    for batch in 0..20 {
        let event = |n: usize| {
            let body: String = (0..4_000).map(|word| format!("{} ", (word * 7_919 + n * 104_729) % 65_537)).collect();
            json!({"event_id": format!("{batch}-{n}"), "module": "exports", "request_body": body.repeat(40)})
                .to_string()
                + "\n"
        };
        server.append("default", "", (0..40).map(event).collect::<String>()).await.json(200);
        server.flush().await;
    }
    for sql in [
        "SELECT request_body FROM events",
        "SELECT request_body FROM events ORDER BY event_time DESC",
        "SELECT max(upper(request_body)) FROM events",
        "SELECT max(request_body || event_id) FROM events",
        "SELECT count(*) FROM events WHERE request_body LIKE '%65536 1 2%'",
        "SELECT count(DISTINCT request_body) FROM events",
        "SELECT module, max(request_body), min(request_body) FROM events GROUP BY module",
        "SELECT a.request_body, b.request_body FROM events a JOIN events b ON a.module = b.module",
        "SELECT lag(request_body) OVER (ORDER BY event_id) FROM events",
        "SELECT string_agg(request_body, '') FROM events",
        "SELECT * FROM events ORDER BY request_body DESC",
        "SELECT sha512(request_body), md5(request_body) FROM events",
    ] {
        let answer = tokio::time::timeout(ANSWERED, ask(&server, sql)).await;
        let status = answer.map(|answer| answer.map(|answer| answer.status));
        println!("{sql}: {status:?}");
        assert!(matches!(status, Ok(Ok(200 | 400 | 408))), "{sql}: {status:?}");
        gone(&server).await.unwrap_or_else(|error| panic!("{sql}: {error}"));
        assert!(server.is_alive(), "{sql}: {}", server.log().join("\n"));
    }
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 800);
    server.stop();
}

/// Many at once, more than there are threads, planners and memory for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_statements_at_once_do_not_harm_the_server() {
    let config = format!("[query]\ntimeout = \"{}s\"\n", TIMEOUT.as_secs());
    let limit = format!("ulimit -v {ADDRESS_SPACE_KIB} && exec \"$@\"");
    let mut server = TestServer::start_under(&Home::new(&config), &["sh", "-c", &limit, "sh"]);
    server.append("default", "", events("e", 0, 20_000)).await.json(200);
    let statements = [
        "SELECT count(DISTINCT x) FROM generate_series(1, 500000000) a(x)",
        "SELECT array_length(array_agg(x)) FROM generate_series(1, 500000000) a(x)",
        "SELECT length(string_agg(message, ',')) FROM (SELECT a.message FROM events a, events b)",
        "SELECT sum(a._seq * b._seq) FROM events a, events b",
        "SELECT max(c) FROM (SELECT x, count(*) OVER () c FROM generate_series(1, 500000000) a(x))",
        "SELECT x FROM generate_series(1, 500000000) a(x) ORDER BY x % 1000, x DESC",
        "SELECT sum(length(repeat(message, 300))) FROM events a, generate_series(1, 1000) b(x)",
        "SELECT max(sha512(repeat(message, 300))) FROM events",
        "SELECT median(x) FROM generate_series(1, 500000000) a(x)",
        "SELECT * FROM events ORDER BY sha512(message)",
    ];
    let asked = (0..40).map(|n| ask(&server, statements[n % statements.len()]));
    let answers = futures::future::join_all(asked).await;
    let mut counts = std::collections::BTreeMap::new();
    for answer in answers {
        let answer = answer.unwrap_or_else(|error| panic!("{error}: {}", server.log().join("\n")));
        assert!([200, 400, 408, 429].contains(&answer.status), "{}", answer.text);
        *counts.entry(answer.status).or_insert(0) += 1;
    }
    println!("{counts:?}");
    gone(&server).await.unwrap();
    assert!(server.is_alive(), "{}", server.log().join("\n"));
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 20_000);
    server.stop();
}

/// A caller that goes away ends its query, also before the first row and in the middle of the answer.
#[tokio::test]
async fn a_query_ends_with_its_caller() {
    let server = TestServer::start();
    let body = json!({"sql": "SELECT x FROM generate_series(1, 1000000000000) a(x)", "format": "ndjson"});
    let mut response = server.request(Method::POST, "/api/v1/query").json(&body).send().await.unwrap();
    assert!(!response.chunk().await.unwrap().unwrap().is_empty());
    assert!(server.metric("kronika_queries_running", "").await > 0.0);
    drop(response);
    gone(&server).await.unwrap();
    server.stop();
}

/// Who named a query can stop it; who is asked to wait for it learns so.
#[tokio::test]
async fn a_query_ends_when_asked_to() {
    let server = TestServer::start();
    let body =
        json!({"sql": "SELECT count(*) FROM generate_series(1, 1000000000000) a(x) WHERE x % 7 = 8", "id": "mine"});
    let asked = send(server.request(Method::POST, "/api/v1/query").json(&body));
    let stopped = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        let since = Instant::now();
        let answer = send(server.request(Method::DELETE, "/api/v1/query/mine")).await;
        assert_eq!(answer.status, 204, "{}", answer.text);
        since
    };
    let (answer, since) = tokio::join!(asked, stopped);
    answer.problem(499, "canceled");
    assert!(since.elapsed() < GONE, "{:?}", since.elapsed());
    gone(&server).await.unwrap();
    send(server.request(Method::DELETE, "/api/v1/query/mine")).await.problem(404, "query_not_running");
    server.stop();
}
