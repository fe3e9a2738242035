//! `/api/v1/projects/{name}/redaction`: what is blanked in a project's events before anything is stored.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::caller::{Admin, Authorized};
use super::extract::{ApiJson, ApiPath};
use super::problem::{ApiError, Problem};
use super::projects::project_name;
use crate::config::RedactLists;
use crate::engine::Engine;

/// What is redacted in a project.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RedactionAnswer {
    /// The project's own rules, which can be changed here.
    own: RedactLists,
    /// All that are in force: the server's, those that its settings have for the project, and its own.
    in_force: RedactLists,
}

/// What is redacted in a project.
#[utoipa::path(get, path = "/api/v1/projects/{name}/redaction", tag = "access", operation_id = "get_redaction", params(("name" = String, Path)),
    responses((status = 200, body = RedactionAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn get_redaction(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(name): ApiPath<String>,
) -> Result<Json<RedactionAnswer>, ApiError> {
    let (own, in_force) = engine.redaction(&project_name(&name)?)?;
    Ok(Json(RedactionAnswer { own, in_force }))
}

/// Replaces the project's own rules; they hold for events sent from now on.
///
/// They add to those of the server's settings, and take nothing away from them.
#[utoipa::path(put, path = "/api/v1/projects/{name}/redaction", tag = "access", operation_id = "put_redaction", params(("name" = String, Path)),
    request_body = RedactLists,
    responses((status = 204, description = "In force"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn put_redaction(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(name): ApiPath<String>,
    ApiJson(lists): ApiJson<RedactLists>,
) -> Result<StatusCode, ApiError> {
    engine.set_redaction(&project_name(&name)?, lists)?;
    Ok(StatusCode::NO_CONTENT)
}
