//! The scan of `events`: hot batches and stored files of one snapshot as one plan node.
//!
//! [`EventsExec`] passes the partitions of its children on, as a union does. It exists because it
//! remembers what it was made of: asked for the newest or oldest rows first, it becomes a
//! [`TimeOrderExec`], which reads the same rows as one lazy merge.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::config::ConfigOptions;
use datafusion::common::stats::NdvFallback;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Statistics};
use datafusion::datasource::source::DataSourceExec;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::utils::reassign_expr_columns;
use datafusion::physical_expr::{EquivalenceProperties, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ExecutionPlanProperties};
use datafusion::physical_plan::expressions::Column;
use datafusion::physical_plan::filter::FilterExecBuilder;
use datafusion::physical_plan::filter_pushdown::{FilterDescription, FilterPushdownPhase};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties, SortOrderPushdownResult,
};

use super::filters::Filters;
use super::hot::{HotExec, HotRows};
use super::prune::{Selected, all_of};
use super::runtime::Runtime;
use super::stored::{self, Decoding};
use super::time_order::{Direction, TimeOrderExec};
use crate::event::schema::{DATE, EVENT_TIME_AT, SEQ_AT, query_schema};

/// What one scan reads and how.
#[derive(Debug, Clone)]
pub(crate) struct ScanSpec {
    pub runtime: Arc<Runtime>,
    pub options: Arc<ConfigOptions>,
    /// Positions in the query schema of what it yields.
    pub columns: Vec<usize>,
    pub filters: Filters,
    /// Hot rows that may match.
    pub hot: HotRows,
    /// Files that may hold matching rows.
    pub files: Selected,
}

impl ScanSpec {
    /// Schema of what the scan yields.
    pub(crate) fn schema(&self) -> Result<SchemaRef, DataFusionError> {
        Ok(Arc::new(query_schema().project(&self.columns)?))
    }

    /// Conditions for hot rows; those on `date` and `module` have no file list to answer them.
    pub(crate) fn hot_conditions(&self) -> Vec<Arc<dyn PhysicalExpr>> {
        let inside = self.filters.time.is_none_or(|range| {
            self.hot.batches.iter().all(|batch| range.from <= batch.time_min && batch.time_max <= range.to)
        });
        let mut conditions = self.filters.for_rows(inside);
        conditions.extend(self.filters.partition.iter().cloned());
        conditions
    }

    /// Files and their bytes.
    pub(crate) fn reads(&self) -> (u64, u64) {
        let files = self.files.inside.iter().chain(&self.files.edge);
        files.fold((0, 0), |(count, bytes), file| (count + 1, bytes + file.size))
    }

    fn hot_child(&self) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let conditions = self.hot_conditions();
        let columns = stored::with_columns_of(&self.columns, &conditions);
        let scan = Arc::new(HotExec::new(&self.hot, &columns, self.runtime.threads())?);
        filtered(scan, &conditions, self.columns.len())
    }

    fn stored_child(&self, inside: bool) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let files = if inside { &self.files.inside } else { &self.files.edge };
        let schema = query_schema();
        let names: Vec<&str> = self.columns.iter().map(|&at| schema.field(at).name().as_str()).collect();
        let decoding = if self.filters.decode_late(&names) { Decoding::Late } else { Decoding::Plain };
        let conditions = self.filters.for_rows(inside);
        let scan = stored::scan(&self.runtime, &self.columns, &conditions, decoding, &self.options)?;
        let config = stored::with_files(scan.config, files, self.runtime.threads());
        filtered(DataSourceExec::from_data_source(config), &scan.rest, self.columns.len())
    }
}

/// `input` under `conditions` (over the query schema), cut to its first `keep` columns.
fn filtered(
    input: Arc<dyn ExecutionPlan>,
    conditions: &[Arc<dyn PhysicalExpr>],
    keep: usize,
) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let Some(condition) = all_of(conditions) else { return Ok(input) };
    let schema = input.schema();
    let projection = (keep < schema.fields().len()).then(|| (0..keep).collect());
    let filter = FilterExecBuilder::new(reassign_expr_columns(condition, &schema)?, input);
    Ok(Arc::new(filter.apply_projection(projection)?.build()?))
}

/// The scan of `events`: its children's partitions, one after the other.
#[derive(Debug)]
pub(crate) struct EventsExec {
    spec: Arc<ScanSpec>,
    children: Vec<Arc<dyn ExecutionPlan>>,
    properties: Arc<PlanProperties>,
}

impl EventsExec {
    /// The plan of a scan.
    pub(crate) fn new(spec: ScanSpec) -> Result<Self, DataFusionError> {
        let mut children = Vec::with_capacity(3);
        if !spec.hot.batches.is_empty() {
            children.push(spec.hot_child()?);
        }
        if !spec.files.inside.is_empty() {
            children.push(spec.stored_child(true)?);
        }
        if !spec.files.edge.is_empty() {
            children.push(spec.stored_child(false)?);
        }
        Self::of(Arc::new(spec), children)
    }

