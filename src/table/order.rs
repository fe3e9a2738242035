//! From rows in the order of arrival to rows in the order of files.
//!
//! A flush sorts keys only (partition, time, `_seq`, place) over all its batches; values are then
//! gathered chunk by chunk straight into the encoder, so that the rows never exist twice.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray, TimestampMicrosecondArray, new_null_array};
use arrow::compute::interleave;
use arrow::datatypes::{DataType, Date32Type, Int64Type, Schema, SchemaRef, TimestampMicrosecondType};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use hashbrown::HashMap;

use super::error::TableError;
use super::writer::Partition;
use crate::event::schema::{DATE_AT, EVENT_TIME_AT, MODULE_AT, SEQ_AT, file_schema, row_schema};

/// Rows that are gathered at a time.
pub(super) const CHUNK_ROWS: usize = 8_192;

/// A row's place in the order of files (newest first) and in the batches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    time: i64,
    seq: i64,
    batch: u32,
    row: u32,
}

/// The rows of one file to be, in its order.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) partition: Partition,
    pub(super) rows: Vec<Row>,
}

/// Date and module while the rows are looked at.
type Part<'a> = (i32, Option<&'a str>);

/// Columns that decide where a row goes.
struct Keys<'a> {
    times: &'a TimestampMicrosecondArray,
    seqs: &'a Int64Array,
    dates: &'a arrow::array::Date32Array,
    modules: &'a StringArray,
}

impl<'a> Keys<'a> {
    fn of(batch: &'a RecordBatch) -> Result<Self, TableError> {
        let wrong = || TableError::Misuse("rows to flush do not have the row schema".into());
        if batch.num_columns() != row_schema().fields().len() {
            return Err(wrong());
        }
        Ok(Self {
            times: batch.column(EVENT_TIME_AT).as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(wrong)?,
            seqs: batch.column(SEQ_AT).as_primitive_opt::<Int64Type>().ok_or_else(wrong)?,
            dates: batch.column(DATE_AT).as_primitive_opt::<Date32Type>().ok_or_else(wrong)?,
            modules: batch.column(MODULE_AT).as_string_opt::<i32>().ok_or_else(wrong)?,
        })
    }

    fn partition(&self, row: usize) -> Part<'a> {
        // An empty module is none: the Delta log cannot tell the two apart.
        let module = self.modules.is_valid(row).then(|| self.modules.value(row)).filter(|module| !module.is_empty());
        (self.dates.value(row), module)
    }
}

/// Splits the rows with a `_seq` above `after` by partition and sorts each part; those not above are
/// in the table already.
///
/// # Errors
/// [`TableError::Misuse`]: another schema, or a row above `through`.
pub(super) fn plan(batches: &[RecordBatch], after: Option<i64>, through: i64) -> Result<Vec<Planned>, TableError> {
    let mut parts: Vec<(Part<'_>, Vec<Row>)> = Vec::new();
    let mut known: HashMap<Part<'_>, usize, foldhash::fast::RandomState> = HashMap::default();
    for (at, batch) in batches.iter().enumerate() {
        let keys = Keys::of(batch)?;
        let mut part = usize::MAX;
        for row in 0..batch.num_rows() {
            let seq = keys.seqs.value(row);
            if after.is_some_and(|after| seq <= after) {
                continue;
            }
            if seq > through {
                return Err(TableError::Misuse(format!("row {seq} is above the flush's last one, {through}")));
            }
            let partition = keys.partition(row);
            // Neighbours mostly share a partition.
            if parts.get(part).is_none_or(|(last, _)| *last != partition) {
                part = *known.entry(partition).or_insert_with(|| {
                    parts.push((partition, Vec::new()));
                    parts.len() - 1
                });
            }
            let (batch, row_at) = (index(at)?, index(row)?);
            parts[part].1.push(Row { time: keys.times.value(row), seq, batch, row: row_at });
        }
    }
    let planned = parts.into_iter().map(|((date, module), mut rows)| {
        rows.sort_unstable_by_key(|row| std::cmp::Reverse((row.time, row.seq)));
        Planned { partition: Partition { date, module: module.map(str::to_owned) }, rows }
    });
    Ok(planned.collect())
}

fn index(at: usize) -> Result<u32, TableError> {
    u32::try_from(at).map_err(|_| TableError::Misuse("more than 4 billion rows in one flush".into()))
}

/// The stored columns of rows in the row schema.
pub(super) fn stored(batch: &RecordBatch) -> Result<RecordBatch, TableError> {
    let columns = (0..batch.num_columns()).filter(|at| *at != MODULE_AT && *at != DATE_AT).collect::<Vec<_>>();
    let projected = batch.project(&columns)?;
    Ok(RecordBatch::try_new(file_schema(), projected.columns().to_vec())?)
}

impl Planned {
    /// What the columns of the file schema hold in these rows.
    pub(super) fn contents(&self, batches: &[RecordBatch]) -> Contents {
        let mut used = vec![false; batches.len()];
        self.rows.iter().for_each(|row| used[row.batch as usize] = true);
        let used: Vec<&RecordBatch> =
            batches.iter().zip(used).filter_map(|(batch, used)| used.then_some(batch)).collect();
        let columns = (0..file_schema().fields().len()).map(|at| {
            let empty = used.iter().all(|batch| batch.column(at).null_count() == batch.num_rows());
            let full = used.iter().all(|batch| batch.column(at).null_count() == 0);
            let is_there = |row: &Row| batches[row.batch as usize].column(at).is_valid(row.row as usize);
            match () {
                () if empty || !full && !self.rows.iter().any(is_there) => Content::Empty,
                () if full && self.is_one_text(batches, at) => Content::OneText,
                () => Content::Values,
            }
        });
        Contents(columns.collect())
    }

    /// Whether column `at` holds the same text in all rows.
    fn is_one_text(&self, batches: &[RecordBatch], at: usize) -> bool {
        let Some(texts) =
            batches.iter().map(|batch| batch.column(at).as_string_opt::<i32>()).collect::<Option<Vec<_>>>()
        else {
            return false;
        };
        let mut values = self.rows.iter().map(|row| texts[row.batch as usize].value(row.row as usize));
        let first = values.next();
        values.all(|value| Some(value) == first)
    }

    /// The rows in chunks, gathered from the stored columns of the batches.
    pub(super) fn chunks(
        &self,
        batches: &[RecordBatch],
        contents: &Contents,
    ) -> impl Iterator<Item = Result<RecordBatch, TableError>> {
        self.rows.chunks(CHUNK_ROWS).map(|rows| {
            let places: Vec<(usize, usize)> = rows.iter().map(|row| (row.batch as usize, row.row as usize)).collect();
            gather(batches, &places, contents)
        })
    }
}

/// What a column holds in the rows of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// NULLs only: half the columns of a typical event.
    Empty,
    /// The same text in every row.
    OneText,
    /// Anything else.
    Values,
}

