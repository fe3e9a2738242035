//! The event model: what an event is, and how JSON becomes columns.
//!
//! `http` hands over bodies, this module turns them into column builders; `wal` and `hot` take it
//! from there. Inside, a record takes this way:
//!
//! ```text
//! body ─▶ record (find fields) ─▶ fill (rules of a plan: convert, lists, attributes, derive) ─▶ columns
//! ```

pub mod attributes;
pub mod calendar;
pub mod columns;
pub mod convert;
pub mod dedup;
pub mod derive;
pub mod fill;
pub mod globs;
pub mod interpretation;
pub mod json;
pub(crate) mod leb128;
mod lists;
pub mod mapping;
pub mod model;
pub mod names;
pub mod parse;
pub mod plan;
pub mod receipts;
pub mod record;
pub mod redact;
pub mod schema;
pub mod state;
pub mod time;
