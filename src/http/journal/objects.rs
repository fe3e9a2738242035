//! `/api/v1/objects/{type}/{id}`: one object over time, and its restore.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use super::history::{self, HistoryParams};
use super::list::EventPage;
use super::run::{Asking, cut};
use super::{Given, explained};
use crate::engine::{Engine, RestoreOutcome};
use crate::error::Kind;
use crate::http::caller::{Authorized, Query, Restore};
use crate::http::extract::{ApiBytes, ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::journal::lookup::{LookupError, Narrow};
use crate::journal::objects::{self, Moment, ObjectRef, Summary};

/// Most parts of an object in one answer.
const CHILDREN_MAX: usize = 1_000;

/// Which of several objects of one type and id.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Which {
    /// Only of this source system.
    source: Option<String>,
    /// Only of this account, shop or school inside the source system.
    tenant_id: Option<String>,
    /// `sql`: the statement instead of its answer.
    explain: Option<String>,
}

impl Which {
    fn object(&self, (kind, id): (String, String)) -> ObjectRef {
        narrowed((kind, id), self.source.clone(), self.tenant_id.clone())
    }
}

fn narrowed((kind, id): (String, String), source: Option<String>, tenant_id: Option<String>) -> ObjectRef {
    ObjectRef { kind, id, narrow: Narrow { tenant_id, source, dataset: None } }
}

/// Whether the statement itself is asked for.
pub(super) fn explains(word: Option<&str>) -> Result<bool, ApiError> {
    match word {
        None => Ok(false),
        Some("sql") => Ok(true),
        Some(word) => Err(ApiError::new(
            Kind::Invalid,
            "invalid_parameter",
            format!("`explain` is `sql` or absent, not `{word}`"),
        )),
    }
}

/// An object at a glance: its names, its first and last event, whether it is deleted and can be restored.
#[utoipa::path(get, path = "/api/v1/objects/{type}/{id}", tag = "journal", operation_id = "query_object",
    params(("type" = String, Path), ("id" = String, Path), Which),
    responses((status = 200, body = Summary), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn object(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(path): ApiPath<(String, String)>,
    ApiQuery(which): ApiQuery<Which>,
) -> Result<Response, ApiError> {
    let object = which.object(path);
    if explains(which.explain.as_deref())? {
        return Ok(explained(&[objects::summary_statement(&object)]));
    }
    let asking = Asking::begin(&engine, &caller).await?;
    let project = caller.project();
    let verdict = |source: &str, kind: &str| engine.can_restore(&project, source, kind);
    Ok(Json(objects::summary(&asking.reader(), &object, &verdict).await?).into_response())
}

/// A moment of an object's life.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct AtParams {
    /// The moment, such as `2025-03-04T09:00:00+01:00`, `2025-03-04` (its end in UTC) or `now`; default: now.
    at: Option<String>,
    /// Only of this source system.
    source: Option<String>,
    /// Only of this account, shop or school inside the source system.
    tenant_id: Option<String>,
    /// `sql`: the statement instead of its answer.
    explain: Option<String>,
}

