//! What mappings do to events, by the real parser: a mapping and a body in, the cells of its rows out.

mod errors;
mod fixtures;
mod fuzz;
mod library;
mod real;
mod rules;
mod text;

use arrow::json::LineDelimitedWriter;
use arrow::record_batch::RecordBatch;
use serde_json::{Map, Value as Json};

use super::MappingFile;
use crate::event::fill::Remarks;
use crate::event::interpretation::{Definition, Interpretation};
use crate::event::model::{COLUMNS, Kind};
use crate::event::parse::{BodyFormat, Context, Limits, parse};
use crate::event::redact::RedactRules;

/// `event_id` of rows whose event has none, until ids are minted.
const MINTED: &str = "00000000-0000-8000-8000-000000000000";
/// Time of receipt in tests: 2026-01-02T03:04:05Z.
const RECEIVED_AT: i64 = 1_767_323_045_000_000;

/// The mapping of a text that is right.
#[track_caller]
fn mapping(text: &str) -> MappingFile {
    MappingFile::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Limits that no test meets.
const LIMITS: Limits = Limits { line_max: 16 << 20, events_max: u32::MAX };

/// What one mapping makes of bodies, by the parser of ingest.
struct Parser(Interpretation);

impl Parser {
    #[track_caller]
    fn new(file: &MappingFile) -> Self {
        let plan = file.compile().unwrap_or_else(|error| panic!("{error}"));
        let definition = Definition {
            mapping: Some("test".to_string()),
            mapping_toml: Some(file.canonical()),
            ..Definition::native(file.source.as_deref().unwrap_or("test"), RedactRules::default())
        };
        Self(Interpretation::new(plan, definition))
    }

    #[track_caller]
    fn parse(&self, body: &str, format: BodyFormat) -> (RecordBatch, Remarks) {
        let context = Context { project: "test", received_at: RECEIVED_AT, mint: None };
        let mut parsed = parse(body.as_bytes(), format, &self.0, &context, &LIMITS, None).unwrap();
        assert_eq!(parsed.rejected, [], "{body}");
        parsed.rows.number(1);
        (parsed.rows.finish(), parsed.remarks)
    }
}

/// The rows that a JSON body becomes.
#[track_caller]
fn rows(file: &MappingFile, body: &str) -> (Vec<Map<String, Json>>, Remarks) {
    let (batch, remarks) = Parser::new(file).parse(body, BodyFormat::Json);
    (cells(&batch), remarks)
}

/// Rows as objects, NULLs left out, JSON columns as the JSON in them.
fn cells(batch: &RecordBatch) -> Vec<Map<String, Json>> {
    let mut writer = LineDelimitedWriter::new(Vec::new());
    writer.write(batch).unwrap();
    writer.finish().unwrap();
    let text = String::from_utf8(writer.into_inner()).unwrap();
    let row = |line: &str| {
        let mut row: Map<String, Json> = serde_json::from_str(line).unwrap();
        for column in COLUMNS.iter().filter(|column| column.kind == Kind::Json) {
            if let Some(Json::String(text)) = row.get(column.name) {
                let parsed = serde_json::from_str(text).unwrap();
                row.insert(column.name.to_string(), parsed);
            }
        }
        row
    };
    text.lines().map(row).collect()
}

/// The one row that `body` becomes, without what the engine sets for every event.
#[track_caller]
fn row(file: &MappingFile, body: &str) -> Map<String, Json> {
    let (mut all, _) = rows(file, body);
    assert_eq!(all.len(), 1);
    let mut row = all.remove(0);
    for name in ["observed_time", "object_refs", "date", "_seq"] {
        row.remove(name);
    }
    row
}

/// Checks one rule for `column`: what the cell holds and what stays in `attributes`; `null` for nothing.
#[track_caller]
fn check(rule: &str, column: &str, body: &str, cell: Json, left: Json) {
    let file = mapping(&format!("[columns]\n{column} = {rule}\n"));
    let row = row(&file, body);
    let got = |name: &str| row.get(name).cloned().unwrap_or(Json::Null);
    assert_eq!((got(column), got("attributes")), (cell, left), "{rule} on {body}");
}
