//! `/api/v1/jobs`: what the engine does by itself or was told to: flush, compaction, import, erasure, ….

use axum::Json;
use axum::extract::State as Held;
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::caller::{Admin, Authorized, Ingest};
use super::extract::{ApiJson, ApiPath, ApiQuery};
use super::problem::{ApiError, Problem};
use crate::engine::Engine;
use crate::engine::jobs::{ImportReport, JobInfo, Kind, NewImport, State};
use crate::error::Kind as ErrorKind;

/// Most jobs of an answer.
const LIMIT_MAX: usize = 1_000;

/// Which jobs.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Wanted {
    /// Of this kind.
    kind: Option<Kind>,
    /// In this state.
    state: Option<State>,
    /// Most jobs, 1 to 1000; default 100.
    limit: Option<usize>,
}

/// Jobs, those that began last first.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobList {
    jobs: Vec<JobInfo>,
}

/// The engine's own jobs, those that began last first; with the header Kronika-Project only that project's.
///
/// What ended is kept, so many jobs of each kind (`jobs.history_max`), also over a restart.
#[utoipa::path(get, path = "/api/v1/jobs", tag = "operation", operation_id = "list_jobs", params(Wanted),
    responses((status = 200, body = JobList), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn list_jobs(
    Held(engine): Held<Engine>,
    caller: Authorized<Admin>,
    ApiQuery(wanted): ApiQuery<Wanted>,
) -> Result<Json<JobList>, ApiError> {
    let limit = wanted.limit.unwrap_or(100);
    if !(1..=LIMIT_MAX).contains(&limit) {
        let detail = format!("`limit` is a number from 1 to {LIMIT_MAX}, not {limit}");
        return Err(ApiError::new(ErrorKind::Invalid, "invalid_parameter", detail));
    }
    if let Some(project) = caller.chosen() {
        engine.existing(project)?;
    }
    let mut jobs = engine.jobs().list();
    jobs.retain(|job| {
        caller.chosen().is_none_or(|project| job.project.as_ref() == Some(project))
            && wanted.kind.is_none_or(|kind| job.kind == kind)
            && wanted.state.is_none_or(|state| job.state == state)
    });
    jobs.truncate(limit);
    Ok(Json(JobList { jobs }))
}

/// One job.
#[utoipa::path(get, path = "/api/v1/jobs/{id}", tag = "operation", operation_id = "get_job", params(("id" = String, Path)),
    responses((status = 200, body = JobInfo), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn get_job(
    Held(engine): Held<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
) -> Result<Json<JobInfo>, ApiError> {
    Ok(Json(engine.jobs().get(&id)?))
}

/// Asks a job to end; what it did so far stays. It ends within moments: its `state` says when.
#[utoipa::path(post, path = "/api/v1/jobs/{id}/cancel", tag = "operation", operation_id = "cancel_job",
    params(("id" = String, Path)),
    responses((status = 202, body = JobInfo), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn cancel_job(
    Held(engine): Held<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(id): ApiPath<String>,
) -> Result<(StatusCode, Json<JobInfo>), ApiError> {
    Ok((StatusCode::ACCEPTED, Json(engine.cancel_job(&id)?)))
}

/// Says that files of events are about to be sent: from here on the import is a job that is seen and can be canceled.
///
/// The events themselves go to POST /api/v1/events as ever; `kronika import` does both.
#[utoipa::path(post, path = "/api/v1/imports", tag = "ingest", operation_id = "begin_import", request_body = NewImport,
    responses((status = 201, body = JobInfo), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["ingest"])))]
pub(super) async fn begin_import(
    Held(engine): Held<Engine>,
    caller: Authorized<Ingest>,
    ApiJson(new): ApiJson<NewImport>,
) -> Result<(StatusCode, Json<JobInfo>), ApiError> {
    Ok((StatusCode::CREATED, Json(engine.begin_import(&caller.caller, &caller.project(), &new)?)))
}

/// Says how far an import is, or how it ended. The answer's `state` says `canceled` where it should end.
#[utoipa::path(post, path = "/api/v1/imports/{id}", tag = "ingest", operation_id = "report_import",
    params(("id" = String, Path)), request_body = ImportReport,
    responses((status = 200, body = JobInfo), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["ingest"])))]
pub(super) async fn report_import(
    Held(engine): Held<Engine>,
    caller: Authorized<Ingest>,
    ApiPath(id): ApiPath<String>,
    ApiJson(report): ApiJson<ImportReport>,
) -> Result<Json<JobInfo>, ApiError> {
    Ok(Json(engine.report_import(&caller.caller, &caller.project(), &id, report)?))
}
