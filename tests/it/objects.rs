//! Objects over time: changes, history, state, parts, restore; through HTTP only.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Answer, TestServer, send};
use super::golden::in_every_state;

/// Lines of events.
fn lines(events: &[Value]) -> String {
    events.iter().map(|event| format!("{event}\n")).collect()
}

#[tokio::test]
async fn changes_of_an_event_are_told_field_by_field() {
    in_every_state(async |server, project, state| {
        let get = async |path: &str| server.get(project, path).await;
        let webinar = get("/api/v1/events/ge-12/changes").await.json(200);
        let changes = json!([
            {"path": "access_type", "op": "replace", "before": "2", "after": "3"},
            {"path": "broadcast_type", "op": "replace", "before": 3, "after": 2},
            {"path": "groups", "op": "add", "after": [3484299]},
        ]);
        let plain = |listed: &Value| -> Value {
            let one = |change: &Value| {
                let keep = ["path", "op", "before", "after"];
                Value::Object(
                    change
                        .as_object()
                        .unwrap()
                        .iter()
                        .filter(|(key, _)| keep.contains(&key.as_str()))
                        .map(|(k, v)| (k.clone(), v.clone()))
                        .collect(),
                )
            };
            listed.as_array().unwrap().iter().map(one).collect()
        };
        assert_eq!(plain(&webinar["changes"]), changes, "{state}");
        assert_eq!((&webinar["object_id"], &webinar["from"]), (&json!("310"), &json!("changes")), "{state}");
        let patch = get("/api/v1/events/ge-12/changes?format=json-patch").await;
        assert_eq!(patch.headers["content-type"], "application/json-patch+json");
        let want = json!([
            {"op": "replace", "path": "/access_type", "value": "3"},
            {"op": "replace", "path": "/broadcast_type", "value": 2},
            {"op": "add", "path": "/groups", "value": [3484299]},
        ]);
        assert_eq!(patch.json(200), want, "{state}");
        let text = get("/api/v1/events/ge-12/changes?format=text").await.text;
        assert!(
            text.contains("webinar 310 by 398744362\n") && text.contains("groups: + [3484299]\n"),
            "{state}: {text}"
        );
        let set = get("/api/v1/events/1/changes?source=remonline&format=json-patch").await.json(200);
        assert_eq!(set, json!([{"op": "add", "path": "/status", "value": "Готов"}]), "{state}");
        let deep = get("/api/v1/events/ge-15/changes?format=json-patch").await.json(200);
        assert_eq!(deep, json!([{"op": "replace", "path": "/params/runBlockParams/amount", "value": 100}]), "{state}");
        let nothing = get("/api/v1/events/9001/changes").await.json(200);
        assert_eq!((&nothing["changes"], &nothing["from"]), (&json!([]), &json!("none")), "{state}");
    })
    .await;
}

