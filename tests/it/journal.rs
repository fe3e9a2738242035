//! The journal over HTTP: lists, cursors, one event, figures.

use chrono::DateTime;
use reqwest::Method;
use serde_json::{Value, json};

use super::common::{Answer, TestServer, send, shared};
use super::golden::{load, load_halves, same};

/// `GET /api/v1…` in a project.
async fn get(server: &TestServer, project: &str, path: &str) -> Answer {
    let request = server.request(Method::GET, &format!("/api/v1{path}")).header("kronika-project", project);
    send(request).await
}

/// Every golden question as it is asked of the journal, with what it expects.
fn questions() -> Option<Vec<(Value, Value)>> {
    let dir = shared("golden")?;
    let ours: Vec<Value> = serde_json::from_str(include_str!("journal/questions.json")).unwrap();
    let mut asked = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.to_string_lossy().ends_with(".questions.json") {
            for question in serde_json::from_slice::<Vec<Value>>(&std::fs::read(path).unwrap()).unwrap() {
                let ask = ours.iter().find(|ask| ask["id"] == question["id"]);
                let ask = ask.unwrap_or_else(|| panic!("{} is not asked of the journal", question["id"]));
                asked.push((ask.clone(), question["expected"].clone()));
            }
        }
    }
    Some(asked)
}

/// One cell: `name/of/member`, with `^` of the row that led to this one, `=` of the question itself; `|` says how to show it.
fn cell(ask: &Value, outer: &Value, row: &Value, path: &str) -> Value {
    let (path, form) = path.split_once('|').unwrap_or((path, ""));
    let (of, path) = match path.split_at(1) {
        ("^", path) => (outer, path),
        ("=", path) => (ask, path),
        _ => (row, path),
    };
    let value = of.pointer(&format!("/{path}")).cloned().unwrap_or(Value::Null);
    let time = |value: &Value| DateTime::parse_from_rfc3339(value.as_str().unwrap()).unwrap();
    let share = |of: i64| json!(value.as_str().unwrap().parse::<i64>().unwrap() / of);
    match form {
        "" => value,
        "json" if value.is_null() => value,
        "json" => value.to_string().into(),
        "minutes" => json!((time(&outer[path]) - time(&value)).num_minutes()),
        "thousands" => share(1_000),
        "billions" => share(1_000_000_000),
        zone => time(&value)
            .with_timezone(&zone.parse::<chrono_tz::Tz>().unwrap())
            .format("%Y-%m-%d %H:%M")
            .to_string()
            .into(),
    }
}

/// `{name}` in a path is that value of the row.
fn filled(path: &str, row: &Value) -> String {
    let mut path = path.to_owned();
    while let Some((before, rest)) = path.split_once('{') {
        let (name, after) = rest.split_once('}').unwrap();
        path = format!("{before}{}{after}", row[name].as_str().unwrap());
    }
    path
}

/// Rows of an answer under its own name for them.
fn listed(ask: &Value, answer: &Value) -> Vec<Value> {
    let names = [ask["list"].as_str().unwrap_or("events"), "rows"];
    match names.iter().find_map(|name| answer.get(name)) {
        Some(Value::Array(rows)) => rows.clone(),
        Some(one) => vec![one.clone()],
        None => panic!("{ask}: {answer}"),
    }
}

/// What the journal answers, in the columns that are expected.
async fn answered(server: &TestServer, project: &str, ask: &Value, columns: &Value) -> Vec<Value> {
    let names = ask.get("rows").unwrap_or(columns).as_array().unwrap();
    let row = |outer: &Value, row: &Value| -> Value {
        names.iter().map(|name| cell(ask, outer, row, name.as_str().unwrap())).collect()
    };
    let get = async |path: &str| listed(ask, &get(server, project, path).await.json(200));
    let mut rows = Vec::new();
    for found in get(ask["get"].as_str().unwrap()).await {
        match ask["each"].as_str() {
            None => rows.push(row(&Value::Null, &found)),
            Some(each) => rows.extend(get(&filled(each, &found)).await.iter().map(|inner| row(&found, inner))),
        }
    }
    if let Some(more) = ask.get("and") {
        rows.extend(Box::pin(answered(server, project, more, columns)).await);
    }
    if ask.get("order").is_some() {
        rows.sort_by_key(Value::to_string);
    }
    rows
}

