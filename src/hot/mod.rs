//! Acknowledged events that are not yet in the table, as Arrow batches.
//!
//! `engine` pushes durable rows in the order of the log; a query takes a snapshot; a flush takes the
//! same and, once committed, has exactly those batches forgotten.
//!
//! # Invariants
//! * Batches and their rows are in the order of `_seq`.
//! * A batch never changes; what a snapshot holds stays valid.

use std::sync::{Arc, Weak};
use std::time::Instant;

use arrow::compute::concat_batches;
use arrow::record_batch::RecordBatch;

use crate::event::columns::{Rows, Usage};
use crate::event::schema::row_schema;

/// Rows at which a batch is large enough to stay as it is.
const FULL_ROWS: usize = 16_384;
/// Bytes at which a batch is large enough: text offsets are 32 bits wide, and must stay far from their end.
const FULL_BYTES: usize = 64 << 20;
/// Number of small batches at which a snapshot first makes one of them.
const SMALL_MAX: usize = 24;

/// A sealed batch of hot events.
#[derive(Debug, Clone)]
pub struct HotBatch {
    /// The rows, in the row schema and in the order of `_seq`.
    pub rows: RecordBatch,
    /// `_seq` of the last row.
    pub last_seq: i64,
    /// Earliest `event_time`, µs.
    pub time_min: i64,
    /// Latest `event_time`, µs.
    pub time_max: i64,
    /// Bytes of its values.
    pub bytes: usize,
}

/// The hot events of one project.
#[derive(Debug, Default)]
pub struct Hot {
    open: Rows,
    open_bytes: usize,
    /// Room that the last full batch took: the next one is much alike.
    usage: Usage,
    sealed: Vec<Arc<HotBatch>>,
    last_seq: i64,
    sealed_bytes: usize,
    /// When the oldest event that is still here arrived.
    oldest: Option<Instant>,
    /// Batches up to this `_seq` are being flushed: merging one with later rows would double them.
    fence: i64,
    /// Batches that are no longer here, which snapshots may still hold.
    left: Vec<Weak<HotBatch>>,
}

impl Hot {
    /// Appends numbered rows, the last of which has `last_seq`; gives them back where they were copied.
    pub fn push(&mut self, rows: Rows, last_seq: i64, now: Instant) -> Option<Rows> {
        if rows.is_empty() {
            return Some(rows);
        }
        self.oldest.get_or_insert(now);
        let bytes = rows.size();
        let full = rows.len() >= FULL_ROWS || bytes >= FULL_BYTES;
        if full || self.open_bytes + bytes > FULL_BYTES {
            self.seal();
        }
        let spent = if full {
            self.open = rows;
            None
        } else {
            if self.open.is_empty() {
                self.usage.make_room(&mut self.open, self.usage.size());
            }
            self.open.append(&rows);
            Some(rows)
        };
        self.last_seq = last_seq;
        self.open_bytes = self.open.size();
        if self.open.len() >= FULL_ROWS {
            self.usage.note(&self.open, self.open_bytes);
            self.seal();
        }
        spent
    }

    fn seal(&mut self) {
        let Some((time_min, time_max)) = self.open.time_range() else { return };
        let bytes = std::mem::take(&mut self.open_bytes);
        let mut rows = std::mem::take(&mut self.open);
        // Room was made for a full batch; what a snapshot cut short would keep all of it.
        if rows.len() < FULL_ROWS / 4 * 3 {
            rows.shrink();
        }
        let rows = rows.finish();
        self.sealed_bytes += bytes;
        self.sealed.push(Arc::new(HotBatch { rows, last_seq: self.last_seq, time_min, time_max, bytes }));
    }

    /// All batches, oldest first.
    pub fn snapshot(&mut self) -> Vec<Arc<HotBatch>> {
        self.seal();
        self.merge_small();
        self.sealed.clone()
    }

    /// All batches, to be flushed; they stay until [`Hot::forget`] and stay apart from later ones.
    pub fn cut(&mut self) -> Vec<Arc<HotBatch>> {
        let batches = self.snapshot();
        self.fence = self.last_seq;
        batches
    }

    /// Frequent snapshots leave small batches behind; a scan pays for each.
    fn merge_small(&mut self) {
        let mut bytes = 0;
        let small = |batch: &&Arc<HotBatch>| {
            bytes += batch.bytes;
            batch.rows.num_rows() < FULL_ROWS && batch.last_seq > self.fence && bytes <= FULL_BYTES
        };
        let from = self.sealed.len() - self.sealed.iter().rev().take_while(small).count();
        let tail = &self.sealed[from..];
        if tail.len() < SMALL_MAX {
            return;
        }
        let Ok(rows) = concat_batches(&row_schema(), tail.iter().map(|batch| &batch.rows)) else { return };
        let merged = HotBatch {
            rows,
            last_seq: self.last_seq,
            time_min: tail.iter().map(|batch| batch.time_min).min().unwrap_or(0),
            time_max: tail.iter().map(|batch| batch.time_max).max().unwrap_or(0),
            bytes: tail.iter().map(|batch| batch.bytes).sum(),
        };
        let replaced = self.sealed.split_off(from);
        self.leave(&replaced);
        self.sealed.push(Arc::new(merged));
    }

    /// Drops the batches whose last row is not after `through`: they are in the table now.
    pub fn forget(&mut self, through: i64) {
        let stored = self.sealed.partition_point(|batch| batch.last_seq <= through);
        let stored: Vec<_> = self.sealed.drain(..stored).collect();
        self.leave(&stored);
        self.sealed_bytes = self.sealed.iter().map(|batch| batch.bytes).sum();
        self.oldest = (!self.is_empty()).then(Instant::now);
    }

    fn leave(&mut self, batches: &[Arc<HotBatch>]) {
        self.left.retain(|batch| batch.strong_count() > 0);
        self.left.extend(batches.iter().map(Arc::downgrade));
    }

    /// Bytes of batches that are no longer here, and that snapshots hold all the same.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        self.left.iter().filter_map(Weak::upgrade).map(|batch| batch.bytes).sum()
    }

    /// Number of events.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.open.len() + self.sealed.iter().map(|batch| batch.rows.num_rows()).sum::<usize>()
    }

    /// Whether there are no events.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.open.is_empty() && self.sealed.is_empty()
    }

    /// Bytes of all values.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.sealed_bytes + self.open_bytes
    }

    /// When the oldest event that is still here arrived.
    #[must_use]
    pub fn oldest(&self) -> Option<Instant> {
        self.oldest
    }
}

#[cfg(test)]
mod tests;
