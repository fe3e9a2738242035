//! Turns of queries, by key and by server; quotas of projects across a restart.

use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;

use super::*;
use crate::access::{KeyId, Scope};
use crate::config::{ByteCount, Span};

fn project(name: &str) -> ProjectName {
    ProjectName::try_from(name).expect("a name")
}

fn caller(quota: Quota) -> Caller {
    Caller {
        key: KeyId::from("k"),
        name: "k".into(),
        project: Some(project("shop")),
        scopes: vec![Scope::Query],
        mapping: None,
        source: None,
        restriction: None,
        meter: Arc::new(Meter::new(Whose::Key, quota)),
        ended: CancellationToken::new(),
    }
}

fn admission(dir: &tempfile::TempDir, at_once: usize, waiting: usize, wait_ms: u64) -> Admission {
    let mut config = Config::default();
    config.query.at_once_max = at_once;
    config.query.waiting_max = waiting;
    config.query.wait_max = Span(Duration::from_millis(wait_ms));
    Admission::open(&dir.path().join("quotas.json"), &config).expect("no file yet")
}

fn queries(count: u64) -> Quota {
    Quota { queries_at_once: Some(count), ..Quota::default() }
}

#[tokio::test]
async fn so_many_run_so_many_wait_and_one_more_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let admission = admission(&dir, 2, 1, 10_000);
    let (who, shop) = (caller(Quota::default()), project("shop"));
    let first = admission.turn(&who, &shop).await.unwrap();
    let _second = admission.turn(&who, &shop).await.unwrap();
    let third = admission.turn(&who, &shop);
    tokio::pin!(third);
    assert!(futures::poll!(&mut third).is_pending());
    assert_eq!(admission.waiting(), 1);
    let refused = admission.turn(&who, &shop).await.unwrap_err();
    assert!(matches!(refused, AdmissionError::Query(QueryError::QueueFull { waiting: 1 })), "{refused}");
    drop(first);
    let _third = third.await.unwrap();
    assert_eq!(admission.waiting(), 0);
}

#[tokio::test]
async fn who_waits_too_long_or_whose_key_ends_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let admission = admission(&dir, 1, 9, 30);
    let (who, shop) = (caller(Quota::default()), project("shop"));
    let _held = admission.turn(&who, &shop).await.unwrap();
    let began = Instant::now();
    let refused = admission.turn(&who, &shop).await.unwrap_err();
    assert!(matches!(refused, AdmissionError::Query(QueryError::WaitedTooLong(_))), "{refused}");
    assert!(began.elapsed() >= Duration::from_millis(30));
    who.ended.cancel();
    let refused = admission.turn(&who, &shop).await.unwrap_err();
    assert!(matches!(refused, AdmissionError::Query(QueryError::KeyEnded)), "{refused}");
    assert_eq!(admission.waiting(), 0);
}

/// An analyst with many queries holds up the analyst, not the dashboard.
#[tokio::test]
async fn a_keys_queries_wait_for_each_other_not_in_front_of_others() {
    let dir = tempfile::tempdir().unwrap();
    let admission = admission(&dir, 2, 9, 10_000);
    let (analyst, dashboard, shop) = (caller(queries(1)), caller(queries(1)), project("shop"));
    let _running = admission.turn(&analyst, &shop).await.unwrap();
    let queued = admission.turn(&analyst, &shop);
    tokio::pin!(queued);
    assert!(futures::poll!(&mut queued).is_pending());
    let _other = admission.turn(&dashboard, &shop).await.unwrap();
}

#[tokio::test]
async fn what_was_scanned_counts_at_the_end_of_the_query() {
    let dir = tempfile::tempdir().unwrap();
    let admission = admission(&dir, 9, 9, 10_000);
    let who = caller(Quota { bytes_scanned_per_day: Some(ByteCount(1_000)), ..Quota::default() });
    let shop = project("shop");
    let turn = admission.turn(&who, &shop).await.unwrap();
    turn.note(5_000);
    let _beside = admission.turn(&who, &shop).await.unwrap();
    drop(turn);
    let refused = admission.turn(&who, &shop).await.unwrap_err();
    let AdmissionError::Access(AccessError::OverQuota { what, retry_after_s, .. }) = &refused else {
        panic!("{refused}");
    };
    // 4,000 bytes too many, at 1,000 a day.
    assert_eq!((*what, *retry_after_s / 3_600), ("bytes_scanned_per_day", 96));
}

#[test]
fn quotas_of_projects_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let shop = project("shop");
    admission(&dir, 1, 1, 1).set_quota(&shop, queries(3)).unwrap();
    let again = admission(&dir, 1, 1, 1);
    assert_eq!(again.quota(&shop), queries(3));
    assert_eq!(again.meter(&shop).quota().queries_at_once, Some(3));
    again.set_quota(&shop, Quota::default()).unwrap();
    assert_eq!(again.meter(&shop).quota().queries_at_once, None);
    assert_eq!(admission(&dir, 1, 1, 1).quota(&shop), Quota::default());
    std::fs::write(dir.path().join("quotas.json"), "{").unwrap();
    let open = Admission::open(&dir.path().join("quotas.json"), &Config::default());
    assert!(matches!(open, Err(EngineError::Directory { .. })));
}
