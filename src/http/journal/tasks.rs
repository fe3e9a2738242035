//! `/api/v1/tasks`: background tasks, one row each, and one of them with all its reports.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chrono::Utc;
use serde_json::{Value, json};

use super::run::{Asking, cursor_of, cursor_to, cut, event_columns};
use super::{Given, explained};
use crate::engine::Engine;
use crate::engine::jobs::{JobInfo, Kind};
use crate::http::caller::{Authorized, Query};
use crate::http::extract::{ApiPath, ApiQuery};
use crate::http::problem::{ApiError, Problem};
use crate::journal::Statement;
use crate::journal::lookup::{LookupError, Narrow, one_place};
use crate::journal::objects::Moment;
use crate::journal::rows::{Row, int, text};
use crate::journal::tasks::{self, After, OWN_SOURCE, OwnTask, Wanted};

/// Most tasks of one page.
const PAGE_MAX: usize = 1_000;

/// Background tasks, one row each in its present state, those with the latest report first.
///
/// Filters are on the present state: `task_type`, `task_status`, `status`, `source`, `module`, `object_id`, … in all
/// forms that lists know (`task_status!=done`, `task_type^=CAMPAIGN`); a period is of the last report. `as_of` gives the
/// state of any moment. The engine's own jobs of the project (flush, compaction, import, …) are tasks of the source
/// `kronika`; a key that does not show all of a project does not show them.
#[utoipa::path(get, path = "/api/v1/tasks", tag = "journal", operation_id = "query_tasks",
    params(("task_type" = Option<String>, Query, description = "Kind of task; repeat for more"),
        ("task_status" = Option<String>, Query, description = "`enqueued`, `in_progress`, `done`, `failed`, `canceled`"),
        ("source" = Option<String>, Query, description = "Source system"),
        ("as_of" = Option<String>, Query, description = "The moment whose state is asked for; default: now"),
        ("limit" = Option<usize>, Query, description = "Tasks of a page, 1 to 1000; default 100"),
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
    let as_of = given.take("as_of")?;
    let as_of = as_of.map(|text| Moment::read("as_of", Some(&text), Utc::now())).transpose()?;
    let mut ask = Statement::default();
    let mut selection = given.selection()?;
    // Tasks are told whatever shows their events.
    selection.of_object = true;
    tasks::check(&selection)?;
    let after = cursor.as_ref().map(|cursor| After {
        time_us: cursor["time_us"].as_i64().unwrap_or(i64::MIN),
        place: cursor["place"].as_str().unwrap_or_default().to_owned(),
    });
    // All pages of a list are of one moment.
    let moment = cursor.as_ref().and_then(|cursor| cursor["as_of"].as_i64());
    let now_us = moment.unwrap_or_else(|| Utc::now().timestamp_micros());
    let as_of_us = as_of.map(|moment| moment.us).or(moment);
    let asking = Asking::begin(&engine, &caller).await?;
    let condition = Some(ask.condition(&selection, &asking.hidden)?);
    let own = own_tasks(&engine, &caller, as_of_us.unwrap_or(now_us), |_| true);
    let wanted = Wanted { condition, of_events: None, as_of_us, after, limit: limit + 1, own };
    let ask = tasks::statement(ask, &wanted, &asking.hidden, now_us);
    if explain {
        return Ok(explained(&[ask]));
    }
    let reader = asking.reader();
    let mut rows = reader.all(&ask).await?;
    let more = cut(&mut rows, limit);
    let next = rows.last().filter(|_| more).map(|last| {
        cursor_of(&json!({"time_us": int(last, "time_us"), "place": text(last, "place"), "as_of": as_of_us.unwrap_or(now_us)}))
    });
    tasks::add_starters(&reader, &mut rows, &asking.hidden).await?;
    rows.iter_mut().for_each(shown);
    Ok(Json(json!({"tasks": rows, "next": next})).into_response())
}

