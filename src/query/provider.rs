//! The table `events` as DataFusion sees it: one snapshot of one project.
//!
//! Every condition is taken over exactly: the list of files answers those on `date` and `module`,
//! the scan tests the others. So a LIMIT reaches the scan, and a count over whole files needs none.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::config::ConfigOptions;
use datafusion::common::{DataFusionError, project_schema};
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;

use super::Snapshot;
use super::filters::Filters;
use super::hot::HotRows;
use super::runtime::Runtime;
use super::scan::{EventsExec, ScanSpec};
use crate::event::schema::query_schema;

/// The table `events` of one snapshot.
#[derive(Debug)]
pub(crate) struct EventsTable {
    runtime: Arc<Runtime>,
    snapshot: Arc<Snapshot>,
}

impl EventsTable {
    pub(crate) fn new(runtime: Arc<Runtime>, snapshot: Arc<Snapshot>) -> Self {
        Self { runtime, snapshot }
    }

    /// Threads that a scan may use.
    pub(crate) fn threads(&self) -> usize {
        self.runtime.threads()
    }

    /// The scan of `columns` (positions in the query schema) under `filters`.
    pub(crate) fn plan(
        &self,
        columns: Vec<usize>,
        filters: Filters,
        options: &Arc<ConfigOptions>,
    ) -> Result<EventsExec, DataFusionError> {
        let table = &self.snapshot.table;
        let files = self.runtime.indexes().of(table)?.select(table, &filters)?;
        EventsExec::new(ScanSpec {
            runtime: Arc::clone(&self.runtime),
            options: Arc::clone(options),
            hot: HotRows::of(&self.snapshot.hot, &columns, &filters)?,
            columns,
            filters,
            files,
        })
    }
}

#[async_trait]
impl TableProvider for EventsTable {
    fn schema(&self) -> SchemaRef {
        query_schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> Result<Vec<TableProviderFilterPushDown>, DataFusionError> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>, DataFusionError> {
        let schema = query_schema();
        let columns = projection.cloned().unwrap_or_else(|| (0..schema.fields().len()).collect());
        let filters = Filters::new(filters, |expr, schema| state.create_physical_expr(expr.clone(), schema))?;
        let scan = self.plan(columns, filters, state.config().options())?;
        if scan.is_empty() {
            return Ok(Arc::new(EmptyExec::new(project_schema(&schema, projection)?)));
        }
        Ok(Arc::new(scan))
    }
}
