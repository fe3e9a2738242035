//! One project's listeners: grouped by what they ask for, told of new rows together.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use bytes::{Bytes, BytesMut};
use tokio::sync::Mutex;

use super::queue::{Chunk, Queue};
use super::{Epoch, Position, frame};
use crate::query::{LiveBatch, LiveColumns, LiveFilter, QueryError};

/// What a listener asks for.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Tells filters apart: equal ones, of readers who may see the same, are tested once.
    pub filter_key: Arc<str>,
    /// The filter.
    pub filter: Arc<LiveFilter>,
    /// Tells lists of columns apart.
    pub columns_key: Arc<str>,
    /// What is shown of an event.
    pub columns: Arc<LiveColumns>,
}

/// The listeners of one project.
#[derive(Debug)]
pub struct Hub {
    epoch: Epoch,
    /// Everybody was told of everything up to this `_seq`. Written under the lock, read without.
    through: AtomicI64,
    listening: AtomicUsize,
    /// Held while rows are handed out, so that nobody joins in the middle.
    groups: Mutex<Vec<Group>>,
}

/// Listeners with the same filter and columns.
#[derive(Debug)]
struct Group {
    wanted: Wanted,
    /// A listener that is gone has dropped its queue.
    queues: Vec<Weak<Queue>>,
}

/// What a group is told: its rows, or that its filter failed.
type Found = Result<Vec<u32>, QueryError>;

/// Frames of the rows that anybody wants, for one list of columns.
#[derive(Debug, Default)]
struct Frames {
    bytes: Bytes,
    /// Rows, and where each frame ends.
    rows: Vec<u32>,
    ends: Vec<usize>,
}

impl Hub {
    /// Nobody listens yet; what comes after `through` will be told.
    #[must_use]
    pub fn new(epoch: Epoch, through: i64) -> Self {
        Self { epoch, through: AtomicI64::new(through), listening: AtomicUsize::new(0), groups: Mutex::default() }
    }

    /// Up to which `_seq` everybody was told.
    #[must_use]
    pub fn through(&self) -> i64 {
        self.through.load(Ordering::Acquire)
    }

    /// Whether somebody may be listening.
    #[must_use]
    pub fn is_listened_to(&self) -> bool {
        self.listening.load(Ordering::Relaxed) > 0
    }

    /// A position of this hub's numbers.
    #[must_use]
    pub fn position(&self, seq: i64) -> Position {
        Position { epoch: self.epoch, seq }
    }

    /// Adds a listener; it is told of everything after the `_seq` that this returns. Where nobody listened, that
    /// is `now`, the last one that is visible.
    pub async fn join(&self, wanted: &Wanted, queue: &Arc<Queue>, now: impl FnOnce() -> i64) -> i64 {
        let mut groups = self.groups.lock().await;
        // Those who are gone are not told of anything any more.
        without_gone(&mut groups);
        if groups.is_empty() {
            self.through.store(now(), Ordering::Release);
        }
        let same = |group: &&mut Group| {
            group.wanted.filter_key == wanted.filter_key && group.wanted.columns_key == wanted.columns_key
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.queues.push(Arc::downgrade(queue)),
            None => groups.push(Group { wanted: wanted.clone(), queues: vec![Arc::downgrade(queue)] }),
        }
        self.listening.store(groups.len(), Ordering::Relaxed);
        self.through()
    }

    /// Tells everybody of new rows: `fresh` gives, for the `_seq` up to which all is told, the batches after it
    /// and how far they reach. `None`: rows in between are not in memory any more, and all must read them where
    /// they are now.
    ///
    /// Filters that fail for a value end their listeners' queues there: the query that catches up says why.
    pub async fn tell(&self, now_us: i64, fresh: impl FnOnce(i64) -> (Option<Vec<LiveBatch>>, i64)) {
        let mut groups = self.groups.lock().await;
        without_gone(&mut groups);
        self.listening.store(groups.len(), Ordering::Relaxed);
        if groups.is_empty() {
            return;
        }
        let before = self.through();
        let (batches, through) = fresh(before);
        match batches {
            Some(batches) => {
                let mut before = before;
                for batch in batches.iter().filter(|batch| !batch.is_empty()) {
                    self.hand_out(&mut groups, batch, before, now_us);
                    before = batch.seqs().last().copied().unwrap_or(before);
                }
            }
            None => groups.iter_mut().for_each(|group| group.behind(before)),
        }
        self.through.store(through, Ordering::Release);
    }

