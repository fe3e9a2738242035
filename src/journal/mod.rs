//! The journal over the table: what people ask an event log, as SQL over `events`.
//!
//! ```text
//! keys of a URL or JSON ─▶ Selection (filter, period, zone) ─▶ Statement (SQL text, values) ─▶ query::Session
//! ```
//!
//! Nothing here knows HTTP or the engine: routes hand a session in and encode what comes back. Every list can
//! say the SQL that it ran, and whoever runs that SQL gets the same rows.

pub mod saved;
pub mod tail;
