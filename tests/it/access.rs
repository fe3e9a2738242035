//! Keys and projects as their owners meet them: made, restricted, rotated, revoked, deleted.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Answer, Home, TestServer, kronika, send};

/// Longest time until a revocation or expiry is effective.
const EFFECTIVE: Duration = Duration::from_secs(1);
/// Hours of work, nothing to hold in memory.
const LONG: &str = "SELECT count(*) FROM generate_series(1, 1000000000000) a(x) WHERE x % 7 = 8";

async fn make(server: &TestServer, new: Value) -> Value {
    send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201)
}

async fn key(server: &TestServer, scopes: &[&str], restrictions: Value) -> (String, String) {
    let new = json!({"name": "k", "scopes": scopes, "project": "default", "restrictions": restrictions});
    let answer = make(server, new).await;
    (answer["id"].as_str().unwrap().into(), answer["secret"].as_str().unwrap().into())
}

async fn append(server: &TestServer, key: &str, query: &str, body: String) -> Answer {
    let request = server.with(key, Method::POST, &format!("/api/v1/events{query}"));
    send(request.header("content-type", "application/x-ndjson").body(body)).await
}

async fn revoke(server: &TestServer, id: &str) {
    let answer = send(server.request(Method::DELETE, &format!("/api/v1/keys/{id}"))).await;
    assert_eq!(answer.status, 204, "{}", answer.text);
}

#[tokio::test]
async fn a_revoked_keys_running_query_ends_within_a_second() {
    let server = TestServer::start();
    let (id, secret) = key(&server, &["query"], json!({})).await;
    let revoked = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        revoke(&server, &id).await;
        Instant::now()
    };
    let (answer, revoked) = tokio::join!(server.ask(&secret, LONG), revoked);
    let ended = revoked.elapsed();
    answer.problem(401, "key_ended");
    assert!(ended < EFFECTIVE, "{ended:?}");
    server.ask(&secret, "SELECT 1").await.problem(401, "unauthenticated");
    server.stop();
}

#[tokio::test]
async fn an_answer_on_its_way_breaks_off_when_its_key_is_revoked() {
    let server = TestServer::start_with("[query]\nrows_max = 1000000000\nbytes_max = \"64GiB\"\n");
    let (id, secret) = key(&server, &["query"], json!({})).await;
    let sql = "SELECT x, x % 7 FROM generate_series(1, 1000000000000) a(x)";
    let request = server.with(&secret, Method::POST, "/api/v1/query");
    let mut response = request.json(&json!({"sql": sql, "format": "ndjson"})).send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(response.chunk().await.unwrap().is_some());
    revoke(&server, &id).await;
    let started = Instant::now();
    let broken = loop {
        match response.chunk().await {
            Ok(Some(_)) => {}
            other => break other.is_err(),
        }
    };
    assert!(broken, "a cut answer must not look complete");
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    server.stop();
}