    /// Ends all streams: the project is gone.
    pub async fn close(&self) {
        for group in self.groups.lock().await.drain(..) {
            group.queues.iter().filter_map(Weak::upgrade).for_each(|queue| queue.close());
        }
    }

    fn hand_out(&self, groups: &mut [Group], batch: &LiveBatch, before: i64, now_us: i64) {
        let mut tested: HashMap<Arc<str>, Arc<Found>> = HashMap::new();
        let mut wanted: HashMap<Arc<str>, Vec<u32>> = HashMap::new();
        let mut found = Vec::with_capacity(groups.len());
        for Group { wanted: asked, .. } in groups.iter() {
            let rows = Arc::clone(
                tested
                    .entry(Arc::clone(&asked.filter_key))
                    .or_insert_with(|| Arc::new(asked.filter.rows(batch, now_us))),
            );
            if let Ok(rows) = &*rows {
                wanted.entry(Arc::clone(&asked.columns_key)).or_default().extend(rows);
            }
            found.push(rows);
        }
        let mut frames: HashMap<Arc<str>, Result<Frames, QueryError>> = HashMap::new();
        for (group, rows) in groups.iter_mut().zip(found) {
            let rows = match &*rows {
                Ok(rows) if rows.is_empty() => continue,
                Ok(rows) => rows,
                Err(_) => {
                    group.behind(before);
                    continue;
                }
            };
            let key = &group.wanted.columns_key;
            let made = frames.entry(Arc::clone(key)).or_insert_with(|| {
                let rows = wanted.remove(key).unwrap_or_default();
                self.frames(&group.wanted.columns, batch, rows)
            });
            match made {
                Ok(made) => group.put(made.chunk(rows, batch), before),
                Err(_) => group.behind(before),
            }
        }
    }

    fn frames(&self, columns: &LiveColumns, batch: &LiveBatch, mut rows: Vec<u32>) -> Result<Frames, QueryError> {
        rows.sort_unstable();
        rows.dedup();
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(rows.len()));
        columns.write(batch, &rows, |seq, object| {
            frame::row(self.position(seq), object, &mut bytes);
            ends.push(bytes.len());
        })?;
        Ok(Frames { bytes: bytes.into(), rows, ends })
    }
}

/// Lets go of listeners that are gone, and of groups without any.
fn without_gone(groups: &mut Vec<Group>) {
    groups.retain_mut(|group| {
        group.queues.retain(|queue| queue.strong_count() > 0);
        !group.queues.is_empty()
    });
}

impl Frames {
    /// The frames of `rows`, which are among these: the same bytes where they are all of them.
    fn chunk(&self, rows: &[u32], batch: &LiveBatch) -> Chunk {
        let through = rows.last().map_or(0, |row| batch.seqs()[*row as usize]);
        let bytes = if rows.len() == self.rows.len() { self.bytes.clone() } else { self.some(rows) };
        Chunk { bytes, events: rows.len() as u64, through }
    }

    fn some(&self, rows: &[u32]) -> Bytes {
        let mut bytes = BytesMut::new();
        let mut at = 0;
        for row in rows {
            at += self.rows[at..].partition_point(|known| known < row);
            let from = if at == 0 { 0 } else { self.ends[at - 1] };
            bytes.extend_from_slice(&self.bytes[from..self.ends[at]]);
        }
        bytes.freeze()
    }
}

impl Group {
    /// Gives everybody the chunk; whoever has no room for it is let go.
    fn put(&mut self, chunk: Chunk, before: i64) {
        let chunk = Arc::new(chunk);
        self.queues.retain(|queue| queue.upgrade().is_some_and(|queue| queue.put(&chunk, before)));
    }

    /// Lets everybody go at `before`.
    fn behind(&mut self, before: i64) {
        self.queues.drain(..).filter_map(|queue| queue.upgrade()).for_each(|queue| queue.end(before));
    }
}
