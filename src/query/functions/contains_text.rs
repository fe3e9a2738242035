//! `contains_text(text, column, …)`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, BooleanBufferBuilder};
use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};
use regex::{Regex, RegexBuilder};

use super::{constant, refused};

/// Longest text that is looked for, in bytes.
const TEXT_MAX: usize = 1_000;

/// Whether a text stands in any of some columns.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ContainsText(Signature);

impl ContainsText {
    pub(super) fn new() -> Self {
        Self(Signature::variadic_any(Volatility::Immutable))
    }
}

impl ScalarUDFImpl for ContainsText {
    fn name(&self) -> &'static str {
        "contains_text"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType, DataFusionError> {
        if arguments.len() < 2 {
            return Err(DataFusionError::Plan("`contains_text` takes a text and at least one column".into()));
        }
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let Some(text) = constant("contains_text", "text", &args.args[0])? else {
            return Ok(ColumnarValue::Array(Arc::new(BooleanArray::new_null(args.number_rows))));
        };
        if text.len() > TEXT_MAX {
            return Err(refused(format!("`contains_text` looks for at most {TEXT_MAX} bytes")));
        }
        let pattern = RegexBuilder::new(&regex::escape(&text)).case_insensitive(true).build();
        let pattern = pattern.map_err(|error| refused(format!("`contains_text`: {error}")))?;
        let mut found = vec![false; args.number_rows];
        for column in &args.args[1..] {
            search(&column.to_array(args.number_rows)?, &pattern, &mut found)?;
        }
        let mut bits = BooleanBufferBuilder::new(found.len());
        bits.append_slice(&found);
        Ok(ColumnarValue::Array(Arc::new(BooleanArray::new(bits.finish(), None))))
    }
}

/// Marks the rows of `array` that hold the pattern; those that are marked already are not looked at.
fn search(array: &ArrayRef, pattern: &Regex, found: &mut [bool]) -> Result<(), DataFusionError> {
    let mut each = |is_match: &dyn Fn(usize) -> bool| {
        for (row, found) in found.iter_mut().enumerate() {
            *found = *found || (array.is_valid(row) && is_match(row));
        }
    };
    match array.data_type() {
        DataType::Null => {}
        DataType::Utf8 => each(&|row| pattern.is_match(array.as_string::<i32>().value(row))),
        DataType::LargeUtf8 => each(&|row| pattern.is_match(array.as_string::<i64>().value(row))),
        DataType::Utf8View => each(&|row| pattern.is_match(array.as_string_view().value(row))),
        DataType::List(_) => {
            search_items(array.as_list::<i32>().values(), array.as_list::<i32>().value_offsets(), pattern, found)?
        }
        DataType::Map(..) => {
            let entries: ArrayRef = Arc::new(array.as_map().entries().clone());
            search_items(&entries, array.as_map().value_offsets(), pattern, found)?;
        }
        DataType::Struct(_) => {
            for column in array.as_struct().columns() {
                search(column, pattern, found)?;
            }
        }
        _ => {
            let texts = arrow::compute::cast(array, &DataType::Utf8)?;
            search(&texts, pattern, found)?;
        }
    }
    Ok(())
}

/// The same for lists, by the items between `offsets`.
fn search_items(items: &ArrayRef, offsets: &[i32], pattern: &Regex, found: &mut [bool]) -> Result<(), DataFusionError> {
    let position = |at: usize| usize::try_from(offsets[at]).unwrap_or(0);
    if position(0) == position(found.len()) {
        return Ok(());
    }
    let mut of_items = vec![false; items.len()];
    search(items, pattern, &mut of_items)?;
    for (row, found) in found.iter_mut().enumerate() {
        *found = *found || of_items[position(row)..position(row + 1)].contains(&true);
    }
    Ok(())
}
