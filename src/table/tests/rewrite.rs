//! Erasing: only files concerned are written again, in their order; nothing of the past stays.

use std::sync::Arc;

use chrono::Utc;
use object_store::ObjectStoreExt;

use super::support::*;
use crate::retention::{Eraser, HeldRows, Needle, Subject};
use crate::table::*;

fn eraser(value: &str, mentions: bool) -> Arc<dyn RowEdit> {
    let subject = Subject { column: "actor_id".into(), value: value.into() };
    let needle = mentions.then(|| Needle::new(value, "[erased]").unwrap());
    Arc::new(Eraser::new(Some(&subject), needle, HeldRows::default()).unwrap())
}

/// Rows of a day of two modules; the text of some is `KANAREK`, which `spec` puts into several columns.
fn specs(day: i64) -> Vec<Spec> {
    let one = |row: i64| {
        let named = spec(day * DAY + row, Some(if row % 2 == 0 { "a" } else { "b" }));
        let text = (row % 10 == 0 && day == 1).then(|| "KANAREK-1".to_owned()).or(named.text.clone());
        Spec { text, ..named }
    };
    (0..100).map(one).collect()
}

async fn rewrite_all(table: &Table, edit: &Arc<dyn RowEdit>) -> Judged {
    let mut sum = Judged::default();
    loop {
        let found = table.judge(&table.current(), edit, |_| true).await.expect("reads");
        let due: Vec<Concerned> = found.into_iter().filter(|of| of.judged.is_change()).collect();
        if due.is_empty() {
            return sum;
        }
        due.iter().for_each(|of| sum += of.judged);
        let done = table.rewrite::<TableError>(&due, edit, || Ok(()), |_| ()).await;
        assert!(done.expect("rewrites"));
    }
}

/// Files below the table that hold these bytes, compressed ones decoded.
async fn holding(place: &Place, wanted: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut dirs = vec![place.dir.path().to_path_buf()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let mut has = memchr::memmem::find(&bytes, wanted.as_bytes()).is_some();
            if path.extension().is_some_and(|extension| extension == "parquet") {
                let reader =
                    parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes));
                for batch in reader.unwrap().build().unwrap() {
                    let text = format!("{:?}", batch.unwrap().columns());
                    has |= text.contains(wanted);
                }
            }
            if has {
                found.push(path.display().to_string());
            }
        }
    }
    found
}

#[tokio::test]
async fn erased_rows_leave_no_byte_in_files_statistics_and_old_versions() {
    let place = Place::new();
    let table = place.open().await;
    for day in 0..3 {
        flush(&table, 1 + day * 100, &specs(day)).await.expect("flushes");
    }
    // Old versions: a checkpoint and replaced files that hold the value as well.
    table.checkpoint().await.expect("checkpoints");
    table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
    flush(&table, 301, &specs(1)).await.expect("flushes");
    table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
    assert!(holding(&place, "KANAREK").await.len() > 3);
    let untouched: Vec<_> = table.current().files.iter().filter(|file| file.date != 1).cloned().collect();

    let edit = eraser("KANAREK-1", true);
    let reader = table.current();
    let sum = rewrite_all(&table, &edit).await;
    assert_eq!((sum.removed, sum.changed, sum.held), (20, 0, 0));
    assert_eq!(rewrite_all(&table, &edit).await, Judged::default(), "done again it is nothing");
    for file in &untouched {
        assert!(table.current().files.contains(file), "{} was touched", file.path);
    }

    // A query that runs keeps its files; then they go, and the past with them.
    let report = table.purge(Utc::now()).await.expect("purges");
    assert!(report.in_use > 0, "{report:?}");
    assert_eq!(all_rows(&place.storage, &reader).await.len(), 400);
    drop(reader);
    let report = table.purge(Utc::now()).await.expect("purges");
    assert_eq!(report.in_use, 0);
    assert!(report.deleted > 0);
    assert_eq!(holding(&place, "KANAREK").await, Vec::<String>::new());
    assert_eq!(table.purge(Utc::now()).await.expect("again").deleted, 0);

    // The table goes on, for itself and for others.
    assert_eq!(place.read_only().await.rows(), 380);
    flush(&table, 401, &specs(2)).await.expect("flushes");
    table.compact(CompactWhich::All, |_| ()).await.expect("compacts: the order of rows holds");
    let kept = place.read_only().await;
    assert_eq!(kept.rows(), 480);
    assert_eq!(place.open().await.current().rows(), 480);
    for file in &kept.files {
        let (_, batch, _) = read_file(&place.storage, &file.location).await;
        assert_eq!(batch.num_rows() as u64, file.rows);
    }
}

#[tokio::test]
async fn a_file_of_which_nothing_stays_is_dropped_and_one_that_went_meanwhile_is_left_alone() {
    let place = Place::new();
    let table = place.open().await;
    let all: Vec<_> = (0..5).map(|row| Spec { text: Some("KANAREK-1".into()), ..spec(row, Some("a")) }).collect();
    flush(&table, 1, &all).await.expect("flushes");
    flush(&table, 6, &[spec(9, Some("a"))]).await.expect("flushes");
    let edit = eraser("KANAREK-1", false);
    let due = table.judge(&table.current(), &edit, |_| true).await.expect("reads");
    assert_eq!(due.len(), 1, "statistics rule the other file out");
    table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
    let done = table.rewrite::<TableError>(&due, &edit, || Ok(()), |_| ()).await.expect("tries");
    assert!(!done, "the file is not live any more");
    assert_eq!(table.current().rows(), 6);
    let paths: Vec<String> = due.iter().map(|of| of.file.path.clone()).collect();
    assert!(table.are_gone(&paths).await.expect("reads"));
    // What the caller has to note is noted before the commit, or nothing happens.
    let due = table.judge(&table.current(), &edit, |_| true).await.expect("reads");
    let refuse = || Err(TableError::Misuse("the note failed".into()));
    table.rewrite(&due, &edit, refuse, |_| ()).await.expect_err("is refused");
    assert_eq!(table.current().rows(), 6);
    rewrite_all(&table, &edit).await;
    assert_eq!(table.current().rows(), 1);
    assert_eq!(table.vacuum(std::time::Duration::ZERO).await.expect("vacuums"), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_holds_nothing_outlives_a_purge() {
    let place = Place::new();
    let table = place.open().await;
    table.purge(Utc::now()).await.expect("purges");
    flush(&table, 1, &specs(1)).await.expect("flushes");
    drop(table);
    let rows: u64 = place.open().await.current().files.iter().map(|file| file.rows).sum();
    assert_eq!(rows, 100);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_purge_leaves_what_another_server_wrote() {
    let place = Place::new();
    let first = place.open().await;
    flush(&first, 1, &specs(1)).await.expect("flushes");
    let second = place.open().await;
    flush(&second, 101, &specs(2)).await.expect("takes the table over");
    let refused = first.purge(Utc::now()).await.expect_err("is not its table any more");
    assert!(matches!(refused, TableError::Fenced { .. }), "{refused}");
    for file in &second.current().files {
        place.storage.store().head(&file.location).await.expect("is there");
    }
}
