//! Answers without what cannot be read, for those who ask for them.
//!
//! A query is first asked of everything. If a file cannot be read it is asked again of the files that are
//! wholly on local disk, and then of what is in memory; files that are damaged are left out. The answer says
//! how much that was. An answer that has begun is not begun again: it ends in an error then, like every other.

use std::sync::Arc;

use super::error::QueryError;
use super::params::Params;
use super::session::{Limits, Session};
use super::{Answer, Snapshot};
use crate::table::TableVersion;
use crate::table::version::DataFile;

/// Stored events that an answer was made without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Missing {
    /// Files.
    pub files: u64,
    /// Events in them.
    pub rows: u64,
}

/// Where an answer's events may lie.
#[derive(Clone, Copy)]
enum Within {
    All,
    LocalDisk,
    Memory,
}

/// So many damaged files are met one after the other before the answer is the error.
const DAMAGED_MAX: usize = 32;

impl Session {
    /// As [`Session::run`], without the files that cannot be read or are damaged. What is missing is told by the
    /// answer's [`super::Stats`] and at once.
    ///
    /// # Errors
    /// As [`Session::run`]; damage that is met behind the first row ends the stream, and a repetition goes without it.
    pub async fn run_partial(
        &self,
        sql: &str,
        params: Params,
        limits: Limits,
    ) -> Result<(Answer, Missing), QueryError> {
        let (mut within, mut damaged) = (Within::All, 0);
        loop {
            let (damage, reads) = (self.runtime().damage(), self.runtime().reads());
            let (session, missing) = self.with_files(|file| {
                !damage.has(&file.location)
                    && match within {
                        Within::All => true,
                        Within::LocalDisk => reads.holds(file),
                        Within::Memory => false,
                    }
            });
            match (session.run(sql, params.clone(), limits).await, within) {
                (Err(QueryError::Damaged(_)), _) if damaged < DAMAGED_MAX => damaged += 1,
                (Err(QueryError::Storage(_) | QueryError::StoreAway { .. }), Within::All) => within = Within::LocalDisk,
                (Err(QueryError::Storage(_) | QueryError::StoreAway { .. }), Within::LocalDisk) => {
                    within = Within::Memory;
                }
                (answer, _) => return answer.map(|answer| (answer, missing)),
            }
        }
    }

    /// The same session over fewer files.
    fn with_files(&self, keep: impl Fn(&DataFile) -> bool) -> (Self, Missing) {
        let table = &self.snapshot().table;
        let (kept, left): (Vec<_>, Vec<_>) = table.files.iter().cloned().partition(|file| keep(file));
        if left.is_empty() {
            // The same version, whose index is made already.
            return (self.clone(), Missing::default());
        }
        let missing = Missing { files: left.len() as u64, rows: left.iter().map(|file| file.rows).sum() };
        let table = Arc::new(TableVersion { version: table.version, files: kept });
        let snapshot = Snapshot { table, hot: self.snapshot().hot.clone() };
        (self.over(snapshot, missing), missing)
    }
}
