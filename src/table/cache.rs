//! Parts of data files on local disk, so that what was read once is not asked of the object store again.
//!
//! A file is cut into blocks of [`BLOCK`] bytes; a block is an entry. What a read lacks is fetched in few
//! requests: neighbouring blocks together, near ones too while the bytes in between are few, several at a
//! time. The first read of a file takes its end along, where footer and indexes are. Files never change, so
//! that an entry is never out of date; [`Cache::forget`] is for files that are deleted.
//!
//! # Invariants
//! * A cache changes no answer: an entry whose checksum is wrong is dropped and fetched anew.
//! * Entries take no more than the budget; what was read often stays longest.
//! * Two readers who lack the same block ask for it once.
//! * Nothing here is needed: where the disk refuses, the store is asked.

mod disk;
mod index;

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore};
use parking_lot::Mutex;
use tokio::sync::Notify;
use xxhash_rust::xxh3::xxh3_128;

use disk::Disk;
use index::Index;

/// Bytes of a block.
pub(super) const BLOCK: u64 = 256 << 10;
/// Blocks at a file's end that its first read takes along.
const TAIL_BLOCKS: u32 = 8;
/// Bytes that nobody asked for, which one read fetches at most to need fewer requests, where nothing else is set.
const EXTRA_MAX: u64 = 8 << 20;
/// Blocks of one request at most: what is longer comes in several at a time.
const RUN_BLOCKS: u32 = 64;
/// Requests of one read at a time.
const AT_ONCE: usize = 8;

/// A block of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    /// Hash of the file's place.
    file: u128,
    block: u32,
}

/// Figures of a cache.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CacheFigures {
    /// Bytes of all entries.
    pub bytes: u64,
    /// Entries.
    pub entries: u64,
    /// Most bytes that they may take.
    pub bytes_max: u64,
    /// Blocks that reads found.
    pub hits: u64,
    /// Blocks that reads had to fetch.
    pub misses: u64,
    /// Entries dropped to make room.
    pub evicted: u64,
    /// Entries dropped because their checksum was wrong.
    pub damaged: u64,
    /// Entries that the disk refused.
    pub refused: u64,
}

#[derive(Debug, Default)]
struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    evicted: AtomicU64,
    damaged: AtomicU64,
    refused: AtomicU64,
}

/// Where a cache lies, and how it reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheSettings {
    /// Its directory.
    pub dir: PathBuf,
    /// Most bytes that are kept.
    pub bytes_max: u64,
    /// Most bytes that one read fetches although nobody asked for them, to need fewer requests.
    pub extra_max: u64,
}

impl CacheSettings {
    /// A cache that reads as is usual.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>, bytes_max: u64) -> Self {
        Self { dir: dir.into(), bytes_max, extra_max: EXTRA_MAX }
    }
}

/// A cache in one directory.
#[derive(Debug)]
pub struct Cache {
    /// Tells the files of this store from those of others.
    store: String,
    extra_max: u64,
    disk: Disk,
    index: Mutex<Index>,
    in_flight: Mutex<HashSet<Key>>,
    landed: Notify,
    counters: Counters,
}

/// Blocks that one reader fetches; others wait for them.
struct Claim<'a> {
    cache: &'a Cache,
    keys: Vec<Key>,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        let mut in_flight = self.cache.in_flight.lock();
        for key in &self.keys {
            in_flight.remove(key);
        }
        drop(in_flight);
        self.cache.landed.notify_waiters();
    }
}

