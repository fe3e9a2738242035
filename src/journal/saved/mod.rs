//! Saved filters: a question with a name, for one key or for the whole project.
//!
//! Kept by [`super::kept`] in `filters/PROJECT.json`. A filter is kept as it was sent, so that a relative period stays
//! relative; it is read as a [`Selection`](super::Selection) when it is saved and whenever it is used.
//!
//! # Invariants
//! * There is at most one default for a dataset, and one for all datasets.

mod error;
mod model;

use std::path::Path;

use super::kept::{Kept, Room, Store};
use crate::config;
use crate::event::names::ProjectName;

pub use super::kept::Whose;
pub use error::SavedError;
pub use model::NewFilter;

/// A filter that was saved.
pub type SavedFilter = Kept<NewFilter>;
/// The saved filters of all projects.
pub type SavedFilters = Store<NewFilter>;

/// Those in `dir`, which must exist.
#[must_use]
pub fn open(dir: &Path, settings: &config::Saved) -> SavedFilters {
    let room = Room {
        count: ("saved.filters_max", settings.filters_max),
        size: ("saved.filter_size_max", settings.filter_size_max),
    };
    Store::new(dir, room)
}

impl Store<NewFilter> {
    /// The default of a dataset, else that of all.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn default_of(&self, project: &ProjectName, dataset: Option<&str>) -> Result<Option<SavedFilter>, SavedError> {
        let of = |dataset: Option<&str>| {
            self.first(project, |filter| filter.default && filter.dataset.as_deref() == dataset)
        };
        Ok(of(dataset)?.or(of(None)?))
    }
}

#[cfg(test)]
mod tests;
