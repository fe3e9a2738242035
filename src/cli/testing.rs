//! A small real HTTP server for tests of the command line: it answers from a script and keeps what it was asked.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tokio::task::JoinSet;

/// One request as it came in.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: HashMap<String, String>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Asked {
    /// The body, decompressed.
    pub(crate) fn text(&self) -> String {
        let zstd = self.headers.get("content-encoding").is_some_and(|value| value == "zstd");
        let bytes = if zstd { zstd::decode_all(self.body.as_ref()).unwrap() } else { self.body.to_vec() };
        String::from_utf8(bytes).unwrap()
    }
}

/// Status, headers and body of an answer.
type Scripted = (u16, &'static [(&'static str, &'static str)], &'static str);
type Answer = Box<dyn FnMut(&Asked) -> Response + Send>;

struct Shared {
    asked: Mutex<Vec<Asked>>,
    answer: Mutex<Answer>,
}

/// A server that runs until it is dropped.
pub(crate) struct FakeServer {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    _tasks: JoinSet<()>,
}

impl FakeServer {
    /// Answers every request with what `answer` gives for it.
    pub(crate) async fn start(answer: impl FnMut(&Asked) -> Response + Send + 'static) -> Self {
        super::install_tls();
        let shared = Arc::new(Shared { asked: Mutex::new(vec![]), answer: Mutex::new(Box::new(answer)) });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, shared, _tasks: tasks }
    }

    /// Answers with each of `answers` in turn, then with the last of them.
    pub(crate) async fn script(answers: Vec<Scripted>) -> Self {
        let mut next = 0;
        Self::start(move |_| {
            let (status, headers, body) = answers[next.min(answers.len() - 1)];
            next += 1;
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            for (name, value) in headers {
                response.headers_mut().insert(*name, value.parse().unwrap());
            }
            response
        })
        .await
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// All requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.shared.asked.lock().clone()
    }
}

async fn handle(State(shared): State<Arc<Shared>>, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or("").as_bytes()).into_owned().collect();
    let path = parts.uri.path().to_owned();
    let asked = Asked { method: parts.method, path, query, headers: parts.headers, body };
    let response = (shared.answer.lock())(&asked);
    shared.asked.lock().push(asked);
    response
}
