//! Histories, lists of changes, sessions, visitors and background tasks; through HTTP only.

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{TestServer, send};
use super::golden::in_every_state;

/// Texts of a column of a list.
fn column<'a>(list: &'a Value, name: &str) -> Vec<&'a str> {
    list.as_array()
        .unwrap_or_else(|| panic!("no list: {list}"))
        .iter()
        .map(|row| row[name].as_str().unwrap_or("-"))
        .collect()
}

/// All pages of a list, each of `limit` rows.
async fn pages(server: &TestServer, project: &str, path: &str, list: &str, limit: usize) -> Vec<Value> {
    let (mut all, mut cursor) = (Vec::new(), String::new());
    loop {
        let sign = if path.contains('?') { '&' } else { '?' };
        let page = server.get(project, &format!("{path}{sign}limit={limit}{cursor}")).await.json(200);
        let rows = page[list].as_array().unwrap();
        assert!(rows.len() <= limit);
        all.extend(rows.iter().cloned());
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return all,
        }
    }
}

#[tokio::test]
async fn the_history_of_an_object_is_of_all_modules_in_either_order() {
    in_every_state(async |server, project, state| {
        let history = async |path: &str| server.get(project, &format!("/api/v1/objects/{path}")).await.json(200);
        let order = history("order/55042/history?order=oldest").await;
        assert_eq!(
            column(&order["events"], "event_id"),
            ["5", "6", "7", "8", "9", "10", "15"],
            "{state}: remonline-q10"
        );
        let order = history("order/104233/history?source=idosell&order=oldest").await;
        assert_eq!(
            column(&order["events"], "event_id"),
            ["700002", "700003", "700004", "700006", "700013"],
            "{state}: idosell-q07"
        );
        let campaign = history("campaign/camp_9/history?order=oldest").await;
        assert_eq!(column(&campaign["events"], "event_id"), ["log_1003", "log_1004"], "{state}: voucherify-q09");
        let user = history("user/400000002/history").await;
        assert_eq!(
            column(&user["events"], "event_id"),
            ["ge-6", "ge-5", "ge-4", "ge-3"],
            "{state}: deleted and restored"
        );
        let process = history("process/6001/history?order=oldest").await;
        assert_eq!(column(&process["events"], "event_id"), ["ge-14", "ge-15"], "{state}: only its history shows these");
        let notes = history("user/400000002/history?event_type=user.note_changed").await;
        assert_eq!(column(&notes["events"], "event_id"), ["ge-4", "ge-3"], "{state}");
        assert_eq!(history("order/0/history").await["events"], json!([]));
        for order in ["oldest", "newest"] {
            let path = format!("/api/v1/objects/order/55042/history?order={order}");
            let whole = server.get(project, &path).await.json(200);
            assert_eq!(
                Value::Array(pages(server, project, &path, "events", 2).await),
                whole["events"],
                "{state} {order}"
            );
        }
        server.get(project, "/api/v1/objects/order/55042/history?order=up").await.problem(400, "invalid_parameter");
        server.get(project, "/api/v1/objects/order/55042/history?cursor=zz").await.problem(400, "invalid_cursor");
        assert_eq!(server.get(project, "/api/v1/objects/order/55042/history?colour=red").await.status, 400);
    })
    .await;
}

