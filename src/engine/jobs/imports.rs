//! Imports as jobs: a client sends files of events in many requests, and says now and then how far it is.
//!
//! The events come as all others do; a job that nobody tells of any more (`jobs.import_silence_max`) has failed,
//! what it sent stays. A client that is not told of, or not any more, sends all the same.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::Job;
use super::error::JobError;
use super::record::{JobInfo, Kind, Outcome, State};
use crate::access::{Caller, KeyId};
use crate::engine::{Engine, EngineError, Inner};
use crate::event::names::ProjectName;

/// An import that is about to begin.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewImport {
    /// What is imported, such as the name of a file.
    #[schema(example = "orders-2025.ndjson")]
    pub name: String,
    /// Its size in bytes, where it is known.
    #[serde(default)]
    pub bytes: Option<u64>,
}

/// How far an import is.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportReport {
    /// Bytes of the file that were sent and acknowledged.
    pub done: u64,
    /// Events that were stored.
    #[serde(default)]
    pub accepted: u64,
    /// Events that were there already.
    #[serde(default)]
    pub duplicates: u64,
    /// Records that were refused.
    #[serde(default)]
    pub rejected: u64,
    /// How it ended; `in_progress` while it goes on.
    #[serde(default = "in_progress")]
    pub state: State,
    /// Why it failed.
    #[serde(default)]
    pub error: Option<String>,
}

fn in_progress() -> State {
    State::InProgress
}

/// Imports that are under way.
#[derive(Default)]
pub(in crate::engine) struct Imports(Mutex<BTreeMap<String, Import>>);

struct Import {
    job: Job,
    project: ProjectName,
    key: KeyId,
    bytes: Option<u64>,
    heard: Instant,
}

impl Engine {
    /// Makes an import of a caller a job.
    ///
    /// # Errors
    /// No such project, or too many imports are under way.
    pub fn begin_import(
        &self,
        caller: &Caller,
        project: &ProjectName,
        new: &NewImport,
    ) -> Result<JobInfo, EngineError> {
        let project = self.existing(project)?;
        self.0.silent_imports_end();
        let mut open = self.0.imports.0.lock();
        let most = self.config().jobs.imports_max;
        if open.len() >= most {
            return Err(JobError::TooManyImports(most).into());
        }
        let job = self.jobs().begin(Kind::Import, &project, &new.name)?;
        job.progress(0, new.bytes);
        let info = self.jobs().get(job.id())?;
        let import = Import { job, project, key: caller.key.clone(), bytes: new.bytes, heard: Instant::now() };
        open.insert(info.id.clone(), import);
        Ok(info)
    }

    /// Takes note of how far an import is. Its state is `canceled` where somebody asked it to end.
    ///
    /// # Errors
    /// The caller has no such import under way.
    pub fn report_import(
        &self,
        caller: &Caller,
        project: &ProjectName,
        id: &str,
        report: ImportReport,
    ) -> Result<JobInfo, EngineError> {
        let mut open = self.0.imports.0.lock();
        let is_theirs = |import: &&mut Import| import.key == caller.key && import.project == *project;
        let import = open.get_mut(id).filter(is_theirs).ok_or_else(|| JobError::NotFound(id.to_owned()))?;
        import.heard = Instant::now();
        import.job.progress(report.done, import.bytes);
        let ImportReport { accepted, duplicates, rejected, .. } = report;
        import.job.tell(json!({"accepted": accepted, "duplicates": duplicates, "rejected": rejected}));
        let outcome = match report.state {
            State::InProgress if import.job.cancelled() => Some(Outcome::Canceled),
            State::InProgress => None,
            State::Done => Some(Outcome::Done),
            State::Failed => Some(Outcome::Failed(report.error.unwrap_or_else(|| "its client did not say why".into()))),
            State::Canceled => Some(Outcome::Canceled),
        };
        if let Some((outcome, import)) = outcome.and_then(|outcome| Some((outcome, open.remove(id)?))) {
            import.job.finish(outcome);
        }
        Ok(self.jobs().get(id)?)
    }
}

impl Inner {
    /// Ends imports of which nothing was heard for too long.
    pub(in crate::engine) fn silent_imports_end(&self) {
        let longest: Duration = self.shared.config.jobs.import_silence_max.0;
        let silent: Vec<Import> = {
            let mut open = self.imports.0.lock();
            open.extract_if(.., |_, import| import.heard.elapsed() > longest).map(|(_, import)| import).collect()
        };
        for import in silent {
            let outcome = match import.job.cancelled() {
                true => Outcome::Canceled,
                false => Outcome::Failed("nothing was heard of its client any more".into()),
            };
            import.job.finish(outcome);
        }
    }
}
