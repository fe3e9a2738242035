//! Files that belong to events: bodies of requests and responses, and what is attached.
//!
//! Whoever may see an event that names a file may have it; so each look-up is a query of the caller's own, and
//! a hidden column hides its files.

mod attached;
mod bodies;
mod cells;
mod names;

pub use attached::{Attached, attached};
pub(crate) use attached::{Item, items};
pub use bodies::{Bodies, Body, BodyError, BodyOf, Candidate, Content, Wanted};
pub(crate) use cells::{instant_of, text_of};
pub use names::{Disposition, content_type, extension_of, safe_name};

#[cfg(test)]
mod tests;
