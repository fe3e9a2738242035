//! How queries read data files: through the read cache of an object store, or straight from local disk.

use std::sync::Arc;

use object_store::ObjectStore;

use super::link::{Away, Link};
use super::remote::RemoteStore;
use super::requests::Observer;
use super::version::DataFile;

/// The way to the data files; clones share it.
#[derive(Debug, Clone)]
pub struct Reads {
    way: Way,
    link: Option<Arc<Link>>,
}

#[derive(Debug, Clone)]
enum Way {
    Local(Arc<dyn ObjectStore>),
    Remote(RemoteStore),
}

impl From<Arc<dyn ObjectStore>> for Reads {
    fn from(store: Arc<dyn ObjectStore>) -> Self {
        Self { way: Way::Local(store), link: None }
    }
}

impl Reads {
    pub(super) fn remote(store: &RemoteStore, link: Option<Arc<Link>>) -> Self {
        Self { way: Way::Remote(store.filling()), link }
    }

    /// Whether files are read from an object store.
    #[must_use]
    pub fn is_remote(&self) -> bool {
        matches!(self.way, Way::Remote(_))
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> Arc<dyn ObjectStore> {
        match &self.way {
            Way::Local(store) => Arc::clone(store),
            Way::Remote(store) => Arc::new(store.clone()),
        }
    }

    /// The store, of whose requests `observer` is told; local disk gets none.
    #[must_use]
    pub fn observed_by(&self, observer: Arc<dyn Observer>) -> Arc<dyn ObjectStore> {
        match &self.way {
            Way::Local(store) => Arc::clone(store),
            Way::Remote(store) => Arc::new(store.observed_by(observer)),
        }
    }

    /// Why reads fail, where the store did not answer the last request.
    #[must_use]
    pub fn trouble(&self) -> Option<Away> {
        self.link.as_ref()?.trouble()
    }

    /// Whether a file can be read without asking the store for anything.
    #[must_use]
    pub fn holds(&self, file: &DataFile) -> bool {
        match &self.way {
            Way::Local(_) => true,
            Way::Remote(store) => store.cache().is_some_and(|cache| cache.holds(&file.location, file.size)),
        }
    }
}
