//! What the files beside the log have in common: headers, durable creation, errors.
//!
//! The dedup window and the receipts outlive the log in files of their own. Both only append, both are
//! synced before the log forgets what they were made from, and both lose nothing but an unsynced tail.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::error::{Kind, Report};

/// Why a state file cannot be used.
#[derive(Debug, Error)]
pub enum StateError {
    /// The disk refused.
    #[error("cannot use state file `{}`", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The file is not what was written.
    #[error("state file `{}` is damaged at byte {at}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Offset of the first bad byte.
        at: u64,
    },
    /// An earlier write or sync failed, so nobody knows what is on disk.
    #[error("state file `{}` failed earlier and takes nothing more until a restart", path.display())]
    Latched {
        /// The file.
        path: PathBuf,
    },
}

impl Report for StateError {
    fn kind(&self) -> Kind {
        match self {
            Self::Io { .. } | Self::Latched { .. } => Kind::Unavailable,
            Self::Damaged { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Io { .. } => "state_io",
            Self::Damaged { .. } => "state_damaged",
            Self::Latched { .. } => "state_latched",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Io { .. } => None,
            Self::Damaged { path, .. } => Some(format!(
                "restore `{}`, or move it away: events that it remembers may then be taken twice",
                path.display()
            )),
            Self::Latched { .. } => Some("look for the disk's error in the log, then restart".to_string()),
        }
    }
}

/// Adds the path to an error of the system.
pub(super) fn at_path(path: &Path) -> impl Fn(io::Error) -> StateError + '_ {
    |source| StateError::Io { path: path.to_path_buf(), source }
}

/// Length of a file's header: magic (8 bytes), number (u64), zeros, CRC-32C of what stands before it.
pub(super) const HEADER: usize = 32;

/// The header of file `number`.
pub(super) fn header(magic: &[u8; 8], number: u64) -> [u8; HEADER] {
    let mut header = [0; HEADER];
    header[..8].copy_from_slice(magic);
    header[8..16].copy_from_slice(&number.to_le_bytes());
    let crc = crc32c::crc32c(&header[..HEADER - 4]);
    header[HEADER - 4..].copy_from_slice(&crc.to_le_bytes());
    header
}

/// Path of file `number`.
pub(super) fn path_of(dir: &Path, number: u64, extension: &str) -> PathBuf {
    dir.join(format!("{number:016x}.{extension}"))
}

/// Numbers of the files with `extension` in `dir`, lowest first; none where there is no such directory.
pub(super) fn numbers(dir: &Path, extension: &str) -> Result<Vec<u64>, StateError> {
    let mut numbers = Vec::new();
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(numbers),
        entries => entries.map_err(at_path(dir))?,
    };
    for entry in entries {
        let path = entry.map_err(at_path(dir))?.path();
        if path.extension().is_some_and(|found| found == extension)
            && let Some(number) = path.file_stem().and_then(|stem| u64::from_str_radix(stem.to_str()?, 16).ok())
        {
            numbers.push(number);
        }
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// Makes file `number` with its header, durably.
pub(super) fn create(path: &Path, magic: &[u8; 8], number: u64) -> Result<File, StateError> {
    use std::os::unix::fs::FileExt;
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path).map_err(at_path(path))?;
    file.write_all_at(&header(magic, number), 0).map_err(at_path(path))?;
    file.sync_all().map_err(at_path(path))?;
    sync_dir(path)?;
    Ok(file)
}

/// Makes the names in the directory of `path` durable.
pub(super) fn sync_dir(path: &Path) -> Result<(), StateError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(at_path(dir))
}

/// A file as it was found.
#[derive(Debug)]
pub(super) enum Found {
    /// With its header.
    Whole(File, Vec<u8>),
    /// Its creation was cut off.
    Begun,
}

/// Opens file `number` and reads it.
pub(super) fn load(path: &Path, magic: &[u8; 8], number: u64) -> Result<Found, StateError> {
    let bytes = std::fs::read(path).map_err(at_path(path))?;
    if bytes.len() < HEADER || bytes[..HEADER].iter().all(|byte| *byte == 0) {
        return Ok(Found::Begun);
    }
    if bytes[..HEADER] != header(magic, number) {
        return Err(StateError::Damaged { path: path.to_path_buf(), at: 0 });
    }
    let file = OpenOptions::new().read(true).write(true).open(path).map_err(at_path(path))?;
    Ok(Found::Whole(file, bytes))
}