impl Cache {
    /// A cache for files of `store`, with what an earlier process left in its directory.
    ///
    /// # Errors
    /// The directory cannot be made or read.
    pub fn open(settings: &CacheSettings, store: &str) -> std::io::Result<Arc<Self>> {
        let disk = Disk::open(&settings.dir)?;
        let mut index = Index::new(settings.bytes_max);
        let mut evicted = Vec::new();
        for (key, bytes) in disk.entries()? {
            evicted.extend(index.insert(key, bytes));
        }
        evicted.iter().for_each(|key| disk.remove(*key));
        Ok(Arc::new(Self {
            store: store.to_owned(),
            extra_max: settings.extra_max,
            disk,
            index: index.into(),
            in_flight: Mutex::default(),
            landed: Notify::new(),
            counters: Counters::default(),
        }))
    }

    /// Figures since the start.
    #[must_use]
    pub fn figures(&self) -> CacheFigures {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let index = self.index.lock();
        CacheFigures {
            bytes: index.bytes(),
            entries: index.len() as u64,
            bytes_max: index.bytes_max(),
            hits: of(&self.counters.hits),
            misses: of(&self.counters.misses),
            evicted: of(&self.counters.evicted),
            damaged: of(&self.counters.damaged),
            refused: of(&self.counters.refused),
        }
    }

    fn file(&self, location: &Path) -> u128 {
        xxh3_128(format!("{}\n{location}", self.store).as_bytes())
    }

    /// Whether all of a file of `size` bytes is here.
    #[must_use]
    pub fn holds(&self, location: &Path, size: u64) -> bool {
        let (file, index) = (self.file(location), self.index.lock());
        blocks_of(&(0..size)).all(|block| index.has(Key { file, block }))
    }

    /// Drops all of a file that is deleted.
    pub fn forget(&self, location: &Path) {
        let keys = self.index.lock().remove_file(self.file(location));
        keys.iter().for_each(|key| self.disk.remove(*key));
    }

    /// The bytes of `ranges`, what is not here from `store`.
    pub(super) async fn read(
        &self,
        store: &dyn ObjectStore,
        location: &Path,
        ranges: &[Range<u64>],
    ) -> object_store::Result<Vec<Bytes>> {
        let file = self.file(location);
        let wanted: BTreeSet<u32> = ranges.iter().flat_map(blocks_of).collect();
        let mut have = BTreeMap::new();
        loop {
            // Before the look: who lands after it is heard.
            let landed = self.landed.notified();
            self.load(file, &wanted, &mut have).await;
            let missing: Vec<u32> = wanted.iter().filter(|block| !have.contains_key(*block)).copied().collect();
            if missing.is_empty() {
                break;
            }
            let Some(claim) = self.claim(file, missing) else {
                landed.await;
                continue;
            };
            self.counters.misses.fetch_add(claim.keys.len() as u64, Ordering::Relaxed);
            let fetched = self.fetch(store, location, &claim).await?;
            self.keep(file, fetched.clone()).await;
            have.extend(fetched);
        }
        ranges.iter().map(|range| assemble(location, &have, range)).collect()
    }

    /// As [`Cache::read`] where all is here; `None` where anything is not. Nothing is asked of a store.
    pub(super) async fn read_held(&self, location: &Path, ranges: &[Range<u64>]) -> Option<Vec<Bytes>> {
        let file = self.file(location);
        let wanted: BTreeSet<u32> = ranges.iter().flat_map(blocks_of).collect();
        {
            let index = self.index.lock();
            if !wanted.iter().all(|block| index.has(Key { file, block: *block })) {
                return None;
            }
        }
        let mut have = BTreeMap::new();
        self.load(file, &wanted, &mut have).await;
        ranges.iter().map(|range| assemble(location, &have, range).ok()).collect()
    }

    /// Puts bytes of a file here that begin at the block `first`; all blocks but the file's last are whole.
    pub(super) async fn insert(self: &Arc<Self>, location: &Path, first: u32, bytes: Vec<Bytes>) {
        let whole = concat(bytes);
        let blocks = (first..).zip(cut(&whole)).collect();
        self.keep(self.file(location), blocks).await;
    }

    /// Most bytes of one file that are put here while it is written.
    pub(super) fn file_max(&self) -> u64 {
        self.index.lock().bytes_max() / 4
    }

