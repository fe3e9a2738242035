//! The ledger over HTTP: its sums close at any moment, and rejected lines can be sent again.

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Home, TestServer, kronika, send};

pub(super) async fn ledger(server: &TestServer, project: &str, query: &str) -> Value {
    let request = server.request(Method::GET, &format!("/api/v1/ingest/ledger{query}"));
    send(request.header("kronika-project", project)).await.json(200)
}

/// The sums of a project, which close.
#[track_caller]
pub(super) fn closed(answer: &Value, when: &str) -> [i64; 6] {
    let totals = &answer["totals"];
    let of = |name: &str| totals[name].as_i64().unwrap_or_else(|| panic!("{name}: {totals}"));
    assert_eq!(of("received"), of("accepted") + of("duplicates") + of("rejected"), "{when}: {totals}");
    let by_code: i64 = totals["rejected_by"].as_object().unwrap().values().filter_map(Value::as_i64).sum();
    assert_eq!(of("rejected"), by_code, "{when}: {totals}");
    assert_eq!(of("unaccounted"), 0, "{when}: {totals}");
    assert_eq!(of("flushed"), of("stored") + of("retained") + of("erased"), "{when}: {totals}");
    assert_eq!(of("opening") + of("accepted"), of("hot") + of("flushed"), "{when}: {totals}");
    ["received", "accepted", "duplicates", "rejected", "hot", "stored"].map(of)
}

fn event(id: u32, more: Value) -> String {
    let mut event = json!({"event_id": id.to_string(), "module": "orders", "source": "shop"});
    event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    event.to_string() + "\n"
}

async fn append(server: &TestServer, key: &str, query: &str, body: String) -> super::common::Answer {
    let request = server.with(key, Method::POST, &format!("/api/v1/events{query}"));
    send(request.header("content-type", "application/x-ndjson").body(body)).await
}

async fn key(server: &TestServer, scopes: &[&str]) -> (String, String) {
    let new = json!({"name": "k", "scopes": scopes, "project": "default"});
    let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    (made["id"].as_str().unwrap().into(), made["secret"].as_str().unwrap().into())
}

#[tokio::test]
async fn what_became_of_every_event_is_told_and_survives_a_kill() {
    let home = Home::new("[ledger]\nnumbered_sources = [\"shop\"]\nsilent_after = \"2s\"\n");
    let server = TestServer::start_in(&home);
    let (id, sender) = key(&server, &["ingest"]).await;
    let old = json!({"event_time": "2020-01-01T00:00:00Z", "sequence": 4, "amount": 5});
    let body = event(1, json!({"sequence": 1}))
        + &event(2, json!({"sequence": 2, "nowhere": true}))
        + &event(2, json!({"sequence": 2, "nowhere": true}))
        + "no json\n"
        + &event(3, old)
        + &event(1, json!({"message": "other content"}))
        + &json!({"event_id": "1", "source": "crm"}).to_string();
    append(&server, &sender, "", body.clone()).await.json(200);
    // All or nothing, and nothing to store: both are counted, and stored nowhere.
    append(&server, &sender, "?atomic=true", event(9, json!({})) + "bad\n").await.problem(400, "events_rejected");
    append(&server, &sender, "", "bad\n".into()).await.problem(400, "events_rejected");
    let check = async |server: &TestServer, when: &str, hot: i64| {
        let answer = ledger(server, "default", "?by=source,key").await;
        assert_eq!(closed(&answer, when), [10, 4, 1, 5, hot, 4 - hot], "{when}: {answer}");
        let codes = json!({"batch_refused": 1, "event_id_conflict": 1, "invalid_json": 3});
        assert_eq!(answer["totals"]["rejected_by"], codes, "{when}");
        assert_eq!((&answer["totals"]["late"], &answer["totals"]["missing_numbers"]), (&json!(1), &json!(1)), "{when}");
        assert_eq!(answer["totals"]["remarks"]["unknown_field"], 2, "{when}: {answer}");
        let shop = answer["lines"].as_array().unwrap().iter().find(|line| line["source"] == "shop").unwrap();
        assert_eq!(
            (&shop["accepted"], &shop["duplicates"], &shop["key"]),
            (&json!(3), &json!(1), &json!(id)),
            "{when}"
        );
        let sources = answer["sources"].as_array().unwrap();
        let shop = sources.iter().find(|source| source["source"] == "shop").unwrap();
        let sequence = &shop["sequences"][0];
        assert_eq!((&sequence["gaps"], &sequence["last"]), (&json!([[3, 3]]), &json!(4)), "{when}: {sequence}");
        let batches = send(server.request(Method::GET, "/api/v1/ingest/ledger/batches?limit=2")).await.json(200);
        let received: Vec<&Value> = batches["batches"].as_array().unwrap().iter().map(|one| &one["received"]).collect();
        assert_eq!(received, [&json!(1), &json!(2)], "{when}");
        let sql = "SELECT state, code, CAST(sum(events) AS BIGINT) FROM ledger WHERE state IN ('rejected', 'unaccounted') GROUP BY 1, 2 ORDER BY 1, 2";
        assert_eq!(
            json!(server.rows("default", sql).await),
            json!([
                ["rejected", "batch_refused", "1"],
                ["rejected", "event_id_conflict", "1"],
                ["rejected", "invalid_json", "3"],
                ["unaccounted", null, "0"]
            ]),
            "{when}"
        );
    };
    check(&server, "hot", 4).await;
    let server = TestServer::start_in(&server.kill());
    check(&server, "killed", 4).await;
    server.flush().await;
    check(&server, "flushed", 0).await;
    let server = TestServer::start_in(&server.kill());
    check(&server, "flushed and killed", 0).await;
    server.compact().await;
    check(&server, "compacted", 0).await;
    let unaccounted = server.metric("kronika_ledger_unaccounted_events", "project=\"default\"").await;
    assert!(unaccounted.abs() < 0.5);
    let received = server.metric("kronika_ledger_events", "state=\"received\"").await;
    assert!(received >= 10.0, "{received}");
    // A source that says nothing any more.
    tokio::time::sleep(std::time::Duration::from_millis(2_100)).await;
    let answer = ledger(&server, "default", "?source=crm&by=day").await;
    assert!(answer["sources"].as_array().unwrap().iter().all(|source| source["silent"] == true), "{answer}");
    assert_eq!(answer["lines"].as_array().unwrap().len(), 1);
    assert_eq!(answer["lines"][0]["accepted"], 1);
    // A number that comes late closes its gap.
    append(&server, &sender, "", event(33, json!({"sequence": 3}))).await.json(200);
    assert_eq!(ledger(&server, "default", "").await["totals"]["missing_numbers"], 0);
    for wrong in ["?by=hour", "?from=soon", "?limit=1"] {
        let request = server.request(Method::GET, &format!("/api/v1/ingest/ledger{wrong}"));
        assert_eq!(send(request).await.status, 400, "{wrong}");
    }
    server.stop();
}

