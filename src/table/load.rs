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

/// What a listing of the log says. Stores may list late: what was written last can be there all the same.
#[derive(Default)]
struct Listing {
    /// Version of the newest checkpoint, and when it was written.
    checkpoint: Option<(u64, DateTime<Utc>)>,
    /// The newest commit after it.
    last: Option<u64>,
    /// A newer checkpoint that is damaged, and how: what the log lacks, it may have lost with that one.
    broken: Option<(String, String)>,
}

impl Listing {
    /// The first commit that is to be read.
    fn first(&self) -> u64 {
        self.checkpoint.map_or(0, |(version, _)| version + 1)
    }

    /// Why a log without `version` cannot be used.
    fn gap(&self, root: &Path, version: u64) -> TableError {
        match &self.broken {
            Some((file, what)) => TableError::damaged_log(file, what.clone()),
            None => TableError::damaged_log(commit_path(root, version), "is missing"),
        }
    }
}

/// The state of the table at `root`; `None` where there is no table. `apps` are the transactions
/// that are asked for beside our common ones.
///
/// # Errors
/// The log is damaged, or the table is not one that we can handle.
pub(super) async fn load(storage: &Storage, root: &Path, apps: &[&str]) -> Result<Option<State>, TableError> {
    let listing = list(storage, root).await?;
    let mut state = match listing.checkpoint {
        Some((version, written)) => {
            let mut state = delta::read_checkpoint(storage, root, version, apps).await?;
            state.has_checkpoint(version, written.timestamp_millis());
            state
        }
        None => State::new(root.clone()),
    };
    let mut next = listing.first();
    let read = |version| async move { (version, commit_at(storage, root, version).await) };
    let listed = listing.last.into_iter().flat_map(move |last| next..=last);
    let mut commits = stream::iter(listed.map(read)).buffered(READ_AHEAD);
    while let Some((version, commit)) = commits.next().await {
        let commit = commit?.ok_or_else(|| listing.gap(root, version))?;
        absorb(&mut state, root, version, &commit)?;
        next = version + 1;
    }
    // A listing that is late must not make an older state of the table the newest: the log ends where a read says so.
    while let Some(commit) = commit_at(storage, root, next).await? {
        absorb(&mut state, root, next, &commit)?;
        next += 1;
    }
    match (next, &listing.broken) {
        (0, Some(_)) => Err(listing.gap(root, 0)),
        (0, None) => Ok(None),
        _ => Ok(Some(state)),
    }
}

fn absorb(state: &mut State, root: &Path, version: u64, commit: &Commit) -> Result<(), TableError> {
    if version == 0 && (commit.protocol.is_none() || commit.metadata.is_none()) {
        return Err(TableError::damaged_log(commit_path(root, 0), "has no protocol or no metadata"));
    }
    state.absorb(version, commit, &[])
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
async fn list(storage: &Storage, root: &Path) -> Result<Listing, TableError> {
    let path = root.clone().join(LOG_DIR).join(LAST_CHECKPOINT);
    let hint = match get(storage.store().as_ref(), &path).await {
        Ok(text) => serde_json::from_slice::<Hint>(&text).ok(),
        Err(object_store::Error::NotFound { .. }) => None,
        Err(source) => return Err(TableError::store("read", path, source)),
    };
    if let Some(Hint { version }) = hint {
        let listing = list_from(storage, root, Some(version)).await?;
        // It is only a hint: the checkpoint may be damaged, or gone.
        if listing.checkpoint.is_some_and(|(found, _)| found >= version) {
            return Ok(listing);
        }
    }
    list_from(storage, root, None).await
}

/// What the log has from `first` on, or all of it. Of a `first` there is a checkpoint, it is said.
async fn list_from(storage: &Storage, root: &Path, first: Option<u64>) -> Result<Listing, TableError> {
    let directory = root.clone().join(LOG_DIR);
    let store = storage.store();
    let listed = match first {
        Some(version) => store.list_with_offset(Some(&directory), &directory.clone().join(format!("{version:020}"))),
        None => store.list(Some(&directory)),
    };
    let files: Vec<ObjectMeta> = match listed.try_collect().await {
        Ok(files) => files,
        Err(object_store::Error::NotFound { .. }) => Vec::new(),
        Err(source) => return Err(TableError::store("list", &directory, source)),
    };
    let name = |file: &ObjectMeta| file.location.filename().unwrap_or_default().to_owned();
    // A checkpoint is a copy: one that is empty is passed over, the commits still tell everything.
    let whole = files.iter().filter(|file| file.size > 0);
    let mut known: BTreeMap<u64, DateTime<Utc>> =
        whole.filter_map(|file| Some((checkpoint_version(&name(file))?, file.last_modified))).collect();
    if let Some(version) = first.filter(|version| !known.contains_key(version)) {
        known.extend(unlisted_checkpoint(storage, root, version).await?);
    }
    let mut listing = Listing::default();
    for (version, written) in known.into_iter().rev() {
        match seals::examine(storage, root, version).await? {
            Seal::Whole | Seal::Unknown => {
                listing.checkpoint = Some((version, written));
                break;
            }
            Seal::Broken(what) => {
                let file = seals::name(root, version);
                tracing::error!(file, what, "going on without a checkpoint, with what the log has from before it");
                listing.broken.get_or_insert((file, what));
            }
        }
    }
    let first = listing.first();
    listing.last = files.iter().filter_map(|file| commit_version(&name(file))).filter(|found| *found >= first).max();
    Ok(listing)
}

/// The checkpoint of `version` that a late listing lacks, and when it was written.
async fn unlisted_checkpoint(
    storage: &Storage,
    root: &Path,
    version: u64,
) -> Result<Option<(u64, DateTime<Utc>)>, TableError> {
    let path = seals::path(root, version);
    match storage.store().head(&path).await {
        Ok(found) => Ok((found.size > 0).then_some((version, found.last_modified))),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(source) => Err(TableError::store("look for", path, source)),
    }
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
