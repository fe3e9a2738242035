//! One file of a merge: read in pieces whose batches have a bound in bytes, not in rows.
//!
//! Rows of a file differ in size by a factor of a million (a log line, an attached body). How large they are is known
//! before they are read, page by page, from the offset index: neighbours that are alike are a piece with as many rows
//! a batch as fit.

use std::collections::VecDeque;

use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::basic::Type;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};

use super::source::Source;
use crate::table::error::TableError;
use crate::table::order::CHUNK_ROWS;
use crate::table::upload::Target;
use crate::table::version::DataFile;

/// Rows whose size is looked at together.
const BUCKET: usize = 2_048;
/// Bytes that a row takes besides its texts.
const ROW_BYTES: usize = 1 << 10;
/// Neighbours are one piece while the rows of their batches differ by no more than this factor.
const ALIKE: usize = 4;

/// Rows of a row group that are read with one size of batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    group: usize,
    skip: usize,
    rows: usize,
    batch_rows: usize,
}

/// A file that is read from its first row to its last.
pub(in crate::table) struct Input {
    pub(super) file: std::sync::Arc<DataFile>,
    source: Source,
    metadata: ArrowReaderMetadata,
    pieces: VecDeque<Piece>,
    /// Bytes of its largest rows, as far as pages tell.
    row_bytes: usize,
    reader: Option<ParquetRecordBatchReader>,
}

impl Input {
    /// Opens `file`, whose batches are to have about `budget` bytes.
    pub(super) fn open(target: &Target, file: &std::sync::Arc<DataFile>, budget: usize) -> Result<Self, TableError> {
        let source = Source::open(target, file, budget as u64)?;
        let options =
            ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&source, options);
        let metadata = metadata.map_err(|error| unreadable(file, &source, &error))?;
        let pieces: VecDeque<Piece> = pieces(metadata.metadata(), budget).into();
        let least = pieces.iter().map(|piece| piece.batch_rows).min().unwrap_or(CHUNK_ROWS);
        let largest = |group| {
            let rows = usize::try_from(metadata.metadata().row_group(group).num_rows()).unwrap_or_default();
            row_bytes(metadata.metadata(), group, rows, budget).into_iter().max().unwrap_or(0)
        };
        // Where several rows fit into a batch the budget holds them.
        let row_bytes = match least {
            1 => (0..metadata.metadata().num_row_groups()).map(largest).max().unwrap_or(0),
            _ => budget,
        };
        Ok(Self { file: std::sync::Arc::clone(file), source, metadata, pieces, row_bytes, reader: None })
    }

    /// Bytes that it holds at a time, about.
    pub(super) fn bytes(&self) -> usize {
        self.row_bytes
    }

    pub(super) fn footer(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    /// The next batch; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<RecordBatch>, TableError> {
        loop {
            if let Some(reader) = &mut self.reader {
                let batch = reader.next().transpose();
                match batch.map_err(|error| unreadable(&self.file, &self.source, &error))? {
                    Some(batch) if batch.num_rows() > 0 => return Ok(Some(batch)),
                    Some(_) => continue,
                    None => self.reader = None,
                }
            }
            let Some(piece) = self.pieces.pop_front() else { return Ok(None) };
            self.reader = Some(self.read(&piece)?);
        }
    }

    fn read(&self, piece: &Piece) -> Result<ParquetRecordBatchReader, TableError> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.source.clone(), self.metadata.clone());
        let selection = RowSelection::from(vec![RowSelector::skip(piece.skip), RowSelector::select(piece.rows)]);
        builder
            .with_row_groups(vec![piece.group])
            .with_row_selection(selection)
            .with_batch_size(piece.batch_rows)
            .build()
            .map_err(|error| unreadable(&self.file, &self.source, &error))
    }
}

/// Why a file cannot be read on: what the store said, or that its bytes are not what they should be. Files without
/// checksums show damage only so.
fn unreadable(file: &DataFile, source: &Source, told: &dyn std::error::Error) -> TableError {
    match source.take_failure() {
        Some(failure) => TableError::reading_file(file, failure),
        None => TableError::DamagedFile { path: file.path.clone(), what: format!("cannot be decoded: {told}") },
    }
}

