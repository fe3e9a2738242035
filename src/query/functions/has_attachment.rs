//! `has_attachment(attachments, sha256)`.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{at, constant, refused};

/// Whether one of an event's files has this hash.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct HasAttachment(Signature);

impl HasAttachment {
    pub(super) fn new() -> Self {
        Self(Signature::any(2, Volatility::Immutable))
    }
}

impl ScalarUDFImpl for HasAttachment {
    fn name(&self) -> &'static str {
        "has_attachment"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let wanted = constant("has_attachment", "sha256", &args.args[1])?;
        let array = args.args[0].to_array(args.number_rows)?;
        let no_files = || refused("`attachments` of `has_attachment` is the column `attachments`".into());
        let lists = array.as_list_opt::<i32>().ok_or_else(no_files)?;
        let items = lists.values().as_struct_opt().ok_or_else(no_files)?;
        let hashes = cast(items.column_by_name("sha256").ok_or_else(no_files)?, &DataType::Utf8)?;
        let hashes = hashes.as_string::<i32>();
        let fits = |item: usize| wanted.is_some() && at(hashes, item) == wanted.as_deref();
        let offsets = lists.value_offsets();
        let position = |at: usize| usize::try_from(offsets[at]).unwrap_or(0);
        let has = |row: usize| lists.is_valid(row) && (position(row)..position(row + 1)).any(fits);
        let found: BooleanArray = (0..lists.len()).map(|row| Some(has(row))).collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}
