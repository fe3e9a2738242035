//! `/api/v1/views`: screens of the page with a name, and the dashboards that are built in.

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::engine::{Engine, now_us};
use crate::http::caller::{Authorized, Query};
use crate::http::extract::{ApiJson, ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::journal::saved::Whose;
use crate::journal::views::{self, Builtin, NewView, SavedView, ViewError, ViewKind};

/// A saved screen as answers show it: what was saved, by whom, and when.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes `SavedView` and `Builtin`, whose parts stand side by side in JSON")]
pub(in crate::http) struct ViewAnswer {
    id: String,
    kind: ViewKind,
    name: String,
    #[schema(value_type = Object)]
    state: Map<String, Value>,
    shared: bool,
    default: bool,
    /// Grows by one with each change; the `ETag`, in quotes.
    version: u64,
    /// Whether it is the program's own: then it has no owner and no times, and cannot be changed.
    builtin: Option<bool>,
    /// Public id of the key that made it.
    owner: Option<String>,
    owner_name: Option<String>,
    #[schema(format = DateTime)]
    created_at: Option<String>,
    #[schema(format = DateTime)]
    updated_at: Option<String>,
}

/// Which screens are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ViewParams {
    /// Of this kind only.
    kind: Option<ViewKind>,
}

/// One of the project's, or of the program's.
#[derive(Serialize)]
#[serde(untagged)]
pub(in crate::http) enum Shown {
    Saved(Box<SavedView>),
    Builtin(&'static Builtin),
}

/// The saved screens that the key sees: its own first, then those of the project, then those that are built in.
#[utoipa::path(get, path = "/api/v1/views", tag = "journal", operation_id = "list_views", params(ViewParams),
    responses((status = 200, body = Vec<ViewAnswer>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn list_views(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiQuery(params): ApiQuery<ViewParams>,
) -> Result<Json<Vec<Shown>>, ApiError> {
    let project = engine.existing(&caller.project())?;
    let is_wanted = |kind: ViewKind| params.kind.is_none_or(|wanted| wanted == kind);
    let saved = engine.views().list(&project, Whose(&caller.caller))?;
    let saved = saved.into_iter().filter(|view| is_wanted(view.saved.kind)).map(|view| Shown::Saved(Box::new(view)));
    let builtin = views::builtin().iter().filter(|view| is_wanted(view.kind)).map(Shown::Builtin);
    Ok(Json(saved.chain(builtin).collect()))
}

/// Save a screen: for this key, or with `shared` for all keys of the project.
#[utoipa::path(post, path = "/api/v1/views", tag = "journal", operation_id = "create_view", request_body = NewView,
    responses((status = 201, body = ViewAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn create_view(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiJson(new): ApiJson<NewView>,
) -> Result<Response, ApiError> {
    let project = engine.existing(&caller.project())?;
    let made = engine.views().create(&project, Whose(&caller.caller), new, now_us())?;
    tagged(StatusCode::CREATED, made.version, Shown::Saved(Box::new(made)))
}

/// One saved screen, by its id or its name.
#[utoipa::path(get, path = "/api/v1/views/{id}", tag = "journal", operation_id = "get_view", params(("id" = String, Path)),
    responses((status = 200, body = ViewAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn get_view(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
) -> Result<Response, ApiError> {
    let project = engine.existing(&caller.project())?;
    if let Some(builtin) = views::find(&id) {
        return tagged(StatusCode::OK, builtin.version, Shown::Builtin(builtin));
    }
    let found = engine.views().find(&project, Whose(&caller.caller), &id)?;
    tagged(StatusCode::OK, found.version, Shown::Saved(Box::new(found)))
}

/// Replace a saved screen that is still as it was read: the header `If-Match` names its `ETag`.
#[utoipa::path(put, path = "/api/v1/views/{id}", tag = "journal", operation_id = "put_view",
    params(("id" = String, Path), ("if-match" = Option<String>, Header, description = "The `ETag` that the screen was read with")),
    request_body = NewView,
    responses((status = 200, body = ViewAnswer),
        (status = 412, description = "It was changed meanwhile", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "No `If-Match`", body = Problem, content_type = "application/problem+json"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn put_view(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    headers: HeaderMap,
    ApiJson(new): ApiJson<NewView>,
) -> Result<Response, ApiError> {
    let project = engine.existing(&caller.project())?;
    not_builtin(&id)?;
    let of = headers.get(header::IF_MATCH).map(|value| value.to_str().unwrap_or("?").trim().to_owned());
    let kind = new.kind;
    let may = |old: &SavedView| {
        let of = of.ok_or(ViewError::VersionMissing)?;
        if of != tag(old.version) {
            return Err(ViewError::Changed { now: old.version, of });
        }
        if old.saved.kind != kind {
            return Err(ViewError::Invalid { part: "kind", message: "stays what it is: save another screen".into() });
        }
        Ok(())
    };
    let next = engine.views().replace(&project, Whose(&caller.caller), &id, (new, now_us()), may)?;
    tagged(StatusCode::OK, next.version, Shown::Saved(Box::new(next)))
}

/// Delete a saved screen.
#[utoipa::path(delete, path = "/api/v1/views/{id}", tag = "journal", operation_id = "delete_view", params(("id" = String, Path)),
    responses((status = 204, description = "Deleted"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn delete_view(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    let project = engine.existing(&caller.project())?;
    not_builtin(&id)?;
    engine.views().delete(&project, Whose(&caller.caller), &id)?;
    Ok(StatusCode::NO_CONTENT)
}

fn not_builtin(id: &str) -> Result<(), ViewError> {
    if views::find(id).is_some() { Err(ViewError::BuiltIn(id.to_owned())) } else { Ok(()) }
}

fn tag(version: u64) -> String {
    format!("\"{version}\"")
}

fn tagged(status: StatusCode, version: u64, shown: Shown) -> Result<Response, ApiError> {
    let tag = HeaderValue::from_str(&tag(version)).map_err(|_| ApiError::internal("an ETag that is no header"))?;
    Ok((status, [(header::ETAG, tag)], Json(shown)).into_response())
}
