//! Conditions that cannot fail and look at one value of a row at a time.
//!
//! A comparison of a column with a literal of its own type gives true, false or NULL, whatever the
//! value. So a restricted scan may test it on hidden rows as well, and use it to leave out files.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use crate::event::schema::query_schema;
use crate::query::filters::time_range;

/// Whether `expr` is such a condition, or made of such by AND, OR and NOT.
pub(super) fn is_plain(expr: &Expr) -> bool {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And | Operator::Or, right }) => {
            is_plain(left) && is_plain(right)
        }
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let compared = is_comparison(*op) && (of_one_type(left, right) || of_one_type(right, left));
            compared || time_range(expr).is_some()
        }
        Expr::Not(inner) => is_plain(inner),
        Expr::IsNull(inner) | Expr::IsNotNull(inner) => inner.try_as_col().is_some(),
        Expr::InList(list) => list.list.iter().all(|value| of_one_type(&list.expr, value)),
        Expr::Between(between) => {
            let within = of_one_type(&between.expr, &between.low) && of_one_type(&between.expr, &between.high);
            within || time_range(expr).is_some()
        }
        _ => false,
    }
}

fn is_comparison(op: Operator) -> bool {
    matches!(
        op,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// Whether `column` is a column of simple values and `value` a literal of the same type.
fn of_one_type(column: &Expr, value: &Expr) -> bool {
    let (Some(column), Expr::Literal(value, _)) = (column.try_as_col(), value) else { return false };
    let schema = query_schema();
    let field = schema.field_with_name(&column.name);
    field.is_ok_and(|field| !field.data_type().is_nested() && same_type(field.data_type(), value))
}

fn same_type(column: &arrow::datatypes::DataType, value: &ScalarValue) -> bool {
    *column == value.data_type()
}
