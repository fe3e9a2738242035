//! Whether a directory can do what the engine counts on: tried out, not believed.
//!
//! The log and the tables stand on five things: a file can be written and synced, linked under a second
//! name (which fails where the name is taken), renamed, and its directory synced. Some network and overlay
//! file systems cannot do one of them. The start refuses such a directory before anything is in it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::EngineError;

/// Beginning of the names of probe files.
const PREFIX: &str = ".kronika-probe-";

/// What can be tried.
type Step = (&'static str, fn(&Path) -> io::Result<()>);

/// In this order: each needs what those before it left.
const STEPS: [Step; 5] = [
    ("write and sync a file", |at| {
        let mut file = File::create_new(at)?;
        file.write_all(&[0x5A; 4096])?;
        file.sync_all()
    }),
    ("make a hard link", |at| {
        fs::hard_link(at, beside(at, "link"))?;
        match fs::hard_link(at, beside(at, "link")) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(error),
            Ok(()) => Err(io::Error::other("a link took the place of another file")),
        }
    }),
    ("rename a file", |at| fs::rename(beside(at, "link"), beside(at, "renamed"))),
    ("sync a directory", |at| File::open(at.parent().unwrap_or(Path::new(".")))?.sync_all()),
    ("read back what was written", |at| match fs::read(beside(at, "renamed"))? {
        bytes if bytes == [0x5A; 4096] => Ok(()),
        _ => Err(io::Error::other("other bytes came back")),
    }),
];

fn beside(at: &Path, end: &str) -> PathBuf {
    at.with_extension(end)
}

/// How one step went, and how long it took.
pub(super) struct Tried {
    pub(super) what: &'static str,
    pub(super) outcome: io::Result<Duration>,
}

/// Tries everything; after a failure nothing that builds on it.
pub(super) fn try_all(root: &Path) -> Vec<Tried> {
    let at = root.join(format!("{PREFIX}{}", std::process::id()));
    clear(&at);
    let mut tried = Vec::new();
    for (what, step) in STEPS {
        let began = Instant::now();
        let outcome = step(&at).map(|()| began.elapsed());
        let failed = outcome.is_err();
        tried.push(Tried { what, outcome });
        if failed {
            break;
        }
    }
    clear(&at);
    tried
}

/// Refuses a directory that cannot do it.
pub(super) fn require(root: &Path) -> Result<(), EngineError> {
    for Tried { what, outcome } in try_all(root) {
        outcome.map_err(|source| EngineError::Unfit { path: root.to_path_buf(), what, source })?;
    }
    Ok(())
}

/// Removes what a probe left, also one that was killed.
fn clear(at: &Path) {
    for path in [at.to_path_buf(), beside(at, "link"), beside(at, "renamed")] {
        // Mostly it is not there; where it cannot be removed the next step fails and says why.
        let _ = fs::remove_file(path);
    }
}

/// Room of a file system.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Space {
    /// Bytes that we may still write.
    pub(super) free_bytes: u64,
    /// Files that we may still make.
    pub(super) free_inodes: u64,
    /// All inodes; 0 where the file system does not count them.
    pub(super) inodes: u64,
}

/// Room of the file system of `path`.
pub(super) fn space(path: &Path) -> io::Result<Space> {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: all zeros are a statvfs; the call fills it.
    let mut found: libc::statvfs = unsafe { std::mem::zeroed() };
    // SAFETY: the name is a C string and `found` one statvfs, both outlive the call.
    let status = unsafe { libc::statvfs(name.as_ptr(), &raw mut found) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Space { free_bytes: found.f_bavail * found.f_frsize, free_inodes: found.f_favail, inodes: found.f_files })
}

#[cfg(test)]
mod tests;
