//! How an import is getting on: a bar on a terminal, a line every ten seconds elsewhere.

use std::time::{Duration, Instant};

use indicatif::ProgressBar;

use crate::cli::output;

const LINE_EVERY: Duration = Duration::from_secs(10);
const BAR: &str = "{prefix} {wide_bar} {bytes}/{total_bytes} {msg} ETA {eta}";

/// Progress of one file.
pub(super) struct Progress {
    shown: Shown,
    name: String,
    len: u64,
    started: Instant,
    /// Events that earlier runs got judged.
    before: u64,
}

enum Shown {
    Nothing,
    Bar(ProgressBar),
    Lines { last: Instant },
}

impl Progress {
    pub(super) fn start(name: &str, len: u64, before: u64, quiet: bool) -> Self {
        let started = Instant::now();
        let shown = if quiet {
            Shown::Nothing
        } else if output::stderr_is_terminal() {
            Shown::Bar(output::bar(BAR, len, quiet).with_prefix(name.to_owned()))
        } else {
            Shown::Lines { last: started }
        };
        Self { shown, name: name.to_owned(), len, started, before }
    }

    /// `position` bytes of the file are acknowledged, `events` over all runs.
    pub(super) fn at(&mut self, position: u64, events: u64) {
        let rate = events.saturating_sub(self.before) as f64 / self.started.elapsed().as_secs_f64().max(1e-3);
        match &mut self.shown {
            Shown::Nothing => {}
            Shown::Bar(bar) => {
                bar.set_position(position.min(self.len));
                bar.set_message(format!("{rate:.0} events/s"));
            }
            Shown::Lines { last } if last.elapsed() < LINE_EVERY => {}
            Shown::Lines { last } => {
                *last = Instant::now();
                let percent = position.saturating_mul(100) / self.len.max(1);
                let left =
                    self.started.elapsed().mul_f64(self.len.saturating_sub(position) as f64 / position.max(1) as f64);
                let (name, left) = (&self.name, left.as_secs());
                output::note(&format!("{name}: {percent} %, {events} events, {rate:.0} events/s, {left} s left"));
            }
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        if let Shown::Bar(bar) = &self.shown {
            bar.finish_and_clear();
        }
    }
}
