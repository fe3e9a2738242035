//! Data files read with their checksums: no byte of a file with [`Sums`](super::sums::Sums) reaches a decoder
//! before the block that it lies in was compared with what was written.
//!
//! [`Checked`] is one file as an object store, for readers that want one, and [`CheckedFile`] the same for
//! readers on threads that may block. Ranges are widened to whole blocks, those that touch are read as one.
//! The first read of a file fetches its whole tail, so that footer and page indexes come from memory.
//!
//! A file without checksums is passed on as it is.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, ObjectStoreExt, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result,
};
use parking_lot::Mutex;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};
use tokio::runtime::Handle;

use super::damage::FileDamage;
use super::error::TableError;
use super::sums::{self, BLOCK};
use super::version::DataFile;

/// Bytes that are read as one where ranges touch.
const RUN_MAX: u64 = 4 << 20;
const STORE: &str = "Checked";

/// One data file of a store.
#[derive(Debug)]
pub struct Checked {
    store: Arc<dyn ObjectStore>,
    file: Arc<DataFile>,
    tail: OnceLock<Bytes>,
    damage: OnceLock<FileDamage>,
}

impl Checked {
    /// `file` as it lies in `store`.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, file: Arc<DataFile>) -> Self {
        Self { store, file, tail: OnceLock::new(), damage: OnceLock::new() }
    }

    /// The first damage that was met.
    #[must_use]
    pub fn damage(&self) -> Option<&FileDamage> {
        self.damage.get()
    }

    fn damaged(&self, what: impl Into<String>) -> Error {
        let damage = FileDamage { path: self.file.path.clone(), what: what.into() };
        let _ = self.damage.set(damage.clone()); // the first one counts
        Error::Generic { store: STORE, source: Box::new(damage) }
    }

    /// Whether all of the file is there, when reading it failed: a shorter one is damage, not a fault of the store.
    async fn judge(&self, error: Error) -> Error {
        match self.store.head(&self.file.location).await {
            Ok(meta) if meta.size != self.file.size => {
                self.damaged(format!("has {} bytes, the log says {}", meta.size, self.file.size))
            }
            _ => error,
        }
    }

    async fn read(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let read = match self.store.get_ranges(&self.file.location, ranges).await {
            Ok(read) => read,
            Err(error) => return Err(self.judge(error).await),
        };
        let whole = read.iter().zip(ranges).all(|(bytes, range)| bytes.len() as u64 == range.end - range.start);
        if read.len() == ranges.len() && whole {
            return Ok(read);
        }
        Err(self.damaged(format!("is shorter than the {} bytes that the log says", self.file.size)))
    }

    /// The tail, read and checked once.
    async fn tail(&self, from: u64) -> Result<Bytes> {
        if let Some(tail) = self.tail.get() {
            return Ok(tail.clone());
        }
        let read = self.read(std::slice::from_ref(&(from..self.file.size))).await?;
        let tail = read.into_iter().next().unwrap_or_default();
        if let Some(sums) = &self.file.sums {
            sums.learn(&tail).map_err(|what| self.damaged(what))?;
        }
        Ok(self.tail.get_or_init(|| tail).clone())
    }

    /// Bytes `ranges` of the file, each checked.
    ///
    /// # Errors
    /// [`FileDamage`] as the source, or the store's own.
    pub async fn ranges(&self, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let Some(sums) = &self.file.sums else { return self.read(ranges).await };
        let data = sums.tail;
        if data > self.file.size {
            return Err(self.damaged("has its checksums behind its end, says the log"));
        }
        let needs_tail = ranges.iter().any(|range| range.end > data) || sums.known().is_none();
        let tail = if needs_tail { self.tail(data).await? } else { Bytes::new() };
        let Some(blocks) = sums.known() else { return Err(self.damaged("has no table of checksums")) };
        let runs = runs(ranges, data);
        let read = if runs.is_empty() { Vec::new() } else { self.read(&runs).await? };
        for (run, bytes) in runs.iter().zip(&read) {
            sums::check(blocks, run.start, bytes).map_err(|what| self.damaged(what))?;
        }
        let part = |range: &Range<u64>| {
            let from_data = || cut(&runs, &read, &(range.start..range.end.min(data)));
            let from_tail = || slice(&tail, range.start.max(data) - data, range.end - data);
            match (range.start < data, range.end > data) {
                (true, false) => from_data(),
                (false, _) => from_tail(),
                (true, true) => Some([from_data()?, from_tail()?].concat().into()),
            }
        };
        let parts = ranges.iter().map(|range| if range.is_empty() { Some(Bytes::new()) } else { part(range) });
        let parts: Option<Vec<Bytes>> = parts.collect();
        parts.ok_or_else(|| self.damaged("is read behind its end"))
    }

    /// The whole file in pieces, each checked.
    pub fn stream(self: Arc<Self>) -> BoxStream<'static, Result<Bytes>> {
        let size = self.file.size;
        let steps = (0..size.div_ceil(RUN_MAX)).map(move |at| at * RUN_MAX..((at + 1) * RUN_MAX).min(size));
        stream::iter(steps)
            .then(move |range| {
                let file = Arc::clone(&self);
                async move { Ok(file.ranges(std::slice::from_ref(&range)).await?.pop().unwrap_or_default()) }
            })
            .boxed()
    }

    fn meta(&self) -> ObjectMeta {
        ObjectMeta {
            location: self.file.location.clone(),
            last_modified: chrono::DateTime::from_timestamp_millis(self.file.modified_ms).unwrap_or_default(),
            size: self.file.size,
            e_tag: None,
            version: None,
        }
    }
}

