//! The query suite of the benchmark, the golden questions, all views and all named queries run.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::fixture::{Fixture, START, event};
use crate::query::named::Library;
use crate::query::views;

fn project_dir(dir: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(dir)
}

fn names_in(dir: &str) -> Vec<String> {
    let entries = std::fs::read_dir(project_dir(dir)).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    names.sort();
    names
}

async fn mixed() -> Fixture {
    let mut fixture = Fixture::new();
    let events: Vec<Value> = (0..60_i64)
        .map(|n| {
            let more = json!({
                "severity_text": "error", "severity_number": 17, "outcome": "failure", "session_id": "s", "task_id": format!("t{}", n % 3),
                "url": format!("/orders/{n}"), "http_method": "GET", "http_status": 500, "duration_ns": n, "request_body": r#"{"amount":"1.5"}"#,
                "object_type": "order", "object_id": "1", "object_refs": ["order:1"], "actor_id": "a",
                "changes": [{"path": "p", "op": "set", "before": null, "after": "1"}],
            });
            event(n, START + n * 60_000_000, [Some("payments"), Some("orders")][n as usize % 2], more)
        })
        .collect();
    fixture.store(&events[..40]).await;
    fixture.heat(&events[40..]);
    fixture
}

#[tokio::test]
async fn every_view_runs_and_is_embedded() {
    let fixture = mixed().await;
    let embedded: Vec<String> = views().iter().map(|view| view.name.to_owned()).collect();
    assert_eq!(embedded, names_in("sql/views"));
    for view in views() {
        assert!(view.description().len() > 20, "{}", view.name);
        fixture.ask(&format!("SELECT * FROM {} LIMIT 5", view.name)).await;
    }
}

#[tokio::test]
async fn every_named_query_runs_and_is_embedded() {
    let fixture = mixed().await;
    let dir = tempfile::tempdir().unwrap();
    let library = Library::new(dir.path());
    let listed: Vec<String> = library.list().into_iter().map(|listed| listed.name).collect();
    assert_eq!(listed, names_in("sql/queries"));
    for name in &listed {
        let query = library.get(name).unwrap();
        let mut given = vec![("from".to_owned(), "2025-03-04".to_owned()), ("to".to_owned(), "2025-03-05".to_owned())];
        given.retain(|(known, _)| query.parameters.iter().any(|parameter| parameter.name == *known));
        for parameter in query.parameters.iter().filter(|parameter| parameter.required) {
            given.push((parameter.name.clone(), "1".to_owned()));
        }
        let answer = library.run(fixture.session(), name, &given, fixture.limits).await;
        let answer = answer.unwrap_or_else(|error| panic!("{name}: {error} {error:?}"));
        answer.collect().await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
    }
}

/// As the benchmark asks it, with values for its `{name}` parts.
#[tokio::test]
async fn the_query_suite_of_the_benchmark_runs() {
    let fixture = mixed().await;
    let suite = include_str!("suite.sql");
    let queries: Vec<&str> = suite.lines().filter(|line| !line.starts_with("--") && !line.is_empty()).collect();
    assert_eq!(queries.len(), 21);
    for query in queries {
        let sql = query.replace(['{', '}'], "");
        fixture.ask(&sql).await;
        let plan = fixture.plan(&sql).await;
        if sql.ends_with("ORDER BY event_time DESC LIMIT 100") {
            assert!(!plan.contains("SortExec") || plan.contains("EmptyExec"), "{sql}: {plan}");
        }
    }
}

#[tokio::test]
async fn every_golden_question_runs() {
    let fixture = mixed().await;
    let mut asked = 0;
    for sql in include_str!("golden.sql").lines().filter(|line| !line.starts_with("--")) {
        fixture.ask(sql).await;
        asked += 1;
    }
    assert!(asked >= 50, "{asked}");
}
