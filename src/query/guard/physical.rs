//! Looks at the plan that is about to run: how many pairs of rows its joins would look at, how much its
//! scans would read; puts a meter below operators that keep or repeat rows without telling, and lets those
//! that multiply rows give way, so that they can be stopped.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::DataFusionError;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::joins::{CrossJoinExec, NestedLoopJoinExec};
use datafusion::physical_plan::scalar_subquery::ScalarSubqueryExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::windows::{BoundedWindowAggExec, WindowAggExec};
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};

use super::meter::{Meter, MeterExec};
use crate::config::Guard;
use crate::query::error::QueryError;
use crate::query::params::Failure;
use crate::query::restrict::RestrictedExec;
use crate::query::runtime::BATCH_ROWS;
use crate::query::scan::EventsExec;
use crate::query::time_order::TimeOrderExec;

/// Operators that put rows together.
const JOINS: [&str; 5] =
    ["HashJoinExec", "SortMergeJoinExec", "NestedLoopJoinExec", "CrossJoinExec", "PiecewiseMergeJoinExec"];

/// The child of a join whose batches are matched, one after the other, with all rows of the other.
const PROBE_SIDE: usize = 1;

/// The plan to run instead of `plan`.
///
/// # Errors
/// It is over a limit of `guard`.
pub(crate) fn check(plan: Arc<dyn ExecutionPlan>, guard: &Guard) -> Result<Arc<dyn ExecutionPlan>, Failure> {
    visit(&plan, guard)?;
    let metered = plan.transform_up(|node| {
        let node = match children_under_meters(&node, guard) {
            Some(children) => {
                let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
                node.replace_children(children, options)?
            }
            None => node,
        };
        if multiplies(&node) {
            return Ok(Transformed::yes(Arc::new(CooperativeExec::new(node))));
        }
        Ok(Transformed::yes(node))
    });
    Ok(metered.data()?)
}

/// Whether an operator makes many batches of one, and so would never let go of its thread: only sources do.
fn multiplies(node: &Arc<dyn ExecutionPlan>) -> bool {
    JOINS.contains(&node.name()) || node.downcast_ref::<UnnestExec>().is_some()
}

/// The children of `node` with meters above them, where it needs some.
fn children_under_meters(node: &Arc<dyn ExecutionPlan>, guard: &Guard) -> Option<Vec<Arc<dyn ExecutionPlan>>> {
    // A batch of rows has some 8,000; each may repeat the same value.
    let bytes_max = (guard.batch_max.0 / BATCH_ROWS as u64).max(1);
    let children = node.children().into_iter();
    if let Some(child) = child_of_window(node, bytes_max) {
        Some(vec![child])
    } else if let Some(unnest) = node.downcast_ref::<UnnestExec>() {
        let lists: Vec<usize> = unnest.list_column_indices().iter().map(|list| list.index_in_input_schema).collect();
        Some(children.map(|child| narrow(child, &lists, bytes_max, "UNNEST")).collect())
    } else if JOINS.contains(&node.name()) {
        let metered = children.enumerate().map(|(at, child)| {
            let child = narrow(child, &[], bytes_max, "JOIN");
            match at {
                PROBE_SIDE => under(&child, Meter::Time),
                _ if node.downcast_ref::<NestedLoopJoinExec>().is_some() => under(&child, Meter::Once),
                _ => child,
            }
        });
        Some(metered.collect())
    } else if node.downcast_ref::<ScalarSubqueryExec>().is_some() {
        // The first child are the rows beside which the others' value is put.
        let metered = children.enumerate().map(|(at, child)| match at {
            0 => Arc::clone(child),
            _ => narrow(child, &[], bytes_max, "a subquery"),
        });
        Some(metered.collect())
    } else {
        None
    }
}

fn under(child: &Arc<dyn ExecutionPlan>, meter: Meter) -> Arc<dyn ExecutionPlan> {
    Arc::new(MeterExec::new(Arc::clone(child), meter))
}

