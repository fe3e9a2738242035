//! Parameters of a query: JSON values for `$1`, `$2`… or `$name`.

use std::collections::{BTreeSet, HashMap};

use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, ParamValues, ScalarValue};
use datafusion::logical_expr::LogicalPlan;
use serde_json::Value;

use super::error::{QueryError, nearest};

/// Values for the placeholders of a query.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Params {
    /// The query has none.
    #[default]
    None,
    /// `$1` is the first.
    Positional(Vec<Value>),
    /// `$name`.
    Named(serde_json::Map<String, Value>),
}

impl TryFrom<Value> for Params {
    type Error = QueryError;

    /// An array, an object, or null.
    fn try_from(value: Value) -> Result<Self, QueryError> {
        match value {
            Value::Null => Ok(Self::None),
            Value::Array(values) => Ok(Self::Positional(values)),
            Value::Object(values) => Ok(Self::Named(values)),
            _ => Err(QueryError::parameter("params", "must be an array (for $1, $2…) or an object (for $name)")),
        }
    }
}

/// Values by placeholder, typed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Bound(HashMap<String, ScalarValue>);

impl Bound {
    /// Types the values of `params`.
    pub(crate) fn new(params: Params) -> Result<Self, QueryError> {
        let named: Vec<(String, Value)> = match params {
            Params::None => Vec::new(),
            Params::Positional(values) => {
                values.into_iter().enumerate().map(|(at, value)| ((at + 1).to_string(), value)).collect()
            }
            Params::Named(values) => values.into_iter().collect(),
        };
        let typed = named.into_iter().map(|(name, value)| {
            let value = scalar(&name, value)?;
            Ok((name, value))
        });
        Ok(Self(typed.collect::<Result<_, QueryError>>()?))
    }

    /// Adds a typed value; used by named queries, whose header has types.
    pub(crate) fn insert(&mut self, name: &str, value: ScalarValue) {
        self.0.insert(name.to_owned(), value);
    }

    /// `plan` with its placeholders replaced; each must have a value, and each value a placeholder
    /// unless `optional`.
    pub(crate) fn bind(self, plan: LogicalPlan, optional: bool) -> Result<LogicalPlan, Failure> {
        let wanted: BTreeSet<String> =
            plan.get_parameter_names()?.iter().map(|id| id.trim_start_matches('$').to_owned()).collect();
        if let Some(missing) = wanted.iter().find(|name| !self.0.contains_key(*name)) {
            return Err(QueryError::Parameter {
                name: missing.clone(),
                message: "no value was given".into(),
                near: nearest(missing, self.0.keys().map(String::as_str)),
            }
            .into());
        }
        if let Some(extra) = self.0.keys().find(|name| !optional && !wanted.contains(*name)) {
            return Err(QueryError::Parameter {
                name: extra.clone(),
                message: format!("the query has no placeholder `${extra}`"),
                near: nearest(extra, wanted.iter().map(String::as_str)),
            }
            .into());
        }
        if wanted.is_empty() {
            return Ok(plan);
        }
        Ok(plan.with_param_values(ParamValues::from(self.0))?)
    }
}

/// Either side's error.
#[derive(Debug)]
pub(crate) enum Failure {
    Ours(QueryError),
    Planner(DataFusionError),
}

impl From<QueryError> for Failure {
    fn from(error: QueryError) -> Self {
        Self::Ours(error)
    }
}

impl From<DataFusionError> for Failure {
    fn from(error: DataFusionError) -> Self {
        Self::Planner(error)
    }
}

/// The SQL value of a JSON value; 64-bit integers keep every digit.
fn scalar(name: &str, value: Value) -> Result<ScalarValue, QueryError> {
    Ok(match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(value) => ScalarValue::Boolean(Some(value)),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(value), _) => ScalarValue::Int64(Some(value)),
            (None, Some(value)) => ScalarValue::UInt64(Some(value)),
            (None, None) => ScalarValue::Float64(number.as_f64()),
        },
        Value::String(text) => ScalarValue::Utf8(Some(text)),
        Value::Array(items) => list(name, items)?,
        Value::Object(_) => return Err(QueryError::parameter(name, "an object cannot be a value; pass its JSON text")),
    })
}

/// A list; its items must be of one type, or NULL.
fn list(name: &str, items: Vec<Value>) -> Result<ScalarValue, QueryError> {
    let mut items = items.into_iter().map(|item| scalar(name, item)).collect::<Result<Vec<_>, _>>()?;
    let mut types: Vec<DataType> = items.iter().filter(|item| !item.is_null()).map(ScalarValue::data_type).collect();
    types.sort_by_key(ToString::to_string);
    types.dedup();
    let numbers = types.iter().all(DataType::is_numeric);
    let item_type = match types.as_slice() {
        [] => DataType::Utf8,
        [one] if !one.is_nested() => one.clone(),
        _ if numbers => DataType::Float64,
        _ => return Err(QueryError::parameter(name, "the items of a list must be of one type")),
    };
    for item in &mut items {
        *item = item
            .cast_to(&item_type)
            .map_err(|_| QueryError::parameter(name, "the items of a list must be of one type"))?;
    }
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&items, &item_type)))
}

/// A list of text, for the headers of named queries.
pub(crate) fn text_list<'a>(items: impl Iterator<Item = &'a str>) -> ScalarValue {
    let items: Vec<ScalarValue> = items.map(ScalarValue::from).collect();
    ScalarValue::List(ScalarValue::new_list_nullable(&items, &DataType::Utf8))
}
