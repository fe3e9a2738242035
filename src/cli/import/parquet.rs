//! Parquet: rows as JSON objects with every digit.
//!
//! Integers and decimals are written with all their digits, instants as RFC 3339 (with `Z` when the file says
//! that they are instants, zone-less when it says that they are local), bytes as hexadecimal digits,
//! numbers that JSON does not know (NaN, infinity) as text. Nulls are left out.

use std::fs::File;
use std::sync::Arc;

use ::parquet::arrow::arrow_reader::{ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use arrow::array::{Array, AsArray, PrimitiveArray};
use arrow::datatypes::{ArrowPrimitiveType, DataType, FieldRef, Float32Type, Float64Type};
use arrow::error::ArrowError;
use arrow::json::writer::{LineDelimited, NullableEncoder};
use arrow::json::{Encoder, EncoderFactory, EncoderOptions, WriterBuilder};

use super::InputError;
use super::input::{Fault, Records, Taken};

/// Rows decoded at a time.
const ROWS: usize = 1024;

/// Rows of a Parquet file.
pub(super) struct ParquetRecords {
    reader: ParquetRecordBatchReader,
    /// JSON lines of the rows decoded last, and how much of them was handed out.
    text: Vec<u8>,
    at: usize,
    rows_read: u64,
    rows_total: u64,
    len: u64,
    record_max: usize,
}

impl ParquetRecords {
    /// Rows of `file` after the first `skip`; `len` is its size for the progress bar.
    pub(super) fn new(file: File, len: u64, skip: u64, record_max: usize) -> Result<Self, InputError> {
        let builder = ParquetRecordBatchReaderBuilder::try_new(file)?;
        let rows_total = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or(0);
        let offset = usize::try_from(skip).unwrap_or(usize::MAX);
        let reader = builder.with_batch_size(ROWS).with_offset(offset).build()?;
        Ok(Self { reader, text: Vec::new(), at: 0, rows_read: skip, rows_total, len, record_max })
    }

    /// Decodes the next rows; `false` at the end.
    fn refill(&mut self) -> Result<bool, InputError> {
        self.text.clear();
        self.at = 0;
        let Some(batch) = self.reader.next().transpose()? else { return Ok(false) };
        let builder = WriterBuilder::new().with_encoder_factory(Arc::new(Exact));
        let mut writer = builder.build::<_, LineDelimited>(&mut self.text);
        writer.write(&batch)?;
        writer.finish()?;
        Ok(true)
    }
}

impl Records for ParquetRecords {
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Taken>, InputError> {
        while self.at == self.text.len() {
            if !self.refill()? {
                return Ok(None);
            }
        }
        let rest = &self.text[self.at..];
        let end = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.at += (end + 1).min(rest.len());
        self.rows_read += 1;
        if end > self.record_max {
            return Ok(Some(Taken::Fault(Fault::too_long(self.record_max))));
        }
        out.extend_from_slice(&rest[..end]);
        Ok(Some(Taken::Record))
    }

    fn position(&self) -> u64 {
        let share = self.rows_read as f64 / self.rows_total.max(1) as f64;
        (share * self.len as f64) as u64
    }
}

/// Takes over from Arrow's own JSON writer where that would lose something.
#[derive(Debug)]
struct Exact;

impl EncoderFactory for Exact {
    fn make_default_encoder<'a>(
        &self,
        _field: &'a FieldRef,
        array: &'a dyn Array,
        _options: &'a EncoderOptions,
    ) -> Result<Option<NullableEncoder<'a>>, ArrowError> {
        Ok(match array.data_type() {
            DataType::Float32 => Some(floats::<Float32Type>(array)),
            DataType::Float64 => Some(floats::<Float64Type>(array)),
            _ => None,
        })
    }
}

/// Writes finite numbers in the fewest digits that give them back, others as text.
struct Floats<'a, T: ArrowPrimitiveType>(&'a PrimitiveArray<T>);

fn floats<'a, T: ArrowPrimitiveType>(array: &'a dyn Array) -> NullableEncoder<'a>
where
    T::Native: Shortest,
{
    let floats = array.as_primitive::<T>();
    NullableEncoder::new(Box::new(Floats(floats)), floats.nulls().cloned())
}

impl<T: ArrowPrimitiveType> Encoder for Floats<'_, T>
where
    T::Native: Shortest,
{
    fn encode(&mut self, row: usize, out: &mut Vec<u8>) {
        let text = self.0.value(row).shortest();
        let number = !text.ends_with(['N', 'f']);
        let quote = if number { "" } else { "\"" };
        out.extend_from_slice(quote.as_bytes());
        out.extend_from_slice(text.as_bytes());
        out.extend_from_slice(quote.as_bytes());
    }
}

/// A float in the fewest digits, with the words of Rust for those that are no numbers: `NaN`, `inf`, `-inf`.
trait Shortest {
    fn shortest(self) -> String;
}

impl Shortest for f32 {
    fn shortest(self) -> String {
        format!("{self:?}")
    }
}

impl Shortest for f64 {
    fn shortest(self) -> String {
        format!("{self:?}")
    }
}

#[cfg(test)]
mod tests;
