//! Functions that make more than they are given, under limits that hold before memory is taken.
//!
//! `repeat('a', 2000000000)` asks for 2 GB in one call that nothing can interrupt, outside of the
//! query's memory pool. So each such function is replaced by one of the same name that asks a
//! [`Rule`] how large the result can become, refuses too large values, works on few rows at a time
//! where the whole batch would be too much, takes the memory from the query's pool, and looks between
//! two pieces of work whether the query is still wanted.

mod concat;
mod pooled;
mod rule;
pub(super) mod sizes;

use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

pub(super) use concat::text_concat;
pub(super) use rule::{Rule, rule_of};

use super::task;
use crate::config::{ByteCount, Guard};
use crate::query::error::QueryError;
use sizes::Arg;

/// Results below this are not counted in the pool.
const COUNTED_BYTES_MIN: u64 = 64 << 10;
/// Steps of work (compared pairs) for one value: nothing interrupts it.
const WORK_MAX: u64 = 200_000_000;
/// Steps of work between two looks at whether the query is still wanted: about 0.1 s.
const WORK_SLICE: u64 = 50_000_000;
/// Bytes that are made, or read by a hash, between two such looks.
const BYTES_SLICE: u64 = 32 << 20;

/// Limits of what functions make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Bounds {
    value: u64,
    batch: u64,
}

impl Bounds {
    pub(super) fn of(guard: &Guard) -> Self {
        Self { value: guard.value_max.0, batch: guard.batch_max.0 }
    }
}

/// Whether `function` bears that one of its arguments is a long constant.
pub(super) fn bears_long_constants(function: &ScalarUDF) -> bool {
    function.inner().downcast_ref::<Bounded>().is_some()
}

/// A function under limits.
#[derive(Debug, Clone)]
pub(super) struct Bounded {
    inner: Arc<ScalarUDF>,
    rule: Rule,
    bounds: Bounds,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner && self.bounds == other.bounds
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

/// `function` under limits, if it is one that needs them and has none yet.
pub(super) fn bounded(function: &Arc<ScalarUDF>, bounds: Bounds) -> Option<Arc<ScalarUDF>> {
    if function.inner().downcast_ref::<Bounded>().is_some() {
        return None;
    }
    let rule = rule_of(function.name())?;
    Some(Arc::new(ScalarUDF::from(Bounded { inner: Arc::clone(function), rule, bounds })))
}

impl Bounded {
    fn too_large(&self, size: u64, limit: u64, unit: &'static str) -> DataFusionError {
        let function = self.inner.name().to_owned();
        let error = QueryError::ValueTooLarge { function, size, limit: ByteCount(limit), unit };
        DataFusionError::External(Box::new(error))
    }

    /// Whether the constants among the arguments are too much once they stand beside every row.
    fn has_long_constant(&self, args: &ScalarFunctionArgs) -> Result<bool, DataFusionError> {
        let mut bytes = 0_u64;
        for arg in &args.args {
            if let ColumnarValue::Scalar(scalar) = arg
                && (scalar.data_type().is_nested() || scalar.data_type().is_string() || scalar.data_type().is_binary())
            {
                bytes = bytes.saturating_add(Arg::new(arg)?.bytes(0));
            }
        }
        Ok(bytes.saturating_mul(args.number_rows as u64) > self.bounds.batch)
    }

    /// Rows that may be worked on at once, one range after the other.
    fn slices(&self, args: &[Arg], rows: usize) -> Result<Vec<(Range<usize>, u64)>, DataFusionError> {
        let (row_max, slice_max) = match self.rule {
            rule if rule.is_work() => (WORK_MAX, WORK_SLICE),
            Rule::Hash => (u64::MAX, BYTES_SLICE),
            rule if rule.is_exact() => (self.bounds.value, self.bounds.batch.min(BYTES_SLICE)),
            _ => (self.bounds.batch, self.bounds.batch.min(BYTES_SLICE)),
        };
        let mut slices = Vec::new();
        let (mut from, mut sum, mut total) = (0, 0_u64, 0_u64);
        for row in 0..rows {
            if self.rule == Rule::ArrayResize && args.get(1).and_then(|count| count.int(row)).is_some_and(|n| n < 0) {
                let text = "`array_resize` to a negative length".to_owned();
                return Err(DataFusionError::External(Box::new(QueryError::Evaluation(text))));
            }
            let bound = self.rule.bound(args, row);
            if bound > row_max {
                return Err(if self.rule.is_work() {
                    DataFusionError::External(Box::new(QueryError::ValueTooSlow(self.inner.name().to_owned())))
                } else {
                    self.too_large(bound, self.bounds.value, "row")
                });
            }
            total = total.saturating_add(bound);
            if self.rule.is_exact() && total > self.bounds.batch {
                return Err(self.too_large(total, self.bounds.batch, "batch of rows"));
            }
            if sum.saturating_add(bound) > slice_max && row > from {
                slices.push((from..row, sum));
                (from, sum) = (row, 0);
            }
            sum = sum.saturating_add(bound);
        }
        slices.push((from..rows, sum));
        Ok(slices)
    }

