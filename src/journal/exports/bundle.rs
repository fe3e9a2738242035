//! What an archive is made of: requests and responses, or events with all their files for somebody outside.
//!
//! A bundle leaves the house: it is looked through once more by the project's rules of today, which may be stricter
//! than those that held when its events came in. The record itself is redacted, what the sender called by its own
//! names (`attributes`) as a record of its own, and attached texts as bodies. Attached files that are no text, or too
//! large to be looked through, are left as they are, and the index says so.

use std::fmt::Write;

use arrow::record_batch::RecordBatch;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::archive::{Packer, Part};
use super::error::ExportError;
use crate::access::hex;
use crate::event::parse::BodyFormat;
use crate::event::redact::Redactor;
use crate::journal::files::{BodyOf, Item, content_type, extension_of, instant_of, items, safe_name, text_of};
use crate::query::{Encoding, Format};

/// The index of an archive.
const INDEX: &str = "index.ndjson";
/// Events of a bundle, for programs.
const EVENTS: &str = "events.ndjson";
/// Events of a bundle, for people.
const READABLE: &str = "events.txt";
/// Largest attached text that is looked through.
const TEXT_MAX: usize = 16 << 20;
const BOTH: [BodyOf; 2] = [BodyOf::Request, BodyOf::Response];

/// Names of files of one row: the time and the number make them unlike all others, and the same in every run.
fn name(batch: &RecordBatch, row: usize, what: &str, ending: &str) -> String {
    let time = instant_of(batch, "event_time", row).unwrap_or_default();
    let time = chrono::DateTime::from_timestamp_micros(time).unwrap_or_default();
    let seq = instant_of(batch, "_seq", row).unwrap_or_default();
    let id = text_of(batch, "event_id", row).unwrap_or_default();
    let ending = if ending.is_empty() { String::new() } else { format!(".{ending}") };
    format!("files/{}", safe_name(&format!("{}_{seq}_{id}_{what}{ending}", time.format("%Y%m%dT%H%M%S"))))
}

/// A line of the index.
fn index(batch: &RecordBatch, row: usize, file: &str, more: Value) -> Vec<u8> {
    let mut line = Map::new();
    line.insert("file".into(), json!(file));
    for column in ["event_id", "source", "dataset", "tenant_id"] {
        line.insert(column.into(), json!(text_of(batch, column, row)));
    }
    if let Value::Object(more) = more {
        line.extend(more);
    }
    let mut text = Value::Object(line).to_string().into_bytes();
    text.push(b'\n');
    text
}

fn sha256(bytes: &[u8]) -> String {
    hex(&<[u8; 32]>::from(Sha256::digest(bytes)))
}

/// An attached file, as it is.
fn attach(batch: &RecordBatch, row: usize, (at, item): (usize, &Item), part: &mut Part<'_>) -> Result<(), ExportError> {
    let role = item.role.as_deref().unwrap_or("file");
    let sent = item.name.as_deref().unwrap_or("file");
    let file = name(batch, row, &format!("{role}_{}_{sent}", at + 1), "");
    let size = part.blob(&file, &item.id)?;
    let file = if size.is_some() { file.as_str() } else { "" };
    let more = json!({"role": role, "name": sent, "content_type": item.content_type, "sha256": item.id.as_str(),
        "size": size, "stored": size.is_some(), "redacted": false});
    part.text(INDEX, &index(batch, row, file, more));
    Ok(())
}

/// Requests and responses.
pub(super) struct BodiesPacker;

impl Packer for BodiesPacker {
    fn texts(&self) -> &'static [&'static str] {
        &[INDEX]
    }

    fn pack(&mut self, chunk: &RecordBatch, part: &mut Part<'_>) -> Result<(), ExportError> {
        for row in 0..chunk.num_rows() {
            for of in BOTH {
                let Some(text) = text_of(chunk, &format!("{of}_body"), row) else { continue };
                let sent = text_of(chunk, &format!("{of}_content_type"), row);
                let kind = content_type(sent.or(Some("text/plain; charset=utf-8")));
                let file = name(chunk, row, of.as_str(), extension_of(kind));
                part.file(&file, text.as_bytes())?;
                let more = json!({"role": of.as_str(), "content_type": kind, "sha256": sha256(text.as_bytes()), "size": text.len()});
                part.text(INDEX, &index(chunk, row, &file, more));
            }
            let bodies = items(chunk, row).into_iter().enumerate();
            for (at, item) in bodies.filter(|(_, item)| BOTH.iter().any(|of| item.is(of.as_str()))) {
                attach(chunk, row, (at, &item), part)?;
            }
        }
        Ok(())
    }
}

/// Events with all their files.
pub(super) struct BundlePacker {
    pub(super) redactor: Redactor,
}

