//! What the callers, the writer and the preparer share, under one lock that is never held across a
//! file operation.
//!
//! An append decides here, before it is let in, where its frame will go: behind the last one, or
//! first in a new segment. So the budget is kept exactly, and the writer only obeys.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use serde::Serialize;

use super::frame::{self, FRAME_MAX};
use super::ledger::Ledger;
use super::replay::Recovered;
use super::segment::{SEGMENT_HEAD, Segment};
use super::{Frame, WalError};
use crate::config;
use crate::error::with_causes;

/// Pause before a failed preparation or removal of a segment is tried again.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// Which part of the log's disk a frame may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// What is not kept free.
    Common,
    /// Also what is.
    Reserve,
}

/// A frame let into the log, waiting to be written.
pub(super) struct Entry<T> {
    pub(super) seq: u64,
    pub(super) frame: Frame,
    pub(super) payload_crc: u32,
    /// Size of the new segment that starts with this frame.
    pub(super) opens: Option<u64>,
    pub(super) ticket: T,
}

impl<T> Entry<T> {
    /// Number after the frame's last row.
    pub(super) fn end(&self) -> u64 {
        frame::end_of(self.seq, self.frame.rows)
    }
}

/// State of the log, readable while it runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct WalStats {
    /// Segments with frames, the one being written included.
    pub segments: u64,
    /// Bytes of all files of the log, prepared and spare ones included.
    pub bytes: u64,
    /// Bytes that count against `size_max`: whole closed segments and the filled part of the newest,
    /// frames not yet written included.
    pub used_bytes: u64,
    /// Setting `wal.size_max`: appends are refused as full at this fill.
    pub size_max: u64,
    /// Number of the next row.
    pub next_seq: u64,
    /// Frames made durable since the start.
    pub frames: u64,
    /// Bytes of those frames.
    pub written_bytes: u64,
    /// Syncs since the start; `frames / syncs` is the size of a group.
    pub syncs: u64,
    /// Frames waiting for their sync.
    pub pending_frames: u64,
    /// Bytes of those frames.
    pub pending_bytes: u64,
    /// Whether the start cut a torn write off the end.
    pub cut_at_start: bool,
    /// Whether a failed write ended all appends until a restart.
    pub broken: bool,
    /// Last failure with its causes, also one that healed.
    pub last_error: Option<String>,
    /// Why appends fail now, with its causes: a broken log, or no room for a segment.
    pub trouble: Option<String>,
}

/// Fixed facts of an open log.
#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) dir: PathBuf,
    pub(super) segment_size: u64,
    pub(super) size_max: u64,
}

impl Limits {
    pub(super) fn new(dir: PathBuf, settings: &config::Wal) -> Self {
        // Room for a page of frames, however small the setting.
        Self { dir, segment_size: settings.segment_size.0.max(2 * SEGMENT_HEAD), size_max: settings.size_max.0 }
    }

    /// Largest frame: it must fit beside the segment being written, which is never free, and so may
    /// take half of the disk at most.
    pub(super) fn frame_max(&self) -> u64 {
        (self.size_max / 2).saturating_sub(SEGMENT_HEAD).min(FRAME_MAX)
    }

    /// Size of a new segment that starts with a frame of this length: a frame larger than a segment
    /// gets a longer one of its own.
    pub(super) fn segment_for(&self, frame: u64) -> u64 {
        self.segment_size.max(SEGMENT_HEAD + frame)
    }
}

/// State under the lock.
pub(super) struct State<T> {
    pub(super) pending: Vec<Entry<T>>,
    pub(super) next_seq: u64,
    /// Bytes left in the newest segment behind the last frame let in.
    pub(super) room: u64,
    /// Bytes of the segments that frames in flight will open.
    pub(super) reserved: u64,
    pub(super) ledger: Ledger,
    /// Filled part of the newest segment, on disk.
    pub(super) offset: u64,
    /// Empty segment that the writer opens next; its id is `next_id`.
    pub(super) ready: Option<Segment>,
    pub(super) next_id: u64,
    /// Size of the segment the writer waits for.
    pub(super) wanted: Option<u64>,
    /// Files to make the next segments from.
    pub(super) spares: Vec<PathBuf>,
    /// Why there is no segment; cleared by the next success.
    pub(super) no_segment: Option<Arc<WalError>>,
    pub(super) retry_at: Option<Instant>,
    pub(super) broken: Option<Arc<WalError>>,
    /// No appends any more; the writer ends when nothing is pending.
    pub(super) closing: bool,
    /// The writer has ended; while closing, the preparer ends too.
    pub(super) written: bool,
    pub(super) stats: WalStats,
    /// Bytes of `size_max` that are for [`Room::Reserve`] only.
    pub(super) kept_free: u64,
    /// Whether files are made from nothing and deleted when they are done with, not used again.
    pub(super) fresh_only: bool,
}

/// The shared state and who is woken by what.
pub(super) struct Shared<T> {
    pub(super) limits: Limits,
    pub(super) state: Mutex<State<T>>,
    /// Wakes the writer: frames are pending, or the log closes.
    pub(super) work: Condvar,
    /// Wakes the writer: a segment is ready, or cannot be made.
    pub(super) segment: Condvar,
    /// Wakes the preparer.
    pub(super) chores: Condvar,
}

