//! `||` on text as a function: NULL if either side is NULL, and then, unlike the operator, bounded.

use std::sync::{Arc, LazyLock};

use arrow::array::{Array, ArrayRef, AsArray, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};

use super::{Bounded, Bounds, Rule};

/// Its name; users cannot write it.
const NAME: &str = "||";

#[derive(Debug, PartialEq, Eq, Hash)]
struct TextConcat {
    signature: Signature,
}

static PLAIN: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| {
    let signature = Signature::new(TypeSignature::UserDefined, Volatility::Immutable);
    Arc::new(ScalarUDF::from(TextConcat { signature }))
});

/// The function that stands for `||` on text.
pub(in crate::query::guard) fn text_concat(bounds: Bounds) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::from(Bounded { inner: Arc::clone(&PLAIN), rule: Rule::Sum, bounds }))
}

impl ScalarUDFImpl for TextConcat {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        let text = |kind: &DataType| match kind {
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
            DataType::Dictionary(_, values) => values.is_string(),
            _ => false,
        };
        let (left, right) = pair(types)?;
        let plain = |kind: &DataType| !kind.is_nested() || matches!(kind, DataType::Dictionary(..));
        if !(text(left) || text(right) || left.is_null() && right.is_null()) || !plain(left) || !plain(right) {
            return Err(DataFusionError::Plan(format!("`||` joins text, not {left} and {right}")));
        }
        Ok(vec![DataType::Utf8View; 2])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType, DataFusionError> {
        Ok(DataType::Utf8View)
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let (left, right) = pair(&args.args)?;
        let text = |value: &ColumnarValue| -> Result<ArrayRef, DataFusionError> {
            Ok(cast(&value.to_array(rows)?, &DataType::Utf8View)?)
        };
        let (left, right) = (text(left)?, text(right)?);
        let (left, right) = (left.as_string_view(), right.as_string_view());
        let mut joined = StringViewBuilder::with_capacity(rows);
        let mut both = String::new();
        for row in 0..rows {
            if left.is_null(row) || right.is_null(row) {
                joined.append_null();
                continue;
            }
            both.clear();
            both.push_str(left.value(row));
            both.push_str(right.value(row));
            joined.append_value(&both);
        }
        let joined = joined.finish();
        if constant {
            let value = joined.is_valid(0).then(|| joined.value(0).to_owned());
            return Ok(ColumnarValue::Scalar(ScalarValue::Utf8View(value)));
        }
        Ok(ColumnarValue::Array(Arc::new(joined)))
    }
}

fn pair<T>(values: &[T]) -> Result<(&T, &T), DataFusionError> {
    match values {
        [left, right] => Ok((left, right)),
        _ => Err(DataFusionError::Internal(format!("`||` has {} sides", values.len()))),
    }
}
