//! Deleting files that no version needs any more.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use chrono::{DateTime, TimeDelta, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStore};

use super::error::TableError;
use super::log::LOG_DIR;
use super::opened::Table;
use super::writer::join;
use crate::failpoint;

/// Age below which a file that no commit knows may still be on its way into one.
const ORPHAN_AGE: TimeDelta = TimeDelta::days(1);
/// Pause between two looks for orphans.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 3_600);

impl Table {
    /// Deletes files that were removed from the table longer than `keep` ago and that no version in
    /// use needs, and what uploads left behind more than a day ago. Returns the number of files.
    ///
    /// # Errors
    /// The store fails; what was deleted before stays deleted.
    pub async fn vacuum(&self, keep: Duration) -> Result<u64, TableError> {
        self.check_fence()?;
        let now = self.clock.now();
        let replaced = self.replaced_before(now, keep).await;
        let mut deleted = self.delete(&replaced).await?;
        {
            let mut state = self.state.lock().await;
            for path in &replaced {
                state.removed.remove(path);
            }
        }
        if self.sweep_is_due() {
            let orphans = self.orphans(now).await?;
            deleted += delete_all(self.storage.store().as_ref(), orphans).await?;
            *self.swept.lock() = Some(Instant::now());
        }
        Ok(deleted)
    }

    /// Looking for orphans lists the whole table: once after the start, then once a day.
    fn sweep_is_due(&self) -> bool {
        self.swept.lock().is_none_or(|last| last.elapsed() >= SWEEP_EVERY)
    }

    /// Paths of removed files that may go.
    async fn replaced_before(&self, now: DateTime<Utc>, keep: Duration) -> Vec<String> {
        let keep = TimeDelta::from_std(keep).unwrap_or(TimeDelta::MAX);
        let state = self.state.lock().await;
        let versions = state.in_use();
        let used: HashSet<&str> =
            versions.iter().flat_map(|version| &version.files).map(|file| file.path.as_str()).collect();
        let old = |removed_ms: i64| {
            let removed = DateTime::<Utc>::from_timestamp_millis(removed_ms).unwrap_or_default();
            now.signed_duration_since(removed) >= keep
        };
        let removed = state.removed.iter().filter(|(path, at)| old(**at) && !used.contains(path.as_str()));
        removed.map(|(path, _)| path.clone()).collect()
    }

    async fn delete(&self, paths: &[String]) -> Result<u64, TableError> {
        let locations = paths.iter().map(|path| join(&self.root, path)).collect::<Result<Vec<_>, _>>()?;
        delete_all(self.storage.store().as_ref(), locations).await
    }

    /// Files below the table (and half-written ones beside it) that no commit knows, a day old.
    async fn orphans(&self, now: DateTime<Utc>) -> Result<Vec<Path>, TableError> {
        let store = self.storage.store();
        let log = self.root.clone().join(LOG_DIR);
        let old = |file: &ObjectMeta| now.signed_duration_since(file.last_modified) > ORPHAN_AGE;
        let failed = |source| TableError::store("list", &self.root, source);
        let listed = store.list(Some(&self.root)).try_filter(|file| {
            let data = file.location.as_ref().ends_with(".parquet") && !file.location.prefix_matches(&log);
            std::future::ready(data && old(file))
        });
        let mut files: Vec<Path> = listed.map_ok(|file| file.location).try_collect().await.map_err(failed)?;
        {
            // After the listing: whatever became live or was removed meanwhile is known now, also by a writer that took
            // the table over: its files are none of ours to delete.
            let mut state = self.state.lock().await;
            self.catch_up(&mut state).await?;
            let mut known: HashSet<Path> = state.live.values().map(|file| file.location.clone()).collect();
            known.extend(state.removed.keys().filter_map(|path| join(&self.root, path).ok()));
            let versions = state.in_use();
            known.extend(versions.iter().flat_map(|version| &version.files).map(|file| file.location.clone()));
            files.retain(|file| !known.contains(file));
        }
        if let Some(staging) = self.storage.staging() {
            let staged = store.list(Some(&staging)).try_filter(|file| std::future::ready(old(file)));
            match staged.map_ok(|file| file.location).try_collect::<Vec<_>>().await {
                Ok(staged) => files.extend(staged),
                Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(failed(source)),
            }
        }
        Ok(files)
    }
}

/// Deletes files; one that is gone already is no error. Returns how many there were.
pub(super) async fn delete_all(store: &dyn ObjectStore, files: Vec<Path>) -> Result<u64, TableError> {
    failpoint::at("vacuum.delete");
    let mut deleted = 0;
    let mut outcomes = store.delete_stream(stream::iter(files.into_iter().map(Ok)).boxed());
    while let Some(outcome) = outcomes.next().await {
        match outcome {
            Ok(_) => deleted += 1,
            Err(object_store::Error::NotFound { .. }) => {}
            Err(source) => return Err(TableError::store("delete from", "the table", source)),
        }
    }
    Ok(deleted)
}
