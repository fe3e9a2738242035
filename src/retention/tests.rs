use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use serde_json::{Value, json};

use super::*;
use crate::error::Report;
use crate::event::columns::{DAY_US, Rows};
use crate::event::model::index_of;
use crate::event::names::ProjectName;
use crate::event::schema::{EVENT_TIME_AT, file_schema};
use crate::table::{DataFile, FileStats, RowEdit, TableVersion, Work};

fn keep(text: &str) -> Keep {
    Keep::try_from(text.to_owned()).unwrap()
}

fn file(date: i32, module: Option<&str>, rows: u64) -> Arc<DataFile> {
    Arc::new(DataFile {
        location: format!("{date}/{module:?}").as_str().into(),
        path: format!("{date}/{module:?}/{rows}"),
        size: rows * 100,
        rows,
        date,
        module: module.map(str::to_owned),
        modified_ms: 0,
        ordered: true,
        work: Work::of_flush(rows * 100),
        stats: FileStats::default(),
        sums: None,
    })
}

fn hold(more: Value) -> Hold {
    let mut what = json!({"project": "shop", "reason": "case 1"});
    what.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let what: NewHold = serde_json::from_value(what).unwrap();
    what.check().unwrap();
    Hold { id: format!("hold_{more}"), what, placed_by: "ann".into(), placed_at: String::new(), lifted: None }
}

#[test]
fn how_long_is_said_in_days_or_forever() {
    for (text, want) in [("forever", Keep::Forever), ("1d", Keep::Days(1)), ("36500d", Keep::Days(36_500))] {
        assert_eq!(keep(text), want);
        assert_eq!(keep(text).to_string(), text);
    }
    for text in ["", "0d", "36501d", "90", "-1d", "1h", "Forever", "1.5d", " 1d"] {
        let error = Keep::try_from(text.to_owned()).unwrap_err();
        assert_eq!(error.code(), "invalid_policy", "{text:?}");
    }
}

#[test]
fn a_policy_is_found_by_module_then_project_then_default_and_never_below_the_floor() {
    let policy: Policy =
        serde_json::from_value(json!({"keep": "400d", "modules": {"logs": "30d", "": "10d"}})).unwrap();
    let days = |policy: &Policy, module: Option<&str>, default, floor| {
        Rules::new(policy.clone(), default, floor).keep(module).to_string()
    };
    assert_eq!(days(&policy, Some("orders"), 7, 0), "400d");
    assert_eq!(days(&policy, Some("logs"), 7, 0), "30d");
    assert_eq!(days(&policy, None, 7, 0), "10d");
    assert_eq!(days(&policy, Some("logs"), 7, 90), "90d");
    assert_eq!(days(&Policy::default(), Some("logs"), 7, 0), "7d");
    assert_eq!(days(&Policy::default(), Some("logs"), 0, 90), "forever");
    assert_eq!(days(&Policy::default(), Some("logs"), 7, 90), "90d");
    assert_eq!(policy.check(10), Ok(()));
    assert_eq!(policy.check(11).unwrap_err().code(), "retention_below_floor");
    assert!(Rules::new(Policy::default(), 0, 0).is_forever() && !Rules::new(policy, 0, 0).is_forever());
}

#[test]
fn a_day_goes_when_its_last_event_is_as_old_as_the_policy_says() {
    let policy = Policy { keep: Some(Keep::Days(2)), ..Policy::default() };
    let rules = Rules::new(policy, 0, 0);
    // Day 10 ends with the last microsecond before day 11: two days later, on day 13, all of it is old.
    assert_eq!(rules.first_kept(None, 13 * DAY_US - 1), Some(10));
    assert_eq!(rules.first_kept(None, 13 * DAY_US), Some(11));
    assert_eq!(Rules::new(Policy::default(), 0, 0).first_kept(None, i64::MAX), None);
}

