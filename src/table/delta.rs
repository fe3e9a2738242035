//! The part of the work that delta-rs does: reading checkpoints, writing them.
//!
//! It works on our store, so that checkpoints on local disk are synced like everything else. It
//! never commits: its commits cost time for every live file, and its `optimize` may double rows.

use std::sync::Arc;

use deltalake_core::kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::{LogicalFileView, StructType};
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use deltalake_core::{DeltaTable, DeltaTableError, checkpoints};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use tokio::runtime::Handle;

use super::Storage;
use super::error::TableError;
use super::log::{self, Add, MODEL_PROPERTY};
use super::state::{State, check_model, check_protocol};
use crate::event::schema::row_schema;

fn log_store(storage: &Storage, root: &Path) -> LogStoreRef {
    let store = storage.store();
    let table = Arc::new(PrefixStore::new(Arc::clone(&store), root.clone()));
    default_logstore(table, store, &storage.directory_url(root), &StorageConfig::default())
}

fn failed<E: Into<Box<DeltaTableError>>>(action: &'static str, root: &Path) -> impl Fn(E) -> TableError {
    move |source| TableError::Delta { action, table: root.to_string(), source: source.into() }
}

/// The table's schema as the log has it.
pub(super) fn schema_string(root: &Path) -> Result<String, TableError> {
    let schema: StructType = row_schema().as_ref().try_into_kernel()?;
    serde_json::to_string(&schema).map_err(|error| {
        failed("encode the schema of", root)(DeltaTableError::GenericError { source: Box::new(error) })
    })
}

/// The state that the checkpoint of `version` holds; `apps` are the transactions that are asked for.
pub(super) async fn read_checkpoint(
    storage: &Storage,
    root: &Path,
    version: u64,
    apps: &[&str],
) -> Result<State, TableError> {
    let logs = log_store(storage, root);
    let mut table = DeltaTable::new(Arc::clone(&logs));
    let failed = failed("read", root);
    table.load_version(version).await.map_err(&failed)?;
    let snapshot = table.snapshot().map_err(&failed)?;
    let protocol = snapshot.protocol();
    check_protocol(root, protocol.min_reader_version(), protocol.min_writer_version())?;
    check_model(root, snapshot.metadata().configuration().get(MODEL_PROPERTY).cloned())?;
    let mut state = State::new(root.clone());
    state.start_from(version, snapshot.log_data().iter().map(|view| add_action(&view)).collect())?;
    let mut removed = snapshot.all_tombstones(logs.as_ref());
    while let Some(tombstone) = removed.try_next().await.map_err(&failed)? {
        state.removed.insert(tombstone.path().into_owned(), tombstone.deletion_timestamp().unwrap_or(0));
    }
    for app in apps.iter().chain(&[log::EPOCH, log::HIGHEST]) {
        if let Some(version) = snapshot.transaction_version(logs.as_ref(), app).await.map_err(&failed)? {
            state.set_txn(app, version);
        }
    }
    Ok(state)
}

fn add_action(view: &LogicalFileView) -> Add {
    #[expect(deprecated, reason = "the replacement is arrays of the library's own layout")]
    let add = view.add_action();
    Add {
        path: add.path,
        partition_values: add.partition_values.into_iter().collect(),
        size: add.size,
        modification_time: add.modification_time,
        data_change: add.data_change,
        stats: add.stats,
        tags: add.tags.map(|tags| tags.into_iter().collect()),
    }
}

/// Writes a checkpoint of `version`.
pub(super) async fn write_checkpoint(storage: &Storage, root: &Path, version: u64) -> Result<(), TableError> {
    let (logs, root) = (log_store(storage, root), root.clone());
    let runtime = Handle::current();
    // The library blocks its thread on the store.
    let work = move || {
        runtime.block_on(async {
            let failed = failed("checkpoint", &root);
            let mut table = DeltaTable::new(logs);
            table.load_version(version).await.map_err(&failed)?;
            checkpoints::create_checkpoint(&table, None).await.map_err(&failed)?;
            Ok(())
        })
    };
    tokio::task::spawn_blocking(work).await?
}
