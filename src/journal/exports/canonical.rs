//! Arrays whose bytes depend on their values alone.
//!
//! Arrow leaves open what lies under a NULL, behind the end of a bitmap, and whether there is a bitmap without a NULL.
//! That follows from how rows happened to be read and put together, and a file made of such arrays differs from run
//! to run.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, ListArray, MapArray, MutableArrayData, StructArray, make_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::DataType;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

/// The same rows in the one form that they have.
pub(super) fn canonical(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let columns = batch.columns().iter().map(of_array).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(batch.schema(), columns)
}

fn of_array(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let plain = compact(array)?;
    let nulls = plain.nulls().filter(|nulls| nulls.null_count() > 0).map(fresh);
    Ok(match plain.data_type() {
        DataType::List(field) => {
            let list = plain.as_list::<i32>();
            let items = of_array(list.values())?;
            Arc::new(ListArray::try_new(field.clone(), list.offsets().clone(), items, nulls)?)
        }
        DataType::Map(field, sorted) => {
            let map = plain.as_map();
            let entries: ArrayRef = Arc::new(map.entries().clone());
            let entries = of_array(&entries)?.as_struct().clone();
            Arc::new(MapArray::try_new(field.clone(), map.offsets().clone(), entries, nulls, *sorted)?)
        }
        DataType::Struct(fields) => {
            let members = plain.as_struct().columns().iter().map(of_array).collect::<Result<Vec<_>, _>>()?;
            Arc::new(StructArray::try_new(fields.clone(), members, nulls)?)
        }
        _ => plain,
    })
}

/// A copy of what is there, and nothing under NULLs.
fn compact(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    let data = array.to_data();
    let mut copy = MutableArrayData::new(vec![&data], false, data.len());
    let Some(nulls) = data.nulls().filter(|nulls| nulls.null_count() > 0) else {
        copy.try_extend(0, 0, data.len())?;
        return Ok(make_array(copy.freeze()));
    };
    let mut at = 0;
    for (from, to) in nulls.valid_slices() {
        copy.try_extend_nulls(from - at)?;
        copy.try_extend(0, from, to)?;
        at = to;
    }
    copy.try_extend_nulls(data.len() - at)?;
    Ok(make_array(copy.freeze()))
}

/// A bitmap of its own, with zeros behind its end.
fn fresh(nulls: &NullBuffer) -> NullBuffer {
    nulls.iter().collect()
}