#[tokio::test]
async fn a_deleted_projects_ledger_begins_anew() {
    let server = TestServer::start();
    server.create_project("shop").await;
    server.append("shop", "", event(1, json!({})) + "bad\n").await.json(200);
    assert_eq!(closed(&ledger(&server, "shop", "").await, "before")[..2], [2, 1]);
    let delete = server.request(Method::DELETE, "/api/v1/projects/shop?confirm=shop");
    assert_eq!(send(delete).await.status, 204);
    server.create_project("shop").await;
    assert_eq!(closed(&ledger(&server, "shop", "").await, "made again"), [0; 6]);
    let server = TestServer::start_in(&server.kill());
    assert_eq!(closed(&ledger(&server, "shop", "").await, "killed"), [0; 6]);
    server.stop();
}

#[tokio::test]
async fn rejected_lines_are_found_and_sent_again_once_their_mapping_is_mended() {
    let server = TestServer::start_with("[dead_letters]\ntext_max = \"1KiB\"\n");
    let put = async |text: &str| {
        let request = server.request(Method::PUT, "/api/v1/mappings/shop").body(text.to_owned());
        assert!(send(request).await.status < 300);
    };
    // Many events have one id: all but the first are refused.
    put("source = \"shop\"\n[columns]\nevent_id = \"order\"\n").await;
    let (_, sender) = key(&server, &["ingest"]).await;
    let (_, reader) = key(&server, &["query"]).await;
    let line = |n: u32| json!({"order": 7, "n": n}).to_string() + "\n";
    // The longest that is kept whole, and one byte more.
    let sized = |n: u32, size: usize| {
        let line = |text: usize| json!({"order": 7, "n": n, "text": "x".repeat(text)}).to_string();
        line(size - line(0).len()) + "\n"
    };
    let body = line(1) + &line(2) + &line(3) + "broken\n";
    let body = body + &sized(8, 1_024) + &sized(9, 1_025);
    let answer = append(&server, &sender, "?mapping=shop", body).await.json(200);
    assert_eq!((&answer["accepted"], &answer["rejected"]), (&json!(1), &json!(5)), "{answer}");
    let list = async |query: &str| {
        let request = server.with(&reader, Method::GET, &format!("/api/v1/ingest/dead-letters{query}"));
        send(request).await.json(200)
    };
    let all = list("").await;
    assert_eq!((&all["count"], &all["codes"]["invalid_json"]), (&json!(5), &json!(1)), "{all}");
    assert_eq!(
        (&all["letters"][0]["cut"], &all["letters"][1]["cut"]),
        (&json!(true), &json!(false)),
        "the newest is first"
    );
    assert_eq!(list("?code=invalid_json").await["letters"][0]["text"], "broken");
    let (wrong, mapping) = (all["letters"][4]["code"].as_str().unwrap(), &all["letters"][4]["mapping"]);
    assert_eq!(mapping, "shop");
    assert_eq!(list("?limit=1").await["letters"].as_array().unwrap().len(), 1);
    for limit in ["0", "1001", "x"] {
        let request = server.with(&reader, Method::GET, &format!("/api/v1/ingest/dead-letters?limit={limit}"));
        assert_eq!(send(request).await.status, 400, "{limit}");
    }
    let replay = async |body: Value| {
        let request = server.with(&sender, Method::POST, "/api/v1/ingest/dead-letters/replay").json(&body);
        send(request).await
    };
    // Nothing is mended yet: all stay.
    let again = replay(json!({})).await.json(200);
    assert_eq!((&again["sent"], &again["rejected"], &again["cut"]), (&json!(4), &json!(4), &json!(1)), "{again}");
    assert_eq!(list("").await["count"], 5);
    // Ids come from another field now.
    put("source = \"shop\"\n[columns]\nevent_id = \"n\"\nmodule = { constant = \"mended\" }\n").await;
    let one = all["letters"][3]["id"].as_str().unwrap();
    let again = replay(json!({"ids": [one]})).await.json(200);
    assert_eq!((&again["sent"], &again["accepted"]), (&json!(1), &json!(1)), "{again}");
    let again = replay(json!({"which": {"code": wrong}})).await.json(200);
    assert_eq!((&again["sent"], &again["accepted"], &again["cut"]), (&json!(2), &json!(2), &json!(1)), "{again}");
    assert_eq!(replay(json!({"which": {"code": wrong}})).await.json(200)["sent"], 0);
    let stored = "SELECT event_id, module, source FROM events ORDER BY event_id";
    assert_eq!(
        json!(server.rows("default", stored).await),
        json!([["2", "mended", "shop"], ["3", "mended", "shop"], ["7", null, "shop"], ["8", "mended", "shop"]])
    );
    closed(&ledger(&server, "default", "").await, "after the replay");
    replay(json!({"mapping": "nothing"})).await.problem(404, "mapping_not_found");
    replay(json!({"all": true})).await.problem(400, "invalid_json");
    // What is left: the broken line and the one that was cut; a restart changes nothing.
    let server = TestServer::start_in(&server.kill());
    let request = server.with(&reader, Method::GET, "/api/v1/ingest/dead-letters/download");
    let left = send(request).await;
    assert_eq!((left.status, left.text.lines().count()), (200, 2), "{}", left.text);
    server.stop();
}

