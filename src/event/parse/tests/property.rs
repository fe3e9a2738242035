//! The parser against the reference, over events of every kind.

use proptest::prelude::*;

use super::super::*;
use super::reference::{self, Members, compact};
use super::view::{Cell, Row};
use super::{RECEIVED_AT, context, native};
use crate::event::model::{COLUMNS, Kind, Origin};

fn text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "a",
        "B",
        "-",
        "0",
        "007",
        "12",
        "zażółć",
        "🎉",
        "\\n",
        "\\\"",
        "\\\\",
        "\\u0041",
        "\\u00e9",
        "\\ud83c\\udf89",
        "/",
        "\\/",
        " ",
        "{",
        "]",
        ",",
        ":",
        "true",
        "\\u0000",
        "a long piece of text that spans more than one block of sixteen bytes",
    ]);
    prop::collection::vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<i32>().prop_map(|number| number.to_string()),
        (0..600_i32).prop_map(|number| number.to_string()),
        (0_i64..5_000_000_000_000).prop_map(|number| number.to_string()),
        any::<f32>().prop_filter("finite", |f| f.is_finite()).prop_map(|f| f.to_string()),
        prop::sample::select(vec![
            "0",
            "-0",
            "-0.0",
            "1.0",
            "1.50",
            "0.1",
            "1e3",
            "1E+2",
            "12e-1",
            "1e400",
            "1e-400",
            "9223372036854775807",
            "9223372036854775808",
            "-9223372036854775808",
            "18446744073709551616",
            "123456789012345678901234567890123",
            "2147483648",
            "0.10000000000000000555",
            "99.9",
            "1e-2147483648",
        ])
        .prop_map(String::from),
    ]
}

fn time() -> impl Strategy<Value = String> {
    let zone = prop::sample::select(vec!["Z", "z", "+00:00", "+02:00", "-11:30", ""]);
    let fraction = prop::sample::select(vec!["", ".1", ".123456", ".123456000", ".123456789"]);
    let year = prop::sample::select(vec!["0001", "1969", "1970", "2024", "2200", "2201", "9999"]);
    let rest = prop::sample::select(vec![
        "-06-11T09:00:12",
        "-12-31T23:59:59",
        "-02-30T00:00:00",
        "-06-11t09:00:12",
        "-06-30T23:59:60",
        "-06-11",
    ]);
    prop_oneof![
        (year, rest, fraction, zone)
            .prop_map(|(year, rest, fraction, zone)| format!("\"{year}{rest}{fraction}{zone}\"")),
        (0_i64..2_000_000_000).prop_map(|s| s.to_string()),
        (0_i64..2_000_000_000_000_000_000).prop_map(|ns| format!("\"{ns}\"")),
        (1_000_000_000_000_i64..2_000_000_000_000).prop_map(|ms| ms.to_string()),
    ]
}

fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => prop::sample::select(COLUMNS.iter().map(|column| format!("\"{}\"", column.name)).collect::<Vec<_>>()),
        2 => prop::sample::select(vec!["type", "id", "name", "role", "path", "op", "before", "after", "size", "ref", "x", "y"]).prop_map(|key| format!("\"{key}\"")),
        1 => prop::sample::select(vec!["\"\"", "\"a.b\"", "\"$event\"", "\"_seq\"", "\"ключ\"", "\"\\u0078\"", "\"modul\\u0065\"", "\"a b\"", "\"__proto__\""]).prop_map(String::from),
        1 => text(),
    ]
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        3 => text(),
        3 => number(),
        1 => prop::sample::select(vec!["null", "true", "false", "\"true\"", "\"false\"", "{}", "[]", "[ ]", "{ }"]).prop_map(String::from),
        1 => time(),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        let space = prop::sample::select(vec!["", "", "", " ", "\t"]);
        prop_oneof![
            (prop::collection::vec(inner.clone(), 0..4), space.clone())
                .prop_map(|(items, space)| format!("[{}]", items.join(&format!(",{space}")))),
            (prop::collection::vec((key(), inner), 0..5), space).prop_map(|(members, space)| object(&members, space)),
        ]
    })
}

fn object(members: &[(String, String)], space: &str) -> String {
    let members: Vec<_> = members.iter().map(|(key, value)| format!("{space}{key}{space}:{space}{value}")).collect();
    format!("{{{space}{}{space}}}", members.join(&format!("{space},")))
}

