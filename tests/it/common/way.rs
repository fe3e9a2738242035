//! A way to a store on which a rule may answer in its place.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use parking_lot::Mutex;

/// What to answer to a request, where not what the store answers: method, path and query.
type Rule = Box<dyn Fn(&Method, &str) -> Option<(u16, String)> + Send>;

/// The way; it ends with the test's process.
pub(crate) struct RuledWay {
    pub(crate) url: String,
    shared: Arc<Shared>,
}

struct Shared {
    target: String,
    client: reqwest::Client,
    rule: Mutex<Option<Rule>>,
    met: AtomicUsize,
}

impl RuledWay {
    /// A way to `target`, without a rule.
    pub(crate) fn to(target: &str) -> Self {
        let shared = Arc::new(Shared {
            target: target.to_owned(),
            client: reqwest::Client::new(),
            rule: Mutex::default(),
            met: AtomicUsize::new(0),
        });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass).layer(DefaultBodyLimit::disable()).with_state(Arc::clone(&shared));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                axum::serve(listener, router).await.unwrap();
            });
        });
        Self { url, shared }
    }

    /// From now on `rule` answers what it wants to answer.
    pub(crate) fn rule(&self, rule: impl Fn(&Method, &str) -> Option<(u16, String)> + Send + 'static) {
        self.shared.met.store(0, Ordering::SeqCst);
        *self.shared.rule.lock() = Some(Box::new(rule));
    }

    /// The store answers everything again; how often the rule did.
    pub(crate) fn free(&self) -> usize {
        *self.shared.rule.lock() = None;
        self.shared.met.load(Ordering::SeqCst)
    }
}

/// An error as S3 tells it.
pub(crate) fn s3_error(code: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{code}</Message></Error>")
}

async fn pass(State(way): State<Arc<Shared>>, method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Response {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    let ruled = way.rule.lock().as_ref().and_then(|rule| rule(&method, path));
    if let Some((status, text)) = ruled {
        way.met.fetch_add(1, Ordering::SeqCst);
        let kind = [(header::CONTENT_TYPE, "application/xml")];
        return (StatusCode::from_u16(status).unwrap(), kind, text).into_response();
    }
    // The host is a part of what was signed.
    let sent = way.client.request(method, format!("{}{path}", way.target)).headers(headers).body(body).send().await;
    let Ok(answer) = sent else { return StatusCode::BAD_GATEWAY.into_response() };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove(header::TRANSFER_ENCODING);
    match answer.bytes().await {
        Ok(bytes) => (status, headers, Body::from(bytes)).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
