//! Rows as JSON objects, for answers that are made of them: what is NULL has no member, and columns of the model that
//! hold JSON text are JSON.

use arrow::record_batch::RecordBatch;
use serde_json::value::RawValue;

use super::QueryError;
use super::cell::{Cell, write_json_text};
use crate::event::model::{COLUMNS, Kind};

/// The rows of a normalised batch, without the columns named in `without`.
///
/// # Errors
/// A fault of ours: a cell that is no JSON.
pub fn objects(batch: &RecordBatch, without: &[&str]) -> Result<Vec<Box<RawValue>>, QueryError> {
    let schema = batch.schema();
    let is_json = |name: &str| COLUMNS.iter().any(|column| column.name == name && column.kind == Kind::Json);
    let shown =
        schema.fields().iter().zip(batch.columns()).filter(|(field, _)| !without.contains(&field.name().as_str()));
    let cells: Vec<(Vec<u8>, Cell<'_>)> = shown
        .map(|(field, array)| {
            let mut key = Vec::new();
            write_json_text(field.name(), &mut key);
            key.push(b':');
            let text = is_json(field.name()) && *field.data_type() == arrow::datatypes::DataType::Utf8;
            (key, if text { Cell::json(array) } else { Cell::new(array, field) })
        })
        .collect();
    (0..batch.num_rows()).map(|row| object(&cells, row)).collect()
}

fn object(cells: &[(Vec<u8>, Cell<'_>)], row: usize) -> Result<Box<RawValue>, QueryError> {
    let mut out = vec![b'{'];
    for (key, cell) in cells.iter().filter(|(_, cell)| !cell.is_null(row)) {
        if out.len() > 1 {
            out.push(b',');
        }
        out.extend_from_slice(key);
        cell.write_json(row, &mut out);
    }
    out.push(b'}');
    let text = String::from_utf8(out).map_err(|error| QueryError::Internal(Box::new(error)))?;
    RawValue::from_string(text).map_err(|error| QueryError::Internal(Box::new(error)))
}