/// Values that a column of this kind is meant for.
fn fitting(kind: Kind) -> BoxedStrategy<String> {
    let of = |names: &'static [&'static str]| {
        let member = (prop::sample::select(names.to_vec()).prop_map(|name| format!("\"{name}\"")), value());
        prop::collection::vec(prop::collection::vec(member, 0..5).prop_map(|members| object(&members, "")), 0..4)
            .prop_map(|items| format!("[{}]", items.join(",")))
    };
    match kind {
        Kind::Text => prop_oneof![text(), number()].boxed(),
        Kind::Json => prop::collection::vec((key(), value()), 0..6).prop_map(|members| object(&members, "")).boxed(),
        Kind::Time => time().boxed(),
        Kind::Int32 | Kind::Int64 | Kind::Float32 => {
            prop_oneof![number(), number().prop_map(|n| format!("\"{n}\""))].boxed()
        }
        Kind::Bool => prop::sample::select(vec!["true".to_string(), "false".to_string()]).boxed(),
        Kind::TextMap => prop::collection::vec((key(), prop_oneof![text(), number(), value()]), 0..6)
            .prop_map(|members| object(&members, ""))
            .boxed(),
        Kind::Related => of(&["type", "id", "name", "role", "more"]).boxed(),
        Kind::Changes => of(&["path", "op", "before", "after", "before"]).boxed(),
        Kind::Attachments => of(&["role", "name", "content_type", "size", "sha256", "ref", "expires_at", "x"]).boxed(),
        Kind::TextList => value().boxed(),
    }
}

fn member() -> impl Strategy<Value = (String, String)> {
    let wire: Vec<_> = COLUMNS.iter().filter(|column| column.origin != Origin::Derived).collect();
    prop_oneof![
        3 => prop::sample::select(wire).prop_flat_map(|column| fitting(column.kind).prop_map(|value| (format!("\"{}\"", column.name), value))),
        2 => (key(), value()),
    ]
}

pub(super) fn event() -> impl Strategy<Value = String> {
    let space = prop::sample::select(vec!["", "", " ", "\t "]);
    (prop::collection::vec(member(), 0..14), space).prop_map(|(members, space)| object(&members, space))
}

fn attributes_of(row: &Row<'_>) -> (Option<String>, Members) {
    let text = row.text("attributes");
    let members = text.as_deref().and_then(reference::members).unwrap_or_default();
    (text, members)
}

fn check(row: &Row<'_>, line: &str) -> Result<(), TestCaseError> {
    let expected = reference::read(line, "demo", "test", RECEIVED_AT);
    for (at, column) in COLUMNS.iter().enumerate() {
        let cell = row.cell(at);
        match column.name {
            "attributes" => {}
            "event_id" if !expected.cells.contains_key("event_id") => {
                prop_assert!(matches!(cell, Some(Cell::Text(id)) if id.len() == 36))
            }
            name => prop_assert_eq!(cell.as_ref(), expected.cells.get(name), "{} of {}", name, line),
        }
    }
    // Attributes: those sent first, then the record's own, in an object of their own where keys meet.
    let (text, members) = attributes_of(row);
    let mut want = expected.sent.clone();
    if let Some(whole) = &expected.whole {
        if expected.own.is_empty() {
            prop_assert_eq!(text.as_deref(), Some(whole.as_str()));
            return Ok(());
        }
        want = vec![("attributes".to_string(), whole.clone())];
    }
    let met = expected.own.iter().any(|(key, _)| want.iter().any(|(sent, _)| sent == key));
    if met {
        let mut name = "$event".to_string();
        while want.iter().chain(&expected.own).any(|(key, _)| *key == name) {
            name.push('_');
        }
        let (last, before) = members.split_last().expect("the record's own fields");
        prop_assert_eq!(&last.0, &name);
        prop_assert_eq!(before, &want[..], "{}", line);
        prop_assert_eq!(reference::members(&last.1).expect("an object"), expected.own, "{}", line);
    } else {
        want.extend(expected.own);
        prop_assert_eq!(members, want, "{}", line);
    }
    Ok(())
}

/// The value sent, found again in its column or in the attributes.
fn comes_back(row: &Row<'_>, key: &str, sent: &str) -> bool {
    let (whole, attributes) = attributes_of(row);
    let own = attributes
        .iter()
        .rev()
        .find(|(name, _)| name.starts_with("$event"))
        .and_then(|(_, value)| reference::members(value));
    let kept = |members: &Members| members.iter().any(|(name, value)| name == key && value == sent);
    if sent == "null" || kept(&attributes) || own.as_ref().is_some_and(kept) {
        return true;
    }
    if key == "attributes" {
        let object = reference::members(sent);
        return match object {
            Some(members) => members.iter().all(|member| attributes.contains(member)),
            None => whole.as_deref() == Some(sent),
        };
    }
    let Some(at) = crate::event::model::find(key) else { return false };
    let characters = serde_json::from_str::<String>(sent).ok();
    match (COLUMNS[at].kind, row.cell(at)) {
        (Kind::Json, Some(Cell::Text(text))) => text == sent,
        (Kind::Text, Some(Cell::Text(text))) => text == characters.as_deref().unwrap_or(sent),
        (Kind::Int32 | Kind::Int64, Some(Cell::Int(number))) => {
            number.to_string() == characters.as_deref().unwrap_or(sent)
        }
        (Kind::Float32, Some(Cell::Float(number))) => number.to_string() == characters.as_deref().unwrap_or(sent),
        (Kind::Bool, Some(Cell::Bool(truth))) => truth.to_string() == sent,
        (Kind::Time, Some(Cell::Int(us))) => {
            let characters = characters.as_deref().unwrap_or(sent);
            match chrono::DateTime::parse_from_rfc3339(characters) {
                Ok(instant) => chrono::DateTime::from_timestamp_micros(us).expect("in range") == instant.to_utc(),
                Err(_) => reference::epoch_ns(characters) == Some((i128::from(us) * 1_000, true)),
            }
        }
        (Kind::TextMap, Some(Cell::List(items))) => {
            let members = reference::members(sent).expect("an object");
            members.len() == items.len()
                && members
                    .iter()
                    .zip(&items)
                    .all(|((key, value), item)| item[0].as_ref() == Some(key) && is(value, &item[1]))
        }
        (kind @ (Kind::Related | Kind::Changes | Kind::Attachments), Some(Cell::List(list))) => {
            let names: &[&str] = match kind {
                Kind::Related => &["type", "id", "name", "role"],
                Kind::Changes => &["path", "op", "before", "after"],
                _ => &["role", "name", "content_type", "size", "sha256", "ref", "expires_at"],
            };
            let items: Vec<Box<serde_json::value::RawValue>> = serde_json::from_str(sent).expect("a list");
            items.len() == list.len()
                && items.iter().zip(&list).all(|(item, fields)| {
                    reference::members(item.get()).expect("an object").iter().all(|(key, value)| {
                        let at = names.iter().position(|name| name == key).expect("a known field");
                        let json = kind == Kind::Changes && at > 1;
                        if json {
                            fields[at].as_ref() == Some(value)
                        } else {
                            value == "null" || is(value, &fields[at])
                        }
                    })
                })
        }
        _ => false,
    }
}

