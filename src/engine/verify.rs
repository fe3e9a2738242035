//! `kronika verify`: is all there that should be, and is it what was written?
//!
//! Needs no lock and changes nothing, so that it may look at a directory that a server is using. What the server
//! changes meanwhile is looked at again before it counts as damage.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use xxhash_rust::xxh3::xxh3_64;

use super::directory::Directory;
use super::{EngineError, storage_url};
use crate::config::Config;
use crate::event::names::ProjectName;
use crate::event::{dedup, receipts};
use crate::sealed;
use crate::table::{Storage, TableCheck};
use crate::wal::{self, LogCheck, WalError};

/// How often a log that changes under the look is looked at.
const TRIES: usize = 5;
/// Pause between two looks.
const PAUSE: Duration = Duration::from_millis(200);
/// Parts of a data directory that are looked at in their own way, or hold nothing that must last.
const APART: [&str; 9] =
    ["store", "wal", "dedup", "receipts", "dead_letters", "spill", "uploads", "mappings", "queries"];

/// Something found at a place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// File or directory.
    pub place: String,
    /// What is the matter, as the end of a sentence.
    pub what: String,
}

/// The table of a project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableFigures {
    /// The project.
    pub project: ProjectName,
    /// Version of its table.
    pub version: u64,
    /// Live files.
    pub files: u64,
    /// Their rows.
    pub rows: u64,
    /// Their size.
    pub bytes: u64,
    /// Rows in the log that are not in the table yet.
    pub in_log: u64,
    /// Live files that have no checksums.
    pub unchecked: u64,
    /// Files that were replaced and wait for their deletion.
    pub replaced: u64,
    /// Files that no version of the table knows.
    pub orphans: u64,
    /// Attached files, where they were looked at.
    pub attachments: u64,
}

/// What a look at a data directory and its tables found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// Whether every byte was looked at.
    pub deep: bool,
    /// What is damaged or missing.
    pub damage: Vec<Found>,
    /// What is worth knowing, and no damage.
    pub notes: Vec<Found>,
    /// State files that were looked at.
    pub state_files: u64,
    /// Batches in the log.
    pub log_batches: u64,
    /// Tables, by project.
    pub tables: Vec<TableFigures>,
}

impl Verification {
    fn damage(&mut self, place: impl ToString, what: impl Into<String>) {
        self.damage.push(Found { place: place.to_string(), what: what.into() });
    }

    fn note(&mut self, place: impl ToString, what: impl Into<String>) {
        self.notes.push(Found { place: place.to_string(), what: what.into() });
    }
}

/// Looks at what the settings name.
///
/// # Errors
/// The store or the disk cannot be asked; damage is no error, it is found.
pub async fn verify(config: &Config, deep: bool) -> Result<Verification, EngineError> {
    let root = &config.server.data_dir;
    let mut found = Verification { deep, ..Verification::default() };
    let writer = identity(root, &mut found)?;
    state_files(root, root, &mut found)?;
    ids(root, &mut found)?;
    ledgers(root, &mut found)?;
    // The log before the tables: what is flushed meanwhile is in both.
    let log = log(root, &mut found).await?;
    let storage = Storage::open(&storage_url(config), &config.storage.options)?;
    let writer = writer.map(|id| id.to_string());
    for project in storage.projects().await? {
        let table = storage.check_table(&project, writer.as_deref(), deep).await?;
        judge_table(&project, table, &log, &mut found);
        if deep {
            let (files, damaged) = storage.check_blobs(&project).await?;
            damaged.into_iter().for_each(|file| found.damage(file.path, file.what));
            if let Some(figures) = found.tables.last_mut() {
                figures.attachments = files;
            }
        }
    }
    for project in log.projects.keys().filter(|project| found.tables.iter().all(|table| table.project != **project)) {
        found.notes.push(Found {
            place: root.join("wal").display().to_string(),
            what: format!("has batches of the project `{project}`, which has no table"),
        });
    }
    Ok(found)
}

