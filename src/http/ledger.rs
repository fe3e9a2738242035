//! `/api/v1/ingest/…`: what became of everything that was sent, and the lines that were rejected.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use chrono::NaiveDate;
use futures::stream;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Authorized, Ingest, Query};
use super::extract::{ApiJson, ApiQuery};
use super::problem::{ApiError, Problem};
use crate::engine::{Apart, BatchLine, Engine, LedgerAnswer, LedgerAsked, Letters, Resend, ResendError, Resent, Which};
use crate::error::Kind;

/// Most rejected lines, and batches, of one answer.
const LIST_MAX: usize = 1_000;
/// Longest text of a rejected line in a list, in bytes; a download has it whole.
const TEXT_MAX: usize = 4 << 10;

/// Which sums are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct LedgerParams {
    /// What the lines are apart by, behind commas: `day`, `key`, `source` (default: `source`).
    #[param(example = "day,source")]
    by: Option<String>,
    /// First day of receipt (UTC), such as `2026-03-01`.
    #[param(example = "2026-03-01")]
    from: Option<String>,
    /// Last day of receipt.
    to: Option<String>,
    /// Only events sent with this key (its public id).
    key: Option<String>,
    /// Only events of this source.
    source: Option<String>,
}

/// What became of everything that was sent to the project: sums that close at any moment, gaps, silent sources.
#[utoipa::path(get, path = "/api/v1/ingest/ledger", tag = "ingest", operation_id = "get_ledger", params(LedgerParams),
    responses((status = 200, body = LedgerAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(super) async fn get_ledger(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiQuery(params): ApiQuery<LedgerParams>,
) -> Result<Json<LedgerAnswer>, ApiError> {
    whole_project_only(&caller)?;
    let asked = params.asked()?;
    caller.trail.asks_named("ledger", &[]);
    Ok(Json(engine.ledger(&caller.project(), &asked)?))
}

/// How many are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct BatchParams {
    /// Most batches, 1 to 1,000; default 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
}

/// The last batches.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Batches {
    batches: Vec<BatchLine>,
}

/// The last batches of the project one by one, the newest first (`ledger.batches_max` are kept).
#[utoipa::path(get, path = "/api/v1/ingest/ledger/batches", tag = "ingest", operation_id = "list_ledger_batches", params(BatchParams),
    responses((status = 200, body = Batches), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(super) async fn list_ledger_batches(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiQuery(params): ApiQuery<BatchParams>,
) -> Result<Json<Batches>, ApiError> {
    whole_project_only(&caller)?;
    caller.trail.asks_named("ledger_batches", &[]);
    let mut batches = engine.ledger_batches(&caller.project())?;
    batches.truncate(limit(params.limit)?);
    Ok(Json(Batches { batches }))
}

/// Which rejected lines, and how many.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct LetterParams {
    /// Most lines, 1 to 1,000; default 100.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// Only with this code.
    code: Option<String>,
    /// Only of this batch.
    batch: Option<String>,
    /// Only sent with this key (its public id).
    key: Option<String>,
    /// Only read with this mapping.
    mapping: Option<String>,
}

