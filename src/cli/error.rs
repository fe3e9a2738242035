//! What a command can fail with, and the exit code each failure has.
//!
//! This is the last border: errors of the engine, problems a server answered and faults of the
//! command itself become a message, its causes, a hint and an exit code here, and nowhere else.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use thiserror::Error;

use super::client::Problem;
use super::import::InputError;
use crate::config::ConfigError;
use crate::error::{Kind, Report};
use crate::http::TlsError;

/// Why a command did not succeed.
#[derive(Debug, Error)]
pub enum CliError {
    /// The settings cannot be used.
    #[error(transparent)]
    Config(Box<ConfigError>),
    /// The certificate that the settings name, or its key, cannot be used.
    #[error(transparent)]
    Certificate(Box<TlsError>),
    /// Arguments that clap cannot judge contradict each other or the terminal.
    #[error("{0}")]
    Usage(String),
    /// The engine, run inside this process, refused.
    #[error("{error}")]
    Engine {
        /// Who must act.
        kind: Kind,
        /// What helps.
        hint: Option<String>,
        /// The engine's own error, with its causes.
        #[source]
        error: Box<dyn Error + Send + Sync>,
    },
    /// A server answered with an error.
    #[error("{0}")]
    Refused(Box<Problem>),
    /// No answer came.
    #[error("no answer from the server at {server}")]
    Unreachable {
        /// Its address.
        server: String,
        /// What happened on the way.
        #[source]
        source: reqwest::Error,
    },
    /// The answer broke off: what was written so far is incomplete.
    #[error("the answer broke off; what came so far is incomplete")]
    Incomplete(#[source] Box<dyn Error + Send + Sync>),
    /// The answer is not what this release understands.
    #[error("the server's answer is not understood")]
    Answer(#[source] Box<dyn Error + Send + Sync>),
    /// A file cannot be read or written.
    #[error("cannot {action} `{}`", path.display())]
    File {
        /// Completes "cannot …".
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Standard output cannot be written.
    #[error("cannot write to standard output")]
    Stdout(#[source] io::Error),
    /// A file to import cannot be understood.
    #[error("cannot import `{file}`")]
    Input {
        /// The file as named on the command line.
        file: String,
        /// Where and why.
        #[source]
        source: InputError,
    },
    /// An import ended, but some records were not taken.
    #[error("{count} records were rejected")]
    Rejected {
        /// How many.
        count: u64,
    },
    /// `kronika reconcile` found that the two sides do not hold the same.
    #[error("the two sides differ: {0}")]
    Differ(String),
    /// `kronika ledger` found that events are not where they should be.
    #[error("the ledger does not close: {0} events are unaccounted for")]
    Unaccounted(i64),
    /// `kronika doctor` found what keeps a server from running.
    #[error("{count} things failed")]
    Unwell {
        /// How many.
        count: usize,
    },
    /// `kronika verify` found damage.
    #[error("{count} things are damaged or missing")]
    Damaged {
        /// How many.
        count: usize,
    },
    /// What was waited for ended otherwise than it should.
    #[error("{0}")]
    Unfinished(String),
    /// Ctrl-C.
    #[error("stopped by Ctrl-C")]
    Interrupted,
    /// A part of this process died: a fault of ours.
    #[error("a worker thread died")]
    Worker(#[from] tokio::task::JoinError),
}

impl CliError {
    /// Wraps an error of the engine.
    pub fn engine(error: impl Report + Error + Send + Sync + 'static) -> Self {
        Self::Engine { kind: error.kind(), hint: error.hint(), error: Box::new(error) }
    }

    /// Wraps a failed file operation; `action` completes "cannot …".
    pub(crate) fn file(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { action, path, source }
    }

    /// The code the process ends with: 0, 1 failure, 2 usage, 69 unavailable, 78 settings, 130 Ctrl-C.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Config(_) | Self::Certificate(_) => 78,
            Self::Unreachable { .. } => 69,
            Self::Engine { kind, .. } => of_kind(*kind),
            Self::Refused(problem) => of_kind(problem.kind()),
            Self::Interrupted => 130,
            // The reader of a pipe has seen enough, as in `kronika query … | head`.
            Self::Stdout(error) if error.kind() == io::ErrorKind::BrokenPipe => 0,
            Self::Incomplete(_)
            | Self::Answer(_)
            | Self::File { .. }
            | Self::Stdout(_)
            | Self::Input { .. }
            | Self::Rejected { .. }
            | Self::Unwell { .. }
            | Self::Damaged { .. }
            | Self::Differ(_)
            | Self::Unaccounted(_)
            | Self::Unfinished(_)
            | Self::Worker(_) => 1,
        }
    }

    /// The option or command that helps, where there is one.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Engine { hint, .. } => hint.clone(),
            Self::Refused(problem) => problem.advice(),
            Self::Certificate(error) => error.hint(),
            Self::Unreachable { .. } => {
                Some("start one with `kronika serve`, or name another with --server or KRONIKA_SERVER".into())
            }
            Self::Incomplete(_) => Some("run it again".into()),
            Self::Answer(_) => Some("check that --server names a Kronika server of this release".into()),
            Self::Input { source, .. } => source.hint(),
            Self::Damaged { .. } => Some("restore what is named from a backup; see docs/durability.md".into()),
            Self::Config(_)
            | Self::Usage(_)
            | Self::File { .. }
            | Self::Stdout(_)
            | Self::Rejected { .. }
            | Self::Unwell { .. }
            | Self::Differ(_)
            | Self::Unaccounted(_)
            | Self::Unfinished(_)
            | Self::Interrupted
            | Self::Worker(_) => None,
        }
    }

    /// Message, causes and hint as shown to people, one a line.
    #[must_use]
    pub fn text(&self) -> String {
        let mut said = self.to_string();
        let mut text = format!("error: {said}\n");
        let mut cause = self.source();
        while let Some(error) = cause {
            let next = error.to_string();
            // A wrapper that shows its cause's text has said it already.
            if !said.ends_with(&next) {
                text.push_str(&format!("  cause: {next}\n"));
            }
            said = next;
            cause = error.source();
        }
        if let Some(hint) = self.hint() {
            text.push_str(&format!("hint: {hint}\n"));
        }
        text
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> Self {
        Self::Config(Box::new(error))
    }
}

impl From<&CliError> for ExitCode {
    fn from(error: &CliError) -> Self {
        Self::from(error.exit_code())
    }
}

/// 69 where an operator or time must help, 1 elsewhere.
fn of_kind(kind: Kind) -> u8 {
    match kind {
        Kind::Overloaded | Kind::Unavailable => 69,
        Kind::Canceled => 130,
        Kind::Invalid
        | Kind::Unauthenticated
        | Kind::Forbidden
        | Kind::NotFound
        | Kind::Conflict
        | Kind::TooLarge
        | Kind::UnsupportedMedia
        | Kind::NotAcceptable
        | Kind::OutcomeUnknown
        | Kind::DeadlineExceeded
        | Kind::Internal => 1,
    }
}

#[cfg(test)]
mod tests;
