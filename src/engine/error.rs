//! What can go wrong in the engine, as a border shows it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

use super::RefusedEvent;
use super::jobs::JobError;
use crate::access::AccessError;
use crate::error::{Kind, Report};
use crate::event::mapping::MappingError;
use crate::event::names::ProjectName;
use crate::event::parse::BodyError;
use crate::event::redact::RedactError;
use crate::event::state::StateError;
use crate::journal::alerts::{AlertError, MailError};
use crate::journal::saved::SavedError;
use crate::journal::views::ViewError;
use crate::journal::webhook::OutboxError;
use crate::query::QueryError;
use crate::retention::RetentionError;
use crate::table::TableError;
use crate::wal::WalError;

/// Why the engine cannot start, or cannot do what an operator asks.
#[derive(Debug, Error)]
pub enum EngineError {
    /// The data directory cannot be used.
    #[error("cannot use `{}`", path.display())]
    Directory {
        /// File or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The data directory cannot do what the engine counts on.
    #[error("cannot use `{}` as a data directory: it cannot {what}", path.display())]
    Unfit {
        /// The directory.
        path: PathBuf,
        /// Completes "it cannot …".
        what: &'static str,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// Another process uses the data directory.
    #[error("the data directory `{}` is in use by process {pid}", path.display())]
    Locked {
        /// The directory.
        path: PathBuf,
        /// Id of that process, as it left it.
        pid: String,
    },
    /// Written by a newer program.
    #[error("`{}` has format {found}, this program knows up to {known}", path.display())]
    NewerFormat {
        /// The file.
        path: PathBuf,
        /// Its format.
        found: u32,
        /// Newest format that this program knows.
        known: u32,
    },
    /// No such project.
    #[error("there is no project `{0}`")]
    UnknownProject(ProjectName),
    /// A project of that name exists.
    #[error("the project `{0}` exists already")]
    ProjectExists(ProjectName),
    /// Batches of a project that is to be deleted do not reach the disk.
    #[error("the project `{0}` still has batches on their way to the disk")]
    ProjectBusy(ProjectName),
    /// The name is kept for the engine's own use.
    #[error("the project name `{0}` is reserved")]
    ReservedProject(ProjectName),
    /// The log.
    #[error(transparent)]
    Wal(#[from] WalError),
    /// A table.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A query.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A mapping.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// A key.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// A file of ids or answers.
    #[error(transparent)]
    State(#[from] StateError),
    /// Alerts.
    #[error(transparent)]
    Alert(#[from] AlertError),
    /// The mail server's settings.
    #[error(transparent)]
    Mail(#[from] MailError),
    /// A policy, a hold or an erasure.
    #[error(transparent)]
    Retention(#[from] RetentionError),
    /// Saved filters.
    #[error(transparent)]
    Saved(#[from] SavedError),
    /// Saved screens.
    #[error(transparent)]
    View(#[from] ViewError),
    /// Calls of other systems.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// A job of the engine.
    #[error(transparent)]
    Job(#[from] JobError),
    /// Redaction rules that cannot be used.
    #[error("cannot redact{}", of.as_ref().map(|name| format!(" in the project `{name}`")).unwrap_or_default())]
    Redaction {
        /// The project whose rules they are; none for those of all.
        of: Option<String>,
        /// What is wrong with them.
        #[source]
        source: RedactError,
    },
    /// A stored interpretation that cannot be read.
    #[error("cannot read the interpretation `{}` that the log refers to", path.display())]
    Interpretation {
        /// Its file.
        path: PathBuf,
        /// What is wrong.
        #[source]
        source: serde_json::Error,
    },
    /// The tables know more than the log.
    #[error(
        "the write-ahead log ends before event {next}, but the table of project `{project}` has events up to {stored} \
         of it: the data directory is an older copy, or the end of the log is damaged"
    )]
    OlderLog {
        /// The project.
        project: ProjectName,
        /// Last event of this log in its table.
        stored: u64,
        /// Number after the last event of the log.
        next: u64,
    },
    /// A frame that this program cannot read.
    #[error("cannot read the log frame {seq}: {reason}")]
    Frame {
        /// Its sequence number.
        seq: u64,
        /// What is wrong.
        reason: String,
    },
}

impl Report for EngineError {
    fn kind(&self) -> Kind {
        match self {
            Self::Directory { .. } | Self::Unfit { .. } | Self::Locked { .. } | Self::NewerFormat { .. } => {
                Kind::Unavailable
            }
            Self::Interpretation { .. } | Self::Frame { .. } => Kind::Unavailable,
            Self::OlderLog { .. } => Kind::Conflict,
            Self::UnknownProject(_) => Kind::NotFound,
            Self::ProjectExists(_) => Kind::Conflict,
            Self::ReservedProject(_) => Kind::Invalid,
            Self::Redaction { source, .. } => source.kind(),
            Self::ProjectBusy(_) => Kind::Unavailable,
            Self::Wal(error) => error.kind(),
            Self::Table(error) => error.kind(),
            Self::Query(error) => error.kind(),
            Self::Mapping(error) => error.kind(),
            Self::Access(error) => error.kind(),
            Self::State(error) => error.kind(),
            Self::Alert(error) => error.kind(),
            Self::Mail(_) => Kind::Invalid,
            Self::Retention(error) => error.kind(),
            Self::Saved(error) => error.kind(),
            Self::View(error) => error.kind(),
            Self::Outbox(error) => error.kind(),
            Self::Job(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Directory { .. } => "data_dir_unusable",
            Self::Unfit { .. } => "data_dir_unfit",
            Self::Locked { .. } => "data_dir_locked",
            Self::NewerFormat { .. } => "newer_format",
            Self::UnknownProject(_) => "project_not_found",
            Self::ProjectExists(_) => "project_exists",
            Self::ReservedProject(_) => "project_reserved",
            Self::ProjectBusy(_) => "project_busy",
            Self::Redaction { source, .. } => source.code(),
            Self::Interpretation { .. } => "interpretation_unreadable",
            Self::Frame { .. } => "wal_frame_unreadable",
            Self::OlderLog { .. } => "older_log",
            Self::Wal(error) => error.code(),
            Self::Table(error) => error.code(),
            Self::Query(error) => error.code(),
            Self::Mapping(error) => error.code(),
            Self::Access(error) => error.code(),
            Self::State(error) => error.code(),
            Self::Alert(error) => error.code(),
            Self::Mail(_) => "mail_settings_invalid",
            Self::Retention(error) => error.code(),
            Self::Saved(error) => error.code(),
            Self::View(error) => error.code(),
            Self::Outbox(error) => error.code(),
            Self::Job(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Directory { .. } => {
                Some("check that it exists, is writable and has space; or choose another with --data-dir".into())
            }
            Self::Unfit { .. } => {
                Some("choose a directory of a local disk that the server may write; `kronika doctor` tells more".into())
            }
            Self::Locked { .. } => Some("stop that process, or choose another directory with --data-dir".into()),
            Self::NewerFormat { .. } => Some("use the newer program that wrote it".into()),
            Self::UnknownProject(_) => {
                Some("list projects with GET /api/v1/projects, make one with POST /api/v1/projects".into())
            }
            Self::ProjectExists(_) | Self::ReservedProject(_) => Some("choose another name".into()),
            Self::Redaction { source, .. } => source.hint(),
            Self::ProjectBusy(_) => Some("nothing was deleted; look at /readyz, then try again".into()),
            Self::OlderLog { .. } => Some(
                "restore the newest log; or go on with what the tables have by `server.accept_older_log = true`: keys \
                 revoked since are valid again then, ids and answers since unknown"
                    .into(),
            ),
            Self::Interpretation { .. } | Self::Frame { .. } => {
                Some("use the program that wrote the log, or save its events with `kronika wal salvage`".into())
            }
            Self::Wal(error) => error.hint(),
            Self::Table(error) => error.hint(),
            Self::Query(error) => error.hint(),
            Self::Mapping(error) => error.hint(),
            Self::Access(error) => error.hint(),
            Self::State(error) => error.hint(),
            Self::Alert(error) => error.hint(),
            Self::Mail(_) => Some("look at [smtp] of the settings".into()),
            Self::Retention(error) => error.hint(),
            Self::Saved(error) => error.hint(),
            Self::View(error) => error.hint(),
            Self::Outbox(error) => error.hint(),
            Self::Job(error) => error.hint(),
        }
    }
}

/// Why events were not taken in; nothing of the request is stored, but for
/// [`AppendError::OutcomeUnknown`].
#[derive(Debug, Error)]
pub enum AppendError {
    /// The body as a whole cannot be read.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// No such project.
    #[error("there is no project `{0}`")]
    UnknownProject(ProjectName),
    /// The project `_audit`: only the server itself writes there.
    #[error("no key can send events to the project `{}`", ProjectName::AUDIT)]
    Reserved,
    /// The mapping does not exist or cannot be used.
    #[error(transparent)]
    Mapping(#[from] MappingError),
    /// Lines were refused, and the request wanted all or nothing; or all lines were refused.
    #[error("{rejected} of {records} events were refused, so nothing was stored")]
    Rejected {
        /// Events refused.
        rejected: u64,
        /// Events in the body.
        records: u64,
        /// Whether the sender's key is not for some of them.
        not_allowed: bool,
        /// The first of them.
        errors: Vec<RefusedEvent>,
    },
    /// The idempotency key came with other content before.
    #[error("this Idempotency-Key was used for other content")]
    KeyReused,
    /// Over the memory or log budget.
    #[error("{what} is full for now")]
    Overloaded {
        /// What is full.
        what: &'static str,
        /// Seconds after which a retry makes sense.
        retry_after_s: u64,
    },
    /// The batch can never fit, or the log is closed or broken.
    #[error(transparent)]
    Wal(WalError),
    /// The log failed while the batch was on its way to the disk.
    #[error("the batch may or may not be stored")]
    OutcomeUnknown(#[source] Arc<WalError>),
    /// A file of answers.
    #[error(transparent)]
    State(#[from] StateError),
    /// The project's redaction rules cannot be used.
    #[error(transparent)]
    Redaction(#[from] RedactError),
    /// The engine cannot keep what it needs to read the batch again.
    #[error("cannot prepare the batch for the log")]
    Prepare(#[source] io::Error),
}

impl Report for AppendError {
    fn kind(&self) -> Kind {
        match self {
            Self::Body(error) => error.kind(),
            Self::UnknownProject(_) => Kind::NotFound,
            Self::Reserved => Kind::Forbidden,
            Self::Mapping(error) => error.kind(),
            Self::Rejected { .. } => Kind::Invalid,
            Self::KeyReused => Kind::Conflict,
            Self::Overloaded { .. } => Kind::Overloaded,
            Self::Wal(error) => error.kind(),
            Self::OutcomeUnknown(_) => Kind::OutcomeUnknown,
            Self::State(error) => error.kind(),
            Self::Redaction(error) => error.kind(),
            Self::Prepare(_) => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Body(error) => error.code(),
            Self::UnknownProject(_) => "project_not_found",
            Self::Reserved => "project_reserved",
            Self::Mapping(error) => error.code(),
            Self::Rejected { .. } => "events_rejected",
            Self::KeyReused => "idempotency_key_reused",
            Self::Overloaded { .. } => "overloaded",
            Self::Wal(error) => error.code(),
            Self::OutcomeUnknown(_) => "outcome_unknown",
            Self::State(error) => error.code(),
            Self::Redaction(error) => error.code(),
            Self::Prepare(_) => "data_dir_unusable",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Body(error) => error.hint(),
            Self::UnknownProject(_) => Some("make it with POST /api/v1/projects".into()),
            Self::Reserved => Some("send them to a project of your own".into()),
            Self::Mapping(error) => error.hint(),
            Self::Rejected { .. } => {
                Some("correct the lines listed in `errors`; without `atomic=true` the good ones are stored".into())
            }
            Self::KeyReused => Some("use a new key for new content".into()),
            Self::Overloaded { .. } => Some("send it again after the time in Retry-After".into()),
            Self::Wal(error) => error.hint(),
            Self::OutcomeUnknown(_) => Some("send it again with the same Idempotency-Key".into()),
            Self::State(error) => error.hint(),
            Self::Redaction(error) => error.hint(),
            Self::Prepare(_) => Some("check the space and rights of the data directory".into()),
        }
    }
}
