//! Old partitions go: looked for now and then, or because an admin says so.
//!
//! ```text
//! version ─▶ what the policy lets go ─▶ less what holds keep ─▶ brakes (clock, share) ─▶ one commit ─▶ vacuum
//! ```

use std::collections::HashSet;
use std::sync::Arc;

use crate::engine::audit::AuditEvent;
use crate::engine::project::Project;
use crate::engine::{Engine, EngineError, Inner, Removed, jobs, now_us};
use crate::event::names::ProjectName;
use crate::retention::{HeldRows, Hold, Plan, RetentionError, Selected};
use crate::table::{RowEdit, TableVersion};

/// Who lets events go.
#[derive(Debug, Clone, Copy)]
enum By<'a> {
    /// The job.
    Job,
    /// An admin, who may confirm a plan.
    Call(Option<&'a str>),
}

impl Inner {
    /// Lets go what is too old, in all projects. One that is refused is told of once, and the others go on.
    pub(in crate::engine) async fn sweep(self: &Arc<Self>) -> Result<(), EngineError> {
        let mut failed = Ok(());
        for project in self.projects.all() {
            if self.shared.ending.is_cancelled() {
                break;
            }
            match self.retire(&project, By::Job).await {
                Ok(_) => drop(self.retention.told.lock().remove(&project.name)),
                Err(EngineError::Retention(refused)) => self.tell_refused(&project.name, &refused).await,
                Err(error) => failed = Err(error),
            }
        }
        if self.clock_problem().is_none() {
            self.retention.change(|kept| kept.trusted_us = now_us())?;
        }
        failed
    }

    async fn tell_refused(self: &Arc<Self>, project: &ProjectName, refused: &RetentionError) {
        self.shared.counters.retention_refused(project);
        let text = refused.to_string();
        if self.retention.told.lock().insert(project.clone(), text.clone()) == Some(text.clone()) {
            return;
        }
        tracing::warn!(%project, reason = text, "old events do not go");
        let event = AuditEvent::new("retention", "retention.refused", "delete").by_the_server();
        let event = event.with("tenant_id", project.as_str()).with("object_type", "project");
        let event = event.with("object_id", project.as_str()).with("outcome", "failure").with("message", text);
        self.record_or_queue(event).await;
    }

    /// What a sweep of the project would let go now.
    async fn plan_of(&self, project: &Project) -> Result<(Plan, Selected), EngineError> {
        let (rules, holds) = (self.rules(&project.name), self.retention.in_force(&project.name));
        let version = project.table.current();
        let mut selected = Selected::of(&version, &rules, &holds, now_us());
        for partition in std::mem::take(&mut selected.unsure) {
            let of = TableVersion { version: version.version, files: partition.files.clone() };
            let mut keeping = Vec::new();
            for hold in &holds {
                if self.holds_rows(project, &of, hold).await? {
                    keeping.push(hold.id.clone());
                }
            }
            selected.settle(partition, keeping);
        }
        let mut plan = selected.plan(&project.name, &version, &rules, self.shared.config.retention.share_max);
        plan.clock = self.clock_problem().filter(|_| plan.partitions > 0);
        plan.needs_confirmation |= plan.clock.is_some();
        Ok((plan, selected))
    }

    /// Whether a hold covers a row of these files; reads no further than to the first.
    async fn holds_rows(&self, project: &Project, files: &TableVersion, hold: &Hold) -> Result<bool, EngineError> {
        let edit: Arc<dyn RowEdit> = Arc::new(HeldRows::new([hold]));
        let judged = project.table.judge(files, &edit, |of| of.judged.held == 0).await?;
        Ok(judged.last().is_some_and(|last| last.judged.held > 0))
    }

