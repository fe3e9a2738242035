//! The engine's own jobs: listed for operators, among a project's tasks, reported by imports, canceled.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Answer, TestServer, kronika, send};

fn events(count: usize, at: usize) -> String {
    let event = |n| json!({"event_id": format!("{at}-{n}"), "event_time": "2025-03-01T10:00:00Z", "module": "orders"});
    (0..count).map(|n| format!("{}\n", event(n))).collect()
}

async fn jobs(server: &TestServer, query: &str) -> Vec<Value> {
    let answer = send(server.request(Method::GET, &format!("/api/v1/jobs?{query}"))).await.json(200);
    answer["jobs"].as_array().unwrap().clone()
}

async fn key(server: &TestServer, scopes: &[&str], restrictions: Value) -> String {
    let new = json!({"name": "worker", "scopes": scopes, "project": "default", "restrictions": restrictions});
    let answer = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    answer["secret"].as_str().unwrap().to_owned()
}

/// A server on which 3 events were flushed in three flushes, and compacted.
async fn worked() -> TestServer {
    let server = TestServer::start();
    for at in 0..3 {
        server.append("default", "", events(1, at)).await.json(200);
        server.flush().await;
    }
    server.compact().await;
    server
}

#[tokio::test]
async fn flushes_and_compactions_are_jobs_and_stay_over_a_restart() {
    let server = worked().await;
    let ours =
        |jobs: Vec<Value>| -> Vec<Value> { jobs.into_iter().filter(|job| job["project"] == "default").collect() };
    let flushes = ours(jobs(&server, "kind=flush").await);
    assert_eq!(flushes.len(), 3);
    let first = &flushes[2];
    assert_eq!((first["state"].as_str(), first["subject"].as_str()), (Some("done"), Some("1 events")));
    assert_eq!((&first["result"]["events"], &first["done"], &first["total"]), (&json!(1), &json!(1), &json!(1)));
    let compactions = ours(jobs(&server, "kind=compaction&state=done").await);
    assert_eq!(compactions.len(), 1, "{compactions:?}");
    assert_eq!(compactions[0]["result"]["files_in"], 3);
    assert_eq!(jobs(&server, "limit=1").await.len(), 1);
    let id = compactions[0]["id"].as_str().unwrap();
    let one = send(server.request(Method::GET, &format!("/api/v1/jobs/{id}"))).await.json(200);
    assert_eq!(one, compactions[0]);
    let cancel = |id: &str| send(server.request(Method::POST, &format!("/api/v1/jobs/{id}/cancel")));
    cancel(id).await.problem(409, "job_ended");
    cancel("none").await.problem(404, "job_not_found");
    send(server.request(Method::GET, "/api/v1/jobs/none")).await.problem(404, "job_not_found");
    for wrong in ["limit=0", "limit=1001", "kind=coffee", "state=enqueued", "other=1"] {
        send(server.request(Method::GET, &format!("/api/v1/jobs?{wrong}"))).await.problem(400, "invalid_parameter");
    }
    assert_eq!(jobs(&server, "limit=1000").await.len(), jobs(&server, "").await.len());
    send(server.request(Method::GET, "/api/v1/jobs").header("kronika-project", "none"))
        .await
        .problem(404, "project_not_found");

    let again = TestServer::start_in(&server.stop());
    assert_eq!(ours(jobs(&again, "kind=compaction").await), compactions);
    assert_eq!(ours(jobs(&again, "kind=flush").await)[..3], flushes[..]);
}

