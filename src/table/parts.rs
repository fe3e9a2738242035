//! What a table is made of, for copies of it: the files of one version and the log up to it.

use std::collections::HashSet;
use std::sync::Arc;

use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::error::TableError;
use super::log::{LOG_DIR, checkpoint_version, commit_path, commit_version};
use super::seals::sealed_version;
use super::version::DataFile;
use super::{Storage, load};
use crate::event::names::ProjectName;

/// One version of a table.
#[derive(Debug, Clone)]
pub struct TableParts {
    /// Version of the log.
    pub version: u64,
    /// Rows of its files.
    pub rows: u64,
    /// Its files.
    pub files: Vec<Arc<DataFile>>,
    /// Commits and checkpoints up to the version, by name, with their sizes.
    pub log: Vec<(Path, u64)>,
    /// Attached files with their sizes.
    pub attachments: Vec<(Path, u64)>,
}

impl Storage {
    /// The newest version of a project's table; `None` where there is no table.
    ///
    /// # Errors
    /// The store fails, or the log is damaged.
    pub async fn table_parts(&self, project: &ProjectName) -> Result<Option<TableParts>, TableError> {
        let root = self.table_root(project);
        let Some(mut state) = load::load(self, &root, &[]).await? else { return Ok(None) };
        let version = state.version();
        let current = state.current();
        let version_of =
            |name: &str| commit_version(name).or_else(|| checkpoint_version(name)).or_else(|| sealed_version(name));
        let up_to = |name: &str| version_of(name).is_some_and(|at| at <= version);
        let mut log = self.listed(&root.clone().join(LOG_DIR)).await?;
        log.retain(|(path, size)| *size > 0 && path.filename().is_some_and(up_to));
        self.add_unlisted(&root, version, &mut log).await?;
        log.sort_unstable();
        let attachments = self.listed(&self.attachments(project)).await?;
        Ok(Some(TableParts { version, rows: current.rows(), files: current.files.clone(), log, attachments }))
    }

    /// Adds the newest commits up to `version`, which a late listing lacks.
    async fn add_unlisted(&self, root: &Path, version: u64, log: &mut Vec<(Path, u64)>) -> Result<(), TableError> {
        let known: HashSet<u64> = log.iter().filter_map(|(path, _)| commit_version(path.filename()?)).collect();
        let checkpoint = log.iter().filter_map(|(path, _)| checkpoint_version(path.filename()?)).max();
        let first = checkpoint.map_or(0, |checkpoint| checkpoint + 1);
        for version in (first..=version).filter(|version| !known.contains(version)) {
            let path = commit_path(root, version);
            let found =
                self.store().head(&path).await.map_err(|source| TableError::store("look for", &path, source))?;
            log.push((path, found.size));
        }
        Ok(())
    }

    /// Objects below `root` with their sizes.
    pub(super) async fn listed(&self, root: &Path) -> Result<Vec<(Path, u64)>, TableError> {
        let store = self.store();
        match store.list(Some(root)).map_ok(|file| (file.location, file.size)).try_collect().await {
            Err(object_store::Error::NotFound { .. }) => Ok(Vec::new()),
            other => other.map_err(|source| TableError::store("list", root, source)),
        }
    }
}
