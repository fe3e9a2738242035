//! NDJSON: one object a row; a cut answer ends with the line `{"_truncated":true}`.

use arrow::record_batch::RecordBatch;

use super::cell::write_json_text;
use super::json::cells;
use super::{Encoder, Outcome, QueryError};
use crate::query::types::OutColumn;

/// Writes one JSON object a line.
pub(super) struct Ndjson {
    /// `"name":` of each column.
    keys: Vec<Vec<u8>>,
}

impl Ndjson {
    pub(super) fn new(columns: &[OutColumn]) -> Self {
        let key = |column: &OutColumn| {
            let mut key = Vec::new();
            write_json_text(&column.name, &mut key);
            key.push(b':');
            key
        };
        Self { keys: columns.iter().map(key).collect() }
    }
}

impl Encoder for Ndjson {
    fn start(&mut self, _out: &mut Vec<u8>) -> Result<(), QueryError> {
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let cells = cells(batch);
        for row in 0..batch.num_rows() {
            out.push(b'{');
            for (at, (key, cell)) in self.keys.iter().zip(&cells).enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                out.extend_from_slice(key);
                cell.write_json(row, out);
            }
            out.extend_from_slice(b"}\n");
        }
        Ok(())
    }

    fn finish(&mut self, outcome: &Outcome, out: &mut Vec<u8>) -> Result<(), QueryError> {
        if outcome.truncated {
            out.extend_from_slice(b"{\"_truncated\":true}\n");
        }
        Ok(())
    }
}
