//! Rows as growing columns: what the parser fills and `hot` appends to.
//!
//! Plain vectors instead of Arrow builders: appending a value is a bounds-checked copy, appending
//! a whole batch is one copy per column, and a column that no row has used costs nothing. Arrow
//! arrays are made once, when a batch is sealed.
//!
//! # Invariants
//! * A column is at most as long as `Rows::len`; what it lacks at its end is NULL.
//! * Text is UTF-8: bytes come from a validated body or from `&str`.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Date32Array, Float32Array, Int32Array, Int64Array, ListArray,
    MapArray, StringArray, StructArray, TimestampMicrosecondArray, new_null_array,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;

use super::model::{COLUMN_COUNT, COLUMNS, Kind};
use super::schema::{ATTACHMENT_FIELDS, CHANGE_FIELDS, EVENT_TIME_AT, RELATED_FIELDS, row_schema};

/// Microseconds of one day.
pub const DAY_US: i64 = 86_400_000_000;

/// Which values of a column are there.
#[derive(Debug)]
pub struct Validity {
    bits: BooleanBufferBuilder,
    nulls: usize,
}

impl Default for Validity {
    fn default() -> Self {
        Self { bits: BooleanBufferBuilder::new(0), nulls: 0 }
    }
}

impl Validity {
    #[inline]
    fn push(&mut self, valid: bool) {
        self.bits.append(valid);
        self.nulls += usize::from(!valid);
    }

    fn pad(&mut self, count: usize) {
        self.bits.append_n(count, false);
        self.nulls += count;
    }

    fn append(&mut self, other: &Self) {
        self.bits.append_packed_range(0..other.bits.len(), other.bits.as_slice());
        self.nulls += other.nulls;
    }

    fn finish(mut self) -> Option<NullBuffer> {
        if self.nulls == 0 {
            return None;
        }
        Some(NullBuffer::new(self.bits.finish()))
    }
}

/// A text column.
#[derive(Debug)]
pub struct TextColumn {
    ends: Vec<i32>,
    bytes: Vec<u8>,
    valid: Validity,
}

impl Default for TextColumn {
    fn default() -> Self {
        Self { ends: vec![0], bytes: Vec::new(), valid: Validity::default() }
    }
}

impl TextColumn {
    /// Number of values, NULLs included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Appends UTF-8 text.
    #[inline]
    pub fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.close();
    }

    /// Appends the text that `write` puts behind the bytes so far.
    #[inline]
    pub fn push_with<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let written = write(&mut self.bytes);
        self.close();
        written
    }

    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_possible_wrap)] // A batch is sealed long before 2 GiB.
    fn close(&mut self) {
        self.ends.push(self.bytes.len() as i32);
        self.valid.push(true);
    }

    fn pad_to(&mut self, len: usize) {
        let missing = len.saturating_sub(self.len());
        if missing > 0 {
            let end = self.bytes.len();
            self.ends.resize(len + 1, i32::try_from(end).unwrap_or(i32::MAX));
            self.valid.pad(missing);
        }
    }

    fn append(&mut self, other: &Self) {
        let base = self.ends[self.len()];
        self.ends.extend(other.ends[1..].iter().map(|end| base + end));
        self.bytes.extend_from_slice(&other.bytes);
        self.valid.append(&other.valid);
    }

    /// The bytes of row `row`, to be overwritten in place by as many others.
    pub fn value_mut(&mut self, row: usize) -> &mut [u8] {
        let (start, end) = (self.ends[row], self.ends[row + 1]);
        &mut self.bytes[usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0)]
    }

    /// The bytes of row `row`; empty for NULL and for rows behind the end.
    #[must_use]
    pub fn value(&self, row: usize) -> &[u8] {
        match (self.ends.get(row), self.ends.get(row + 1)) {
            (Some(start), Some(end)) => {
                &self.bytes[usize::try_from(*start).unwrap_or(0)..usize::try_from(*end).unwrap_or(0)]
            }
            _ => &[],
        }
    }

    fn size(&self) -> usize {
        self.bytes.len() + self.ends.len() * 4
    }

    fn finish(mut self, rows: usize) -> StringArray {
        self.pad_to(rows);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        let bytes = Buffer::from_vec(self.bytes);
        // SAFETY: ends grow and end at the bytes' length; bytes are whole UTF-8 texts (module header).
        unsafe { StringArray::new_unchecked(offsets, bytes, self.valid.finish()) }
    }
}