/// What each column of the file schema holds.
#[derive(Debug, Clone)]
pub(super) struct Contents(Vec<Content>);

impl Contents {
    /// By column of the file schema.
    pub(super) fn new(columns: Vec<Content>) -> Self {
        Self(columns)
    }

    /// Columns of NULLs only.
    pub(super) fn empty(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().filter(|(_, content)| **content == Content::Empty).map(|(at, _)| at)
    }

    /// Of column `at`.
    pub(super) fn of(&self, at: usize) -> Content {
        self.0[at]
    }
}

/// The rows at `places` (batch, row) of batches in the file schema.
pub(super) fn gather(
    batches: &[RecordBatch],
    places: &[(usize, usize)],
    contents: &Contents,
) -> Result<RecordBatch, TableError> {
    if let Some(run) = one_run(places) {
        return Ok(batches[run.0].slice(run.1, places.len()));
    }
    let (used, places) = only_used(batches, places);
    let schema: SchemaRef = file_schema();
    let mut nulls = Nulls::new(places.len());
    let columns = schema.fields().iter().enumerate().map(|(at, field)| {
        let values: Vec<&dyn Array> = used.iter().map(|batch| batch.column(at).as_ref()).collect();
        if contents.of(at) == Content::Empty || values.iter().all(|array| array.null_count() == array.len()) {
            return Ok(nulls.of(field.data_type()));
        }
        interleave(&values, &places)
    });
    let columns = columns.collect::<Result<Vec<_>, ArrowError>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(places.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options)?)
}

/// Batch and first row, where the places are neighbours in one batch.
fn one_run(places: &[(usize, usize)]) -> Option<(usize, usize)> {
    let first = *places.first()?;
    let neighbours = places.iter().enumerate().all(|(at, place)| *place == (first.0, first.1 + at));
    neighbours.then_some(first)
}

/// The batches that occur in `places`, and `places` in terms of them: a chunk seldom needs them all.
fn only_used<'a>(batches: &'a [RecordBatch], places: &[(usize, usize)]) -> (Vec<&'a RecordBatch>, Vec<(usize, usize)>) {
    let mut used = Vec::new();
    let mut moved = vec![usize::MAX; batches.len()];
    let places = places.iter().map(|&(batch, row)| {
        if moved[batch] == usize::MAX {
            moved[batch] = used.len();
            used.push(&batches[batch]);
        }
        (moved[batch], row)
    });
    let places = places.collect();
    (used, places)
}

/// Where each column of today's file schema is in batches of `schema`.
pub(super) fn places_in(schema: &Schema) -> Vec<Option<usize>> {
    file_schema().fields().iter().map(|field| schema.index_of(field.name()).ok()).collect()
}

/// Rows in today's file schema, each column of which has its place in `batch`: those that have none are NULL.
pub(super) fn widened(batch: &RecordBatch, places: &[Option<usize>]) -> Result<RecordBatch, TableError> {
    let schema = file_schema();
    let mut nulls = Nulls::new(batch.num_rows());
    let columns = schema.fields().iter().zip(places).map(|(field, place)| match place {
        Some(place) => Arc::clone(batch.column(*place)),
        None => nulls.of(field.data_type()),
    });
    let columns = columns.collect();
    Ok(RecordBatch::try_new(schema, columns)?)
}

/// Columns of NULLs, one for each type.
struct Nulls {
    rows: usize,
    made: Vec<ArrayRef>,
}

impl Nulls {
    fn new(rows: usize) -> Self {
        Self { rows, made: Vec::new() }
    }

    fn of(&mut self, data_type: &DataType) -> ArrayRef {
        if let Some(known) = self.made.iter().find(|known| known.data_type() == data_type) {
            return Arc::clone(known);
        }
        let made = new_null_array(data_type, self.rows);
        self.made.push(Arc::clone(&made));
        made
    }
}
