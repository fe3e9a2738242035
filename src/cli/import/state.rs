//! How far a file is imported, on disk.
//!
//! `DIR/ID.json`, where ID is a hash of server, project or key, content, mapping and recipe:
//! `{"version":1,"identity":{…},"state":{…},"check":"…"}`, `check` being the XXH3-64 of identity and state as
//! written. A file is replaced by a rename after its content is on disk. What cannot be trusted (torn,
//! changed, of another identity or version) counts as not there: the server recognises what is sent twice.
//! `DIR/ID.lock` is held while an import runs, so that two of the same file do not race.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use super::receipt::Totals;
use crate::cli::CliError;

const VERSION: u32 = 1;

/// What must be the same for a run to go on with another's work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Identity {
    pub(super) server: String,
    /// The project, or what tells keys apart.
    pub(super) whose: String,
    /// Of the file's content.
    pub(super) hash: String,
    pub(super) mapping: Option<String>,
    /// How the content becomes records: format and options.
    pub(super) recipe: String,
}

/// How far the server has acknowledged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// Number of the first record that is not acknowledged.
    pub(super) next: u64,
    /// Whether the file's end was reached.
    pub(super) done: bool,
    /// Of the records before `next`.
    pub(super) totals: Totals,
}

impl Default for State {
    fn default() -> Self {
        Self { next: 1, done: false, totals: Totals::default() }
    }
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u32,
    identity: Identity,
    state: State,
    check: String,
}

/// The state file of one import, locked.
#[derive(Debug)]
pub(super) struct StateFile {
    path: PathBuf,
    identity: Identity,
    _lock: File,
}

/// The directory of state files, made when it is not there.
pub(super) fn directory(given: Option<&Path>) -> Result<PathBuf, CliError> {
    let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || variable("HOME").map(|home| home.join(".local/state"));
    let dir = match given {
        Some(dir) => dir.to_owned(),
        None => variable("XDG_STATE_HOME")
            .filter(|dir| dir.is_absolute())
            .or_else(home)
            .map(|dir| dir.join("kronika/import"))
            .ok_or_else(|| {
                CliError::Usage("neither XDG_STATE_HOME nor HOME is set; name a directory with --state-dir".into())
            })?,
    };
    fs::create_dir_all(&dir).map_err(CliError::file("make the directory", &dir))?;
    Ok(dir)
}

impl StateFile {
    /// Locks the state of this import, and reads how far it is.
    pub(super) fn open(dir: &Path, identity: Identity) -> Result<(Self, Option<State>), CliError> {
        let id = format!("{:032x}", xxh3_128(text(&identity).as_bytes()));
        let lock_path = dir.join(format!("{id}.lock"));
        let lock = File::create(&lock_path).map_err(CliError::file("make", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(CliError::Usage("another import of this file into this project is running".into()));
            }
            Err(TryLockError::Error(error)) => return Err(CliError::file("lock", &lock_path)(error)),
        }
        let file = Self { path: dir.join(format!("{id}.json")), identity, _lock: lock };
        let state = file.read()?;
        Ok((file, state))
    }

    fn read(&self) -> Result<Option<State>, CliError> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(CliError::file("read", &self.path)(error)),
        };
        let trusted = |stored: &Stored| {
            stored.version == VERSION
                && stored.identity == self.identity
                && stored.check == check(&stored.identity, &stored.state)
        };
        let state = serde_json::from_slice(&bytes).ok().filter(trusted).map(|stored| stored.state);
        if state.is_none() {
            tracing::warn!(path = %self.path.display(), "the import's state is not usable; starting at the first record");
        }
        Ok(state)
    }

    /// Replaces the state; it is on disk when this returns.
    pub(super) fn save(&mut self, state: &State) -> Result<(), CliError> {
        let identity = self.identity.clone();
        let check = check(&identity, state);
        let stored = Stored { version: VERSION, identity, state: state.clone(), check };
        let dir = self.path.parent().unwrap_or(Path::new("."));
        let write = || {
            let mut file = tempfile::NamedTempFile::new_in(dir)?;
            file.write_all(text(&stored).as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)?;
            File::open(dir)?.sync_all()
        };
        write().map_err(CliError::file("write", &self.path))
    }
}

fn check(identity: &Identity, state: &State) -> String {
    format!("{:016x}", xxh3_64(text(&(identity, state)).as_bytes()))
}

fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("names, numbers and text are always JSON")
}

#[cfg(test)]
mod tests;
