//! Who may do what: API keys, scopes and the caller that every route asks for.
//!
//! `http` turns a header into a [`Caller`] through [`KeyStore::authenticate`]; nothing behind it
//! sees a secret.
//!
//! ```text
//! NewKey ─▶ KeyStore ─▶ keys.json          (hashes, restrictions, times)
//! secret ─▶ KeyStore ─▶ Caller ─▶ handler  (scope) ─▶ Reader of a session, Restriction of a batch
//! cookie ─▶ Sessions ─────┘└── ended: cancelled at revocation and expiry; running queries watch it
//! ```
//!
//! # Invariants
//! * A secret is never stored, only its SHA-256; it is shown once, when it is made.
//! * A revoked or expired key is refused from the next request on, and its running queries stop.
//! * While the file lists an admin key that is valid, the last one cannot be revoked; where none is
//!   valid at a start, the engine makes one as at the first start.

mod denied;
mod error;
mod file;
mod key;
mod meter;
mod model;
mod sessions;
mod store;

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use crate::event::names::ProjectName;
use crate::query::{Reader, Restriction, RowRules};

pub use denied::{Denied, Reason};
pub use error::AccessError;
pub use file::write_private;
pub use key::{KeyId, Secret};
pub(crate) use key::{hex, unhex};
pub use meter::{Meter, Rate, Whose};
pub use model::{KeyInfo, KeyState, NewKey, Restrictions};
pub use sessions::Token;
pub use store::{KeyStore, SignedIn};

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
    /// Ask products to restore what was deleted.
    Restore,
    /// Everything, in every project; includes the other scopes but `audit-read`.
    Admin,
    /// Read the project `_audit`; no other scope includes it.
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
            Self::Restore => "restore",
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
    /// What the key is for, for people.
    pub name: Arc<str>,
    /// The key's project; `None` for admin keys, which choose one per request.
    pub project: Option<ProjectName>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// Mapping of events sent without `?mapping=`.
    pub mapping: Option<String>,
    /// `source` of events that name none.
    pub source: Option<String>,
    /// What it may see and send; `None`: everything of its project.
    pub restriction: Option<Arc<Restriction>>,
    /// Keeps the key within its quota.
    pub meter: Arc<Meter>,
    /// Cancelled when the secret that was sent is valid no more.
    pub ended: CancellationToken,
}

impl Caller {
    /// Whether the key has `scope`.
    #[must_use]
    pub fn may(&self, scope: Scope) -> bool {
        self.scopes.contains(&scope) || (scope != Scope::AuditRead && self.scopes.contains(&Scope::Admin))
    }

    /// On whose behalf its queries of `project` run. Of `_audit` a key of another project sees what is
    /// about that project only.
    #[must_use]
    pub fn reader(&self, project: &ProjectName) -> Reader {
        let about = self.project.as_ref().filter(|own| project.is_audit() && !own.is_audit());
        let restriction = match about {
            Some(own) => {
                let rows = RowRules { tenant_ids: Some(vec![own.to_string()]), ..RowRules::default() };
                Some(Arc::new(Restriction::new(rows, &[])))
            }
            None => self.restriction.clone(),
        };
        Reader { restriction, ended: self.ended.clone() }
    }

    /// Refuses what a request was about to do when the key has ended since it began.
    ///
    /// # Errors
    /// [`AccessError::Unauthenticated`].
    pub fn still_valid(&self) -> Result<(), AccessError> {
        if self.ended.is_cancelled() { Err(AccessError::Unauthenticated) } else { Ok(()) }
    }
}
