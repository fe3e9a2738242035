//! Answers without what cannot be read, for those who ask for them.
//!
//! A query is first asked of everything. If a file cannot be read it is asked again of the files that are
//! wholly on local disk, and then of what is in memory; files that are damaged are left out. The answer says
//! how much that was. An answer that has begun is not begun again, unless all of it is collected before anybody sees it.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;

use super::error::QueryError;
use super::params::Params;
use super::session::{Limits, Session};
use super::{Answer, End, Outcome, Snapshot};
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

/// One try after the other, of fewer files each time.
struct Attempt {
    within: Within,
    damaged: usize,
}

impl Attempt {
    /// What to ask of after this error, where there is less to ask of.
    fn after(&mut self, error: QueryError) -> Result<(), QueryError> {
        match (&error, self.within) {
            (QueryError::Damaged(_), _) if self.damaged < DAMAGED_MAX => self.damaged += 1,
            (QueryError::Storage(_) | QueryError::StoreAway { .. }, Within::All) => self.within = Within::LocalDisk,
            (QueryError::Storage(_) | QueryError::StoreAway { .. }, Within::LocalDisk) => self.within = Within::Memory,
            _ => return Err(error),
        }
        Ok(())
    }
}

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
        let mut attempt = Attempt { within: Within::All, damaged: 0 };
        loop {
            let (session, missing) = self.within(attempt.within);
            match session.run(sql, params.clone(), limits).await {
                Ok(answer) => return Ok((answer, missing)),
                Err(error) => attempt.after(error)?,
            }
        }
    }

    /// As [`Session::run_partial`], with all rows of the answer: what is met behind the first row is left out as well.
    /// `begun` is told of each beginning.
    ///
    /// # Errors
    /// As [`Session::run`].
    pub async fn collect_partial(
        &self,
        sql: &str,
        params: Params,
        limits: Limits,
        begun: impl Fn(End),
    ) -> Result<(Vec<RecordBatch>, Outcome, Missing), QueryError> {
        let mut attempt = Attempt { within: Within::All, damaged: 0 };
        loop {
            let (session, missing) = self.within(attempt.within);
            let collected = async {
                let answer = session.run(sql, params.clone(), limits).await?;
                begun(answer.end());
                answer.collect().await
            };
            match collected.await {
                Ok((rows, outcome)) => return Ok((rows, outcome, missing)),
                Err(error) => attempt.after(error)?,
            }
        }
    }

    /// The same session over the files there that are not known to be damaged.
    fn within(&self, within: Within) -> (Self, Missing) {
        let (damage, reads) = (self.runtime().damage(), self.runtime().reads());
        self.with_files(|file| {
            !damage.has(&file.location)
                && match within {
                    Within::All => true,
                    Within::LocalDisk => reads.holds(file),
                    Within::Memory => false,
                }
        })
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
