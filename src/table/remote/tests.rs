//! What goes through the cache, what past it, and what leaves it.

use object_store::ObjectStoreExt;
use object_store::memory::InMemory;

use super::*;
use crate::table::CacheSettings;
use crate::table::requests::{RequestKind, Tally};
use crate::table::tests::chaos::{Asked, Watched};

const FILE: &str = "p/date=2026-01-01/module=m/a.parquet";

struct Bench {
    watched: Arc<Watched>,
    store: RemoteStore,
    _dir: tempfile::TempDir,
}

fn bench(bytes_max: u64) -> Bench {
    let dir = tempfile::tempdir().expect("a directory");
    let watched = Watched::new(Arc::new(InMemory::new()));
    let cache = Cache::open(&CacheSettings::new(dir.path(), bytes_max), "s3://b/").expect("opens");
    let store = RemoteStore::new(watched.clone(), Some(cache));
    Bench { watched, store, _dir: dir }
}

fn bytes(count: usize) -> Vec<u8> {
    (0..count).map(|at| (at % 251) as u8).collect()
}

#[tokio::test]
async fn what_was_written_is_read_without_a_request() {
    let Bench { watched, store, .. } = bench(64 << 20);
    let location = Path::from(FILE);
    store.put(&location, bytes(300_000).into()).await.expect("puts");
    assert_eq!(watched.take(), [Asked::Put]);
    let queries = store.filling();
    assert_eq!(queries.get_range(&location, 10..300_000).await.expect("reads"), bytes(300_000)[10..]);
    let parts = queries.get_ranges(&location, &[0..1, 299_999..300_000]).await.expect("reads");
    assert_eq!(parts, [bytes(1), bytes(300_000)[299_999..].to_vec()]);
    assert_eq!(store.get_range(&location, 5..6).await.expect("reads"), bytes(6)[5..]);
    assert_eq!(watched.take(), []);
}

#[tokio::test]
async fn an_upload_in_parts_is_kept_as_well_unless_it_fails_or_is_too_large() {
    for (parts, budget, kept) in [(3, 64 << 20, true), (3, 8 << 20, false)] {
        let Bench { watched, store, .. } = bench(budget);
        let location = Path::from(FILE);
        let mut upload = store.put_multipart(&location).await.expect("begins");
        let part = bytes(1 << 20);
        for _ in 0..parts {
            upload.put_part(part.clone().into()).await.expect("puts");
        }
        upload.put_part(bytes(77).into()).await.expect("puts");
        upload.complete().await.expect("completes");
        watched.take();
        let size = (parts << 20) + 77;
        assert_eq!(store.cache().expect("a cache").holds(&location, size), kept);
        let read = store.filling().get_range(&location, 0..size).await.expect("reads");
        assert!(read[..1 << 20] == part && read[size as usize - 77..] == bytes(77));
        assert_eq!(watched.take().is_empty(), kept);
    }
    let Bench { store, .. } = bench(64 << 20);
    let location = Path::from(FILE);
    let mut upload = store.put_multipart(&location).await.expect("begins");
    upload.put_part(bytes(1 << 20).into()).await.expect("puts");
    upload.abort().await.expect("aborts");
    assert_eq!(store.cache().expect("a cache").figures().bytes, 0);
}

#[tokio::test]
async fn jobs_take_what_is_there_and_leave_nothing() {
    let Bench { watched, store, .. } = bench(64 << 20);
    let location = Path::from(FILE);
    watched.put(&location, bytes(1_000).into()).await.expect("puts");
    watched.take();
    for _ in 0..2 {
        store.get_range(&location, 0..1_000).await.expect("reads");
        store.get_ranges(&location, &[0..1_000]).await.expect("reads");
    }
    assert_eq!(watched.take().len(), 4);
    store.filling().get_range(&location, 0..1_000).await.expect("reads");
    watched.take();
    store.get_range(&location, 0..1_000).await.expect("reads");
    assert_eq!(watched.take(), []);
}

#[tokio::test]
async fn logs_attachments_and_conditions_go_past_it() {
    let Bench { watched, store, .. } = bench(64 << 20);
    let queries = store.filling();
    for name in ["p/_delta_log/00000000000000000100.checkpoint.parquet", "p/_delta_log/0.json", "p/attachments/ab/cd"] {
        let location = Path::from(name);
        queries.put(&location, bytes(10).into()).await.expect("puts");
        watched.take();
        for _ in 0..2 {
            queries.get_range(&location, 0..10).await.expect("reads");
        }
        assert_eq!(watched.take().len(), 2, "{name}");
    }
    let location = Path::from(FILE);
    queries.put(&location, bytes(10).into()).await.expect("puts");
    watched.take();
    let tag = queries.head(&location).await.expect("is there").e_tag;
    let options = GetOptions { range: Some(GetRange::Bounded(0..1)), if_match: tag, ..GetOptions::default() };
    queries.get_opts(&location, options).await.expect("matches");
    let options = GetOptions { range: Some(GetRange::Suffix(3)), ..GetOptions::default() };
    assert_eq!(
        queries.get_opts(&location, options).await.expect("reads").bytes().await.expect("reads"),
        bytes(10)[7..]
    );
    assert_eq!(watched.take().len(), 3);
}

#[tokio::test]
async fn a_deleted_file_is_gone_from_the_cache_too() {
    let Bench { store, .. } = bench(64 << 20);
    let location = Path::from(FILE);
    store.put(&location, bytes(10).into()).await.expect("puts");
    store.delete(&location).await.expect("deletes");
    assert_eq!(store.cache().expect("a cache").figures().bytes, 0);
    let error = store.filling().get_range(&location, 0..10).await.expect_err("is gone");
    assert!(matches!(error, object_store::Error::NotFound { .. }), "{error}");
}

/// A store that tells whoever observes that it was asked.
#[derive(Debug)]
struct Telling(InMemory);

impl fmt::Display for Telling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Telling")
    }
}

fn tell(kind: RequestKind) {
    if let Some(observer) = super::super::requests::observer() {
        observer.asks(kind, 1);
    }
}

#[async_trait]
impl ObjectStore for Telling {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        tell(RequestKind::Put);
        self.0.put_opts(location, payload, opts).await
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        tell(RequestKind::Put);
        self.0.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        tell(RequestKind::Get);
        self.0.get_opts(location, options).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        tell(RequestKind::List);
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}

#[tokio::test]
async fn each_handle_tells_its_own_observer() {
    let store = RemoteStore::new(Arc::new(Telling(InMemory::new())), None);
    let (one, two) = (Arc::new(Tally::default()), Arc::new(Tally::default()));
    let (first, second) = (store.observed_by(one.clone()), store.observed_by(two.clone()));
    let location = Path::from(FILE);
    first.put(&location, bytes(10).into()).await.expect("puts");
    // On another thread, as uploads are.
    let read = tokio::task::spawn_blocking(move || {
        tokio::runtime::Handle::current().block_on(second.get_range(&Path::from(FILE), 0..5))
    });
    read.await.expect("ends").expect("reads");
    first.list_with_delimiter(None).await.expect("lists");
    store.get(&location).await.expect("reads");
    let (one, two) = (one.requests(), two.requests());
    assert_eq!((one.put, one.list, one.total(), two.get, two.total()), (1, 1, 2, 1, 1));
}
