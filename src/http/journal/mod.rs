//! Routes of the journal: lists, details, figures. Each turns its parameters into a statement of
//! [`crate::journal`], runs it as the caller, and answers JSON.

pub(super) mod filters;
pub(super) mod tail;
