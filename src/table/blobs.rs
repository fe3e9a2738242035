//! Files beside a project's table, each under the SHA-256 of its bytes: the same content is kept once.
//!
//! `ROOT/projects/PROJECT/attachments/ab/abcdef…`: deleting the project deletes them. What a file is called and what
//! kind it is, the events say that name it.
//!
//! # Invariants
//! * A file that was stored is durable, and its name never shows a part of it.
//! * Storing one twice changes nothing.

use std::fmt;
use std::fs::File;
use std::ops::Range;
use std::path::Path as FsPath;

use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt};
use sha2::{Digest, Sha256};
use tokio::runtime::Handle;

use super::clock::Clock;
use super::damage::FileDamage;
use super::error::TableError;
use super::storage::Storage;
use super::upload::{Target, Upload};
use crate::event::names::ProjectName;

/// SHA-256 of a file's bytes, as 64 lower-case hex digits.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BlobId(String);

impl BlobId {
    /// The id of a digest.
    #[must_use]
    pub fn of(digest: &[u8; 32]) -> Self {
        Self(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for BlobId {
    type Error = String;

    /// In any case of the digits.
    fn try_from(text: &str) -> Result<Self, String> {
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err("a SHA-256 has 64 hex digits".into());
        }
        Ok(Self(text.to_ascii_lowercase()))
    }
}

impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Storage {
    fn blob_path(&self, project: &ProjectName, id: &BlobId) -> Path {
        self.attachments(project).join(&id.0[..2]).join(id.as_str())
    }

    /// Size of a stored file; `None` where there is none.
    ///
    /// # Errors
    /// The store fails.
    pub async fn blob_size(&self, project: &ProjectName, id: &BlobId) -> Result<Option<u64>, TableError> {
        let path = self.blob_path(project, id);
        match self.store().head(&path).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(TableError::store("look at", &path, source)),
        }
    }

    /// Bytes `range` of a stored file, as they come.
    ///
    /// # Errors
    /// There is none, or the store fails.
    pub async fn read_blob(
        &self,
        project: &ProjectName,
        id: &BlobId,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, TableError>>, TableError> {
        if range.is_empty() {
            return Ok(futures::stream::empty().boxed());
        }
        let path = self.blob_path(project, id);
        let options = GetOptions { range: Some(GetRange::Bounded(range)), ..GetOptions::default() };
        let found = self.store().get_opts(&path, options).await;
        let found = found.map_err(|source| TableError::store("read", &path, source))?;
        Ok(found.into_stream().map_err(move |source| TableError::store("read", &path, source)).boxed())
    }

    /// Attached files of a project whose bytes do not have the hash in their name; and how many there are.
    ///
    /// # Errors
    /// The store fails.
    pub async fn check_blobs(&self, project: &ProjectName) -> Result<(u64, Vec<FileDamage>), TableError> {
        let (root, store) = (self.attachments(project), self.store());
        let failed = |source| TableError::store("read", &root, source);
        let listed: Vec<Path> = match store.list(Some(&root)).map_ok(|file| file.location).try_collect().await {
            Err(object_store::Error::NotFound { .. }) => Vec::new(),
            other => other.map_err(failed)?,
        };
        let mut damaged = Vec::new();
        for path in &listed {
            let mut bytes = store.get(path).await.map_err(failed)?.into_stream();
            let mut digest = Sha256::new();
            while let Some(part) = bytes.try_next().await.map_err(failed)? {
                digest.update(&part);
            }
            let found = BlobId::of(&digest.finalize().into());
            if path.filename() != Some(found.as_str()) {
                let what = format!("is damaged: its SHA-256 is {found}");
                damaged.push(FileDamage { path: path.to_string(), what });
            }
        }
        Ok((listed.len() as u64, damaged))
    }

    /// Stores the bytes of `file`, which must have the hash `id`. Only for threads that may block.
    ///
    /// # Errors
    /// The file cannot be read, or the store fails; nothing is stored then.
    pub fn store_blob(
        &self,
        project: &ProjectName,
        id: &BlobId,
        file: &FsPath,
        runtime: &Handle,
    ) -> Result<(), TableError> {
        self.check()?;
        let path = self.blob_path(project, id);
        let target = Target {
            store: self.store(),
            root: self.attachments(project),
            runtime: runtime.clone(),
            clock: Clock::default(),
            local: self.is_local(),
        };
        let mut upload = Upload::new(&target, path.clone());
        let copied = File::open(file).and_then(|mut file| std::io::copy(&mut file, &mut upload));
        let stored = match copied {
            Ok(_) => upload.finish().map(|_| ()),
            Err(error) => {
                let source = object_store::Error::Generic { store: "attachments", source: Box::new(error) };
                Err(TableError::store("write", &path, source))
            }
        };
        if stored.is_err() {
            upload.abandon();
        }
        stored
    }
}
