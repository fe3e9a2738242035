//! The exports of all projects: kept in `exports/PROJECT/ID`, made on threads of their own, told in the journal.
//!
//! A job starts what is due (so many at once, so many of a project), tells what is not told yet, and removes what has
//! expired. What runs when the process ends is `in_progress` in its record, and goes on at the next start.

mod around;
mod told;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::directory::{read_json, write_json};
use super::threads::Threads;
use super::{AppendError, Engine, EngineError, Inner, now_us};
use crate::access::{AccessError, Caller, Restrictions};
use crate::error::Report;
use crate::event::names::ProjectName;
use crate::event::schema::SEQ;
use crate::journal::columns;
use crate::journal::exports::{
    By, Ended, Export, ExportError, ExportId, Failure, Job, NewExport, Spec, Status, clear, file_of,
};
use crate::query::Limits;
use around::Around;

/// How often the job looks for what is due.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Longest wait for the exports of a project that is deleted.
const DROP_MAX: Duration = Duration::from_secs(30);
/// What is known of an export, in its directory.
const RECORD: &str = "export.json";

/// Why an export cannot be asked for.
#[derive(Debug, thiserror::Error)]
pub enum NewExportError {
    /// What was asked for, or the limits of exports.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The event that tells of it cannot be stored.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The project, or the data directory.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A quota.
    #[error(transparent)]
    Access(#[from] AccessError),
}

/// All exports.
pub(super) struct Exports {
    root: PathBuf,
    all: Mutex<BTreeMap<ProjectName, BTreeMap<ExportId, Arc<Live>>>>,
    running: Mutex<JoinSet<()>>,
    threads: Threads,
    nudge: Arc<Notify>,
    stop: CancellationToken,
    /// Cancelled when the server begins to stop: whoever waits for an export asks the next one.
    unwatched: CancellationToken,
}

/// An export of this process.
struct Live {
    state: watch::Sender<Export>,
    /// Ends its run: because the engine stops, or because it was canceled.
    end: CancellationToken,
    canceled: AtomicBool,
    running: AtomicBool,
    /// One teller at a time.
    telling: tokio::sync::Mutex<()>,
}

/// Exports in figures.
pub(super) struct Figures {
    pub(super) running: usize,
    pub(super) waiting: usize,
    pub(super) bytes: u64,
}

impl Live {
    fn new(export: Export, stop: &CancellationToken) -> Arc<Self> {
        Arc::new(Self {
            state: watch::Sender::new(export),
            end: stop.child_token(),
            canceled: AtomicBool::new(false),
            running: AtomicBool::new(false),
            telling: tokio::sync::Mutex::default(),
        })
    }

    fn export(&self) -> Export {
        self.state.borrow().clone()
    }

