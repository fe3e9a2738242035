//! The session of one request: the only place where SQL is parsed, planned and started.
//!
//! # Invariants
//! * The catalog of a session holds `events` of one snapshot, as its reader may see it, and the views.
//! * What is planned is one query, or EXPLAIN of one; the plan is checked again after planning.
//! * The limits of a request hold from its first byte on; dropping the answer stops the work.

use std::sync::Arc;
use std::time::Instant;

use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider, TableProvider,
};
use datafusion::datasource::ViewTable;
use datafusion::execution::SessionState;
use datafusion::execution::context::SQLOptions;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{SetExpr, Statement as SqlStatement};

use super::answer::{Answer, Running};
use super::dialect::EventsDialect;
use super::error::{Known, QueryError, classify};
use super::params::{Bound, Failure, Params};
use super::provider::EventsTable;
use super::restrict::{Reader, RestrictedTable};
use super::runtime::Runtime;
use super::{Snapshot, views};
use crate::config::{self, ByteCount, Span};
use crate::event::names::ProjectName;

/// Name of the catalog that every session has.
pub(crate) const CATALOG: &str = "kronika";
/// Name of its schema.
pub(crate) const SCHEMA: &str = "public";
/// Name of the table.
pub(crate) const EVENTS: &str = "events";
/// Deepest nesting of expressions and subqueries.
const NESTING_MAX: usize = 50;
/// Views may use views, to this depth.
const VIEW_DEPTH_MAX: usize = 8;

/// Limits of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most rows of the answer.
    pub rows_max: u64,
    /// Most bytes of the answer, in memory form.
    pub bytes_max: ByteCount,
    /// Longest run, the reading of the answer included.
    pub timeout: Span,
    /// Memory of its operators.
    pub memory_max: ByteCount,
}

impl Limits {
    /// The limits that the settings give everybody.
    #[must_use]
    pub fn of(settings: &config::Query) -> Self {
        Self {
            rows_max: settings.rows_max,
            bytes_max: settings.bytes_max,
            timeout: settings.timeout,
            memory_max: settings.memory_max,
        }
    }
}

/// One request's view of one project.
#[derive(Debug)]
pub struct Session {
    runtime: Arc<Runtime>,
    project: ProjectName,
    snapshot: Arc<Snapshot>,
    reader: Reader,
}

impl Session {
    /// A session over `snapshot`, which must be of `project`.
    #[must_use]
    pub fn new(runtime: &Arc<Runtime>, project: &ProjectName, snapshot: Snapshot) -> Self {
        let reader = Reader::default();
        Self { runtime: Arc::clone(runtime), project: project.clone(), snapshot: Arc::new(snapshot), reader }
    }

