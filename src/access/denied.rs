//! Why a key opened nothing: for the audit journal, never for the sender.

use std::sync::Arc;

use thiserror::Error;

use super::{AccessError, KeyId};

/// A key that was refused. All look the same to the sender.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("a valid API key is required")]
pub struct Denied {
    /// The public id that was sent, where it had the form of one.
    pub key: Option<KeyId>,
    /// Name of the key of that id; `None` where there is none.
    pub name: Option<Arc<str>>,
    /// What is wrong with it.
    pub reason: Reason,
}

/// What is wrong with a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// None was sent.
    Missing,
    /// It has not the form of a key, or is mistyped.
    Malformed,
    /// No key has that id.
    Unknown,
    /// A key has that id, with another secret; or the time of an older secret is over.
    WrongSecret,
    /// Its time is over.
    Expired,
    /// It was revoked.
    Revoked,
    /// It is not for requests from there.
    WrongSource,
    /// No session has that token: it was never one, or is over.
    SessionUnknown,
    /// No link has that token: it was never one, or was used, or is too old.
    LinkUnknown,
}

impl Denied {
    /// A refusal of what names no key.
    #[must_use]
    pub fn new(reason: Reason) -> Self {
        Self { key: None, name: None, reason }
    }
}

impl Reason {
    /// The reason as the audit journal has it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Missing => "key_missing",
            Self::Malformed => "key_malformed",
            Self::Unknown => "key_unknown",
            Self::WrongSecret => "secret_wrong",
            Self::Expired => "key_expired",
            Self::Revoked => "key_revoked",
            Self::WrongSource => "source_wrong",
            Self::SessionUnknown => "session_unknown",
            Self::LinkUnknown => "link_unknown",
        }
    }
}

impl From<Denied> for AccessError {
    fn from(_: Denied) -> Self {
        Self::Unauthenticated
    }
}