    /// The results of all slices in one array, counted in the query's pool.
    fn pieces(
        &self,
        args: &ScalarFunctionArgs,
        slices: Vec<(Range<usize>, u64)>,
    ) -> Result<ColumnarValue, DataFusionError> {
        let mut made: Vec<ArrayRef> = Vec::with_capacity(slices.len());
        let mut counted = pooled::Reservation::new(self.inner.name());
        let mut total = 0;
        let single = slices.len() == 1;
        for (range, bound) in slices {
            task::checkpoint()?;
            let memory = self.rule.is_measured();
            if memory && bound >= COUNTED_BYTES_MIN {
                counted.grow_to(total + bound)?;
            }
            let value = if single {
                self.inner.invoke_with_args(args.clone())?
            } else {
                self.inner.invoke_with_args(sliced(args, &range))?
            };
            let array = match value {
                ColumnarValue::Scalar(scalar) if single => {
                    self.check_values(&scalar.to_array()?)?;
                    return Ok(ColumnarValue::Scalar(scalar));
                }
                value => value.into_array(range.len())?,
            };
            if memory {
                self.check_values(&array)?;
                total += if self.rule.is_exact() { bound } else { sizes::memory_of(&array) };
                if total > self.bounds.batch {
                    return Err(self.too_large(total, self.bounds.batch, "batch of rows"));
                }
            }
            made.push(array);
        }
        let array = match made.as_slice() {
            [one] => Arc::clone(one),
            many => {
                let parts: Vec<&dyn Array> = many.iter().map(AsRef::as_ref).collect();
                arrow::compute::concat(&parts)?
            }
        };
        if total < COUNTED_BYTES_MIN {
            return Ok(ColumnarValue::Array(array));
        }
        counted.grow_to(total)?;
        Ok(ColumnarValue::Array(counted.attach(&array)?))
    }

    /// Where the rule only told an upper bound: whether a value is really too large.
    fn check_values(&self, array: &ArrayRef) -> Result<(), DataFusionError> {
        if self.rule.is_exact() || !self.rule.is_measured() || sizes::memory_of(array) <= self.bounds.value {
            return Ok(());
        }
        let arg = Arg::of_array(array);
        let largest = (0..array.len()).map(|row| arg.bytes(row)).max().unwrap_or(0);
        if largest > self.bounds.value {
            return Err(self.too_large(largest, self.bounds.value, "row"));
        }
        Ok(())
    }
}

/// The arguments of some rows.
fn sliced(args: &ScalarFunctionArgs, range: &Range<usize>) -> ScalarFunctionArgs {
    let mut part = args.clone();
    for value in &mut part.args {
        if let ColumnarValue::Array(array) = value {
            *array = array.slice(range.start, range.len());
        }
    }
    part.number_rows = range.len();
    part
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String, DataFusionError> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType, DataFusionError> {
        self.inner.inner().return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs<'_>) -> Result<FieldRef, DataFusionError> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>, DataFusionError> {
        self.inner.coerce_types(arg_types)
    }

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    /// `concat` makes simpler calls of itself, which would be without limits.
    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult, DataFusionError> {
        match self.rule {
            Rule::Sum | Rule::SumSeparated => Ok(ExprSimplifyResult::Original(args)),
            _ => self.inner.simplify(args, info),
        }
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue, DataFusionError> {
        if self.rule == Rule::Input && !self.has_long_constant(&args)? {
            return self.inner.invoke_with_args(args);
        }
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let sizes = args.args.iter().map(Arg::new).collect::<Result<Vec<_>, _>>()?;
        let rows = if constant { 1 } else { args.number_rows };
        let slices = self.slices(&sizes, rows)?;
        drop(sizes);
        self.pieces(&args, slices)
    }
}

#[cfg(test)]
mod tests;
