//! One project's table, opened for writing.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use metrics::Histogram;
use object_store::path::Path;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use uuid::Uuid;

use super::clock::Clock;
use super::damage::DamageLog;
use super::error::TableError;
use super::state::State;
use super::upload::Target;
use super::version::TableVersion;
use super::{Storage, load};
use crate::config::Compaction;
use crate::event::names::ProjectName;

/// Identity of a data directory, minted with it: its flushes are counted under this name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WriterId {
    /// Application of its transactions in the log.
    app: Arc<str>,
}

impl From<Uuid> for WriterId {
    fn from(id: Uuid) -> Self {
        Self { app: Self::app_of(&id.to_string()).into() }
    }
}

impl WriterId {
    pub(super) fn app_of(id: &str) -> String {
        format!("kronika/writer/{id}")
    }

    pub(super) fn app(&self) -> &str {
        &self.app
    }
}

/// How a table is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSettings {
    /// Least number of small files of a partition that a scheduled compaction rewrites.
    pub files_min: usize,
    /// Size in bytes that compaction aims at, and above which it leaves a file alone.
    pub target_size: u64,
    /// How long after its end, and after its last flush, a day is made into as few files as possible.
    pub close_after: Duration,
    /// How long files that were replaced stay, and the log that names them.
    pub keep_replaced: Duration,
    /// Files that are encoded at a time.
    pub writers: usize,
}

impl TableSettings {
    /// Settings as configured, with one encoder for each core, up to four.
    #[must_use]
    pub fn new(compaction: &Compaction) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            files_min: compaction.files_min,
            target_size: compaction.target_size.0,
            close_after: compaction.close_after.0,
            keep_replaced: compaction.keep_replaced.0,
            writers: cores.min(4),
        }
    }
}

/// Who may write: the newest epoch.
#[derive(Debug, Default)]
pub(super) struct Epoch {
    /// Claimed with the first commit.
    pub(super) ours: Option<i64>,
    /// A newer one: this table is done.
    pub(super) fenced_by: Option<i64>,
}

/// What was last published.
#[derive(Debug)]
struct Seen {
    version: Arc<TableVersion>,
    flushed_through: Option<i64>,
    highest: Option<i64>,
}

/// A table that is open for writing.
///
/// Flushes, compactions and vacuums may run at the same time; they meet at the commit lock only.
#[derive(Debug)]
pub struct Table {
    pub(super) storage: Storage,
    pub(super) project: ProjectName,
    /// Root of the table in the store.
    pub(super) root: Path,
    pub(super) writer: WriterId,
    pub(super) settings: TableSettings,
    /// The commit lock: the state at the newest version that we know.
    pub(super) state: tokio::sync::Mutex<State>,
    pub(super) epoch: Mutex<Epoch>,
    /// A commit of ours may have landed without our knowing: the next flush looks first.
    pub(super) in_doubt: AtomicBool,
    seen: ArcSwap<Seen>,
    pub(super) flushing: tokio::sync::Mutex<()>,
    pub(super) compacting: tokio::sync::Mutex<()>,
    pub(super) checkpointing: tokio::sync::Mutex<()>,
    /// Told how long each commit took.
    pub(super) commit_seconds: Histogram,
    /// When orphans were looked for last.
    pub(super) swept: Mutex<Option<Instant>>,
    pub(super) clock: Clock,
    /// Files that are known to be damaged: compaction leaves them where they are.
    pub(super) damage: Arc<DamageLog>,
}

