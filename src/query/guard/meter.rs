//! Meters below operators that do not look at what they do to memory.
//!
//! A window operator holds its whole input without telling the pool. Joins and unnesting repeat a row as
//! often as it is needed, a batch at a time, however long its values are; and they look at all pairs
//! that a batch makes without letting go of their thread.

use std::fmt;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Statistics};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryLimit, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, Distribution, ExecutionPlan, InputDistributionRequirements, PhysicalExpr,
    PlanProperties,
};
use futures::StreamExt;

use super::bounded::sizes::{longest, widest};
use super::pool::out_of_memory;
use super::slices::Slices;
use crate::config::ByteCount;
use crate::query::error::QueryError;

/// What is metered.
#[derive(Debug, Clone)]
pub(super) enum Meter {
    /// The memory of all rows stays reserved until the operator above ends.
    Held {
        /// What the operator itself keeps of each row, which may have no columns.
        row_bytes: usize,
    },
    /// No value of these expressions, which the operator puts beside every row, may be longer.
    Arguments {
        /// The expressions.
        exprs: Vec<Arc<dyn PhysicalExpr>>,
        /// Longest value.
        bytes_max: u64,
    },
    /// No value of these columns may be longer than so many bytes.
    Narrow {
        /// Positions of the columns.
        columns: Vec<usize>,
        /// Longest value.
        bytes_max: u64,
        /// The operator that repeats them.
        operator: &'static str,
    },
    /// The operator above must not run its input again when it runs out of memory.
    Once,
    /// The operator above may take long for a batch and cannot be stopped meanwhile: it gets [`Slices`].
    Time,
}

/// Yields its input under a meter.
#[derive(Debug)]
pub(super) struct MeterExec {
    input: Arc<dyn ExecutionPlan>,
    meter: Meter,
}

impl MeterExec {
    pub(super) fn new(input: Arc<dyn ExecutionPlan>, meter: Meter) -> Self {
        Self { input, meter }
    }
}

impl Meter {
    fn pass(&self, batch: &RecordBatch, held: &MemoryReservation) -> Result<(), DataFusionError> {
        match self {
            Self::Held { row_bytes } => held.try_grow(batch.get_array_memory_size() + batch.num_rows() * row_bytes),
            Self::Narrow { columns, bytes_max, operator } => {
                let widest = columns.iter().map(|&at| widest(batch.column(at))).max().unwrap_or(0);
                repeated(operator, widest, *bytes_max)
            }
            Self::Arguments { exprs, bytes_max } => {
                for expr in exprs {
                    let values = expr.evaluate(batch)?.into_array(batch.num_rows())?;
                    repeated("a window function", longest(&values), *bytes_max)?;
                }
                Ok(())
            }
            Self::Time | Self::Once => Ok(()),
        }
    }
}

/// Refuses a value that is too long to stand beside every row.
fn repeated(operator: &str, size: u64, bytes_max: u64) -> Result<(), DataFusionError> {
    if size <= bytes_max {
        return Ok(());
    }
    Err(DataFusionError::External(Box::new(QueryError::ValueTooLarge {
        function: operator.to_owned(),
        size,
        limit: ByteCount(bytes_max),
        unit: "row that it repeats",
    })))
}

impl DisplayAs for MeterExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MeterExec")
    }
}

impl ExecutionPlan for MeterExec {
    fn name(&self) -> &'static str {
        "MeterExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false]
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::UnspecifiedDistribution])
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion, DataFusionError>,
    ) -> Result<TreeNodeRecursion, DataFusionError> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        match children.pop() {
            Some(input) if children.is_empty() => Ok(Arc::new(Self { input, meter: self.meter.clone() })),
            _ => Err(DataFusionError::Internal("MeterExec has one child".into())),
        }
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let held = MemoryConsumer::new("rows of a window").register(context.memory_pool());
        let meter = self.meter.clone();
        let input = self.input.execute(partition, Arc::clone(&context))?;
        let schema = input.schema();
        if matches!(meter, Meter::Time) {
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, Slices::new(input))));
        }
        // The reservation lives in the stream, which the operator above keeps until its own end.
        let limit = context.memory_pool().memory_limit();
        let counted = input.map(move |batch| {
            let batch = batch.map_err(|error| match (&meter, &limit, error.find_root()) {
                (Meter::Once, MemoryLimit::Finite(limit), DataFusionError::ResourcesExhausted(_)) => {
                    out_of_memory(*limit)
                }
                _ => error,
            })?;
            meter.pass(&batch, &held)?;
            Ok(batch)
        });
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, counted)))
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>, DataFusionError> {
        Ok(Arc::clone(&inputs[0]))
    }
}
