//! Scan of hot batches: projects, and turns text into the view form that SQL sees, column by column
//! as a query asks for it.
//!
//! What a scan does not look at it does not hold: long after the events are stored, and gone from memory otherwise, a
//! query may still be running.

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

use super::filters::{Filters, TimeRange};
use super::stored::with_columns_of;
use crate::event::schema::{EVENT_TIME_AT, SEQ_AT, query_schema};
use crate::hot::HotBatch;

/// Rows that are worth a partition of their own.
const PARTITION_ROWS_MIN: usize = 65_536;

/// Hot rows of one scan, in the columns that it may look at.
#[derive(Debug, Clone)]
pub(crate) struct HotRows {
    pub(crate) batches: Vec<Arc<HotPart>>,
    /// Which columns those are: positions in the query schema.
    columns: Vec<usize>,
}

/// Those of one hot batch.
#[derive(Debug)]
pub(crate) struct HotPart {
    pub(crate) rows: RecordBatch,
    /// Earliest and latest `event_time` of the batch, µs.
    pub(crate) time_min: i64,
    pub(crate) time_max: i64,
}

impl HotRows {
    /// Rows of those `batches` that may match `filters`, for a scan that yields `columns`.
    pub(crate) fn of(batches: &[Arc<HotBatch>], columns: &[usize], filters: &Filters) -> Result<Self, DataFusionError> {
        let may_match = |batch: &&Arc<HotBatch>| {
            let times = TimeRange { from: batch.time_min, to: batch.time_max };
            batch.rows.num_rows() > 0 && filters.time.is_none_or(|range| range.overlaps(times))
        };
        let mut columns = with_columns_of(&with_columns_of(columns, &filters.for_rows(false)), &filters.partition);
        columns.extend([EVENT_TIME_AT, SEQ_AT]);
        columns.sort_unstable();
        columns.dedup();
        let part = |batch: &Arc<HotBatch>| {
            let rows = batch.rows.project(&columns)?;
            Ok(Arc::new(HotPart { rows, time_min: batch.time_min, time_max: batch.time_max }))
        };
        let batches = batches.iter().filter(may_match).map(part).collect::<Result<_, DataFusionError>>()?;
        Ok(Self { batches, columns })
    }

    /// Where `columns` (positions in the query schema) are in the rows.
    pub(crate) fn places(&self, columns: &[usize]) -> Result<Vec<usize>, DataFusionError> {
        let place = |column: &usize| {
            let missing = || DataFusionError::Internal(format!("a scan looks at column {column} and does not hold it"));
            self.columns.binary_search(column).map_err(|_| missing())
        };
        columns.iter().map(place).collect()
    }
}

/// Reads hot rows.
#[derive(Debug)]
pub(crate) struct HotExec {
    partitions: Vec<Vec<Arc<HotPart>>>,
    /// Columns of the rows that it yields.
    places: Vec<usize>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl HotExec {
    /// Scan of `columns` (positions in the query schema) of `hot`.
    pub(crate) fn new(hot: &HotRows, columns: &[usize], threads: usize) -> Result<Self, DataFusionError> {
        let batches = &hot.batches;
        let rows: usize = batches.iter().map(|batch| batch.rows.num_rows()).sum();
        let count = threads.min(rows / PARTITION_ROWS_MIN).min(batches.len()).max(1);
        let mut partitions = vec![Vec::new(); count];
        for (at, batch) in batches.iter().enumerate() {
            partitions[at % count].push(Arc::clone(batch));
        }
        let schema = Arc::new(query_schema().project(columns)?);
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(count),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        let (places, metrics) = (hot.places(columns)?, ExecutionPlanMetricsSet::new());
        Ok(Self { partitions, places, properties: Arc::new(properties), metrics })
    }
}

/// The columns at `places` of hot rows as SQL sees them.
pub(crate) fn project(
    batch: &RecordBatch,
    places: &[usize],
    schema: &SchemaRef,
) -> Result<RecordBatch, DataFusionError> {
    let arrays = places.iter().zip(schema.fields()).map(|(&at, field)| {
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
        let (schema, places) = (self.schema(), self.places.clone());
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
            let batch = project(&rows, &places, &projected);
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
        let rows = |batches: &Vec<Arc<HotPart>>| batches.iter().map(|batch| batch.rows.num_rows()).sum::<usize>();
        let count = match args.partition() {
            Some(at) => self.partitions.get(at).map_or(0, rows),
            None => self.partitions.iter().map(rows).sum(),
        };
        let mut statistics = Statistics::new_unknown(&self.schema());
        statistics.num_rows = Precision::Exact(count);
        Ok(Arc::new(statistics))
    }
}
