//! `/api/v1/events/{id}/changes`: what an event changed, as JSON, as a JSON Patch, or for people.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use utoipa::IntoParams;

use super::objects::explains;
use super::run::{Asking, apart, explained};
use crate::engine::Engine;
use crate::http::caller::{Authorized, Query};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::journal::changes::{self, ChangesFormat, Found, Limits};
use crate::journal::lookup::Narrow;

/// Which of several events of one id, and in which form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct ChangesParams {
    /// `json` (default), `json-patch` (RFC 6902) or `text`.
    format: Option<String>,
    /// Of this source system.
    source: Option<String>,
    /// Of this log of it.
    dataset: Option<String>,
    /// Of this account, shop or school inside the source system.
    tenant_id: Option<String>,
    /// `sql`: the statement instead of its answer.
    explain: Option<String>,
}

/// What an event changed, field by field.
///
/// From its `changes`, or from its two snapshots where it has none. Values are exactly as sent; long texts also as a
/// unified diff, lists of objects also part by part.
#[utoipa::path(get, path = "/api/v1/events/{id}/changes", tag = "journal", operation_id = "query_event_changes",
    params(("id" = String, Path), ChangesParams),
    responses((status = 200, description = "In the form asked for", content((Object = "application/json"), (Object = "application/json-patch+json"), (String = "text/plain"))),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(super) async fn event_changes(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(params): ApiQuery<ChangesParams>,
) -> Result<Response, ApiError> {
    let format = params.format.as_deref().map(ChangesFormat::parse).transpose()?.unwrap_or_default();
    let narrow = Narrow { tenant_id: params.tenant_id, source: params.source, dataset: params.dataset };
    let explain = explains(params.explain.as_deref())?;
    let asking = Asking::begin(&engine, &caller).await?;
    let ask = changes::statement(&id, &narrow, &asking.hidden);
    if explain {
        return Ok(explained(&ask));
    }
    let found = changes::find(&asking.reader(), &id, &ask).await?;
    let limits = Limits::of(&engine.config().objects);
    // Long texts take a while to compare.
    apart(move || shown(found, format, limits)).await?
}

fn shown(found: Found, format: ChangesFormat, limits: Limits) -> Result<Response, ApiError> {
    let failed = |_| ApiError::internal("a stored change is no JSON");
    let no_meaning = |_: &str, _: &str, _: &str| None;
    Ok(match format {
        ChangesFormat::Json => Json(found.shown(&no_meaning, limits).map_err(failed)?).into_response(),
        ChangesFormat::JsonPatch => {
            ([(header::CONTENT_TYPE, "application/json-patch+json")], Json(found.patch()).into_response().into_body())
                .into_response()
        }
        ChangesFormat::Text => found.text(&no_meaning, limits).map_err(failed)?.into_response(),
    })
}
