//! The pages of the source systems' logs, over HTTP, on the golden journals.

use std::collections::BTreeSet;
use std::path::Path;

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Answer, TestServer, send};

/// Pages, and their rows of all time.
const PAGES: [(&str, &str, usize); 12] = [
    ("idosell", "event_log", 15),
    ("expertsender", "panel_logs", 4),
    ("expertsender", "website_activity", 5),
    ("expertsender", "session_events", 2),
    ("expertsender", "api_logs", 3),
    ("expertsender", "sms_logs", 1),
    ("remonline", "event_log", 15),
    // Without the two events of processes, which only their objects show.
    ("getcourse", "event_log", 13),
    ("voucherify", "logs", 7),
    // One row a task, one an export.
    ("voucherify", "background_tasks", 2),
    ("voucherify", "exports", 1),
    ("voucherify", "webhook_sendouts", 0),
];

async fn server() -> TestServer {
    let server = TestServer::start();
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/golden");
    for source in ["expertsender", "getcourse", "idosell", "remonline", "voucherify"] {
        let body = std::fs::read(dir.join(format!("{source}.ndjson"))).unwrap();
        server.append("default", "", body).await.json(200);
    }
    server
}

async fn get(server: &TestServer, path: &str) -> Answer {
    send(server.request(Method::GET, &format!("/api/v1/screens{path}"))).await
}

/// Rows of a page.
async fn rows(server: &TestServer, path: &str) -> (Vec<String>, Vec<Vec<Value>>) {
    let page = get(server, path).await.json(200);
    let columns = page["columns"].as_array().unwrap().iter().map(|column| column["id"].as_str().unwrap().to_owned());
    (columns.collect(), serde_json::from_value(page["rows"].clone()).unwrap())
}

/// Values of one column of a page.
async fn column(server: &TestServer, path: &str, id: &str) -> Vec<String> {
    let (columns, rows) = rows(server, path).await;
    let at = columns.iter().position(|known| known == id).unwrap_or_else(|| panic!("{id} is not in {columns:?}"));
    rows.iter().map(|row| row[at].as_str().map_or_else(|| row[at].to_string(), str::to_owned)).collect()
}

#[tokio::test]
async fn every_page_shows_its_columns_in_the_products_order_hot_and_flushed() {
    let server = server().await;
    let listed = get(&server, "?lang=en").await.json(200);
    let listed = listed["screens"].as_array().unwrap();
    assert_eq!(listed.len(), PAGES.len());
    for state in ["hot", "flushed"] {
        for (source, screen, count) in PAGES {
            let described = listed.iter().find(|one| one["source"] == source && one["id"] == screen).unwrap();
            let (columns, rows) = rows(&server, &format!("/{source}/{screen}?period=all")).await;
            assert_eq!(rows.len(), count, "{state} {source} {screen}");
            let wanted: Vec<&str> =
                described["columns"].as_array().unwrap().iter().map(|column| column["id"].as_str().unwrap()).collect();
            assert_eq!(&columns[..wanted.len()], wanted, "{source} {screen}");
            assert!(rows.iter().all(|row| row.len() == columns.len()));
        }
        server.flush().await;
    }
    server.stop();
}

/// What a page shows is what its SQL gives to whoever runs it.
#[tokio::test]
async fn every_page_says_the_sql_that_it_ran() {
    let server = server().await;
    for (source, screen, count) in PAGES {
        let path = format!("/{source}/{screen}?period=all&limit=1000");
        let explained = get(&server, &format!("{path}&explain=sql")).await.json(200);
        let question = json!({"sql": explained["sql"], "params": explained["params"]});
        let answer = send(server.request(Method::POST, "/api/v1/query").json(&question)).await.json(200);
        let page = get(&server, &path).await.json(200);
        assert_eq!(page["rows"], answer["rows"], "{source} {screen}");
        assert_eq!((page["rows"].as_array().unwrap().len(), &page["next"]), (count, &Value::Null));
    }
    server.stop();
}

#[tokio::test]
async fn every_filter_of_every_page_works_and_others_are_named() {
    let server = server().await;
    let listed = get(&server, "").await.json(200);
    let mut used = 0;
    for screen in listed["screens"].as_array().unwrap() {
        let path = format!("/{}/{}", screen["source"].as_str().unwrap(), screen["id"].as_str().unwrap());
        for filter in screen["filters"].as_array().unwrap() {
            let id = filter["id"].as_str().unwrap();
            let value = match (filter["fields"][0].as_str().unwrap(), filter["values"].as_object()) {
                ("period", _) => "2024-10-16",
                ("hours", _) => "9-17",
                (_, Some(choices)) => choices.keys().next().unwrap(),
                _ => "x",
            };
            get(&server, &format!("{path}?{id}={value}")).await.json(200);
            if filter["operators"].as_array().unwrap().contains(&json!("is_not")) {
                get(&server, &format!("{path}?{id}!={value}")).await.json(200);
            } else {
                get(&server, &format!("{path}?{id}!={value}")).await.problem(400, "invalid_filter");
            }
            used += 1;
        }
        let problem = get(&server, &format!("{path}?colour=red")).await.problem(400, "unknown_filter");
        let hint = problem["hint"].as_str().unwrap();
        let named =
            screen["filters"].as_array().unwrap().iter().all(|filter| hint.contains(filter["id"].as_str().unwrap()));
        assert!(named && hint.contains("cursor"), "{path}: {hint}");
    }
    assert!(used > 25, "{used}");
    server.stop();
}

