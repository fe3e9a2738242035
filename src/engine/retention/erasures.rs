//! The list of erasures: kept in `erasures.json`, replaced as a whole, readable by its owner only.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;
use uuid::Uuid;

use super::instant;
use crate::engine::directory::{read_json, write_json};
use crate::engine::jobs::{Job, Jobs, Kind, Outcome};
use crate::engine::{Engine, EngineError, Inner};
use crate::event::names::ProjectName;
use crate::retention::{
    Counts, Eraser, Erasure, HeldRows, Needle, NewErasure, Preview, RetentionError, Stage, Subject,
};
use crate::table::{Judged, RowEdit};

/// Erasures that have ended and are still listed; `_audit` has all of them.
const ENDED_MAX: usize = 10_000;
/// What takes the place of an erased value.
pub(super) const BLANK: &str = "[erased]";

/// All erasures.
pub(in crate::engine) struct Erasures {
    path: PathBuf,
    all: Mutex<Vec<Erasure>>,
    /// What the list of jobs shows of those that have begun, by their ids.
    jobs: Mutex<BTreeMap<String, Job>>,
    nudge: Arc<Notify>,
}

impl Erasures {
    pub(super) fn open(path: PathBuf) -> Result<Self, EngineError> {
        let all = Mutex::new(read_json(&path)?.unwrap_or_default());
        Ok(Self { path, all, jobs: Mutex::default(), nudge: Arc::default() })
    }

    /// Wakes the job.
    pub(super) fn nudge(&self) -> Arc<Notify> {
        Arc::clone(&self.nudge)
    }

    /// Those that have not ended.
    pub(in crate::engine) fn waiting(&self) -> usize {
        self.all.lock().iter().filter(|erasure| !erasure.has_ended()).count()
    }

    /// Those that have not ended, the oldest first.
    pub(super) fn due(&self) -> Vec<Erasure> {
        self.all.lock().iter().filter(|erasure| !erasure.has_ended()).cloned().collect()
    }

    pub(super) fn get(&self, id: &str) -> Result<Erasure, RetentionError> {
        let found = self.all.lock().iter().find(|erasure| erasure.id == id).cloned();
        found.ok_or_else(|| RetentionError::UnknownErasure(id.to_owned()))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Vec<Erasure>) -> Result<T, RetentionError>) -> Result<T, EngineError> {
        let mut all = self.all.lock();
        let mut next = all.clone();
        let done = change(&mut next)?;
        if next != *all {
            write_json(&self.path, &next)?;
            *all = next;
        }
        Ok(done)
    }

    fn add(&self, erasure: Erasure, waiting_max: usize) -> Result<(), EngineError> {
        self.change(|all| {
            let waiting = all.iter().filter(|erasure| !erasure.has_ended()).count();
            if waiting >= waiting_max {
                return Err(RetentionError::TooMany(waiting));
            }
            let mut over = (all.len() - waiting).saturating_sub(ENDED_MAX);
            all.retain(|known| {
                let old = over > 0 && known.has_ended();
                over -= usize::from(old);
                !old
            });
            all.push(erasure);
            Ok(())
        })
    }

    /// Changes one that has not ended, durably; what it is then.
    pub(super) fn update(&self, id: &str, change: impl FnOnce(&mut Erasure)) -> Result<Erasure, EngineError> {
        self.change(|all| {
            let erasure = all.iter_mut().find(|erasure| erasure.id == id);
            let erasure = erasure.ok_or_else(|| RetentionError::UnknownErasure(id.to_owned()))?;
            if erasure.has_ended() {
                return Err(RetentionError::Ended(id.to_owned()));
            }
            change(erasure);
            Ok(erasure.clone())
        })
    }

    /// Ends those of a project that is deleted.
    pub(super) fn cancel_all(&self, project: &ProjectName) -> Result<(), EngineError> {
        for erasure in self.due().iter().filter(|erasure| erasure.project == *project) {
            self.cancel(&erasure.id)?;
        }
        Ok(())
    }

    /// Ends one; what it has erased stays erased.
    fn cancel(&self, id: &str) -> Result<Erasure, EngineError> {
        let canceled = self.update(id, |erasure| erasure.end(Stage::Canceled, instant()))?;
        if let Some(job) = self.jobs.lock().remove(id) {
            job.finish(Outcome::Canceled);
        }
        Ok(canceled)
    }

    /// Ends the one that a job shows; nothing where it has ended.
    pub(in crate::engine) fn cancel_job(&self, job: &str) -> Result<(), EngineError> {
        let id = self.jobs.lock().iter().find(|(_, known)| known.id() == job).map(|(id, _)| id.clone());
        id.map_or(Ok(()), |id| self.cancel(&id).map(|_| ()))
    }

    /// Shows in the list of jobs how far an erasure is, from its first try on.
    pub(super) fn show(&self, jobs: &Jobs, erasure: &Erasure) -> Result<(), EngineError> {
        let mut shown = self.jobs.lock();
        if !shown.contains_key(&erasure.id) {
            let subject = format!("{} by {}", erasure.id, erasure.column);
            shown.insert(erasure.id.clone(), jobs.begin(Kind::Erase, &erasure.project, &subject)?);
        }
        if let Some(job) = shown.get(&erasure.id) {
            job.progress(erasure.stage as u64, Some(Stage::Done as u64));
        }
        Ok(())
    }

    /// It is done.
    pub(super) fn finish(&self, erasure: &Erasure) {
        if let Some(job) = self.jobs.lock().remove(&erasure.id) {
            job.tell(serde_json::json!(erasure.counts));
            job.finish(Outcome::Done);
        }
    }
}

