//! A note at the place that tables are moved to, from the first pass to the last: a server that starts there in between
//! would lack what was flushed to the old place since.

use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::Storage;
use super::error::TableError;
use super::transfer::check_place;
use crate::event::names::ProjectName;

/// Name of the note, below the root; it says where the tables come from.
const NOTE: &str = ".moving";

impl Storage {
    fn note(&self) -> Path {
        self.prefix().clone().join(NOTE)
    }

    /// Notes that the tables of `from` are on their way to here, which must not have others.
    ///
    /// # Errors
    /// [`TableError::Foreign`]: there are other tables here, or newer ones; a store fails.
    pub async fn begin_move(&self, from: &Storage, projects: &[ProjectName]) -> Result<(), TableError> {
        // Where a server writes already no note may be left: it would not start again.
        for project in projects {
            check_place(from, self, project).await?;
        }
        let (path, text) = (self.note(), from.display_url(from.prefix()));
        let put = self.store().put(&path, text.into()).await;
        put.map(|_| ()).map_err(|source| TableError::store("write", path, source))
    }

    /// All is here: the note goes.
    ///
    /// # Errors
    /// The store fails.
    pub async fn end_move(&self) -> Result<(), TableError> {
        let path = self.note();
        match self.store().delete(&path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(TableError::store("delete", path, source)),
        }
    }

    /// Refuses a place to which tables are still on their way.
    ///
    /// # Errors
    /// [`TableError::HalfMoved`], or the store fails.
    pub async fn check_moved(&self) -> Result<(), TableError> {
        let path = self.note();
        let read = async { self.store().get(&path).await?.bytes().await };
        match read.await {
            Ok(from) => Err(TableError::HalfMoved {
                place: self.display_url(self.prefix()),
                from: String::from_utf8_lossy(&from).into_owned(),
            }),
            Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(source) => Err(TableError::store("read", path, source)),
        }
    }
}
