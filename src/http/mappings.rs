//! `/api/v1/mappings`: how the senders' own words become the model's.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use utoipa::ToSchema;

use super::caller::{Admin, Authorized, Ingest};
use super::extract::{ApiBytes, ApiJson, ApiPath};
use super::problem::{ApiError, Problem};
use crate::access::hex;
use crate::engine::{Engine, RefusedEvent, Trial, Tried};
use crate::error::Kind;
use crate::event::parse::BodyFormat;

/// A mapping in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MappingEntry {
    name: String,
    title: String,
    /// `shipped` or `user`; a user's mapping replaces a shipped one of the same name.
    origin: String,
}

/// What a sample becomes.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct MappingTrial {
    /// One object of columns for each event, without those that are empty.
    #[schema(value_type = Vec<Object>)]
    events: Vec<Value>,
    /// Events that would be refused.
    errors: Vec<RefusedEvent>,
}

impl From<Trial> for MappingTrial {
    fn from(Trial { events, errors }: Trial) -> Self {
        Self { events, errors }
    }
}

/// A mapping that is not stored, and a sample.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TrialRequest {
    /// The mapping as TOML.
    mapping: String,
    /// What would be sent: a JSON object or array, or NDJSON.
    sample: String,
    /// `json` or `ndjson`; without it, what begins with `[` is JSON, all else NDJSON.
    format: Option<String>,
}

/// All mappings.
#[utoipa::path(get, path = "/api/v1/mappings", tag = "mappings", operation_id = "list_mappings",
    responses((status = 200, body = Vec<MappingEntry>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["ingest"])))]
pub(super) async fn list(
    State(engine): State<Engine>,
    _caller: Authorized<Ingest>,
) -> Result<Json<Vec<MappingEntry>>, ApiError> {
    let entry = |entry: crate::event::mapping::Listed| MappingEntry {
        name: entry.name.to_string(),
        title: entry.title,
        origin: entry.origin.to_string(),
    };
    Ok(Json(engine.mappings().list()?.into_iter().map(entry).collect()))
}

/// One mapping as TOML.
#[utoipa::path(get, path = "/api/v1/mappings/{name}", tag = "mappings", operation_id = "get_mapping", params(("name" = String, Path)),
    responses((status = 200, body = String, content_type = "application/toml"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["ingest"])))]
pub(super) async fn get(
    State(engine): State<Engine>,
    _caller: Authorized<Ingest>,
    ApiPath(name): ApiPath<String>,
) -> Result<([(&'static str, &'static str); 1], String), ApiError> {
    Ok(([("content-type", "application/toml")], engine.mappings().text(&name)?))
}

/// Makes or replaces a mapping; events sent from now on are read by it.
#[utoipa::path(put, path = "/api/v1/mappings/{name}", tag = "mappings", operation_id = "put_mapping", params(("name" = String, Path)),
    request_body(content = String, content_type = "application/toml"),
    responses((status = 204, description = "Stored"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn put(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath(name): ApiPath<String>,
    ApiBytes(body): ApiBytes,
) -> Result<StatusCode, ApiError> {
    let before = recorded(&engine, &name);
    engine.mappings().put(&name, utf8(&body)?)?;
    caller.trail.changes(before, recorded(&engine, &name));
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a user's mapping; a shipped one of the same name is in force again.
#[utoipa::path(delete, path = "/api/v1/mappings/{name}", tag = "mappings", operation_id = "delete_mapping", params(("name" = String, Path)),
    responses((status = 204, description = "Removed"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn delete(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath(name): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    let before = recorded(&engine, &name);
    engine.mappings().delete(&name)?;
    caller.trail.changes(before, recorded(&engine, &name));
    Ok(StatusCode::NO_CONTENT)
}

/// Shows what a sample becomes under a mapping; nothing is stored.
///
/// The sample is a JSON object or array, or NDJSON.
#[utoipa::path(post, path = "/api/v1/mappings/{name}/test", tag = "mappings", operation_id = "test_mapping", params(("name" = String, Path)),
    request_body(content = String, content_type = "application/json"),
    responses((status = 200, body = MappingTrial), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["ingest"])))]
pub(super) async fn test(
    State(engine): State<Engine>,
    caller: Authorized<Ingest>,
    ApiPath(name): ApiPath<String>,
    headers: axum::http::HeaderMap,
    ApiBytes(body): ApiBytes,
) -> Result<Json<MappingTrial>, ApiError> {
    let format = super::body::format(&headers, &body)?;
    let trial = engine.try_mapping(&caller.project(), Tried::Named(&name), body, format).await?;
    Ok(Json(trial.into()))
}

/// Shows what a sample becomes under a mapping that is sent along; neither is stored.
#[utoipa::path(post, path = "/api/v1/mapping-trials", tag = "mappings", operation_id = "try_mapping", request_body = TrialRequest,
    responses((status = 200, body = MappingTrial), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["ingest"])))]
pub(super) async fn trial(
    State(engine): State<Engine>,
    caller: Authorized<Ingest>,
    ApiJson(asked): ApiJson<TrialRequest>,
) -> Result<Json<MappingTrial>, ApiError> {
    let TrialRequest { mapping, sample, format } = asked;
    let format = match format.as_deref() {
        Some("json") => BodyFormat::Json,
        Some("ndjson") => BodyFormat::Ndjson,
        None => super::body::guessed(sample.as_bytes()),
        Some(other) => {
            let detail = format!("`format` is `json` or `ndjson`, not `{other}`");
            return Err(ApiError::new(Kind::Invalid, "invalid_parameter", detail));
        }
    };
    let trial = engine.try_mapping(&caller.project(), Tried::Text(&mapping), sample.into_bytes(), format).await?;
    Ok(Json(trial.into()))
}

/// What the audit journal has of a mapping: not its text, which may be long.
fn recorded(engine: &Engine, name: &str) -> Value {
    let Ok(text) = engine.mappings().text(name) else { return Value::Null };
    let hash = hex(&Sha256::digest(&text));
    json!({"name": name, "sha256": hash, "bytes": text.len()})
}

fn utf8(body: &[u8]) -> Result<&str, ApiError> {
    std::str::from_utf8(body).map_err(|_| ApiError::new(Kind::Invalid, "invalid_mapping", "a mapping is UTF-8 text"))
}
