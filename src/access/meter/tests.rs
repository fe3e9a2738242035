//! Quotas hold at the limit and one past it, overdrafts are made up for.

use super::*;
use crate::config::ByteCount;

fn later(from: Instant, ms: u64) -> Instant {
    from + Duration::from_millis(ms)
}

#[test]
fn a_second_has_so_many_and_not_one_more() {
    let start = Instant::now();
    let mut bucket = Bucket::new(5, 1, start);
    for _ in 0..5 {
        assert_eq!(bucket.take(1, start), Ok(()));
    }
    assert_eq!(bucket.take(1, start), Err(Duration::from_millis(200)));
    assert!(bucket.take(1, later(start, 199)).is_err());
    assert_eq!(bucket.take(1, later(start, 201)), Ok(()));
    // What is not used is not saved up.
    let much_later = later(start, 60_000);
    assert_eq!((0..9).filter(|_| bucket.take(1, much_later).is_ok()).count(), 5);
}

#[test]
fn a_large_batch_goes_through_and_the_next_one_waits() {
    let start = Instant::now();
    let mut bucket = Bucket::new(100, 1, start);
    assert_eq!(bucket.take(0, start), Ok(()));
    bucket.charge(1_000, start);
    let wait = bucket.take(0, start).unwrap_err();
    assert!((9.0..9.1).contains(&wait.as_secs_f64()), "{wait:?}");
    assert!(bucket.take(0, later(start, 9_000)).is_err());
    assert_eq!(bucket.take(0, later(start, 9_011)), Ok(()));
}

#[test]
fn the_refusal_names_whose_quota_and_which_part_of_it() {
    let meter = Meter::new(Whose::Project, Quota { events_per_second: Some(1), ..Quota::default() });
    meter.take(Rate::Events, 0).unwrap();
    meter.charge(Rate::Events, 11);
    meter.take(Rate::Bytes, 1 << 40).unwrap();
    match meter.take(Rate::Events, 0) {
        Err(AccessError::OverQuota {
            whose: Whose::Project,
            what: "events_per_second",
            limit: 1,
            retry_after_s: 11,
        }) => {}
        other => panic!("{other:?}"),
    }
}

#[test]
fn zero_is_no_limit_and_defaults_fill_what_is_absent() {
    let defaults = Quota { requests_per_second: Some(1), queries_at_once: Some(2), ..Quota::default() };
    let own = Quota { requests_per_second: Some(0), bytes_scanned_per_day: Some(ByteCount(7)), ..Quota::default() };
    let meter = Meter::new(Whose::Key, own.or(&defaults));
    for _ in 0..1_000 {
        meter.take(Rate::Requests, 1).unwrap();
    }
    assert_eq!(meter.queries().map(|places| places.available_permits()), Some(2));
    meter.take(Rate::Scanned, 8).unwrap();
    assert!(meter.take(Rate::Scanned, 0).is_err());
}
