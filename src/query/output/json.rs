//! JSON: one object with schema, rows, whether it was cut, and stats.

use arrow::record_batch::RecordBatch;

use super::cell::Cell;
use super::{Encoder, Outcome, QueryError};
use crate::query::types::OutColumn;

/// Writes one JSON object.
pub(super) struct Json {
    columns: Vec<OutColumn>,
    any_rows: bool,
}

impl Json {
    pub(super) fn new(columns: Vec<OutColumn>) -> Self {
        Self { columns, any_rows: false }
    }
}

/// The cells of a normalised batch.
pub(super) fn cells(batch: &RecordBatch) -> Vec<Cell<'_>> {
    batch.columns().iter().zip(batch.schema_ref().fields()).map(|(array, field)| Cell::new(array, field)).collect()
}

pub(super) fn encode_error(error: impl std::error::Error + Send + Sync + 'static) -> QueryError {
    QueryError::Encode(Box::new(error))
}

impl Encoder for Json {
    fn start(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        out.extend_from_slice(b"{\"schema\":");
        serde_json::to_writer(&mut *out, &self.columns).map_err(encode_error)?;
        out.extend_from_slice(b",\"rows\":[");
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let cells = cells(batch);
        for row in 0..batch.num_rows() {
            out.extend_from_slice(if self.any_rows { b",\n[" } else { b"\n[" });
            self.any_rows = true;
            for (at, cell) in cells.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                cell.write_json(row, out);
            }
            out.push(b']');
        }
        Ok(())
    }

    fn finish(&mut self, outcome: &Outcome, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let truncated = if outcome.truncated { "true" } else { "false" };
        out.extend_from_slice(format!("],\"truncated\":{truncated},\"stats\":").as_bytes());
        serde_json::to_writer(&mut *out, &outcome.stats).map_err(encode_error)?;
        out.extend_from_slice(b"}\n");
        Ok(())
    }
}
