//! When a failed call is made again, and after how long.
//!
//! | failure | `Repeat::Always` | `Repeat::Untouched` |
//! |---|---|---|
//! | no connection was made | again | again |
//! | 429 | again | again |
//! | the connection broke after the request was sent | again | no |
//! | 502, 503, 504 | again | no |
//! | any other answer | no | no |
//!
//! Pauses double from `first` to `longest`, each shortened by up to a quarter so that clients that
//! failed together do not come back together. A server's `Retry-After` lengthens a pause, up to `patience`.

use std::fmt;
use std::time::Duration;

use reqwest::Url;
use reqwest::header::{HeaderMap, RETRY_AFTER};

use super::Problem;
use crate::cli::CliError;

/// Whether a call may be made again when the first may have been carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Twice is as good as once: reads, and writes with an idempotency key.
    Always,
    /// Only when the server certainly did nothing.
    Untouched,
}

/// How often and how long to try.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Policy {
    /// Most tries, the first included.
    pub(crate) tries: u32,
    /// Pause after the first failure.
    pub(crate) first: Duration,
    /// Longest pause of our own choosing.
    pub(crate) longest: Duration,
    /// Longest pause that a server may ask for.
    pub(crate) patience: Duration,
}

impl Policy {
    /// For a person who waits: about six seconds.
    pub(crate) const PROMPT: Self = Self {
        tries: 5,
        first: Duration::from_millis(200),
        longest: Duration::from_secs(3),
        patience: Duration::from_secs(30),
    };
    /// For long work: outlives a restart or a full write-ahead log, about five minutes.
    pub(crate) const PATIENT: Self = Self {
        tries: 25,
        first: Duration::from_millis(200),
        longest: Duration::from_secs(15),
        patience: Duration::from_secs(60),
    };

    /// The pause before the next try, or `None` when there is to be none.
    pub(super) fn pause(&self, tried: u32, repeat: Repeat, failure: &Failure) -> Option<Duration> {
        if tried >= self.tries || !failure.worth_repeating(repeat) {
            return None;
        }
        let own = self.first.saturating_mul(1 << (tried - 1).min(16)).min(self.longest);
        let own = own - own.mul_f64(f64::from(random_byte()) / 1024.0);
        match failure.wait() {
            Some(asked) if asked > self.patience => None,
            Some(asked) => Some(asked.max(own)),
            None => Some(own),
        }
    }
}

/// Why a try failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// No connection: the server saw nothing.
    Unsent(reqwest::Error),
    /// The connection broke, or no answer came in time: the server may have done it.
    Lost(reqwest::Error),
    /// The server answered with an error.
    Answered { problem: Box<Problem>, wait: Option<Duration> },
}

impl Failure {
    pub(super) fn lost(error: reqwest::Error) -> Self {
        if error.is_connect() { Self::Unsent(error) } else { Self::Lost(error) }
    }

    fn worth_repeating(&self, repeat: Repeat) -> bool {
        match self {
            // A builder error is ours, not the network's.
            Self::Unsent(error) => !error.is_builder(),
            Self::Lost(error) => !error.is_builder() && repeat == Repeat::Always,
            Self::Answered { problem, .. } => match problem.status {
                429 => true,
                502..=504 => repeat == Repeat::Always,
                _ => false,
            },
        }
    }

    fn wait(&self) -> Option<Duration> {
        match self {
            Self::Answered { wait, .. } => *wait,
            Self::Unsent(_) | Self::Lost(_) => None,
        }
    }

    pub(super) fn into_error(self, server: &Url) -> CliError {
        match self {
            Self::Unsent(source) | Self::Lost(source) => CliError::Unreachable { server: server.to_string(), source },
            Self::Answered { problem, .. } => CliError::Refused(problem),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsent(error) => write!(f, "no connection: {error}"),
            Self::Lost(error) => write!(f, "no answer: {error}"),
            Self::Answered { problem, .. } => problem.fmt(f),
        }
    }
}

/// `Retry-After`: seconds, or a date.
pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let until = chrono::DateTime::parse_from_rfc2822(text).ok()?;
    // A date in the past asks for no pause.
    Some((until.to_utc() - chrono::Utc::now()).to_std().unwrap_or_default())
}

/// Where the system has no randomness, clients come back together, which is only less kind.
fn random_byte() -> u8 {
    let mut byte = [0];
    getrandom::fill(&mut byte).map_or(0, |()| byte[0])
}