#[tokio::test]
async fn changes_keep_every_digit_go_deep_and_compare_long_texts() {
    let server = TestServer::start();
    let tree = |inverted: u8| json!({"children": [{"children": [{"type": "a"}, {"type": "b", "inverted": inverted}], "mode": "or"}]});
    let letter =
        |word: &str| (0..15_000).map(|at| format!("<p>{word} {at} {}</p>\n", "text ".repeat(10))).collect::<String>();
    let (old, new) = (letter("old"), letter("new"));
    assert!(old.len() > 1_000_000 && old.len() < 1 << 20, "{}", old.len());
    let body = [
        r#"{"event_id":"n","object_type":"offer","object_id":"1","object_before":{"id":12345678901234567890,"price":1.10},"object_after":{"id":12345678901234567891,"price":1.100}}"#.to_owned(),
        json!({"event_id": "d", "object_type": "process_block", "object_id": "1", "object_before": {"params": tree(0)}, "object_after": {"params": tree(1)}}).to_string(),
        json!({"event_id": "t", "object_type": "mailing", "object_id": "1", "changes": [{"path": "content", "op": "replace", "before": old, "after": new}]}).to_string(),
        json!({"event_id": "same", "source": "a"}).to_string(),
        json!({"event_id": "same", "source": "b"}).to_string(),
    ];
    server.append("default", "", body.join("\n")).await.json(200);
    let get = async |path: &str| server.get("default", path).await;
    let numbers = get("/api/v1/events/n/changes").await;
    assert!(numbers.text.contains(r#""before":12345678901234567890,"after":12345678901234567891"#), "{}", numbers.text);
    assert!(numbers.text.contains(r#""before":1.10,"after":1.100"#), "{}", numbers.text);
    let deep = get("/api/v1/events/d/changes").await.json(200);
    assert_eq!(deep["changes"][0]["path"], "params.children", "an array is one value: {deep}");
    assert_eq!(
        deep["changes"][0]["parts"],
        json!([{"path": "params.children.0.children.1.inverted", "op": "replace", "before": 0, "after": 1}])
    );
    let patch = get("/api/v1/events/d/changes?format=json-patch").await.json(200);
    assert_eq!(patch, json!([{"op": "replace", "path": "/params/children/0/children/1/inverted", "value": 1}]));
    let started = Instant::now();
    let text = get("/api/v1/events/t/changes").await.json(200);
    assert!(started.elapsed() < Duration::from_secs(30), "{:?}", started.elapsed());
    let change = &text["changes"][0];
    assert_eq!((change["before"].as_str(), change["after"].as_str()), (Some(&*old), Some(&*new)), "every byte");
    assert_eq!((&change["text_diff"]["added"], &change["text_diff"]["removed"]), (&json!(15_000), &json!(15_000)));
    get("/api/v1/events/nothing/changes").await.problem(404, "event_not_found");
    let two = get("/api/v1/events/same/changes").await.problem(409, "ambiguous_id");
    assert!(two["detail"].as_str().unwrap().contains("source `a`"), "{two}");
    get("/api/v1/events/same/changes?source=a").await.json(200);
    let wrong = get("/api/v1/events/n/changes?format=xml").await.problem(400, "invalid_parameter");
    assert!(wrong["detail"].as_str().unwrap().contains("json, json-patch, text"), "{wrong}");
    get("/api/v1/events/n/changes?sourse=a").await.problem(400, "invalid_parameter");
    server.stop();
}

#[tokio::test]
async fn texts_longer_than_the_limit_are_shown_whole_and_not_compared() {
    let server = TestServer::start_with("[objects]\ntext_max = \"200B\"\nevents_max = 3\n");
    let change = |id: &str, length: usize| json!({"event_id": id, "object_type": "letter", "object_id": "1", "action": "update", "changes": [{"path": "c", "op": "replace", "before": "a".repeat(length), "after": "b\n"}]});
    server.append("default", "", lines(&[change("at", 200), change("over", 201)])).await.json(200);
    let at = server.get("default", "/api/v1/events/at/changes").await.json(200);
    assert!(at["changes"][0]["text_diff"]["unified"].is_string(), "{at}");
    let over = server.get("default", "/api/v1/events/over/changes").await.json(200);
    assert!(over["changes"][0]["text_diff"]["unified"].is_null() && over["changes"][0]["before"].is_string(), "{over}");
    assert!(over["changes"][0]["text_diff"]["skipped"].as_str().unwrap().contains("objects.text_max"));
    // The limit of events: at it, and one more.
    server.append("default", "", lines(&[change("third", 1)])).await.json(200);
    server.get("default", "/api/v1/objects/letter/1/state").await.json(200);
    server.append("default", "", lines(&[change("fourth", 1)])).await.json(200);
    let over = server.get("default", "/api/v1/objects/letter/1/state").await.problem(413, "object_too_large");
    assert!(over["detail"].as_str().unwrap().contains("objects.events_max"), "{over}");
    server.stop();
}

#[tokio::test]
async fn an_object_is_told_at_a_glance() {
    in_every_state(async |server, project, state| {
        let order = server.get(project, "/api/v1/objects/order/55042").await.json(200);
        assert_eq!((&order["events"], &order["names"][0]["name"]), (&json!(7), &json!("A-1042")), "{state}: {order}");
        let source = &order["sources"][0];
        assert_eq!(
            (&source["source"], &source["own_events"], &source["deleted"]),
            (&json!("remonline"), &json!(3), &json!(false))
        );
        assert_eq!(
            (&source["first_event"]["event_id"], &source["last_event"]["event_id"]),
            (&json!("5"), &json!("15")),
            "{state}"
        );
        let client = server.get(project, "/api/v1/objects/client/700").await.json(200);
        assert_eq!(client["sources"][0]["deleted"], false, "{state}: restored");
        let cashbox = server.get(project, "/api/v1/objects/cashbox/9").await.json(200);
        let source = &cashbox["sources"][0];
        assert_eq!(
            (&source["deleted"], &source["restorable"], &source["deleted_by"]["event_id"]),
            (&json!(true), &json!(true), &json!("2")),
            "{state}"
        );
        let deleted = server.get(project, "/api/v1/objects/order/55050").await.json(200);
        let source = &deleted["sources"][0];
        assert_eq!(
            (&source["deleted"], &source["restorable"]),
            (&json!(true), &json!(false)),
            "{state}: orders are not restored"
        );
        assert!(source["not_restorable_because"].as_str().unwrap().contains("support"), "{source}");
        server.get(project, "/api/v1/objects/order/0").await.problem(404, "object_not_found");
    })
    .await;
}

#[tokio::test]
async fn parts_of_an_object_come_with_their_last_event() {
    in_every_state(async |server, project, state| {
        let parts = server.get(project, "/api/v1/objects/order/55042/children").await.json(200);
        let told: Vec<_> = parts["children"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| {
                (
                    part["type"].as_str().unwrap(),
                    part["id"].as_str().unwrap(),
                    part["last_event_id"].as_str().unwrap(),
                    part["deleted"].as_bool(),
                )
            })
            .collect();
        let want =
            [("sms", "s-7001", "15", None), ("file", "f-301", "10", None), ("order_item", "77001", "9", Some(true))];
        assert_eq!(told, want, "{state}");
        let blocks = server.get(project, "/api/v1/objects/process/6001/children").await.json(200);
        assert_eq!(blocks["children"][0]["id"], "91", "{state}: also what only the object shows");
        let child = server.get(project, "/api/v1/objects/training/605011419/children").await.json(200);
        assert_eq!(
            (&child["children"][0]["id"], &child["children"][0]["role"]),
            (&json!("912337606"), &json!("child")),
            "{state}"
        );
        let of_client = server.get(project, "/api/v1/objects/client/700/children?role=customer").await.json(200);
        assert_eq!(of_client["children"].as_array().unwrap().len(), 3, "{state}: order, call, sms");
        let one = server.get(project, "/api/v1/objects/order/55042/children?limit=1").await.json(200);
        assert_eq!((one["children"].as_array().unwrap().len(), &one["more"]), (1, &json!(true)));
        server.get(project, "/api/v1/objects/order/55042/children?limit=0").await.problem(400, "invalid_parameter");
        server.get(project, "/api/v1/objects/order/55042/children?limit=1001").await.problem(400, "invalid_parameter");
    })
    .await;
}

#[tokio::test]
async fn the_state_of_an_object_is_that_of_each_moment() {
    in_every_state(async |server, project, state| {
        let at = async |path: &str| server.get(project, path).await.json(200);
        let order = at("/api/v1/objects/order/55042/state?at=2021-11-08T10:00:00%2B02:00").await;
        assert_eq!(
            order["state"],
            json!({"status": "Новый", "engineer": "Иван Петров"}),
            "{state}: known from what changed later"
        );
        assert_eq!((&order["complete"], &order["status"]), (&json!(false), &json!("exists")));
        let fields: Vec<_> = order["fields"]
            .as_array()
            .unwrap()
            .iter()
            .map(|field| {
                (
                    field["path"].as_str().unwrap(),
                    field["known_from"].as_str().unwrap(),
                    field["event_id"].as_str().unwrap(),
                )
            })
            .collect();
        assert_eq!(fields, [("engineer", "a_later_event", "7"), ("status", "a_later_event", "6")], "{state}");
        let order = at("/api/v1/objects/order/55042/state").await;
        assert_eq!(order["state"], json!({"status": "В работе", "engineer": "Сергей Мельник"}), "{state}");
        let user = at("/api/v1/objects/user/400000002/state?at=2024-08-29T13:04:00Z").await;
        assert_eq!(
            (&user["status"], &user["state"], &user["complete"]),
            (&json!("deleted"), &json!({"email": "ivan@example.com"}), &json!(true)),
            "{state}"
        );
        let user = at("/api/v1/objects/user/400000002/state").await;
        assert_eq!((&user["status"], &user["complete"]), (&json!("exists"), &json!(true)), "{state}");
        let diff = at("/api/v1/objects/webinar/310/diff?from=2024-09-01&to=2024-09-03").await;
        let changes: Vec<_> = diff["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|change| (change["path"].as_str().unwrap(), &change["before"], &change["after"], &change["event_ids"]))
            .collect();
        let by = json!(["ge-12"]);
        let (two, three, groups, null) = (json!("2"), json!("3"), json!([3484299]), Value::Null);
        let want = [
            ("access_type", &two, &three, &by),
            ("broadcast_type", &json!(3), &json!(2), &by),
            ("groups", &null, &groups, &by),
        ];
        assert_eq!(changes, want, "{state}: {diff}");
        assert_eq!(diff["events"].as_array().unwrap().len(), 1);
        server.get(project, "/api/v1/objects/webinar/310/diff").await.problem(400, "invalid_parameter");
        server
            .get(project, "/api/v1/objects/webinar/310/diff?from=2024-09-03&to=2024-09-01")
            .await
            .problem(400, "invalid_parameter");
        server.get(project, "/api/v1/objects/webinar/310/state?at=soon").await.problem(400, "invalid_parameter");
        server.get(project, "/api/v1/objects/webinar/311/state").await.problem(404, "object_not_found");
    })
    .await;
}

#[tokio::test]
async fn ids_may_hold_anything_and_several_sources_are_told_apart() {
    let server = TestServer::start();
    let id = "a/b?c#d%20é 'x'\"";
    let event = |source: &str| json!({"event_id": "1", "source": source, "object_type": "pa/ge", "object_id": id, "action": "create", "object_after": {"from": source}});
    server.append("default", "", lines(&[event("one"), event("two")])).await.json(200);
    let path = "/api/v1/objects/pa%2Fge/a%2Fb%3Fc%23d%2520%C3%A9%20'x'%22";
    let object = server.get("default", path).await.json(200);
    assert_eq!((&object["id"], object["sources"].as_array().unwrap().len()), (&json!(id), 2), "{object}");
    server.get("default", &format!("{path}/state")).await.problem(409, "ambiguous_id");
    let state = server.get("default", &format!("{path}/state?source=two")).await.json(200);
    assert_eq!(state["state"], json!({"from": "two"}));
    let explained = server.get("default", &format!("{path}/state?source=two&explain=sql")).await.json(200);
    let asked = json!({"sql": explained["sql"], "params": explained["params"]});
    let rows = send(server.request(Method::POST, "/api/v1/query").json(&asked)).await.json(200);
    assert_eq!(rows["rows"].as_array().unwrap().len(), 1, "whoever runs the SQL gets the rows: {rows}");
    server.stop();
}

/// What a receiver of webhooks was sent.
type Taken = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// How it answers, the first first; then 200.
type Replies = Arc<Mutex<Vec<u16>>>;

struct Product {
    port: u16,
    taken: Taken,
    replies: Replies,
    _tasks: tokio::task::JoinSet<()>,
}

async fn product() -> Product {
    async fn take(State((taken, replies)): State<(Taken, Replies)>, headers: HeaderMap, body: String) -> StatusCode {
        taken.lock().unwrap().push((headers, body));
        let mut replies = replies.lock().unwrap();
        let status = if replies.is_empty() { 200 } else { replies.remove(0) };
        StatusCode::from_u16(status).unwrap()
    }
    let (taken, replies) = (Taken::default(), Replies::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let routes = axum::Router::new().fallback(take).with_state((Arc::clone(&taken), Arc::clone(&replies)));
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
    Product { port, taken, replies, _tasks: tasks }
}

const SECRET: &str = "shared between both sides";

impl Product {
    async fn set_on(&self, server: &TestServer, project: &str, source: &str) {
        let body = json!({"url": format!("http://127.0.0.1:{}/restore", self.port), "secret": SECRET, "object_types": ["order"]});
        let path = format!("/api/v1/projects/{project}/webhooks/{source}");
        assert_eq!(send(server.request(Method::PUT, &path).json(&body)).await.status, 204);
    }

    fn calls(&self) -> Vec<(HeaderMap, String)> {
        self.taken.lock().unwrap().clone()
    }
}

async fn restore(server: &TestServer, project: &str, path: &str) -> Answer {
    let request = server.request(Method::POST, path).header("kronika-project", project);
    send(request.json(&json!({"reason": "by mistake"}))).await
}

/// Waits until the newest delivery has this state.
async fn delivered(server: &TestServer, project: &str, state: &str) -> Value {
    let started = Instant::now();
    loop {
        let listed = server.get(project, "/api/v1/webhooks/deliveries").await.json(200);
        if listed[0]["state"] == state {
            return listed[0].clone();
        }
        assert!(started.elapsed() < Duration::from_secs(20), "{listed}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

const HOOKS: &str = "[webhook]\nallowed_networks = [\"127.0.0.0/8\"]\nretry_first = \"1ms\"\nretry_longest = \"5ms\"\nattempts_max = 3\n";

async fn golden_shop(config: &str) -> TestServer {
    let server = TestServer::start_with(config);
    server.create_project("shop").await;
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/data/golden/remonline.ndjson");
    server.append("shop", "", std::fs::read_to_string(path).unwrap()).await.json(200);
    server
}

#[tokio::test]
async fn a_deleted_object_is_restored_by_an_event_and_a_signed_call() {
    let server = golden_shop(HOOKS).await;
    let product = product().await;
    product.set_on(&server, "shop", "remonline").await;
    let path = "/api/v1/objects/cashbox/9/restore";
    let preview = server.get("shop", path).await.json(200);
    assert_eq!(
        (&preview["restorable"], &preview["complete"], &preview["payload"]),
        (&json!(true), &json!(true), &json!({"id": 9, "name": "Касса 2", "balance": 0}))
    );
    assert_eq!(preview["changes"].as_array().unwrap().len(), 3, "{preview}");
    product.replies.lock().unwrap().extend([500, 503]);
    let done = restore(&server, "shop", path).await.json(200);
    assert_eq!((&done["deleted_by_event_id"], &done["event_id"]), (&json!("2"), &json!("restore-2")));

    let delivery = delivered(&server, "shop", "delivered").await;
    assert_eq!(
        (&delivery["attempts"], &delivery["last_status"], &delivery["id"]),
        (&json!(3), &json!(200), &done["delivery"]["id"]),
        "{delivery}"
    );
    let calls = product.calls();
    assert_eq!(calls.len(), 3);
    let (headers, body) = &calls[2];
    let (signature, now) = (headers["kronika-signature"].to_str().unwrap(), chrono::Utc::now().timestamp());
    assert!(kronika::journal::webhook::verify(SECRET, signature, body.as_bytes(), now, 60), "{signature}");
    let call: Value = serde_json::from_str(body).unwrap();
    assert_eq!(
        (&call["object"]["id"], &call["payload"], &call["event_id"]),
        (&json!("9"), &preview["payload"], &json!("restore-2"))
    );

    let rows = server
        .rows(
            "shop",
            "SELECT action, causation_id, object_after, message, unit_name FROM events WHERE event_id = 'restore-2'",
        )
        .await;
    assert_eq!(
        rows,
        [vec![
            json!("restore"),
            json!("2"),
            json!(r#"{"id":9,"name":"Касса 2","balance":0}"#),
            json!("by mistake"),
            json!("Сервис на Лесной")
        ]]
    );
    assert_eq!(server.count("shop", "SELECT count(*) FROM deleted_objects WHERE object_type = 'cashbox'").await, 0);
    let again = restore(&server, "shop", path).await.problem(409, "not_restorable");
    assert!(again["detail"].as_str().unwrap().contains("is not deleted"), "{again}");
    assert_eq!(server.get("shop", path).await.json(200)["restorable"], false);
    // The operation is on record.
    server.wait_for_audit("object.restore").await;
    server.stop();
}

#[tokio::test]
async fn what_cannot_be_restored_is_refused_with_the_reason() {
    let server = golden_shop("").await;
    let refused = restore(&server, "shop", "/api/v1/objects/order/55050/restore").await.problem(409, "not_restorable");
    assert!(refused["detail"].as_str().unwrap().contains("support"), "{refused}");
    let snapshot = server.get("shop", "/api/v1/objects/order/55050/restore").await.json(200);
    assert_eq!(snapshot["payload"], json!({"id": 55050, "number": "A-1050"}), "the snapshot is offered all the same");
    restore(&server, "shop", "/api/v1/objects/order/1/restore").await.problem(404, "object_not_found");
    restore(&server, "shop", "/api/v1/objects/client/700/restore").await.problem(409, "not_restorable");
    let unknown = json!({"event_id": "1", "source": "own", "object_type": "thing", "object_id": "1", "action": "delete", "object_before": {"a": 1}});
    server.append("shop", "", unknown.to_string()).await.json(200);
    let refused = restore(&server, "shop", "/api/v1/objects/thing/1/restore").await.problem(409, "not_restorable");
    assert!(refused["detail"].as_str().unwrap().contains("object_types"), "{refused}");
    // Without a webhook the journal only keeps who asked.
    let done = restore(&server, "shop", "/api/v1/objects/cashbox/9/restore").await.json(200);
    assert!(done["delivery"].is_null(), "{done}");
    // No settings allow this machine: neither now nor by a name.
    for url in [
        "http://127.0.0.1:1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]:8080/",
        "http://0x7f000001/",
        "file:///etc/passwd",
        "https://example.com:22/",
    ] {
        let body = json!({"url": url, "secret": SECRET});
        let put = send(server.request(Method::PUT, "/api/v1/projects/shop/webhooks/remonline").json(&body)).await;
        put.problem(400, "invalid_webhook");
    }
    server.stop();
}

#[tokio::test]
async fn calls_that_fail_become_dead_letters_and_survive_a_restart() {
    let server = golden_shop(HOOKS).await;
    let product = product().await;
    product.set_on(&server, "shop", "remonline").await;
    product.replies.lock().unwrap().extend([500; 3]);
    // An order can be restored where the webhook says so.
    restore(&server, "shop", "/api/v1/objects/order/55050/restore").await.json(200);
    let dead = delivered(&server, "shop", "dead").await;
    assert_eq!((&dead["attempts"], &dead["last_error"]), (&json!(3), &json!("answered 500")), "{dead}");
    let id = dead["id"].as_str().unwrap().to_owned();
    server.get("default", &format!("/api/v1/webhooks/deliveries/{id}")).await.problem(404, "delivery_not_found");
    let server = TestServer::start_in(&server.stop());
    assert_eq!(server.get("shop", &format!("/api/v1/webhooks/deliveries/{id}")).await.json(200)["state"], "dead");
    let retry = format!("/api/v1/webhooks/deliveries/{id}/retry");
    send(server.request(Method::POST, &retry).header("kronika-project", "shop")).await.json(200);
    delivered(&server, "shop", "delivered").await;
    assert_eq!(product.calls().len(), 4);
    send(server.request(Method::POST, &retry).header("kronika-project", "shop"))
        .await
        .problem(409, "delivery_not_dead");

    let listed = server.get("default", "/api/v1/projects/shop/webhooks").await;
    assert!(!listed.text.contains(SECRET), "{}", listed.text);
    assert_eq!(listed.json(200)[0]["object_types"], json!(["order"]));
    let path = "/api/v1/projects/shop/webhooks/remonline";
    assert_eq!(send(server.request(Method::DELETE, path)).await.status, 204);
    send(server.request(Method::DELETE, path)).await.problem(404, "webhook_not_found");
    // With the project go its calls.
    send(server.request(Method::DELETE, "/api/v1/projects/shop?confirm=shop")).await;
    let home = server.stop();
    assert_eq!(std::fs::read_dir(home.data_dir().join("webhooks")).unwrap().count(), 0);
}

#[tokio::test]
async fn a_kill_in_the_middle_of_a_restore_neither_loses_nor_invents_a_call() {
    let slow = HOOKS.replace("retry_first = \"1ms\"\nretry_longest = \"5ms\"", "retry_first = \"10m\"");
    let server = golden_shop(&slow).await;
    let product = product().await;
    product.set_on(&server, "shop", "remonline").await;
    product.replies.lock().unwrap().push(500);
    restore(&server, "shop", "/api/v1/objects/cashbox/9/restore").await.json(200);
    // Before its first call a delivery is pending too: the reply that fails must have been taken.
    let started = Instant::now();
    while product.calls().is_empty() {
        assert!(started.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let home = server.kill();
    // As a crash would leave them: one whose event is stored, one whose event is not.
    let dir = home.data_dir().join("webhooks");
    let file = std::fs::read_dir(&dir).unwrap().next().unwrap().unwrap().path();
    let sealed = std::fs::read(&file).unwrap();
    let mut stored: Value = serde_json::from_slice(kronika::sealed::unseal(&sealed).unwrap()).unwrap();
    (stored["state"], stored["due_ms"]) = ("held".into(), 0.into());
    std::fs::write(&file, stored.to_string()).unwrap();
    (stored["id"], stored["subject"]) = ("0invented".into(), "restore-never".into());
    std::fs::write(dir.join("0invented.json"), stored.to_string()).unwrap();
    let server = TestServer::start_in(&home);
    let started = Instant::now();
    while product.calls().len() < 2 {
        assert!(started.elapsed() < Duration::from_secs(20), "{:?}", product.calls());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    delivered(&server, "shop", "delivered").await;
    let listed = server.get("shop", "/api/v1/webhooks/deliveries").await.json(200);
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    assert!(product.calls().iter().all(|(_, body)| body.contains("restore-2")));
    server.stop();
}

#[tokio::test]
async fn a_restricted_key_sees_of_objects_what_its_sql_would() {
    let server = golden_shop(HOOKS).await;
    let key = async |scopes: Value, restrictions: Value| {
        let new = json!({"name": "k", "scopes": scopes, "project": "shop", "restrictions": restrictions});
        send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201)["secret"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let orders = key(json!(["query"]), json!({"modules": ["orders"]})).await;
    let get = async |key: &str, path: &str| send(server.with(key, Method::GET, path)).await;
    let order = get(&orders, "/api/v1/objects/order/55042").await.json(200);
    assert_eq!(order["events"], 5, "neither the file nor the SMS: {order}");
    get(&orders, "/api/v1/objects/cashbox/9").await.problem(404, "object_not_found");
    get(&orders, "/api/v1/objects/cashbox/9/restore").await.problem(404, "object_not_found");
    get(&orders, "/api/v1/events/2/changes").await.problem(404, "event_not_found");
    let masked = key(json!(["query"]), json!({"masked_columns": ["object_before"]})).await;
    get(&masked, "/api/v1/objects/order/55042/state").await.problem(403, "hidden_column");
    get(&masked, "/api/v1/events/6/changes").await.problem(403, "hidden_column");
    let names = key(json!(["query"]), json!({"masked_columns": ["actor_name"]})).await;
    let changes = get(&names, "/api/v1/events/6/changes").await;
    assert!(!changes.text.contains("Иван"), "{}", changes.text);
    assert_eq!(changes.json(200)["changes"][0]["after"], "В работе");
    // Restoring takes its own scope, and sees no more than the key.
    let post = async |key: &str, path: &str| send(server.with(key, Method::POST, path)).await;
    post(&orders, "/api/v1/objects/cashbox/9/restore").await.problem(403, "forbidden");
    let elsewhere = key(json!(["restore"]), json!({"modules": ["orders"]})).await;
    post(&elsewhere, "/api/v1/objects/cashbox/9/restore").await.problem(404, "object_not_found");
    let restorer = key(json!(["restore"]), json!({})).await;
    get(&restorer, "/api/v1/objects/cashbox/9").await.problem(403, "forbidden");
    post(&restorer, "/api/v1/objects/cashbox/9/restore").await.json(200);
    server.stop();
}
