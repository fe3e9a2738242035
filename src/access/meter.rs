//! Keeps a key, or a project, within its quota.
//!
//! Rates are buckets that fill steadily up to what one second allows (a day, for bytes scanned). Whoever
//! finds at least one unit in it may go on; what a request took is told afterwards, when it is known, and may leave the
//! bucket below empty: large batches are let through whole, and the next ones wait until they are made up for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::AccessError;
use crate::config::Quota;

/// Seconds over which bytes scanned are counted.
const DAY_S: u64 = 86_400;

/// What is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rate {
    /// Requests.
    Requests,
    /// Events sent.
    Events,
    /// Bytes of events sent.
    Bytes,
    /// Bytes of files that queries read.
    Scanned,
}

impl Rate {
    /// Name of the quota's part.
    fn setting(self) -> &'static str {
        match self {
            Self::Requests => "requests_per_second",
            Self::Events => "events_per_second",
            Self::Bytes => "bytes_per_second",
            Self::Scanned => "bytes_scanned_per_day",
        }
    }

    /// Length of time that the quota is about.
    fn period_s(self) -> u64 {
        if self == Self::Scanned { DAY_S } else { 1 }
    }
}

/// Whose quota it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// A key's.
    Key,
    /// A project's.
    Project,
}

impl Whose {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Project => "project",
        }
    }
}

/// Counts what one key or one project asks for.
#[derive(Debug)]
pub struct Meter {
    whose: Whose,
    quota: Quota,
    buckets: [Option<Mutex<Bucket>>; 4],
    queries: Option<Arc<Semaphore>>,
}

impl Meter {
    /// A meter that has counted nothing yet.
    #[must_use]
    pub fn new(whose: Whose, quota: Quota) -> Self {
        let bucket = |rate: Rate, limit: Option<u64>| {
            let limit = limit.filter(|limit| *limit > 0)?;
            Some(Mutex::new(Bucket::new(limit, rate.period_s(), Instant::now())))
        };
        let queries = quota.queries_at_once.filter(|count| *count > 0);
        let places = |count| usize::try_from(count).unwrap_or(usize::MAX).min(Semaphore::MAX_PERMITS);
        Self {
            whose,
            buckets: [
                bucket(Rate::Requests, quota.requests_per_second),
                bucket(Rate::Events, quota.events_per_second),
                bucket(Rate::Bytes, quota.bytes_per_second.map(|bytes| bytes.0)),
                bucket(Rate::Scanned, quota.bytes_scanned_per_day.map(|bytes| bytes.0)),
            ],
            queries: queries.map(|count| Arc::new(Semaphore::new(places(count)))),
            quota,
        }
    }

    /// What it keeps to.
    #[must_use]
    pub fn quota(&self) -> &Quota {
        &self.quota
    }

    /// Places of queries, where they are limited.
    #[must_use]
    pub fn queries(&self) -> Option<&Arc<Semaphore>> {
        self.queries.as_ref()
    }

    /// Goes on if there is anything left of `rate`, and takes `amount` of it.
    ///
    /// # Errors
    /// [`AccessError::OverQuota`]; nothing is taken.
    pub fn take(&self, rate: Rate, amount: u64) -> Result<(), AccessError> {
        let Some(bucket) = &self.buckets[rate as usize] else { return Ok(()) };
        let mut bucket = bucket.lock();
        bucket.take(amount, Instant::now()).map_err(|wait| AccessError::OverQuota {
            whose: self.whose,
            what: rate.setting(),
            limit: bucket.limit,
            retry_after_s: wait.as_secs_f64().ceil().max(1.0) as u64,
        })
    }

    /// Counts what was taken and not known before.
    pub fn charge(&self, rate: Rate, amount: u64) {
        if let Some(bucket) = &self.buckets[rate as usize] {
            bucket.lock().charge(amount, Instant::now());
        }
    }
}

/// Fills steadily; may be overdrawn.
#[derive(Debug)]
struct Bucket {
    limit: u64,
    per_s: f64,
    level: f64,
    at: Instant,
}

#[expect(clippy::cast_precision_loss, reason = "a quota need not be exact beyond 2^53")]
impl Bucket {
    fn new(limit: u64, period_s: u64, now: Instant) -> Self {
        Self { limit, per_s: limit as f64 / period_s as f64, level: limit as f64, at: now }
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + passed * self.per_s).min(self.limit as f64);
        self.at = now;
    }

    /// Takes `amount`, or says how long to wait.
    fn take(&mut self, amount: u64, now: Instant) -> Result<(), Duration> {
        self.fill(now);
        if self.level < 1.0 {
            return Err(Duration::from_secs_f64(((1.0 - self.level) / self.per_s).min(DAY_S as f64 * 365.0)));
        }
        self.level -= amount as f64;
        Ok(())
    }

    fn charge(&mut self, amount: u64, now: Instant) {
        self.fill(now);
        self.level -= amount as f64;
    }
}

#[cfg(test)]
mod tests;
