//! Who may do what: API keys, scopes and the caller that every route asks for.
//!
//! `http` turns a header into a [`Caller`] through [`KeyStore::authenticate`]; nothing behind it
//! sees a secret. Restrictions of a key and its limits have their place in [`Caller`].
//!
//! # Invariants
//! * A secret is never stored, only its SHA-256; it is shown once, when the key is made.
//! * A revoked key is refused from the next request on.

mod key;
mod store;

use serde::{Deserialize, Serialize};

use crate::event::names::ProjectName;

pub use key::{KeyId, Secret};
pub use store::{AccessError, KeyInfo, KeyStore, NewKey, write_private};

/// What a key allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Send events.
    Ingest,
    /// Ask questions: SQL, named queries, the journal.
    Query,
    /// Take data out in bulk.
    Export,
    /// Everything, in every project; includes the other scopes but `audit-read`.
    Admin,
    /// Read the project `_audit`.
    AuditRead,
}

impl Scope {
    /// The scope's name in keys, errors and the OpenAPI document.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Query => "query",
            Self::Export => "export",
            Self::Admin => "admin",
            Self::AuditRead => "audit-read",
        }
    }
}

/// An authenticated key.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Public id of the key: what logs and the audit journal show.
    pub key: KeyId,
    /// The key's project; `None` for admin keys, which choose one per request.
    pub project: Option<ProjectName>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Mapping of events sent without `?mapping=`.
    pub mapping: Option<String>,
    /// `source` of events that name none.
    pub source: Option<String>,
}

impl Caller {
    /// Whether the key has `scope`.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || (scope != Scope::AuditRead && self.scopes.contains(&Scope::Admin))
    }
}
