//! Two that write at once.

use std::sync::Arc;

use object_store::{ObjectStore, PutMode};

use super::support::*;
use crate::error::Report;
use crate::table::*;

#[tokio::test]
async fn the_second_opener_fences_the_first() {
    let place = Place::new();
    let (first, second) = (place.open().await, place.open().await);
    flush(&first, 1, &[spec(1, None)]).await.expect("nobody else has written");
    flush(&second, 100, &[spec(2, None)]).await.expect("takes over");
    for _ in 0..2 {
        let error = flush(&first, 2, &[spec(3, None)]).await.expect_err("is fenced, and stays so");
        assert_eq!(error.code(), "table_fenced");
        assert!(error.hint().is_some());
    }
    let error = first.compact(CompactWhich::All, |_| ()).await.expect_err("may not compact either");
    assert_eq!(error.code(), "table_fenced");
    flush(&second, 101, &[spec(4, None)]).await.expect("goes on");
    assert_eq!(place.read_only().await.rows(), 3);
    assert_eq!(second.highest_txn(), Some(101));
    assert_eq!(second.flushed_through(), Some(101));

    let third = place.open().await;
    assert_eq!((third.flushed_through(), third.highest_txn()), (None, Some(101)), "a new data directory starts above");
}

#[tokio::test]
async fn a_conditional_create_has_one_winner() {
    let place = Place::new();
    let store = place.storage.store();
    let path = place.storage.prefix().clone().join("contended");
    let tries = (0..8_u8).map(|who| {
        let (store, path) = (Arc::clone(&store), path.clone());
        async move { store.put_opts(&path, vec![who; 10_000].into(), PutMode::Create.into()).await }
    });
    let outcomes = futures::future::join_all(tries).await;
    let winners: Vec<_> = (0..8).filter(|who| outcomes[*who].is_ok()).collect();
    assert_eq!(winners.len(), 1);
    let lost =
        |outcome: &Result<_, object_store::Error>| matches!(outcome, Err(object_store::Error::AlreadyExists { .. }));
    assert_eq!(outcomes.iter().filter(|outcome| lost(outcome)).count(), 7);
    let (content, _) = (object_store::ObjectStoreExt::get(store.as_ref(), &path).await.expect("is there"), ());
    assert_eq!(content.bytes().await.expect("reads"), vec![winners[0] as u8; 10_000]);
}

#[tokio::test]
async fn eight_creators_make_one_table() {
    let place = Place::new();
    let tables = futures::future::join_all((0..8).map(|_| place.open())).await;
    assert!(tables.iter().all(|table| table.current().version == 0));
}

#[tokio::test]
async fn a_flush_goes_on_while_files_are_merged() {
    let place = Place::new();
    let (storage, faults) = faulty(&place);
    let table = open(&storage, uuid::Uuid::new_v4()).await;
    for first in 1..=3 {
        flush(&table, first, &[spec(first, Some("m"))]).await.expect("flushes");
    }
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    faults.rule("put", "module=m", 1, Fault::Wait(Arc::clone(&gate)));
    let meanwhile = async {
        faults.met().await;
        // The rule holds the merged file; this one passes.
        flush(&table, 4, &[spec(4, Some("m"))]).await.expect("does not wait");
        gate.add_permits(1);
    };
    let (report, ()) = tokio::join!(table.compact(CompactWhich::All, |_| ()), meanwhile);
    assert_eq!(report.expect("compacts").files_in, 3);
    let version = place.read_only().await;
    assert_eq!((version.version, version.files.len(), version.rows()), (5, 2, 4));
    assert_eq!(version.files, place.read_only().await.files);
}

#[tokio::test]
async fn two_compactors_leave_every_row_once() {
    let place = Place::new();
    let (storage, faults) = faulty(&place);
    let seed = place.open().await;
    let mut all = Vec::new();
    for first in 1..=6 {
        flush(&seed, first, &[spec(first, Some("m"))]).await.expect("flushes");
        all.push(batch(first, &[spec(first, Some("m"))]));
    }
    let slow = open(&storage, uuid::Uuid::new_v4()).await;
    let fast = open(&place.storage, uuid::Uuid::new_v4()).await;
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    faults.rule("put", ".json", 1, Fault::Wait(Arc::clone(&gate)));
    let other = async {
        faults.met().await;
        let report = fast.compact(CompactWhich::All, |_| ()).await.expect("wins");
        gate.add_permits(1);
        report
    };
    let (lost, won) = tokio::join!(slow.compact(CompactWhich::All, |_| ()), other);
    assert_eq!((won.files_in, won.files_out, won.rows), (6, 1, 6));
    assert_eq!(lost.expect("notices"), CompactReport::default());
    let version = place.read_only().await;
    assert_eq!(all_rows(&storage, &version).await, expected(&all));
    let files = walk(&place.table_dir());
    assert_eq!(files, 6 + 1, "the loser's file is gone");
}

/// Number of data files on disk.
pub(super) fn walk(dir: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(dir).expect("lists").map(|entry| entry.expect("reads").path());
    entries
        .map(|path| {
            if path.is_dir() { walk(&path) } else { usize::from(path.extension().is_some_and(|end| end == "parquet")) }
        })
        .sum()
}
