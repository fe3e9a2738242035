//! Stores that fail, lose answers or hang: each row is in the table once.

use std::sync::Arc;

use parking_lot::Mutex;

use super::support::*;
use crate::error::{Kind, Report};
use crate::table::*;

async fn rows(place: &Place) -> u64 {
    place.read_only().await.rows()
}

#[tokio::test]
async fn a_lost_answer_is_not_a_lost_commit() {
    let place = Place::new();
    let (storage, faults) = faulty(&place);
    let table = open(&storage, uuid::Uuid::new_v4()).await;
    faults.rule("put", "00001.json", 1, Fault::LoseReply);
    let report = flush(&table, 1, &[spec(1, None)]).await.expect("the commit is recognised");
    assert_eq!((report.version, report.rows), (1, 1));
    flush(&table, 2, &[spec(2, None)]).await.expect("goes on");
    assert_eq!((rows(&place).await, table.current().version), (2, 2));
}

#[tokio::test]
async fn a_failed_put_is_tried_again() {
    let place = Place::new();
    let (storage, faults) = faulty(&place);
    let table = open(&storage, uuid::Uuid::new_v4()).await;
    faults.rule("put", "00001.json", 2, Fault::Fail);
    flush(&table, 1, &[spec(1, None)]).await.expect("third time");
    assert_eq!(rows(&place).await, 1);
}

#[tokio::test]
async fn a_failed_upload_commits_nothing() {
    let place = Place::new();
    let (storage, faults) = faulty(&place);
    let table = open(&storage, uuid::Uuid::new_v4()).await;
    faults.rule("put", "module=b", 1, Fault::Fail);
    let specs = [spec(1, Some("a")), spec(2, Some("b"))];
    let error = flush(&table, 1, &specs).await.expect_err("one file failed");
    assert_eq!(error.kind(), Kind::Unavailable);
    assert_eq!((table.current().version, rows(&place).await), (0, 0));
    flush(&table, 1, &specs).await.expect("the store is well again");
    assert_eq!(all_rows(&storage, &table.current()).await, expected(&[batch(1, &specs)]));
}

/// Rows 1 and 2 are flushed; the commit of rows 3 and 4 lands, but neither its answer nor a look at
/// the log comes through.
async fn in_doubt(faults: &FaultStore, table: &Table) {
    for first in 1..=2 {
        flush(table, first, &[spec(first, None)]).await.expect("flushes");
    }
    faults.rule("put", "00003.json", 1, Fault::LoseReply);
    faults.rule("get", "00003.json", 1, Fault::Fail);
    let error = flush(table, 3, &[spec(3, None), spec(4, None)]).await.expect_err("nobody knows");
    assert_eq!((error.kind(), error.code()), (Kind::OutcomeUnknown, "table_commit_unknown"));
    assert_eq!(table.current().version, 2, "nothing was published");
}

#[tokio::test]
async fn an_unknown_outcome_is_settled_by_the_next_flush() {
    let place = Place::new();
    let (storage, faults) = faulty(&place);
    let table = open(&storage, uuid::Uuid::new_v4()).await;
    in_doubt(&faults, &table).await;

    // A compaction would show rows that are still hot as well.
    let error = table.compact(CompactWhich::All, |_| panic!("published")).await.expect_err("has to wait");
    assert_eq!(error.code(), "table_unsettled");

    // Rows 3 and 4 are sent again with a fifth.
    let specs = [spec(3, None), spec(4, None), spec(5, None)];
    let published = Mutex::new(Vec::new());
    let report = table.flush(&[batch(3, &specs)], 5, |version| published.lock().push(version.rows())).await;
    assert_eq!(report.expect("flushes").rows, 1, "two were there already");
    assert_eq!(published.into_inner(), [5]);
    let all = [batch(1, &[spec(1, None), spec(2, None)]), batch(3, &specs)];
    assert_eq!(all_rows(&storage, &place.read_only().await).await, expected(&all));
    assert_eq!(table.flushed_through(), Some(5));
    assert_eq!(table.compact(CompactWhich::All, |_| ()).await.expect("compacts").files_in, 4);
}

#[tokio::test]
async fn an_unknown_outcome_with_nothing_new_is_published_too() {
    let place = Place::new();
    let (storage, faults) = faulty(&place);
    let table = open(&storage, uuid::Uuid::new_v4()).await;
    in_doubt(&faults, &table).await;
    let published = Mutex::new(None);
    let specs = [spec(3, None), spec(4, None)];
    let report = table.flush(&[batch(3, &specs)], 4, |version| *published.lock() = Some(version.rows())).await;
    assert_eq!(report.expect("flushes"), FlushReport { version: 3, ..FlushReport::default() });
    assert_eq!(published.into_inner(), Some(4));
}

