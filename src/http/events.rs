//! `POST /api/v1/events`: events in.

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use serde::Deserialize;
use utoipa::IntoParams;

use super::body;
use super::caller::{Authorized, Ingest};
use super::extract::ApiQuery;
use super::problem::{ApiError, Problem};
use crate::engine::{AppendError, AppendOptions, Engine, FileIds, Receipt};
use crate::error::Kind;

/// Longest Idempotency-Key, in bytes.
const KEY_MAX: usize = 255;

/// How the events are to be taken in.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct AppendParams {
    /// Mapping of the sender's own words; default: the key's, else the model's words.
    mapping: Option<String>,
    /// All or nothing.
    #[serde(default)]
    atomic: bool,
    /// Content hash of the file that the events come from (32 hex digits): events without an id get
    /// one made of it and their line, so that the same file again adds nothing.
    file: Option<String>,
    /// Number of the first line of this body in that file.
    line: Option<u64>,
}

/// Append events to the project of the key.
///
/// A JSON object, an array, or NDJSON; gzip, zstd or deflate. The answer is sent once the events are
/// on disk and visible to queries.
#[utoipa::path(post, path = "/api/v1/events", tag = "ingest", operation_id = "append_events", params(AppendParams,
        ("Idempotency-Key" = Option<String>, Header, description = "The same key and content again stores nothing and gets the same answer, for at least 24 hours")),
    request_body(content = String, content_type = "application/x-ndjson", description = "One event a line; or application/json"),
    responses((status = 200, body = Receipt,
            headers(("Idempotency-Replayed" = String, description = "`true`: the answer of an earlier request with the same key"))),
        (status = "4XX", description = "Refused, nothing stored", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`outcome_unknown`: repeat with the same Idempotency-Key", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["ingest"])))]
pub(super) async fn append_events(
    State(engine): State<Engine>,
    caller: Authorized<Ingest>,
    ApiQuery(params): ApiQuery<AppendParams>,
    headers: HeaderMap,
    sent: Body,
) -> Result<(HeaderMap, Json<Receipt>), ApiError> {
    let idempotency_key = idempotency_key(&headers)?;
    let project = caller.project();
    let sending = engine.admit_events(&caller.caller, &project)?;
    let bytes = body::read(&headers, sent, engine.config().ingest.body_max).await?;
    caller.trail.received(bytes.len());
    // A body may take its time.
    caller.caller.still_valid()?;
    let options = AppendOptions {
        format: body::format(&headers, &bytes)?,
        file_ids: file_ids(&params)?,
        mapping: params.mapping.or_else(|| caller.caller.mapping.clone()),
        source: caller.caller.source.clone(),
        atomic: params.atomic,
        idempotency_key,
        key: Some(caller.caller.key.to_string()),
        keep_refused: true,
        restriction: caller.caller.restriction.clone(),
    };
    let size = bytes.len() as u64;
    let taken = engine.append(&project, bytes, options).await;
    sending.count(size, events_of(&taken));
    let receipt = taken?;
    caller.trail.stored(&receipt);
    let mut headers = HeaderMap::new();
    if receipt.replayed {
        headers.insert("idempotency-replayed", HeaderValue::from_static("true"));
    }
    Ok((headers, Json(receipt)))
}

/// Events that were looked at, whatever became of them.
fn events_of(taken: &Result<Receipt, AppendError>) -> u64 {
    match taken {
        Ok(receipt) if receipt.replayed => 0,
        Ok(receipt) => receipt.events(),
        Err(AppendError::Rejected { records, .. }) => *records,
        Err(_) => 0,
    }
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let Some(value) = headers.get("idempotency-key") else { return Ok(None) };
    match value.to_str() {
        Ok(text) if (1..=KEY_MAX).contains(&text.len()) => Ok(Some(text.to_string())),
        _ => Err(ApiError::new(
            Kind::Invalid,
            "invalid_idempotency_key",
            format!("an Idempotency-Key has 1 to {KEY_MAX} visible ASCII characters"),
        )),
    }
}

fn file_ids(params: &AppendParams) -> Result<Option<FileIds>, ApiError> {
    let Some(file) = &params.file else { return Ok(None) };
    let wrong = || ApiError::new(Kind::Invalid, "invalid_parameter", "`file` is 32 hex digits");
    let hash = u128::from_str_radix(file, 16).map_err(|_| wrong())?;
    if file.len() != 32 {
        return Err(wrong());
    }
    Ok(Some(FileIds { hash, first_line: params.line.unwrap_or(1).saturating_sub(1) }))
}
