//! Named queries: one SQL file each, with a header that says what it answers and what it takes.
//!
//! The shipped ones are embedded from `sql/queries`; a user's own lie in a directory that is looked
//! at again at every call, so that a file counts as soon as it is saved. The header is a contract
//! (`docs/queries.md`). A file that breaks it is listed with the reason and cannot be run; the others
//! are not touched by it. A user's file takes the place of a shipped one of the same name.

mod file;
mod shared;
mod shipped;
mod value;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use serde::Serialize;

use super::answer::{Answer, DEADLINE_GRACE, Deadline};
use super::error::{QueryError, nearest};
use super::params::Bound;
use super::restrict::Reader;
use super::session::{Limits, Session};
use crate::config::ByteCount;
use crate::event::names::ProjectName;
pub use file::{NamedQuery, Parameter};
pub use value::ParameterType;

/// Longest file that is read.
const FILE_BYTES_MAX: u64 = 256 << 10;

/// All named queries of a server.
#[derive(Debug)]
pub struct Library {
    shipped: BTreeMap<String, Arc<NamedQuery>>,
    dir: PathBuf,
    /// What is being answered now.
    shared: shared::Shared,
    /// What was last read of the directory, by name.
    read: Mutex<BTreeMap<String, UserFile>>,
}

/// A user's file as it was read.
#[derive(Debug, Clone)]
struct UserFile {
    changed: Option<SystemTime>,
    bytes: u64,
    query: Result<Arc<NamedQuery>, Broken>,
}

/// A file that does not keep the contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Broken {
    /// Name of the file.
    pub file: String,
    /// Line of the file.
    pub line: usize,
    /// What is wrong.
    pub reason: String,
}

impl From<Broken> for QueryError {
    fn from(broken: Broken) -> Self {
        Self::BrokenFile { file: broken.file, line: broken.line, reason: broken.reason }
    }
}

/// Who asks for which query, with which parameters as they stand in a URL.
#[derive(Debug)]
pub struct Asked<'a> {
    /// The project.
    pub project: &'a ProjectName,
    /// Name of the query.
    pub name: &'a str,
    /// Parameters.
    pub given: &'a [(String, String)],
    /// On whose behalf.
    pub reader: &'a Reader,
}

/// A named query in a listing.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// Name, as in the route.
    pub name: String,
    /// Whether it is a user's own.
    pub own: bool,
    /// What it answers; `None` when its file is broken.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub query: Option<Arc<NamedQuery>>,
    /// Why it cannot be run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Broken>,
}

impl Library {
    /// The shipped queries and those in `dir`, which need not exist.
    #[must_use]
    pub fn new(dir: &Path) -> Self {
        Self {
            shipped: shipped::all(),
            dir: dir.to_path_buf(),
            shared: shared::Shared::default(),
            read: Mutex::default(),
        }
    }

