//! One project: its table, its hot events, what it has seen.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use foldhash::fast::RandomState;
use hashbrown::HashMap;
use hashbrown::hash_map::Entry;
use parking_lot::Mutex;

use super::ledger::{Figures, Ledger, Page, Removed};
use super::queue::Queue;
use crate::event::columns::Rows;
use crate::event::dedup::{Seen, Window};
use crate::event::names::ProjectName;
use crate::event::parse::SentId;
use crate::event::state::StateError;
use crate::hot::{Hot, HotBatch};
use crate::journal::tail::{Epoch, Hub};
use crate::query::Snapshot;
use crate::table::Table;
use crate::table::version::TableVersion;

/// A project that is open.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) name: ProjectName,
    pub(super) table: Table,
    /// Judged in the order of the log: held from the verdicts until the batch is in the log's queue.
    pub(super) intake: Mutex<Intake>,
    /// What queries see; table version and hot events change together.
    visible: Mutex<Visible>,
    /// What became of everything that was sent.
    pub(super) ledger: Ledger,
    /// Who listens to what becomes visible.
    pub(super) hub: Hub,
    /// One flush of a project at a time.
    pub(super) flushing: tokio::sync::Mutex<()>,
    /// One at a time makes files of a project anew, or lets them go.
    pub(super) compacting: Queue,
    /// Each batch in the log that is not visible yet holds one.
    in_log: Arc<()>,
}

#[derive(Debug)]
struct Visible {
    hot: Hot,
    version: Arc<TableVersion>,
    /// Last `_seq` that was handed over, batches without rows included.
    last_seq: i64,
    /// Everything up to this `_seq` is in the table, and not hot any more.
    stored_through: i64,
}

/// What decides about the events of a batch.
#[derive(Debug)]
pub(super) struct Intake {
    window: Window,
    /// Ids of batches on their way to the disk: they join the window once they are durable, because
    /// an id must not be remembered for an event that a crash can still take away.
    pending: HashMap<u128, u64, RandomState>,
    modules: HashSet<Box<str>>,
    /// Whether the project is being deleted: nothing is taken in.
    closed: bool,
}

impl Project {
    /// A project whose table is open.
    pub(super) fn new(name: ProjectName, table: Table, window: Window, ledger: Ledger, epoch: Epoch) -> Self {
        let version = table.current();
        let modules = version.files.iter().filter_map(|file| file.module.as_deref().map(Box::from)).collect();
        let last_seq = table.flushed_through().unwrap_or(0);
        // Other data directories may have stored more than this one.
        let stored_through = table.highest_txn().unwrap_or(0).max(last_seq);
        Self {
            name,
            table,
            intake: Mutex::new(Intake { window, pending: HashMap::default(), modules, closed: false }),
            visible: Mutex::new(Visible { hot: Hot::default(), version, last_seq, stored_through }),
            ledger,
            hub: Hub::new(epoch, stored_through),
            flushing: tokio::sync::Mutex::new(()),
            compacting: Queue::default(),
            in_log: Arc::new(()),
        }
    }

    /// What a batch holds from the log's queue until it is visible.
    pub(super) fn hold(&self) -> Arc<()> {
        Arc::clone(&self.in_log)
    }

    /// As [`Project::hold`], unless the project is being deleted: whoever deletes it waits for all holders.
    pub(super) fn hold_open(&self) -> Option<Arc<()>> {
        let intake = self.intake.lock();
        (!intake.is_closed()).then(|| self.hold())
    }

    /// Last `_seq` that a query may see now; later events have larger ones.
    pub(super) fn newest_seq(&self) -> i64 {
        let visible = self.visible.lock().last_seq;
        visible.max(self.table.highest_txn().unwrap_or(0))
    }

    /// Whether batches are in the log that are not visible yet.
    pub(super) fn has_batches_in_log(&self) -> bool {
        Arc::strong_count(&self.in_log) > 1
    }

    /// Drops all hot events of a project that is deleted. Returns their bytes.
    pub(super) fn drop_hot(&self) -> usize {
        let mut visible = self.visible.lock();
        std::mem::take(&mut visible.hot).bytes()
    }

    /// Makes durable rows visible; `last_seq` is the last number that their batch took. Returns the
    /// bytes that the hot events grew by, and the rows where they were copied and are of no use any more.
    pub(super) fn publish(&self, rows: Rows, last_seq: i64) -> (usize, Option<Rows>) {
        let mut visible = self.visible.lock();
        let before = visible.hot.bytes();
        visible.last_seq = last_seq;
        let spent = visible.hot.push(rows, last_seq, Instant::now());
        (visible.hot.bytes().saturating_sub(before), spent)
    }

    /// Last `_seq` that is visible.
    pub(super) fn last_seq(&self) -> i64 {
        let visible = self.visible.lock();
        visible.last_seq.max(visible.stored_through)
    }

    /// Hot batches with rows after `seq`, and the last `_seq` that is visible; no batches where some of those rows
    /// are stored already.
    pub(super) fn since(&self, seq: i64) -> (Option<Vec<Arc<HotBatch>>>, i64) {
        let mut visible = self.visible.lock();
        let batches = (visible.stored_through <= seq).then(|| {
            let mut batches = visible.hot.snapshot();
            batches.retain(|batch| batch.last_seq > seq);
            batches
        });
        (batches, visible.last_seq.max(seq))
    }