fn identity(root: &Path, found: &mut Verification) -> Result<Option<uuid::Uuid>, EngineError> {
    match Directory::identity(root) {
        Ok(Some(writer)) => Ok(Some(writer)),
        Ok(None) if root.is_dir() => {
            found.damage(root.join("kronika.json").display(), "is missing: this is no data directory");
            Ok(None)
        }
        Ok(None) => {
            let source = io::Error::from(io::ErrorKind::NotFound);
            Err(EngineError::Directory { path: root.to_path_buf(), source })
        }
        // The walk over all state files tells of a damaged one.
        Err(EngineError::Directory { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

fn failed(path: &Path) -> impl Fn(io::Error) -> EngineError + '_ {
    |source| EngineError::Directory { path: path.to_path_buf(), source }
}

/// All JSON files below `dir`.
fn state_files(root: &Path, dir: &Path, found: &mut Verification) -> Result<(), EngineError> {
    for entry in std::fs::read_dir(dir).map_err(failed(dir))? {
        let path = entry.map_err(failed(dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let apart = dir == root && APART.contains(&name);
        if path.is_dir() && !apart {
            state_files(root, &path, found)?;
        } else if path.extension().is_some_and(|end| end == "json") {
            found.state_files += 1;
            match state_file(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => found.damage(path.display(), format!("cannot be used: {error}")),
                Ok(()) => {}
            }
        }
    }
    Ok(())
}

fn state_file(path: &Path) -> io::Result<()> {
    let bytes = std::fs::read(path)?;
    let text = sealed::unseal(&bytes)?;
    serde_json::from_slice::<serde::de::IgnoredAny>(text)?;
    let named = path.file_stem().and_then(|stem| u64::from_str_radix(stem.to_str()?, 16).ok());
    let is_interpretation = path.parent().is_some_and(|dir| dir.ends_with("interpretations"));
    if is_interpretation && named != Some(xxh3_64(&bytes)) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "its name is the hash of another text"));
    }
    Ok(())
}

/// Of a file of ids or answers whose last record is not whole.
const TORN: &str =
    "ends in a record that is not whole: it was never finished, or is damaged since; it is cut off at the next start";

/// Ids of events and answers of requests.
fn ids(root: &Path, found: &mut Verification) -> Result<(), EngineError> {
    let dir = root.join("dedup");
    let windows = match std::fs::read_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        entries => entries.map_err(failed(&dir))?.collect::<io::Result<Vec<_>>>().map_err(failed(&dir))?,
    };
    for window in windows.iter().map(std::fs::DirEntry::path).filter(|path| path.is_dir()) {
        match dedup::check(&window) {
            Ok(files) => {
                found.state_files += files.len() as u64;
                for (path, check) in files.iter().filter(|(_, check)| check.damaged > 0) {
                    let what = format!("has {} damaged ids of {}", check.damaged, check.records + check.damaged);
                    found.damage(path.display(), what);
                }
                for (path, _) in files.iter().filter(|(_, check)| check.torn) {
                    found.note(path.display(), TORN);
                }
            }
            Err(error) => found.damage(window.display(), format!("cannot be used: {error}")),
        }
    }
    let dir = root.join("receipts");
    match receipts::check(&dir) {
        Ok(files) => {
            found.state_files += files.len() as u64;
            for (path, check) in &files {
                if let Some(at) = check.damaged {
                    found.damage(path.display(), format!("has a damaged answer at byte {at}"));
                }
                if check.torn {
                    found.note(path.display(), TORN);
                }
            }
        }
        Err(error) => found.damage(dir.display(), format!("cannot be used: {error}")),
    }
    Ok(())
}

/// Entries of the projects' ledgers; their books are among the state files.
fn ledgers(root: &Path, found: &mut Verification) -> Result<(), EngineError> {
    let dir = root.join("ledger");
    let projects = match std::fs::read_dir(&dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(failed(&dir))?.collect::<io::Result<Vec<_>>>().map_err(failed(&dir))?,
    };
    for project in projects.iter().map(std::fs::DirEntry::path).filter(|path| path.is_dir()) {
        let (files, wrong) = super::ledger::check(&project).map_err(failed(&project))?;
        found.state_files += files;
        wrong.into_iter().for_each(|(path, what)| found.damage(path.display(), what));
    }
    Ok(())
}

/// The log as a start would find it.
async fn log(root: &Path, found: &mut Verification) -> Result<LogCheck, EngineError> {
    let dir = root.join("wal");
    if !dir.is_dir() {
        return Ok(LogCheck::default());
    }
    let mut tries = 0;
    loop {
        tries += 1;
        let look: PathBuf = dir.clone();
        let looked = tokio::task::spawn_blocking(move || wal::verify(&look)).await;
        match looked.map_err(|error| failed(&dir)(io::Error::other(error)))? {
            Ok(check) => {
                found.log_batches = check.frames;
                if check.torn {
                    found.note(dir.display(), "ends in a write that is not finished; it was not acknowledged");
                }
                return Ok(check);
            }
            // A server frees its oldest segments and makes new ones.
            Err(_) if tries < TRIES => tokio::time::sleep(PAUSE).await,
            Err(error @ WalError::Io { .. }) => return Err(error.into()),
            Err(error) => {
                found.damage(dir.display(), error.to_string());
                return Ok(LogCheck::default());
            }
        }
    }
}

fn judge_table(project: &ProjectName, check: TableCheck, log: &LogCheck, found: &mut Verification) {
    let at = |file: &str| format!("{project}: {file}");
    let stored = check.stored_through.and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0);
    let in_log = log
        .projects
        .get(project)
        .map_or(0, |rows| rows.iter().map(|(first, last)| (last + 1).saturating_sub((stored + 1).max(*first))).sum());
    if log.frames > 0 && stored >= log.end_seq {
        found.damage(
            at("the write-ahead log"),
            format!("ends before {}, but the table has events up to {stored} of it: it is an older copy", log.end_seq),
        );
    }
    for file in &check.damage {
        found.damage(at(&file.path), file.what.clone());
    }
    for (path, size) in &check.orphans {
        found.note(
            at(path),
            format!("is known to no version of the table ({size} bytes): an upload that did not come to its end"),
        );
    }
    found.tables.push(TableFigures {
        project: project.clone(),
        version: check.version,
        files: check.files,
        rows: check.rows,
        bytes: check.bytes,
        in_log,
        unchecked: check.unchecked,
        replaced: check.replaced,
        orphans: check.orphans.len() as u64,
        attachments: 0,
    });
}
