//! The data directory: its layout, its lock, its identity.
//!
//! ```text
//! LOCK                 held by the one process that uses the directory; holds its pid
//! kronika.json         format version and writer id, made with the directory
//! keys.json            API keys (0600)
//! sessions.json        sessions of the page (0600)
//! deleted.json         projects that were deleted
//! quotas.json          quotas of projects
//! audit.json           what the audit journal keeps from run to run (0600)
//! retention.json       policies of projects
//! holds.json           legal holds
//! erasures.json        erasures (0600)
//! redaction.json       what is redacted in single projects
//! filters/PROJECT.json saved filters
//! views/PROJECT.json   saved screens of the page
//! alerts/PROJECT.json  alerts, and where each stands (0600)
//! wal/                 write-ahead log
//! interpretations/     how the frames of the log are to be read
//! dedup/PROJECT        fingerprints of sent event ids
//! receipts             answers by idempotency key
//! dead_letters/PROJECT rejected lines
//! ledger/PROJECT       what became of everything that was sent
//! store/               tables, unless `storage.url` names another place
//! mappings/ queries/   the user's own
//! spill/               of running queries; emptied at start
//! uploads/             attachments that are still coming in; emptied at start
//! cache/               parts of an object store's files, unless `storage.cache_dir` names another place
//! jobs.ndjson          the engine's own jobs that ended
//! exports/PROJECT/ID   exports: what was asked for, how far it is, the file
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::EngineError;
use crate::sealed;

/// Version of the layout above. A newer program upgrades an older one in place, and says so in `kronika.json`
/// once nothing of the old layout is needed any more; an older program refuses a newer one.
pub const FORMAT: u32 = 1;

#[derive(Debug, Deserialize)]
struct Format {
    format: u32,
}

#[derive(Debug, Serialize, Deserialize)]
struct Identity {
    format: u32,
    writer: Uuid,
}

/// A locked data directory.
#[derive(Debug)]
pub(super) struct Directory {
    root: PathBuf,
    writer: Uuid,
    /// Closing it gives the lock back.
    _lock: File,
}

impl Directory {
    /// Makes the directory where it is missing, locks it and reads its identity.
    pub(super) fn open(root: &Path) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Directory { path: root.to_path_buf(), source };
        fs::create_dir_all(root).map_err(failed)?;
        let lock = lock(root)?;
        // Before anything is in it, and before anything of a newer program is touched.
        let known = stored(root)?;
        super::probe::require(root)?;
        for part in [
            "wal",
            "interpretations",
            "dedup",
            "dead_letters",
            "ledger",
            "mappings",
            "queries",
            "filters",
            "views",
            "alerts",
            "spill",
            "uploads",
            "exports",
        ] {
            fs::create_dir_all(root.join(part)).map_err(failed)?;
        }
        let writer = match known {
            Some(identity) => identity.writer,
            None => mint(root)?,
        };
        sync_dir(root).map_err(failed)?;
        Ok(Self { root: root.to_path_buf(), writer, _lock: lock })
    }

    /// What kind of data directory it is, without a lock and without a change.
    pub(super) fn look(root: &Path) -> Result<String, EngineError> {
        Ok(match stored(root)? {
            Some(identity) => format!("format {}", identity.format),
            None => "no server has used it yet".to_owned(),
        })
    }

    /// The id of the directory at `root`, without a lock and without a change; `None` where no server has used it.
    pub(super) fn identity(root: &Path) -> Result<Option<Uuid>, EngineError> {
        Ok(stored(root)?.map(|identity| identity.writer))
    }

    /// Place of a part.
    pub(super) fn part(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// The directory itself.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Random id minted with the directory.
    pub(super) fn writer(&self) -> Uuid {
        self.writer
    }
}

/// A data directory that no server can use until this is dropped.
#[derive(Debug)]
pub struct Held {
    _lock: Option<File>,
}

/// Keeps servers away from a data directory; one that is not there needs nobody to be kept away.
///
/// # Errors
/// [`EngineError::Locked`]: a server has it.
pub fn hold(root: &Path) -> Result<Held, EngineError> {
    let lock = if root.is_dir() { Some(lock(root)?) } else { None };
    Ok(Held { _lock: lock })
}

fn lock(root: &Path) -> Result<File, EngineError> {
    let path = root.join("LOCK");
    let failed = |source| EngineError::Directory { path: path.clone(), source };
    let mut file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(fs::TryLockError::WouldBlock) => {
            let mut pid = String::new();
            file.read_to_string(&mut pid).map_err(failed)?;
            return Err(EngineError::Locked { path: root.to_path_buf(), pid: pid.trim().to_string() });
        }
        Err(fs::TryLockError::Error(source)) => return Err(failed(source)),
    }
    file.set_len(0).map_err(failed)?;
    writeln!(file, "{}", std::process::id()).map_err(failed)?;
    Ok(file)
}

/// The identity that a directory has.
fn stored(root: &Path) -> Result<Option<Identity>, EngineError> {
    let path = root.join("kronika.json");
    let failed = |source| EngineError::Directory { path: path.clone(), source };
    let bytes = match read_sealed(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    // A newer format may have other members: its number is looked at alone.
    let found: Format = serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))?;
    if found.format > FORMAT {
        return Err(EngineError::NewerFormat { path, found: found.format, known: FORMAT });
    }
    serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(error.into()))
}

/// Gives a new directory an identity.
fn mint(root: &Path) -> Result<Uuid, EngineError> {
    let identity = Identity { format: FORMAT, writer: Uuid::new_v4() };
    write_json(&root.join("kronika.json"), &identity)?;
    Ok(identity.writer)
}

/// Reads a JSON file of the directory's state; `None` where there is no such file.
pub(super) fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, EngineError> {
    let failed = |source| EngineError::Directory { path: path.to_path_buf(), source };
    match read_sealed(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| failed(error.into())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Replaces a JSON file of the directory's state durably.
pub(super) fn write_json(path: &Path, state: &impl Serialize) -> Result<(), EngineError> {
    let failed = |source| EngineError::Directory { path: path.to_path_buf(), source };
    let text = serde_json::to_vec_pretty(state).map_err(|error| failed(error.into()))?;
    replace(path, &sealed::seal(text)).map_err(failed)
}

/// Reads a file of the directory's state without its seal.
fn read_sealed(path: &Path) -> io::Result<Vec<u8>> {
    sealed::unseal(&fs::read(path)?).map(<[u8]>::to_vec)
}

/// Replaces a file durably: it is the old one or the new one, never half of it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    crate::access::write_private(path, bytes)
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
