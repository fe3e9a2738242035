//! `GET /api/v1/events/{id}`: one event, whole, with its neighbours.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use utoipa::IntoParams;

use super::{Given, Reading, explained, value_of};
use crate::engine::Engine;
use crate::error::Kind;
use crate::http::caller::{Authorized, Query};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::journal::catalog::{self, Language, explain_sms, explain_status};
use crate::journal::detail::{self, Neighbour};

/// What tells events of one id apart.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters that are read by name")]
pub(in crate::http) struct EventParams {
    /// The product that sent it.
    #[param(example = "idosell")]
    source: Option<String>,
    /// The log of that product.
    #[param(example = "event_log")]
    dataset: Option<String>,
    /// The tenant.
    tenant_id: Option<String>,
    /// Language of explanations: `original`, `pl`, `ru`, `en`.
    #[param(example = "en")]
    lang: Option<String>,
    /// `false`: without the neighbours, which take longer to find than the event.
    neighbours: Option<bool>,
    /// `sql`: the statement, and no event.
    explain: Option<String>,
}

/// One event with all its fields, the events before and after it of the same object, actor, session and task, and
/// where its files are.
///
/// Logs of one product can have the same id in two tabs: `source`, `dataset` and `tenant_id` tell them apart, else the
/// answer is 409 with the candidates.
#[utoipa::path(get, path = "/api/v1/events/{id}", tag = "journal", operation_id = "get_event",
    params(("id" = String, Path, description = "event_id"), EventParams),
    responses((status = 200, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn event(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    ApiPath(id): ApiPath<String>,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let mut given = Given(given);
    let (explain, with_neighbours) = (given.take_explain()?, given.take_flag("neighbours", true)?);
    let language = catalog::language(given.take("lang")?.as_deref())?;
    let mut wanted = vec![("event_id", id.clone())];
    for name in ["source", "dataset", "tenant_id"] {
        wanted.extend(given.take(name)?.map(|value| (name, value)));
    }
    // Nothing else belongs here.
    given.selection()?;
    let reading = Reading::begin(&engine, &caller, &caller.project()).await?;
    let hidden = reading.session().hidden();
    let statement = detail::event(&wanted, &hidden);
    if explain {
        return Ok(explained(&[statement]));
    }
    let found = reading.objects(&caller, &statement, &[]).await?;
    let event = one(&id, &found)?;
    let place = value_of(event)?;
    let neighbours = match with_neighbours {
        true => Some(neighbours(&reading, &caller, &place).await?),
        false => None,
    };
    let answer = Detail { event, explained: meanings(&place, language), neighbours, links: links(&id, &place) };
    Ok(Json(answer).into_response())
}

/// What stands before and after the event, by what it has in common with it.
async fn neighbours(
    reading: &Reading,
    caller: &Authorized<Query>,
    event: &Value,
) -> Result<Map<String, Value>, ApiError> {
    let mut all = Map::new();
    for neighbour in Neighbour::of(event, &reading.session().hidden()) {
        let mut both = Map::new();
        for (name, statement) in [("previous", neighbour.statement(false)), ("next", neighbour.statement(true))] {
            let row = reading.values(caller, &statement).await?.into_iter().next();
            both.insert(name.into(), row.unwrap_or(Value::Null));
        }
        all.insert(neighbour.name().into(), Value::Object(both));
    }
    Ok(all)
}

#[derive(serde::Serialize)]
struct Detail<'a> {
    event: &'a RawValue,
    explained: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    neighbours: Option<Map<String, Value>>,
    links: Value,
}

/// What codes of the event mean: its HTTP status, and the error of a message that was not sent.
fn meanings(event: &Value, language: Language) -> Map<String, Value> {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    let (source, dataset) = (text("source"), text("dataset"));
    let mut meanings = Map::new();
    let status = event.get("http_status").and_then(Value::as_i64).and_then(|status| i32::try_from(status).ok());
    if let Some(explained) = status.and_then(|status| explain_status(source, dataset, status, language)) {
        meanings.insert("http_status".into(), json!(explained));
    }
    let is_message = text("event_type").starts_with("sms") || text("object_type") == "phone_number";
    if is_message && !text("error_code").is_empty() {
        meanings.insert("error_code".into(), json!(explain_sms(source, text("error_code"), language)));
    }
    meanings
}

/// The one event that is meant.
fn one<'a>(id: &str, found: &'a [Box<RawValue>]) -> Result<&'a RawValue, ApiError> {
    match found {
        [one] => Ok(one),
        [] => Err(ApiError::new(Kind::NotFound, "event_not_found", format!("no event `{id}`"))),
        several => {
            let mut candidates = Vec::new();
            for row in several {
                let row = value_of(row)?;
                candidates.push(json!({"source": row["source"], "dataset": row["dataset"], "tenant_id": row["tenant_id"], "event_time": row["event_time"]}));
            }
            let detail = format!("{} events have the id `{id}`", candidates.len());
            let error = ApiError::new(Kind::Conflict, "event_ambiguous", detail);
            Err(error.with("candidates", candidates))
        }
    }
}

/// Where the files of the event are.
fn links(id: &str, event: &Value) -> Value {
    let encoded: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>().replace('+', "%20");
    let query: String = ["source", "dataset", "tenant_id"]
        .iter()
        .filter_map(|name| Some((name, event.get(*name)?.as_str()?)))
        .fold(url::form_urlencoded::Serializer::new(String::new()), |mut query, (name, value)| {
            query.append_pair(name, value);
            query
        })
        .finish();
    let link = |part: &str| format!("/api/v1/events/{encoded}{part}?{query}");
    let mut links = json!({"self": link("")});
    let attached = |role: &str| {
        let attachments = event.get("attachments").and_then(Value::as_array);
        attachments.is_some_and(|all| all.iter().any(|one| one["role"] == role))
    };
    for (name, column) in [("request", "request_body"), ("response", "response_body")] {
        if event.get(column).is_some() || attached(name) {
            links[name] = json!(link(&format!("/{name}")));
        }
    }
    if event.get("changes").is_some() {
        links["changes"] = json!(link("/changes"));
    }
    links
}