fn slice(bytes: &Bytes, from: u64, to: u64) -> Option<Bytes> {
    let (from, to) = (usize::try_from(from).ok()?, usize::try_from(to).ok()?);
    (from <= to && to <= bytes.len()).then(|| bytes.slice(from..to))
}

/// Whole blocks that hold the parts of `ranges` before `data`, in order; those that touch in one piece.
fn runs(ranges: &[Range<u64>], data: u64) -> Vec<Range<u64>> {
    let wide = |range: &Range<u64>| {
        let end = range.end.min(data);
        (range.start < end).then(|| range.start / BLOCK * BLOCK..end.next_multiple_of(BLOCK).min(data))
    };
    let mut wide: Vec<Range<u64>> = ranges.iter().filter_map(wide).collect();
    wide.sort_unstable_by_key(|range| range.start);
    let mut runs: Vec<Range<u64>> = Vec::with_capacity(wide.len());
    for range in wide {
        match runs.last_mut() {
            // One that lies inside of another is always part of it; else a piece of memory stays bounded.
            Some(last) if range.end <= last.end => {}
            Some(last) if range.start <= last.end && range.end - last.start <= RUN_MAX => last.end = range.end,
            _ => runs.push(range),
        }
    }
    runs
}

/// `range` out of the run that holds it.
fn cut(runs: &[Range<u64>], read: &[Bytes], range: &Range<u64>) -> Option<Bytes> {
    // Runs may overlap in a block, so that the last one that begins before it need not be the one.
    let upto = runs.partition_point(|run| run.start <= range.start);
    let at = (0..upto).rev().find(|&at| runs[at].end >= range.end)?;
    slice(read.get(at)?, range.start - runs[at].start, range.end - runs[at].start)
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{STORE}({} of {})", self.file.path, self.store)
    }
}

fn read_only<T>() -> Result<T> {
    Err(Error::NotImplemented { operation: "anything but reading".into(), implementer: STORE.into() })
}

#[async_trait]
impl ObjectStore for Checked {
    async fn put_opts(&self, _: &Path, _: PutPayload, _: PutOptions) -> Result<PutResult> {
        read_only()
    }

    async fn put_multipart_opts(&self, _: &Path, _: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        read_only()
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if *location != self.file.location || options.head {
            return self.store.get_opts(location, options).await;
        }
        let size = self.file.size;
        let range = match options.range {
            None => 0..size,
            Some(GetRange::Bounded(range)) => range.start..range.end.min(size),
            Some(GetRange::Offset(from)) => from.min(size)..size,
            Some(GetRange::Suffix(length)) => size.saturating_sub(length)..size,
        };
        let bytes = self.ranges(std::slice::from_ref(&range)).await?;
        let payload = GetResultPayload::Stream(stream::iter(bytes.into_iter().map(Ok)).boxed());
        Ok(GetResult { payload, meta: self.meta(), range, attributes: object_store::Attributes::new() })
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        if *location == self.file.location { self.ranges(ranges).await } else { read_only() }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        locations.and_then(|_| async { read_only() }).boxed()
    }

    fn list(&self, _: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        stream::iter([Ok(self.meta())]).boxed()
    }

    async fn list_with_delimiter(&self, _: Option<&Path>) -> Result<ListResult> {
        read_only()
    }

    async fn copy_opts(&self, _: &Path, _: &Path, _: CopyOptions) -> Result<()> {
        read_only()
    }
}

/// A file of this machine that stays open, for threads that may block.
#[derive(Debug)]
pub(super) struct LocalFile {
    open: File,
    size: u64,
    path: String,
    /// Where the tail begins, the tail, and the checksums of the blocks before it.
    known: Option<(u64, Bytes, Arc<[u32]>)>,
}

