//! Sizes of values, row by row.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, Date64Type, Int64Type, IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit,
    IntervalYearMonthType, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::ColumnarValue;

const DAY_NS: i128 = 86_400_000_000_000;

/// An argument of a function: one value for all rows, or one for each.
#[derive(Debug)]
pub(super) struct Arg {
    array: ArrayRef,
    constant: bool,
}

impl Arg {
    pub(super) fn new(value: &ColumnarValue) -> Result<Self, DataFusionError> {
        Ok(match value {
            ColumnarValue::Array(array) => Self::of_array(array),
            ColumnarValue::Scalar(scalar) => Self { array: scalar.to_array()?, constant: true },
        })
    }

    pub(super) fn of_array(array: &ArrayRef) -> Self {
        Self { array: ArrayRef::clone(array), constant: false }
    }

    pub(super) fn is_constant(&self) -> bool {
        self.constant
    }

    fn at(&self, row: usize) -> Option<usize> {
        let at = if self.constant { 0 } else { row };
        (at < self.array.len() && self.array.is_valid(at)).then_some(at)
    }

    /// Bytes of the value: of text its length, of lists those of the items.
    pub(super) fn bytes(&self, row: usize) -> u64 {
        self.at(row).map_or(0, |at| bytes_at(&self.array, at))
    }

    /// Items of a list, characters (at most) of a text.
    pub(super) fn count(&self, row: usize) -> u64 {
        let Some(at) = self.at(row) else { return 0 };
        match self.array.data_type() {
            DataType::List(_) => self.array.as_list::<i32>().value_length(at).unsigned_abs().into(),
            DataType::LargeList(_) => self.array.as_list::<i64>().value_length(at).unsigned_abs(),
            DataType::FixedSizeList(_, size) => size.unsigned_abs().into(),
            _ => bytes_at(&self.array, at),
        }
    }

    /// A whole number; `None` when it is NULL or none.
    pub(super) fn int(&self, row: usize) -> Option<i64> {
        let at = self.at(row)?;
        if self.array.data_type() == &DataType::Int64 {
            return Some(self.array.as_primitive::<Int64Type>().value(at));
        }
        let one = cast(&self.array.slice(at, 1), &DataType::Int64).ok()?;
        one.is_valid(0).then(|| one.as_primitive::<Int64Type>().value(0))
    }

    /// A number, an instant or an interval on one scale; intervals by their shortest length, in ns.
    pub(super) fn position(&self, row: usize) -> Option<i128> {
        let at = self.at(row)?;
        let array = &self.array;
        Some(match array.data_type() {
            DataType::Date32 => i128::from(array.as_primitive::<Date32Type>().value(at)) * DAY_NS,
            DataType::Date64 => i128::from(array.as_primitive::<Date64Type>().value(at)) * 1_000_000,
            DataType::Timestamp(unit, _) => match unit {
                TimeUnit::Second => i128::from(array.as_primitive::<TimestampSecondType>().value(at)) * 1_000_000_000,
                TimeUnit::Millisecond => {
                    i128::from(array.as_primitive::<TimestampMillisecondType>().value(at)) * 1_000_000
                }
                TimeUnit::Microsecond => i128::from(array.as_primitive::<TimestampMicrosecondType>().value(at)) * 1_000,
                TimeUnit::Nanosecond => array.as_primitive::<TimestampNanosecondType>().value(at).into(),
            },
            DataType::Interval(unit) => match unit {
                IntervalUnit::YearMonth => {
                    i128::from(array.as_primitive::<IntervalYearMonthType>().value(at)) * 28 * DAY_NS
                }
                IntervalUnit::DayTime => {
                    let value = array.as_primitive::<IntervalDayTimeType>().value(at);
                    i128::from(value.days) * DAY_NS + i128::from(value.milliseconds) * 1_000_000
                }
                IntervalUnit::MonthDayNano => {
                    let value = array.as_primitive::<IntervalMonthDayNanoType>().value(at);
                    (i128::from(value.months) * 28 + i128::from(value.days)) * DAY_NS + i128::from(value.nanoseconds)
                }
            },
            _ => self.int(row)?.into(),
        })
    }

    /// Whether a text has no characters of more than one byte.
    pub(super) fn is_ascii(&self, row: usize) -> bool {
        let Some(at) = self.at(row) else { return true };
        match self.array.data_type() {
            DataType::Utf8 => self.array.as_string::<i32>().value(at).is_ascii(),
            DataType::LargeUtf8 => self.array.as_string::<i64>().value(at).is_ascii(),
            DataType::Utf8View => self.array.as_string_view().value(at).is_ascii(),
            _ => false,
        }
    }

    /// How often the text holds the byte.
    pub(super) fn occurrences(&self, row: usize, byte: u8) -> u64 {
        let Some(at) = self.at(row) else { return 0 };
        let text = match self.array.data_type() {
            DataType::Utf8 => self.array.as_string::<i32>().value(at),
            DataType::LargeUtf8 => self.array.as_string::<i64>().value(at),
            DataType::Utf8View => self.array.as_string_view().value(at),
            _ => return 0,
        };
        memchr::memchr_iter(byte, text.as_bytes()).count() as u64
    }
}

/// Bytes of one value.
fn bytes_at(array: &ArrayRef, at: usize) -> u64 {
    match array.data_type() {
        DataType::Null => 0,
        DataType::Utf8 => array.as_string::<i32>().value_length(at).unsigned_abs().into(),
        DataType::LargeUtf8 => array.as_string::<i64>().value_length(at).unsigned_abs(),
        DataType::Utf8View => u64::from(array.as_string_view().views()[at] as u32),
        DataType::Binary => array.as_binary::<i32>().value_length(at).unsigned_abs().into(),
        DataType::LargeBinary => array.as_binary::<i64>().value_length(at).unsigned_abs(),
        DataType::BinaryView => u64::from(array.as_binary_view().views()[at] as u32),
        DataType::List(_) => items(&array.as_list::<i32>().value(at)),
        DataType::LargeList(_) => items(&array.as_list::<i64>().value(at)),
        DataType::FixedSizeList(..) => items(&array.as_fixed_size_list().value(at)),
        DataType::Struct(_) => array.as_struct().columns().iter().map(|column| bytes_at(column, at)).sum(),
        kind => kind.primitive_width().unwrap_or(16) as u64,
    }
}

/// Bytes of all values of an array.
fn items(array: &ArrayRef) -> u64 {
    match array.data_type().primitive_width() {
        Some(width) => (array.len() * width) as u64,
        // A view, an offset or a length for each, and what they point to.
        None => (0..array.len()).map(|at| bytes_at(array, at) + 8).sum(),
    }
}

/// Bytes of the longest value; 0 for those that are views, which are repeated without being copied.
pub(in crate::query::guard) fn widest(array: &ArrayRef) -> u64 {
    match array.data_type() {
        DataType::Utf8View | DataType::BinaryView => 0,
        kind if kind.is_string() || kind.is_binary() || kind.is_nested() => longest(array),
        _ => 0,
    }
}

/// Bytes of the longest value.
pub(in crate::query::guard) fn longest(array: &ArrayRef) -> u64 {
    (0..array.len()).filter(|at| array.is_valid(*at)).map(|at| bytes_at(array, at)).max().unwrap_or(0)
}

/// Bytes that an array keeps in memory.
pub(super) fn memory_of(array: &ArrayRef) -> u64 {
    array.get_buffer_memory_size() as u64
}
