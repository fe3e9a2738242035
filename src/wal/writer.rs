//! The writer thread: group commit. And the publisher thread: durable frames to the sink.
//!
//! The writer takes whatever is pending the moment the last sync returned — no timer: while one
//! group is being synced the next one gathers — writes it with one vectored write (bodies are never
//! copied) and one `fdatasync`, and passes the tickets on. A group that spans segments is synced in
//! each before the next is touched, so frames in a segment prove that the ones before it are whole.
//!
//! The first failed write or sync ends all writing: the kernel may have dropped the pages, so a
//! later sync that succeeds would prove nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use super::frame::{HEAD, Head};
use super::segment::{SEGMENT_HEAD, Segment};
use super::state::{Entry, Shared};
use super::{Sink, WalError, trace};
use crate::error::with_causes;
use crate::failpoint;

/// What the publisher hands to the sink.
pub(super) enum Delivery<T> {
    /// Frames on disk, and how long it took to write and sync them.
    Durable(Vec<(u64, T)>, Duration),
    Failed(Arc<WalError>, Vec<T>),
}

/// Hands deliveries to the sink in the order they come, until the writer is gone.
pub(super) fn publish<T>(deliveries: &Receiver<Delivery<T>>, mut sink: Box<dyn Sink<T>>) {
    for delivery in deliveries {
        match delivery {
            Delivery::Durable(batch, took) => {
                sink.synced(took);
                sink.durable(batch);
            }
            Delivery::Failed(error, lost) => sink.failed(error, lost),
        }
    }
}

/// The segment being written.
pub(super) struct Active {
    file: File,
    path: PathBuf,
    mark: u64,
    len: u64,
    offset: u64,
}

impl Active {
    pub(super) fn open(segment: &Segment, offset: u64) -> Result<Self, WalError> {
        let file = OpenOptions::new()
            .write(true)
            .open(&segment.path)
            .map_err(WalError::io("open log segment", &segment.path))?;
        Ok(Self { file, path: segment.path.clone(), mark: segment.mark, len: segment.len, offset })
    }
}

/// State of the writer thread.
pub(super) struct Writer<T> {
    shared: Arc<Shared<T>>,
    deliveries: Sender<Delivery<T>>,
    active: Option<Active>,
    /// Number after the last row written.
    end_seq: u64,
    /// Heads, project names and metas of a group; kept for its capacity.
    heads: Vec<u8>,
}

impl<T> Writer<T> {
    pub(super) fn new(
        shared: Arc<Shared<T>>,
        deliveries: Sender<Delivery<T>>,
        active: Option<Active>,
        end_seq: u64,
    ) -> Self {
        Self { shared, deliveries, active, end_seq, heads: Vec::new() }
    }

    /// Writes groups until the log is closed and nothing is pending, or a write failed.
    pub(super) fn run(mut self) {
        while let Some(batch) = self.next_batch() {
            if !self.commit(batch) {
                break;
            }
        }
    }

    fn next_batch(&self) -> Option<Vec<Entry<T>>> {
        let mut state = self.shared.state.lock();
        while state.pending.is_empty() {
            if state.closing {
                return None;
            }
            self.shared.work.wait(&mut state);
        }
        let capacity = state.pending.len(); // the next group is likely to be as large
        Some(std::mem::replace(&mut state.pending, Vec::with_capacity(capacity)))
    }

    /// Writes a batch, group by group; false once the log is broken.
    fn commit(&mut self, mut batch: Vec<Entry<T>>) -> bool {
        while !batch.is_empty() {
            if let Some(len) = batch[0].opens
                && let Err(cause) = self.open_segment(len)
            {
                self.refuse(cause, batch);
                return true;
            }
            let rest = batch.iter().skip(1).position(|entry| entry.opens.is_some()).map(|at| batch.split_off(at + 1));
            let rest = rest.unwrap_or_default();
            let began = Instant::now();
            if let Err(error) = self.write(&batch) {
                self.latch(error, batch, rest);
                return false;
            }
            if let Err(error) = self.deliver(batch, began.elapsed()) {
                self.latch(error, Vec::new(), rest);
                return false;
            }
            batch = rest;
        }
        true
    }

    /// Goes on in the prepared segment, of at least `len` bytes; waits for it where the preparer is late.
    fn open_segment(&mut self, len: u64) -> Result<(), Arc<WalError>> {
        let mut state = self.shared.state.lock();
        let segment = loop {
            if let Some(ready) = state.ready.as_ref().filter(|ready| ready.len >= len) {
                break ready.clone();
            }
            if let Some(cause) = &state.no_segment {
                return Err(Arc::clone(cause));
            }
            state.wanted = Some(len);
            self.shared.chores.notify_one();
            self.shared.segment.wait(&mut state);
        };
        state.wanted = None;
        drop(state);
        self.active = Some(Active::open(&segment, SEGMENT_HEAD).map_err(Arc::new)?);
        let mut state = self.shared.state.lock();
        state.ready = None;
        state.next_id = segment.id + 1;
        state.reserved -= len;
        state.offset = SEGMENT_HEAD;
        state.ledger.open(segment);
        self.shared.chores.notify_one();
        Ok(())
    }

