//! From the text of a condition to expressions over one row.
//!
//! The text goes the way of every query: guard, planner, the checks of its plan. Then the condition is taken out
//! of the analysed plan, where it still stands as it was written.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::logical_expr::utils::split_conjunction;
use datafusion::logical_expr::{Expr, LogicalPlan};
use tokio::runtime::Handle;

use super::LiveFilter;
use crate::event::schema::query_schema;
use crate::query::error::QueryError;
use crate::query::filters::unqualified;
use crate::query::guard::{self, Task};
use crate::query::params::{Bound, Failure};
use crate::query::session::Session;

/// Plans `sql`, a `SELECT … FROM events WHERE …`, and compiles its condition. The futures of the planner wait for
/// nothing; `runtime` drives them.
pub(super) fn filter(
    session: &Session,
    task: &Task,
    sql: &str,
    values: Bound,
    runtime: &Handle,
) -> Result<LiveFilter, Failure> {
    let limits = &session.runtime().settings().guard;
    let statement = guard::parse(sql, limits)?;
    let (state, _) = session.state(task)?;
    let plan = runtime.block_on(state.statement_to_plan(statement))?;
    let plan = values.bind(plan, false)?;
    guard::check_plan(&plan, limits)?;
    guard::check_constants(&state.optimize(&plan)?, limits)?;
    let plan = state.analyzer().execute_and_check(plan, state.config_options(), |_, _| {})?;
    let schema = DFSchema::try_from(query_schema())?;
    let physical = |expr: &Expr| state.create_physical_expr(unqualified(expr)?, &schema);
    let own = conditions(&plan)?.iter().map(physical).collect::<Result<Vec<_>, DataFusionError>>()?;
    let restriction = session.reader().restriction.clone();
    let mandatory = match &restriction {
        Some(restriction) => {
            let rows = restriction.rows();
            let mut mandatory = rows.conditions().iter().map(physical).collect::<Result<Vec<_>, DataFusionError>>()?;
            mandatory.extend(rows.module_condition()?);
            mandatory
        }
        None => Vec::new(),
    };
    Ok(LiveFilter::new(mandatory, own, restriction)?)
}

/// The conditions of a plan that is a selection of rows and nothing else.
fn conditions(plan: &LogicalPlan) -> Result<Vec<Expr>, Failure> {
    let mut found = Vec::new();
    let mut node = plan;
    loop {
        node = match node {
            LogicalPlan::Projection(projection) => &projection.input,
            LogicalPlan::SubqueryAlias(alias) => &alias.input,
            LogicalPlan::Filter(filter) => {
                for condition in split_conjunction(&filter.predicate) {
                    of_one_row(condition)?;
                    found.push(condition.clone());
                }
                &filter.input
            }
            LogicalPlan::TableScan(scan) => {
                found.extend(scan.filters.iter().cloned());
                return Ok(found);
            }
            _ => return Err(unsupported()),
        };
    }
}

/// Refuses a condition that looks at other rows.
fn of_one_row(condition: &Expr) -> Result<(), Failure> {
    let mut others = false;
    condition.apply(|expr| {
        others |= matches!(
            expr,
            Expr::Exists(_)
                | Expr::InSubquery(_)
                | Expr::ScalarSubquery(_)
                | Expr::OuterReferenceColumn(..)
                | Expr::AggregateFunction(_)
                | Expr::WindowFunction(_)
        );
        Ok(TreeNodeRecursion::Continue)
    })?;
    if others { Err(unsupported()) } else { Ok(()) }
}

fn unsupported() -> Failure {
    QueryError::Unsupported("a condition on new rows that looks at other rows".into()).into()
}