    /// All queries, by name.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let own = self.own();
        let shipped = self.shipped.iter().filter(|(name, _)| !own.contains_key(*name)).map(|(name, query)| Listed {
            name: name.clone(),
            own: false,
            query: Some(Arc::clone(query)),
            error: None,
        });
        let own = own.iter().map(|(name, file)| Listed {
            name: name.clone(),
            own: true,
            query: file.query.as_ref().ok().map(Arc::clone),
            error: file.query.as_ref().err().cloned(),
        });
        let mut all: Vec<Listed> = shipped.chain(own).collect();
        all.sort_by(|a, b| a.name.cmp(&b.name));
        all
    }

    /// The query of that name.
    ///
    /// # Errors
    /// No such query, or its file is broken.
    pub fn get(&self, name: &str) -> Result<Arc<NamedQuery>, QueryError> {
        let own = self.own();
        if let Some(file) = own.get(name) {
            return file.query.clone().map_err(QueryError::from);
        }
        self.shipped.get(name).map(Arc::clone).ok_or_else(|| QueryError::NoSuchQuery {
            name: name.to_owned(),
            near: nearest(name, own.keys().chain(self.shipped.keys()).map(String::as_str)),
        })
    }

    /// Runs the query `name` with parameters as they stand in a URL.
    ///
    /// # Errors
    /// As [`Library::get`]; a parameter is missing, unknown or of the wrong form; as [`Session::run`].
    pub async fn run(
        &self,
        session: Session,
        name: &str,
        given: &[(String, String)],
        limits: Limits,
    ) -> Result<Answer, QueryError> {
        let query = self.get(name)?;
        let values = query.values(given, Utc::now())?;
        session.run_bound(query.sql(), values, limits, true).await
    }

    /// Runs the query `name` for all who ask for the same at the same time. `begin` makes the session of a run when it
    /// begins, on behalf of `reader`; answers of up to `shared_max` are shared.
    ///
    /// # Errors
    /// As [`Library::run`] and `begin`.
    pub async fn run_shared<E: From<QueryError>, F: Future<Output = Result<Session, E>>>(
        &self,
        asked: &Asked<'_>,
        limits: Limits,
        shared_max: ByteCount,
        begin: impl FnOnce() -> F,
    ) -> Result<Answer, E> {
        let at = tokio::time::Instant::now() + limits.timeout.0 + DEADLINE_GRACE;
        let deadline = Deadline { at, timeout: limits.timeout };
        let restriction = asked.reader.restriction.as_ref();
        let slot = self.shared.slot(shared::Request::new(asked.project, asked.name, asked.given, restriction));
        let seen = slot.begun();
        let place = tokio::select! {
            biased;
            () = asked.reader.ended.cancelled() => return Err(QueryError::KeyEnded.into()),
            place = slot.wait() => place,
            () = tokio::time::sleep_until(at) => return Err(QueryError::DeadlineExceeded(limits.timeout).into()),
        };
        if let Some(kept) = place.answer_after(seen) {
            return Ok(kept.answer(deadline));
        }
        let run = place.begin();
        let session = begin().await?;
        let answer = self.run(session, asked.name, asked.given, limits).await?;
        Ok(match answer.keep(shared_max.0).await? {
            Ok(kept) => {
                let answer = kept.answer(deadline);
                place.keep(run, kept);
                answer
            }
            Err(too_large) => too_large,
        })
    }

    /// The user's queries as the directory has them now.
    fn own(&self) -> BTreeMap<String, UserFile> {
        let mut read = self.read.lock();
        let mut found = BTreeMap::new();
        for entry in std::fs::read_dir(&self.dir).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.file_stem().and_then(|stem| stem.to_str()).map(str::to_owned);
            let (Some(name), Ok(meta)) = (name, entry.metadata()) else { continue };
            if !meta.is_file() || path.extension().is_none_or(|extension| extension != "sql") || !is_name(&name) {
                continue;
            }
            let (changed, bytes) = (meta.modified().ok(), meta.len());
            let known = read.remove(&name).filter(|known| known.changed == changed && known.bytes == bytes);
            let file = known.unwrap_or_else(|| UserFile { changed, bytes, query: load(&path, &name, bytes) });
            found.insert(name, file);
        }
        read.clone_from(&found);
        found
    }
}

/// Names are part of a route.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn load(path: &Path, name: &str, bytes: u64) -> Result<Arc<NamedQuery>, Broken> {
    let file = format!("{name}.sql");
    let broken = |reason: String| Broken { file: file.clone(), line: 1, reason };
    if bytes > FILE_BYTES_MAX {
        return Err(broken(format!("the file has {bytes} bytes; at most {FILE_BYTES_MAX} are read")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| broken(format!("cannot be read: {}", error.kind())))?;
    NamedQuery::parse(name, &text).map(Arc::new)
}

impl NamedQuery {
    /// Typed values for the SQL: those given, and the defaults of the others.
    pub(crate) fn values(&self, given: &[(String, String)], now: DateTime<Utc>) -> Result<Bound, QueryError> {
        if let Some((unknown, _)) =
            given.iter().find(|(name, _)| !self.parameters.iter().any(|known| known.name == *name))
        {
            return Err(QueryError::Parameter {
                name: unknown.clone(),
                message: "the query has no such parameter".into(),
                near: nearest(unknown, self.parameters.iter().map(|known| known.name.as_str())),
            });
        }
        let mut bound = Bound::default();
        for parameter in &self.parameters {
            let texts: Vec<&str> =
                given.iter().filter(|(name, _)| *name == parameter.name).map(|(_, text)| text.as_str()).collect();
            bound.insert(&parameter.name, parameter.value(&texts, now)?);
        }
        Ok(bound)
    }
}

#[cfg(test)]
mod tests;
