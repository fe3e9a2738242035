//! Columns of scalars: text, and values of a fixed width.

use arrow::array::StringArray;
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};

use super::validity::Validity;

/// A text column.
#[derive(Debug, Default)]
pub struct TextColumn {
    /// Where each value ends, after a leading 0; empty while there are no values.
    ends: Vec<i32>,
    bytes: Vec<u8>,
    valid: Validity,
}

impl TextColumn {
    /// Number of values, NULLs included.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len().saturating_sub(1)
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

    /// Appends `body[start..end]`.
    #[inline]
    pub fn push_from(&mut self, body: &[u8], start: usize, end: usize) {
        /// Most texts are at most this long, and copied whole by two moves instead of a call.
        const SHORT: usize = 32;
        let length = end - start;
        match body.get(start..start + SHORT) {
            Some(block) if length <= SHORT => {
                self.bytes.reserve(SHORT);
                let before = self.bytes.len();
                // SAFETY: room for 32 bytes was reserved; of those copied, `length` are kept.
                unsafe {
                    std::ptr::copy_nonoverlapping(block.as_ptr(), self.bytes.as_mut_ptr().add(before), SHORT);
                    self.bytes.set_len(before + length);
                }
            }
            _ => self.bytes.extend_from_slice(&body[start..end]),
        }
        self.close();
    }

    /// Appends the text that `write` puts behind the bytes so far.
    #[inline]
    pub fn push_with<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let written = write(&mut self.bytes);
        self.close();
        written
    }

    /// As [`TextColumn::push_with`], but where `write` gives nothing, nothing is appended.
    #[inline]
    pub fn try_push_with<T>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Option<T>) -> Option<T> {
        let before = self.bytes.len();
        let written = write(&mut self.bytes);
        if written.is_some() {
            self.close();
        } else {
            self.bytes.truncate(before);
        }
        written
    }

    #[inline(always)]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        reason = "a batch is sealed long before 2 GiB"
    )]
    fn close(&mut self) {
        if self.ends.is_empty() {
            self.ends.push(0);
        }
        self.ends.push(self.bytes.len() as i32);
        self.valid.push_valid();
    }

    #[inline]
    pub(super) fn pad_to(&mut self, len: usize) {
        if self.len() < len {
            self.pad(len);
        }
    }

    fn pad(&mut self, len: usize) {
        self.valid.push_nulls(len - self.len());
        if self.ends.is_empty() {
            self.ends.push(0);
        }
        self.ends.resize(len + 1, i32::try_from(self.bytes.len()).unwrap_or(i32::MAX));
    }

    pub(super) fn append(&mut self, other: &Self) {
        if other.is_empty() {
            return;
        }
        let base = self.ends.last().copied().unwrap_or(0);
        if self.ends.is_empty() {
            self.ends.push(0);
        }
        self.ends.extend(other.ends[1..].iter().map(|end| base + end));
        self.bytes.extend_from_slice(&other.bytes);
        self.valid.append(&other.valid);
    }

    /// Takes back the values from `len` on.
    pub fn truncate(&mut self, len: usize) {
        if self.len() > len {
            self.ends.truncate(len + 1);
            self.bytes.truncate(usize::try_from(self.ends[len]).unwrap_or(0));
            self.valid.truncate(len);
        }
    }

    /// The bytes of row `row`, to be overwritten in place by as many others.
    pub fn value_mut(&mut self, row: usize) -> &mut [u8] {
        let (start, end) = (self.ends[row], self.ends[row + 1]);
        &mut self.bytes[usize::try_from(start).unwrap_or(0)..usize::try_from(end).unwrap_or(0)]
    }

    /// The bytes of row `row`; empty for NULL and for rows behind the end.
    #[inline]
    #[must_use]
    pub fn value(&self, row: usize) -> &[u8] {
        match (self.ends.get(row), self.ends.get(row + 1)) {
            (Some(start), Some(end)) => {
                &self.bytes[usize::try_from(*start).unwrap_or(0)..usize::try_from(*end).unwrap_or(0)]
            }
            _ => &[],
        }
    }

    /// Whether row `row` has a value.
    #[must_use]
    pub fn is_valid(&self, row: usize) -> bool {
        self.valid.is_valid(row)
    }

    pub(super) fn size(&self) -> usize {
        self.bytes.len() + self.ends.len() * 4
    }

    /// Notes how many values and bytes there are.
    pub(super) fn measure(&self, out: &mut Vec<usize>) {
        out.extend([self.ends.len(), self.bytes.len()]);
    }

    /// Makes room for as many.
    pub(super) fn reserve(&mut self, mut sizes: impl Iterator<Item = usize>) {
        self.ends.reserve(sizes.next().unwrap_or(0));
        self.bytes.reserve(sizes.next().unwrap_or(0));
    }

    pub(super) fn shrink(&mut self) {
        self.ends.shrink_to_fit();
        self.bytes.shrink_to_fit();
    }

    pub(super) fn finish(mut self, rows: usize) -> StringArray {
        self.pad_to(rows);
        if self.ends.is_empty() {
            self.ends.push(0);
        }
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
    #[inline]
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
        self.valid.push_valid();
    }

    /// The values so far, zero where NULL.
    #[must_use]
    pub fn values(&self) -> &[T] {
        &self.values
    }

    /// The value of row `row`, if it has one.
    #[must_use]
    pub fn value(&self, row: usize) -> Option<T> {
        self.valid.is_valid(row).then(|| self.values[row])
    }

    #[inline]
    pub(super) fn pad_to(&mut self, len: usize) {
        if self.values.len() < len {
            self.valid.push_nulls(len - self.values.len());
            self.values.resize(len, T::default());
        }
    }

    pub(super) fn measure(&self, out: &mut Vec<usize>) {
        out.push(self.values.len());
    }

    pub(super) fn reserve(&mut self, mut sizes: impl Iterator<Item = usize>) {
        self.values.reserve(sizes.next().unwrap_or(0));
    }

    pub(super) fn shrink(&mut self) {
        self.values.shrink_to_fit();
    }

    pub(super) fn append(&mut self, other: &Self) {
        self.values.extend_from_slice(&other.values);
        self.valid.append(&other.valid);
    }

    /// Takes back the values from `len` on.
    pub fn truncate(&mut self, len: usize) {
        if self.values.len() > len {
            self.values.truncate(len);
            self.valid.truncate(len);
        }
    }

    pub(super) fn finish(mut self, rows: usize) -> (ScalarBuffer<T>, Option<NullBuffer>)
    where
        T: arrow::datatypes::ArrowNativeType,
    {
        self.pad_to(rows);
        (ScalarBuffer::from(self.values), self.valid.finish())
    }

    /// The values as they are, for types that Arrow packs.
    pub(super) fn into_parts(mut self, rows: usize) -> (Vec<T>, Option<NullBuffer>) {
        self.pad_to(rows);
        (self.values, self.valid.finish())
    }
}
