//! Why a backup cannot be taken or restored.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::engine::EngineError;
use crate::error::{Kind, Report};
use crate::event::names::ProjectName;
use crate::table::TableError;
use crate::wal::WalError;

/// Why a backup cannot be taken or restored.
#[derive(Debug, Error)]
pub enum BackupError {
    /// A table or a store.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The log.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// The directory.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A file cannot be read or written.
    #[error("cannot copy `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The log or the tables changed faster than they could be read.
    #[error("the server changes its files faster than they can be copied ({0} tries)")]
    Restless(usize),
    /// No backup of that id, or none at all.
    #[error("there is no backup {}at this place", id.as_ref().map(|id| format!("`{id}` ")).unwrap_or_default())]
    Missing {
        /// The id that was asked for.
        id: Option<String>,
    },
    /// The list of a backup's files is damaged, or of a newer program.
    #[error("the manifest of backup `{id}` cannot be used: {what}")]
    Manifest {
        /// The backup.
        id: String,
        /// What is wrong.
        what: String,
    },
    /// A server has used the directory already.
    #[error("`{}` is a data directory already", .0.display())]
    Used(PathBuf),
    /// The store has a later state of the table than the backup.
    #[error(
        "the store has version {theirs} of the table of `{project}`, the backup has {ours}: restoring it would lose \
         what came after"
    )]
    Older {
        /// The project.
        project: ProjectName,
        /// Version in the backup.
        ours: u64,
        /// Version in the store.
        theirs: u64,
    },
    /// The store has a table that is another one, or not in the backup at all.
    #[error("the store has another table of `{0}` than the backup")]
    Foreign(ProjectName),
}

impl BackupError {
    pub(super) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }
}

impl Report for BackupError {
    fn kind(&self) -> Kind {
        match self {
            Self::Table(error) => error.kind(),
            Self::Wal(error) => error.kind(),
            Self::Engine(error) => error.kind(),
            Self::Missing { .. } => Kind::NotFound,
            Self::File { .. } | Self::Restless(_) | Self::Manifest { .. } => Kind::Unavailable,
            Self::Used(_) | Self::Older { .. } | Self::Foreign(_) => Kind::Conflict,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Table(error) => error.code(),
            Self::Wal(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Missing { .. } => "backup_not_found",
            Self::File { .. } => "backup_io",
            Self::Restless(_) => "backup_restless",
            Self::Manifest { .. } => "backup_damaged",
            Self::Used(_) => "backup_directory_used",
            Self::Older { .. } => "backup_older",
            Self::Foreign(_) => "backup_foreign",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Table(error) => error.hint(),
            Self::Wal(error) => error.hint(),
            Self::Engine(error) => error.hint(),
            Self::File { .. } => None,
            Self::Restless(_) => Some("take it again at a quieter time".into()),
            Self::Missing { .. } => Some("`kronika restore --list FROM` shows those that are there".into()),
            Self::Manifest { .. } => Some("restore another backup of the list".into()),
            Self::Used(_) => Some("name a directory that does not exist yet with --data-dir".into()),
            Self::Older { .. } | Self::Foreign(_) => {
                Some("restore into an empty place (`storage.url`), or take the newest backup of this store".into())
            }
        }
    }
}
