//! Rows as growing columns: what the parser fills and `hot` appends to.
//!
//! Plain vectors instead of Arrow builders: appending a value is a bounds-checked copy, appending
//! a whole batch is one copy per column, and a column that no row has used costs nothing. Arrow
//! arrays are made once, when a batch is sealed.
//!
//! # Invariants
//! * A column is at most as long as `Rows::len`; what it lacks at its end is NULL.
//! * Text is UTF-8: bytes come from a validated body or from `&str`.

mod cells;
mod lists;
mod validity;

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Date32Array, Float32Array, Int32Array, Int64Array, TimestampMicrosecondArray,
    new_null_array,
};
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;

use super::model::{COLUMN_COUNT, COLUMNS, Kind};
use super::schema::{ATTACHMENT_FIELDS, CHANGE_FIELDS, EVENT_TIME_AT, RELATED_FIELDS, row_schema};

pub use cells::{FixedColumn, TextColumn};
pub use lists::ListColumn;

/// Microseconds of one day.
pub const DAY_US: i64 = 86_400_000_000;

/// One column of [`Rows`].
#[derive(Debug)]
pub enum ColumnData {
    /// Text and JSON text.
    Text(TextColumn),
    /// 64-bit integers and times.
    I64(FixedColumn<i64>),
    /// 32-bit integers.
    I32(FixedColumn<i32>),
    /// 32-bit floats.
    F32(FixedColumn<f32>),
    /// Truth values, one byte each.
    Bool(FixedColumn<u8>),
    /// Lists and maps.
    List(ListColumn),
}

impl ColumnData {
    fn new(kind: Kind) -> Self {
        match kind {
            Kind::Text | Kind::Json => Self::Text(TextColumn::default()),
            Kind::Time | Kind::Int64 => Self::I64(FixedColumn::default()),
            Kind::Int32 => Self::I32(FixedColumn::default()),
            Kind::Float32 => Self::F32(FixedColumn::default()),
            Kind::Bool => Self::Bool(FixedColumn::default()),
            Kind::TextList => Self::List(ListColumn::new(1)),
            Kind::TextMap => Self::List(ListColumn::new(2)),
            Kind::Related => Self::List(ListColumn::new(RELATED_FIELDS.len())),
            Kind::Changes => Self::List(ListColumn::new(CHANGE_FIELDS.len())),
            // The number among its fields has a column of its own.
            Kind::Attachments => Self::List(ListColumn::new(ATTACHMENT_FIELDS.len() - 1)),
        }
    }

    fn len(&self) -> usize {
        match self {
            Self::Text(column) => column.len(),
            Self::I64(column) => column.len(),
            Self::I32(column) => column.len(),
            Self::F32(column) => column.len(),
            Self::Bool(column) => column.len(),
            Self::List(column) => column.len(),
        }
    }

    fn pad_to(&mut self, len: usize) {
        match self {
            Self::Text(column) => column.pad_to(len),
            Self::I64(column) => column.pad_to(len),
            Self::I32(column) => column.pad_to(len),
            Self::F32(column) => column.pad_to(len),
            Self::Bool(column) => column.pad_to(len),
            Self::List(column) => column.pad_to(len),
        }
    }

    fn truncate(&mut self, len: usize) {
        match self {
            Self::Text(column) => column.truncate(len),
            Self::I64(column) => column.truncate(len),
            Self::I32(column) => column.truncate(len),
            Self::F32(column) => column.truncate(len),
            Self::Bool(column) => column.truncate(len),
            Self::List(column) => column.truncate(len),
        }
    }

    fn append(&mut self, other: &Self) {
        match (self, other) {
            (Self::Text(mine), Self::Text(theirs)) => mine.append(theirs),
            (Self::I64(mine), Self::I64(theirs)) => mine.append(theirs),
            (Self::I32(mine), Self::I32(theirs)) => mine.append(theirs),
            (Self::F32(mine), Self::F32(theirs)) => mine.append(theirs),
            (Self::Bool(mine), Self::Bool(theirs)) => mine.append(theirs),
            (Self::List(mine), Self::List(theirs)) => mine.append(theirs),
            _ => unreachable!("two batches have the same columns"),
        }
    }

    fn measure(&self, out: &mut Vec<usize>) {
        match self {
            Self::Text(column) => column.measure(out),
            Self::I64(column) => column.measure(out),
            Self::I32(column) => column.measure(out),
            Self::F32(column) => column.measure(out),
            Self::Bool(column) => column.measure(out),
            Self::List(column) => column.measure(out),
        }
    }

    fn reserve(&mut self, sizes: impl Iterator<Item = usize>) {
        match self {
            Self::Text(column) => column.reserve(sizes),
            Self::I64(column) => column.reserve(sizes),
            Self::I32(column) => column.reserve(sizes),
            Self::F32(column) => column.reserve(sizes),
            Self::Bool(column) => column.reserve(sizes),
            Self::List(column) => column.reserve(sizes),
        }
    }

