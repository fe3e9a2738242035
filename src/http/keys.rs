//! `/api/v1/keys`: who may touch the data.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::caller::{Admin, Authorized};
use super::extract::{ApiJson, ApiPath};
use super::problem::{ApiError, Problem};
use crate::access::{KeyId, KeyInfo, NewKey};
use crate::config::{Quota, Span};
use crate::engine::{Engine, now_s};

/// A key with a new secret, which is shown this once.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SecretAnswer {
    /// The key to send as `Authorization: Bearer KEY`.
    secret: String,
    #[serde(flatten)]
    info: KeyInfo,
}

/// How a key is rotated.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Rotation {
    /// How long the secret that the key has now stays valid, such as `24h`; default: `access.rotation_overlap`.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "24h")]
    overlap: Option<Span>,
    /// How long the key is valid from now on; default as for a new key.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "90d")]
    expires_in: Option<Span>,
}

/// All keys, without their secrets; those that expired or were revoked as well.
#[utoipa::path(get, path = "/api/v1/keys", tag = "access", operation_id = "list_keys",
    responses((status = 200, body = Vec<KeyInfo>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn list_keys(State(engine): State<Engine>, _caller: Authorized<Admin>) -> Json<Vec<KeyInfo>> {
    Json(engine.keys().list(now_s()))
}

/// Makes a key. Its secret is in this answer and nowhere else.
#[utoipa::path(post, path = "/api/v1/keys", tag = "access", operation_id = "create_key", request_body = NewKey,
    responses((status = 201, body = SecretAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn create_key(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiJson(new): ApiJson<NewKey>,
) -> Result<(StatusCode, Json<SecretAnswer>), ApiError> {
    let (info, secret) = engine.create_key(new).await?;
    caller.trail.changes(Value::Null, json!(info));
    Ok((StatusCode::CREATED, Json(SecretAnswer { secret: secret.reveal().to_string(), info })))
}

/// One key, without its secret.
#[utoipa::path(get, path = "/api/v1/keys/{id}", tag = "access", operation_id = "get_key", params(("id" = String, Path)),
    responses((status = 200, body = KeyInfo), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn get_key(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<KeyInfo>, ApiError> {
    Ok(Json(engine.keys().get(&KeyId::from(id.as_str()), now_s())?))
}

/// Gives a key another secret. The one it has now stays valid for a while; one before that ends at once.
#[utoipa::path(post, path = "/api/v1/keys/{id}/rotate", tag = "access", operation_id = "rotate_key", params(("id" = String, Path)),
    request_body = Rotation,
    responses((status = 200, body = SecretAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn rotate_key(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
    ApiJson(rotation): ApiJson<Rotation>,
) -> Result<Json<SecretAnswer>, ApiError> {
    let id = KeyId::from(id.as_str());
    let before = engine.keys().get(&id, now_s())?;
    let (info, secret) = engine.keys().rotate(&id, rotation.overlap, rotation.expires_in, now_s())?;
    caller.trail.changes(json!(before), json!(info));
    Ok(Json(SecretAnswer { secret: secret.reveal().to_string(), info }))
}

/// Gives a key another quota: what is absent is what the settings give every key, 0 is no limit.
#[utoipa::path(put, path = "/api/v1/keys/{id}/quota", tag = "access", operation_id = "set_key_quota", params(("id" = String, Path)),
    request_body = Quota,
    responses((status = 200, body = KeyInfo), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn set_key_quota(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
    ApiJson(quota): ApiJson<Quota>,
) -> Result<Json<KeyInfo>, ApiError> {
    let id = KeyId::from(id.as_str());
    let before = engine.keys().get(&id, now_s())?;
    let info = engine.keys().set_quota(&id, quota, now_s())?;
    caller.trail.changes(json!(before), json!(info));
    Ok(Json(info))
}

/// Revokes a key: the next request with it is refused, and its running queries stop within a second.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "access", operation_id = "revoke_key", params(("id" = String, Path)),
    responses((status = 204, description = "Revoked"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn revoke_key(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
) -> Result<StatusCode, ApiError> {
    let id = KeyId::from(id.as_str());
    let before = engine.keys().get(&id, now_s())?;
    engine.keys().revoke(&id, now_s())?;
    caller.trail.changes(json!(before), json!(engine.keys().get(&id, now_s())?));
    Ok(StatusCode::NO_CONTENT)
}
