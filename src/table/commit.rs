//! Commits: the next version of the log by a conditional put, in constant time.
//!
//! A put of version v+1 that creates the file has won; one that finds it there reads what the other
//! commit did and goes on behind it. Every version up to v is known before v+1 is tried, so that a
//! newer epoch or a rewrite of the same files can never be missed.
//!
//! | at v+1 there is | after our put said | then |
//! |---|---|---|
//! | our commit (by its unique id) | anything | done: the answer was lost |
//! | another with a newer epoch | anything | fenced, for good |
//! | another with our writer's transaction | anything | a flush starts over; others stop as unsettled |
//! | another | anything | absorb it, try v+2 |
//! | nothing | it exists, or an error | try again, then give up as unknown |

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use object_store::PutMode;
use uuid::Uuid;

use super::error::TableError;
use super::load::{commit_at, commit_info};
use super::log::{Add, Commit, EPOCH, HIGHEST, ORDERED_TAG, Remove, Txn, WORK_TAG, commit_path};
use super::opened::{Epoch, Table};
use super::state::{State, partition_values};
use super::version::{DataFile, Work};
use super::{stats, sums};
use crate::failpoint;

/// Versions that others may win in a row before we give up.
const CONFLICTS_MAX: usize = 100;
/// Puts of one version whose outcome stays unknown before we give up.
const PUTS_MAX: u32 = 4;
/// Pause before the second put; it doubles each time.
const PUT_PAUSE: Duration = Duration::from_millis(50);

/// What a commit changes.
#[derive(Debug, Default)]
pub(super) struct Change {
    pub(super) adds: Vec<Arc<DataFile>>,
    pub(super) removes: Vec<Arc<DataFile>>,
    /// Last `_seq` that is in the table after a flush; `None` for a rewrite or a deletion.
    pub(super) through: Option<i64>,
    /// Whether the rows of `removes` are gone afterwards.
    pub(super) deletes: bool,
}

/// How a commit went.
#[must_use]
#[derive(Debug)]
pub(super) enum Outcome {
    /// It is durable, and the state's version.
    Committed,
    /// Rows of our own writer came in between: plan again.
    Moved,
    /// A file to be removed is not live any more.
    Gone,
}

/// What is at the version that we tried.
enum Found {
    Ours(Commit),
    Theirs(Commit),
}

impl Table {
    /// Commits `change` on top of `state`, which is up to date then.
    pub(super) async fn commit(&self, state: &mut State, change: &Change) -> Result<Outcome, TableError> {
        self.check_fence()?;
        self.storage.check()?;
        let id = Uuid::new_v4().to_string();
        for _ in 0..CONFLICTS_MAX {
            if !change.removes.iter().all(|file| state.live.contains_key(&file.path)) {
                return Ok(Outcome::Gone);
            }
            let (version, epoch) = (state.version() + 1, self.epoch_to_claim(state));
            let commit = self.actions(state, change, epoch, &id)?;
            tracing::debug!(target: "kronika::phase", project = %self.project, version, "commit begins");
            let began = Instant::now();
            let put = self.put(version, commit, &id).await;
            self.commit_seconds.record(began.elapsed().as_secs_f64());
            tracing::debug!(target: "kronika::phase", project = %self.project, version, "commit ends");
            match put? {
                Found::Ours(commit) => {
                    state.absorb(version, &commit, &change.adds)?;
                    if let Some(epoch) = epoch {
                        self.epoch.lock().ours = Some(epoch);
                    }
                    return Ok(Outcome::Committed);
                }
                Found::Theirs(commit) => {
                    let moved = commit.txn(self.writer.app()).is_some();
                    if moved && change.through.is_none() {
                        self.in_doubt.store(true, Ordering::Release);
                        return Err(TableError::Unsettled);
                    }
                    self.absorb_theirs(state, version, &commit)?;
                    if moved {
                        return Ok(Outcome::Moved);
                    }
                }
            }
        }
        Err(TableError::Contended(CONFLICTS_MAX))
    }

    /// Applies all commits that `state` does not have yet.
    pub(super) async fn catch_up(&self, state: &mut State) -> Result<(), TableError> {
        while let Some(commit) = commit_at(&self.storage, &self.root, state.version() + 1).await? {
            self.absorb_theirs(state, state.version() + 1, &commit)?;
        }
        Ok(())
    }

    fn absorb_theirs(&self, state: &mut State, version: u64, commit: &Commit) -> Result<(), TableError> {
        if let Some(theirs) = commit.txn(EPOCH) {
            let mut epoch = self.epoch.lock();
            if epoch.ours.is_some_and(|ours| theirs > ours) {
                epoch.fenced_by = Some(theirs);
            }
        }
        self.check_fence()?;
        state.absorb(version, commit, &[])
    }

