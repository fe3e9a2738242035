//! Stores for tests: one that tells what it was asked, one that fails by a seed.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetRange, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use parking_lot::Mutex;
use tokio::sync::Notify;
use xxhash_rust::xxh3::xxh3_64;

/// One call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asked {
    /// A read, of a part or of all.
    Get(Option<Range<u64>>),
    /// A write.
    Put,
    /// A listing.
    List,
}

impl Asked {
    pub(crate) fn get(range: Range<u64>) -> Self {
        Self::Get(Some(range))
    }
}

/// A store that tells what it was asked; ranges are cut at the object's end.
#[derive(Debug)]
pub(crate) struct Watched {
    inner: Arc<dyn ObjectStore>,
    asked: Mutex<Vec<Asked>>,
    held: AtomicBool,
    going_on: Notify,
}

impl Watched {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>) -> Arc<Self> {
        let (held, going_on) = (AtomicBool::new(false), Notify::new());
        Arc::new(Self { inner, asked: Mutex::default(), held, going_on })
    }

    /// What it was asked since the last time.
    pub(crate) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut self.asked.lock())
    }

    /// Reads wait from now on.
    pub(crate) fn hold(&self) {
        self.held.store(true, Ordering::SeqCst);
    }

    /// They wait no more.
    pub(crate) fn go_on(&self) {
        self.held.store(false, Ordering::SeqCst);
        self.going_on.notify_waiters();
    }
}

impl fmt::Display for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Watched({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for Watched {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        self.asked.lock().push(Asked::Put);
        self.inner.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.asked.lock().push(Asked::Put);
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        if self.held.load(Ordering::SeqCst) {
            let going_on = self.going_on.notified();
            if self.held.load(Ordering::SeqCst) {
                going_on.await;
            }
        }
        let is_part = matches!(options.range, Some(GetRange::Bounded(_)));
        let found = self.inner.get_opts(location, options).await;
        let range = found.as_ref().ok().filter(|_| is_part).map(|found| found.range.clone());
        self.asked.lock().push(Asked::Get(range));
        found
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.asked.lock().push(Asked::List);
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.asked.lock().push(Asked::List);
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

/// Objects that a stale list lacks at most.
const LATE_MAX: usize = 3;
/// How much seldomer reads fail: clients of stores repeat them by themselves, and opening a table takes hundreds, one
/// for each commit since the last checkpoint that came through.
const READS_FAIL: u64 = 40;

/// How often a store fails, of 1,000 calls.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Odds {
    /// An answer 503 before anything is done.
    pub(crate) refused: u64,
    /// A write that is done, and whose answer is lost; a read whose answer is lost.
    pub(crate) lost: u64,
    /// A connection that breaks: in the middle of a body, or before anything is done.
    pub(crate) reset: u64,
    /// A list that lacks up to [`LATE_MAX`] of the objects that were written last.
    pub(crate) stale: u64,
    /// An answer that takes its time.
    pub(crate) slow: u64,
}

/// A store that fails by a seed: the n-th call of a kind always meets the same fate.
#[derive(Debug)]
pub(crate) struct Chaos {
    inner: Arc<dyn ObjectStore>,
    seed: u64,
    odds: Mutex<Odds>,
    calls: Mutex<HashMap<&'static str, u64>>,
    /// What was written last, the newest first, which a stale list lacks.
    newest: Mutex<VecDeque<Path>>,
    /// Everything fails while it is set.
    down: AtomicBool,
    faults: AtomicU64,
}

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Well,
    Refused,
    Lost,
    Reset,
    Stale,
}

impl Chaos {
    pub(crate) fn new(inner: Arc<dyn ObjectStore>, seed: u64, odds: Odds) -> Arc<Self> {
        Arc::new(Self {
            inner,
            seed,
            odds: odds.into(),
            calls: Mutex::default(),
            newest: Mutex::default(),
            down: AtomicBool::new(false),
            faults: AtomicU64::new(0),
        })
    }

    /// Takes the store down, or up again.
    pub(crate) fn set_down(&self, down: bool) {
        self.down.store(down, Ordering::SeqCst);
    }

    /// Lets it fail no more.
    pub(crate) fn calm(&self) {
        self.set_down(false);
        *self.odds.lock() = Odds { refused: 0, lost: 0, reset: 0, stale: 0, slow: 0 };
    }

    /// How many calls went wrong.
    pub(crate) fn faults(&self) -> u64 {
        self.faults.load(Ordering::Relaxed)
    }

    async fn fate(&self, call: &'static str) -> Fate {
        let number = {
            let mut calls = self.calls.lock();
            let number = calls.entry(call).or_default();
            *number += 1;
            *number
        };
        let draw = xxh3_64(format!("{} {call} {number}", self.seed).as_bytes());
        let odds = *self.odds.lock();
        let scale = if call == "get" { READS_FAIL } else { 1 };
        let (place, mut below) = (draw % (1_000 * scale), 0);
        let mut falls = |odds: u64| {
            below += odds;
            place < below
        };
        let fate = if self.down.load(Ordering::SeqCst) || falls(odds.refused) {
            Fate::Refused
        } else if falls(odds.lost) {
            Fate::Lost
        } else if falls(odds.reset) {
            Fate::Reset
        } else if falls(odds.stale) {
            Fate::Stale
        } else {
            Fate::Well
        };
        if fate != Fate::Well {
            self.faults.fetch_add(1, Ordering::Relaxed);
        } else if draw / 1_000 % 1_000 < odds.slow {
            tokio::time::sleep(Duration::from_millis(draw / 1_000_000 % 3)).await;
        }
        fate
    }
}

impl fmt::Display for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chaos({})", self.inner)
    }
}