fn is(sent: &str, cell: &Option<String>) -> bool {
    match (serde_json::from_str::<String>(sent), cell) {
        (Ok(text), Some(cell)) => text == *cell,
        (Err(_), Some(cell)) => sent == cell,
        (_, None) => sent == "null",
    }
}

fn cases(count: u32) -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(count);
    ProptestConfig { cases, max_shrink_iters: 20_000, failure_persistence: None, ..ProptestConfig::default() }
}

#[test]
fn the_parser_agrees_with_the_reference() {
    let interpretation = native();
    let limits = Limits { line_max: 1 << 20, events_max: 100 };
    proptest!(cases(3_000), |(events in prop::collection::vec(event(), 1..6))| {
        let body = events.join("\n");
        let parsed = parse(body.as_bytes(), BodyFormat::Ndjson, &interpretation, &context(), &limits, None).unwrap();
        prop_assert_eq!(parsed.errors.total(), 0, "{:?} in {}", parsed.errors, body);
        prop_assert_eq!(parsed.rows.len(), events.len());
        for (at, event) in events.iter().enumerate() {
            let row = Row(&parsed.rows, at);
            check(&row, event)?;
            for (key, value) in reference::members(event).unwrap() {
                prop_assert!(comes_back(&row, &key, &compact(&value)), "{} = {} of {}", key, value, event);
            }
        }
        // The same rows from the same events as a JSON array, spaces apart.
        let array = format!("[{}]", events.join(" ,\n"));
        let again = parse(array.as_bytes(), BodyFormat::Json, &interpretation, &context(), &limits, None).unwrap();
        for at in 0..events.len() {
            for column in 0..COLUMNS.len() {
                prop_assert_eq!(Row(&parsed.rows, at).cell(column), Row(&again.rows, at).cell(column));
            }
        }
        prop_assert_eq!(&parsed.modules, &again.modules);
    });
}

/// Whatever the bytes, the parser ends, keeps count, and agrees with itself.
#[test]
fn no_bytes_harm_the_parser() {
    let interpretation = native();
    let limits = Limits { line_max: 300, events_max: 1_000 };
    let body = prop::collection::vec(prop_oneof![3 => event(), 1 => ".{0,12}"], 1..5)
        .prop_map(|lines| lines.join("\n").into_bytes());
    let hurt = (body, prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4), any::<bool>());
    proptest!(cases(2_000), |((mut body, wounds, json) in hurt)| {
        for (at, byte) in wounds {
            if !body.is_empty() {
                let at = at.index(body.len());
                body[at] = byte;
            }
        }
        let format = if json { BodyFormat::Json } else { BodyFormat::Ndjson };
        let Ok(parsed) = parse(&body, format, &interpretation, &context(), &limits, None) else { return Ok(()) };
        prop_assert_eq!(parsed.records as usize, parsed.rows.len() + parsed.rejected.len());
        let mut verdicts = Verdicts::default();
        parsed.rejected.iter().for_each(|rejected| verdicts.set(rejected.record, Verdict::Rejected));
        let again = parse(&body, format, &interpretation, &context(), &limits, Some(&verdicts)).unwrap();
        prop_assert_eq!(&parsed.row_records, &again.row_records);
        prop_assert_eq!(&parsed.sent, &again.sent);
        let rows = parsed.rows.len();
        let (mut left, mut right) = (parsed.rows, again.rows);
        left.number(1);
        right.number(1);
        let batch = left.finish();
        prop_assert_eq!(batch.num_rows(), rows);
        prop_assert_eq!(batch, right.finish());
    });
}