#[test]
fn a_plan_sums_what_goes_and_what_holds_keep() {
    let files = vec![
        file(1, Some("logs"), 10),
        file(1, Some("logs"), 5),
        file(2, Some("logs"), 1),
        file(1, None, 4),
        file(1, Some("orders"), 7),
        file(3, Some("orders"), 8),
        file(9, Some("logs"), 30),
    ];
    let version = TableVersion { version: 1, files };
    let policy: Policy = serde_json::from_value(json!({"keep": "5d"})).unwrap();
    let rules = Rules::new(policy, 0, 0);
    let (shop, now) = (ProjectName::try_from("shop").unwrap(), 10 * DAY_US);
    let holds = [hold(json!({"modules": ["orders"], "to": "1970-01-02"})), hold(json!({"actor": "ann"}))];
    let selected = Selected::of(&version, &rules, &holds, now);
    // The actor may be anywhere, but for what is held anyway.
    assert_eq!((selected.going.len(), selected.held.len(), selected.unsure.len()), (0, 1, 4));
    let mut selected = Selected::of(&version, &rules, &holds[..1], now);
    let plan = selected.plan(&shop, &version, &rules, 50);
    assert_eq!((plan.rows, plan.files, plan.partitions, plan.bytes), (28, 5, 4, 2_800));
    assert_eq!((plan.oldest.as_deref(), plan.newest.as_deref()), (Some("1970-01-02"), Some("1970-01-04")));
    assert_eq!((plan.percent, plan.needs_confirmation), (44, false));
    assert!(selected.plan(&shop, &version, &rules, 43).needs_confirmation);
    assert_eq!((plan.held.partitions, plan.held.rows), (1, 7));
    let modules: Vec<_> =
        plan.modules.iter().map(|of| (of.module.as_deref(), of.rows, of.oldest.as_str(), of.newest.as_str())).collect();
    assert_eq!(
        modules,
        [
            (None, 4, "1970-01-02", "1970-01-02"),
            (Some("logs"), 16, "1970-01-02", "1970-01-03"),
            (Some("orders"), 8, "1970-01-04", "1970-01-04")
        ]
    );
    // The same files named anew are the same plan; other events are not.
    let again = Selected::of(&version, &rules, &holds[..1], now).plan(&shop, &version, &rules, 50);
    assert_eq!(again.plan, plan.plan);
    let gone = selected.going.pop().unwrap();
    assert_ne!(selected.plan(&shop, &version, &rules, 50).plan, plan.plan);
    selected.settle(gone, vec!["hold_x".into()]);
    assert_eq!(selected.plan(&shop, &version, &rules, 50).held.partitions, 2);
    assert_eq!(Selected::default().plan(&shop, &TableVersion::default(), &rules, 0).percent, 0);
}

#[test]
fn holds_that_cannot_be_are_refused() {
    let cases = [
        json!({"reason": ""}),
        json!({"reason": "a\u{1}b"}),
        json!({"reason": "r".repeat(1_001)}),
        json!({"from": "2026-01-02", "to": "2026-01-01"}),
        json!({"object": "order"}),
        json!({"object": ":1"}),
        json!({"actor": ""}),
        json!({"modules": vec!["m"; 101]}),
    ];
    for case in cases {
        let mut what = json!({"project": "shop", "reason": "r"});
        what.as_object_mut().unwrap().extend(case.as_object().unwrap().clone());
        let new: NewHold = serde_json::from_value(what).unwrap();
        assert_eq!(new.check().unwrap_err().code(), "invalid_hold", "{case}");
    }
    hold(json!({"reason": "r".repeat(1_000), "modules": vec!["m"; 100], "from": "2026-01-01", "to": "2026-01-01"}));
    let mut held = hold(json!({}));
    let lifted = Lifted { by: "bob".into(), at: String::new(), reason: "closed".into() };
    assert!(held.lift(Lifted { reason: String::new(), ..lifted.clone() }).is_err());
    held.lift(lifted.clone()).unwrap();
    assert_eq!(held.lift(lifted).unwrap_err().code(), "hold_lifted");
}

