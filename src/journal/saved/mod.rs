//! Saved filters: a question with a name, for one key or for the whole project.
//!
//! One file per project, replaced as a whole: `filters/PROJECT.json`. A filter is kept as it was sent, so that a
//! relative period stays relative; it is read as a [`Selection`] when it is saved and whenever it is used.
//!
//! # Invariants
//! * A private filter is seen, used and changed by the key that made it, and by admin keys, and by nobody else.
//! * A shared one is seen by all keys of the project and changed by the key that made it and by admin keys.
//! * There is at most one default for a dataset, and one for all datasets.

mod error;
mod model;
mod store;

pub use error::SavedError;
pub use model::{NewFilter, SavedFilter};
pub use store::{SavedFilters, Whose};

#[cfg(test)]
mod tests;
