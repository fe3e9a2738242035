//! Write-ahead log: the point where a batch of events becomes durable.
//!
//! `engine` hands over checked batches; this module makes them survive a power cut and hands them,
//! in log order, to a [`Sink`] that makes them visible to queries. After a restart it replays what no
//! table holds yet. Nothing here knows Arrow, HTTP or keys: to the log a frame is a project, a number
//! of rows, and two byte strings.
//!
//! ```text
//! append ─▶ state (numbers, budget) ─▶ writer (group commit) ─▶ publisher ─▶ Sink::durable
//!                ▲                         ▲ next segment
//!             forget ─▶ ledger ─▶ preparer ┘ (zero-fills ahead, recycles)
//! ```
//!
//! # Invariants
//! * A ticket given to [`Sink::durable`] stands for bytes that were synced; no later error revokes it.
//! * Order of appends = order of sequence numbers = order in the log = order at the sink.
//! * Each frame names the end of the one before it: a skipped number is explicit, a gap is corruption.
//! * The first failed write or sync of the log latches; nothing is written until a restart, nothing retried.
//! * A torn last group is cut off at start; other damage stops the start (table in `replay`).
//! * Segments are freed oldest first, each step durable before the next: a crash leaves no gap.
//! * No file of the log exceeds `wal.segment_size`, but one that holds a single larger frame; all
//!   files together stay within `wal.size_max`.
//!
//! # Assumed of the disk
//! A sync that returned is true. A sector that is rewritten with the same bytes in front (the last
//! one of a group, when the next group follows) keeps these bytes even if the power fails.
//!
//! Not here, on purpose: a lock on the directory (`engine` owns it), compression (bodies are in the
//! page cache for minutes only), direct I/O (a sync of written-ahead blocks costs nearly the same).

mod error;
mod frame;
mod inspect;
mod ledger;
mod preparer;
mod reader;
mod replay;
mod salvage;
mod segment;
mod state;
mod trace;
mod walk;
mod writer;

use std::error::Error;
use std::fs;
use std::path::Path;
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use parking_lot::Mutex;

pub use self::error::{Damage, WalError};
pub use self::inspect::{
    Finding, FrameSummary, LogCheck, LogSummary, ProjectSummary, SegmentPart, SegmentState, SegmentSummary, inspect,
    inspect_frames, parts, verify,
};
pub use self::salvage::{SalvageReport, salvage};
pub use self::state::WalStats;

use self::state::{Limits, Room, Shared};
use self::writer::{Active, Writer};
use crate::config;
use crate::event::names::ProjectName;

/// One batch of events, as the log keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Project of all rows.
    pub project: ProjectName,
    /// Sequence numbers to take: one a row; a frame without rows takes one too.
    pub rows: u32,
    /// What replay must know besides the body; opaque here.
    pub meta: Bytes,
    /// The events; never copied on the way to the disk.
    pub body: Bytes,
}

/// A frame read back at start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replayed {
    /// Number of its first row.
    pub seq: u64,
    /// The frame as it was appended.
    pub frame: Frame,
}

/// Receiver of durable frames. Called on one thread, in log order; it may call the log.
pub trait Sink<T>: Send {
    /// A group of frames was written and synced; called before [`Sink::durable`] hears of them.
    fn synced(&mut self, _took: Duration) {}
    /// These frames are on disk.
    fn durable(&mut self, batch: Vec<(u64, T)>);
    /// These frames were let in, but will not become durable. [`WalError::Write`] and
    /// [`WalError::Stopped`] leave open whether a restart replays them; every other error means no.
    fn failed(&mut self, error: Arc<WalError>, lost: Vec<T>);
}