async fn ask_all(server: &TestServer, project: &str, state: &str) {
    let Some(questions) = questions() else { return };
    let mut wrong = Vec::new();
    for (ask, expected) in &questions {
        let rows = json!(answered(server, project, ask, &expected["columns"]).await);
        if !same(&rows, &expected["rows"]) {
            wrong.push(format!("{ask}\n  got {rows:.600}\n  want {}", expected["rows"]));
        }
    }
    assert!(questions.len() > 40 && wrong.is_empty(), "{state}: {} wrong\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn golden_questions_are_answered_by_the_journal_hot_flushed_and_compacted() {
    let server = TestServer::start();
    server.create_project("demo").await;
    load(&server).await;
    ask_all(&server, "demo", "hot").await;
    server.flush().await;
    ask_all(&server, "demo", "flushed").await;
    server.create_project("halves").await;
    load_halves(&server).await;
    server.compact().await;
    ask_all(&server, "halves", "compacted").await;
    server.stop();
}

#[tokio::test]
async fn words_group_as_they_filter() {
    let server = TestServer::start();
    server.create_project("demo").await;
    load(&server).await;
    for (zone, words) in [("", "kind,actor_kind,level,hour,weekday,pattern"), ("&tz=Asia/Kathmandu", "hour,weekday")] {
        let facets = get(&server, "demo", &format!("/facets?period=all&fields={words}{zone}")).await.json(200);
        for (word, facet) in facets["facets"].as_object().unwrap() {
            let named = facet["values"].as_array().unwrap().iter().filter(|value| !value["value"].is_null());
            let mut seen = 0;
            for value in named {
                let asked = value["value"].as_str().map_or_else(|| value["value"].to_string(), str::to_owned);
                let asked: String = url::form_urlencoded::byte_serialize(asked.as_bytes()).collect();
                let path = format!("/events?period=all&limit=1&{word}={asked}{zone}");
                let total = &get(&server, "demo", &path).await.json(200)["total"];
                assert_eq!(total["value"].to_string(), value["count"].to_string().replace('"', ""), "{path}");
                seen += 1;
            }
            assert!(seen > 0, "{word}: {facet}");
        }
    }
    server.stop();
}

#[tokio::test]
async fn what_a_list_says_it_ran_gives_the_same_rows_as_sql() {
    let server = TestServer::start();
    server.create_project("demo").await;
    load(&server).await;
    for path in [
        "/events?period=all&limit=20",
        "/events?period=all&q=dpd&sort=-duration_ns",
        "/events?period=all&changed=finish_at&ip!=10.0.0.0/8&hour=0-23&weekday=1-7",
        "/events?period=all&attributes.cart_value>=1",
        "/events?period=all&filter={\"any\":[{\"module\":\"couriers\"},{\"not\":{\"outcome\":\"success\"}}]}",
    ] {
        let list = get(&server, "demo", path).await.json(200);
        let explained = get(&server, "demo", &format!("{path}&explain=sql")).await.json(200);
        let request = server.request(Method::POST, "/api/v1/query").header("kronika-project", "demo");
        let answer =
            send(request.json(&json!({"sql": explained["sql"], "params": explained["params"], "format": "ndjson"})))
                .await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        let limit = list["events"].as_array().unwrap().len();
        let ids: Vec<Value> =
            answer.text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["event_id"].clone()).collect();
        let listed: Vec<Value> =
            list["events"].as_array().unwrap().iter().map(|event| event["event_id"].clone()).collect();
        assert_eq!(ids[..limit], listed[..], "{path}");
        assert!(limit > 0, "{path}");
    }
    server.stop();
}

