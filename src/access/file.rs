//! Keys and sessions on disk: a JSON file each, a list, replaced as a whole, readable by its owner only.
//!
//! Members that a file of an earlier release lacks have defaults: such keys do not expire.

use std::io;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{AccessError, KeyId, Restrictions, Scope};
use crate::config::Quota;
use crate::event::names::ProjectName;
use crate::{failpoint, sealed};

/// Permission bits that nobody but the owner may have.
const OTHERS: u32 = 0o077;

/// A key as the file holds it; times are seconds since 1970.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) id: KeyId,
    pub(super) name: String,
    pub(super) scopes: Vec<Scope>,
    pub(super) project: Option<ProjectName>,
    pub(super) mapping: Option<String>,
    pub(super) source: Option<String>,
    pub(super) created_at: i64,
    /// SHA-256 of the key, in hex.
    pub(super) sha256: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<i64>,
    #[serde(default)]
    pub(super) restrictions: Restrictions,
    #[serde(default, skip_serializing_if = "Quota::is_empty")]
    pub(super) quota: Quota,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) previous: Option<Previous>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_used_at: Option<i64>,
}

/// The secret before the last rotation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Previous {
    pub(super) sha256: String,
    pub(super) valid_until: i64,
}

/// Reads the keys in `path`; none where there is no such file.
pub(super) fn load<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, AccessError> {
    use std::os::unix::fs::PermissionsExt;
    let failed = |source| AccessError::Io { path: path.to_path_buf(), source };
    let mode = match std::fs::metadata(path) {
        Ok(found) => found.permissions().mode() & 0o777,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    if mode & OTHERS != 0 {
        return Err(AccessError::Exposed { path: path.to_path_buf(), mode });
    }
    let bytes = std::fs::read(path).map_err(failed)?;
    let text = sealed::unseal(&bytes).map_err(failed)?;
    serde_json::from_slice(text).map_err(|error| failed(error.into()))
}

/// Replaces the file durably.
pub(super) fn save(path: &Path, entries: &[impl Serialize]) -> Result<(), AccessError> {
    let failed = |source| AccessError::Io { path: path.to_path_buf(), source };
    let text = serde_json::to_vec_pretty(entries).map_err(|error| failed(error.into()))?;
    write_private(path, &sealed::seal(text)).map_err(failed)
}

/// What cannot be made for want of randomness, for the file at `path`.
pub(super) fn no_randomness(path: &Path, error: &getrandom::Error) -> AccessError {
    AccessError::Io { path: path.to_path_buf(), source: io::Error::other(error.to_string()) }
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
    failpoint::pass("state.write")?;
    file.persist(path).map_err(|error| error.error)?;
    failpoint::pass("state.written")?;
    std::fs::File::open(dir)?.sync_all()
}
