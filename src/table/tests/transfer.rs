//! A table in two places: whole, resumed, while it is written, never over another.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::chaos::{Chaos, Odds};
use super::support::*;
use crate::error::Report;
use crate::table::*;

/// Adds up what it is told.
#[derive(Debug, Default)]
struct Told {
    expected: AtomicU64,
    copied: AtomicU64,
}

impl Progress for Told {
    fn expects(&self, bytes: u64) {
        self.expected.fetch_add(bytes, Ordering::Relaxed);
    }

    fn copied(&self, bytes: u64) {
        self.copied.fetch_add(bytes, Ordering::Relaxed);
    }
}

async fn copy(from: &Storage, to: &Storage) -> Result<Copied, TableError> {
    let told = Told::default();
    let copied = copy_project(from, to, &project(), &told).await?;
    assert_eq!(told.expected.into_inner(), told.copied.into_inner(), "all that was expected was copied");
    Ok(copied)
}

fn elsewhere() -> Storage {
    Storage::over(Arc::new(InMemory::new()), None)
}

async fn filled(place: &Place, writer: uuid::Uuid) -> Table {
    let table = open(&place.storage, writer).await;
    for first in [1, 4, 7] {
        flush(&table, first, &[spec(first, Some("a/b")), spec(first + DAY, None), spec(first, Some("ж"))])
            .await
            .expect("flushes");
    }
    table
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_goes_elsewhere_and_is_written_on_there() {
    let (place, there, writer) = (Place::new(), elsewhere(), uuid::Uuid::new_v4());
    let table = filled(&place, writer).await;
    let attached = place.storage.attachments(&project()).join("ab").join("abcd");
    place.storage.store().put(&attached, "a file".into()).await.expect("puts");
    let first = copy(&place.storage, &there).await.expect("copies");
    assert_eq!((first.version, first.rows, first.files, first.kept), (3, 9, 9 + 4 + 1, 0));
    assert_eq!(copy(&place.storage, &there).await.expect("again").files, 0, "nothing is copied twice");

    // Written here meanwhile: compacted, replaced files deleted, a checkpoint made.
    table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
    table.vacuum(Duration::ZERO).await.expect("vacuums");
    table.checkpoint().await.expect("checkpoints");
    flush(&table, 10, &[spec(5, None)]).await.expect("flushes");
    let second = copy(&place.storage, &there).await.expect("copies");
    assert_eq!((second.version, second.rows), (table.current().version, 10));
    assert_eq!(all_rows(&there, &open_read_only(&there, &project()).await.expect("opens")).await, {
        all_rows(&place.storage, &table.current()).await
    });
    let copied = there.store().get(&there.attachments(&project()).join("ab").join("abcd")).await.expect("is there");
    assert_eq!(copied.bytes().await.expect("reads"), "a file");

    // The server starts there: what is stored it does not store again.
    let on = open(&there, writer).await;
    assert_eq!(on.flushed_through(), Some(10));
    let report =
        on.flush(&[batch(9, &[spec(1, None), spec(2, None), spec(3, None)])], 11, |_| ()).await.expect("flushes");
    assert_eq!(report.rows, 1);
    let error = copy(&place.storage, &there).await.expect_err("it was written there");
    assert_eq!(error.code(), "table_foreign");
    assert!(error.to_string().contains("a server writes there already"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn another_table_is_not_written_over() {
    let (place, other, writer) = (Place::new(), Place::new(), uuid::Uuid::new_v4());
    filled(&place, writer).await;
    filled(&other, writer).await;
    let error = copy(&place.storage, &other.storage).await.expect_err("is another");
    assert!(matches!(&error, TableError::Foreign { what, .. } if what.contains("another table")), "{error}");
    let missing = copy_project(&elsewhere(), &other.storage, &project(), &Told::default()).await;
    assert!(matches!(missing, Err(TableError::Missing(_))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_breaks_off_goes_on() {
    let (place, writer) = (Place::new(), uuid::Uuid::new_v4());
    let table = filled(&place, writer).await;
    let odds = Odds { refused: 150, lost: 60, reset: 100, stale: 0, slow: 0 };
    let mut broken = 0;
    for seed in 1..=4 {
        let chaos = Chaos::new(Arc::new(InMemory::new()), seed, odds);
        let there = Storage::over(chaos.clone() as Arc<dyn ObjectStore>, None);
        while let Err(error) = copy_project(&place.storage, &there, &project(), &Told::default()).await {
            assert!(matches!(error, TableError::Store { .. }), "{error:?}");
            broken += 1;
            assert!(broken < 2_000);
        }
        chaos.calm();
        let version = open_read_only(&there, &project()).await.expect("opens");
        assert_eq!(all_rows(&there, &version).await, all_rows(&place.storage, &table.current()).await);
    }
    assert!(broken > 4, "{broken}");
}

#[tokio::test]
async fn large_files_go_in_parts_and_what_comes_back_wrong_is_found() {
    let (place, there) = (Place::new(), elsewhere());
    filled(&place, uuid::Uuid::new_v4()).await;
    let name = |storage: &Storage| storage.attachments(&project()).join("cd").join("cdef");
    let bytes: Vec<u8> = (0..(17 << 20) + 5_u32).map(|at| (at * 7 + (at >> 9)) as u8).collect();
    place.storage.store().put(&name(&place.storage), bytes.clone().into()).await.expect("puts");
    copy(&place.storage, &there).await.expect("copies");
    let copied = there.store().get(&name(&there)).await.expect("is there").bytes().await.expect("reads");
    assert!(copied == bytes);

    let lying = elsewhere().wrapped(|inner| Arc::new(Lying(inner)));
    let error = copy(&place.storage, &lying).await.expect_err("other bytes come back");
    assert!(error.to_string().contains("checksum"), "{error}");
    assert!(open_read_only(&lying, &project()).await.is_err(), "no commit names what is not there");
}

/// A store that flips a bit of every data file.
#[derive(Debug)]
struct Lying(Arc<dyn ObjectStore>);

impl std::fmt::Display for Lying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Lying")
    }
}

#[async_trait::async_trait]
impl ObjectStore for Lying {
    async fn put_opts(
        &self,
        location: &Path,
        payload: object_store::PutPayload,
        opts: object_store::PutOptions,
    ) -> object_store::Result<object_store::PutResult> {
        let mut bytes: Vec<u8> = payload.iter().flatten().copied().collect();
        if location.as_ref().ends_with(".parquet") {
            bytes[9] ^= 1;
        }
        self.0.put_opts(location, bytes.into(), opts).await
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        opts: object_store::PutMultipartOptions,
    ) -> object_store::Result<Box<dyn object_store::MultipartUpload>> {
        self.0.put_multipart_opts(location, opts).await
    }

    async fn get_opts(
        &self,
        location: &Path,
        options: object_store::GetOptions,
    ) -> object_store::Result<object_store::GetResult> {
        self.0.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: futures::stream::BoxStream<'static, object_store::Result<Path>>,
    ) -> futures::stream::BoxStream<'static, object_store::Result<Path>> {
        self.0.delete_stream(locations)
    }

    fn list(
        &self,
        prefix: Option<&Path>,
    ) -> futures::stream::BoxStream<'static, object_store::Result<object_store::ObjectMeta>> {
        self.0.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> object_store::Result<object_store::ListResult> {
        self.0.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: object_store::CopyOptions) -> object_store::Result<()> {
        self.0.copy_opts(from, to, options).await
    }
}
