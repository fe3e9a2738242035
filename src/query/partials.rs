//! Partial aggregates of files, kept for the next time the same is asked.
//!
//! A stored file never changes, and most files of a dashboard's query are those of its last refresh. Where a plan
//! aggregates the scan of `events` in two steps, the first of them, over one file, depends on that file and the
//! plan alone; so its result (the groups of the file, with what is known of each) is kept, and the next run of the
//! same plan reads only files that it has not seen, events that are not stored, and files that reach over an end
//! of the time range. What the ends are is no part of the plan for the others, so that a range that moves with the
//! clock is the same plan.
//!
//! ```text
//!                 FinalPartitioned
//!                        |
//!                   PartialsExec ---- kept results (`store`)
//!                    /        \
//!      Partial over hot        Partial over each
//!      and edge files          file without one
//! ```
//!
//! # Invariants
//! * What is kept of a file is what the first step yields for its rows, whoever asks: nothing is kept of plans
//!   whose result could differ from run to run, nor of restricted readers, whose scans are fenced off.
//! * A plan is run as it is the first time; only one that comes back is worth keeping.
//! * A result is kept whole or not at all.

mod exec;
mod key;
mod store;

use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::DynamicFilterTracking;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, ExecutionPlan, ExecutionPlanProperties, InputOrderMode, ReplaceChildrenOptions,
};

use super::scan::EventsExec;
use super::stored::{group, shares};
use crate::event::names::ProjectName;
use crate::table::version::DataFile;
pub(crate) use exec::FILES_KEPT;
use exec::{Fresh, PartialsExec};
use key::PlanKey;
pub(crate) use store::Partials;
use store::Seen;

type Plan = Arc<dyn ExecutionPlan>;

/// `plan` with first steps of aggregates over `events` that make use of what was kept of earlier runs.
///
/// # Errors
/// The planner's.
pub(crate) fn keep(
    plan: Plan,
    project: &ProjectName,
    partials: &Arc<Partials>,
    threads: usize,
) -> Result<Plan, DataFusionError> {
    if partials.is_off() {
        return Ok(plan);
    }
    let kept = plan.transform_up(|node| {
        let Some(step) = FirstStep::of(&node) else { return Ok(Transformed::no(node)) };
        Ok(match step.kept(project, partials, threads)? {
            Some(kept) => Transformed::yes(kept),
            None => Transformed::no(node),
        })
    })?;
    Ok(kept.data)
}

/// The first step of an aggregate over a scan of `events`.
struct FirstStep<'a> {
    aggregate: &'a AggregateExec,
    /// What stands between the aggregate and the scan, from above.
    between: Vec<&'a Plan>,
    scan: &'a EventsExec,
    /// The part of the scan that reads files which lie in its time range as a whole.
    inside: &'a Plan,
}

impl<'a> FirstStep<'a> {
    /// What `node` is, where its result for one file depends on nothing but that file.
    fn of(node: &'a Plan) -> Option<Self> {
        let aggregate = node.downcast_ref::<AggregateExec>()?;
        let is_plain = *aggregate.mode() == AggregateMode::Partial
            && *aggregate.input_order_mode() == InputOrderMode::Linear
            && aggregate.limit_options().is_none()
            && aggregate.dynamic_expressions_produced().is_empty()
            // What is above expects several partitions then, however many.
            && node.output_partitioning().partition_count() > 1;
        if !is_plain {
            return None;
        }
        let (mut between, mut below) = (Vec::new(), aggregate.input());
        let scan = loop {
            if let Some(scan) = below.downcast_ref::<EventsExec>() {
                break scan;
            }
            if below.fetch().is_some() {
                return None;
            }
            if below.is::<ProjectionExec>() || below.is::<FilterExec>() {
                between.push(below);
            } else if !spreads(below) {
                return None;
            }
            below = below.children().pop()?;
        };
        let inside = scan.inside().filter(|inside| reads_whole_files(inside))?;
        Some(Self { aggregate, between, scan, inside })
    }

