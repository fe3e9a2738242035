//! CSV as RFC 4180 has it: header line, CRLF, quotes where needed; nested values as JSON text.
//!
//! NULL is an empty field, empty text a quoted one. A cut answer ends with the line `# truncated`,
//! which is no row: strict readers of more than one column refuse it, as they should.
//!
//! Spreadsheets run texts that start like a formula. For them there is a form in which these start with `'`;
//! programs get what is stored.

use arrow::record_batch::RecordBatch;

use super::json::cells;
use super::{Encoder, Outcome, QueryError};
use crate::query::types::OutColumn;

/// What becomes of texts that a spreadsheet would run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Formulas {
    /// They stay.
    AsTheyAre,
    /// A `'` in front makes them text.
    AsText,
}

/// Writes CSV.
pub(super) struct Csv {
    header: Vec<String>,
    formulas: Formulas,
    /// Of each column, whether its cells are texts that senders chose.
    texts: Vec<bool>,
    /// The text of one field.
    field: Vec<u8>,
}

impl Csv {
    pub(super) fn new(columns: &[OutColumn], formulas: Formulas) -> Self {
        let header = columns.iter().map(|column| column.name.clone()).collect();
        let is_text = |column: &OutColumn| matches!(column.type_name.as_str(), "text" | "binary" | "json");
        Self { header, formulas, texts: columns.iter().map(is_text).collect(), field: Vec::new() }
    }

    /// Puts a `'` before a field that a spreadsheet would run.
    fn disarm(&self, field: &mut Vec<u8>) {
        let starts = matches!(field.first(), Some(b'=' | b'+' | b'-' | b'@' | b'\t' | b'\r'));
        if self.formulas == Formulas::AsText && starts {
            field.insert(0, b'\'');
        }
    }
}

/// Appends a field that is there; an empty one is quoted, to be told from NULL.
fn write_field(field: &[u8], out: &mut Vec<u8>) {
    let special = |byte: &u8| matches!(byte, b'"' | b',' | b'\r' | b'\n');
    if !field.is_empty() && !field.iter().any(special) && !field.starts_with(b" ") && !field.starts_with(b"#") {
        out.extend_from_slice(field);
        return;
    }
    out.push(b'"');
    for &byte in field {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

impl Encoder for Csv {
    fn start(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        for (at, name) in self.header.iter().enumerate() {
            if at > 0 {
                out.push(b',');
            }
            let mut name = name.clone().into_bytes();
            self.disarm(&mut name);
            write_field(&name, out);
        }
        out.extend_from_slice(b"\r\n");
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let cells = cells(batch);
        for row in 0..batch.num_rows() {
            for (at, cell) in cells.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                // Readers skip empty lines, so that a NULL that is alone must be written somehow.
                if !cell.is_null(row) || cells.len() == 1 {
                    let mut field = std::mem::take(&mut self.field);
                    field.clear();
                    cell.write_plain(row, &mut field);
                    if self.texts[at] {
                        self.disarm(&mut field);
                    }
                    write_field(&field, out);
                    self.field = field;
                }
            }
            out.extend_from_slice(b"\r\n");
        }
        Ok(())
    }

    fn finish(&mut self, outcome: &Outcome, out: &mut Vec<u8>) -> Result<(), QueryError> {
        if outcome.truncated {
            out.extend_from_slice(b"# truncated\r\n");
        }
        Ok(())
    }
}
