//! Figures for dashboards: facets, histogram, aggregates. Their answers carry an `ETag`; one that is still true
//! is not computed again.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, Duration, Utc};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use utoipa::IntoParams;

use super::list::period;
use super::{Given, NO_CACHE, Reading, explained, integer, partial};
use crate::access::hex;
use crate::engine::Engine;
use crate::event::calendar::Step;
use crate::http::caller::{Authorized, Query};
use crate::http::extract::ApiQuery;
use crate::http::problem::{ApiError, Problem};
use crate::journal::figures::{self, Aggregate, Metric};
use crate::journal::{JournalError, Selection, Statement, minute};

/// Facets where none are named.
const FACETS: [&str; 8] =
    ["source", "dataset", "module", "event_type", "action", "outcome", "actor_type", "http_status"];
/// Buckets of a histogram that chooses its step itself.
const BUCKETS: u32 = 60;

/// Parameters of figures besides the filters and the period.
#[derive(Debug, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes parameters that are read by name")]
pub(in crate::http) struct FigureParams {
    /// As of `/api/v1/events`; so are all filters.
    #[param(example = "last_7d")]
    period: Option<String>,
    /// Name or id of a saved filter, which must hold as well.
    saved: Option<String>,
    /// Values, series or groups that are given: the largest ones.
    #[param(example = 10)]
    top: Option<u32>,
    /// `sql`: the statement, and no rows.
    explain: Option<String>,
    /// Whether figures without stored events that cannot be read at present will do; the answer has `missing` then,
    /// and the header `Kronika-Partial: true`.
    #[param(example = true)]
    partial: Option<bool>,
}

/// What a request asks for figures about.
struct Asked {
    caller: Authorized<Query>,
    reading: Reading,
    selection: Selection,
    explain: bool,
    /// Names the answer: the same as long as it is the same.
    tag: String,
    /// Whether the caller has the answer.
    known: bool,
}

impl Asked {
    async fn new(
        engine: &Engine,
        caller: Authorized<Query>,
        headers: &HeaderMap,
        mut given: Given,
        what: &str,
    ) -> Result<Self, ApiError> {
        let (explain, partly) = (given.take_explain()?, given.take_partial()?);
        let mut selection = given.selection_with_saved(engine, &caller)?.or_last_day();
        // What is asked within one minute is one question.
        selection.now = minute(selection.now) + Duration::minutes(1) - Duration::microseconds(1);
        let project = caller.project();
        let reading = Reading::begin(engine, &caller, &project).await?.partly(partly);
        let bounds = selection.bounds()?;
        let us = |at: Option<DateTime<Utc>>| at.map(|at| at.timestamp_micros());
        let session = reading.session();
        let events = session.snapshot().fingerprint(us(bounds.from), us(bounds.to));
        let restriction = &session.reader().restriction;
        // What a restricted reader may look back on changes with the time.
        let minute = restriction.is_some().then(|| minute(Utc::now()));
        let about = format!("{project}|{what}|{}|{bounds:?}|{events}|{restriction:?}|{minute:?}", selection.to_json());
        // Nobody must be able to make up the name of somebody else's answer.
        let hash = Sha256::digest(about.as_bytes());
        let tag = format!("\"{}\"", hex(&hash[..16]));
        let known = headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
            value.to_str().is_ok_and(|text| text.split(',').any(|known| known.trim().trim_start_matches("W/") == tag))
        });
        Ok(Self { caller, reading, selection, explain, tag, known: known && !explain })
    }

    fn hidden(&self) -> Arc<[String]> {
        self.reading.session().hidden()
    }

    async fn rows(&self, statement: &Statement) -> Result<Vec<Value>, ApiError> {
        self.reading.values(&self.caller, statement).await
    }

    /// The answer `body`. One that lacks something is nothing to be kept: what it lacks may come back.
    fn answer(self, engine: &Engine, mut body: Value) -> Response {
        if let Some(missing) = self.reading.missing() {
            body["missing"] = json!(missing);
            let fresh = [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))];
            return partial((fresh, Json(body)).into_response(), Some(missing));
        }
        let body = engine.figures().keep(&self.tag, body.to_string().into_bytes());
        tagged(&self.tag, StatusCode::OK, Some(body))
    }

    /// The answer where it need not be computed.
    fn already(&self, engine: &Engine) -> Option<Response> {
        if self.known {
            return Some(tagged(&self.tag, StatusCode::NOT_MODIFIED, None));
        }
        if self.explain {
            return None;
        }
        let kept = engine.figures().get(&self.tag)?;
        Some(tagged(&self.tag, StatusCode::OK, Some(kept)))
    }
}