/// The engine's own jobs in the caller's project at a moment; none for a key that does not show all of it.
fn own_tasks(
    engine: &Engine,
    caller: &Authorized<Query>,
    moment_us: i64,
    wanted: impl Fn(&JobInfo) -> bool,
) -> Vec<OwnTask> {
    let project = caller.project();
    if caller.caller.reader(&project).restriction.is_some() {
        return Vec::new();
    }
    let mut jobs = engine.jobs().list();
    // An export tells of itself in events.
    jobs.retain(|job| job.project.as_ref() == Some(&project) && job.kind != Kind::Export && wanted(job));
    let task = |job: JobInfo| OwnTask {
        id: job.id,
        kind: job.kind.as_str().to_owned(),
        status: job.state.as_str(),
        subject: job.subject,
        done: job.done,
        total: job.total,
        started_us: job.started_us,
        ended_us: job.ended_us,
        error: job.error,
        result: job.result.map(|result| result.to_string()),
    };
    jobs.into_iter().filter_map(|job| task(job).as_of(moment_us)).collect()
}

/// A task without what only pages need, its result as JSON.
fn shown(task: &mut Row) {
    task.remove("time_us");
    task.remove("place");
    if let Some(time) = task.remove("event_time") {
        task.insert("updated_at".into(), time);
    }
    if let Some(result) =
        text(task, "task_result").and_then(|text| serde_json::value::RawValue::from_string(text.to_owned()).ok())
        && let Ok(result) = serde_json::from_str::<Value>(result.get())
    {
        task.insert("task_result".into(), result);
    }
}

/// One background task: its state, all its reports in order, and the events that belong to it.
#[utoipa::path(get, path = "/api/v1/tasks/{id}", tag = "journal", operation_id = "query_task",
    params(("id" = String, Path),
        ("source" = Option<String>, Query, description = "Source system, where several have the id"),
        ("tenant_id" = Option<String>, Query, description = "Account inside of it"),
        ("as_of" = Option<String>, Query, description = "The moment whose state is asked for; default: now"),
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
    let as_of = given.take("as_of")?.map(|text| Moment::read("as_of", Some(&text), Utc::now())).transpose()?;
    given.finish(&["source", "tenant_id", "as_of", "explain"])?;
    let asking = Asking::begin(&engine, &caller).await?;
    let mut ask = Statement::default();
    let of_events = format!("task_id = {}{}", ask.value("id", id.as_str()), narrow.condition(&mut ask));
    let (as_of_us, now_us) = (as_of.map(|at| at.us), Utc::now().timestamp_micros());
    let is_meant = narrow.tenant_id.is_none() && narrow.source.as_deref().is_none_or(|source| source == OWN_SOURCE);
    let own = own_tasks(&engine, &caller, as_of_us.unwrap_or(now_us), |job| is_meant && job.id == id);
    let wanted = Wanted { of_events: Some(of_events), as_of_us, limit: 10, own, ..Wanted::default() };
    let ask = tasks::statement(ask, &wanted, &asking.hidden, now_us);
    if explain {
        return Ok(explained(&[ask]));
    }
    let reader = asking.reader();
    let rows = reader.all(&ask).await?;
    let found =
        one_place(&id, &rows, &["tenant_id", "source"])?.cloned().ok_or_else(|| LookupError::NoTask(id.clone()))?;
    let mut found = vec![found];
    tasks::add_starters(&reader, &mut found, &asking.hidden).await?;
    let columns = event_columns(&asking.hidden);
    let place = Narrow {
        tenant_id: text(&found[0], "tenant_id").map(str::to_owned),
        source: text(&found[0], "source").map(str::to_owned),
        dataset: None,
    };
    let mut timeline = reader.events(&tasks::timeline_statement(&id, &place, &columns)).await?;
    let more = cut(&mut timeline, tasks::EVENTS_MAX);
    let mut related = reader.events(&tasks::related_statement(&found[0], &columns)).await?;
    let more_related = cut(&mut related, tasks::EVENTS_MAX);
    found.iter_mut().for_each(shown);
    let task = found.pop();
    let answer =
        json!({"task": task, "timeline": timeline, "more": more, "related": related, "more_related": more_related});
    Ok(Json(answer).into_response())
}
