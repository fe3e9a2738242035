//! One question of a route to the caller's own view of its project, answered whole.

use arrow::record_batch::RecordBatch;
use serde_json::{Map, Value};

use crate::engine::Engine;
use crate::http::caller::{Authorized, Query};
use crate::http::problem::ApiError;
use crate::query::{Limits, Params};

/// The rows of a small answer.
pub(super) async fn ask(
    engine: &Engine,
    caller: &Authorized<Query>,
    sql: &str,
    values: Map<String, Value>,
) -> Result<Vec<RecordBatch>, ApiError> {
    let project = caller.project();
    let turn = engine.turn(&caller.caller, &project).await?;
    let session = engine.session_for(&caller.caller, &project)?.in_turn(turn);
    let params = if values.is_empty() { Params::None } else { Params::Named(values) };
    let answer = session.run(sql, params, Limits::of(&engine.config().query)).await?;
    caller.trail.answered(answer.end());
    Ok(answer.collect().await?.0)
}
