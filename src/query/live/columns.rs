//! Rows as JSON objects: of the columns that a reader asked for, those that are not NULL.

use arrow::array::{Array, AsArray, UInt32Array};
use arrow::compute::take_record_batch;
use arrow::datatypes::Int64Type;
use arrow::record_batch::RecordBatch;

use super::LiveBatch;
use crate::event::schema::row_schema;
use crate::query::error::{NameOf, QueryError, nearest};
use crate::query::normalise::Normaliser;
use crate::query::output::cell::{Cell, write_json_text};
use crate::query::types::OutColumn;

/// Columns of new rows that a reader is shown.
#[derive(Debug)]
pub struct LiveColumns {
    /// Positions in the row schema.
    positions: Vec<usize>,
    normaliser: Normaliser,
    writer: ObjectWriter,
}

impl LiveColumns {
    /// Those of these names.
    ///
    /// # Errors
    /// A name that is no column.
    pub fn new<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, QueryError> {
        let schema = row_schema();
        let position = |name: &str| {
            schema.index_of(name).map_err(|_| QueryError::Unknown {
                what: NameOf::Column,
                name: name.to_owned(),
                position: None,
                near: nearest(name, schema.fields().iter().map(|field| field.name().as_str())),
            })
        };
        let positions = names.into_iter().map(position).collect::<Result<Vec<_>, _>>()?;
        let shown = schema.project(&positions).map_err(|error| QueryError::Internal(Box::new(error)))?;
        let normaliser = Normaliser::new(&shown);
        let writer = ObjectWriter::new(normaliser.columns());
        Ok(Self { positions, normaliser, writer })
    }

    /// Calls `each` with `_seq` and the JSON object of these rows of `batch`, in their order.
    ///
    /// # Errors
    /// A value that has no form in an answer.
    pub fn write(&self, batch: &LiveBatch, rows: &[u32], each: impl FnMut(i64, &[u8])) -> Result<(), QueryError> {
        let internal = |error: arrow::error::ArrowError| QueryError::Internal(Box::new(error));
        let shown = batch.rows().project(&self.positions).map_err(internal)?;
        let shown = take_record_batch(&shown, &UInt32Array::from(rows.to_vec())).map_err(internal)?;
        let (shown, seqs, mut each) = (self.normaliser.apply(&shown)?, batch.seqs(), each);
        self.writer.write(&shown, |row, object| each(seqs[rows[row] as usize], object));
        Ok(())
    }
}

/// The values of a column of 64-bit integers without NULLs.
///
/// # Errors
/// Another column.
pub fn integers(batch: &RecordBatch, at: usize) -> Result<&[i64], QueryError> {
    let array = batch.columns().get(at).and_then(|array| array.as_primitive_opt::<Int64Type>());
    array.map(|array| &**array.values()).ok_or_else(|| QueryError::Internal("a column is not of integers".into()))
}

/// Writes rows of an answer as JSON objects without their NULLs.
#[derive(Debug)]
pub struct ObjectWriter {
    /// `"name":` of each column.
    keys: Vec<Vec<u8>>,
}

impl ObjectWriter {
    /// For batches with these columns; those that a batch has besides are not written.
    #[must_use]
    pub fn new(columns: &[OutColumn]) -> Self {
        let key = |column: &OutColumn| {
            let mut key = Vec::new();
            write_json_text(&column.name, &mut key);
            key.push(b':');
            key
        };
        Self { keys: columns.iter().map(key).collect() }
    }

    /// Calls `each` with the number and the object of every row of a batch of an answer.
    pub fn write(&self, batch: &RecordBatch, mut each: impl FnMut(usize, &[u8])) {
        let fields = batch.schema_ref().fields();
        let cells: Vec<Cell<'_>> =
            batch.columns().iter().zip(fields).map(|(array, field)| Cell::new(array, field)).collect();
        let mut out = Vec::new();
        for row in 0..batch.num_rows() {
            out.clear();
            out.push(b'{');
            let shown = self.keys.iter().zip(&cells).zip(batch.columns()).filter(|(_, array)| array.is_valid(row));
            for ((key, cell), _) in shown {
                if out.len() > 1 {
                    out.push(b',');
                }
                out.extend_from_slice(key);
                cell.write_json(row, &mut out);
            }
            out.push(b'}');
            each(row, &out);
        }
    }
}
