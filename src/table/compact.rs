//! Compaction: the small files of one date and module become large ones, in the same order.
//!
//! Files are merged while flushes go on; only the commit (Remove + Add, nothing changed in between)
//! holds the lock. Every group of files is a commit of its own, so that a stop loses little work.

use std::collections::BTreeMap;
use std::sync::Arc;

use object_store::ObjectStoreExt;

use super::commit::{Change, Outcome};
use super::error::TableError;
use super::merge::merge;
use super::opened::Table;
use super::order::Contents;
use super::version::{DataFile, TableVersion};
use super::writer::{Partition, write_file};

/// Files that are merged at a time.
const FAN_IN: usize = 64;

/// Which partitions are compacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompactWhich {
    /// Those with at least [`super::TableSettings::files_min`] small files.
    Due,
    /// Those with at least two small files.
    All,
}

/// What a compaction did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CompactReport {
    /// Partitions in which files were replaced.
    pub partitions: u64,
    /// Files that went in.
    pub files_in: u64,
    /// Files that came out.
    pub files_out: u64,
    /// Size of the files that went in, in bytes.
    pub bytes_in: u64,
    /// Size of the files that came out, in bytes.
    pub bytes_out: u64,
    /// Rows in them.
    pub rows: u64,
}

type Files = Vec<Arc<DataFile>>;

impl Table {
    /// Makes few files of many; each new version is handed to `publish` once it is durable.
    ///
    /// # Errors
    /// [`TableError::Fenced`], [`TableError::Unsettled`] until the next flush, or the store fails.
    /// What was committed before the error stays.
    pub async fn compact(
        &self,
        which: CompactWhich,
        publish: impl Fn(Arc<TableVersion>) + Send + Sync,
    ) -> Result<CompactReport, TableError> {
        let _one = self.compacting.lock().await;
        self.check_fence()?;
        let files_min = match which {
            CompactWhich::Due => self.settings.files_min.max(2),
            CompactWhich::All => 2,
        };
        let mut report = CompactReport::default();
        for partition in small_files(&self.current(), self.settings.target_size) {
            if partition.len() < files_min {
                continue;
            }
            let mut replaced = false;
            let mut files = partition;
            // More files than can be merged at a time take several rounds.
            while let Some(group) = next_group(&mut files, self.settings.target_size, which) {
                let Some(out) = self.replace(&group, &publish).await? else { continue };
                report.files_in += group.len() as u64;
                report.files_out += 1;
                report.bytes_in += group.iter().map(|file| file.size).sum::<u64>();
                report.bytes_out += out.size;
                report.rows += out.rows;
                replaced = true;
                files.push(out);
            }
            report.partitions += u64::from(replaced);
        }
        self.checkpoint_if_due().await;
        Ok(report)
    }

    /// Replaces `files` by one, which is returned; `None` where another commit took one of them.
    async fn replace(
        &self,
        files: &Files,
        publish: &(impl Fn(Arc<TableVersion>) + Send + Sync),
    ) -> Result<Option<Arc<DataFile>>, TableError> {
        self.check_settled(&*self.state.lock().await)?;
        let merged = Arc::new(self.merge(files.clone()).await?);
        let rows: u64 = files.iter().map(|file| file.rows).sum();
        if merged.rows != rows {
            let what = format!("has {} rows after a merge of {rows}", merged.rows);
            return Err(TableError::DamagedFile { path: merged.path.clone(), what });
        }
        let change = Change { adds: vec![Arc::clone(&merged)], removes: files.clone(), ..Change::default() };
        let mut state = self.state.lock().await;
        self.check_settled(&state)?;
        let outcome = self.commit(&mut state, &change).await?;
        // Also when others took the files: the next round must see what they made of them.
        self.publish(&mut state, publish);
        drop(state);
        match outcome {
            Outcome::Committed => Ok(Some(merged)),
            Outcome::Gone | Outcome::Moved => {
                // Never committed: nobody knows it. What cannot be deleted now, `vacuum` finds later.
                if let Err(error) = self.storage.store().delete(&merged.location).await {
                    tracing::debug!(path = %merged.location, %error, "a merged file nobody needs stays for now");
                }
                Ok(None)
            }
        }
    }

    async fn merge(&self, files: Files) -> Result<DataFile, TableError> {
        let target = self.target();
        let work = move || {
            let partition = files.first().map(|file| Partition { date: file.date, module: file.module.clone() });
            let partition = partition.ok_or_else(|| TableError::Misuse("nothing to merge".into()))?;
            write_file(&target, partition, &Contents::unknown(), |out| merge(&target, &files, |rows| out.write(rows)))
        };
        tokio::task::spawn_blocking(work).await?
    }
}

/// The small files of each partition, newest partition first. A file that another tool has added
/// may have any order: it is left alone.
fn small_files(version: &TableVersion, target_size: u64) -> Vec<Files> {
    let mut partitions: BTreeMap<_, Files> = BTreeMap::new();
    for file in version.files.iter().filter(|file| file.ordered && file.size < target_size) {
        partitions.entry((std::cmp::Reverse(file.date), file.module.as_deref())).or_default().push(Arc::clone(file));
    }
    partitions.into_values().collect()
}

/// Takes the next files to be merged, smallest first, while their sum is about the target size.
///
/// On schedule a file larger than all smaller ones together waits until they have caught up: a row
/// is then rewritten a few times in its life, not once for every flush of its partition.
fn next_group(files: &mut Files, target_size: u64, which: CompactWhich) -> Option<Files> {
    files.retain(|file| file.size < target_size);
    files.sort_by_key(|file| file.size);
    let mut sum = 0;
    let fits = files.iter().take(FAN_IN).take_while(|file| {
        let waits = which == CompactWhich::Due && sum > 0 && file.size > 2 * sum;
        sum += file.size;
        !waits && sum <= target_size + target_size / 4
    });
    let count = fits.count();
    if count < 2 {
        files.clear();
        return None;
    }
    Some(files.drain(..count).collect())
}
