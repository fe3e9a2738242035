//! The one logical schema of `events`, in its three physical forms.
//!
//! * [`row_schema`]: what the parser fills and `hot` keeps: the 75 columns, then `date`, `_seq`;
//!   text as `Utf8`.
//! * [`file_schema`]: a Parquet file: the same without the partition columns `module` and `date`.
//! * [`query_schema`]: what SQL sees: as [`row_schema`], with text columns as `Utf8View`, which
//!   DataFusion decodes several times faster.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, Fields, Schema, SchemaRef, TimeUnit};

use super::model::{COLUMN_COUNT, COLUMNS, Kind, index_of};

/// Name of the partition column that holds the UTC date of `event_time`.
pub const DATE: &str = "date";
/// Name of the system column that gives every row of a table its place in the total order.
pub const SEQ: &str = "_seq";
/// Name of the partition column that holds the module.
pub const MODULE: &str = "module";
/// Position of `module` in [`row_schema`].
pub const MODULE_AT: usize = index_of(MODULE);
/// Position of `event_time` in [`row_schema`].
pub const EVENT_TIME_AT: usize = index_of("event_time");
/// Position of `date` in [`row_schema`].
pub const DATE_AT: usize = COLUMN_COUNT;
/// Position of `_seq` in [`row_schema`].
pub const SEQ_AT: usize = COLUMN_COUNT + 1;

/// Fields of one `related` item.
pub const RELATED_FIELDS: [&str; 4] = ["type", "id", "name", "role"];
/// Fields of one `changes` item.
pub const CHANGE_FIELDS: [&str; 4] = ["path", "op", "before", "after"];
/// Fields of one `attachments` item; all text but `size`.
pub const ATTACHMENT_FIELDS: [&str; 7] = ["role", "name", "content_type", "size", "sha256", "ref", "expires_at"];

/// Schema of rows in memory: 75 columns, `date`, `_seq`.
#[must_use]
pub fn row_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| Arc::new(Schema::new(all_fields(&DataType::Utf8))));
    Arc::clone(&SCHEMA)
}

/// Schema of a Parquet file: [`row_schema`] without `module` and `date`.
#[must_use]
pub fn file_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| {
        let stored = |field: &Field| field.name() != MODULE && field.name() != DATE;
        Arc::new(Schema::new(all_fields(&DataType::Utf8).into_iter().filter(stored).collect::<Vec<_>>()))
    });
    Arc::clone(&SCHEMA)
}

/// Schema that SQL sees: [`row_schema`] with top-level text as `Utf8View`.
#[must_use]
pub fn query_schema() -> SchemaRef {
    static SCHEMA: LazyLock<SchemaRef> = LazyLock::new(|| Arc::new(Schema::new(all_fields(&DataType::Utf8View))));
    Arc::clone(&SCHEMA)
}

fn all_fields(text: &DataType) -> Vec<Field> {
    let mut fields: Vec<Field> =
        COLUMNS.iter().map(|column| Field::new(column.name, data_type(column.kind, text), column.nullable)).collect();
    fields.push(Field::new(DATE, DataType::Date32, false));
    fields.push(Field::new(SEQ, DataType::Int64, false));
    fields
}

fn data_type(kind: Kind, text: &DataType) -> DataType {
    match kind {
        Kind::Text | Kind::Json => text.clone(),
        Kind::Time => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        Kind::Int32 => DataType::Int32,
        Kind::Int64 => DataType::Int64,
        Kind::Float32 => DataType::Float32,
        Kind::Bool => DataType::Boolean,
        Kind::TextList => list_of(DataType::Utf8),
        Kind::TextMap => map_of_text(),
        Kind::Related => list_of(DataType::Struct(item_fields(&RELATED_FIELDS))),
        Kind::Changes => list_of(DataType::Struct(item_fields(&CHANGE_FIELDS))),
        Kind::Attachments => list_of(DataType::Struct(item_fields(&ATTACHMENT_FIELDS))),
    }
}

/// Fields of the struct in a list column; only an attachment's `size` is no text.
#[must_use]
pub fn item_fields(names: &[&str]) -> Fields {
    let field = |name: &&str| Field::new(*name, if *name == "size" { DataType::Int64 } else { DataType::Utf8 }, true);
    names.iter().map(field).collect()
}

/// List type with the item name that Delta readers expect.
fn list_of(item: DataType) -> DataType {
    DataType::List(Arc::new(Field::new("element", item, true)))
}

fn map_of_text() -> DataType {
    let entry = Fields::from(vec![Field::new("key", DataType::Utf8, false), Field::new("value", DataType::Utf8, true)]);
    DataType::Map(Arc::new(Field::new("key_value", DataType::Struct(entry), false)), false)
}
