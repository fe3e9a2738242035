//! Stored events: Parquet files of one Delta table per project, on local disk or an object store.
//!
//! `engine` hands over the hot rows of a project ([`Table::flush`]) and gets a [`TableVersion`] back
//! once they are durable; `query` scans the files of a version. Nothing here knows SQL.
//!
//! * [`storage`]: where tables live; [`durable`]: local disk that syncs.
//! * `order`, `layout`, `writer`, `upload`, [`index`]: from rows to a file.
//! * `blobs`: files beside a table, by their hash.
//! * `probe`: whether a store can do what commits need.
//! * `log`, `state`, `load`, `commit`, `checkpoint`, `delta`: the Delta log.
//! * `flush`, `compact` (with `merge`), `expire`, `rewrite`, `vacuum`, `purge`: what changes a table; `watch`: who follows that.
//!
//! # Invariants
//! * A version is published after its commit and every file of it are durable.
//! * Every row is in the table once: a flush is one commit, with its last `_seq` in it; rows up to
//!   that one are never written again.
//! * Rows of a file are of one date and module and in the order (`event_time` desc, `_seq` desc).
//! * Only the newest opener of a table writes it; the one before is refused at its next commit.
//! * delta-rs reads and writes checkpoints; it never commits and never optimises.

mod blobs;
mod checkpoint;
mod clock;
mod commit;
mod compact;
mod delta;
pub mod durable;
pub mod error;
mod expire;
mod flush;
pub mod index;
mod layout;
mod load;
mod log;
mod merge;
mod opened;
mod order;
mod probe;
mod purge;
mod rewrite;
mod state;
mod stats;
pub mod storage;
mod upload;
mod vacuum;
pub mod version;
mod watch;
mod writer;

pub use blobs::BlobId;
pub use clock::Clock;
pub use compact::{CompactReport, CompactWhich};
pub use error::TableError;
pub use expire::ExpireReport;
pub use flush::FlushReport;
pub use opened::{Table, TableSettings, WriterId, open_read_only};
pub use purge::PurgeReport;
pub use rewrite::{Concerned, Judged, RowEdit};
pub use storage::Storage;
pub use version::{ColumnStats, DataFile, StatValue, TableVersion, Work};
pub use watch::{Unwatched, Watch};

/// Version of the event model that this program writes; it grows when columns are appended.
pub const MODEL_VERSION: u32 = 1;

/// Commits between two checkpoints.
const CHECKPOINT_INTERVAL: u64 = 100;

#[cfg(test)]
mod tests;
