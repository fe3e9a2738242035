//! Saved screens over HTTP, and the dashboards that are built in: every tile asked over the golden journals.

use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use super::common::{Answer, TestServer, send};

const PATH: &str = "/api/v1/views";

async fn query_key(server: &TestServer, project: &str, restrictions: Value) -> String {
    let new = json!({"name": "views", "scopes": ["query"], "project": project, "restrictions": restrictions});
    let made = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    made["secret"].as_str().unwrap().to_owned()
}

fn screen(more: Value) -> Value {
    let mut screen = json!({"kind": "journal", "name": "Labels", "state": {"filter": {"module": "couriers"}, "columns": ["message"]}});
    screen.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    screen
}

fn path(screen: &Value) -> String {
    format!("{PATH}/{}", screen["id"].as_str().unwrap())
}

fn names(list: &Value) -> Vec<&str> {
    let saved = list.as_array().unwrap().iter().filter(|view| view["builtin"] != true);
    saved.map(|view| view["name"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn screens_are_kept_for_their_key_or_for_all() {
    let server = TestServer::start();
    let (anna, boris) =
        (query_key(&server, "default", json!({})).await, query_key(&server, "default", json!({})).await);
    let restricted = query_key(&server, "default", json!({"modules": ["orders"]})).await;
    let post = async |key: &str, new: Value| send(server.with(key, Method::POST, PATH).json(&new)).await;
    let answer = post(&anna, screen(json!({}))).await;
    let mine = answer.json(201);
    assert_eq!((&mine["version"], answer.headers["etag"].to_str().unwrap()), (&json!(1), "\"1\""));
    assert_eq!((&mine["state"], &mine["owner_name"]), (&screen(json!({}))["state"], &json!("views")));
    post(&anna, screen(json!({}))).await.problem(409, "view_exists");
    post(&anna, screen(json!({"kind": "sql"}))).await.json(201);
    let ours = post(&anna, screen(json!({"name": "Ours", "shared": true, "default": true}))).await.json(201);
    post(&restricted, screen(json!({"shared": true}))).await.problem(403, "restricted_key");
    post(&restricted, screen(json!({}))).await.json(201);
    for wrong in [json!({"kind": "page"}), json!({"state": []}), json!({"surprise": 1})] {
        post(&anna, screen(wrong)).await.problem(400, "invalid_json");
    }
    post(&anna, screen(json!({"name": " "}))).await.problem(400, "invalid_view");
    let list =
        async |key: &str, query: &str| send(server.with(key, Method::GET, &format!("{PATH}{query}"))).await.json(200);
    assert_eq!(names(&list(&anna, "").await), ["Labels", "Labels", "Ours"]);
    assert_eq!(names(&list(&anna, "?kind=journal").await), ["Labels", "Ours"]);
    assert_eq!(names(&list(&boris, "").await), ["Ours"]);
    send(server.with(&anna, Method::GET, &format!("{PATH}?kind=x"))).await.problem(400, "invalid_parameter");
    send(server.with(&boris, Method::GET, &path(&mine))).await.problem(404, "view_not_found");
    send(server.with(&boris, Method::DELETE, &path(&ours))).await.problem(403, "not_your_view");
    assert_eq!(send(server.with(&boris, Method::GET, &format!("{PATH}/Ours"))).await.json(200), ours);

    let server = TestServer::start_in(&server.kill());
    let again = send(server.with(&anna, Method::GET, &path(&mine))).await.json(200);
    assert_eq!(again, mine, "what was answered is kept over a crash");
    assert_eq!(send(server.with(&anna, Method::DELETE, &path(&mine))).await.status, 204);
    send(server.with(&anna, Method::GET, &path(&mine))).await.problem(404, "view_not_found");
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_is_of_the_version_that_was_read() {
    let server = TestServer::start();
    let key = query_key(&server, "default", json!({})).await;
    let made = send(server.with(&key, Method::POST, PATH).json(&screen(json!({})))).await.json(201);
    let put = |tag: Option<&str>, new: Value| {
        let request: RequestBuilder = server.with(&key, Method::PUT, &path(&made)).json(&new);
        send(match tag {
            Some(tag) => request.header("if-match", tag),
            None => request,
        })
    };
    put(None, screen(json!({"name": "a"}))).await.problem(428, "version_missing");
    let answer: Answer = put(Some("\"1\""), screen(json!({"name": "a"}))).await;
    let changed = answer.json(200);
    assert_eq!((&changed["version"], answer.headers["etag"].to_str().unwrap()), (&json!(2), "\"2\""));
    assert_eq!((&changed["id"], &changed["created_at"]), (&made["id"], &made["created_at"]));
    for old in ["\"1\"", "\"3\"", "2", "*", "W/\"2\""] {
        put(Some(old), screen(json!({"name": "b"}))).await.problem(412, "view_changed");
    }
    put(Some("\"2\""), screen(json!({"kind": "sql"}))).await.problem(400, "invalid_view");
    let read = send(server.with(&key, Method::GET, &path(&made))).await;
    assert_eq!((read.json(200), read.headers["etag"].to_str().unwrap()), (changed, "\"2\""));
    server.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn screens_are_limited_and_go_with_their_project_and_what_is_erased() {
    let server = TestServer::start_with("[saved]\nviews_max = 2\nview_size_max = \"1KiB\"\n");
    server.create_project("shop").await;
    let key = query_key(&server, "shop", json!({})).await;
    let post = async |name: &str, length: usize| {
        let new = screen(json!({"name": name, "state": {"q": "x".repeat(length), "who": "anna.nowak@example.com"}}));
        send(server.with(&key, Method::POST, PATH).json(&new)).await
    };
    let large = post("large", 1_024).await.problem(400, "too_many_views");
    assert!(large["detail"].as_str().unwrap().contains("saved.view_size_max"), "{large}");
    let kept = post("one", 800).await.json(201);
    post("two", 1).await.json(201);
    let many = post("three", 1).await.problem(400, "too_many_views");
    assert!(many["detail"].as_str().unwrap().contains("saved.views_max"), "{many}");
    let erase =
        json!({"project": "shop", "column": "actor_email", "value": "anna.nowak@example.com", "reason": "asked"});
    send(server.request(Method::POST, "/api/v1/erasures").json(&erase)).await.json(202);
    let started = std::time::Instant::now();
    loop {
        let now = send(server.with(&key, Method::GET, &path(&kept))).await.json(200);
        if now["state"]["who"] == "[erased]" {
            break;
        }
        assert!(started.elapsed().as_secs() < 60, "{now}");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(send(server.request(Method::DELETE, "/api/v1/projects/shop?confirm=shop")).await.status, 204);
    server.create_project("shop").await;
    let key = query_key(&server, "shop", json!({})).await;
    let left = send(server.with(&key, Method::GET, PATH)).await.json(200);
    assert_eq!(names(&left), Vec::<&str>::new(), "nothing of the old project comes back");
    server.stop();
}

/// Whether an answer of a tile's question shows nothing.
fn is_empty(route: &str, answer: &Value) -> bool {
    let rows = |name: &str| answer[name].as_array().unwrap();
    match route {
        // A figure without groups is one row, whatever there is.
        "aggregate" => rows("rows").iter().all(|row| [json!(0), json!("0"), Value::Null].contains(&row["value"])),
        "histogram" => rows("series").iter().all(|series| series["total"] == 0),
        "facets" => answer["facets"].as_object().unwrap().values().all(|facet| facet["events"] == 0),
        "query" => rows("rows").is_empty(),
        route => panic!("{route}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_tile_of_every_dashboard_shows_something_of_its_golden_journal() {
    let server = TestServer::start();
    let systems = ["expertsender", "getcourse", "idosell", "remonline", "voucherify"];
    for system in systems {
        let golden = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/golden/{system}.ndjson"));
        server.append("default", "", std::fs::read(golden).unwrap()).await.json(200);
    }
    let list = send(server.request(Method::GET, &format!("{PATH}?kind=dashboard"))).await.json(200);
    let dashboards = list.as_array().unwrap();
    assert!(dashboards.iter().all(|dashboard| dashboard["builtin"] == true && dashboard["shared"] == true));
    assert_eq!(dashboards.len(), systems.len() + 1);
    let mut tiles = 0;
    for dashboard in dashboards {
        assert_eq!(send(server.request(Method::GET, &path(dashboard))).await.json(200), *dashboard);
        for tile in dashboard["state"]["tiles"].as_array().unwrap() {
            let (ask, place) = (&tile["ask"], format!("{} {}", dashboard["id"], tile["id"]));
            let route = ask["route"].as_str().unwrap();
            let params = |of: &Value| -> Vec<(String, String)> {
                let pairs = of.as_object().into_iter().flatten();
                pairs.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
            };
            let mut given = params(&ask["params"]);
            let target = match route {
                "query" => {
                    given.push(("from".into(), "2020-01-01".into()));
                    format!("/api/v1/queries/{}", ask["name"].as_str().unwrap())
                }
                route => {
                    given.push(("period".into(), "all".into()));
                    format!("/api/v1/{route}")
                }
            };
            let answer = send(server.request(Method::GET, &target).query(&given)).await;
            assert_eq!(answer.status, 200, "{place}: {}", answer.text);
            assert!(!is_empty(route, &answer.json(200)), "{place}: {}", answer.text);
            if tile["drill"].is_object() {
                let mut drill = params(&tile["drill"]);
                drill.push(("period".into(), "all".into()));
                let list = send(server.request(Method::GET, "/api/v1/events").query(&drill)).await.json(200);
                assert!(!list["events"].as_array().unwrap().is_empty(), "{place}: {drill:?}");
            }
            tiles += 1;
        }
        let refused = send(server.request(Method::DELETE, &path(dashboard))).await.problem(403, "builtin_view");
        assert!(refused["hint"].as_str().unwrap().contains("copy"), "{refused}");
        let put = server.request(Method::PUT, &path(dashboard)).header("if-match", "\"1\"");
        send(put.json(&screen(json!({"kind": "dashboard"})))).await.problem(403, "builtin_view");
    }
    assert!(tiles >= 6 * dashboards.len(), "{tiles}");
    server.stop();
}
