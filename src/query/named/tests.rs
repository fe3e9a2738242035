//! The contract of the header, and files that come, change, break and go.

use chrono::{DateTime, Utc};
use serde_json::json;

use super::*;
use crate::error::Report;

const GOOD: &str = "\
-- title: Errors
-- description: How many
--   there were.
-- A free remark: not a header.
-- param: from timestamp = now-7d | Start,
--   inclusive
-- param: id text | Which
-- param: limit integer = 100 | Most rows
-- param: only text_list = null | Only these

SELECT 1 FROM events WHERE event_time >= $from AND event_id = $id LIMIT $limit
";

fn now() -> DateTime<Utc> {
    DateTime::parse_from_rfc3339("2025-03-04T10:30:00Z").unwrap().to_utc()
}

#[test]
fn a_header_is_read() {
    let query = NamedQuery::parse("errors", GOOD).unwrap();
    let listed = serde_json::to_value(&query).unwrap();
    assert_eq!(
        listed,
        json!({"title": "Errors", "description": "How many there were.", "parameters": [
            {"name": "from", "type": "timestamp", "required": false, "default": "now-7d", "meaning": "Start, inclusive"},
            {"name": "id", "type": "text", "required": true, "default": null, "meaning": "Which"},
            {"name": "limit", "type": "integer", "required": false, "default": "100", "meaning": "Most rows"},
            {"name": "only", "type": "text_list", "required": false, "default": null, "meaning": "Only these"},
        ]})
    );
}

#[test]
fn a_broken_file_says_where_and_why() {
    let cases = [
        ("-- titel: X\nSELECT 1", 1, "did you mean `title:`"),
        ("-- title: X\n-- param: a text\nSELECT $a", 2, "meaning"),
        ("-- title: X\n-- param: a | b\nSELECT $a", 2, "NAME TYPE"),
        ("-- title: X\n-- param: a txt | b\nSELECT $a", 2, "did you mean `text`"),
        ("-- title: X\n-- param: a integer = many | b\nSELECT $a", 2, "64-bit integer"),
        ("-- title: X\n-- param: a text | b\n-- param: a text | b\nSELECT $a", 3, "twice"),
        ("-- title: X\n-- param: format text | b\nSELECT $format", 2, "output format"),
        ("-- title: X\n\nSELECT 1,\n  $b", 4, "`$b`"),
        ("-- title: X\nSELECT 'open", 2, "Unterminated"),
        ("-- title: X\n", 1, "no SQL"),
    ];
    for (text, line, reason) in cases {
        let broken = NamedQuery::parse("q", text).expect_err(text);
        assert_eq!((broken.file.as_str(), broken.line), ("q.sql", line), "{text}: {broken:?}");
        assert!(broken.reason.contains(reason), "{text}: {broken:?}");
    }
}

