//! Scan of hot batches: projects, and turns text into the view form that SQL sees, column by column
//! as a query asks for it.

use std::fmt;
use std::sync::Arc;

use arrow::compute::cast;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};
use futures::StreamExt;

use crate::event::schema::query_schema;
use crate::hot::HotBatch;

/// Rows that are worth a partition of their own.
const PARTITION_ROWS_MIN: usize = 65_536;

/// Reads hot batches.
#[derive(Debug)]
pub(crate) struct HotExec {
    partitions: Vec<Vec<Arc<HotBatch>>>,
    columns: Vec<usize>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl HotExec {
    /// Scan of `columns` (positions in the query schema) of `batches`.
    pub(crate) fn new(batches: &[Arc<HotBatch>], columns: Vec<usize>, threads: usize) -> Result<Self, DataFusionError> {
        let rows: usize = batches.iter().map(|batch| batch.rows.num_rows()).sum();
        let count = threads.min(rows / PARTITION_ROWS_MIN).min(batches.len()).max(1);
        let mut partitions = vec![Vec::new(); count];
        for (at, batch) in batches.iter().enumerate() {
            partitions[at % count].push(Arc::clone(batch));
        }
        let schema = Arc::new(query_schema().project(&columns)?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(count),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Ok(Self { partitions, columns, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() })
    }
}

/// `columns` of a hot batch as SQL sees them.
pub(crate) fn project(
    batch: &RecordBatch,
    columns: &[usize],
    schema: &SchemaRef,
) -> Result<RecordBatch, DataFusionError> {
    let arrays = columns.iter().zip(schema.fields()).map(|(&at, field)| {
        let array = batch.column(at);
        if array.data_type() == field.data_type() { Ok(Arc::clone(array)) } else { cast(array, field.data_type()) }
    });
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), arrays.collect::<Result<_, _>>()?, &options)?)
}

impl DisplayAs for HotExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let batches: usize = self.partitions.iter().map(Vec::len).sum();
        let names: Vec<_> =
            self.properties.eq_properties.schema().fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "HotExec: batches={batches}, projection=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for HotExec {
    fn name(&self) -> &'static str {
        "HotExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion, DataFusionError>,
    ) -> Result<TreeNodeRecursion, DataFusionError> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        Ok(self)
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let (schema, columns) = (self.schema(), self.columns.clone());
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let step = context.session_config().batch_size().max(1);
        let slices: Vec<_> = self.partitions[partition]
            .iter()
            .flat_map(|batch| (0..batch.rows.num_rows()).step_by(step).map(|from| (Arc::clone(batch), from)))
            .collect();
        let projected = Arc::clone(&schema);
        let stream = futures::stream::iter(slices).map(move |(batch, from)| {
            let timer = metrics.elapsed_compute().timer();
            let rows = batch.rows.slice(from, step.min(batch.rows.num_rows() - from));
            let batch = project(&rows, &columns, &projected);
            timer.done();
            batch.inspect(|batch| metrics.record_output(batch.num_rows()))
        });
        let stream = datafusion::physical_plan::coop::cooperative(RecordBatchStreamAdapter::new(schema, stream));
        Ok(Box::pin(stream))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>, DataFusionError> {
        let rows = |batches: &Vec<Arc<HotBatch>>| batches.iter().map(|batch| batch.rows.num_rows()).sum::<usize>();
        let count = match args.partition() {
            Some(at) => self.partitions.get(at).map_or(0, rows),
            None => self.partitions.iter().map(rows).sum(),
        };
        let mut statistics = Statistics::new_unknown(&self.schema());
        statistics.num_rows = Precision::Exact(count);
        Ok(Arc::new(statistics))
    }
}