#[test]
fn erasures_that_cannot_be_are_refused() {
    let cases = [
        (json!({}), "either"),
        (json!({"column": "actor_id"}), "either"),
        (json!({"object": "order:1", "column": "actor_id", "value": "x"}), "either"),
        (json!({"object": "order"}), "type:id"),
        (json!({"column": "nope", "value": "x"}), "no column"),
        (json!({"column": "module", "value": "x"}), "policy"),
        (json!({"column": "event_time", "value": "x"}), "cannot be compared|no column of text"),
        (json!({"column": "labels", "value": "x"}), "no column of text"),
        (json!({"column": "http_status", "value": "x"}), "whole numbers"),
        (json!({"column": "actor_id", "value": ""}), "bytes"),
        (json!({"column": "actor_id", "value": "v".repeat(4_097)}), "bytes"),
        (json!({"column": "actor_id", "value": "short", "mentions": true}), "characters"),
    ];
    let new = |case: &Value| -> NewErasure {
        let mut what = json!({"project": "shop", "reason": "r"});
        what.as_object_mut().unwrap().extend(case.as_object().unwrap().clone());
        serde_json::from_value(what).unwrap()
    };
    for (case, want) in cases {
        let error = new(&case).subject().unwrap_err();
        assert_eq!(error.code(), "invalid_erasure");
        assert!(want.split('|').any(|want| error.to_string().contains(want)), "{case}: {error}");
    }
    let fine = new(&json!({"column": "actor_id", "value": "v".repeat(4_096), "mentions": true}));
    let subject = fine.subject().unwrap();
    fine.check_reason(&subject).unwrap();
    assert!(!format!("{subject:?}").contains("vvv"));
    let told = new(&json!({"column": "actor_id", "value": "ann", "reason": "ann asked"}));
    assert!(told.check_reason(&told.subject().unwrap()).is_err());
    new(&json!({"column": "http_status", "value": "-5"})).subject().unwrap();
}

