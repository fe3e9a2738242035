//! An object store as tables use it: observed, and with a read cache where there is one.
//!
//! A [`RemoteStore`] is a handle; clones share link and cache. What queries read goes through the cache and
//! stays in it; jobs that read a file once take what is there and leave nothing. What is written stays in
//! the cache as well: the newest events are those most asked for.

use std::fmt;
use std::future::Future;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetRange, GetResult, GetResultPayload, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};

use super::cache::{BLOCK, Cache};
use super::log::LOG_DIR;
use super::requests::{Observer, observed};

/// A handle to an object store.
#[derive(Debug, Clone)]
pub(super) struct RemoteStore {
    inner: Arc<dyn ObjectStore>,
    cache: Option<Arc<Cache>>,
    /// Whether what is read stays in the cache.
    fills: bool,
    observer: Option<Arc<dyn Observer>>,
}

impl RemoteStore {
    pub(super) fn new(inner: Arc<dyn ObjectStore>, cache: Option<Arc<Cache>>) -> Self {
        Self { inner, cache, fills: false, observer: None }
    }

    /// The same for queries.
    pub(super) fn filling(&self) -> Self {
        Self { fills: true, ..self.clone() }
    }

    /// The same, of whose requests `observer` is told.
    pub(super) fn observed_by(&self, observer: Arc<dyn Observer>) -> Self {
        Self { observer: Some(observer), ..self.clone() }
    }

    /// The same with `wrap` between it and the store.
    pub(super) fn wrapped(&self, wrap: impl FnOnce(Arc<dyn ObjectStore>) -> Arc<dyn ObjectStore>) -> Self {
        Self { inner: wrap(Arc::clone(&self.inner)), ..self.clone() }
    }

    pub(super) fn cache(&self) -> Option<&Arc<Cache>> {
        self.cache.as_ref()
    }

    /// The cache, for a file that belongs there: one of a table's data files.
    fn cache_for(&self, location: &Path) -> Option<&Arc<Cache>> {
        let is_data = location.as_ref().ends_with(".parquet") && !location.parts().any(|part| part.as_ref() == LOG_DIR);
        self.cache.as_ref().filter(|_| is_data)
    }

    async fn observe<T>(&self, work: impl Future<Output = T>) -> T {
        match &self.observer {
            Some(observer) => observed(Arc::clone(observer), work).await,
            None => work.await,
        }
    }

    /// Parts of a file by way of the cache; `None` where it has no say.
    async fn cached(&self, location: &Path, ranges: &[Range<u64>]) -> Option<Result<Vec<Bytes>>> {
        let cache = self.cache_for(location)?;
        if self.fills {
            return Some(cache.read(self.inner.as_ref(), location, ranges).await);
        }
        cache.read_held(location, ranges).await.map(Ok)
    }
}

impl fmt::Display for RemoteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inner)
    }
}

/// The range of a plain read of a part, which a cache can answer.
fn plain_range(options: &GetOptions) -> Option<Range<u64>> {
    let asks_more = options.if_match.is_some()
        || options.if_none_match.is_some()
        || options.if_modified_since.is_some()
        || options.if_unmodified_since.is_some()
        || options.version.is_some()
        || options.head;
    match &options.range {
        Some(GetRange::Bounded(range)) if !asks_more => Some(range.clone()),
        _ => None,
    }
}

/// A part of a file as a store would answer; of the whole file only the name is known.
fn answer(location: &Path, range: Range<u64>, bytes: Bytes) -> GetResult {
    let meta = ObjectMeta {
        location: location.clone(),
        last_modified: chrono::DateTime::UNIX_EPOCH,
        size: range.end,
        e_tag: None,
        version: None,
    };
    let payload = GetResultPayload::Stream(futures::stream::once(std::future::ready(Ok(bytes))).boxed());
    GetResult { payload, meta, range, attributes: object_store::Attributes::default() }
}

#[async_trait]
impl ObjectStore for RemoteStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let kept = self.cache_for(location).map(|cache| (cache, payload.iter().cloned().collect::<Vec<_>>()));
        let put = self.observe(self.inner.put_opts(location, payload, opts)).await?;
        if let Some((cache, parts)) = kept
            && parts.iter().map(|part| part.len() as u64).sum::<u64>() <= cache.file_max()
        {
            cache.insert(location, 0, parts).await;
        }
        Ok(put)
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.observe(self.inner.put_multipart_opts(location, opts)).await?;
        let cache = self.cache_for(location).map(|cache| (Arc::clone(cache), location.clone()));
        Ok(Box::new(RemoteUpload { inner, cache, sent: 0, observer: self.observer.clone() }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if let Some(range) = plain_range(&options)
            && let Some(parts) = self.observe(self.cached(location, std::slice::from_ref(&range))).await
        {
            return parts.map(|parts| answer(location, range, parts.into_iter().next().unwrap_or_default()));
        }
        self.observe(self.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        match self.observe(self.cached(location, ranges)).await {
            Some(parts) => parts,
            None => self.observe(self.inner.get_ranges(location, ranges)).await,
        }
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let Some(cache) = self.cache.clone() else { return self.inner.delete_stream(locations) };
        // Also of one that cannot be deleted: nobody is to read it any more.
        let locations = locations.inspect_ok(move |location| cache.forget(location)).boxed();
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.observe(self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.observe(self.inner.copy_opts(from, to, options)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        if let Some(cache) = &self.cache {
            cache.forget(from);
        }
        self.observe(self.inner.rename_opts(from, to, options)).await
    }
}

/// An upload in parts, of which the cache keeps a copy while they are whole blocks.
#[derive(Debug)]
struct RemoteUpload {
    inner: Box<dyn MultipartUpload>,
    cache: Option<(Arc<Cache>, Path)>,
    sent: u64,
    observer: Option<Arc<dyn Observer>>,
}

impl RemoteUpload {
    /// Where the next part goes in the cache; nowhere once the file is too large or its parts are no blocks.
    fn place(&mut self, bytes: u64) -> Option<(Arc<Cache>, Path, u32)> {
        let first = self.sent / BLOCK;
        let is_aligned = self.sent.is_multiple_of(BLOCK);
        self.sent += bytes;
        let (cache, location) = self.cache.as_ref()?;
        if is_aligned && self.sent <= cache.file_max() {
            return Some((Arc::clone(cache), location.clone(), u32::try_from(first).ok()?));
        }
        self.drop_copy();
        None
    }

    fn drop_copy(&mut self) {
        if let Some((cache, location)) = self.cache.take() {
            cache.forget(&location);
        }
    }
}

#[async_trait]
impl MultipartUpload for RemoteUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let parts: Vec<Bytes> = data.iter().cloned().collect();
        let place = self.place(data.content_length() as u64);
        let (put, observer) = (self.inner.put_part(data), self.observer.clone());
        Box::pin(async move {
            match observer {
                Some(observer) => observed(observer, put).await?,
                None => put.await?,
            }
            if let Some((cache, location, first)) = place {
                cache.insert(&location, first, parts).await;
            }
            Ok(())
        })
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let done = match &self.observer {
            Some(observer) => observed(Arc::clone(observer), self.inner.complete()).await,
            None => self.inner.complete().await,
        };
        if done.is_err() {
            self.drop_copy();
        }
        done
    }

    async fn abort(&mut self) -> Result<()> {
        self.drop_copy();
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests;
