//! Taking a backup.

use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use chrono::{SecondsFormat, Utc};
use object_store::ObjectStoreExt;

use super::manifest::{Entry, Manifest, TableEntry, Vault, store_failed};
use super::{BackupError, BackupReport};
use crate::config::Config;
use crate::engine::directory::Directory;
use crate::engine::{EngineError, storage_url};
use crate::event::names::ProjectName;
use crate::table::{Print, Source, Storage, TableError, TableParts, copy};
use crate::wal::{self, SegmentPart};

/// How often everything is read again where the server was faster.
const TRIES: usize = 20;
/// Parts of a data directory that a backup has in another way, or not at all: who is signed in is nobody after a restore.
const APART: [&str; 8] = ["LOCK", "store", "wal", "spill", "uploads", "exports", "cache", "sessions.json"];
/// Read after the log: frames name them.
const INTERPRETATIONS: &str = "interpretations";

/// Takes a backup of what the settings name into `place`.
///
/// # Errors
/// A file that cannot be read, is damaged, or cannot be written. What was copied stays and is not copied again;
/// it is no backup before its last file is there.
pub async fn backup(config: &Config, place: &Storage) -> Result<BackupReport, BackupError> {
    let root = &config.server.data_dir;
    if Directory::identity(root)?.is_none() {
        let source = std::io::Error::from(std::io::ErrorKind::NotFound);
        return Err(EngineError::Directory { path: root.join("kronika.json"), source }.into());
    }
    let storage = Storage::open(&storage_url(config), &config.storage.options)?;
    let now = Utc::now();
    // Their order is that of time, also within a second: the newest is what a restore takes.
    let id = format!("{}-{}", now.format("%Y%m%dT%H%M%S%6fZ"), &uuid::Uuid::new_v4().simple().to_string()[..8]);
    let vault = Vault::new(place);
    let known = vault.read(None).await?.map(|last| known(&last)).unwrap_or_default();
    let taken_at = now.to_rfc3339_opts(SecondsFormat::Secs, true);
    let mut taking =
        Taking { root, storage: &storage, vault, known, manifest: Manifest::new(id, taken_at), copied: (0, 0) };
    for _ in 0..TRIES {
        if taking.take().await? {
            taking.vault.write(&taking.manifest).await?;
            let (copied_files, copied_bytes) = taking.copied;
            return Ok(BackupReport { copied_files, copied_bytes, ..taking.manifest.report() });
        }
    }
    Err(BackupError::Restless(TRIES))
}

/// Files of tables that an earlier backup has copied, and that all backups share.
fn known(last: &Manifest) -> HashMap<String, Print> {
    let files = last.tables.iter().flat_map(|table| &table.files);
    files.map(|entry| (entry.path.clone(), entry.print)).collect()
}

struct Taking<'a> {
    root: &'a Path,
    storage: &'a Storage,
    vault: Vault,
    known: HashMap<String, Print>,
    manifest: Manifest,
    copied: (u64, u64),
}

