//! What is asked of the store, what stays, and what a damaged or full disk changes: nothing.

use std::path::PathBuf;

use object_store::ObjectStoreExt;
use object_store::memory::InMemory;

use super::*;
use crate::table::tests::chaos::{Asked, Watched};

const LOCATION: &str = "prefix/projects/p/events/date=2026-01-01/module=m/a.parquet";

/// A file whose every byte is known, in a store that counts.
struct Bench {
    dir: tempfile::TempDir,
    store: Arc<Watched>,
    location: Path,
    bytes: Vec<u8>,
}

impl Bench {
    async fn new(size: usize) -> Self {
        let bytes: Vec<u8> = (0..size).map(|at| (at * 31 + at / 251) as u8).collect();
        let store = Watched::new(Arc::new(InMemory::new()));
        let location = Path::from(LOCATION);
        store.put(&location, bytes.clone().into()).await.expect("stores");
        store.take();
        Self { dir: tempfile::tempdir().expect("a directory"), store, location, bytes }
    }

    fn open(&self, bytes_max: u64) -> Arc<Cache> {
        Cache::open(&CacheSettings::new(self.dir.path(), bytes_max), "s3://bucket/").expect("opens")
    }

    /// Reads and compares; the ranges that the store was asked for.
    async fn read(&self, cache: &Cache, ranges: &[Range<u64>]) -> Vec<Asked> {
        let parts = cache.read(self.store.as_ref(), &self.location, ranges).await.expect("reads");
        for (range, part) in ranges.iter().zip(parts) {
            assert_eq!(part.as_ref(), &self.bytes[range.start as usize..range.end as usize], "{range:?}");
        }
        self.store.take()
    }

    /// Files of the entries.
    fn entries(&self) -> Vec<PathBuf> {
        let parts = std::fs::read_dir(self.dir.path()).expect("reads").map(|part| part.expect("an entry").path());
        parts
            .flat_map(|part| std::fs::read_dir(part).expect("reads"))
            .map(|file| file.expect("a file").path())
            .collect()
    }
}

const MIB: u64 = 1 << 20;

#[tokio::test]
async fn a_small_file_is_one_request_and_then_none() {
    let bench = Bench::new(700_001).await;
    let cache = bench.open(64 * MIB);
    assert_eq!(bench.read(&cache, &[600_000..700_001]).await, [Asked::get(0..700_001)], "its end takes the rest along");
    assert_eq!(bench.read(&cache, &[0..10, 5..700_001, 262_143..262_145, 7..7]).await, []);
    assert!(cache.holds(&bench.location, 700_001) && !cache.holds(&Path::from("another"), 1));
    let cache = bench.open(64 * MIB);
    assert_eq!(bench.read(&cache, &[0..700_001]).await, [], "also after a restart");
    assert_eq!(cache.figures().bytes, 700_001);
    let other = Cache::open(&CacheSettings::new(bench.dir.path(), 64 * MIB), "s3://other/").expect("opens");
    assert_eq!(bench.read(&other, &[0..1]).await.len(), 1, "the same path in another store is another file");
}

#[tokio::test]
async fn near_parts_come_together_and_far_ones_apart() {
    let bench = Bench::new(80 << 20).await;
    let cache = bench.open(256 * MIB);
    let size = 80 * MIB;
    assert_eq!(bench.read(&cache, &[size - 512 * 1024..size]).await, [Asked::get(size - 2 * MIB..size)]);
    // 8 MiB may be read in vain: the gap of 5 MiB is closed, then that of 2 MiB is; the one of 30 MiB is not.
    let parts = [MIB..MIB + 10, 6 * MIB + 256 * 1024..7 * MIB, 9 * MIB..10 * MIB, 40 * MIB..40 * MIB + 1];
    let asked = bench.read(&cache, &parts).await;
    assert_eq!(asked, [Asked::get(MIB..10 * MIB), Asked::get(40 * MIB..40 * MIB + 256 * 1024)]);
    let asked = bench.read(&cache, &[0..40 * MIB]).await;
    let whole: Vec<Asked> = [0..MIB, 10 * MIB..26 * MIB, 26 * MIB..40 * MIB].map(Asked::get).into();
    assert_eq!(asked, whole, "what is long comes in pieces of 16 MiB, what is here is not asked for");
}

#[tokio::test]
async fn readers_of_the_same_block_ask_once() {
    let bench = Bench::new(900_000).await;
    let cache = bench.open(64 * MIB);
    let ranges = [800_000..900_000];
    let read = || cache.read(bench.store.as_ref(), &bench.location, &ranges);
    let all = futures::future::join_all((0..20).map(|_| read())).await;
    assert!(all.into_iter().all(|parts| parts.expect("reads")[0] == bench.bytes[800_000..]));
    assert_eq!(bench.store.take().len(), 1);
}

#[tokio::test]
async fn a_reader_that_gives_up_leaves_nobody_waiting() {
    let bench = Bench::new(900_000).await;
    let cache = bench.open(64 * MIB);
    bench.store.hold();
    let ranges = [0..900_000];
    let mut first = Box::pin(cache.read(bench.store.as_ref(), &bench.location, &ranges));
    assert!(futures::poll!(&mut first).is_pending());
    let second = cache.read(bench.store.as_ref(), &bench.location, &ranges);
    let gives_up = async {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        drop(first);
        bench.store.go_on();
    };
    let (parts, ()) = tokio::join!(second, gives_up);
    assert_eq!(parts.expect("reads")[0], bench.bytes);
}