fn fault(what: &'static str) -> Error {
    Error::Generic { store: "chaos", source: what.into() }
}

/// The outcome of a call that changes something.
async fn change<T>(fate: Fate, work: impl Future<Output = Result<T>>) -> Result<T> {
    match fate {
        Fate::Refused => Err(fault("503 Slow Down")),
        Fate::Reset => Err(fault("connection reset")),
        Fate::Lost => work.await.and(Err(fault("the answer was lost"))),
        Fate::Well | Fate::Stale => work.await,
    }
}

#[async_trait]
impl ObjectStore for Chaos {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let fate = self.fate("put").await;
        if matches!(fate, Fate::Well | Fate::Lost | Fate::Stale) {
            let mut newest = self.newest.lock();
            newest.push_front(location.clone());
            newest.truncate(LATE_MAX);
        }
        change(fate, self.inner.put_opts(location, payload, opts)).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let inner = change(self.fate("begin").await, self.inner.put_multipart_opts(location, opts)).await?;
        let fates = [self.fate("part").await, self.fate("complete").await];
        Ok(Box::new(ChaosUpload { inner, fates }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        let fate = self.fate("get").await;
        if fate == Fate::Reset {
            let mut found = self.inner.get_opts(location, options).await?;
            let (range, meta, attributes) = (found.range.clone(), found.meta.clone(), found.attributes.clone());
            // Half of the body, then nothing more.
            found.range = range.clone();
            let bytes = found.bytes().await?;
            let half = futures::stream::iter([Ok(bytes.slice(..bytes.len() / 2)), Err(fault("reset in the body"))]);
            let payload = object_store::GetResultPayload::Stream(half.boxed());
            return Ok(GetResult { payload, meta, range, attributes });
        }
        change(fate, self.inner.get_opts(location, options)).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        change(self.fate("get").await, self.inner.get_ranges(location, ranges)).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let down = self.down.load(Ordering::SeqCst);
        if down {
            return futures::stream::once(std::future::ready(Err(fault("503 Slow Down")))).boxed();
        }
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let number = {
            let mut calls = self.calls.lock();
            let number = calls.entry("list").or_default();
            *number += 1;
            *number
        };
        let draw = xxh3_64(format!("{} list {number}", self.seed).as_bytes());
        let place = draw % 1_000;
        let odds = *self.odds.lock();
        if self.down.load(Ordering::SeqCst) || place < odds.refused {
            self.faults.fetch_add(1, Ordering::Relaxed);
            return futures::stream::once(std::future::ready(Err(fault("503 Slow Down")))).boxed();
        }
        let late = match place < odds.refused + odds.stale {
            true => 1 + usize::try_from(draw / 1_000).unwrap_or_default() % LATE_MAX,
            false => 0,
        };
        let lacking: Vec<Path> = self.newest.lock().iter().take(late).cloned().collect();
        self.faults.fetch_add(u64::from(!lacking.is_empty()), Ordering::Relaxed);
        let listed = self.inner.list(prefix);
        listed.try_filter(move |file| std::future::ready(!lacking.contains(&file.location))).boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        change(self.fate("names").await, self.inner.list_with_delimiter(prefix)).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        change(self.fate("copy").await, self.inner.copy_opts(from, to, options)).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        change(self.fate("rename").await, self.inner.rename_opts(from, to, options)).await
    }
}

/// An upload whose fate was drawn at its begin.
#[derive(Debug)]
struct ChaosUpload {
    inner: Box<dyn MultipartUpload>,
    fates: [Fate; 2],
}

#[async_trait]
impl MultipartUpload for ChaosUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        let (fate, part) = (self.fates[0], self.inner.put_part(data));
        Box::pin(change(fate, part))
    }

    async fn complete(&mut self) -> Result<PutResult> {
        change(self.fates[1], self.inner.complete()).await
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
