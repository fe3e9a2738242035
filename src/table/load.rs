//! Opening: from the newest checkpoint and the commits after it to a [`State`].
//!
//! Commits are read by us, one by one: the library takes an empty commit file, as a power cut leaves
//! it on a store without syncs, for a version without changes, and rows are gone without a word.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore, ObjectStoreExt, PutMode};
use serde::Deserialize;
use uuid::Uuid;

use super::error::TableError;
use super::log::{
    Commit, CommitInfo, Format, LOG_DIR, MODEL_PROPERTY, Metadata, checkpoint_version, commit_path, commit_version,
};
use super::seals::{self, Seal};
use super::state::{PROTOCOL, State};
use super::version::TableVersion;
use super::{MODEL_VERSION, Storage, delta, layout};
use crate::event::names::ProjectName;
use crate::event::schema::{DATE, MODULE};

/// Commits that are read at a time.
const READ_AHEAD: usize = 16;
/// File of the log that names the newest checkpoint.
const LAST_CHECKPOINT: &str = "_last_checkpoint";

/// Log files that matter.
struct Listing {
    /// Version of the newest checkpoint, and when it was written.
    checkpoint: Option<(u64, DateTime<Utc>)>,
    /// Commits after it, by version.
    commits: BTreeMap<u64, Path>,
}

/// The state of the table at `root`; `None` where there is no table. `apps` are the transactions
/// that are asked for beside our common ones.
///
/// # Errors
/// The log is damaged, or the table is not one that we can handle.
pub(super) async fn load(storage: &Storage, root: &Path, apps: &[&str]) -> Result<Option<State>, TableError> {
    let Some(listing) = list(storage, root).await? else { return Ok(None) };
    let mut state = match listing.checkpoint {
        Some((version, written)) => {
            let mut state = delta::read_checkpoint(storage, root, version, apps).await?;
            state.has_checkpoint(version, written.timestamp_millis());
            state
        }
        None => State::new(root.clone()),
    };
    let store = storage.store();
    let read = |(version, path): (u64, Path)| {
        let store = &store;
        async move { Ok::<_, TableError>((version, read_commit(store.as_ref(), &path).await?)) }
    };
    let mut commits = stream::iter(listing.commits.into_iter().map(read)).buffered(READ_AHEAD);
    while let Some((version, commit)) = commits.try_next().await? {
        if version == 0 && (commit.protocol.is_none() || commit.metadata.is_none()) {
            return Err(TableError::damaged_log(commit_path(root, 0), "has no protocol or no metadata"));
        }
        state.absorb(version, &commit, &[])?;
    }
    Ok(Some(state))
}

/// The newest version of the table at `root`, which must be there.
pub(super) async fn read_only(
    storage: &Storage,
    root: &Path,
    project: &ProjectName,
) -> Result<Arc<TableVersion>, TableError> {
    let state = load(storage, root, &[]).await?;
    state.map(|mut state| state.current()).ok_or_else(|| TableError::Missing(project.clone()))
}

async fn read_commit(store: &dyn ObjectStore, path: &Path) -> Result<Commit, TableError> {
    Commit::decode(path, &get(store, path).await.map_err(|source| TableError::store("read", path, source))?)
}

async fn get(store: &dyn ObjectStore, path: &Path) -> object_store::Result<Bytes> {
    store.get(path).await?.bytes().await
}

/// The commit of `version`, or `None` where there is none yet.
pub(super) async fn commit_at(storage: &Storage, root: &Path, version: u64) -> Result<Option<Commit>, TableError> {
    let path = commit_path(root, version);
    match get(storage.store().as_ref(), &path).await {
        Ok(text) => Commit::decode(&path, &text).map(Some),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(source) => Err(TableError::store("read", path, source)),
    }
}

/// What the newest checkpoint's writer left for those who open the table.
#[derive(Deserialize)]
struct Hint {
    version: u64,
}

/// The log from the checkpoint on that is said to be the newest, or else all of it.
async fn list(storage: &Storage, root: &Path) -> Result<Option<Listing>, TableError> {
    let directory = root.clone().join(LOG_DIR);
    let hint = match get(storage.store().as_ref(), &directory.clone().join(LAST_CHECKPOINT)).await {
        Ok(text) => serde_json::from_slice::<Hint>(&text).ok(),
        Err(object_store::Error::NotFound { .. }) => None,
        Err(source) => return Err(TableError::store("read", directory.join(LAST_CHECKPOINT), source)),
    };
    if let Some(Hint { version }) = hint {
        let listed = list_from(storage, root, Some(version)).await?;
        // It is only a hint: the checkpoint may be damaged, or gone.
        let holds = |listing: &Listing| listing.checkpoint.is_some_and(|(found, _)| found >= version);
        if let Some(listing) = listed.filter(holds) {
            return Ok(Some(listing));
        }
    }
    list_from(storage, root, None).await
}

