//! `/api/v1/erasures`: all data of one person or object goes, from everywhere.
//!
//! The value stands in bodies only, never in a path: paths are recorded.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::caller::{Admin, Authorized};
use super::extract::{ApiJson, ApiPath, ApiQuery};
use super::holds::OfProject;
use super::problem::{ApiError, Problem};
use crate::engine::Engine;
use crate::retention::{Erasure, ErasureInfo, NewErasure, Preview};

/// All erasures, the newest first; without the values.
#[utoipa::path(get, path = "/api/v1/erasures", tag = "retention", operation_id = "list_erasures", params(OfProject),
    responses((status = 200, body = Vec<ErasureInfo>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn list_erasures(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiQuery(of): ApiQuery<OfProject>,
) -> Result<Json<Vec<ErasureInfo>>, ApiError> {
    Ok(Json(engine.erasures(of.project()?.as_ref()).iter().map(Erasure::info).collect()))
}

/// What an erasure would do; `reason` may be left out. Events in memory are stored first.
#[utoipa::path(post, path = "/api/v1/erasures/preview", tag = "retention", operation_id = "preview_erasure", request_body = NewErasure,
    responses((status = 200, body = Preview), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn preview_erasure(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiJson(new): ApiJson<NewErasure>,
) -> Result<Json<Preview>, ApiError> {
    let preview = engine.preview_erasure(new).await?;
    caller.trail.changes(Value::Null, json!(preview));
    Ok(Json(preview))
}

/// Asks for an erasure. It is done in the background: read it until its `stage` is `done`, with a proof of what is left.
#[utoipa::path(post, path = "/api/v1/erasures", tag = "retention", operation_id = "create_erasure", request_body = NewErasure,
    responses((status = 202, body = ErasureInfo), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn create_erasure(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiJson(new): ApiJson<NewErasure>,
) -> Result<(StatusCode, Json<ErasureInfo>), ApiError> {
    let erasure = engine.create_erasure(new, caller.caller.key.as_str()).await?.info();
    caller.trail.changes(Value::Null, json!(erasure));
    Ok((StatusCode::ACCEPTED, Json(erasure)))
}

/// One erasure; without the value.
#[utoipa::path(get, path = "/api/v1/erasures/{id}", tag = "retention", operation_id = "get_erasure", params(("id" = String, Path)),
    responses((status = 200, body = ErasureInfo), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn get_erasure(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<ErasureInfo>, ApiError> {
    Ok(Json(engine.erasure(&id)?.info()))
}

/// Stops an erasure; what it has erased stays erased.
#[utoipa::path(delete, path = "/api/v1/erasures/{id}", tag = "retention", operation_id = "cancel_erasure", params(("id" = String, Path)),
    responses((status = 200, body = ErasureInfo), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn cancel_erasure(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<ErasureInfo>, ApiError> {
    let before = engine.erasure(&id)?.info();
    let erasure = engine.cancel_erasure(&id)?.info();
    caller.trail.changes(json!(before), json!(erasure));
    Ok(Json(erasure))
}