/// Rejected lines of the project: how many of which code, and the newest, newest first; long texts are cut.
#[utoipa::path(get, path = "/api/v1/ingest/dead-letters", tag = "ingest", operation_id = "list_dead_letters", params(LetterParams),
    responses((status = 200, body = Letters), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(super) async fn list_dead_letters(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiQuery(params): ApiQuery<LetterParams>,
) -> Result<Json<Letters>, ApiError> {
    whole_project_only(&caller)?;
    let limit = limit(params.limit)?;
    caller.trail.asks_named("dead_letters", &[]);
    let which = Which { code: params.code, batch: params.batch, key: params.key, mapping: params.mapping };
    Ok(Json(engine.dead_letters(&caller.project(), which, limit, TEXT_MAX).await?))
}

/// The rejected lines as they are kept, as NDJSON, the oldest first.
#[utoipa::path(get, path = "/api/v1/ingest/dead-letters/download", tag = "ingest", operation_id = "download_dead_letters", params(Which),
    responses((status = 200, body = String, content_type = "application/x-ndjson"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(super) async fn download_dead_letters(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiQuery(which): ApiQuery<Which>,
) -> Result<Response, ApiError> {
    whole_project_only(&caller)?;
    caller.trail.asks_named("dead_letters", &[]);
    let parts = engine.download_dead_letters(&caller.project(), which)?;
    let parts = stream::unfold(parts, |mut parts| async { parts.recv().await.map(|part| (part, parts)) });
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(parts)).into_response())
}

/// Send rejected lines again, once their mapping is mended. What is stored now, or was already, is taken off the list.
#[utoipa::path(post, path = "/api/v1/ingest/dead-letters/replay", tag = "ingest", operation_id = "replay_dead_letters",
    request_body = Resend,
    responses((status = 200, body = Resent), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["ingest"])))]
pub(super) async fn replay_dead_letters(
    State(engine): State<Engine>,
    caller: Authorized<Ingest>,
    ApiJson(resend): ApiJson<Resend>,
) -> Result<Json<Resent>, ApiError> {
    whole_project_only(&caller)?;
    let (project, key) = (caller.project(), caller.caller.key.to_string());
    let sending = engine.admit_events(&caller.caller, &project)?;
    let resent = engine.resend_dead_letters(&project, &key, resend).await;
    sending.count(0, resent.as_ref().map_or(0, |resent| resent.sent));
    Ok(Json(resent?))
}

impl LedgerParams {
    fn asked(self) -> Result<LedgerAsked, ApiError> {
        let by = self.by.as_deref().unwrap_or("source").split(',').map(str::trim).filter(|part| !part.is_empty());
        let apart = |name: &str| match name {
            "day" => Ok(Apart::Day),
            "key" => Ok(Apart::Key),
            "source" => Ok(Apart::Source),
            other => Err(invalid(format!("`by` is made of `day`, `key` and `source`, not `{other}`"))),
        };
        Ok(LedgerAsked {
            by: by.map(apart).collect::<Result<_, _>>()?,
            from: day("from", self.from)?,
            to: day("to", self.to)?,
            key: self.key,
            source: self.source,
        })
    }
}

fn day(name: &str, text: Option<String>) -> Result<Option<NaiveDate>, ApiError> {
    let read = |text: String| {
        text.parse::<NaiveDate>().map_err(|_| invalid(format!("`{name}` is a day such as 2026-03-01, not `{text}`")))
    };
    text.map(read).transpose()
}

fn limit(asked: Option<usize>) -> Result<usize, ApiError> {
    match asked.unwrap_or(100) {
        limit @ 1..=LIST_MAX => Ok(limit),
        other => Err(invalid(format!("`limit` is a number from 1 to {LIST_MAX}, not {other}"))),
    }
}

fn invalid(detail: String) -> ApiError {
    ApiError::new(Kind::Invalid, "invalid_parameter", detail)
}

/// Refuses keys that may see or send a part of the project only: nobody can tell whose event a line is that could not
/// be read, and sums are of all events.
fn whole_project_only<S>(caller: &Authorized<S>) -> Result<(), ApiError> {
    if caller.caller.reader(&caller.project()).restriction.is_none() {
        return Ok(());
    }
    let detail = "the ledger and rejected lines are of the whole project, and not for restricted keys";
    Err(ApiError::new(Kind::Forbidden, "restricted_key", detail)
        .hint("use a key of the project without restrictions but `sources`"))
}

impl From<ResendError> for ApiError {
    fn from(error: ResendError) -> Self {
        match error {
            ResendError::Append(error) => error.into(),
            ResendError::Engine(error) => error.into(),
        }
    }
}
