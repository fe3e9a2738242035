//! The table `events` of a restricted caller: hidden columns do not exist, hidden rows are not there.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::plain::is_plain;
use super::{RestrictedExec, Restriction};
use crate::query::filters::Filters;
use crate::query::provider::EventsTable;

/// A view on [`EventsTable`] that no plan can look behind.
#[derive(Debug)]
pub(crate) struct RestrictedTable {
    events: EventsTable,
    restriction: Arc<Restriction>,
    schema: SchemaRef,
    now_us: i64,
}

impl RestrictedTable {
    /// `events` under `restriction`, whose look-back counts from `now_us`.
    pub(crate) fn new(
        events: EventsTable,
        restriction: Arc<Restriction>,
        now_us: i64,
    ) -> Result<Self, DataFusionError> {
        let schema = restriction.schema()?;
        Ok(Self { events, restriction, schema, now_us })
    }
}

#[async_trait]
impl TableProvider for RestrictedTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        let support = |filter: &&Expr| match is_plain(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        if !filters.iter().all(is_plain) {
            return Err(DataFusionError::Internal("a restricted scan was given a condition that is not plain".into()));
        }
        let visible = &self.restriction.visible;
        let columns: Vec<usize> = match projection {
            Some(wanted) => wanted.iter().map(|&at| visible[at]).collect(),
            None => visible.to_vec(),
        };
        let all: Vec<Expr> =
            self.restriction.conditions(self.now_us).into_iter().chain(filters.iter().cloned()).collect();
        let mut all = Filters::new(&all, |expr, schema| state.create_physical_expr(expr.clone(), schema))?;
        all.partition.extend(self.restriction.module_condition()?);
        let options = state.config().options();
        // To the planner a scan that reads nothing looks like any other.
        let scan = self.events.plan(columns, all, options)?;
        Ok(Arc::new(RestrictedExec::new(Arc::new(scan), self.events.threads(), options)?))
    }
}