    /// Takes the export for one who runs, ends or removes it; `false` where somebody has it.
    fn claim(&self) -> bool {
        self.running.compare_exchange(false, true, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    fn cancel(&self) {
        self.canceled.store(true, Ordering::Release);
        self.end.cancel();
    }

    fn is_canceled(&self) -> bool {
        self.canceled.load(Ordering::Acquire)
    }

    fn is_running(&self) -> bool {
        self.running.load(Ordering::Acquire)
    }
}

impl Exports {
    /// Reads what is kept in `root`.
    pub(super) fn open(root: PathBuf, niceness: u8) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Directory { path: root.clone(), source };
        let mut all: BTreeMap<ProjectName, BTreeMap<ExportId, Arc<Live>>> = BTreeMap::new();
        let stop = CancellationToken::new();
        for project in fs::read_dir(&root).map_err(failed)? {
            let project = project.map_err(failed)?.path();
            for entry in fs::read_dir(&project).map_err(failed)? {
                let record = entry.map_err(failed)?.path().join(RECORD);
                match read_json::<Export>(&record) {
                    Ok(Some(export)) => {
                        all.entry(export.project.clone())
                            .or_default()
                            .insert(export.id.clone(), Live::new(export, &stop));
                    }
                    // It was being made or removed when the process ended.
                    Ok(None) => fs::remove_dir_all(record.parent().unwrap_or(&project)).map_err(failed)?,
                    Err(error) => {
                        let error = &error as &dyn std::error::Error;
                        tracing::error!(path = %record.display(), error, "an export cannot be read; it is left alone");
                    }
                }
            }
        }
        let threads = Threads::for_jobs("export", niceness).map_err(failed)?;
        let (running, nudge) = (Mutex::default(), Arc::default());
        let unwatched = CancellationToken::new();
        Ok(Self { root, all: Mutex::new(all), running, threads, nudge, stop, unwatched })
    }

    fn dir(&self, project: &ProjectName, id: &ExportId) -> PathBuf {
        self.root.join(project.as_str()).join(id.as_str())
    }

    /// Keeps what is known of an export, durably.
    fn save(&self, export: &Export) -> Result<(), EngineError> {
        write_json(&self.dir(&export.project, &export.id).join(RECORD), export)
    }

    /// Changes an export, durably.
    fn change(&self, live: &Live, change: impl FnOnce(&mut Export)) -> Result<Export, EngineError> {
        let mut export = live.export();
        change(&mut export);
        self.save(&export)?;
        live.state.send_replace(export.clone());
        Ok(export)
    }

    fn lives(&self) -> Vec<Arc<Live>> {
        self.all.lock().values().flat_map(BTreeMap::values).cloned().collect()
    }

    fn of(&self, project: &ProjectName) -> Vec<Arc<Live>> {
        self.all.lock().get(project).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    /// Forgets an export and removes its files.
    fn remove(&self, project: &ProjectName, id: &ExportId) -> io::Result<()> {
        // Found half removed at a start, it is one without a record.
        let dir = self.dir(project, id);
        fs::remove_file(dir.join(RECORD))?;
        if let Some(of) = self.all.lock().get_mut(project) {
            of.remove(id);
        }
        fs::remove_dir_all(&dir)
    }

    pub(super) fn figures(&self) -> Figures {
        let all = self.lives();
        let waiting = all.iter().filter(|live| !live.state.borrow().status.is_final() && !live.is_running());
        Figures {
            running: all.iter().filter(|live| live.is_running()).count(),
            waiting: waiting.count(),
            bytes: all.iter().map(|live| live.state.borrow().disk_bytes()).sum(),
        }
    }

    /// Ends the answers of those who watch exports.
    pub(super) fn leave_watchers(&self) {
        self.unwatched.cancel();
    }

    /// Ends what runs; it goes on at the next start.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        let mut running = std::mem::take(&mut *self.running.lock());
        while running.join_next().await.is_some() {}
    }

    /// Forgets the exports of a project that is deleted, once none of them runs any more.
    pub(super) async fn drop_project(&self, project: &ProjectName) -> Result<(), EngineError> {
        let all = self.of(project);
        all.iter().for_each(|live| live.cancel());
        let started = Instant::now();
        while all.iter().any(|live| live.is_running()) {
            if started.elapsed() > DROP_MAX {
                return Err(EngineError::ProjectBusy(project.clone()));
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.all.lock().remove(project);
        Ok(())
    }
}

/// Starts the job.
pub(super) fn start(engine: &Arc<Inner>) {
    let due = Arc::clone(engine);
    engine.tasks.start("exports", LOOK_EVERY, Arc::clone(&engine.exports.nudge), move || {
        let engine = Arc::clone(&due);
        async move { engine.exports_due().await.map_err(|error| error.to_string()) }.boxed()
    });
}

impl Inner {
    async fn exports_due(self: &Arc<Self>) -> Result<(), EngineError> {
        while self.exports.running.lock().try_join_next().is_some() {}
        let keep = self.shared.config.exports.keep.0;
        for live in self.exports.lives() {
            let export = live.export();
            let over = export.expires_us(keep).is_some_and(|expires| expires <= now_us());
            if over && live.claim() {
                let (engine, Export { project, id, .. }) = (Arc::clone(self), export);
                let failed = |source| EngineError::Directory { path: self.exports.root.clone(), source };
                let removed = tokio::task::spawn_blocking(move || engine.exports.remove(&project, &id)).await;
                removed.map_err(|error| failed(io::Error::other(error)))?.map_err(failed)?;
            } else if export.status.is_final() {
                self.tell(&live).await;
            }
        }
        self.start_due();
        Ok(())
    }

    /// Starts what may run, the oldest of each project first.
    fn start_due(self: &Arc<Self>) {
        let settings = &self.shared.config.exports;
        let mut waiting = self.exports.lives();
        let mut running: BTreeMap<ProjectName, usize> = BTreeMap::new();
        let mut total = 0;
        for live in waiting.iter().filter(|live| live.is_running()) {
            *running.entry(live.state.borrow().project.clone()).or_default() += 1;
            total += 1;
        }
        waiting.retain(|live| !live.is_canceled() && !live.is_running() && !live.state.borrow().status.is_final());
        waiting.sort_by_key(|live| live.state.borrow().created_us);
        for live in waiting {
            let of = running.entry(live.state.borrow().project.clone()).or_default();
            if total >= settings.at_once_max || self.exports.stop.is_cancelled() {
                return;
            }
            if *of >= settings.project_at_once_max {
                continue;
            }
            if !live.claim() {
                continue;
            }
            (*of, total) = (*of + 1, total + 1);
            let engine = Arc::clone(self);
            let work = move || engine.run_export(&live);
            self.exports.running.lock().spawn_blocking_on(work, self.exports.threads.handle());
        }
    }

    /// One run of an export, on a thread that may block.
    fn run_export(self: &Arc<Self>, live: &Arc<Live>) {
        let running = Running { live, nudge: &self.exports.nudge };
        if let Err(error) = self.try_export(live) {
            let (id, error) = (live.export().id, &error as &dyn std::error::Error);
            tracing::error!(export = id.as_str(), error, "an export cannot be kept; it is tried again");
            // Not at once: the disk may be full.
            std::thread::sleep(LOOK_EVERY);
        }
        drop(running);
    }

    fn try_export(self: &Arc<Self>, live: &Arc<Live>) -> Result<(), EngineError> {
        let runtime = self.exports.threads.handle().clone();
        let begun = self.exports.change(live, |export| {
            export.status = Status::InProgress;
            export.started_us.get_or_insert_with(now_us);
        })?;
        runtime.block_on(self.tell(live));
        let dir = self.exports.dir(&begun.project, &begun.id);
        let around = Arc::new(Around::new(self, live, &begun));
        let stop = live.end.clone();
        let job = Job { export: begun, dir: dir.clone(), around, runtime: runtime.clone(), stop };
        let ended = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| job.run()));
        match ended {
            Ok(Ended::Done) => {}
            Ok(Ended::Stopped) if !live.is_canceled() => return Ok(()),
            Ok(Ended::Stopped) => self.end_export(live, &dir, Status::Canceled, None)?,
            Ok(Ended::Failed(error)) => {
                let said = &error as &dyn std::error::Error;
                tracing::warn!(export = live.export().id.as_str(), error = said, "an export failed");
                let failure = Failure { code: error.code().to_owned(), message: error.to_string() };
                self.end_export(live, &dir, Status::Failed, Some(failure))?;
            }
            Err(_) => {
                let failure = Failure { code: "internal".to_owned(), message: "a fault of ours".to_owned() };
                self.end_export(live, &dir, Status::Failed, Some(failure))?;
            }
        }
        runtime.block_on(self.tell(live));
        Ok(())
    }

    /// Ends an export without a file.
    fn end_export(&self, live: &Live, dir: &Path, status: Status, failure: Option<Failure>) -> Result<(), EngineError> {
        clear(dir).map_err(|source| EngineError::Directory { path: dir.to_path_buf(), source })?;
        self.exports.change(live, |export| {
            (export.status, export.failure) = (status, failure);
            export.finished_us = Some(now_us());
        })?;
        Ok(())
    }

    fn export_limits(&self) -> Limits {
        let config = &self.shared.config;
        Limits {
            rows_max: u64::MAX,
            bytes_max: crate::config::ByteCount(u64::MAX),
            timeout: config.exports.query_timeout,
            memory_max: config.query.memory_max,
        }
    }
}

/// An export that is claimed, until this is dropped.
struct Running<'a> {
    live: &'a Live,
    nudge: &'a Notify,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.live.running.store(false, Ordering::Release);
        self.nudge.notify_one();
    }
}

