//! `/api/v1/filters`: filters with a name.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value};
use utoipa::ToSchema;

use crate::engine::{Engine, now_us};
use crate::http::caller::{Authorized, Query};
use crate::http::extract::{ApiJson, ApiPath};
use crate::http::problem::{ApiError, Problem};
use crate::journal::saved::{NewFilter, SavedFilter, Whose};

/// A saved filter as answers show it: what was saved, by whom, and when.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes `SavedFilter`, whose parts stand side by side in JSON")]
pub(in crate::http) struct FilterAnswer {
    id: String,
    /// Public id of the key that made it.
    owner: String,
    owner_name: String,
    /// Grows by one with each change.
    version: u64,
    name: String,
    #[schema(value_type = Object)]
    filter: Map<String, Value>,
    columns: Option<Vec<String>>,
    sort: Option<String>,
    dataset: Option<String>,
    shared: bool,
    default: bool,
    #[schema(format = DateTime)]
    created_at: String,
    #[schema(format = DateTime)]
    updated_at: String,
}

/// The saved filters that the key sees: its own first, then those of the project.
#[utoipa::path(get, path = "/api/v1/filters", tag = "journal", operation_id = "list_filters",
    responses((status = 200, body = Vec<FilterAnswer>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn list_filters(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
) -> Result<Json<Vec<SavedFilter>>, ApiError> {
    let project = engine.existing(&caller.project())?;
    Ok(Json(engine.saved().list(&project, Whose(&caller.caller))?))
}

/// Save a filter: for this key, or with `shared` for all keys of the project. Used as `?saved=NAME` or `?saved=ID`.
#[utoipa::path(post, path = "/api/v1/filters", tag = "journal", operation_id = "create_filter", request_body = NewFilter,
    responses((status = 201, body = FilterAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn create_filter(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiJson(new): ApiJson<NewFilter>,
) -> Result<(StatusCode, Json<SavedFilter>), ApiError> {
    let project = engine.existing(&caller.project())?;
    let made = engine.saved().create(&project, Whose(&caller.caller), new, now_us())?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// One saved filter, by its id or its name.
#[utoipa::path(get, path = "/api/v1/filters/{id}", tag = "journal", operation_id = "get_filter", params(("id" = String, Path)),
    responses((status = 200, body = FilterAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn get_filter(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<SavedFilter>, ApiError> {
    let project = engine.existing(&caller.project())?;
    Ok(Json(engine.saved().find(&project, Whose(&caller.caller), &id)?))
}

/// Replace a saved filter.
#[utoipa::path(put, path = "/api/v1/filters/{id}", tag = "journal", operation_id = "put_filter", params(("id" = String, Path)),
    request_body = NewFilter,
    responses((status = 200, body = FilterAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn put_filter(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    ApiJson(new): ApiJson<NewFilter>,
) -> Result<Json<SavedFilter>, ApiError> {
    let project = engine.existing(&caller.project())?;
    Ok(Json(engine.saved().replace(&project, Whose(&caller.caller), &id, (new, now_us()), |_| Ok(()))?))
}

/// Delete a saved filter.
#[utoipa::path(delete, path = "/api/v1/filters/{id}", tag = "journal", operation_id = "delete_filter", params(("id" = String, Path)),
    responses((status = 204, description = "Deleted"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn delete_filter(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    let project = engine.existing(&caller.project())?;
    engine.saved().delete(&project, Whose(&caller.caller), &id)?;
    Ok(StatusCode::NO_CONTENT)
}