#[tokio::test]
async fn an_expired_keys_running_query_ends_within_a_second() {
    let server = TestServer::start();
    let new = json!({"name": "short", "scopes": ["query"], "project": "default", "expires_in": "3s"});
    let made = make(&server, new).await;
    let started = Instant::now();
    server.ask(made["secret"].as_str().unwrap(), LONG).await.problem(401, "key_ended");
    // The key was made at a fraction of a second; expiry is counted in whole ones.
    assert!((2..=4).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    let id = made["id"].as_str().unwrap();
    let shown = send(server.request(Method::GET, &format!("/api/v1/keys/{id}"))).await.json(200);
    assert_eq!(shown["state"], "expired", "{shown}");
    server.stop();
}

#[tokio::test]
async fn a_key_is_rotated_with_an_overlap() {
    let server = TestServer::start();
    let (id, first) = key(&server, &["query"], json!({})).await;
    let rotate = |body: Value| send(server.request(Method::POST, &format!("/api/v1/keys/{id}/rotate")).json(&body));
    let rotated = rotate(json!({"overlap": "2s"})).await.json(200);
    assert_eq!((&rotated["state"], rotated["id"].as_str()), (&json!("rotating"), Some(id.as_str())));
    let second = rotated["secret"].as_str().unwrap();
    for secret in [&first, second] {
        assert_eq!(server.ask(secret, "SELECT 1").await.status, 200);
    }
    tokio::time::sleep(Duration::from_millis(2_200)).await;
    server.ask(&first, "SELECT 1").await.problem(401, "unauthenticated");
    assert_eq!(server.ask(second, "SELECT 1").await.status, 200);
    let list = send(server.request(Method::GET, "/api/v1/keys")).await.json(200);
    let shown = list.as_array().unwrap().iter().find(|key| key["id"] == id.as_str()).unwrap().clone();
    assert_eq!(shown["state"], "active");
    assert!(shown["last_used_at"].as_str().unwrap().ends_with(":00Z"), "{shown}");
    rotate(json!({"overlap": "soon"})).await.problem(400, "invalid_json");
    rotate(json!({"expires_in": "366d"})).await.problem(400, "invalid_key");
    revoke(&server, &id).await;
    rotate(json!({})).await.problem(409, "key_not_active");
    server.stop();
}

#[tokio::test]
async fn the_first_admin_key_never_expires_and_the_last_is_kept() {
    let server = TestServer::start();
    let list = send(server.request(Method::GET, "/api/v1/keys")).await.json(200);
    assert_eq!((&list[0]["expires_at"], &list[0]["state"]), (&Value::Null, &json!("active")));
    let id = list[0]["id"].as_str().unwrap();
    send(server.request(Method::DELETE, &format!("/api/v1/keys/{id}"))).await.problem(409, "last_admin_key");
    let second = make(&server, json!({"name": "second", "scopes": ["admin"]})).await;
    assert!(second["expires_at"].is_string());
    revoke(&server, id).await;
    // Its owner has the second one; where none is valid any more, the next start makes one.
    let home = server.stop();
    let keys = home.data_dir().join("keys.json");
    let sealed = std::fs::read(&keys).unwrap();
    let mut stored: Vec<Value> = serde_json::from_slice(kronika::sealed::unseal(&sealed).unwrap()).unwrap();
    stored.iter_mut().for_each(|key| key["expires_at"] = json!(1));
    std::fs::write(&keys, json!(stored).to_string()).unwrap();
    let server = TestServer::start_in(&home);
    let list = send(server.request(Method::GET, "/api/v1/keys")).await.json(200);
    assert_eq!(list.as_array().unwrap().iter().filter(|key| key["state"] == "active").count(), 1, "{list}");
    server.stop();
}

#[tokio::test]
async fn a_key_for_some_modules_and_tenants_sends_their_events_only() {
    let server = TestServer::start();
    let restrictions = json!({"modules": ["orders", "pay*"], "tenant_ids": ["acme"]});
    let (_, secret) = key(&server, &["ingest"], restrictions).await;
    let line = |id: u32, module: &str, tenant: &str| {
        json!({"event_id": id.to_string(), "module": module, "tenant_id": tenant}).to_string() + "\n"
    };
    let body = line(1, "orders", "acme")
        + &line(2, "vault", "acme")
        + "no json\n"
        + &line(3, "payments", "acme")
        + &line(4, "orders", "umbrella")
        + "{\"event_id\":\"5\",\"tenant_id\":\"acme\"}\n"
        + &line(1, "orders", "acme");
    let answer = append(&server, &secret, "", body.clone()).await.json(200);
    assert_eq!(
        (&answer["accepted"], &answer["rejected"], &answer["duplicates"]),
        (&json!(2), &json!(4), &json!(1)),
        "{answer}"
    );
    assert_eq!(answer["error_counts"]["module_not_allowed"], 2);
    assert_eq!(answer["error_counts"]["tenant_not_allowed"], 1);
    let lines: Vec<u64> =
        answer["errors"].as_array().unwrap().iter().map(|error| error["line"].as_u64().unwrap()).collect();
    assert_eq!(lines, [2, 3, 5, 6]);
    append(&server, &secret, "?atomic=true", line(6, "orders", "acme") + &line(7, "vault", "acme"))
        .await
        .problem(400, "events_rejected");
    append(&server, &secret, "", line(8, "vault", "acme")).await.problem(400, "events_rejected");
    let stored = "SELECT event_id FROM events ORDER BY event_id";
    assert_eq!(json!(server.rows("default", stored).await), json!([["1"], ["3"]]));
    // Replay reads the verdicts, not the key.
    let server = TestServer::start_in(&server.kill());
    assert_eq!(json!(server.rows("default", stored).await), json!([["1"], ["3"]]));
    // What was refused was not remembered: an unrestricted key may send it.
    let answer = server.append("default", "", line(2, "vault", "acme")).await.json(200);
    assert_eq!(answer["accepted"], 1, "{answer}");
    server.stop();
}

#[tokio::test]
async fn a_key_for_some_datasets_and_locations_sends_their_events_only() {
    let server = TestServer::start();
    let (_, secret) = key(&server, &["ingest"], json!({"datasets": ["log", "calls"], "unit_ids": ["w-1"]})).await;
    let line = |id: u32, dataset: Option<&str>, unit: Option<&str>| {
        json!({"event_id": id.to_string(), "dataset": dataset, "unit_id": unit}).to_string() + "\n"
    };
    let body = line(1, Some("log"), Some("w-1"))
        + &line(2, Some("audit"), Some("w-1"))
        + &line(3, Some("calls"), Some("w-2"))
        + &line(4, None, Some("w-1"))
        + &line(5, Some("log"), None)
        + &line(6, Some("log"), Some(""));
    let answer = append(&server, &secret, "", body).await.json(200);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(5)), "{answer}");
    assert_eq!(answer["error_counts"], json!({"dataset_not_allowed": 2, "unit_not_allowed": 3}));
    append(&server, &secret, "", line(7, Some("log"), Some("w-2"))).await.problem(400, "events_rejected");
    let stored = "SELECT event_id FROM events ORDER BY event_id";
    let server = TestServer::start_in(&server.kill());
    assert_eq!(json!(server.rows("default", stored).await), json!([["1"]]));
    server.stop();
}