/// All rows of a file in pieces.
fn pieces(footer: &ParquetMetaData, budget: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (group, metadata) in footer.row_groups().iter().enumerate() {
        let rows = usize::try_from(metadata.num_rows()).unwrap_or_default();
        for (at, bytes) in row_bytes(footer, group, rows, budget).into_iter().enumerate() {
            let batch_rows = (budget / (ROW_BYTES + bytes)).clamp(1, CHUNK_ROWS);
            let skip = at * BUCKET;
            let rows = BUCKET.min(rows - skip);
            match pieces.last_mut().filter(|last| last.group == group) {
                Some(last) if last.batch_rows / ALIKE <= batch_rows && batch_rows / ALIKE <= last.batch_rows => {
                    last.rows += rows;
                    last.batch_rows = last.batch_rows.min(batch_rows);
                }
                _ => pieces.push(Piece { group, skip, rows, batch_rows }),
            }
        }
    }
    pieces
}

/// How large a row's texts are, for each bucket of a row group, so that batches which assume it keep to the budget.
fn row_bytes(footer: &ParquetMetaData, group: usize, rows: usize, budget: usize) -> Vec<usize> {
    let mut buckets = vec![0; rows.div_ceil(BUCKET)];
    let texts = footer.row_group(group).columns().iter().enumerate();
    for (at, column) in texts.filter(|(_, column)| column.column_type() == Type::BYTE_ARRAY) {
        let index = footer.offset_index().and_then(|index| index.get(group)?.get(at));
        let pages = index.map(|index| pages(index, rows)).filter(|pages| !pages.is_empty()).unwrap_or_else(|| {
            vec![Page { first: 0, end: rows, bytes: usize::try_from(column.uncompressed_size()).unwrap_or_default() }]
        });
        let mut largest = vec![0; buckets.len()];
        for (at, page) in pages.iter().enumerate() {
            let each = worst(&pages[at..], budget);
            for bucket in largest.iter_mut().take(page.end.div_ceil(BUCKET)).skip(page.first / BUCKET) {
                *bucket = each.max(*bucket);
            }
        }
        buckets.iter_mut().zip(largest).for_each(|(bucket, largest)| *bucket += largest);
    }
    buckets
}

/// A page of a column: its rows and their bytes.
struct Page {
    first: usize,
    end: usize,
    bytes: usize,
}

fn pages(index: &OffsetIndexMetaData, rows: usize) -> Vec<Page> {
    let locations = index.page_locations();
    let first = |at: usize| {
        let first = locations.get(at).and_then(|page| usize::try_from(page.first_row_index).ok());
        first.unwrap_or(rows).min(rows)
    };
    let page = |(at, location): (usize, &PageLocation)| {
        let known = index.unencoded_byte_array_data_bytes().and_then(|bytes| bytes.get(at).copied());
        let bytes = usize::try_from(known.unwrap_or(i64::from(location.compressed_page_size))).unwrap_or_default();
        Page { first: first(at), end: first(at + 1), bytes }
    };
    locations.iter().enumerate().map(page).collect()
}

/// Bytes of a row such that a batch which begins on the first page keeps to the budget, wherever on its pages the
/// large rows are; the mean of the page where it alone is above the budget: a page is a MiB and a row at most.
fn worst(pages: &[Page], budget: usize) -> usize {
    let Some(first) = pages.first() else { return 0 };
    let mean = first.bytes / (first.end - first.first).max(1);
    let mut sum = 0;
    let over = pages.iter().find(|page| {
        sum += page.bytes;
        sum > budget
    });
    // From the last row of the first page to the one before the page that is too much.
    let fits = over.map_or(usize::MAX, |over| (over.first + 1).saturating_sub(first.end).max(1));
    match over {
        Some(over) if over.first == first.first => mean,
        _ => mean.max(budget / fits),
    }
}

#[cfg(test)]
mod tests;
