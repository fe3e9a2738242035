//! The functions, in SQL.

use serde_json::{Value, json};

use super::fixture::{Fixture, START, event};

async fn fixture() -> Fixture {
    let mut fixture = Fixture::new();
    let of = |n: i64, more: Value| event(n, START + n * 3_600_000_000, Some("m"), more);
    let events = [
        of(
            0,
            json!({"client_address": "10.1.2.3", "message": "Nie wygenerowano ETYKIETY", "changes": [{"path": "price", "op": "replace", "before": "1000", "after": "5000"}, {"path": "name", "op": "set", "before": null, "after": "\"x\""}]}),
        ),
        of(
            1,
            json!({"client_address": "::ffff:192.0.2.7", "labels": {"env": "Prod"}, "event_timezone": "Asia/Tokyo", "changes": [{"path": "price.net", "op": "add", "before": null, "after": "1"}]}),
        ),
        of(
            2,
            json!({"client_address": "no address", "related": [{"type": "order", "id": "A-1042", "name": null, "role": null}],
                "attachments": [{"role": "a", "name": "x", "content_type": null, "size": 1, "sha256": "ab", "ref": null, "expires_at": null},
                    {"role": "b", "name": "y", "content_type": null, "size": 2, "sha256": null, "ref": "cd", "expires_at": null}]}),
        ),
    ];
    fixture.store(&events[..2]).await;
    fixture.heat(&events[2..]);
    fixture
}

/// Ids of the events that a condition holds for.
async fn matching(fixture: &Fixture, condition: &str) -> Vec<String> {
    let (rows, _) = fixture.ask(&format!("SELECT event_id FROM events WHERE {condition} ORDER BY event_time")).await;
    rows.iter().map(|row| row[0].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn conditions_of_the_journal_find_what_they_say() {
    let fixture = fixture().await;
    let ids: Vec<String> = matching(&fixture, "true").await;
    for (condition, expected) in [
        ("in_network(client_address, '10.0.0.0/8')", vec![0]),
        ("in_network(client_address, '192.0.2.0/24')", vec![1]),
        ("in_network(client_address, '0.0.0.0/0')", vec![0, 1]),
        ("contains_text('etykiety', message, labels)", vec![0]),
        ("contains_text('PROD', message, labels)", vec![1]),
        ("contains_text('a-1042', related, message)", vec![2]),
        ("contains_text('.', message)", vec![]),
        ("has_attachment(attachments, 'ab')", vec![2]),
        ("has_attachment(attachments, 'cd') OR has_attachment(attachments, NULL)", vec![]),
        ("NOT has_attachment(attachments, 'ab')", vec![0, 1]),
        ("has_change(changes, 'price', NULL, NULL)", vec![0]),
        ("has_change(changes, 'price*', NULL, NULL)", vec![0, 1]),
        ("has_change(changes, 'price', '1000', '5000')", vec![0]),
        // Old and new value of two changes are not those of one.
        ("has_change(changes, 'name', NULL, '5000')", vec![]),
        ("has_change(changes, NULL, NULL, 'x')", vec![0]),
        ("NOT has_change(changes, 'price*', NULL, NULL)", vec![2]),
        (
            "local_part('hour', event_time, event_timezone) = local_part('hour', event_time, 'UTC') + 9 OR local_part('hour', event_time, event_timezone) = local_part('hour', event_time, 'UTC') - 15",
            vec![1],
        ),
        ("text_pattern('Order ' || CAST(extract('day' FROM event_time) AS VARCHAR)) = 'Order *'", vec![0, 1, 2]),
        ("text_pattern(NULL) IS NULL AND text_pattern(client_address) <> '*'", vec![2]),
        ("local_bin('hour', event_time, 'Europe/Warsaw') = date_trunc('hour', event_time)", vec![0, 1, 2]),
    ] {
        let expected: Vec<String> = expected.iter().map(|at: &usize| ids[*at].clone()).collect();
        assert_eq!(matching(&fixture, condition).await, expected, "{condition}");
    }
}

#[tokio::test]
async fn wrong_arguments_are_errors_that_say_what_would_do() {
    let fixture = fixture().await;
    for (call, expected) in [
        ("in_network(client_address, 'home')", "write 10.0.0.0/8"),
        ("local_bin('soon', event_time, 'UTC') IS NULL", "`soon` is no step"),
        ("local_bin('day', event_time, 'Mars') IS NULL", "IANA name"),
        ("local_part('year', event_time, 'UTC') = 1", "hour, minute, weekday and day"),
        ("has_attachment(message, 'a')", "the column `attachments`"),
        ("has_change(message, 'a', NULL, NULL)", "the column `changes`"),
        ("contains_text(message, message)", "constant text"),
        ("contains_text('a')", "takes a text and at least one column"),
    ] {
        let error = match fixture.run(&format!("SELECT 1 FROM events WHERE {call}")).await {
            Ok(answer) => answer.collect().await.unwrap_err(),
            Err(error) => error,
        };
        let error = error.to_string();
        assert!(error.contains(expected), "{call}: {error}");
    }
}