#[tokio::test]
async fn any_flipped_bit_is_noticed_and_fetched_anew() {
    let bench = Bench::new(300).await;
    bench.read(&bench.open(MIB), &[0..300]).await;
    let bytes = std::fs::read(&bench.entries()[0]).expect("an entry").len();
    assert_eq!(bytes, 332);
    for at in 0..bytes {
        let path = bench.entries()[0].clone();
        let mut damaged = std::fs::read(&path).expect("reads");
        damaged[at] ^= 1 << (at % 8);
        std::fs::write(&path, damaged).expect("writes");
        let cache = bench.open(MIB);
        assert_eq!(bench.read(&cache, &[0..300]).await.len(), 1, "byte {at}");
        assert_eq!(cache.figures().damaged, 1, "byte {at}");
    }
    // Cut short, empty, of another block.
    for keep in [331, 32, 31, 8, 0] {
        let path = bench.entries()[0].clone();
        let whole = std::fs::read(&path).expect("reads");
        std::fs::write(&path, &whole[..keep]).expect("writes");
        assert_eq!(bench.read(&bench.open(MIB), &[0..300]).await.len(), 1, "{keep} bytes");
    }
}

#[tokio::test]
async fn the_budget_holds_and_what_is_read_often_stays() {
    let bench = Bench::new(10 << 20).await;
    let budget = 8 * BLOCK;
    let cache = bench.open(budget);
    let often = [0..BLOCK];
    bench.read(&cache, &[0..10 * MIB]).await;
    for _ in 0..3 {
        bench.read(&cache, &often).await;
    }
    for at in 8..30 {
        bench.read(&cache, &[at * BLOCK..at * BLOCK + 1]).await;
        if at % 8 == 0 {
            assert_eq!(bench.read(&cache, &often).await, [], "still here when block {at} came");
        }
        let on_disk: u64 = bench.entries().iter().map(|path| path.metadata().expect("is there").len() - 32).sum();
        assert!(on_disk <= budget && cache.figures().bytes == on_disk, "{on_disk}");
    }
    assert!(cache.figures().evicted > 0);
    let smaller = bench.open(2 * BLOCK);
    assert_eq!((smaller.figures().entries, bench.entries().len()), (2, 2), "a smaller budget holds from the start");
    let none = bench.open(BLOCK - 1);
    bench.read(&none, &[0..BLOCK]).await;
    assert_eq!(none.figures().entries, 0, "what does not fit does not stay");
}

#[tokio::test]
async fn a_forgotten_file_leaves_no_byte() {
    let bench = Bench::new(2 << 20).await;
    let cache = bench.open(64 * MIB);
    bench.read(&cache, &[0..2 * MIB]).await;
    assert_eq!(bench.entries().len(), 8);
    std::fs::write(bench.entries()[0].with_file_name("new-7"), "half").expect("writes");
    cache.forget(&bench.location);
    assert_eq!((bench.entries().len(), cache.figures().bytes), (1, 0), "but for what a killed process left");
    bench.open(64 * MIB);
    assert_eq!(bench.entries().len(), 0, "which goes at the next start");
    assert_eq!(bench.read(&cache, &[0..1]).await.len(), 1);
}

#[tokio::test]
async fn a_disk_that_refuses_only_costs_requests() {
    let bench = Bench::new(1_000).await;
    let cache = bench.open(64 * MIB);
    // Where directories of entries should be there are files.
    for part in 0..=255 {
        std::fs::write(bench.dir.path().join(format!("{part:02x}")), "").expect("writes");
    }
    for _ in 0..2 {
        assert_eq!(bench.read(&cache, &[0..1_000]).await.len(), 1);
    }
    assert_eq!(cache.figures().refused, 2);
}

#[tokio::test]
async fn a_file_that_is_shorter_than_it_should_be_is_an_error() {
    let bench = Bench::new(1_000).await;
    let cache = bench.open(MIB);
    let error = cache.read(bench.store.as_ref(), &bench.location, &[0..1_001]).await.expect_err("one byte too many");
    assert!(error.to_string().contains("no whole bytes 0..1001"), "{error}");
    let missing = cache.read(bench.store.as_ref(), &Path::from("x.parquet"), &[0..1]).await.expect_err("is not there");
    assert!(matches!(missing, object_store::Error::NotFound { .. }), "{missing}");
}

#[test]
fn runs_close_the_smallest_gaps_first() {
    let runs = |blocks: &[u32]| super::runs(blocks, EXTRA_MAX);
    assert_eq!(runs(&[]), []);
    assert_eq!(runs(&[7]), [7..8]);
    assert_eq!(runs(&[0, 1, 2]), [0..3]);
    // 32 blocks may come in vain.
    assert_eq!(runs(&[0, 33]), [0..34]);
    assert_eq!(runs(&[0, 34]), [0..1, 34..35]);
    assert_eq!(runs(&[0, 30, 40, 50]), [0..1, 30..51]);
    let long: Vec<u32> = (0..130).collect();
    assert_eq!(runs(&long), [0..64, 64..128, 128..130]);
    // Whoever would rather wait than ask again.
    assert_eq!(super::runs(&[0, 50, 99, 150], 100 * BLOCK), [0..100, 150..151]);
    assert_eq!(super::runs(&[0, 2], 0), [0..1, 2..3]);
}