#[tokio::test]
async fn they_are_tasks_of_their_project_in_every_filter_order_and_page() {
    let server = worked().await;
    let task = json!({"event_time": "2025-03-01T10:00:00Z", "task_id": "t1", "task_type": "CAMPAIGN", "task_status": "done", "source": "shop"});
    server.append("default", "", format!("{task}\n")).await.json(200);
    let tasks = async |query: &str| {
        let answer = server.get("default", &format!("/api/v1/tasks?{query}")).await.json(200);
        answer["tasks"].as_array().unwrap().clone()
    };
    let all = tasks("").await;
    let types: Vec<&str> = all.iter().map(|task| task["task_type"].as_str().unwrap()).collect();
    assert_eq!(types, ["compaction", "flush", "flush", "flush", "CAMPAIGN"], "the last report first");
    let own = &all[0];
    assert_eq!((own["source"].as_str(), own["dataset"].as_str()), (Some("kronika"), Some("jobs")));
    assert_eq!((own["task_status"].as_str(), &own["task_result"]["files_in"]), (Some("done"), &json!(3)), "{own:#}");
    assert_eq!(own["started_by"]["actor_type"], "system");
    assert!(own["started_at"].as_str() <= own["updated_at"].as_str());
    assert_eq!(tasks("source=shop").await.len(), 1);
    assert_eq!(tasks("source!=shop&task_type=flush").await.len(), 3);
    assert_eq!(tasks("task_status=failed").await.len(), 0);
    // All pages together are the list.
    let (mut paged, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = server.get("default", &format!("/api/v1/tasks?limit=2{cursor}")).await.json(200);
        paged.extend(page["tasks"].as_array().unwrap().clone());
        let Some(next) = page["next"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(paged, all);
    // As of a moment between two flushes.
    let before = all[2]["started_at"].as_str().unwrap();
    assert_eq!(tasks(&format!("as_of={before}")).await.len(), 2 + 1);
    let id = own["task_id"].as_str().unwrap();
    let one = server.get("default", &format!("/api/v1/tasks/{id}")).await.json(200);
    assert_eq!((&one["task"], &one["timeline"], &one["related"]), (own, &json!([]), &json!([])));
    server.get("default", &format!("/api/v1/tasks/{id}?source=shop")).await.problem(404, "task_not_found");
    // Other projects, and keys that do not show everything, see none of it.
    server.create_project("other").await;
    let other = server.get("other", "/api/v1/tasks").await.json(200);
    assert_eq!(other["tasks"], json!([]));
    server.get("other", &format!("/api/v1/tasks/{id}")).await.problem(404, "task_not_found");
    for restrictions in
        [json!({"modules": ["orders"]}), json!({"masked_columns": ["message"]}), json!({"lookback_days": 3000})]
    {
        let key = key(&server, &["query"], restrictions.clone()).await;
        let ask = |path: String| send(server.with(&key, Method::GET, &path));
        let seen = ask("/api/v1/tasks".into()).await.json(200);
        assert!(
            seen["tasks"].as_array().unwrap().iter().all(|task| task["source"] != "kronika"),
            "{restrictions}: {seen}"
        );
        ask(format!("/api/v1/tasks/{id}")).await.problem(404, "task_not_found");
    }
    let plain = key(&server, &["query"], json!({})).await;
    let seen = send(server.with(&plain, Method::GET, "/api/v1/tasks?source=kronika")).await.json(200);
    assert_eq!(seen["tasks"].as_array().unwrap().len(), 4);
    // What is explained is what is run.
    let explained = server.get("default", "/api/v1/tasks?source=kronika&explain=sql").await.json(200);
    let body = json!({"sql": explained["sql"], "params": explained["params"]});
    let rerun = server.request(Method::POST, "/api/v1/query").header("kronika-project", "default").json(&body);
    assert_eq!(send(rerun).await.json(200)["rows"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn an_import_is_a_job_of_its_key_until_it_ends_is_canceled_or_falls_silent() {
    let server = TestServer::start_with("[jobs]\nimports_max = 2\nimport_silence_max = \"2s\"\n");
    let (ours, theirs) = (key(&server, &["ingest"], json!({})).await, key(&server, &["ingest"], json!({})).await);
    let begin = |name: &str, bytes: Value| {
        send(server.with(&ours, Method::POST, "/api/v1/imports").json(&json!({"name": name, "bytes": bytes})))
    };
    let report = async |key: &str, id: &str, report: Value| -> Answer {
        send(server.with(key, Method::POST, &format!("/api/v1/imports/{id}")).json(&report)).await
    };
    let first = begin("first.ndjson", json!(100)).await.json(201);
    let id = first["id"].as_str().unwrap();
    assert_eq!((first["kind"].as_str(), first["total"].as_u64()), (Some("import"), Some(100)));
    let told = report(&ours, id, json!({"done": 40, "accepted": 7})).await.json(200);
    assert_eq!(
        (&told["state"], &told["done"], &told["result"]["accepted"]),
        (&json!("in_progress"), &json!(40), &json!(7))
    );
    report(&theirs, id, json!({"done": 1})).await.problem(404, "job_not_found");
    report(&ours, "none", json!({"done": 1})).await.problem(404, "job_not_found");
    report(&ours, id, json!({"done": -1})).await.problem(400, "invalid_json");
    report(&ours, id, json!({"done": 1, "state": "enqueued"})).await.problem(400, "invalid_json");
    let tasks = server.get("default", "/api/v1/tasks?task_type=import").await.json(200);
    assert_eq!(
        (&tasks["tasks"][0]["task_progress"], &tasks["tasks"][0]["task_done_count"]),
        (&json!(40.0), &json!("40"))
    );

    // Two at once; the third goes unreported.
    let second = begin("second.ndjson", Value::Null).await.json(201);
    let refused = begin("third.ndjson", Value::Null).await;
    assert!(refused.headers.contains_key("retry-after"));
    refused.problem(429, "too_many_imports");
    report(&ours, id, json!({"done": 100, "accepted": 10, "state": "done"})).await.json(200);
    report(&ours, id, json!({"done": 100, "state": "done"})).await.problem(404, "job_not_found");

    let id = second["id"].as_str().unwrap();
    send(server.request(Method::POST, &format!("/api/v1/jobs/{id}/cancel"))).await.json(202);
    let told = report(&ours, id, json!({"done": 5})).await.json(200);
    assert_eq!(told["state"], "canceled");

    let silent = begin("silent.ndjson", Value::Null).await.json(201);
    let started = Instant::now();
    loop {
        let job = jobs(&server, "kind=import").await.remove(0);
        assert_eq!(job["id"], silent["id"]);
        if job["state"] == "failed" {
            assert_eq!(job["error"], "nothing was heard of its client any more");
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(30), "{job}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let states: Vec<_> = jobs(&server, "kind=import").await.into_iter().map(|job| job["state"].clone()).collect();
    assert_eq!(states, ["failed", "canceled", "done"]);
}

#[tokio::test]
async fn the_command_line_imports_as_a_job_and_lists_them() {
    let server = TestServer::start();
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("orders.ndjson");
    std::fs::write(&file, events(20, 0)).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = kronika();
        command.args(arguments).args(["--server", &server.url, "--key", &server.key]);
        let output = command.env("KRONIKA_STATE_DIR", dir.path().join("state")).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, _, err) = run(&["import", file.to_str().unwrap()]);
    assert_eq!(code, Some(0), "{err}");
    let (code, out, err) = run(&["jobs", "list", "--kind", "import", "--json"]);
    assert_eq!(code, Some(0), "{err}");
    let listed: Value = serde_json::from_str(&out).unwrap();
    let job = &listed["jobs"][0];
    assert_eq!((job["subject"].as_str(), job["state"].as_str()), (Some("orders.ndjson"), Some("done")));
    assert_eq!((&job["result"]["accepted"], &job["done"]), (&json!(20), &job["total"]));
    let id = job["id"].as_str().unwrap();
    let (_, out, _) = run(&["jobs", "list"]);
    assert!(out.contains("orders.ndjson") && out.contains(id), "{out}");
    let (code, out, _) = run(&["jobs", "show", id]);
    assert!(code == Some(0) && out.contains("subject: orders.ndjson"), "{out}");
    let (code, _, err) = run(&["jobs", "cancel", id]);
    assert!(code != Some(0) && err.contains("has ended"), "{err}");
}
