//! Routes of the journal: lists, details, figures. Each turns its parameters into a statement of
//! [`crate::journal`], runs it as the caller, and answers JSON.

mod asking;
pub(super) mod attachments;
pub(super) mod bodies;
pub(super) mod exports;
mod serving;
