//! One file of a merge: read in batches of about so many bytes, and never of more than there is room for.
//!
//! Rows of a file differ in size by a factor of a million (a log line, an attached body). What is known before they
//! are read is how many bytes each page has, from the offset index:
//!
//! * Neighbours whose pages have rows of about one size are a [`Piece`], with as many rows a batch as are expected to
//!   fill the budget. A batch costs as much as some hundred rows, so few large ones are worth much.
//! * All bytes of a page may be those of one row. Before a batch is read, the pages that it touches are added up; if
//!   there is no room for all of them, fewer rows are read.
//!
//! Columns without values are not read at all: half of those of a typical event.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder, RowSelection,
    RowSelector,
};
use parquet::basic::{Compression, Type};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use parquet::file::page_index::offset_index::{OffsetIndexMetaData, PageLocation};

use super::source::Source;
use crate::table::error::TableError;
use crate::table::order::{CHUNK_ROWS, places_in, widened};
use crate::table::upload::Target;
use crate::table::version::DataFile;

/// Rows whose size is looked at together.
const BUCKET: usize = 2_048;
/// Bytes that a row takes besides its texts.
const ROW_BYTES: usize = 512;
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
    pub(super) file: Arc<DataFile>,
    source: Source,
    metadata: ArrowReaderMetadata,
    /// Columns that may hold values.
    read: ProjectionMask,
    /// Where each column of the file schema is in the batches that are read.
    columns: Vec<Option<usize>>,
    /// By row group.
    texts: Vec<Texts>,
    /// What is left to read, but for the one that is being read.
    pieces: VecDeque<Piece>,
    reading: Option<(Piece, ParquetRecordBatchReader)>,
}

impl Input {
    /// Opens `file`, whose batches are to have about `budget` bytes.
    pub(super) fn open(target: &Target, file: &Arc<DataFile>, budget: usize) -> Result<Self, TableError> {
        let source = Source::open(target, file, budget as u64)?;
        let options =
            ArrowReaderOptions::new().with_skip_arrow_metadata(true).with_page_index_policy(PageIndexPolicy::Optional);
        let metadata = ArrowReaderMetadata::load(&source, options);
        let metadata = metadata.map_err(|error| unreadable(file, &source, &error))?;
        let footer = metadata.metadata();
        let texts: Vec<Texts> = (0..footer.num_row_groups()).map(|group| Texts::of(footer, group)).collect();
        let pieces = pieces(&texts, budget).into();
        let valued = valued(footer, file.sums.is_some());
        let read = ProjectionMask::roots(footer.file_metadata().schema_descr(), valued.iter().copied());
        let columns = places_in(&metadata.schema().project(&valued)?);
        let file = Arc::clone(file);
        Ok(Self { file, source, metadata, read, columns, texts, pieces, reading: None })
    }

    /// Bytes of its largest rows, as far as pages tell.
    pub(super) fn row_bytes(&self) -> usize {
        self.texts.iter().flat_map(Texts::row_bytes).max().unwrap_or(0)
    }

    /// How many of the columns that it reads are compressed.
    pub(super) fn compressed_columns(&self) -> usize {
        let Some(group) = self.footer().row_groups().first() else { return 0 };
        let leaves = group.columns().iter().enumerate();
        leaves
            .filter(|(at, leaf)| self.read.leaf_included(*at) && leaf.compression() != Compression::UNCOMPRESSED)
            .count()
    }

    pub(super) fn footer(&self) -> &ParquetMetaData {
        self.metadata.metadata()
    }

    /// The next batch, of `room` bytes at most unless a single row is larger, and how many bytes it has; in the file
    /// schema. `None` at the end.
    pub(super) fn next(&mut self, room: usize) -> Result<Option<(RecordBatch, usize)>, TableError> {
        loop {
            self.make_fit(room);
            if let Some((piece, reader)) = &mut self.reading {
                let batch = reader.next().transpose();
                match batch.map_err(|error| unreadable(&self.file, &self.source, &error))? {
                    Some(batch) => {
                        let rows = batch.num_rows().min(piece.rows);
                        (piece.skip, piece.rows) = (piece.skip + rows, piece.rows - rows);
                        if rows > 0 {
                            let wide = widened(&batch, &self.columns)?;
                            return Ok(Some((wide, batch.get_array_memory_size())));
                        }
                    }
                    None => self.reading = None,
                }
            } else if let Some(piece) = self.pieces.pop_front() {
                let reader = self.reader(&piece)?;
                self.reading = Some((piece, reader));
            } else {
                return Ok(None);
            }
        }
    }

