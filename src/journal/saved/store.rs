//! The saved filters of all projects: read once, changed in the file first and then in memory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use parking_lot::Mutex;
use uuid::Uuid;

use super::{NewFilter, SavedError, SavedFilter};
use crate::access::{Caller, Scope, write_private};
use crate::config;
use crate::event::names::ProjectName;
use crate::sealed;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a>(pub &'a Caller);

/// The saved filters of all projects.
#[derive(Debug)]
pub struct SavedFilters {
    dir: PathBuf,
    settings: config::Saved,
    /// Held over a change, so that none is lost.
    projects: Mutex<HashMap<ProjectName, Arc<Vec<SavedFilter>>>>,
}

impl Whose<'_> {
    fn is_admin(self) -> bool {
        self.0.may(Scope::Admin)
    }

    fn owns(self, filter: &SavedFilter) -> bool {
        filter.owner == self.0.key.as_str()
    }

    fn sees(self, filter: &SavedFilter) -> bool {
        filter.saved.shared || self.owns(filter) || self.is_admin()
    }

    /// A key that sees a part of the project does not decide what the others begin with.
    fn may_share(self) -> bool {
        self.0.restriction.is_none()
    }
}

impl SavedFilters {
    /// Those in `dir`, which must exist.
    #[must_use]
    pub fn new(dir: &Path, settings: &config::Saved) -> Self {
        Self { dir: dir.to_path_buf(), settings: settings.clone(), projects: Mutex::default() }
    }

