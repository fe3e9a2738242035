//! Who may go on: quotas of keys and projects, and the turns of queries.
//!
//! ```text
//! request ─▶ requests a second: of the key, of the project
//! events  ─▶ events and bytes a second: looked at before the body is read, counted when it is known
//! query   ─▶ bytes scanned ─▶ place of the key ─▶ of the project ─▶ of the server ─▶ runs
//!             a day            └───────────── waits for each, so long ─────────────┘
//! ```
//!
//! A query takes the places of its key first: one key's queries wait for each other, not in front of others.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::{Mutex, RwLock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::directory::{read_json, write_json};
use super::{Engine, EngineError};
use crate::access::{AccessError, Caller, Meter, Rate, Whose};
use crate::config::{Config, Query, Quota};
use crate::event::names::ProjectName;
use crate::query::{QueryError, Turn};

/// Meters of projects, and the places of queries.
pub(super) struct Admission {
    file: PathBuf,
    defaults: Quota,
    /// Quotas of projects that have their own.
    own: Mutex<BTreeMap<ProjectName, Quota>>,
    meters: RwLock<BTreeMap<ProjectName, Arc<Meter>>>,
    settings: Query,
    places: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Admission {
    /// Reads the quotas of projects in `file`, which need not exist.
    pub(super) fn open(file: &Path, config: &Config) -> Result<Self, EngineError> {
        Ok(Self {
            file: file.to_path_buf(),
            defaults: config.access.project_quota.clone(),
            own: Mutex::new(read_json(file)?.unwrap_or_default()),
            meters: RwLock::default(),
            settings: config.query.clone(),
            places: Arc::new(Semaphore::new(config.query.at_once_max.min(Semaphore::MAX_PERMITS))),
            waiting: Arc::default(),
        })
    }

    /// The project's own quota.
    fn quota(&self, project: &ProjectName) -> Quota {
        self.own.lock().get(project).cloned().unwrap_or_default()
    }

    /// Gives a project another quota, durably; an empty one is the settings'.
    pub(super) fn set_quota(&self, project: &ProjectName, quota: Quota) -> Result<(), EngineError> {
        let mut own = self.own.lock();
        let mut next = own.clone();
        if quota.is_empty() {
            next.remove(project)
        } else {
            next.insert(project.clone(), quota)
        };
        if next != *own {
            write_json(&self.file, &next)?;
            *own = next;
        }
        // Outside of readers' sight until the file has it.
        self.meters.write().remove(project);
        Ok(())
    }

    fn meter(&self, project: &ProjectName) -> Arc<Meter> {
        if let Some(meter) = self.meters.read().get(project) {
            return Arc::clone(meter);
        }
        let own = self.own.lock();
        let quota = own.get(project).cloned().unwrap_or_default().or(&self.defaults);
        let meter = Arc::new(Meter::new(Whose::Project, quota));
        Arc::clone(self.meters.write().entry(project.clone()).or_insert(meter))
    }

    /// The meters of a caller and of the project that it asks or sends to.
    fn meters(&self, caller: &Caller, project: &ProjectName) -> [Arc<Meter>; 2] {
        [Arc::clone(&caller.meter), self.meter(project)]
    }

    /// Waits for the turn of a query.
    async fn turn(&self, caller: &Caller, project: &ProjectName) -> Result<Turn, AdmissionError> {
        let meters = self.meters(caller, project);
        for meter in &meters {
            meter.take(Rate::Scanned, 0)?;
        }
        let queues = meters.iter().filter_map(|meter| meter.queries().cloned()).chain([Arc::clone(&self.places)]);
        let queues: Vec<Arc<Semaphore>> = queues.collect();
        let held = match try_all(&queues) {
            Some(held) => held,
            None => self.wait(queues, caller).await?,
        };
        Ok(Turn::new(move |scanned| {
            drop(held);
            for meter in &meters {
                meter.charge(Rate::Scanned, scanned);
            }
        }))
    }

    /// What a query that runs beside those of requests takes: no place, but what it reads counts.
    pub(super) fn beside(&self, caller: &Caller, project: &ProjectName) -> Turn {
        let meters = self.meters(caller, project);
        Turn::new(move |scanned| meters.iter().for_each(|meter| meter.charge(Rate::Scanned, scanned)))
    }

    async fn wait(
        &self,
        queues: Vec<Arc<Semaphore>>,
        caller: &Caller,
    ) -> Result<Vec<OwnedSemaphorePermit>, QueryError> {
        let Some(_waiting) = Waiting::enter(&self.waiting, self.settings.waiting_max) else {
            return Err(QueryError::QueueFull { waiting: self.settings.waiting_max });
        };
        let all = async {
            let mut held = Vec::new();
            for queue in queues {
                // Never closed.
                held.push(queue.acquire_owned().await.map_err(|_| QueryError::Canceled)?);
            }
            Ok(held)
        };
        tokio::select! {
            biased;
            () = caller.ended.cancelled() => Err(QueryError::KeyEnded),
            held = all => held,
            () = tokio::time::sleep(self.settings.wait_max.0) => Err(QueryError::WaitedTooLong(self.settings.wait_max)),
        }
    }

    /// Queries that wait for their turn.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

/// A place in every queue, if all have one now.
fn try_all(queues: &[Arc<Semaphore>]) -> Option<Vec<OwnedSemaphorePermit>> {
    queues.iter().map(|queue| Arc::clone(queue).try_acquire_owned().ok()).collect()
}

/// One of those who wait.
struct Waiting(Arc<AtomicUsize>);

impl Waiting {
    fn enter(waiting: &Arc<AtomicUsize>, max: usize) -> Option<Self> {
        let entered = Self(Arc::clone(waiting));
        (waiting.fetch_add(1, Ordering::Relaxed) < max).then_some(entered)
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Why a query does not get its turn.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdmissionError {
    /// A quota.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// The queue.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl Engine {
    /// Counts a request of `caller`, to `project` where it is about one.
    ///
    /// # Errors
    /// The key or the project is over its quota.
    pub fn admit(&self, caller: &Caller, project: Option<&ProjectName>) -> Result<(), AccessError> {
        caller.meter.take(Rate::Requests, 1)?;
        project.map_or(Ok(()), |project| self.0.admission.meter(project).take(Rate::Requests, 1))
    }

    /// Lets events of `caller` come.
    ///
    /// # Errors
    /// The key or the project is over its quota.
    pub fn admit_events(&self, caller: &Caller, project: &ProjectName) -> Result<Sending, AccessError> {
        let meters = self.0.admission.meters(caller, project);
        for meter in &meters {
            meter.take(Rate::Events, 0)?;
            meter.take(Rate::Bytes, 0)?;
        }
        Ok(Sending(meters))
    }

    /// Waits for the turn of a query of `caller`.
    ///
    /// # Errors
    /// The key or the project is over its quota; too many wait; it waited too long.
    pub(crate) async fn turn(&self, caller: &Caller, project: &ProjectName) -> Result<Turn, AdmissionError> {
        self.0.admission.turn(caller, project).await
    }

    /// What a project may ask for, where it is not what the settings give every project.
    ///
    /// # Errors
    /// No such project.
    pub fn project_quota(&self, project: &ProjectName) -> Result<Quota, EngineError> {
        self.0.projects.some(Some(project))?;
        Ok(self.0.admission.quota(project))
    }

    /// Gives a project another quota; what it took so far is forgotten.
    ///
    /// # Errors
    /// No such project, or the file cannot be written.
    pub fn set_project_quota(&self, project: &ProjectName, quota: Quota) -> Result<(), EngineError> {
        self.0.projects.some(Some(project))?;
        self.0.admission.set_quota(project, quota)
    }
}

/// Events that were let come; what they are counts when it is known.
#[derive(Debug)]
pub struct Sending([Arc<Meter>; 2]);

impl Sending {
    /// Counts what came.
    pub fn count(&self, bytes: u64, events: u64) {
        for meter in &self.0 {
            meter.charge(Rate::Events, events);
            meter.charge(Rate::Bytes, bytes);
        }
    }
}

#[cfg(test)]
mod tests;
