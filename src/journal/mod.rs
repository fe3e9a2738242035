//! The journal over the table: what people ask an event log, as SQL over `events`.
//!
//! ```text
//! keys of a URL or JSON ─▶ Selection (filter, period, zone) ─▶ Statement (SQL text, values) ─▶ query::Session
//! ```
//!
//! Nothing here knows HTTP or the engine: routes hand a session in and encode what comes back. Every list can
//! say the SQL that it ran, and whoever runs that SQL gets the same rows.

pub mod changes;
pub mod lookup;
pub mod objects;
pub mod people;
mod picked;
pub mod rows;
pub mod sessions;
pub mod tasks;
pub mod tree;
pub mod webhook;

/// TEMP until the shared core is merged.
pub fn columns(hidden: &[String]) -> String {
    let all = crate::event::model::COLUMNS.iter().map(|column| column.name).filter(|name| !hidden.iter().any(|h| h == name));
    let mut all: Vec<&str> = all.collect();
    all.push("_seq");
    all.join(", ")
}
