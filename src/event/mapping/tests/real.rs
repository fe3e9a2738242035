//! All events of two real files: nothing of any of them is lost, and modules are counted the same.
//!
//! The files are no part of the repository. Where they are missing the tests say so, and fail under `CI=true`.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int32Type, Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use chrono::DateTime;
use serde_json::{Map, Value as Json};

use super::super::shipped::SHIPPED;
use super::super::{ColumnRule, MappingFile};
use super::{Parser, cells, mapping, row, rows};
use crate::event::json::{Member, Scanner, Shape, Value, compact_into, members, unescaped};
use crate::event::model::{COLUMNS, Kind, find, index_of};
use crate::event::parse::BodyFormat;

const ATTRIBUTES: usize = index_of("attributes");
/// Events that are put into one batch.
const BATCH: usize = 5_000;

/// The lines of a real file, or `None` where it is missing.
fn lines(name: &str) -> Option<impl Iterator<Item = String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/real").join(name);
    let Ok(file) = File::open(&path) else {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "{name} is missing");
        println!("SKIPPED: {name} is not beside the repository");
        return None;
    };
    let text: Box<dyn Read> = Box::new(zstd::Decoder::new(file).unwrap());
    Some(BufReader::new(text).lines().map(Result::unwrap))
}

fn shipped(name: &str) -> MappingFile {
    mapping(SHIPPED.iter().find(|(shipped, _)| *shipped == name).unwrap().1)
}

/// Text of a cell; instants as microseconds.
fn cell(batch: &RecordBatch, column: usize, row: usize) -> Option<String> {
    let array = batch.column(column);
    if array.is_null(row) {
        return None;
    }
    Some(match COLUMNS[column].kind {
        Kind::Text | Kind::Json => array.as_string::<i32>().value(row).to_string(),
        Kind::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        Kind::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        Kind::Time => array.as_primitive::<TimestampMicrosecondType>().value(row).to_string(),
        _ => return None,
    })
}

/// Columns that a rule fills straight from a path, by the path.
fn by_path(file: &MappingFile) -> BTreeMap<Vec<String>, Vec<(usize, ColumnRule)>> {
    let mut found: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (name, rule) in &file.columns {
        let alternatives = if rule.first_of.is_empty() { std::slice::from_ref(rule) } else { &rule.first_of[..] };
        for alternative in alternatives {
            let Some(path) = &alternative.path else { continue };
            let functions = if alternative.is_plain() { rule } else { alternative };
            found.entry(path.keys().to_vec()).or_default().push((find(name).unwrap(), functions.clone()));
        }
    }
    found
}

/// Whether a cell gives back exactly `sent`.
fn tells(cell: &str, column: usize, rule: &ColumnRule, sent: &str) -> bool {
    if !rule.values.is_empty() {
        let mut back = rule.values.iter().filter(|(_, replacement)| replacement.to_string() == cell);
        return match (back.next(), back.next()) {
            (Some((original, _)), None) => original == sent,
            (None, None) => cell == sent,
            _ => false,
        };
    }
    if COLUMNS[column].kind == Kind::Time {
        let time = DateTime::from_timestamp_micros(cell.parse().unwrap()).unwrap();
        return ["%Y-%m-%dT%H:%M:%S%.3fZ", "%Y-%m-%d %H:%M:%S%.3f", "%Y-%m-%dT%H:%M:%SZ"]
            .iter()
            .any(|form| time.format(form).to_string() == sent);
    }
    cell == sent
}

struct Finder<'f> {
    file: &'f MappingFile,
    columns: BTreeMap<Vec<String>, Vec<(usize, ColumnRule)>>,
    /// Values found in columns and in `attributes`.
    found: (u64, u64),
}

impl Finder<'_> {
    /// Checks that every member of the object `sent` is in a column or in the object `left`.
    fn object(
        &mut self,
        sent: (&Value, &[u8]),
        left: Option<(Value, &[u8])>,
        at: &mut Vec<String>,
        batch: &RecordBatch,
        row: usize,
    ) {
        let kept = left.map(|(value, body)| parts(&value, body)).unwrap_or_default();
        for member in parts(sent.0, sent.1) {
            let key = String::from_utf8(unescaped(&member.key, sent.1).into_owned()).unwrap();
            let same =
                left.and_then(|(_, body)| kept.iter().find(|kept| *unescaped(&kept.key, body) == *key.as_bytes()));
            at.push(key);
            match (same, left) {
                (Some(kept), Some((_, body))) if text(&kept.value, body) == text(&member.value, sent.1) => {
                    self.found.1 += 1
                }
                _ if self.in_a_column(&member.value, sent.1, at, batch, row) => self.found.0 += 1,
                _ if member.value.shape == Shape::Object => {
                    let left = same.and_then(|kept| left.map(|(_, body)| (kept.value, body)));
                    self.object((&member.value, sent.1), left, at, batch, row);
                }
                _ => panic!("{at:?} is lost: {}", text(&member.value, sent.1)),
            }
            at.pop();
        }
    }

    fn in_a_column(&self, value: &Value, body: &[u8], at: &[String], batch: &RecordBatch, row: usize) -> bool {
        let sent = if value.is_text() {
            String::from_utf8(unescaped(value, body).into_owned()).unwrap()
        } else {
            text(value, body)
        };
        if matches!(value.shape, Shape::Object | Shape::Array) {
            return false;
        }
        let known = self.columns.get(at).is_some_and(|columns| {
            columns.iter().any(|(column, rule)| match cell(batch, *column, row) {
                Some(cell) => tells(&cell, *column, rule, &sent),
                None => value.shape == Shape::Null,
            })
        });
        known || self.in_related(&sent, at, batch, row)
    }

    fn in_related(&self, sent: &str, at: &[String], batch: &RecordBatch, row: usize) -> bool {
        let related = batch.column(index_of("related")).as_list::<i32>();
        if self.file.related.is_empty() || related.is_null(row) {
            return false;
        }
        let items = related.value(row);
        let field = |name: &str, item: usize| {
            let field = items.as_struct().column_by_name(name).unwrap().as_string::<i32>();
            (!field.is_null(item)).then(|| field.value(item).to_string())
        };
        self.file.related.iter().any(|rule| {
            let name = if rule.id.keys() == at {
                "id"
            } else if rule.name.as_ref().is_some_and(|path| path.keys() == at) {
                "name"
            } else {
                return false;
            };
            (0..items.len()).any(|item| {
                field("type", item).as_ref() == Some(&rule.object_type)
                    && field("role", item) == rule.role
                    && field(name, item).as_deref() == Some(sent)
            })
        })
    }
}

