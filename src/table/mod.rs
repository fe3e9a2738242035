//! Stored events: Parquet files of one Delta table per project, on local disk or an object store.
//!
//! `engine` hands over the hot rows of a project ([`Table::flush`]) and gets a [`TableVersion`] back
//! once they are durable; `query` scans the files of a version. Nothing here knows SQL.
//!
//! * [`storage`]: where tables live; [`durable`]: local disk that syncs.
//! * `stores`, `link`, `remote`, `reads`, [`cache`], [`requests`]: object stores, what is asked of them, what
//!   is kept of their answers.
//! * `order`, `layout`, `writer`, `upload`, [`index`]: from rows to a file.
//! * `sums`, `checked`, `seals` (of checkpoints): checksums made while a file is written, compared whenever it is read.
//! * `blobs`: files beside a table, by their hash.
//! * `verify`: looks at a table and changes nothing; `parts`, `copy`: what it is made of, for copies.
//! * `transfer`, `moving`: tables on their way to another place.
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
pub mod cache;
mod checked;
mod checkpoint;
mod clock;
mod commit;
mod compact;
mod copy;
mod damage;
mod delta;
pub mod durable;
pub mod error;
mod expire;
mod flush;
pub mod index;
mod layout;
mod link;
mod load;
mod log;
mod merge;
mod moving;
mod opened;
mod order;
mod parts;
mod probe;
mod purge;
mod reads;
mod remote;
pub mod requests;
mod rewrite;
mod seals;
mod state;
mod stats;
pub mod storage;
mod stores;
mod sums;
mod transfer;
mod upload;
mod vacuum;
mod verify;
pub mod version;
mod watch;
mod writer;

pub use blobs::BlobId;
pub use cache::CacheSettings;
pub use checked::Checked;
pub use clock::Clock;
pub use compact::{CompactReport, CompactWhich};
pub use copy::{Print, Source, copy};
pub use damage::{DamageLog, FileDamage};
pub use durable::create_synced;
pub use error::TableError;
pub use expire::ExpireReport;
pub use flush::FlushReport;
pub use link::{Away, Link};
pub use opened::{Table, TableSettings, WriterId, open_read_only};
pub use parts::TableParts;
pub use purge::PurgeReport;
pub use reads::Reads;
pub use requests::{Requests, Tally, observed};
pub use rewrite::{Concerned, Judged, RowEdit};
pub use stats::FileStats;
pub use storage::Storage;
pub use stores::RemoteSettings;
pub use sums::Sums;
pub use transfer::{Copied, Progress, copy_project};
pub use verify::{CheckError, TableCheck, check_blocks, check_file};
pub use version::{ColumnStats, DataFile, StatValue, TableVersion, Work};
pub use watch::{Unwatched, Watch};

/// Version of the event model that this program writes; it grows when columns are appended.
pub const MODEL_VERSION: u32 = 1;

/// Commits between two checkpoints.
const CHECKPOINT_INTERVAL: u64 = 100;

#[cfg(test)]
mod tests;