/// What the object was at a moment, made of its events; where each field is known from, and whether it is all.
#[utoipa::path(get, path = "/api/v1/objects/{type}/{id}/state", tag = "journal", operation_id = "query_object_state",
    params(("type" = String, Path), ("id" = String, Path), AtParams),
    responses((status = 200, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn object_state(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(path): ApiPath<(String, String)>,
    ApiQuery(params): ApiQuery<AtParams>,
) -> Result<Response, ApiError> {
    let object = narrowed(path, params.source, params.tenant_id);
    let moment = Moment::read("at", params.at.as_deref(), Utc::now())?;
    let events_max = engine.config().objects.events_max;
    let ask = objects::state_statement(&object, events_max);
    if explains(params.explain.as_deref())? {
        return Ok(explained(&[ask]));
    }
    let asking = Asking::begin(&engine, &caller).await?;
    let moments = objects::load(&asking.reader(), &object, &ask, events_max).await?;
    let shown = super::run::apart(move || moments.shown(&object, &moment)).await?;
    Ok(Json(shown).into_response())
}

/// Two moments of an object's life.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct BetweenParams {
    /// The first moment.
    from: Option<String>,
    /// The second moment; default: now.
    to: Option<String>,
    /// Only of this source system.
    source: Option<String>,
    /// Only of this account, shop or school inside the source system.
    tenant_id: Option<String>,
    /// `sql`: the statement instead of its answer.
    explain: Option<String>,
}

/// What differs between two moments, and which events changed it.
#[utoipa::path(get, path = "/api/v1/objects/{type}/{id}/diff", tag = "journal", operation_id = "query_object_diff",
    params(("type" = String, Path), ("id" = String, Path), BetweenParams),
    responses((status = 200, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn object_diff(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(path): ApiPath<(String, String)>,
    ApiQuery(params): ApiQuery<BetweenParams>,
) -> Result<Response, ApiError> {
    let object = narrowed(path, params.source, params.tenant_id);
    let missing = || LookupError::Parameter { name: "from", reason: "must be given: the first moment".into() };
    let from = Moment::read("from", Some(params.from.as_deref().ok_or_else(missing)?), Utc::now())?;
    let to = Moment::read("to", params.to.as_deref(), Utc::now())?;
    if from.us > to.us {
        return Err(LookupError::Parameter { name: "from", reason: "is later than `to`".into() }.into());
    }
    let events_max = engine.config().objects.events_max;
    let ask = objects::state_statement(&object, events_max);
    if explains(params.explain.as_deref())? {
        return Ok(explained(&[ask]));
    }
    let asking = Asking::begin(&engine, &caller).await?;
    let moments = objects::load(&asking.reader(), &object, &ask, events_max).await?;
    let shown = super::run::apart(move || moments.between(&object, &from, &to)).await?;
    Ok(Json(shown).into_response())
}

/// Parts of an object.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ChildrenParams {
    /// Role under which others name it; default `parent`, `any` for all.
    role: Option<String>,
    /// Most parts, 1 to 1000; default 1000.
    limit: Option<usize>,
    /// Only of this source system.
    source: Option<String>,
    /// Only of this account, shop or school inside the source system.
    tenant_id: Option<String>,
    /// `sql`: the statement instead of its answer.
    explain: Option<String>,
}

/// What belongs to the object: items, files, comments, blocks, each with its last event; the latest first.
#[utoipa::path(get, path = "/api/v1/objects/{type}/{id}/children", tag = "journal", operation_id = "query_object_children",
    params(("type" = String, Path), ("id" = String, Path), ChildrenParams),
    responses((status = 200, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn object_children(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(path): ApiPath<(String, String)>,
    ApiQuery(params): ApiQuery<ChildrenParams>,
) -> Result<Response, ApiError> {
    let limit = params.limit.unwrap_or(CHILDREN_MAX);
    if !(1..=CHILDREN_MAX).contains(&limit) {
        let detail = format!("`limit` is 1 to {CHILDREN_MAX}, not {limit}");
        return Err(ApiError::new(Kind::Invalid, "invalid_parameter", detail));
    }
    let object = narrowed(path, params.source, params.tenant_id);
    let ask = objects::children(&object, params.role.as_deref(), limit + 1);
    if explains(params.explain.as_deref())? {
        return Ok(explained(&[ask]));
    }
    let asking = Asking::begin(&engine, &caller).await?;
    let mut rows = asking.reader().all(&ask).await?;
    let more = cut(&mut rows, limit);
    Ok(Json(json!({"children": rows, "more": more})).into_response())
}

/// What a restore would do: the payload, what it would change, and whether it can be done.
#[utoipa::path(get, path = "/api/v1/objects/{type}/{id}/restore", tag = "journal", operation_id = "query_object_restore",
    params(("type" = String, Path), ("id" = String, Path), Which),
    responses((status = 200, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn preview_restore(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(path): ApiPath<(String, String)>,
    ApiQuery(which): ApiQuery<Which>,
) -> Result<Response, ApiError> {
    let object = which.object(path);
    if explains(which.explain.as_deref())? {
        return Ok(explained(&[objects::preview_statement(&object)]));
    }
    let asking = Asking::begin(&engine, &caller).await?;
    Ok(Json(engine.preview_restore(&asking.reader(), &caller.project(), &object).await?).into_response())
}

/// Why an object is restored.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct RestoreBody {
    /// In the asker's words; it becomes the event's message.
    #[serde(default)]
    reason: Option<String>,
}

/// Restores a deleted object: writes a `restore` event, and calls the product's webhook where one is set.
///
/// The event is on disk before the answer; the call is made until it succeeds or is a dead letter.
#[utoipa::path(post, path = "/api/v1/objects/{type}/{id}/restore", tag = "journal", operation_id = "restore_object",
    params(("type" = String, Path), ("id" = String, Path), Which), request_body = Option<RestoreBody>,
    responses((status = 200, body = RestoreOutcome), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["restore"])))]
pub(in crate::http) async fn restore(
    State(engine): State<Engine>,
    caller: Authorized<Restore>,
    ApiPath(path): ApiPath<(String, String)>,
    ApiQuery(which): ApiQuery<Which>,
    ApiBytes(body): ApiBytes,
) -> Result<Json<RestoreOutcome>, ApiError> {
    let body = match body.is_empty() {
        true => RestoreBody::default(),
        false => serde_json::from_slice(&body)
            .map_err(|error| ApiError::new(Kind::Invalid, "invalid_json", error.to_string()))?,
    };
    if which.explain.is_some() {
        return Err(ApiError::new(
            Kind::Invalid,
            "invalid_parameter",
            "`explain` is for reading; ask for the preview with GET",
        ));
    }
    let object = which.object(path);
    let asking = Asking::begin(&engine, &caller).await?;
    let preview = engine.preview_restore(&asking.reader(), &caller.project(), &object).await?;
    drop(asking);
    caller.caller.still_valid()?;
    let outcome = engine.restore(&caller.caller, &caller.project(), &preview, body.reason).await?;
    caller.trail.changes(Value::Null, json!(outcome));
    Ok(Json(outcome))
}

/// All events that name the object, in every module and system, also those that only its history shows.
#[utoipa::path(get, path = "/api/v1/objects/{type}/{id}/history", tag = "journal", operation_id = "query_object_history",
    params(("type" = String, Path), ("id" = String, Path), HistoryParams),
    responses((status = 200, body = EventPage), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn object_history(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(path): ApiPath<(String, String)>,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let reference = narrowed(path, None, None).reference();
    history::answer(&engine, &caller, Given(given), |selection| {
        // Also what only the object shows.
        selection.filter.add("object", vec![reference])
    })
    .await
}
