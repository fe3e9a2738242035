//! Compaction: the small files of one date and module become large ones, in the same order.
//!
//! Files are merged while flushes go on; only the commit (Remove + Add, nothing changed in between) holds the lock.
//! The merges of several dates and modules share a commit, made every few seconds, so that a stop loses little work
//! and the log stays short. What was committed is not done again: a run that was cut off goes on where it stood.
//!
//! A damaged file stays where it is, with its name, so that it can be restored: the others are merged without it.

mod plan;

use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use object_store::ObjectStoreExt;

use super::commit::{Change, Outcome};
use super::damage::FileDamage;
use super::error::TableError;
use super::merge::{Progress, contents, merge};
use super::opened::Table;
use super::version::{DataFile, TableVersion, Work};
use super::watch::{Unwatched, Watch};
use super::writer::{Partition, write_file};
use crate::failpoint;
use plan::{Policy, is_crowded, plan};

/// Merges that share a commit.
const COMMIT_FILES: usize = 64;
/// Longest time that a merge waits for its commit while others are made.
const COMMIT_EVERY: Duration = Duration::from_secs(10);
/// Commits of others that may take files away in a row before the merges are given up until the next time.
const TRIES: usize = 8;

/// Which partitions are compacted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CompactWhich {
    /// Those that are due: enough small files of one tier, or a day that is over.
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
    /// Whether it left off for somebody who waited, and there may be more to do.
    pub left_off: bool,
}

type Files = Vec<Arc<DataFile>>;

/// A file that is not committed yet, and those that it stands for.
struct Merged {
    file: Arc<DataFile>,
    of: Files,
}

/// Merges of one run that wait for their commit, and what the run did.
struct Run<'r, P> {
    /// Paths of the files that are its business: those at its beginning and those that it made. What comes meanwhile
    /// waits for the next run.
    known: HashSet<String>,
    waiting: Vec<Merged>,
    since: Instant,
    report: CompactReport,
    partitions: BTreeSet<(i32, Option<String>)>,
    publish: &'r P,
}

impl Table {
    /// Bytes of the files that a compaction would rewrite now; 0 where none is due.
    #[must_use]
    pub fn compaction_due(&self, which: CompactWhich) -> u64 {
        let version = self.current();
        let groups = plan(self.whole(&version), self.policy(which));
        groups.iter().flatten().map(|file| file.size).sum()
    }

    /// Whether small files have come faster than they were merged, so that merging must not wait for queries.
    #[must_use]
    pub fn is_crowded(&self) -> bool {
        is_crowded(self.whole(&self.current()), &self.settings)
    }

    /// Live files that are known to be damaged; a compaction leaves them alone.
    #[must_use]
    pub fn damaged_files(&self) -> u64 {
        self.current().files.iter().filter(|file| self.damage.has(&file.location)).count() as u64
    }

