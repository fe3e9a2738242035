//! Hidden columns that a statement may name, and that are NULL in every row.
//!
//! A page that many keys look at names all of its columns. For a key that must not see one of them the column
//! is NULL, made above the fence: no value leaves it. Showing NULL is all that is allowed. A condition, a group, a join or
//! an order by such a column would give another page than its author meant, and is refused.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::physical_expr::expressions::{Column, lit};
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::{ExecutionPlan, PhysicalExpr};

use super::Restriction;
use crate::event::schema::query_schema;
use crate::query::error::QueryError;
use crate::query::params::Failure;

/// The query schema, in which hidden columns may be NULL.
pub(super) fn schema(restriction: &Restriction) -> SchemaRef {
    let field = |field: &Arc<Field>| {
        let hidden = restriction.hides(field.name());
        if hidden { Arc::new(field.as_ref().clone().with_nullable(true)) } else { Arc::clone(field) }
    };
    Arc::new(Schema::new(query_schema().fields().iter().map(field).collect::<Vec<_>>()))
}

/// `visible`, which yields those of `columns` (positions in the query schema) that are not hidden, with NULL in the
/// places of those that are.
pub(super) fn with_nulls(
    visible: Arc<dyn ExecutionPlan>,
    columns: &[usize],
    restriction: &Restriction,
) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
    let (schema, mut next) = (query_schema(), 0);
    let mut exprs: Vec<(Arc<dyn PhysicalExpr>, String)> = Vec::with_capacity(columns.len());
    for &at in columns {
        let field = schema.field(at);
        let expr: Arc<dyn PhysicalExpr> = if restriction.hides(field.name()) {
            lit(ScalarValue::try_from(field.data_type())?)
        } else {
            next += 1;
            Arc::new(Column::new(field.name(), next - 1))
        };
        exprs.push((expr, field.name().clone()));
    }
    Ok(Arc::new(ProjectionExec::try_new(exprs, visible)?))
}

/// Refuses an optimised plan that does more with a hidden column than to show it.
pub(crate) fn check(plan: &LogicalPlan, restriction: &Restriction) -> Result<(), Failure> {
    let mut found = None;
    plan.apply(|node| {
        let conditions = match node {
            LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) => Vec::new(),
            LogicalPlan::TableScan(scan) => scan.filters.clone(),
            other => other.expressions(),
        };
        for condition in &conditions {
            found = found.take().or(hidden_in(condition, restriction)?);
        }
        Ok(if found.is_some() { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
    })?;
    match found {
        Some(column) => Err(QueryError::HiddenColumn(column).into()),
        None => Ok(()),
    }
}

/// A hidden column that `expr` looks at.
fn hidden_in(expr: &Expr, restriction: &Restriction) -> Result<Option<String>, DataFusionError> {
    let mut found = None;
    expr.apply(|part| {
        if let Expr::Column(column) = part
            && restriction.hides(&column.name)
        {
            found = Some(column.name.clone());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(found)
}
