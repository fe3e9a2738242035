//! What all queries of a server share: caches, the one object store, the function registry.
//!
//! A [`Runtime`] is made once. Each request builds its own session from it ([`super::Session`]), with
//! a memory pool and a catalog of its own; footers of Parquet files and the columnar form of table
//! versions are kept here between requests.

use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::datasource::object_store::{ObjectStoreRegistry, ObjectStoreUrl};
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::execution::SessionState;
use datafusion::execution::memory_pool::{FairSpillPool, TrackConsumersPool};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::prelude::SessionConfig;
use object_store::ObjectStore;
use url::Url;

use super::error::QueryError;
use super::prune::IndexCache;
use crate::config;

/// Memory for parsed footers and page indexes of Parquet files.
const FOOTER_CACHE_BYTES: usize = 512 << 20;
/// Disk for spilled intermediate results, over all queries.
const SPILL_MAX_BYTES: u64 = 8 << 30;
/// Rows of one batch between operators.
const BATCH_ROWS: usize = 8_192;
/// Name under which the object store is known to plans; nothing else can be reached from SQL.
const STORE_URL: &str = "kronika://store";
/// Prefix that the spill manager gives its directories.
const SPILL_PREFIX: &str = "datafusion-";
/// Functions that tell about the machine instead of the events.
const HIDDEN_FUNCTIONS: [&str; 3] = ["version", "input_file_name", "file_row_index"];

/// What all queries of a server share.
#[derive(Debug)]
pub struct Runtime {
    settings: config::Query,
    threads: usize,
    env: RuntimeEnv,
    template: SessionState,
    readers: Arc<CachedParquetFileReaderFactory>,
    indexes: IndexCache,
}

impl Runtime {
    /// Prepares query execution over `store`; what does not fit in memory goes to `spill_dir`, whose
    /// leftovers of an earlier run are removed.
    ///
    /// # Errors
    /// The spill directory cannot be made.
    pub fn new(
        settings: &config::Query,
        store: Arc<dyn ObjectStore>,
        spill_dir: &Path,
    ) -> Result<Arc<Self>, QueryError> {
        prepare_spill_dir(spill_dir).map_err(QueryError::SpillDir)?;
        let internal = |error: DataFusionError| QueryError::Internal(Box::new(error));
        let env = RuntimeEnvBuilder::new()
            .with_object_store_registry(Arc::new(OneStore(Arc::clone(&store))))
            .with_temp_file_path(spill_dir)
            .with_max_temp_directory_size(SPILL_MAX_BYTES)
            .with_metadata_cache_limit(FOOTER_CACHE_BYTES)
            .build()
            .map_err(internal)?;
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            threads => threads,
        };
        let footers = env.cache_manager.get_file_metadata_cache();
        Ok(Arc::new(Self {
            settings: settings.clone(),
            threads,
            template: template(threads).map_err(internal)?,
            readers: Arc::new(CachedParquetFileReaderFactory::new(store, footers)),
            indexes: IndexCache::default(),
            env,
        }))
    }

    /// The settings of queries.
    #[must_use]
    pub fn settings(&self) -> &config::Query {
        &self.settings
    }

    /// Threads of one query.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    pub(crate) fn template(&self) -> SessionState {
        self.template.clone()
    }

    pub(crate) fn readers(&self) -> Arc<CachedParquetFileReaderFactory> {
        Arc::clone(&self.readers)
    }

    pub(crate) fn indexes(&self) -> &IndexCache {
        &self.indexes
    }

    /// Caches and stores of the server with a memory budget of `bytes` of its own.
    pub(crate) fn env(&self, bytes: usize) -> Arc<RuntimeEnv> {
        const NAMED_CONSUMERS: NonZeroUsize = NonZeroUsize::MIN;
        Arc::new(RuntimeEnv {
            memory_pool: Arc::new(TrackConsumersPool::new(FairSpillPool::new(bytes), NAMED_CONSUMERS)),
            disk_manager: Arc::clone(&self.env.disk_manager),
            cache_manager: Arc::clone(&self.env.cache_manager),
            object_store_registry: Arc::clone(&self.env.object_store_registry),
        })
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
fn template(threads: usize) -> Result<SessionState, DataFusionError> {
    let mut config = SessionConfig::new()
        .with_default_catalog_and_schema(super::session::CATALOG, super::session::SCHEMA)
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(false)
        .with_target_partitions(threads)
        .with_batch_size(BATCH_ROWS);
    let options = config.options_mut();
    options.sql_parser.collect_spans = true;
    options.execution.time_zone = Some("UTC".into());
    options.execution.parquet.reorder_filters = true;
    options.execution.parquet.max_in_list_size = super::prune::IN_LIST_MAX;
    options.execution.sort_pushdown_buffer_capacity = 64 << 20;
    options.optimizer.repartition_file_min_size = 16 << 20;
    let mut state = SessionStateBuilder::new_with_default_features().with_config(config).build();
    state.table_factories_mut().clear();
    datafusion_functions_json::register_all(&mut state)?;
    for name in HIDDEN_FUNCTIONS {
        datafusion::execution::FunctionRegistry::deregister_udf(&mut state, name)?;
    }
    Ok(state)
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