    /// The same for a reader that may see less of it, and whose key may end.
    #[must_use]
    pub fn read_by(self, reader: Reader) -> Self {
        Self { reader, ..self }
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &ProjectName {
        &self.project
    }

    /// Runs one query; returns when its first rows are there.
    ///
    /// # Errors
    /// What is wrong with the text or the parameters, or what stopped it so early; later failures
    /// come at the end of the answer's stream.
    pub async fn run(&self, sql: &str, params: Params, limits: Limits) -> Result<Answer, QueryError> {
        self.run_bound(sql, Bound::new(params)?, limits, false).await
    }

    /// As [`Session::run`], with typed values, of which the text need not use all when `optional`.
    pub(crate) async fn run_bound(
        &self,
        sql: &str,
        values: Bound,
        limits: Limits,
        optional: bool,
    ) -> Result<Answer, QueryError> {
        let started = Instant::now();
        let limit = self.runtime.settings().sql_max;
        if sql.len() > limit.as_usize() {
            return Err(QueryError::TooLong { size: sql.len(), limit });
        }
        let known = self.known(limits);
        let first = async {
            let (plan, state) =
                self.physical(sql, values, limits, optional).await.map_err(|failure| match failure {
                    Failure::Ours(error) => error,
                    Failure::Planner(error) => classify(error, &known),
                })?;
            let rows = execute_stream(Arc::clone(&plan), state.task_ctx()).map_err(|error| classify(error, &known))?;
            let reader = self.reader.clone();
            Answer::start(Running { plan, rows, started, limits, known: known.clone(), reader }).await
        };
        tokio::select! {
            biased;
            () = self.reader.ended.cancelled() => Err(QueryError::KeyEnded),
            first = tokio::time::timeout(limits.timeout.0, first) => {
                first.unwrap_or(Err(QueryError::DeadlineExceeded(limits.timeout)))
            }
        }
    }

    fn known(&self, limits: Limits) -> Known {
        let names = std::iter::once(EVENTS).chain(views::views().iter().map(|view| view.name));
        Known {
            tables: names.map(str::to_owned).collect(),
            functions: self.runtime.functions(),
            memory_max: limits.memory_max,
            hidden: self.reader.restriction.as_ref().map(|restriction| restriction.hidden()).unwrap_or_default(),
        }
    }

    /// Parses, plans, binds and checks.
    async fn physical(
        &self,
        sql: &str,
        values: Bound,
        limits: Limits,
        optional: bool,
    ) -> Result<(Arc<dyn ExecutionPlan>, SessionState), Failure> {
        let statement = parse(sql)?;
        let (state, schema) = self.state(limits)?;
        register_views(&state, &schema, &statement, VIEW_DEPTH_MAX).await?;
        let plan = state.statement_to_plan(statement).await?;
        let plan = values.bind(plan, optional)?;
        verify(&plan)?;
        let plan = state.create_physical_plan(&plan).await?;
        Ok((plan, state))
    }

    /// The one builder of session states; the guard of issue 4 goes between this and the parser.
    fn state(&self, limits: Limits) -> Result<(SessionState, Arc<MemorySchemaProvider>), Failure> {
        let schema = Arc::new(MemorySchemaProvider::new());
        let events = EventsTable::new(Arc::clone(&self.runtime), Arc::clone(&self.snapshot));
        schema.register_table(EVENTS.to_owned(), self.as_readable(events)?)?;
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SCHEMA, Arc::clone(&schema) as Arc<dyn SchemaProvider>)?;
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        let mut state = SessionStateBuilder::new_from_existing(self.runtime.template())
            .with_catalog_list(Arc::new(catalogs))
            .with_runtime_env(self.runtime.env(limits.memory_max.as_usize()))
            .build();
        state.mark_start_execution();
        Ok((state, schema))
    }
}

impl Session {
    /// The table as the reader may see it.
    fn as_readable(&self, events: EventsTable) -> Result<Arc<dyn TableProvider>, Failure> {
        let Some(restriction) = &self.reader.restriction else { return Ok(Arc::new(events)) };
        let now_us = chrono::Utc::now().timestamp_micros();
        Ok(Arc::new(RestrictedTable::new(events, Arc::clone(restriction), now_us)?))
    }
}

/// Exactly one statement, which must be a query or EXPLAIN of one.
fn parse(sql: &str) -> Result<Statement, Failure> {
    let mut statements = DFParserBuilder::new(sql)
        .with_dialect(&EventsDialect)
        .with_recursion_limit(NESTING_MAX)
        .build()?
        .parse_statements()?;
    match (statements.pop_front(), statements.len()) {
        (Some(statement), 0) if is_query(&statement) => Ok(statement),
        (Some(statement), 0) => {
            let text = statement.to_string();
            let word = text.split_whitespace().next().unwrap_or_default().to_uppercase();
            Err(QueryError::NotAQuery(format!("`{word}` is not run")).into())
        }
        (None, _) => Err(QueryError::NotAQuery("the SQL text is empty".into()).into()),
        (Some(_), more) => Err(QueryError::NotAQuery(format!("{} statements", more + 1)).into()),
    }
}

fn is_query(statement: &Statement) -> bool {
    match statement {
        Statement::Statement(statement) => match &**statement {
            SqlStatement::Query(query) => {
                !matches!(*query.body, SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_))
            }
            _ => false,
        },
        Statement::Explain(explain) => is_query(&explain.statement),
        _ => false,
    }
}

/// Plans the views that `statement` names, and those that they name.
async fn register_views(
    state: &SessionState,
    schema: &MemorySchemaProvider,
    statement: &Statement,
    depth: usize,
) -> Result<(), Failure> {
    for reference in state.resolve_table_references(statement)? {
        let name = reference.table();
        let Some(view) = views::find(name) else { continue };
        if schema.table_exist(name) || depth == 0 {
            continue;
        }
        let select = parse(view.sql)?;
        Box::pin(register_views(state, schema, &select, depth - 1)).await?;
        let plan = state.statement_to_plan(select).await?;
        schema.register_table(name.to_owned(), Arc::new(ViewTable::new(plan, None)))?;
    }
    Ok(())
}

/// Refuses plans that do anything but read.
fn verify(plan: &LogicalPlan) -> Result<(), Failure> {
    let read_only = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    read_only.verify_plan(plan).map_err(|_| QueryError::NotAQuery("a statement that changes something".into()).into())
}