    /// The epoch that this commit claims, if none of ours has yet.
    fn epoch_to_claim(&self, state: &State) -> Option<i64> {
        let claimed = self.epoch.lock().ours.is_some();
        (!claimed).then(|| state.txn(EPOCH).unwrap_or(0) + 1)
    }

    /// Refuses for good once a newer epoch was seen.
    pub(super) fn check_fence(&self) -> Result<(), TableError> {
        match *self.epoch.lock() {
            Epoch { ours, fenced_by: Some(theirs) } => {
                Err(TableError::Fenced { project: self.project.clone(), theirs, ours: ours.unwrap_or(0) })
            }
            Epoch { .. } => Ok(()),
        }
    }

    fn actions(&self, state: &State, change: &Change, epoch: Option<i64>, id: &str) -> Result<Commit, TableError> {
        let now = self.clock.now_ms();
        let rewrite = change.through.is_none() && !change.deletes;
        let txn = |app: &str, version| Txn { app_id: app.to_owned(), version, last_updated: Some(now) };
        let mut txns: Vec<Txn> = epoch.map(|epoch| txn(EPOCH, epoch)).into_iter().collect();
        if let Some(through) = change.through {
            txns.push(txn(self.writer.app(), through));
            txns.push(txn(HIGHEST, state.highest_seq().map_or(through, |highest| highest.max(through))));
        }
        let mut info = commit_info(now);
        let operation = match (change.through, change.deletes) {
            (Some(_), _) => "WRITE",
            (None, true) => "DELETE",
            (None, false) => "OPTIMIZE",
        };
        info.operation = Some(operation.into());
        if change.through.is_some() {
            info.operation_parameters = [("mode".into(), "Append".into())].into();
        }
        info.kronika_commit = Some(id.to_owned());
        let adds = change.adds.iter().map(|file| add_action(file, !rewrite)).collect::<Result<_, _>>()?;
        let removes = change.removes.iter().map(|file| remove_action(file, now, change.deletes)).collect();
        Ok(Commit { adds, removes, txns, info: Some(info), ..Commit::default() })
    }

    /// Puts `commit` as `version` and says what is there afterwards.
    async fn put(&self, version: u64, commit: Commit, id: &str) -> Result<Found, TableError> {
        let path = commit_path(&self.root, version);
        let text = commit.clone().encode().map_err(|error| TableError::Misuse(error.to_string()))?;
        let store = self.storage.store();
        let mut pause = PUT_PAUSE;
        let mut tries = 0;
        loop {
            tries += 1;
            failpoint::at("table.commit");
            let error = match store.put_opts(&path, text.clone().into(), PutMode::Create.into()).await {
                Ok(_) => {
                    failpoint::at("table.committed");
                    return Ok(Found::Ours(commit));
                }
                Err(error) => error,
            };
            // What a disk holds that refused a sync is no commit, whatever it reads as now.
            self.storage.check()?;
            let found = match commit_at(&self.storage, &self.root, version).await {
                Ok(found) => found,
                Err(TableError::Store { .. }) => return Err(self.unknown(version, error)),
                Err(damaged) => return Err(damaged),
            };
            match found {
                Some(found) if found.id() == Some(id) => return Ok(Found::Ours(commit)),
                Some(found) => return Ok(Found::Theirs(found)),
                None if tries < PUTS_MAX => tokio::time::sleep(pause).await,
                None => return Err(self.unknown(version, error)),
            }
            pause *= 2;
        }
    }

    fn unknown(&self, version: u64, source: object_store::Error) -> TableError {
        self.in_doubt.store(true, Ordering::Release);
        TableError::OutcomeUnknown { version, source }
    }
}

fn add_action(file: &DataFile, data_change: bool) -> Result<Add, TableError> {
    let stats = stats::encode(file.rows, &file.stats).map_err(|error| TableError::Misuse(error.to_string()))?;
    let mut tags = BTreeMap::from([(ORDERED_TAG.to_owned(), Some("true".to_owned()))]);
    if let Some(sums) = &file.sums {
        tags.insert(sums::TAG.to_owned(), Some(sums.tag()));
    }
    if file.work != Work::of_flush(file.size) {
        tags.insert(WORK_TAG.to_owned(), Some(format!("{},{}", file.work.flushed, file.work.rewritten)));
    }
    Ok(Add {
        path: file.path.clone(),
        partition_values: partition_values(file),
        size: i64::try_from(file.size).unwrap_or(i64::MAX),
        modification_time: file.modified_ms,
        data_change,
        stats: Some(stats),
        tags: Some(tags),
    })
}

fn remove_action(file: &DataFile, now_ms: i64, data_change: bool) -> Remove {
    Remove {
        path: file.path.clone(),
        deletion_timestamp: Some(now_ms),
        data_change,
        extended_file_metadata: Some(true),
        partition_values: Some(partition_values(file)),
        size: i64::try_from(file.size).ok(),
    }
}
