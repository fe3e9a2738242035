//! Exports: events of a filter, or the rows of a query, as one file; made in the background, however long it takes.
//!
//! ```text
//! NewExport ─▶ Spec ─▶ Plan (windows of days, counted) ─▶ run: query a window ─▶ chunks ─▶ sink ─▶ checkpoint ─▶ file
//! ```
//!
//! A filter's rows come in the total order (`event_time`, `_seq`) up to the largest `_seq` of the moment the export was
//! asked for, so that a run can go on behind the last row of its last checkpoint, also in another process. Rows of a
//! query have no such order: after a restart they are asked for again.
//!
//! # Invariants
//! * A checkpoint names only bytes that are on disk; what lies behind them is overwritten.
//! * Where the file is cut into chunks depends on the rows alone: an interrupted export has the bytes of one that
//!   was not.
//! * Memory holds a chunk and what a query needs, however many rows there are.

mod archive;
mod bundle;
mod canonical;
mod chunks;
mod error;
mod files;
mod plan;
mod record;
mod rows;
mod run;
mod spec;
mod told;

pub use error::ExportError;
pub(crate) use files::{clear, clear_parts, file_of};
pub use record::{By, Cursor, Export, ExportId, Failure, FileInfo, Progress, Status};
pub use run::{Ended, Job, Surroundings};
pub use spec::{ExportFormat, NewExport, Order, Spec, What};
pub use told::{told, word_count};

#[cfg(test)]
mod tests;