#[tokio::test]
async fn sources_are_the_other_end_of_the_connection() {
    let home = Home::new("[server]\ntrusted_proxies = [\"192.0.2.0/24\"]\n");
    let server = TestServer::start_in(&home);
    let (_, here) = key(&server, &["query"], json!({"sources": ["127.0.0.0/8"]})).await;
    let (_, there) = key(&server, &["query"], json!({"sources": ["10.0.0.0/8"]})).await;
    assert_eq!(server.ask(&here, "SELECT 1").await.status, 200);
    let unknown = server.ask("krn_q_wrong", "SELECT 1").await.problem(401, "unauthenticated");
    assert_eq!(server.ask(&there, "SELECT 1").await.problem(401, "unauthenticated"), unknown);
    let claimed = server.with(&there, Method::POST, "/api/v1/query").header("x-forwarded-for", "10.0.0.1");
    send(claimed.json(&json!({"sql": "SELECT 1"}))).await.problem(401, "unauthenticated");
    server.stop();
    let server = TestServer::start_with("[server]\ntrusted_proxies = [\"127.0.0.1\"]\n");
    let (_, there) = key(&server, &["query"], json!({"sources": ["10.0.0.0/8"]})).await;
    let forwarded = server.with(&there, Method::POST, "/api/v1/query").header("x-forwarded-for", "10.0.0.1");
    assert_eq!(send(forwarded.json(&json!({"sql": "SELECT 1"}))).await.status, 200);
    // Behind a proxy on this machine everybody would be a loopback address.
    let metrics = server.client.get(format!("{}/metrics", server.url)).header("x-forwarded-for", "10.0.0.1");
    send(metrics).await.problem(401, "unauthenticated");
    server.stop();
}

#[tokio::test]
async fn a_deleted_project_stays_deleted() {
    let server = TestServer::start();
    server.create_project("shop").await;
    let new = json!({"name": "k", "scopes": ["query", "ingest"], "project": "shop"});
    let old_key = make(&server, new).await["secret"].as_str().unwrap().to_owned();
    let keyed = |server: &TestServer, body: &'static str| {
        let request = server.request(Method::POST, "/api/v1/events").header("kronika-project", "shop");
        send(request.header("idempotency-key", "once").header("content-type", "application/x-ndjson").body(body))
    };
    keyed(&server, "{\"event_id\":\"1\"}\nbroken\n").await.json(200);
    server.flush().await;
    // Some events are in the log only.
    server.append("shop", "", "{\"event_id\":\"2\"}\n").await.json(200);
    let delete = |server: &TestServer, query: &str| {
        send(server.request(Method::DELETE, &format!("/api/v1/projects/shop{query}")))
    };
    let refused = delete(&server, "").await.problem(400, "confirmation_missing");
    assert!(refused["hint"].as_str().unwrap().contains("?confirm=shop"), "{refused}");
    delete(&server, "?confirm=default").await.problem(400, "confirmation_missing");
    assert_eq!(server.count("shop", "SELECT count(*) FROM events").await, 2);
    assert_eq!(delete(&server, "?confirm=shop").await.status, 204);
    let data = server.home().data_dir();
    for left in ["store/projects/shop", "dedup/shop", "dead_letters/shop.ndjson"] {
        assert!(!data.join(left).exists(), "{left}");
    }
    delete(&server, "?confirm=shop").await.problem(404, "project_not_found");
    server.append("shop", "", "{}\n").await.problem(404, "project_not_found");
    server.ask(&old_key, "SELECT 1").await.problem(401, "unauthenticated");
    assert_eq!(server.metric("kronika_hot_bytes", "project=\"shop\"").await, 0.0);
    // The log still speaks of it; the start takes no offence.
    let server = TestServer::start_in(&server.kill());
    let projects = send(server.request(Method::GET, "/api/v1/projects")).await.json(200);
    assert_eq!(projects, json!([{"name": "default"}]));
    // One of the same name begins anew: no events, ids, answers, keys of the old one.
    server.create_project("shop").await;
    let server = TestServer::start_in(&server.kill());
    assert_eq!(server.count("shop", "SELECT count(*) FROM events").await, 0);
    let again = keyed(&server, "{\"event_id\":\"1\"}\n").await;
    assert!(!again.headers.contains_key("idempotency-replayed"));
    assert_eq!(again.json(200)["accepted"], 1);
    let server = TestServer::start_in(&server.kill());
    assert_eq!(server.count("shop", "SELECT count(*) FROM events").await, 1);
    assert_eq!(keyed(&server, "{\"event_id\":\"1\"}\n").await.headers["idempotency-replayed"], "true");
    server.ask(&old_key, "SELECT 1").await.problem(401, "unauthenticated");
    server.stop();
}

