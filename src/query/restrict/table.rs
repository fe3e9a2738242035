//! The table `events` of a restricted caller: hidden columns do not exist, hidden rows are not there.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::DataFusionError;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;

use super::plain::is_plain;
use super::{Hidden, RestrictedExec, Restriction, masked};
use crate::query::filters::Filters;
use crate::query::provider::EventsTable;

/// A view on [`EventsTable`] that no plan can look behind.
#[derive(Debug)]
pub(crate) struct RestrictedTable {
    events: EventsTable,
    restriction: Arc<Restriction>,
    /// What there is of hidden columns.
    hidden: Hidden,
    schema: SchemaRef,
    now_us: i64,
}

impl RestrictedTable {
    /// `events` under `restriction`, whose look-back counts from `now_us`.
    pub(crate) fn new(
        events: EventsTable,
        restriction: Arc<Restriction>,
        hidden: Hidden,
        now_us: i64,
    ) -> Result<Self, DataFusionError> {
        let schema = match hidden {
            Hidden::Absent => restriction.schema()?,
            Hidden::Null => masked::schema(&restriction),
        };
        Ok(Self { events, restriction, hidden, schema, now_us })
    }

    /// Whether the scan may test a condition: it cannot fail, and looks at nothing hidden.
    fn takes(&self, filter: &Expr) -> bool {
        is_plain(filter) && !filter.column_refs().iter().any(|column| self.restriction.hides(&column.name))
    }

    /// Positions in the query schema of the columns at `projection` of the schema.
    fn columns(&self, projection: Option<&Vec<usize>>) -> Vec<usize> {
        let at = |at: usize| match self.hidden {
            Hidden::Absent => self.restriction.visible[at],
            Hidden::Null => at,
        };
        match projection {
            Some(wanted) => wanted.iter().map(|&wanted| at(wanted)).collect(),
            None => (0..self.schema.fields().len()).map(at).collect(),
        }
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
        let support = |filter: &&Expr| match self.takes(filter) {
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
        if !filters.iter().all(|filter| self.takes(filter)) {
            return Err(DataFusionError::Internal("a restricted scan was given a condition that is not plain".into()));
        }
        let columns = self.columns(projection);
        let is_visible = |at: &usize| self.restriction.visible.contains(at);
        let visible: Vec<usize> = columns.iter().copied().filter(is_visible).collect();
        let all_visible = visible.len() == columns.len();
        let all: Vec<Expr> =
            self.restriction.conditions(self.now_us).into_iter().chain(filters.iter().cloned()).collect();
        let mut all = Filters::new(&all, |expr, schema| state.create_physical_expr(expr.clone(), schema))?;
        all.partition.extend(self.restriction.rows().module_condition()?);
        let options = state.config().options();
        // To the planner a scan that reads nothing looks like any other.
        let scan = self.events.plan(visible, all, options)?;
        let scan = Arc::new(RestrictedExec::new(Arc::new(scan), self.events.threads(), options)?);
        if all_visible { Ok(scan) } else { masked::with_nulls(scan, &columns, &self.restriction) }
    }
}