    /// Writes one group and makes it durable.
    fn write(&mut self, group: &[Entry<T>]) -> Result<(), WalError> {
        let active = self.active.as_mut().expect("the first frame ever opens a segment");
        let sizes = encode_heads(&mut self.heads, group, active, self.end_seq);
        let slices = slices(&self.heads, &sizes, group);
        let bytes: usize = slices.iter().map(|slice| slice.len()).sum();
        let end = active.offset + bytes as u64;
        debug_assert!(end <= active.len, "appends are let in only where they fit");
        let written = failpoint::pass("wal.write").and_then(|()| write_group(active, slices, end));
        written.map_err(WalError::write("write to", &active.path))?;
        let synced = failpoint::pass("wal.written").and_then(|()| active.file.sync_data());
        synced.map_err(WalError::write("sync", &active.path))?;
        trace::synced(&active.path);
        failpoint::at("wal.synced");
        active.offset = end;
        self.end_seq = group.last().map_or(self.end_seq, Entry::end);
        Ok(())
    }

    fn deliver(&mut self, group: Vec<Entry<T>>, took: Duration) -> Result<(), WalError> {
        let offset = self.active.as_ref().map_or(0, |active| active.offset);
        // Before the sink hears of them: it may have the rows forgotten at once.
        let retirable = {
            let mut state = self.shared.state.lock();
            state.note_durable(&group, offset);
            state.ledger.retirable().is_some()
        };
        if retirable {
            // The first frame of a segment lets go of the one before.
            self.shared.chores.notify_one();
        }
        let tickets = group.into_iter().map(|entry| (entry.seq, entry.ticket)).collect();
        self.deliveries.send(Delivery::Durable(tickets, took)).map_err(|_| WalError::Stopped)
    }

    /// Ends all writing. `group` may be on disk or not; `rest` and what is pending is not.
    fn latch(&self, error: WalError, group: Vec<Entry<T>>, rest: Vec<Entry<T>>) {
        let error = Arc::new(error);
        tracing::error!(error = with_causes(&error), "the log takes no more frames");
        let mut state = self.shared.state.lock();
        state.broken = Some(Arc::clone(&error));
        state.note_error(&error);
        let pending = state.take_back_pending();
        drop(state);
        self.fail(&error, group);
        let unwritten = rest.into_iter().chain(pending).collect();
        self.fail(&Arc::new(WalError::Broken { cause: error }), unwritten);
    }

    /// Gives back frames for which there is no segment; later ones may find one again.
    fn refuse(&self, cause: Arc<WalError>, batch: Vec<Entry<T>>) {
        let mut state = self.shared.state.lock();
        state.wanted = None;
        let pending = state.take_back_pending();
        drop(state);
        self.fail(&Arc::new(WalError::NoSegment { cause }), batch.into_iter().chain(pending).collect());
    }

    fn fail(&self, error: &Arc<WalError>, lost: Vec<Entry<T>>) {
        if lost.is_empty() {
            return;
        }
        let tickets = lost.into_iter().map(|entry| entry.ticket).collect();
        if self.deliveries.send(Delivery::Failed(Arc::clone(error), tickets)).is_err() {
            tracing::error!(error = %error, "nobody is left to be told of frames that were not written");
        }
    }
}

/// However the writer ends, nobody waits for it: not the preparer, not an append.
impl<T> Drop for Writer<T> {
    fn drop(&mut self) {
        let mut state = self.shared.state.lock();
        state.written = true;
        if std::thread::panicking() {
            state.broken.get_or_insert_with(|| Arc::new(WalError::Stopped));
            state.take_back_pending();
        }
        drop(state);
        self.shared.chores.notify_one();
    }
}

/// Encodes what comes before each body; the sizes say where each piece ends.
fn encode_heads<T>(heads: &mut Vec<u8>, group: &[Entry<T>], active: &Active, mut prev_end: u64) -> Vec<usize> {
    heads.clear();
    let pieces = group.iter().map(|entry| {
        let (frame, start) = (&entry.frame, heads.len());
        let head = Head::of(frame, entry.payload_crc, active.mark, active.offset).at(entry.seq, prev_end);
        heads.extend_from_slice(&head.encode());
        heads.extend_from_slice(frame.project.as_str().as_bytes());
        heads.extend_from_slice(&frame.meta);
        prev_end = head.end();
        heads.len() - start
    });
    pieces.collect()
}

fn slices<'a, T>(heads: &'a [u8], sizes: &[usize], group: &'a [Entry<T>]) -> Vec<IoSlice<'a>> {
    let mut slices = Vec::with_capacity(2 * group.len() + 1);
    let mut rest = heads;
    for (entry, size) in group.iter().zip(sizes) {
        let (piece, behind) = rest.split_at(*size);
        rest = behind;
        slices.push(IoSlice::new(piece));
        slices.push(IoSlice::new(&entry.frame.body));
    }
    slices
}

/// Writes the group and, where the file goes on, zeros that end the segment for now: behind them may
/// lie what the file held in a former life.
fn write_group(active: &mut Active, mut slices: Vec<IoSlice<'_>>, end: u64) -> io::Result<()> {
    static ZEROS: [u8; HEAD] = [0; HEAD];
    let left = usize::try_from(active.len - end).unwrap_or(usize::MAX).min(HEAD);
    slices.push(IoSlice::new(&ZEROS[..left]));
    active.file.seek(SeekFrom::Start(active.offset))?;
    trace::wrote(&active.path, active.offset, &slices);
    let mut rest = slices.as_mut_slice();
    IoSlice::advance_slices(&mut rest, 0); // drops empty pieces in front
    while !rest.is_empty() {
        match active.file.write_vectored(rest) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut rest, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
