//! How a comparison is getting on: a line every ten seconds.

use std::time::{Duration, Instant};

use crate::cli::output;

const LINE_EVERY: Duration = Duration::from_secs(10);

/// Counts events and says now and then how many there were.
#[derive(Debug, Clone)]
pub(super) struct Ticker {
    quiet: bool,
    /// What is being done.
    step: String,
    events: u64,
    began: Instant,
    last: Instant,
}

impl Ticker {
    pub(super) fn new(quiet: bool) -> Self {
        let now = Instant::now();
        Self { quiet, step: String::new(), events: 0, began: now, last: now }
    }

    /// Begins a step.
    pub(super) fn step(&mut self, step: String) {
        let now = Instant::now();
        *self = Self { quiet: self.quiet, step, events: 0, began: now, last: now };
    }

    /// Events of `side` were read.
    pub(super) fn add(&mut self, events: usize, side: &str) {
        self.events += events as u64;
        if !self.quiet && self.last.elapsed() >= LINE_EVERY {
            self.last = Instant::now();
            let rate = self.events as f64 / self.began.elapsed().as_secs_f64().max(1e-3);
            output::note(&format!("{}, {side}: {} events, {rate:.0} events/s", self.step, self.events));
        }
    }
}
