//! Backups: a data directory and its tables at one moment, in another place; and back.
//!
//! ```text
//! PLACE/store/projects/…            files of tables, the same for all backups: none ever changes
//! PLACE/backups/ID/data/…           state files and the log as they were
//! PLACE/backups/ID/manifest.json    all files with their checksums; written last, sealed
//! ```
//!
//! A backup only reads, needs no lock and may be taken while a server writes. What makes it one moment is the
//! order: **ids and answers**, then the **tables' versions**, then the **log**. An event of a copied table is in
//! the copied ids, or its frame is in the copied log and replay notes it again, as long as the log gave up no
//! segment in between; where it did, all three are read again. Every event that was acknowledged before the
//! backup began is in it.
//!
//! Later backups into the same place copy what is new. A file of a table is compared with its checksums on the way.

mod error;
mod manifest;
mod restore;
mod take;

use serde::Serialize;

pub use error::BackupError;
pub use manifest::list;
pub use restore::restore;
pub use take::backup;

/// What a backup or a restore did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// Id of the backup.
    pub id: String,
    /// When it was taken, in RFC 3339.
    pub taken_at: String,
    /// Tables in it.
    pub tables: u64,
    /// Events in these tables; those that only the log has are not counted.
    pub events: u64,
    /// All files of it.
    pub files: u64,
    /// Their size.
    pub bytes: u64,
    /// Files that were copied now, the others being there already.
    pub copied_files: u64,
    /// Their size.
    pub copied_bytes: u64,
}
