//! `/api/v1/admin/…` and the routes that need no key: health, figures, the API document.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::request::Parts;
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Admin, Authorized};
use super::extract::ApiQuery;
use super::problem::{ApiError, Problem};
use super::source::source_of;
use crate::engine::{Check, CompactSummary, Engine, FlushSummary};
use crate::error::Kind;

/// Longest refusal of a library that is read.
const PLAIN_MAX: usize = 64 << 10;

/// Flushes hot events to the tables; answers when they are there.
///
/// With the header Kronika-Project only that project's.
#[utoipa::path(post, path = "/api/v1/admin/flush", tag = "admin", operation_id = "flush",
    responses((status = 200, body = Vec<FlushSummary>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn flush(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
) -> Result<Json<Vec<FlushSummary>>, ApiError> {
    Ok(Json(engine.flush(caller.chosen()).await?))
}

/// Makes one file of the small files of each date and module; answers when done.
///
/// With the header Kronika-Project only that project's.
#[utoipa::path(post, path = "/api/v1/admin/compact", tag = "admin", operation_id = "compact",
    responses((status = 200, body = Vec<CompactSummary>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn compact(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
) -> Result<Json<Vec<CompactSummary>>, ApiError> {
    Ok(Json(engine.compact(caller.chosen()).await?))
}

/// Whether the process runs.
#[utoipa::path(get, path = "/livez", tag = "operation", operation_id = "livez",
    responses((status = 200, body = String)), security(()))]
pub(super) async fn livez() -> &'static str {
    "ok\n"
}

/// How much `/readyz` is to say.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ReadyParams {
    /// With any value: every check with its figures, as JSON.
    #[param(value_type = Option<String>)]
    verbose: Option<String>,
}

/// Every check of `/readyz`.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Readiness {
    /// Whether all checks are well.
    ready: bool,
    checks: Vec<Check>,
}

/// Whether the server takes events in, keeps them, and has room.
///
/// Says what is wrong to loopback addresses and to admin keys; others learn the names of the checks that failed.
#[utoipa::path(get, path = "/readyz", tag = "operation", operation_id = "readyz", params(ReadyParams),
    responses((status = 200, content((String = "text/plain", example = "ok\n"), (Readiness = "application/json"))),
        (status = 503, description = "What is wrong, a line each", content((String = "text/plain"), (Readiness = "application/json")))),
    security((), ("key" = ["admin"])))]
pub(super) async fn readyz(
    State(engine): State<Engine>,
    parts: Parts,
    caller: Result<Authorized<Admin>, ApiError>,
    ApiQuery(params): ApiQuery<ReadyParams>,
) -> Result<Response, ApiError> {
    let checks = engine.health();
    let ready = checks.iter().all(Check::is_ok);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let insider = insider(&engine, &parts, caller);
    if params.verbose.is_some() {
        insider?;
        return Ok((status, Json(Readiness { ready, checks })).into_response());
    }
    let tell = insider.is_ok();
    let line = |check: &Check| {
        let problem = check.problem.as_ref()?;
        Some(if tell { format!("{}: {problem}\n", check.name) } else { format!("{}: failed\n", check.name) })
    };
    let failed: String = checks.iter().filter_map(line).collect();
    Ok((status, if ready { "ok\n".to_owned() } else { failed }).into_response())
}

/// Who may look inside: this machine, and admin keys.
fn insider(engine: &Engine, parts: &Parts, caller: Result<Authorized<Admin>, ApiError>) -> Result<(), ApiError> {
    let source = source_of(parts, &engine.config().server.trusted_proxies);
    if source.is_some_and(|address| address.is_loopback()) {
        return Ok(());
    }
    caller.map(|_| ())
}

/// Figures in Prometheus' text format; for loopback addresses, or with an admin key.
#[utoipa::path(get, path = "/metrics", tag = "operation", operation_id = "metrics",
    responses((status = 200, body = String), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security((), ("key" = ["admin"])))]
pub(super) async fn metrics(
    State(engine): State<Engine>,
    parts: Parts,
    caller: Result<Authorized<Admin>, ApiError>,
) -> Result<Response, ApiError> {
    insider(&engine, &parts, caller)?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], engine.metrics()).into_response())
}

/// The answer to a path that is no route.
pub(super) async fn no_route() -> ApiError {
    ApiError::new(Kind::NotFound, "route_not_found", "there is no such route").hint("see /api/openapi.json")
}

/// The answer to a method that the route does not take; the header `Allow` names those that it does.
pub(super) async fn no_method(method: Method) -> ApiError {
    ApiError::new(Kind::Invalid, "method_not_allowed", format!("this route takes no {method}"))
        .hint("use one of the methods in the header Allow")
}

/// The answer where a handler panicked; the panic itself is in the log.
pub(super) fn panicked(cause: Box<dyn std::any::Any + Send>) -> Response {
    let said = cause.downcast_ref::<String>().map(String::as_str).or_else(|| cause.downcast_ref::<&str>().copied());
    tracing::error!(panic = said.unwrap_or("?"), "a handler panicked");
    ApiError::new(Kind::Internal, "internal", "an internal error; the server's log says more").into_response()
}

/// Makes problem documents of what the libraries below refuse with a line of text.
pub(super) async fn in_our_words(request: Request, next: Next) -> Response {
    let health = matches!(request.uri().path(), "/readyz" | "/livez");
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let is_bare = kind.is_empty() || kind.starts_with("text/plain");
    if health || !is_bare || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let (parts, body) = response.into_parts();
    let text = axum::body::to_bytes(body, PLAIN_MAX).await.unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let detail = if text.is_empty() { status.canonical_reason().unwrap_or("refused").to_owned() } else { text.into() };
    let error = match status {
        StatusCode::NOT_FOUND => return no_route().await.into_response(),
        StatusCode::PAYLOAD_TOO_LARGE => ApiError::new(Kind::TooLarge, "body_too_large", detail),
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ApiError::new(Kind::UnsupportedMedia, "unsupported_media_type", detail),
        _ if status.is_server_error() => ApiError::new(Kind::Internal, "internal", detail),
        _ => ApiError::new(Kind::Invalid, "request_refused", detail),
    };
    let mut ours = error.into_response();
    if let Some(allow) = parts.headers.get(header::ALLOW) {
        ours.headers_mut().insert(header::ALLOW, allow.clone());
    }
    ours
}
