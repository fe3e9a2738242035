//! Kinds of requests as the three kinds of stores send them.

use std::sync::Arc;

use super::*;

#[test]
fn a_request_has_its_kind_by_method_and_query() {
    let cases = [
        ("GET", None, RequestKind::Get),
        ("GET", Some("versionId=3"), RequestKind::Get),
        ("GET", Some("list-type=2&prefix=a%2F&delimiter=%2F"), RequestKind::List),
        ("GET", Some("restype=container&comp=list&prefix=a"), RequestKind::List),
        ("GET", Some("prefix=list-type"), RequestKind::Get),
        ("HEAD", None, RequestKind::Head),
        ("PUT", None, RequestKind::Put),
        ("PUT", Some("partNumber=1&uploadId=x"), RequestKind::Put),
        ("PUT", Some("comp=block&blockid=AAAA"), RequestKind::Put),
        ("POST", Some("uploads="), RequestKind::Put),
        ("POST", Some("uploads"), RequestKind::Put),
        ("POST", Some("uploadId=delete"), RequestKind::Put),
        ("POST", Some("delete"), RequestKind::Delete),
        ("POST", Some("delete="), RequestKind::Delete),
        ("POST", Some("restype=container&comp=batch"), RequestKind::Delete),
        ("DELETE", None, RequestKind::Delete),
        ("DELETE", Some("uploadId=x"), RequestKind::Delete),
    ];
    for (method, query, expected) in cases {
        assert_eq!(RequestKind::of(method, query), expected, "{method} {query:?}");
    }
}

#[tokio::test]
async fn the_innermost_observer_is_told() {
    let (outer, inner) = (Arc::new(Tally::default()), Arc::new(Tally::default()));
    let tell = |kind, bytes| {
        let observer = observer().expect("somebody observes");
        observer.asks(kind, bytes);
        observer.receives(2 * bytes);
    };
    assert!(observer().is_none());
    observed(outer.clone(), async {
        tell(RequestKind::Put, 5);
        observed(inner.clone(), async { tell(RequestKind::Get, 1) }).await;
        tell(RequestKind::List, 0);
    })
    .await;
    assert_eq!(
        outer.requests(),
        Requests { put: 1, list: 1, sent_bytes: 5, received_bytes: 10, ..Requests::default() }
    );
    assert_eq!(inner.requests(), Requests { get: 1, sent_bytes: 1, received_bytes: 2, ..Requests::default() });
    assert_eq!(outer.requests().plus(inner.requests()).total(), 3);
}