impl LocalFile {
    /// `open`, which has `size` bytes, is the data file `file`.
    pub(super) fn new(open: File, size: u64, file: &DataFile) -> Result<Self> {
        let mut local = Self { open, size, path: file.path.clone(), known: None };
        let Some(sums) = &file.sums else { return Ok(local) };
        if size != file.size || sums.tail > size {
            return Err(local.damaged(format!("has {size} bytes, the log says {}", file.size)));
        }
        let tail = local.raw(sums.tail..size)?;
        let blocks = sums.learn(&tail).map_err(|what| local.damaged(what))?;
        local.known = Some((sums.tail, tail, blocks));
        Ok(local)
    }

    pub(super) fn size(&self) -> u64 {
        self.size
    }

    fn damaged(&self, what: impl Into<String>) -> Error {
        let damage = FileDamage { path: self.path.clone(), what: what.into() };
        Error::Generic { store: STORE, source: Box::new(damage) }
    }

    fn raw(&self, range: Range<u64>) -> Result<Bytes> {
        let mut bytes = vec![0; usize::try_from(range.end - range.start).unwrap_or_default()];
        let failed = |error| Error::Generic { store: STORE, source: Box::new(error) };
        self.open.read_exact_at(&mut bytes, range.start).map_err(failed)?;
        Ok(bytes.into())
    }

    /// Bytes `range`, which is inside of the file, each checked.
    pub(super) fn read(&self, range: Range<u64>) -> Result<Bytes> {
        let Some((data, tail, blocks)) = &self.known else { return self.raw(range) };
        let whole = runs(std::slice::from_ref(&range), *data).pop();
        let before = match &whole {
            None => Bytes::new(),
            Some(run) => {
                let bytes = self.raw(run.clone())?;
                sums::check(blocks, run.start, &bytes).map_err(|what| self.damaged(what))?;
                let end = range.end.min(*data);
                slice(&bytes, range.start - run.start, end - run.start).unwrap_or_default()
            }
        };
        if range.end <= *data {
            return Ok(before);
        }
        let behind = slice(tail, range.start.max(*data) - data, range.end - data).unwrap_or_default();
        Ok(if before.is_empty() { behind } else { [before, behind].concat().into() })
    }
}

/// A checked file for decoders on a thread that may block.
#[derive(Debug, Clone)]
pub(super) struct CheckedFile {
    file: Arc<Checked>,
    runtime: Handle,
    /// What the store said when it failed, which decoders make a text of.
    failure: Arc<Mutex<Option<Error>>>,
}

impl CheckedFile {
    pub(super) fn new(store: Arc<dyn ObjectStore>, file: &Arc<DataFile>, runtime: Handle) -> Self {
        Self { file: Arc::new(Checked::new(store, Arc::clone(file))), runtime, failure: Arc::default() }
    }

    /// Why reading `file` ended: its damage, or what the store said, of which decoders make texts. Told once.
    pub(super) fn fault(&self, file: &DataFile) -> Option<TableError> {
        if let Some(FileDamage { path, what }) = self.file.damage().cloned() {
            return Some(TableError::DamagedFile { path, what });
        }
        let source = self.failure.lock().take()?;
        Some(TableError::store("read", &file.location, source))
    }

    fn range(&self, range: Range<u64>) -> Result<Bytes> {
        let mut read = self.runtime.block_on(self.file.ranges(std::slice::from_ref(&range)))?;
        Ok(read.pop().unwrap_or_default())
    }
}

impl Length for CheckedFile {
    fn len(&self) -> u64 {
        self.file.file.size
    }
}

impl ChunkReader for CheckedFile {
    type T = Forward;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Forward> {
        Ok(Forward { file: self.clone(), at: start, ahead: Bytes::new() })
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        self.range(start..start + length as u64).map_err(|error| {
            let told = ParquetError::General(format!("{}: {error}", self.file.file.path));
            *self.failure.lock() = Some(error);
            self.file.damage().map_or(told, |damage| ParquetError::External(Box::new(damage.clone())))
        })
    }
}

/// Reads a checked file from a place on.
#[derive(Debug)]
pub(super) struct Forward {
    file: CheckedFile,
    at: u64,
    ahead: Bytes,
}

impl Read for Forward {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if self.ahead.is_empty() {
            let end = (self.at / BLOCK + 1).saturating_mul(BLOCK).min(self.file.len());
            if self.at >= end {
                return Ok(0);
            }
            self.ahead = self.file.range(self.at..end).map_err(io::Error::other)?;
            self.at = end;
        }
        let count = out.len().min(self.ahead.len());
        out[..count].copy_from_slice(&self.ahead.split_to(count));
        Ok(count)
    }
}