/// An open log. `T` is what the caller wants back once its frame is durable.
///
/// Dropping it drains and joins its threads, as [`Wal::close`] does.
pub struct Wal<T: Send + 'static> {
    shared: Arc<Shared<T>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl<T: Send + 'static> Wal<T> {
    /// Opens the log in `dir`, made if missing, and replays its frames before anything can be appended.
    ///
    /// Frames already in a table are replayed too; the receiver knows which to skip, and has them
    /// forgotten. The caller holds the lock of the data directory.
    ///
    /// # Errors
    /// * [`WalError::Corrupt`], [`WalError::MissingSegment`], [`WalError::Version`]: the log needs an operator.
    /// * [`WalError::Replay`]: `replay` refused a frame.
    /// * [`WalError::Io`]: the directory or a file cannot be read or written.
    pub fn open(
        dir: &Path,
        settings: &config::Wal,
        replay: &mut dyn FnMut(Replayed) -> Result<(), Box<dyn Error + Send + Sync>>,
        sink: Box<dyn Sink<T>>,
    ) -> Result<Self, WalError> {
        make_dir(dir)?;
        let recovered = replay::recover(dir, replay::Mode::Repair, replay)?;
        let active = recovered.ledger.newest().map(|newest| Active::open(newest, recovered.offset)).transpose()?;
        let end_seq = recovered.end_seq;
        let shared = Arc::new(Shared::new(Limits::new(dir.to_owned(), settings), recovered));
        // Threads that did start end with the value, should a later one fail to.
        let wal = Self { shared, threads: Mutex::default() };
        let (deliveries, delivered) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&wal.shared), deliveries, active, end_seq);
        let shared = Arc::clone(&wal.shared);
        wal.start("wal-writer", dir, move || writer.run())?;
        wal.start("wal-publisher", dir, move || writer::publish(&delivered, sink))?;
        wal.start("wal-preparer", dir, move || preparer::run(&shared))?;
        Ok(wal)
    }

    fn start(&self, name: &str, dir: &Path, run: impl FnOnce() + Send + 'static) -> Result<(), WalError> {
        let thread =
            thread::Builder::new().name(name.into()).spawn(run).map_err(WalError::io("start a thread for", dir))?;
        self.threads.lock().push(thread);
        Ok(())
    }

    /// Lets a frame in and returns the number of its first row. Waits for no disk: `ticket` comes
    /// back through the sink.
    ///
    /// # Errors
    /// Each gives the ticket back, and nothing was or will be written.
    /// * [`WalError::TooLarge`]: it never fits. The limit is half of `wal.size_max`, at most 1 GiB.
    /// * [`WalError::Full`]: flushing must make room first.
    /// * [`WalError::NoSegment`]: no segment file can be made, the disk is full; heals by itself.
    /// * [`WalError::Broken`], [`WalError::Closed`].
    pub fn append(&self, frame: Frame, ticket: T) -> Result<u64, (WalError, T)> {
        self.shared.append(frame, Room::Common, ticket)
    }

    /// As [`Wal::append`], of a frame that may also use what [`Wal::keep_free`] keeps from the others.
    ///
    /// # Errors
    /// As [`Wal::append`].
    pub fn append_reserved(&self, frame: Frame, ticket: T) -> Result<u64, (WalError, T)> {
        self.shared.append(frame, Room::Reserve, ticket)
    }

    /// Keeps `bytes` of the log's disk from [`Wal::append`]; less than a segment is of use only while
    /// the newest one has room.
    pub fn keep_free(&self, bytes: u64) {
        self.shared.state.lock().kept_free = bytes;
    }

    /// The project's rows up to and including `through` are durable in its table: segments of which
    /// nobody needs a row any more are used again.
    pub fn forget(&self, project: &ProjectName, through: u64) {
        if self.shared.state.lock().ledger.forget(project, through) {
            self.shared.chores.notify_one();
        }
    }

    /// Projects to flush so that at most half of the log's disk is used; empty while it is not.
    #[must_use]
    pub fn pinning(&self) -> Vec<ProjectName> {
        let used = self.stats().used_bytes;
        let excess = used.saturating_sub(self.shared.limits.size_max / 2);
        self.shared.state.lock().ledger.holders(excess)
    }

    /// Lets all later numbers be greater than `seq`.
    pub fn advance_past(&self, seq: u64) {
        let mut state = self.shared.state.lock();
        state.next_seq = state.next_seq.max(seq + 1);
    }

    /// Number of the next row.
    #[must_use]
    pub fn next_seq(&self) -> u64 {
        self.shared.state.lock().next_seq
    }

    /// Size, fill and health of the log.
    #[must_use]
    pub fn stats(&self) -> WalStats {
        self.shared.stats()
    }

    /// The fill alone, see [`WalStats::used_bytes`].
    #[must_use]
    pub fn used_bytes(&self) -> u64 {
        self.shared.state.lock().used()
    }

    /// Takes no more frames, makes durable and hands out those let in, and ends the threads.
    pub fn close(&self) {
        self.shared.state.lock().closing = true;
        self.shared.work.notify_one();
        self.shared.chores.notify_one();
        let threads = std::mem::take(&mut *self.threads.lock());
        for thread in threads {
            // The sink may own the last handle: its own thread ends by itself.
            let own = thread.thread().id() == thread::current().id();
            if !own && thread.join().is_err() {
                tracing::error!("a thread of the write-ahead log panicked");
            }
        }
    }
}

impl<T: Send + 'static> Drop for Wal<T> {
    fn drop(&mut self) {
        self.close();
    }
}

fn make_dir(dir: &Path) -> Result<(), WalError> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(WalError::io("create log directory", dir))?;
    match dir.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => segment::sync_dir(parent),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests;
