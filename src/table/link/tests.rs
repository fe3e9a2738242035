//! When a store counts as away, and when it is asked again.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use super::*;

fn link() -> Arc<Link> {
    Link::new("s3://bucket".into())
}

#[test]
fn failures_in_a_row_make_it_away_and_one_request_a_second_knocks() {
    let (link, start) = (link(), Instant::now());
    let at = |ms: u64| start + Duration::from_millis(ms);
    let fail = |ms| link.note(at(ms), Some("refused".into()));
    fail(0);
    fail(100);
    fail(1_999);
    assert!(link.admit(at(1_999)).is_ok(), "three failures, but not for two seconds");
    fail(2_000);
    let away = link.admit(at(2_000)).expect_err("away");
    assert_eq!(away.to_string(), "the object store `s3://bucket` has not answered for 2 s (refused)");
    assert!(link.admit(at(2_999)).is_err());
    assert!(link.admit(at(3_000)).is_ok(), "knocks");
    assert!(link.admit(at(3_001)).is_err(), "one at a time");
    fail(3_100);
    assert!(link.admit(at(4_000)).is_ok());
    link.note(at(4_100), None);
    assert!(link.admit(at(4_100)).is_ok() && link.trouble().is_none(), "back");
}

#[test]
fn an_answer_in_between_or_too_few_failures_keep_it_there() {
    let (link, start) = (link(), Instant::now());
    let at = |ms: u64| start + Duration::from_millis(ms);
    for ms in [0, 5_000] {
        link.note(at(ms), Some("slow".into()));
    }
    assert!(link.admit(at(60_000)).is_ok(), "two are too few");
    link.note(at(60_000), None);
    for ms in [60_001, 60_002, 60_003] {
        link.note(at(ms), Some("slow".into()));
    }
    assert!(link.admit(at(60_004)).is_ok(), "the count began anew");
    assert_eq!(link.trouble().map(|away| away.reason).as_deref(), Some("slow"));
}

/// Answers `count` connections with `answer`, each after reading the head of one request.
fn serve(answer: &'static str, count: usize) -> (String, std::thread::JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("binds");
    let url = format!("http://{}/key?list-type=2", listener.local_addr().expect("an address"));
    let served = std::thread::spawn(move || {
        for _ in 0..count {
            let (mut stream, _): (TcpStream, _) = listener.accept().expect("accepts");
            let mut head = [0; 4096];
            let _ = stream.read(&mut head).expect("a request");
            stream.write_all(answer.as_bytes()).expect("answers");
        }
    });
    (url, served)
}

async fn call(link: &Arc<Link>, url: &str) -> Result<HttpResponse, HttpError> {
    let connector = Connector { link: Arc::clone(link) };
    let client = connector.connect(&ClientOptions::new().with_allow_http(true)).expect("connects");
    let mut request = HttpRequest::new("four".to_owned().into());
    *request.uri_mut() = url.parse().expect("a URL");
    client.execute(request).await
}

#[tokio::test]
async fn real_requests_are_counted_and_judged() {
    let link = link();
    let (url, served) = serve("HTTP/1.1 404 Not Found\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello", 1);
    let mine = Arc::new(Tally::default());
    let answer = super::super::requests::observed(mine.clone(), call(&link, &url)).await.expect("answers");
    assert_eq!(answer.status().as_u16(), 404);
    served.join().expect("ends");
    let expected = Requests { list: 1, sent_bytes: 4, received_bytes: 5, ..Requests::default() };
    assert_eq!((link.requests(), mine.requests()), (expected, expected));
    assert!(link.trouble().is_none(), "an answer about the object is no trouble of the store");

    let (url, served) = serve("HTTP/1.1 503 Slow Down\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", 1);
    call(&link, &url).await.expect("answers");
    served.join().expect("ends");
    assert!(link.trouble().expect("trouble").reason.contains("503"));
    call(&link, &url).await.expect_err("nobody listens any more");
    assert!(link.trouble().expect("trouble").reason.contains("refused"), "{:?}", link.trouble());
    assert_eq!(link.requests().list, 3, "failed ones as well");
}
