//! Objects from one store to another, in parts, each with the checksum of what went through.

use std::sync::Arc;

use bytes::Bytes;
use futures::TryStreamExt;
use futures::stream::BoxStream;
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};

use super::checked::Checked;
use super::error::TableError;
use super::version::DataFile;

/// Bytes of a part; stores want equal parts of at least 5 MiB.
const PART: usize = 8 << 20;

/// Size and CRC-32C of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Print {
    /// Bytes.
    pub size: u64,
    /// CRC-32C of them.
    pub crc32c: u32,
}

impl Print {
    /// That of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self { size: bytes.len() as u64, crc32c: crc32c::crc32c(bytes) }
    }
}

/// Where a copy comes from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Any object.
    Object(Arc<dyn ObjectStore>, Path),
    /// A data file, whose checksums are compared on the way.
    Data(Arc<dyn ObjectStore>, Arc<DataFile>),
}

impl Source {
    fn place(&self) -> &Path {
        match self {
            Self::Object(_, path) => path,
            Self::Data(_, file) => &file.location,
        }
    }

    async fn open(&self) -> object_store::Result<BoxStream<'static, object_store::Result<Bytes>>> {
        match self {
            Self::Object(store, path) => Ok(store.get(path).await?.into_stream()),
            Self::Data(store, file) => Ok(Arc::new(Checked::new(Arc::clone(store), Arc::clone(file))).stream()),
        }
    }

    fn failed(&self, error: object_store::Error) -> TableError {
        TableError::reading(self.place(), error)
    }
}

/// Copies an object to `path` of `to`, where it is durable then; `wanted` is what it must be.
///
/// # Errors
/// A store fails, or the object is not what it must be: then nothing is left at `path`.
pub async fn copy(
    from: &Source,
    to: &Arc<dyn ObjectStore>,
    path: &Path,
    wanted: Option<Print>,
) -> Result<Print, TableError> {
    let mut upload = None;
    let copied = write(from, to, path, wanted, &mut upload).await;
    if copied.is_err() {
        abandon(upload, path).await;
    }
    copied
}

async fn write(
    from: &Source,
    to: &Arc<dyn ObjectStore>,
    path: &Path,
    wanted: Option<Print>,
    upload: &mut Option<Box<dyn MultipartUpload>>,
) -> Result<Print, TableError> {
    let failed = |source| TableError::store("write", path, source);
    let mut bytes = from.open().await.map_err(|error| from.failed(error))?;
    let (mut print, mut part) = (Print { size: 0, crc32c: 0 }, Vec::new());
    while let Some(next) = bytes.try_next().await.map_err(|error| from.failed(error))? {
        print = Print { size: print.size + next.len() as u64, crc32c: crc32c::crc32c_append(print.crc32c, &next) };
        part.extend_from_slice(&next);
        while part.len() >= PART {
            let rest = part.split_off(PART);
            let whole = std::mem::replace(&mut part, rest);
            let parts = match upload {
                Some(parts) => parts,
                None => upload.insert(to.put_multipart(path).await.map_err(failed)?),
            };
            parts.put_part(whole.into()).await.map_err(failed)?;
        }
    }
    if let Some(wanted) = wanted.filter(|wanted| *wanted != print) {
        let what = format!(
            "has {} bytes with the checksum {:08x}, {} with {:08x} were written",
            print.size, print.crc32c, wanted.size, wanted.crc32c
        );
        return Err(TableError::DamagedFile { path: from.place().to_string(), what });
    }
    match upload {
        None => to.put(path, part.into()).await.map(|_| ()).map_err(failed)?,
        Some(parts) => {
            if !part.is_empty() {
                parts.put_part(part.into()).await.map_err(failed)?;
            }
            parts.complete().await.map_err(failed)?;
        }
    }
    Ok(print)
}

async fn abandon(upload: Option<Box<dyn MultipartUpload>>, path: &Path) {
    let Some(mut upload) = upload else { return };
    if let Err(error) = upload.abort().await {
        tracing::warn!(%path, %error, "cannot abort an upload");
    }
}
