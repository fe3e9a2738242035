//! `/api/v1/retention`: how long events are kept, what would go, and letting it go.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::caller::{Admin, Authorized};
use super::extract::{ApiJson, ApiPath};
use super::problem::{ApiError, Problem};
use super::projects::project_name;
use crate::engine::Engine;
use crate::event::names::ProjectName;
use crate::retention::{Plan, Policy, Rules};

/// How long events of a project are kept.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct RetentionAnswer {
    /// The project.
    project: String,
    /// What it says itself.
    policy: Policy,
    /// What comes of it, with the server's default and floor: `forever`, or days such as `90d`.
    #[schema(example = "400d")]
    keep: String,
    /// The same for the modules that it names.
    modules: BTreeMap<String, String>,
    /// Least days that a policy may say.
    floor_days: u32,
}

fn answer(engine: &Engine, project: &ProjectName, (policy, rules): (Policy, Rules)) -> RetentionAnswer {
    let module =
        |name: &String| (name.clone(), rules.keep(Some(name.as_str()).filter(|name| !name.is_empty())).to_string());
    RetentionAnswer {
        project: project.to_string(),
        keep: rules.project().to_string(),
        modules: policy.modules.keys().map(module).collect(),
        floor_days: engine.config().retention.floor_days,
        policy,
    }
}

/// How long events are kept, in all projects.
#[utoipa::path(get, path = "/api/v1/retention", tag = "retention", operation_id = "list_retention",
    responses((status = 200, body = Vec<RetentionAnswer>), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn list_retention(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
) -> Json<Vec<RetentionAnswer>> {
    let all = engine.policies().into_iter();
    // One that is deleted meanwhile has none.
    Json(all.filter_map(|(name, _)| Some(answer(&engine, &name, engine.policy(&name).ok()?))).collect())
}

/// How long events of a project are kept.
#[utoipa::path(get, path = "/api/v1/retention/{project}", tag = "retention", operation_id = "get_retention", params(("project" = String, Path)),
    responses((status = 200, body = RetentionAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn get_retention(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(project): ApiPath<String>,
) -> Result<Json<RetentionAnswer>, ApiError> {
    let project = project_name(&project)?;
    Ok(Json(answer(&engine, &project, engine.policy(&project)?)))
}

/// Gives a project another policy; an empty one leaves it to the server's settings. Nothing goes before the next sweep.
#[utoipa::path(put, path = "/api/v1/retention/{project}", tag = "retention", operation_id = "set_retention", params(("project" = String, Path)),
    request_body = Policy,
    responses((status = 200, body = RetentionAnswer), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn set_retention(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath(project): ApiPath<String>,
    ApiJson(policy): ApiJson<Policy>,
) -> Result<Json<RetentionAnswer>, ApiError> {
    let project = project_name(&project)?;
    let (before, _) = engine.policy(&project)?;
    engine.set_policy(&project, policy.clone())?;
    let object = |policy: &Policy| json!({"name": project, "retention": policy});
    caller.trail.changes(object(&before), object(&policy));
    Ok(Json(answer(&engine, &project, engine.policy(&project)?)))
}

/// Dry run: what a sweep would let go now. Events that are in no file yet are not among them.
#[utoipa::path(get, path = "/api/v1/retention/{project}/plan", tag = "retention", operation_id = "plan_retention", params(("project" = String, Path)),
    responses((status = 200, body = Plan), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn plan_retention(
    State(engine): State<Engine>,
    _caller: Authorized<Admin>,
    ApiPath(project): ApiPath<String>,
) -> Result<Json<Plan>, ApiError> {
    Ok(Json(engine.retention_plan(&project_name(&project)?).await?))
}

/// Confirms what a dry run said.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct RunBody {
    /// The `plan` of a dry run: exactly that goes, whatever the clock or the share says.
    confirm: Option<String>,
}

/// Lets go what is too old in a project now, and answers what it was. Bytes are freed after `compaction.keep_replaced`.
#[utoipa::path(post, path = "/api/v1/retention/{project}/run", tag = "retention", operation_id = "run_retention", params(("project" = String, Path)),
    request_body = RunBody,
    responses((status = 200, body = Plan), (status = "4XX", body = Problem, content_type = "application/problem+json")),
    security(("key" = ["admin"])))]
pub(super) async fn run_retention(
    State(engine): State<Engine>,
    caller: Authorized<Admin>,
    ApiPath(project): ApiPath<String>,
    ApiJson(body): ApiJson<RunBody>,
) -> Result<Json<Plan>, ApiError> {
    let project = project_name(&project)?;
    let plan = engine.retention_run(&project, body.confirm.as_deref()).await?;
    caller.trail.changes(json!({"name": project, "plan": plan.plan, "events": plan.rows}), json!(null));
    Ok(Json(plan))
}