fn parts(value: &Value, body: &[u8]) -> Vec<Member> {
    members(value, body).collect()
}

/// A value as it was written, less the spaces between its tokens.
fn text(value: &Value, body: &[u8]) -> String {
    let mut out = Vec::new();
    compact_into(value, body, &mut out);
    String::from_utf8(out).unwrap()
}

/// Counts by module of all events of a real file, after checking each of them.
fn prove(name: &str, file_name: &str, module_field: &str) -> Option<(u64, BTreeMap<String, u64>)> {
    let file = shipped(name);
    let parser = Parser::new(&file);
    let mut finder = Finder { columns: by_path(&file), file: &file, found: (0, 0) };
    let mut lines = lines(file_name)?;
    let (mut events, mut by_module, mut by_json) = (0, BTreeMap::new(), BTreeMap::new());
    loop {
        let chunk: Vec<String> = lines.by_ref().take(BATCH).collect();
        if chunk.is_empty() {
            break;
        }
        let (batch, remarks) = parser.parse(&chunk.join("\n"), BodyFormat::Ndjson);
        assert_eq!((remarks.time_missing, remarks.time_unusable, remarks.duplicate_key), (0, 0, 0));
        for (row, line) in chunk.iter().enumerate() {
            events += 1;
            let module = cell(&batch, index_of("module"), row).expect("every event has a module");
            assert!(cell(&batch, index_of("event_type"), row).is_some_and(|kind| kind != "event"));
            *by_module.entry(module).or_default() += 1;
            let record: Json = serde_json::from_str(line).unwrap();
            *by_json.entry(record[module_field].as_str().unwrap().to_string()).or_default() += 1_u64;
            let record = Scanner::new(line.as_bytes(), 0).value().unwrap();
            let left = cell(&batch, ATTRIBUTES, row);
            let left = left.as_ref().map(|text| (Scanner::new(text.as_bytes(), 0).value().unwrap(), text.as_bytes()));
            finder.object((&record, line.as_bytes()), left, &mut Vec::new(), &batch, row);
        }
    }
    assert_eq!(by_module, by_json);
    println!(
        "{name}: {events} events, {} values told by columns, {} kept in attributes",
        finder.found.0, finder.found.1
    );
    Some((events, by_module))
}

#[test]
fn nothing_of_real_windows_events_is_lost() {
    let Some((events, by_module)) = prove("windows", "windows-host.ndjson.zst", "Channel") else { return };
    assert_eq!(events, 99_268);
    assert_eq!((by_module["security"], by_module["Security"]), (16_537, 6_663));
}

#[test]
fn nothing_of_real_cloudtrail_records_is_lost() {
    let Some((events, by_module)) = prove("cloudtrail", "cloudtrail.ndjson.zst", "eventSource") else { return };
    assert_eq!((events, by_module["ec2.amazonaws.com"]), (103, 80));
}

/// Windows events without `UtcTime` take `@timestamp`; those with it that, also where the two differ.
#[test]
fn real_windows_events_have_the_time_of_their_own_clock() {
    let Some(lines) = lines("windows-host.ndjson.zst") else { return };
    let file = shipped("windows");
    for line in lines.step_by(997) {
        let record: Map<String, Json> = serde_json::from_str(&line).unwrap();
        let sent = record.get("UtcTime").unwrap_or(&record["@timestamp"]).as_str().unwrap();
        let want = crate::event::time::rfc3339(sent.as_bytes(), Some(chrono_tz::Tz::UTC)).unwrap().us;
        let got = row(&file, &line);
        let got = crate::event::time::rfc3339(got["event_time"].as_str().unwrap().as_bytes(), None).unwrap().us;
        assert_eq!(got, want, "{line}");
    }
}

/// AWS delivers records wrapped; they become the same rows as one by one.
#[test]
fn wrapped_records_are_the_same_as_single_ones() {
    let Some(lines) = lines("cloudtrail.ndjson.zst") else { return };
    let file = shipped("cloudtrail");
    let lines: Vec<String> = lines.collect();
    let single = cells(&Parser::new(&file).parse(&lines.join("\n"), BodyFormat::Ndjson).0);
    let (wrapped, _) = rows(&file, &format!("{{\"Records\": [{}]}}", lines.join(",\n ")));
    assert_eq!(wrapped, single);
}
