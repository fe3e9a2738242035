//! `/api/v1/events/{id}/request` and `/response`: what was sent and what came back, as files.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use futures::StreamExt;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::Reading;
use super::attachments::Named;
use super::serving::File;
use crate::engine::Engine;
use crate::http::caller::{Authorized, Query};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::journal::files::{Bodies, BodyError, BodyOf, Content, Wanted};

/// Which of the events that have the id.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct EventParams {
    /// Its `source`, where events of several logs have the id.
    source: Option<String>,
    /// Its `dataset`.
    dataset: Option<String>,
    /// Its `tenant_id`.
    tenant_id: Option<String>,
}

/// The request of an event as a file: exactly the bytes that were sent, in their own type.
#[utoipa::path(get, path = "/api/v1/events/{id}/request", tag = "journal", operation_id = "get_request",
    params(("id" = String, Path), EventParams),
    responses((status = 200, content_type = "*/*", description = "The body; `kronika-truncated: true` says that its sender had cut it"),
        (status = 206, content_type = "*/*", description = "The part that `Range` asks for"),
        (status = 304, description = "The caller has it"),
        (status = 416, body = Problem, content_type = "application/problem+json", description = "No byte of the body is within the range"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn get_request(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(params): ApiQuery<EventParams>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    body_of(&engine, &caller, BodyOf::Request, wanted(id, params), &headers).await
}

/// The response of an event as a file: exactly the bytes that came, in their own type.
#[utoipa::path(get, path = "/api/v1/events/{id}/response", tag = "journal", operation_id = "get_response",
    params(("id" = String, Path), EventParams),
    responses((status = 200, content_type = "*/*", description = "The body; `kronika-truncated: true` says that its sender had cut it"),
        (status = 206, content_type = "*/*", description = "The part that `Range` asks for"),
        (status = 304, description = "The caller has it"),
        (status = 416, body = Problem, content_type = "application/problem+json", description = "No byte of the body is within the range"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn get_response(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(params): ApiQuery<EventParams>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    body_of(&engine, &caller, BodyOf::Response, wanted(id, params), &headers).await
}

fn wanted(event_id: String, params: EventParams) -> Wanted {
    Wanted { event_id, source: params.source, dataset: params.dataset, tenant_id: params.tenant_id }
}

async fn body_of(
    engine: &Engine,
    caller: &Authorized<Query>,
    of: BodyOf,
    wanted: Wanted,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    let reading = Reading::begin(engine, caller, &caller.project()).await?;
    let bodies = Bodies::new(of, wanted, &reading.session().hidden());
    let body = bodies.read(&reading.rows(caller, &bodies.statement()).await?)?;
    let (text, cut) = match body.content {
        Content::Blob(id) => {
            let file = Named { name: Some(body.name), content_type: Some(body.content_type), id };
            return file.answer(engine, caller, headers).await;
        }
        Content::Text { text, cut } => (Bytes::from(text), cut),
    };
    let (size, sha256) = (text.len() as u64, Sha256::digest(&text).into());
    let file = File { size, sha256, content_type: body.content_type, name: body.name, cut };
    let read = |range: std::ops::Range<u64>| {
        // The text is in memory: its length is one.
        let part = text.slice(range.start as usize..range.end as usize);
        std::future::ready(Ok(futures::stream::iter([Ok(part)]).boxed()))
    };
    file.answer(headers, caller.caller.ended.clone(), read).await
}

impl From<BodyError> for ApiError {
    fn from(error: BodyError) -> Self {
        let problem = Self::of(&error);
        match error {
            BodyError::Ambiguous { candidates, .. } => problem.with("candidates", candidates),
            BodyError::NoEvent(_) | BodyError::NoBody { .. } => problem,
        }
    }
}
