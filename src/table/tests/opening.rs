//! Opening: damaged logs, newer models, other tools' commits, checkpoints.

use std::fs;

use super::support::*;
use crate::error::Report;
use crate::table::*;

/// Files of the log by version.
fn commit_file(place: &Place, version: u64) -> std::path::PathBuf {
    place.table_dir().join(format!("_delta_log/{version:020}.json"))
}

async fn three_flushes(place: &Place) {
    let table = place.open().await;
    for first in 1..=3 {
        flush(&table, first, &[spec(first, Some("m"))]).await.expect("flushes");
    }
}

#[tokio::test]
async fn a_damaged_log_names_its_file() {
    for (what, content) in [("empty", &b""[..]), ("zeroes", &[0; 100]), ("torn", b"{\"commitInfo\":{\"timest")] {
        for version in [2, 3] {
            let place = Place::new();
            three_flushes(&place).await;
            fs::write(commit_file(&place, version), content).expect("writes");
            let error = open_read_only(&place.storage, &project()).await.expect_err(what);
            assert_eq!(error.code(), "table_log_damaged", "{what}");
            assert!(error.to_string().contains(&format!("{version:020}.json")), "{what}: {error}");
            assert!(error.hint().is_some());
        }
    }
}

#[tokio::test]
async fn a_missing_version_is_no_end_of_the_log() {
    let place = Place::new();
    three_flushes(&place).await;
    fs::remove_file(commit_file(&place, 2)).expect("removes");
    let error = open_read_only(&place.storage, &project()).await.expect_err("has a gap");
    assert!(error.to_string().contains("00000000000000000002.json` is missing"), "{error}");
}

#[tokio::test]
async fn a_late_listing_hides_no_commit() {
    let place = Place::new();
    let (storage, faults) = faulty(&place);
    let writer = uuid::Uuid::new_v4();
    // A table of which nothing is listed yet is no missing one.
    open(&storage, writer).await;
    faults.unlist(&["_delta_log"]);
    assert_eq!(open_read_only(&storage, &project()).await.expect("is there").version, 0);
    let table = open(&storage, writer).await;
    for first in 1..=5 {
        flush(&table, first, &[spec(first, Some("m"))]).await.expect("flushes");
    }
    let commits = ["00001.json", "00002.json", "00004.json", "00005.json"];
    for lacking in [&commits[3..], &commits[2..], &commits[..1], &commits[1..2], &["_delta_log"][..]] {
        faults.unlist(lacking);
        let again = open(&storage, writer).await;
        assert_eq!((again.current().version, again.current().rows()), (5, 5), "without {lacking:?}");
        assert_eq!(again.flushed_through(), Some(5), "without {lacking:?}");
    }
    // Also behind a checkpoint.
    faults.unlist(&[]);
    table.checkpoint().await.expect("checkpoints");
    flush(&table, 6, &[spec(6, Some("m"))]).await.expect("flushes");
    faults.unlist(&["00006.json"]);
    assert_eq!(open(&storage, writer).await.flushed_through(), Some(6));
    // delta-rs reads the checkpoint that is listed: without it there is a refusal, no older state.
    faults.unlist(&["checkpoint.parquet", "00006.json"]);
    let error = try_open(&storage, writer).await.expect_err("cannot be read so");
    assert_eq!((error.kind(), error.code()), (crate::error::Kind::Unavailable, "table_delta_failed"));
    // Nor does a copy or a look lack what a listing lacks.
    faults.unlist(&["00006.json", "date="]);
    let parts = storage.table_parts(&project()).await.expect("reads").expect("is there");
    assert!(parts.log.iter().any(|(path, size)| path.as_ref().ends_with("00006.json") && *size > 0), "{:?}", parts.log);
    assert_eq!((parts.version, parts.rows), (6, 6));
    let found = storage.check_table(&project(), None, true).await.expect("looks");
    assert_eq!((found.rows, found.damage.len()), (6, 0), "{found:?}");
    // A read that fails is no end of the log.
    faults.unlist(&[]);
    faults.rule("get", "00007.json", 1, Fault::Fail);
    let error = try_open(&storage, writer).await.expect_err("nobody knows whether there is more");
    assert_eq!(error.code(), "table_store_failed");
}

#[tokio::test]
async fn a_late_listing_after_the_old_log_is_gone_is_no_older_state() {
    let place = Place::new();
    three_flushes(&place).await;
    let (storage, faults) = faulty(&place);
    let table = open(&storage, uuid::Uuid::new_v4()).await;
    table.checkpoint().await.expect("checkpoints");
    for version in 0..=3 {
        fs::remove_file(commit_file(&place, version)).expect("removes");
    }
    // delta-rs reads what is listed: without the checkpoint it refuses, and the next try is better.
    faults.unlist(&["checkpoint.parquet"]);
    let error = open_read_only(&storage, &project()).await.expect_err("cannot be read so");
    assert_eq!((error.kind(), error.code()), (crate::error::Kind::Unavailable, "table_delta_failed"));
    faults.unlist(&[]);
    assert_eq!(open_read_only(&storage, &project()).await.expect("reads").rows(), 3);
}