fn tagged(tag: &str, status: StatusCode, body: Option<bytes::Bytes>) -> Response {
    let mut response = match body {
        Some(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        None => status.into_response(),
    };
    let headers = response.headers_mut();
    if let Ok(tag) = HeaderValue::from_str(tag) {
        headers.insert(header::ETAG, tag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NO_CACHE));
    response
}

/// How often each value of some columns is there, among all events that match: `{"facets": {"module": {"values": [{"value", "count"}], …}}}`.
#[utoipa::path(get, path = "/api/v1/facets", tag = "journal", operation_id = "facets",
    params(FigureParams, ("fields" = Option<String>, Query, description = "Columns or attributes.PATH, behind commas", example = "module,outcome")),
    responses((status = 200, body = Object), (status = 304, description = "As before, see `ETag`"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn facets(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    headers: HeaderMap,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let mut given = Given(given);
    let top = given.take_count("top", 20, engine.config().journal.groups_max)?;
    let mut names = given.take_names("fields")?;
    let asked = Asked::new(&engine, caller, &headers, given, &format!("facets {names:?} {top}")).await?;
    if let Some(response) = asked.already(&engine) {
        return Ok(response);
    }
    let hidden = asked.hidden();
    if names.is_empty() {
        names = FACETS
            .iter()
            .filter(|name| !hidden.iter().any(|hidden| hidden == *name))
            .map(|name| (*name).to_owned())
            .collect();
    }
    let statement = |name: &String| figures::facet(&asked.selection, name, top, &hidden);
    let statements = names.iter().map(statement).collect::<Result<Vec<_>, _>>()?;
    if asked.explain {
        return Ok(explained(&statements));
    }
    let mut facets = Map::new();
    for (name, statement) in names.iter().zip(&statements) {
        facets.insert(name.clone(), facet(asked.rows(statement).await?));
    }
    let body = json!({"facets": facets, "period": period(&asked.selection, asked.selection.bounds()?)});
    Ok(asked.answer(&engine, body))
}

/// The values of one facet, and how many there are of all.
fn facet(rows: Vec<Value>) -> Value {
    let of_all = |name: &str| rows.first().map_or(0, |row| integer(&row[name]));
    let (distinct, events) = (of_all("values"), of_all("events"));
    let values: Vec<Value> = rows
        .iter()
        .map(|row| json!({"value": row.get("value").unwrap_or(&Value::Null), "count": integer(&row["count"])}))
        .collect();
    json!({"values": values, "distinct": distinct, "events": events})
}

/// Events over time, in steps of the calendar, stacked by a column.
#[utoipa::path(get, path = "/api/v1/histogram", tag = "journal", operation_id = "histogram",
    params(FigureParams, ("step" = Option<String>, Query, description = "`15m`, `1h`, `day`, `week`, `month`, …; without it about 60 steps", example = "1h"),
        ("by" = Option<String>, Query, description = "Column or attributes.PATH of the series", example = "outcome")),
    responses((status = 200, body = Object), (status = 304, description = "As before, see `ETag`"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn histogram(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    headers: HeaderMap,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let mut given = Given(given);
    let settings = &engine.config().journal;
    let top = given.take_count("top", 10, settings.groups_max)?;
    let (by, step) = (given.take("by")?, given.take("step")?);
    let step = step.map(|text| read_step(&text)).transpose()?;
    let asked = Asked::new(&engine, caller, &headers, given, &format!("histogram {by:?} {step:?} {top}")).await?;
    if let Some(response) = asked.already(&engine) {
        return Ok(response);
    }
    let (hidden, bounds) = (asked.hidden(), asked.selection.bounds()?);
    let span = match (bounds.from, bounds.to) {
        (Some(from), Some(to)) => Some((from, to - Duration::microseconds(1))),
        _ => span(asked.rows(&figures::span(&asked.selection, &hidden)?).await?).map(|(first, last)| {
            (bounds.from.unwrap_or(first), bounds.to.map_or(last, |to| to - Duration::microseconds(1)))
        }),
    };
    let step = step.unwrap_or_else(|| span.map_or(Step::DAY, |(from, to)| Step::fitting(to - from, BUCKETS)));
    let statement = figures::histogram(&asked.selection, step, by.as_deref(), &hidden)?;
    if asked.explain {
        return Ok(explained(&[statement]));
    }
    let starts = span
        .map_or(Some(Vec::new()), |(from, to)| figures::steps(&asked.selection, step, from, to, settings.steps_max));
    let starts = starts.ok_or_else(|| {
        JournalError::value(
            "step",
            format!("`{step}` makes more than {} steps (`journal.steps_max`)", settings.steps_max),
        )
    })?;
    let rows = asked.rows(&statement).await?;
    let body = json!({
        "step": step.to_string(),
        "times": starts.iter().map(|start| time(*start)).collect::<Vec<_>>(),
        "series": series(&rows, &starts, top),
        "period": period(&asked.selection, bounds),
    });
    Ok(asked.answer(&engine, body))
}

fn read_step(text: &str) -> Result<Step, ApiError> {
    Step::parse(text)
        .ok_or_else(|| JournalError::value("step", format!("`{text}` is no step; write {}", Step::FORMS)).into())
}

fn time(us: i64) -> String {
    let at = DateTime::<Utc>::from_timestamp_micros(us).unwrap_or_default();
    at.to_rfc3339_opts(chrono::SecondsFormat::AutoSi, true)
}

fn instant(value: &Value) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(value.as_str()?).ok().map(|at| at.to_utc())
}

fn span(rows: Vec<Value>) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let row = rows.first()?;
    Some((instant(row.get("first")?)?, instant(row.get("last")?)?))
}

/// Counts by series, one for each step; the series beyond `top` are one called `other`.
fn series(rows: &[Value], starts: &[i64], top: usize) -> Vec<Value> {
    let mut found: Vec<(Value, Vec<i64>)> = Vec::new();
    let mut places: std::collections::HashMap<String, usize> = std::collections::HashMap::new();
    for row in rows {
        let name = row.get("series").cloned().unwrap_or(Value::Null);
        let at = *places.entry(name.to_string()).or_insert_with(|| {
            found.push((name, vec![0; starts.len()]));
            found.len() - 1
        });
        let start = instant(&row["time"]).map(|at| at.timestamp_micros());
        if let Some(place) = start.and_then(|start| starts.binary_search(&start).ok()) {
            found[at].1[place] += integer(&row["count"]);
        }
    }
    found.sort_by_key(|(_, counts)| std::cmp::Reverse(counts.iter().sum::<i64>()));
    let rest = found.split_off(found.len().min(top));
    let mut all: Vec<Value> =
        found.into_iter().map(|(name, counts)| of_series(&json!({"value": name}), &counts)).collect();
    if !rest.is_empty() {
        let sum = |place: usize| rest.iter().map(|(_, counts)| counts[place]).sum();
        let counts: Vec<i64> = (0..starts.len()).map(sum).collect();
        all.push(of_series(&json!({"other": rest.len()}), &counts));
    }
    all
}

fn of_series(name: &Value, counts: &[i64]) -> Value {
    let mut series = name.clone();
    series["total"] = json!(counts.iter().sum::<i64>());
    series["counts"] = json!(counts);
    series
}

/// One figure of each group: `count`, `sum`, `avg`, `min`, `max`, `distinct` or a percentile, in steps of time where wanted.
#[utoipa::path(get, path = "/api/v1/aggregate", tag = "journal", operation_id = "aggregate",
    params(FigureParams, ("by" = Option<String>, Query, description = "Columns or attributes.PATH to group by, behind commas", example = "module"),
        ("metric" = Option<String>, Query, description = "`count`, `sum`, `avg`, `min`, `max`, `distinct`, `p95`, …", example = "p95"),
        ("of" = Option<String>, Query, description = "Column or attributes.PATH that the metric is of", example = "duration_ns"),
        ("step" = Option<String>, Query, description = "Steps of time: `1h`, `day`, …", example = "day")),
    responses((status = 200, body = Object), (status = 304, description = "As before, see `ETag`"),
        (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["query"])))]
pub(in crate::http) async fn aggregate(
    State(engine): State<Engine>,
    caller: Authorized<Query>,
    headers: HeaderMap,
    ApiQuery(given): ApiQuery<Vec<(String, String)>>,
) -> Result<Response, ApiError> {
    let mut given = Given(given);
    let top = given.take_count("top", 100, engine.config().journal.groups_max)?;
    let by = given.take_names("by")?;
    let metric = given.take("metric")?;
    let metric = metric.as_deref().map_or(Ok(Metric::Count), Metric::parse)?;
    let of = given.take("of")?;
    let step = given.take("step")?.map(|text| read_step(&text)).transpose()?;
    let aggregate = Aggregate { metric, of, by, step, top };
    let asked = Asked::new(&engine, caller, &headers, given, &format!("{aggregate:?}")).await?;
    if let Some(response) = asked.already(&engine) {
        return Ok(response);
    }
    let statement = aggregate.statement(&asked.selection, &asked.hidden())?;
    if asked.explain {
        return Ok(explained(&[statement]));
    }
    let rows: Vec<Value> = asked.rows(&statement).await?.into_iter().map(|row| named(row, &aggregate.by)).collect();
    let body = json!({"rows": rows, "period": period(&asked.selection, asked.selection.bounds()?)});
    Ok(asked.answer(&engine, body))
}

/// A row with its groups under their names.
fn named(row: Value, by: &[String]) -> Value {
    let mut named = Map::new();
    if let Some(time) = row.get("time") {
        named.insert("time".into(), time.clone());
    }
    for (at, name) in by.iter().enumerate() {
        named.insert(name.clone(), row.get(format!("g{}", at + 1)).cloned().unwrap_or(Value::Null));
    }
    named.insert("value".into(), row.get("value").cloned().unwrap_or(Value::Null));
    Value::Object(named)
}
