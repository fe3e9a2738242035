//! Values of normalised arrays as JSON or plain text: one rule for every text format.
//!
//! 64-bit integers and decimals are JSON strings (JavaScript numbers lose digits), instants are RFC
//! 3339 in UTC, binary is base64, NaN and infinities are strings. Inside lists, structs and maps the
//! same rules hold; a map whose keys are text is an object, another is a list of pairs.

use std::io::Write;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, StringArray};
use arrow::array::{BinaryArray, BooleanArray, Float32Array, Float64Array, Int32Array, Int64Array, UInt64Array};
use arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Decimal256Type, DecimalType, Field, Time64NanosecondType, TimeUnit,
    TimestampMicrosecondType, TimestampNanosecondType,
};
use chrono::{DateTime, NaiveDate};
use serde_json::value::RawValue;

use crate::query::types::{JSON, mark};

/// Digits of a fraction of a second in ns.
const NANOS: i64 = 1_000_000_000;

/// A column, ready to write its values.
pub(crate) enum Cell<'a> {
    Null,
    Bool(&'a BooleanArray),
    Int32(&'a Int32Array),
    Int64(&'a Int64Array),
    UInt64(&'a UInt64Array),
    Float32(&'a Float32Array),
    Float64(&'a Float64Array),
    Decimal(&'a dyn Array, Box<dyn Fn(usize) -> String + 'a>),
    Text(&'a StringArray),
    /// Text that is a JSON value.
    Json(&'a StringArray),
    Binary(&'a BinaryArray),
    /// Days since 1970.
    Date(&'a dyn Array, &'a [i32]),
    /// ns since midnight.
    Time(&'a dyn Array, &'a [i64]),
    /// Instants, and how many of them make a second.
    Instant(&'a dyn Array, &'a [i64], i64),
    List(&'a ListArray, Box<Cell<'a>>),
    Struct(&'a dyn Array, Vec<(String, Cell<'a>)>),
    Map(&'a MapArray, Box<Cell<'a>>, Box<Cell<'a>>),
}

impl<'a> Cell<'a> {
    /// The column `array` of `field`, both of a normalised batch.
    pub(crate) fn new(array: &'a ArrayRef, field: &Field) -> Self {
        match field.data_type() {
            DataType::Boolean => Self::Bool(array.as_boolean()),
            DataType::Int32 => Self::Int32(array.as_primitive()),
            DataType::Int64 => Self::Int64(array.as_primitive()),
            DataType::UInt64 => Self::UInt64(array.as_primitive()),
            DataType::Float32 => Self::Float32(array.as_primitive()),
            DataType::Float64 => Self::Float64(array.as_primitive()),
            DataType::Decimal128(precision, scale) => {
                let (values, precision, scale) = (array.as_primitive::<Decimal128Type>(), *precision, *scale);
                Self::Decimal(
                    array,
                    Box::new(move |row| Decimal128Type::format_decimal(values.value(row), precision, scale)),
                )
            }
            DataType::Decimal256(precision, scale) => {
                let (values, precision, scale) = (array.as_primitive::<Decimal256Type>(), *precision, *scale);
                Self::Decimal(
                    array,
                    Box::new(move |row| Decimal256Type::format_decimal(values.value(row), precision, scale)),
                )
            }
            DataType::Utf8 if mark(field) == Some(JSON) => Self::json(array),
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Binary => Self::Binary(array.as_binary()),
            DataType::Date32 => Self::Date(array, array.as_primitive::<Date32Type>().values()),
            DataType::Time64(_) => Self::Time(array, array.as_primitive::<Time64NanosecondType>().values()),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => {
                Self::Instant(array, array.as_primitive::<TimestampNanosecondType>().values(), NANOS)
            }
            DataType::Timestamp(..) => {
                Self::Instant(array, array.as_primitive::<TimestampMicrosecondType>().values(), 1_000_000)
            }
            DataType::List(item) => {
                let list = array.as_list::<i32>();
                Self::List(list, Box::new(Self::new(list.values(), item)))
            }
            DataType::Struct(fields) => {
                let members = array.as_struct().columns().iter().zip(fields);
                let member = |(column, field): (&'a ArrayRef, _)| {
                    let field: &std::sync::Arc<Field> = field;
                    (field.name().clone(), Self::new(column, field))
                };
                Self::Struct(array, members.map(member).collect())
            }
            DataType::Map(entries, _) => Self::map(array.as_map(), entries),
            // A normalised batch has no other type than NULL.
            _ => Self::Null,
        }
    }

    /// Text that is JSON.
    pub(crate) fn json(array: &'a ArrayRef) -> Self {
        Self::Json(array.as_string())
    }

    fn map(map: &'a MapArray, entries: &Field) -> Self {
        let DataType::Struct(fields) = entries.data_type() else { return Self::Null };
        let (Some(key), Some(value)) = (fields.first(), fields.get(1)) else { return Self::Null };
        Self::Map(map, Box::new(Self::new(map.keys(), key)), Box::new(Self::new(map.values(), value)))
    }

    /// Whether the value is NULL.
    pub(crate) fn is_null(&self, row: usize) -> bool {
        match self {
            Self::Null => true,
            Self::Bool(array) => array.is_null(row),
            Self::Int32(array) => array.is_null(row),
            Self::Int64(array) => array.is_null(row),
            Self::UInt64(array) => array.is_null(row),
            Self::Float32(array) => array.is_null(row),
            Self::Float64(array) => array.is_null(row),
            Self::Text(array) | Self::Json(array) => array.is_null(row),
            Self::Binary(array) => array.is_null(row),
            Self::List(array, _) => array.is_null(row),
            Self::Map(array, ..) => array.is_null(row),
            Self::Decimal(array, _)
            | Self::Date(array, _)
            | Self::Time(array, _)
            | Self::Instant(array, ..)
            | Self::Struct(array, _) => array.is_null(row),
        }
    }

    /// Appends the value as JSON.
    pub(crate) fn write_json(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            out.extend_from_slice(b"null");
            return;
        }
        match self {
            Self::Bool(_) | Self::Int32(_) => self.write_plain(row, out),
            Self::Float32(array) if array.value(row).is_finite() => self.write_plain(row, out),
            Self::Float64(array) if array.value(row).is_finite() => self.write_plain(row, out),
            Self::Text(array) => write_json_text(array.value(row), out),
            Self::Json(array) => write_embedded(array.value(row), out),
            Self::List(..) | Self::Struct(..) | Self::Map(..) => self.write_nested(row, out),
            // Digits, dates and base64 need no escape.
            _ => {
                out.push(b'"');
                self.write_plain(row, out);
                out.push(b'"');
            }
        }
    }

    /// Appends the value as text; nothing for NULL, JSON for nested values.
    pub(crate) fn write_plain(&self, row: usize, out: &mut Vec<u8>) {
        if self.is_null(row) {
            return;
        }
        match self {
            Self::Null => {}
            Self::Bool(array) => out.extend_from_slice(if array.value(row) { b"true" } else { b"false" }),
            Self::Int32(array) => out.extend_from_slice(itoa::Buffer::new().format(array.value(row)).as_bytes()),
            Self::Int64(array) => out.extend_from_slice(itoa::Buffer::new().format(array.value(row)).as_bytes()),
            Self::UInt64(array) => out.extend_from_slice(itoa::Buffer::new().format(array.value(row)).as_bytes()),
            Self::Float32(array) => write_float32(array.value(row), out),
            Self::Float64(array) => write_float(array.value(row), out),
            Self::Decimal(_, format) => out.extend_from_slice(format(row).as_bytes()),
            Self::Text(array) | Self::Json(array) => out.extend_from_slice(array.value(row).as_bytes()),
            Self::Binary(array) => write_base64(array.value(row), out),
            Self::Date(_, days) => write_date(days[row], out),
            Self::Time(_, nanos) => write_time(nanos[row], out),
            Self::Instant(_, values, per_second) => write_instant(values[row], *per_second, out),
            Self::List(..) | Self::Struct(..) | Self::Map(..) => self.write_nested(row, out),
        }
    }

    fn write_nested(&self, row: usize, out: &mut Vec<u8>) {
        match self {
            Self::List(list, items) => {
                let offsets = list.value_offsets();
                write_between(b'[', b']', offsets[row] as usize..offsets[row + 1] as usize, out, |at, out| {
                    items.write_json(at, out);
                });
            }
            Self::Struct(_, members) => write_between(b'{', b'}', 0..members.len(), out, |at, out| {
                let (name, member) = &members[at];
                write_json_text(name, out);
                out.push(b':');
                member.write_json(row, out);
            }),
            Self::Map(map, keys, values) => {
                let offsets = map.value_offsets();
                let entries = offsets[row] as usize..offsets[row + 1] as usize;
                let object = matches!(**keys, Self::Text(_));
                let (open, close) = if object { (b'{', b'}') } else { (b'[', b']') };
                write_between(open, close, entries, out, |at, out| {
                    if !object {
                        out.push(b'[');
                    }
                    keys.write_json(at, out);
                    out.push(if object { b':' } else { b',' });
                    values.write_json(at, out);
                    if !object {
                        out.push(b']');
                    }
                });
            }
            _ => {}
        }
    }
}

/// Items in brackets, with commas between them.
fn write_between(
    open: u8,
    close: u8,
    items: std::ops::Range<usize>,
    out: &mut Vec<u8>,
    mut write: impl FnMut(usize, &mut Vec<u8>),
) {
    out.push(open);
    for at in items.clone() {
        if at > items.start {
            out.push(b',');
        }
        write(at, out);
    }
    out.push(close);
}

/// Appends a JSON string.
pub(crate) fn write_json_text(text: &str, out: &mut Vec<u8>) {
    // A `Vec` takes every write.
    let _ = serde_json::to_writer(out, text);
}

/// Appends JSON as it is, or as a string where it is none after all: the answer must stay JSON.
fn write_embedded(text: &str, out: &mut Vec<u8>) {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(value) => out.extend_from_slice(value.get().as_bytes()),
        Err(_) => write_json_text(text, out),
    }
}

fn write_float(value: f64, out: &mut Vec<u8>) {
    if value.is_finite() {
        let _ = serde_json::to_writer(out, &value);
    } else {
        out.extend_from_slice(not_finite(value.is_nan(), value > 0.0));
    }
}

/// A 32-bit float has fewer digits that matter.
fn write_float32(value: f32, out: &mut Vec<u8>) {
    if value.is_finite() {
        let _ = serde_json::to_writer(out, &value);
    } else {
        out.extend_from_slice(not_finite(value.is_nan(), value > 0.0));
    }
}

fn not_finite(nan: bool, positive: bool) -> &'static [u8] {
    match (nan, positive) {
        (true, _) => b"NaN",
        (_, true) => b"Infinity",
        _ => b"-Infinity",
    }
}

fn write_date(days: i32, out: &mut Vec<u8>) {
    let date = NaiveDate::from_num_days_from_ce_opt(days.saturating_add(719_163));
    match date {
        Some(date) => write_display(&date, out),
        // Outside the calendar's range: at least say which day it is.
        None => write_display(&format_args!("1970-01-01{days:+}d"), out),
    }
}

fn write_time(nanos: i64, out: &mut Vec<u8>) {
    let seconds = nanos.div_euclid(NANOS);
    let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
    write_display(&format_args!("{hours:02}:{minutes:02}:{:02}", seconds % 60), out);
    write_fraction(nanos.rem_euclid(NANOS), 9, out);
}

fn write_instant(value: i64, per_second: i64, out: &mut Vec<u8>) {
    let (seconds, fraction) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    match DateTime::from_timestamp(seconds, 0) {
        Some(instant) => {
            write_display(&instant.format("%Y-%m-%dT%H:%M:%S"), out);
            write_fraction(fraction, if per_second == NANOS { 9 } else { 6 }, out);
            out.push(b'Z');
        }
        None => write_display(&format_args!("1970-01-01T00:00:00Z{seconds:+}s"), out),
    }
}

/// `.25` of 250000; nothing of 0. Zeros at the end are left out.
fn write_fraction(fraction: i64, digits: usize, out: &mut Vec<u8>) {
    if fraction > 0 {
        let text = format!("{fraction:0digits$}");
        out.push(b'.');
        out.extend_from_slice(text.trim_end_matches('0').as_bytes());
    }
}

fn write_display(value: &dyn std::fmt::Display, out: &mut Vec<u8>) {
    let _ = write!(out, "{value}");
}

/// Appends base64 with padding (RFC 4648 §4).
fn write_base64(bytes: &[u8], out: &mut Vec<u8>) {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let byte = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for at in 0..4 {
            let digit = (bits >> (18 - 6 * at)) & 63;
            out.push(if at <= group.len() { ALPHABET[digit as usize] } else { b'=' });
        }
    }
}
