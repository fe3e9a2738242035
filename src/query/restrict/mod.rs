//! What of a project one caller may see, enforced in the scan: below statistics, below filters that
//! the planner pushes down, below every expression of the caller.
//!
//! ```text
//! Restriction ─▶ RestrictedTable (schema without hidden columns) ─▶ RestrictedExec ─ opaque ─▶ EventsExec
//!                 what the caller's SQL is planned against           a leaf to the planner     the usual scan
//! ```
//!
//! The mandatory conditions go the way of ordinary ones: modules and days choose files, values of columns
//! and times are tested while decoding. Of the caller's conditions the scan takes plain ones only
//! ([`plain`]): they cannot fail, so it does not matter whether they are tested before or after the
//! mandatory ones. All others stay above, where hidden rows no longer exist.
//!
//! # Invariants
//! * No row and no column outside the restriction leaves [`exec::RestrictedExec`].
//! * The plan above it has the same shape whatever hidden rows there are: always the same number of
//!   partitions, no statistics, no children to show or to push anything into.
//! * What an answer tells about its cost counts visible rows only.

mod exec;
mod masked;
mod plain;
mod rules;
mod table;

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::common::{DataFusionError, ScalarValue};
use datafusion::logical_expr::Expr;
use datafusion::prelude::ident;
use tokio_util::sync::CancellationToken;

pub(crate) use exec::RestrictedExec;
pub(crate) use masked::check as check_masked;
pub use rules::{ObjectRules, RowRules};
pub(crate) use table::RestrictedTable;

use crate::event::model::COLUMNS;
use crate::event::schema::{EVENT_TIME_AT, query_schema};

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

/// What a statement gets that asks for a hidden column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Hidden {
    /// An error: the column does not exist.
    #[default]
    Absent,
    /// NULL, where it is only shown: for statements of ours, that are the same for every reader.
    Null,
}

/// What of a project's events one caller may see.
#[derive(Debug, Clone)]
pub struct Restriction {
    rows: RowRules,
    /// Names of the columns that do not exist for the caller.
    hidden: Arc<[String]>,
    /// Positions in the query schema of those that do.
    visible: Arc<[usize]>,
}

impl Restriction {
    /// A restriction to the rows of `rows`, without `masked` columns and those that hold the same values.
    #[must_use]
    pub fn new(rows: RowRules, masked: &[String]) -> Self {
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
        Self { rows, hidden, visible: visible.into() }
    }

    /// Whether a column of this name can be masked: one of the model's, but the time that everything
    /// is ordered by.
    #[must_use]
    pub fn can_mask(column: &str) -> bool {
        COLUMNS.iter().enumerate().any(|(at, known)| known.name == column && at != EVENT_TIME_AT)
    }

    /// Which rows the caller may see.
    #[must_use]
    pub fn rows(&self) -> &RowRules {
        &self.rows
    }

    /// Names of hidden columns.
    pub(crate) fn hidden(&self) -> Arc<[String]> {
        Arc::clone(&self.hidden)
    }

    /// Whether a column of the query schema does not exist for the caller.
    pub(super) fn hides(&self, column: &str) -> bool {
        self.hidden.iter().any(|hidden| hidden == column)
    }

    fn schema(&self) -> Result<SchemaRef, DataFusionError> {
        Ok(Arc::new(query_schema().project(&self.visible)?))
    }

    /// Mandatory conditions that the planner's own machinery can sort.
    fn conditions(&self, now_us: i64) -> Vec<Expr> {
        let mut conditions = self.rows.conditions();
        if let Some(from) = self.rows.since(now_us) {
            let from = ScalarValue::TimestampMicrosecond(Some(from), Some("UTC".into()));
            conditions.push(ident(query_schema().field(EVENT_TIME_AT).name()).gt_eq(Expr::Literal(from, None)));
        }
        conditions
    }
}
