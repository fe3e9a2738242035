//! Puts right what the planner makes of a limit over several partitions that need no sort.
//!
//! Where the input of a sort turns out to be in order already, the sort is replaced by its limit. Of a sort that
//! keeps partitions apart, as under the merge of `SELECT … FROM view ORDER BY event_time DESC LIMIT 10`, that limit
//! must be of each partition; DataFusion 55 makes it one of all, which no plan with several partitions can have,
//! and refuses the query.

use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;
use datafusion::physical_plan::limit::{GlobalLimitExec, LocalLimitExec};
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};

/// The rule that checks a plan, after which nothing may be changed.
const CHECK: &str = "SanityCheckPlan";

/// The planner's rules with this one before their check.
pub(crate) fn physical_rules() -> Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>> {
    let mut rules = PhysicalOptimizer::new().rules;
    let at = rules.iter().position(|rule| rule.name() == CHECK).unwrap_or(rules.len());
    rules.insert(at, Arc::new(LocalLimits));
    rules
}

/// Limits of one partition in the place of limits that several cannot have.
#[derive(Debug)]
struct LocalLimits;

impl PhysicalOptimizerRule for LocalLimits {
    fn optimize(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        _: &ConfigOptions,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let local = |plan: Arc<dyn ExecutionPlan>| {
            let Some(limit) = plan.downcast_ref::<GlobalLimitExec>() else { return Ok(Transformed::no(plan)) };
            let several = limit.input().output_partitioning().partition_count() > 1;
            match limit.fetch().filter(|_| several && limit.skip() == 0) {
                Some(fetch) => {
                    let local: Arc<dyn ExecutionPlan> = Arc::new(LocalLimitExec::new(Arc::clone(limit.input()), fetch));
                    Ok(Transformed::yes(local))
                }
                None => Ok(Transformed::no(plan)),
            }
        };
        Ok(plan.transform_up(local)?.data)
    }

    fn name(&self) -> &'static str {
        "LocalLimits"
    }

    fn schema_check(&self) -> bool {
        true
    }
}
