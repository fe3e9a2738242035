//! One version of a table: which files are live, and what is known about them without opening one.

use std::cmp::Ordering;
use std::sync::Arc;

use object_store::path::Path;

use super::stats::FileStats;
use super::sums::Sums;

/// Smallest or largest value of a column in a file.
#[derive(Debug, Clone, PartialEq, PartialOrd)]
pub enum StatValue {
    /// 64-bit integers, and instants in µs.
    I64(i64),
    /// 32-bit integers.
    I32(i32),
    /// Text; a maximum may be rounded up, a minimum cut off.
    Text(String),
}

/// What a file's column holds; bounds may be wider than the values, never narrower.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnStats {
    /// Position in the row schema.
    pub column: usize,
    /// Not above any value; `None` where unknown or all are NULL.
    pub min: Option<StatValue>,
    /// Not below any value; `None` where unknown or all are NULL.
    pub max: Option<StatValue>,
    /// Number of NULLs.
    pub nulls: u64,
}

/// One live Parquet file: rows of one date and module, newest first.
#[derive(Debug, Clone, PartialEq)]
pub struct DataFile {
    /// Place in the object store, from the store's root.
    pub location: Path,
    /// Path from the table's root, as the Delta log has it after URI-decoding.
    pub path: String,
    /// Size in bytes.
    pub size: u64,
    /// Number of rows.
    pub rows: u64,
    /// UTC date of the events, in days since 1970.
    pub date: i32,
    /// Module of the events.
    pub module: Option<String>,
    /// When it was committed, ms since 1970.
    pub modified_ms: i64,
    /// Whether we wrote it: its rows are in the order (`event_time` desc, `_seq` desc). A file that
    /// another tool has added to the table may have any order.
    pub ordered: bool,
    /// What it took to write its rows.
    pub work: Work,
    /// Statistics of the columns that have any.
    pub stats: FileStats,
    /// Its checksums; `None` where whoever wrote it made none.
    pub sums: Option<Sums>,
}

/// What it took to write a file's rows: compaction keeps account, so that it never writes the same rows without end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Work {
    /// Bytes of the files that its rows were flushed into.
    pub flushed: u64,
    /// Bytes that merges wrote of them since, this file included.
    pub rewritten: u64,
}

impl Work {
    /// Of a file that a flush wrote.
    #[must_use]
    pub fn of_flush(size: u64) -> Self {
        Self { flushed: size, rewritten: 0 }
    }

    /// Of all these files together.
    pub(super) fn sum<'f>(files: impl IntoIterator<Item = &'f Arc<DataFile>>) -> Self {
        files.into_iter().fold(Self::default(), |sum, file| Self {
            flushed: sum.flushed + file.work.flushed,
            rewritten: sum.rewritten + file.work.rewritten,
        })
    }

    /// After the rows were written once more, in `size` bytes.
    pub(super) fn and(self, size: u64) -> Self {
        Self { rewritten: self.rewritten + size, ..self }
    }
}

impl DataFile {
    /// Statistics of column `at` of the row schema.
    #[must_use]
    pub fn stats_of(&self, at: usize) -> Option<ColumnStats> {
        self.stats.of(at)
    }

    /// The order of [`TableVersion::files`].
    pub(super) fn place(&self, other: &Self) -> Ordering {
        let newest_date = other.date.cmp(&self.date);
        newest_date
            .then_with(|| self.module.cmp(&other.module))
            .then_with(|| other.modified_ms.cmp(&self.modified_ms))
            .then_with(|| self.path.cmp(&other.path))
    }
}

/// One committed version of a table.
#[derive(Debug, Clone, Default)]
pub struct TableVersion {
    /// Version of the Delta log.
    pub version: u64,
    /// Live files, newest date first, then by module, then newest file first.
    pub files: Vec<Arc<DataFile>>,
}

impl TableVersion {
    /// Rows of all live files.
    #[must_use]
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|file| file.rows).sum()
    }
}
