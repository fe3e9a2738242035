//! What an export that runs has of the engine.

use std::sync::Arc;

use super::Live;
use crate::access::KeyId;
use crate::config::ByteCount;
use crate::engine::{Inner, now_s, now_us};
use crate::error::Report;
use crate::event::names::ProjectName;
use crate::event::redact::Redactor;
use crate::journal::exports::{Export, ExportError, Status, Surroundings};
use crate::query::{Limits, QueryError, Session};
use crate::table::Storage;

/// The engine, to one export.
pub(super) struct Around {
    engine: Arc<Inner>,
    live: Arc<Live>,
    project: ProjectName,
    key: KeyId,
    created_us: i64,
}

impl Around {
    pub(super) fn new(engine: &Arc<Inner>, live: &Arc<Live>, export: &Export) -> Self {
        Self {
            engine: Arc::clone(engine),
            live: Arc::clone(live),
            project: export.project.clone(),
            key: export.by.key.clone(),
            created_us: export.created_us,
        }
    }
}

/// Refuses more bytes where exports take what they may, or the disk is short; `copy` is what one needs besides.
pub(super) fn check_room(engine: &Inner, copy: u64) -> Result<(), ExportError> {
    let settings = &engine.shared.config.exports;
    let used = engine.exports.figures().bytes;
    if used >= settings.disk_max.0 {
        return Err(ExportError::Budget { used: ByteCount(used), limit: settings.disk_max });
    }
    let root = engine.directory.root();
    let failed = |source| ExportError::Io { path: root.to_path_buf(), source };
    let free = crate::engine::probe::space(root).map_err(failed)?.free_bytes;
    if free < settings.disk_reserve.0.saturating_add(copy) {
        return Err(ExportError::DiskFull { free: ByteCount(free), reserve: settings.disk_reserve });
    }
    Ok(())
}

impl Surroundings for Around {
    fn session(&self) -> Result<Session, ExportError> {
        let caller = self.engine.keys.caller(&self.key, now_s()).map_err(|_| QueryError::KeyEnded)?;
        let open = self.engine.projects.get(&self.project);
        let open = open.ok_or_else(|| ExportError::NotFound(self.project.to_string()))?;
        let session = self.engine.session_of(open);
        let turn = self.engine.admission.beside(&caller, &self.project);
        Ok(session.read_by(caller.reader(&self.project)).as_of(self.created_us).in_turn(turn))
    }

    fn checkpoint(&self, export: &Export) -> Result<(), ExportError> {
        let mut export = export.clone();
        // Told meanwhile, by others.
        export.told = self.live.state.borrow().told;
        if export.status == Status::Done {
            export.finished_us = Some(now_us());
        }
        let path = self.engine.exports.dir(&export.project, &export.id);
        self.engine.exports.save(&export).map_err(|error| {
            tracing::error!(
                code = error.code(),
                error = &error as &dyn std::error::Error,
                "a checkpoint cannot be kept"
            );
            ExportError::Io { path, source: std::io::Error::other(error.to_string()) }
        })?;
        let (is_done, copy) =
            (export.status == Status::Done, export.disk_bytes() - export.progress.bytes.min(export.disk_bytes()));
        self.live.state.send_replace(export);
        if is_done { Ok(()) } else { check_room(&self.engine, copy) }
    }

    fn redactor(&self) -> Result<Redactor, ExportError> {
        let rules = self.engine.redactions.of(&self.project);
        Ok(Redactor::new(&rules.map_err(|error| ExportError::Encode(Box::new(error)))?.rules, None))
    }

    fn storage(&self) -> &Storage {
        self.engine.projects.storage()
    }

    fn limits(&self) -> Limits {
        self.engine.export_limits()
    }

    fn files_max(&self) -> u64 {
        self.engine.shared.config.exports.files_max
    }
}