    /// The table's version that queries see.
    pub(super) fn snapshot_version(&self) -> Arc<TableVersion> {
        Arc::clone(&self.visible.lock().version)
    }

    /// What a query sees: every event once.
    pub(super) fn snapshot(&self) -> Snapshot {
        let mut visible = self.visible.lock();
        Snapshot { hot: visible.hot.snapshot(), table: Arc::clone(&visible.version) }
    }

    /// Everything that is to be flushed, and the last `_seq` that it reaches.
    pub(super) fn cut(&self) -> (Vec<Arc<HotBatch>>, i64) {
        let mut visible = self.visible.lock();
        (visible.hot.cut(), visible.last_seq)
    }

    /// Swaps the table's version and drops the hot events that it holds now, in one step. Returns the
    /// bytes that the hot events shrank by.
    pub(super) fn swap(&self, version: Arc<TableVersion>, flushed_through: Option<i64>) -> usize {
        let mut visible = self.visible.lock();
        let before = visible.hot.bytes();
        visible.version = version;
        if let Some(through) = flushed_through {
            visible.hot.forget(through);
            visible.stored_through = visible.stored_through.max(through);
        }
        before.saturating_sub(visible.hot.bytes())
    }

    /// As [`Project::swap`], of a version that has fewer events, which have left for good. [`Ledger::removing`] comes
    /// before the version is committed.
    pub(super) fn swap_smaller(&self, version: Arc<TableVersion>, kind: Removed) {
        let counted = self.ledger.removed(kind, || {
            let mut visible = self.visible.lock();
            let before = std::mem::replace(&mut visible.version, version);
            before.rows().saturating_sub(visible.version.rows())
        });
        if let Err(error) = counted {
            tracing::error!(%error, project = %self.name, "cannot note events that left the table; they are counted at the next start");
        }
    }

    /// Sums of the ledger, with the hot and stored events of the same moment.
    pub(super) fn ledger_figures(&self) -> Figures {
        self.ledger.figures(|| self.counted())
    }

    /// All that the ledger says, with the hot and stored events of the same moment.
    pub(super) fn ledger_page(&self) -> Page {
        self.ledger.page(|| self.counted())
    }

    /// Hot and stored events of one moment.
    pub(super) fn counted(&self) -> (u64, u64) {
        let visible = self.visible.lock();
        (visible.hot.rows() as u64, visible.version.rows())
    }

    /// Makes the ids that are remembered durable; batches are judged meanwhile.
    pub(super) fn sync_ids(&self) -> Result<(), StateError> {
        let begun = self.intake.lock().window.begin_sync()?;
        let Some(file) = begun else { return Ok(()) };
        let synced = file.sync_data();
        self.intake.lock().window.end_sync(synced)
    }

    /// Bytes, rows and age of the hot events.
    pub(super) fn hot(&self) -> HotState {
        HotState::of(&self.visible.lock().hot)
    }

    /// The same with the table's version of the same moment.
    pub(super) fn stored(&self) -> (HotState, Arc<TableVersion>) {
        let visible = self.visible.lock();
        (HotState::of(&visible.hot), Arc::clone(&visible.version))
    }
}

/// Size and age of a project's hot events.
#[derive(Debug, Clone, Copy)]
pub(super) struct HotState {
    pub(super) bytes: usize,
    pub(super) rows: usize,
    pub(super) oldest: Option<Instant>,
    /// Bytes that are no longer hot, and that queries hold whole all the same.
    pub(super) held: usize,
}

impl HotState {
    fn of(hot: &Hot) -> Self {
        Self { bytes: hot.bytes(), rows: hot.rows(), oldest: hot.oldest(), held: hot.held_bytes() }
    }
}

impl Intake {
    /// Takes nothing more in, or takes events in again.
    pub(super) fn close(&mut self, closed: bool) {
        self.closed = closed;
    }

    /// Whether nothing is taken in any more.
    pub(super) fn is_closed(&self) -> bool {
        self.closed
    }

    /// Whether an event was seen: in the window, among batches on their way, or before in its own
    /// batch. One that was not is expected from here on.
    pub(super) fn judge(&mut self, id: &SentId) -> Seen {
        match self.pending.entry(id.key) {
            Entry::Occupied(known) if *known.get() == id.content => Seen::Same,
            Entry::Occupied(_) => Seen::Conflict,
            Entry::Vacant(place) => {
                let seen = self.window.judge(id.key, id.content);
                if seen == Seen::New {
                    place.insert(id.content);
                }
                seen
            }
        }
    }

    /// Expects ids no longer: their batch did not get into the log.
    pub(super) fn take_back(&mut self, keys: impl IntoIterator<Item = u128>) {
        for key in keys {
            self.pending.remove(&key);
        }
    }

    /// Remembers ids whose batch is durable.
    pub(super) fn remember(&mut self, ids: &[SentId]) -> Result<(), StateError> {
        for id in ids {
            match self.pending.remove(&id.key) {
                Some(_) => self.window.insert_new(id.key, id.content)?,
                // At replay nothing was judged.
                None => self.window.insert(id.key, id.content)?,
            }
        }
        Ok(())
    }

    /// Whether a module is known or may become so under the cap.
    pub(super) fn admits(&mut self, module: &str, cap: usize) -> bool {
        if self.modules.contains(module) {
            return true;
        }
        if self.modules.len() >= cap {
            return false;
        }
        self.modules.insert(module.into());
        true
    }
}
