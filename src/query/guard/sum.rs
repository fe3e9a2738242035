//! `sum` of 64-bit integers that does not wrap: an answer that no 64-bit integer holds is an error, since a wrong
//! total is worse than none.
//!
//! Sums are kept in 128 bits, so that only the result matters, not the order in which values come: where a
//! part of the sum is out of range and the whole is not, the whole is told. All other types, and `DISTINCT`, are
//! left to the engine below.

use std::marker::PhantomData;
use std::mem::size_of;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Decimal128Array, PrimitiveArray};
use arrow::datatypes::{DataType, Decimal128Type, Field, FieldRef, Int64Type, UInt64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature,
};

/// Type of a sum that is not finished: 38 digits are more than 2⁶³ values of 64 bits can reach.
const STATE: DataType = DataType::Decimal128(38, 0);

/// `sum`, checked for 64-bit integers.
pub(super) fn checked(inner: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(Sum { inner }))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Sum {
    inner: Arc<AggregateUDF>,
}

fn is_checked(data_type: &DataType, distinct: bool) -> bool {
    !distinct && matches!(data_type, DataType::Int64 | DataType::UInt64)
}

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match args.return_field.data_type() {
            DataType::Int64 if !args.is_distinct => Ok(Box::new(Total::<Int64Type>::default())),
            DataType::UInt64 if !args.is_distinct => Ok(Box::new(Total::<UInt64Type>::default())),
            _ => self.inner.accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if is_checked(args.return_field.data_type(), args.is_distinct) {
            return self.accumulator(args);
        }
        self.inner.create_sliding_accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if is_checked(args.return_type(), args.is_distinct) {
            return Ok(vec![Arc::new(Field::new(format_state_name(args.name, "sum"), STATE, true))]);
        }
        self.inner.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        match args.return_field.data_type() {
            DataType::Int64 if !args.is_distinct => Ok(Box::new(Totals::<Int64Type>::default())),
            DataType::UInt64 if !args.is_distinct => Ok(Box::new(Totals::<UInt64Type>::default())),
            _ => self.inner.create_groups_accumulator(args),
        }
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// A type whose values fit 128 bits.
trait Integer: ArrowPrimitiveType + Send + std::fmt::Debug
where
    i128: From<Self::Native>,
    Self::Native: TryFrom<i128>,
{
    /// The value of a sum.
    fn result(sum: i128) -> Result<Self::Native> {
        Self::Native::try_from(sum).map_err(|_| {
            DataFusionError::Execution(format!(
                "the sum {sum} is beyond {}: cast what is summed to a wider type, as in sum(CAST(x AS DECIMAL(38, 0)))",
                Self::DATA_TYPE
            ))
        })
    }
}

impl Integer for Int64Type {}
impl Integer for UInt64Type {}

/// One sum.
#[derive(Debug)]
struct Total<T> {
    sum: i128,
    /// Values in it that are no NULL.
    values: u64,
    of: PhantomData<fn() -> T>,
}

impl<T> Default for Total<T> {
    fn default() -> Self {
        Self { sum: 0, values: 0, of: PhantomData }
    }
}

/// Sum of an array's values, and how many are no NULL.
fn sum_of<T: Integer>(array: &PrimitiveArray<T>) -> (i128, u64)
where
    i128: From<T::Native>,
    T::Native: TryFrom<i128>,
{
    let values = (array.len() - array.null_count()) as u64;
    if array.null_count() == 0 {
        return (array.values().iter().map(|value| i128::from(*value)).sum(), values);
    }
    (array.iter().flatten().map(i128::from).sum(), values)
}

impl<T: Integer> Accumulator for Total<T>
where
    i128: From<T::Native>,
    T::Native: TryFrom<i128>,
{
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = sum_of(values[0].as_primitive::<T>());
        self.sum += sum;
        self.values += count;
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let (sum, count) = sum_of(values[0].as_primitive::<T>());
        self.sum -= sum;
        self.values -= count;
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = (self.values > 0).then(|| T::result(self.sum)).transpose()?;
        ScalarValue::new_primitive::<T>(sum, &T::DATA_TYPE)
    }

    fn size(&self) -> usize {
        size_of::<Self>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Decimal128((self.values > 0).then_some(self.sum), 38, 0)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for sum in states[0].as_primitive::<Decimal128Type>().iter().flatten() {
            self.sum += sum;
            self.values += 1;
        }
        Ok(())
    }
}

/// A sum of each group; `None` where no value came yet.
#[derive(Debug)]
struct Totals<T> {
    sums: Vec<Option<i128>>,
    of: PhantomData<fn() -> T>,
}

impl<T> Default for Totals<T> {
    fn default() -> Self {
        Self { sums: Vec::new(), of: PhantomData }
    }
}

impl<T> Totals<T> {
    fn add(&mut self, groups: &[usize], total: usize, values: impl Iterator<Item = Option<i128>>) {
        self.sums.resize(total, None);
        for (group, value) in groups.iter().zip(values) {
            if let Some(value) = value {
                let sum = &mut self.sums[*group];
                *sum = Some(sum.unwrap_or(0) + value);
            }
        }
    }
}

/// Whether the filter lets each row pass.
fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

impl<T: Integer> GroupsAccumulator for Totals<T>
where
    i128: From<T::Native>,
    T::Native: TryFrom<i128>,
{
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let array = values[0].as_primitive::<T>();
        if filter.is_none() && array.null_count() == 0 {
            self.add(groups, total, array.values().iter().map(|value| Some(i128::from(*value))));
        } else {
            let passed =
                |(row, value): (usize, Option<T::Native>)| value.filter(|_| passes(filter, row)).map(i128::from);
            self.add(groups, total, array.iter().enumerate().map(passed));
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = emit_to.take_needed(&mut self.sums).into_iter();
        let results = sums.map(|sum| sum.map(T::result).transpose()).collect::<Result<Vec<_>>>()?;
        Ok(Arc::new(PrimitiveArray::<T>::from_iter(results)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        states(emit_to.take_needed(&mut self.sums))
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        self.add(groups, total, states[0].as_primitive::<Decimal128Type>().iter());
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let values = values[0].as_primitive::<T>().iter().enumerate();
        states(values.map(|(row, value)| value.filter(|_| passes(filter, row)).map(i128::from)).collect())
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<Option<i128>>()
    }
}

fn states(sums: Vec<Option<i128>>) -> Result<Vec<ArrayRef>> {
    Ok(vec![Arc::new(Decimal128Array::from(sums).with_data_type(STATE))])
}