impl Engine {
    /// Asks for an export; it is made in the background.
    ///
    /// # Errors
    /// What is wrong with it, or why there is no room for it now.
    pub async fn create_export(
        &self,
        caller: &Caller,
        project: &ProjectName,
        new: NewExport,
    ) -> Result<Export, NewExportError> {
        let engine = &self.0;
        let unknown = || EngineError::UnknownProject(project.clone());
        let open = engine.projects.get(project).ok_or_else(unknown)?;
        // Held until it is on record: a deletion comes before or after.
        let _held = open.hold_open().ok_or_else(unknown)?;
        let reader = caller.reader(project);
        let hidden = reader.restriction.map(|restriction| restriction.hidden().to_vec()).unwrap_or_default();
        let columns: Vec<&str> = columns(&hidden).chain([SEQ]).collect();
        let spec = Spec::new(new, &columns)?;
        let by = By {
            key: caller.key.clone(),
            name: caller.name.to_string(),
            restrictions: self.restrictions_of(caller)?,
            hidden,
        };
        let export = Export::new(project.clone(), spec, by, (now_us(), open.newest_seq()));
        let (sql, params) = export.probe()?;
        let limits = Limits::of(&engine.shared.config.query);
        let session = self.session_for(caller, project)?.as_of(export.created_us);
        session.check(&sql, params, limits).await.map_err(ExportError::from)?;
        caller.meter.take(crate::access::Rate::Scanned, 0)?;
        engine.room_for_export(&export)?;
        let live = engine.keep_export(export)?;
        if let Err(error) = engine.try_tell(&live).await {
            let export = live.export();
            let removed = engine.exports.remove(project, &export.id);
            removed.map_err(|source| EngineError::Directory { path: engine.exports.root.clone(), source })?;
            return Err(error.into());
        }
        engine.exports.all.lock().entry(project.clone()).or_default().insert(live.export().id, Arc::clone(&live));
        engine.exports.nudge.notify_one();
        Ok(live.export())
    }

