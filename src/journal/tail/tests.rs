use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::access::KeyId;
use crate::error::Report;

fn chunk(through: i64, bytes: usize) -> Arc<Chunk> {
    Arc::new(Chunk { bytes: Bytes::from(vec![b'x'; bytes]), events: 1, through })
}

#[test]
fn positions_come_back_and_others_are_refused() {
    let writer = uuid::Uuid::from_u128(0x5f0c_2d11_0000_4000_8000_0000_0000_0001);
    let position = Position { epoch: writer.into(), seq: 4_711 };
    assert_eq!(position.to_string(), "5f0c2d11-4711");
    assert_eq!("5f0c2d11-4711".parse(), Ok(position));
    for wrong in [
        "",
        "4711",
        "5f0c2d11",
        "5f0c2d11-",
        "5f0c2d1-1",
        "5f0c2d11--1",
        "5f0c2d11-+1",
        "+f0c2d11-1",
        "zz0c2d11-1",
        "5f0c2d11-99999999999999999999",
    ] {
        assert!(wrong.parse::<Position>().is_err(), "{wrong}");
    }
}

#[tokio::test]
async fn a_queue_gives_all_that_it_took_then_says_where_it_ended() {
    let queue = Queue::new(100);
    // One chunk is taken whatever its size.
    assert!(queue.put(&chunk(5, 1_000), 0));
    assert!(!queue.put(&chunk(9, 1), 5));
    assert!(!queue.is_empty());
    assert!(matches!(queue.next().await, Next::Chunk(chunk) if chunk.through == 5));
    assert!(matches!(queue.next().await, Next::Behind(5)));
    // It stays behind: only joining again helps.
    assert!(matches!(queue.next().await, Next::Behind(5)));
}

#[tokio::test]
async fn a_queue_is_bounded_by_bytes() {
    let queue = Queue::new(100);
    for through in 1..=10 {
        assert!(queue.put(&chunk(through, 10), through - 1), "{through}");
    }
    assert!(!queue.put(&chunk(11, 1), 10), "one byte past the limit");
}

#[tokio::test]
async fn who_waits_is_woken() {
    let queue = Queue::new(100);
    let waiting = Arc::clone(&queue);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(async move { matches!(waiting.next().await, Next::Closed) });
    tokio::task::yield_now().await;
    queue.close();
    assert!(tasks.join_next().await.unwrap().unwrap());
}

#[test]
fn places_are_limited_for_all_and_for_each_key() {
    let slots = Slots::default();
    let (one, other) = (KeyId::from("one"), KeyId::from("other"));
    let first = slots.take(&one, 3, 2).unwrap();
    let _second = slots.take(&one, 3, 2).unwrap();
    let refused = slots.take(&one, 3, 2).unwrap_err();
    assert_eq!((refused.code(), refused.to_string().contains("tail.key_listeners_max")), ("tail_full", true));
    let _third = slots.take(&other, 3, 2).unwrap();
    let refused = slots.take(&other, 3, 2).unwrap_err();
    assert!(refused.to_string().contains("tail.listeners_max"), "{refused}");
    assert_eq!(slots.taken(), 3);
    drop(first);
    assert!(slots.take(&one, 3, 2).is_ok(), "a place that was given back is free");
    assert_eq!(slots.taken(), 2);
}

#[test]
fn frames_are_server_sent_events() {
    let position = |seq| Position { epoch: uuid::Uuid::nil().into(), seq };
    let mut out = Vec::new();
    row(position(3), b"{\"a\":1}", &mut out);
    assert_eq!(out, b"id: 00000000-3\ndata: {\"a\":1}\n\n");
    assert_eq!(hello(position(3)), "retry: 1000\nid: 00000000-3\n: tail\n\n");
    assert_eq!(heartbeat(position(4)), "id: 00000000-4\n: alive\n\n");
    let said = dropped(position(4), position(9), Some(2));
    assert_eq!(
        said,
        "event: dropped\nid: 00000000-9\ndata: {\"after\":\"00000000-4\",\"through\":\"00000000-9\",\"events\":2}\n\n"
    );
    assert_eq!(end(&serde_json::json!({"reason": "shutdown"})), "event: end\ndata: {\"reason\":\"shutdown\"}\n\n");
}

#[test]
fn a_period_that_is_over_is_refused_and_one_that_ends_now_has_no_end() {
    use crate::journal::{Selection, Values};
    let now = chrono::DateTime::parse_from_rfc3339("2025-03-04T12:00:00Z").unwrap().to_utc();
    let of = |json: serde_json::Value| {
        let mut values = Values::default();
        condition(&Selection::from_json(&json, now).unwrap(), &mut values, &[])
            .map(|text| (text, values.into_map().len()))
    };
    let (all, _) = of(serde_json::json!({})).unwrap();
    assert!(!all.contains("event_time") && all.contains("visibility"), "{all}");
    let (recent, _) = of(serde_json::json!({"period": "last_24h"})).unwrap();
    assert!(recent.contains("event_time >= ") && !recent.contains("event_time < "), "{recent}");
    let (today, _) = of(serde_json::json!({"period": "today"})).unwrap();
    assert!(today.contains("event_time < "), "{today}");
    assert_eq!(of(serde_json::json!({"period": "yesterday"})).unwrap_err().code(), "invalid_period");
}
