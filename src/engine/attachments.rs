//! Files that belong to events, on their way in: to disk first, hashed on the way, then into the table's storage.

use std::io::{self, Write};
use std::path::Path;

use bytes::Bytes;
use futures::stream::BoxStream;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use thiserror::Error;

use super::{Engine, EngineError};
use crate::config::ByteCount;
use crate::error::{Kind, Report};
use crate::event::names::ProjectName;
use crate::table::{BlobId, TableError};

/// Why a file was not taken; nothing of it is kept.
#[derive(Debug, Error)]
pub enum AttachmentError {
    /// It is larger than `attachments.size_max`.
    #[error("the file is larger than {0}")]
    TooLarge(ByteCount),
    /// It has another hash than its sender said.
    #[error("the file has the SHA-256 {found}, not {announced}")]
    OtherContent {
        /// As sent with the file.
        announced: BlobId,
        /// As counted.
        found: BlobId,
    },
    /// The disk of the data directory has too little room.
    #[error("the disk has no room for the file")]
    DiskFull,
    /// The disk failed.
    #[error("the file cannot be kept")]
    Io(#[source] io::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] TableError),
    /// No such project.
    #[error("there is no project `{0}`")]
    UnknownProject(ProjectName),
}

impl Report for AttachmentError {
    fn kind(&self) -> Kind {
        match self {
            Self::TooLarge(_) => Kind::TooLarge,
            Self::OtherContent { .. } => Kind::Invalid,
            Self::DiskFull | Self::Io(_) => Kind::Unavailable,
            Self::Store(error) => error.kind(),
            Self::UnknownProject(_) => Kind::NotFound,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::TooLarge(_) => "attachment_too_large",
            Self::OtherContent { .. } => "attachment_differs",
            Self::DiskFull => "attachment_disk_full",
            Self::Io(_) => "data_dir_unusable",
            Self::Store(error) => error.code(),
            Self::UnknownProject(_) => "project_not_found",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::TooLarge(_) => Some("the limit is the setting `attachments.size_max`".into()),
            Self::OtherContent { .. } => Some("send it again: something changed it on the way".into()),
            Self::DiskFull => Some("make room on the disk of the data directory, then send it again".into()),
            Self::Store(error) => error.hint(),
            Self::Io(_) | Self::UnknownProject(_) => None,
        }
    }
}

/// A file that is coming in; dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Incoming {
    file: NamedTempFile,
    digest: Sha256,
    size: u64,
    size_max: ByteCount,
}

impl Incoming {
    /// Takes the next bytes. They are few, and go to the system's cache: no reason to leave the thread.
    ///
    /// # Errors
    /// The file is too large, or the disk fails.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(), AttachmentError> {
        self.size += bytes.len() as u64;
        if self.size > self.size_max.0 {
            return Err(AttachmentError::TooLarge(self.size_max));
        }
        self.digest.update(bytes);
        self.file.write_all(bytes).map_err(failed)
    }
}

/// A file that is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// SHA-256 of its bytes.
    pub id: BlobId,
    /// Their number.
    pub size: u64,
    /// Whether the same bytes were here already.
    pub known: bool,
}

fn failed(error: io::Error) -> AttachmentError {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => AttachmentError::DiskFull,
        _ => AttachmentError::Io(error),
    }
}

/// Removes what uploads of an earlier run left.
pub(super) fn sweep(dir: &Path) -> Result<(), EngineError> {
    let failed = |source| EngineError::Directory { path: dir.to_path_buf(), source };
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        std::fs::remove_file(entry.map_err(failed)?.path()).map_err(failed)?;
    }
    Ok(())
}

impl Engine {
    /// Begins to take a file in; `announced` is its size, where its sender said it.
    ///
    /// # Errors
    /// It is too large, or the disk has no room.
    pub fn begin_attachment(&self, announced: Option<u64>) -> Result<Incoming, AttachmentError> {
        let config = &self.0.shared.config;
        let size_max = config.attachments.size_max;
        if announced.is_some_and(|size| size > size_max.0) {
            return Err(AttachmentError::TooLarge(size_max));
        }
        let dir = self.0.directory.part("uploads");
        let free = super::probe::space(&dir).map_err(failed)?.free_bytes;
        if free < config.server.disk_free_min.0.saturating_add(announced.unwrap_or(0)) {
            return Err(AttachmentError::DiskFull);
        }
        let file = NamedTempFile::new_in(dir).map_err(failed)?;
        Ok(Incoming { file, digest: Sha256::new(), size: 0, size_max })
    }

    /// Stores a file that is here whole; when this returns it is durable.
    ///
    /// # Errors
    /// It is not the one that was `announced`; no such project; the store fails.
    pub async fn keep_attachment(
        &self,
        project: &ProjectName,
        incoming: Incoming,
        announced: Option<&BlobId>,
    ) -> Result<Stored, AttachmentError> {
        let Incoming { mut file, digest, size, .. } = incoming;
        let id = BlobId::of(&digest.finalize().into());
        if let Some(announced) = announced.filter(|announced| **announced != id) {
            return Err(AttachmentError::OtherContent { announced: announced.clone(), found: id });
        }
        let unknown = || AttachmentError::UnknownProject(project.clone());
        // Held until the file is in its place: a deletion comes before or after.
        let open = self.0.projects.get(project).ok_or_else(unknown)?;
        let held = open.hold_open().ok_or_else(unknown)?;
        let storage = self.0.projects.storage().clone();
        if storage.blob_size(project, &id).await? == Some(size) {
            return Ok(Stored { id, size, known: true });
        }
        let (runtime, project, blob) = (tokio::runtime::Handle::current(), project.clone(), id.clone());
        let stored = tokio::task::spawn_blocking(move || {
            let _held = held;
            file.flush().map_err(failed)?;
            storage.store_blob(&project, &blob, file.path(), &runtime).map_err(AttachmentError::from)
        });
        stored.await.map_err(|error| AttachmentError::Io(io::Error::other(error)))??;
        Ok(Stored { id, size, known: false })
    }

    /// Size of a stored file; `None` where there is none.
    ///
    /// # Errors
    /// The store fails.
    pub async fn attachment_size(&self, project: &ProjectName, id: &BlobId) -> Result<Option<u64>, EngineError> {
        Ok(self.0.projects.storage().blob_size(project, id).await?)
    }

    /// Bytes `range` of a stored file.
    ///
    /// # Errors
    /// There is none, or the store fails.
    pub async fn read_attachment(
        &self,
        project: &ProjectName,
        id: &BlobId,
        range: std::ops::Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, TableError>>, EngineError> {
        Ok(self.0.projects.storage().read_blob(project, id, range).await?)
    }
}
