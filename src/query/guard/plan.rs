//! Looks at the plan before it is optimized: only nodes that read, nothing whose state is not counted,
//! and no expression that the optimizer would blow up.
//!
//! The optimizer puts what a column of a subquery stands for in the place of the column. Where each of
//! thirty subqueries adds a column to itself, that makes 2³⁰ terms of thirty; [`sizes`] tells
//! the size before.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{Column, DataFusionError, ScalarValue};
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::expr::WindowFunctionDefinition;
use datafusion::logical_expr::{Distinct, Expr, LogicalPlan, Operator};

use super::bounded::bears_long_constants;
use super::patterns;
use crate::config::Guard;
use crate::query::error::QueryError;
use crate::query::params::Failure;

/// Aggregates whose state over a window does not grow with the window.
const WINDOW_AGGREGATES: [&str; 22] = [
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "first_value",
    "last_value",
    "nth_value",
    "bool_and",
    "bool_or",
    "bit_and",
    "bit_or",
    "bit_xor",
    "stddev",
    "stddev_pop",
    "var",
    "var_pop",
    "corr",
    "covar_samp",
    "covar_pop",
    "any_value",
    "approx_distinct",
];

/// Most centroids of an approximate percentile; a hundred is the default.
const CENTROIDS_MAX: i128 = 10_000;

