//! `/api/v1/projects`: who has data here.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Admin, Authorized};
use super::extract::{ApiJson, ApiPath, ApiQuery};
use super::problem::{ApiError, Problem};
use crate::access::Scope;
use crate::config::Quota;
use crate::engine::{Engine, StorageFigures};
use crate::error::Kind;
use crate::event::names::ProjectName;

/// A project.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ProjectBody {
    /// `[a-z0-9][a-z0-9-]{0,62}`
    name: String,
    /// What it may ask for, where it is not what the settings give every project.
    #[serde(default, skip_serializing_if = "Quota::is_empty")]
    quota: Quota,
}

/// All projects; `_audit` among them for a key that also has the scope `audit-read`.
#[utoipa::path(get, path = "/api/v1/projects", tag = "access", operation_id = "list_projects",
    responses((status = 200, body = Vec<ProjectBody>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn list_projects(State(engine): State<Engine>, caller: Authorized<Admin>) -> Json<Vec<ProjectBody>> {
    let audit = caller.caller.may(Scope::AuditRead).then(ProjectName::audit);
    let project = |name: ProjectName| ProjectBody {
        // One that is deleted meanwhile has none.
        quota: engine.project_quota(&name).unwrap_or_default(),
        name: name.to_string(),
    };
    Json(engine.projects().into_iter().chain(audit).map(project).collect())
}

/// Makes a project.
#[utoipa::path(post, path = "/api/v1/projects", tag = "access", operation_id = "create_project", request_body = ProjectBody,
    responses((status = 201, body = ProjectBody), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn create_project(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiJson(new): ApiJson<ProjectBody>,
) -> Result<(StatusCode, Json<ProjectBody>), ApiError> {
    let name = project_name(&new.name)?;
    engine.create_project(name.clone()).await?;
    engine.set_project_quota(&name, new.quota.clone())?;
    caller.trail.changes(Value::Null, json!(new));
    Ok((StatusCode::CREATED, Json(new)))
}

/// What a project may ask for, where it is not what the settings give every project.
#[utoipa::path(get, path = "/api/v1/projects/{name}/quota", tag = "access", operation_id = "get_project_quota", params(("name" = String, Path)),
    responses((status = 200, body = Quota), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn get_project_quota(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(name): ApiPath<String>,
) -> Result<Json<Quota>, ApiError> {
    Ok(Json(engine.project_quota(&project_name(&name)?)?))
}

/// Gives a project another quota: what is absent is what the settings give every project, 0 is no limit.
#[utoipa::path(put, path = "/api/v1/projects/{name}/quota", tag = "access", operation_id = "set_project_quota", params(("name" = String, Path)),
    request_body = Quota,
    responses((status = 200, body = Quota), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn set_project_quota(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath(name): ApiPath<String>,
    ApiJson(quota): ApiJson<Quota>,
) -> Result<Json<Quota>, ApiError> {
    let project = project_name(&name)?;
    let before = engine.project_quota(&project)?;
    engine.set_project_quota(&project, quota.clone())?;
    caller.trail.changes(json!({"name": name, "quota": before}), json!({"name": name, "quota": quota}));
    Ok(Json(quota))
}

/// What a project takes: files, rows and bytes of its table by module and month, and what is in memory. Reads no file.
#[utoipa::path(get, path = "/api/v1/projects/{name}/storage", tag = "access", operation_id = "get_project_storage", params(("name" = String, Path)),
    responses((status = 200, body = StorageFigures), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn get_project_storage(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(name): ApiPath<String>,
) -> Result<Json<StorageFigures>, ApiError> {
    Ok(Json(engine.storage_figures(&project_name(&name)?).await?))
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
    caller: Authorized<Admin>,
    ApiPath(name): ApiPath<String>,
    ApiQuery(params): ApiQuery<DeleteParams>,
) -> Result<StatusCode, ApiError> {
    if params.confirm.as_ref() != Some(&name) {
        return Err(ApiError::new(Kind::Invalid, "confirmation_missing", "the name of the project must be confirmed")
            .hint(format!("add ?confirm={name} to delete all its events and keys for good")));
    }
    engine.delete_project(&project_name(&name)?).await?;
    caller.trail.changes(json!({"name": name}), Value::Null);
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn project_name(text: &str) -> Result<ProjectName, ApiError> {
    ProjectName::try_from(text).map_err(|error| ApiError::new(Kind::Invalid, "invalid_project", error.to_string()))
}