#[test]
fn values_are_typed_and_checked() {
    let kinds = [
        ("text", "a,b", Ok("Utf8(\"a,b\")")),
        ("integer", "-9223372036854775808", Ok("Int64(-9223372036854775808)")),
        ("integer", "1.5", Err("64-bit integer")),
        ("number", "1.5", Ok("Float64(1.5)")),
        ("number", "inf", Err("a number")),
        ("boolean", "true", Ok("Boolean(true)")),
        ("boolean", "yes", Err("true or false")),
        ("timestamp", "2025-03-04T09:00:00+01:00", Ok("2025-03-04T08:00:00Z")),
        ("timestamp", "2025-03-04T09:00:00 01:00", Ok("2025-03-04T08:00:00Z")),
        ("timestamp", "2025-03-04T09:00:00.25", Ok("2025-03-04T09:00:00.250Z")),
        ("timestamp", "2025-03-04T09:00", Ok("2025-03-04T09:00:00Z")),
        ("timestamp", "2025-03-04", Ok("2025-03-04T00:00:00Z")),
        ("timestamp", "now", Ok("2025-03-04T10:30:00Z")),
        ("timestamp", "now-90m", Ok("2025-03-04T09:00:00Z")),
        ("timestamp", "now 1w", Ok("2025-03-11T10:30:00Z")),
        ("timestamp", "today-1d", Ok("2025-03-03T00:00:00Z")),
        ("timestamp", "now-7x", Err("a time such as")),
        ("timestamp", "now-99999999999999999d", Err("a time such as")),
        ("timestamp", "noon", Err("a time such as")),
        ("date", "2025-03-04", Ok("Date32(\"2025-03-04\")")),
        ("date", "today", Ok("Date32(\"2025-03-04\")")),
        ("date", "now", Err("a date such as")),
    ];
    for (kind, text, wanted) in kinds {
        let got = ParameterType::named(kind).unwrap().value(&[text], now());
        let shown = got.map(|value| match value {
            datafusion::common::ScalarValue::TimestampMicrosecond(Some(us), _) => {
                DateTime::from_timestamp_micros(us).unwrap().to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
            }
            other => format!("{other:?}"),
        });
        match (shown, wanted) {
            (Ok(got), Ok(wanted)) => assert_eq!(got, wanted, "{kind} {text}"),
            (Err(got), Err(wanted)) => assert!(got.contains(wanted), "{kind} {text}: {got}"),
            (got, _) => panic!("{kind} {text}: {got:?}"),
        }
    }
    let query = NamedQuery::parse("errors", GOOD).unwrap();
    let given = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    assert!(query.values(&given(&[("id", "1"), ("only", "a,b")]), now()).is_ok());
    for (pairs, name, near) in [
        (&[("from", "now")][..], "id", None),
        (&[("id", "1"), ("form", "now")], "form", Some("from")),
        (&[("id", "1"), ("id", "2")], "id", None),
    ] {
        let error = query.values(&given(pairs), now()).expect_err(name);
        assert_eq!((error.code(), error.suggestion()), ("invalid_parameter", near));
        assert!(error.to_string().contains(&format!("`{name}`")), "{error}");
    }
}

#[test]
fn users_files_are_picked_up_replaced_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let library = Library::new(&dir.path().join("queries"));
    let shipped = library.list().len();
    assert!(shipped >= 12);
    std::fs::create_dir(dir.path().join("queries")).unwrap();
    let write = |name: &str, text: &str| std::fs::write(dir.path().join("queries").join(name), text).unwrap();
    write("mine.sql", "-- title: Mine\nSELECT 1");
    write("not a name.sql", "SELECT 1");
    write("readme.txt", "SELECT 1");
    assert_eq!(library.get("mine").unwrap().title, "Mine");
    write("mine.sql", "-- title: Mine again\nSELECT 1");
    assert_eq!(library.get("mine").unwrap().title, "Mine again");
    write("mine.sql", "-- titel: Mine\nSELECT 1");
    let error = library.get("mine").expect_err("broken");
    assert_eq!(error.code(), "query_file_broken");
    assert!(error.to_string().starts_with("query file `mine.sql`, line 1: "), "{error}");
    let listed = serde_json::to_value(library.list()).unwrap();
    let mine = listed.as_array().unwrap().iter().find(|entry| entry["name"] == "mine").unwrap().clone();
    assert_eq!((&mine["own"], &mine["error"]["line"]), (&json!(true), &json!(1)));
    write("errors_by_module.sql", "-- title: Ours\nSELECT 1");
    assert_eq!(library.get("errors_by_module").unwrap().title, "Ours");
    assert_eq!(library.list().len(), shipped + 1);
    std::fs::remove_dir_all(dir.path().join("queries")).unwrap();
    let error = library.get("errors_by_modul").expect_err("unknown");
    assert_eq!((error.code(), error.suggestion()), ("query_not_found", Some("errors_by_module")));
    assert_eq!(library.list().len(), shipped);
}
