//! The first step of an aggregate, of which some results are known.
//!
//! Its partitions are those of the step over what is never kept (events that are not stored, files at the ends of
//! the time range), then one for each worker. A worker hands on its part of the kept results, then takes its files
//! one after the other, the largest first. Where that shows that the results are not worth their room, as with one
//! group for each row, the rest of its files is aggregated together, as it would have been without all this. No more
//! of a result is held than may be kept.

use std::fmt;
use std::sync::Arc;

use arrow::compute::concat_batches;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::EquivalenceProperties;
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, ExecutionPlanProperties};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::statistics::StatisticsArgs;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, Partitioning, PhysicalExpr, PlanProperties,
};
use futures::stream::BoxStream;
use futures::{Stream, StreamExt, TryStreamExt};

use super::key::PlanKey;
use super::store::{FileResult, Partials};
use crate::table::version::DataFile;

/// Name of the metric that counts files whose result was kept.
pub(crate) const FILES_KEPT: &str = "files_kept";
/// Files that one worker reads at once: what it waits for of one, it can compute of the other.
const AT_ONCE: usize = 2;
/// Kept results that become one batch.
const RESULTS_PER_BATCH: usize = 1_024;

type Batches = BoxStream<'static, Result<RecordBatch, DataFusionError>>;

/// The step over files whose results are not known.
#[derive(Debug)]
pub(super) struct Fresh {
    /// With a partition for each file.
    pub single: Arc<dyn ExecutionPlan>,
    /// With a partition for each worker: its files without the first.
    pub rests: Arc<dyn ExecutionPlan>,
    /// Files of each worker: positions in `files`.
    pub shares: Vec<Vec<usize>>,
    pub files: Vec<Arc<DataFile>>,
}

/// Where results are kept, of which plan, and how many files it has.
type Place = (Arc<Partials>, Arc<PlanKey>, usize);