#[tokio::test]
async fn a_deletion_that_was_cut_short_is_finished_at_the_next_start() {
    let server = TestServer::start();
    server.create_project("shop").await;
    server.append("shop", "", "{}\n").await.json(200);
    server.flush().await;
    server.append("shop", "", "{}\n").await.json(200);
    let home = server.kill();
    // As if the process had been killed behind the note.
    let note = json!({"shop": {"before_seq": 1_000, "deleted_at": 1, "removed": false}});
    std::fs::write(home.data_dir().join("deleted.json"), note.to_string()).unwrap();
    let server = TestServer::start_in(&home);
    let projects = send(server.request(Method::GET, "/api/v1/projects")).await.json(200);
    assert_eq!(projects, json!([{"name": "default"}]));
    assert!(!home.data_dir().join("store/projects/shop").exists());
    let sealed = std::fs::read(home.data_dir().join("deleted.json")).unwrap();
    let noted: Value = serde_json::from_slice(kronika::sealed::unseal(&sealed).unwrap()).unwrap();
    assert_eq!(noted["shop"]["removed"], true);
    server.stop();
}

#[tokio::test]
async fn a_project_is_deleted_while_it_is_written_read_flushed_and_compacted() {
    let server =
        TestServer::start_with("[flush]\ninterval = \"100ms\"\n[compaction]\ninterval = \"200ms\"\nfiles_min = 2\n");
    for round in 0..3 {
        server.create_project("busy").await;
        let body: String = (0..200).map(|n| format!("{{\"module\":\"m{}\"}}\n", n % 5)).collect();
        let write = async {
            loop {
                let answer = server.append("busy", "", body.clone()).await;
                match answer.status {
                    200 => {}
                    404 => break,
                    _ => panic!("{}", answer.text),
                }
            }
        };
        let read = async {
            while server.query("busy", "SELECT module, count(*) FROM events GROUP BY 1").await.status != 404 {}
        };
        let delete = async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            send(server.request(Method::DELETE, "/api/v1/projects/busy?confirm=busy")).await
        };
        let ((), (), deleted) = tokio::join!(write, read, delete);
        assert_eq!(deleted.status, 204, "round {round}: {}", deleted.text);
        assert!(!server.home().data_dir().join("store/projects/busy").exists());
    }
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(send(server.request(Method::GET, "/readyz")).await.text, "ok\n");
    assert!(!server.home().data_dir().join("store/projects/busy").exists());
    let server = TestServer::start_in(&server.kill());
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 0);
    server.stop();
}

