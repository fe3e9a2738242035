//! What all queries of a server share: caches, the one object store, the function registry.
//!
//! A [`Runtime`] is made once. Each request builds its own session from it ([`super::Session`]), with
//! a memory pool and a catalog of its own; footers of Parquet files and the columnar form of table
//! versions are kept here between requests.

use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use datafusion::common::DataFusionError;
use datafusion::datasource::object_store::{ObjectStoreRegistry, ObjectStoreUrl};
use datafusion::execution::SessionState;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionConfig;
use metrics::Histogram;
use object_store::ObjectStore;
use object_store::path::Path as StorePath;
use url::Url;

use super::error::QueryError;
use super::guard::{self, Executor, Label};
use super::partials::Partials;
use super::prune::IndexCache;
use super::readers::Readers;
use crate::config;
use crate::event::names::ProjectName;
use crate::table::{DamageLog, Reads, TableVersion};

/// Memory for parsed footers and page indexes of Parquet files.
const FOOTER_CACHE_BYTES: usize = 512 << 20;
/// Rows of one batch between operators.
pub(crate) const BATCH_ROWS: usize = 8_192;
/// Name under which the object store is known to plans; nothing else can be reached from SQL.
const STORE_URL: &str = "kronika://store";
/// Prefix that the spill manager gives its directories.
const SPILL_PREFIX: &str = "datafusion-";
/// Runs of spilled rows that are merged at once: each takes memory.
const SPILL_MERGE_MAX: usize = 16;

/// What all queries of a server share.
#[derive(Debug)]
pub struct Runtime {
    settings: config::Query,
    threads: usize,
    env: RuntimeEnv,
    template: SessionState,
    functions: Arc<[String]>,
    reads: Reads,
    readers: Arc<Readers>,
    damage: Arc<DamageLog>,
    indexes: IndexCache,
    partials: Arc<Partials>,
    executor: Executor,
    stages: OnceLock<Stages>,
}

/// Told how long the stages of each query took, in seconds.
#[derive(Debug)]
pub struct Stages {
    /// From the text to the plan.
    pub plan: Histogram,
    /// From the plan to the last row.
    pub run: Histogram,
}

impl Runtime {
    /// Prepares query execution over `reads`; what does not fit in memory goes to `spill_dir`, whose
    /// leftovers of an earlier run are removed.
    ///
    /// # Errors
    /// The spill directory cannot be made, or the system gives no threads.
    pub fn new(settings: &config::Query, reads: impl Into<Reads>, spill_dir: &Path) -> Result<Arc<Self>, QueryError> {
        prepare_spill_dir(spill_dir).map_err(QueryError::SpillDir)?;
        let reads = reads.into();
        let internal = |error: DataFusionError| QueryError::Internal(Box::new(error));
        let env = RuntimeEnvBuilder::new()
            .with_object_store_registry(Arc::new(OneStore(reads.store())))
            .with_temp_file_path(spill_dir)
            .with_max_temp_directory_size(settings.guard.spill_max.0)
            .with_max_spill_merge_fan_in(SPILL_MERGE_MAX)
            .with_metadata_cache_limit(FOOTER_CACHE_BYTES)
            .build()
            .map_err(internal)?;
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            threads => threads,
        };
        let footers = env.cache_manager.get_file_metadata_cache();
        let template = template(threads, &settings.guard).map_err(internal)?;
        let damage = Arc::<DamageLog>::default();
        let executor = Executor::start(settings, threads).map_err(QueryError::Threads)?;
        Ok(Arc::new(Self {
            settings: settings.clone(),
            threads,
            functions: function_names(&template),
            template,
            readers: Arc::new(Readers::new(reads.clone(), footers, Arc::clone(&damage))),
            reads,
            damage,
            indexes: IndexCache::default(),
            partials: Arc::new(Partials::new(settings.partials_max.as_usize())),
            executor,
            stages: OnceLock::new(),
            env,
        }))
    }

    /// The settings of queries.
    #[must_use]
    pub fn settings(&self) -> &config::Query {
        &self.settings
    }

    /// Stops the queries of `project` that were given the name `id`; tells how many there were.
    pub fn cancel(&self, project: &ProjectName, id: &str) -> usize {
        self.executor.cancel(&Label { project: project.clone(), id: id.to_owned() })
    }

    /// Has `stages` told of every query from now on; only the first call counts.
    pub fn time_stages(&self, stages: Stages) {
        let _ = self.stages.set(stages);
    }

    pub(crate) fn stages(&self) -> Option<&Stages> {
        self.stages.get()
    }

    /// Data files that were found damaged.
    #[must_use]
    pub fn damage(&self) -> &Arc<DamageLog> {
        &self.damage
    }

    /// Files whose footers are cached.
    #[must_use]
    pub fn cached_footers(&self) -> usize {
        self.env.cache_manager.get_file_metadata_cache().len()
    }

    /// Lets go of footers and kept results of files of the table at `root` that are not live any more.
    pub fn forget_files(&self, root: &StorePath, version: &TableVersion) {
        let live: HashSet<&StorePath> = version.files.iter().map(|file| &file.location).collect();
        let footers = self.env.cache_manager.get_file_metadata_cache();
        // Also those that a query over an older version read since the last time.
        for file in footers.list_entries().keys().filter(|file| file.prefix_matches(root) && !live.contains(file)) {
            footers.remove(file);
        }
        self.partials.forget_files(root, &live);
    }

    /// Queries that are being planned or run.
    #[must_use]
    pub fn running(&self) -> usize {
        self.executor.running()
    }

    /// Memory that operators of queries have reserved, in bytes.
    #[must_use]
    pub fn reserved(&self) -> usize {
        self.executor.reserved()
    }

    /// Runtimes that were left to a step that does not end.
    #[must_use]
    pub fn stuck(&self) -> usize {
        self.executor.stuck()
    }

    /// Threads of one query.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    pub(crate) fn template(&self) -> SessionState {
        self.template.clone()
    }

    /// Names of all functions.
    pub(crate) fn functions(&self) -> Arc<[String]> {
        Arc::clone(&self.functions)
    }

    pub(crate) fn readers(&self) -> Arc<Readers> {
        Arc::clone(&self.readers)
    }

    /// The way to the data files.
    pub(crate) fn reads(&self) -> &Reads {
        &self.reads
    }

    pub(crate) fn indexes(&self) -> &IndexCache {
        &self.indexes
    }

    /// Results of files that are kept for the next time the same is asked.
    pub(crate) fn partials(&self) -> &Arc<Partials> {
        &self.partials
    }

    /// Where queries are planned and run.
    pub(crate) fn executor(&self) -> &Executor {
        &self.executor
    }

    /// Caches and stores of the server with a memory pool of its own.
    pub(crate) fn env(&self, memory_pool: Arc<dyn MemoryPool>) -> Arc<RuntimeEnv> {
        Arc::new(RuntimeEnv {
            memory_pool,
            disk_manager: Arc::clone(&self.env.disk_manager),
            cache_manager: Arc::clone(&self.env.cache_manager),
            object_store_registry: Arc::clone(&self.env.object_store_registry),
        })
    }
}

