//! What people do with the journal, told as they would: through HTTP only.

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Answer, TestServer, send};
use super::golden::load;

/// A server with the five journals.
async fn shop() -> TestServer {
    let server = TestServer::start();
    server.create_project("demo").await;
    load(&server).await;
    server.flush().await;
    server
}

async fn ask(server: &TestServer, path: &str) -> Answer {
    send(server.request(Method::GET, &format!("/api/v1{path}")).header("kronika-project", "demo")).await
}

async fn told(server: &TestServer, path: &str) -> Value {
    ask(server, path).await.json(200)
}

async fn send_events(server: &TestServer, events: &[Value]) {
    let lines: Vec<String> = events.iter().map(Value::to_string).collect();
    let answer = server.append("demo", "", lines.join("\n")).await.json(200);
    assert_eq!(answer["accepted"], events.len(), "{answer}");
}

/// Texts of one member of the rows of a list.
fn column<'a>(list: &'a Value, rows: &str, name: &str) -> Vec<&'a str> {
    list[rows]
        .as_array()
        .unwrap_or_else(|| panic!("{list}"))
        .iter()
        .map(|row| row[name].as_str().unwrap_or("-"))
        .collect()
}

/// Waits until an export is done.
async fn exported(server: &TestServer, body: Value) -> (Value, Vec<u8>) {
    let request = server.request(Method::POST, "/api/v1/exports").header("kronika-project", "demo").json(&body);
    let id = send(request).await.json(202)["id"].as_str().unwrap().to_string();
    for _ in 0..600 {
        let export = told(server, &format!("/exports/{id}")).await;
        match export["status"].as_str().unwrap() {
            "done" => {
                let request = server
                    .request(Method::GET, &format!("/api/v1/exports/{id}/file"))
                    .header("kronika-project", "demo");
                let file = request.send().await.unwrap().bytes().await.unwrap().to_vec();
                return (export, file);
            }
            "failed" | "canceled" => panic!("{export}"),
            _ => tokio::time::sleep(std::time::Duration::from_millis(50)).await,
        }
    }
    panic!("the export {id} does not end");
}

#[tokio::test]
async fn a_label_that_failed_is_found_shown_and_sent_to_support() {
    let server = shop().await;
    let failed = told(&server, "/events?period=2025-03-04&tz=Europe/Warsaw&module=couriers&outcome=failure").await;
    assert_eq!(column(&failed, "events", "event_id"), ["700007"]);
    // The same by a word of the courier's answer.
    let found = told(&server, "/events?period=all&q=\"postal code 00-0000\"").await;
    assert_eq!(column(&found, "events", "event_id"), ["700007"]);
    let detail = told(&server, "/events/700007").await;
    let request = ask(&server, detail["links"]["request"].as_str().unwrap().strip_prefix("/api/v1").unwrap()).await;
    assert!(request.text.contains("0000045678902U"), "{}", request.text);
    let response = ask(&server, detail["links"]["response"].as_str().unwrap().strip_prefix("/api/v1").unwrap()).await;
    assert!(response.text.contains("receiver.postalCode"));
    assert_eq!(response.headers["content-type"], "application/json");
    let order = told(&server, "/objects/order/104240/history").await;
    assert_eq!(column(&order, "events", "event_id"), ["700007"]);
    let (export, archive) =
        exported(&server, json!({"filter": {"id": "700007", "period": "all"}, "format": "bundle"})).await;
    assert_eq!(export["progress"]["rows"], 1, "{export}");
    assert!(archive.starts_with(b"PK"));
    server.stop();
}

#[tokio::test]
async fn who_changed_the_price_of_an_offer_and_from_what() {
    let server = shop().await;
    let changes = told(&server, "/changes?field=price&after=5000").await;
    let row = &changes["changes"][0];
    assert_eq!(
        (&row["actor_id"], &row["before"], &row["object_id"]),
        (&json!("398744362"), &json!(1000), &json!("7200"))
    );
    let listed = told(&server, "/events?period=all&changed=price&before=1000&after=5000").await;
    assert_eq!(column(&listed, "events", "event_id"), ["ge-9"]);
    let of_other = told(&server, "/events?period=all&changed=price&before=5000").await;
    assert_eq!(of_other["events"], json!([]));
    server.stop();
}

