//! Why an export is refused, or failed.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::config::ByteCount;
use crate::error::{Kind, Report};
use crate::journal::JournalError;
use crate::query::QueryError;
use crate::table::TableError;

/// Why an export is refused, or failed.
#[derive(Debug, Error)]
pub enum ExportError {
    /// What was asked for contradicts itself.
    #[error("{0}")]
    Invalid(String),
    /// The filter is none.
    #[error(transparent)]
    Filter(#[from] JournalError),
    /// The query is none, or failed.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A stored file cannot be read.
    #[error(transparent)]
    Table(#[from] TableError),
    /// There is none of that id for this caller.
    #[error("there is no export `{0}`")]
    NotFound(String),
    /// It has no file.
    #[error("the export is {0}: it has no file")]
    NotReady(&'static str),
    /// The project has as many exports waiting as it may.
    #[error("{0} exports of the project run or wait already")]
    Busy(usize),
    /// The files of all exports are as large as they may be.
    #[error("the files of all exports take {used}; {limit} at most")]
    Budget {
        /// What they take.
        used: ByteCount,
        /// `exports.disk_max`.
        limit: ByteCount,
    },
    /// The disk has too little room.
    #[error("the disk has {free} left; exports leave {reserve} to the log")]
    DiskFull {
        /// Free space.
        free: ByteCount,
        /// `exports.disk_reserve`.
        reserve: ByteCount,
    },
    /// An archive would have too many files.
    #[error("the archive would have more than {0} files")]
    TooManyFiles(u64),
    /// A file cannot be written or read.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The format cannot hold the rows.
    #[error("the rows cannot be written in this format")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The engine stops, or the export was canceled.
    #[error("the export was stopped")]
    Stopped,
}

impl ExportError {
    /// Names the file of a failed operation.
    pub(super) fn io(path: &Path) -> impl Fn(io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Self::Io { path: path.clone(), source }
    }

    pub(super) fn encode(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self::Encode(Box::new(error))
    }

    /// Whether trying again later may help, with nothing changed by anybody.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Query(error) => matches!(error.kind(), Kind::Overloaded | Kind::Unavailable),
            Self::Table(error) => error.kind() == Kind::Unavailable,
            _ => false,
        }
    }
}

impl Report for ExportError {
    fn kind(&self) -> Kind {
        match self {
            Self::Invalid(_) => Kind::Invalid,
            Self::Filter(error) => error.kind(),
            Self::Query(error) => error.kind(),
            Self::Table(error) => error.kind(),
            Self::NotFound(_) => Kind::NotFound,
            Self::NotReady(_) => Kind::Conflict,
            Self::Busy(_) => Kind::Overloaded,
            Self::Budget { .. } | Self::DiskFull { .. } | Self::Io { .. } => Kind::Unavailable,
            Self::TooManyFiles(_) => Kind::TooLarge,
            Self::Encode(_) => Kind::Internal,
            Self::Stopped => Kind::Canceled,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Invalid(_) => "invalid_export",
            Self::Filter(error) => error.code(),
            Self::Query(error) => error.code(),
            Self::Table(error) => error.code(),
            Self::NotFound(_) => "export_not_found",
            Self::NotReady(_) => "export_not_ready",
            Self::Busy(_) => "exports_busy",
            Self::Budget { .. } | Self::DiskFull { .. } => "export_disk_full",
            Self::TooManyFiles(_) => "export_too_many_files",
            Self::Io { .. } => "export_io",
            Self::Encode(_) => "export_encoding",
            Self::Stopped => "canceled",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Filter(error) => error.hint(),
            Self::Query(error) => error.hint(),
            Self::Table(error) => error.hint(),
            Self::Invalid(_) => Some("see POST /api/v1/exports in /api/docs".into()),
            Self::NotReady(_) => Some("wait until its `status` is `done`".into()),
            Self::Busy(_) => {
                Some("wait until one of them is done, or cancel one; the limit is `exports.waiting_max`".into())
            }
            Self::Budget { .. } => Some("remove exports that are not needed; the limit is `exports.disk_max`".into()),
            Self::DiskFull { .. } => Some("make room on the disk of the data directory".into()),
            Self::TooManyFiles(_) => Some("narrow the filter, or export rows; the limit is `exports.files_max`".into()),
            Self::NotFound(_) | Self::Io { .. } | Self::Encode(_) | Self::Stopped => None,
        }
    }
}
