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
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::execution::{SessionState, TaskContext};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::sql::parser::Statement;
use tokio::runtime::Handle;

use super::answer::{Answer, Running};
use super::error::{Known, QueryError, classify};
use super::guard::{self, Label, Task, Wanted};
use super::ledger::{LEDGER, Ledger};
use super::params::{Bound, Failure, Params};
use super::partial::Missing;
use super::provider::EventsTable;
use super::restrict::{Hidden, Reader, RestrictedTable, check_masked};
use super::runtime::{BATCH_ROWS, RunTimer, Runtime};
use super::turn::Turn;
use super::{Snapshot, partials, views};
use crate::config::{self, ByteCount, Span};
use crate::event::names::ProjectName;
use crate::table::TableVersion;

/// Name of the catalog that every session has.
pub(crate) const CATALOG: &str = "kronika";
/// Name of its schema.
pub(crate) const SCHEMA: &str = "public";
/// Name of the table.
pub(crate) const EVENTS: &str = "events";
/// Bytes that a batch of the longest stored events should have, unpacked.
const BATCH_BYTES: u64 = 64 << 20;
/// How many times longer than in their files events are guessed to be.
const PACKING: u64 = 8;
/// Fewest rows of a batch.
const BATCH_ROWS_MIN: usize = 64;
/// Views may use views, to this depth.
pub(super) const VIEW_DEPTH_MAX: usize = 8;

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
#[derive(Debug, Clone)]
pub struct Session {
    runtime: Arc<Runtime>,
    project: ProjectName,
    snapshot: Arc<Snapshot>,
    reader: Reader,
    /// What there is of columns that the reader must not see.
    hidden: Hidden,
    /// The table `ledger`, where there is one.
    ledger: Option<Ledger>,
    /// What the caller calls the query.
    id: Option<String>,
    /// Its place among the queries that run.
    turn: Option<Arc<Turn>>,
    /// When it is for its reader, µs since 1970; `None`: now.
    at: Option<i64>,
    /// What its snapshot lacks.
    missing: Missing,
    /// The version as the table handed it out: whoever holds it keeps its files from being deleted.
    version: Arc<TableVersion>,
}

impl Session {
    /// A session over `snapshot`, which must be of `project`.
    #[must_use]
    pub fn new(runtime: &Arc<Runtime>, project: &ProjectName, snapshot: Snapshot) -> Self {
        Self {
            runtime: Arc::clone(runtime),
            project: project.clone(),
            version: Arc::clone(&snapshot.table),
            snapshot: Arc::new(snapshot),
            reader: Reader::default(),
            hidden: Hidden::default(),
            ledger: None,
            id: None,
            turn: None,
            at: None,
            missing: Missing::default(),
        }
    }

    /// Shows its reader what it might see at a moment (µs since 1970), which may be past: a look back over the
    /// last days begins so long before it.
    #[must_use]
    pub fn as_of(self, moment_us: i64) -> Self {
        Self { at: Some(moment_us), ..self }
    }

    /// Shows NULL in the place of columns that its reader must not see, where a statement only shows them: for the
    /// statements of ours, which name the same columns for everybody.
    #[must_use]
    pub fn masking(self) -> Self {
        Self { hidden: Hidden::Null, ..self }
    }

    /// With the table `ledger`.
    #[must_use]
    pub fn with_ledger(self, ledger: Ledger) -> Self {
        Self { ledger: Some(ledger), ..self }
    }

    /// Holds `turn` until the answers of the session have ended.
    #[must_use]
    pub fn in_turn(self, turn: Turn) -> Self {
        Self { turn: Some(Arc::new(turn)), ..self }
    }

