//! Where tables live: a local directory or an object store.
//!
//! Paths of tables below the root are made here and nowhere else:
//! `ROOT/projects/PROJECT/events`, `ROOT/projects/PROJECT/attachments`.

use std::collections::BTreeMap;
use std::path::Path as FsPath;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt, ObjectStoreScheme};
use url::Url;

use super::cache::{Cache, CacheFigures};
use super::durable::{DurableLocal, STAGING, create_synced};
use super::error::TableError;
use super::link::{Away, Link};
use super::log::LOG_DIR;
use super::reads::Reads;
use super::remote::RemoteStore;
use super::requests::{Requests, observer};
use super::stores::{RemoteSettings, connect};
use crate::event::names::ProjectName;

/// Directory of all projects, below the root.
const PROJECTS: &str = "projects";
/// Directory of a project's table, below the project's.
const EVENTS: &str = "events";

/// Directory of a project's attached files, below the project's.
const ATTACHMENTS: &str = "attachments";

/// Name that is asked for to see whether a store answers; nothing has it.
const KNOCK: &str = ".knock";

/// A root under which every project has its table.
#[derive(Debug, Clone)]
pub struct Storage {
    place: Place,
    prefix: Path,
    url: Url,
    local: Option<DurableLocal>,
}

/// What the tables lie on.
#[derive(Debug, Clone)]
enum Place {
    /// A local disk, or what a test puts in its place.
    Disk(Arc<dyn ObjectStore>),
    /// An object store.
    Remote(RemoteStore, Option<Arc<Link>>),
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
        Self::open_with(url, options, &RemoteSettings::default())
    }

    /// As [`Storage::open`], for an object store with these settings.
    ///
    /// # Errors
    /// As [`Storage::open`], or the directory of the read cache is unusable.
    pub fn open_with(
        url: &str,
        options: &BTreeMap<String, String>,
        remote: &RemoteSettings,
    ) -> Result<Self, TableError> {
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
        let link = Link::new(url.to_owned());
        let (store, prefix) = connect(&parsed, options, &link, remote.retry_timeout).map_err(refuse)?;
        let cache = match &remote.cache {
            Some(settings) => Some(Cache::open(settings, &root_of(&parsed)).map_err(|error| {
                refuse(format!("the read cache cannot be kept in `{}`: {error}", settings.dir.display()))
            })?),
            None => None,
        };
        let place = Place::Remote(RemoteStore::new(store, cache), Some(link));
        Ok(Self { place, prefix, url: parsed, local: None })
    }

    /// A root in `store`, which stands for an object store.
    #[cfg(test)]
    pub(crate) fn over(store: Arc<dyn ObjectStore>, cache: Option<Arc<Cache>>) -> Self {
        let url = Url::parse("s3://bucket/prefix").expect("a URL");
        let place = Place::Remote(RemoteStore::new(store, cache), None);
        Self { place, prefix: Path::from("prefix"), url, local: None }
    }

    fn local(path: &FsPath) -> Result<Self, String> {
        let text = |error: std::io::Error| error.to_string();
        let path = std::path::absolute(path).map_err(text)?;
        create_synced(&path).map_err(text)?;
        let base = path.canonicalize().map_err(text)?;
        let prefix = Path::from_absolute_path(&base).map_err(|error| error.to_string())?;
        let url = Url::from_directory_path(&base).map_err(|()| "it is no absolute path".to_owned())?;
        let local = DurableLocal::new(base);
        Ok(Self { place: Place::Disk(Arc::new(local.clone())), prefix, url, local: Some(local) })
    }

    /// The same root with `store` in front of it: fault injection, limits. A read cache stays before that.
    #[must_use]
    pub fn wrapped(&self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        let place = match &self.place {
            Place::Disk(store) => Place::Disk(wrap(Arc::clone(store))),
            Place::Remote(store, link) => Place::Remote(store.wrapped(wrap), link.clone()),
        };
        Self { place, ..self.clone() }
    }

    /// The store; on local disk one that syncs what it writes, with paths from the root directory. Whoever
    /// observes the present task is told of its requests wherever it is used.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        match &self.place {
            Place::Disk(store) => Arc::clone(store),
            Place::Remote(store, _) => Arc::new(match observer() {
                Some(observer) => store.observed_by(observer),
                None => store.clone(),
            }),
        }
    }

    /// How queries read: what they read stays in the read cache, where there is one.
    #[must_use]
    pub fn reads(&self) -> Reads {
        match &self.place {
            Place::Disk(store) => Reads::from(Arc::clone(store)),
            Place::Remote(store, link) => Reads::remote(store, link.clone()),
        }
    }

    /// Figures of the read cache, where there is one.
    #[must_use]
    pub fn cache_figures(&self) -> Option<CacheFigures> {
        match &self.place {
            Place::Disk(_) => None,
            Place::Remote(store, _) => store.cache().map(|cache| cache.figures()),
        }
    }

    fn link(&self) -> Option<&Arc<Link>> {
        match &self.place {
            Place::Disk(_) => None,
            Place::Remote(_, link) => link.as_ref(),
        }
    }

    /// All that was asked of an object store so far; `None` for a local disk.
    #[must_use]
    pub fn requests(&self) -> Option<Requests> {
        self.link().map(|link| link.requests())
    }

    /// Why an object store's requests are refused at present; `None` while it answers.
    #[must_use]
    pub fn away(&self) -> Option<Away> {
        self.link()?.away()
    }

    /// Asks a store that was away whether it is back: `None` if it answers, or was never away.
    pub async fn knock(&self) -> Option<Away> {
        self.away()?;
        // Whatever it answers, also that there is no such object: the link notes that it did.
        let _ = self.store().head(&self.prefix.clone().join(KNOCK)).await;
        self.away()
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
        let listed = match self.store().list_with_delimiter(Some(&root)).await {
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
        let store = self.store();
        let listed = store.list(Some(root)).map_ok(|file| file.location).boxed();
        let removed = store.delete_stream(listed).try_for_each(|_| std::future::ready(Ok(()))).await;
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

/// A store's URL without a path.
fn root_of(url: &Url) -> String {
    let mut root = url.clone();
    root.set_path("/");
    root.set_query(None);
    root.to_string()
}

#[cfg(test)]
mod tests;