/// Tells how long a run took once it is dropped.
#[derive(Debug)]
pub(crate) struct RunTimer {
    run: Option<Histogram>,
    began: Instant,
}

impl RunTimer {
    pub(crate) fn start(runtime: &Runtime) -> Self {
        Self { run: runtime.stages().map(|stages| stages.run.clone()), began: Instant::now() }
    }
}

impl Drop for RunTimer {
    fn drop(&mut self) {
        if let Some(run) = &self.run {
            run.record(self.began.elapsed().as_secs_f64());
        }
    }
}

/// The URL that scans name instead of the real place of the table.
pub(crate) fn store_url() -> Result<ObjectStoreUrl, DataFusionError> {
    ObjectStoreUrl::parse(STORE_URL)
}

/// Makes the directory and removes what a killed process left in it.
fn prepare_spill_dir(dir: &Path) -> std::io::Result<()> {
    std::fs::create_dir_all(dir)?;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(SPILL_PREFIX) && entry.file_type()?.is_dir() {
            std::fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

/// Options, functions and rules of every session; a session adds its catalog and memory pool.
///
/// Nothing is taken over from the defaults of the engine below but its rules: no file formats, no table
/// factories, no functions but those of the guard.
fn template(threads: usize, guard: &config::Guard) -> Result<SessionState, DataFusionError> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(super::session::CATALOG, super::session::SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false)
        .with_target_partitions(threads)
        .with_batch_size(BATCH_ROWS);
    let options = config.options_mut();
    options.sql_parser.collect_spans = true;
    options.execution.enable_recursive_ctes = false;
    options.execution.time_zone = Some("UTC".into());
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.max_in_list_size = super::prune::IN_LIST_MAX;
    options.execution.sort_pushdown_buffer_capacity = 64 << 20;
    options.optimizer.repartition_file_min_size = 16 << 20;
    let builder = SessionStateBuilder::new()
        .with_config(config)
        .with_optimizer_rules(guard::optimizer_rules())
        .with_physical_optimizer_rules(super::local_limit::physical_rules());
    let mut state = guard::with_functions(builder, guard).build();
    guard::register(&mut state, guard)?;
    Ok(state)
}

fn function_names(state: &SessionState) -> Arc<[String]> {
    let scalar = state.scalar_functions().keys();
    let tables = state.table_functions().keys();
    let mut names: Vec<String> = scalar
        .chain(state.aggregate_functions().keys())
        .chain(state.window_functions().keys())
        .chain(state.higher_order_functions().keys())
        .chain(tables)
        .cloned()
        .collect();
    names.sort();
    names.dedup();
    names.into()
}

/// Knows one store under one name, and no local files.
#[derive(Debug)]
struct OneStore(Arc<dyn ObjectStore>);

impl ObjectStoreRegistry for OneStore {
    fn register_store(&self, _url: &Url, _store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        None
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>, DataFusionError> {
        if url.scheme() == "kronika" {
            return Ok(Arc::clone(&self.0));
        }
        Err(DataFusionError::Plan("only the table `events` and its views can be read".into()))
    }
}
