//! Keys on disk: one JSON file, replaced as a whole, readable by its owner only.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use parking_lot::RwLock;
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;
use thiserror::Error;

use super::{Caller, KeyId, Scope, Secret};
use crate::error::{Kind, Report};
use crate::event::names::ProjectName;

/// Why a key was refused or could not be kept.
#[derive(Debug, Error)]
pub enum AccessError {
    /// Missing, unknown, revoked or mistyped: one answer for all.
    #[error("a valid API key is required")]
    Unauthenticated,
    /// The key lacks a scope.
    #[error("this needs a key with the scope `{}`", needed.as_str())]
    Forbidden {
        /// What is needed.
        needed: Scope,
    },
    /// No such key.
    #[error("there is no key `{0}`")]
    UnknownKey(KeyId),
    /// A key of these scopes cannot exist.
    #[error("{0}")]
    BadKey(&'static str),
    /// The key file cannot be read or written.
    #[error("cannot keep the keys in `{}`", path.display())]
    Io {
        /// The key file.
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
            Self::UnknownKey(_) => Kind::NotFound,
            Self::BadKey(_) => Kind::Invalid,
            Self::Io { .. } => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden { .. } => "forbidden",
            Self::UnknownKey(_) => "key_not_found",
            Self::BadKey(_) => "invalid_key",
            Self::Io { .. } => "key_store_unavailable",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unauthenticated => {
                Some("send `Authorization: Bearer KEY`; an admin makes keys with POST /api/v1/keys".into())
            }
            Self::Forbidden { needed } => Some(format!("make a key with the scope `{}`", needed.as_str())),
            Self::UnknownKey(_) => Some("list keys with GET /api/v1/keys".into()),
            Self::BadKey(_) | Self::Io { .. } => None,
        }
    }
}

/// What a new key shall be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// What the key is for, for people.
    pub name: String,
    /// `ingest`, `query`, `export`, `admin`, `audit-read`.
    #[schema(value_type = Vec<String>)]
    pub scopes: Vec<Scope>,
    /// Its project; must be absent for admin keys.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub project: Option<ProjectName>,
    /// Mapping of events sent without `?mapping=`.
    #[serde(default)]
    pub mapping: Option<String>,
    /// `source` of events that name none.
    #[serde(default)]
    pub source: Option<String>,
}

/// A key as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct KeyInfo {
    /// Public id.
    #[schema(value_type = String)]
    pub id: KeyId,
    /// What it may do and where.
    #[serde(flatten)]
    pub key: NewKey,
    /// When it was made, seconds since 1970.
    pub created_at: i64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Stored {
    #[serde(flatten)]
    info: KeyInfo,
    sha256: String,
}

/// All keys of one data directory.
#[derive(Debug)]
pub struct KeyStore {
    path: PathBuf,
    keys: RwLock<BTreeMap<KeyId, Stored>>,
}

impl KeyStore {
    /// Opens the keys in `path`, which need not exist yet.
    ///
    /// # Errors
    /// An unreadable or damaged file.
    pub fn open(path: &Path) -> Result<Self, AccessError> {
        let failed = |source| AccessError::Io { path: path.to_path_buf(), source };
        let keys: Vec<Stored> = match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        let keys = keys.into_iter().map(|key| (key.info.id.clone(), key)).collect();
        Ok(Self { path: path.to_path_buf(), keys: RwLock::new(keys) })
    }

    /// Whether there is no key yet: the first start.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.keys.read().is_empty()
    }

    /// Makes a key; it is durable when this returns.
    ///
    /// # Errors
    /// Scopes that do not go together, or a file that cannot be written.
    pub fn create(&self, new: NewKey, now_s: i64) -> Result<(KeyInfo, Secret), AccessError> {
        let admin = new.scopes.contains(&Scope::Admin);
        if new.scopes.is_empty() {
            return Err(AccessError::BadKey("a key needs at least one scope"));
        }
        if admin && new.project.is_some() {
            return Err(AccessError::BadKey("an admin key belongs to no project"));
        }
        if !admin && new.project.is_none() {
            return Err(AccessError::BadKey("a key without the scope `admin` needs a project"));
        }
        let kind = if admin {
            'a'
        } else if new.scopes == [Scope::Ingest] {
            'i'
        } else {
            'q'
        };
        let random = |error: getrandom::Error| self.failed(io::Error::other(error.to_string()));
        let secret = Secret::generate(kind).map_err(random)?;
        let info = KeyInfo { id: secret.id(), key: new, created_at: now_s };
        let sha256 = hex(&secret.hash());
        let mut keys = self.keys.write();
        let mut next = keys.clone();
        next.insert(info.id.clone(), Stored { info: info.clone(), sha256 });
        self.save(&next)?;
        *keys = next;
        Ok((info, secret))
    }

    /// Revokes a key; the next request with it is refused.
    ///
    /// # Errors
    /// No such key, or a file that cannot be written.
    pub fn revoke(&self, id: &KeyId) -> Result<(), AccessError> {
        let mut keys = self.keys.write();
        let mut next = keys.clone();
        if next.remove(id).is_none() {
            return Err(AccessError::UnknownKey(id.clone()));
        }
        self.save(&next)?;
        *keys = next;
        Ok(())
    }

    /// All keys, without their secrets.
    #[must_use]
    pub fn list(&self) -> Vec<KeyInfo> {
        self.keys.read().values().map(|key| key.info.clone()).collect()
    }

    /// The caller that `text` belongs to.
    ///
    /// # Errors
    /// [`AccessError::Unauthenticated`], whatever is wrong.
    pub fn authenticate(&self, text: &str) -> Result<Caller, AccessError> {
        let secret = Secret::parse(text).ok_or(AccessError::Unauthenticated)?;
        let keys = self.keys.read();
        let known = keys.get(&secret.id());
        // An unknown id is compared as well, so that time does not tell it from a wrong secret.
        let stored = known.map_or("", |key| key.sha256.as_str());
        let same: bool = stored.as_bytes().ct_eq(hex(&secret.hash()).as_bytes()).into();
        match known {
            Some(key) if same => Ok(Caller {
                key: key.info.id.clone(),
                project: key.info.key.project.clone(),
                scopes: key.info.key.scopes.clone(),
                mapping: key.info.key.mapping.clone(),
                source: key.info.key.source.clone(),
            }),
            _ => Err(AccessError::Unauthenticated),
        }
    }

    fn save(&self, keys: &BTreeMap<KeyId, Stored>) -> Result<(), AccessError> {
        let list: Vec<&Stored> = keys.values().collect();
        let text = serde_json::to_vec_pretty(&list).map_err(|error| self.failed(error.into()))?;
        write_private(&self.path, &text).map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> AccessError {
        AccessError::Io { path: self.path.clone(), source }
    }
}

/// Replaces `path` durably by a file that only its owner can read.
///
/// # Errors
/// Whatever the system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    // A temporary file is made with mode 0600.
    let mut file = tempfile::NamedTempFile::new_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    std::fs::File::open(dir)?.sync_all()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests;
