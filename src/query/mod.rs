//! SQL over one project: hot batches and stored files as the one table `events`.
//!
//! A request builds a [`Session`] over a [`Snapshot`], which sees every event exactly once, and
//! gets an [`Answer`]: a stream of batches in types of our own, which [`encode`] turns into one of the
//! output formats. Planning and execution are DataFusion's; what is ours is the scan (which files and
//! batches, in which order), the session and its limits, the answer, and the named queries.
//!
//! # Invariants
//! * A session knows one project's snapshot and nothing else: no files, no settings, no other project.
//! * Of a restricted reader's rows and columns it knows the visible ones only (`restrict`).
//! * Only queries are run, and EXPLAIN of them.
//! * An answer that was cut says so; a failed one ends in an error, never like a complete one.

mod answer;
mod dialect;
mod error;
mod filters;
mod guard;
mod hot;
mod live;
pub mod named;
mod newest;
mod normalise;
mod output;
mod params;
mod provider;
mod prune;
mod restrict;
mod runtime;
mod scan;
mod session;
mod shape;
mod stored;
mod turn;
mod types;
mod views;

use std::sync::Arc;

pub use answer::{Answer, End, Outcome, Stats};
pub use error::{NameOf, Position, QueryError};
pub use guard::Fenced;
pub use live::{LiveBatch, LiveColumns, LiveFilter, ObjectWriter, integers};
pub(crate) use guard::{give_way, resident_bytes};
pub use output::{Format, encode};
pub use params::Params;
pub use restrict::{Reader, Restriction};
pub use runtime::{Runtime, Stages};
pub use session::{Limits, Session};
pub use shape::{Shape, shape_of};
pub use turn::Turn;
pub use types::OutColumn;
pub use views::{View, views};

use crate::hot::HotBatch;
use crate::table::version::TableVersion;

/// What a query sees: a table version and the hot batches that are not in it, taken together.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Stored files.
    pub table: Arc<TableVersion>,
    /// Events not yet stored.
    pub hot: Vec<Arc<HotBatch>>,
}

#[cfg(test)]
mod tests;