    /// Whether nothing can match, so that it reads nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.children.is_empty()
    }

    fn of(spec: Arc<ScanSpec>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Self, DataFusionError> {
        let partitions = children.iter().map(|child| child.output_partitioning().partition_count()).sum();
        let properties = PlanProperties::new(
            EquivalenceProperties::new(spec.schema()?),
            Partitioning::UnknownPartitioning(partitions),
            EmissionType::Incremental,
            Boundedness::Bounded,
        );
        Ok(Self { spec, children, properties: Arc::new(properties) })
    }

    /// Files and bytes of files that it reads.
    pub(crate) fn reads(&self) -> (u64, u64) {
        self.spec.reads()
    }

    /// What it was made of.
    pub(crate) fn spec(&self) -> &ScanSpec {
        &self.spec
    }

    /// The child that reads files inside of the time range.
    pub(crate) fn inside(&self) -> Option<&Arc<dyn ExecutionPlan>> {
        let at = usize::from(!self.spec.hot.batches.is_empty());
        self.children.get(at).filter(|_| !self.spec.files.inside.is_empty())
    }

    /// The scan of all others; `None` where there are none.
    pub(crate) fn without_inside(&self) -> Result<Option<Self>, DataFusionError> {
        let files = Selected { inside: Vec::new(), edge: self.spec.files.edge.clone() };
        let others =
            self.children.iter().filter(|child| self.inside().is_none_or(|inside| !Arc::ptr_eq(inside, child)));
        let children: Vec<_> = others.cloned().collect();
        if children.is_empty() {
            return Ok(None);
        }
        Self::of(Arc::new(ScanSpec { files, ..self.spec.as_ref().clone() }), children).map(Some)
    }

    /// The child that has output partition `at`, and its number there.
    fn owner(&self, mut at: usize) -> Option<(usize, usize)> {
        for (child, plan) in self.children.iter().enumerate() {
            let count = plan.output_partitioning().partition_count();
            if at < count {
                return Some((child, at));
            }
            at -= count;
        }
        None
    }

    /// The direction in which `order` goes through time: `event_time`, then `_seq`, both the same way.
    ///
    /// `date` before them, the same way, changes nothing, as it is the date of `event_time`.
    fn direction(order: &[PhysicalSortExpr]) -> Option<Direction> {
        let schema = query_schema();
        let descending = order.first()?.options.descending;
        let mut wanted = [EVENT_TIME_AT, SEQ_AT].into_iter().map(|at| schema.field(at).name());
        let mut timed = false;
        for sort in order {
            let column = sort.expr.downcast_ref::<Column>().filter(|_| sort.options.descending == descending)?;
            if column.name() != DATE {
                timed = true;
                wanted.next().filter(|name| *name == column.name())?;
            }
        }
        let direction = if descending { Direction::NewestFirst } else { Direction::OldestFirst };
        timed.then_some(direction)
    }
}

impl DisplayAs for EventsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = &self.spec.files;
        write!(f, "EventsExec: hot={}, files={}", self.spec.hot.batches.len(), files.inside.len() + files.edge.len())
    }
}

impl ExecutionPlan for EventsExec {
    fn name(&self) -> &'static str {
        "EventsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.children.iter().collect()
    }

    fn benefits_from_input_partitioning(&self) -> Vec<bool> {
        vec![false; self.children.len()]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion, DataFusionError>,
    ) -> Result<TreeNodeRecursion, DataFusionError> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        Ok(Arc::new(Self::of(Arc::clone(&self.spec), children)?))
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        match self.owner(partition) {
            Some((child, at)) => self.children[child].execute(at, context),
            None => Err(DataFusionError::Internal(format!("the scan has no partition {partition}"))),
        }
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        let Some(partition) = partition else { return vec![ChildStats::At(None); self.children.len()] };
        let owner = self.owner(partition);
        let request = |child| match owner {
            Some((owner, at)) if owner == child => ChildStats::At(Some(at)),
            _ => ChildStats::Skip,
        };
        (0..self.children.len()).map(request).collect()
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>, DataFusionError> {
        match args.partition() {
            Some(partition) => match self.owner(partition) {
                Some((child, _)) => Ok(Arc::clone(&inputs[child])),
                None => Ok(Arc::new(Statistics::new_unknown(&self.schema()))),
            },
            None => {
                let all = inputs.iter().map(AsRef::as_ref);
                let merged = Statistics::try_merge_iter_with_ndv_fallback(all, &self.schema(), NdvFallback::Sum)?;
                Ok(Arc::new(merged))
            }
        }
    }

    fn supports_limit_pushdown(&self) -> bool {
        true
    }

    /// Conditions that become known while a query runs go on to the files. Those known before were
    /// taken by the scan already; others of that phase stay above.
    fn gather_filters_for_pushdown(
        &self,
        phase: FilterPushdownPhase,
        parent_filters: Vec<Arc<dyn PhysicalExpr>>,
        _config: &ConfigOptions,
    ) -> Result<FilterDescription, DataFusionError> {
        match phase {
            FilterPushdownPhase::Pre => Ok(FilterDescription::all_unsupported(&parent_filters, &self.children())),
            FilterPushdownPhase::Post => FilterDescription::from_children(parent_filters, &self.children()),
        }
    }

    fn try_pushdown_sort(
        &self,
        order: &[PhysicalSortExpr],
    ) -> Result<SortOrderPushdownResult<Arc<dyn ExecutionPlan>>, DataFusionError> {
        let files = &self.spec.files;
        let ordered = files.inside.iter().chain(&files.edge).all(|file| file.ordered);
        let Some(direction) = Self::direction(order).filter(|_| ordered) else {
            return Ok(SortOrderPushdownResult::Unsupported);
        };
        let inner = TimeOrderExec::new(Arc::clone(&self.spec), order, direction)?;
        Ok(SortOrderPushdownResult::Exact { inner: Arc::new(inner) })
    }
}
