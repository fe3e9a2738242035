//! Several ordered files into one, by a merge that holds one batch of each.
//!
//! # Invariants
//! * Rows come out in the order (`event_time` desc, `_seq` desc), or the merge fails: a file that is
//!   not in order never becomes part of one that claims to be.
//! * No byte of an input is decoded before its checksum was compared: damage is never written on as if it were whole.
//! * Memory: twice the decoded batches of all inputs and one chunk of output.

use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::{AsArray, Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};

use super::checked::CheckedFile;
use super::error::TableError;
use super::order::{CHUNK_ROWS, Contents, adapt, gather};
use super::upload::Target;
use super::version::DataFile;
use super::writer::parquet_failed;
use crate::event::schema::{SEQ, file_schema};

/// Decoded bytes that all inputs together may hold, by their average row.
const DECODED_BYTES: usize = 64 << 20;

/// One input and the batch at which it stands.
struct Cursor {
    path: String,
    file: (Arc<DataFile>, CheckedFile),
    reader: ParquetRecordBatchReader,
    batch: RecordBatch,
    times: TimestampMicrosecondArray,
    seqs: Int64Array,
    row: usize,
    /// Where `batch` lies among the held ones.
    slot: usize,
    rows: u64,
}

/// A row's key; a greater one comes first.
type Key = (i64, i64);

impl Cursor {
    fn open(target: &Target, file: &Arc<DataFile>, inputs: usize) -> Result<Self, TableError> {
        let checked = CheckedFile::new(Arc::clone(&target.store), file, target.runtime.clone());
        let failed = |error| checked.fault(file).unwrap_or(error);
        let reader = reader(checked.clone(), file, inputs).map_err(failed)?;
        let empty = RecordBatch::new_empty(file_schema());
        let (times, seqs) = keys(&empty, &file.path)?;
        let path = file.path.clone();
        let file = (Arc::clone(file), checked);
        Ok(Self { path, file, reader, batch: empty, times, seqs, row: 0, slot: 0, rows: 0 })
    }

    fn key(&self) -> Key {
        (self.times.value(self.row), self.seqs.value(self.row))
    }

    /// Loads the next batch that has rows; false at the end.
    fn load(&mut self, held: &mut Vec<RecordBatch>) -> Result<bool, TableError> {
        for batch in self.reader.by_ref() {
            let failed = |error| self.file.1.fault(&self.file.0).unwrap_or(TableError::Arrow(error));
            let batch = adapt(&batch.map_err(failed)?)?;
            if batch.num_rows() == 0 {
                continue;
            }
            (self.times, self.seqs) = keys(&batch, &self.path)?;
            self.rows += batch.num_rows() as u64;
            self.row = 0;
            self.slot = held.len();
            held.push(batch.clone());
            self.batch = batch;
            return Ok(true);
        }
        self.batch = RecordBatch::new_empty(file_schema());
        Ok(false)
    }
}

fn reader(open: CheckedFile, file: &DataFile, inputs: usize) -> Result<ParquetRecordBatchReader, TableError> {
    let failed = |source| parquet_failed("read", &file.location, source);
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(open, options).map_err(failed)?;
    let bytes: i64 = builder.metadata().row_groups().iter().map(|group| group.total_byte_size()).sum();
    let row_bytes = usize::try_from(bytes).unwrap_or(usize::MAX) / usize::try_from(file.rows.max(1)).unwrap_or(1);
    let rows = DECODED_BYTES / inputs.max(1) / row_bytes.max(1);
    builder.with_batch_size(rows.clamp(1, CHUNK_ROWS)).build().map_err(failed)
}

fn keys(batch: &RecordBatch, path: &str) -> Result<(TimestampMicrosecondArray, Int64Array), TableError> {
    let wrong = || TableError::DamagedFile { path: path.to_owned(), what: "has no event_time or _seq".into() };
    let times =
        batch.column_by_name("event_time").and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
    let seqs = batch.column_by_name(SEQ).and_then(|array| array.as_primitive_opt::<Int64Type>());
    Ok((times.ok_or_else(wrong)?.clone(), seqs.ok_or_else(wrong)?.clone()))
}

/// Merges `files` into `emit`, which gets the rows in order and in chunks. For threads that may block.
///
/// # Errors
/// A file cannot be read, is not in order, or has not as many rows as the log says; what `emit` says.
pub(super) fn merge(
    target: &Target,
    files: &[Arc<DataFile>],
    mut emit: impl FnMut(&RecordBatch) -> Result<(), TableError>,
) -> Result<(), TableError> {
    let mut merge = Merge { cursors: Vec::new(), held: Vec::new(), places: Vec::new(), last: None };
    let mut heap = BinaryHeap::new();
    for file in files {
        let mut cursor = Cursor::open(target, file, files.len())?;
        if cursor.load(&mut merge.held)? {
            heap.push((cursor.key(), merge.cursors.len()));
        }
        merge.cursors.push(cursor);
    }
    while let Some((_, at)) = heap.pop() {
        let until = heap.peek().map(|(key, _)| *key);
        if let Some(key) = merge.take_run(at, until, &mut emit)? {
            heap.push((key, at));
        }
    }
    merge.emit(&mut emit)?;
    for (cursor, file) in merge.cursors.iter().zip(files) {
        if cursor.rows != file.rows {
            let what = format!("has {} rows, the log says {}", cursor.rows, file.rows);
            return Err(TableError::DamagedFile { path: file.path.clone(), what });
        }
    }
    Ok(())
}

struct Merge {
    cursors: Vec<Cursor>,
    /// Batches that `places` point into: the current one of every cursor, and used-up ones.
    held: Vec<RecordBatch>,
    /// Rows that come out next.
    places: Vec<(usize, usize)>,
    last: Option<Key>,
}

impl Merge {
    /// Takes rows of one cursor while none of the others comes first; its next key, if it has one.
    fn take_run(
        &mut self,
        at: usize,
        until: Option<Key>,
        emit: &mut impl FnMut(&RecordBatch) -> Result<(), TableError>,
    ) -> Result<Option<Key>, TableError> {
        loop {
            let cursor = &mut self.cursors[at];
            let key = cursor.key();
            if until.is_some_and(|until| key < until) {
                return Ok(Some(key));
            }
            if self.last.is_some_and(|last| key > last) {
                return Err(TableError::DamagedFile { path: cursor.path.clone(), what: "is not in order".into() });
            }
            self.last = Some(key);
            self.places.push((cursor.slot, cursor.row));
            cursor.row += 1;
            let is_used_up = cursor.row == cursor.batch.num_rows();
            if is_used_up && !cursor.load(&mut self.held)? {
                return Ok(None);
            }
            // Rows may be megabytes each.
            if self.places.len() >= CHUNK_ROWS || is_used_up && self.held_bytes() > 2 * DECODED_BYTES {
                self.emit(emit)?;
            }
        }
    }

    fn held_bytes(&self) -> usize {
        self.held.iter().map(RecordBatch::get_array_memory_size).sum()
    }

    /// Hands out the rows taken so far and lets go of used-up batches.
    fn emit(&mut self, emit: &mut impl FnMut(&RecordBatch) -> Result<(), TableError>) -> Result<(), TableError> {
        if !self.places.is_empty() {
            emit(&gather(&self.held, &self.places, &Contents::unknown())?)?;
            self.places.clear();
        }
        self.held.clear();
        for cursor in self.cursors.iter_mut().filter(|cursor| cursor.batch.num_rows() > 0) {
            cursor.slot = self.held.len();
            self.held.push(cursor.batch.clone());
        }
        Ok(())
    }
}
