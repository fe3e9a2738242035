//! The body of an answer to a question: counted while it is sent; its end is the end of the query.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::{Body, Bytes, HttpBody};
use http_body::{Frame, SizeHint};

use super::finish::{QueryRecord, Unfinished};
use crate::error::Report;
use crate::query::QueryError;

/// Stable code of the error that an answer tells, for whoever looks at the answer.
#[derive(Debug, Clone, Copy)]
pub(in crate::http) struct ErrorCode {
    pub(in crate::http) code: &'static str,
    /// Whether the caller's key is not for what was sent.
    pub(in crate::http) not_allowed: bool,
}

/// A body that tells how far it came.
pub(super) struct Counted {
    inner: Body,
    bytes: u64,
    status: u16,
    /// Gone once the end is told.
    unfinished: Option<Unfinished>,
}

impl Counted {
    pub(super) fn new(inner: Body, status: u16, unfinished: Unfinished) -> Self {
        Self { inner, bytes: 0, status, unfinished: Some(unfinished) }
    }

    fn end(&mut self, status: &'static str, error_code: Option<&'static str>) {
        let Some(unfinished) = self.unfinished.take() else { return };
        unfinished.end_query(QueryRecord { status, error_code, http_status: self.status, bytes: self.bytes });
    }
}

impl HttpBody for Counted {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let polled = std::task::ready!(Pin::new(&mut self.inner).poll_frame(cx));
        match &polled {
            Some(Ok(frame)) => {
                self.bytes += frame.data_ref().map_or(0, |data| data.len() as u64);
                // Nothing comes behind trailers, and nobody asks for it.
                if frame.is_trailers() {
                    self.end("completed", None);
                }
            }
            Some(Err(error)) => self.end("failed", Some(code_of(error))),
            None => self.end("completed", None),
        }
        Poll::Ready(polled)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.end("canceled", None);
    }
}

fn code_of(error: &axum::Error) -> &'static str {
    let source = std::error::Error::source(error).and_then(|source| source.downcast_ref::<QueryError>());
    source.map_or("internal", Report::code)
}
