//! From whatever Arrow type a query yields to the few of an answer; the only such place.
//!
//! All output formats get normalised batches, so that none has to know dictionaries, views, unions
//! or run ends, and all show the same values.

mod text;

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, ListArray, MapArray, StringArray, StructArray, UInt64Array,
    UnionArray,
};
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::compute::{CastOptions, cast_with_options, take};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef, UnionFields};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

use super::error::QueryError;
use super::output::cell::Cell;
use super::types::{OutColumn, normal_field};

/// Bytes of a batch above which it is handed on in halves: text of one batch must stay below 2 GiB,
/// and a slow reader should not hold much.
const BATCH_BYTES_MAX: u64 = 16 << 20;

/// Turns batches of one query into batches of an answer.
#[derive(Debug)]
pub(crate) struct Normaliser {
    schema: SchemaRef,
    columns: Vec<OutColumn>,
}

impl Normaliser {
    /// For batches of `schema`; equal column names get a number behind them.
    pub(crate) fn new(schema: &Schema) -> Self {
        let mut taken: HashSet<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let mut seen = HashSet::new();
        let mut unlike = |name: &str| {
            if seen.insert(name.to_owned()) {
                return name.to_owned();
            }
            let fresh = (2..).map(|number| format!("{name}_{number}")).find(|name| !taken.contains(name));
            let fresh = fresh.unwrap_or_default();
            taken.insert(fresh.clone());
            fresh
        };
        let fields: Vec<FieldRef> =
            schema.fields().iter().map(|field| normal_field(&unlike(field.name()), field)).collect();
        let columns = fields.iter().map(|field| OutColumn::of(field)).collect();
        Self { schema: Arc::new(Schema::new(fields)), columns }
    }

    pub(crate) fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    pub(crate) fn columns(&self) -> &[OutColumn] {
        &self.columns
    }

    /// The batch in the types of the answer.
    ///
    /// # Errors
    /// A value that the answer's type cannot hold, such as an instant outside its range.
    pub(crate) fn apply(&self, batch: &RecordBatch) -> Result<RecordBatch, QueryError> {
        let arrays = batch.columns().iter().zip(self.schema.fields()).map(|(array, to)| normal_array(array, to));
        let arrays =
            arrays.collect::<Result<Vec<_>, _>>().map_err(|error| QueryError::Evaluation(error.to_string()))?;
        let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
        RecordBatch::try_new_with_options(self.schema(), arrays, &options)
            .map_err(|error| QueryError::Internal(Box::new(error)))
    }
}

/// The batch in parts that are small enough; rows keep their order.
pub(crate) fn split(batch: RecordBatch) -> Vec<RecordBatch> {
    let rows = batch.num_rows();
    if rows < 2 || view_bytes(&batch) <= BATCH_BYTES_MAX {
        return vec![batch];
    }
    let mut parts = split(batch.slice(0, rows / 2));
    parts.extend(split(batch.slice(rows / 2, rows - rows / 2)));
    parts
}

/// Bytes of the values of a batch; those that views point to are counted as if they were copied.
fn view_bytes(batch: &RecordBatch) -> u64 {
    let of = |array: &ArrayRef| match array.data_type() {
        DataType::Utf8View => array.as_string_view().lengths().map(u64::from).sum(),
        DataType::BinaryView => array.as_binary_view().lengths().map(u64::from).sum(),
        _ => array.to_data().get_slice_memory_size().unwrap_or(0) as u64,
    };
    batch.columns().iter().map(of).sum()
}

/// Bytes of the values of a normalised batch.
pub(crate) fn memory_of(batch: &RecordBatch) -> u64 {
    batch.columns().iter().map(|array| array.to_data().get_slice_memory_size().unwrap_or(0) as u64).sum()
}

/// `array` as the type of `to`, which [`normal_field`] made of its field.
pub(crate) fn normal_array(array: &ArrayRef, to: &Field) -> Result<ArrayRef, ArrowError> {
    if array.data_type() == to.data_type() && !to.data_type().is_nested() {
        return Ok(Arc::clone(array));
    }
    match array.data_type() {
        DataType::Dictionary(_, values) => normal_array(&cast(array, values)?, to),
        DataType::RunEndEncoded(_, values) => normal_array(&cast(array, values.data_type())?, to),
        DataType::Interval(_) | DataType::Duration(_) => text::iso(array),
        DataType::Union(fields, _) => union_text(array.as_union(), fields),
        DataType::Struct(fields) if fields.is_empty() => Ok(empty_objects(array)),
        DataType::Struct(_) => struct_array(array.as_struct(), to),
        DataType::Map(..) => map_array(array.as_map(), to),
        DataType::List(_) => {
            let list: &ListArray = array.as_list();
            list_array(list.offsets().clone(), list.values(), list.nulls().cloned(), to)
        }
        DataType::LargeList(_) | DataType::ListView(_) | DataType::LargeListView(_) => gathered(array, to),
        DataType::FixedSizeList(..) => fixed_list(array.as_fixed_size_list(), to),
        _ => cast(array, to.data_type()),
    }
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })
}

fn item_of(to: &Field) -> Result<FieldRef, ArrowError> {
    match to.data_type() {
        DataType::List(item) => Ok(Arc::clone(item)),
        other => Err(ArrowError::SchemaError(format!("a list cannot become {other}"))),
    }
}

