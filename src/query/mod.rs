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
mod describe;
mod dialect;
mod error;
mod filters;
mod functions;
mod guard;
mod hot;
mod ledger;
mod live;
mod local_limit;
pub mod named;
mod normalise;
mod output;
mod params;
mod partial;
mod partials;
mod provider;
mod prune;
mod readers;
mod restrict;
mod runtime;
mod scan;
mod session;
mod shape;
mod stored;
mod time_order;
mod turn;
mod types;
mod views;

use std::sync::Arc;

pub use answer::{Answer, End, Outcome, Stats};
pub use describe::{ColumnDescription, Description, FunctionDescription, TableDescription};
pub(crate) use error::nearest;
pub use error::{NameOf, Position, QueryError};
pub use guard::Fenced;
pub(crate) use guard::resident_bytes;
pub use ledger::{Ledger, LedgerRow};
pub use live::{LiveBatch, LiveColumns, LiveFilter, ObjectWriter, integers};
pub(crate) use normalise::Normaliser;
pub(crate) use output::cell::Cell;
pub use output::{Encoding, Format, encode, objects};
pub use params::Params;
pub use partial::Missing;
pub use restrict::{ObjectRules, Reader, Restriction, RowRules};
pub use runtime::{Runtime, Stages};
pub use session::{Limits, Session};
pub use shape::{Shape, shape_of};
pub use turn::Turn;
pub use types::OutColumn;
pub use views::{View, views};

use xxhash_rust::xxh3::Xxh3;

use crate::event::columns::DAY_US;
use crate::event::schema::SEQ_AT;
use crate::hot::HotBatch;
use crate::table::version::{StatValue, TableVersion};

/// What a query sees: a table version and the hot batches that are not in it, taken together.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// Stored files.
    pub table: Arc<TableVersion>,
    /// Events not yet stored.
    pub hot: Vec<Arc<HotBatch>>,
}

impl Snapshot {
    /// The newest `_seq` that it holds, as far as files say; 0 without any.
    #[must_use]
    pub fn newest_seq(&self) -> i64 {
        let hot = self.hot.iter().map(|batch| batch.last_seq);
        let stored = self.table.files.iter().filter_map(|file| match file.stats_of(SEQ_AT)?.max {
            Some(StatValue::I64(seq)) => Some(seq),
            _ => None,
        });
        hot.chain(stored).max().unwrap_or(0)
    }

    /// A number that stays the same as long as nothing changes about the events between two instants (µs).
    #[must_use]
    pub fn fingerprint(&self, from_us: Option<i64>, to_us: Option<i64>) -> u64 {
        let overlaps = |min: i64, max: i64| from_us.is_none_or(|from| max >= from) && to_us.is_none_or(|to| min < to);
        let mut hash = Xxh3::new();
        for batch in self.hot.iter().filter(|batch| overlaps(batch.time_min, batch.time_max)) {
            hash.update(&batch.last_seq.to_le_bytes());
            hash.update(&batch.rows.num_rows().to_le_bytes());
        }
        let day = |us: i64| us.div_euclid(DAY_US);
        for file in &self.table.files {
            let date = i64::from(file.date);
            if from_us.is_none_or(|from| date >= day(from)) && to_us.is_none_or(|to| date <= day(to)) {
                hash.update(file.path.as_bytes());
            }
        }
        hash.digest()
    }
}

#[cfg(test)]
mod tests;
