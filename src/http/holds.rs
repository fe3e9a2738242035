//! `/api/v1/holds`: legal holds, which win over retention and erasure.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Admin, Authorized};
use super::extract::{ApiJson, ApiPath, ApiQuery};
use super::problem::{ApiError, Problem};
use super::projects::project_name;
use crate::engine::Engine;
use crate::event::names::ProjectName;
use crate::retention::{Hold, NewHold};

/// Which holds or erasures are listed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct OfProject {
    /// Only those of this project.
    project: Option<String>,
}

impl OfProject {
    pub(super) fn project(&self) -> Result<Option<ProjectName>, ApiError> {
        self.project.as_deref().map(project_name).transpose()
    }
}

/// All holds, the newest first, lifted ones included.
#[utoipa::path(get, path = "/api/v1/holds", tag = "retention", operation_id = "list_holds", params(OfProject),
    responses((status = 200, body = Vec<Hold>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn list_holds(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiQuery(of): ApiQuery<OfProject>,
) -> Result<Json<Vec<Hold>>, ApiError> {
    Ok(Json(engine.holds(of.project()?.as_ref())))
}

/// Places a hold: from this answer on, nothing that it covers goes, whatever a policy or an erasure says.
#[utoipa::path(post, path = "/api/v1/holds", tag = "retention", operation_id = "place_hold", request_body = NewHold,
    responses((status = 201, body = Hold), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn place_hold(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiJson(new): ApiJson<NewHold>,
) -> Result<(StatusCode, Json<Hold>), ApiError> {
    let hold = engine.place_hold(new, caller.caller.key.as_str()).await?;
    caller.trail.changes(Value::Null, json!(hold));
    Ok((StatusCode::CREATED, Json(hold)))
}

/// One hold.
#[utoipa::path(get, path = "/api/v1/holds/{id}", tag = "retention", operation_id = "get_hold", params(("id" = String, Path)),
    responses((status = 200, body = Hold), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn get_hold(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<Hold>, ApiError> {
    Ok(Json(engine.hold(&id)?))
}

/// Why a hold is lifted.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LiftBody {
    /// Why: the case is closed, the order was withdrawn.
    reason: String,
}

/// Lifts a hold: what it covered goes with the next sweep, where a policy says so.
#[utoipa::path(post, path = "/api/v1/holds/{id}/lift", tag = "retention", operation_id = "lift_hold", params(("id" = String, Path)),
    request_body = LiftBody,
    responses((status = 200, body = Hold), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn lift_hold(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
    ApiJson(body): ApiJson<LiftBody>,
) -> Result<Json<Hold>, ApiError> {
    let before = engine.hold(&id)?;
    let hold = engine.lift_hold(&id, body.reason, caller.caller.key.as_str())?;
    caller.trail.changes(json!(before), json!(hold));
    Ok(Json(hold))
}
