//! What can go wrong with a table, by who must act.

use thiserror::Error;

use super::damage::FileDamage;
use super::version::DataFile;
use crate::error::{Kind, Report};
use crate::event::names::ProjectName;

/// Why a table could not be read or written.
#[derive(Debug, Error)]
pub enum TableError {
    /// Whoever watched the work asked for its end.
    #[error("the work on the table was canceled")]
    Canceled,
    /// The root is no usable URL or path.
    #[error("`{url}` cannot be used as the place of tables: {what}")]
    Location {
        /// The root as it was given.
        url: String,
        /// What is wrong with it.
        what: String,
    },
    /// The object store or disk failed before anything was committed.
    #[error("cannot {action} `{path}`")]
    Store {
        /// What was tried, as a verb.
        action: &'static str,
        /// Path in the store.
        path: String,
        /// The store's error.
        #[source]
        source: object_store::Error,
    },
    /// A sync to disk failed earlier; nothing written since can be trusted.
    #[error("the disk refused to sync; the store takes no more writes")]
    SyncFailed,
    /// Nobody knows whether the commit is in the log.
    #[error("the commit of version {version} may or may not have been stored")]
    OutcomeUnknown {
        /// Version of the Delta log that was tried.
        version: u64,
        /// The store's error.
        #[source]
        source: object_store::Error,
    },
    /// The last flush's outcome is not known yet; the next flush settles it.
    #[error("the last flush is not settled yet")]
    Unsettled,
    /// Another process has taken over the table.
    #[error("another writer took over the table of project `{project}` (epoch {theirs}, ours {ours})")]
    Fenced {
        /// The project.
        project: ProjectName,
        /// The newer epoch.
        theirs: i64,
        /// Our epoch.
        ours: i64,
    },
    /// Too many commits of others in a row.
    #[error("other writers won {0} versions in a row")]
    Contended(usize),
    /// A file of the log is damaged or missing.
    #[error("log file `{file}` {what}")]
    DamagedLog {
        /// Path in the store.
        file: String,
        /// What is wrong with it.
        what: String,
    },
    /// The table was written by a newer version of Kronika.
    #[error("the table has event model {found}, this program knows models up to {known}")]
    NewerModel {
        /// Version in the table.
        found: u32,
        /// Version of this program.
        known: u32,
    },
    /// The table was not made by Kronika, or another tool changed what it is.
    #[error("the table at `{table}` {what}")]
    Foreign {
        /// Root of the table.
        table: String,
        /// What does not fit.
        what: String,
    },
    /// Tables are on their way to the place; a server there would lack some of their events.
    #[error("the tables are not all at `{place}` yet: `kronika move` from `{from}` has not come to its end")]
    HalfMoved {
        /// The place.
        place: String,
        /// Where they come from.
        from: String,
    },
    /// There is no table.
    #[error("project `{0}` has no table")]
    Missing(ProjectName),
    /// delta-rs refused to read or checkpoint the log.
    #[error("cannot {action} the Delta log of `{table}`")]
    Delta {
        /// What was tried, as a verb.
        action: &'static str,
        /// Root of the table.
        table: String,
        /// The library's error.
        #[source]
        source: Box<deltalake_core::DeltaTableError>,
    },
    /// A data file could not be encoded or decoded.
    #[error("cannot {action} data file `{path}`")]
    Parquet {
        /// What was tried, as a verb.
        action: &'static str,
        /// Path in the store.
        path: String,
        /// The library's error.
        #[source]
        source: parquet::errors::ParquetError,
    },
    /// Rows could not be gathered into a file.
    #[error("cannot gather rows")]
    Arrow(#[from] arrow::error::ArrowError),
    /// A data file does not hold what the log says.
    #[error("data file `{path}` {what}")]
    DamagedFile {
        /// Path from the table's root.
        path: String,
        /// What is wrong with it.
        what: String,
    },
    /// A caller broke an agreement.
    #[error("{0}")]
    Misuse(String),
    /// A worker thread ended without an answer.
    #[error("a table worker stopped")]
    Worker(#[from] tokio::task::JoinError),
}

impl TableError {
    pub(super) fn store(action: &'static str, path: impl ToString, source: object_store::Error) -> Self {
        Self::Store { action, path: path.to_string(), source }
    }

    /// What ended the reading of a live file: its damage, or the store.
    pub(super) fn reading_file(file: &DataFile, source: object_store::Error) -> Self {
        match FileDamage::of_read(file, &source) {
            Some(FileDamage { path, what }) => Self::DamagedFile { path, what },
            None => Self::store("read", &file.location, source),
        }
    }

    /// What ended the reading of a copy of a file: its damage, or the store.
    pub(super) fn reading(location: impl ToString, source: object_store::Error) -> Self {
        match FileDamage::behind(&source) {
            Some(FileDamage { path, what }) => Self::DamagedFile { path: path.clone(), what: what.clone() },
            None => Self::store("read", location, source),
        }
    }

    pub(super) fn damaged_log(file: impl ToString, what: impl Into<String>) -> Self {
        Self::DamagedLog { file: file.to_string(), what: what.into() }
    }
}

impl Report for TableError {
    fn kind(&self) -> Kind {
        match self {
            Self::Canceled => Kind::Canceled,
            Self::Location { .. } => Kind::Invalid,
            Self::Missing(_) => Kind::NotFound,
            Self::Fenced { .. } | Self::Foreign { .. } | Self::HalfMoved { .. } => Kind::Conflict,
            Self::NewerModel { .. } => Kind::Unavailable,
            Self::OutcomeUnknown { .. } => Kind::OutcomeUnknown,
            Self::Store { .. } | Self::SyncFailed | Self::Unsettled | Self::Contended(_) | Self::DamagedLog { .. } => {
                Kind::Unavailable
            }
            Self::Delta { .. } | Self::DamagedFile { .. } => Kind::Unavailable,
            Self::Parquet { .. } | Self::Arrow(_) | Self::Misuse(_) | Self::Worker(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Canceled => "table_work_canceled",
            Self::Location { .. } => "table_location",
            Self::Store { .. } => "table_store_failed",
            Self::SyncFailed => "table_sync_failed",
            Self::OutcomeUnknown { .. } => "table_commit_unknown",
            Self::Unsettled => "table_unsettled",
            Self::Fenced { .. } => "table_fenced",
            Self::Contended(_) => "table_contended",
            Self::DamagedLog { .. } => "table_log_damaged",
            Self::NewerModel { .. } => "table_newer_model",
            Self::Foreign { .. } => "table_foreign",
            Self::HalfMoved { .. } => "table_half_moved",
            Self::Missing(_) => "table_not_found",
            Self::Delta { .. } => "table_delta_failed",
            Self::Parquet { .. } => "table_parquet_failed",
            Self::Arrow(_) => "table_arrow_failed",
            Self::DamagedFile { .. } => "table_file_damaged",
            Self::Misuse(_) => "table_misuse",
            Self::Worker(_) => "table_worker_stopped",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Location { .. } => {
                Some("set `storage.url` to a directory, file://, s3://, gs:// or az:// URL".into())
            }
            Self::Store { .. } => Some("check the disk or the object store and its credentials".into()),
            Self::SyncFailed => {
                Some("check the disk, then restart: acknowledged events are in the write-ahead log".into())
            }
            Self::Fenced { .. } => {
                Some("stop one of the two servers that use this storage, then restart the other".into())
            }
            Self::DamagedLog { .. } => {
                Some("restore the file from a backup; a torn newest version may be moved away by hand".into())
            }
            Self::NewerModel { .. } => Some("start a newer version of Kronika".into()),
            Self::HalfMoved { .. } => Some(
                "start no server there: stop the one at the old place, run `kronika move` again with its settings, then \
                 set `storage.url`"
                    .into(),
            ),
            Self::Foreign { .. } => Some("let other tools read the table, not write to it".into()),
            Self::OutcomeUnknown { .. } | Self::Unsettled | Self::Contended(_) | Self::Missing(_) => None,
            Self::Delta { .. } | Self::Parquet { .. } | Self::Arrow(_) | Self::DamagedFile { .. } => None,
            Self::Misuse(_) | Self::Worker(_) | Self::Canceled => None,
        }
    }
}
