//! The stream of one listener: the past by queries, the present from its queue.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::past::{Past, PastError};
use crate::engine::project::Project;
use crate::error::Kind;
use crate::journal::tail::{self, Next, Position, Queue, Slot, Wanted};

/// Where a stream is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing was sent; new events only.
    Begin,
    /// To join the hub, with `at` known.
    Join,
    /// Reads what lies between `at` and `target`.
    Past,
    /// Follows the queue.
    Live,
    /// Said its last word.
    Done,
}

/// The frames of one listener; dropping it ends the listening.
pub struct TailStream {
    past: Past,
    open: Arc<Project>,
    wanted: Wanted,
    queue: Arc<Queue>,
    /// Everything up to this `_seq` was given.
    at: i64,
    /// What comes after this is in the queue.
    target: i64,
    phase: Phase,
    stopping: CancellationToken,
    _slot: Slot,
}

impl TailStream {
    /// A stream that goes on behind `at`, or begins with what comes.
    pub(super) fn new(past: Past, open: Arc<Project>, wanted: Wanted, at: Option<i64>, slot: Slot) -> Self {
        let stopping = past.engine.0.shared.ending.clone();
        Self {
            queue: Queue::new(past.engine.config().tail.buffer_max.as_usize()),
            past,
            open,
            wanted,
            at: at.unwrap_or(0),
            target: 0,
            phase: if at.is_some() { Phase::Join } else { Phase::Begin },
            stopping,
            _slot: slot,
        }
    }

    /// The next frames; `None` after the last.
    pub async fn next(&mut self) -> Option<Bytes> {
        let (ended, stopping) = (self.past.caller.ended.clone(), self.stopping.clone());
        if self.phase == Phase::Done {
            return None;
        }
        tokio::select! {
            biased;
            () = ended.cancelled() => Some(self.end(json!({"reason": "key_ended"}))),
            () = stopping.cancelled() => Some(self.end(json!({"reason": "shutdown"}))),
            frames = self.step() => Some(frames),
        }
    }

    async fn step(&mut self) -> Bytes {
        loop {
            match self.phase {
                Phase::Begin => {
                    self.at = self.join().await;
                    self.phase = Phase::Live;
                    return tail::hello(self.position(self.at));
                }
                Phase::Join => {
                    self.target = self.join().await;
                    self.phase = Phase::Past;
                    if let Some(left_out) = self.skip().await {
                        return left_out;
                    }
                    return tail::hello(self.position(self.at));
                }
                Phase::Past if self.at >= self.target => self.phase = Phase::Live,
                Phase::Past => match self.past.page(&self.open.hub, self.at, self.target).await {
                    Ok(page) => {
                        self.at = page.through;
                        if !page.bytes.is_empty() {
                            return page.bytes;
                        }
                    }
                    Err(error) => return self.failed(&error),
                },
                Phase::Live => {
                    if let Some(frames) = self.follow().await {
                        return frames;
                    }
                }
                Phase::Done => return Bytes::new(),
            }
        }
    }

    /// Waits for frames; `None` when the phase has changed.
    async fn follow(&mut self) -> Option<Bytes> {
        let heartbeat = self.past.engine.config().tail.heartbeat.0;
        match tokio::time::timeout(heartbeat, self.queue.next()).await {
            Ok(Next::Chunk(chunk)) => {
                self.at = self.at.max(chunk.through);
                Some(chunk.bytes.clone())
            }
            Ok(Next::Behind(through)) => {
                self.at = self.at.max(through);
                self.past.engine.0.shared.counters.tail_behind(&self.past.project);
                self.phase = Phase::Join;
                None
            }
            Ok(Next::Closed) => Some(self.end(json!({"reason": "project_deleted"}))),
            Err(_) => {
                // Read before the look into the queue: what the hub told up to here was put in, and is taken.
                let through = self.open.hub.through();
                if self.queue.is_empty() {
                    self.at = self.at.max(through);
                }
                Some(tail::heartbeat(self.position(self.at)))
            }
        }
    }

    async fn join(&mut self) -> i64 {
        self.queue = Queue::new(self.past.engine.config().tail.buffer_max.as_usize());
        self.open.hub.join(&self.wanted, &self.queue, || self.open.last_seq()).await
    }

    /// Leaves out what lies too far behind, and says so.
    async fn skip(&mut self) -> Option<Bytes> {
        let most = i64::try_from(self.past.engine.config().tail.catch_up_max).unwrap_or(i64::MAX);
        let from = self.target.saturating_sub(most);
        if self.at >= from {
            return None;
        }
        let events = self.past.count(self.at, from).await;
        let said = tail::dropped(self.position(self.at), self.position(from), events);
        self.at = from;
        Some(said)
    }

    fn position(&self, seq: i64) -> Position {
        self.open.hub.position(seq)
    }

    fn end(&mut self, data: Value) -> Bytes {
        self.phase = Phase::Done;
        tail::end(&data)
    }

    fn failed(&mut self, error: &PastError) -> Bytes {
        let report = error.report();
        if report.kind() == Kind::Internal {
            tracing::error!(%error, project = %self.past.project, "a tail cannot read what was missed");
        }
        self.end(json!({"reason": "failed", "code": report.code(), "detail": error.to_string()}))
    }
}
