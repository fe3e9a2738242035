//! Which rows a caller may see or send, and the conditions that say so.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::functions_nested::expr_fn::array_has_any;
use datafusion::logical_expr::expr_fn::binary_expr;
use datafusion::logical_expr::{Expr, Operator};
use datafusion::physical_expr::expressions::{binary, col, lit};
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::ident;

use crate::event::columns::DAY_US;
use crate::event::globs::ModuleGlobs;
use crate::event::schema::{MODULE, query_schema};

/// Rows of a caller: all parts must hold, an absent one leaves everything open. Rows without a value
/// have none of those that a part names.
#[derive(Debug, Clone, Default)]
pub struct RowRules {
    /// Modules.
    pub modules: Option<ModuleGlobs>,
    /// Values of `tenant_id`.
    pub tenant_ids: Option<Vec<String>>,
    /// Values of `dataset`.
    pub datasets: Option<Vec<String>>,
    /// Values of `unit_id`: locations, sites.
    pub unit_ids: Option<Vec<String>>,
    /// Objects, by type or one by one.
    pub objects: Option<ObjectRules>,
    /// Never rows that only their object shows.
    pub general_only: bool,
    /// How many days back, by `event_time`.
    pub lookback_days: Option<u32>,
}

/// Objects whose events a caller may see; an event of either kind is enough.
#[derive(Debug, Clone, Default)]
pub struct ObjectRules {
    /// Values of `object_type`: events about such an object, not those that only name one as related.
    pub types: Vec<String>,
    /// Entries of `object_refs`, `type:id`: the history of these objects.
    pub refs: Vec<String>,
}

impl RowRules {
    /// Whether every row is the caller's.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { modules, tenant_ids, datasets, unit_ids, objects, general_only, lookback_days } = self;
        modules.is_none()
            && tenant_ids.is_none()
            && datasets.is_none()
            && unit_ids.is_none()
            && objects.is_none()
            && !general_only
            && lookback_days.is_none()
    }

    /// Whether events of `module` are the caller's business.
    #[must_use]
    pub fn admits_module(&self, module: Option<&str>) -> bool {
        self.modules.as_ref().is_none_or(|globs| module.is_some_and(|name| globs.matches(name)))
    }

    /// Whether events of `tenant` are.
    #[must_use]
    pub fn admits_tenant(&self, tenant: &str) -> bool {
        admits(self.tenant_ids.as_deref(), Some(tenant))
    }

    /// Whether events of `dataset` are.
    #[must_use]
    pub fn admits_dataset(&self, dataset: &str) -> bool {
        admits(self.datasets.as_deref(), Some(dataset))
    }

    /// Whether events of `unit` are.
    #[must_use]
    pub fn admits_unit(&self, unit: Option<&str>) -> bool {
        admits(self.unit_ids.as_deref(), unit)
    }

    /// The earliest `event_time`, in µs, that can be read at `now_us`.
    pub(in crate::query) fn since(&self, now_us: i64) -> Option<i64> {
        let days = i64::from(self.lookback_days?);
        Some(now_us.saturating_sub(days.saturating_mul(DAY_US)))
    }

    /// The conditions on values of columns, but those on modules and times.
    pub(in crate::query) fn conditions(&self) -> Vec<Expr> {
        let lists = [("tenant_id", &self.tenant_ids), ("dataset", &self.datasets), ("unit_id", &self.unit_ids)];
        let mut conditions: Vec<Expr> = lists
            .into_iter()
            .filter_map(|(column, values)| values.as_ref().map(|values| one_of(column, values)))
            .collect();
        conditions.extend(self.objects.as_ref().map(ObjectRules::condition));
        if self.general_only {
            // Not known is general.
            conditions.push(binary_expr(ident("visibility"), Operator::IsDistinctFrom, text("object")));
        }
        conditions
    }

    /// The condition on modules, made by hand so that no rule rewrites the pattern.
    pub(in crate::query) fn module_condition(&self) -> Result<Option<Arc<dyn PhysicalExpr>>, DataFusionError> {
        let Some(modules) = &self.modules else { return Ok(None) };
        let (schema, pattern) = (query_schema(), ScalarValue::Utf8View(Some(modules.regex().to_owned())));
        binary(col(MODULE, &schema)?, Operator::RegexMatch, lit(pattern), &schema).map(Some)
    }
}

impl ObjectRules {
    fn condition(&self) -> Expr {
        let refs = || {
            let refs: Vec<ScalarValue> = self.refs.iter().map(|one| ScalarValue::Utf8(Some(one.clone()))).collect();
            let refs = ScalarValue::List(ScalarValue::new_list_nullable(&refs, &DataType::Utf8));
            array_has_any(ident("object_refs"), Expr::Literal(refs, None))
        };
        match (self.types.is_empty(), self.refs.is_empty()) {
            (false, true) => one_of("object_type", &self.types),
            (true, _) => refs(),
            (false, false) => one_of("object_type", &self.types).or(refs()),
        }
    }
}

fn admits(known: Option<&[String]>, value: Option<&str>) -> bool {
    known.is_none_or(|known| value.is_some_and(|value| known.iter().any(|one| one == value)))
}

fn text(value: &str) -> Expr {
    Expr::Literal(ScalarValue::Utf8View(Some(value.to_owned())), None)
}

fn one_of(column: &str, values: &[String]) -> Expr {
    ident(column).in_list(values.iter().map(|value| text(value)).collect(), false)
}
