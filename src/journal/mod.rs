//! The journal over the table: what people ask an event log, as SQL over `events`.
//!
//! ```text
//! keys of a URL or JSON ─▶ Selection (filter, period, zone) ─▶ Statement (SQL text, values) ─▶ query::Session
//! ```
//!
//! Nothing here knows HTTP or the engine: routes hand a session in and encode what comes back. Every list can
//! say the SQL that it ran, and whoever runs that SQL gets the same rows.

pub mod alerts;
pub mod catalog;
pub mod changes;
mod columns;
mod compile;
mod cursor;
pub mod detail;
mod dimension;
mod error;
pub mod exports;
mod field;
pub mod figures;
pub mod files;
mod filter;
pub mod kept;
pub mod list;
pub mod lookup;
pub mod objects;
pub mod people;
mod period;
mod picked;
pub mod rows;
pub mod saved;
pub mod screens;
mod selection;
pub mod sessions;
mod statement;
pub mod tail;
pub mod tasks;
pub mod tree;
pub mod views;
pub mod webhook;

pub use columns::{LONG, columns, shown, single};
pub use compile::Values;
pub use error::JournalError;
pub use field::{Field, FieldInfo, Word, fields};
pub use filter::{Condition, Filter, Operator, Term};
pub use period::{Bounds, Named, Period, minute};
pub use selection::Selection;
pub use statement::Statement;