    /// Lets go what is too old in one project; what it was.
    async fn retire(self: &Arc<Self>, project: &Arc<Project>, by: By<'_>) -> Result<Plan, EngineError> {
        if matches!(by, By::Job) && self.rules(&project.name).is_forever() {
            return Ok(Plan::default());
        }
        let plan = {
            // The files that are looked at are those that go. No hold waits for a compaction: this lock is the first.
            let _compacting = project.compacting.lock().await;
            let _committing = self.retention.committing.lock().await;
            let (plan, selected) = self.plan_of(project).await?;
            check(&plan, by, project.name.is_audit(), self.shared.config.retention.share_max)?;
            let going: HashSet<String> =
                selected.going.iter().flat_map(|of| &of.files).map(|file| file.path.clone()).collect();
            if going.is_empty() || project.intake.lock().is_closed() {
                return Ok(plan);
            }
            let what = format!("{} days of modules", plan.partitions);
            let job = self.jobs.begin(jobs::Kind::Retention, &project.name, &what)?;
            project.ledger.removing(Removed::Retained)?;
            let swap = |version| project.swap_smaller(version, Removed::Retained);
            let expired = project.table.expire(|file| going.contains(&file.path), swap).await;
            self.runtime.forget_files(project.table.root(), &project.snapshot_version());
            job.finish_with(&expired);
            let report = expired?;
            Plan { rows: report.rows, files: report.files, bytes: report.bytes, ..plan }
        };
        if let By::Call(Some(_)) = by {
            self.retention.change(|kept| kept.trusted_us = now_us())?;
        }
        self.shared.counters.retained_away(&project.name, plan.rows);
        self.tell_retired(&plan, by).await;
        // Also where no compaction is scheduled, which does it otherwise.
        self.vacuum_project(project).await?;
        Ok(plan)
    }

    async fn tell_retired(self: &Arc<Self>, plan: &Plan, by: By<'_>) {
        let event = AuditEvent::new("retention", "retention.run", "delete").by_the_server();
        let event = event.with("tenant_id", plan.project.clone()).with("outcome", "success");
        let event = event.with("object_type", "project").with("object_id", plan.project.clone());
        let event = event.attribute("partitions", plan.partitions).attribute("files", plan.files);
        let event = event.attribute("events", plan.rows).attribute("bytes", plan.bytes);
        let event = event.attribute("oldest", plan.oldest.clone()).attribute("newest", plan.newest.clone());
        let event = event.attribute("held_events", plan.held.rows).attribute("plan", plan.plan.clone());
        self.record_or_queue(event.attribute("by", if matches!(by, By::Job) { "job" } else { "call" })).await;
    }
}

/// The brakes: an admin can confirm exactly the plan that was shown.
fn check(plan: &Plan, by: By<'_>, is_audit: bool, share_max: u64) -> Result<(), RetentionError> {
    match by {
        By::Call(Some(confirmed)) if confirmed == plan.plan => return Ok(()),
        By::Call(Some(_)) => return Err(RetentionError::PlanChanged { plan: plan.plan.clone() }),
        By::Call(None) | By::Job => {}
    }
    if let Some(problem) = &plan.clock {
        return Err(RetentionError::Clock(problem.clone()));
    }
    // The audit journal goes by the settings alone, which cannot be set below 90 days.
    if plan.percent > share_max && !is_audit {
        return Err(RetentionError::Share { percent: plan.percent, share_max, plan: plan.plan.clone() });
    }
    Ok(())
}

impl Engine {
    /// What a sweep of the project would let go now; events that are not in the table yet are not among them.
    ///
    /// # Errors
    /// No such project, or a file that cannot be read.
    pub async fn retention_plan(&self, project: &ProjectName) -> Result<Plan, EngineError> {
        Ok(self.0.plan_of(&*self.0.project(project)?).await?.0)
    }

    /// Lets go what is too old in a project; `confirm` is the plan that was looked at.
    ///
    /// # Errors
    /// No such project; more would go than without confirmation, the clock looks wrong, or another plan was confirmed.
    pub async fn retention_run(&self, project: &ProjectName, confirm: Option<&str>) -> Result<Plan, EngineError> {
        let (engine, project) = (Arc::clone(&self.0), self.0.project(project)?);
        let confirm = confirm.map(str::to_owned);
        self.0.compactors.finish(async move { engine.retire(&project, By::Call(confirm.as_deref())).await }).await
    }
}

impl Inner {
    /// A project that is open.
    pub(in crate::engine) fn project(&self, name: &ProjectName) -> Result<Arc<Project>, EngineError> {
        self.projects.get(name).ok_or_else(|| EngineError::UnknownProject(name.clone()))
    }
}
