//! Several ordered files into one, by a merge that holds one batch of each.
//!
//! # Invariants
//! * Rows come out in the order (`event_time` desc, `_seq` desc), or the merge fails: a file that is not in order
//!   never becomes part of one that claims to be.
//! * Memory: the batches at which the inputs stand ([`HELD_BYTES`], or one row of each), [`USED_BYTES`] that are used
//!   up, and a copy of those rows while they are handed out; however large the files are, and their rows.

mod input;
mod source;

pub(super) use source::Source;

use std::collections::BinaryHeap;
use std::sync::Arc;

use arrow::array::{Array, AsArray, Int64Array, TimestampMicrosecondArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use parquet::file::statistics::Statistics;

use super::error::TableError;
use super::order::{CHUNK_ROWS, Content, Contents, gather};
use super::upload::Target;
use super::version::DataFile;
use super::watch::Watch;
use crate::event::schema::{SEQ, file_schema};
use input::Input;

/// Decoded bytes that all inputs together are expected to hold.
const BUDGET_BYTES: usize = 32 << 20;
/// Decoded bytes that they hold at most, if rows are not larger than expected.
const HELD_BYTES: usize = 64 << 20;
/// Decoded bytes that are used up before they are handed out.
const USED_BYTES: usize = 16 << 20;

/// Compressed columns that are read at a time: the decompressor of each takes some 160 KiB.
const DECODERS: usize = 1_024;

/// How far a merge is, among the others of its run.
pub(super) struct Progress {
    pub(super) watch: Arc<dyn Watch>,
    /// Bytes that were done before it.
    pub(super) before: u64,
    pub(super) total: u64,
}

/// Opens the files of a merge. For threads that may block, as all of this.
pub(super) fn open(target: &Target, files: &[Arc<DataFile>]) -> Result<Vec<Input>, TableError> {
    let budget = BUDGET_BYTES / files.len().max(1);
    files.iter().map(|file| Input::open(target, file, budget)).collect()
}

/// How many of the inputs can be merged at a time, two at least: each holds a row, and rows may be megabytes, and what
/// it takes to decompress its columns.
pub(super) fn fitting(inputs: &[Input]) -> usize {
    let (mut bytes, mut decoders) = (0, 0);
    let fits = inputs.iter().take_while(|input| {
        bytes += input.row_bytes();
        decoders += input.compressed_columns();
        bytes <= USED_BYTES && decoders <= DECODERS
    });
    fits.count().max(2).min(inputs.len())
}

/// What the columns of the merged file will hold, as far as the statistics of the inputs tell.
pub(super) fn contents(inputs: &[Input]) -> Contents {
    let schema = file_schema();
    let columns = schema.fields().iter().map(|field| {
        let mut seen = Seen::Nothing;
        for footer in inputs.iter().map(Input::footer) {
            let leaves = footer.file_metadata().schema_descr();
            let is_of = |at: &usize| leaves.column(*at).path().parts()[0] == *field.name();
            match (0..leaves.num_columns()).find(is_of) {
                // Of lists a leaf tells nothing: an empty one looks like none.
                Some(at) if leaves.column(at).path().parts().len() > 1 => return Content::Values,
                Some(at) => {
                    for group in footer.row_groups() {
                        seen = seen.and(group.column(at).statistics(), group.num_rows());
                    }
                }
                // The file is older than the column, which is NULL in all of its rows.
                None if matches!(seen, Seen::Nothing) => {}
                None => return Content::Values,
            }
        }
        seen.into()
    });
    Contents::new(columns.collect())
}

/// What a column holds, over several row groups.
enum Seen {
    Nothing,
    Text(Vec<u8>),
    Values,
}

impl Seen {
    fn and(self, statistics: Option<&Statistics>, rows: i64) -> Self {
        let Some(statistics) = statistics else { return Self::Values };
        match (statistics.null_count_opt().and_then(|nulls| i64::try_from(nulls).ok()), statistics) {
            (Some(nulls), _) if nulls == rows && !matches!(self, Self::Text(_)) => self,
            (Some(0), Statistics::ByteArray(bounds)) if bounds.min_is_exact() && bounds.max_is_exact() => {
                let same = |known: &[u8]| [bounds.min_bytes_opt(), bounds.max_bytes_opt()] == [Some(known); 2];
                match self {
                    Self::Text(known) if same(&known) => Self::Text(known),
                    Self::Nothing => bounds
                        .min_bytes_opt()
                        .filter(|min| same(min))
                        .map_or(Self::Values, |min| Self::Text(min.into())),
                    _ => Self::Values,
                }
            }
            _ => Self::Values,
        }
    }
}

impl From<Seen> for Content {
    fn from(seen: Seen) -> Self {
        match seen {
            Seen::Nothing => Self::Empty,
            Seen::Text(_) => Self::OneText,
            Seen::Values => Self::Values,
        }
    }
}

/// One input and the batch at which it stands.
struct Cursor {
    input: Input,
    batch: RecordBatch,
    bytes: usize,
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
    fn new(input: Input) -> Result<Self, TableError> {
        let empty = RecordBatch::new_empty(file_schema());
        let (times, seqs) = keys(&empty, &input.file.path)?;
        Ok(Self { input, batch: empty, bytes: 0, times, seqs, row: 0, slot: 0, rows: 0 })
    }

    fn key(&self) -> Key {
        (self.times.value(self.row), self.seqs.value(self.row))
    }

    /// Loads the next batch that has rows, in place of one that is used up; false at the end.
    fn load(&mut self, held: &mut Held) -> Result<bool, TableError> {
        held.used += self.bytes;
        let Some((batch, bytes)) = self.input.next(HELD_BYTES.saturating_sub(held.bytes))? else {
            self.batch = RecordBatch::new_empty(file_schema());
            self.bytes = 0;
            return Ok(false);
        };
        held.bytes += bytes;
        self.bytes = bytes;
        if held.empty.iter().any(|at| batch.column(*at).null_count() != batch.num_rows()) {
            let what = "has values where its statistics say there are none".into();
            return Err(TableError::DamagedFile { path: self.input.file.path.clone(), what });
        }
        (self.times, self.seqs) = keys(&batch, &self.input.file.path)?;
        self.rows += batch.num_rows() as u64;
        self.row = 0;
        self.slot = held.batches.len();
        held.batches.push(batch.clone());
        self.batch = batch;
        Ok(true)
    }
}

fn keys(batch: &RecordBatch, path: &str) -> Result<(TimestampMicrosecondArray, Int64Array), TableError> {
    let wrong = || TableError::DamagedFile { path: path.to_owned(), what: "has no event_time or _seq".into() };
    let times =
        batch.column_by_name("event_time").and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
    let seqs = batch.column_by_name(SEQ).and_then(|array| array.as_primitive_opt::<Int64Type>());
    Ok((times.ok_or_else(wrong)?.clone(), seqs.ok_or_else(wrong)?.clone()))
}

/// Merges `inputs` into `emit`, which gets the rows in order and in chunks.
///
/// # Errors
/// A file cannot be read, is not in order, or has not as many rows as the log says; the watcher wants an end; what
/// `emit` says.
pub(super) fn merge(
    inputs: Vec<Input>,
    contents: &Contents,
    progress: &Progress,
    emit: impl FnMut(&RecordBatch) -> Result<(), TableError>,
) -> Result<(), TableError> {
    let bytes = inputs.iter().map(|input| input.file.size).sum();
    let rows = inputs.iter().map(|input| input.file.rows).sum();
    let out = Out { emit, contents, progress, done: 0, rows, bytes };
    let mut merge = Merge { cursors: Vec::new(), held: Held::default(), places: Vec::new(), last: None, out };
    merge.held.empty = contents.empty().collect();
    let mut heap = BinaryHeap::new();
    for input in inputs {
        let mut cursor = Cursor::new(input)?;
        if cursor.load(&mut merge.held)? {
            heap.push((cursor.key(), merge.cursors.len()));
        }
        merge.cursors.push(cursor);
    }
    while let Some((_, at)) = heap.pop() {
        let until = heap.peek().map(|(key, _)| *key);
        if let Some(key) = merge.take_run(at, until)? {
            heap.push((key, at));
        }
    }
    merge.emit()?;
    for Cursor { input: Input { file, .. }, rows, .. } in &merge.cursors {
        if *rows != file.rows {
            let what = format!("has {rows} rows, the log says {}", file.rows);
            return Err(TableError::DamagedFile { path: file.path.clone(), what });
        }
    }
    Ok(())
}

/// Where the rows go.
struct Out<'o, E> {
    emit: E,
    contents: &'o Contents,
    progress: &'o Progress,
    done: u64,
    rows: u64,
    bytes: u64,
}