#[tokio::test]
async fn which_visitors_left_a_basket_and_bought_later() {
    let server = shop().await;
    let left = told(&server, "/events?period=all&event_type=AbandonedCart").await;
    let visitor = left["events"][0]["visitor_id"].as_str().unwrap().to_string();
    let bought =
        told(&server, &format!("/events?visitor={visitor}&event_type=FinalizedTransaction&from=2024-06-11")).await;
    assert_eq!(column(&bought, "events", "object_id"), ["ZAM-3001"]);
    server.stop();
}

#[tokio::test]
async fn how_far_the_import_is_and_why_rows_failed() {
    let server = shop().await;
    let running = told(&server, "/tasks?task_id=aa_0adad13d6f057f088e&as_of=2024-10-16T08:00:15Z").await;
    assert_eq!(running["tasks"][0]["task_status"], "in_progress", "{running}");
    let task = told(&server, "/tasks/aa_0adad13d6f057f088e").await;
    assert!(task.to_string().contains("duplicate code"), "{task}");
    assert!(task.to_string().contains("marta@brand.example"), "who started it: {task}");
    server.stop();
}

#[tokio::test]
async fn what_happened_to_an_order_in_every_module() {
    let server = shop().await;
    let history = told(&server, "/objects/order/104233/history?order=oldest").await;
    assert_eq!(
        column(&history, "events", "module"),
        ["stock_management", "stock_management", "banking_pro", "couriers", "webhooks"]
    );
    let related = told(&server, "/events?period=all&correlation_id=order-104233&sort=event_time").await;
    assert_eq!(related["events"].as_array().unwrap().len(), 5);
    server.stop();
}

#[tokio::test]
async fn who_deleted_a_client_and_who_put_it_back() {
    let server = shop().await;
    let both = told(
        &server,
        "/events?period=all&source=remonline&action=delete&action=restore&object_type=client&sort=event_time",
    )
    .await;
    assert_eq!(column(&both, "events", "actor_name"), ["Олена Коваль", "Иван Петров"]);
    let restored = told(&server, "/events/12?source=remonline").await;
    assert_eq!(restored["event"]["causation_id"], "11");
    server.stop();
}

#[tokio::test]
async fn an_order_cannot_be_restored_and_the_reason_is_told() {
    let server = shop().await;
    let deleted = told(&server, "/events?period=all&source=remonline&event_type=order.deleted").await;
    let id = deleted["events"][0]["object_id"].as_str().unwrap().to_string();
    let preview = told(&server, &format!("/objects/order/{id}/restore?source=remonline")).await;
    assert_eq!(preview["restorable"], false, "{preview}");
    assert!(preview.to_string().len() > 40);
    server.stop();
}

#[tokio::test]
async fn who_was_refused_access_and_from_where() {
    let server = shop().await;
    let refused = told(&server, "/events?period=all&source=expertsender&dataset=panel_logs&http_status=403").await;
    let row = &refused["events"][0];
    assert_eq!((&row["actor_email"], &row["client_address"]), (&json!("piotr@firma.example"), &json!("198.51.100.7")));
    let from_there = told(&server, "/events?period=all&ip=198.51.100.0/24").await;
    assert_eq!(from_there["events"].as_array().unwrap().len(), 2);
    server.stop();
}

#[tokio::test]
async fn which_keys_calls_fail_and_why() {
    let server = shop().await;
    let failed =
        told(&server, "/facets?period=all&dataset=api_logs&http_status=4xx&fields=credential_id,error_message").await;
    assert_eq!(failed["facets"]["credential_id"]["values"][0], json!({"value": "main ****4f2a", "count": 2}));
    server.stop();
}

