//! The open projects.
//!
//! A project exists when its table does; there is no other list. A new data directory on a bucket
//! with tables therefore sees them all. One that is being deleted is out of the list first.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use parking_lot::RwLock;

use super::directory::Directory;
use super::ledger::{self, Ledger};
use super::meters::COMMIT_SECONDS;
use super::project::Project;
use super::{EngineError, Shared};
use crate::event::dedup::Window;
use crate::event::names::ProjectName;
use crate::table::{DamageLog, Storage, Table, TableSettings, WriterId};

/// All projects of the engine.
pub(super) struct Projects {
    storage: Storage,
    shared: Arc<Shared>,
    damage: Arc<DamageLog>,
    dedup: PathBuf,
    open: RwLock<BTreeMap<ProjectName, Arc<Project>>>,
    dead_letters: PathBuf,
    ledger: PathBuf,
    exports: PathBuf,
    /// One creation or deletion at a time.
    changing: tokio::sync::Mutex<()>,
}

impl Projects {
    /// Opens every project that the storage has.
    pub(super) async fn open(
        storage: Storage,
        shared: Arc<Shared>,
        directory: &Directory,
        damage: Arc<DamageLog>,
    ) -> Result<Self, EngineError> {
        let projects = Self {
            storage,
            shared,
            damage,
            dedup: directory.part("dedup"),
            dead_letters: directory.part("dead_letters"),
            ledger: directory.part("ledger"),
            exports: directory.part("exports"),
            open: RwLock::default(),
            changing: tokio::sync::Mutex::default(),
        };
        for name in projects.shared.deleted.unfinished() {
            projects.remove_files(&name).await?;
        }
        for name in projects.storage.projects().await? {
            let project = projects.open_one(name.clone()).await?;
            projects.open.write().insert(name, project);
        }
        Ok(projects)
    }

    async fn open_one(&self, name: ProjectName) -> Result<Arc<Project>, EngineError> {
        let config = &self.shared.config;
        let settings = TableSettings::new(&config.compaction);
        let writer = WriterId::from(self.shared.writer);
        let table = Table::open(&self.storage, name.clone(), writer, settings).await?;
        let table = table.time_commits(self.shared.counters.histogram(COMMIT_SECONDS));
        let table = table.share_damage(Arc::clone(&self.damage));
        let newest = table.current().files.iter().map(|file| file.modified_ms).max().unwrap_or(0);
        self.shared.newest_us.fetch_max(newest.saturating_mul(1_000), Ordering::Relaxed);
        let path = self.dedup.join(name.as_str());
        let window = Window::open(&path, config.ingest.dedup_window)?;
        let flushed = table.flushed_through().and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0);
        let ledger = self.ledger.join(name.as_str());
        let ledger = Ledger::open(ledger, &config.ledger, table.current().rows(), flushed, super::now_us())?;
        Ok(Arc::new(Project::new(name, table, window, ledger, self.shared.writer.into())))
    }

    /// Makes the project `default` on the first start.
    pub(super) async fn ensure_default(&self) -> Result<(), EngineError> {
        match self.create(ProjectName::default_project()).await {
            Ok(()) | Err(EngineError::ProjectExists(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes the project `_audit` where it is missing.
    pub(super) async fn ensure_audit(&self) -> Result<(), EngineError> {
        let name = ProjectName::audit();
        if self.get(&name).is_none() {
            let project = self.open_one(name.clone()).await?;
            self.open.write().insert(name, project);
        }
        Ok(())
    }

    /// Makes a project.
    pub(super) async fn create(&self, name: ProjectName) -> Result<(), EngineError> {
        if name.is_audit() {
            return Err(EngineError::ReservedProject(name));
        }
        let _changing = self.changing().await;
        if self.get(&name).is_some() {
            return Err(EngineError::ProjectExists(name));
        }
        if self.shared.deleted.unfinished().contains(&name) {
            self.remove_files(&name).await?;
        }
        let project = self.open_one(name.clone()).await?;
        self.open.write().insert(name, project);
        Ok(())
    }

    /// Where tables and the files of events lie.
    pub(super) fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Held while projects are made or deleted.
    pub(super) async fn changing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.changing.lock().await
    }

    /// Closes a project and takes it out of the list.
    pub(super) fn take_out(&self, name: &ProjectName) -> Option<Arc<Project>> {
        let project = self.open.write().remove(name)?;
        project.intake.lock().close(true);
        Some(project)
    }

    /// Takes a project that could not be deleted into the list again.
    pub(super) fn put_back(&self, project: Arc<Project>) {
        project.intake.lock().close(false);
        self.open.write().insert(project.name.clone(), project);
    }

    /// Removes all files of a project whose deletion is noted, and notes that they are gone.
    pub(super) async fn remove_files(&self, name: &ProjectName) -> Result<(), EngineError> {
        self.storage.remove_project(name).await?;
        let (dedup, letters, shown) = (self.dedup.join(name.as_str()), self.dead_letters.clone(), name.clone());
        let (exports, sums) = (self.exports.join(name.as_str()), self.ledger.join(name.as_str()));
        let removed = tokio::task::spawn_blocking(move || {
            gone(std::fs::remove_dir_all(dedup))?;
            gone(std::fs::remove_dir_all(exports))?;
            ledger::remove(&sums)?;
            super::dead_letters::remove(&letters, &shown)
        });
        let failed = |source| EngineError::Directory { path: self.dedup.clone(), source };
        removed.await.map_err(|error| failed(std::io::Error::other(error)))?.map_err(failed)?;
        self.shared.deleted.finished(name)
    }

    /// The project called `name`.
    pub(super) fn get(&self, name: &ProjectName) -> Option<Arc<Project>> {
        self.open.read().get(name).cloned()
    }

    /// All projects, by name.
    pub(super) fn all(&self) -> Vec<Arc<Project>> {
        self.open.read().values().cloned().collect()
    }

    /// One project, or all.
    pub(super) fn some(&self, name: Option<&ProjectName>) -> Result<Vec<Arc<Project>>, EngineError> {
        match name {
            None => Ok(self.all()),
            Some(name) => match self.get(name) {
                Some(project) => Ok(vec![project]),
                None => Err(EngineError::UnknownProject(name.clone())),
            },
        }
    }
}

/// What is not there need not be removed.
pub(super) fn gone(removed: std::io::Result<()>) -> std::io::Result<()> {
    match removed {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}
