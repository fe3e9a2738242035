//! Every route, as the OpenAPI document lists them: without a key, with a wrong one, with a weak one.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use super::common::{TestServer, send};

/// Operations with the scope that each needs; one that is missing here fails the test.
const SCOPES: &[(&str, Option<&str>)] = &[
    ("append_events", Some("ingest")),
    ("list_events", Some("query")),
    ("get_event", Some("query")),
    ("filter_fields", Some("query")),
    ("facets", Some("query")),
    ("histogram", Some("query")),
    ("aggregate", Some("query")),
    ("get_ledger", Some("query")),
    ("list_ledger_batches", Some("query")),
    ("list_dead_letters", Some("query")),
    ("download_dead_letters", Some("query")),
    ("replay_dead_letters", Some("ingest")),
    ("upload_attachment", Some("ingest")),
    ("get_attachment", Some("query")),
    ("get_request", Some("query")),
    ("get_response", Some("query")),
    ("create_export", Some("export")),
    ("list_exports", Some("export")),
    ("get_export", Some("export")),
    ("delete_export", Some("export")),
    ("watch_export", Some("export")),
    ("download_export", Some("export")),
    ("query", Some("query")),
    ("get_schema", Some("query")),
    ("cancel_query", Some("query")),
    ("list_queries", Some("query")),
    ("run_query", Some("query")),
    ("tail", Some("query")),
    ("list_alerts", Some("query")),
    ("list_alert_templates", Some("query")),
    ("create_alert", Some("query")),
    ("get_alert", Some("query")),
    ("put_alert", Some("query")),
    ("delete_alert", Some("query")),
    ("test_alert", Some("query")),
    ("list_filters", Some("query")),
    ("create_filter", Some("query")),
    ("get_filter", Some("query")),
    ("put_filter", Some("query")),
    ("delete_filter", Some("query")),
    ("list_views", Some("query")),
    ("create_view", Some("query")),
    ("get_view", Some("query")),
    ("put_view", Some("query")),
    ("delete_view", Some("query")),
    ("list_catalogs", Some("query")),
    ("search_catalogs", Some("query")),
    ("get_catalog", Some("query")),
    ("list_screens", Some("query")),
    ("query_screen", Some("query")),
    ("list_mappings", Some("ingest")),
    ("get_mapping", Some("ingest")),
    ("put_mapping", Some("admin")),
    ("delete_mapping", Some("admin")),
    ("test_mapping", Some("ingest")),
    ("try_mapping", Some("ingest")),
    ("list_projects", Some("admin")),
    ("create_project", Some("admin")),
    ("delete_project", Some("admin")),
    ("get_redaction", Some("admin")),
    ("put_redaction", Some("admin")),
    ("list_retention", Some("admin")),
    ("get_retention", Some("admin")),
    ("set_retention", Some("admin")),
    ("plan_retention", Some("admin")),
    ("run_retention", Some("admin")),
    ("list_holds", Some("admin")),
    ("place_hold", Some("admin")),
    ("get_hold", Some("admin")),
    ("lift_hold", Some("admin")),
    ("list_erasures", Some("admin")),
    ("create_erasure", Some("admin")),
    ("preview_erasure", Some("admin")),
    ("get_erasure", Some("admin")),
    ("cancel_erasure", Some("admin")),
    ("list_keys", Some("admin")),
    ("create_key", Some("admin")),
    ("get_key", Some("admin")),
    ("rotate_key", Some("admin")),
    ("revoke_key", Some("admin")),
    ("set_key_quota", Some("admin")),
    ("get_project_quota", Some("admin")),
    ("set_project_quota", Some("admin")),
    ("get_project_storage", Some("admin")),
    ("query_event_changes", Some("query")),
    ("query_object", Some("query")),
    ("query_object_state", Some("query")),
    ("query_object_diff", Some("query")),
    ("query_object_children", Some("query")),
    ("query_object_restore", Some("query")),
    ("query_changes", Some("query")),
    ("query_object_history", Some("query")),
    ("query_actor", Some("query")),
    ("query_actor_history", Some("query")),
    ("query_visitor", Some("query")),
    ("query_visitor_history", Some("query")),
    ("query_sessions", Some("query")),
    ("query_session", Some("query")),
    ("query_session_rules", Some("query")),
    ("query_tasks", Some("query")),
    ("query_task", Some("query")),
    ("restore_object", Some("restore")),
    ("list_webhooks", Some("admin")),
    ("put_webhook", Some("admin")),
    ("delete_webhook", Some("admin")),
    ("list_deliveries", Some("admin")),
    ("get_delivery", Some("admin")),
    ("retry_delivery", Some("admin")),
    ("list_jobs", Some("admin")),
    ("get_job", Some("admin")),
    ("cancel_job", Some("admin")),
    ("begin_import", Some("ingest")),
    ("report_import", Some("ingest")),
    // Any key will do.
    ("info", Some("any")),
    ("get_session", Some("any")),
    ("end_session", Some("any")),
    ("make_session_link", Some("any")),
    // The key is in the body.
    ("begin_session", None),
    ("flush", Some("admin")),
    ("compact", Some("admin")),
    ("livez", None),
    ("readyz", None),
    // From loopback addresses, as here.
    ("metrics", None),
];