#[tokio::test]
async fn no_secret_is_written_to_the_log() {
    let server = TestServer::start_in(&Home::with_env("", &[("RUST_LOG", "trace")]));
    let (id, first) = key(&server, &["query"], json!({})).await;
    let rotated = send(server.request(Method::POST, &format!("/api/v1/keys/{id}/rotate")).json(&json!({}))).await;
    let second = rotated.json(200)["secret"].as_str().unwrap().to_owned();
    for secret in [&first, &second] {
        server.ask(secret, "SELECT 1").await.json(200);
        let other_header = server.client.get(format!("{}/api/v1/queries", server.url)).header("x-api-key", secret);
        assert_eq!(send(other_header).await.status, 200);
        server.ask(secret, "SELECT nonsense").await.problem(400, "unknown_column");
        send(server.with(secret, Method::POST, "/api/v1/admin/flush")).await.problem(403, "forbidden");
    }
    let http2 = reqwest::Client::builder().http2_prior_knowledge().build().unwrap();
    send(http2.get(format!("{}/api/v1/queries", server.url)).bearer_auth(&second)).await.json(200);
    revoke(&server, &id).await;
    let (admin, log) = (server.key.clone(), server.log_handle());
    server.stop();
    let log = log.lock().unwrap().join("\n");
    assert!(log.len() > 1_000, "the log says too little to prove anything");
    for secret in [&first, &second, &admin] {
        let random = secret.split('_').nth(3).unwrap();
        assert!(!log.contains(random), "a secret stands in the log");
    }
}

#[tokio::test]
async fn keys_and_projects_from_the_command_line() {
    let server = TestServer::start();
    let run = |arguments: &[&str]| {
        let mut command = kronika();
        command.args(arguments).args(["--server", &server.url]).env("KRONIKA_KEY", &server.key);
        let done = command.output().unwrap();
        (done.status.code(), String::from_utf8(done.stdout).unwrap(), String::from_utf8(done.stderr).unwrap())
    };
    assert_eq!(run(&["projects", "create", "shop"]).0, Some(0));
    let file = server.home().path("query.key");
    let file = file.to_str().unwrap();
    let (code, out, err) = run(&[
        "keys",
        "create",
        "dashboards",
        "--scope",
        "query",
        "--project",
        "shop",
        "--module",
        "order*",
        "--mask",
        "message",
        "--from",
        "127.0.0.0/8",
        "--expires-in",
        "30d",
        "--secret-file",
        file,
        "--json",
    ]);
    assert_eq!((code, err.as_str()), (Some(0), ""), "{out}");
    assert!(!out.contains("krn_"), "{out}");
    let made: Value = serde_json::from_str(&out).unwrap();
    let id = made["id"].as_str().unwrap();
    use std::os::unix::fs::PermissionsExt;
    assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
    let secret = std::fs::read_to_string(file).unwrap();
    assert_eq!(server.ask(secret.trim(), "SELECT count(*) FROM events").await.status, 200);
    let (code, out, _) = run(&["keys", "list"]);
    assert!(code == Some(0) && out.contains(id) && out.contains("dashboards") && !out.contains("krn_"), "{out}");
    let (code, out, _) = run(&["keys", "rotate", id, "--overlap", "0s"]);
    assert!(code == Some(0) && out.contains("krn_q_"), "{out}");
    server.ask(secret.trim(), "SELECT 1").await.problem(401, "unauthenticated");
    assert_eq!(run(&["keys", "revoke", id]).0, Some(0));
    assert_eq!(run(&["keys", "revoke", "nobody"]).0, Some(1));
    let (code, _, err) = run(&["projects", "delete", "shop", "--confirm", "shpo"]);
    assert!(code == Some(1) && err.contains("confirm"), "{err}");
    assert_eq!(run(&["projects", "delete", "shop", "--confirm", "shop"]).0, Some(0));
    assert_eq!(run(&["projects", "delete", "shop", "--confirm", "shop"]).0, Some(1));
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_key_outlives_its_project() {
    let server = TestServer::start();
    for _ in 0..10 {
        server.create_project("brief").await;
        let new = json!({"name": "k", "scopes": ["query"], "project": "brief"});
        let begun = tokio::sync::Notify::new();
        let make = async {
            let mut secrets: Vec<String> = Vec::new();
            loop {
                let answer = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await;
                if answer.status != 201 {
                    answer.problem(404, "project_not_found");
                    return secrets;
                }
                secrets.push(answer.json(201)["secret"].as_str().unwrap().to_owned());
                begun.notify_one();
            }
        };
        let delete = async {
            // However slow the machine is, some keys are made before.
            begun.notified().await;
            tokio::time::sleep(Duration::from_millis(15)).await;
            send(server.request(Method::DELETE, "/api/v1/projects/brief?confirm=brief")).await
        };
        let (secrets, deleted) = tokio::join!(make, delete);
        assert_eq!(deleted.status, 204, "{}", deleted.text);
        for secret in &secrets {
            server.ask(secret, "SELECT 1").await.problem(401, "unauthenticated");
        }
        assert!(!secrets.is_empty());
    }
    server.stop();
}
