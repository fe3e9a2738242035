//! Intervals and durations as ISO 8601 text.

use std::fmt::Write;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, StringArray};
use arrow::datatypes::{
    DataType, DurationMicrosecondType, DurationMillisecondType, DurationNanosecondType, DurationSecondType,
    IntervalDayTimeType, IntervalMonthDayNanoType, IntervalUnit, IntervalYearMonthType, TimeUnit,
};
use arrow::error::ArrowError;

const NANOS: i128 = 1_000_000_000;

/// Text of every value of an interval or duration array.
pub(super) fn iso(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let value: Box<dyn Fn(usize) -> String> = match array.data_type() {
        DataType::Interval(IntervalUnit::YearMonth) => {
            let values = array.as_primitive::<IntervalYearMonthType>();
            Box::new(|row| period(values.value(row).into(), 0, 0))
        }
        DataType::Interval(IntervalUnit::DayTime) => {
            let values = array.as_primitive::<IntervalDayTimeType>();
            Box::new(|row| {
                let value = values.value(row);
                period(0, value.days.into(), i128::from(value.milliseconds) * 1_000_000)
            })
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let values = array.as_primitive::<IntervalMonthDayNanoType>();
            Box::new(|row| {
                let value = values.value(row);
                period(value.months.into(), value.days.into(), value.nanoseconds.into())
            })
        }
        DataType::Duration(TimeUnit::Second) => {
            let values = array.as_primitive::<DurationSecondType>();
            Box::new(|row| period(0, 0, i128::from(values.value(row)) * NANOS))
        }
        DataType::Duration(TimeUnit::Millisecond) => {
            let values = array.as_primitive::<DurationMillisecondType>();
            Box::new(|row| period(0, 0, i128::from(values.value(row)) * 1_000_000))
        }
        DataType::Duration(TimeUnit::Microsecond) => {
            let values = array.as_primitive::<DurationMicrosecondType>();
            Box::new(|row| period(0, 0, i128::from(values.value(row)) * 1_000))
        }
        DataType::Duration(TimeUnit::Nanosecond) => {
            let values = array.as_primitive::<DurationNanosecondType>();
            Box::new(|row| period(0, 0, values.value(row).into()))
        }
        other => return Err(ArrowError::SchemaError(format!("{other} is no interval"))),
    };
    let texts = (0..array.len()).map(|row| array.is_valid(row).then(|| value(row)));
    Ok(Arc::new(texts.collect::<StringArray>()))
}

/// `P1Y2M3DT4H5M6.7S`; parts that are zero are left out, and each has its own sign.
fn period(months: i64, days: i64, nanos: i128) -> String {
    let mut text = String::from("P");
    let mut part = |count: i128, unit: char| {
        if count != 0 {
            let _ = write!(text, "{count}{unit}");
        }
    };
    part((months / 12).into(), 'Y');
    part((months % 12).into(), 'M');
    part(days.into(), 'D');
    if nanos != 0 || (months == 0 && days == 0) {
        text.push('T');
        clock(nanos, &mut text);
    }
    text
}

/// Hours, minutes and seconds of `nanos`.
fn clock(nanos: i128, text: &mut String) {
    let (sign, nanos) = if nanos < 0 { ("-", -nanos) } else { ("", nanos) };
    let seconds = nanos / NANOS;
    let (hours, minutes, rest, fraction) = (seconds / 3_600, seconds / 60 % 60, seconds % 60, nanos % NANOS);
    if hours > 0 {
        let _ = write!(text, "{sign}{hours}H");
    }
    if minutes > 0 {
        let _ = write!(text, "{sign}{minutes}M");
    }
    if rest == 0 && fraction == 0 && (hours > 0 || minutes > 0) {
        return;
    }
    let _ = write!(text, "{sign}{rest}");
    if fraction > 0 {
        let digits = format!("{fraction:09}");
        let _ = write!(text, ".{}", digits.trim_end_matches('0'));
    }
    text.push('S');
}
