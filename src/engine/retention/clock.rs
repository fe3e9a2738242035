//! Whether the clock can be believed: by a wrong one, everything may seem to be old.
//!
//! | the clock stands | it is compared with |
//! |---|---|
//! | behind | the newest event (`/readyz` does the same), and the last time at which it was found right |
//! | ahead, at the start | the newest event, and the last time at which it was found right |
//! | ahead, since the start | a clock that nobody can set |
//!
//! A server that was down for longer than the limit is asked about once: nothing tells that from a wrong clock.

use std::time::Instant;

use crate::engine::{Inner, now_us};

/// What the time of this run is compared with.
#[derive(Debug)]
pub(super) struct Watch {
    /// The last known time before the start, µs since 1970; 0 where there is none.
    known_us: i64,
    opened_us: i64,
    opened: Instant,
}

/// How far a clock may be off, µs.
struct Limits {
    ahead_us: i64,
    back_us: i64,
}

impl Watch {
    pub(super) fn new(known_us: i64) -> Self {
        Self { known_us, opened_us: now_us(), opened: Instant::now() }
    }

    /// What is wrong with `now_us`; `trusted_us` is when the clock was last found right.
    fn problem(&self, now_us: i64, trusted_us: i64, limits: &Limits) -> Option<String> {
        let ahead_max_us = limits.ahead_us;
        let behind = trusted_us.saturating_sub(now_us);
        if behind > limits.back_us {
            return Some(format!("it stands {} s behind the last time that was known to be right", behind / 1_000_000));
        }
        let known_us = self.known_us.max(trusted_us);
        let run_us = i64::try_from(self.opened.elapsed().as_micros()).unwrap_or(i64::MAX);
        let day = 86_400 * 1_000_000;
        // A confirmation in this run counts for what came before the start.
        let before_start = self.opened_us.saturating_sub(known_us);
        if known_us > 0 && before_start > ahead_max_us {
            return Some(format!("it stands {} days ahead of the newest known time", before_start / day));
        }
        let jumped = now_us.saturating_sub(self.opened_us.saturating_add(run_us));
        (jumped > ahead_max_us && now_us.saturating_sub(trusted_us) > ahead_max_us)
            .then(|| format!("it was set {} days ahead while the server ran", jumped / day))
    }
}

impl Inner {
    /// Why the clock looks wrong; `None` where it does not.
    pub(super) fn clock_problem(&self) -> Option<String> {
        let config = &self.shared.config;
        let us = |span: crate::config::Span| i64::try_from(span.0.as_micros()).unwrap_or(i64::MAX);
        let limits =
            Limits { ahead_us: us(config.retention.clock_ahead_max), back_us: us(config.server.clock_back_max) };
        let behind = self.clock().problem;
        let trusted = self.retention.kept.lock().trusted_us;
        behind.or_else(|| self.retention.watch.problem(now_us(), trusted, &limits))
    }
}

#[cfg(test)]
mod tests;
