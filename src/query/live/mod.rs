//! Rows as they become visible: a condition is planned once and tested on each new hot batch, without a query.
//!
//! ```text
//! condition ─▶ guard, planner (once) ─▶ LiveFilter ─ each batch: restriction, then condition ─▶ row numbers
//! columns   ────────────────────────▶ LiveColumns ─ rows that somebody wants, each once ─▶ JSON objects
//! ```
//!
//! # Invariants
//! * A row is the reader's by the same restriction as in a query, and tested against it first: the reader's own
//!   condition never sees a hidden row.
//! * A value is written as NDJSON answers write it; members that are NULL are left out.

mod batch;
mod columns;
mod plan;

use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{filter_record_batch, take};
use arrow::datatypes::{SchemaRef, TimestampMicrosecondType};
use datafusion::common::DataFusionError;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_plan::PhysicalExpr;

use super::error::{QueryError, classify};
use super::guard::Wanted;
use super::params::{Bound, Failure, Params};
use super::restrict::Restriction;
use super::session::{Limits, Session};
use crate::event::schema::{EVENT_TIME_AT, query_schema};

pub use batch::LiveBatch;
pub use columns::{LiveColumns, ObjectWriter, integers};

/// A condition, ready to be tested, for a reader who may see a part of the rows only.
#[derive(Debug)]
pub struct LiveFilter {
    /// Positions in the row schema of what the conditions look at.
    columns: Vec<usize>,
    /// Those columns.
    schema: SchemaRef,
    mandatory: Vec<Arc<dyn PhysicalExpr>>,
    own: Vec<Arc<dyn PhysicalExpr>>,
    restriction: Option<Arc<Restriction>>,
}

impl Session {
    /// Plans `condition`, an expression over one row of `events`, as this session's reader.
    ///
    /// # Errors
    /// As those of a query with this condition; a condition that looks at other rows is not supported.
    pub async fn live(&self, condition: &str, params: Params, limits: Limits) -> Result<LiveFilter, QueryError> {
        let started = Instant::now();
        let sql = format!("SELECT 1 FROM events WHERE ({condition})");
        let limit = self.runtime().settings().sql_max;
        if sql.len() > limit.as_usize() {
            return Err(QueryError::TooLong { size: sql.len(), limit });
        }
        let values = Bound::new(params)?;
        let executor = self.runtime().executor();
        let task = executor.admit(None, limits.memory_max)?;
        let _wanted = Wanted::new(&task);
        let deadline = tokio::time::Instant::from_std(started) + limits.timeout.0;
        let (session, known, own_task) = (self.clone(), self.known(limits.memory_max), Arc::clone(&task));
        let planned =
            executor.plan(&task, deadline, move |runtime| plan::filter(&session, &own_task, &sql, values, runtime));
        planned.await?.map_err(|failure| match failure {
            Failure::Ours(error) => error,
            Failure::Planner(error) => classify(error, &known),
        })
    }
}

impl LiveFilter {
    fn new(
        mandatory: Vec<Arc<dyn PhysicalExpr>>,
        own: Vec<Arc<dyn PhysicalExpr>>,
        restriction: Option<Arc<Restriction>>,
    ) -> Result<Self, DataFusionError> {
        let mut columns: Vec<usize> = mandatory
            .iter()
            .chain(&own)
            .flat_map(|condition| collect_columns(condition).into_iter().map(|column| column.index()))
            .collect();
        columns.sort_unstable();
        columns.dedup();
        let schema = Arc::new(query_schema().project(&columns)?);
        let placed = |conditions: Vec<Arc<dyn PhysicalExpr>>| {
            conditions.into_iter().map(|one| reassign_expr_columns(one, &schema)).collect::<Result<Vec<_>, _>>()
        };
        let (mandatory, own) = (placed(mandatory)?, placed(own)?);
        Ok(Self { columns, schema, mandatory, own, restriction })
    }

    /// Numbers of the rows of `batch` that the reader may see at `now_us` and that the condition holds for.
    ///
    /// # Errors
    /// A value made the condition fail.
    pub fn rows(&self, batch: &LiveBatch, now_us: i64) -> Result<Vec<u32>, QueryError> {
        let failed = |error: DataFusionError| QueryError::Evaluation(error.strip_backtrace());
        let mut rows: Vec<u32> = (0..u32::try_from(batch.len()).unwrap_or(u32::MAX)).collect();
        if let Some(floor) = self.restriction.as_ref().and_then(|restriction| restriction.rows().since(now_us)) {
            let times = batch.rows().column(EVENT_TIME_AT).as_primitive::<TimestampMicrosecondType>().values();
            rows.retain(|&row| times[row as usize] >= floor);
        }
        let mut looked_at = batch.select(&self.columns, &self.schema).map_err(failed)?;
        if rows.len() < batch.len() {
            looked_at = kept(&looked_at, &rows).map_err(failed)?;
        }
        for condition in self.mandatory.iter().chain(&self.own) {
            if rows.is_empty() {
                break;
            }
            let value =
                condition.evaluate(&looked_at).and_then(|value| value.into_array(rows.len())).map_err(failed)?;
            let mask = value.as_boolean_opt().ok_or_else(|| QueryError::Invalid {
                message: "the condition is neither true nor false".into(),
                position: None,
            })?;
            if mask.true_count() == rows.len() {
                continue;
            }
            // NULL is not true.
            let mask = BooleanArray::from_iter((0..mask.len()).map(|row| Some(mask.is_valid(row) && mask.value(row))));
            looked_at = filter_record_batch(&looked_at, &mask).map_err(|error| failed(error.into()))?;
            let mut at = 0;
            rows.retain(|_| {
                at += 1;
                mask.value(at - 1)
            });
        }
        Ok(rows)
    }
}

/// `batch` with these of its rows.
fn kept(batch: &RecordBatch, rows: &[u32]) -> Result<RecordBatch, DataFusionError> {
    let (schema, taken) = (batch.schema(), UInt32Array::from(rows.to_vec()));
    let columns = batch.columns().iter().map(|column| take(column, &taken, None)).collect::<Result<Vec<_>, _>>()?;
    // Conditions need not look at any column.
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}