    /// Those that the caller sees: its own first, then shared ones, by name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn list(&self, project: &ProjectName, whose: Whose<'_>) -> Result<Vec<SavedFilter>, SavedError> {
        let all = self.of(&mut self.projects.lock(), project)?;
        let mut seen: Vec<SavedFilter> = all.iter().filter(|filter| whose.sees(filter)).cloned().collect();
        seen.sort_by(|a, b| (!whose.owns(a), &a.saved.name).cmp(&(!whose.owns(b), &b.saved.name)));
        Ok(seen)
    }

    /// The one with this id, else the caller's own of this name, else the shared one.
    ///
    /// # Errors
    /// There is none that the caller sees; the file cannot be read.
    pub fn find(&self, project: &ProjectName, whose: Whose<'_>, name: &str) -> Result<SavedFilter, SavedError> {
        let seen = self.list(project, whose)?;
        let by_id = seen.iter().find(|filter| filter.id == name);
        let by_name =
            || seen.iter().find(|filter| filter.saved.name == name && (whose.owns(filter) || filter.saved.shared));
        by_id.or_else(by_name).cloned().ok_or_else(|| SavedError::Unknown(name.to_owned()))
    }

    /// The default of a dataset, else that of all.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn default_of(&self, project: &ProjectName, dataset: Option<&str>) -> Result<Option<SavedFilter>, SavedError> {
        let all = self.of(&mut self.projects.lock(), project)?;
        let of = |dataset: Option<&str>| {
            all.iter().find(|filter| filter.saved.default && filter.saved.dataset.as_deref() == dataset)
        };
        Ok(of(dataset).or_else(|| of(None)).cloned())
    }

    /// Saves a filter; it is on disk when this returns.
    ///
    /// # Errors
    /// It cannot be used, its name is taken, too many are there, the file cannot be written.
    pub fn create(
        &self,
        project: &ProjectName,
        whose: Whose<'_>,
        new: NewFilter,
        now_us: i64,
    ) -> Result<SavedFilter, SavedError> {
        self.check(whose, &new, now_us)?;
        let at = instant(now_us);
        let made = SavedFilter {
            id: Uuid::now_v7().to_string(),
            owner: whose.0.key.to_string(),
            owner_name: whose.0.name.to_string(),
            saved: new,
            created_at: at.clone(),
            updated_at: at,
        };
        self.change(project, |all| {
            let limit = self.settings.filters_max;
            if all.len() >= limit {
                return Err(SavedError::Limit {
                    what: format!("the project has {} saved filters", all.len()),
                    setting: "saved.filters_max",
                    limit: limit.to_string(),
                });
            }
            put(all, made.clone())
        })?;
        Ok(made)
    }

    /// Replaces a filter.
    ///
    /// # Errors
    /// As [`SavedFilters::create`]; there is none, or it is another key's.
    pub fn replace(
        &self,
        project: &ProjectName,
        whose: Whose<'_>,
        id: &str,
        new: NewFilter,
        now_us: i64,
    ) -> Result<SavedFilter, SavedError> {
        self.check(whose, &new, now_us)?;
        let mut replaced = None;
        self.change(project, |all| {
            let at = changeable(all, whose, id)?;
            let old = all.remove(at);
            let next = SavedFilter { saved: new.clone(), updated_at: instant(now_us), ..old };
            replaced = Some(next.clone());
            put(all, next)
        })?;
        replaced.ok_or_else(|| SavedError::Unknown(id.to_owned()))
    }

    /// Deletes a filter.
    ///
    /// # Errors
    /// There is none, it is another key's, the file cannot be written.
    pub fn delete(&self, project: &ProjectName, whose: Whose<'_>, id: &str) -> Result<(), SavedError> {
        self.change(project, |all| {
            let at = changeable(all, whose, id)?;
            all.remove(at);
            Ok(())
        })
    }

    /// Removes what a project that is deleted has saved.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn forget(&self, project: &ProjectName) -> Result<(), SavedError> {
        let mut projects = self.projects.lock();
        projects.remove(project);
        let path = self.path(project);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(SavedError::File { path, source }),
            _ => Ok(()),
        }
    }

    /// Changes what `blank` finds in the filters of a project; they are not checked again. Returns how many changed.
    ///
    /// # Errors
    /// The file cannot be read or written, or a filter is none any more.
    pub fn erase(
        &self,
        project: &ProjectName,
        blank: impl Fn(&mut serde_json::Value) -> bool,
    ) -> Result<u64, SavedError> {
        let path = self.path(project);
        let failed = |error: serde_json::Error| SavedError::File { path: path.clone(), source: error.into() };
        let mut changed = 0;
        self.change(project, |all| {
            for filter in all {
                let mut value = serde_json::to_value(&*filter).map_err(failed)?;
                if blank(&mut value) {
                    *filter = serde_json::from_value(value).map_err(failed)?;
                    changed += 1;
                }
            }
            Ok(())
        })?;
        Ok(changed)
    }

    fn check(&self, whose: Whose<'_>, new: &NewFilter, now_us: i64) -> Result<(), SavedError> {
        if (new.shared || new.default) && !whose.may_share() {
            return Err(SavedError::Restricted);
        }
        let size = serde_json::to_vec(new).map_or(usize::MAX, |text| text.len());
        let limit = self.settings.filter_size_max;
        if size > limit.as_usize() {
            return Err(SavedError::Limit {
                what: format!("the filter has {size} bytes"),
                setting: "saved.filter_size_max",
                limit: limit.to_string(),
            });
        }
        new.check(now_us)
    }

    fn path(&self, project: &ProjectName) -> PathBuf {
        self.dir.join(format!("{project}.json"))
    }

    fn of(
        &self,
        projects: &mut HashMap<ProjectName, Arc<Vec<SavedFilter>>>,
        project: &ProjectName,
    ) -> Result<Arc<Vec<SavedFilter>>, SavedError> {
        if let Some(known) = projects.get(project) {
            return Ok(Arc::clone(known));
        }
        let path = self.path(project);
        let read = match std::fs::read(&path) {
            Ok(bytes) => {
                let failed = |source| SavedError::File { path: path.clone(), source };
                let text = sealed::unseal(&bytes).map_err(failed)?;
                serde_json::from_slice(text).map_err(|error| failed(error.into()))?
            }
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(SavedError::File { path, source }),
        };
        let read = Arc::new(read);
        projects.insert(project.clone(), Arc::clone(&read));
        Ok(read)
    }

    fn change(
        &self,
        project: &ProjectName,
        change: impl FnOnce(&mut Vec<SavedFilter>) -> Result<(), SavedError>,
    ) -> Result<(), SavedError> {
        let mut projects = self.projects.lock();
        let old = self.of(&mut projects, project)?;
        let mut next = old.to_vec();
        change(&mut next)?;
        if next == *old {
            return Ok(());
        }
        let path = self.path(project);
        let failed = |source| SavedError::File { path: path.clone(), source };
        let text = serde_json::to_vec_pretty(&next).map_err(|error| failed(error.into()))?;
        write_private(&path, &sealed::seal(text)).map_err(failed)?;
        projects.insert(project.clone(), Arc::new(next));
        Ok(())
    }
}

/// Where the filter `id` is, if the caller may change it.
fn changeable(all: &[SavedFilter], whose: Whose<'_>, id: &str) -> Result<usize, SavedError> {
    let at = all.iter().position(|filter| filter.id == id && whose.sees(filter));
    let at = at.ok_or_else(|| SavedError::Unknown(id.to_owned()))?;
    if whose.owns(&all[at]) || whose.is_admin() { Ok(at) } else { Err(SavedError::NotYours(id.to_owned())) }
}

/// Adds a filter whose name is not taken among those that whoever sees it sees; a new default takes the old one's place.
fn put(all: &mut Vec<SavedFilter>, new: SavedFilter) -> Result<(), SavedError> {
    let same_place = |other: &SavedFilter| {
        other.saved.name == new.saved.name
            && other.saved.shared == new.saved.shared
            && (new.saved.shared || other.owner == new.owner)
    };
    if all.iter().any(same_place) {
        return Err(SavedError::Exists(new.saved.name));
    }
    if new.saved.default {
        for other in all.iter_mut().filter(|other| other.saved.dataset == new.saved.dataset) {
            other.saved.default = false;
        }
    }
    all.push(new);
    Ok(())
}

fn instant(us: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp_micros(us).unwrap_or(DateTime::<Utc>::MAX_UTC);
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
