//! The page's files as a browser asks for them: every path, its headers, and what is no path of the page.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use reqwest::Method;
use serde_json::json;

use super::common::{TestServer, send};

/// Every file of `ui/` by the path that it is asked for with.
fn files() -> BTreeMap<String, PathBuf> {
    let (root, mut found) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("ui"), BTreeMap::new());
    let mut dirs = vec![root.clone()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else {
                let inner = path.strip_prefix(&root).unwrap().to_str().unwrap();
                found.insert(format!("/{inner}"), path);
            }
        }
    }
    found
}

fn kind_of(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap() {
        "html" => "text/html",
        "js" => "text/javascript",
        "css" => "text/css",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "txt" => "text/plain",
        "webmanifest" => "application/manifest+json",
        end => panic!("{path}: say here of what type `.{end}` is"),
    }
}

/// Paths of views: each gives the one document.
const VIEWS: [&str; 22] = [
    "/",
    "/login",
    "/tasks",
    "/tasks/import-7",
    "/jobs",
    "/sql",
    "/dashboards",
    "/dashboards/idosell",
    "/events/aac71684-a6b7-81d7-9a62-3a1ee983b8a4",
    "/objects/order/55042",
    "/objects/order/a%2Fb/diff",
    "/actors/anna%40example.com",
    "/visitors/v-1",
    "/sessions",
    "/sessions/s-1",
    "/screens",
    "/screens/idosell/orders",
    "/ingest",
    "/alerts",
    "/admin",
    "/admin/keys",
    "/ingest/mappings",
];

#[tokio::test]
async fn every_file_and_view_is_given_without_a_key_and_fenced_in() {
    let server = TestServer::start();
    let files = files();
    assert!(files.contains_key("/index.html"));
    let views = VIEWS.iter().chain(&["/ui/kit"]).map(|view| (view.to_string(), files["/index.html"].clone()));
    for (path, file) in files.clone().into_iter().chain(views) {
        let request = || server.client.get(format!("{}{path}", server.url));
        let response = request().send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        let headers = response.headers().clone();
        let name = file.to_str().unwrap();
        assert_eq!(headers["content-type"], kind_of(name), "{path}");
        assert_eq!(headers["cache-control"], "no-cache", "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(headers["cross-origin-opener-policy"], "same-origin", "{path}");
        let policy = headers["content-security-policy"].to_str().unwrap();
        let rules: Vec<&str> = policy.split(';').map(str::trim).collect();
        for rule in ["default-src 'none'", "script-src 'self'", "style-src 'self'", "trusted-types 'none'"] {
            assert!(rules.contains(&rule), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(response.bytes().await.unwrap(), std::fs::read(&file).unwrap(), "{path}");
        // A browser that has the file asks whether it is still the same.
        let known = request().header("if-none-match", headers["etag"].clone()).send().await.unwrap();
        assert_eq!(known.status(), 304, "{path}");
        assert_eq!(known.headers()["cache-control"], "no-cache", "{path}");
        assert!(known.headers().contains_key("content-security-policy"), "{path}");
        assert!(known.bytes().await.unwrap().is_empty(), "{path}");
        let older = request().header("if-none-match", "\"0\"").send().await.unwrap();
        assert_eq!(older.status(), 200, "{path}");
        assert_eq!(server.client.head(format!("{}{path}", server.url)).send().await.unwrap().status(), 200, "{path}");
    }
    server.stop();
}

#[tokio::test]
async fn what_the_journal_is_said_to_need_is_there_and_of_no_other_view() {
    let server = TestServer::start();
    let links = async |path: &str| {
        let answer = server.client.get(format!("{}{path}", server.url)).send().await.unwrap();
        let links = answer.headers().get_all("link").iter().map(|link| link.to_str().unwrap().to_owned());
        links.collect::<Vec<_>>().join(", ")
    };
    for path in ["/", "/events/7"] {
        let links = links(path).await;
        let named: Vec<&str> = links.split(['<', '>']).skip(1).step_by(2).collect();
        assert!(named.contains(&"/app/views/journal.js"), "{links}");
        for file in named {
            assert_eq!(send(server.client.get(format!("{}{file}", server.url))).await.status, 200, "{file}");
        }
    }
    assert_eq!(links("/sql").await, "");
    server.stop();
}

#[tokio::test]
async fn what_is_no_path_of_the_page_stays_a_problem_and_nothing_of_it_is_recorded() {
    let server = TestServer::start();
    for path in ["/nowhere", "/api/nowhere", "/api/v1/nowhere", "/app/nowhere.js", "/app/../Cargo.toml", "/events"] {
        send(server.client.get(format!("{}{path}", server.url))).await.problem(404, "route_not_found");
    }
    for path in ["/", "/index.html", "/sql"] {
        let answer = send(server.client.post(format!("{}{path}", server.url))).await;
        answer.problem(405, "method_not_allowed");
        assert!(answer.headers["allow"].to_str().unwrap().contains("GET"), "{:?}", answer.headers);
        send(server.client.get(format!("{}{path}", server.url))).await;
    }
    let new = json!({"name": "auditor", "scopes": ["audit-read"], "project": "_audit"});
    let key = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    server.wait_for_audit("key.create").await;
    let sql = "SELECT count(*) FROM events WHERE http_route IN ('/', '/sql', '/index.html') OR url IN ('/', '/sql', '/nowhere')";
    let counted = server.ask(key["secret"].as_str().unwrap(), sql).await.json(200);
    assert_eq!(counted["rows"][0][0], "0", "{counted}");
    server.stop();
}
