//! Why a key was refused or could not be kept.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::{KeyId, Scope, Whose};
use crate::error::{Kind, Report};

/// Why a key was refused or could not be kept.
#[derive(Debug, Error)]
pub enum AccessError {
    /// Missing, unknown, revoked, expired, mistyped, or from a wrong network: one answer for all.
    #[error("a valid API key is required")]
    Unauthenticated,
    /// The key lacks a scope.
    #[error("this needs a key with the scope `{}`", needed.as_str())]
    Forbidden {
        /// What is needed.
        needed: Scope,
    },
    /// The key, or its project, asked for more than it may.
    #[error("the {} is over its quota: {what} is {limit}", whose.as_str())]
    OverQuota {
        /// Whose quota it is.
        whose: Whose,
        /// Part of the quota.
        what: &'static str,
        /// The quota, in units of that part.
        limit: u64,
        /// Seconds until it is worth asking again.
        retry_after_s: u64,
    },
    /// No such key.
    #[error("there is no key `{0}`")]
    UnknownKey(KeyId),
    /// A key like this cannot exist.
    #[error("{0}")]
    BadKey(String),
    /// A revoked or expired key gets no second secret.
    #[error("the key `{0}` is revoked or has expired")]
    NotActive(KeyId),
    /// Without this key nobody could make another.
    #[error("`{0}` is the last admin key that is valid")]
    LastAdmin(KeyId),
    /// The file of keys or of sessions can be read by other users.
    #[error("other users can read the key file `{}` (mode {mode:o})", path.display())]
    Exposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file of keys or of sessions cannot be read or written.
    #[error("cannot keep keys or sessions in `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl Report for AccessError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unauthenticated => Kind::Unauthenticated,
            Self::Forbidden { .. } => Kind::Forbidden,
            Self::OverQuota { .. } => Kind::Overloaded,
            Self::UnknownKey(_) => Kind::NotFound,
            Self::BadKey(_) => Kind::Invalid,
            Self::NotActive(_) | Self::LastAdmin(_) => Kind::Conflict,
            Self::Exposed { .. } | Self::Io { .. } => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
            Self::OverQuota { .. } => "quota_exceeded",
            Self::UnknownKey(_) => "key_not_found",
            Self::BadKey(_) => "invalid_key",
            Self::NotActive(_) => "key_not_active",
            Self::LastAdmin(_) => "last_admin_key",
            Self::Exposed { .. } => "key_file_exposed",
            Self::Io { .. } => "key_store_unavailable",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unauthenticated => {
                Some("send `Authorization: Bearer KEY`; an admin makes keys with POST /api/v1/keys".into())
            }
            Self::Forbidden { needed } => Some(format!("make a key with the scope `{}`", needed.as_str())),
            Self::OverQuota { whose, retry_after_s, .. } => Some(format!(
                "nothing was stored; send the same again in {retry_after_s} s, or ask an admin for a larger quota of the {}",
                whose.as_str()
            )),
            Self::UnknownKey(_) => Some("list keys with GET /api/v1/keys".into()),
            Self::NotActive(_) => Some("make a new key with POST /api/v1/keys".into()),
            Self::LastAdmin(_) => Some("make another admin key first, then revoke this one with it".into()),
            Self::Exposed { .. } => {
                Some("chmod 600 it; if others may have read it, its hashes are of little use to them".into())
            }
            Self::Io { .. } => {
                Some("check the space and rights of the data directory; a revocation is in force until the restart, repeat it".into())
            }
            Self::BadKey(_) => None,
        }
    }
}
