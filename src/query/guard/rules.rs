//! Lets a plan be given up between two steps of the optimizer.

use datafusion::common::DataFusionError;
use datafusion::common::tree_node::Transformed;
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::optimizer::Optimizer;
use datafusion::optimizer::{OptimizerConfig, OptimizerRule};
use std::sync::Arc;

use super::task;

/// A rule that changes nothing, and fails once the query was asked to stop.
#[derive(Debug)]
struct Checkpoint;

impl OptimizerRule for Checkpoint {
    fn name(&self) -> &'static str {
        "checkpoint"
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(&self, plan: LogicalPlan, _: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>, DataFusionError> {
        task::checkpoint()?;
        Ok(Transformed::no(plan))
    }
}

/// The default rules, with a look at the query's task before each.
pub(crate) fn optimizer_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let rules = Optimizer::new().rules.into_iter();
    rules.flat_map(|rule| [Arc::new(Checkpoint) as Arc<dyn OptimizerRule + Send + Sync>, rule]).collect()
}
