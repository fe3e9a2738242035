//! `/api/v1/alerts`: questions that are asked again and again, and who is told.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Map, Value};

use crate::engine::{AlertTrial, AppendError, Engine};
use crate::error::Kind;
use crate::event::names::ProjectName;
use crate::http::caller::{Authorized, Query};
use crate::http::extract::{ApiJson, ApiPath};
use crate::http::problem::{ApiError, Problem};
use crate::journal::alerts::{self, AlertInfo, Channel, Entry, NewAlert, Reader, Template, with_template};

/// An alert as it was made, with the secrets of its webhooks, which are shown only now.
#[derive(Debug, serde::Serialize, utoipa::ToSchema)]
pub(in crate::http) struct MadeAlert {
    #[serde(flatten)]
    alert: AlertInfo,
    /// Secret of each channel, in their order; null where it has none.
    secrets: Vec<Option<String>>,
}

impl MadeAlert {
    fn new(entry: &Entry) -> Self {
        let secret = |channel: &Channel| match channel {
            Channel::Webhook { secret, .. } => secret.clone(),
            Channel::Email { .. } => None,
        };
        Self { alert: entry.info(), secrets: entry.rule.alert.channels.iter().map(secret).collect() }
    }
}

/// The project of the request; `_audit` takes no events, so that its alerts could not be recorded.
fn project(engine: &Engine, caller: &Authorized<Query>) -> Result<ProjectName, ApiError> {
    let project = caller.project();
    if project.is_audit() {
        return Err(AppendError::Reserved.into());
    }
    Ok(engine.existing(&project)?)
}

/// What a body asks for, with what its template says.
fn asked(body: Map<String, Value>) -> Result<NewAlert, ApiError> {
    let body = with_template(body)?;
    serde_json::from_value(Value::Object(body))
        .map_err(|error| ApiError::new(Kind::Invalid, "invalid_alert", error.to_string()))
}

/// The alerts of the project that the key sees, with where each stands.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "journal", operation_id = "list_alerts",
    responses((status = 200, body = Vec<AlertInfo>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn list_alerts(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
) -> Result<Json<Vec<AlertInfo>>, ApiError> {
    let project = project(&engine, &caller)?;
    let all = engine.alerts().list(&project, Reader(&caller.caller))?;
    Ok(Json(all.iter().map(Entry::info).collect()))
}

/// Ready-made alerts: name one in `template` of a new alert.
#[utoipa::path(get, path = "/api/v1/alerts/templates", tag = "journal", operation_id = "list_alert_templates",
    responses((status = 200, body = Vec<Template>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn list_alert_templates(_caller: Authorized<Query>) -> Json<Vec<Template>> {
    Json(alerts::templates())
}

/// Make an alert. It sees what this key sees, as long as the key is valid. `template` names a ready-made one whose members
/// stand where the body says nothing.
#[utoipa::path(post, path = "/api/v1/alerts", tag = "journal", operation_id = "create_alert", request_body = NewAlert,
    responses((status = 201, body = MadeAlert), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn create_alert(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    body: Result<ApiJson<Map<String, Value>>, ApiError>,
) -> Result<(StatusCode, Json<MadeAlert>), ApiError> {
    let project = project(&engine, &caller)?;
    let made = engine.create_alert(&caller.caller, &project, asked(body?.0)?).await?;
    Ok((StatusCode::CREATED, Json(MadeAlert::new(&made))))
}

/// One alert, with where it stands.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "journal", operation_id = "get_alert", params(("id" = String, Path)),
    responses((status = 200, body = AlertInfo), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn get_alert(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<AlertInfo>, ApiError> {
    let project = project(&engine, &caller)?;
    Ok(Json(engine.alerts().get(&project, Reader(&caller.caller), &id)?.info()))
}

/// Replace an alert; it has the rights of this key from now on. Another question begins anew.
#[utoipa::path(put, path = "/api/v1/alerts/{id}", tag = "journal", operation_id = "put_alert", params(("id" = String, Path)),
    request_body = NewAlert,
    responses((status = 200, body = MadeAlert), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn put_alert(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    body: Result<ApiJson<Map<String, Value>>, ApiError>,
) -> Result<Json<MadeAlert>, ApiError> {
    let project = project(&engine, &caller)?;
    let changed = engine.replace_alert(&caller.caller, &project, &id, asked(body?.0)?).await?;
    Ok(Json(MadeAlert::new(&changed)))
}

/// Delete an alert; what it told and recorded stays.
#[utoipa::path(delete, path = "/api/v1/alerts/{id}", tag = "journal", operation_id = "delete_alert", params(("id" = String, Path)),
    responses((status = 204, description = "Deleted"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn delete_alert(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    let project = project(&engine, &caller)?;
    engine.alerts().delete(&project, Reader(&caller.caller), &id)?;
    Ok(StatusCode::NO_CONTENT)
}

/// Put the question of an alert now, and tell its channels that this is a trial.
#[utoipa::path(post, path = "/api/v1/alerts/{id}/test", tag = "journal", operation_id = "test_alert", params(("id" = String, Path)),
    responses((status = 200, body = AlertTrial), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn test_alert(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<AlertTrial>, ApiError> {
    let project = project(&engine, &caller)?;
    Ok(Json(engine.test_alert(&caller.caller, &project, &id).await?))
}