#[test]
fn a_value_is_found_as_a_word_of_its_own_in_the_spellings_of_json_and_urls() {
    let needle = Needle::new("ann+1@exämple.com", "[x]").unwrap();
    let cases = [
        ("mail ann+1@exämple.com now", Some("mail [x] now")),
        ("?m=ann%2B1%40ex%C3%A4mple.com&a", Some("?m=[x]&a")),
        ("?m=ann%2b1%40ex%c3%a4mple.com", Some("?m=[x]")),
        (r#"{"m":"ann+1@ex\u00e4mple.com"}"#, Some(r#"{"m":"[x]"}"#)),
        (r#""{\"m\":\"ann+1@ex\\u00e4mple.com\"}""#, Some(r#""{\"m\":\"[x]\"}""#)),
        ("ann+1@exämple.com,ann+1@exämple.com", Some("[x],[x]")),
        ("joann+1@exämple.com", None),
        ("ann+1@exämple.community", None),
        (r"a\nann+1@exämple.com", Some(r"a\n[x]")),
        (r"a\\nann+1@exämple.com", None),
        (r"\u003cann+1@exämple.com\u003e", Some(r"\u003c[x]\u003e")),
        ("a%3Dann%2B1%40ex%C3%A4mple.com", Some("a%3D[x]")),
        ("ann", None),
    ];
    for (text, want) in cases {
        assert_eq!(needle.blank(text).as_deref(), want, "{text}");
        assert_eq!(needle.is_in(text), want.is_some(), "{text}");
    }
    let quoted = Needle::new("say \"hi\"", "[x]").unwrap();
    assert_eq!(quoted.blank_json(r#"{"m":"say \"hi\""}"#).as_deref(), Some(r#"{"m":"[x]"}"#));
    assert_eq!(Needle::new("12345", ""), None);
    assert!(Needle::of_any("42", "").is_in("n=42;") && !Needle::of_any("42", "").is_in("n=142;"));
}

#[test]
fn json_stays_json_without_the_value() {
    let needle = Needle::new("123456", "[x]").unwrap();
    let cases = [
        (r#"{"a":123456,"b":[123456,"123456"],"123456":1}"#, r#"{"a":null,"b":[null,"[x]"],"[x]":1}"#),
        ("123456", "null"),
        (r#"{"a":1234567,"b":"id 123456"}"#, r#"{"a":1234567,"b":"id [x]"}"#),
    ];
    for (text, want) in cases {
        let blanked = needle.blank_json(text).unwrap();
        assert_eq!(blanked, want);
        serde_json::from_str::<Value>(&blanked).unwrap();
    }
    assert_eq!(needle.blank("123456").as_deref(), Some("[x]"));
    let mut value = json!({"a": 123_456, "b": ["x 123456"], "123456": {"c": true}, "d": 5});
    assert!(needle.blank_value(&mut value));
    assert_eq!(value, json!({"a": null, "b": ["x [x]"], "[x]": {"c": true}, "d": 5}));
    assert!(!needle.blank_value(&mut value));
}

/// Rows in the file schema: (actor, mail, message, object).
fn rows(rows: &[(&str, &str, &str, &str)]) -> RecordBatch {
    let mut made = Rows::default();
    for (at, (actor, mail, message, object)) in rows.iter().enumerate() {
        made.i64s(EVENT_TIME_AT).push(-(at as i64));
        made.i64s(index_of("observed_time")).push(1);
        for column in ["event_id", "tenant_id", "source", "dataset", "event_type", "action"] {
            made.text(index_of(column)).push(b"x");
        }
        for (column, value) in [("actor_id", actor), ("actor_email", mail), ("message", message)] {
            if !value.is_empty() {
                made.text(index_of(column)).push(value.as_bytes());
            }
        }
        let refs = made.list(index_of("object_refs"));
        refs.text(0).push(object.as_bytes());
        refs.end_item();
        refs.end_list();
        let labels = made.list(index_of("labels"));
        labels.text(0).push(b"note");
        labels.text(1).push(message.as_bytes());
        labels.end_item();
        labels.end_list();
        made.end_row();
    }
    made.number(1);
    let batch = made.finish();
    let stored: Vec<_> =
        file_schema().fields().iter().map(|field| batch.column_by_name(field.name()).unwrap().clone()).collect();
    RecordBatch::try_new(file_schema(), stored).unwrap()
}

#[test]
fn rows_of_the_subject_go_others_are_blanked_and_held_ones_stay() {
    let batch = rows(&[
        ("ann-4711", "", "one", "order:1"),
        ("bob", "", "told ann-4711 so", "order:2"),
        ("ann-4711", "", "held", "order:3"),
        ("bob", "", "held: ann-4711", "order:3"),
        ("ann-47112", "", "somebody else", "order:4"),
    ]);
    let subject = Subject { column: "actor_id".into(), value: "ann-4711".into() };
    let held = HeldRows::new([&hold(json!({"object": "order:3"}))]);
    let needle = Needle::new(&subject.value, "[erased]");
    let eraser = Eraser::new(Some(&subject), needle, held.clone()).unwrap();
    let of = file(5, Some("m"), 5);
    let judged = eraser.judge(&of, &batch).unwrap();
    assert_eq!((judged.removed, judged.changed, judged.held), (1, 1, 2));
    let kept = eraser.edit(&of, &batch).unwrap();
    let texts = |name: &str| -> Vec<String> {
        kept.column_by_name(name).unwrap().as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
    };
    assert_eq!(texts("message"), ["told [erased] so", "held", "held: ann-4711", "somebody else"]);
    assert_eq!(texts("actor_id"), ["bob", "ann-4711", "bob", "ann-47112"]);
    let labels = kept.column_by_name("labels").unwrap().as_map();
    assert_eq!(labels.entries().column(1).as_string::<i32>().value(0), "told [erased] so");
    // What stays comes to nothing but what is held: doing it again changes nothing.
    let again = eraser.judge(&of, &kept).unwrap();
    assert_eq!((again.removed, again.changed, again.held), (0, 0, 2));
    // A hold of other days is none of these rows'.
    let elsewhere = HeldRows::new([&hold(json!({"object": "order:3", "from": "1970-01-07"}))]);
    let judged = Eraser::new(Some(&subject), None, elsewhere).unwrap().judge(&of, &batch).unwrap();
    assert_eq!((judged.removed, judged.changed, judged.held), (2, 0, 0));
    let object = Subject { column: "object".into(), value: "order:2".into() };
    let judged = Eraser::new(Some(&object), None, HeldRows::default()).unwrap().judge(&of, &batch).unwrap();
    assert_eq!((judged.removed, judged.held), (1, 0));
    assert_eq!(held.judge(&of, &batch).unwrap().held, 2);
}

#[test]
fn an_actor_is_held_by_id_and_by_mail_and_all_parts_of_a_hold_must_fit() {
    let batch = rows(&[
        ("ann", "", "a", "order:1"),
        ("", "ann", "b", "order:1"),
        ("ann", "", "c", "order:2"),
        ("bob", "", "d", "order:1"),
    ]);
    let of = file(5, Some("m"), 4);
    let held = |more| HeldRows::new([&hold(more)]).judge(&of, &batch).unwrap().held;
    assert_eq!(held(json!({"actor": "ann"})), 3);
    assert_eq!(held(json!({"actor": "ann", "object": "order:1"})), 2);
    assert_eq!(held(json!({"actor": "ann", "modules": ["other"]})), 0);
    assert_eq!(held(json!({"modules": ["m"]})), 4);
    assert_eq!(held(json!({})), 4);
}