    /// Adds to `have` what of `wanted` is here and whole.
    async fn load(&self, file: u128, wanted: &BTreeSet<u32>, have: &mut BTreeMap<u32, Bytes>) {
        let here: Vec<Key> = {
            let mut index = self.index.lock();
            let keys =
                wanted.iter().filter(|block| !have.contains_key(*block)).map(|block| Key { file, block: *block });
            keys.filter(|key| index.touch(*key)).collect()
        };
        if here.is_empty() {
            return;
        }
        let disk = self.disk.clone();
        let keys = here.clone();
        let read = tokio::task::spawn_blocking(move || keys.into_iter().map(|key| disk.read(key)).collect::<Vec<_>>());
        let Ok(read) = read.await else { return };
        for (key, bytes) in here.into_iter().zip(read) {
            match bytes {
                Some(bytes) => {
                    self.counters.hits.fetch_add(1, Ordering::Relaxed);
                    have.insert(key.block, bytes);
                }
                None if self.index.lock().remove(key) => {
                    self.counters.damaged.fetch_add(1, Ordering::Relaxed);
                    self.disk.remove(key);
                }
                // Evicted meanwhile.
                None => {}
            }
        }
    }

    /// Takes those of `missing` that nobody fetches, with the file's end at its first read; `None` where others
    /// fetch them all.
    fn claim(&self, file: u128, missing: Vec<u32>) -> Option<Claim<'_>> {
        let known = self.index.lock().knows(file);
        let mut blocks: BTreeSet<u32> = missing.into_iter().collect();
        if let (false, Some(last)) = (known, blocks.last().copied()) {
            blocks.extend((last + 1).saturating_sub(TAIL_BLOCKS)..=last);
        }
        let mut in_flight = self.in_flight.lock();
        let keys = blocks.into_iter().map(|block| Key { file, block });
        let keys: Vec<Key> = keys.filter(|key| in_flight.insert(*key)).collect();
        (!keys.is_empty()).then(|| Claim { cache: self, keys })
    }

    async fn fetch(
        &self,
        store: &dyn ObjectStore,
        location: &Path,
        claim: &Claim<'_>,
    ) -> object_store::Result<Vec<(u32, Bytes)>> {
        let blocks: Vec<u32> = claim.keys.iter().map(|key| key.block).collect();
        let runs = stream::iter(runs(&blocks, self.extra_max)).map(|run| fetch_run(store, location, run));
        let fetched: Vec<Vec<(u32, Bytes)>> = runs.buffered(AT_ONCE).try_collect().await?;
        Ok(fetched.into_iter().flatten().collect())
    }

    /// Writes entries; what the disk refuses is only counted.
    async fn keep(&self, file: u128, blocks: Vec<(u32, Bytes)>) {
        let disk = self.disk.clone();
        let write = move || {
            let write = |(block, bytes): (u32, Bytes)| {
                let key = Key { file, block };
                (key, disk.write(key, &bytes).map(|()| bytes.len() as u64))
            };
            blocks.into_iter().map(write).collect::<Vec<_>>()
        };
        let Ok(written) = tokio::task::spawn_blocking(write).await else { return };
        let mut evicted = Vec::new();
        for (key, outcome) in written {
            match outcome {
                Ok(bytes) => evicted.extend(self.index.lock().insert(key, bytes)),
                Err(error) => {
                    if self.counters.refused.fetch_add(1, Ordering::Relaxed) == 0 {
                        tracing::warn!(%error, "the read cache cannot write; the store is asked more often");
                    }
                }
            }
        }
        self.counters.evicted.fetch_add(evicted.len() as u64, Ordering::Relaxed);
        if !evicted.is_empty() {
            let disk = self.disk.clone();
            // Waited for, so that the files do not outgrow the index.
            let removed = tokio::task::spawn_blocking(move || evicted.iter().for_each(|key| disk.remove(*key)));
            removed.await.ok();
        }
    }
}

