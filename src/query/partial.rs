//! Answers without what cannot be read, for those who ask for them.
//!
//! A query is first asked of everything. If a file cannot be read it is asked again of the files that are
//! wholly on local disk, and then of what is in memory. Files that are damaged are left out from the start, where that
//! is known, or from where one is met. The answer says how much was left out. An answer
//! that has begun is not begun again: it ends in an error then, like every other.

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

/// Damaged files that one request may come across; they are known to the next one.
const DAMAGED_MAX: usize = 32;

/// What is asked.
#[derive(Debug, Clone, Copy)]
enum Of {
    Everything,
    LocalDisk,
    Memory,
}

impl Session {
    /// As [`Session::run`], without the files that cannot be read. What is missing is told by the answer's
    /// [`super::Stats`] and at once.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub async fn run_partial(
        &self,
        sql: &str,
        params: Params,
        limits: Limits,
    ) -> Result<(Answer, Missing), QueryError> {
        let (reads, damage) = (self.runtime().reads().clone(), Arc::clone(self.runtime().damage()));
        let (mut asked_of, mut damaged) = (Of::Everything, 0);
        loop {
            let (session, missing) = self.with_files(|file| {
                let there = match asked_of {
                    Of::Everything => true,
                    Of::LocalDisk => reads.holds(file),
                    Of::Memory => false,
                };
                there && !damage.has(&file.location)
            });
            asked_of = match (session.run(sql, params.clone(), limits).await, asked_of) {
                (Err(QueryError::Damaged(_)), of) if damaged < DAMAGED_MAX => {
                    damaged += 1;
                    of
                }
                (Err(QueryError::Storage(_) | QueryError::StoreAway { .. }), Of::Everything) => Of::LocalDisk,
                (Err(QueryError::Storage(_) | QueryError::StoreAway { .. }), Of::LocalDisk) => Of::Memory,
                (other, _) => return other.map(|answer| (answer, missing)),
            };
        }
    }

    /// The same session over fewer files.
    fn with_files(&self, keep: impl Fn(&DataFile) -> bool) -> (Self, Missing) {
        let table = &self.snapshot().table;
        let (kept, left): (Vec<_>, Vec<_>) = table.files.iter().cloned().partition(|file| keep(file));
        if left.is_empty() {
            return (self.clone(), Missing::default());
        }
        let missing = Missing { files: left.len() as u64, rows: left.iter().map(|file| file.rows).sum() };
        let table = Arc::new(TableVersion { version: table.version, files: kept });
        let snapshot = Snapshot { table, hot: self.snapshot().hot.clone() };
        (self.over(snapshot, missing), missing)
    }
}