    fn shrink(&mut self) {
        match self {
            Self::Text(column) => column.shrink(),
            Self::I64(column) => column.shrink(),
            Self::I32(column) => column.shrink(),
            Self::F32(column) => column.shrink(),
            Self::Bool(column) => column.shrink(),
            Self::List(column) => column.shrink(),
        }
    }

    fn size(&self) -> usize {
        match self {
            Self::Text(column) => column.size(),
            Self::I64(column) => column.len() * 8,
            Self::I32(column) => column.len() * 4,
            Self::F32(column) => column.len() * 4,
            Self::Bool(column) => column.len(),
            Self::List(column) => column.size(),
        }
    }

    fn finish(self, rows: usize, data_type: &DataType) -> ArrayRef {
        if self.len() == 0 {
            return new_null_array(data_type, rows);
        }
        match self {
            Self::Text(column) => Arc::new(column.finish(rows)),
            Self::I64(column) => {
                let (values, nulls) = column.finish(rows);
                match data_type {
                    DataType::Timestamp(..) => {
                        Arc::new(TimestampMicrosecondArray::new(values, nulls).with_timezone("UTC"))
                    }
                    _ => Arc::new(Int64Array::new(values, nulls)),
                }
            }
            Self::I32(column) => {
                let (values, nulls) = column.finish(rows);
                Arc::new(Int32Array::new(values, nulls))
            }
            Self::F32(column) => {
                let (values, nulls) = column.finish(rows);
                Arc::new(Float32Array::new(values, nulls))
            }
            Self::Bool(column) => {
                let (values, nulls) = column.into_parts(rows);
                Arc::new(BooleanArray::new(values.iter().map(|value| *value != 0).collect(), nulls))
            }
            Self::List(column) => column.finish(rows, data_type),
        }
    }
}

/// Rows of the event model, column by column; `date` and `_seq` are added when they are sealed.
#[derive(Debug)]
pub struct Rows {
    len: usize,
    columns: Vec<ColumnData>,
    /// `_seq` of each row; filled when rows get their place in the order.
    seqs: Vec<i64>,
}

impl Default for Rows {
    fn default() -> Self {
        Self { len: 0, columns: COLUMNS.iter().map(|column| ColumnData::new(column.kind)).collect(), seqs: Vec::new() }
    }
}

/// How much room the columns of a batch took, by a size that stands for it: of the body that it came
/// from, or its own.
#[derive(Debug, Clone, Default)]
pub struct Usage {
    size: usize,
    sizes: Vec<usize>,
}

impl Usage {
    /// Notes the room that `rows` of size `size` took.
    pub fn note(&mut self, rows: &Rows, size: usize) {
        self.size = size.max(1);
        self.sizes.clear();
        rows.columns.iter().for_each(|column| column.measure(&mut self.sizes));
    }

    /// The size noted last.
    #[must_use]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Makes room in empty rows for those of a batch of size `size`: batches of one sender are much alike.
    pub fn make_room(&self, rows: &mut Rows, size: usize) {
        // A little more, so that a slightly larger share does not mean a second, doubled allocation.
        let scaled = |used: usize| if used == 0 { 0 } else { used * size / self.size * 17 / 16 + 64 };
        // Small bodies tell little, and tiny events take many times their size: memory follows what is sent.
        if self.size < 1_024 || self.sizes.iter().map(|used| scaled(*used)).sum::<usize>() > 3 * size + (1 << 16) {
            return;
        }
        let mut sizes = self.sizes.iter().map(|used| scaled(*used));
        rows.columns.iter_mut().for_each(|column| column.reserve(&mut sizes));
    }
}

impl Rows {
    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that the values take, allocation slack not counted.
    #[must_use]
    pub fn size(&self) -> usize {
        self.columns.iter().map(ColumnData::size).sum::<usize>() + self.len * 8
    }

    /// Column `at`, ready for the value of the row being built.
    #[inline]
    pub fn column(&mut self, at: usize) -> &mut ColumnData {
        let column = &mut self.columns[at];
        column.pad_to(self.len);
        column
    }

    /// Whether column `at` has got its value of the row being built.
    #[inline]
    #[must_use]
    pub fn is_set(&self, at: usize) -> bool {
        self.columns[at].len() > self.len
    }

    /// Text column `at`, ready for the value of the row being built.
    ///
    /// # Panics
    /// When the column holds no text, which is a mistake in this crate.
    #[inline]
    pub fn text(&mut self, at: usize) -> &mut TextColumn {
        match &mut self.columns[at] {
            ColumnData::Text(column) => {
                column.pad_to(self.len);
                column
            }
            _ => unreachable!("column {at} holds no text"),
        }
    }

    /// Text column `at`, ready for the value of the row being built, unless it has got one.
    ///
    /// # Panics
    /// When the column holds no text, which is a mistake in this crate.
    #[inline]
    pub fn vacant_text(&mut self, at: usize) -> Option<&mut TextColumn> {
        let len = self.len;
        let column = self.text(at);
        (column.len() == len).then_some(column)
    }