impl Packer for BundlePacker {
    fn texts(&self) -> &'static [&'static str] {
        &[EVENTS, READABLE, INDEX]
    }

    fn pack(&mut self, chunk: &RecordBatch, part: &mut Part<'_>) -> Result<(), ExportError> {
        let mut encoding = Encoding::new(Format::Ndjson, &chunk.schema());
        for row in 0..chunk.num_rows() {
            let mut line = Vec::new();
            encoding.rows(&chunk.slice(row, 1), &mut line)?;
            let event = self.redacted(&line)?;
            let mut line = Value::Object(event.clone()).to_string();
            line.push('\n');
            part.text(EVENTS, line.as_bytes());
            let mut files = Vec::new();
            for of in BOTH {
                let column = format!("{of}_body");
                let Some(text) = event.get(&column).and_then(Value::as_str) else { continue };
                let kind = content_type(text_of(chunk, &format!("{of}_content_type"), row).or(Some("text/plain")));
                let file = name(chunk, row, of.as_str(), extension_of(kind));
                part.file(&file, text.as_bytes())?;
                let more = json!({"role": of.as_str(), "content_type": kind, "sha256": sha256(text.as_bytes()), "size": text.len(),
                    "redacted": text_of(chunk, &column, row) != Some(text)});
                part.text(INDEX, &index(chunk, row, &file, more));
                files.push((column, file));
            }
            for (at, item) in items(chunk, row).iter().enumerate() {
                self.attached(chunk, row, (at, item), part)?;
            }
            part.text(READABLE, readable(&event, &files).as_bytes());
        }
        Ok(())
    }
}

impl BundlePacker {
    /// An event by the rules of today.
    fn redacted(&self, line: &[u8]) -> Result<Map<String, Value>, ExportError> {
        let mut event: Map<String, Value> = serde_json::from_slice(line).map_err(ExportError::encode)?;
        event.retain(|_, value| !value.is_null());
        if let Some(own) = event.get("attributes").and_then(Value::as_str) {
            let mut own = own.as_bytes().to_vec();
            self.redactor.redact(&mut own, BodyFormat::Ndjson);
            event.insert("attributes".into(), String::from_utf8_lossy(&own).into());
        }
        let mut text = Value::Object(event).to_string().into_bytes();
        self.redactor.redact(&mut text, BodyFormat::Ndjson);
        serde_json::from_slice(&text).map_err(ExportError::encode)
    }

    /// A text by the rules of today, as if it were a body of `role`.
    fn redacted_text(&self, role: &str, text: &str) -> Result<String, ExportError> {
        let column = format!("{role}_body");
        let mut record = json!({ column.as_str(): text }).to_string().into_bytes();
        self.redactor.redact(&mut record, BodyFormat::Ndjson);
        let record: Value = serde_json::from_slice(&record).map_err(ExportError::encode)?;
        Ok(record[column.as_str()].as_str().unwrap_or_default().to_owned())
    }

    fn attached(
        &self,
        chunk: &RecordBatch,
        row: usize,
        (at, item): (usize, &Item),
        part: &mut Part<'_>,
    ) -> Result<(), ExportError> {
        let kind = content_type(item.content_type.as_deref());
        let is_text = kind.starts_with("text/") || ["json", "xml", "txt", "ndjson"].contains(&extension_of(kind));
        let small = if is_text { part.small_blob(&item.id, TEXT_MAX)? } else { None };
        let Some(text) = small.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return attach(chunk, row, (at, item), part);
        };
        let (role, sent) = (item.role.as_deref().unwrap_or("file"), item.name.as_deref().unwrap_or("file"));
        let redacted = self.redacted_text(role, &text)?;
        let file = name(chunk, row, &format!("{role}_{}_{sent}", at + 1), "");
        part.file(&file, redacted.as_bytes())?;
        let more = json!({"role": role, "name": sent, "content_type": kind, "sha256": sha256(redacted.as_bytes()),
            "size": redacted.len(), "stored": true, "redacted": redacted != text});
        part.text(INDEX, &index(chunk, row, &file, more));
        Ok(())
    }
}

/// An event as people read it: its time and kind, then what it has, a line each. Bodies stand in their files.
fn readable(event: &Map<String, Value>, files: &[(String, String)]) -> String {
    let of = |column: &str| event.get(column).and_then(Value::as_str).unwrap_or("");
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "== {}  {}/{}  {}  {}",
        shown(of("event_time")),
        shown(of("source")),
        shown(of("dataset")),
        shown(of("event_type")),
        shown(of("outcome"))
    );
    for (column, value) in event {
        let file = files.iter().find(|(name, _)| name == column).map(|(_, file)| file);
        let value = match (file, value) {
            (Some(file), _) => format!("see {file}"),
            (None, Value::String(value)) => shown(value),
            (None, other) => shown(&other.to_string()),
        };
        let _ = writeln!(text, "   {column}: {value}");
    }
    text.push('\n');
    text
}

/// Text that drives no terminal and breaks no line.
fn shown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control()
                || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}') =>
            {
                out.extend(c.escape_default());
            }
            c => out.push(c),
        }
    }
    out
}