/// Walks a list to its end while `between` happens after each page.
async fn walk(server: &TestServer, path: &str, mut between: impl AsyncFnMut(usize)) -> Vec<String> {
    let (mut ids, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
    loop {
        let page =
            get(server, "default", format!("{path}&cursor={cursor}").trim_end_matches("&cursor=")).await.json(200);
        let events = page["events"].as_array().unwrap();
        ids.extend(events.iter().map(|event| event["event_id"].as_str().unwrap().to_string()));
        pages += 1;
        between(pages).await;
        match page["next"].as_str() {
            Some(next) => cursor = next.to_string(),
            None => return ids,
        }
    }
}

#[tokio::test]
async fn pages_neither_double_nor_skip_while_events_arrive_and_move() {
    let server = TestServer::start();
    // Ten events share an instant, and a third has no duration.
    let event = |n: usize| {
        let mut event = json!({"event_id": format!("e{n:03}"), "event_time": 1_741_000_000 + n / 10, "module": format!("m{}", n % 3)});
        if !n.is_multiple_of(3) {
            event["duration_ns"] = json!(n % 7);
        }
        event.to_string()
    };
    let lines = |from: usize, to: usize| (from..to).map(event).collect::<Vec<_>>().join("\n");
    server.append("default", "", lines(0, 60)).await.json(200);
    server.flush().await;
    server.append("default", "", lines(60, 100)).await.json(200);
    let mut all: Vec<String> = (0..100).map(|n| format!("e{n:03}")).collect();
    let mut late = 100;
    for sort in ["-event_time", "event_time", "-duration_ns", "duration_ns", "module"] {
        let path = format!("/events?period=all&limit=7&sort={sort}");
        let mut ids = walk(&server, &path, async |page| {
            // Old and new ones: neither belongs to the moment of the first page.
            let more = json!({"event_id": format!("e{late:03}"), "event_time": 1_741_000_000 + page, "duration_ns": page % 7, "module": "m1"});
            server.append("default", "", more.to_string()).await.json(200);
            late += 1;
            match page {
                3 => drop(server.flush().await),
                6 => drop(server.compact().await),
                _ => {}
            }
        })
        .await;
        ids.sort();
        assert_eq!(ids, all, "{sort}");
        all = (0..late).map(|n| format!("e{n:03}")).collect();
        all.sort();
    }
    let total = get(&server, "default", "/events?period=all&limit=1").await.json(200);
    assert_eq!(total["total"], json!({"value": all.len(), "relation": "eq"}));
    let capped = get(&server, "default", "/events?period=all&limit=1&total=99").await.json(200);
    assert_eq!(capped["total"], json!({"value": 99, "relation": "gte"}));
    let exact = get(&server, "default", &format!("/events?period=all&limit=1&total={}", all.len())).await.json(200);
    assert_eq!(exact["total"], json!({"value": all.len(), "relation": "eq"}));
    let none = get(&server, "default", "/events?period=all&limit=1&total=none").await.json(200);
    assert_eq!(none["total"], Value::Null);
    // A cursor is for its list.
    let next = total["next"].as_str().unwrap();
    get(&server, "default", &format!("/events?period=all&module=m1&cursor={next}"))
        .await
        .problem(400, "invalid_cursor");
    get(&server, "default", "/events?period=all&cursor=00ff").await.problem(400, "invalid_cursor");
    server.stop();
}

#[tokio::test]
async fn without_a_period_the_last_day_is_shown_newest_first() {
    let server = TestServer::start();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let lines: Vec<String> = [25 * 3_600, 3_600, 60]
        .iter()
        .map(|ago| json!({"event_id": format!("{ago}"), "event_time": now - ago}).to_string())
        .collect();
    server.append("default", "", lines.join("\n")).await.json(200);
    let page = get(&server, "default", "/events").await.json(200);
    let ids: Vec<&str> =
        page["events"].as_array().unwrap().iter().map(|event| event["event_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["60", "3600"]);
    let page = get(&server, "default", "/events?period=all&fields=event_id&limit=1").await.json(200);
    assert_eq!(page["events"], json!([{"event_id": "60"}]));
    server.stop();
}

#[tokio::test]
async fn what_cannot_be_asked_is_refused_with_the_way_out() {
    let server = TestServer::start();
    let check = async |path: &str, code: &str, expected: &str| {
        let problem = get(&server, "default", path).await.problem(400, code);
        assert!(problem.to_string().contains(expected), "{path}: {problem}");
    };
    check("/events?modul=x", "unknown_filter", "did you mean `module`?").await;
    check("/events?limit=0", "invalid_filter", "from 1 to 1000").await;
    check("/events?limit=1001", "invalid_filter", "from 1 to 1000").await;
    check("/events?sort=nothing", "invalid_filter", "no column of the model").await;
    check("/events?sort=changes", "invalid_filter", "no single value").await;
    check("/events?fields=nothing", "invalid_filter", "no column of the model").await;
    check("/events?period=soon", "invalid_period", "`today`").await;
    check("/events?explain=plan", "invalid_filter", "is `sql`").await;
    check("/events?total=some", "invalid_filter", "`exact`").await;
    check("/histogram?step=soon", "invalid_filter", "`15m`").await;
    check("/histogram?from=2000-01-01&to=2020-01-01&step=1s", "invalid_filter", "journal.steps_max").await;
    check("/aggregate?metric=best", "invalid_filter", "`count`").await;
    check("/aggregate?metric=sum", "invalid_filter", "`of`").await;
    check("/aggregate?by=a,b,c,d,e", "invalid_filter", "at most 4").await;
    check("/facets?top=1001", "invalid_filter", "from 1 to 1000").await;
    assert_eq!(get(&server, "default", "/events?limit=1000").await.status, 200);
    assert_eq!(get(&server, "default", "/facets?top=1000").await.status, 200);
    server.stop();
}

#[tokio::test]
async fn one_event_is_shown_whole_with_its_neighbours_and_files() {
    let server = TestServer::start();
    server.create_project("demo").await;
    load(&server).await;
    let detail = get(&server, "demo", "/events/700006").await.json(200);
    assert_eq!(detail["event"]["request_body_size"], "93");
    assert_eq!(detail["neighbours"]["actor"]["next"]["event_id"], "700007", "{detail}");
    assert_eq!(
        detail["links"]["request"],
        "/api/v1/events/700006/request?source=idosell&dataset=event_log&tenant_id=shop-1024"
            .replace("shop-1024", detail["event"]["tenant_id"].as_str().unwrap())
    );
    let alone = get(&server, "demo", "/events/700006?neighbours=false").await.json(200);
    assert_eq!((&alone["event"], alone.get("neighbours")), (&detail["event"], None));
    get(&server, "demo", "/events/700006?neighbours=no").await.problem(400, "invalid_filter");
    get(&server, "demo", "/events/nothing").await.problem(404, "event_not_found");
    // One id in two tabs.
    let twice = ["panel_logs", "api_logs"].map(|dataset| {
        json!({"event_id": "77", "source": "x", "dataset": dataset, "event_time": 1_741_000_000}).to_string()
    });
    server.append("demo", "", twice.join("\n")).await.json(200);
    let problem = get(&server, "demo", "/events/77").await.problem(409, "event_ambiguous");
    assert_eq!(problem["candidates"].as_array().unwrap().len(), 2, "{problem}");
    let one = get(&server, "demo", "/events/77?dataset=api_logs").await.json(200);
    assert_eq!(one["event"]["dataset"], "api_logs");
    server.stop();
}

#[tokio::test]
async fn figures_are_of_all_matches_and_are_computed_once_while_they_are_true() {
    let server = TestServer::start();
    server.create_project("demo").await;
    load(&server).await;
    let facets = get(&server, "demo", "/facets?source=idosell&fields=module,outcome&period=all&top=2").await.json(200);
    let module = &facets["facets"]["module"];
    assert_eq!(module["values"][0], json!({"value": "couriers", "count": 4}), "{facets}");
    assert_eq!((module["values"].as_array().unwrap().len(), module["events"].as_i64()), (2, Some(15)));
    // Days of the zone, of which one has 25 hours.
    let histogram =
        get(&server, "demo", "/histogram?source=idosell&period=2025-03&tz=Europe/Warsaw&step=day&by=outcome")
            .await
            .json(200);
    assert_eq!(histogram["times"].as_array().unwrap().len(), 31);
    assert_eq!(histogram["times"][30], "2025-03-30T22:00:00Z");
    let sum: i64 = histogram["series"].as_array().unwrap().iter().map(|series| series["total"].as_i64().unwrap()).sum();
    assert_eq!(sum, 15, "{histogram}");
    let path = "/api/v1/aggregate?by=source&metric=p50&of=duration_ns&period=all";
    let ask = async |tag: &str| {
        let request = server.request(Method::GET, path).header("kronika-project", "demo").header("if-none-match", tag);
        send(request).await
    };
    let first = ask("\"none\"").await;
    let tag = first.headers["etag"].to_str().unwrap().to_string();
    assert_eq!((first.status, ask(&tag).await.status), (200, 304));
    assert_eq!(ask("\"none\"").await.text, first.text);
    // What is not of the period leaves the answer as it is.
    server
        .append("demo", "", json!({"event_id": "new", "source": "idosell", "duration_ns": 5}).to_string())
        .await
        .json(200);
    let changed = ask(&tag).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.headers["etag"].to_str().unwrap(), tag);
    let stepped =
        get(&server, "demo", "/aggregate?by=module&source=idosell&step=day&top=1&period=2025-03&tz=Europe/Warsaw")
            .await
            .json(200);
    assert!(stepped["rows"].as_array().unwrap().iter().all(|row| row["module"] == "couriers"), "{stepped}");
    server.stop();
}

#[tokio::test]
async fn a_restricted_key_sees_in_every_list_and_figure_what_its_sql_shows() {
    let server = TestServer::start();
    server.create_project("demo").await;
    load(&server).await;
    let new = json!({"name": "couriers", "scopes": ["query"], "project": "demo", "restrictions": {"modules": ["couriers"], "masked_columns": ["actor_email"]}});
    let key = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201)["secret"]
        .as_str()
        .unwrap()
        .to_string();
    let ask = async |path: &str| send(server.with(&key, Method::GET, &format!("/api/v1{path}"))).await;
    let list = ask("/events?period=all&total=exact").await.json(200);
    assert_eq!(list["total"]["value"], 4, "{list}");
    assert!(!list.to_string().contains("actor_email") && !list.to_string().contains("attributes"));
    assert_eq!(ask("/facets?period=all&fields=module").await.json(200)["facets"]["module"]["events"], 4);
    assert_eq!(ask("/aggregate?period=all").await.json(200)["rows"][0]["value"], "4");
    ask("/events/700001").await.problem(404, "event_not_found");
    ask("/events?period=all&actor_email=x").await.problem(403, "hidden_column");
    ask("/events?period=all&fields=attributes").await.problem(403, "hidden_column");
    assert_eq!(ask("/events?period=all&q=payu").await.json(200)["events"], json!([]));
    // The same question of the whole project has another answer, and not this one's.
    assert_ne!(
        get(&server, "demo", "/facets?period=all&fields=module").await.json(200)["facets"]["module"]["events"],
        4
    );
    server.stop();
}

#[tokio::test]
async fn every_catalogued_kind_of_event_is_found_by_its_name() {
    let server = TestServer::start();
    let (mut lines, mut kinds) = (Vec::new(), Vec::new());
    for source in ["idosell", "expertsender", "remonline", "getcourse", "voucherify"] {
        let catalog = get(&server, "default", &format!("/catalog/{source}")).await.json(200);
        for module in catalog["modules"].as_array().unwrap() {
            let name = module["id"].as_str().unwrap();
            let submodules: Vec<&str> = module["submodules"]
                .as_array()
                .map(|all| all.iter().filter_map(|one| one["id"].as_str()).collect())
                .unwrap_or_default();
            for (at, kind) in module["event_types"].as_array().unwrap().iter().enumerate() {
                let event = json!({
                    "source": source, "module": name, "submodule": submodules.get(at % submodules.len().max(1)), "event_type": kind["id"],
                    "event_id": format!("{name}-{at}"), "action": kind["action"], "object_type": kind["object_type"], "object_id": at.to_string(),
                });
                lines.push(event.to_string());
                kinds.push((source, name.to_string(), kind["id"].as_str().unwrap().to_string()));
            }
        }
    }
    assert_eq!(kinds.len(), 226);
    server.append("default", "", lines.join("\n")).await.json(200);
    server.flush().await;
    for (source, module, kind) in &kinds {
        let page = get(&server, "default", &format!("/events?source={source}&module={module}&event_type={kind}"))
            .await
            .json(200);
        assert_eq!(page["total"], json!({"value": 1, "relation": "eq"}), "{source} {kind}");
    }
    server.stop();
}