#[tokio::test]
async fn pages_answer_as_the_products_do() {
    let server = server().await;
    let ids = async |path: &str, id: &str| column(&server, path, id).await;
    // IdoSell: hours of the day over two days, on the shop's clocks; modules; all of them by its own name.
    let nine = ids("/idosell/event_log?from=2025-03-04&to=2025-03-05&hours=9&order=asc", "event_id").await;
    let sql = "SELECT event_id FROM events WHERE source='idosell' AND date_part('hour', event_time AT TIME ZONE 'Europe/Warsaw') = 9 ORDER BY event_time";
    let wanted: Vec<Value> = server.rows("default", sql).await.into_iter().flatten().collect();
    assert_eq!(json!(nine), json!(wanted));
    assert_eq!(ids("/idosell/event_log?module=couriers", "operation_type").await.len(), 4);
    assert_eq!(ids("/idosell/event_log?module=couriers&module=webhooks", "time").await.len(), 6);
    assert_eq!(ids("/idosell/event_log?module=all", "time").await.len(), 15);
    // ExpertSender: the website chosen above the table.
    assert_eq!(ids("/expertsender/website_activity?site=site-2", "log_id").await, ["9005"]);
    // RemOnline: two locations at once and one employee.
    let seen = ids("/remonline/event_log?location=loc-1&location=loc-2&employee=32&order=asc", "event_id").await;
    let sql = "SELECT event_id FROM events WHERE source='remonline' AND unit_id IN ('loc-1','loc-2') AND actor_id='32' ORDER BY event_time";
    let wanted: Vec<Value> = server.rows("default", sql).await.into_iter().flatten().collect();
    assert_eq!(json!(seen), json!(wanted));
    // GetCourse: a day on Moscow's clocks, oldest first.
    assert_eq!(ids("/getcourse/event_log?date=2024-08-28", "details").await, ["ge-1"]);
    let all = ids("/getcourse/event_log", "details").await;
    assert_eq!((all.len(), all[0].as_str()), (13, "ge-1"));
    // Voucherify: nothing in the last 24 hours by default; errors; a key by its name; texts of bodies; tasks as they are now.
    assert!(ids("/voucherify/logs", "id").await.is_empty());
    assert_eq!(ids("/voucherify/logs?period=all", "id").await.len(), 7);
    let errors = ids("/voucherify/logs?period=all&view=errors", "status").await;
    assert!(errors.len() == 2 && errors.iter().all(|outcome| outcome == "failure"), "{errors:?}");
    assert_eq!(ids("/voucherify/logs?period=all&view=logs", "id").await.len(), 7);
    assert_eq!(ids("/voucherify/logs?period=all&server_key=Backend+prod", "app_id").await.len(), 3);
    assert_eq!(ids("/voucherify/logs?period=all&client_key=Backend+prod", "app_id").await.len(), 0);
    assert!(ids("/voucherify/logs?period=all&body_text=VOUCHER_expired", "id").await.contains(&"log_1004".to_owned()));
    let tasks = "/voucherify/background_tasks?type=VOUCHERS.IMPORT_CSV&status=done";
    assert_eq!(ids(tasks, "id").await, ["aa_0adad13d6f057f088e"]);
    assert_eq!(ids(tasks, "progress").await, ["100.0"]);
    assert!(ids("/voucherify/background_tasks?status=in_progress", "id").await.is_empty());
    server.stop();
}

