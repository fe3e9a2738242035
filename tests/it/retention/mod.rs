//! How long events stay: policies, dry runs, brakes, legal holds; through HTTP only. Erasures stand in `erasure`.

mod beside;
mod erasure;

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Answer, Home, TestServer, send};

/// Days ago at noon, as an event has it.
fn days_ago(days: i64) -> String {
    let noon = chrono::Utc::now().date_naive().and_hms_opt(12, 0, 0).unwrap();
    (noon - chrono::TimeDelta::days(days)).format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn day(days: i64) -> String {
    days_ago(days)[..10].to_owned()
}

async fn call(server: &TestServer, method: Method, path: &str, body: Value) -> Answer {
    send(server.request(method, path).json(&body)).await
}

async fn get(server: &TestServer, path: &str) -> Value {
    send(server.request(Method::GET, path)).await.json(200)
}

/// One event a day and module, `per` times.
async fn fill(server: &TestServer, project: &str, modules: &[&str], days: &[i64], per: usize) {
    let mut body = String::new();
    for module in modules {
        for days in days {
            for n in 0..per {
                let event = json!({"event_id": format!("{module}-{days}-{n}"), "event_time": days_ago(*days), "module": module,
                    "actor_id": format!("actor-{}", days % 3), "object_type": "order", "object_id": format!("{days}")});
                body += &format!("{event}\n");
            }
        }
    }
    server.append(project, "", body).await.json(200);
    server.flush().await;
}

/// What the audit journal has of an event type, its attributes and some columns.
async fn audited(server: &TestServer, event_type: &str) -> Vec<Vec<Value>> {
    let columns = "status, actor_id, object_id, attributes, object_after, message";
    audit_rows(server, &format!("SELECT {columns} FROM events WHERE event_type = '{event_type}' ORDER BY _seq")).await
}

/// Rows of a statement over the audit journal.
async fn audit_rows(server: &TestServer, sql: &str) -> Vec<Vec<Value>> {
    let new = json!({"name": "auditor", "scopes": ["audit-read"], "project": "_audit"});
    let key = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    let answer = server.ask(key["secret"].as_str().unwrap(), sql).await.json(200);
    serde_json::from_value(answer["rows"].clone()).unwrap()
}

#[tokio::test]
async fn a_policy_is_tried_confirmed_and_carried_out_by_partitions() {
    let server = TestServer::start_with("[retention]\nfloor_days = 10\nshare_max = 50\n");
    server.create_project("shop").await;
    fill(&server, "shop", &["orders", "logs"], &[100, 50, 20, 1], 3).await;
    let shop = "/api/v1/retention/shop";
    assert_eq!(get(&server, shop).await["keep"], "forever");
    call(&server, Method::PUT, shop, json!({"keep": "9d"})).await.problem(400, "retention_below_floor");
    call(&server, Method::PUT, shop, json!({"modules": {"logs": "9d"}})).await.problem(400, "retention_below_floor");
    call(&server, Method::PUT, shop, json!({"keep": "10d"})).await.json(200);
    let answer = call(&server, Method::PUT, shop, json!({"keep": "60d", "modules": {"logs": "10d"}})).await.json(200);
    assert_eq!(
        (&answer["keep"], &answer["modules"]["logs"], &answer["floor_days"]),
        (&json!("60d"), &json!("10d"), &json!(10))
    );
    assert_eq!(get(&server, "/api/v1/retention").await.as_array().unwrap().len(), 2);

    let plan = get(&server, &format!("{shop}/plan")).await;
    assert_eq!(
        (&plan["rows"], &plan["partitions"], &plan["files"], &plan["percent"]),
        (&json!(12), &json!(4), &json!(4), &json!(50))
    );
    assert_eq!((&plan["oldest"], &plan["newest"]), (&json!(day(100)), &json!(day(20))));
    assert_eq!(
        plan["modules"][0],
        json!({"module": "logs", "keep": "10d", "partitions": 3, "files": 3, "rows": 9,
        "bytes": plan["modules"][0]["bytes"], "oldest": day(100), "newest": day(20)})
    );
    assert_eq!(plan["needs_confirmation"], false, "50 % is not more than 50 %");
    assert!(plan["bytes"].as_u64().unwrap() > 0);
    // One event more of what goes, and it is more than the share.
    fill(&server, "shop", &["logs"], &[30], 1).await;
    let more = get(&server, &format!("{shop}/plan")).await;
    assert_eq!((&more["percent"], &more["needs_confirmation"]), (&json!(52), &json!(true)));
    let run = format!("{shop}/run");
    let refused = call(&server, Method::POST, &run, json!({})).await.problem(409, "confirmation_needed");
    assert!(refused["hint"].as_str().unwrap().contains(more["plan"].as_str().unwrap()), "{refused}");
    call(&server, Method::POST, &run, json!({"confirm": plan["plan"]})).await.problem(409, "plan_changed");
    assert_eq!(server.count("shop", "SELECT count(*) FROM events").await, 25);
    let done = call(&server, Method::POST, &run, json!({"confirm": more["plan"]})).await.json(200);
    assert_eq!((&done["rows"], &done["files"]), (&json!(13), &json!(5)));
    assert_eq!(server.count("shop", "SELECT count(*) FROM events").await, 12);
    let left = server.rows("shop", "SELECT module, count(*) FROM events GROUP BY 1 ORDER BY 1").await;
    assert_eq!(left, [[json!("logs"), json!("3")], [json!("orders"), json!("9")]]);
    // Again it is nothing; what comes late for an old day goes with the next run.
    assert_eq!(call(&server, Method::POST, &run, json!({})).await.json(200)["rows"], 0);
    fill(&server, "shop", &["logs"], &[90], 1).await;
    assert_eq!(call(&server, Method::POST, &run, json!({})).await.json(200)["rows"], 1);
    assert_eq!(server.metric("kronika_retained_away_events_total", "shop").await, 14.0);
    let told = audited(&server, "retention.run").await;
    let attributes: Value = serde_json::from_str(told[0][3].as_str().unwrap()).unwrap();
    assert_eq!(
        (&attributes["events"], &attributes["by"], &attributes["oldest"]),
        (&json!(13), &json!("call"), &json!(day(100)))
    );
    // The policy survives a restart; one that says nothing is the server's.
    let server = TestServer::start_in(&server.stop());
    assert_eq!(get(&server, shop).await["policy"], json!({"keep": "60d", "modules": {"logs": "10d"}}));
    assert_eq!(call(&server, Method::PUT, shop, json!({})).await.json(200)["keep"], "forever");
    server.stop();
}

#[tokio::test]
async fn what_cannot_be_said_is_refused() {
    let server = TestServer::start();
    let cases = [
        (Method::PUT, "/api/v1/retention/default", json!({"keep": "soon"}), 400, "invalid_json"),
        (Method::PUT, "/api/v1/retention/default", json!({"days": 5}), 400, "invalid_json"),
        (Method::PUT, "/api/v1/retention/nobody", json!({}), 404, "project_not_found"),
        (Method::PUT, "/api/v1/retention/_audit", json!({"keep": "1d"}), 400, "audit_policy"),
        (Method::PUT, "/api/v1/retention/NO", json!({}), 400, "invalid_project"),
        (Method::POST, "/api/v1/retention/default/run", json!({"confirm": "x"}), 409, "plan_changed"),
        (Method::POST, "/api/v1/holds", json!({"project": "nobody", "reason": "r"}), 404, "project_not_found"),
        (Method::POST, "/api/v1/holds", json!({"project": "default", "reason": " "}), 400, "invalid_hold"),
        (Method::POST, "/api/v1/holds", json!({"project": "default", "reason": "r", "from": "x"}), 400, "invalid_json"),
        (Method::POST, "/api/v1/holds/hold_1/lift", json!({"reason": "r"}), 404, "hold_not_found"),
        (Method::POST, "/api/v1/erasures", json!({"project": "default", "reason": "r"}), 400, "invalid_erasure"),
        (
            Method::POST,
            "/api/v1/erasures",
            json!({"project": "default", "column": "actor_id", "value": "x"}),
            400,
            "invalid_erasure",
        ),
        (
            Method::POST,
            "/api/v1/erasures",
            json!({"project": "_audit", "column": "actor_id", "value": "x", "reason": "r"}),
            400,
            "invalid_erasure",
        ),
        (
            Method::POST,
            "/api/v1/erasures",
            json!({"project": "nobody", "column": "actor_id", "value": "x", "reason": "r"}),
            404,
            "project_not_found",
        ),
        (
            Method::POST,
            "/api/v1/erasures/preview",
            json!({"project": "default", "column": "nope", "value": "x"}),
            400,
            "invalid_erasure",
        ),
        (Method::DELETE, "/api/v1/erasures/erase_1", json!({}), 404, "erasure_not_found"),
    ];
    for (method, path, body, status, code) in cases {
        let answer = call(&server, method, path, body.clone()).await;
        assert_eq!(answer.status, status, "{path} {body}: {}", answer.text);
        answer.problem(status, code);
    }
    for path in ["holds/hold_1", "erasures/erase_1"] {
        assert_eq!(send(server.request(Method::GET, &format!("/api/v1/{path}"))).await.status, 404);
    }
    server.stop();
}

#[tokio::test]
async fn a_sweep_lets_go_by_itself_is_stopped_by_its_brakes_and_leaves_audit_to_the_settings() {
    let config = "[retention]\ninterval = \"1s\"\ndefault_days = 30\nshare_max = 40\n";
    let server = TestServer::start_with(config);
    fill(&server, "default", &["a"], &[40, 3, 2, 1], 2).await;
    let started = Instant::now();
    while server.count("default", "SELECT count(*) FROM events").await != 6 {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    server.create_project("bulk").await;
    fill(&server, "bulk", &["a"], &[50, 40, 1], 1).await;
    server.wait_for_audit("retention.refused").await;
    assert_eq!(server.count("bulk", "SELECT count(*) FROM events").await, 3);
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    let told = audited(&server, "retention.refused").await;
    assert_eq!(told.len(), 1, "told once: {told:?}");
    assert!(server.metric("kronika_retention_refused_total", "bulk").await >= 2.0);

    // By a clock that stands behind what was known to be right nothing goes unasked.
    let home = server.stop();
    let path = home.data_dir().join("retention.json");
    let text = std::fs::read_to_string(&path).unwrap();
    // Without its checksum, as a release before wrote it.
    let mut kept: Value = serde_json::from_str(text.split("\n#crc32c=").next().unwrap()).unwrap();
    kept["trusted_us"] = json!(kept["trusted_us"].as_i64().unwrap() + 3 * 86_400_000_000_i64);
    std::fs::write(&path, kept.to_string()).unwrap();
    let server = TestServer::start_in(&home);
    fill(&server, "default", &["late"], &[40], 1).await;
    let run = "/api/v1/retention/default/run";
    call(&server, Method::POST, run, json!({})).await.problem(409, "clock_suspect");
    let plan = get(&server, "/api/v1/retention/default/plan").await;
    assert!(plan["clock"].as_str().unwrap().contains("behind") && plan["needs_confirmation"] == true, "{plan}");
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 7);
    call(&server, Method::POST, run, json!({"confirm": plan["plan"]})).await.json(200);
    assert_eq!(server.count("default", "SELECT count(*) FROM events").await, 6);
    assert!(get(&server, "/api/v1/retention/default/plan").await.get("clock").is_none(), "confirmed once");
    server.stop();
}

#[tokio::test]
async fn a_hold_wins_over_policies_erasures_and_the_deletion_of_its_project() {
    let server = TestServer::start_with("[retention]\nshare_max = 100\n");
    server.create_project("shop").await;
    // actor-1 on the days 40 and 100, actor-0 on 60, actor-2 on 80 and 50.
    fill(&server, "shop", &["orders", "logs"], &[100, 80, 60, 50, 40], 2).await;
    call(&server, Method::PUT, "/api/v1/retention/shop", json!({"keep": "30d"})).await.json(200);
    let place = async |more: Value| {
        let mut hold = json!({"project": "shop", "reason": "case 7"});
        hold.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        call(&server, Method::POST, "/api/v1/holds", hold).await.json(201)["id"].as_str().unwrap().to_owned()
    };
    let by_days = place(json!({"modules": ["logs"], "from": day(62), "to": day(50)})).await;
    let by_actor = place(json!({"actor": "actor-2", "modules": ["orders"]})).await;
    let by_object = place(json!({"object": "order:100", "modules": ["logs"]})).await;
    place(json!({"actor": "nobody"})).await;
    let plan = get(&server, "/api/v1/retention/shop/plan").await;
    // logs of 60 and 50, orders of 80 and 50, logs of 100 stay.
    assert_eq!(
        (&plan["held"]["partitions"], &plan["held"]["rows"], &plan["rows"]),
        (&json!(5), &json!(10), &json!(10))
    );
    let mut holding: Vec<String> = serde_json::from_value(plan["held"]["holds"].clone()).unwrap();
    holding.sort();
    let mut want = vec![by_days.clone(), by_actor.clone(), by_object.clone()];
    want.sort();
    assert_eq!(holding, want);
    call(&server, Method::POST, "/api/v1/retention/shop/run", json!({})).await.json(200);
    let left = server.rows("shop", "SELECT DISTINCT module, object_id FROM events ORDER BY 1, 2").await;
    let left: Vec<String> =
        left.iter().map(|row| format!("{} {}", row[0].as_str().unwrap(), row[1].as_str().unwrap())).collect();
    assert_eq!(left, ["logs 100", "logs 50", "logs 60", "orders 50", "orders 80"]);

    let erase = |except: bool| json!({"project": "shop", "column": "actor_id", "value": "actor-2", "reason": "request 1", "except_held": except});
    let preview = call(&server, Method::POST, "/api/v1/erasures/preview", erase(false)).await.json(200);
    // Orders by the actor, logs of day 50 by its day.
    assert_eq!((&preview["rows"], &preview["held"]), (&json!(0), &json!(6)));
    let refused = call(&server, Method::POST, "/api/v1/erasures", erase(false)).await.problem(409, "legal_hold");
    assert!(refused["detail"].as_str().unwrap().contains("6 of these events"), "{refused}");
    let gone = send(server.request(Method::DELETE, "/api/v1/projects/shop?confirm=shop")).await;
    gone.problem(409, "legal_hold");

    // Lifted, they hold nothing; who placed and lifted them stays on record, over a restart.
    let lift = format!("/api/v1/holds/{by_days}/lift");
    call(&server, Method::POST, &lift, json!({"reason": "closed"})).await.json(200);
    call(&server, Method::POST, &lift, json!({"reason": "closed"})).await.problem(409, "hold_lifted");
    let server = TestServer::start_in(&server.stop());
    let holds = get(&server, "/api/v1/holds?project=shop").await;
    assert_eq!(holds.as_array().unwrap().len(), 4);
    let lifted = get(&server, &format!("/api/v1/holds/{by_days}")).await;
    assert_eq!((&lifted["lifted"]["reason"], &lifted["reason"]), (&json!("closed"), &json!("case 7")));
    assert_eq!(lifted["placed_by"], lifted["lifted"]["by"]);
    assert_eq!(server.metric("kronika_holds", "").await, 3.0);
    // The sweep of the start may have been first.
    call(&server, Method::POST, "/api/v1/retention/shop/run", json!({})).await.json(200);
    assert_eq!(server.count("shop", "SELECT count(*) FROM events").await, 6);
    let made = call(&server, Method::POST, "/api/v1/erasures", erase(true)).await.json(202);
    let done = erasure::done(&server, made["id"].as_str().unwrap()).await;
    assert_eq!((&done["counts"]["rows"], &done["proof"]["rows_left"]), (&json!(0), &json!(4)));
    for (event_type, count) in [("hold.place", 4), ("hold.lift", 2)] {
        let told = audited(&server, event_type).await;
        let ended = told.iter().filter(|row| row[0] != "begun").count();
        assert_eq!(ended, count, "{event_type}: {told:?}");
    }
    for hold in [by_actor, by_object] {
        call(&server, Method::POST, &format!("/api/v1/holds/{hold}/lift"), json!({"reason": "closed"})).await.json(200);
    }
    let all = get(&server, "/api/v1/holds").await;
    let last = all.as_array().unwrap().iter().find(|hold| hold.get("lifted").is_none()).unwrap()["id"]
        .as_str()
        .unwrap()
        .to_owned();
    call(&server, Method::POST, &format!("/api/v1/holds/{last}/lift"), json!({"reason": "closed"})).await.json(200);
    assert_eq!(send(server.request(Method::DELETE, "/api/v1/projects/shop?confirm=shop")).await.status, 204);
    server.stop();
}

#[tokio::test]
async fn a_hold_of_everything_keeps_what_lies_beside_events_as_well() {
    let server = TestServer::start_in(&Home::new(""));
    fill(&server, "default", &["a"], &[1], 3).await;
    call(&server, Method::POST, "/api/v1/holds", json!({"project": "default", "reason": "r"})).await.json(201);
    let erase = json!({"project": "default", "column": "actor_id", "value": "somebody else", "reason": "r", "except_held": true});
    let refused = call(&server, Method::POST, "/api/v1/erasures", erase).await.problem(409, "legal_hold");
    assert!(refused["detail"].as_str().unwrap().contains("all events"), "{refused}");
    server.stop();
}