    /// Gives the query a name by which [`Runtime::cancel`] finds it.
    #[must_use]
    pub fn with_id(mut self, id: Option<String>) -> Self {
        self.id = id;
        self
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

    /// The same over `snapshot`, which lacks `missing`.
    pub(super) fn over(&self, snapshot: Snapshot, missing: Missing) -> Self {
        Self { snapshot: Arc::new(snapshot), missing, ..self.clone() }
    }

    pub(super) fn runtime(&self) -> &Arc<Runtime> {
        &self.runtime
    }

    /// What it sees.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// On whose behalf it asks.
    #[must_use]
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Columns that its reader cannot see.
    #[must_use]
    pub fn hidden(&self) -> Arc<[String]> {
        self.reader.restriction.as_ref().map(|restriction| restriction.hidden()).unwrap_or_default()
    }

    /// Runs one query; returns when its first rows are there.
    ///
    /// # Errors
    /// What is wrong with the text or the parameters, or what stopped it so early; later failures
    /// come at the end of the answer's stream.
    pub async fn run(&self, sql: &str, params: Params, limits: Limits) -> Result<Answer, QueryError> {
        self.clone().run_once(sql, params, limits).await
    }

    /// As [`Session::run`], for the only query of the session: while it runs, of the events that are not stored only the
    /// columns stay in memory that it looks at.
    ///
    /// # Errors
    /// As there.
    pub async fn run_once(self, sql: &str, params: Params, limits: Limits) -> Result<Answer, QueryError> {
        self.run_bound(sql, Bound::new(params)?, limits, false).await
    }

    /// Plans one query, and runs nothing: what is wrong with it is known before it is asked for.
    ///
    /// # Errors
    /// As [`Session::run`], before its first row.
    pub async fn check(&self, sql: &str, params: Params, limits: Limits) -> Result<(), QueryError> {
        let deadline = tokio::time::Instant::now() + limits.timeout.0;
        let task = self.runtime.executor().admit(None, limits.memory_max)?;
        let known = self.known(limits.memory_max);
        self.clone().plan(sql, (Bound::new(params)?, false), &task, &known, deadline).await.map(|_| ())
    }

    async fn plan(
        self,
        sql: &str,
        (values, optional): (Bound, bool),
        task: &Arc<Task>,
        known: &Known,
        deadline: tokio::time::Instant,
    ) -> Result<(Arc<dyn ExecutionPlan>, Arc<TaskContext>), QueryError> {
        let limit = self.runtime.settings().sql_max;
        if sql.len() > limit.as_usize() {
            return Err(QueryError::TooLong { size: sql.len(), limit });
        }
        let runtime = Arc::clone(&self.runtime);
        let planning = Planning { session: self, sql: sql.to_owned(), values, optional, task: Arc::clone(task) };
        let planned = runtime.executor().plan(task, deadline, move |runtime| planning.run(runtime)).await?;
        planned.map_err(|failure| match failure {
            Failure::Ours(error) => error,
            Failure::Planner(error) => classify(error, known),
        })
    }

    /// As [`Session::run_once`], with typed values, of which the text need not use all when `optional`.
    pub(crate) async fn run_bound(
        self,
        sql: &str,
        values: Bound,
        limits: Limits,
        optional: bool,
    ) -> Result<Answer, QueryError> {
        let started = Instant::now();
        let runtime = Arc::clone(&self.runtime);
        let executor = runtime.executor();
        let label = self.id.clone().map(|id| Label { project: self.project.clone(), id });
        let task = executor.admit(label, limits.memory_max)?;
        let wanted = Wanted::new(&task);
        let known = self.known(limits.memory_max);
        let deadline = tokio::time::Instant::from_std(started) + limits.timeout.0;
        let (reader, turn, missing) = (self.reader.clone(), self.turn.clone(), self.missing);
        let (version, ended) = (Arc::clone(&self.version), reader.ended.clone());
        let first = async {
            // It is gone once it is planned.
            let (plan, context) = self.plan(sql, (values, optional), &task, &known, deadline).await?;
            if let Some(stages) = runtime.stages() {
                stages.plan.record(started.elapsed().as_secs_f64());
            }
            let timer = RunTimer::start(&runtime);
            let running = Running {
                plan,
                context,
                task: Arc::clone(&task),
                started,
                limits,
                known: known.clone(),
                reader,
                turn,
                missing,
                _version: version,
                _timer: timer,
            };
            Answer::start(executor, running).await
        };
        tokio::select! {
            biased;
            () = ended.cancelled() => Err(QueryError::KeyEnded),
            first = tokio::time::timeout_at(deadline, first) => match first {
                Ok(Ok(answer)) => {
                    wanted.let_go();
                    Ok(answer)
                }
                Ok(Err(error)) => Err(error),
                Err(_) => Err(QueryError::DeadlineExceeded(limits.timeout)),
            },
        }
    }

    pub(super) fn known(&self, memory_max: ByteCount) -> Known {
        let names = [EVENTS, LEDGER].into_iter().chain(views::views().iter().map(|view| view.name));
        Known {
            tables: names.map(str::to_owned).collect(),
            functions: self.runtime.functions(),
            memory_max,
            hidden: self.hidden(),
            reads: self.runtime.reads().clone(),
        }
    }

    /// Rows of one batch: fewer where the events of the snapshot are long.
    fn batch_rows(&self) -> usize {
        let stored = self.snapshot.table.files.iter().map(|file| file.size / file.rows.max(1) * PACKING);
        let hot = self.snapshot.hot.iter().map(|batch| (batch.bytes / batch.rows.num_rows().max(1)) as u64);
        let row = stored.chain(hot).max().unwrap_or(0).max(1);
        usize::try_from(BATCH_BYTES / row).unwrap_or(usize::MAX).clamp(BATCH_ROWS_MIN, BATCH_ROWS)
    }

    /// The one builder of session states.
    pub(super) fn state(&self, task: &Task) -> Result<(SessionState, Arc<MemorySchemaProvider>), Failure> {
        let schema = Arc::new(MemorySchemaProvider::new());
        let events = EventsTable::new(Arc::clone(&self.runtime), Arc::clone(&self.snapshot));
        schema.register_table(EVENTS.to_owned(), self.as_readable(events)?)?;
        let catalog = MemoryCatalogProvider::new();
        catalog.register_schema(SCHEMA, Arc::clone(&schema) as Arc<dyn SchemaProvider>)?;
        let catalogs = MemoryCatalogProviderList::new();
        catalogs.register_catalog(CATALOG.to_owned(), Arc::new(catalog));
        let template = self.runtime.template();
        let config = template.config().clone().with_batch_size(self.batch_rows());
        let mut state = SessionStateBuilder::new_from_existing(template)
            .with_config(config)
            .with_catalog_list(Arc::new(catalogs))
            .with_runtime_env(self.runtime.env(Arc::clone(task.pool())))
            .build();
        state.mark_start_execution();
        Ok((state, schema))
    }
}

impl Session {
    /// The table as the reader may see it.
    fn as_readable(&self, events: EventsTable) -> Result<Arc<dyn TableProvider>, Failure> {
        let Some(restriction) = &self.reader.restriction else { return Ok(Arc::new(events)) };
        let now_us = self.at.unwrap_or_else(|| chrono::Utc::now().timestamp_micros());
        Ok(Arc::new(RestrictedTable::new(events, Arc::clone(restriction), self.hidden, now_us)?))
    }
}

impl Session {
    /// Whether its reader may ask the table `ledger`.
    pub(super) fn shows_ledger(&self) -> bool {
        self.ledger.is_some() && self.reader.restriction.is_none()
    }

