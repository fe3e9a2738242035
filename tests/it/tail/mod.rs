//! The live tail as its clients meet it: real streams, real restarts.

mod listener;

use std::collections::BTreeSet;
use std::process::Stdio;
use std::time::{Duration, Instant};

use futures::StreamExt;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use self::listener::{Block, Listener};
use crate::common::{Home, TestServer, kronika, send};

/// So that flushes and compactions come while the tail runs.
const RESTLESS: &str =
    "[flush]\ninterval = \"50ms\"\n[compaction]\ninterval = \"150ms\"\nfiles_min = 2\n[tail]\nheartbeat = \"200ms\"\n";

fn body(ids: impl IntoIterator<Item = u64>) -> String {
    let line = |id: u64| {
        let module = ["orders", "payments", "couriers"][(id % 3) as usize];
        let (tenant, outcome) =
            (["a", "b"][(id % 2) as usize], if id.is_multiple_of(10) { "failure" } else { "success" });
        let event = json!({"event_id": format!("e-{id}"), "module": module, "event_type": format!("{module}.changed"),
            "tenant_id": tenant, "outcome": outcome,
            "actor_email": "someone@shop.example", "message": format!("event {id}")});
        format!("{event}\n")
    };
    ids.into_iter().map(line).collect()
}

async fn query_key(server: &TestServer, restrictions: Value) -> String {
    let new = json!({"name": "tail", "scopes": ["query"], "project": "default", "restrictions": restrictions});
    let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    made["secret"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_missed_and_nothing_comes_twice() {
    let mut server = TestServer::start_with(RESTLESS);
    let (mut sent, mut seen) = (0_u64, Vec::new());
    let first = Listener::open(&server, &server.key, "default", "?fields=event_id", None).await;
    let mut at = first.at.clone();
    drop(first);
    // Each round: events while nobody listens, a listener that takes a part, events while it listens, then the
    // server is left alone, compacted, stopped or killed.
    for round in 0..12 {
        for _ in 0..5 {
            let from = sent;
            sent += 7;
            server.append("default", "", body(from..sent)).await.json(200);
        }
        let mut listener = Listener::open(&server, &server.key, "default", "?fields=event_id", Some(&at)).await;
        let waiting = usize::try_from(sent).unwrap() - seen.len();
        seen.extend(listener.ids(waiting - 3).await);
        at.clone_from(&listener.at);
        for _ in 0..20 {
            let from = sent;
            sent += 3;
            server.append("default", "", body(from..sent)).await.json(200);
        }
        seen.extend(listener.ids(10).await);
        at.clone_from(&listener.at);
        drop(listener);
        match round % 4 {
            0 => server = TestServer::start_in(&server.kill()),
            1 => {
                server.flush().await;
                server.compact().await;
            }
            2 => server = TestServer::start_in(&server.stop()),
            _ => {}
        }
    }
    let mut listener = Listener::open(&server, &server.key, "default", "?fields=event_id", Some(&at)).await;
    seen.extend(listener.ids(usize::try_from(sent).unwrap() - seen.len()).await);
    let wanted: Vec<String> = (0..sent).map(|id| format!("e-{id}")).collect();
    assert_eq!(seen, wanted, "each once, in order");
    assert!(listener.is_silent().await);
    drop(listener);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_listeners_each_get_what_they_asked_for() {
    const EVENTS: u64 = 3_000;
    let server = TestServer::start_with(RESTLESS);
    let filters = [
        "",
        "&module=orders",
        "&module=orders&module=payments&outcome!=success",
        "&q=%22event%207%22",
        "&outcome=failure",
    ];
    let wanted = |filter: usize, id: u64| match filter {
        0 => true,
        1 => id.is_multiple_of(3),
        2 => id % 3 != 2 && id.is_multiple_of(10),
        3 => id.to_string().starts_with('7'),
        _ => id.is_multiple_of(10),
    };
    let mut listeners = JoinSet::new();
    for number in 0..100 {
        let filter = number % filters.len();
        // Some ask for the same columns, some for others.
        let columns = ["event_id", "event_id,module"][number % 2];
        let query = format!("?fields={columns}{}", filters[filter]);
        let mut listener = Listener::open(&server, &server.key, "default", &query, None).await;
        let ids: Vec<String> = (0..EVENTS).filter(|id| wanted(filter, *id)).map(|id| format!("e-{id}")).collect();
        listeners.spawn(async move {
            let seen = listener.ids(ids.len()).await;
            assert!(seen == ids, "{number}: {} of {}", seen.len(), ids.len());
            listener
        });
    }
    assert!(server.metric("kronika_tail_listeners", "").await >= 100.0);
    for from in (0..EVENTS).step_by(50) {
        server.append("default", "", body(from..from + 50)).await.json(200);
    }
    let mut open = Vec::new();
    while let Some(listener) = listeners.join_next().await {
        open.push(listener.unwrap());
    }
    for listener in open.iter_mut().take(3) {
        assert!(listener.is_silent().await, "nothing comes twice");
    }
    drop(open);
    gone(&server).await;
    server.stop();
}

/// Waits until the server knows that nobody listens.
async fn gone(server: &TestServer) {
    let started = Instant::now();
    while server.metric("kronika_tail_listeners", "").await > 0.0 {
        assert!(started.elapsed() < listener::PATIENCE);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restricted_key_hears_what_it_could_read() {
    let server = TestServer::start_with(RESTLESS);
    let key = query_key(
        &server,
        json!({"modules": ["order*"], "tenant_ids": ["a"], "lookback_days": 30, "masked_columns": ["actor_email"]}),
    )
    .await;
    let mut listener = Listener::open(&server, &key, "", "", None).await;
    let start = listener.at.clone();
    let old = json!({"event_id": "old", "module": "orders", "event_type": "x", "tenant_id": "a", "event_time": "2020-01-01T00:00:00Z"});
    let hidden = json!({"event_id": "object-only", "module": "orders", "event_type": "x", "tenant_id": "a", "visibility": "object"});
    server.append("default", "", format!("{old}\n{hidden}\n{}", body(0..60))).await.json(200);
    let events = listener.events(10).await;
    let ids: Vec<&str> = events.iter().map(|event| event["event_id"].as_str().unwrap()).collect();
    let wanted: Vec<String> = (0..60).filter(|id| id % 3 == 0 && id % 2 == 0).map(|id| format!("e-{id}")).collect();
    assert_eq!(ids, wanted);
    for event in &events {
        let shown = event.as_object().unwrap();
        assert!(
            !shown.contains_key("actor_email") && !shown.contains_key("attributes") && shown.contains_key("message"),
            "{event}"
        );
    }
    assert!(listener.is_silent().await);
    // The same out of the past, hot and stored.
    for flushed in [false, true] {
        if flushed {
            server.flush().await;
        }
        let mut again = Listener::open(&server, &key, "", "", Some(&start)).await;
        assert_eq!(again.events(10).await, events, "flushed: {flushed}");
        assert!(again.is_silent().await);
    }
    // An unrestricted one sees what is old, and still not what belongs to its object alone.
    let mut all = Listener::open(&server, &server.key, "default", "?fields=event_id", Some(&start)).await;
    assert_eq!(all.ids(61).await[..2], ["old", "e-0"]);
    for (query, status, code) in [
        ("?fields=actor_email", 403, "hidden_column"),
        ("?actor_email=x", 403, "hidden_column"),
        ("?fields=nothing", 400, "invalid_filter"),
        ("?last_event_id=nonsense", 400, "invalid_position"),
        ("?last_event_id=00000000-1", 400, "invalid_position"),
    ] {
        let refused =
            Listener::try_open(&server, &key, "", query, None).await.err().unwrap_or_else(|| panic!("{query}"));
        refused.problem(status, code);
    }
    let ahead = format!("{}-999999", start.split('-').next().unwrap());
    let refused = Listener::try_open(&server, &key, "", "", Some(&ahead)).await.err().expect("a position ahead");
    refused.problem(400, "invalid_position");
    drop((listener, all));
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_left_out_is_told() {
    let server = TestServer::start_with("[tail]\ncatch_up_max = 1000\n");
    let start = Listener::open(&server, &server.key, "default", "", None).await.at.clone();
    server.append("default", "", body(0..500)).await.json(200);
    // Numbers are shared with the audit journal: what is not so far behind is not left out.
    let mut listener = Listener::open(&server, &server.key, "default", "?fields=event_id", Some(&start)).await;
    assert_eq!(listener.ids(500).await.len(), 500);
    drop(listener);
    server.append("default", "", body(500..3_500)).await.json(200);
    let mut listener =
        Listener::open(&server, &server.key, "default", "?fields=event_id&module=orders", Some(&start)).await;
    let dropped = listener.said().await.unwrap();
    let through: i64 = dropped.id.as_deref().unwrap().split('-').nth(1).unwrap().parse().unwrap();
    let after: i64 = start.split('-').nth(1).unwrap().parse().unwrap();
    let count = format!("SELECT count(*) FROM events WHERE module = 'orders' AND _seq > {after} AND _seq <= {through}");
    let matching = server.count("default", &count).await;
    assert!((500..1_167).contains(&matching), "{matching}");
    assert_eq!((dropped.event.as_str(), dropped.data["events"].as_u64()), ("dropped", Some(matching)));
    assert_eq!(dropped.data["after"], start);
    assert_eq!(dropped.id.as_deref(), dropped.data["through"].as_str());
    let rest = format!("SELECT event_id FROM events WHERE module = 'orders' AND _seq > {through} ORDER BY _seq");
    let rest: Vec<String> =
        server.rows("default", &rest).await.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect();
    assert_eq!(listener.ids(rest.len()).await, rest);
    drop(listener);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_slowly_is_caught_up_and_holds_nobody_up() {
    const EVENTS: u64 = 40_000;
    let server = TestServer::start_with("[tail]\nbuffer_max = \"1MiB\"\n[flush]\ninterval = \"200ms\"\n");
    let slow = Listener::open(&server, &server.key, "default", "", None).await;
    let mut quick = Listener::open(&server, &server.key, "default", "?fields=event_id&outcome=failure", None).await;
    for from in (0..EVENTS).step_by(1_000) {
        server.append("default", "", body(from..from + 1_000)).await.json(200);
    }
    assert_eq!(quick.ids(usize::try_from(EVENTS / 10).unwrap()).await.len() as u64, EVENTS / 10);
    let (mut bytes, mut text, mut seen) = (slow.into_bytes(), String::new(), Vec::new());
    while (seen.len() as u64) < EVENTS {
        text.push_str(std::str::from_utf8(&bytes.next().await.unwrap().unwrap()).unwrap());
        while let Some(end) = text.find("\n\n") {
            let block = Block::parse(&text.drain(..end + 2).collect::<String>());
            assert!(block.event.is_empty(), "{block:?}");
            if let Some(id) = block.data["event_id"].as_str() {
                seen.push(id.to_owned());
            }
        }
    }
    assert!(seen.iter().enumerate().all(|(at, id)| *id == format!("e-{at}")), "each once, in order");
    assert!(server.metric("kronika_tail_behind_total", "default").await >= 1.0, "it fell behind");
    drop((bytes, quick));
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn places_are_limited_and_given_back() {
    let server = TestServer::start_with("[tail]\nlisteners_max = 3\nkey_listeners_max = 2\nheartbeat = \"100ms\"\n");
    let key = query_key(&server, json!({})).await;
    let one = Listener::open(&server, &key, "", "", None).await;
    let two = Listener::open(&server, &key, "", "", None).await;
    let refused = Listener::try_open(&server, &key, "", "", None).await.err().expect("one too many of this key");
    assert!(refused.problem(429, "tail_full")["detail"].as_str().unwrap().contains("tail.key_listeners_max"));
    assert!(refused.headers.contains_key("retry-after"));
    let three = Listener::open(&server, &server.key, "default", "", None).await;
    let refused = Listener::try_open(&server, &server.key, "default", "", None).await.err().expect("one too many");
    assert!(refused.problem(429, "tail_full")["detail"].as_str().unwrap().contains("tail.listeners_max"));
    drop((one, two, three));
    gone(&server).await;
    drop(Listener::open(&server, &key, "", "", None).await);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_say_why_they_end() {
    let server = TestServer::start();
    server.create_project("gone").await;
    let new = json!({"name": "short", "scopes": ["query"], "project": "default"});
    let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    let mut revoked = Listener::open(&server, made["secret"].as_str().unwrap(), "", "", None).await;
    let mut deleted = Listener::open(&server, &server.key, "gone", "", None).await;
    let mut stopped = Listener::open(&server, &server.key, "default", "", None).await;
    let revoke = send(server.request(Method::DELETE, &format!("/api/v1/keys/{}", made["id"].as_str().unwrap())));
    assert_eq!(revoke.await.status, 204);
    assert_eq!(send(server.request(Method::DELETE, "/api/v1/projects/gone?confirm=gone")).await.status, 204);
    for (listener, reason) in [(&mut revoked, "key_ended"), (&mut deleted, "project_deleted")] {
        let end = listener.said().await.unwrap();
        assert_eq!((end.event.as_str(), end.data["reason"].as_str()), ("end", Some(reason)));
        assert_eq!(listener.said().await, None);
    }
    let stopping = tokio::task::spawn_blocking(move || {
        let started = Instant::now();
        server.stop();
        started.elapsed()
    });
    let end = stopped.said().await.unwrap();
    assert_eq!((end.event.as_str(), end.data["reason"].as_str()), ("end", Some("shutdown")));
    assert!(stopping.await.unwrap() < Duration::from_secs(10), "an open stream does not hold up the stop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_data_directory_goes_on_where_the_table_ends() {
    let store = tempfile::tempdir().unwrap();
    let config = format!("[storage]\nurl = \"{}\"\n", store.path().display());
    let server = TestServer::start_with(&config);
    let mut listener = Listener::open(&server, &server.key, "default", "?fields=event_id", None).await;
    server.append("default", "", body(0..10)).await.json(200);
    server.flush().await;
    // Seen, and lost with the machine.
    server.append("default", "", body(10..20)).await.json(200);
    assert_eq!(listener.ids(20).await.len(), 20);
    let at = listener.at.clone();
    server.kill();
    let server = TestServer::start_with(&config);
    server.append("default", "", body(100..110)).await.json(200);
    let mut listener = Listener::open(&server, &server.key, "default", "?fields=event_id", Some(&at)).await;
    let ids: Vec<String> = (100..110).map(|id| format!("e-{id}")).collect();
    assert_eq!(listener.ids(10).await, ids, "numbers that were given out twice hide nothing");
    drop(listener);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_goes_on_over_a_restart() {
    // The second server must have the address of the first.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let home = Home::new("");
    let start = || TestServer::start_at(&home, port);
    let server = start();
    let at = Listener::open(&server, &server.key, "default", "", None).await.at.clone();
    let mut child = kronika();
    child.args(["tail", "module=orders", "--format", "json", "--fields", "event_id", "--limit", "20", "--after", &at]);
    child.args(["--server", &server.url, "--project", "default"]).env("KRONIKA_KEY", &server.key);
    let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let started = Instant::now();
    while server.metric("kronika_tail_listeners", "").await < 1.0 {
        assert!(started.elapsed() < listener::PATIENCE);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    server.append("default", "", body(0..30)).await.json(200);
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(server.stop());
    let server = start();
    server.append("default", "", body(30..60)).await.json(200);
    let output = tokio::task::spawn_blocking(move || child.wait_with_output().unwrap()).await.unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let ids: Vec<String> = (0..60).step_by(3).map(|id| json!({"event_id": format!("e-{id}")}).to_string()).collect();
    assert_eq!(text.lines().collect::<Vec<_>>(), ids);
    assert_eq!(text.lines().collect::<BTreeSet<_>>().len(), 20);
    server.stop();
}