    fn restrictions_of(&self, caller: &Caller) -> Result<Restrictions, AccessError> {
        Ok(self.0.keys.get(&caller.key, super::now_s())?.restrictions)
    }

    /// Whether the caller sees at least what the one saw who asked for the export.
    fn covers(&self, caller: &Caller, export: &Export) -> bool {
        let same = || {
            let without_sources = |restrictions: &Restrictions| Restrictions { sources: None, ..restrictions.clone() };
            let own = self.restrictions_of(caller).ok();
            own.is_some_and(|own| without_sources(&own) == without_sources(&export.by.restrictions))
        };
        caller.restriction.is_none() || same()
    }

    fn live_export(&self, caller: &Caller, project: &ProjectName, id: &str) -> Result<Arc<Live>, ExportError> {
        let missing = || ExportError::NotFound(id.to_owned());
        let id = ExportId::try_from(id.to_owned()).map_err(|_| missing())?;
        let live = self.0.exports.all.lock().get(project).and_then(|of| of.get(&id)).cloned();
        live.filter(|live| self.covers(caller, &live.state.borrow())).ok_or_else(missing)
    }

    /// The exports that the caller may have, newest first.
    #[must_use]
    pub fn exports(&self, caller: &Caller, project: &ProjectName) -> Vec<Export> {
        let mut all: Vec<Export> = self.0.exports.of(project).iter().map(|live| live.export()).collect();
        all.retain(|export| self.covers(caller, export));
        all.sort_by_key(|export| std::cmp::Reverse(export.created_us));
        all
    }

    /// One export, and each change of it.
    ///
    /// # Errors
    /// There is none for this caller.
    pub fn watch_export(
        &self,
        caller: &Caller,
        project: &ProjectName,
        id: &str,
    ) -> Result<watch::Receiver<Export>, ExportError> {
        Ok(self.live_export(caller, project, id)?.state.subscribe())
    }

    /// Cancelled when nobody may watch an export here any more.
    #[must_use]
    pub fn exports_unwatched(&self) -> CancellationToken {
        self.0.exports.unwatched.clone()
    }

    /// The file of an export that is done.
    ///
    /// # Errors
    /// There is no such export for this caller, or it has no file.
    pub fn export_file(
        &self,
        caller: &Caller,
        project: &ProjectName,
        id: &str,
    ) -> Result<(Export, PathBuf), ExportError> {
        let export = self.live_export(caller, project, id)?.export();
        if export.status != Status::Done {
            return Err(ExportError::NotReady(export.status.as_str()));
        }
        let path = file_of(&self.0.exports.dir(project, &export.id));
        Ok((export, path))
    }

    /// Stops an export, or removes one that has ended.
    ///
    /// # Errors
    /// There is none for this caller; its files cannot be removed.
    pub async fn delete_export(
        &self,
        caller: &Caller,
        project: &ProjectName,
        id: &str,
    ) -> Result<Export, NewExportError> {
        let engine = Arc::clone(&self.0);
        let live = self.live_export(caller, project, id)?;
        live.cancel();
        if !live.claim() {
            return Ok(live.export());
        }
        let _claimed = Running { live: &live, nudge: &engine.exports.nudge };
        let export = live.export();
        let dir = engine.exports.dir(project, &export.id);
        if export.status.is_final() {
            let removed = engine.exports.remove(project, &export.id);
            removed.map_err(|source| EngineError::Directory { path: dir, source })?;
            return Ok(export);
        }
        engine.end_export(&live, &dir, Status::Canceled, None)?;
        engine.tell(&live).await;
        Ok(live.export())
    }
}

impl Inner {
    /// Refuses another export where there are too many, or no room.
    fn room_for_export(&self, export: &Export) -> Result<(), ExportError> {
        let settings = &self.shared.config.exports;
        let of = self.exports.of(&export.project);
        let waiting = of.iter().filter(|live| !live.state.borrow().status.is_final()).count();
        if waiting >= settings.waiting_max {
            return Err(ExportError::Busy(waiting));
        }
        around::check_room(self, 0)
    }

    /// Makes the directory of an export.
    fn keep_export(&self, export: Export) -> Result<Arc<Live>, EngineError> {
        let dir = self.exports.dir(&export.project, &export.id);
        crate::table::durable::create_synced(&dir)
            .map_err(|source| EngineError::Directory { path: dir.clone(), source })?;
        self.exports.save(&export)?;
        Ok(Live::new(export, &self.exports.stop))
    }
}
