//! Questions over HTTP: formats, parameters, caps, errors, named queries.

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Answer, TestServer, send};

async fn loaded() -> TestServer {
    let server = TestServer::start();
    let body: String = (0..20)
        .map(|n| {
            let (hour, module) = (n % 24, ["orders", "payments"][n % 2]);
            json!({"event_id": format!("e{n:02}"), "event_time": format!("2025-03-04T{hour:02}:00:00Z"), "module": module,
                "duration_ns": 9_007_199_254_740_993_u64 + n as u64, "severity_number": 17, "outcome": "failure", "n": n})
            .to_string()
                + "\n"
        })
        .collect();
    server.append("default", "", body).await.json(200);
    server
}

async fn ask(server: &TestServer, body: Value) -> Answer {
    send(server.request(Method::POST, "/api/v1/query").json(&body)).await
}

#[tokio::test]
async fn parameters_by_place_and_by_name() {
    let server = loaded().await;
    let answer =
        ask(&server, json!({"sql": "SELECT event_id FROM events WHERE event_id = $1", "params": ["e03"]})).await;
    assert_eq!(answer.json(200)["rows"], json!([["e03"]]));
    let sql = "SELECT count(*) AS n FROM events WHERE module = $module AND event_time >= $from";
    let answer =
        ask(&server, json!({"sql": sql, "params": {"module": "orders", "from": "2025-03-04T10:00:00Z"}})).await;
    let answer = answer.json(200);
    assert_eq!(answer["rows"], json!([["5"]]));
    assert_eq!(answer["schema"], json!([{"name": "n", "type": "int64"}]));
    assert_eq!(answer["truncated"], false);
    ask(&server, json!({"sql": "SELECT $1", "params": []})).await.problem(400, "invalid_parameter");
    server.stop();
}

#[tokio::test]
async fn every_format_gives_the_same_rows() {
    let server = loaded().await;
    let sql = "SELECT event_id, duration_ns, event_time FROM events ORDER BY event_id LIMIT 2";
    let formatted = async |format: &str| ask(&server, json!({"sql": sql, "format": format})).await;
    let rows = json!([
        ["e00", "9007199254740993", "2025-03-04T00:00:00Z"],
        ["e01", "9007199254740994", "2025-03-04T01:00:00Z"]
    ]);
    assert_eq!(formatted("json").await.json(200)["rows"], rows);
    let ndjson = formatted("ndjson").await;
    assert_eq!(ndjson.headers["content-type"], "application/x-ndjson");
    let first: Value = serde_json::from_str(ndjson.text.lines().next().unwrap()).unwrap();
    assert_eq!(
        first,
        json!({"event_id": "e00", "duration_ns": "9007199254740993", "event_time": "2025-03-04T00:00:00Z"})
    );
    let csv = formatted("csv").await.text;
    assert_eq!(csv.lines().nth(1), Some("e00,9007199254740993,2025-03-04T00:00:00Z"), "{csv}");
    for (accept, magic) in
        [("application/vnd.apache.parquet", &b"PAR1"[..]), ("application/vnd.apache.arrow.stream", &[0xFF; 4])]
    {
        let request = server.request(Method::POST, "/api/v1/query").header("accept", accept).json(&json!({"sql": sql}));
        let response = request.send().await.unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()["content-type"]), (200, &accept.parse().unwrap()));
        assert!(response.bytes().await.unwrap().starts_with(magic), "{accept}");
    }
    let request =
        server.request(Method::POST, "/api/v1/query").header("accept", "image/png").json(&json!({"sql": sql}));
    send(request).await.problem(406, "not_acceptable");
    server.stop();
}

#[tokio::test]
async fn a_cut_answer_says_so() {
    let server = TestServer::start_with("[query]\nrows_max = 5\n");
    let body = "{}\n".repeat(6);
    server.append("default", "", body).await.json(200);
    let answer = server.query("default", "SELECT _seq FROM events").await.json(200);
    assert_eq!((answer["rows"].as_array().unwrap().len(), &answer["truncated"]), (5, &json!(true)));
    let answer = server.query("default", "SELECT _seq FROM events LIMIT 5").await.json(200);
    assert_eq!((answer["rows"].as_array().unwrap().len(), &answer["truncated"]), (5, &json!(false)));
    server.stop();
}

#[tokio::test]
async fn only_one_question_at_a_time_and_nothing_else() {
    let server = loaded().await;
    for sql in [
        "DROP TABLE events",
        "SELECT 1; SELECT 2",
        "INSERT INTO events VALUES (1)",
        "SET a.b = 1",
        "COPY events TO 'x'",
        "CREATE VIEW v AS SELECT 1",
    ] {
        let answer = server.query("default", sql).await;
        assert_eq!(answer.status, 400, "{sql}: {}", answer.text);
    }
    let explained = server.query("default", "EXPLAIN SELECT count(*) FROM events").await;
    assert_eq!(explained.status, 200, "{}", explained.text);
    server.stop();
}

#[tokio::test]
async fn errors_name_the_place_and_suggest_near_names() {
    let server = loaded().await;
    let document =
        server.query("default", "SELECT event_id,\n  modul FROM events").await.problem(400, "unknown_column");
    assert_eq!((&document["position"]["line"], &document["position"]["column"]), (&json!(2), &json!(3)), "{document}");
    assert!(document["hint"].as_str().unwrap().contains("module"), "{document}");
    let document = server.query("default", "SELECT * FROM event").await.problem(400, "unknown_table");
    assert!(document["hint"].as_str().unwrap().contains("events"), "{document}");
    let document = server.query("default", "SELEC 1").await.problem(400, "sql_syntax");
    assert_eq!(document["position"]["line"], 1);
    server.stop();
}

#[tokio::test]
async fn shipped_named_queries_run_and_a_users_own_is_picked_up() {
    let server = loaded().await;
    let get = |path: String| send(server.request(Method::GET, &path));
    let list = get("/api/v1/queries".into()).await.json(200);
    let shipped = list.as_array().unwrap();
    assert!(shipped.len() >= 12, "{}", shipped.len());
    let range = "from=2025-03-04T00:00:00Z&to=2025-03-05T00:00:00Z";
    for query in shipped {
        let name = query["name"].as_str().unwrap();
        let mut path = format!("/api/v1/queries/{name}?");
        for parameter in query["parameters"].as_array().unwrap() {
            let (given, kind) = (parameter["name"].as_str().unwrap(), parameter["type"].as_str().unwrap());
            if ["from", "to"].contains(&given) {
                continue;
            }
            if parameter["required"] == true {
                let value = if kind == "integer" || kind == "number" { "1" } else { "x" };
                path += &format!("{given}={value}&");
            }
        }
        if query["parameters"].as_array().unwrap().iter().any(|parameter| parameter["name"] == "from") {
            path += range;
        }
        let answer = get(path).await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text);
    }
    let own = server.home().data_dir().join("queries/mine.sql");
    std::fs::write(
        &own,
        "-- title: Mine\n-- param: id text | Which\nSELECT event_id FROM events WHERE event_id = $id\n",
    )
    .unwrap();
    assert_eq!(get("/api/v1/queries/mine?id=e07".into()).await.json(200)["rows"], json!([["e07"]]));
    get("/api/v1/queries/mine".into()).await.problem(400, "invalid_parameter");
    get("/api/v1/queries/mine?id=e07&idd=1".into()).await.problem(400, "invalid_parameter");
    get("/api/v1/queries/mime".into()).await.problem(404, "query_not_found");
    server.stop();
}