#[tokio::test]
async fn who_changed_which_field_is_a_list() {
    in_every_state(async |server, project, state| {
        let changes = async |query: &str| server.get(project, &format!("/api/v1/changes?{query}")).await.json(200);
        let finish = changes("field=finish_at").await;
        assert_eq!(column(&finish["changes"], "event_id"), ["ge-11", "ge-1"], "{state}: getcourse-q09");
        let row = &finish["changes"][1];
        assert_eq!(
            (&row["before"], &row["after"], &row["actor_id"], &row["object_id"]),
            (&json!("2024-11-19"), &json!("2025-01-01"), &json!("398744362"), &json!("479365985")),
            "{state}"
        );
        assert_eq!(
            column(&changes("field=params.*").await["changes"], "event_id"),
            Vec::<&str>::new(),
            "{state}: only the object shows it"
        );
        assert_eq!(column(&changes("field=stat*").await["changes"], "event_id"), ["6", "1"], "{state}");
        let texts = changes("after=%D0%92%20%D1%80%D0%B0%D0%B1%D0%BE%D1%82%D0%B5").await;
        assert_eq!(column(&texts["changes"], "event_id"), ["6"], "{state}: a text without quotes");
        assert_eq!(changes("after=5000").await["changes"][0]["before"], json!(1000), "{state}");
        assert_eq!(column(&changes("before~=PARTNER").await["changes"], "event_id"), ["ge-2"], "{state}");
        assert_eq!(column(&changes("op=remove").await["changes"], "path"), ["note"], "{state}");
        let set = changes("op=set&source=getcourse").await;
        assert_eq!(
            column(&set["changes"], "path"),
            ["type", "webinarBlockId", "shown", "time"],
            "{state}: in their order"
        );
        let others = changes("source=getcourse&field!=finish_at&field!=note&op=replace&op=add").await;
        assert!(!column(&others["changes"], "path").iter().any(|path| ["finish_at", "note"].contains(path)), "{state}");
        let whole = changes("limit=1000").await;
        assert!(whole["changes"].as_array().unwrap().len() > 15, "{state}");
        assert_eq!(
            Value::Array(pages(server, project, "/api/v1/changes", "changes", 3).await),
            whole["changes"],
            "{state}"
        );
        server.get(project, "/api/v1/changes?op=move").await.problem(400, "invalid_parameter");
    })
    .await;
}

#[tokio::test]
async fn actors_are_told_with_all_they_were_called() {
    in_every_state(async |server, project, state| {
        let actor = server.get(project, "/api/v1/actors/32?source=remonline").await.json(200);
        assert_eq!((&actor["events"], &actor["identities"][0]["actor_name"]), (&json!(7), &json!("Олена Коваль")), "{state}: {actor}");
        assert_eq!(actor["actions"][0], json!({"action": "delete", "events": "4", "first_event_at": "2021-10-20T15:00:00Z", "last_event_at": "2021-11-11T15:45:00Z"}), "{state}");
        let by_mail = server.get(project, "/api/v1/actors/Anna@Firma.Example").await.json(200);
        assert_eq!((&by_mail["events"], &by_mail["identities"][0]["actor_id"]), (&json!(2), &json!("12")), "{state}: in any case");
        let history = server.get(project, "/api/v1/actors/398744362/history?order=oldest&limit=3").await.json(200);
        assert_eq!(column(&history["events"], "event_id"), ["ge-1", "ge-3", "ge-4"], "{state}: getcourse-q08");
        server.get(project, "/api/v1/actors/nobody").await.problem(404, "actor_not_found");
    })
    .await;
}

#[tokio::test]
async fn sessions_are_told_from_start_to_end() {
    in_every_state(async |server, project, state| {
        let listed = server.get(project, "/api/v1/sessions?as_of=2024-06-11T08:50:00Z").await.json(200);
        assert_eq!(column(&listed["sessions"], "session_id"), ["s-5552", "s-5551"], "{state}");
        let (open, over) = (&listed["sessions"][0], &listed["sessions"][1]);
        assert_eq!((&open["active"], &over["active"]), (&json!(true), &json!(false)), "{state}");
        assert_eq!(
            (&over["started_at"], &over["ended_at"]),
            (&json!("2024-06-11T08:00:00Z"), &json!("2024-06-11T08:12:00Z")),
            "{state}"
        );
        assert_eq!(
            (&over["events"], &over["products_viewed"], &over["cart_value"]),
            (&json!("4"), &json!("3"), &json!("159.97")),
            "{state}"
        );
        assert_eq!(
            (&over["visitor_id"], &over["actor_email"], &over["unit_name"]),
            (&json!("90017"), &json!("kasia@example.com"), &json!("sklep.example"))
        );
        let later = server.get(project, "/api/v1/sessions?active=true&as_of=2024-06-11T09:00:00Z").await.json(200);
        assert_eq!(later["sessions"], json!([]), "{state}: half an hour after its last event");
        let active = server.get(project, "/api/v1/sessions?active=true&as_of=2024-06-11T08:59:59Z").await.json(200);
        assert_eq!(column(&active["sessions"], "session_id"), ["s-5552"], "{state}");
        let with_cart = server.get(project, "/api/v1/sessions?object_type=cart").await.json(200);
        assert_eq!(column(&with_cart["sessions"], "session_id"), ["s-5551"], "{state}");
        assert_eq!(with_cart["sessions"][0]["events"], "4", "{state}: the whole session is told");
        let paged = pages(server, project, "/api/v1/sessions?as_of=2024-06-11T08:50:00Z", "sessions", 1).await;
        assert_eq!(Value::Array(paged), listed["sessions"], "{state}");
        let one = server.get(project, "/api/v1/sessions/s-5551").await.json(200);
        assert_eq!(column(&one["events"], "event_id"), ["9001", "9002", "9003", "9004"], "{state}: expertsender-q03");
        server.get(project, "/api/v1/sessions/none").await.problem(404, "session_not_found");
        server.get(project, "/api/v1/sessions?active=perhaps").await.problem(400, "invalid_parameter");
    })
    .await;
}

