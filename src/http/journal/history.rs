//! Pages of a history: events of an object, an actor, a visitor, in one order or the other.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use utoipa::IntoParams;

use super::objects::explains;
use super::run::{Asking, Pairs, cursor_of, cursor_to, cut, explained, limit};
use crate::error::Kind;
use crate::http::problem::ApiError;
use crate::journal;
use crate::journal::lookup::Ask;
use crate::journal::rows::int;

/// Most events of one page.
const PAGE_MAX: usize = 1_000;

/// How a history is read. Every list filter narrows it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the pairs are read one by one, this describes them")]
pub(in crate::http) struct Paging {
    /// `newest` (default) or `oldest` first.
    order: Option<String>,
    /// Events of a page, 1 to 1000; default 100.
    limit: Option<usize>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// `sql`: the statement instead of its answer.
    explain: Option<String>,
}

/// One page of the events that fulfil `condition`, whose values are in `ask`.
pub(in crate::http) async fn page(
    asking: &Asking,
    mut ask: Ask,
    condition: &str,
    pairs: &mut Pairs,
) -> Result<Response, ApiError> {
    let explain = explains(pairs.take("explain")?.as_deref())?;
    let limit = limit(pairs.number("limit")?, 100, PAGE_MAX)?;
    let (direction, beyond) = match pairs.take("order")?.as_deref() {
        None | Some("newest") => ("DESC", "<"),
        Some("oldest") => ("ASC", ">"),
        Some(word) => {
            let detail = format!("`order` is `newest` or `oldest`, not `{word}`");
            return Err(ApiError::new(Kind::Invalid, "invalid_parameter", detail));
        }
    };
    let cursor = pairs.take("cursor")?.map(|text| cursor_to(&text)).transpose()?;
    let mut conditions = vec![condition.to_owned()];
    conditions.extend(pairs.selection(&mut ask)?.map(|selected| format!("({selected})")));
    if let Some(cursor) = cursor {
        let (time, seq) = (ask.value("after_us", cursor["time_us"].clone()), ask.value("after_seq", cursor["seq"].clone()));
        conditions.push(format!(
            "(event_time {beyond} {instant} OR event_time = {instant} AND _seq {beyond} {seq})",
            instant = format_args!("arrow_cast(CAST({time} AS BIGINT), 'Timestamp(Microsecond, Some(\"UTC\"))')")
        ));
    }
    ask.sql = format!(
        "SELECT {}, CAST(event_time AS BIGINT) AS time_us\nFROM events\nWHERE {}\nORDER BY event_time {direction}, _seq {direction}\nLIMIT {}",
        journal::columns(&asking.hidden),
        conditions.join("\n    AND "),
        limit + 1
    );
    if explain {
        return Ok(explained(&ask));
    }
    let mut rows = asking.reader().all(&ask).await?;
    let more = cut(&mut rows, limit);
    let next = rows.last().filter(|_| more).map(|last| cursor_of(&json!({"time_us": int(last, "time_us"), "seq": int(last, "_seq")})));
    for row in &mut rows {
        row.remove("time_us");
    }
    Ok(Json(json!({"events": rows, "next": next})).into_response())
}