#[tokio::test]
async fn cursors_neither_skip_nor_double() {
    let server = server().await;
    for (source, screen, count) in PAGES {
        for order in ["asc", "desc"] {
            let whole = get(&server, &format!("/{source}/{screen}?period=all&order={order}")).await.json(200);
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let path = format!("/{source}/{screen}?period=all&order={order}&limit=2{cursor}");
                let page = get(&server, &path).await.json(200);
                let rows = page["rows"].as_array().unwrap();
                assert!(rows.len() <= 2);
                seen.extend(rows.iter().cloned());
                let Some(next) = page["next"].as_str() else { break };
                cursor = format!("&cursor={next}");
                // Events that arrive meanwhile are of another day.
                let event = json!({"source": source, "dataset": screen, "event_id": format!("{order}-{}", seen.len()), "task_id": "new"});
                if order == "desc" {
                    server.append("default", "", event.to_string()).await.json(200);
                }
            }
            assert_eq!(json!(seen), whole["rows"], "{source} {screen} {order}");
            assert!(seen.len() >= count);
        }
    }
    let page = get(&server, "/idosell/event_log?limit=2").await.json(200);
    let next = page["next"].as_str().unwrap();
    let no_cursor = ["x", "7b7d", "5b5d", "zz", "żż"].map(str::to_owned);
    let of_others =
        [format!("/idosell/event_log?order=asc&cursor={next}"), format!("/voucherify/exports?cursor={next}")];
    let wrong = no_cursor.map(|text| format!("/idosell/event_log?cursor={text}"));
    for path in wrong.iter().chain(&of_others) {
        get(&server, path).await.problem(400, "invalid_cursor");
    }
    server.stop();
}

#[tokio::test]
async fn a_key_sees_no_more_of_a_page_than_its_sql_shows() {
    let server = server().await;
    let key = async |restrictions: Value| {
        let new = json!({"name": "r", "scopes": ["query"], "project": "default", "restrictions": restrictions});
        let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
        made["secret"].as_str().unwrap().to_owned()
    };
    let ask =
        async |key: &str, path: &str| send(server.with(key, Method::GET, &format!("/api/v1/screens{path}"))).await;
    let of_modules = key(json!({"modules": ["couriers"]})).await;
    let page = ask(&of_modules, "/idosell/event_log").await.json(200);
    assert_eq!(page["rows"].as_array().unwrap().len(), 4);
    let seen: BTreeSet<&str> = page["rows"].as_array().unwrap().iter().map(|row| row[5].as_str().unwrap()).collect();
    assert_eq!(seen, BTreeSet::from(["couriers"]));
    assert!(ask(&of_modules, "/voucherify/background_tasks").await.json(200)["rows"].as_array().unwrap().is_empty());
    let masked = key(json!({"masked_columns": ["actor_email"]})).await;
    let page = "/expertsender/panel_logs?period=all";
    let (shown, whole) = (ask(&masked, page).await.json(200), get(&server, page).await.json(200));
    let places = |wanted: bool| -> Vec<usize> {
        let columns = shown["columns"].as_array().unwrap().iter().enumerate();
        columns.filter(|(_, column)| (column["masked"] == true) == wanted).map(|(at, _)| at).collect()
    };
    assert!(!places(true).is_empty(), "{shown}");
    for (seen, all) in shown["rows"].as_array().unwrap().iter().zip(whole["rows"].as_array().unwrap()) {
        assert!(places(true).iter().all(|at| seen[at].is_null()), "{seen}");
        // What is made of a hidden column is not there either.
        assert!(places(false).iter().all(|at| seen[at] == all[at] || seen[at].is_null()), "{seen} {all}");
        assert!(places(false).iter().any(|at| !seen[at].is_null()), "{seen}");
    }
    assert_eq!(shown["rows"].as_array().unwrap().len(), 4);
    // A page that selects by what is hidden would be another page.
    let by_source = key(json!({"masked_columns": ["source"]})).await;
    ask(&by_source, page).await.problem(403, "hidden_column");
    let by_object = key(json!({"masked_columns": ["visibility"]})).await;
    ask(&by_object, "/getcourse/event_log?period=all").await.problem(403, "hidden_column");
    // What was asked of a page is on record like any question.
    server.stop();
}

#[tokio::test]
async fn what_a_page_cannot_take_is_told() {
    let server = TestServer::start();
    let problem = get(&server, "/voucherify/webhooks").await.problem(404, "screen_not_found");
    assert!(problem["hint"].as_str().unwrap().contains("webhook_sendouts"), "{problem}");
    get(&server, "/nobody/logs").await.problem(404, "catalog_not_found");
    for query in
        ["limit=0", "limit=1001", "limit=x", "order=up", "explain=plan", "view=warnings", "view=logs&view=errors"]
    {
        get(&server, &format!("/voucherify/logs?{query}")).await.problem(400, "invalid_filter");
    }
    for query in ["limit=1", "limit=1000"] {
        get(&server, &format!("/voucherify/logs?{query}")).await.json(200);
    }
    get(&server, "/voucherify/logs?lang=de").await.problem(400, "invalid_parameter");
    for query in ["period=someday", "tz=Europe/Nowhere", "from=x", "from=2025-02-01&to=2025-01-01"] {
        get(&server, &format!("/voucherify/logs?{query}")).await.problem(400, "invalid_period");
    }
    let page = get(&server, "/remonline/event_log?lang=en").await.json(200);
    assert_eq!(
        (&page["columns"][1]["title"]["text"], &page["columns"][1]["title"]["original"]),
        (&json!("Location (where?)"), &json!("Локация"))
    );
    server.stop();
}
