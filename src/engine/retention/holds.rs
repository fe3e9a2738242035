//! Placing and lifting legal holds.

use uuid::Uuid;

use super::{Retention, instant};
use crate::engine::directory::write_json;
use crate::engine::{Engine, EngineError, Inner};
use crate::event::names::ProjectName;
use crate::retention::{Hold, Lifted, Needle, NewHold, RetentionError};

impl Retention {
    /// Holds of a project that are in force.
    pub(super) fn in_force(&self, project: &ProjectName) -> Vec<Hold> {
        self.holds.lock().iter().filter(|hold| hold.holds(project)).cloned().collect()
    }

    /// How many holds are in force.
    pub(in crate::engine) fn holds_in_force(&self) -> usize {
        self.holds.lock().iter().filter(|hold| hold.lifted.is_none()).count()
    }

    /// Replaces a value in holds of a project that were lifted; one in force keeps what it is about.
    pub(super) fn blank_holds(&self, project: &ProjectName, needle: &Needle) -> Result<(), EngineError> {
        self.change_holds(|holds| {
            for hold in holds.iter_mut().filter(|hold| hold.what.project == *project && hold.lifted.is_some()) {
                for text in [&mut hold.what.object, &mut hold.what.actor].into_iter().flatten() {
                    *text = needle.blank(text).unwrap_or_else(|| std::mem::take(text));
                }
                let reasons = hold.lifted.iter_mut().map(|lifted| &mut lifted.reason).chain([&mut hold.what.reason]);
                for reason in reasons {
                    *reason = needle.blank(reason).unwrap_or_else(|| std::mem::take(reason));
                }
            }
            Ok(())
        })
    }

    fn change_holds<T>(
        &self,
        change: impl FnOnce(&mut Vec<Hold>) -> Result<T, RetentionError>,
    ) -> Result<T, EngineError> {
        let mut holds = self.holds.lock();
        let mut next = holds.clone();
        let done = change(&mut next)?;
        write_json(&self.holds_path, &next)?;
        *holds = next;
        Ok(done)
    }
}

impl Inner {
    /// Refuses to delete a project of which events are held.
    pub(in crate::engine) fn check_deletable(&self, project: &ProjectName) -> Result<(), EngineError> {
        let held: Vec<String> = self.retention.in_force(project).into_iter().map(|hold| hold.id).collect();
        if held.is_empty() {
            return Ok(());
        }
        let what = format!("the project `{project}` has events");
        Err(RetentionError::Held { what, holds: held.join(", ") }.into())
    }
}

impl Engine {
    /// All holds, the newest first; of one project where it is named.
    #[must_use]
    pub fn holds(&self, project: Option<&ProjectName>) -> Vec<Hold> {
        let holds = self.0.retention.holds.lock();
        holds.iter().rev().filter(|hold| project.is_none_or(|name| hold.what.project == *name)).cloned().collect()
    }

    /// One hold.
    ///
    /// # Errors
    /// There is none of this id.
    pub fn hold(&self, id: &str) -> Result<Hold, EngineError> {
        let found = self.0.retention.holds.lock().iter().find(|hold| hold.id == id).cloned();
        found.ok_or_else(|| RetentionError::UnknownHold(id.to_owned()).into())
    }

    /// Places a hold; from the moment at which this returns, nothing that it covers goes.
    ///
    /// # Errors
    /// No such project, a hold that cannot be, a file that cannot be written.
    pub async fn place_hold(&self, new: NewHold, by: &str) -> Result<Hold, EngineError> {
        new.check()?;
        let _changing = self.0.projects.changing().await;
        self.existing(&new.project)?;
        let _committing = self.0.retention.committing.lock().await;
        let (id, placed_by) = (format!("hold_{}", Uuid::now_v7().simple()), by.to_owned());
        let hold = Hold { id, what: new, placed_by, placed_at: instant(), lifted: None };
        self.0.retention.change_holds(|holds| {
            holds.push(hold.clone());
            Ok(())
        })?;
        Ok(hold)
    }

    /// Lifts a hold: what it covered goes with the next sweep, where a policy says so.
    ///
    /// # Errors
    /// There is none, it is lifted already, a reason that cannot be, a file that cannot be written.
    pub fn lift_hold(&self, id: &str, reason: String, by: &str) -> Result<Hold, EngineError> {
        let lifted = Lifted { by: by.to_owned(), at: instant(), reason };
        let hold = self.0.retention.change_holds(|holds| {
            let hold = holds.iter_mut().find(|hold| hold.id == id);
            let hold = hold.ok_or_else(|| RetentionError::UnknownHold(id.to_owned()))?;
            hold.lift(lifted)?;
            Ok(hold.clone())
        })?;
        self.0.retention.erasures.nudge().notify_one();
        Ok(hold)
    }
}
