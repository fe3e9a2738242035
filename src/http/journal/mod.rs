//! Routes of the journal: lists, details, figures. Each turns its parameters into a statement of
//! [`crate::journal`], runs it as the caller, and answers JSON.

pub(super) mod changes;
pub(super) mod history;
pub(super) mod objects;
pub(super) mod people;
pub(super) mod run;
pub(super) mod sessions;
pub(super) mod tasks;
pub(super) mod webhooks;
