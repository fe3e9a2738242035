//! `/api/v1/projects`, `/api/v1/keys`: who has data here, and who may touch it.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::caller::{Admin, Authorized};
use super::extract::{ApiJson, ApiPath};
use super::problem::{ApiError, Problem};
use crate::access::{KeyId, KeyInfo, NewKey};
use crate::engine::{Engine, EngineError, now_s};
use crate::error::Kind;
use crate::event::names::ProjectName;

/// A project by name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectBody {
    /// `[a-z0-9][a-z0-9-]{0,62}`
    name: String,
}

/// A new key; the secret is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct NewKeyAnswer {
    /// The key to send as `Authorization: Bearer KEY`.
    secret: String,
    #[serde(flatten)]
    info: KeyInfo,
}

/// All projects.
#[utoipa::path(get, path = "/api/v1/projects", tag = "access", operation_id = "list_projects",
    responses((status = 200, body = Vec<ProjectBody>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn list_projects(State(engine): State<Engine>, _caller: Authorized<Admin>) -> Json<Vec<ProjectBody>> {
    Json(engine.projects().into_iter().map(|name| ProjectBody { name: name.to_string() }).collect())
}

/// Makes a project.
#[utoipa::path(post, path = "/api/v1/projects", tag = "access", operation_id = "create_project", request_body = ProjectBody,
    responses((status = 201, body = ProjectBody), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn create_project(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiJson(new): ApiJson<ProjectBody>,
) -> Result<(StatusCode, Json<ProjectBody>), ApiError> {
    let name = ProjectName::try_from(new.name.as_str())
        .map_err(|error| ApiError::new(Kind::Invalid, "invalid_project", error.to_string()))?;
    engine.create_project(name).await?;
    Ok((StatusCode::CREATED, Json(new)))
}

/// All keys, without their secrets.
#[utoipa::path(get, path = "/api/v1/keys", tag = "access", operation_id = "list_keys",
    responses((status = 200, body = Vec<KeyInfo>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn list_keys(State(engine): State<Engine>, _caller: Authorized<Admin>) -> Json<Vec<KeyInfo>> {
    Json(engine.keys().list())
}

/// Makes a key. Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/keys", tag = "access", operation_id = "create_key", request_body = NewKey,
    responses((status = 201, body = NewKeyAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn create_key(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiJson(new): ApiJson<NewKey>,
) -> Result<(StatusCode, Json<NewKeyAnswer>), ApiError> {
    if let Some(project) = &new.project
        && !engine.projects().contains(project)
    {
        return Err(EngineError::UnknownProject(project.clone()).into());
    }
    if let Some(mapping) = &new.mapping {
        engine.mappings().get(mapping)?;
    }
    let (info, secret) = engine.keys().create(new, now_s())?;
    Ok((StatusCode::CREATED, Json(NewKeyAnswer { secret: secret.reveal().to_string(), info })))
}

/// Revokes a key: the next request with it is refused.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "access", operation_id = "revoke_key", params(("id" = String, Path)),
    responses((status = 204, description = "Revoked"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn revoke_key(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    engine.keys().revoke(&KeyId::from(id.as_str()))?;
    Ok(StatusCode::NO_CONTENT)
}
