//! Where tables live: a local directory or an object store.
//!
//! Paths of tables below the root are made here and nowhere else:
//! `ROOT/projects/PROJECT/events`, `ROOT/projects/PROJECT/attachments`.

use std::collections::BTreeMap;
use std::path::Path as FsPath;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreScheme, parse_url_opts};
use url::Url;

use super::durable::{DurableLocal, STAGING, create_synced};
use super::error::TableError;
use super::log::LOG_DIR;
use crate::event::names::ProjectName;

/// Directory of all projects, below the root.
const PROJECTS: &str = "projects";
/// Directory of a project's table, below the project's.
const EVENTS: &str = "events";

/// Directory of a project's attached files, below the project's.
const ATTACHMENTS: &str = "attachments";

/// A root under which every project has its table.
#[derive(Debug, Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    url: Url,
    local: Option<DurableLocal>,
}

impl Storage {
    /// Opens a root: a path, `file://`, `s3://`, `gs://` or `az://`.
    ///
    /// A local directory is made if it is missing. `options` have the names that the object store
    /// crate gives them (`aws_endpoint`, `allow_http`, …) and win over the environment (`AWS_…`,
    /// `GOOGLE_…`, `AZURE_…`).
    ///
    /// # Errors
    /// [`TableError::Location`]: no such kind of store, an unknown option, an unusable directory.
    pub fn open(url: &str, options: &BTreeMap<String, String>) -> Result<Self, TableError> {
        let refuse = |what: String| TableError::Location { url: url.to_owned(), what };
        if !url.contains("://") {
            return Self::local(FsPath::new(url)).map_err(refuse);
        }
        let parsed = Url::parse(url).map_err(|error| refuse(error.to_string()))?;
        let (scheme, _) = ObjectStoreScheme::parse(&parsed).map_err(|error| refuse(error.to_string()))?;
        if scheme == ObjectStoreScheme::Local {
            let path = parsed.to_file_path().map_err(|()| refuse("it is no path of this machine".into()))?;
            return Self::local(&path).map_err(refuse);
        }
        let settings = settings(&scheme, options).map_err(refuse)?;
        let (store, prefix) = parse_url_opts(&parsed, settings).map_err(|error| refuse(error.to_string()))?;
        Ok(Self { store: Arc::from(store), prefix, url: parsed, local: None })
    }

