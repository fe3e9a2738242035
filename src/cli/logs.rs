//! The log: events of `tracing` on standard error, text for people, JSON for programs.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt};

/// Starts the log at `level` for our own code and warnings of others; `RUST_LOG` overrules both.
pub(super) fn start(level: &str) {
    let filter = match std::env::var("RUST_LOG") {
        Ok(wanted) if !wanted.is_empty() => EnvFilter::new(wanted),
        _ => EnvFilter::new(format!("warn,kronika={level}")),
    };
    let log = fmt().with_env_filter(filter).with_writer(io::stderr);
    let terminal = io::stderr().is_terminal();
    let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let started = if terminal { log.with_ansi(colours).try_init() } else { log.json().flatten_event(true).try_init() };
    // A test harness may have one already; its own is as good.
    if let Err(error) = started {
        tracing::debug!(%error, "a log is running already");
    }
}
