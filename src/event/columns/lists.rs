//! Columns of lists: of text, of maps, of structs.

use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, ListArray, MapArray, StructArray, new_null_array};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{DataType, Field};

use super::cells::{FixedColumn, TextColumn};
use super::validity::Validity;

/// A column of lists: of text (one text field), of maps (key, value) or of structs.
#[derive(Debug)]
pub struct ListColumn {
    /// Where each list ends, after a leading 0; empty while there are no lists.
    ends: Vec<i32>,
    valid: Validity,
    items: usize,
    texts: Vec<TextColumn>,
    /// The one field of attachments that is a number; as long as the texts when in use.
    sizes: FixedColumn<i64>,
}

impl ListColumn {
    pub(super) fn new(fields: usize) -> Self {
        let texts = std::iter::repeat_with(TextColumn::default).take(fields).collect();
        Self { ends: Vec::new(), valid: Validity::default(), items: 0, texts, sizes: FixedColumn::default() }
    }

    pub(super) fn shrink(&mut self) {
        self.ends.shrink_to_fit();
        self.texts.iter_mut().for_each(TextColumn::shrink);
        self.sizes.shrink();
    }

    /// Number of lists, NULLs included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len().saturating_sub(1)
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

    /// Item numbers of list `row`; none for NULL and for rows behind the end.
    #[must_use]
    pub fn items_of(&self, row: usize) -> std::ops::Range<usize> {
        match (self.ends.get(row), self.ends.get(row + 1)) {
            (Some(start), Some(end)) => usize::try_from(*start).unwrap_or(0)..usize::try_from(*end).unwrap_or(0),
            _ => 0..0,
        }
    }

    /// Whether row `row` has a list.
    #[must_use]
    pub fn is_valid(&self, row: usize) -> bool {
        self.valid.is_valid(row)
    }

    /// Field `at` of all items.
    #[must_use]
    pub fn field(&self, at: usize) -> &TextColumn {
        &self.texts[at]
    }

    /// The number field of all items.
    #[must_use]
    pub fn sizes(&self) -> &FixedColumn<i64> {
        &self.sizes
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
        self.start();
        self.ends.push(i32::try_from(self.items).unwrap_or(i32::MAX));
        self.valid.push_valid();
    }

    /// Takes back the items of a list that was not ended.
    pub fn abandon_list(&mut self) {
        let kept = usize::try_from(self.last_end()).unwrap_or(0);
        self.items = kept;
        for text in &mut self.texts {
            text.truncate(kept);
        }
        self.sizes.truncate(kept);
    }

    /// Takes back lists from `len` on, and items of a list that was not ended.
    pub(super) fn truncate(&mut self, len: usize) {
        if self.len() > len {
            self.ends.truncate(len + 1);
            self.valid.truncate(len);
        }
        self.abandon_list();
    }

    fn start(&mut self) {
        if self.ends.is_empty() {
            self.ends.push(0);
        }
    }

    fn last_end(&self) -> i32 {
        self.ends.last().copied().unwrap_or(0)
    }

    #[inline]
    pub(super) fn pad_to(&mut self, len: usize) {
        let missing = len.saturating_sub(self.len());
        if missing > 0 {
            self.start();
            self.ends.resize(len + 1, self.last_end());
            self.valid.push_nulls(missing);
        }
    }

    pub(super) fn append(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        self.start();
        let base = self.last_end();
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

    pub(super) fn size(&self) -> usize {
        self.ends.len() * 4 + self.texts.iter().map(TextColumn::size).sum::<usize>() + self.sizes.len() * 8
    }

    /// Notes how many lists, items and bytes there are.
    pub(super) fn measure(&self, out: &mut Vec<usize>) {
        out.push(self.ends.len());
        self.texts.iter().for_each(|text| text.measure(out));
    }

    /// Makes room for as many.
    pub(super) fn reserve(&mut self, mut sizes: impl Iterator<Item = usize>) {
        self.ends.reserve(sizes.next().unwrap_or(0));
        self.texts.iter_mut().for_each(|text| text.reserve(&mut sizes));
    }

    pub(super) fn finish(mut self, rows: usize, data_type: &DataType) -> ArrayRef {
        self.pad_to(rows);
        self.start();
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