#[tokio::test]
async fn events_follow_from_sessions_as_the_product_says_itself() {
    in_every_state(async |server, project, state| {
        let derived = async |query: &str| server.get(project, &format!("/api/v1/sessions/derived?{query}&from=2024-06-01&to=2024-07-01")).await.json(200);
        let cart = derived("rule=abandoned_cart&as_of=2024-06-12T00:00:00Z").await;
        let want = json!([{
            "rule": "abandoned_cart", "event_time": "2024-06-11T09:12:00Z", "tenant_id": "bu-17", "source": "expertsender",
            "session_id": "s-5551", "visitor_id": "90017", "actor_email": "kasia@example.com", "object_type": "cart",
            "object_id": "cart-5551", "value": 159.97, "because_of_event_id": "9004", "recorded_event_id": "7001",
        }]);
        assert_eq!(cart["events"], want, "{state}: at the minute of the product's own event");
        let early = derived("rule=abandoned_cart&as_of=2024-06-11T09:11:59Z").await;
        assert_eq!(early["events"], json!([]), "{state}: not yet");
        let patient = derived("rule=abandoned_cart&as_of=2024-06-14T00:00:00Z&idle_minutes=2880").await;
        assert_eq!(patient["events"], json!([]), "{state}: she bought the next day");
        let bought = derived("rule=purchase").await;
        assert_eq!(column(&bought["events"], "object_id"), ["ZAM-3001"], "{state}");
        assert_eq!((&bought["events"][0]["recorded_event_id"], &bought["events"][0]["value"]), (&json!("7002"), &json!(159.97)));
        let visits = derived("rule=visit&source=expertsender").await;
        assert_eq!(column(&visits["events"], "session_id"), ["s-5552", "s-5551"], "{state}");
        let browsed = derived("rule=abandoned_browse").await;
        assert_eq!(column(&browsed["events"], "object_id"), ["SKU-9"], "{state}");
        assert_eq!(browsed["events"][0]["event_time"], "2024-06-11T09:30:00Z", "{state}");
        assert_eq!(derived("rule=abandoned_browse&products_min=2").await["events"], json!([]), "{state}");
        let rules = server.get(project, "/api/v1/sessions/derived").await.json(200);
        assert_eq!(column(&rules["rules"], "name"), ["abandoned_browse", "abandoned_cart", "purchase", "visit"]);
        server.get(project, "/api/v1/sessions/derived?rule=cart").await.problem(400, "invalid_parameter");
        server.get(project, "/api/v1/sessions/derived?rule=visit&idle=1").await.problem(400, "invalid_parameter");
    })
    .await;
}