    fn local(path: &FsPath) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let path = std::path::absolute(path).map_err(text)?;
        create_synced(&path).map_err(text)?;
        let base = path.canonicalize().map_err(text)?;
        let prefix = Path::from_absolute_path(&base).map_err(|error| error.to_string())?;
        let url = Url::from_directory_path(&base).map_err(|()| "it is no absolute path".to_owned())?;
        let local = DurableLocal::new(base);
        Ok(Self { store: Arc::new(local.clone()), prefix, url, local: Some(local) })
    }

    /// The same root with `store` in front of it: fault injection, limits, caches.
    #[must_use]
    pub fn wrapped(&self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        Self { store: wrap(Arc::clone(&self.store)), ..self.clone() }
    }

    /// The store; on local disk one that syncs what it writes, with paths from the root directory.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.store)
    }

    /// Path of the root in the store.
    #[must_use]
    pub fn prefix(&self) -> &Path {
        &self.prefix
    }

    /// Root of the store without a path, e.g. `file:///` or `s3://bucket/`: the name under which a
    /// query engine may register [`Storage::store`].
    #[must_use]
    pub fn store_url(&self) -> Url {
        let mut url = self.url.clone();
        url.set_path("/");
        url.set_query(None);
        url
    }

    /// URL of a path in the store, for people and for other readers.
    #[must_use]
    pub fn display_url(&self, path: &Path) -> String {
        self.directory_url(path).to_string()
    }

    /// URL of a directory of the store, ending in `/`.
    pub(super) fn directory_url(&self, path: &Path) -> Url {
        let mut url = self.store_url();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.clear().extend(path.parts().map(|part| part.as_ref().to_owned())).push("");
        }
        url
    }

    /// Root of a project's table.
    #[must_use]
    pub fn table_root(&self, project: &ProjectName) -> Path {
        self.prefix.clone().join(PROJECTS).join(project.as_str()).join(EVENTS)
    }

    /// Root of the files that belong to a project's events.
    pub(super) fn attachments(&self, project: &ProjectName) -> Path {
        self.prefix.clone().join(PROJECTS).join(project.as_str()).join(ATTACHMENTS)
    }

    /// All projects that have a directory.
    ///
    /// # Errors
    /// The store cannot be listed.
    pub async fn projects(&self) -> Result<Vec<ProjectName>, TableError> {
        let root = self.prefix.clone().join(PROJECTS);
        let listed = match self.store.list_with_delimiter(Some(&root)).await {
            Ok(listed) => listed,
            Err(object_store::Error::NotFound { .. }) => return Ok(Vec::new()),
            Err(source) => return Err(TableError::store("list", &root, source)),
        };
        let name = |path: &Path| ProjectName::try_from(path.filename()?).ok();
        let mut projects: Vec<_> = listed.common_prefixes.iter().filter_map(name).collect();
        projects.sort_unstable();
        Ok(projects)
    }

    /// Removes everything of a project: its table's log first, so that no reader finds a table without
    /// its files.
    ///
    /// # Errors
    /// The store fails; the rest is removed by calling it again.
    pub async fn remove_project(&self, project: &ProjectName) -> Result<(), TableError> {
        let root = self.prefix.clone().join(PROJECTS).join(project.as_str());
        let failed = |source| TableError::store("remove", &root, source);
        self.remove_below(&self.table_root(project).join(LOG_DIR)).await.map_err(failed)?;
        self.remove_below(&root).await.map_err(failed)?;
        match &self.local {
            Some(local) => local.remove_dir(&root).await.map_err(failed),
            None => Ok(()),
        }
    }

    async fn remove_below(&self, root: &Path) -> object_store::Result<()> {
        let listed = self.store.list(Some(root)).map_ok(|file| file.location).boxed();
        let removed = self.store.delete_stream(listed).try_for_each(|_| std::future::ready(Ok(()))).await;
        match removed {
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            other => other,
        }
    }

    /// Whether it is a directory of this machine.
    pub(super) fn is_local(&self) -> bool {
        self.local.is_some()
    }

    /// Directory of half-written files, where the store has one.
    pub(super) fn staging(&self) -> Option<Path> {
        self.local.as_ref().map(|_| self.prefix.clone().join(STAGING))
    }

    /// Refuses to call anything durable after a failed sync.
    pub(super) fn check(&self) -> Result<(), TableError> {
        match &self.local {
            Some(local) if local.is_broken() => Err(TableError::SyncFailed),
            _ => Ok(()),
        }
    }
}

/// Options from the environment, then the given ones; an unknown one is an error.
fn settings(scheme: &ObjectStoreScheme, options: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, String> {
    use object_store::aws::AmazonS3ConfigKey;
    use object_store::azure::AzureConfigKey;
    use object_store::gcp::GoogleConfigKey;
    let (prefix, known): (&str, fn(&str) -> bool) = match scheme {
        ObjectStoreScheme::AmazonS3 => ("AWS_", |key| key.parse::<AmazonS3ConfigKey>().is_ok()),
        ObjectStoreScheme::GoogleCloudStorage => ("GOOGLE_", |key| key.parse::<GoogleConfigKey>().is_ok()),
        ObjectStoreScheme::MicrosoftAzure => ("AZURE_", |key| key.parse::<AzureConfigKey>().is_ok()),
        _ => return Err("only local directories, s3, gs and az are supported".into()),
    };
    let mut settings: Vec<(String, String)> = std::env::vars()
        .filter(|(key, _)| key.starts_with(prefix))
        .map(|(key, value)| (key.to_ascii_lowercase(), value))
        .filter(|(key, _)| known(key))
        .collect();
    for (key, value) in options {
        let key = key.to_ascii_lowercase();
        if !known(&key) {
            return Err(format!("the store has no option `{key}`"));
        }
        settings.push((key, value.clone()));
    }
    Ok(settings)
}

#[cfg(test)]
mod tests;
