//! What waits for one listener.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::Notify;

/// Frames of consecutive matching events, shared by all who asked for the same.
#[derive(Debug)]
pub struct Chunk {
    /// The frames.
    pub bytes: Bytes,
    /// How many events they are.
    pub events: u64,
    /// Everything up to this `_seq` is in this chunk or in those before it.
    pub through: i64,
}

/// What comes next for a listener.
#[derive(Debug)]
pub enum Next {
    /// Frames.
    Chunk(Arc<Chunk>),
    /// The listener was too slow: what comes after this `_seq` is not in the queue any more.
    Behind(i64),
    /// The project is gone.
    Closed,
}

/// The queue of one listener, filled by the hub until it is full.
#[derive(Debug)]
pub struct Queue {
    bytes_max: usize,
    waiting: Mutex<Waiting>,
    news: Notify,
}

#[derive(Debug, Default)]
struct Waiting {
    chunks: VecDeque<Arc<Chunk>>,
    bytes: usize,
    /// The hub puts nothing in any more; everything up to this `_seq` was put in.
    behind: Option<i64>,
    closed: bool,
}

impl Queue {
    /// A queue of at most `bytes_max` bytes, or of one chunk.
    #[must_use]
    pub fn new(bytes_max: usize) -> Arc<Self> {
        Arc::new(Self { bytes_max, waiting: Mutex::default(), news: Notify::new() })
    }

    /// Puts a chunk in; where it has no room the queue ends at `before`, the `_seq` that it holds everything up to.
    pub(super) fn put(&self, chunk: &Arc<Chunk>, before: i64) -> bool {
        let mut waiting = self.waiting.lock();
        let fits = waiting.chunks.is_empty() || waiting.bytes + chunk.bytes.len() <= self.bytes_max;
        if fits {
            waiting.bytes += chunk.bytes.len();
            waiting.chunks.push_back(Arc::clone(chunk));
        } else {
            waiting.behind = Some(before);
        }
        drop(waiting);
        self.news.notify_one();
        fits
    }

    /// Ends the queue: it holds everything up to `before`, and nothing more is put in.
    pub(super) fn end(&self, before: i64) {
        self.waiting.lock().behind = Some(before);
        self.news.notify_one();
    }

    /// Nothing more comes: the project is gone.
    pub(super) fn close(&self) {
        self.waiting.lock().closed = true;
        self.news.notify_one();
    }

    /// Waits for what comes next; dropped before it is ready, it loses nothing.
    pub async fn next(&self) -> Next {
        loop {
            let news = self.news.notified();
            if let Some(next) = self.take() {
                return next;
            }
            news.await;
        }
    }

    /// Whether nothing waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.chunks.is_empty() && waiting.behind.is_none()
    }

    fn take(&self) -> Option<Next> {
        let mut waiting = self.waiting.lock();
        if let Some(chunk) = waiting.chunks.pop_front() {
            waiting.bytes -= chunk.bytes.len();
            return Some(Next::Chunk(chunk));
        }
        if waiting.closed {
            return Some(Next::Closed);
        }
        waiting.behind.map(Next::Behind)
    }
}
