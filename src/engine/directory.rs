//! The data directory: its layout, its lock, its identity.
//!
//! ```text
//! LOCK                 held by the one process that uses the directory; holds its pid
//! kronika.json         format version and writer id, made with the directory
//! keys.json            API keys (0600)
//! deleted.json         projects that were deleted
//! redaction.json       what is redacted in single projects
//! wal/                 write-ahead log
//! interpretations/     how the frames of the log are to be read
//! dedup/PROJECT        fingerprints of sent event ids
//! receipts             answers by idempotency key
//! dead_letters/PROJECT rejected lines
//! store/               tables, unless `storage.url` names another place
//! mappings/ queries/   the user's own
//! spill/               of running queries; emptied at start
//! ```

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::EngineError;

/// Version of the layout above.
const FORMAT: u32 = 1;

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
        for part in ["wal", "interpretations", "dedup", "dead_letters", "mappings", "queries", "spill"] {
            fs::create_dir_all(root.join(part)).map_err(failed)?;
        }
        let writer = identity(root)?;
        sync_dir(root).map_err(failed)?;
        Ok(Self { root: root.to_path_buf(), writer, _lock: lock })
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

fn identity(root: &Path) -> Result<Uuid, EngineError> {
    let path = root.join("kronika.json");
    let failed = |source| EngineError::Directory { path: path.clone(), source };
    match fs::read(&path) {
        Ok(bytes) => {
            let identity: Identity = serde_json::from_slice(&bytes).map_err(|error| failed(error.into()))?;
            if identity.format > FORMAT {
                return Err(EngineError::NewerFormat { path, found: identity.format, known: FORMAT });
            }
            Ok(identity.writer)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let identity = Identity { format: FORMAT, writer: Uuid::new_v4() };
            let text = serde_json::to_vec_pretty(&identity).map_err(|error| failed(error.into()))?;
            replace(&path, &text).map_err(failed)?;
            Ok(identity.writer)
        }
        Err(error) => Err(failed(error)),
    }
}

/// Replaces a file durably: it is the old one or the new one, never half of it.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    crate::access::write_private(path, bytes)
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
