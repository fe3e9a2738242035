//! What can go wrong in the log, and who must act.
//!
//! A refused append ([`WalError::TooLarge`], [`WalError::Full`], [`WalError::NoSegment`]) left no
//! trace in the log. Only [`WalError::Write`] leaves the outcome open.

use std::error::Error;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Serialize;
use thiserror::Error;

use crate::error::{Kind, Report};

/// Why the log cannot take, replay or show frames.
#[derive(Debug, Error)]
#[expect(missing_docs, reason = "the message says what each field is")]
pub enum WalError {
    /// The frame can never fit, however empty the log is.
    #[error("frame of {size} bytes exceeds the log's limit of {limit} bytes")]
    TooLarge { size: u64, limit: u64 },
    /// The disk set aside for the log is used up by frames that no table holds yet.
    #[error("the log uses {used} of {limit} bytes and has no room for the frame")]
    Full { used: u64, limit: u64 },
    /// No new segment file can be made; tried again by itself, nothing was written.
    #[error("the log has no segment to write to")]
    NoSegment {
        #[source]
        cause: Arc<WalError>,
    },
    /// A write failed earlier; the log takes nothing more until a restart.
    #[error("the log takes no more frames since a write failed")]
    Broken {
        #[source]
        cause: Arc<WalError>,
    },
    /// The log is being closed.
    #[error("the log is closed")]
    Closed,
    /// A write or sync failed: the frames of that group may be on disk or not.
    #[error("cannot {action} log segment `{}`", path.display())]
    Write {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// A thread of the log panicked; what became of the frames it had is not known.
    #[error("a thread of the log stopped")]
    Stopped,
    /// A file or directory of the log cannot be read, made or renamed.
    #[error("cannot {action} `{}`", path.display())]
    Io {
        action: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    /// Damage that no torn last write explains; acknowledged frames may be lost behind it.
    #[error("log segment `{}` is damaged at byte {offset}: {damage}", path.display())]
    Corrupt { path: PathBuf, offset: u64, damage: Damage },
    /// A segment between others is not there.
    #[error("log segment `{}` is missing", path.display())]
    MissingSegment { path: PathBuf },
    /// Written by another release.
    #[error("log segment `{}` has format {found}; this release reads format {known}", path.display())]
    Version { path: PathBuf, found: u32, known: u32 },
    /// The receiver of replayed frames refused one.
    #[error("frame {seq} of `{}` could not be replayed", path.display())]
    Replay {
        path: PathBuf,
        seq: u64,
        #[source]
        source: Box<dyn Error + Send + Sync>,
    },
}

/// What is wrong at one place of a segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error, Serialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the message says what each field is")]
pub enum Damage {
    /// No frame header stands where one must.
    #[error("no valid frame header")]
    Head,
    /// A frame of an earlier use of the file, or of another file.
    #[error("the frame belongs to another segment")]
    Foreign,
    /// The frame is longer than the file.
    #[error("the frame reaches past the end of the file")]
    CutShort,
    /// The payload's checksum differs.
    #[error("the frame's checksum does not match")]
    Payload,
    /// The project name breaks its grammar.
    #[error("the frame's project name is invalid")]
    Project,
    /// The frame does not follow the one before it.
    #[error("frames are missing or doubled: sequence {expected} should come next, {found} does")]
    Gap { expected: u64, found: u64 },
    /// The file does not start as a segment.
    #[error("no valid segment header")]
    SegmentHead,
    /// The header names another segment than the file name: a copy or a renamed file.
    #[error("the file holds segment {found}: a copied or renamed file")]
    Misnamed { found: u64 },
}

impl WalError {
    /// Wraps a failed file operation; `action` completes "cannot …".
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    /// Wraps a failed write to the log itself.
    pub(super) fn write(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Write { action, path, source }
    }
}

impl Report for WalError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::Full { .. } => Kind::Overloaded,
            Self::NoSegment { .. } | Self::Broken { .. } | Self::Closed | Self::Io { .. } => Kind::Unavailable,
            Self::Write { .. } | Self::Stopped => Kind::OutcomeUnknown,
            Self::Corrupt { .. } | Self::MissingSegment { .. } | Self::Version { .. } => Kind::Unavailable,
            Self::Replay { .. } => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "batch_too_large",
            Self::Full { .. } => "wal_full",
            Self::NoSegment { .. } => "wal_disk_full",
            Self::Broken { .. } => "wal_broken",
            Self::Closed => "shutting_down",
            Self::Write { .. } | Self::Stopped => "outcome_unknown",
            Self::Io { .. } => "wal_io",
            Self::Corrupt { .. } | Self::MissingSegment { .. } => "wal_corrupt",
            Self::Version { .. } => "wal_version",
            Self::Replay { .. } => "wal_replay",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge { limit, .. } => {
                Some(format!("split the batch; the limit of {limit} bytes follows `wal.size_max`"))
            }
            Self::Full { .. } => Some("repeat later: flushing makes room; `wal.size_max` sets the limit".into()),
            Self::NoSegment { .. } => {
                Some("free disk space below the data directory; the log goes on by itself".into())
            }
            Self::Broken { .. } => Some("check the disk, then restart; queries go on meanwhile".into()),
            Self::Closed => Some("repeat after the restart".into()),
            Self::Write { .. } | Self::Stopped => Some("repeat with the same Idempotency-Key".into()),
            Self::Io { .. } => Some("check that the data directory exists, is writable and has space".into()),
            Self::Corrupt { path, .. } | Self::MissingSegment { path } => Some(salvage_hint(path)),
            Self::Version { .. } => Some("start the release that wrote it and let it flush, or use a newer one".into()),
            Self::Replay { .. } => None,
        }
    }
}

fn salvage_hint(segment: &Path) -> String {
    let dir = segment.parent().unwrap_or(Path::new("."));
    format!(
        "restore the file, or save the readable frames with `kronika wal salvage {} OUT`, move the log directory aside \
         and put OUT into a new one as `{}`",
        dir.display(),
        super::segment::file_name(super::salvage::SALVAGED_ID),
    )
}
