//! Events as Kronika exports them, back in the form in which they are sent.
//!
//! An export has JSON columns as text, and in CSV everything is text; it has columns that no sender sends. As
//! records of ingest they give the very rows that were exported, so that both sides go the same way.

use std::collections::BTreeMap;

use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::rows::OF_THE_SERVER;
use crate::event::model::{COLUMNS, Column, Kind, Origin};
use crate::event::schema::{DATE, SEQ};

/// Whether a record with these names is one of an export: it has what no sender sends.
pub(super) fn is_exported<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    names.any(|name| [DATE, SEQ, OF_THE_SERVER].contains(&name))
}

/// Whether all names are columns of ours.
pub(super) fn are_columns<'a>(mut names: impl Iterator<Item = &'a str>) -> bool {
    names.all(|name| column(name).is_some() || [DATE, SEQ].contains(&name))
}

fn column(name: &str) -> Option<&'static Column> {
    COLUMNS.iter().find(|column| column.name == name)
}

/// Columns of an export that can be compared: those that it has, but those that follow from others.
pub(super) fn comparable(names: &[String]) -> Vec<String> {
    let sent = |name: &&String| {
        column(name).is_some_and(|column| matches!(column.origin, Origin::Wire | Origin::WireOrDerived))
    };
    names.iter().filter(sent).cloned().collect()
}

/// A record of an export as a sender would send it.
///
/// # Errors
/// The record is no JSON object.
pub(super) fn as_sent(record: &[u8], all_text: bool) -> Result<Vec<u8>, serde_json::Error> {
    let members: BTreeMap<String, &RawValue> = serde_json::from_slice(record)?;
    let mut out = vec![b'{'];
    for (name, value) in members {
        let Some(column) = column(&name) else { continue };
        if matches!(column.origin, Origin::System | Origin::Derived) || value.get() == "null" {
            continue;
        }
        let Some(text) = value_as_sent(column.kind, value, all_text)? else { continue };
        if out.len() > 1 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, &name)?;
        out.push(b':');
        out.extend_from_slice(text.as_bytes());
    }
    out.push(b'}');
    Ok(out)
}

fn value_as_sent(kind: Kind, value: &RawValue, all_text: bool) -> Result<Option<String>, serde_json::Error> {
    let text: Option<String> = value.get().starts_with('"').then(|| serde_json::from_str(value.get())).transpose()?;
    let inner = match &text {
        Some(text) if all_text && text.is_empty() => return Ok(None),
        Some(text) if takes_inner(kind, all_text) && serde_json::from_str::<&RawValue>(text).is_ok() => text.as_str(),
        _ => value.get(),
    };
    Ok(Some(match kind {
        Kind::Float32 => inner.parse::<f32>().map_or_else(|_| inner.to_owned(), |number| number.to_string()),
        Kind::Changes | Kind::Related | Kind::Attachments => items_as_sent(kind, inner)?,
        _ => inner.to_owned(),
    }))
}

/// Whether a text stands for the JSON in it.
fn takes_inner(kind: Kind, all_text: bool) -> bool {
    match kind {
        Kind::Json => true,
        Kind::Text | Kind::Time => false,
        Kind::Int32
        | Kind::Int64
        | Kind::Float32
        | Kind::Bool
        | Kind::TextList
        | Kind::TextMap
        | Kind::Related
        | Kind::Changes
        | Kind::Attachments => all_text,
    }
}

/// The items of a list as they are sent: without members that have no value, sizes as numbers; `before` and
/// `after` of changes are JSON text in an export, and JSON when they are sent.
fn items_as_sent(kind: Kind, list: &str) -> Result<String, serde_json::Error> {
    let items: Vec<BTreeMap<String, &RawValue>> = serde_json::from_str(list)?;
    let mut sent = Vec::with_capacity(items.len());
    for item in items {
        let mut members = Vec::new();
        for (name, value) in item {
            if value.get() == "null" {
                continue;
            }
            let is_json = match kind {
                Kind::Changes => name == "before" || name == "after",
                Kind::Attachments => name == "size",
                _ => false,
            };
            let value = match is_json && value.get().starts_with('"') {
                true => serde_json::from_str(value.get())?,
                false => value.get().to_owned(),
            };
            members.push(format!("{}:{value}", Value::String(name)));
        }
        sent.push(format!("{{{}}}", members.join(",")));
    }
    Ok(format!("[{}]", sent.join(",")))
}

/// Names of a record.
///
/// # Errors
/// It is no JSON object.
pub(super) fn names(record: &[u8]) -> Result<Vec<String>, serde_json::Error> {
    let members: Map<String, Value> = serde_json::from_slice(record)?;
    Ok(members.into_iter().map(|(name, _)| name).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(record: &str, all_text: bool, wanted: &str) {
        let sent = as_sent(record.as_bytes(), all_text).unwrap();
        assert_eq!(String::from_utf8(sent).unwrap(), wanted);
    }

    #[test]
    fn an_exported_record_becomes_what_was_sent() {
        check(
            r#"{"event_id":"1","_seq":"7","date":"2025-01-01","observed_time":"x","object_refs":["a:1"],"message":null,
               "attributes":"{\"b\":1,\"a\":1.10}","http_status":200,"duration_ns":"12","other":1}"#,
            false,
            r#"{"attributes":{"b":1,"a":1.10},"duration_ns":"12","event_id":"1","http_status":200}"#,
        );
        // A JSON column that holds a text, and one that is no JSON after all.
        check(
            r#"{"object_before":"\"x\"","object_after":"no json"}"#,
            false,
            r#"{"object_after":"no json","object_before":"x"}"#,
        );
        check(
            r#"{"changes":[{"path":"a","op":"replace","before":"1","after":"\"1\""},{"path":"b","op":"add","before":null,"after":"null"}]}"#,
            false,
            r#"{"changes":[{"after":"1","before":1,"op":"replace","path":"a"},{"after":null,"op":"add","path":"b"}]}"#,
        );
    }

    #[test]
    fn cells_of_csv_get_their_types_back() {
        check(
            r#"{"event_id":"007","message":"","http_status":"200","session_active":"true","severity_number":"9","related":"[{\"id\":\"1\"}]","attributes":"{\"a\":\"\"}","task_progress":"n/a"}"#,
            true,
            r#"{"attributes":{"a":""},"event_id":"007","http_status":200,"related":[{"id":"1"}],"session_active":true,"severity_number":9,"task_progress":"n/a"}"#,
        );
        assert!(as_sent(b"[1]", true).is_err());
    }

    #[test]
    fn exports_are_told_from_what_is_sent() {
        assert!(is_exported(["event_id", "_seq"].into_iter()) && !is_exported(["event_id", "amount"].into_iter()));
        assert!(are_columns(["event_id", "date"].into_iter()) && !are_columns(["event_id", "amount"].into_iter()));
        let names = ["event_id", "observed_time", "object_refs", "changes", "other"].map(str::to_owned);
        assert_eq!(comparable(&names), ["event_id", "changes"]);
    }
}