/// The first step of an aggregate.
#[derive(Debug)]
pub(super) struct PartialsExec {
    rest: Option<Arc<dyn ExecutionPlan>>,
    known: Arc<[FileResult]>,
    fresh: Option<Arc<Fresh>>,
    place: Place,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl PartialsExec {
    /// `rest`, what is `known` and what is `fresh`, as one.
    pub(super) fn new(
        schema: SchemaRef,
        rest: Option<Arc<dyn ExecutionPlan>>,
        known: Vec<FileResult>,
        fresh: Option<Fresh>,
        place: Place,
    ) -> Self {
        let workers = workers_of(fresh.as_ref());
        let properties = PlanProperties::new(
            EquivalenceProperties::new(schema),
            Partitioning::UnknownPartitioning(partitions_of(rest.as_ref()) + workers),
            EmissionType::Final,
            Boundedness::Bounded,
        );
        Self {
            rest,
            known: known.into(),
            fresh: fresh.map(Arc::new),
            place,
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }

    /// The part of `worker` of the kept results, a few of them as one batch.
    fn known(&self, worker: usize) -> impl Stream<Item = Result<RecordBatch, DataFusionError>> + 'static {
        let workers = workers_of(self.fresh.as_deref());
        let (known, schema) = (Arc::clone(&self.known), self.schema());
        let count = known.len().div_ceil(RESULTS_PER_BATCH);
        let files = MetricBuilder::new(&self.metrics).counter(FILES_KEPT, worker);
        futures::stream::iter((worker..count).step_by(workers)).map(move |at| {
            let part = known.chunks(RESULTS_PER_BATCH).nth(at).unwrap_or_default();
            files.add(part.len());
            let batches: Vec<_> = part.iter().flat_map(|result| result.batches.iter()).collect();
            Ok(concat_batches(&schema, batches)?)
        })
    }

    /// What `worker` aggregates.
    fn fresh(&self, worker: usize, context: Arc<TaskContext>) -> Batches {
        let Some(fresh) = &self.fresh else { return futures::stream::empty().boxed() };
        let Some((&first, others)) = fresh.shares.get(worker).and_then(|share| share.split_first()) else {
            return futures::stream::empty().boxed();
        };
        let (others, fresh, place) = (others.to_vec(), Arc::clone(fresh), self.place.clone());
        let batches = async move {
            let (partials, plan, files) = &place;
            let (result, more) = fresh.result(first, &context, partials.plan_max() / files).await?;
            let rest = match more {
                None => {
                    partials.insert(plan, &fresh.files[first].location, &result);
                    fresh.results(others, place, context)
                }
                Some(more) => {
                    partials.give_up(plan);
                    more.chain(fresh.rests.execute(worker, context)?).boxed()
                }
            };
            Ok::<_, DataFusionError>(all_of(&result).chain(rest))
        };
        futures::stream::once(batches).try_flatten().boxed()
    }
}

impl Fresh {
    /// The result of the file at `at`; of one that is larger than `bytes_max` only the beginning, and what is to come.
    async fn result(
        &self,
        at: usize,
        context: &Arc<TaskContext>,
        bytes_max: usize,
    ) -> Result<(FileResult, Option<SendableRecordBatchStream>), DataFusionError> {
        let mut stream = self.single.execute(at, Arc::clone(context))?;
        let (mut batches, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = stream.try_next().await? {
            bytes += batch.get_array_memory_size();
            batches.push(batch);
            if bytes > bytes_max {
                return Ok((FileResult { batches: batches.into(), bytes }, Some(stream)));
            }
        }
        Ok((FileResult { batches: batches.into(), bytes }, None))
    }

    /// The results of the files at `others`, each kept.
    fn results(self: Arc<Self>, others: Vec<usize>, place: Place, context: Arc<TaskContext>) -> Batches {
        let results = futures::stream::iter(others).map(move |at| {
            let (fresh, place, context) = (Arc::clone(&self), place.clone(), Arc::clone(&context));
            async move {
                let (partials, plan, _) = place;
                let (result, more) = fresh.result(at, &context, partials.plan_max()).await?;
                match &more {
                    None => partials.insert(&plan, &fresh.files[at].location, &result),
                    Some(_) => partials.give_up(&plan),
                }
                Ok::<_, DataFusionError>(all_of(&result).chain(futures::stream::iter(more).flatten()))
            }
        });
        results.buffered(AT_ONCE).try_flatten().boxed()
    }
}

fn all_of(result: &FileResult) -> impl Stream<Item = Result<RecordBatch, DataFusionError>> + use<> {
    let batches = Arc::clone(&result.batches);
    futures::stream::iter((0..batches.len()).map(move |at| Ok(batches[at].clone())))
}

/// One hands on what is known where nothing is left to be read.
fn workers_of(fresh: Option<&Fresh>) -> usize {
    fresh.map_or(1, |fresh| fresh.shares.len())
}

fn partitions_of(plan: Option<&Arc<dyn ExecutionPlan>>) -> usize {
    plan.map_or(0, |plan| plan.output_partitioning().partition_count())
}

impl DisplayAs for PartialsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fresh = self.fresh.as_ref().map_or(0, |fresh| fresh.files.len());
        write!(f, "PartialsExec: files_kept={}, files={fresh}", self.known.len())
    }
}

impl ExecutionPlan for PartialsExec {
    fn name(&self) -> &'static str {
        "PartialsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        // What reads single files and what reads the others count in the same place.
        self.rest.iter().chain(self.fresh.iter().map(|fresh| &fresh.single)).collect()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion, DataFusionError>,
    ) -> Result<TreeNodeRecursion, DataFusionError> {
        Ok(TreeNodeRecursion::Continue)
    }

    /// It is put into a plan that is done.
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
        let rests = partitions_of(self.rest.as_ref());
        if let Some(rest) = self.rest.as_ref().filter(|_| partition < rests) {
            return rest.execute(partition, context);
        }
        let worker = partition - rests;
        let batches = self.known(worker).chain(self.fresh(worker, context));
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), batches)))
    }

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
}