    /// The step with what is kept of it; `None` where nothing is to be kept.
    fn kept(
        &self,
        project: &ProjectName,
        partials: &Arc<Partials>,
        threads: usize,
    ) -> Result<Option<Plan>, DataFusionError> {
        let key = PlanKey::of(project, self.aggregate, &self.between, self.scan.spec());
        let Some(key) = key else { return Ok(None) };
        let key = Arc::new(key);
        let files = &self.scan.spec().files.inside;
        let Seen::Before(results) = partials.find(&key, files) else { return Ok(None) };
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for (file, result) in files.iter().zip(results) {
            match result {
                Some(result) => known.push(result),
                None => unknown.push(Arc::clone(file)),
            }
        }
        let rest = match self.scan.without_inside()? {
            Some(rest) => Some(self.over(Arc::new(rest))?),
            None => None,
        };
        let fresh = if unknown.is_empty() { None } else { Some(self.fresh(unknown, threads)?) };
        let schema = self.aggregate.schema();
        let exec = PartialsExec::new(schema, rest, known, fresh, (Arc::clone(partials), key, files.len()));
        Ok(Some(Arc::new(exec)))
    }

    /// The step over each of `files` by itself, and over each worker's files together.
    fn fresh(&self, files: Vec<Arc<DataFile>>, threads: usize) -> Result<Fresh, DataFusionError> {
        let shares = shares(&files, threads);
        let single = (0..files.len()).map(|at| group(&files, &[at])).collect();
        let rests = shares.iter().map(|share| group(&files, share.get(1..).unwrap_or_default())).collect();
        Ok(Fresh {
            single: self.over(reading(self.inside, single)?)?,
            rests: self.over(reading(self.inside, rests)?)?,
            shares,
            files,
        })
    }

    /// The step over `input` in the place of the scan.
    fn over(&self, input: Plan) -> Result<Plan, DataFusionError> {
        let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
        let over = |input, node: &&Plan| Arc::clone(node).replace_children(vec![input], options);
        let input = self.between.iter().rev().try_fold(input, over)?;
        Arc::new(self.aggregate.clone()).replace_children(vec![input], options)
    }
}

/// Whether the scan of files `plan` yields what its conditions say of each file: conditions that become known
/// while a query runs would leave out rows of one file because of another.
fn reads_whole_files(plan: &Plan) -> bool {
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
        let Some((config, _)) = scan.downcast_to_file_source::<ParquetSource>() else { return false };
        let filter = config.file_source().filter();
        let is_fixed = filter.is_none_or(|filter| !DynamicFilterTracking::classify(&filter).contains_dynamic_filter());
        return is_fixed && config.limit.is_none();
    }
    let is_known = plan.is::<FilterExec>() || plan.is::<ProjectionExec>() || spreads(plan);
    is_known && plan.fetch().is_none() && plan.children().into_iter().all(reads_whole_files)
}

/// Whether `plan` only hands the rows of one file to several threads.
fn spreads(plan: &Plan) -> bool {
    plan.is::<RepartitionExec>()
}

/// The scan `plan` with `groups` in the place of its files; each is read by its own partition and no other.
fn reading(plan: &Plan, groups: Vec<FileGroup>) -> Result<Plan, DataFusionError> {
    let read = Arc::clone(plan).transform_up(|node| {
        if spreads(&node) {
            return Ok(Transformed::yes(Arc::clone(node.children()[0])));
        }
        let config = node.downcast_ref::<DataSourceExec>().and_then(|scan| {
            let (config, _) = scan.downcast_to_file_source::<ParquetSource>()?;
            // Partitions whose order is kept do not take each other's files.
            let config = FileScanConfigBuilder::from(config.clone()).with_preserve_order(true);
            Some(config.with_file_groups(groups.clone()).build())
        });
        Ok(match config {
            Some(config) => Transformed::yes(DataSourceExec::from_data_source(config) as Plan),
            None => Transformed::no(node),
        })
    })?;
    Ok(read.data)
}
