//! Names of types in answers, and the Arrow type that stands for each.
//!
//! A query can yield any Arrow type; an answer has few. This is the list, documented in
//! `docs/queries.md`; programs may rely on it.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Field, FieldRef, Fields, TimeUnit,
};
use serde::Serialize;

/// Key of a field's metadata that tells `json`, `interval` and `duration` from plain text.
const TYPE_KEY: &str = "kronika.type";
/// JSON text.
pub(crate) const JSON: &str = "json";
/// ISO 8601 text of a calendar interval.
pub(crate) const INTERVAL: &str = "interval";
/// ISO 8601 text of a span of time.
pub(crate) const DURATION: &str = "duration";

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OutColumn {
    /// Its name; unlike all others of the answer.
    pub name: String,
    /// Name of its type.
    #[serde(rename = "type")]
    pub type_name: String,
}

impl OutColumn {
    pub(crate) fn of(field: &Field) -> Self {
        Self { name: field.name().clone(), type_name: type_name(field) }
    }
}

/// The field that stands for `field` in an answer.
pub(crate) fn normal_field(name: &str, field: &Field) -> FieldRef {
    let (data_type, marked) = normal_type(field.data_type());
    let field = Field::new(name, data_type, true);
    Arc::new(match marked {
        Some(mark) => field.with_metadata(HashMap::from([(TYPE_KEY.to_owned(), mark.to_owned())])),
        None => field,
    })
}

/// The type, and what its text is where it is text of a certain kind.
fn normal_type(data_type: &DataType) -> (DataType, Option<&'static str>) {
    let plain = |data_type| (data_type, None);
    match data_type {
        DataType::Null => plain(DataType::Null),
        DataType::Boolean => plain(DataType::Boolean),
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::UInt8 | DataType::UInt16 => {
            plain(DataType::Int32)
        }
        DataType::UInt32 | DataType::Int64 => plain(DataType::Int64),
        DataType::UInt64 => plain(DataType::UInt64),
        DataType::Float16 | DataType::Float32 => plain(DataType::Float32),
        DataType::Float64 => plain(DataType::Float64),
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => plain(decimal(*precision, *scale)),
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => plain(DataType::Utf8),
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            plain(DataType::Binary)
        }
        DataType::Date32 | DataType::Date64 => plain(DataType::Date32),
        DataType::Time32(_) | DataType::Time64(_) => plain(DataType::Time64(TimeUnit::Nanosecond)),
        DataType::Timestamp(unit, _) => {
            let unit = if *unit == TimeUnit::Nanosecond { *unit } else { TimeUnit::Microsecond };
            plain(DataType::Timestamp(unit, Some("UTC".into())))
        }
        DataType::Interval(_) => (DataType::Utf8, Some(INTERVAL)),
        DataType::Duration(_) => (DataType::Utf8, Some(DURATION)),
        DataType::List(item)
        | DataType::LargeList(item)
        | DataType::FixedSizeList(item, _)
        | DataType::ListView(item)
        | DataType::LargeListView(item) => plain(DataType::List(normal_field("element", item))),
        DataType::Struct(fields) if fields.is_empty() => (DataType::Utf8, Some(JSON)),
        DataType::Struct(fields) => {
            plain(DataType::Struct(fields.iter().map(|field| normal_field(field.name(), field)).collect()))
        }
        DataType::Map(entries, _) => plain(map_type(entries)),
        DataType::Dictionary(_, values) => normal_type(values),
        DataType::RunEndEncoded(_, values) => normal_type(values.data_type()),
        DataType::Union(..) => (DataType::Utf8, Some(JSON)),
    }
}

/// Decimals as 128 bits where they fit; a negative scale becomes digits in front of the point.
fn decimal(precision: u8, scale: i8) -> DataType {
    let whole = precision.saturating_add(scale.min(0).unsigned_abs());
    let scale = scale.max(0);
    if whole <= DECIMAL128_MAX_PRECISION {
        DataType::Decimal128(whole, scale)
    } else {
        DataType::Decimal256(whole.min(DECIMAL256_MAX_PRECISION), scale)
    }
}

fn map_type(entries: &Field) -> DataType {
    let DataType::Struct(fields) = entries.data_type() else { return DataType::Null };
    let (Some(key), Some(value)) = (fields.first(), fields.get(1)) else { return DataType::Null };
    let key = normal_field("key", key).as_ref().clone().with_nullable(false);
    let fields = Fields::from(vec![Arc::new(key), normal_field("value", value)]);
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(fields), false)), false)
}

/// What the text of a field is, where it is more than text.
pub(crate) fn mark(field: &Field) -> Option<&str> {
    field.metadata().get(TYPE_KEY).map(String::as_str)
}

/// Name of the type of a field of an answer.
fn type_name(field: &Field) -> String {
    if let Some(mark) = mark(field) {
        return mark.to_owned();
    }
    match field.data_type() {
        DataType::Null => "null".into(),
        DataType::Boolean => "bool".into(),
        DataType::Int32 => "int32".into(),
        DataType::Int64 => "int64".into(),
        DataType::UInt64 => "uint64".into(),
        DataType::Float32 => "float32".into(),
        DataType::Float64 => "float64".into(),
        DataType::Decimal128(precision, scale) | DataType::Decimal256(precision, scale) => {
            format!("decimal({precision},{scale})")
        }
        DataType::Binary => "binary".into(),
        DataType::Date32 => "date".into(),
        DataType::Time64(_) => "time".into(),
        DataType::Timestamp(..) => "timestamp".into(),
        DataType::List(item) => format!("list<{}>", type_name(item)),
        DataType::Struct(fields) => {
            let fields: Vec<_> = fields.iter().map(|field| format!("{}: {}", field.name(), type_name(field))).collect();
            format!("struct<{}>", fields.join(", "))
        }
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) => {
                let names: Vec<_> = fields.iter().map(|field| type_name(field)).collect();
                format!("map<{}>", names.join(", "))
            }
            _ => "map".into(),
        },
        // `normal_field` makes no other type than text.
        _ => "text".into(),
    }
}
