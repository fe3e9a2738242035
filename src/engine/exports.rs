//! The exports of all projects: kept in `exports/PROJECT/ID`, made on threads of their own, told in the journal.
//!
//! ```text
//! api (asked for, shown, fetched, ended by callers) ─▶ store below ◀─ jobs (started, run, expired)
//! ```
//!
//! What runs when the process ends is `in_progress` in its record, and goes on at the next start.

mod api;
mod around;
mod jobs;
mod told;

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::EngineError;
use super::directory::{read_json, write_json};
use super::threads::Threads;
use crate::event::names::ProjectName;
use crate::journal::exports::{Export, ExportId, Status, clear_parts};

pub use api::NewExportError;
pub(super) use jobs::start;

/// Longest wait for the exports of a project that is deleted.
const DROP_MAX: Duration = Duration::from_secs(30);
/// What is known of an export, in its directory.
const RECORD: &str = "export.json";

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
                        if export.status == Status::Done {
                            clear_parts(record.parent().unwrap_or(&project)).map_err(failed)?;
                        }
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
            running: all.iter().filter(|live| live.is_running() && !live.state.borrow().status.is_final()).count(),
            waiting: waiting.count(),
            bytes: all.iter().map(|live| live.state.borrow().disk_bytes()).sum(),
        }
    }

    /// Ends an export that runs, for good.
    pub(super) fn cancel(&self, project: &ProjectName, id: &str) {
        let of = self.of(project);
        let found = of.iter().find(|live| live.state.borrow().id.as_str() == id);
        found.into_iter().for_each(|live| live.cancel());
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

    /// Removes all exports of a project, those that are being made as well: their files may hold what is erased.
    /// Nothing is told of them any more. Returns how many there were.
    pub(super) async fn erase(&self, project: &ProjectName) -> Result<u64, EngineError> {
        let all = self.of(project);
        all.iter().for_each(|live| live.cancel());
        let started = Instant::now();
        for live in &all {
            while !live.claim() {
                if started.elapsed() > DROP_MAX {
                    return Err(EngineError::ProjectBusy(project.clone()));
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            let id = live.export().id;
            let path = self.dir(project, &id);
            self.remove(project, &id).map_err(|source| EngineError::Directory { path, source })?;
        }
        Ok(all.len() as u64)
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