impl Taking<'_> {
    /// One try; whether all of it is of one moment.
    async fn take(&mut self) -> Result<bool, BackupError> {
        (self.manifest.data, self.manifest.tables) = (Vec::new(), Vec::new());
        let log = self.root.join("wal");
        let Some(before) = segments(&log).await? else { return Ok(false) };
        for path in state_files(self.root)? {
            self.copy_state(&path).await?;
        }
        let mut tables = BTreeMap::new();
        for project in self.storage.projects().await? {
            if let Some(parts) = self.storage.table_parts(&project).await? {
                tables.insert(project, parts);
            }
        }
        if !self.copy_log(&log, before.first()).await? {
            return Ok(false);
        }
        let interpretations = self.root.join(INTERPRETATIONS);
        for path in files_below(&interpretations)? {
            self.copy_state(&path).await?;
        }
        for (project, parts) in tables {
            if !self.copy_table(project, parts).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Copies one state file; one that is gone was replaced or dropped by the server.
    async fn copy_state(&mut self, path: &Path) -> Result<(), BackupError> {
        match std::fs::read(path) {
            Ok(bytes) => self.put_state(path, bytes.into()).await,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(BackupError::file(path)(error)),
        }
    }

    async fn put_state(&mut self, path: &Path, bytes: Bytes) -> Result<(), BackupError> {
        let relative = path.strip_prefix(self.root).unwrap_or(path).to_string_lossy().into_owned();
        let to = self.vault.own(&self.manifest.id, &relative)?;
        let print = Print::of(&bytes);
        self.vault.store().put(&to, bytes.into()).await.map_err(|source| store_failed("write", &to, source))?;
        self.count(print);
        self.manifest.data.push(Entry { path: relative, print });
        Ok(())
    }

    fn count(&mut self, print: Print) {
        self.copied = (self.copied.0 + 1, self.copied.1 + print.size);
    }

    /// Copies the log; whether it still has all that it had when the first file was read.
    async fn copy_log(&mut self, log: &Path, oldest: Option<&SegmentPart>) -> Result<bool, BackupError> {
        let Some(parts) = segments(log).await? else { return Ok(false) };
        if parts.first().map(|part| (part.id, part.mark)) != oldest.map(|part| (part.id, part.mark)) && oldest.is_some()
        {
            return Ok(false);
        }
        for part in &parts {
            let Some(bytes) = read_part(part).map_err(BackupError::file(&part.path))? else { return Ok(false) };
            self.put_state(&part.path, bytes).await?;
        }
        // None of the files began another life while it was read.
        let Some(after) = segments(log).await? else { return Ok(false) };
        let lives: HashMap<u64, u64> = after.iter().map(|part| (part.id, part.mark)).collect();
        Ok(parts.iter().all(|part| lives.get(&part.id) == Some(&part.mark)))
    }

    /// Copies the files of a table that no earlier backup has; whether they were all there.
    async fn copy_table(&mut self, project: ProjectName, parts: TableParts) -> Result<bool, BackupError> {
        let store = self.storage.store();
        let mut entry =
            TableEntry { project, version: parts.version, rows: parts.rows, files: Vec::new(), log: Vec::new() };
        let data = parts
            .files
            .iter()
            .map(|file| (Source::Data(store.clone(), file.clone()), file.location.clone(), file.size));
        let object =
            |(path, size): (object_store::path::Path, u64)| (Source::Object(store.clone(), path.clone()), path, size);
        let attached = parts.attachments.into_iter().map(object);
        for (source, path, size) in data.chain(attached).collect::<Vec<_>>() {
            let relative = self.relative(&path);
            let known = self.known.get(&relative).copied().filter(|print| print.size == size);
            let print = match known {
                Some(print) => print,
                None => match self.copy_object(&source, self.vault.shared(&relative)?).await? {
                    Some(print) => print,
                    None => return Ok(false),
                },
            };
            self.known.insert(relative.clone(), print);
            entry.files.push(Entry { path: relative, print });
        }
        for (source, path, _) in parts.log.into_iter().map(object).collect::<Vec<_>>() {
            let relative = self.relative(&path);
            let to = self.vault.log(&self.manifest.id, &relative)?;
            let Some(print) = self.copy_object(&source, to).await? else { return Ok(false) };
            entry.log.push(Entry { path: relative, print });
        }
        self.manifest.tables.push(entry);
        Ok(true)
    }

    /// Path below the root of the storage.
    fn relative(&self, path: &object_store::path::Path) -> String {
        let root = self.storage.prefix().as_ref();
        path.as_ref().strip_prefix(root).unwrap_or(path.as_ref()).trim_start_matches('/').to_owned()
    }

    /// `None` where the object is gone.
    async fn copy_object(
        &mut self,
        source: &Source,
        to: object_store::path::Path,
    ) -> Result<Option<Print>, BackupError> {
        match copy(source, &self.vault.store(), &to, None).await {
            Ok(print) => {
                self.count(print);
                Ok(Some(print))
            }
            Err(TableError::Store { source: object_store::Error::NotFound { .. }, .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// The log's segments; `None` where one of them went while they were read.
async fn segments(log: &Path) -> Result<Option<Vec<SegmentPart>>, BackupError> {
    let dir = log.to_path_buf();
    let read = tokio::task::spawn_blocking(move || if dir.is_dir() { wal::parts(&dir) } else { Ok(Vec::new()) }).await;
    match read.map_err(|error| BackupError::file(log)(std::io::Error::other(error)))? {
        Ok(parts) => Ok(Some(parts)),
        Err(wal::WalError::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Ok(None),
        // Its header was being written for another life.
        Err(wal::WalError::Corrupt { offset: 0, .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The used part of a segment's file; `None` where it is gone.
fn read_part(part: &SegmentPart) -> std::io::Result<Option<Bytes>> {
    let file = match std::fs::File::open(&part.path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file?,
    };
    let mut bytes = Vec::with_capacity(usize::try_from(part.used).unwrap_or_default());
    file.take(part.used).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 == part.used).then(|| bytes.into()))
}

/// State files, without those that are read later.
fn state_files(root: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).map_err(BackupError::file(root))? {
        let path = entry.map_err(BackupError::file(root))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if APART.contains(&name) || name == INTERPRETATIONS {
            continue;
        }
        if path.is_dir() {
            found.extend(files_below(&path)?);
        } else if !is_temporary(name) {
            found.push(path);
        }
    }
    Ok(found)
}

/// Files below a directory; none where there is no such directory.
fn files_below(dir: &Path) -> Result<Vec<PathBuf>, BackupError> {
    let entries = match std::fs::read_dir(dir) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(BackupError::file(dir))?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(BackupError::file(dir))?.path();
        if path.is_dir() {
            found.extend(files_below(&path)?);
        } else if !path.file_name().is_some_and(|name| is_temporary(&name.to_string_lossy())) {
            found.push(path);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// A file that is about to take another one's place.
fn is_temporary(name: &str) -> bool {
    name.starts_with(".tmp")
}
