use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::access::{Caller, KeyId, Meter, Scope};
use crate::config::{ByteCount, Quota};
use crate::error::Report;
use crate::event::names::ProjectName;
use crate::journal::kept::Whose;

const NOW: i64 = 1_700_000_000_000_000;

fn caller(key: &str) -> Caller {
    Caller {
        key: KeyId::from(key),
        name: key.into(),
        project: None,
        scopes: vec![Scope::Query],
        mapping: None,
        source: None,
        restriction: None,
        meter: Arc::new(Meter::new(crate::access::Whose::Key, Quota::default())),
        ended: CancellationToken::new(),
    }
}

fn view(kind: &str, name: &str, more: serde_json::Value) -> NewView {
    let mut all = json!({"kind": kind, "name": name, "state": {"a": [1, {"b": null}]}});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

#[test]
fn names_and_defaults_are_of_a_kind() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &config::Saved::default());
    let (key, project) = (caller("k"), ProjectName::default_project());
    let create = |new| store.create(&project, Whose(&key), new, NOW);
    let shared = json!({"shared": true, "default": true});
    let first = create(view("sql", "ours", shared.clone())).unwrap();
    let journal = create(view("journal", "ours", shared.clone())).unwrap();
    assert_eq!(create(view("sql", "ours", json!({"shared": true}))).unwrap_err().code(), "view_exists");
    create(view("sql", "other", shared)).unwrap();
    let now = |id: &str| store.find(&project, Whose(&key), id).unwrap();
    assert_eq!((now(&first.id).saved.default, now(&first.id).version), (false, 2), "another one is the default by now");
    assert_eq!((now(&journal.id).saved.default, now(&journal.id).version), (true, 1));
    assert_eq!(now(&first.id).saved.state, first.saved.state, "what it shows stays as it was sent");
    for wrong in [view("sql", "", json!({})), view("sql", "a\n", json!({})), view("sql", "a", json!({"default": true}))]
    {
        assert_eq!(create(wrong).unwrap_err().code(), "invalid_view");
    }
}

#[test]
fn a_screen_is_as_large_as_it_may_be_and_no_larger() {
    let dir = tempfile::tempdir().unwrap();
    let settings = config::Saved { view_size_max: ByteCount(1 << 10), views_max: 1, ..config::Saved::default() };
    let store = open(dir.path(), &settings);
    let (key, project) = (caller("k"), ProjectName::default_project());
    let of = |length: usize| view("sql", "a", json!({"state": {"text": "x".repeat(length)}}));
    let fits = (1 << 10) - serde_json::to_vec(&of(0)).unwrap().len();
    let error = store.create(&project, Whose(&key), of(fits + 1), NOW).unwrap_err();
    assert!(error.code() == "too_many_views" && error.to_string().contains("saved.view_size_max"), "{error}");
    store.create(&project, Whose(&key), of(fits), NOW).unwrap();
    let error = store.create(&project, Whose(&key), view("sql", "b", json!({})), NOW).unwrap_err();
    assert!(error.code() == "too_many_views" && error.to_string().contains("saved.views_max"), "{error}");
}

#[test]
fn every_dashboard_is_embedded_and_whole() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("sql/dashboards");
    let files: BTreeSet<String> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    let embedded: BTreeSet<String> = builtin().iter().map(|builtin| builtin.id.to_owned()).collect();
    assert_eq!(embedded, files);
    let three = |titles: &serde_json::Value| {
        titles.as_object().unwrap().len() == 3
            && ["en", "pl", "ru"].iter().all(|language| titles[language].as_str().is_some_and(|text| !text.is_empty()))
    };
    for dashboard in builtin() {
        let (state, id) = (&dashboard.state, dashboard.id);
        assert!(three(&state["titles"]) && dashboard.name == state["titles"]["en"], "{id}");
        assert!(state["source"] == id || (id == "overview" && state["source"].is_null()), "{id}");
        let tiles = state["tiles"].as_array().unwrap();
        assert!((6..=9).contains(&tiles.len()), "{id}: {}", tiles.len());
        let ids: BTreeSet<&str> = tiles.iter().map(|tile| tile["id"].as_str().unwrap()).collect();
        assert_eq!(ids.len(), tiles.len(), "{id}");
        for tile in tiles {
            assert!(three(&tile["titles"]), "{tile}");
            assert!(["line", "bars", "stat", "table", "pie"].contains(&tile["kind"].as_str().unwrap()), "{tile}");
            assert!((1..=4).contains(&tile["width"].as_u64().unwrap()), "{tile}");
            let ask = &tile["ask"];
            let route = ask["route"].as_str().unwrap();
            assert!(["aggregate", "histogram", "facets", "query"].contains(&route), "{tile}");
            assert_eq!(ask["name"].is_string(), route == "query", "{tile}");
            for params in [&ask["params"], &tile["drill"]] {
                // As they stand in a query string; the period is the reader's.
                let Some(params) = params.as_object() else { continue };
                assert!(params.values().all(serde_json::Value::is_string), "{tile}");
                assert!(!["period", "from", "to", "tz"].iter().any(|name| params.contains_key(*name)), "{tile}");
            }
        }
    }
}