/// Refuses a plan that does anything but read, or that is over a limit of `guard`.
///
/// Placeholders must have been replaced by their values.
pub(crate) fn check(plan: &LogicalPlan, guard: &Guard) -> Result<(), Failure> {
    let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    read_only.verify_plan(plan).map_err(|_| QueryError::NotAQuery("a statement that changes something".into()))?;
    let mut scans = 0;
    plan.apply_with_subqueries(|node| {
        reads_only(node, &mut scans, guard)?;
        node.apply_expressions(|expr| {
            expr.apply(|expr| expression(expr, guard).map(|()| TreeNodeRecursion::Continue))
        })?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    sizes(plan, guard)?;
    Ok(())
}

fn external(error: QueryError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

fn reads_only(node: &LogicalPlan, scans: &mut usize, guard: &Guard) -> Result<(), DataFusionError> {
    match node {
        LogicalPlan::TableScan(_) => {
            *scans += 1;
            if *scans > guard.relations_max {
                return Err(external(QueryError::TooComplex {
                    what: "tables, those of views included",
                    limit: guard.relations_max as u64,
                    setting: "relations_max",
                    position: None,
                }));
            }
            Ok(())
        }
        LogicalPlan::Projection(_)
        | LogicalPlan::Filter(_)
        | LogicalPlan::Window(_)
        | LogicalPlan::Aggregate(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Join(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Union(_)
        | LogicalPlan::EmptyRelation(_)
        | LogicalPlan::Subquery(_)
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Values(_)
        | LogicalPlan::Explain(_)
        | LogicalPlan::Analyze(_)
        | LogicalPlan::Distinct(_)
        | LogicalPlan::Unnest(_) => Ok(()),
        other => {
            let text = other.display().to_string();
            let name = text.split([':', ' ']).next().unwrap_or_default();
            Err(external(QueryError::Unsupported(name.to_owned())))
        }
    }
}

/// What one node of an expression may not be.
fn expression(expr: &Expr, guard: &Guard) -> Result<(), DataFusionError> {
    let refused = |text: String| Err(external(QueryError::Unsupported(text)));
    match expr {
        Expr::Cast(cast) if patterns::is_sized(cast.field.data_type()) => refused("lists of a fixed size".into()),
        Expr::TryCast(cast) if patterns::is_sized(cast.field.data_type()) => refused("lists of a fixed size".into()),
        Expr::WindowFunction(function) => match &function.fun {
            WindowFunctionDefinition::AggregateUDF(aggregate) if !WINDOW_AGGREGATES.contains(&aggregate.name()) => {
                refused(format!("`{}` over a window; use GROUP BY", aggregate.name()))
            }
            _ => Ok(()),
        },
        Expr::AggregateFunction(call) if call.func.name().starts_with("approx_percentile_cont") => {
            centroids(&call.params.args)
        }
        Expr::BinaryExpr(binary)
            if matches!(
                binary.op,
                Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch
            ) =>
        {
            patterns::check(&binary.right, guard).map_err(external)
        }
        Expr::SimilarTo(like) => patterns::check(&like.pattern, guard).map_err(external),
        Expr::ScalarFunction(call) if call.func.name().starts_with("regexp_") => match call.args.get(1) {
            Some(pattern) => patterns::check(pattern, guard).map_err(external),
            None => Ok(()),
        },
        Expr::ScalarFunction(call) if ["arrow_cast", "arrow_try_cast"].contains(&call.func.name()) => {
            match call.args.get(1) {
                Some(Expr::Literal(ScalarValue::Utf8(Some(text)), _)) if patterns::names_sized(text) => {
                    refused("values of a fixed size".into())
                }
                _ => Ok(()),
            }
        }
        _ => Ok(()),
    }
}

/// The last argument of an approximate percentile is how many centroids it keeps, from the start.
fn centroids(args: &[Expr]) -> Result<(), DataFusionError> {
    let many = |arg: &Expr| match arg {
        Expr::Literal(value, _) if value.data_type().is_integer() => {
            value.to_string().parse::<i128>().is_ok_and(|count| count > CENTROIDS_MAX)
        }
        _ => false,
    };
    if args.iter().skip(2).any(many) {
        let text = format!("at most {CENTROIDS_MAX} centroids are kept");
        return Err(external(QueryError::Invalid { message: text, position: None }));
    }
    Ok(())
}

/// For each column that `plan` yields, the terms it stands for once all columns are replaced.
fn sizes(plan: &LogicalPlan, guard: &Guard) -> Result<Vec<u64>, DataFusionError> {
    let inputs = plan.inputs();
    let below = inputs.iter().map(|input| sizes(input, guard)).collect::<Result<Vec<_>, _>>()?;
    let known = Known { inputs: &inputs, sizes: &below };
    plan.apply_expressions(|expr| {
        known.size(expr, guard)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    plan.apply_subqueries(|subquery| {
        sizes(subquery, guard)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    let of = |exprs: &[Expr]| exprs.iter().map(|expr| known.size(expr, guard)).collect::<Result<Vec<_>, _>>();
    let yielded = match plan {
        LogicalPlan::Projection(projection) => of(&projection.expr)?,
        LogicalPlan::Aggregate(aggregate) => [of(&aggregate.group_expr)?, of(&aggregate.aggr_expr)?].concat(),
        LogicalPlan::Window(window) => [below.concat(), of(&window.window_expr)?].concat(),
        LogicalPlan::Distinct(Distinct::On(on)) => of(&on.select_expr)?,
        LogicalPlan::Union(_) => largest(&below),
        _ => below.concat(),
    };
    let columns = plan.schema().fields().len();
    if yielded.len() == columns {
        return Ok(yielded);
    }
    // Semi joins, grouping sets, unnesting: which column is which does not matter much.
    Ok(vec![yielded.into_iter().max().unwrap_or(1); columns])
}

/// The larger size of each column.
fn largest(inputs: &[Vec<u64>]) -> Vec<u64> {
    let columns = inputs.iter().map(Vec::len).max().unwrap_or(0);
    (0..columns).map(|at| inputs.iter().filter_map(|sizes| sizes.get(at)).max().copied().unwrap_or(1)).collect()
}

/// What the columns below a node stand for.
struct Known<'a> {
    inputs: &'a [&'a LogicalPlan],
    sizes: &'a [Vec<u64>],
}

impl Known<'_> {
    fn column(&self, column: &Column) -> u64 {
        let found = self.inputs.iter().zip(self.sizes).find_map(|(input, sizes)| {
            let at = input.schema().maybe_index_of_column(column)?;
            sizes.get(at).copied()
        });
        found.unwrap_or(1)
    }

    /// Terms of `expr`.
    fn size(&self, expr: &Expr, guard: &Guard) -> Result<u64, DataFusionError> {
        let mut size = 0_u64;
        expr.apply(|node| {
            // Constants do not multiply anything, and lists of them may be long.
            size = size.saturating_add(match node {
                Expr::Column(column) => self.column(column),
                Expr::Literal(..) => 0,
                _ => 1,
            });
            if size > guard.expression_max {
                return Err(external(QueryError::TooComplex {
                    what: "terms in one expression, the columns of subqueries replaced by what they stand for",
                    limit: guard.expression_max,
                    setting: "expression_max",
                    position: None,
                }));
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(size)
    }
}

/// Refuses an optimized plan with a long constant that would stand beside every row of a batch.
///
/// # Errors
/// The constant is longer than `query.guard.literal_max`.
pub(crate) fn check_constants(plan: &LogicalPlan, guard: &Guard) -> Result<(), Failure> {
    let mut rows = false;
    plan.apply_with_subqueries(|node| {
        rows |= matches!(node, LogicalPlan::TableScan(_) | LogicalPlan::Values(_) | LogicalPlan::Unnest(_));
        Ok(TreeNodeRecursion::Continue)
    })?;
    if !rows {
        return Ok(());
    }
    let bytes_max = guard.literal_max.0;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|root| {
            if is_long(root, bytes_max) {
                return Err(long_constant(guard));
            }
            root.apply(|expr| {
                if !compares(expr) {
                    expr.apply_children(|child| match is_long(child, bytes_max) {
                        true => Err(long_constant(guard)),
                        false => Ok(TreeNodeRecursion::Continue),
                    })?;
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(())
}

fn long_constant(guard: &Guard) -> DataFusionError {
    external(QueryError::TooComplex {
        what: "bytes in one constant that stands beside every row",
        limit: guard.literal_max.0,
        setting: "literal_max",
        position: None,
    })
}

/// Whether an expression looks at a constant without writing it beside each row.
fn compares(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(binary) => binary.op != Operator::StringConcat,
        Expr::InList(_) | Expr::Like(_) | Expr::SimilarTo(_) => true,
        Expr::ScalarFunction(call) => bears_long_constants(&call.func),
        _ => false,
    }
}

fn is_long(expr: &Expr, bytes_max: u64) -> bool {
    let Expr::Literal(value, _) = expr else { return false };
    // Views are repeated without being copied.
    let copied = !matches!(value, ScalarValue::Utf8View(_) | ScalarValue::BinaryView(_));
    copied && value.size() as u64 > bytes_max.saturating_add(size_of::<ScalarValue>() as u64)
}