#[tokio::test]
async fn the_dashboard_of_failures_by_product_and_day() {
    let server = shop().await;
    let by_product = told(&server, "/aggregate?by=source&errors=true&period=all&top=1").await;
    assert_eq!(by_product["rows"].as_array().unwrap().len(), 1);
    let days = told(
        &server,
        "/histogram?errors=true&source=idosell&by=module&step=day&tz=Europe/Warsaw&from=2025-03-04&to=2025-03-05",
    )
    .await;
    assert_eq!(days["times"], json!(["2025-03-03T23:00:00Z", "2025-03-04T23:00:00Z"]));
    let sums: Vec<i64> = (0..2)
        .map(|day| days["series"].as_array().unwrap().iter().map(|one| one["counts"][day].as_i64().unwrap()).sum())
        .collect();
    assert_eq!(sums, [2, 3]);
    let slow = told(&server, "/aggregate?by=peer_name&metric=max&of=duration_ns&period=all&source=idosell&top=1").await;
    assert_eq!(slow["rows"][0], json!({"peer_name": "Avis", "value": "10000000000"}));
    server.stop();
}

#[tokio::test]
async fn what_the_night_did_while_nobody_was_there() {
    let server = shop().await;
    let night =
        told(&server, "/events?period=2025-03-04&tz=Europe/Warsaw&hour=22-5&source=idosell&sort=event_time").await;
    assert_eq!(column(&night, "events", "event_id"), ["700010", "700011"]);
    let by_people =
        told(&server, "/events?period=2025-03-04&tz=Europe/Warsaw&hour=9-17&actor_kind=person&source=idosell").await;
    assert_eq!(column(&by_people, "events", "event_id"), ["700007", "700006"]);
    server.stop();
}

#[tokio::test]
async fn attempts_of_one_delivery_stand_together() {
    let server = shop().await;
    let attempt = |n: usize, status: usize| {
        json!({
            "event_id": format!("try-{n}"), "source": "idosell", "dataset": "event_log", "module": "webhooks", "event_type": "webhook.sent",
            "event_time": 1_741_200_000 + n * 60, "sequence": n, "correlation_id": "send-out-9", "peer_name": "Avis", "http_status": status,
            "outcome": if status == 200 { "success" } else { "failure" },
        })
    };
    send_events(&server, &[attempt(1, 503), attempt(2, 503), attempt(3, 200)]).await;
    let attempts = told(&server, "/events?period=all&correlation_id=send-out-9&sort=event_time").await;
    assert_eq!(column(&attempts, "events", "outcome"), ["failure", "failure", "success"]);
    let delivered = told(&server, "/aggregate?period=all&correlation_id=send-out-9&metric=max&of=sequence").await;
    assert_eq!(delivered["rows"][0]["value"], "3");
    server.stop();
}

