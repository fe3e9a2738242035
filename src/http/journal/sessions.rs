//! `/api/v1/sessions`: sessions, one of them with its events, and events that follow from sessions.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde_json::{Value, json};

use super::run::{Asking, cursor_of, cursor_to, cut, event_columns};
use super::{Given, explained};
use crate::engine::Engine;
use crate::error::Kind;
use crate::http::caller::{Authorized, Query};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::journal::Statement;
use crate::journal::lookup::{LookupError, Narrow, one_place};
use crate::journal::objects::Moment;
use crate::journal::rows::{Row, int, rows, text};
use crate::journal::sessions::{self, Wanted, rules};
use crate::query::Limits;

/// Most sessions of one page.
const PAGE_MAX: usize = 1_000;

/// Sessions, those that started last first: start, end, whether they go on, events, products looked at, basket.
///
/// Every list filter chooses sessions by one of their events; what is told is of the whole session.
#[utoipa::path(get, path = "/api/v1/sessions", tag = "journal", operation_id = "query_sessions",
    params(("active" = Option<bool>, Query, description = "Only those that go on, or only others"),
        ("as_of" = Option<String>, Query, description = "The moment from which `active` is judged; default: now"),
        ("limit" = Option<usize>, Query, description = "Sessions of a page, 1 to 1000; default 100"),
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
    let active = match given.take("active")?.as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(word) => {
            let detail = format!("`active` is `true` or `false`, not `{word}`");
            return Err(ApiError::new(Kind::Invalid, "invalid_parameter", detail));
        }
    };
    let as_of = Moment::read("as_of", given.take("as_of")?.as_deref(), Utc::now())?;
    let mut ask = Statement::default();
    let selection = given.selection()?;
    let after = cursor.as_ref().map(|cursor| {
        (cursor["time_us"].as_i64().unwrap_or(i64::MIN), cursor["place"].as_str().unwrap_or_default().to_owned())
    });
    let now_us = cursor.as_ref().and_then(|cursor| cursor["as_of"].as_i64()).unwrap_or(as_of.us);
    let asking = Asking::begin(&engine, &caller).await?;
    let condition = Some(ask.condition(&selection, &asking.hidden)?);
    let ask = sessions::statement(ask, &Wanted { condition, active, after, limit: limit + 1 }, &asking.hidden, now_us);
    if explain {
        return Ok(explained(&[ask]));
    }
    let mut rows = asking.reader().all(&ask).await?;
    let more = cut(&mut rows, limit);
    let next = rows.last().filter(|_| more).map(|last| {
        cursor_of(&json!({"time_us": int(last, "time_us"), "place": text(last, "place"), "as_of": now_us}))
    });
    rows.iter_mut().for_each(shown);
    Ok(Json(json!({"sessions": rows, "next": next})).into_response())
}

/// A session without what only pages need.
fn shown(session: &mut Row) {
    session.remove("time_us");
    session.remove("place");
}

/// One session with its events in order.
#[utoipa::path(get, path = "/api/v1/sessions/{id}", tag = "journal", operation_id = "query_session",
    params(("id" = String, Path),
        ("source" = Option<String>, Query, description = "Source system, where several have the id"),
        ("tenant_id" = Option<String>, Query, description = "Account inside of it"),
        ("as_of" = Option<String>, Query, description = "The moment from which `active` is judged; default: now"),
        ("explain" = Option<String>, Query, description = "`sql`: the statement instead of its answer")),
    responses((status = 200, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn one(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let mut given = Given(given);
    let explain = given.take_explain()?;
    let narrow = given.take_narrow()?;
    let as_of = Moment::read("as_of", given.take("as_of")?.as_deref(), Utc::now())?;
    given.finish(&["source", "tenant_id", "as_of", "explain"])?;
    let mut ask = Statement::default();
    let condition = Some(sessions::of_id(&mut ask, &id, &narrow));
    let asking = Asking::begin(&engine, &caller).await?;
    let ask = sessions::statement(ask, &Wanted { condition, limit: 10, ..Wanted::default() }, &asking.hidden, as_of.us);
    if explain {
        return Ok(explained(&[ask]));
    }
    let reader = asking.reader();
    let found = reader.all(&ask).await?;
    let session = one_place(&id, &found, &["tenant_id", "source"])?.cloned();
    let mut session = session.ok_or_else(|| LookupError::NoSession(id.clone()))?;
    let place = Narrow {
        tenant_id: text(&session, "tenant_id").map(str::to_owned),
        source: text(&session, "source").map(str::to_owned),
        dataset: None,
    };
    let mut events = reader.events(&sessions::events_statement(&id, &place, &event_columns(&asking.hidden))).await?;
    let more = cut(&mut events, sessions::EVENTS_MAX);
    shown(&mut session);
    Ok(Json(json!({"session": session, "events": events, "more": more})).into_response())
}

/// Events that follow from sessions by a rule: visits, abandoned browsing and baskets, purchases.
///
/// Without `rule`: all rules with their parameters, which are given like `?rule=abandoned_cart&idle_minutes=30`.
#[utoipa::path(get, path = "/api/v1/sessions/derived", tag = "journal", operation_id = "query_session_rules",
    params(("rule" = Option<String>, Query, description = "`visit`, `abandoned_browse`, `abandoned_cart` or `purchase`"),
        ("explain" = Option<String>, Query, description = "`sql`: the statement instead of its answer")),
    responses((status = 200, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn derived(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let mut given = Given(given);
    let explain = given.take_explain()?;
    let Some(name) = given.take("rule")? else {
        given.finish(&["rule", "explain"])?;
        return Ok(Json(json!({"rules": rules::rules()})).into_response());
    };
    let rule = rules::rule(&name)?;
    let params: Value =
        given.0.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect::<Row>().into();
    if explain {
        return Ok(Json(json!({"sql": rule.query.sql(), "params": params})).into_response());
    }
    caller.trail.asks(rule.query.sql(), &params, None);
    let project = caller.project();
    let turn = engine.turn(&caller.caller, &project).await?;
    let session = engine.session_for(&caller.caller, &project)?.in_turn(turn);
    let answer = rule.run(&session, &given.0, Limits::of(&engine.config().query), Utc::now()).await?;
    caller.trail.answered(answer.end());
    let (found, truncated) = rows(answer).await?;
    Ok(Json(json!({"rule": name, "events": found, "truncated": truncated})).into_response())
}
