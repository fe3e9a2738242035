//! Those who are told: an HTTP server that checks signatures, and a mail server.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Longest wait for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A call that came.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Call {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }
}

/// An HTTP server that takes everything and answers with one status.
pub(super) struct HttpReceiver {
    pub(super) url: String,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

struct Shared {
    calls: Mutex<Vec<Call>>,
    status: AtomicU16,
}

impl HttpReceiver {
    pub(super) async fn start() -> Self {
        let shared = Arc::new(Shared { calls: Mutex::default(), status: AtomicU16::new(200) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let routes = Router::new().route("/hook", post(take)).with_state(Arc::clone(&shared));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, routes).await.unwrap() });
        Self { url, shared, _tasks: tasks }
    }

    /// What it answers from now on.
    pub(super) fn answer(&self, status: u16) {
        self.shared.status.store(status, Ordering::SeqCst);
    }

    pub(super) fn calls(&self) -> Vec<Call> {
        self.shared.calls.lock().unwrap().clone()
    }

    /// The calls, once there are so many.
    pub(super) async fn wait_for(&self, count: usize) -> Vec<Call> {
        wait_until(|| self.calls().len() >= count, || format!("{:?}", self.calls())).await;
        self.calls()
    }

    /// What their documents say of their status.
    pub(super) fn statuses(&self) -> Vec<String> {
        self.calls().iter().map(|call| call.json()["status"].as_str().unwrap().to_owned()).collect()
    }
}

async fn take(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> StatusCode {
    let status = StatusCode::from_u16(shared.status.load(Ordering::SeqCst)).unwrap();
    shared.calls.lock().unwrap().push(Call { headers, body });
    status
}

/// A mail server that refuses the first mails and takes the others.
pub(super) struct MailServer {
    pub(super) address: SocketAddr,
    mails: Arc<Mutex<Vec<Mail>>>,
    _tasks: JoinSet<()>,
}

/// A mail that was taken.
#[derive(Debug, Clone, Default)]
pub(super) struct Mail {
    pub(super) from: String,
    pub(super) to: Vec<String>,
    pub(super) text: String,
}

impl MailServer {
    pub(super) async fn start(refuse: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (mails, left) = (Arc::new(Mutex::default()), Arc::new(AtomicU16::new(refuse)));
        let taken = Arc::clone(&mails);
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut open = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                open.spawn(talk(stream, Arc::clone(&taken), Arc::clone(&left)));
            }
        });
        Self { address, mails, _tasks: tasks }
    }

    pub(super) fn mails(&self) -> Vec<Mail> {
        self.mails.lock().unwrap().clone()
    }

    pub(super) async fn wait_for(&self, count: usize) -> Vec<Mail> {
        wait_until(|| self.mails().len() >= count, || format!("{:?}", self.mails())).await;
        self.mails()
    }
}

/// One connection, as RFC 5321 has it.
async fn talk(stream: TcpStream, mails: Arc<Mutex<Vec<Mail>>>, refuse: Arc<AtomicU16>) {
    let mut stream = BufReader::new(stream);
    let mut mail = Mail::default();
    let mut say = "220 test ESMTP\r\n".to_owned();
    loop {
        if stream.write_all(say.as_bytes()).await.is_err() {
            return;
        }
        let mut line = String::new();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return;
        }
        let line = line.trim_end();
        let word = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        say = match word.as_str() {
            "EHLO" => "250-test\r\n250 8BITMIME\r\n".to_owned(),
            "MAIL" => {
                let refused =
                    refuse.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
                mail = Mail { from: address(line), ..Mail::default() };
                if refused { "451 later\r\n".to_owned() } else { "250 ok\r\n".to_owned() }
            }
            "RCPT" => {
                mail.to.push(address(line));
                "250 ok\r\n".to_owned()
            }
            "DATA" => {
                stream.write_all(b"354 go on\r\n").await.unwrap();
                loop {
                    let mut text = String::new();
                    stream.read_line(&mut text).await.unwrap();
                    if text == ".\r\n" {
                        break;
                    }
                    mail.text.push_str(&text);
                }
                mails.lock().unwrap().push(std::mem::take(&mut mail));
                "250 taken\r\n".to_owned()
            }
            "QUIT" => {
                let _ = stream.write_all(b"221 bye\r\n").await;
                return;
            }
            _ => "250 ok\r\n".to_owned(),
        };
    }
}

fn address(line: &str) -> String {
    line.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}

/// Waits until something holds.
pub(super) async fn wait_until(mut holds: impl FnMut() -> bool, state: impl Fn() -> String) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "it did not come: {}", state());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