impl Inner {
    /// What an erasure does to rows of its project, under the holds of now.
    pub(super) fn eraser(
        &self,
        project: &ProjectName,
        subject: &Subject,
        mentions: bool,
    ) -> Result<Arc<Eraser>, RetentionError> {
        let held = HeldRows::new(&self.retention.in_force(project));
        let needle = mentions.then(|| Needle::new(&subject.value, BLANK)).flatten();
        Ok(Arc::new(Eraser::new(Some(subject), needle, held)?))
    }

    /// What an erasure would do to the events of its project; those in memory are stored first.
    async fn preview(&self, new: &NewErasure, subject: &Subject, mentions: bool) -> Result<Preview, EngineError> {
        let project = self.project(&new.project)?;
        self.flush(Some(&new.project)).await?;
        let edit: Arc<dyn RowEdit> = self.eraser(&new.project, subject, mentions)?;
        let (version, mut sum, mut files) = (project.table.current(), Judged::default(), 0);
        for of in project.table.judge(&version, &edit, |_| !self.shared.ending.is_cancelled()).await? {
            sum += of.judged;
            files += u64::from(of.judged.is_change());
        }
        Ok(Preview {
            project: new.project.to_string(),
            column: subject.column.clone(),
            value_hash: self.audit.hash_of_value(&subject.value),
            rows: sum.removed,
            mentions: sum.changed,
            held: sum.held,
            files,
            holds: self.retention.in_force(&new.project).into_iter().map(|hold| hold.id).collect(),
        })
    }
}

impl Engine {
    /// All erasures, the newest first; of one project where it is named.
    #[must_use]
    pub fn erasures(&self, project: Option<&ProjectName>) -> Vec<Erasure> {
        let all = self.0.retention.erasures.all.lock();
        all.iter().rev().filter(|erasure| project.is_none_or(|name| erasure.project == *name)).cloned().collect()
    }

    /// One erasure.
    ///
    /// # Errors
    /// There is none of this id.
    pub fn erasure(&self, id: &str) -> Result<Erasure, EngineError> {
        Ok(self.0.retention.erasures.get(id)?)
    }

    /// What an erasure would do.
    ///
    /// # Errors
    /// An erasure that cannot be, no such project, a file that cannot be read.
    pub async fn preview_erasure(&self, new: NewErasure) -> Result<Preview, EngineError> {
        let subject = check(&new)?;
        let engine = Arc::clone(&self.0);
        let work = async move { engine.preview(&new, &subject, new.mentions).await };
        self.0.compactors.finish(work).await
    }

    /// Asks for an erasure; it is done in the background, and goes on after a crash.
    ///
    /// # Errors
    /// An erasure that cannot be, no such project, events under a hold, too many that wait, a failing disk.
    pub async fn create_erasure(&self, new: NewErasure, by: &str) -> Result<Erasure, EngineError> {
        let subject = check(&new)?;
        new.check_reason(&subject)?;
        let engine = Arc::clone(&self.0);
        let (asked, about) = (new.clone(), subject.clone());
        // Only whether it may be: what else tells of the value is looked for when it is done.
        let found = self.0.compactors.finish(async move { engine.preview(&asked, &about, false).await }).await?;
        let whole = self.0.retention.in_force(&new.project).iter().any(|hold| hold.is_whole());
        if whole || found.held > 0 && !new.except_held {
            let what = if whole { "all events are".to_owned() } else { format!("{} of these events are", found.held) };
            return Err(RetentionError::Held { what, holds: found.holds.join(", ") }.into());
        }
        let _changing = self.0.projects.changing().await;
        self.existing(&new.project)?;
        let erasure = Erasure {
            id: format!("erase_{}", Uuid::now_v7().simple()),
            project: new.project,
            column: subject.column.clone(),
            subject: Some(subject),
            value_hash: found.value_hash,
            mentions: new.mentions,
            except_held: new.except_held,
            reason: new.reason,
            by: by.to_owned(),
            at: instant(),
            stage: Stage::Pending,
            ended_at: None,
            problem: None,
            counts: Counts::default(),
            proof: None,
            intent: None,
            blobs: Vec::new(),
        };
        self.0.retention.erasures.add(erasure.clone(), self.config().retention.erasures_max)?;
        self.0.retention.erasures.nudge.notify_one();
        Ok(erasure)
    }

    /// Stops an erasure; what it has erased stays erased.
    ///
    /// # Errors
    /// There is none, or it has ended.
    pub fn cancel_erasure(&self, id: &str) -> Result<Erasure, EngineError> {
        self.0.retention.erasures.cancel(id)
    }
}

fn check(new: &NewErasure) -> Result<Subject, RetentionError> {
    let subject = new.subject()?;
    if new.project.is_audit() {
        return Err(RetentionError::Erasure(
            "nothing is erased from `_audit`; values in it are replaced by their hash".into(),
        ));
    }
    Ok(subject)
}