/// A column of fixed-width values.
#[derive(Debug, Default)]
pub struct FixedColumn<T> {
    values: Vec<T>,
    valid: Validity,
}

impl<T: Copy + Default> FixedColumn<T> {
    /// Number of values, NULLs included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there are no values.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Appends a value.
    #[inline]
    pub fn push(&mut self, value: T) {
        self.values.push(value);
        self.valid.push(true);
    }

    /// The values so far, zero where NULL.
    #[must_use]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    fn pad_to(&mut self, len: usize) {
        let missing = len.saturating_sub(self.values.len());
        if missing > 0 {
            self.values.resize(len, T::default());
            self.valid.pad(missing);
        }
    }

    fn append(&mut self, other: &Self) {
        self.values.extend_from_slice(&other.values);
        self.valid.append(&other.valid);
    }

    fn finish(mut self, rows: usize) -> (ScalarBuffer<T>, Option<NullBuffer>)
    where
        T: arrow::datatypes::ArrowNativeType,
    {
        self.pad_to(rows);
        (ScalarBuffer::from(self.values), self.valid.finish())
    }
}

/// A column of lists: of text (one text field), of maps (key, value) or of structs.
#[derive(Debug)]
pub struct ListColumn {
    ends: Vec<i32>,
    valid: Validity,
    items: usize,
    texts: Vec<TextColumn>,
    /// The one field of attachments that is a number; as long as the texts when in use.
    sizes: FixedColumn<i64>,
}

impl ListColumn {
    fn new(fields: usize) -> Self {
        let texts = std::iter::repeat_with(TextColumn::default).take(fields).collect();
        Self { ends: vec![0], valid: Validity::default(), items: 0, texts, sizes: FixedColumn::default() }
    }

    /// Number of lists, NULLs included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len() - 1
    }

    /// Whether there are no lists.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The text field `at` of the item being built; a field not pushed stays NULL.
    pub fn text(&mut self, at: usize) -> &mut TextColumn {
        let column = &mut self.texts[at];
        column.pad_to(self.items);
        column
    }

    /// The text of field `at` of item number `item` over all lists; empty where NULL.
    #[must_use]
    pub fn item_text(&self, at: usize, item: usize) -> &[u8] {
        self.texts[at].value(item)
    }

    /// Item numbers of the list that was ended last.
    pub fn last_items(&self) -> std::ops::Range<usize> {
        let start = self.ends.len().checked_sub(2).map_or(0, |at| usize::try_from(self.ends[at]).unwrap_or(0));
        start..self.items
    }

    /// Number of items over all lists.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items
    }

    /// The number field of the item being built.
    pub fn size_field(&mut self) -> &mut FixedColumn<i64> {
        self.sizes.pad_to(self.items);
        &mut self.sizes
    }

    /// Ends the item being built.
    pub fn end_item(&mut self) {
        self.items += 1;
    }

    /// Ends the list being built.
    pub fn end_list(&mut self) {
        self.ends.push(i32::try_from(self.items).unwrap_or(i32::MAX));
        self.valid.push(true);
    }

    /// Takes back the items of a list that was not ended.
    pub fn abandon_list(&mut self) {
        let kept = usize::try_from(self.ends[self.len()]).unwrap_or(0);
        self.items = kept;
        for text in &mut self.texts {
            text.truncate(kept);
        }
        self.sizes.truncate(kept);
    }

    /// Takes back lists from `len` on, and items of a list that was not ended.
    fn truncate(&mut self, len: usize) {
        if self.len() > len {
            self.ends.truncate(len + 1);
            self.valid.truncate(len);
        }
        self.abandon_list();
    }

    fn pad_to(&mut self, len: usize) {
        let missing = len.saturating_sub(self.len());
        if missing > 0 {
            let end = self.ends[self.len()];
            self.ends.resize(len + 1, end);
            self.valid.pad(missing);
        }
    }

    fn append(&mut self, other: &Self) {
        let base = self.ends[self.len()];
        self.ends.extend(other.ends[1..].iter().map(|end| base + end));
        self.valid.append(&other.valid);
        for (mine, theirs) in self.texts.iter_mut().zip(&other.texts) {
            if !theirs.is_empty() {
                mine.pad_to(self.items);
                mine.append(theirs);
            }
        }
        if !other.sizes.is_empty() {
            self.sizes.pad_to(self.items);
            self.sizes.append(&other.sizes);
        }
        self.items += other.items;
    }

    fn size(&self) -> usize {
        self.ends.len() * 4 + self.texts.iter().map(TextColumn::size).sum::<usize>() + self.sizes.len() * 8
    }

    fn finish(mut self, rows: usize, data_type: &DataType) -> ArrayRef {
        self.pad_to(rows);
        let offsets = OffsetBuffer::new(ScalarBuffer::from(self.ends));
        let nulls = self.valid.finish();
        let mut texts = self.texts.into_iter().map(|text| Arc::new(text.finish(self.items)) as ArrayRef);
        match data_type {
            DataType::List(item) if item.data_type() == &DataType::Utf8 => {
                let values = texts.next().unwrap_or_else(|| new_null_array(&DataType::Utf8, self.items));
                Arc::new(ListArray::new(Arc::clone(item), offsets, values, nulls))
            }
            DataType::List(item) => {
                let values = Arc::new(struct_of(item, texts, self.sizes, self.items));
                Arc::new(ListArray::new(Arc::clone(item), offsets, values, nulls))
            }
            DataType::Map(entry, sorted) => {
                let values = struct_of(entry, texts, self.sizes, self.items);
                Arc::new(MapArray::new(Arc::clone(entry), offsets, values, nulls, *sorted))
            }
            other => new_null_array(other, rows),
        }
    }
}