/// The child of a window operator, metered by what the operator holds and repeats.
fn child_of_window(node: &Arc<dyn ExecutionPlan>, bytes_max: u64) -> Option<Arc<dyn ExecutionPlan>> {
    let windows = node.downcast_ref::<WindowAggExec>().map(WindowAggExec::window_expr);
    let holds = windows.is_some();
    let windows = windows.or_else(|| Some(node.downcast_ref::<BoundedWindowAggExec>()?.window_expr()))?;
    let child = Arc::clone(node.children().pop()?);
    let schema = child.schema();
    let exprs = windows.iter().flat_map(|window| window.expressions());
    let exprs: Vec<_> = exprs.filter(|expr| expr.data_type(&schema).is_ok_and(|kind| is_variable(&kind))).collect();
    // An argument and a result of 8 bytes for each function.
    let held = Meter::Held { row_bytes: windows.len() * 16 };
    let child = if holds { under(&child, held) } else { child };
    Some(if exprs.is_empty() { child } else { under(&child, Meter::Arguments { exprs, bytes_max }) })
}

/// `child` with a meter over the width of its columns that may hold long values, but for `unnested` ones.
fn narrow(
    child: &Arc<dyn ExecutionPlan>,
    unnested: &[usize],
    bytes_max: u64,
    operator: &'static str,
) -> Arc<dyn ExecutionPlan> {
    let schema = child.schema();
    let long = |kind: &DataType| {
        // Views are repeated without being copied.
        !matches!(kind, DataType::Utf8View | DataType::BinaryView) && is_variable(kind)
    };
    let columns: Vec<usize> =
        (0..schema.fields().len()).filter(|at| !unnested.contains(at) && long(schema.field(*at).data_type())).collect();
    if columns.is_empty() {
        return Arc::clone(child);
    }
    under(child, Meter::Narrow { columns, bytes_max, operator })
}

/// Whether values of the type can be long.
fn is_variable(kind: &DataType) -> bool {
    kind.is_string() || kind.is_binary() || kind.is_nested()
}

fn visit(plan: &Arc<dyn ExecutionPlan>, guard: &Guard) -> Result<(), Failure> {
    if let Some(join) = plan.downcast_ref::<NestedLoopJoinExec>() {
        product(join.left(), join.right(), guard)?;
    } else if let Some(join) = plan.downcast_ref::<CrossJoinExec>() {
        product(join.left(), join.right(), guard)?;
    } else if let Some(scan) = plan.downcast_ref::<EventsExec>() {
        quota(scan.reads(), guard)?;
    } else if let Some(scan) = plan.downcast_ref::<TimeOrderExec>() {
        // With a limit it stops when it has enough, which no statistics tell before.
        if scan.fetch().is_none() {
            quota(scan.reads(), guard)?;
        }
    }
    if let Some(restricted) = plan.downcast_ref::<RestrictedExec>() {
        return visit(restricted.inner(), guard).map_err(without_size);
    }
    plan.children().into_iter().try_for_each(|child| visit(child, guard))
}

/// The same refusal without the size that led to it, which would count what a restricted reader cannot see.
fn without_size(failure: Failure) -> Failure {
    match failure {
        Failure::Ours(QueryError::ScanTooLarge { what, limit, setting, .. }) => {
            QueryError::ScanTooLarge { what, size: limit.saturating_add(1), limit, setting }.into()
        }
        other => other,
    }
}

fn product(left: &Arc<dyn ExecutionPlan>, right: &Arc<dyn ExecutionPlan>, guard: &Guard) -> Result<(), Failure> {
    let rows = |plan: &Arc<dyn ExecutionPlan>| -> Result<u64, DataFusionError> {
        let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new())?;
        // What is not known counts as one row: the query's deadline is left for it.
        Ok(statistics.num_rows.get_value().map_or(1, |rows| *rows as u64))
    };
    let rows = rows(left)?.saturating_mul(rows(right)?);
    if rows > guard.product_max {
        return Err(QueryError::ProductTooLarge { rows, limit: guard.product_max }.into());
    }
    Ok(())
}

fn quota((files, bytes): (u64, u64), guard: &Guard) -> Result<(), QueryError> {
    let limits = [
        ("files", files, guard.scan_files_max, "scan_files_max"),
        ("bytes of files", bytes, guard.scan_bytes_max.0, "scan_bytes_max"),
    ];
    for (what, size, limit, setting) in limits {
        if limit > 0 && size > limit {
            return Err(QueryError::ScanTooLarge { what, size, limit, setting });
        }
    }
    Ok(())
}
