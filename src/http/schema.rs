//! `/api/v1/schema`: what can be named in SQL, for editors.

use axum::Json;
use axum::extract::State;

use super::caller::{Authorized, Query};
use super::problem::{ApiError, Problem};
use crate::engine::Engine;
use crate::query::{Description, Limits};

/// Tables, views and functions that the key can name in SQL, with columns, types and meanings.
///
/// A column that is hidden from the key is not in it, nor a view that shows one.
#[utoipa::path(get, path = "/api/v1/schema", tag = "query", operation_id = "get_schema",
    responses((status = 200, body = Description), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(super) async fn get_schema(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
) -> Result<Json<Description>, ApiError> {
    let project = caller.project();
    let turn = engine.turn(&caller.caller, &project).await?;
    let session = engine.session_for(&caller.caller, &project)?.in_turn(turn);
    Ok(Json(session.describe(Limits::of(&engine.config().query)).await?))
}