impl TextColumn {
    fn truncate(&mut self, len: usize) {
        if self.len() > len {
            self.ends.truncate(len + 1);
            self.bytes.truncate(usize::try_from(self.ends[len]).unwrap_or(0));
            self.valid.truncate(len);
        }
    }
}

impl<T> FixedColumn<T> {
    fn truncate(&mut self, len: usize) {
        if self.values.len() > len {
            self.values.truncate(len);
            self.valid.truncate(len);
        }
    }
}

impl Validity {
    fn truncate(&mut self, len: usize) {
        let removed = (len..self.bits.len()).filter(|at| !self.bits.get_bit(*at)).count();
        self.bits.truncate(len);
        self.nulls -= removed;
    }
}

fn struct_of(
    item: &Field,
    texts: impl Iterator<Item = ArrayRef>,
    sizes: FixedColumn<i64>,
    items: usize,
) -> StructArray {
    let DataType::Struct(fields) = item.data_type() else {
        unreachable!("list columns of the event model hold text or structs");
    };
    let (values, nulls) = sizes.finish(items);
    let mut size = Some(Arc::new(Int64Array::new(values, nulls)) as ArrayRef);
    let mut texts = texts;
    let arrays = fields
        .iter()
        .map(|field| match field.data_type() {
            DataType::Int64 => size.take(),
            _ => texts.next(),
        })
        .map(|array| array.unwrap_or_else(|| new_null_array(&DataType::Utf8, items)))
        .collect();
    StructArray::new(fields.clone(), arrays, None)
}

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
                let (values, nulls) = column.finish(rows);
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
        if column.len() < self.len {
            column.pad_to(self.len);
        }
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
        match self.column(at) {
            ColumnData::Text(column) => column,
            _ => unreachable!("column {at} holds no text"),
        }
    }

    /// Integer or time column `at`, ready for the value of the row being built.
    ///
    /// # Panics
    /// When the column holds no 64-bit integers, which is a mistake in this crate.
    #[inline]
    pub fn i64s(&mut self, at: usize) -> &mut FixedColumn<i64> {
        match self.column(at) {
            ColumnData::I64(column) => column,
            _ => unreachable!("column {at} holds no 64-bit integers"),
        }
    }

    /// List column `at`, ready for the list of the row being built.
    ///
    /// # Panics
    /// When the column holds no lists, which is a mistake in this crate.
    #[inline]
    pub fn list(&mut self, at: usize) -> &mut ListColumn {
        match self.column(at) {
            ColumnData::List(column) => column,
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