    /// Integer or time column `at`, ready for the value of the row being built.
    ///
    /// # Panics
    /// When the column holds no 64-bit integers, which is a mistake in this crate.
    #[inline]
    pub fn i64s(&mut self, at: usize) -> &mut FixedColumn<i64> {
        match &mut self.columns[at] {
            ColumnData::I64(column) => {
                column.pad_to(self.len);
                column
            }
            _ => unreachable!("column {at} holds no 64-bit integers"),
        }
    }

    /// List column `at`, ready for the list of the row being built.
    ///
    /// # Panics
    /// When the column holds no lists, which is a mistake in this crate.
    #[inline]
    pub fn list(&mut self, at: usize) -> &mut ListColumn {
        match &mut self.columns[at] {
            ColumnData::List(column) => {
                column.pad_to(self.len);
                column
            }
            _ => unreachable!("column {at} holds no lists"),
        }
    }

    /// Text of column `at` in the row being built; empty where it has none.
    #[must_use]
    pub fn current_text(&self, at: usize) -> &[u8] {
        match &self.columns[at] {
            ColumnData::Text(column) => column.value(self.len),
            _ => &[],
        }
    }

    /// Column `at` as it is, without NULLs at its end.
    #[must_use]
    pub fn peek(&self, at: usize) -> &ColumnData {
        &self.columns[at]
    }

    /// Replaces the text of column `at` in the row being built.
    pub fn replace_text(&mut self, at: usize, text: &[u8]) {
        if let ColumnData::Text(column) = &mut self.columns[at] {
            column.truncate(self.len);
            column.pad_to(self.len);
            column.push(text);
        }
    }

    /// List column `at`, read only.
    #[must_use]
    pub fn peek_list(&self, at: usize) -> Option<&ListColumn> {
        match &self.columns[at] {
            ColumnData::List(column) => Some(column),
            _ => None,
        }
    }

    /// Ends the row being built.
    pub fn end_row(&mut self) {
        self.len += 1;
    }

    /// Takes back what the row being built has got so far, as if it had never been begun.
    pub fn abandon_row(&mut self) {
        for column in &mut self.columns {
            column.truncate(self.len);
        }
    }

    /// Overwrites the text of a finished row with one of the same length.
    pub fn overwrite(&mut self, at: usize, row: usize, text: &[u8]) {
        if let ColumnData::Text(column) = &mut self.columns[at] {
            column.value_mut(row).copy_from_slice(text);
        }
    }

    /// Forgets all rows, and keeps the room that they took.
    pub fn clear(&mut self) {
        self.len = 0;
        self.columns.iter_mut().for_each(|column| column.truncate(0));
        self.seqs.clear();
    }

    /// Gives back the room that the rows do not take.
    pub fn shrink(&mut self) {
        self.columns.iter_mut().for_each(ColumnData::shrink);
        self.seqs.shrink_to_fit();
    }

    /// Gives the rows their places: the first gets `first`, each next one more.
    pub fn number(&mut self, first: i64) {
        self.seqs.clear();
        self.seqs.extend(first..first + i64::try_from(self.len).unwrap_or(0));
    }

    /// Earliest and latest `event_time`, if there are rows.
    #[must_use]
    pub fn time_range(&self) -> Option<(i64, i64)> {
        let ColumnData::I64(times) = &self.columns[EVENT_TIME_AT] else { return None };
        let times = times.values();
        Some((*times.iter().min()?, *times.iter().max()?))
    }

    /// Appends the rows of another batch.
    pub fn append(&mut self, other: &Self) {
        for (mine, theirs) in self.columns.iter_mut().zip(&other.columns) {
            if theirs.len() > 0 {
                mine.pad_to(self.len);
                mine.append(theirs);
            }
        }
        self.seqs.extend_from_slice(&other.seqs);
        self.len += other.len;
    }

    /// Makes the record batch; the rows must have been numbered.
    #[must_use]
    pub fn finish(self) -> RecordBatch {
        let schema = row_schema();
        let rows = self.len;
        debug_assert_eq!(self.seqs.len(), rows, "rows are numbered before they are sealed");
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(COLUMN_COUNT + 2);
        let mut dates = Date32Array::from(Vec::<i32>::new());
        for (at, column) in self.columns.into_iter().enumerate() {
            if at == EVENT_TIME_AT {
                dates = dates_of(&column, rows);
            }
            arrays.push(column.finish(rows, schema.field(at).data_type()));
        }
        arrays.push(Arc::new(dates));
        arrays.push(Arc::new(Int64Array::from(self.seqs)));
        sealed(schema, arrays)
    }
}

fn sealed(schema: Arc<Schema>, arrays: Vec<ArrayRef>) -> RecordBatch {
    RecordBatch::try_new(schema, arrays).expect("the parser fills every required column with the column's own type")
}

fn dates_of(times: &ColumnData, rows: usize) -> Date32Array {
    match times {
        ColumnData::I64(times) => times.values().iter().map(|time| Some(date_of(*time))).collect(),
        _ => Date32Array::from(vec![0; rows]),
    }
}

/// Days since 1970 of an instant in µs.
#[must_use]
pub fn date_of(time_us: i64) -> i32 {
    i32::try_from(time_us.div_euclid(DAY_US)).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
