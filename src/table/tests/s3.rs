//! The same on S3: `KRONIKA_TEST_S3` names the endpoint of a test server with bucket `kronika`.

use std::collections::BTreeMap;

use super::support::*;
use crate::table::*;

#[tokio::test(flavor = "multi_thread")]
async fn a_table_on_s3() {
    let Ok(endpoint) = std::env::var("KRONIKA_TEST_S3") else {
        eprintln!("SKIPPED: KRONIKA_TEST_S3 names no S3 endpoint");
        return;
    };
    let options = [
        ("aws_endpoint", endpoint.as_str()),
        ("aws_access_key_id", "test"),
        ("aws_secret_access_key", "test"),
        ("aws_region", "us-east-1"),
        ("allow_http", "true"),
    ];
    let options: BTreeMap<_, _> = options.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let url = format!("s3://kronika/{}", uuid::Uuid::new_v4());
    let storage = Storage::open(&url, &options).expect("opens");
    let writer = uuid::Uuid::new_v4();
    let table = open(&storage, writer).await;
    let specs = [spec(1, Some("50% / ж=1")), spec(2, None), spec(3, Some("m"))];
    for first in [1, 4, 7] {
        flush(&table, first, &specs).await.expect("flushes");
    }
    let report = table.compact(CompactWhich::All, |_| ()).await.expect("compacts");
    assert_eq!((report.files_in, report.files_out), (9, 3));
    table.checkpoint().await.expect("checkpoints");
    assert_eq!(table.vacuum(std::time::Duration::ZERO).await.expect("vacuums"), 9);
    drop(table);

    let again = open(&storage, writer).await;
    assert_eq!(again.flushed_through(), Some(9));
    let all: Vec<_> = [1, 4, 7].map(|first| batch(first, &specs)).into();
    assert_eq!(all_rows(&storage, &again.current()).await, expected(&all));
    let other = open(&storage, uuid::Uuid::new_v4()).await;
    assert_eq!((other.flushed_through(), other.highest_txn()), (None, Some(9)));
    flush(&other, 10, &specs).await.expect("takes over");
    flush(&again, 10, &specs).await.expect("had not written yet: takes over in turn");
    assert!(matches!(flush(&other, 13, &specs).await, Err(TableError::Fenced { .. })));
    assert_eq!(storage.projects().await.expect("lists"), [project()]);
}
