//! What the result of a first step depends on, apart from the file: two plans are the same if these are equal.
//!
//! Expressions are compared by their own equality. Those that may yield something else the next time have no key.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{FieldRef, Schema};
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::logical_expr::{AggregateUDF, Volatility};
use datafusion::physical_expr::ScalarFunctionExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, CastExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal, NegativeExpr,
    NotExpr, TryCastExpr,
};
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use crate::event::names::ProjectName;
use crate::query::scan::ScanSpec;

type Expr = Arc<dyn PhysicalExpr>;

/// A first step of an aggregate over files.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PlanKey {
    /// Whose files: each project's results have room of their own.
    project: ProjectName,
    /// Columns that the scan yields: positions in the query schema.
    columns: Vec<usize>,
    /// What each row must satisfy, over the query schema.
    conditions: Vec<Expr>,
    /// Between the scan and the aggregate, from above.
    between: Vec<Between>,
    groups: Vec<Expr>,
    /// What stands for a group that a grouping set leaves out.
    nulls: Vec<Expr>,
    sets: Vec<Vec<bool>>,
    aggregates: Vec<Aggregate>,
}

#[derive(Debug, PartialEq, Eq, Hash)]
enum Between {
    Projection(Vec<Expr>),
    Filter(Expr, Option<Vec<usize>>),
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Aggregate {
    function: AggregateUDF,
    arguments: Vec<Expr>,
    filter: Option<Expr>,
    is_distinct: bool,
    ignore_nulls: bool,
    is_reversed: bool,
    field: FieldRef,
}

impl PlanKey {
    /// The key of `aggregate` over a scan of `spec`; `None` where its result might differ from run to run.
    pub(super) fn of(
        project: &ProjectName,
        aggregate: &AggregateExec,
        between: &[&Arc<dyn ExecutionPlan>],
        spec: &ScanSpec,
    ) -> Option<Self> {
        let groups = aggregate.group_expr();
        let firsts = |exprs: &[(Expr, String)]| exprs.iter().map(|(expr, _)| fixed(expr)).collect::<Option<_>>();
        let aggregates = aggregate.aggr_expr().iter().zip(aggregate.filter_expr()).map(|(function, filter)| {
            function.order_bys().is_empty().then_some(Aggregate {
                function: function.fun().clone(),
                arguments: all_fixed(&function.expressions())?,
                filter: filter.as_ref().map_or(Some(None), |filter| fixed(filter).map(Some))?,
                is_distinct: function.is_distinct(),
                ignore_nulls: function.ignore_nulls(),
                is_reversed: function.is_reversed(),
                field: function.field(),
            })
        });
        Some(Self {
            project: project.clone(),
            columns: spec.columns.clone(),
            conditions: all_fixed(&spec.filters.for_rows(true))?,
            between: between.iter().map(|node| Between::of(node)).collect::<Option<_>>()?,
            groups: firsts(groups.expr())?,
            nulls: firsts(groups.null_expr())?,
            sets: groups.groups().to_vec(),
            aggregates: aggregates.collect::<Option<_>>()?,
        })
    }
}

impl Between {
    fn of(node: &Arc<dyn ExecutionPlan>) -> Option<Self> {
        if let Some(projection) = node.downcast_ref::<ProjectionExec>() {
            let exprs = projection.expr().iter().map(|projected| fixed(&projected.expr));
            return Some(Self::Projection(exprs.collect::<Option<_>>()?));
        }
        let filter = node.downcast_ref::<FilterExec>()?;
        let columns = filter.projection().as_ref().map(|columns| columns.to_vec());
        Some(Self::Filter(fixed(filter.predicate())?, columns))
    }
}

fn all_fixed(exprs: &[Expr]) -> Option<Vec<Expr>> {
    exprs.iter().map(fixed).collect()
}

/// `expr` as it is compared; `None` if it may yield something else the next time.
fn fixed(expr: &Expr) -> Option<Expr> {
    // No function of ours looks at options that differ from session to session, and to compare them takes long.
    static OPTIONS: LazyLock<Arc<ConfigOptions>> = LazyLock::new(Arc::default);
    let mut is_fixed = true;
    let compared = Arc::clone(expr).transform_up(|node| {
        let Some(call) = node.downcast_ref::<ScalarFunctionExpr>() else {
            is_fixed &= says_all(&node);
            return Ok(Transformed::no(node));
        };
        is_fixed &= call.fun().signature().volatility == Volatility::Immutable;
        let function = Arc::new(call.fun().clone());
        let (arguments, field) = (call.args().to_vec(), call.return_field(&Schema::empty())?);
        let call = ScalarFunctionExpr::new(call.name(), function, arguments, field, Arc::clone(&OPTIONS));
        Ok(Transformed::yes(Arc::new(call) as Expr))
    });
    compared.ok().filter(|_| is_fixed).map(|compared| compared.data)
}

/// Whether an expression is of a kind whose equality says all of it: the result of a subquery, for one, is found by
/// its number in the plan.
fn says_all(expr: &Expr) -> bool {
    // A list without items was made of something else.
    expr.downcast_ref::<InListExpr>().is_some_and(|list| !list.list().is_empty())
        || expr.is::<Column>()
        || expr.is::<Literal>()
        || expr.is::<BinaryExpr>()
        || expr.is::<CastExpr>()
        || expr.is::<TryCastExpr>()
        || expr.is::<CaseExpr>()
        || expr.is::<LikeExpr>()
        || expr.is::<NotExpr>()
        || expr.is::<IsNullExpr>()
        || expr.is::<IsNotNullExpr>()
        || expr.is::<NegativeExpr>()
}
