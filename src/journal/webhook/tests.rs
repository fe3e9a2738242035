use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use tokio::task::JoinSet;

use super::*;
use crate::config::{self, ByteCount, Network, Span};
use crate::error::Report;

const SECRET: &str = "a secret of both sides";

/// How a receiver answers.
#[derive(Clone)]
enum Reply {
    Status(u16),
    Redirect(String),
    /// A body without an end.
    Endless,
    Hang,
}

/// Headers and body of a call.
type Taken = (HeaderMap, Vec<u8>);

#[derive(Clone, Default)]
struct Inbox {
    replies: Arc<Mutex<VecDeque<Reply>>>,
    taken: Arc<Mutex<Vec<Taken>>>,
}

/// A real receiver on a port of this machine; it ends with `tasks`.
struct Receiver {
    port: u16,
    inbox: Inbox,
    _tasks: JoinSet<()>,
}

async fn receive(State(inbox): State<Inbox>, headers: HeaderMap, body: axum::body::Bytes) -> Response {
    inbox.taken.lock().push((headers, body.to_vec()));
    let reply = inbox.replies.lock().pop_front().unwrap_or(Reply::Status(200));
    match reply {
        Reply::Status(status) => (StatusCode::from_u16(status).unwrap(), "because\nof this").into_response(),
        Reply::Redirect(to) => (StatusCode::TEMPORARY_REDIRECT, [("location", to)]).into_response(),
        Reply::Endless => {
            let chunks = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 65_536]));
            axum::body::Body::from_stream(chunks).into_response()
        }
        Reply::Hang => {
            tokio::time::sleep(Duration::from_secs(600)).await;
            StatusCode::OK.into_response()
        }
    }
}

async fn receiver(replies: &[Reply]) -> Receiver {
    let inbox = Inbox::default();
    inbox.replies.lock().extend(replies.iter().cloned());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let routes = Router::new().fallback(receive).with_state(inbox.clone());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
    Receiver { port, inbox, _tasks: tasks }
}

impl Receiver {
    fn webhook(&self) -> Webhook {
        Webhook { url: format!("http://127.0.0.1:{}/hook?token=t", self.port), secret: SECRET.into() }
    }

    fn taken(&self) -> Vec<(HeaderMap, Vec<u8>)> {
        self.inbox.taken.lock().clone()
    }
}

fn settings() -> config::Webhook {
    config::Webhook {
        timeout: Span(Duration::from_millis(500)),
        answer_max: ByteCount(100_000),
        retry_first: Span(Duration::from_millis(1)),
        retry_longest: Span(Duration::from_millis(4)),
        attempts_max: 3,
        allowed_networks: vec!["127.0.0.0/8".parse::<Network>().unwrap()],
        ..config::Webhook::default()
    }
}

fn message<'a>(subject: &'a str) -> Message<'a> {
    Message {
        project: "shop",
        purpose: "restore",
        receiver: "remonline",
        subject,
        body: format!("{{\"about\":\"{subject}\"}}"),
    }
}

