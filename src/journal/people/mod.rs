//! People: who acts under an id or an e-mail, and which visitors turned out to be who.
//!
//! An actor is what the sources say: an id or an e-mail, both as they stand in each event, so that a later rename
//! takes nothing away. A visitor is followed further: the visits of an id before its e-mail was known, the other
//! visitor ids of that e-mail, and what it did as a customer are one history.

mod actors;
mod visitors;

pub use actors::{Actor, actor, actor_filter, actor_statement};
pub use visitors::{Identity, Links, VISITOR_LINKS_MAX, follow, visitor_statement, visitor_summary};
