//! `has_change(changes, path, before, after)`.

use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::{at, constant, refused};

/// Whether one of an event's changes has this path, old and new value.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct HasChange(Signature);

impl HasChange {
    pub(super) fn new() -> Self {
        Self(Signature::any(4, Volatility::Immutable))
    }
}

/// What is looked for.
struct Wanted {
    path: Option<String>,
    /// Whether paths below count too.
    below: bool,
    before: Option<Value>,
    after: Option<Value>,
}

/// A value as it was given, and as the JSON text of a text.
struct Value {
    plain: String,
    quoted: String,
}

impl Value {
    fn new(plain: String) -> Self {
        Self { quoted: serde_json::Value::String(plain.clone()).to_string(), plain }
    }

    fn is(&self, stored: Option<&str>) -> bool {
        stored.is_some_and(|stored| stored == self.plain || stored == self.quoted)
    }
}

impl Wanted {
    fn new(args: &[ColumnarValue]) -> Result<Self, DataFusionError> {
        let path = constant("has_change", "path", &args[1])?;
        let before = constant("has_change", "before", &args[2])?.map(Value::new);
        let after = constant("has_change", "after", &args[3])?.map(Value::new);
        let prefix = path.as_deref().and_then(|path| path.strip_suffix('*')).map(str::to_owned);
        Ok(Self { below: prefix.is_some(), path: prefix.or(path), before, after })
    }

    fn has_path(&self, path: Option<&str>) -> bool {
        let Some(wanted) = &self.path else { return true };
        path.is_some_and(|path| if self.below { path.starts_with(wanted.as_str()) } else { path == wanted })
    }
}

impl ScalarUDFImpl for HasChange {
    fn name(&self) -> &'static str {
        "has_change"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let wanted = Wanted::new(&args.args)?;
        let array = args.args[0].to_array(args.number_rows)?;
        let no_changes = || refused("`changes` of `has_change` is the column `changes`".into());
        let lists = array.as_list_opt::<i32>().ok_or_else(no_changes)?;
        let items = lists.values().as_struct_opt().ok_or_else(no_changes)?;
        let member = |name: &str| -> Result<StringArray, DataFusionError> {
            let column = items.column_by_name(name).ok_or_else(no_changes)?;
            Ok(cast(column, &DataType::Utf8)?.as_string::<i32>().clone())
        };
        let (paths, before, after) = (member("path")?, member("before")?, member("after")?);
        let fits = |item: usize| {
            wanted.has_path(at(&paths, item))
                && wanted.before.as_ref().is_none_or(|value| value.is(at(&before, item)))
                && wanted.after.as_ref().is_none_or(|value| value.is(at(&after, item)))
        };
        let offsets = lists.value_offsets();
        let range = |row: usize| {
            let position = |at: usize| usize::try_from(offsets[at]).unwrap_or(0);
            position(row)..position(row + 1)
        };
        let found: BooleanArray =
            (0..lists.len()).map(|row| Some(lists.is_valid(row) && range(row).any(fits))).collect();
        Ok(ColumnarValue::Array(Arc::new(found)))
    }
}
