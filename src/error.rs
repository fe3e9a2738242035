//! Kinds of failure, by who must act. Every border (HTTP, command line) maps a [`Kind`] to its own
//! status once; domain errors know no transport.

use std::error::Error;
use std::fmt::Display;

/// Who must act, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is wrong; the caller must change it.
    Invalid,
    /// No key, or one that is not known.
    Unauthenticated,
    /// The key may not do this.
    Forbidden,
    /// What the request names does not exist.
    NotFound,
    /// The request contradicts what is stored.
    Conflict,
    /// Larger than a limit; the caller must split it.
    TooLarge,
    /// The body's type or encoding is not understood.
    UnsupportedMedia,
    /// None of the formats the caller accepts can be made.
    NotAcceptable,
    /// Over a budget for now; the caller should come again later.
    Overloaded,
    /// The engine cannot do it now; an operator may have to act.
    Unavailable,
    /// It may or may not have happened; repeat it with the same idempotency key.
    OutcomeUnknown,
    /// It took longer than its deadline.
    DeadlineExceeded,
    /// The caller went away or asked to stop.
    Canceled,
    /// A fault of ours.
    Internal,
}

/// An error, its cause, the cause of that, and so on.
pub fn chain<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// An error's message and those of its causes, in one line.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let causes = error.source().into_iter().flat_map(chain);
    causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"))
}

/// An error that a border can show: what kind, a stable code for programs, and what to do.
pub trait Report: Display {
    /// Who must act.
    fn kind(&self) -> Kind;
    /// Stable `snake_case` code; part of the public contract.
    fn code(&self) -> &'static str;
    /// The option, route or command that helps, where there is one.
    fn hint(&self) -> Option<String> {
        None
    }
}
