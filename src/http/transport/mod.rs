//! The way of bytes: sockets, TLS, HTTP/1.1 and HTTP/2, and how long a client may take.
//!
//! ```text
//! accept ─▶ one of `connections_max` ─▶ TLS ─▶ HTTP ─▶ patience with the body ─▶ routes
//! ```
//!
//! # Invariants
//! * A client that sends nothing, or next to nothing, loses its connection: in the handshake, in the
//!   headers and between requests after `header_timeout`, within a body after `body_idle_timeout` or
//!   below `body_rate_min`. So does one that does not read its answer, after `answer_idle_timeout`.
//! * A failed connection never ends the server; neither does a system that has no descriptors left.

mod headers;
mod patience;
mod stalled;
mod tls;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tower::ServiceExt;

use self::stalled::Stalled;
use crate::config;

pub use tls::{Tls, TlsError};

pub(super) use headers::secured;
pub(super) use patience::{Slow, patient};

/// Pause after the system could not accept, e.g. for want of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How often HTTP/2 clients that are silent are asked whether they are still there.
const PING_EVERY: Duration = Duration::from_secs(20);

/// What all connections share.
struct Connections {
    routes: Router,
    tls: Option<Tls>,
    http: Builder<TokioExecutor>,
    header_timeout: Duration,
    answer_idle_timeout: Duration,
    free: Arc<Semaphore>,
}

/// Serves until `stop` resolves, then lets the requests that are running finish.
pub(super) async fn serve(
    listener: TcpListener,
    routes: Router,
    tls: Option<Tls>,
    settings: &config::Server,
    stop: impl Future<Output = ()> + Send,
) -> io::Result<()> {
    let connections = Arc::new(Connections {
        routes,
        tls,
        http: http(settings),
        header_timeout: settings.header_timeout.0,
        answer_idle_timeout: settings.answer_idle_timeout.0,
        free: Arc::new(Semaphore::new(settings.connections_max)),
    });
    let graceful = GracefulShutdown::new();
    let (mut running, mut full) = (JoinSet::new(), false);
    tokio::pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            Some(ended) = running.join_next() => {
                if let Err(error) = ended {
                    tracing::error!(%error, "a connection's task failed");
                }
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if is_of_the_client(&error) => continue,
            Err(error) => {
                tracing::error!(%error, "cannot accept connections; trying again");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let permit = Arc::clone(&connections.free).try_acquire_owned();
        let was_full = std::mem::replace(&mut full, permit.is_err());
        match permit {
            Ok(permit) => {
                running.spawn(Arc::clone(&connections).run(stream, peer, graceful.watcher(), permit));
            }
            Err(_) if !was_full => {
                tracing::warn!(
                    limit = settings.connections_max,
                    "too many connections (server.connections_max); new ones are closed"
                );
            }
            Err(_) => {}
        }
    }
    drop(listener);
    graceful.shutdown().await;
    Ok(())
}

/// Whether a connection failed before it was accepted, which is nobody's concern.
fn is_of_the_client(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

fn http(settings: &config::Server) -> Builder<TokioExecutor> {
    let mut http = Builder::new(TokioExecutor::new());
    let header_max = settings.header_max.as_usize();
    http.http1()
        .timer(TokioTimer::new())
        .header_read_timeout(settings.header_timeout.0)
        // The buffer also takes bodies.
        .max_buf_size(header_max.max(256 << 10));
    http.http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(settings.streams_max)
        .max_header_list_size(u32::try_from(header_max).unwrap_or(u32::MAX))
        .keep_alive_interval(PING_EVERY)
        .keep_alive_timeout(settings.header_timeout.0);
    http
}

impl Connections {
    async fn run(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        watcher: Watcher,
        _permit: OwnedSemaphorePermit,
    ) {
        // An answer of a few bytes must not wait for more.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "cannot set TCP_NODELAY");
        }
        let stream = Stalled::new(stream, self.answer_idle_timeout);
        let Some(tls) = &self.tls else { return self.talk(stream, peer, watcher).await };
        match tokio::time::timeout(self.header_timeout, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => self.talk(stream, peer, watcher).await,
            Ok(Err(error)) => tracing::debug!(%error, %peer, "no TLS connection came about"),
            Err(_) => tracing::debug!(%peer, "the TLS handshake took too long"),
        }
    }

    async fn talk(
        &self,
        stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
        peer: SocketAddr,
        watcher: Watcher,
    ) {
        let routes = self.routes.clone();
        let first = Arc::new(Notify::new());
        let seen = Arc::clone(&first);
        let service = service_fn(move |request: Request<Incoming>| {
            seen.notify_one();
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(ConnectInfo(peer));
            routes.clone().oneshot(request)
        });
        // Whoever does not even say which HTTP it speaks is nobody's in the library.
        let silent = async {
            if tokio::time::timeout(self.header_timeout, first.notified()).await.is_ok() {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            ended = watcher.watch(self.http.serve_connection(TokioIo::new(stream), service)) => {
                if let Err(error) = ended {
                    tracing::debug!(error = error.as_ref(), %peer, "a connection ended badly");
                }
            }
            () = silent => tracing::debug!(%peer, "no request came in time"),
        }
    }
}
