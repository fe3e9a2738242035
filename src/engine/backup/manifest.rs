//! The list of what a backup consists of: `backups/ID/manifest.json`, sealed.

use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, PutMode};
use serde::{Deserialize, Serialize};

use super::{BackupError, BackupReport};
use crate::event::names::ProjectName;
use crate::sealed;
use crate::table::{Print, Storage, TableError};

/// Version of the layout; an older program refuses a newer one.
const FORMAT: u32 = 1;
const BACKUPS: &str = "backups";
const MANIFEST: &str = "manifest.json";

/// A backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    pub(super) format: u32,
    pub(super) id: String,
    pub(super) taken_at: String,
    /// Program that took it.
    pub(super) program: String,
    /// State files and the log, by their path below the data directory.
    pub(super) data: Vec<Entry>,
    pub(super) tables: Vec<TableEntry>,
}

/// A project's files, by their path below the root of the storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TableEntry {
    pub(super) project: ProjectName,
    pub(super) version: u64,
    pub(super) rows: u64,
    /// Data files and attached files.
    pub(super) files: Vec<Entry>,
    /// Commits and checkpoints, oldest first: a copy has them last.
    pub(super) log: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) path: String,
    #[serde(flatten)]
    pub(super) print: Print,
}

/// Where backups are.
#[derive(Debug, Clone)]
pub(super) struct Vault {
    storage: Storage,
}

impl Vault {
    pub(super) fn new(storage: &Storage) -> Self {
        Self { storage: storage.clone() }
    }

    pub(super) fn store(&self) -> Arc<dyn ObjectStore> {
        self.storage.store()
    }

    /// Place of a data file or an attached file, of whose names none ever means other bytes: all backups share it.
    pub(super) fn shared(&self, path: &str) -> Result<Path, BackupError> {
        below(&self.storage, &format!("store/{path}"))
    }

    /// Place of a commit or checkpoint of a backup: a table that was deleted and made again, or that goes on from an
    /// older backup, has others under the same names.
    pub(super) fn log(&self, id: &str, path: &str) -> Result<Path, BackupError> {
        below(&self.storage, &format!("{BACKUPS}/{id}/log/{path}"))
    }

    /// Place of a state file of a backup.
    pub(super) fn own(&self, id: &str, path: &str) -> Result<Path, BackupError> {
        below(&self.storage, &format!("{BACKUPS}/{id}/data/{path}"))
    }

    fn manifest(&self, id: &str) -> Path {
        self.storage.prefix().clone().join(BACKUPS).join(id).join(MANIFEST)
    }

    /// Ids of all complete backups, oldest first.
    pub(super) async fn ids(&self) -> Result<Vec<String>, BackupError> {
        let root = self.storage.prefix().clone().join(BACKUPS);
        let listed = self.store().list_with_delimiter(Some(&root)).await;
        let listed = match listed {
            Ok(listed) => listed.common_prefixes,
            Err(object_store::Error::NotFound { .. }) => Vec::new(),
            Err(source) => return Err(store_failed("list", &root, source)),
        };
        let mut ids = Vec::new();
        for id in listed.iter().filter_map(|path| path.filename()) {
            match self.store().head(&self.manifest(id)).await {
                Ok(_) => ids.push(id.to_owned()),
                // It was never finished.
                Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(store_failed("look at", &root, source)),
            }
        }
        ids.sort_unstable();
        Ok(ids)
    }

    /// The backup of this id, or the newest; `None` where there is none.
    pub(super) async fn read(&self, id: Option<&str>) -> Result<Option<Manifest>, BackupError> {
        let ids = self.ids().await?;
        let found = match id {
            Some(id) => ids.iter().find(|known| *known == id),
            None => ids.last(),
        };
        let Some(id) = found else { return Ok(None) };
        let path = self.manifest(id);
        let read = async { self.store().get(&path).await?.bytes().await };
        let bytes = read.await.map_err(|source| store_failed("read", &path, source))?;
        let unfit = |what: String| BackupError::Manifest { id: id.clone(), what };
        let text = sealed::unseal(&bytes).map_err(|error| unfit(error.to_string()))?;
        let manifest: Manifest = serde_json::from_slice(text).map_err(|error| unfit(error.to_string()))?;
        if manifest.format > FORMAT {
            let what = format!("it has format {}, this program knows up to {FORMAT}", manifest.format);
            return Err(unfit(what));
        }
        Ok(Some(manifest))
    }

    /// Makes the backup one: it is complete from here on.
    pub(super) async fn write(&self, manifest: &Manifest) -> Result<(), BackupError> {
        let path = self.manifest(&manifest.id);
        let unfit =
            |error: serde_json::Error| BackupError::Manifest { id: manifest.id.clone(), what: error.to_string() };
        let text = sealed::seal(serde_json::to_vec(manifest).map_err(unfit)?);
        let put = self.store().put_opts(&path, text.into(), PutMode::Create.into()).await;
        put.map(|_| ()).map_err(|source| store_failed("write", &path, source))
    }
}

impl Manifest {
    pub(super) fn new(id: String, taken_at: String) -> Self {
        let program = concat!("kronika ", env!("CARGO_PKG_VERSION")).to_owned();
        Self { format: FORMAT, id, taken_at, program, data: Vec::new(), tables: Vec::new() }
    }

    pub(super) fn entries(&self) -> impl Iterator<Item = &Entry> {
        self.tables.iter().flat_map(|table| table.files.iter().chain(&table.log)).chain(&self.data)
    }

    /// What it holds; nothing of it copied yet.
    pub(super) fn report(&self) -> BackupReport {
        BackupReport {
            id: self.id.clone(),
            taken_at: self.taken_at.clone(),
            tables: self.tables.len() as u64,
            events: self.tables.iter().map(|table| table.rows).sum(),
            files: self.entries().count() as u64,
            bytes: self.entries().map(|entry| entry.print.size).sum(),
            copied_files: 0,
            copied_bytes: 0,
        }
    }
}

/// The backups at a place, oldest first.
///
/// # Errors
/// The place cannot be read, or a manifest is damaged.
pub async fn list(place: &Storage) -> Result<Vec<BackupReport>, BackupError> {
    let vault = Vault::new(place);
    let ids = futures::stream::iter(vault.ids().await?.into_iter().map(Ok::<_, BackupError>));
    let read = ids.try_filter_map(|id| {
        let vault = &vault;
        async move { Ok(vault.read(Some(&id)).await?.map(|manifest| manifest.report())) }
    });
    read.try_collect().await
}

pub(super) fn store_failed(action: &'static str, path: &Path, source: object_store::Error) -> BackupError {
    TableError::Store { action, path: path.to_string(), source }.into()
}

/// Path of `path`, with its escapes, below the root of a storage.
pub(super) fn below(storage: &Storage, path: &str) -> Result<Path, BackupError> {
    let refused =
        |error: object_store::path::Error| BackupError::Manifest { id: path.to_owned(), what: error.to_string() };
    let root = storage.prefix().as_ref();
    Path::parse(if root.is_empty() { path.to_owned() } else { format!("{root}/{path}") }).map_err(refused)
}
