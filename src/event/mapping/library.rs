//! All mappings: the shipped ones, and the user's own as `NAME.toml` in one directory.
//!
//! A user's mapping takes the place of a shipped one of the same name. Files may be edited by hand
//! while the engine runs: the directory is looked at again about once a second. Calls touch the
//! disk, so that an asynchronous caller who minds a slow one moves them to a blocking thread.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, UNIX_EPOCH};

use foldhash::fast::FixedState;
use parking_lot::Mutex;

use super::error::{MappingError, nearest};
use super::file::MappingFile;
use super::name::MappingName;
use super::shipped::SHIPPED;

/// How long the state of the directory is taken for granted.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Who made a mapping.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Part of the engine.
    Shipped,
    /// A file in the user's directory.
    User,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shipped => "shipped",
            Self::User => "user",
        })
    }
}

/// A mapping in a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its name.
    pub name: MappingName,
    /// Its title, if it has one and can be read.
    pub title: String,
    /// Who made it.
    pub origin: Origin,
    /// Why it cannot be used, if so.
    pub problem: Option<String>,
}

/// The mappings of one engine.
#[derive(Debug)]
pub struct MappingLibrary {
    dir: PathBuf,
    /// Held while files are written, so that two calls do not mix.
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    generation: u64,
    looked_at: Instant,
    /// Of the directory's names, sizes and times of change.
    fingerprint: u64,
}

impl MappingLibrary {
    /// The shipped mappings and those in `dir`, which need not exist.
    ///
    /// # Errors
    /// `dir` cannot be read.
    pub fn open(dir: &Path) -> Result<Self, MappingError> {
        let fingerprint = fingerprint(dir)?;
        let state = State { generation: 1, looked_at: Instant::now(), fingerprint };
        Ok(Self { dir: dir.to_path_buf(), state: Mutex::new(state) })
    }

    /// A number that grows whenever a mapping may have changed.
    pub fn generation(&self) -> u64 {
        let mut state = self.state.lock();
        if state.looked_at.elapsed() >= LOOK_AGAIN {
            state.looked_at = Instant::now();
            // A directory that cannot be read now is no change; whoever asks for a mapping is told.
            if let Ok(now) = fingerprint(&self.dir)
                && now != state.fingerprint
            {
                state.fingerprint = now;
                state.generation += 1;
            }
        }
        state.generation
    }

    /// The mapping called `name`.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub fn get(&self, name: &str) -> Result<MappingFile, MappingError> {
        MappingFile::parse(&self.text(name)?)
    }

    /// Its text, as shipped or as the user wrote it.
    ///
    /// # Errors
    /// There is none, or its file cannot be read.
    pub fn text(&self, name: &str) -> Result<String, MappingError> {
        let name = MappingName::try_from(name)?;
        let path = self.path(&name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                shipped(&name).map(str::to_string).ok_or_else(|| self.not_found(&name))
            }
            Err(source) => Err(MappingError::Io { path, source }),
        }
    }

    /// All mappings, in the order of their names. One that cannot be used is listed with the reason.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(&self) -> Result<Vec<Listed>, MappingError> {
        let mut origins: BTreeMap<MappingName, Origin> = BTreeMap::new();
        for (name, _) in SHIPPED {
            origins.insert(MappingName::try_from(*name)?, Origin::Shipped);
        }
        for (name, _) in files(&self.dir)? {
            origins.insert(name, Origin::User);
        }
        let listed = |(name, origin): (MappingName, Origin)| {
            let read = self.get(name.as_str()).and_then(|file| file.compile().map(|_| file.title));
            match read {
                Ok(title) => Listed { name, title, origin, problem: None },
                Err(error) => Listed { name, title: String::new(), origin, problem: Some(error.to_string()) },
            }
        };
        Ok(origins.into_iter().map(listed).collect())
    }

    /// Stores a user's mapping; it is on disk and in force when this returns.
    ///
    /// # Errors
    /// Name or text are wrong, or the file cannot be written; the earlier mapping stays in force.
    pub fn put(&self, name: &str, text: &str) -> Result<(), MappingError> {
        let name = MappingName::try_from(name)?;
        MappingFile::parse(text)?.compile()?;
        let path = self.path(&name);
        let mut state = self.state.lock();
        replace(&self.dir, &path, text.as_bytes()).map_err(|source| MappingError::Io { path, source })?;
        self.changed(&mut state)
    }

    /// Removes a user's mapping; a shipped one of the same name is in force again.
    ///
    /// # Errors
    /// There is no user's mapping of this name, or its file cannot be removed.
    pub fn delete(&self, name: &str) -> Result<(), MappingError> {
        let name = MappingName::try_from(name)?;
        let path = self.path(&name);
        let mut state = self.state.lock();
        match fs::remove_file(&path).and_then(|()| File::open(&self.dir)?.sync_all()) {
            Ok(()) => self.changed(&mut state),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(match shipped(&name) {
                Some(_) => MappingError::Shipped(name.to_string()),
                None => self.not_found(&name),
            }),
            Err(source) => Err(MappingError::Io { path, source }),
        }
    }

    fn changed(&self, state: &mut State) -> Result<(), MappingError> {
        state.generation += 1;
        state.fingerprint = fingerprint(&self.dir)?;
        Ok(())
    }

    fn path(&self, name: &MappingName) -> PathBuf {
        self.dir.join(format!("{name}.toml"))
    }

    fn not_found(&self, name: &MappingName) -> MappingError {
        let own = files(&self.dir).unwrap_or_default();
        let known = SHIPPED.iter().map(|(name, _)| *name).chain(own.keys().map(MappingName::as_str));
        MappingError::NotFound { name: name.to_string(), nearest: nearest(name.as_str(), known) }
    }
}

fn shipped(name: &MappingName) -> Option<&'static str> {
    SHIPPED.iter().find(|(known, _)| *known == name.as_str()).map(|(_, text)| *text)
}

/// The mapping files of `dir` with their sizes and times of change; none where it does not exist.
fn files(dir: &Path) -> Result<BTreeMap<MappingName, (u64, u128)>, MappingError> {
    let failed = |source| MappingError::Io { path: dir.to_path_buf(), source };
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut found = BTreeMap::new();
    for entry in entries {
        let entry = entry.map_err(failed)?;
        let file_name = entry.file_name();
        let name = file_name.to_str().and_then(|name| name.strip_suffix(".toml"));
        let Some(Ok(name)) = name.map(MappingName::try_from) else { continue };
        // A file that goes away meanwhile is not there.
        let Ok(about) = entry.metadata() else { continue };
        let since = about.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        found.insert(name, (about.len(), since.map_or(0, |since| since.as_nanos())));
    }
    Ok(found)
}

fn fingerprint(dir: &Path) -> Result<u64, MappingError> {
    let mut hasher = FixedState::default().build_hasher();
    for (name, (size, changed_ns)) in files(dir)? {
        hasher.write(name.as_str().as_bytes());
        hasher.write_u64(size);
        hasher.write_u128(changed_ns);
    }
    Ok(hasher.finish())
}

/// Puts `bytes` at `path` so that after a crash the old or the new file is there, whole.
fn replace(dir: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    fs::create_dir_all(dir)?;
    let mut file = tempfile::Builder::new().prefix(".mapping-").tempfile_in(dir)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    File::open(dir)?.sync_all()
}
