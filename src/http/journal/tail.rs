//! `GET /api/v1/tail`: events as they become visible.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde_json::Value;

use crate::engine::{Engine, TailQuery};
use crate::error::Kind;
use crate::http::caller::{Authorized, Query};
use crate::http::extract::ApiQuery;
use crate::http::problem::{ApiError, Problem};
use crate::journal::tail::{Position, condition};
use crate::journal::{JournalError, Selection, Values, shown};

/// Header by which browsers say how far they are.
const LAST_EVENT_ID: &str = "last-event-id";
/// The same behind the `?`, for clients that cannot set headers.
const LAST_EVENT_ID_PARAMETER: &str = "last_event_id";

/// Follow the project's events as they become visible: any filter of the list, as server-sent events.
///
/// Each event has an `id`; a client that comes back with it in `Last-Event-ID` misses nothing and gets nothing twice, over
/// restarts, too. Without it the stream begins with what is new. `event: dropped` says what was left out, `event: end` why
/// nothing more comes. Columns that are NULL are left out of an event.
#[utoipa::path(get, path = "/api/v1/tail", tag = "journal", operation_id = "tail",
    params(("fields" = Option<String>, Query, description = "Columns to show, separated by commas, `*` for all; default: all but the long ones"),
        ("saved" = Option<String>, Query, description = "Name or id of a saved filter, which must hold as well"),
        ("last_event_id" = Option<String>, Query, description = "As the header"),
        ("Last-Event-ID" = Option<String>, Header, description = "`id` of the event behind which to go on")),
    responses((status = 200, body = String, content_type = "text/event-stream", description = "Server-sent events until somebody ends them"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn tail(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    headers: HeaderMap,
    ApiQuery(mut given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let project = caller.project();
    let after = position(&headers, take(&mut given, LAST_EVENT_ID_PARAMETER))?;
    let (fields, saved) = (take(&mut given, "fields"), take(&mut given, "saved"));
    let restriction = caller.caller.reader(&project).restriction;
    let hidden = restriction.map(|restriction| restriction.hidden()).unwrap_or_default();
    let columns = shown(fields.as_deref(), &hidden)?.into_iter().map(str::to_owned).collect();
    let selection = Selection::from_pairs(&mut given, Utc::now())?;
    if let Some((name, _)) = given.first() {
        return Err(JournalError::UnknownFilter { name: name.clone(), near: None }.into());
    }
    let mut values = Values::default();
    let mut wanted = condition(&selection, &mut values, &hidden)?;
    if let Some(name) = saved {
        let saved = engine.saved_selection(&caller.caller, &project, &name)?;
        wanted = format!("({wanted}) AND ({})", condition(&saved, &mut values, &hidden)?);
    }
    let values = values.into_map();
    caller.trail.asks(&wanted, &Value::Object(values.clone()), None);
    let stream = engine.tail(&caller.caller, &project, TailQuery { condition: wanted, values, columns, after }).await?;
    let frames = futures::stream::unfold(stream, |mut stream| async move {
        let frames = stream.next().await?;
        Some((Ok::<_, Infallible>(frames), stream))
    });
    // Proxies are asked not to hold frames back.
    let headers = [(header::CONTENT_TYPE.as_str(), "text/event-stream"), ("x-accel-buffering", "no")];
    Ok((headers, Body::from_stream(frames)).into_response())
}

/// Takes a parameter out of what was given.
fn take(given: &mut Vec<(String, String)>, name: &str) -> Option<String> {
    let at = given.iter().position(|(known, _)| known == name)?;
    Some(given.remove(at).1)
}

fn position(headers: &HeaderMap, parameter: Option<String>) -> Result<Option<Position>, ApiError> {
    let header = headers.get(LAST_EVENT_ID).map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
    let Some(text) = header.or(parameter).filter(|text| !text.is_empty()) else { return Ok(None) };
    let wrong =
        |error: crate::journal::tail::BadPosition| ApiError::new(Kind::Invalid, "invalid_position", error.to_string());
    text.parse().map(Some).map_err(wrong)
}
