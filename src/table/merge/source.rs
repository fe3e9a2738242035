//! The bytes of a file that is merged: a part at a time, from local disk or from an object store.
//!
//! From an object store whole blocks are fetched and a few of them kept, because the columns of a file are read side
//! by side: each column finds its next pages in the block that it stood in. What has checksums is compared with them.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use object_store::path::Path;
use object_store::{GetResult, GetResultPayload, ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};
use tokio::runtime::Handle;

use crate::table::checked::{Checked, LocalFile};
use crate::table::error::TableError;
use crate::table::upload::Target;
use crate::table::version::DataFile;

/// Least and most bytes of a block.
const BLOCK_MIN: u64 = 64 << 10;
const BLOCK_MAX: u64 = 1 << 20;
/// Blocks that are kept at least, so that every column has one.
const BLOCKS: u64 = 128;

/// Where a file's bytes come from; clones share it.
#[derive(Clone)]
pub(in crate::table) struct Source(Arc<Shared>);

struct Shared {
    place: Place,
    /// Why the last read failed: the reader above makes a text of it.
    failure: Mutex<Option<object_store::Error>>,
}

enum Place {
    Local(LocalFile),
    Remote(Remote),
}

/// A file of an object store.
struct Remote {
    store: Arc<dyn ObjectStore>,
    location: Path,
    runtime: Handle,
    size: u64,
    block: u64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// Blocks by number, with the time of their last use.
    blocks: BTreeMap<u64, (Bytes, u64)>,
    uses: u64,
}

impl Source {
    /// Opens `file`; of an object store about `memory` bytes are kept.
    pub(in crate::table) fn open(target: &Target, file: &Arc<DataFile>, memory: u64) -> Result<Self, TableError> {
        let place = match target.local {
            true => local(target, file)?,
            false => None,
        };
        let place = place.unwrap_or_else(|| {
            Place::Remote(Remote {
                store: Arc::new(Checked::new(Arc::clone(&target.store), Arc::clone(file))),
                location: file.location.clone(),
                runtime: target.runtime.clone(),
                size: file.size,
                block: (memory / BLOCKS).clamp(BLOCK_MIN, BLOCK_MAX),
                kept: Mutex::default(),
            })
        });
        Ok(Self(Arc::new(Shared { place, failure: Mutex::default() })))
    }

    /// Why the last read failed, if it was the store that failed.
    pub(in crate::table) fn take_failure(&self) -> Option<object_store::Error> {
        self.0.failure.lock().take()
    }

    fn read(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        let end = start.checked_add(length as u64).filter(|end| *end <= self.len());
        let end = end.ok_or_else(|| ParquetError::EOF(format!("{length} bytes at {start} are behind the end")))?;
        let read = match &self.0.place {
            Place::Local(file) => file.read(start..end),
            Place::Remote(remote) => remote.read(start, end),
        };
        read.map_err(|error| {
            let said = ParquetError::General(error.to_string());
            *self.0.failure.lock() = Some(error);
            said
        })
    }
}

/// The open file, where the store has files.
fn local(target: &Target, file: &Arc<DataFile>) -> Result<Option<Place>, TableError> {
    let got = target.runtime.block_on(target.store.get(&file.location));
    let failed = |source| TableError::reading_file(file, source);
    let got = got.map_err(failed)?;
    Ok(match got {
        GetResult { payload: GetResultPayload::File(open, _), meta, .. } => {
            Some(Place::Local(LocalFile::new(open, meta.size, file).map_err(failed)?))
        }
        _ => None,
    })
}

impl Remote {
    fn read(&self, start: u64, end: u64) -> object_store::Result<Bytes> {
        if end - start > 4 * self.block {
            return self.fetch(start, end);
        }
        let (first, last) = (start / self.block, end.saturating_sub(1).max(start) / self.block);
        let mut bytes = BytesMut::with_capacity(usize::try_from(end - start).unwrap_or_default());
        for number in first..=last {
            let (block, from) = (self.block(number)?, number * self.block);
            let part = |at: u64| usize::try_from(at.saturating_sub(from)).unwrap_or(usize::MAX).min(block.len());
            bytes.extend_from_slice(&block[part(start)..part(end)]);
        }
        Ok(bytes.freeze())
    }

    fn block(&self, number: u64) -> object_store::Result<Bytes> {
        let mut kept = self.kept.lock();
        kept.uses += 1;
        let now = kept.uses;
        if let Some((block, used)) = kept.blocks.get_mut(&number) {
            *used = now;
            return Ok(block.clone());
        }
        let start = number * self.block;
        let block = self.fetch(start, (start + self.block).min(self.size))?;
        if kept.blocks.len() as u64 >= BLOCKS
            && let Some(oldest) = kept.blocks.iter().min_by_key(|(_, (_, used))| *used).map(|(number, _)| *number)
        {
            kept.blocks.remove(&oldest);
        }
        kept.blocks.insert(number, (block.clone(), now));
        Ok(block)
    }

    fn fetch(&self, start: u64, end: u64) -> object_store::Result<Bytes> {
        self.runtime.block_on(self.store.get_range(&self.location, start..end))
    }
}

impl Length for Source {
    fn len(&self) -> u64 {
        match &self.0.place {
            Place::Local(file) => file.size(),
            Place::Remote(remote) => remote.size,
        }
    }
}

impl ChunkReader for Source {
    type T = From;

    fn get_read(&self, start: u64) -> ParquetResult<From> {
        Ok(From { source: self.clone(), at: start, buffer: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        self.read(start, length)
    }
}

/// Reads on from a place.
pub(in crate::table) struct From {
    source: Source,
    at: u64,
    buffer: Bytes,
}

impl Read for From {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.buffer.is_empty() {
            let length = self.source.len().saturating_sub(self.at).min(8 << 10);
            self.buffer =
                self.source.read(self.at, usize::try_from(length).unwrap_or_default()).map_err(io::Error::other)?;
            self.at += length;
        }
        let length = into.len().min(self.buffer.len());
        into[..length].copy_from_slice(&self.buffer.split_to(length));
        Ok(length)
    }
}