#[tokio::test]
async fn a_late_commit_is_not_published_by_a_compaction() {
    let place = Place::new();
    let writer = uuid::Uuid::new_v4();
    let table = open(&place.storage, writer).await;
    for first in 1..=2 {
        flush(&table, first, &[spec(first, None)]).await.expect("flushes");
    }
    // A commit of rows 3 and 4 under our name that we know nothing of: they are hot as well.
    let commit = format!("{{\"txn\":{{\"appId\":\"kronika/writer/{writer}\",\"version\":4}}}}\n");
    std::fs::write(place.table_dir().join("_delta_log/00000000000000000003.json"), commit).expect("writes");
    for _ in 0..2 {
        let error = table.compact(CompactWhich::All, |_| panic!("published")).await.expect_err("has to wait");
        assert_eq!(error.code(), "table_unsettled");
    }
    let report = flush(&table, 3, &[spec(3, None), spec(4, None), spec(5, None)]).await.expect("settles");
    assert_eq!((report.rows, table.flushed_through()), (1, Some(5)));
}

#[tokio::test]
async fn a_commit_that_lands_late_is_found() {
    let place = Place::new();
    let (storage, faults) = faulty(&place);
    let writer = uuid::Uuid::new_v4();
    let table = open(&storage, writer).await;
    // The same writer's commit of rows 1 and 2 appears at version 1 while rows 1 to 3 are uploaded:
    // what a request that the store kept waiting does, or a process thought dead.
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    faults.rule("put", "00001.json", 1, Fault::Wait(Arc::clone(&gate)));
    let specs = [spec(1, None), spec(2, None), spec(3, None)];
    let late = async {
        let zombie = open(&place.storage, writer).await;
        flush(&zombie, 1, &specs[..2]).await.expect("lands first");
        gate.add_permits(1);
    };
    let (report, ()) = tokio::join!(flush(&table, 1, &specs), late);
    assert_eq!(report.expect("starts over").rows, 1);
    assert_eq!(all_rows(&storage, &place.read_only().await).await, expected(&[batch(1, &specs)]));
}

#[tokio::test]
async fn a_checkpoint_that_cannot_be_written_costs_opening_time_only() {
    for part in ["checkpoint.parquet", "_last_checkpoint", "checkpoint.crc32c"] {
        let place = Place::new();
        let (storage, faults) = faulty(&place);
        let writer = uuid::Uuid::new_v4();
        let table = open(&storage, writer).await;
        for first in 1..=3 {
            flush(&table, first, &[spec(first, None)]).await.expect("flushes");
        }
        faults.rule("put", part, 1, Fault::Fail);
        let error = table.checkpoint().await.expect_err("the disk is full");
        assert_eq!(error.kind(), Kind::Unavailable, "{part}: {error}");
        assert_eq!(open(&storage, writer).await.flushed_through(), Some(3), "{part}");
        // It goes on, and the next one is as good as any.
        flush(&table, 4, &[spec(4, None)]).await.expect("flushes");
        table.checkpoint().await.expect("there is room again");
        for version in 0..=4 {
            let commit = place.table_dir().join(format!("_delta_log/{version:020}.json"));
            std::fs::remove_file(commit).expect("removes");
        }
        let again = open(&storage, writer).await;
        assert_eq!((again.current().rows(), again.flushed_through()), (4, Some(4)), "{part}");
    }
}

#[tokio::test]
async fn a_failed_checkpoint_does_not_fail_the_flush_that_it_was_due_after() {
    let place = Place::new();
    let (storage, faults) = faulty(&place);
    let table = open(&storage, uuid::Uuid::new_v4()).await;
    faults.rule("put", "checkpoint.parquet", 3, Fault::Fail);
    for first in 1..=105 {
        flush(&table, first, &[spec(first, None)]).await.expect("flushes");
    }
    faults.met().await;
    let log = place.table_dir().join("_delta_log");
    let checkpoints = |log: &std::path::Path| {
        let names = std::fs::read_dir(log).expect("is there").map(|entry| entry.expect("reads").file_name());
        names.filter(|name| name.to_string_lossy().ends_with("checkpoint.parquet")).count()
    };
    assert_eq!((checkpoints(&log), rows(&place).await), (1, 105), "the fourth try was well");
}

#[tokio::test]
async fn rows_above_the_last_one_are_a_mistake() {
    let place = Place::new();
    let table = place.open().await;
    let error = table.flush(&[batch(1, &[spec(1, None), spec(2, None)])], 1, |_| ()).await.expect_err("2 > 1");
    assert_eq!(error.code(), "table_misuse");
}

#[tokio::test]
async fn a_compaction_of_unknown_outcome_is_found_by_the_next() {
    let place = Place::new();
    let (storage, faults) = faulty(&place);
    let table = open(&storage, uuid::Uuid::new_v4()).await;
    let mut all = Vec::new();
    for first in 1..=2 {
        flush(&table, first, &[spec(first, None)]).await.expect("flushes");
        all.push(batch(first, &[spec(first, None)]));
    }
    faults.rule("put", "00003.json", 1, Fault::LoseReply);
    faults.rule("get", "00003.json", 1, Fault::Fail);
    let error = table.compact(CompactWhich::All, |_| panic!("published")).await.expect_err("nobody knows");
    assert_eq!(error.kind(), Kind::OutcomeUnknown);
    let published = Mutex::new(Vec::new());
    let publish = |version: Arc<TableVersion>| published.lock().push((version.version, version.files.len()));
    let report = table.compact(CompactWhich::All, publish).await.expect("finds it");
    assert_eq!(report, CompactReport::default(), "it was done before");
    assert_eq!(published.into_inner(), [(3, 1)]);
    assert_eq!(all_rows(&storage, &table.current()).await, expected(&all));
}
