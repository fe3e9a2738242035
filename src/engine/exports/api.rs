//! What callers do with exports, each within the rights of its key.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::{Live, Running, around};
use crate::access::{AccessError, Caller, Rate, Restrictions};
use crate::engine::{AppendError, Engine, EngineError, Inner, now_s, now_us};
use crate::event::names::ProjectName;
use crate::event::schema::SEQ;
use crate::journal::columns;
use crate::journal::exports::{By, Export, ExportError, ExportId, NewExport, Spec, Status, file_of};
use crate::query::Limits;

/// Pause between two looks at an export whose end is being told.
const TELLING: Duration = Duration::from_millis(5);

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
        caller.meter.take(Rate::Scanned, 0)?;
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
        Ok(self.0.keys.get(&caller.key, now_s())?.restrictions)
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
        while !live.claim() {
            if !live.state.borrow().status.is_final() {
                return Ok(live.export());
            }
            // It has ended, which is being told right now.
            tokio::time::sleep(TELLING).await;
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