#[tokio::test]
async fn a_visitor_who_is_recognised_later_has_one_history() {
    let server = TestServer::start();
    let visit = |id: &str, at: &str, visitor: &str, more: Value| {
        let mut event = json!({"event_id": id, "source": "shop", "event_time": format!("2025-01-01T{at}:00Z"), "visitor_id": visitor, "session_id": format!("s-{visitor}"), "action": "read"});
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        event.to_string()
    };
    let body = [
        visit("1", "08:00", "v1", json!({"actor_type": "visitor"})),
        visit("2", "08:05", "v1", json!({"actor_type": "customer", "actor_email": "Kasia@example.com"})),
        visit("3", "09:00", "v2", json!({"actor_type": "visitor"})),
        visit("4", "09:05", "v2", json!({"actor_type": "customer", "actor_email": "kasia@example.com", "actor_id": "781"})),
        json!({"event_id": "5", "source": "shop", "event_time": "2025-01-02T00:00:00Z", "actor_type": "customer", "actor_id": "781", "object_type": "order", "object_id": "Z1", "action": "complete"}).to_string(),
        // Others: another visitor, the same id elsewhere, an employee with the customer's number.
        visit("6", "10:00", "v3", json!({"actor_type": "visitor"})),
        visit("7", "10:00", "v1", json!({"source": "blog"})),
        json!({"event_id": "8", "source": "shop", "event_time": "2025-01-02T00:00:00Z", "actor_type": "employee", "actor_id": "781"}).to_string(),
    ];
    server.append("default", "", body.join("\n")).await.json(200);
    let ids = async |path: &str| {
        let history = server.get("default", &format!("/api/v1/visitors/{path}")).await.json(200);
        column(&history["events"], "event_id").into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    for who in ["v2", "kasia@example.com"] {
        assert_eq!(ids(&format!("{who}/history?order=oldest&source=shop")).await, ["1", "2", "3", "4", "5"], "{who}");
    }
    assert_eq!(ids("v3/history").await, ["6"]);
    assert_eq!(ids("v2/history?session_id=s-v1").await, ["2", "1"], "filters narrow it");
    let visitor = server.get("default", "/api/v1/visitors/v2").await.json(200);
    let found: Vec<_> =
        visitor["identities"].as_array().unwrap().iter().map(|one| one["value"].as_str().unwrap()).collect();
    assert_eq!(found, ["Kasia@example.com", "kasia@example.com", "781", "v1", "v2"], "{visitor}");
    assert_eq!(
        (&visitor["summary"]["events"], &visitor["summary"]["anonymous_events"], &visitor["summary"]["identified_at"]),
        (&json!("5"), &json!("2"), &json!("2025-01-01T08:05:00Z"))
    );
    server.get("default", "/api/v1/visitors/nobody").await.problem(404, "visitor_not_found");

    // An e-mail that everybody shares joins no more than can be followed.
    let shared: Vec<String> = (0..300)
        .map(|at| {
            visit(
                &format!("m{at}"),
                "12:00",
                &format!("m{at:03}"),
                json!({"source": "many", "actor_email": "all@example.com"}),
            )
        })
        .collect();
    server.append("default", "", shared.join("\n")).await.json(200);
    let visitor = server.get("default", "/api/v1/visitors/m001").await.json(200);
    assert_eq!((visitor["identities"].as_array().unwrap().len(), &visitor["more_identities"]), (200, &json!(true)));
    server.stop();
}

#[tokio::test]
async fn tasks_are_told_in_the_state_of_any_moment() {
    in_every_state(async |server, project, state| {
        let tasks = async |query: &str| server.get(project, &format!("/api/v1/tasks?{query}")).await.json(200);
        // The engine's own jobs are tasks as well.
        let all = tasks("source!=kronika").await;
        let told: Vec<_> = all["tasks"]
            .as_array()
            .unwrap()
            .iter()
            .map(|task| {
                (
                    task["source"].as_str().unwrap(),
                    task["task_id"].as_str().unwrap(),
                    task["task_status"].as_str().unwrap(),
                    task["task_progress"].as_f64().unwrap(),
                )
            })
            .collect();
        let want = [
            ("idosell", "pt-310", "failed", 62.0),
            ("idosell", "imp-77", "done", 100.0),
            ("voucherify", "exp_2bYLdY2lQ2886wmYIHyeBWUZ", "done", 100.0),
            ("voucherify", "aa_0c1f0e77aa0000001", "failed", 15.0),
            ("voucherify", "aa_0adad13d6f057f088e", "done", 100.0),
        ];
        assert_eq!(told, want, "{state}: cross-q06");
        let import = tasks("source=voucherify&task_type=VOUCHERS.IMPORT_CSV&task_status=done").await;
        assert_eq!(column(&import["tasks"], "task_id"), ["aa_0adad13d6f057f088e"], "{state}: voucherify-q07");
        let task = &import["tasks"][0];
        assert_eq!(
            (&task["task_done_count"], &task["task_failed_count"], &task["processing_ms"]),
            (&json!("998"), &json!("2"), &json!("30900")),
            "{state}: voucherify-q05"
        );
        assert_eq!(task["task_result"]["failed"][0]["row"], 17, "{state}");
        assert_eq!(
            (&task["started_by"]["event_id"], &task["started_by"]["known_by"]),
            (&json!("log_1002"), &json!("causation_id")),
            "{state}"
        );
        let failed = tasks("source=voucherify&task_status=failed").await;
        let by = &failed["tasks"][0]["started_by"];
        assert_eq!(
            (&by["event_id"], &by["http_method"], &by["actor_email"]),
            (&json!("log_1005"), &json!("DELETE"), &json!("marta@brand.example")),
            "{state}: voucherify-q06"
        );
        assert_eq!(failed["tasks"][0]["error_message"], "campaign is locked");
        let moment = tasks("source=voucherify&as_of=2024-10-16T08:00:15Z").await;
        let task = &moment["tasks"][0];
        assert_eq!(
            (
                moment["tasks"].as_array().unwrap().len(),
                &task["task_status"],
                &task["task_progress"],
                &task["processing_ms"]
            ),
            (1, &json!("in_progress"), &json!(40.0), &json!("14900")),
            "{state}: measured up to the moment"
        );
        assert_eq!(tasks("task_status!=done&task_status!=failed").await["tasks"], json!([]), "{state}");
        let import = tasks("task_id=imp-77").await;
        assert_eq!(
            (&import["tasks"][0]["processing_ms"], &import["tasks"][0]["started_by"]["known_by"]),
            (&json!("450000"), &json!("first_report")),
            "{state}: idosell-q09"
        );
        assert_eq!(
            Value::Array(pages(server, project, "/api/v1/tasks?source!=kronika", "tasks", 2).await),
            all["tasks"],
            "{state}"
        );
        let refused = server.get(project, "/api/v1/tasks?http_status=200").await;
        assert_eq!(refused.status, 400, "{}", refused.text);
        assert!(refused.text.contains("task_status"), "it names what there is: {}", refused.text);
    })
    .await;
}

#[tokio::test]
async fn a_task_is_told_with_its_reports_and_what_belongs_to_it() {
    in_every_state(async |server, project, state| {
        let task = server.get(project, "/api/v1/tasks/aa_0adad13d6f057f088e").await.json(200);
        assert_eq!(
            column(&task["timeline"], "task_status"),
            ["enqueued", "in_progress", "in_progress", "done"],
            "{state}"
        );
        assert_eq!(column(&task["related"], "event_id"), ["log_1002"], "{state}: {task}");
        assert_eq!(
            (&task["task"]["reports"], &task["task"]["started_by"]["actor_id"]),
            (&json!("4"), &json!("u_7")),
            "{state}"
        );
        let moment =
            server.get(project, "/api/v1/tasks/aa_0adad13d6f057f088e?as_of=2024-10-16T08:00:05Z").await.json(200);
        assert_eq!(moment["task"]["task_status"], "enqueued", "{state}");
        server.get(project, "/api/v1/tasks/none").await.problem(404, "task_not_found");
    })
    .await;
}

#[tokio::test]
async fn lists_say_their_sql_and_whoever_runs_it_gets_the_same() {
    in_every_state(async |server, project, state| {
        for (path, list, key) in [
            ("/api/v1/changes?source=getcourse&field=finish_at", "changes", "event_id"),
            ("/api/v1/tasks?task_status=done", "tasks", "task_id"),
            ("/api/v1/sessions?object_type=cart", "sessions", "session_id"),
            ("/api/v1/objects/order/55042/history", "events", "event_id"),
            ("/api/v1/actors/398744362/history", "events", "event_id"),
        ] {
            let answer = server.get(project, path).await.json(200);
            let explained = server
                .get(project, &format!("{path}{}explain=sql", if path.contains('?') { '&' } else { '?' }))
                .await
                .json(200);
            let request = server.request(Method::POST, "/api/v1/query").header("kronika-project", project);
            let ran =
                send(request.json(&json!({"sql": explained["sql"], "params": explained["params"]}))).await.json(200);
            let at = ran["schema"].as_array().unwrap().iter().position(|column| column["name"] == key).unwrap();
            let ran: Vec<&str> = ran["rows"].as_array().unwrap().iter().map(|row| row[at].as_str().unwrap()).collect();
            assert_eq!(ran, column(&answer[list], key), "{state} {path}");
            assert!(!ran.is_empty(), "{path}");
        }
    })
    .await;
}
