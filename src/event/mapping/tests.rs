//! What mappings do to events, by the real parser: a mapping and a body in, the cells of its rows out.

mod errors;
mod fixtures;
mod library;
mod real;
mod rules;
mod text;

use arrow::json::LineDelimitedWriter;
use arrow::record_batch::RecordBatch;
use serde_json::{Map, Value as Json};

use super::MappingFile;
use crate::event::attributes::Document;
use crate::event::columns::Rows;
use crate::event::fill::{Filler, Remarks, Surroundings};
use crate::event::json::{Scanner, Shape, members, unescaped};
use crate::event::model::{COLUMNS, Kind, index_of};
use crate::event::plan::Plan;
use crate::event::record::Reader;

const EVENT_ID: usize = index_of("event_id");
/// `event_id` of rows whose event has none.
const MINTED: &str = "minted";
/// Time of receipt in tests: 2026-01-02T03:04:05Z.
const RECEIVED_AT: i64 = 1_767_323_045_000_000;

/// The mapping of a text that is right.
#[track_caller]
fn mapping(text: &str) -> MappingFile {
    MappingFile::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

/// Reads records one after another as the engine does, less the limits and ids.
struct Parser<'p> {
    plan: &'p Plan,
    reader: Reader,
    filler: Filler,
    source: String,
    rows: Rows,
}

impl<'p> Parser<'p> {
    fn new(plan: &'p Plan, source: &str) -> Self {
        let rows = Rows::default();
        Self { plan, reader: Reader::new(plan), filler: Filler::default(), source: source.to_string(), rows }
    }

    #[track_caller]
    fn record(&mut self, body: &[u8], at: usize) {
        let mut scanner = Scanner::new(body, at);
        scanner.skip_spaces();
        let record = self.reader.read(&mut scanner, body).unwrap();
        let around = Surroundings {
            plan: self.plan,
            project: "test",
            source: &self.source,
            received_at: RECEIVED_AT,
            document: &Document::default(),
            overflow: false,
        };
        self.filler.fill(&mut self.reader, body, &record, &around, &mut self.rows);
        if !self.rows.is_set(EVENT_ID) {
            self.rows.text(EVENT_ID).push(MINTED.as_bytes());
        }
        self.rows.end_row();
    }

    fn finish(mut self) -> (RecordBatch, Remarks) {
        self.rows.number(1);
        (self.rows.finish(), self.filler.remarks)
    }
}

/// The rows that `body` becomes; where the mapping knows a wrapper and the body has it, one for each record inside.
#[track_caller]
fn rows(file: &MappingFile, body: &str) -> (Vec<Map<String, Json>>, Remarks) {
    let plan = file.compile().unwrap_or_else(|error| panic!("{error}"));
    let mut parser = Parser::new(&plan, file.source.as_deref().unwrap_or("test"));
    let wrapped = plan.wrapper.as_deref().and_then(|key| records(body, key));
    for at in wrapped.unwrap_or_else(|| vec![0]) {
        parser.record(body.as_bytes(), at);
    }
    let (batch, remarks) = parser.finish();
    (cells(&batch), remarks)
}

/// Where the records wrapped under `key` start.
fn records(body: &str, key: &[u8]) -> Option<Vec<usize>> {
    let body = body.as_bytes();
    let document = Scanner::new(body, 0).value().ok()?;
    let list = members(&document, body).find(|member| *unescaped(&member.key, body) == *key)?.value;
    (list.shape == Shape::Array).then(|| members(&list, body).map(|item| item.value.start as usize).collect())
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
