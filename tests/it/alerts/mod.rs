//! Alerts as those who are told meet them: a real receiver, a real mail server, real restarts.

mod receivers;

use std::time::{Duration, Instant};

use kronika::journal::webhook::{SIGNATURE_HEADER, verify};
use reqwest::Method;
use serde_json::{Value, json};

use self::receivers::{HttpReceiver, MailServer, wait_until};
use crate::common::{Answer, Home, TestServer, kronika, send};

/// Rules that are asked several times a second, and calls to this machine.
const SETTINGS: &str = "[alerts]\nevery_min = \"100ms\"\ndelay = \"100ms\"\nretry_first = \"100ms\"\n\
    [webhook]\nallowed_networks = [\"127.0.0.0/8\"]\nretry_first = \"50ms\"\n";
/// Key of the signature.
const SECRET: &str = "a secret of both sides";
/// Time in which a rule is asked several times.
const SEVERAL_TICKS: Duration = Duration::from_millis(1_500);

fn failures(url: &str, more: Value) -> Value {
    let mut alert = json!({"name": "Failures", "filter": {"outcome": "failure"}, "condition": {"op": ">=", "value": 1},
        "window": "10m", "every": "100ms", "channels": [{"type": "webhook", "url": url, "secret": SECRET}]});
    alert.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    alert
}

fn failed(id: &str) -> String {
    json!({"event_id": id, "module": "orders", "event_type": "x", "tenant_id": "a", "outcome": "failure"}).to_string()
}

async fn create(server: &TestServer, key: &str, alert: &Value) -> Value {
    send(server.with(key, Method::POST, "/api/v1/alerts").json(alert)).await.json(201)
}

async fn get(server: &TestServer, key: &str, id: &Value) -> Value {
    send(server.with(key, Method::GET, &format!("/api/v1/alerts/{}", id.as_str().unwrap()))).await.json(200)
}

async fn query_key(server: &TestServer, restrictions: Value) -> (String, String) {
    let new = json!({"name": "alerts", "scopes": ["query"], "project": "default", "restrictions": restrictions});
    let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    (made["secret"].as_str().unwrap().to_owned(), made["id"].as_str().unwrap().to_owned())
}