impl Table {
    /// Opens the table of `project`, making it if it is missing. Nothing is claimed yet: the first
    /// commit takes the table over from whoever had it.
    ///
    /// # Errors
    /// The store fails, the log is damaged, the table is of a newer model or not ours.
    pub async fn open(
        storage: &Storage,
        project: ProjectName,
        writer: WriterId,
        settings: TableSettings,
    ) -> Result<Self, TableError> {
        let root = storage.table_root(&project);
        let loaded = match load::load(storage, &root, &[writer.app()]).await? {
            Some(state) => Some(state),
            None => {
                load::create(storage, &root).await?;
                load::load(storage, &root, &[writer.app()]).await?
            }
        };
        let mut state = loaded.ok_or_else(|| TableError::Missing(project.clone()))?;
        let seen = seen(&mut state, &writer);
        Ok(Self {
            storage: storage.clone(),
            project,
            root,
            writer,
            settings,
            state: tokio::sync::Mutex::new(state),
            epoch: Mutex::default(),
            in_doubt: AtomicBool::new(false),
            seen: ArcSwap::from_pointee(seen),
            flushing: tokio::sync::Mutex::default(),
            compacting: tokio::sync::Mutex::default(),
            checkpointing: tokio::sync::Mutex::default(),
            commit_seconds: Histogram::noop(),
            swept: Mutex::default(),
            clock: Clock::default(),
            damage: Arc::default(),
        })
    }

    /// The same, with somebody who is told how long each commit takes.
    #[must_use]
    pub fn time_commits(self, commit_seconds: Histogram) -> Self {
        Self { commit_seconds, ..self }
    }

    /// The same, with the damaged files that all know of.
    #[must_use]
    pub fn share_damage(self, damage: Arc<DamageLog>) -> Self {
        Self { damage, ..self }
    }

    /// The same, with another idea of the time.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self { clock, ..self }
    }

    /// Why nothing can be committed any more; `None` as long as it can.
    #[must_use]
    pub fn trouble(&self) -> Option<String> {
        let fenced = self.check_fence().err();
        fenced.or_else(|| self.storage.check().err()).map(|error| error.to_string())
    }

    /// The project.
    #[must_use]
    pub fn project(&self) -> &ProjectName {
        &self.project
    }

    /// Its root in the store.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The version that was published last.
    #[must_use]
    pub fn current(&self) -> Arc<TableVersion> {
        Arc::clone(&self.seen.load().version)
    }

    /// Last `_seq` of this writer that is in the table.
    #[must_use]
    pub fn flushed_through(&self) -> Option<i64> {
        self.seen.load().flushed_through
    }

    /// Last `_seq` in the table of the writer whose id begins with `id`.
    pub async fn stored_by(&self, id: &str) -> Option<i64> {
        self.state.lock().await.txn_of(&WriterId::app_of(id))
    }

    /// Highest `_seq` in the table, over all writers that there ever were.
    #[must_use]
    pub fn highest_txn(&self) -> Option<i64> {
        self.seen.load().highest
    }

    /// How many replaced files wait for their deletion, and the version of the newest checkpoint.
    pub async fn log_figures(&self) -> (u64, u64) {
        let state = self.state.lock().await;
        (state.removed.len() as u64, state.checkpoint())
    }

    /// Hands a version to the caller's `publish`, under the commit lock.
    pub(super) fn publish(&self, state: &mut State, publish: impl FnOnce(Arc<TableVersion>)) {
        let seen = seen(state, &self.writer);
        let version = Arc::clone(&seen.version);
        self.seen.store(Arc::new(seen));
        publish(version);
    }

    /// Refuses where `state` has rows of ours that no flush has published: they are hot as well, and a
    /// version with them would show them twice.
    pub(super) fn check_settled(&self, state: &State) -> Result<(), TableError> {
        if state.txn(self.writer.app()) == self.flushed_through() {
            return Ok(());
        }
        Err(TableError::Unsettled)
    }

    pub(super) fn target(&self) -> Target {
        Target {
            store: self.storage.store(),
            root: self.root.clone(),
            runtime: Handle::current(),
            clock: self.clock.clone(),
            local: self.storage.is_local(),
        }
    }
}

fn seen(state: &mut State, writer: &WriterId) -> Seen {
    Seen { version: state.current(), flushed_through: state.txn(writer.app()), highest: state.highest_seq() }
}

/// The newest version of a table that this process does not write.
///
/// # Errors
/// [`TableError::Missing`], or the table cannot be read.
pub async fn open_read_only(storage: &Storage, project: &ProjectName) -> Result<Arc<TableVersion>, TableError> {
    load::read_only(storage, &storage.table_root(project), project).await
}