#[tokio::test]
async fn whatever_a_product_sends_comes_back_as_it_was() {
    let server = shop().await;
    let deep = r#"{"children":[{"mode":"and","inverted":1,"children":[{"type":"7","value":12345678901234567890.10}]}],"mode":"or"}"#;
    let event = format!(
        r#"{{"event_id":"20240000000000000001","source":"getcourse","event_time":1724855040,"object_type":"process_block","object_id":"00091","object_after":{deep},"warehouse_priorities":["M1","M4","M6","M2","MP","M0"],"contents":{{"format":"IOF 2.5","servers":["b","a"]}}}}"#
    );
    server.append("demo", "", event).await.json(200);
    let answer = ask(&server, "/events/20240000000000000001").await;
    assert!(answer.text.contains(deep), "{}", answer.text);
    assert!(answer.text.contains(r#""warehouse_priorities":["M1","M4","M6","M2","MP","M0"]"#), "{}", answer.text);
    assert!(answer.text.contains(r#""object_id":"00091""#));
    let by_part = told(&server, "/events?period=all&attributes.contents.format=IOF%202.5").await;
    assert_eq!(column(&by_part, "events", "event_id"), ["20240000000000000001"]);
    server.stop();
}

#[tokio::test]
async fn a_plan_of_thirty_days_sees_thirty_days() {
    let server = shop().await;
    let new = json!({"name": "startup", "scopes": ["query"], "project": "demo", "restrictions": {"lookback_days": 30}});
    let key = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201)["secret"]
        .as_str()
        .unwrap()
        .to_string();
    send_events(&server, &[json!({"event_id": "now", "source": "remonline"})]).await;
    let seen = send(server.with(&key, Method::GET, "/api/v1/events?period=all&total=exact")).await.json(200);
    assert_eq!(column(&seen, "events", "event_id"), ["now"]);
    assert_eq!(seen["total"]["value"], 1);
    server.stop();
}

#[tokio::test]
async fn a_manager_of_one_account_sees_nothing_of_another() {
    let server = shop().await;
    let new =
        json!({"name": "bu-18", "scopes": ["query"], "project": "demo", "restrictions": {"tenant_ids": ["bu-18"]}});
    let key = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201)["secret"]
        .as_str()
        .unwrap()
        .to_string();
    for path in ["/events?period=all", "/changes", "/tasks", "/sessions"] {
        let seen = send(server.with(&key, Method::GET, &format!("/api/v1{path}"))).await.json(200);
        let rows = seen.as_object().unwrap().values().find_map(Value::as_array).unwrap();
        assert!(rows.is_empty(), "{path}: {seen}");
    }
    server.stop();
}

#[tokio::test]
async fn the_page_of_the_product_as_its_people_know_it() {
    let server = shop().await;
    let page = told(&server, "/screens/remonline/event_log?location=loc-1&location=loc-2&employee=32&period=all").await;
    assert_eq!(page["rows"].as_array().unwrap().len(), 7, "{page}");
    let process = told(&server, "/screens/getcourse/event_log?period=all&limit=100").await;
    assert_eq!(process["rows"].as_array().unwrap().len(), 13);
    server.stop();
}

#[tokio::test]
async fn what_a_value_means_is_looked_up() {
    let server = shop().await;
    let found = told(&server, "/catalog/search?q=access_type&lang=en").await;
    assert!(!found["hits"].as_array().unwrap().is_empty(), "{found}");
    server.stop();
}

#[tokio::test]
async fn last_weeks_failures_go_into_a_spreadsheet() {
    let server = shop().await;
    send_events(
        &server,
        &[json!({"event_id": "formula", "outcome": "failure", "error_message": "=HYPERLINK(\"http://x\")"})],
    )
    .await;
    let (_, file) = exported(&server, json!({"filter": {"outcome": "failure", "period": "last_7d"}, "columns": ["event_id", "error_message"], "format": "csv-safe"})).await;
    let text = String::from_utf8(file).unwrap();
    assert!(text.starts_with("event_id,error_message\r\n") && text.contains("'=HYPERLINK"), "{text}");
    server.stop();
}

#[tokio::test]
async fn reading_the_journal_is_itself_on_record() {
    let server = shop().await;
    told(&server, "/events?period=all&actor=398744362").await;
    told(&server, "/facets?period=all&fields=module").await;
    let new = json!({"name": "auditor", "scopes": ["audit-read"], "project": "_audit"});
    let key = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201)["secret"]
        .as_str()
        .unwrap()
        .to_string();
    for _ in 0..100 {
        let read = send(server.with(&key, Method::GET, "/api/v1/events?period=all&q=events&fields=*")).await.json(200);
        if read.to_string().contains("actor_id = ?")
            || read.to_string().contains("local_bin")
            || read.to_string().contains("from events")
        {
            assert!(!read.to_string().contains("398744362"), "values are not recorded: {read}");
            return drop(server.stop());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    panic!("the reads are not in the audit journal");
}

#[tokio::test]
async fn a_link_carries_the_whole_question() {
    let server = shop().await;
    let path =
        "/events?module=couriers&period=2025-03-04&tz=Europe/Warsaw&sort=event_time&limit=3&fields=event_id,message";
    let (mine, yours) = (told(&server, path).await, told(&server, path).await);
    assert_eq!(mine, yours);
    let rest = told(&server, &format!("{path}&cursor={}", mine["next"].as_str().unwrap())).await;
    assert_eq!((column(&mine, "events", "event_id").len(), column(&rest, "events", "event_id")), (3, vec!["700009"]));
    server.stop();
}