async fn key(server: &TestServer, scope: &str) -> String {
    let new = json!({"name": scope, "scopes": [scope], "project": "default"});
    let answer = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    answer["secret"].as_str().unwrap().to_string()
}

#[tokio::test]
async fn every_route_asks_for_its_scope() {
    let server = TestServer::start();
    let scopes: BTreeMap<_, _> = SCOPES.iter().copied().collect();
    let mut weak = Vec::new();
    for scope in ["ingest", "query", "export", "restore", "audit-read"] {
        weak.push((scope, key(&server, scope).await));
    }
    let revoked = key(&server, "query").await;
    let id = revoked.split('_').nth(2).unwrap();
    send(server.request(Method::DELETE, &format!("/api/v1/keys/{id}"))).await;
    let document = send(server.request(Method::GET, "/api/openapi.json")).await.json(200);
    let mut walked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let needed = scopes.get(id).unwrap_or_else(|| panic!("{method} {path} ({id}) is in no list"));
            let described: Vec<&Value> = operation["security"].as_array().unwrap().iter().collect();
            let url = format!("{}{}", server.url, path.replace("{name}", "x").replace("{id}", "x"));
            // A stream would not end.
            let url = if id == "tail" { format!("{url}?last_event_id=x") } else { url };
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let plain = server.client.request(method, url);
            let call = |key: Option<&str>| {
                let request = plain.try_clone().unwrap();
                send(key.map_or(request.try_clone().unwrap(), |key| request.bearer_auth(key)))
            };
            walked += 1;
            let Some(needed) = needed else {
                let all_is_well = if id == "begin_session" { 400 } else { 200 };
                assert_eq!(call(None).await.status, all_is_well, "{id}");
                continue;
            };
            let scope = if *needed == "any" { json!([]) } else { json!([needed]) };
            assert_eq!(json!(described), json!([{"key": scope}]), "{id}");
            call(None).await.problem(401, "unauthenticated");
            let wrong = call(Some("krn_a_wrong")).await.problem(401, "unauthenticated");
            assert_eq!(call(Some(&revoked)).await.problem(401, "unauthenticated"), wrong, "{id}");
            // A key in the URL is no key.
            let with_key = plain.try_clone().unwrap().query(&[("key", &server.key), ("access_token", &server.key)]);
            send(with_key).await.problem(401, "unauthenticated");
            for (scope, key) in &weak {
                let answer = call(Some(key)).await;
                if scope == needed || *needed == "any" {
                    assert!(![401, 403].contains(&answer.status), "{id} with {scope}: {}", answer.text);
                } else {
                    answer.problem(403, "forbidden");
                }
            }
        }
    }
    assert_eq!(walked, SCOPES.len(), "operations listed here that do not exist");
    send(server.request(Method::GET, "/api/v1/nothing")).await.problem(404, "route_not_found");
    server.stop();
}