/// Steps until nothing is pending, for a bounded time.
async fn drain(outbox: &Outbox) {
    for _ in 0..500 {
        outbox.step().await.unwrap();
        if outbox.list("shop", Some(DeliveryState::Pending), 10).is_empty() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    panic!("still pending: {:?}", outbox.list("shop", None, 10));
}

#[test]
fn a_signature_is_of_time_and_body_under_the_secret() {
    // HMAC-SHA256 of `1700000000.{"a":1}` under `key`, made by another implementation.
    let header = sign("key", 1_700_000_000, b"{\"a\":1}");
    assert_eq!(header, "t=1700000000,v1=a438e398bfafc57e4396bb7fc2304422f0f768e965d073ca313cb52e22e6ad03");
    let ok = |header: &str, body: &[u8], secret, now| verify(secret, header, body, now, 300);
    assert!(ok(&header, b"{\"a\":1}", "key", 1_700_000_300));
    assert!(ok(&header, b"{\"a\":1}", "key", 1_699_999_700));
    assert!(!ok(&header, b"{\"a\":1}", "key", 1_700_000_301), "too old");
    assert!(!ok(&header, b"{\"a\":2}", "key", 1_700_000_000), "another body");
    assert!(!ok(&header, b"{\"a\":1}", "kex", 1_700_000_000), "another secret");
    let moved = header.replace("t=1700000000", "t=1700000001");
    assert!(!ok(&moved, b"{\"a\":1}", "key", 1_700_000_000), "another time");
    for broken in
        ["", "t=1700000000", "v1=00", "t=x,v1=00", "t=1700000000,v1=zz", "t=1700000000,v1=0", "t=1700000000,v1=é"]
    {
        assert!(!ok(broken, b"{\"a\":1}", "key", 1_700_000_000), "{broken}");
    }
}

#[test]
fn only_public_addresses_are_permitted_and_those_of_allowed_networks() {
    let rules = Rules::default();
    let public =
        ["1.1.1.1", "93.184.216.34", "172.15.255.255", "172.32.0.0", "100.63.255.255", "100.128.0.0", "2606:4700::1"];
    let not = [
        "0.0.0.0",
        "10.0.0.1",
        "100.64.0.1",
        "127.0.0.1",
        "127.255.255.255",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.0.1",
        "192.0.2.1",
        "198.18.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::ffff:127.0.0.1",
        "::ffff:169.254.169.254",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "fc00::1",
        "fd00::1",
        "fe80::1",
        "fec0::1",
        "ff02::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2001::1",
        "100::1",
    ];
    for address in public {
        assert!(rules.permit(address.parse().unwrap()), "{address}");
    }
    for address in not {
        assert!(!rules.permit(address.parse().unwrap()), "{address}");
    }
    let rules = Rules::new(&["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()]);
    let allowed = |address: &str| rules.permit(address.parse::<IpAddr>().unwrap());
    assert!(allowed("10.1.2.3") && allowed("::ffff:10.1.2.3") && allowed("::1") && allowed("11.0.0.1"));
    assert!(!allowed("127.0.0.1") && !allowed("192.168.0.1"));
}

#[test]
fn urls_that_lead_inside_are_refused_however_they_are_written() {
    let rules = Rules::default();
    for url in
        ["https://example.com/hook", "http://example.com:8080/", "https://1.1.1.1/", "https://example.com:443/a?b=c"]
    {
        assert!(rules.check(url).is_ok(), "{url}");
    }
    let addresses = [
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://0x7f000001/",
        "http://2130706433/",
        "http://127.1/",
        "http://0177.0.0.1/",
        "http://[::ffff:127.0.0.1]/",
        "http://0/",
        "https://10.0.0.1:8443/",
    ];
    for url in addresses {
        assert!(matches!(rules.check(url), Err(WebhookError::Address { .. })), "{url}: {:?}", rules.check(url));
    }
    let long = format!("https://example.com/{}", "a".repeat(URL_MAX));
    let urls = [
        "",
        "example.com",
        "file:///etc/passwd",
        "ftp://example.com/",
        "gopher://example.com:70/",
        "https://u@example.com/",
        "https://u:p@example.com/",
        "http://example.com:22/",
        "http://example.com:25/",
        "unix:/run/x",
        "javascript:1",
        &long,
    ];
    for url in urls {
        assert!(matches!(rules.check(url), Err(WebhookError::Url(_))), "{url}: {:?}", rules.check(url));
    }
    assert!(rules.check(&long[..URL_MAX]).is_ok(), "at the limit");
}

#[tokio::test]
async fn a_call_is_signed_and_names_its_delivery() {
    let receiver = receiver(&[]).await;
    let sender = Sender::new(&settings()).unwrap();
    let delivered = sender.send(&receiver.webhook(), "d-1", b"{\"a\":1}".to_vec()).await.unwrap();
    assert_eq!(delivered.status, 200);
    let taken = receiver.taken();
    let (headers, body) = &taken[0];
    assert_eq!((body.as_slice(), headers["content-type"].as_bytes()), (&b"{\"a\":1}"[..], &b"application/json"[..]));
    assert_eq!(headers["kronika-delivery"], "d-1");
    let signature = headers[SIGNATURE_HEADER].to_str().unwrap();
    assert!(verify(SECRET, signature, body, chrono::Utc::now().timestamp(), 5), "{signature}");
}

#[tokio::test]
async fn answers_that_hang_redirect_or_never_end_hurt_nobody() {
    let inner = receiver(&[]).await;
    let to_inner = format!("http://127.0.0.1:{}/inner", inner.port);
    let receiver = receiver(&[Reply::Redirect(to_inner), Reply::Endless, Reply::Status(503), Reply::Hang]).await;
    let sender = Sender::new(&settings()).unwrap();
    let webhook = receiver.webhook();
    let send = || sender.send(&webhook, "d", b"{}".to_vec());
    assert!(matches!(send().await, Err(WebhookError::Status { status: 307, .. })));
    assert!(inner.taken().is_empty(), "the redirect was followed");
    assert_eq!(send().await.unwrap().status, 200, "of an endless answer the status counts");
    assert_eq!(send().await, Err(WebhookError::Status { status: 503, answer: "because of this".into() }));
    assert_eq!(send().await, Err(WebhookError::TimedOut(settings().timeout)));
}

#[tokio::test]
async fn a_name_is_refused_by_what_it_resolves_to_when_it_is_called() {
    let receiver = receiver(&[]).await;
    let webhook = Webhook { url: format!("http://localhost:{}/", receiver.port), secret: SECRET.into() };
    let strict = Sender::new(&config::Webhook { allowed_networks: Vec::new(), ..settings() }).unwrap();
    strict.check(&webhook).expect("a name says nothing yet");
    let refused = strict.send(&webhook, "d", b"{}".to_vec()).await;
    assert!(
        matches!(&refused, Err(WebhookError::Address { host, address }) if host == "localhost" && address.is_loopback()),
        "{refused:?}"
    );
    assert!(receiver.taken().is_empty());
    let mut allowing = settings();
    allowing.allowed_networks.push("::1".parse().unwrap());
    let delivered = Sender::new(&allowing).unwrap().send(&webhook, "d", b"{}".to_vec()).await;
    assert!(delivered.is_ok(), "{delivered:?}");
    let gone = Webhook { url: "http://no-such-host.invalid/".into(), ..webhook };
    assert!(matches!(
        strict.send(&gone, "d", Vec::new()).await,
        Err(WebhookError::Unreachable(_) | WebhookError::TimedOut(_))
    ));
}

#[tokio::test]
async fn what_fails_is_tried_again_with_pauses_and_then_given_up() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = receiver(&[Reply::Status(500), Reply::Status(500), Reply::Status(204)]).await;
    let outbox = Outbox::open(dir.path(), &settings()).unwrap();
    let id = outbox.put(&receiver.webhook(), message("e-1")).unwrap();
    drain(&outbox).await;
    let delivery = outbox.get("shop", &id).unwrap();
    assert_eq!((delivery.state, delivery.attempts, delivery.last_status), (DeliveryState::Delivered, 3, Some(204)));
    let taken = receiver.taken();
    let ids: Vec<&str> = taken.iter().map(|(headers, _)| headers["kronika-delivery"].to_str().unwrap()).collect();
    assert_eq!(ids, [id.as_str(), id.as_str(), id.as_str()], "each try has the same id");
    let file = std::fs::read_to_string(dir.path().join(format!("{id}.json"))).unwrap();
    assert!(!file.contains(SECRET) && !file.contains("about"), "{file}");

    receiver.inbox.replies.lock().extend([Reply::Status(500), Reply::Status(500), Reply::Status(418)]);
    let id = outbox.put(&receiver.webhook(), message("e-2")).unwrap();
    drain(&outbox).await;
    let dead = outbox.get("shop", &id).unwrap();
    assert_eq!((dead.state, dead.attempts, dead.last_status), (DeliveryState::Dead, 3, Some(418)));
    assert_eq!(dead.last_error.as_deref(), Some("answered 418: because of this"));
    assert!(!dead.url.contains("token=t"), "{}", dead.url);
    outbox.step().await.unwrap();
    assert_eq!(receiver.taken().len(), 6, "a dead letter rests");
    assert_eq!(outbox.list("shop", Some(DeliveryState::Dead), 10), [dead]);

    // By hand, to a receiver that has a new secret.
    let changed = Webhook { secret: "another secret, changed".into(), ..receiver.webhook() };
    outbox.retry("shop", &id, Some(&changed)).unwrap();
    drain(&outbox).await;
    assert_eq!(outbox.get("shop", &id).unwrap().state, DeliveryState::Delivered);
    let (headers, body) = receiver.taken().pop().unwrap();
    let signature = headers[SIGNATURE_HEADER].to_str().unwrap().to_owned();
    assert!(verify(&changed.secret, &signature, &body, chrono::Utc::now().timestamp(), 5));
    assert_eq!(outbox.retry("shop", &id, None).unwrap_err().code(), "delivery_not_dead");
    assert_eq!(outbox.retry("other", &id, None).unwrap_err().code(), "delivery_not_found");
}

#[tokio::test]
async fn pauses_double_up_to_the_longest() {
    let dir = tempfile::tempdir().unwrap();
    let slow = config::Webhook {
        retry_first: Span(Duration::from_secs(5)),
        retry_longest: Span(Duration::from_secs(60)),
        ..settings()
    };
    let outbox = Outbox::open(dir.path(), &slow).unwrap();
    let pauses: Vec<i64> = [1, 2, 3, 4, 5, 100, u32::MAX].map(|failures| outbox.pause_ms(failures)).to_vec();
    assert_eq!(pauses, [5_000, 10_000, 20_000, 40_000, 60_000, 60_000, 60_000]);
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = receiver(&[Reply::Status(500)]).await;
    let outbox = Outbox::open(dir.path(), &config::Webhook { retry_first: Span::secs(0), ..settings() }).unwrap();
    let id = outbox.put(&receiver.webhook(), message("e-1")).unwrap();
    let held = outbox.hold(&receiver.webhook(), message("e-2")).unwrap();
    outbox.step().await.unwrap();
    assert_eq!(outbox.get("shop", &id).unwrap().attempts, 1);
    drop(outbox);

    let outbox = Outbox::open(dir.path(), &settings()).unwrap();
    assert_eq!(outbox.get("shop", &id).unwrap().attempts, 1);
    assert_eq!(outbox.held(), [(held.clone(), "shop".to_owned(), "e-2".to_owned())]);
    drain(&outbox).await;
    assert_eq!(outbox.get("shop", &id).unwrap().state, DeliveryState::Delivered);
    assert_eq!(receiver.taken().len(), 2, "what is held is not sent");
    outbox.release(&held).unwrap();
    drain(&outbox).await;
    assert_eq!(receiver.taken().pop().unwrap().1, b"{\"about\":\"e-2\"}");
    outbox.forget("shop").unwrap();
    assert!(outbox.list("shop", None, 10).is_empty());
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn the_outbox_has_an_end_and_forgets_what_is_old() {
    let dir = tempfile::tempdir().unwrap();
    let receiver = receiver(&[Reply::Status(500)]).await;
    let small = config::Webhook { queue_max: 2, attempts_max: 1, keep: Span(Duration::from_millis(1)), ..settings() };
    let outbox = Outbox::open(dir.path(), &small).unwrap();
    let first = outbox.put(&receiver.webhook(), message("e-1")).unwrap();
    outbox.put(&receiver.webhook(), message("e-2")).unwrap();
    assert_eq!(outbox.put(&receiver.webhook(), message("e-3")).unwrap_err().code(), "webhooks_waiting");
    outbox.step().await.unwrap();
    assert!(outbox.list("shop", Some(DeliveryState::Pending), 10).is_empty());
    tokio::time::sleep(Duration::from_millis(5)).await;
    outbox.step().await.unwrap();
    assert!(outbox.list("shop", None, 10).is_empty(), "dead letters and records go when their time is over");
    assert_eq!(outbox.get("shop", &first).unwrap_err().code(), "delivery_not_found");

    for (webhook, code) in [
        (Webhook { secret: "a".repeat(SECRET_MIN - 1), ..receiver.webhook() }, "invalid_webhook"),
        (Webhook { secret: "a".repeat(SECRET_MAX + 1), ..receiver.webhook() }, "invalid_webhook"),
        (Webhook { url: "http://192.168.0.1/".into(), ..receiver.webhook() }, "invalid_webhook"),
    ] {
        assert_eq!(outbox.put(&webhook, message("e-4")).unwrap_err().code(), code, "{webhook:?}");
    }
    for length in [SECRET_MIN, SECRET_MAX] {
        let webhook = Webhook { secret: "a".repeat(length), ..receiver.webhook() };
        assert!(outbox.sender().check(&webhook).is_ok(), "{length}");
        assert!(!format!("{webhook:?}").contains("aaaa"));
    }
    std::fs::write(dir.path().join("x.json"), "{").unwrap();
    assert_eq!(Outbox::open(dir.path(), &small).unwrap_err().code(), "webhooks_unavailable");
}