    /// Where the next batch could be too large, the rows of that batch are a piece of smaller ones.
    fn make_fit(&mut self, room: usize) {
        let Some(next) = self.reading.as_ref().map(|(piece, _)| piece).or(self.pieces.front()) else { return };
        let wanted = next.batch_rows.min(next.rows);
        let texts = &self.texts[next.group];
        let mut batch_rows = wanted;
        while batch_rows > 1 && texts.most(next.skip..next.skip + batch_rows) + batch_rows * ROW_BYTES > room {
            batch_rows /= 2;
        }
        if batch_rows == wanted {
            return;
        }
        let next = next.clone();
        if self.reading.take().is_none() {
            self.pieces.pop_front();
        }
        self.pieces.push_front(Piece { skip: next.skip + wanted, rows: next.rows - wanted, ..next });
        self.pieces.push_front(Piece { rows: wanted, batch_rows, ..next });
    }

    fn reader(&self, piece: &Piece) -> Result<ParquetRecordBatchReader, TableError> {
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(self.source.clone(), self.metadata.clone());
        let selection = RowSelection::from(vec![RowSelector::skip(piece.skip), RowSelector::select(piece.rows)]);
        builder
            .with_projection(self.read.clone())
            .with_row_groups(vec![piece.group])
            .with_row_selection(selection)
            .with_batch_size(piece.batch_rows)
            .build()
            .map_err(|error| unreadable(&self.file, &self.source, &error))
    }
}

/// The roots that may hold values, as statistics tell; all of them where statistics are not `trusted`.
fn valued(footer: &ParquetMetaData, trusted: bool) -> Vec<usize> {
    let schema = footer.file_metadata().schema_descr();
    let is_empty = |leaf: usize| {
        footer.row_groups().iter().all(|group| {
            let nulls = group.column(leaf).statistics().and_then(|statistics| statistics.null_count_opt());
            nulls.and_then(|nulls| i64::try_from(nulls).ok()) == Some(group.num_rows())
        })
    };
    // Of lists a leaf tells nothing: an empty one looks like none.
    let may_hold = |leaf: &usize| !trusted || schema.column(*leaf).path().parts().len() > 1 || !is_empty(*leaf);
    let mut roots: Vec<usize> =
        (0..schema.num_columns()).filter(may_hold).map(|leaf| schema.get_column_root_idx(leaf)).collect();
    roots.dedup();
    roots
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
fn pieces(texts: &[Texts], budget: usize) -> Vec<Piece> {
    let mut pieces: Vec<Piece> = Vec::new();
    for (group, texts) in texts.iter().enumerate() {
        for (at, bytes) in texts.row_bytes().enumerate() {
            let batch_rows = (budget / (ROW_BYTES + bytes)).clamp(1, CHUNK_ROWS);
            let skip = at * BUCKET;
            let rows = BUCKET.min(texts.rows - skip);
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

/// How large the texts of a row group are, page by page of each column that has any.
struct Texts {
    rows: usize,
    columns: Vec<Vec<Page>>,
}

/// A page of a column: its rows and their bytes.
struct Page {
    first: usize,
    end: usize,
    bytes: usize,
}

impl Texts {
    fn of(footer: &ParquetMetaData, group: usize) -> Self {
        let metadata = footer.row_group(group);
        let rows = usize::try_from(metadata.num_rows()).unwrap_or_default();
        let texts = metadata.columns().iter().enumerate();
        let columns = texts.filter(|(_, column)| column.column_type() == Type::BYTE_ARRAY).map(|(at, column)| {
            let index = footer.offset_index().and_then(|index| index.get(group)?.get(at));
            index.map(|index| pages(index, rows)).filter(|pages| !pages.is_empty()).unwrap_or_else(|| {
                let bytes = usize::try_from(column.uncompressed_size()).unwrap_or_default();
                vec![Page { first: 0, end: rows, bytes }]
            })
        });
        let columns = columns.filter(|pages| pages.iter().any(|page| page.bytes > 0)).collect();
        Self { rows, columns }
    }

    /// How large rows are, for each bucket: the means of the pages with the largest.
    fn row_bytes(&self) -> impl Iterator<Item = usize> {
        let mut buckets = vec![0; self.rows.div_ceil(BUCKET)];
        for pages in &self.columns {
            let mut largest = vec![0; buckets.len()];
            for page in pages {
                let mean = page.bytes / (page.end - page.first).max(1);
                for bucket in largest.iter_mut().take(page.end.div_ceil(BUCKET)).skip(page.first / BUCKET) {
                    *bucket = mean.max(*bucket);
                }
            }
            buckets.iter_mut().zip(largest).for_each(|(bucket, largest)| *bucket += largest);
        }
        buckets.into_iter()
    }

    /// Bytes that texts of these rows cannot have more of: those of all pages that they lie on.
    fn most(&self, rows: Range<usize>) -> usize {
        let of = |pages: &Vec<Page>| {
            let first = pages.partition_point(|page| page.end <= rows.start);
            pages[first..].iter().take_while(|page| page.first < rows.end).map(|page| page.bytes).sum::<usize>()
        };
        self.columns.iter().map(of).sum()
    }
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

#[cfg(test)]
mod tests;