async fn wait_for_status(server: &TestServer, id: &Value, status: &str) -> Value {
    let started = Instant::now();
    loop {
        let alert = get(server, &server.key, id).await;
        if alert["status"] == status {
            return alert;
        }
        assert!(started.elapsed() < Duration::from_secs(60), "not {status}: {alert}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_task_is_told_once_over_restarts() {
    let receiver = HttpReceiver::start().await;
    let server = TestServer::start_with(SETTINGS);
    let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("data/golden/idosell.ndjson");
    let journal = std::fs::read_to_string(golden).unwrap();
    let asked =
        json!({"template": "task_failed", "every": "100ms", "channels": [{"type": "webhook", "url": receiver.url}]});
    let alert = create(&server, &server.key, &asked).await;
    let secret = alert["secrets"][0].as_str().expect("a secret that is shown once");
    assert_eq!(alert["channels"][0], json!({"type": "webhook", "url": receiver.url}), "lists do not have it");
    tokio::time::sleep(SEVERAL_TICKS).await;
    assert!(receiver.calls().is_empty(), "nothing has failed yet");
    server.append("default", "", journal.clone()).await.json(200);

    let calls = receiver.wait_for(1).await;
    let told = calls[0].json();
    assert_eq!((&told["status"], &told["alert"]["id"], &told["value"]), (&json!("firing"), &alert["id"], &json!(1.0)));
    assert_eq!(told["group"], json!({"source": "idosell", "task_id": "pt-310"}), "golden event 700015");
    let now = chrono::Utc::now().timestamp();
    let signature = calls[0].header(SIGNATURE_HEADER);
    assert!(verify(secret, signature, &calls[0].body, now, 60));
    assert!(
        !verify(secret, signature, b"{}", now, 60)
            && !verify("another secret, as long", signature, &calls[0].body, now, 60)
    );
    let golden =
        server.rows("default", "SELECT event_id FROM events WHERE task_status = 'failed' AND source = 'idosell'").await;
    assert_eq!(golden, [[json!("700015")]]);

    // The same events again, a clean restart, a crash: the episode goes on, and nobody is told again.
    server.append("default", "", journal).await.json(200);
    let server = TestServer::start_in(&server.stop());
    tokio::time::sleep(SEVERAL_TICKS).await;
    let server = TestServer::start_in(&server.kill());
    tokio::time::sleep(SEVERAL_TICKS).await;
    let shown = get(&server, &server.key, &alert["id"]).await;
    assert_eq!((&shown["status"], shown["groups"].as_array().unwrap().len()), (&json!("firing"), 1));
    assert_eq!(receiver.statuses(), ["firing"]);
    let sql = "SELECT event_type, object_id, object_type, dataset, source FROM events WHERE source = 'kronika' AND dataset = 'alerts'";
    let id = &alert["id"];
    assert_eq!(
        server.rows("default", sql).await,
        [[json!("alert.firing"), id.clone(), json!("alert"), json!("alerts"), json!("kronika")]]
    );
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_episode_is_resolved_and_the_next_one_is_another() {
    let receiver = HttpReceiver::start().await;
    let server = TestServer::start_with(SETTINGS);
    let alert = create(&server, &server.key, &failures(&receiver.url, json!({"window": "1500ms"}))).await;
    // A receiver that fails at first is told in the end.
    receiver.answer(500);
    server.append("default", "", failed("one")).await.json(200);
    receiver.wait_for(2).await;
    receiver.answer(200);
    wait_until(|| receiver.statuses().contains(&"resolved".to_owned()), || format!("{:?}", receiver.statuses())).await;
    server.append("default", "", failed("two")).await.json(200);
    wait_until(
        || receiver.statuses().iter().filter(|status| *status == "resolved").count() == 2,
        || format!("{:?}", receiver.statuses()),
    )
    .await;
    let mut notes: Vec<(String, String)> = receiver
        .calls()
        .iter()
        .map(|call| (call.json()["episode"].to_string(), call.json()["notification"].to_string()))
        .collect();
    notes.sort();
    notes.dedup();
    assert_eq!(notes.len(), 4, "tries of one notice have one id: {notes:?}");
    notes.dedup_by(|a, b| a.0 == b.0);
    assert_eq!(notes.len(), 2, "two episodes");
    let history = server
        .rows(
            "default",
            "SELECT event_type, action FROM events WHERE dataset = 'alerts' ORDER BY event_time, event_type",
        )
        .await;
    let line = |kind: &str, action: &str| vec![json!(kind), json!(action)];
    assert_eq!(
        history,
        [
            line("alert.firing", "start"),
            line("alert.resolved", "stop"),
            line("alert.firing", "start"),
            line("alert.resolved", "stop")
        ]
    );
    assert_eq!(wait_for_status(&server, &alert["id"], "ok").await["groups"], json!([]));
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_quiet_hours_nobody_is_told() {
    let receiver = HttpReceiver::start().await;
    let server = TestServer::start_with(SETTINGS);
    let now = chrono::Utc::now();
    let hour = |hours: i64| (now + chrono::Duration::hours(hours)).format("%H:%M").to_string();
    let quiet = json!({"tz": "UTC", "from": hour(-2), "to": hour(2)});
    let alert = create(&server, &server.key, &failures(&receiver.url, json!({"quiet": quiet}))).await;
    server.append("default", "", failed("one")).await.json(200);
    let shown = wait_for_status(&server, &alert["id"], "firing").await;
    assert_eq!(shown["waiting"], 1);
    tokio::time::sleep(SEVERAL_TICKS).await;
    assert!(receiver.calls().is_empty());
    assert_eq!(
        server.count("default", "SELECT count(*) FROM events WHERE event_type = 'alert.firing'").await,
        1,
        "it is recorded"
    );
    // The quiet is over: what still fires is told.
    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().unwrap());
    send(server.request(Method::PUT, &path).json(&failures(&receiver.url, json!({})))).await.json(200);
    receiver.wait_for(1).await;
    tokio::time::sleep(SEVERAL_TICKS).await;
    assert_eq!(receiver.statuses(), ["firing"]);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_are_sent_until_they_are_taken() {
    let mails = MailServer::start(2).await;
    let settings = format!(
        "{SETTINGS}[smtp]\nhost = \"127.0.0.1\"\nport = {}\ntls = \"none\"\nfrom = \"Kronika <kronika@shop.example>\"\n",
        mails.address.port()
    );
    let server = TestServer::start_with(&settings);
    let channels =
        json!({"channels": [{"type": "email", "to": ["anna@shop.example", "boris@shop.example"]}], "by": ["module"]});
    create(&server, &server.key, &failures("", channels)).await;
    server.append("default", "", failed("one")).await.json(200);
    let taken = mails.wait_for(1).await;
    tokio::time::sleep(SEVERAL_TICKS).await;
    assert_eq!(mails.mails().len(), 1);
    assert_eq!(taken[0].from, "kronika@shop.example");
    assert_eq!(taken[0].to, ["anna@shop.example", "boris@shop.example"]);
    for line in
        ["Subject: [firing] Failures (orders)", "module: orders", "value: 1 (fires where >= 1)", "Message-ID: <"]
    {
        assert!(taken[0].text.contains(line), "{line} in {}", taken[0].text);
    }
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_sees_what_its_key_sees_and_ends_with_it() {
    let receiver = HttpReceiver::start().await;
    let server = TestServer::start_with(SETTINGS);
    let (key, id) = query_key(&server, json!({"modules": ["payments"], "masked_columns": ["actor_email"]})).await;
    let alert = create(&server, &key, &failures(&receiver.url, json!({}))).await;
    server.append("default", "", failed("of another module")).await.json(200);
    tokio::time::sleep(SEVERAL_TICKS).await;
    assert!(receiver.calls().is_empty(), "it counts what the key can read");
    for (wrong, code) in [
        (failures(&receiver.url, json!({"by": ["actor_email"]})), "hidden_column"),
        (failures(&receiver.url, json!({"filter": {"actor_email": "x"}})), "hidden_column"),
    ] {
        send(server.with(&key, Method::POST, "/api/v1/alerts").json(&wrong)).await.problem(403, code);
    }
    server.append("default", "", failed("own").replace("orders", "payments")).await.json(200);
    assert_eq!(receiver.wait_for(1).await[0].json()["value"], 1.0);
    // Other keys: an unrestricted one sees the rule and does not change it, a restricted one does not see it.
    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().unwrap());
    let (other, _) = query_key(&server, json!({})).await;
    let (stranger, _) = query_key(&server, json!({"modules": ["orders"]})).await;
    send(server.with(&other, Method::GET, &path)).await.json(200);
    send(server.with(&other, Method::DELETE, &path)).await.problem(403, "not_your_alert");
    send(server.with(&other, Method::POST, &format!("{path}/test"))).await.problem(403, "not_your_alert");
    send(server.with(&stranger, Method::GET, &path)).await.problem(404, "alert_not_found");
    assert_eq!(send(server.request(Method::DELETE, &format!("/api/v1/keys/{id}"))).await.status, 204);
    let stopped = wait_for_status(&server, &alert["id"], "stopped").await;
    assert!(stopped["problem"].as_str().unwrap().contains("key"), "{stopped}");
    let sql = "SELECT count(*) FROM events WHERE event_type = 'alert.stopped'";
    wait_for_count(&server, sql, 1).await;
    let server = TestServer::start_in(&server.stop());
    assert_eq!(get(&server, &server.key, &alert["id"]).await["status"], "stopped");
    server.append("default", "", failed("later").replace("orders", "payments")).await.json(200);
    tokio::time::sleep(SEVERAL_TICKS).await;
    assert_eq!(receiver.statuses(), ["firing"]);
    assert_eq!(server.count("default", sql).await, 1);
    server.stop();
}

async fn wait_for_count(server: &TestServer, sql: &str, count: u64) {
    let started = Instant::now();
    while server.count("default", sql).await != count {
        assert!(started.elapsed() < Duration::from_secs(60), "not {count}: {sql}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_ready_made_alert_finds_what_it_is_for() {
    let server = TestServer::start_with(SETTINGS);
    let templates = send(server.request(Method::GET, "/api/v1/alerts/templates")).await.json(200);
    let event = |id: String, more: Value| {
        let mut event = json!({"event_id": id, "module": "m", "event_type": "x", "tenant_id": "a", "source": "shop"});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        format!("{event}\n")
    };
    let mut body = String::new();
    for number in 0..50 {
        body += &event(format!("d{number}"), json!({"action": "delete", "actor_id": "u1"}));
        if number < 5 {
            body += &event(format!("p{number}"), json!({"peer_name": "DPD", "http_status": 503}));
        }
    }
    body += &event("t".into(), json!({"task_status": "failed", "task_id": "t1"}));
    body += &event("r".into(), json!({"action": "create", "event_type": "permission.granted", "object_id": "role-1"}));
    body += &event(
        "l".into(),
        json!({"action": "login", "actor_email": "anna@shop.example", "client_address": "192.0.2.1"}),
    );
    server.append("default", "", body).await.json(200);
    for template in templates.as_array().unwrap() {
        let name = template["id"].as_str().unwrap();
        // Nothing is an hour old yet.
        let condition = if name == "source_silent" {
            json!({"op": ">=", "value": 0})
        } else {
            template["alert"]["condition"].clone()
        };
        let alert =
            create(&server, &server.key, &json!({"template": name, "every": "100ms", "condition": condition})).await;
        let shown = wait_for_status(&server, &alert["id"], "firing").await;
        assert_eq!(shown["groups"].as_array().unwrap().len(), 1, "{name}: {shown}");
    }
    // An address from which the same person came before is not new.
    let trial = json!({"template": "login_new_address", "window": "100ms", "every": "100ms"});
    let alert = create(&server, &server.key, &trial).await;
    server
        .append(
            "default",
            "",
            event(
                "l2".into(),
                json!({"action": "login", "actor_email": "anna@shop.example", "client_address": "192.0.2.1"}),
            ),
        )
        .await
        .json(200);
    tokio::time::sleep(SEVERAL_TICKS).await;
    assert_eq!(get(&server, &server.key, &alert["id"]).await["status"], "ok");
    let sql = format!("SELECT count(*) FROM events WHERE object_id = '{}'", alert["id"].as_str().unwrap());
    assert_eq!(server.count("default", &sql).await, 0);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trial_says_what_would_be_and_who_heard_it() {
    let receiver = HttpReceiver::start().await;
    let server = TestServer::start_with(SETTINGS);
    server.append("default", "", failed("one")).await.json(200);
    let alert = create(&server, &server.key, &failures(&receiver.url, json!({"enabled": false}))).await;
    let path = format!("/api/v1/alerts/{}/test", alert["id"].as_str().unwrap());
    let trial = send(server.request(Method::POST, &path)).await.json(200);
    assert_eq!(trial["groups"], json!([{"group": {}, "value": 1.0, "crosses": true}]));
    assert_eq!(trial["channels"], json!([{"type": "webhook", "ok": true, "error": null}]));
    assert_eq!(receiver.statuses(), ["test"]);
    // What it says it asked can be asked.
    let question = json!({"sql": trial["sql"], "params": trial["params"]});
    let answer = send(server.request(Method::POST, "/api/v1/query").json(&question)).await.json(200);
    assert_eq!(answer["rows"], json!([["1"]]));
    receiver.answer(503);
    let trial = send(server.request(Method::POST, &path)).await.json(200);
    assert!(trial["channels"][0]["error"].as_str().unwrap().contains("503"), "{trial}");
    tokio::time::sleep(SEVERAL_TICKS).await;
    assert_eq!(get(&server, &server.key, &alert["id"]).await["status"], "disabled");
    assert_eq!(receiver.statuses(), ["test", "test"]);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_that_cannot_be_are_refused() {
    let settings = "[alerts]\nrules_max = 1\ngroups_max = 2\nevery_min = \"10s\"\n";
    let server = TestServer::start_with(settings);
    let post =
        async |alert: Value| -> Answer { send(server.request(Method::POST, "/api/v1/alerts").json(&alert)).await };
    let webhook = |url: &str| failures(url, json!({"every": "10s"}));
    for (alert, status, code) in [
        (json!({}), 400, "invalid_alert"),
        (json!({"template": "none"}), 400, "invalid_alert"),
        (failures("https://hooks.example.com", json!({"every": "9999ms"})), 400, "invalid_alert"),
        (
            failures("https://hooks.example.com", json!({"every": "10s", "filter": {"modul": "x"}})),
            400,
            "unknown_filter",
        ),
        (
            failures("https://hooks.example.com", json!({"every": "10s", "filter": null, "sql": "DROP TABLE events"})),
            400,
            "not_a_query",
        ),
        (
            failures("https://hooks.example.com", json!({"every": "10s", "filter": null, "sql": "SELECT 1 AS v"})),
            400,
            "alert_answer_unusable",
        ),
        (
            failures(
                "https://hooks.example.com",
                json!({"every": "10s", "filter": null, "sql": "SELECT 'x' AS value"}),
            ),
            400,
            "alert_answer_unusable",
        ),
        (
            failures(
                "https://hooks.example.com",
                json!({"every": "10s", "filter": null, "sql": "SELECT * FROM (VALUES (1, 1), (2, 2), (3, 3)) AS t (value, g)"}),
            ),
            400,
            "alert_answer_unusable",
        ),
        (
            failures("", json!({"every": "10s", "channels": [{"type": "email", "to": ["a@b.example"]}]})),
            400,
            "mail_not_set_up",
        ),
        (webhook("http://127.0.0.1:9/"), 400, "invalid_alert"),
        (webhook("http://169.254.169.254/latest"), 400, "invalid_alert"),
        (webhook("http://[::1]:8080/"), 400, "invalid_alert"),
        (webhook("file:///etc/passwd"), 400, "invalid_alert"),
        (webhook("http://0x7f000001:8080/"), 400, "invalid_alert"),
        (webhook("http://example.com:22/"), 400, "invalid_alert"),
    ] {
        let answer = post(alert.clone()).await;
        assert_eq!(answer.status, status, "{alert}: {}", answer.text);
        answer.problem(status, code);
    }
    let two = json!({"every": "10s", "filter": null, "sql": "SELECT * FROM (VALUES (1, 1), (2, 2)) AS t (value, g)"});
    post(failures("https://hooks.example.com", two)).await.json(201);
    post(webhook("https://hooks.example.com")).await.problem(400, "too_many_alerts");
    let of_audit = server.request(Method::GET, "/api/v1/alerts").header("kronika-project", "_audit");
    assert_eq!(send(of_audit).await.status, 403);
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_command_line_makes_lists_tries_and_deletes_alerts() {
    let receiver = HttpReceiver::start().await;
    let server = TestServer::start_in(&Home::new(SETTINGS));
    let (url, key) = (server.url.clone(), server.key.clone());
    let run = async |arguments: &[&str]| {
        let mut command = kronika();
        command.arg("alerts").args(arguments).args(["--server", &url, "--project", "default"]).env("KRONIKA_KEY", &key);
        let output = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let made = run(&["create", "--template", "mass_deletion", "--webhook", &receiver.url]).await;
    assert!(made.contains("secret of its webhook, shown only now: "), "{made}");
    let id = made.split_whitespace().nth(1).unwrap().to_owned();
    let listed = run(&["list"]).await;
    assert!(listed.contains("Mass deletion") && listed.contains(&id), "{listed}");
    assert!(run(&["list", "--templates"]).await.contains("login_new_address"));
    assert!(run(&["test", &id, "--json"]).await.contains("\"ok\": true"));
    assert_eq!(receiver.statuses(), ["test"]);
    run(&["delete", &id]).await;
    assert!(!run(&["list"]).await.contains(&id));
    server.stop();
}