/// Blocks that hold a range.
fn blocks_of(range: &Range<u64>) -> Range<u32> {
    if range.is_empty() {
        return 0..0;
    }
    let block = |at: u64| u32::try_from(at / BLOCK).unwrap_or(u32::MAX - 1);
    block(range.start)..block(range.end - 1) + 1
}

/// Sorted `blocks` as few ranges: the smallest gaps are closed first, as long as what is fetched besides stays
/// under `extra_max`; none is longer than that and [`RUN_BLOCKS`].
fn runs(blocks: &[u32], extra_max: u64) -> Vec<Range<u32>> {
    let mut gaps: Vec<(u32, u32)> = blocks.windows(2).map(|pair| (pair[1] - pair[0] - 1, pair[1])).collect();
    gaps.sort_unstable();
    let mut extra = extra_max / BLOCK;
    let longest = RUN_BLOCKS.max(u32::try_from(extra).unwrap_or(u32::MAX));
    let mut closed = HashSet::new();
    for (gap, next) in gaps {
        let Some(left) = extra.checked_sub(u64::from(gap)) else { break };
        extra = left;
        closed.insert(next);
    }
    let mut runs: Vec<Range<u32>> = Vec::new();
    for &block in blocks {
        match runs.last_mut() {
            Some(run) if closed.contains(&block) && block + 1 - run.start <= longest => run.end = block + 1,
            _ => runs.push(block..block + 1),
        }
    }
    runs
}

async fn fetch_run(
    store: &dyn ObjectStore,
    location: &Path,
    run: Range<u32>,
) -> object_store::Result<Vec<(u32, Bytes)>> {
    let asked = u64::from(run.start) * BLOCK..u64::from(run.end) * BLOCK;
    let options = GetOptions { range: Some(GetRange::Bounded(asked.clone())), ..GetOptions::default() };
    let answer = store.get_opts(location, options).await?;
    let (size, got) = (answer.meta.size, answer.range.clone());
    let bytes = answer.bytes().await?;
    let whole = got.start == asked.start && got.end == asked.end.min(size) && bytes.len() as u64 == got.end - got.start;
    if !whole {
        return Err(short(location, &asked));
    }
    Ok((run.start..).zip(cut(&bytes)).collect())
}

fn short(location: &Path, range: &Range<u64>) -> object_store::Error {
    let what = format!("`{location}` has no whole bytes {}..{}", range.start, range.end);
    object_store::Error::Generic { store: "cache", source: what.into() }
}

/// `bytes` in blocks.
fn cut(bytes: &Bytes) -> impl Iterator<Item = Bytes> {
    let step = usize::try_from(BLOCK).unwrap_or(usize::MAX);
    (0..bytes.len()).step_by(step).map(move |at| bytes.slice(at..bytes.len().min(at + step)))
}

fn concat(parts: Vec<Bytes>) -> Bytes {
    if let [only] = parts.as_slice() {
        return only.clone();
    }
    let mut all = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
    parts.iter().for_each(|part| all.extend_from_slice(part));
    all.freeze()
}

/// The bytes of `range` out of its blocks.
fn assemble(location: &Path, have: &BTreeMap<u32, Bytes>, range: &Range<u64>) -> object_store::Result<Bytes> {
    let part = |block: u32| {
        let start = u64::from(block) * BLOCK;
        let from = usize::try_from(range.start.max(start) - start).ok()?;
        let to = usize::try_from(range.end.min(start + BLOCK) - start).ok()?;
        let bytes = have.get(&block)?;
        (to <= bytes.len()).then(|| bytes.slice(from..to))
    };
    let parts: Option<Vec<Bytes>> = blocks_of(range).map(part).collect();
    parts.map(concat).ok_or_else(|| short(location, range))
}

#[cfg(test)]
mod tests;
