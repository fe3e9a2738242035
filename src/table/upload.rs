//! The way of a file's bytes into the store, for encoders that run on a blocking thread.

use std::io::{self, Write};
use std::sync::Arc;

use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStore, ObjectStoreExt};
use tokio::runtime::Handle;

use super::clock::Clock;
use super::error::TableError;

/// Bytes of a part; stores want equal parts of at least 5 MiB.
const PART: usize = 8 << 20;

/// Where files go.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) store: Arc<dyn ObjectStore>,
    /// Root of the table.
    pub(super) root: Path,
    pub(super) runtime: Handle,
    pub(super) clock: Clock,
    /// Whether the store has files of this machine.
    pub(super) local: bool,
}

/// A file on its way: one put if it is small, parts of [`PART`] bytes if it is not.
///
/// Only for threads that may block. Nothing is in the store under its name before
/// [`Upload::finish`]; [`Upload::abandon`] takes back what was sent.
#[derive(Debug)]
pub(super) struct Upload {
    store: Arc<dyn ObjectStore>,
    path: Path,
    runtime: Handle,
    buffer: Vec<u8>,
    parts: Option<Box<dyn MultipartUpload>>,
    sent: u64,
}

impl Upload {
    pub(super) fn new(target: &Target, path: Path) -> Self {
        Self {
            store: Arc::clone(&target.store),
            path,
            runtime: target.runtime.clone(),
            buffer: Vec::new(),
            parts: None,
            sent: 0,
        }
    }

    fn send_part(&mut self, part: Vec<u8>) -> object_store::Result<()> {
        self.sent += part.len() as u64;
        if self.parts.is_none() {
            self.parts = Some(self.runtime.block_on(self.store.put_multipart(&self.path))?);
        }
        match &mut self.parts {
            Some(parts) => self.runtime.block_on(parts.put_part(part.into())),
            None => Ok(()),
        }
    }

    /// Puts the file in place and returns its size; on local disk it is synced then.
    pub(super) fn finish(&mut self) -> Result<u64, TableError> {
        let last = std::mem::take(&mut self.buffer);
        let done = match self.parts {
            Some(_) => self.finish_parts(last),
            None => {
                self.sent = last.len() as u64;
                self.runtime.block_on(self.store.put(&self.path, last.into())).map(|_| ())
            }
        };
        done.map_err(|source| TableError::store("write", &self.path, source))?;
        Ok(self.sent)
    }

    fn finish_parts(&mut self, last: Vec<u8>) -> object_store::Result<()> {
        if !last.is_empty() {
            self.send_part(last)?;
        }
        match &mut self.parts {
            Some(parts) => self.runtime.block_on(parts.complete()).map(|_| ()),
            None => Ok(()),
        }
    }

    /// Takes back parts that were sent; a store that cannot drops them by its own rules.
    pub(super) fn abandon(&mut self) {
        let Some(mut parts) = self.parts.take() else { return };
        if let Err(error) = self.runtime.block_on(parts.abort()) {
            tracing::warn!(path = %self.path, %error, "cannot abort an upload");
        }
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.buffer.extend_from_slice(bytes);
        while self.buffer.len() >= PART {
            let rest = self.buffer.split_off(PART);
            let part = std::mem::replace(&mut self.buffer, rest);
            self.send_part(part).map_err(io::Error::other)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
