//! What of a project one caller may see, enforced in the scan: below statistics, below filters that
//! the planner pushes down, below every expression of the caller.
//!
//! ```text
//! Restriction ─▶ RestrictedTable (schema without hidden columns) ─▶ RestrictedExec ─ opaque ─▶ EventsExec
//!                 what the caller's SQL is planned against           a leaf to the planner     the usual scan
//! ```
//!
//! The mandatory conditions go the way of ordinary ones: modules and days choose files, tenants and
//! times are tested while decoding. Of the caller's conditions the scan takes plain ones only
//! ([`plain`]): they cannot fail, so it does not matter whether they are tested before or after the
//! mandatory ones. All others stay above, where hidden rows no longer exist.
//!
//! # Invariants
//! * No row and no column outside the restriction leaves [`exec::RestrictedExec`].
//! * The plan above it has the same shape whatever hidden rows there are: always the same number of
//!   partitions, no statistics, no children to show or to push anything into.
//! * What an answer tells about its cost counts visible rows only.

mod exec;
mod plain;
mod table;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::{Expr, Operator};
use datafusion::physical_expr::expressions::{binary, col, lit};
use datafusion::physical_plan::PhysicalExpr;
use datafusion::prelude::ident;
use tokio_util::sync::CancellationToken;

pub(crate) use exec::RestrictedExec;
pub(crate) use table::RestrictedTable;

use crate::event::columns::DAY_US;
use crate::event::globs::ModuleGlobs;
use crate::event::model::COLUMNS;
use crate::event::schema::{EVENT_TIME_AT, MODULE, query_schema};

const TENANT_ID: &str = "tenant_id";
/// Columns that hold whole records or what fitted no other column: hidden with any other.
const HOLD_EVERYTHING: [&str; 2] = ["raw", "attributes"];
/// Columns whose values are made of those of others: hidden with one of them.
const MADE_OF: [(&str, &[&str]); 2] =
    [("changes", &["object_before", "object_after"]), ("object_refs", &["object_type", "object_id", "related"])];

/// On whose behalf a session asks.
#[derive(Debug, Clone, Default)]
pub struct Reader {
    /// What it may see; `None`: everything of the project.
    pub restriction: Option<Arc<Restriction>>,
    /// Cancelled when its key is revoked or expires: its queries stop.
    pub ended: CancellationToken,
}

/// What of a project's events one caller may see.
#[derive(Debug, Clone)]
pub struct Restriction {
    modules: Option<ModuleGlobs>,
    tenant_ids: Option<Vec<String>>,
    lookback_days: Option<u32>,
    /// Names of the columns that do not exist for the caller.
    hidden: Arc<[String]>,
    /// Positions in the query schema of those that do.
    visible: Arc<[usize]>,
}

impl Restriction {
    /// A restriction to `modules`, to `tenant_ids`, to the last `lookback_days` days, without
    /// `masked` columns and those that hold the same values; `None` leaves a part open.
    #[must_use]
    pub fn new(
        modules: Option<ModuleGlobs>,
        tenant_ids: Option<Vec<String>>,
        lookback_days: Option<u32>,
        masked: &[String],
    ) -> Self {
        let hidden = |name: &str| {
            let is_masked = |name: &str| masked.iter().any(|masked| masked == name);
            let made_of = |parts: &[&str]| parts.iter().any(|part| is_masked(part));
            is_masked(name)
                || (!masked.is_empty() && HOLD_EVERYTHING.contains(&name))
                || MADE_OF.iter().any(|(made, parts)| *made == name && made_of(parts))
        };
        let schema = query_schema();
        let (hidden, visible): (Vec<usize>, Vec<usize>) =
            (0..schema.fields().len()).partition(|&at| hidden(schema.field(at).name()));
        let hidden = hidden.into_iter().map(|at| schema.field(at).name().clone()).collect();
        Self { modules, tenant_ids, lookback_days, hidden, visible: visible.into() }
    }

    /// Whether a column of this name can be masked: one of the model's, but the time that everything
    /// is ordered by.
    #[must_use]
    pub fn can_mask(column: &str) -> bool {
        COLUMNS.iter().enumerate().any(|(at, known)| known.name == column && at != EVENT_TIME_AT)
    }

    /// Whether events of `module` are the caller's business.
    #[must_use]
    pub fn admits_module(&self, module: Option<&str>) -> bool {
        self.modules.as_ref().is_none_or(|globs| module.is_some_and(|name| globs.matches(name)))
    }

    /// Whether events of `tenant` are.
    #[must_use]
    pub fn admits_tenant(&self, tenant: &str) -> bool {
        self.tenant_ids.as_ref().is_none_or(|ids| ids.iter().any(|id| id == tenant))
    }

    /// Whether it says anything about rows, and not only about columns.
    #[must_use]
    pub fn hides_rows(&self) -> bool {
        self.modules.is_some() || self.tenant_ids.is_some() || self.lookback_days.is_some()
    }

    /// Names of hidden columns.
    pub(crate) fn hidden(&self) -> Arc<[String]> {
        Arc::clone(&self.hidden)
    }

    fn schema(&self) -> Result<SchemaRef, DataFusionError> {
        Ok(Arc::new(query_schema().project(&self.visible)?))
    }

    /// Mandatory conditions that the planner's own machinery can sort.
    fn conditions(&self, now_us: i64) -> Vec<Expr> {
        let mut conditions: Vec<Expr> = self.tenants().into_iter().collect();
        if let Some(from) = self.since(now_us) {
            let from = ScalarValue::TimestampMicrosecond(Some(from), Some("UTC".into()));
            conditions.push(ident(query_schema().field(EVENT_TIME_AT).name()).gt_eq(Expr::Literal(from, None)));
        }
        conditions
    }

    /// The condition on tenants.
    pub(super) fn tenants(&self) -> Option<Expr> {
        let id = |id: &String| Expr::Literal(ScalarValue::Utf8View(Some(id.clone())), None);
        self.tenant_ids.as_ref().map(|ids| ident(TENANT_ID).in_list(ids.iter().map(id).collect(), false))
    }

    /// The earliest `event_time`, in µs, that can be read at `now_us`.
    pub(super) fn since(&self, now_us: i64) -> Option<i64> {
        let days = i64::from(self.lookback_days?);
        Some(now_us.saturating_sub(days.saturating_mul(DAY_US)))
    }

    /// The condition on modules, made by hand so that no rule rewrites the pattern.
    pub(super) fn module_condition(&self) -> Result<Option<Arc<dyn PhysicalExpr>>, DataFusionError> {
        let Some(modules) = &self.modules else { return Ok(None) };
        let (schema, pattern) = (query_schema(), ScalarValue::Utf8View(Some(modules.regex().to_owned())));
        binary(col(MODULE, &schema)?, Operator::RegexMatch, lit(pattern), &schema).map(Some)
    }
}
