//! CSV as RFC 4180 has it: header line, CRLF, quotes where needed; nested values as JSON text.
//!
//! NULL is an empty field, empty text a quoted one. A cut answer ends with the line `# truncated`,
//! which is no row: strict readers of more than one column refuse it, as they should.

use arrow::record_batch::RecordBatch;

use super::json::cells;
use super::{Encoder, Outcome, QueryError};
use crate::query::types::OutColumn;

/// Writes CSV.
pub(super) struct Csv {
    header: Vec<String>,
    /// The text of one field.
    field: Vec<u8>,
}

impl Csv {
    pub(super) fn new(columns: &[OutColumn]) -> Self {
        Self { header: columns.iter().map(|column| column.name.clone()).collect(), field: Vec::new() }
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
            write_field(name.as_bytes(), out);
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
                    self.field.clear();
                    cell.write_plain(row, &mut self.field);
                    write_field(&self.field, out);
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
