//! The memory of one query: its own limit, and its share of what all queries may have.
//!
//! Operators that can spill ask with `try_grow` and spill when refused. Some only tell what they took
//! (`grow` cannot fail); a query that passes its limit that way is stopped.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation};

use super::task::{Reason, Stop};

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
        self.own.try_grow(reservation, additional)?;
        if self.shared.try_take(additional) {
            return Ok(());
        }
        self.own.shrink(reservation, additional);
        let text = format!("all queries together may reserve {} bytes", self.shared.limit);
        Err(DataFusionError::ResourcesExhausted(text))
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
