//! Rows in chunks that depend on the rows alone, not on how they came.
//!
//! A query gives batches as files and threads happen to lie; a chunk ends after so many rows, or before the row
//! that would make it too large.

use arrow::array::{Array, AsArray};
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use arrow::record_batch::RecordBatch;

use super::error::ExportError;

/// Most rows of a chunk.
pub(super) const ROWS_MAX: usize = 65_536;
/// Most bytes of values, but for a single row with more.
const BYTES_MAX: u64 = 32 << 20;
/// Bytes that a value without a length of its own counts for.
const FIXED: u64 = 8;

/// Rows that do not fill a chunk yet.
#[derive(Debug, Default)]
pub(super) struct Chunker {
    pieces: Vec<RecordBatch>,
    rows: usize,
    bytes: u64,
}

impl Chunker {
    /// Takes rows; gives the chunks that they complete.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<Vec<RecordBatch>, ExportError> {
        let widths = widths(batch);
        let (mut chunks, mut from) = (Vec::new(), 0);
        for (row, width) in widths.iter().enumerate() {
            if self.rows > 0 && self.bytes + width > BYTES_MAX {
                self.keep(batch, from, row);
                chunks.extend(self.rest()?);
                from = row;
            }
            self.rows += 1;
            self.bytes += width;
            if self.rows == ROWS_MAX {
                self.keep(batch, from, row + 1);
                chunks.extend(self.rest()?);
                from = row + 1;
            }
        }
        self.keep(batch, from, widths.len());
        Ok(chunks)
    }

    fn keep(&mut self, batch: &RecordBatch, from: usize, to: usize) {
        if from < to {
            self.pieces.push(batch.slice(from, to - from));
        }
    }

    /// What is left, as a chunk.
    pub(super) fn rest(&mut self) -> Result<Option<RecordBatch>, ExportError> {
        let Self { pieces, .. } = std::mem::take(self);
        let Some(first) = pieces.first() else { return Ok(None) };
        concat_batches(first.schema_ref(), &pieces).map(Some).map_err(ExportError::encode)
    }
}

/// Bytes of each row's values.
fn widths(batch: &RecordBatch) -> Vec<u64> {
    let mut widths = vec![0; batch.num_rows()];
    for column in batch.columns() {
        for (sum, width) in widths.iter_mut().zip(of_array(column)) {
            *sum += width;
        }
    }
    widths
}

/// Bytes of each value of an array in a type of answers.
fn of_array(array: &dyn Array) -> Vec<u64> {
    let between = |offsets: &[i32], inner: Option<&dyn Array>| -> Vec<u64> {
        // Sums up to each item, so that a list is one subtraction.
        let sums: Option<Vec<u64>> = inner.map(|items| {
            let mut sum = 0;
            let mut sums = vec![0];
            sums.extend(of_array(items).into_iter().map(|width| {
                sum += width;
                sum
            }));
            sums
        });
        let at = |offset: i32| usize::try_from(offset).unwrap_or(0);
        let bytes = |pair: &[i32]| match &sums {
            Some(sums) => sums[at(pair[1])] - sums[at(pair[0])],
            None => (at(pair[1]) - at(pair[0])) as u64,
        };
        offsets.windows(2).map(|pair| FIXED + bytes(pair)).collect()
    };
    match array.data_type() {
        DataType::Utf8 => between(array.as_string::<i32>().value_offsets(), None),
        DataType::Binary => between(array.as_binary::<i32>().value_offsets(), None),
        DataType::List(_) => {
            let list = array.as_list::<i32>();
            between(list.value_offsets(), Some(list.values()))
        }
        DataType::Map(..) => {
            let map = array.as_map();
            between(map.value_offsets(), Some(map.entries()))
        }
        DataType::Struct(_) => {
            let mut widths = vec![0; array.len()];
            for column in array.as_struct().columns() {
                widths.iter_mut().zip(of_array(column)).for_each(|(sum, width)| *sum += width);
            }
            widths
        }
        _ => vec![FIXED; array.len()],
    }
}