async fn list_from(storage: &Storage, root: &Path, first: Option<u64>) -> Result<Option<Listing>, TableError> {
    let directory = root.clone().join(LOG_DIR);
    let failed = |source| TableError::store("list", &directory, source);
    let store = storage.store();
    let listed = match first {
        Some(version) => store.list_with_offset(Some(&directory), &directory.clone().join(format!("{version:020}"))),
        None => store.list(Some(&directory)),
    };
    let files: Vec<ObjectMeta> = match listed.try_collect().await {
        Ok(files) => files,
        Err(object_store::Error::NotFound { .. }) => Vec::new(),
        Err(source) => return Err(failed(source)),
    };
    let name = |file: &ObjectMeta| file.location.filename().unwrap_or_default().to_owned();
    // A checkpoint is a copy: one that is empty is passed over, the commits still tell everything.
    let whole = files.iter().filter(|file| file.size > 0);
    let known: BTreeMap<u64, DateTime<Utc>> =
        whole.filter_map(|file| Some((checkpoint_version(&name(file))?, file.last_modified))).collect();
    let (mut found, mut broken) = (None, None);
    for (version, written) in known.into_iter().rev() {
        match seals::examine(storage, root, version).await? {
            Seal::Whole | Seal::Unknown => {
                found = Some((version, written));
                break;
            }
            Seal::Broken(what) => {
                let file = seals::name(root, version);
                tracing::error!(file, what, "going on without a checkpoint, with what the log has from before it");
                broken.get_or_insert((file, what));
            }
        }
    }
    let checkpoint = found.map(|(version, _)| version);
    if first.is_some() && checkpoint.is_none() {
        return Ok(None);
    }
    let mut commits = BTreeMap::new();
    for file in &files {
        let Some(version) = commit_version(&name(file)) else { continue };
        if checkpoint.is_some_and(|checkpoint| version <= checkpoint) {
            continue;
        }
        if file.size == 0 {
            return Err(TableError::damaged_log(&file.location, "is empty (0 bytes)"));
        }
        commits.insert(version, file.location.clone());
    }
    let gap = |expected: u64| match &broken {
        Some((file, what)) => TableError::damaged_log(file, what.clone()),
        None => TableError::damaged_log(commit_path(root, expected), "is missing"),
    };
    if checkpoint.is_none() && commits.is_empty() {
        return if broken.is_some() { Err(gap(0)) } else { Ok(None) };
    }
    let first = checkpoint.map_or(0, |checkpoint| checkpoint + 1);
    for (version, expected) in commits.keys().zip(first..) {
        if *version != expected {
            return Err(gap(expected));
        }
    }
    Ok(Some(Listing { checkpoint: found, commits }))
}

/// Makes version 0 of the table at `root`, unless another process is first.
pub(super) async fn create(storage: &Storage, root: &Path) -> Result<(), TableError> {
    let path = commit_path(root, 0);
    let text = first_commit(root)?.encode().map_err(|error| TableError::Misuse(error.to_string()))?;
    match storage.store().put_opts(&path, text.into(), PutMode::Create.into()).await {
        Ok(_) | Err(object_store::Error::AlreadyExists { .. }) => storage.check(),
        Err(source) => Err(TableError::store("create", path, source)),
    }
}

fn first_commit(root: &Path) -> Result<Commit, TableError> {
    let now = Utc::now().timestamp_millis();
    // Bounds of exactly these columns are in the log: readers need not parse more.
    let bounded: Vec<&str> = layout::stat_columns().map(|(_, name)| name).collect();
    let properties = [
        (MODEL_PROPERTY, MODEL_VERSION.to_string()),
        ("delta.dataSkippingStatsColumns", bounded.join(",")),
        ("delta.dataSkippingNumIndexedCols", "-1".to_owned()),
        ("delta.checkpointInterval", super::CHECKPOINT_INTERVAL.to_string()),
    ];
    let metadata = Metadata {
        id: Uuid::new_v4().to_string(),
        name: Some("events".into()),
        format: Format { provider: "parquet".into(), options: BTreeMap::new() },
        schema_string: delta::schema_string(root)?,
        partition_columns: vec![DATE.into(), MODULE.into()],
        created_time: Some(now),
        configuration: properties.into_iter().map(|(key, value)| (key.to_owned(), Some(value))).collect(),
    };
    let info = CommitInfo { operation: Some("CREATE TABLE".into()), ..commit_info(now) };
    Ok(Commit { protocol: Some(PROTOCOL), metadata: Some(metadata), info: Some(info), ..Commit::default() })
}

/// Who commits, and when.
pub(super) fn commit_info(now_ms: i64) -> CommitInfo {
    CommitInfo {
        timestamp: Some(now_ms),
        engine_info: Some(concat!("kronika/", env!("CARGO_PKG_VERSION")).into()),
        ..CommitInfo::default()
    }
}
