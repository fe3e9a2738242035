//! `/api/v1/events/{id}/changes`: what an event changed, as JSON, as a JSON Patch, or for people; `/api/v1/changes`:
//! who changed which field.

use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::objects::explains;
use super::run::{Asking, apart, cursor_of, cursor_to, cut};
use super::{Given, explained};
use crate::engine::Engine;
use crate::error::Kind;
use crate::http::caller::{Authorized, Query};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::journal::Statement;
use crate::journal::catalog::{self, Language};
use crate::journal::changes::{self, ChangeFilter, ChangesFormat, Found, Limits, Page};
use crate::journal::lookup::Narrow;
use crate::journal::rows::{Row, int, text};

/// Which of several events of one id, and in which form.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct ChangesParams {
    /// `json` (default), `json-patch` (RFC 6902) or `text`.
    format: Option<String>,
    /// Of this source system.
    source: Option<String>,
    /// Of this log of it.
    dataset: Option<String>,
    /// Of this account, shop or school inside the source system.
    tenant_id: Option<String>,
    /// Language of meanings: `pl`, `ru`, `en`; default: the source's own.
    lang: Option<String>,
    /// `sql`: the statement instead of its answer.
    explain: Option<String>,
}

/// What an event changed, field by field.
///
/// From its `changes`, or from its two snapshots where it has none. Values are exactly as sent; long texts also as a
/// unified diff, lists of objects also part by part.
#[utoipa::path(get, path = "/api/v1/events/{id}/changes", tag = "journal", operation_id = "query_event_changes",
    params(("id" = String, Path), ChangesParams),
    responses((status = 200, description = "In the form asked for", content((Object = "application/json"), (Object = "application/json-patch+json"), (String = "text/plain"))),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn event_changes(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(params): ApiQuery<ChangesParams>,
) -> Result<Response, ApiError> {
    let format = params.format.as_deref().map(ChangesFormat::parse).transpose()?.unwrap_or_default();
    let language = catalog::language(params.lang.as_deref())?;
    let narrow = Narrow { tenant_id: params.tenant_id, source: params.source, dataset: params.dataset };
    let explain = explains(params.explain.as_deref())?;
    let asking = Asking::begin(&engine, &caller).await?;
    let ask = changes::statement(&id, &narrow, &asking.hidden);
    if explain {
        return Ok(explained(&[ask]));
    }
    let found = changes::find(&asking.reader(), &id, &ask).await?;
    let limits = Limits::of(&engine.config().objects);
    // Long texts take a while to compare.
    apart(move || shown(found, format, limits, language)).await?
}

fn shown(found: Found, format: ChangesFormat, limits: Limits, language: Language) -> Result<Response, ApiError> {
    let failed = |_| ApiError::internal("a stored change is no JSON");
    let meaning = |source: &str, module: Option<&str>, path: &str, value: &str| {
        catalog::explain_value(source, module, path, value, language).map(Value::from)
    };
    Ok(match format {
        ChangesFormat::Json => Json(found.shown(&meaning, limits).map_err(failed)?).into_response(),
        ChangesFormat::JsonPatch => {
            ([(header::CONTENT_TYPE, "application/json-patch+json")], Json(found.patch()).into_response().into_body())
                .into_response()
        }
        ChangesFormat::Text => found.text(&meaning, limits).map_err(failed)?.into_response(),
    })
}

/// Most changes of one page.
const PAGE_MAX: usize = 1_000;
/// Words of `op`.
const OPS: [&str; 4] = ["add", "remove", "replace", "set"];

/// Who changed which field, from what to what, one row a change, the newest first.
///
/// Every list filter narrows it. A field is a path, or all that begin alike: `field=offer*`. Values are JSON, or a text
/// without its quotes; `before~` and `after~` look for a part of them.
#[utoipa::path(get, path = "/api/v1/changes", tag = "journal", operation_id = "query_changes",
    params(("field" = Option<String>, Query, description = "Field, or `prefix*`; repeat for more; `field!` leaves out"),
        ("before" = Option<String>, Query, description = "Value before; `before~` is a part of it"),
        ("after" = Option<String>, Query, description = "Value after; `after~` is a part of it"),
        ("op" = Option<String>, Query, description = "`add`, `remove`, `replace` or `set`; repeat for more"),
        ("limit" = Option<usize>, Query, description = "Changes of a page, 1 to 1000; default 100"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("explain" = Option<String>, Query, description = "`sql`: the statement instead of its answer")),
    responses((status = 200, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn list(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let mut given = Given(given);
    let explain = given.take_explain()?;
    let limit = given.take_count("limit", 100, PAGE_MAX)?;
    let cursor = given.take("cursor")?.map(|text| cursor_to(&text)).transpose()?;
    let filter = ChangeFilter {
        fields: given.take_all("field"),
        not_fields: given.take_all("field!"),
        before: given.take_all("before"),
        after: given.take_all("after"),
        before_contains: given.take_all("before~"),
        after_contains: given.take_all("after~"),
        ops: given.take_all("op"),
    };
    if let Some(word) = filter.ops.iter().find(|op| !OPS.contains(&op.as_str())) {
        let detail = format!("`op` is one of {}, not `{word}`", OPS.join(", "));
        return Err(ApiError::new(Kind::Invalid, "invalid_parameter", detail));
    }
    let mut ask = Statement::default();
    let selection = given.selection()?;
    let number = |cursor: &Value, name: &str| cursor[name].as_i64().unwrap_or(i64::MIN);
    let after = cursor.map(|cursor| Page {
        time_us: number(&cursor, "time_us"),
        seq: number(&cursor, "seq"),
        number: number(&cursor, "number"),
    });
    let asking = Asking::begin(&engine, &caller).await?;
    let condition = ask.condition(&selection, &asking.hidden)?;
    let ask = changes::list(ask, &filter, Some(condition.as_str()), after, limit + 1, &asking.hidden);
    if explain {
        return Ok(explained(&[ask]));
    }
    let mut rows = asking.reader().all(&ask).await?;
    let more = cut(&mut rows, limit);
    let next = rows.last().filter(|_| more).map(|last| {
        cursor_of(&json!({"time_us": int(last, "time_us"), "seq": int(last, "_seq"), "number": int(last, "number")}))
    });
    let changes = rows.into_iter().map(one).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Changes { changes, next }).into_response())
}

#[derive(serde::Serialize)]
struct Changes {
    changes: Vec<OneChange>,
    next: Option<String>,
}

/// A change, its values exactly as they were sent.
#[derive(serde::Serialize)]
struct OneChange {
    #[serde(flatten)]
    event: Row,
    before: Option<Box<RawValue>>,
    after: Option<Box<RawValue>>,
}

fn one(mut row: Row) -> Result<OneChange, ApiError> {
    let value = |column: &str| {
        let value = text(&row, column).map(crate::journal::tree::raw).transpose();
        value.map_err(|_| ApiError::internal("a stored change is no JSON"))
    };
    let (before, after) = (value("before")?, value("after")?);
    for known in ["before", "after", "number", "time_us"] {
        row.remove(known);
    }
    Ok(OneChange { event: row, before, after })
}