impl<T> Shared<T> {
    pub(super) fn new(limits: Limits, recovered: Recovered) -> Self {
        let newest = recovered.ledger.newest();
        let next_id =
            newest.map(|segment| segment.id + 1).or(recovered.ready.as_ref().map(|ready| ready.id)).unwrap_or(1);
        let state = State {
            pending: Vec::new(),
            next_seq: recovered.end_seq,
            room: newest.map_or(0, |segment| segment.len.saturating_sub(recovered.offset)),
            reserved: 0,
            offset: recovered.offset,
            ledger: recovered.ledger,
            ready: recovered.ready,
            next_id,
            wanted: None,
            spares: Vec::new(),
            no_segment: None,
            retry_at: None,
            broken: None,
            closing: false,
            written: false,
            stats: WalStats { size_max: limits.size_max, cut_at_start: recovered.cut, ..WalStats::default() },
            kept_free: 0,
            fresh_only: false,
        };
        Self { limits, state: Mutex::new(state), work: Condvar::new(), segment: Condvar::new(), chores: Condvar::new() }
    }

    /// Lets a frame in and numbers it, or gives the ticket back.
    pub(super) fn append(&self, frame: Frame, room: Room, ticket: T) -> Result<u64, (WalError, T)> {
        let (size, limit) = (frame::len_of(&frame), self.limits.frame_max());
        if size > limit {
            return Err((WalError::TooLarge { size, limit }, ticket));
        }
        let payload_crc = frame::payload_crc(&frame);
        let mut state = self.state.lock();
        let opens = match state.admit(&self.limits, size, room) {
            Ok(opens) => opens,
            Err(error) => return Err((error, ticket)),
        };
        let entry = Entry { seq: state.next_seq, frame, payload_crc, opens, ticket };
        let (seq, idle) = (entry.seq, state.pending.is_empty());
        state.next_seq = entry.end();
        state.stats.pending_frames += 1;
        state.stats.pending_bytes += size;
        state.pending.push(entry);
        drop(state);
        if idle {
            self.work.notify_one();
        }
        Ok(seq)
    }

    pub(super) fn stats(&self) -> WalStats {
        let state = self.state.lock();
        let prepared =
            state.ready.as_ref().map_or(0, |ready| ready.len) + state.spares.len() as u64 * self.limits.segment_size;
        WalStats {
            segments: state.ledger.len() as u64,
            bytes: state.ledger.bytes() + prepared,
            used_bytes: state.used(),
            next_seq: state.next_seq,
            broken: state.broken.is_some(),
            trouble: state.broken.as_ref().or(state.no_segment.as_ref()).map(|error| with_causes(error)),
            ..state.stats.clone()
        }
    }
}

impl<T> State<T> {
    /// Decides where a frame goes and takes the room; the size of its segment if it opens one.
    fn admit(&mut self, limits: &Limits, size: u64, room: Room) -> Result<Option<u64>, WalError> {
        if let Some(cause) = &self.broken {
            return Err(WalError::Broken { cause: Arc::clone(cause) });
        }
        if self.closing {
            return Err(WalError::Closed);
        }
        let limit = match room {
            Room::Common => limits.size_max.saturating_sub(self.kept_free),
            Room::Reserve => limits.size_max,
        };
        let full = |used| Err(WalError::Full { used, limit: limits.size_max });
        if size <= self.room {
            // A segment that the reserve was opened for is not for everybody.
            if self.used() + size > limit {
                return full(self.used());
            }
            self.room -= size;
            return Ok(None);
        }
        let opens = limits.segment_for(size);
        if self.planned() + opens > limit {
            return full(self.used());
        }
        if let Some(cause) = &self.no_segment {
            return Err(WalError::NoSegment { cause: Arc::clone(cause) });
        }
        self.reserved += opens;
        self.room = opens - SEGMENT_HEAD - size;
        Ok(Some(opens))
    }

    /// Bytes of all segments, those included that frames in flight will open.
    fn planned(&self) -> u64 {
        self.ledger.bytes() + self.reserved
    }

    pub(super) fn used(&self) -> u64 {
        self.planned().saturating_sub(self.room)
    }

    /// Takes back what was let in but will not be written.
    pub(super) fn take_back_pending(&mut self) -> Vec<Entry<T>> {
        self.reserved = 0;
        self.room = self.ledger.newest().map_or(0, |newest| newest.len.saturating_sub(self.offset));
        self.stats.pending_frames = 0;
        self.stats.pending_bytes = 0;
        std::mem::take(&mut self.pending)
    }

    /// Notes a group that is on disk now and ends at `offset` of the newest segment.
    pub(super) fn note_durable(&mut self, group: &[Entry<T>], offset: u64) {
        let bytes = offset - self.offset;
        self.offset = offset;
        for entry in group {
            self.ledger.note(&entry.frame.project, entry.end() - 1);
        }
        self.stats.syncs += 1;
        self.stats.frames += group.len() as u64;
        self.stats.written_bytes += bytes;
        self.stats.pending_frames -= group.len() as u64;
        self.stats.pending_bytes -= bytes;
    }

    pub(super) fn note_error(&mut self, error: &WalError) {
        self.stats.last_error = Some(with_causes(error));
    }
}
