//! `/api/v1/actors` and `/api/v1/visitors`: who did what, under every name.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::history::{self, HistoryParams};
use super::list::EventPage;
use super::run::Asking;
use super::{Given, explained};
use crate::engine::Engine;
use crate::http::caller::{Authorized, Query};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::journal::lookup::Narrow;
use crate::journal::people::{self, Actor};

/// An actor by its id or e-mail: every name and e-mail that it had, its first and last event, what it did, counted.
#[utoipa::path(get, path = "/api/v1/actors/{id}", tag = "journal", operation_id = "query_actor",
    params(("id" = String, Path),
        ("source" = Option<String>, Query, description = "Only of this source system"),
        ("tenant_id" = Option<String>, Query, description = "Only of this account inside of it"),
        ("explain" = Option<String>, Query, description = "`sql`: the statement instead of its answer")),
    responses((status = 200, body = Actor), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn actor(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let mut given = Given(given);
    let explain = given.take_explain()?;
    let narrow = given.take_narrow()?;
    given.finish(&["source", "tenant_id", "explain"])?;
    let asking = Asking::begin(&engine, &caller).await?;
    if explain {
        return Ok(explained(&[people::actor_statement(&id, &narrow, &asking.hidden)]));
    }
    Ok(Json(people::actor(&asking.reader(), &id, &narrow, &asking.hidden).await?).into_response())
}

/// What an actor did, in order; every list filter narrows it.
#[utoipa::path(get, path = "/api/v1/actors/{id}/history", tag = "journal", operation_id = "query_actor_history",
    params(("id" = String, Path), HistoryParams),
    responses((status = 200, body = EventPage), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn actor_history(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let asking = Asking::begin(&engine, &caller).await?;
    let filter = people::actor_filter(&asking.reader(), &id, &asking.hidden).await?;
    drop(asking);
    history::answer(&engine, &caller, Given(given), |selection| {
        selection.filter.terms.push(filter);
        Ok(())
    })
    .await
}

/// A visitor by its id or e-mail: all ids and e-mails that belong to it, before and after it was recognised.
#[utoipa::path(get, path = "/api/v1/visitors/{id}", tag = "journal", operation_id = "query_visitor",
    params(("id" = String, Path),
        ("source" = Option<String>, Query, description = "Only of this source system"),
        ("tenant_id" = Option<String>, Query, description = "Only of this account inside of it"),
        ("explain" = Option<String>, Query, description = "`sql`: the statement instead of its answer")),
    responses((status = 200, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn visitor(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let mut given = Given(given);
    let explain = given.take_explain()?;
    let narrow = given.take_narrow()?;
    given.finish(&["source", "tenant_id", "explain"])?;
    let first = people::visitor_statement(&id, &narrow);
    if explain {
        return Ok(explained(&[first]));
    }
    let asking = Asking::begin(&engine, &caller).await?;
    let reader = asking.reader();
    let links = people::follow(&reader, &id, &first).await?;
    let told = reader.all(&people::visitor_summary(&links)).await?;
    let told = told.into_iter().next().unwrap_or_default();
    Ok(Json(json!({"id": id, "identities": links.identities, "more_identities": links.more, "summary": told}))
        .into_response())
}

/// One history of a visitor under all its ids and e-mails, in order; every list filter narrows it.
#[utoipa::path(get, path = "/api/v1/visitors/{id}/history", tag = "journal", operation_id = "query_visitor_history",
    params(("id" = String, Path), HistoryParams),
    responses((status = 200, body = EventPage), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn visitor_history(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let asking = Asking::begin(&engine, &caller).await?;
    let first = people::visitor_statement(&id, &Narrow::default());
    let filter = people::follow(&asking.reader(), &id, &first).await?;
    let filter = filter.filter()?;
    drop(asking);
    history::answer(&engine, &caller, Given(given), |selection| {
        selection.filter.terms.push(filter);
        Ok(())
    })
    .await
}
