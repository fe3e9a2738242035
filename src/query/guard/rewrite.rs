//! Puts limits on functions that do not come from the registry: planners insert their own handles
//! (`[…]`, `@>`, `||` on lists), and `||` on text is an operator.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, DataFusionError};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, ScalarUDF};

use super::bounded::{Bounds, bounded, text_concat};

/// The rewrite; it runs before types are coerced.
#[derive(Debug)]
pub(super) struct UnderLimits {
    bounds: Bounds,
    concat: Arc<ScalarUDF>,
}

impl UnderLimits {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, concat: text_concat(bounds) }
    }
}

impl FunctionRewrite for UnderLimits {
    fn name(&self) -> &'static str {
        "under_limits"
    }

    fn rewrite(&self, expr: Expr, _: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>, DataFusionError> {
        match expr {
            // A list of literals is as long as its text, and the optimizer knows it as it is.
            Expr::ScalarFunction(ref call)
                if call.func.name() == "make_array" && call.args.iter().all(|arg| matches!(arg, Expr::Literal(..))) =>
            {
                Ok(Transformed::no(expr))
            }
            Expr::ScalarFunction(ScalarFunction { func, args }) => match bounded(&func, self.bounds) {
                Some(func) => Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args }))),
                None => Ok(Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args }))),
            },
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::StringConcat, right }) => {
                let func = Arc::clone(&self.concat);
                Ok(Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args: vec![*left, *right] })))
            }
            other => Ok(Transformed::no(other)),
        }
    }
}