/// Batches that places point into: the current one of every cursor, and used-up ones.
#[derive(Default)]
struct Held {
    batches: Vec<RecordBatch>,
    /// Bytes of all, and of the used-up ones.
    bytes: usize,
    used: usize,
    /// Columns that are to have no values.
    empty: Vec<usize>,
}

struct Merge<'o, E> {
    cursors: Vec<Cursor>,
    held: Held,
    /// Rows that come out next.
    places: Vec<(usize, usize)>,
    last: Option<Key>,
    out: Out<'o, E>,
}

impl<E: FnMut(&RecordBatch) -> Result<(), TableError>> Merge<'_, E> {
    /// Takes rows of one cursor while none of the others comes first; its next key, if it has one.
    fn take_run(&mut self, at: usize, until: Option<Key>) -> Result<Option<Key>, TableError> {
        loop {
            let cursor = &mut self.cursors[at];
            let key = cursor.key();
            if until.is_some_and(|until| key < until) {
                return Ok(Some(key));
            }
            if self.last.is_some_and(|last| key > last) {
                let path = cursor.input.file.path.clone();
                return Err(TableError::DamagedFile { path, what: "is not in order".into() });
            }
            self.last = Some(key);
            self.places.push((cursor.slot, cursor.row));
            cursor.row += 1;
            let is_used_up = cursor.row == cursor.batch.num_rows();
            if is_used_up && !cursor.load(&mut self.held)? {
                return Ok(None);
            }
            // Rows may be megabytes each.
            if self.places.len() >= CHUNK_ROWS || self.held.used > USED_BYTES {
                self.emit()?;
            }
        }
    }

    /// Hands out the rows taken so far and lets go of used-up batches.
    fn emit(&mut self) -> Result<(), TableError> {
        if !self.places.is_empty() {
            self.out.give(&self.held.batches, &self.places)?;
            self.places.clear();
        }
        self.held.bytes -= std::mem::take(&mut self.held.used);
        self.held.batches.clear();
        for cursor in self.cursors.iter_mut().filter(|cursor| cursor.batch.num_rows() > 0) {
            cursor.slot = self.held.batches.len();
            self.held.batches.push(cursor.batch.clone());
        }
        Ok(())
    }
}

impl<E: FnMut(&RecordBatch) -> Result<(), TableError>> Out<'_, E> {
    fn give(&mut self, held: &[RecordBatch], places: &[(usize, usize)]) -> Result<(), TableError> {
        let Progress { watch, before, total } = self.progress;
        if watch.is_cancelled() {
            return Err(TableError::Canceled);
        }
        (self.emit)(&gather(held, places, self.contents)?)?;
        self.done += places.len() as u64;
        let share = u128::from(self.bytes) * u128::from(self.done) / u128::from(self.rows.max(1));
        watch.progress(before + u64::try_from(share).unwrap_or(self.bytes), *total);
        watch.give_way();
        Ok(())
    }
}