#[tokio::test]
async fn a_checkpoint_stands_for_the_commits_before_it() {
    let place = Place::new();
    let writer = uuid::Uuid::new_v4();
    let table = open(&place.storage, writer).await;
    for first in 1..=3 {
        flush(&table, first, &[spec(first, Some("m")), spec(first, None)][..1]).await.expect("flushes");
    }
    table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
    table.checkpoint().await.expect("checkpoints");
    flush(&table, 4, &[spec(4, None)]).await.expect("flushes");
    let before = place.read_only().await;
    for version in 0..=4 {
        fs::remove_file(commit_file(&place, version)).expect("removes");
    }
    let again = open(&place.storage, writer).await;
    assert_eq!(again.flushed_through(), Some(4));
    assert_eq!(again.highest_txn(), Some(4));
    assert_eq!(again.current().files, before.files, "the same files, with the same statistics");
    assert!(again.current().files.iter().all(|file| file.ordered));
    assert_eq!(again.vacuum(std::time::Duration::ZERO).await.expect("vacuums"), 3, "removed files are known");
    flush(&again, 5, &[spec(5, None)]).await.expect("goes on");
    assert_eq!(place.read_only().await.rows(), 5);
}

#[tokio::test]
async fn a_newer_model_is_refused_with_both_versions() {
    let place = Place::new();
    three_flushes(&place).await;
    let file = commit_file(&place, 0);
    let text = unsummed(&fs::read_to_string(&file).expect("reads"));
    let newer = text.replace("\"kronika.modelVersion\":\"1\"", "\"kronika.modelVersion\":\"7\"");
    assert_ne!(text, newer);
    fs::write(&file, newer).expect("writes");
    let error = try_open(&place.storage, uuid::Uuid::new_v4()).await.expect_err("is newer");
    assert_eq!(error.code(), "table_newer_model");
    assert_eq!(error.to_string(), "the table has event model 7, this program knows models up to 1");
}

#[tokio::test]
async fn a_table_of_another_kind_is_refused() {
    for (from, to) in [("kronika.modelVersion", "other"), ("\"minReaderVersion\":1", "\"minReaderVersion\":3")] {
        let place = Place::new();
        three_flushes(&place).await;
        let file = commit_file(&place, 0);
        let text = unsummed(&fs::read_to_string(&file).expect("reads"));
        fs::write(&file, text.replace(from, to)).expect("writes");
        let error = open_read_only(&place.storage, &project()).await.expect_err("is foreign");
        assert_eq!(error.code(), "table_foreign", "{error}");
    }
}

#[tokio::test]
async fn a_file_that_another_tool_added_stays_as_it_is() {
    let place = Place::new();
    let table = place.open().await;
    flush(&table, 1, &[spec(5_000, Some("m"))]).await.expect("flushes");
    let ours = table.current().files[0].clone();
    let copy = ours.path.replace(".parquet", "-copy.parquet");
    fs::copy(place.table_dir().join(&ours.path), place.table_dir().join(&copy)).expect("copies");
    let add = serde_json::json!({"add": {
        "path": copy, "partitionValues": {"date": "1970-01-01", "module": "m"}, "size": ours.size,
        "modificationTime": 1, "dataChange": true,
        "stats": "{\"numRecords\":1,\"minValues\":{\"event_time\":\"1970-01-01T00:00:00.005Z\"},\"maxValues\":{\"event_time\":\"1970-01-01T00:00:00.005Z\"},\"nullCount\":{\"event_time\":0}}",
    }});
    fs::write(commit_file(&place, 2), format!("{add}\n")).expect("writes");
    // Our next commit finds version 2 taken, learns what it did and becomes version 3.
    let report = flush(&table, 2, &[spec(6_000, Some("m"))]).await.expect("flushes behind it");
    assert_eq!(report.version, 3);
    assert_eq!(table.current().rows(), 3);
    let foreign = table.current().files.iter().find(|file| file.path == copy).expect("is live").clone();
    assert!(!foreign.ordered);
    let time = foreign.stats_of(crate::event::schema::EVENT_TIME_AT).expect("has bounds");
    assert_eq!((time.min, time.max), (Some(StatValue::I64(5_000)), Some(StatValue::I64(5_999))), "ms may be cut");
    let report = table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
    assert_eq!((report.files_in, report.files_out), (2, 1));
    assert!(table.current().files.iter().any(|file| file.path == copy), "its order is not known");
}

#[tokio::test]
async fn what_is_not_there_is_missing() {
    let place = Place::new();
    let error = open_read_only(&place.storage, &project()).await.expect_err("is missing");
    assert_eq!(error.code(), "table_not_found");
    assert!(place.storage.projects().await.expect("lists").is_empty());
    place.open().await;
    assert_eq!(place.storage.projects().await.expect("lists"), [project()]);
    assert_eq!(place.read_only().await.files.len(), 0);
}
