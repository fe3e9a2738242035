use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::access::{Caller, KeyId, Meter, Scope};
use crate::config::{self, ByteCount, Quota};
use crate::error::Report;
use crate::event::names::ProjectName;
use crate::query::{Restriction, RowRules};

/// A moment; what it is does not matter.
const NOW: i64 = 1_700_000_000_000_000;

fn caller(key: &str, scope: Scope, restricted: bool) -> Caller {
    let restriction = restricted.then(|| {
        Arc::new(Restriction::new(RowRules { tenant_ids: Some(vec!["a".into()]), ..RowRules::default() }, &[]))
    });
    Caller {
        key: KeyId::from(key),
        name: key.into(),
        project: None,
        scopes: vec![scope],
        mapping: None,
        source: None,
        restriction,
        meter: Arc::new(Meter::new(crate::access::Whose::Key, Quota::default())),
        ended: CancellationToken::new(),
    }
}

fn project() -> ProjectName {
    ProjectName::try_from("shop").unwrap()
}

fn new(name: &str, more: serde_json::Value) -> NewFilter {
    let mut all = json!({"name": name, "filter": {"module": "orders", "period": "last_7d"}});
    all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

fn names(filters: &[SavedFilter]) -> Vec<&str> {
    filters.iter().map(|filter| filter.saved.name.as_str()).collect()
}

#[test]
fn each_key_sees_its_own_and_the_shared_ones() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &config::Saved::default());
    let (anna, boris, admin) = (
        caller("anna", Scope::Query, false),
        caller("boris", Scope::Query, false),
        caller("root", Scope::Admin, false),
    );
    let (anna, boris, admin) = (Whose(&anna), Whose(&boris), Whose(&admin));
    let project = project();
    let private = store.create(&project, anna, new("mine", json!({})), NOW).unwrap();
    let shared = store.create(&project, anna, new("ours", json!({"shared": true})), NOW).unwrap();
    store.create(&project, boris, new("mine", json!({})), NOW).unwrap();
    assert_eq!(names(&store.list(&project, anna).unwrap()), ["mine", "ours"]);
    assert_eq!(names(&store.list(&project, boris).unwrap()), ["mine", "ours"]);
    assert_eq!(store.list(&project, admin).unwrap().len(), 3);
    assert_eq!(store.find(&project, anna, "mine").unwrap(), private);
    assert_ne!(store.find(&project, boris, "mine").unwrap(), private);
    assert_eq!(store.find(&project, boris, &shared.id).unwrap(), shared);
    let code = |result: Result<SavedFilter, SavedError>| result.unwrap_err().code();
    assert_eq!(code(store.find(&project, boris, &private.id)), "filter_not_found");
    assert_eq!(
        code(store.replace(&project, boris, &private.id, (new("x", json!({})), NOW), |_| Ok(()))),
        "filter_not_found"
    );
    assert_eq!(
        code(store.replace(&project, boris, &shared.id, (new("x", json!({})), NOW), |_| Ok(()))),
        "not_your_filter"
    );
    assert_eq!(store.delete(&project, boris, &shared.id).unwrap_err().code(), "not_your_filter");
    assert_eq!(code(store.create(&project, boris, new("ours", json!({"shared": true})), NOW)), "filter_exists");
    // Renaming it to itself is no conflict, and the id stays.
    let renamed = store
        .replace(
            &project,
            anna,
            &shared.id,
            (new("ours", json!({"shared": true, "sort": "event_time"})), NOW + 1_000_000),
            |_| Ok(()),
        )
        .unwrap();
    assert_eq!(
        (renamed.id.as_str(), renamed.version, renamed.created_at == renamed.updated_at),
        (shared.id.as_str(), 2, false)
    );
    store.delete(&project, admin, &private.id).unwrap();
    // Another start reads the same.
    let again = open(dir.path(), &config::Saved::default());
    assert_eq!(again.list(&project, admin).unwrap(), store.list(&project, admin).unwrap());
    assert_eq!(
        again.find(&project, anna, "ours").unwrap().saved.selection(NOW).unwrap().to_json()["period"],
        "last_7d"
    );
    again.forget(&project).unwrap();
    assert!(again.list(&project, admin).unwrap().is_empty());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_dataset_has_one_default() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &config::Saved::default());
    let (key, project) = (caller("k", Scope::Query, false), project());
    let default = |name: &str, dataset: Option<&str>| {
        let more = json!({"shared": true, "default": true, "dataset": dataset});
        store.create(&project, Whose(&key), new(name, more), NOW).unwrap();
    };
    assert_eq!(store.default_of(&project, Some("api_logs")).unwrap(), None);
    default("all", None);
    default("calls", Some("api_logs"));
    default("calls again", Some("api_logs"));
    let of = |dataset| store.default_of(&project, dataset).unwrap().unwrap().saved.name;
    assert_eq!(
        (of(Some("api_logs")), of(Some("sms_logs")), of(None)),
        ("calls again".into(), "all".into(), "all".into())
    );
    let defaults = store.list(&project, Whose(&key)).unwrap();
    assert_eq!(defaults.iter().filter(|filter| filter.saved.default).count(), 2);
}

#[test]
fn what_cannot_be_used_is_not_saved() {
    let dir = tempfile::tempdir().unwrap();
    let settings = config::Saved { filters_max: 2, filter_size_max: ByteCount(1 << 10), ..config::Saved::default() };
    let store = open(dir.path(), &settings);
    let (key, restricted, project) = (caller("k", Scope::Query, false), caller("r", Scope::Query, true), project());
    let long = "x".repeat(1 << 10);
    let cases = [
        (new("", json!({})), "invalid_saved_filter"),
        (new(&"n".repeat(101), json!({})), "invalid_saved_filter"),
        (new("a\u{7}", json!({})), "invalid_saved_filter"),
        (new("a", json!({"columns": ["event_id", "nothing"]})), "invalid_saved_filter"),
        (new("a", json!({"default": true})), "invalid_saved_filter"),
        (new("a", json!({"sort": ""})), "invalid_saved_filter"),
        (new("a", json!({"filter": {"modul": "x"}})), "unknown_filter"),
        (new("a", json!({"filter": {"period": "some day"}})), "invalid_period"),
        (new("a", json!({"filter": {"q": long}})), "too_many_filters"),
    ];
    for (wrong, code) in cases {
        let error = store.create(&project, Whose(&key), wrong.clone(), NOW).unwrap_err();
        assert_eq!(error.code(), code, "{wrong:?}: {error}");
    }
    let error = store.create(&project, Whose(&restricted), new("a", json!({"shared": true})), NOW).unwrap_err();
    assert_eq!(error.code(), "restricted_key");
    store.create(&project, Whose(&restricted), new("a", json!({})), NOW).unwrap();
    store.create(&project, Whose(&key), new(&"n".repeat(100), json!({})), NOW).unwrap();
    let error = store.create(&project, Whose(&key), new("one too many", json!({})), NOW).unwrap_err();
    assert_eq!((error.code(), error.to_string().contains("saved.filters_max")), ("too_many_filters", true));
}

#[test]
fn a_damaged_file_is_an_error_and_stays_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("shop.json");
    std::fs::write(&path, "{").unwrap();
    let store = open(dir.path(), &config::Saved::default());
    let key = caller("k", Scope::Query, false);
    assert_eq!(store.list(&project(), Whose(&key)).unwrap_err().code(), "filters_unavailable");
    assert!(store.create(&project(), Whose(&key), new("a", json!({})), NOW).is_err());
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "{");
}