fn list_array(
    offsets: OffsetBuffer<i32>,
    values: &ArrayRef,
    nulls: Option<NullBuffer>,
    to: &Field,
) -> Result<ArrayRef, ArrowError> {
    let item = item_of(to)?;
    let values = normal_array(values, &item)?;
    Ok(Arc::new(ListArray::try_new(item, offsets, values, nulls)?))
}

fn fixed_list(list: &FixedSizeListArray, to: &Field) -> Result<ArrayRef, ArrowError> {
    let size = usize::try_from(list.value_length()).unwrap_or(0);
    let offsets = OffsetBuffer::from_lengths(std::iter::repeat_n(size, list.len()));
    list_array(offsets, list.values(), list.nulls().cloned(), to)
}

/// Lists whose rows lie anywhere in their values: the values are brought into row order.
fn gathered(list: &ArrayRef, to: &Field) -> Result<ArrayRef, ArrowError> {
    let (values, ranges): (&ArrayRef, Vec<(u64, u64)>) = match list.data_type() {
        DataType::LargeList(_) => {
            let list = list.as_list::<i64>();
            let ranges = list.offsets().windows(2).map(|pair| (pair[0] as u64, (pair[1] - pair[0]) as u64));
            (list.values(), ranges.collect())
        }
        DataType::ListView(_) => {
            let list = list.as_list_view::<i32>();
            let ranges =
                list.offsets().iter().zip(list.sizes().iter()).map(|(&from, &size)| (from as u64, size as u64));
            (list.values(), ranges.collect())
        }
        _ => {
            let list = list.as_list_view::<i64>();
            let ranges =
                list.offsets().iter().zip(list.sizes().iter()).map(|(&from, &size)| (from as u64, size as u64));
            (list.values(), ranges.collect())
        }
    };
    let present = |row: usize| list.is_valid(row);
    let lengths = ranges.iter().enumerate().map(|(row, (_, size))| if present(row) { *size as usize } else { 0 });
    let offsets = OffsetBuffer::from_lengths(lengths);
    let rows = ranges.iter().enumerate().filter(|(row, _)| present(*row));
    let indices: UInt64Array = rows.flat_map(|(_, (from, size))| *from..from + size).collect::<Vec<_>>().into();
    list_array(offsets, &take(values, &indices, None)?, list.nulls().cloned(), to)
}

fn struct_array(array: &StructArray, to: &Field) -> Result<ArrayRef, ArrowError> {
    let DataType::Struct(fields) = to.data_type() else {
        return Err(ArrowError::SchemaError("a struct must stay one".into()));
    };
    Ok(Arc::new(StructArray::try_new(fields.clone(), members(array, fields)?, array.nulls().cloned())?))
}

fn members(array: &StructArray, to: &Fields) -> Result<Vec<ArrayRef>, ArrowError> {
    array.columns().iter().zip(to).map(|(column, field)| normal_array(column, field)).collect()
}

fn map_array(array: &MapArray, to: &Field) -> Result<ArrayRef, ArrowError> {
    let DataType::Map(entry, sorted) = to.data_type() else {
        return Err(ArrowError::SchemaError("a map must stay one".into()));
    };
    let DataType::Struct(fields) = entry.data_type() else {
        return Err(ArrowError::SchemaError("entries of a map must be structs".into()));
    };
    let entries = StructArray::try_new(fields.clone(), members(array.entries(), fields)?, None)?;
    let map = MapArray::try_new(Arc::clone(entry), array.offsets().clone(), entries, array.nulls().cloned(), *sorted)?;
    Ok(Arc::new(map))
}

fn empty_objects(array: &ArrayRef) -> ArrayRef {
    Arc::new((0..array.len()).map(|row| array.is_valid(row).then_some("{}")).collect::<StringArray>())
}

/// Each row of a union as JSON text. The JSON functions mark members whose text is JSON already.
fn union_text(array: &UnionArray, fields: &UnionFields) -> Result<ArrayRef, ArrowError> {
    let mut members = Vec::with_capacity(fields.len());
    for (id, field) in fields.iter() {
        let is_json = field.metadata().get("is_json").is_some_and(|value| value == "true");
        let normal = normal_field(field.name(), field);
        members.push((id, is_json, Arc::clone(&normal), normal_array(array.child(id), &normal)?));
    }
    let cells: Vec<_> = members
        .iter()
        .map(|(id, is_json, field, values)| {
            let cell = if *is_json { Cell::json(values) } else { Cell::new(values, field) };
            (*id, values, cell)
        })
        .collect();
    let mut text = Vec::new();
    let rows = (0..array.len()).map(|row| {
        let id = array.type_id(row);
        let (_, values, cell) = cells.iter().find(|(member, ..)| *member == id)?;
        let at = array.value_offset(row);
        if values.is_null(at) || values.data_type().is_null() {
            return None;
        }
        text.clear();
        match cell {
            // Within JSON text a number is a number, however many digits it has.
            Cell::Int64(_) | Cell::UInt64(_) => cell.write_plain(at, &mut text),
            other => other.write_json(at, &mut text),
        }
        Some(String::from_utf8_lossy(&text).into_owned())
    });
    Ok(Arc::new(rows.collect::<StringArray>()))
}

#[cfg(test)]
mod tests;
