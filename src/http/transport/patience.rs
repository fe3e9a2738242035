//! How long a client may take to send its body.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::BoxError;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use http_body::{Body as _, Frame, SizeHint};
use thiserror::Error;
use tokio::time::Sleep;

use crate::config::{self, ByteCount, Span};

/// How long a body may arrive at any rate.
const GRACE: Duration = Duration::from_secs(10);

/// Why a body was given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(crate) enum Slow {
    /// Nothing came.
    #[error("nothing of the body came for {0} (server.body_idle_timeout)")]
    Idle(Span),
    /// Too little came.
    #[error("the body came at less than {0} a second (server.body_rate_min)")]
    Rate(ByteCount),
}

impl Slow {
    /// Finds it among the causes of an error.
    pub(crate) fn among(error: &(dyn std::error::Error + 'static)) -> Option<Self> {
        std::iter::successors(Some(error), |error| error.source()).find_map(|error| error.downcast_ref().copied())
    }
}

/// Gives the request's body as much patience as the settings have.
pub(crate) fn patient(request: Request, settings: &config::Server) -> Request {
    let (idle, rate) = (settings.body_idle_timeout, settings.body_rate_min);
    request.map(|body| {
        if body.is_end_stream() {
            return body;
        }
        let waiting = Box::pin(tokio::time::sleep(idle.0));
        Body::new(Patient { body, idle, rate, waiting, since: None, waited: Duration::ZERO, bytes: 0 })
    })
}

/// A body that fails when its sender is too slow. Only time spent waiting for the sender counts.
struct Patient {
    body: Body,
    idle: Span,
    rate: ByteCount,
    waiting: Pin<Box<Sleep>>,
    /// Since when nothing came.
    since: Option<Instant>,
    waited: Duration,
    bytes: u64,
}

impl Patient {
    /// Whether `waited` is too long for the bytes that came.
    fn is_too_slow(&self) -> bool {
        self.waited > GRACE && (self.bytes as f64) < self.rate.0 as f64 * self.waited.as_secs_f64()
    }
}

impl http_body::Body for Patient {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) else {
            if this.since.is_none() {
                this.since = Some(Instant::now());
                this.waiting.as_mut().reset(tokio::time::Instant::now() + this.idle.0);
            }
            ready!(this.waiting.as_mut().poll(context));
            return Poll::Ready(Some(Err(Slow::Idle(this.idle).into())));
        };
        this.waited += this.since.take().map_or(Duration::ZERO, |since| since.elapsed());
        if let Some(data) = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()) {
            this.bytes += data.len() as u64;
            if this.is_too_slow() {
                return Poll::Ready(Some(Err(Slow::Rate(this.rate).into())));
            }
        }
        Poll::Ready(frame.map(|frame| frame.map_err(Into::into)))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests;
