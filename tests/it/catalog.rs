//! The catalogues over HTTP.

use reqwest::Method;
use serde_json::Value;

use super::common::{Answer, TestServer, send};

async fn get(server: &TestServer, path: &str) -> Answer {
    send(server.request(Method::GET, path)).await
}

#[tokio::test]
async fn catalogues_are_listed_shown_and_searched() {
    let server = TestServer::start();
    let all = get(&server, "/api/v1/catalog?lang=en").await.json(200);
    let counts: Vec<(&str, u64, u64)> = all["sources"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (one["source"].as_str().unwrap(), one["modules"].as_u64().unwrap(), one["event_types"].as_u64().unwrap())
        })
        .collect();
    let wanted = [
        ("idosell", 16, 60),
        ("expertsender", 5, 14),
        ("remonline", 11, 74),
        ("getcourse", 12, 43),
        ("voucherify", 4, 35),
    ];
    assert_eq!(counts, wanted);
    let whole = get(&server, "/api/v1/catalog/remonline").await.json(200);
    assert_eq!(whole["modules"][0]["title"]["text"], "Задачи");
    assert_eq!(
        whole["restorable"],
        serde_json::json!(["task", "lead", "client", "invoice", "cashbox", "warehouse", "product"])
    );
    let english = get(&server, "/api/v1/catalog/remonline?lang=en").await.json(200);
    assert_eq!(english["modules"][0]["title"]["text"], "Tasks");
    // No catalogue tells of the files that it was made from.
    for source in wanted.map(|one| one.0) {
        let text = get(&server, &format!("/api/v1/catalog/{source}")).await.text;
        assert!(!text.contains("seed_file") && !text.contains("doc_lines") && !text.contains("provenance"), "{source}");
    }
    let found = get(&server, "/api/v1/catalog/search?q=broadcast_type&lang=ru").await.json(200);
    let meanings: Vec<&str> =
        found["hits"].as_array().unwrap().iter().filter_map(|hit| hit["meaning"]["text"].as_str()).collect();
    assert_eq!(meanings, ["видеокодер", "браузер"]);
    server.stop();
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told() {
    let server = TestServer::start();
    let problem = get(&server, "/api/v1/catalog/getcurse").await.problem(404, "catalog_not_found");
    assert!(problem["hint"].as_str().unwrap().contains("did you mean `getcourse`"), "{problem}");
    for path in ["/api/v1/catalog?lang=de", "/api/v1/catalog/idosell?lang=", "/api/v1/catalog/search?q=x&lang=xx"] {
        let problem = get(&server, path).await.problem(400, "invalid_parameter");
        assert!(problem["detail"].as_str().unwrap().contains("original, pl, ru, en"), "{problem}");
    }
    for path in ["search", "search?q=", "search?q=x&limit=0", "search?q=x&limit=501", "search?q=x&color=red"] {
        get(&server, &format!("/api/v1/catalog/{path}")).await.problem(400, "invalid_parameter");
    }
    let few = get(&server, "/api/v1/catalog/search?q=e&limit=500").await.json(200);
    assert_eq!(few["hits"].as_array().map(Vec::len), Some(500), "{}", few["total"]);
    server.stop();
}

/// An event that no catalogue knows is taken in and shown like any other.
#[tokio::test]
async fn uncatalogued_events_are_taken_in() {
    let server = TestServer::start();
    let event = r#"{"event_id":"1","source":"getcourse","dataset":"event_log","module":"aquariums","event_type":"x.y_changed"}"#;
    assert_eq!(server.append("default", "", event).await.json(200)["accepted"], 1);
    let page = get(&server, "/api/v1/screens/getcourse/event_log").await.json(200);
    let row: Vec<&Value> = page["rows"][0].as_array().unwrap().iter().collect();
    assert!(row.contains(&&Value::from("x.y_changed")), "{row:?}");
    server.stop();
}
