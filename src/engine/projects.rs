//! The open projects.
//!
//! A project exists when its table does; there is no other list. A new data directory on a bucket
//! with tables therefore sees them all.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::RwLock;

use super::project::Project;
use super::{EngineError, Shared};
use crate::event::dedup::Window;
use crate::event::names::ProjectName;
use crate::table::{Storage, Table, TableSettings, WriterId};

/// All projects of the engine.
pub(super) struct Projects {
    storage: Storage,
    shared: Arc<Shared>,
    dedup: PathBuf,
    open: RwLock<BTreeMap<ProjectName, Arc<Project>>>,
    /// One creation at a time.
    creating: tokio::sync::Mutex<()>,
}

impl Projects {
    /// Opens every project that the storage has.
    pub(super) async fn open(storage: Storage, shared: Arc<Shared>, dedup: PathBuf) -> Result<Self, EngineError> {
        let names = storage.projects().await?;
        let projects =
            Self { storage, shared, dedup, open: RwLock::default(), creating: tokio::sync::Mutex::default() };
        for name in names {
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
        let path = self.dedup.join(name.as_str());
        let window = Window::open(&path, config.ingest.dedup_window)?;
        Ok(Arc::new(Project::new(name, table, window)))
    }

    /// Makes the project `default` on the first start.
    pub(super) async fn ensure_default(&self) -> Result<(), EngineError> {
        match self.create(ProjectName::default_project()).await {
            Ok(()) | Err(EngineError::ProjectExists(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Makes a project.
    pub(super) async fn create(&self, name: ProjectName) -> Result<(), EngineError> {
        if name.as_str() == ProjectName::AUDIT {
            return Err(EngineError::ReservedProject(name));
        }
        let _creating = self.creating.lock().await;
        if self.get(&name).is_some() {
            return Err(EngineError::ProjectExists(name));
        }
        let project = self.open_one(name.clone()).await?;
        self.open.write().insert(name, project);
        Ok(())
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