#[tokio::test]
async fn the_command_line_shows_the_ledger_and_sends_lines_again() {
    let server = TestServer::start();
    let (_, both) = key(&server, &["ingest", "query"]).await;
    append(&server, &both, "", event(1, json!({})) + "broken\n").await.json(200);
    let run = |args: &[&str]| kronika().args(args).args(["--server", &server.url, "--key", &both]).output().unwrap();
    let shown = run(&["ledger", "--by", "day,source"]);
    assert!(shown.status.success(), "{shown:?}");
    let text = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(text.contains("unaccounted") && text.contains("shop"), "{text}");
    let batches = run(&["ledger", "--batches", "--json"]);
    let batches: Value = serde_json::from_slice(&batches.stdout).unwrap();
    assert_eq!(batches["batches"][0]["received"], 2);
    let listed = run(&["dead-letters", "list"]);
    assert!(String::from_utf8_lossy(&listed.stdout).contains("invalid_json"), "{listed:?}");
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("letters.ndjson");
    let downloaded = run(&["dead-letters", "download", "--output", file.to_str().unwrap()]);
    assert!(downloaded.status.success(), "{downloaded:?}");
    assert!(std::fs::read_to_string(&file).unwrap().contains("broken"));
    let replayed = run(&["dead-letters", "replay", "--json"]);
    let replayed: Value = serde_json::from_slice(&replayed.stdout).unwrap();
    assert_eq!((&replayed["sent"], &replayed["rejected"]), (&json!(1), &json!(1)));
    server.stop();
}
