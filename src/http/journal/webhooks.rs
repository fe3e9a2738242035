//! `/api/v1/projects/{name}/webhooks` and `/api/v1/webhooks/deliveries`: the products that are called, and the calls.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::engine::{Engine, ProductWebhook};
use crate::error::Kind;
use crate::http::caller::{Admin, Authorized};
use crate::http::extract::{ApiJson, ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::http::projects::project_name;
use crate::journal::webhook::{Delivery, DeliveryState, shown};

/// Most deliveries of one answer.
const DELIVERIES_MAX: usize = 1_000;
/// Longest name of a source, and of a type, in bytes.
const NAME_MAX: usize = 256;
/// Most types of one webhook.
const TYPES_MAX: usize = 256;

/// Where a product is called.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct WebhookBody {
    /// `https://…` or `http://…` of a public host.
    url: String,
    /// Key of the signature, 16 to 256 bytes; it is not shown again.
    secret: String,
    /// Types of objects that it restores beside those of the source's catalogue.
    #[serde(default)]
    object_types: Vec<String>,
}

/// A webhook as lists show it.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct WebhookShown {
    /// The source system.
    source: String,
    /// Without what may be a secret.
    url: String,
    /// Types of objects that it restores beside those of the source's catalogue.
    object_types: Vec<String>,
}

/// The products that the project calls, by source.
#[utoipa::path(get, path = "/api/v1/projects/{name}/webhooks", tag = "journal", operation_id = "list_webhooks", params(("name" = String, Path)),
    responses((status = 200, body = Vec<WebhookShown>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(in crate::http) async fn list_webhooks(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(name): ApiPath<String>,
) -> Result<Json<Vec<WebhookShown>>, ApiError> {
    let known = engine.product_webhooks(&project_name(&name)?)?;
    Ok(Json(known.into_iter().map(|(source, webhook)| webhook_shown(source, &webhook)).collect()))
}

fn webhook_shown(source: String, webhook: &ProductWebhook) -> WebhookShown {
    WebhookShown { source, url: shown(&webhook.url), object_types: webhook.object_types.clone() }
}

/// Sets where the product behind a source is called when an object is restored.
#[utoipa::path(put, path = "/api/v1/projects/{name}/webhooks/{source}", tag = "journal", operation_id = "put_webhook",
    params(("name" = String, Path), ("source" = String, Path)), request_body = WebhookBody,
    responses((status = 204, description = "In force"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(in crate::http) async fn put_webhook(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath((name, source)): ApiPath<(String, String)>,
    ApiJson(body): ApiJson<WebhookBody>,
) -> Result<StatusCode, ApiError> {
    let project = project_name(&name)?;
    let invalid = |detail: String| ApiError::new(Kind::Invalid, "invalid_parameter", detail);
    let fits = |text: &str| (1..=NAME_MAX).contains(&text.len());
    if !fits(&source) || !body.object_types.iter().all(|kind| fits(kind)) {
        return Err(invalid(format!("a source and a type have 1 to {NAME_MAX} bytes")));
    }
    if body.object_types.len() > TYPES_MAX {
        return Err(invalid(format!("`object_types` has {} entries; {TYPES_MAX} at most", body.object_types.len())));
    }
    let before = engine.product_webhook(&project, &source).map(|known| webhook_shown(source.clone(), &known));
    let webhook = ProductWebhook { url: body.url, secret: body.secret, object_types: body.object_types };
    let after = webhook_shown(source.clone(), &webhook);
    engine.set_product_webhook(&project, &source, Some(webhook))?;
    caller.trail.changes(before.map_or(Value::Null, |before| json!(before)), json!(after));
    Ok(StatusCode::NO_CONTENT)
}

/// Removes the webhook of a source.
#[utoipa::path(delete, path = "/api/v1/projects/{name}/webhooks/{source}", tag = "journal", operation_id = "delete_webhook",
    params(("name" = String, Path), ("source" = String, Path)),
    responses((status = 204, description = "It is called no more"), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(in crate::http) async fn delete_webhook(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath((name, source)): ApiPath<(String, String)>,
) -> Result<StatusCode, ApiError> {
    let project = project_name(&name)?;
    engine.product_webhooks(&project)?;
    let Some(known) = engine.product_webhook(&project, &source) else {
        return Err(ApiError::new(Kind::NotFound, "webhook_not_found", format!("no webhook is set for `{source}`")));
    };
    let before = webhook_shown(source.clone(), &known);
    engine.set_product_webhook(&project, &source, None)?;
    caller.trail.changes(json!(before), Value::Null);
    Ok(StatusCode::NO_CONTENT)
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct DeliveriesParams {
    /// Only those that are `held`, `pending`, `delivered` or `dead`.
    state: Option<DeliveryState>,
    /// Most deliveries, 1 to 1000; default 100.
    limit: Option<usize>,
}

/// Calls of other systems, the newest first: those that wait, those that were made, dead letters.
#[utoipa::path(get, path = "/api/v1/webhooks/deliveries", tag = "journal", operation_id = "list_deliveries", params(DeliveriesParams),
    responses((status = 200, body = Vec<Delivery>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(in crate::http) async fn list_deliveries(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiQuery(params): ApiQuery<DeliveriesParams>,
) -> Result<Json<Vec<Delivery>>, ApiError> {
    let limit = params.limit.unwrap_or(100);
    if !(1..=DELIVERIES_MAX).contains(&limit) {
        let detail = format!("`limit` is 1 to {DELIVERIES_MAX}, not {limit}");
        return Err(ApiError::new(Kind::Invalid, "invalid_parameter", detail));
    }
    Ok(Json(engine.outbox().list(caller.project().as_str(), params.state, limit)))
}

/// One call of another system.
#[utoipa::path(get, path = "/api/v1/webhooks/deliveries/{id}", tag = "journal", operation_id = "get_delivery", params(("id" = String, Path)),
    responses((status = 200, body = Delivery), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(in crate::http) async fn get_delivery(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<Delivery>, ApiError> {
    Ok(Json(engine.outbox().get(caller.project().as_str(), &id)?))
}

/// Tries a dead letter again; a restore goes to the webhook that is set now.
#[utoipa::path(post, path = "/api/v1/webhooks/deliveries/{id}/retry", tag = "journal", operation_id = "retry_delivery", params(("id" = String, Path)),
    responses((status = 200, body = Delivery), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(in crate::http) async fn retry_delivery(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<Delivery>, ApiError> {
    Ok(Json(engine.retry_delivery(&caller.project(), &id)?))
}
