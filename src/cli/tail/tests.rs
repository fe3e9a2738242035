use serde_json::json;

use super::*;

/// Everything that `parser` makes of `text`, which comes in pieces of `size` bytes.
fn blocks(parser: &mut Parser, text: &str, size: usize) -> Vec<(String, String)> {
    let mut seen = Vec::new();
    for piece in text.as_bytes().chunks(size) {
        let taken = parser.feed(piece, |block| {
            seen.push((block.event, block.data));
            Ok::<_, ()>(())
        });
        taken.unwrap();
    }
    seen
}

#[test]
fn a_stream_is_taken_apart_whatever_its_pieces() {
    let text = "retry: 1000\nid: aa-1\n: tail\n\nid: aa-2\ndata: {\"m\":\"zażółć\"}\n\nid: aa-5\r\n: alive\r\n\r\n\
        event: end\ndata: {\"reason\":\"shutdown\"}\n\nid: aa-9\ndata: cut";
    for size in [1, 2, 7, text.len()] {
        let mut parser = Parser::default();
        let seen = blocks(&mut parser, text, size);
        let want = [("", "{\"m\":\"zażółć\"}"), ("end", "{\"reason\":\"shutdown\"}")];
        assert_eq!(seen, want.map(|(event, data)| (event.to_owned(), data.to_owned())), "{size}");
        assert_eq!(parser.last_id.as_deref(), Some("aa-5"), "what is not whole does not count");
        assert_eq!(parser.retry, Some(Duration::from_secs(1)));
        parser.reset();
        assert_eq!(blocks(&mut parser, "data: new\n\n", size), [(String::new(), "new".to_owned())]);
        assert_eq!(parser.last_id.as_deref(), Some("aa-5"));
    }
}

#[test]
fn an_event_that_could_not_be_shown_is_asked_for_again() {
    let mut parser = Parser::default();
    assert_eq!(parser.feed(b"id: aa-1\ndata: x\n\n", |_| Err("pipe")), Err("pipe"));
    assert_eq!(parser.last_id, None);
}

#[test]
fn events_are_lines_for_people() {
    let event = json!({"event_time": "2026-01-02T03:04:05Z", "module": "orders", "event_type": "order.paid", "object_type": "order",
        "object_id": "7", "actor_id": "u1", "actor_email": "a@b.example", "message": "paid\u{1b}[31m"});
    assert_eq!(line(&event), "2026-01-02T03:04:05Z  orders  order.paid  a@b.example  order:7  paid\\u{1b}[31m");
    assert_eq!(line(&json!({"duration_ns": "5"})), "{\"duration_ns\":\"5\"}");
}

#[test]
fn filters_are_those_of_the_url() {
    let cases = [
        ("module=orders", "module", "orders"),
        ("outcome!=success", "outcome!", "success"),
        ("a>=5", "a>", "5"),
        ("q=a=b", "q", "a=b"),
    ];
    for (text, name, value) in cases {
        assert_eq!(pair(text), Ok((name.to_owned(), value.to_owned())));
    }
    assert!(pair("module").is_err() && pair("=x").is_err());
}

#[test]
fn ends_that_no_reconnect_helps_are_errors() {
    assert!(ended(&json!({"reason": "key_ended"})).is_err());
    assert!(ended(&json!({"reason": "project_deleted"})).is_err());
    assert!(matches!(ended(&json!({"reason": "shutdown"})), Ok(Over::Broken(why)) if why == "shutdown"));
}
