//! The event model: what an event is, and how JSON becomes columns.
//!
//! `http` hands over bodies, this module turns them into column builders; `wal` and `hot` take it
//! from there.

pub mod model;
pub mod names;
pub mod schema;
