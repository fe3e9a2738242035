//! The fence in a physical plan: a leaf to everything above, a whole scan inside.
//!
//! The planner's rules walk children, and `EXPLAIN` prints them. This node has none: its inner plan is
//! optimised here, by the two rules that matter to a scan, and never seen outside. Only the order
//! newest first is let through, since it is a property of the table and not of its rows.

use std::fmt;
use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, Statistics};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalSortExpr};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ExecutionPlanProperties, SchedulingType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties, SortOrderPushdownResult,
};
use futures::{StreamExt, TryStreamExt};

/// A scan of visible rows.
#[derive(Debug)]
pub(crate) struct RestrictedExec {
    /// The scan as the table made it: what an order is asked of.
    scan: Arc<dyn ExecutionPlan>,
    /// What is run.
    inner: Arc<dyn ExecutionPlan>,
    /// Whether it yields rows newest first, and how many at most.
    newest_first: Option<Fetch>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

/// Most rows that are wanted.
type Fetch = Option<usize>;

impl RestrictedExec {
    /// `scan` behind the fence, in exactly `partitions` partitions.
    pub(crate) fn new(
        scan: Arc<dyn ExecutionPlan>,
        partitions: usize,
        options: &ConfigOptions,
    ) -> Result<Self, DataFusionError> {
        let inner = FilterPushdown::new().optimize(Arc::clone(&scan), options)?;
        let inner = spread(inner, partitions, options)?;
        let properties = PlanProperties::new(
            EquivalenceProperties::new(scan.schema()),
            Partitioning::UnknownPartitioning(partitions.max(1)),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self::behind(scan, inner, None, properties))
    }

    /// `ordered`, which yields the rows of `scan` newest first in one partition.
    fn newest_first(scan: &Arc<dyn ExecutionPlan>, ordered: Arc<dyn ExecutionPlan>, fetch: Fetch) -> Self {
        let properties = PlanProperties::new(
            ordered.equivalence_properties().clone(),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Self::behind(Arc::clone(scan), ordered, Some(fetch), properties)
    }

    fn behind(
        scan: Arc<dyn ExecutionPlan>,
        inner: Arc<dyn ExecutionPlan>,
        newest_first: Option<Fetch>,
        properties: PlanProperties,
    ) -> Self {
        // The readers inside give way by themselves.
        let properties = Arc::new(properties.with_scheduling_type(SchedulingType::Cooperative));
        Self { scan, inner, newest_first, properties, metrics: ExecutionPlanMetricsSet::new() }
    }

    /// What is run, for those who count its cost.
    pub(crate) fn inner(&self) -> &Arc<dyn ExecutionPlan> {
        &self.inner
    }
}

/// Large files are read by several threads.
fn spread(
    plan: Arc<dyn ExecutionPlan>,
    partitions: usize,
    options: &ConfigOptions,
) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let spread = plan.transform_up(|node| {
        if node.downcast_ref::<DataSourceExec>().is_none() {
            return Ok(Transformed::no(node));
        }
        Ok(match node.repartitioned(partitions, options)? {
            Some(spread) => Transformed::yes(spread),
            None => Transformed::no(node),
        })
    })?;
    Ok(spread.data)
}

impl DisplayAs for RestrictedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let schema = self.schema();
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, "RestrictedExec: projection=[{}]", names.join(", "))?;
        match self.fetch() {
            Some(fetch) => write!(f, ", fetch={fetch}"),
            None => Ok(()),
        }
    }
}

impl ExecutionPlan for RestrictedExec {
    fn name(&self) -> &'static str {
        "RestrictedExec"
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
        let (ours, theirs) = (
            self.properties.output_partitioning().partition_count(),
            self.inner.output_partitioning().partition_count(),
        );
        let parts = (partition..theirs).step_by(ours).map(|at| self.inner.execute(at, Arc::clone(&context)));
        let parts = parts.collect::<Result<Vec<_>, _>>()?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let rows = futures::stream::iter(parts).flatten();
        let rows = rows.inspect_ok(move |batch| metrics.record_output(batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), rows)))
    }

    /// Visible rows only; what the readers inside counted stays inside.
    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn statistics_from_inputs(
        &self,
        _inputs: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>, DataFusionError> {
        Ok(Arc::new(Statistics::new_unknown(&self.schema())))
    }

    fn fetch(&self) -> Option<usize> {
        self.newest_first.flatten()
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        self.newest_first?;
        let inner = self.inner.with_fetch(limit)?;
        Some(Arc::new(Self::newest_first(&self.scan, inner, limit)))
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
    ) -> Result<SortOrderPushdownResult<Arc<dyn ExecutionPlan>>, DataFusionError> {
        Ok(match self.scan.try_pushdown_sort(order)? {
            SortOrderPushdownResult::Exact { inner } => {
                SortOrderPushdownResult::Exact { inner: Arc::new(Self::newest_first(&self.scan, inner, None)) }
            }
            _ => SortOrderPushdownResult::Unsupported,
        })
    }
}
