//! `/api/v1/projects`: who has data here.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Admin, Authorized};
use super::extract::{ApiJson, ApiPath, ApiQuery};
use super::problem::{ApiError, Problem};
use crate::engine::Engine;
use crate::error::Kind;
use crate::event::names::ProjectName;

/// A project by name.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectBody {
    /// `[a-z0-9][a-z0-9-]{0,62}`
    name: String,
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
    engine.create_project(project_name(&new.name)?).await?;
    Ok((StatusCode::CREATED, Json(new)))
}

/// Says the name of the project again, so that none is deleted by mistake.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct DeleteParams {
    /// The name of the project, once more.
    confirm: Option<String>,
}

/// Deletes a project with all its events, keys and rejected lines, for good.
///
/// Answers when its files are gone. If they cannot be removed now (503), the project is out of the list
/// all the same, and they go when the request is repeated, or at the next start.
#[utoipa::path(delete, path = "/api/v1/projects/{name}", tag = "access", operation_id = "delete_project",
    params(("name" = String, Path), DeleteParams),
    responses((status = 204, description = "Deleted"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn delete_project(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(name): ApiPath<String>,
    ApiQuery(params): ApiQuery<DeleteParams>,
) -> Result<StatusCode, ApiError> {
    if params.confirm.as_ref() != Some(&name) {
        return Err(ApiError::new(Kind::Invalid, "confirmation_missing", "the name of the project must be confirmed")
            .hint(format!("add ?confirm={name} to delete all its events and keys for good")));
    }
    engine.delete_project(&project_name(&name)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn project_name(text: &str) -> Result<ProjectName, ApiError> {
    ProjectName::try_from(text).map_err(|error| ApiError::new(Kind::Invalid, "invalid_project", error.to_string()))
}
