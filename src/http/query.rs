//! `/api/v1/query` and `/api/v1/queries`: questions, free and named.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::StreamExt;
use http_body::Frame;
use http_body_util::StreamBody;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use super::caller::{Authorized, Query};
use super::extract::{ApiJson, ApiPath, ApiQuery};
use super::problem::{ApiError, Problem};
use crate::engine::Engine;
use crate::error::Kind;
use crate::query::named::Asked;
use crate::query::{Answer, Format, Limits, Missing, Params, encode};

/// Trailer that says whether rows are missing because of a cap.
const TRUNCATED: &str = "kronika-truncated";

/// Header of an answer without what could not be read.
pub(super) const PARTIAL: &str = "kronika-partial";

/// Longest `id` of a query, in characters.
const ID_MAX: usize = 128;

/// A question.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct QueryBody {
    /// One query, or EXPLAIN of one.
    sql: String,
    /// An array for `$1`, `$2`, …, or an object for `$name`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    params: Value,
    /// `json`, `ndjson`, `csv`, `csv-safe` (for spreadsheets), `arrow` or `parquet`; default: what `Accept` asks for.
    #[serde(default)]
    format: Option<String>,
    /// A name of your own for this query, 1 to 128 characters, by which it can be stopped.
    #[serde(default)]
    id: Option<String>,
    /// Whether an answer without stored events that cannot be read at present will do. It has the header
    /// `Kronika-Partial: true` then, and its `stats` say how much is missing.
    #[serde(default)]
    partial: bool,
}

/// An answer in JSON.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct QueryAnswer {
    /// Columns in the order of the rows' cells.
    schema: Vec<AnswerColumn>,
    /// Rows as arrays; 64-bit integers and decimals as text.
    rows: Vec<Vec<Value>>,
    /// Whether rows are missing because of a cap.
    truncated: bool,
    /// What the query cost.
    #[schema(value_type = Object)]
    stats: Value,
}

/// A column of an answer.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct AnswerColumn {
    name: String,
    /// A stable name of ours: `text`, `int64`, `timestamp`, `json`, …
    #[serde(rename = "type")]
    kind: String,
}

/// Ask in SQL over the project's events; over those of `_audit` with the scope `audit-read`.
#[utoipa::path(post, path = "/api/v1/query", tag = "query", operation_id = "query", request_body = QueryBody,
    responses((status = 200, body = QueryAnswer, description = "In the format asked for; the trailer `kronika-truncated` of all formats but JSON says whether rows were cut"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(super) async fn query(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    headers: HeaderMap,
    ApiJson(body): ApiJson<QueryBody>,
) -> Result<Response, ApiError> {
    caller.trail.asks(&body.sql, &body.params, body.id.as_ref());
    let format = Format::negotiate(accepted(&headers), body.format.as_deref())?;
    let params = match body.params {
        Value::Null => Params::None,
        Value::Array(values) => Params::Positional(values),
        Value::Object(named) => Params::Named(named),
        _ => {
            return Err(ApiError::new(Kind::Invalid, "invalid_parameter", "`params` is an array or an object"));
        }
    };
    if let Some(id) = &body.id
        && (id.is_empty() || id.chars().count() > ID_MAX)
    {
        return Err(ApiError::new(Kind::Invalid, "invalid_query_id", format!("`id` has 1 to {ID_MAX} characters")));
    }
    let project = caller.project();
    let turn = engine.turn(&caller.caller, &project).await?;
    let session = engine.session_for(&caller.caller, &project)?.with_id(body.id).in_turn(turn);
    let limits = Limits::of(&engine.config().query);
    let (answer, missing) = match body.partial {
        true => session.run_partial(&body.sql, params, limits).await?,
        false => (session.run_once(&body.sql, params, limits).await?, Missing::default()),
    };
    caller.trail.answered(answer.end());
    let mut response = respond(answer, format);
    if missing.files > 0 {
        response.headers_mut().insert(PARTIAL, HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// Stop the running queries of the project that were sent with this `id`.
#[utoipa::path(delete, path = "/api/v1/query/{id}", tag = "query", operation_id = "cancel_query", params(("id" = String, Path)),
    responses((status = 204, description = "They were asked to stop, and do within a second"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(super) async fn cancel(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    match engine.cancel_query(&caller.project(), &id) {
        0 => Err(ApiError::new(Kind::NotFound, "query_not_running", format!("no query `{id}` is running"))),
        _ => Ok(StatusCode::NO_CONTENT),
    }
}

/// All named queries with their parameters.
#[utoipa::path(get, path = "/api/v1/queries", tag = "query", operation_id = "list_queries",
    responses((status = 200, body = Vec<Object>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(super) async fn list(State(engine): State<Engine>, _caller: Authorized<Query>) -> Result<Response, ApiError> {
    Ok(Json(engine.queries().list()).into_response())
}

/// Run a named query; its parameters stand behind the `?`, `format` chooses the format.
#[utoipa::path(get, path = "/api/v1/queries/{name}", tag = "query", operation_id = "run_query", params(("name" = String, Path)),
    responses((status = 200, body = QueryAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(super) async fn named(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    headers: HeaderMap,
    ApiPath(name): ApiPath<String>,
    ApiQuery(mut given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let wanted = given.iter().position(|(name, _)| name == "format").map(|at| given.remove(at).1);
    caller.trail.asks_named(&name, &given);
    let format = Format::negotiate(accepted(&headers), wanted.as_deref())?;
    let (project, settings) = (caller.project(), &engine.config().query);
    let asked = Asked { project: &project, name: &name, given: &given, reader: &caller.caller.reader(&project) };
    let session = || async {
        let turn = engine.turn(&caller.caller, &project).await?;
        Ok::<_, ApiError>(engine.session_for(&caller.caller, &project)?.in_turn(turn))
    };
    let limits = Limits::of(settings);
    let answer = engine.queries().run_shared(&asked, limits, settings.shared_max, session).await?;
    caller.trail.answered(answer.end());
    Ok(respond(answer, format))
}

fn accepted(headers: &HeaderMap) -> Option<&str> {
    headers.get(header::ACCEPT).and_then(|value| value.to_str().ok())
}

/// Streams an answer. A failure on the way breaks the body off, so that it never looks complete.
fn respond(answer: Answer, format: Format) -> Response {
    let end = answer.end();
    let data = encode(answer, format).map(|chunk: Result<Bytes, _>| chunk.map(Frame::data));
    let trailer = futures::stream::once(async move {
        let truncated = end.get().is_some_and(|outcome| outcome.truncated);
        let value = HeaderValue::from_static(if truncated { "true" } else { "false" });
        Ok(Frame::trailers(HeaderMap::from_iter([(header::HeaderName::from_static(TRUNCATED), value)])))
    });
    let body = Body::new(StreamBody::new(data.chain(trailer)));
    let headers = [(header::CONTENT_TYPE, format.content_type()), (header::TRAILER, TRUNCATED)];
    (headers, body).into_response()
}
