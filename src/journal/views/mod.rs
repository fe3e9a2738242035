//! Saved screens of the page: a journal with its columns, an SQL text, a dashboard. Some dashboards are built in.
//!
//! Kept by [`super::kept`] in `views/PROJECT.json`. What a screen shows is the page's own business, and JSON here.
//!
//! # Invariants
//! * There is at most one default of each kind.
//! * Names are told apart among screens of a kind.

mod builtin;
mod error;
mod model;

use std::path::Path;

use super::kept::{Kept, Room, Store};
use crate::config;

pub use builtin::{Builtin, builtin, find};
pub use error::ViewError;
pub use model::{NewView, ViewKind};

/// A screen that was saved.
pub type SavedView = Kept<NewView>;
/// The saved screens of all projects.
pub type SavedViews = Store<NewView>;

/// Those in `dir`, which must exist.
#[must_use]
pub fn open(dir: &Path, settings: &config::Saved) -> SavedViews {
    let room =
        Room { count: ("saved.views_max", settings.views_max), size: ("saved.view_size_max", settings.view_size_max) };
    Store::new(dir, room)
}

#[cfg(test)]
mod tests;
