//! What surrounds every request: its id, its span in the log, its place among the figures.
//!
//! The id is the client's `X-Request-Id` where it has the right form, else one of ours. It is in every line
//! that the request logs, in the answer's header, and in the problem document of a refusal. A `traceparent`
//! (W3C) is continued: its trace id is in the log, too.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument;
use uuid::Uuid;

use super::trail::ErrorCode;
use crate::engine::Engine;

/// Header of a request's id.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Header of the trace that a request is a part of.
const TRACEPARENT: &str = "traceparent";
/// Longest id that is taken from a client.
const ID_MAX: usize = 128;
/// Route of requests that no route takes: whatever they ask for is no label.
const NO_ROUTE: &str = "none";

tokio::task_local! {
    /// The request that this task answers.
    static CURRENT: Current;
}

/// What answers say of their request.
#[derive(Debug, Clone)]
pub(super) struct Current {
    pub(super) request_id: String,
    pub(super) path: String,
}

/// The request that is being answered here, if one is.
pub(super) fn current() -> Option<Current> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Gives a request its id and span, counts and logs its answer.
pub(super) async fn observed(State(engine): State<Engine>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let request_id = sent_id(request.headers()).unwrap_or_else(|| Uuid::now_v7().simple().to_string());
    let route = request.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let method = known(request.method());
    let trace_id = trace_id(request.headers());
    let span = tracing::info_span!("request", request_id, trace_id, method, route);
    let current = Current { request_id: request_id.clone(), path: request.uri().path().to_owned() };
    let answering = async {
        let mut response = CURRENT.scope(current, next.run(request)).await;
        if let Ok(value) = HeaderValue::from_str(&request_id) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let (status, code) =
            (response.status().as_u16(), response.extensions().get::<ErrorCode>().map(|refusal| refusal.code));
        let took = began.elapsed();
        let ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        match status {
            500.. => tracing::warn!(target: "kronika::access", status, code, ms, "answered"),
            // What clients do wrong by the thousand is counted, not told one by one.
            401 | 404 | 405 | 408 | 429 | 499 => {
                tracing::debug!(target: "kronika::access", status, code, ms, "answered");
            }
            400..=499 => tracing::info!(target: "kronika::access", status, code, ms, "answered"),
            _ => tracing::debug!(target: "kronika::access", status, ms, "answered"),
        }
        engine.answered(method, route.clone(), status, code, took);
        response
    };
    answering.instrument(span).await
}

/// The client's id, where it is one: short, and of characters that no log and no header can trip over.
fn sent_id(headers: &HeaderMap) -> Option<String> {
    let id = headers.get(REQUEST_ID)?.to_str().ok()?;
    let fine = |c: char| c.is_ascii_alphanumeric() || "-_.:/+=".contains(c);
    ((1..=ID_MAX).contains(&id.len()) && id.chars().all(fine)).then(|| id.to_owned())
}

/// The trace id of a `traceparent` (`00-TRACE-SPAN-FLAGS`).
fn trace_id(headers: &HeaderMap) -> Option<String> {
    let sent = headers.get(TRACEPARENT)?.to_str().ok()?;
    let mut parts = sent.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |text: &str, len: usize| {
        text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    let whole = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    // Later versions may add parts; `ff` is none, nor are ids of zeros.
    let later = version != "00" || parts.next().is_none();
    let real = version != "ff" && trace.bytes().any(|byte| byte != b'0') && span.bytes().any(|byte| byte != b'0');
    (whole && later && real).then(|| trace.to_owned())
}

/// The method as a label, and as the audit journal has it; methods that we know none of are one.
pub(super) fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        "QUERY" => "QUERY",
        _ => "other",
    }
}

#[cfg(test)]
mod tests;