    /// Makes the table `ledger` where `statement` names it.
    fn register_ledger(
        &self,
        state: &SessionState,
        schema: &MemorySchemaProvider,
        statement: &Statement,
    ) -> Result<(), Failure> {
        let Some(ledger) = &self.ledger else { return Ok(()) };
        if !state.resolve_table_references(statement)?.iter().any(|reference| reference.table() == LEDGER) {
            return Ok(());
        }
        if self.reader.restriction.is_some() {
            return Err(QueryError::HiddenTable(LEDGER).into());
        }
        schema.register_table(LEDGER.to_owned(), Arc::new(ledger.table()?))?;
        Ok(())
    }
}

/// What a planning thread gets.
struct Planning {
    session: Session,
    sql: String,
    values: Bound,
    /// Whether the text may leave values unused.
    optional: bool,
    task: Arc<Task>,
}

impl Planning {
    /// From the text to what can be run. The futures of the planner wait for nothing; `runtime` drives them.
    fn run(self, runtime: &Handle) -> Result<(Arc<dyn ExecutionPlan>, Arc<TaskContext>), Failure> {
        let guard = &self.session.runtime.settings().guard;
        let statement = guard::parse(&self.sql, guard)?;
        let (state, schema) = self.session.state(&self.task)?;
        runtime.block_on(register_views(&state, &schema, &statement, guard, VIEW_DEPTH_MAX))?;
        self.session.register_ledger(&state, &schema, &statement)?;
        let plan = runtime.block_on(state.statement_to_plan(statement))?;
        let plan = self.values.bind(plan, self.optional)?;
        guard::check_plan(&plan, guard)?;
        let plan = state.optimize(&plan)?;
        guard::check_constants(&plan, guard)?;
        if let (Hidden::Null, Some(restriction)) = (self.session.hidden, &self.session.reader.restriction) {
            check_masked(&plan, restriction)?;
        }
        let plan = runtime.block_on(state.query_planner().create_physical_plan(&plan, &state))?;
        let plan = guard::check_physical(plan, guard)?;
        let Session { runtime, project, .. } = &self.session;
        Ok((partials::keep(plan, project, runtime.partials(), runtime.threads())?, state.task_ctx()))
    }
}

/// Plans the views that `statement` names, and those that they name.
pub(super) async fn register_views(
    state: &SessionState,
    schema: &MemorySchemaProvider,
    statement: &Statement,
    guard: &config::Guard,
    depth: usize,
) -> Result<(), Failure> {
    for reference in state.resolve_table_references(statement)? {
        let name = reference.table();
        let Some(view) = views::find(name) else { continue };
        if schema.table_exist(name) || depth == 0 {
            continue;
        }
        let select = guard::parse_trusted(view.sql, guard)?;
        Box::pin(register_views(state, schema, &select, guard, depth - 1)).await?;
        let plan = state.statement_to_plan(select).await?;
        schema.register_table(name.to_owned(), Arc::new(ViewTable::new(plan, None)))?;
    }
    Ok(())
}
