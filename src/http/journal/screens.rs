//! `/api/v1/screens`: the pages of the source systems' own logs.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use futures::TryStreamExt;
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::explained;
use crate::engine::Engine;
use crate::http::caller::{Authorized, Query};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::journal::screens::{self, Asked};
use crate::query::{Format, Limits, encode};

/// The language of titles.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ListParams {
    /// Language of the member `text` of titles: `original` (default), `pl`, `ru` or `en`.
    lang: Option<String>,
}

/// What every page takes; its own filters stand beside.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the names are read as pairs, with the filters of the page")]
pub(in crate::http) struct PageParams {
    /// `today`, `last_7d`, `2025-03`, `all`, …; by default the product's own.
    period: Option<String>,
    /// Begin of the period, instead of `period`.
    from: Option<String>,
    /// End of the period.
    to: Option<String>,
    /// IANA zone of the period; by default the product's.
    tz: Option<String>,
    /// `asc` (oldest first) or `desc`.
    order: Option<String>,
    /// Rows, 1 to 1000; 50 by default.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// Language of the member `text` of titles: `original` (default), `pl`, `ru` or `en`.
    lang: Option<String>,
    /// `sql`: the SQL of the page instead of its rows.
    explain: Option<String>,
}

/// The pages of all source systems, with their columns and filters.
#[utoipa::path(get, path = "/api/v1/screens", tag = "catalog", operation_id = "list_screens", params(ListParams),
    responses((status = 200, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn list(
    _caller: Authorized<Query>,
    ApiQuery(params): ApiQuery<ListParams>,
) -> Result<Json<Value>, ApiError> {
    Ok(Json(screens::list(params.lang.as_deref())?))
}

/// One page of a source system's log: its columns in its order, its filters by its names, its default period and zone.
#[utoipa::path(get, path = "/api/v1/screens/{source}/{screen}", tag = "catalog", operation_id = "query_screen",
    params(("source" = String, Path, description = "Value of the column `source`"), ("screen" = String, Path, description = "As `GET /api/v1/screens` lists it"), PageParams),
    responses((status = 200, body = Object, description = "`columns`, `rows` and the cursor `next`; with `explain=sql`: `sql` and `params`"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn page(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath((source, screen)): ApiPath<(String, String)>,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let asked = Asked::read(&source, &screen, given, Utc::now())?;
    let project = caller.project();
    // Taken before the turn: only what the key hides is asked of it here.
    let hidden = engine.session_for(&caller.caller, &project)?.hidden();
    let statement = asked.statement(&hidden)?;
    if asked.explain {
        return Ok(explained(&[statement]));
    }
    caller.trail.asks(&statement.sql, &Value::Object(statement.params.clone()), None);
    let turn = engine.turn(&caller.caller, &project).await?;
    let session = engine.session_for(&caller.caller, &project)?.masking().in_turn(turn);
    let limits = Limits::of(&engine.config().query);
    let answer = session.run(&statement.sql, statement.params(), limits).await?;
    caller.trail.answered(answer.end());
    let chunks: Vec<_> = encode(answer, Format::Json).try_collect().await?;
    let answer =
        serde_json::from_slice(&chunks.concat()).map_err(|_| ApiError::internal("an answer that is no JSON"))?;
    Ok(Json(asked.page(answer, &hidden)?).into_response())
}