/// What the project `_audit` opens to whom; all else is refused.
const OF_AUDIT: &[(&str, &[&str])] = &[
    ("query", &["audit-read", "admin+audit-read"]),
    ("run_query", &["audit-read", "admin+audit-read"]),
    ("get_schema", &["audit-read", "admin+audit-read"]),
    ("list_queries", &["audit-read", "admin+audit-read"]),
    ("cancel_query", &["audit-read", "admin+audit-read"]),
    // Sums are of all projects: not for the auditor of one.
    ("get_ledger", &["admin+audit-read"]),
    ("list_ledger_batches", &["admin+audit-read"]),
    ("list_dead_letters", &["admin+audit-read"]),
    ("download_dead_letters", &["admin+audit-read"]),
    ("tail", &["audit-read", "admin+audit-read"]),
    ("list_alert_templates", &["audit-read", "admin+audit-read"]),
    ("list_filters", &["audit-read", "admin+audit-read"]),
    ("create_filter", &["audit-read", "admin+audit-read"]),
    ("get_filter", &["audit-read", "admin+audit-read"]),
    ("put_filter", &["audit-read", "admin+audit-read"]),
    ("delete_filter", &["audit-read", "admin+audit-read"]),
    ("list_views", &["audit-read", "admin+audit-read"]),
    ("create_view", &["audit-read", "admin+audit-read"]),
    ("get_view", &["audit-read", "admin+audit-read"]),
    ("put_view", &["audit-read", "admin+audit-read"]),
    ("delete_view", &["audit-read", "admin+audit-read"]),
    ("list_events", &["audit-read", "admin+audit-read"]),
    ("get_event", &["audit-read", "admin+audit-read"]),
    ("filter_fields", &["audit-read", "admin+audit-read"]),
    ("facets", &["audit-read", "admin+audit-read"]),
    ("histogram", &["audit-read", "admin+audit-read"]),
    ("aggregate", &["audit-read", "admin+audit-read"]),
    ("list_catalogs", &["audit-read", "admin+audit-read"]),
    ("search_catalogs", &["audit-read", "admin+audit-read"]),
    ("get_catalog", &["audit-read", "admin+audit-read"]),
    ("list_screens", &["audit-read", "admin+audit-read"]),
    ("query_screen", &["audit-read", "admin+audit-read"]),
    ("query_event_changes", &["audit-read", "admin+audit-read"]),
    ("query_changes", &["audit-read", "admin+audit-read"]),
    ("query_object", &["audit-read", "admin+audit-read"]),
    ("query_object_history", &["audit-read", "admin+audit-read"]),
    ("query_object_state", &["audit-read", "admin+audit-read"]),
    ("query_object_diff", &["audit-read", "admin+audit-read"]),
    ("query_object_children", &["audit-read", "admin+audit-read"]),
    ("query_object_restore", &["audit-read", "admin+audit-read"]),
    ("query_actor", &["audit-read", "admin+audit-read"]),
    ("query_actor_history", &["audit-read", "admin+audit-read"]),
    ("query_visitor", &["audit-read", "admin+audit-read"]),
    ("query_visitor_history", &["audit-read", "admin+audit-read"]),
    ("query_sessions", &["audit-read", "admin+audit-read"]),
    ("query_session", &["audit-read", "admin+audit-read"]),
    ("query_session_rules", &["audit-read", "admin+audit-read"]),
    ("query_tasks", &["audit-read", "admin+audit-read"]),
    ("query_task", &["audit-read", "admin+audit-read"]),
    ("get_attachment", &["audit-read", "admin+audit-read"]),
    ("get_request", &["audit-read", "admin+audit-read"]),
    ("get_response", &["audit-read", "admin+audit-read"]),
];

#[tokio::test]
async fn the_audit_journal_is_open_to_audit_readers_only() {
    let server = TestServer::start();
    let mut keys = vec![("admin", server.key.clone())];
    for scope in ["ingest", "query", "export", "restore", "audit-read"] {
        keys.push((scope, key(&server, scope).await));
    }
    let new = json!({"name": "both", "scopes": ["admin", "audit-read"]});
    let both = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    keys.push(("admin+audit-read", both["secret"].as_str().unwrap().to_string()));
    let new = json!({"name": "own", "scopes": ["audit-read"], "project": "_audit"});
    let own = send(server.request(Method::POST, "/api/v1/keys").json(&new)).await.json(201);
    let own = own["secret"].as_str().unwrap();
    let document = send(server.request(Method::GET, "/api/openapi.json")).await.json(200);
    let scopes: BTreeMap<_, _> = SCOPES.iter().copied().collect();
    let mut walked = 0;
    for (path, operations) in document["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            let Some(needed) = scopes[id] else { continue };
            let url = format!("{}{}", server.url, path.replace("{name}", "x").replace("{id}", "x"));
            // A stream would not end.
            let url = if id == "tail" { format!("{url}?last_event_id=x") } else { url };
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).unwrap();
            let call = |key: &str, project: Option<&str>| {
                let request = server.client.request(method.clone(), &url).bearer_auth(key);
                send(match project {
                    Some(project) => request.header("kronika-project", project),
                    None => request,
                })
            };
            let readers =
                OF_AUDIT.iter().find(|(operation, _)| *operation == id).map_or(&[][..], |(_, readers)| readers);
            for (name, key) in &keys {
                // What an admin operates is the server, the journal's table included.
                let operates = needed == "any" || needed == "admin" && name.starts_with("admin");
                let answer = call(key, Some("_audit")).await;
                let opened = ![401, 403].contains(&answer.status);
                assert_eq!(
                    opened,
                    operates || readers.contains(name),
                    "{id} with {name}: {} {}",
                    answer.status,
                    answer.text
                );
            }
            walked += 1;
            let opened = ![401, 403].contains(&call(own, None).await.status);
            if needed == "any" {
                assert!(opened, "{id}");
                continue;
            }
            // A key of `_audit` needs no header, and opens nothing else.
            assert_eq!(opened, !readers.is_empty(), "{id}");
            assert!([401, 403].contains(&call(own, Some("default")).await.status), "{id}");
        }
    }
    assert!(walked > 20, "{walked}");
    server.stop();
}
