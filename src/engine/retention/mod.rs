//! How long events stay, in one data directory: the state of policies, holds and erasures, and their jobs.
//!
//! ```text
//! retention.json  policies by project, and when the clock was last known to be right
//! holds.json      legal holds, lifted ones included
//! erasures.json   erasures; of those that have not ended with the value (0600)
//! ```
//!
//! * `sweep`: old partitions go. `holds`: placing and lifting. `clock`: whether the time can be believed.
//! * `erasures`: the list; `erase`: the way of one; `rows`, `log`, `places`, `proof`: its stages.
//!
//! # Invariants
//! * What a hold covers does not go from the moment at which placing it was answered: commits that let events go,
//!   and the placing of holds, exclude one another.

mod clock;
mod erase;
mod erasures;
mod holds;
mod log;
mod places;
mod proof;
mod rows;
mod sweep;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SecondsFormat, Utc};
use futures::FutureExt;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::directory::{Directory, read_json, write_json};
use super::{Engine, EngineError, Inner, now_us};
use crate::event::names::ProjectName;
use crate::retention::{Hold, Policy, RetentionError, Rules};
use clock::Watch;
use erasures::Erasures;

/// How often erasures that could not go on are tried again.
const ERASE_EVERY: Duration = Duration::from_secs(5);

/// Policies, holds, erasures.
pub(super) struct Retention {
    path: PathBuf,
    kept: Mutex<Kept>,
    holds_path: PathBuf,
    holds: Mutex<Vec<Hold>>,
    pub(super) erasures: Erasures,
    watch: Watch,
    /// Held while events are let go, and while a hold is placed.
    committing: tokio::sync::Mutex<()>,
    /// The refusals of sweeps that were told last, by project: each is told once.
    told: Mutex<BTreeMap<ProjectName, String>>,
    /// When the engine was opened: half-written files of before are nobody's.
    opened: DateTime<Utc>,
}

/// `retention.json`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
struct Kept {
    policies: BTreeMap<ProjectName, Policy>,
    /// When the clock was last known to be right, µs since 1970.
    trusted_us: i64,
}

impl Retention {
    /// Reads what is kept in `directory`; `newest_us` is when the newest known event came in.
    pub(super) fn open(directory: &Directory, newest_us: i64) -> Result<Self, EngineError> {
        let (path, holds_path) = (directory.part("retention.json"), directory.part("holds.json"));
        let kept: Kept = read_json(&path)?.unwrap_or_default();
        let holds = Mutex::new(read_json(&holds_path)?.unwrap_or_default());
        let watch = Watch::new(newest_us.max(kept.trusted_us));
        let erasures = Erasures::open(directory.part("erasures.json"))?;
        let opened = DateTime::from_timestamp_micros(now_us()).unwrap_or_default();
        let (committing, told) = (tokio::sync::Mutex::default(), Mutex::default());
        Ok(Self { path, kept: Mutex::new(kept), holds_path, holds, erasures, watch, committing, told, opened })
    }

    fn change(&self, change: impl FnOnce(&mut Kept)) -> Result<(), EngineError> {
        let mut kept = self.kept.lock();
        let mut next = kept.clone();
        change(&mut next);
        write_json(&self.path, &next)?;
        *kept = next;
        Ok(())
    }

    fn policy(&self, project: &ProjectName) -> Policy {
        self.kept.lock().policies.get(project).cloned().unwrap_or_default()
    }

    /// Forgets a project that is deleted; holds on record stay, as what they were.
    pub(super) fn forget(&self, project: &ProjectName) -> Result<(), EngineError> {
        if self.kept.lock().policies.contains_key(project) {
            self.change(|kept| drop(kept.policies.remove(project)))?;
        }
        self.erasures.cancel_all(project)
    }
}

/// Starts the jobs.
pub(super) fn start(engine: &Arc<Inner>) {
    let due = Arc::clone(engine);
    let interval = engine.shared.config.retention.interval.0;
    engine.tasks.start_on(engine.compactors.handle(), "retention", interval, Arc::new(Notify::new()), move || {
        let engine = Arc::clone(&due);
        async move { engine.sweep().await.map_err(|error| error.to_string()) }.boxed()
    });
    let (due, nudge) = (Arc::clone(engine), engine.retention.erasures.nudge());
    engine.tasks.start_on(engine.compactors.handle(), "erasure", ERASE_EVERY, nudge, move || {
        let engine = Arc::clone(&due);
        async move { engine.erase_due().await.map_err(|error| error.to_string()) }.boxed()
    });
}

/// Now, as records have it.
fn instant() -> String {
    let now = DateTime::<Utc>::from_timestamp_micros(now_us()).unwrap_or_default();
    now.to_rfc3339_opts(SecondsFormat::Millis, true)
}

impl Inner {
    fn rules(&self, project: &ProjectName) -> Rules {
        let settings = &self.shared.config.retention;
        if project.is_audit() {
            // A part of a day more is kept, never less.
            let days = self.shared.config.audit.retention.0.as_secs().div_ceil(86_400);
            return Rules::new(Policy::default(), u32::try_from(days).unwrap_or(u32::MAX), 0);
        }
        Rules::new(self.retention.policy(project), settings.default_days, settings.floor_days)
    }
}

impl Engine {
    /// The policies of all projects but `_audit`; one that says nothing is empty.
    #[must_use]
    pub fn policies(&self) -> Vec<(ProjectName, Policy)> {
        self.projects().into_iter().map(|name| (name.clone(), self.0.retention.policy(&name))).collect()
    }

    /// The policy of a project, and what comes of it.
    ///
    /// # Errors
    /// No such project.
    pub fn policy(&self, project: &ProjectName) -> Result<(Policy, Rules), EngineError> {
        let project = self.existing(project)?;
        Ok((self.0.retention.policy(&project), self.0.rules(&project)))
    }

    /// Gives a project another policy; an empty one leaves it to the settings.
    ///
    /// # Errors
    /// No such project, `_audit`, a policy below the floor, a file that cannot be written.
    pub fn set_policy(&self, project: &ProjectName, policy: Policy) -> Result<(), EngineError> {
        let project = self.existing(project)?;
        if project.is_audit() {
            return Err(RetentionError::AuditPolicy.into());
        }
        policy.check(self.0.shared.config.retention.floor_days)?;
        self.0.retention.change(|kept| {
            if policy.is_empty() {
                kept.policies.remove(&project);
            } else {
                kept.policies.insert(project, policy);
            }
        })
    }
}

#[cfg(test)]
mod tests;
