//! Nothing of the past: replaced files, leftovers and old entries of the log go at once, not after their grace.
//!
//! Entries of the log hold the least and greatest values of the files that they name, so an erased value may
//! stand there as well: a checkpoint of the newest version takes their place. Older versions of the table
//! cannot be read any more after that; queries that are running keep what they read.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::error::TableError;
use super::log::{LOG_DIR, checkpoint_version, commit_version};
use super::opened::Table;
use super::vacuum::delete_all;
use super::writer::join;

/// What a purge came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PurgeReport {
    /// Files that were deleted.
    pub deleted: u64,
    /// Files that queries still read: it has to be done again when they have ended.
    pub in_use: u64,
}

impl Table {
    /// Deletes all files that the newest version does not need, half-written ones of before `started`, and the
    /// entries of the log before a checkpoint of now; files that a query reads stay, and are counted.
    ///
    /// # Errors
    /// The store fails; what was deleted before stays deleted.
    pub async fn purge(&self, started: DateTime<Utc>) -> Result<PurgeReport, TableError> {
        // Nobody writes meanwhile: a file that no commit knows is nobody's.
        let _flushing = self.flushing.lock().await;
        let _compacting = self.compacting.lock().await;
        self.check_settled(&*self.state.lock().await)?;
        // A commit whose outcome is unknown may still land, with files that no version names yet.
        if self.in_doubt.load(Ordering::Acquire) {
            return Err(TableError::Unsettled);
        }
        let (gone, in_use) = self.unneeded(started).await?;
        let mut report = PurgeReport { deleted: delete_all(self.storage.store().as_ref(), gone).await?, in_use };
        {
            let mut state = self.state.lock().await;
            let used = used(&state);
            state.removed.retain(|path, _| used.contains(path));
        }
        if in_use == 0 {
            report.deleted += self.forget_history().await?;
        }
        Ok(report)
    }

    /// Files below the table's root that the newest version does not need, and the number of those still read.
    async fn unneeded(&self, started: DateTime<Utc>) -> Result<(Vec<Path>, u64), TableError> {
        let store = self.storage.store();
        let failed = |source| TableError::store("list", &self.root, source);
        let log = self.root.clone().join(LOG_DIR);
        let is_data =
            |file: &ObjectMeta| file.location.as_ref().ends_with(".parquet") && !file.location.prefix_matches(&log);
        let listed = store.list(Some(&self.root)).try_filter(|file| std::future::ready(is_data(file)));
        let mut gone: Vec<Path> = listed.map_ok(|file| file.location).try_collect().await.map_err(failed)?;
        let in_use = {
            let mut state = self.state.lock().await;
            // After the listing: a server that took the table over has files that are none of ours to delete.
            self.catch_up(&mut state).await?;
            let live: HashSet<&Path> = state.live.values().map(|file| &file.location).collect();
            gone.retain(|file| !live.contains(file));
            let used: HashSet<Path> = used(&state).iter().filter_map(|path| join(&self.root, path).ok()).collect();
            let before = gone.len();
            gone.retain(|file| !used.contains(file));
            (before - gone.len()) as u64
        };
        if let Some(staging) = self.storage.staging() {
            let old = |file: &ObjectMeta| file.last_modified < started;
            let staged = store.list(Some(&staging)).try_filter(|file| std::future::ready(old(file)));
            match staged.map_ok(|file| file.location).try_collect::<Vec<_>>().await {
                Ok(staged) => gone.extend(staged),
                Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(failed(source)),
            }
        }
        Ok((gone, in_use))
    }

    /// Leaves a checkpoint of the newest version, and of the log nothing before it.
    async fn forget_history(&self) -> Result<u64, TableError> {
        self.checkpoint().await?;
        let version = self.state.lock().await.checkpoint();
        if version == 0 {
            // There is no checkpoint of a table that holds nothing, and its first commit is all it has.
            return Ok(0);
        }
        let log = self.root.clone().join(LOG_DIR);
        let failed = |source| TableError::store("list", &log, source);
        let old = |file: &ObjectMeta| {
            let name = file.location.filename().unwrap_or_default();
            commit_version(name).is_some_and(|of| of <= version)
                || checkpoint_version(name).is_some_and(|of| of < version)
        };
        let store = self.storage.store();
        let listed = store.list(Some(&log)).try_filter(|file| std::future::ready(old(file)));
        let gone = listed.map_ok(|file| file.location).try_collect().await.map_err(failed)?;
        let deleted = delete_all(store.as_ref(), gone).await?;
        self.state.lock().await.drop_log_before(version);
        Ok(deleted)
    }
}

/// Paths of files that were removed and that somebody still reads.
fn used(state: &super::state::State) -> HashSet<String> {
    let versions = state.in_use();
    let files = versions.iter().flat_map(|version| &version.files).filter(|file| !state.live.contains_key(&file.path));
    files.map(|file| file.path.clone()).collect()
}
