//! Newest or oldest first without a sort: a lazy merge of runs that are each in order already.
//!
//! A run is one file (its rows are stored newest first) or one hot batch (sorted when it is reached).
//! Runs wait, by the first `event_time` that they can have in the wanted order, and are opened only when
//! the merge gets there; a file is read in slices that grow, so that `LIMIT 100` decodes a page of the
//! first files and nothing of the others. Oldest first, slices go from the end of a file to its beginning,
//! and the rows of each are turned around. Conditions are tested while decoding. When they turn out to
//! match little, the next runs are read ahead on other threads.
//!
//! # Invariants
//! * Output is in the total order (`event_time`, `_seq`), both descending or both ascending.
//! * A run is opened before any row that can come behind its first is given out.

mod merge;
mod run;

use std::fmt;
use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, PhysicalSortExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};

use super::scan::ScanSpec;
use merge::Merge;
use run::Runs;

/// Name of the metric that counts rows out of the readers, before the merge.
pub(crate) const ROWS_DECODED: &str = "rows_decoded";
/// Name of the metric that counts files that were opened.
pub(crate) const FILES_OPENED: &str = "files_opened";
/// Metrics of the Parquet readers that would be counted twice.
const OWN_METRICS: [&str; 2] = ["output_rows", FILES_OPENED];

/// Counters of one execution.
#[derive(Debug, Clone)]
struct Counters {
    rows_decoded: Count,
    files_opened: Count,
    output_rows: Count,
}

/// Which rows come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Direction {
    /// `event_time DESC, _seq DESC`.
    NewestFirst,
    /// `event_time ASC, _seq ASC`.
    OldestFirst,
}

impl Direction {
    /// A rank that is higher for what comes first.
    fn rank(self, at: i64) -> i64 {
        match self {
            Self::NewestFirst => at,
            Self::OldestFirst => !at,
        }
    }
}

/// Reads `events` in the order of time, as one partition.
#[derive(Debug, Clone)]
pub(crate) struct TimeOrderExec {
    spec: Arc<ScanSpec>,
    runs: Arc<Runs>,
    fetch: Option<usize>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl TimeOrderExec {
    /// The scan of `spec` in `order`, which must be a form of `direction`.
    pub(crate) fn new(
        spec: Arc<ScanSpec>,
        order: &[PhysicalSortExpr],
        direction: Direction,
    ) -> Result<Self, DataFusionError> {
        let ordered = EquivalenceProperties::new_with_orderings(spec.schema()?, [order.to_vec()]);
        let properties = PlanProperties::new(
            ordered,
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        let runs = Arc::new(Runs::new(&spec, direction)?);
        Ok(Self { spec, runs, fetch: None, properties: Arc::new(properties), metrics: ExecutionPlanMetricsSet::new() })
    }

    /// Files and bytes of files that it reads, if it reads to the end.
    pub(crate) fn reads(&self) -> (u64, u64) {
        self.spec.reads()
    }
}

impl DisplayAs for TimeOrderExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files = &self.spec.files;
        write!(
            f,
            "TimeOrderExec: hot={}, files={}",
            self.spec.hot.batches.len(),
            files.inside.len() + files.edge.len()
        )?;
        if self.runs.direction == Direction::OldestFirst {
            write!(f, ", oldest first")?;
        }
        if let Some(fetch) = self.fetch {
            write!(f, ", fetch={fetch}")?;
        }
        let names: Vec<_> =
            self.properties.eq_properties.schema().fields().iter().map(|field| field.name().as_str()).collect();
        write!(f, ", projection=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for TimeOrderExec {
    fn name(&self) -> &'static str {
        "TimeOrderExec"
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
        _partition: usize,
        context: Arc<TaskContext>,
    ) -> Result<SendableRecordBatchStream, DataFusionError> {
        let counter = |name: &'static str| MetricBuilder::new(&self.metrics).global_counter(name);
        let counters = Counters {
            rows_decoded: counter(ROWS_DECODED),
            files_opened: counter(FILES_OPENED),
            output_rows: MetricBuilder::new(&self.metrics).output_rows(0),
        };
        let merge = Merge::new(Arc::clone(&self.runs), context, self.fetch, counters);
        let stream = futures::stream::try_unfold(merge, |mut merge| async move {
            Ok(merge.next_batch().await?.map(|batch| (batch, merge)))
        });
        let stream = RecordBatchStreamAdapter::new(self.schema(), Box::pin(stream));
        Ok(Box::pin(datafusion::physical_plan::coop::cooperative(stream)))
    }

    /// Its own counters, and those of the Parquet readers that it does not have itself.
    fn metrics(&self) -> Option<MetricsSet> {
        let mut all = self.metrics.clone_inner();
        for metric in self.runs.reader_metrics() {
            if !OWN_METRICS.contains(&metric.value().name()) {
                all.push(metric);
            }
        }
        Some(all)
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        Some(Arc::new(Self { fetch: limit, metrics: ExecutionPlanMetricsSet::new(), ..self.clone() }))
    }
}
