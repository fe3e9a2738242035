//! The memory of one query: its own limit, and its share of what all queries may have.
//!
//! Operators that can spill ask with `try_grow` and spill when refused. Some only tell what they took
//! (`grow` cannot fail); a query that passes its limit that way is stopped.
//!
//! A nested loop join that is refused would run its left side a second time to spill it. Not every operator can be
//! run twice, and outer joins would give rows doubled: it gets [`out_of_memory`], which it does not take for a refusal.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

use super::task::{Reason, Stop};
use crate::config::ByteCount;
use crate::query::error::QueryError;

/// How the consumers of nested loop joins are called.
const NESTED_LOOP_JOIN: &str = "NestedLoopJoin";

/// The end of a query that needs more than `limit` bytes, which no operator tries to get around.
pub(super) fn out_of_memory(limit: usize) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::MemoryExceeded(ByteCount(limit as u64))))
}

/// What all queries have reserved together.
#[derive(Debug)]
pub(super) struct Shared {
    limit: usize,
    reserved: AtomicUsize,
}

impl Shared {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, reserved: AtomicUsize::new(0) })
    }

    pub(super) fn reserved(&self) -> usize {
        self.reserved.load(Ordering::Relaxed)
    }

    /// Takes `bytes`, or says no.
    fn try_take(&self, bytes: usize) -> bool {
        let take = |reserved: usize| reserved.checked_add(bytes).filter(|sum| *sum <= self.limit);
        self.reserved.fetch_update(Ordering::AcqRel, Ordering::Acquire, take).is_ok()
    }
}

/// The memory of one query.
#[derive(Debug)]
pub(super) struct QueryPool {
    own: FairSpillPool,
    limit: usize,
    shared: Arc<Shared>,
    stop: Arc<Stop>,
}

impl QueryPool {
    pub(super) fn new(limit: usize, shared: Arc<Shared>, stop: Arc<Stop>) -> Self {
        let limit = limit.min(shared.limit);
        Self { own: FairSpillPool::new(limit), limit, shared, stop }
    }
}

impl fmt::Display for QueryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query({} of {})", self.own.reserved(), self.limit)
    }
}

impl MemoryPool for QueryPool {
    fn name(&self) -> &'static str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.own.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.own.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.own.grow(reservation, additional);
        self.shared.reserved.fetch_add(additional, Ordering::AcqRel);
        if self.own.reserved() > self.limit {
            self.stop.ask(Reason::Memory);
        }
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.own.shrink(reservation, shrink);
        self.shared.reserved.fetch_sub(shrink, Ordering::AcqRel);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<(), DataFusionError> {
        let refused = match self.own.try_grow(reservation, additional) {
            Ok(()) if self.shared.try_take(additional) => return Ok(()),
            Ok(()) => {
                self.own.shrink(reservation, additional);
                let text = format!("all queries together may reserve {} bytes", self.shared.limit);
                DataFusionError::ResourcesExhausted(text)
            }
            Err(error) => error,
        };
        Err(match reservation.consumer().name() {
            name if name.starts_with(NESTED_LOOP_JOIN) => out_of_memory(self.limit),
            _ => refused,
        })
    }

    fn reserved(&self) -> usize {
        self.own.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}

#[cfg(test)]
mod tests;
