//! Retention: days go whole, by a commit that other readers understand.

use std::time::Duration;

use super::support::*;
use crate::table::*;

#[tokio::test]
async fn days_before_the_first_kept_one_leave_and_their_files_with_the_next_vacuum() {
    let place = Place::new();
    let table = place.open().await;
    for day in 0..4_i64 {
        let specs: Vec<_> =
            (0..5).map(|row| spec(day * DAY + row, Some(if row % 2 == 0 { "a" } else { "b" }))).collect();
        flush(&table, 1 + day * 5, &specs).await.expect("flushes");
    }
    let before = table.current();
    assert_eq!((before.files.len(), before.rows()), (8, 20));
    let report = table.expire(|file| file.date < 2, |_| ()).await.expect("expires");
    assert_eq!((report.days, report.files, report.rows), (2, 4, 10));
    assert!(report.bytes > 0);
    let kept = place.read_only().await;
    assert!(kept.files.iter().all(|file| file.date >= 2) && kept.rows() == 10);
    assert_eq!(table.expire(|file| file.date < 2, |_| ()).await.expect("again"), ExpireReport::default());
    let commit = std::fs::read_to_string(place.table_dir().join("_delta_log/00000000000000000005.json")).unwrap();
    assert!(commit.contains("\"DELETE\"") && commit.contains("\"dataChange\":true"), "{commit}");
    // A reader of the version before still finds its files; then they go.
    assert_eq!(table.vacuum(Duration::ZERO).await.expect("keeps what is in use"), 0);
    drop(before);
    assert_eq!(table.vacuum(Duration::ZERO).await.expect("deletes"), 4);
    // Numbers go on, and what comes later for an old day is stored.
    flush(&table, 21, &[spec(0, None)]).await.expect("flushes");
    assert_eq!(place.open().await.current().rows(), 11);
}
