//! The log: events of `tracing` on standard error, text for people, JSON for programs.

use std::io::{self, IsTerminal};

use tracing_subscriber::{EnvFilter, fmt};

use super::CliError;
use crate::config::{ConfigError, Log, LogFormat};

/// What commands other than servers log.
const QUIET: &str = "warn";

/// Starts the log of a command that is no server.
pub(super) fn start_quiet() -> Result<(), CliError> {
    start(&Log { filter: QUIET.to_owned(), ..Log::default() })
}

/// Starts the log; `RUST_LOG` overrules the filter.
///
/// # Errors
/// The filter is none.
pub(super) fn start(settings: &Log) -> Result<(), CliError> {
    let filter = match std::env::var("RUST_LOG") {
        Ok(wanted) if !wanted.is_empty() => EnvFilter::new(wanted),
        _ => parsed(settings)?,
    };
    let log = fmt().with_env_filter(filter).with_writer(io::stderr);
    let terminal = io::stderr().is_terminal();
    let colours = terminal && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let started = match settings.format {
        LogFormat::Auto if !terminal => log.json().flatten_event(true).try_init(),
        LogFormat::Json => log.json().flatten_event(true).try_init(),
        LogFormat::Auto | LogFormat::Text => log.with_ansi(colours).try_init(),
    };
    // A test harness may have one already; its own is as good.
    if let Err(error) = started {
        tracing::debug!(%error, "a log is running already");
    }
    Ok(())
}

/// Refuses a filter that is none.
pub(super) fn check(settings: &Log) -> Result<(), CliError> {
    parsed(settings).map(|_| ())
}

fn parsed(settings: &Log) -> Result<EnvFilter, CliError> {
    let wrong = |error| ConfigError::Contradiction(format!("log.filter `{}` is none: {error}", settings.filter));
    EnvFilter::try_new(&settings.filter).map_err(|error| wrong(error).into())
}