    /// The files of a version but those that a merge would fail by again. One that is missing is looked for each time.
    fn whole<'v>(&self, version: &'v TableVersion) -> impl Iterator<Item = &'v Arc<DataFile>> {
        version.files.iter().filter(|file| !self.damage.has_wrong_bytes(&file.location))
    }

    fn policy(&self, which: CompactWhich) -> Policy<'_> {
        Policy { which, settings: &self.settings, now_ms: self.clock.now_ms() }
    }

    /// As [`Table::compact_watched`], with nobody who watches.
    ///
    /// # Errors
    /// As there.
    pub async fn compact(
        &self,
        which: CompactWhich,
        publish: impl Fn(Arc<TableVersion>) + Send + Sync,
    ) -> Result<CompactReport, TableError> {
        self.compact_watched(which, Arc::new(Unwatched), publish).await
    }

    /// Makes few files of many; each new version is handed to `publish` once it is durable.
    ///
    /// # Errors
    /// [`TableError::Fenced`], [`TableError::Unsettled`] until the next flush, or the store fails. What was committed
    /// before the error stays. (An end that the watcher asked for is none: the report says what was done.)
    pub async fn compact_watched(
        &self,
        which: CompactWhich,
        watch: Arc<dyn Watch>,
        publish: impl Fn(Arc<TableVersion>) + Send + Sync,
    ) -> Result<CompactReport, TableError> {
        let _one = self.compacting.lock().await;
        self.check_fence()?;
        let mut run = Run {
            known: self.current().files.iter().map(|file| file.path.clone()).collect(),
            waiting: Vec::new(),
            since: Instant::now(),
            report: CompactReport::default(),
            partitions: BTreeSet::new(),
            publish: &publish,
        };
        let merged = self.merge_all(which, &watch, &mut run).await;
        // Also after an error or a stop: what is merged is worth its commit.
        let committed = self.commit_merges(&mut run).await;
        committed?;
        match merged {
            Ok(()) | Err(TableError::Canceled) => {}
            Err(error) => return Err(error),
        }
        run.report.partitions = run.partitions.len() as u64;
        self.checkpoint_if_due().await;
        Ok(run.report)
    }

    async fn merge_all<P>(
        &self,
        which: CompactWhich,
        watch: &Arc<dyn Watch>,
        run: &mut Run<'_, P>,
    ) -> Result<(), TableError>
    where
        P: Fn(Arc<TableVersion>) + Send + Sync,
    {
        let mut done = 0;
        loop {
            self.check_settled(&*self.state.lock().await)?;
            let version = self.current();
            let known = self.whole(&version).filter(|file| run.known.contains(&file.path));
            let groups = plan(known, self.policy(which));
            let total = done + groups.iter().flatten().map(|file| file.size).sum::<u64>();
            if groups.is_empty() {
                return Ok(());
            }
            for files in groups {
                let progress = Progress { watch: Arc::clone(watch), before: done, total };
                done += files.iter().map(|file| file.size).sum::<u64>();
                match self.merge(files.clone(), progress).await {
                    Ok(merged) => {
                        // They were read from the first byte to the last.
                        merged.of.iter().for_each(|file| self.damage.clear(&file.location));
                        run.waiting.push(merged);
                    }
                    Err(error) => drop(run.known.remove(&self.leave_out(&files, error)?)),
                }
                if watch.is_wanted() {
                    run.report.left_off = true;
                    return Ok(());
                }
                if run.waiting.len() >= COMMIT_FILES || run.since.elapsed() >= COMMIT_EVERY {
                    self.commit_merges(run).await?;
                }
            }
            self.commit_merges(run).await?;
        }
    }

    /// Notes which of `files` a merge failed by, and gives its path: the run goes on without it. Every other error is
    /// the run's.
    fn leave_out(&self, files: &[Arc<DataFile>], error: TableError) -> Result<String, TableError> {
        let TableError::DamagedFile { path, what } = error else { return Err(error) };
        let Some(file) = files.iter().find(|file| file.path == path) else {
            return Err(TableError::DamagedFile { path, what });
        };
        self.damage.note(&file.location, &FileDamage { path: path.clone(), what });
        Ok(path)
    }

    /// Commits the merges that wait; those are given up whose files another commit took.
    async fn commit_merges<P>(&self, run: &mut Run<'_, P>) -> Result<(), TableError>
    where
        P: Fn(Arc<TableVersion>) + Send + Sync,
    {
        run.since = Instant::now();
        let mut waiting = std::mem::take(&mut run.waiting);
        for _ in 0..TRIES {
            if waiting.is_empty() {
                return Ok(());
            }
            let mut state = self.state.lock().await;
            self.check_settled(&state)?;
            let adds = waiting.iter().map(|merged| Arc::clone(&merged.file)).collect();
            let removes = waiting.iter().flat_map(|merged| merged.of.iter().cloned()).collect();
            failpoint::at("compact.written");
            let outcome = self.commit(&mut state, &Change { adds, removes, ..Change::default() }).await?;
            failpoint::at("compact.committed");
            // Also when others took files: the next look must see what they made of them.
            self.publish(&mut state, run.publish);
            let is_live = |file: &Arc<DataFile>| state.live.contains_key(&file.path);
            let (usable, lost): (Vec<_>, Vec<_>) = match outcome {
                Outcome::Committed => {
                    drop(state);
                    waiting.iter().for_each(|merged| run.count(merged));
                    return Ok(());
                }
                Outcome::Gone | Outcome::Moved => waiting.into_iter().partition(|merged| merged.of.iter().all(is_live)),
            };
            drop(state);
            self.give_up(lost).await;
            waiting = usable;
        }
        self.give_up(waiting).await;
        Err(TableError::Contended(TRIES))
    }

    /// Deletes merged files that were never committed: nobody knows them. What cannot be deleted now, `vacuum` finds.
    async fn give_up(&self, merges: Vec<Merged>) {
        for Merged { file, .. } in merges {
            if let Err(error) = self.storage.store().delete(&file.location).await {
                tracing::debug!(path = %file.location, %error, "a merged file nobody needs stays for now");
            }
        }
    }

    /// Merges the first of these files, as many as can be merged at a time.
    async fn merge(&self, mut files: Files, progress: Progress) -> Result<Merged, TableError> {
        let target = self.target();
        let work = move || {
            let partition = files.first().map(|file| Partition { date: file.date, module: file.module.clone() });
            let partition = partition.ok_or_else(|| TableError::Misuse("nothing to merge".into()))?;
            failpoint::at("compact.read");
            let mut inputs = super::merge::open(&target, &files)?;
            let fitting = super::merge::fitting(&inputs);
            inputs.truncate(fitting);
            files.truncate(fitting);
            let contents = contents(&inputs);
            let fill =
                |out: &mut super::writer::FileWriter| merge(inputs, &contents, &progress, |rows| out.write(rows));
            let mut merged = write_file(&target, partition, &contents, fill)?;
            let rows: u64 = files.iter().map(|file| file.rows).sum();
            if merged.rows != rows {
                let what = format!("has {} rows after a merge of {rows}", merged.rows);
                return Err(TableError::DamagedFile { path: merged.path, what });
            }
            merged.work = Work::sum(&files).and(merged.size);
            Ok(Merged { file: Arc::new(merged), of: files })
        };
        tokio::task::spawn_blocking(work).await?
    }
}

impl<P> Run<'_, P> {
    fn count(&mut self, merged: &Merged) {
        let report = &mut self.report;
        report.files_in += merged.of.len() as u64;
        report.files_out += 1;
        report.bytes_in += merged.of.iter().map(|file| file.size).sum::<u64>();
        report.bytes_out += merged.file.size;
        report.rows += merged.file.rows;
        self.known.insert(merged.file.path.clone());
        self.partitions.insert((merged.file.date, merged.file.module.clone()));
    }
}
