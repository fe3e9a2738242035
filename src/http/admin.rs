//! `/api/v1/admin/…` and the routes that need no key: health, figures, the API document.

use axum::Json;
use axum::extract::State;
use axum::http::request::Parts;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::caller::{Admin, Authorized};
use super::problem::{ApiError, Problem};
use super::source::source_of;
use crate::engine::{CompactSummary, Engine, FlushSummary};
use crate::error::Kind;

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

/// Whether the server takes events in and its background work succeeds.
#[utoipa::path(get, path = "/readyz", tag = "operation", operation_id = "readyz",
    responses((status = 200, body = String), (status = 503, body = String, description = "What is wrong, a line each")), security(()))]
pub(super) async fn readyz(State(engine): State<Engine>) -> Response {
    let complaints = engine.complaints();
    if complaints.is_empty() {
        return "ok\n".into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, complaints.join("\n") + "\n").into_response()
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
    let source = source_of(&parts, &engine.config().server.trusted_proxies);
    if !source.is_some_and(|address| address.is_loopback()) {
        caller?;
    }
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], engine.metrics()).into_response())
}

/// The answer to a method that a route does not have; `Allow` names those that it has.
pub(super) async fn no_method() -> ApiError {
    ApiError::new(Kind::Invalid, "method_not_allowed", "this route does not have this method")
        .status_of(StatusCode::METHOD_NOT_ALLOWED)
        .hint("the header Allow names those that it has; see /api/openapi.json")
}

/// The answer to a path that is no route.
pub(super) async fn no_route() -> ApiError {
    ApiError::new(Kind::NotFound, "route_not_found", "there is no such route").hint("see /api/openapi.json")
}
