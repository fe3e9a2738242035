//! Projects that were deleted: what the log, the answers and half-removed files of theirs must not bring back.
//!
//! One JSON file, `deleted.json`, replaced as a whole. An entry is written before anything of the
//! project is removed, and stays: it is small, and a project of the same name may be made again.
//!
//! | at start, the entry says | then |
//! |---|---|
//! | files are not removed yet | they are, before tables are opened |
//! | frames up to a number are of the deleted one | replay leaves them out |
//! | answers up to an instant are of the deleted one | an Idempotency-Key is as if new |

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::EngineError;
use super::directory::{read_json, write_json};
use crate::event::names::ProjectName;

/// One deletion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Deletion {
    /// Numbers of the log below this one are not of a later project of the name.
    pub(super) before_seq: u64,
    /// When, µs since 1970.
    pub(super) deleted_at: i64,
    /// Whether its files are gone.
    pub(super) removed: bool,
}

/// All deletions of a data directory.
#[derive(Debug)]
pub(super) struct Deletions {
    path: PathBuf,
    known: Mutex<BTreeMap<ProjectName, Deletion>>,
}

impl Deletions {
    /// Reads `path`, which need not exist.
    pub(super) fn open(path: &Path) -> Result<Self, EngineError> {
        let known = read_json(path)?.unwrap_or_default();
        Ok(Self { path: path.to_path_buf(), known: Mutex::new(known) })
    }

    /// Whether the frame `seq` of `project` is of a deleted one.
    pub(super) fn cover(&self, project: &ProjectName, seq: u64) -> bool {
        self.known.lock().get(project).is_some_and(|deletion| seq < deletion.before_seq)
    }

    /// When a project of this name was last deleted, µs since 1970.
    pub(super) fn deleted_at(&self, project: &ProjectName) -> Option<i64> {
        self.known.lock().get(project).map(|deletion| deletion.deleted_at)
    }

    /// Projects whose files may still be there.
    pub(super) fn unfinished(&self) -> Vec<ProjectName> {
        self.known.lock().iter().filter(|(_, deletion)| !deletion.removed).map(|(name, _)| name.clone()).collect()
    }

    /// Up to where the log speaks of each deleted project.
    pub(super) fn all(&self) -> Vec<(ProjectName, Deletion)> {
        self.known.lock().iter().map(|(name, deletion)| (name.clone(), *deletion)).collect()
    }

    /// Notes a deletion, or that its files are gone; durable when this returns.
    pub(super) fn note(&self, project: &ProjectName, deletion: Deletion) -> Result<(), EngineError> {
        let mut known = self.known.lock();
        let mut next = known.clone();
        next.insert(project.clone(), deletion);
        write_json(&self.path, &next)?;
        *known = next;
        Ok(())
    }

    /// Notes that the files of a deleted project are gone.
    pub(super) fn finished(&self, project: &ProjectName) -> Result<(), EngineError> {
        let Some(deletion) = self.known.lock().get(project).copied() else { return Ok(()) };
        self.note(project, Deletion { removed: true, ..deletion })
    }
}
