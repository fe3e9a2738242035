//! What all projects keep of one kind: read once, changed in the file first and then in memory.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use parking_lot::Mutex;
use uuid::Uuid;

use super::{Keep, Kept, Refused, first};
use crate::access::{Caller, Scope, write_private};
use crate::config::ByteCount;
use crate::event::names::ProjectName;
use crate::sealed;

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Whose<'a>(pub &'a Caller);

/// How much a project may keep: settings with their values.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// How many.
    pub count: (&'static str, usize),
    /// How large one may be, as JSON.
    pub size: (&'static str, ByteCount),
}

/// What is kept of one project.
type All<T> = Arc<Vec<Kept<T>>>;

/// What all projects keep of one kind.
#[derive(Debug)]
pub struct Store<T> {
    dir: PathBuf,
    room: Room,
    /// Held over a change, so that none is lost.
    projects: Mutex<HashMap<ProjectName, All<T>>>,
}

impl Whose<'_> {
    fn is_admin(self) -> bool {
        self.0.may(Scope::Admin)
    }

    fn owns<T>(self, kept: &Kept<T>) -> bool {
        kept.owner == self.0.key.as_str()
    }

    fn sees<T: Keep>(self, kept: &Kept<T>) -> bool {
        kept.saved.is_shared() || self.owns(kept) || self.is_admin()
    }

    /// A key that sees a part of the project does not decide what the others begin with.
    fn may_share(self) -> bool {
        self.0.restriction.is_none()
    }
}

impl<T: Keep> Store<T> {
    /// Those in `dir`, which must exist.
    #[must_use]
    pub fn new(dir: &Path, room: Room) -> Self {
        Self { dir: dir.to_path_buf(), room, projects: Mutex::default() }
    }

    /// Those that the caller sees: its own first, then shared ones, by name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn list(&self, project: &ProjectName, whose: Whose<'_>) -> Result<Vec<Kept<T>>, T::Error> {
        let all = self.of(&mut self.projects.lock(), project)?;
        let mut seen: Vec<Kept<T>> = all.iter().filter(|kept| whose.sees(kept)).cloned().collect();
        seen.sort_by(|a, b| (!whose.owns(a), a.saved.name()).cmp(&(!whose.owns(b), b.saved.name())));
        Ok(seen)
    }

    /// The one with this id, else the caller's own of this name, else the shared one.
    ///
    /// # Errors
    /// There is none that the caller sees; the file cannot be read.
    pub fn find(&self, project: &ProjectName, whose: Whose<'_>, name: &str) -> Result<Kept<T>, T::Error> {
        let seen = self.list(project, whose)?;
        let by_id = seen.iter().find(|kept| kept.id == name);
        let is_theirs = |kept: &&Kept<T>| whose.owns(kept) || kept.saved.is_shared();
        let by_name = || seen.iter().filter(is_theirs).find(|kept| kept.saved.name() == name);
        by_id.or_else(by_name).cloned().ok_or_else(|| Refused::Unknown(name.to_owned()).into())
    }

    /// The first of a project for which `holds`, whoever sees it.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn first(&self, project: &ProjectName, holds: impl Fn(&T) -> bool) -> Result<Option<Kept<T>>, T::Error> {
        let all = self.of(&mut self.projects.lock(), project)?;
        Ok(all.iter().find(|kept| holds(&kept.saved)).cloned())
    }

    /// Keeps something; it is on disk when this returns.
    ///
    /// # Errors
    /// It cannot be used, its name is taken, too many are there, the file cannot be written.
    pub fn create(&self, project: &ProjectName, whose: Whose<'_>, new: T, now_us: i64) -> Result<Kept<T>, T::Error> {
        self.check(whose, &new, now_us)?;
        let at = instant(now_us);
        let made = Kept {
            id: Uuid::now_v7().to_string(),
            owner: whose.0.key.to_string(),
            owner_name: whose.0.name.to_string(),
            version: first(),
            saved: new,
            created_at: at.clone(),
            updated_at: at,
        };
        self.change(project, |all| {
            if all.len() >= self.room.count.1 {
                return Err(Refused::TooMany { count: all.len(), limit: self.room.count }.into());
            }
            put(all, made.clone())?;
            Ok(made)
        })
    }

    /// Replaces what `may` finds to be what the caller means.
    ///
    /// # Errors
    /// As [`Store::create`]; there is none, it is another key's, or `may` refuses.
    pub fn replace(
        &self,
        project: &ProjectName,
        whose: Whose<'_>,
        id: &str,
        (new, now_us): (T, i64),
        may: impl FnOnce(&Kept<T>) -> Result<(), T::Error>,
    ) -> Result<Kept<T>, T::Error> {
        self.check(whose, &new, now_us)?;
        self.change(project, |all| {
            let at = changeable(all, whose, id)?;
            may(&all[at])?;
            let old = all.remove(at);
            let version = old.version.saturating_add(1);
            let next = Kept { saved: new, version, updated_at: instant(now_us), ..old };
            put(all, next.clone())?;
            Ok(next)
        })
    }

    /// Deletes one.
    ///
    /// # Errors
    /// There is none, it is another key's, the file cannot be written.
    pub fn delete(&self, project: &ProjectName, whose: Whose<'_>, id: &str) -> Result<(), T::Error> {
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
    pub fn forget(&self, project: &ProjectName) -> Result<(), T::Error> {
        let mut projects = self.projects.lock();
        projects.remove(project);
        let path = self.path(project);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(Refused::File { path, source }.into()),
            _ => Ok(()),
        }
    }

    /// Changes what `blank` finds in what a project keeps; it is not checked again. Returns how many changed.
    ///
    /// # Errors
    /// The file cannot be read or written, or one is not of its kind any more.
    pub fn erase(
        &self,
        project: &ProjectName,
        blank: impl Fn(&mut serde_json::Value) -> bool,
    ) -> Result<u64, T::Error> {
        let path = self.path(project);
        let failed = |error: serde_json::Error| Refused::File { path: path.clone(), source: error.into() };
        self.change(project, |all| {
            let mut changed = 0;
            for kept in all {
                let mut value = serde_json::to_value(&*kept).map_err(failed)?;
                if blank(&mut value) {
                    *kept = serde_json::from_value(value).map_err(failed)?;
                    changed += 1;
                }
            }
            Ok(changed)
        })
    }

    fn check(&self, whose: Whose<'_>, new: &T, now_us: i64) -> Result<(), T::Error> {
        if (new.is_shared() || new.is_default()) && !whose.may_share() {
            return Err(Refused::Restricted.into());
        }
        let size = serde_json::to_vec(new).map_or(usize::MAX, |text| text.len());
        if size > self.room.size.1.as_usize() {
            return Err(Refused::TooLarge { size, limit: self.room.size }.into());
        }
        new.check(now_us)
    }

    fn path(&self, project: &ProjectName) -> PathBuf {
        self.dir.join(format!("{project}.json"))
    }

    fn of(&self, projects: &mut HashMap<ProjectName, All<T>>, project: &ProjectName) -> Result<All<T>, T::Error> {
        if let Some(known) = projects.get(project) {
            return Ok(Arc::clone(known));
        }
        let path = self.path(project);
        let read = match std::fs::read(&path) {
            Ok(bytes) => {
                let failed = |source| Refused::File { path: path.clone(), source };
                let text = sealed::unseal(&bytes).map_err(failed)?;
                serde_json::from_slice(text).map_err(|error| failed(error.into()))?
            }
            Err(source) if source.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(source) => return Err(Refused::File { path, source }.into()),
        };
        let read = Arc::new(read);
        projects.insert(project.clone(), Arc::clone(&read));
        Ok(read)
    }

    fn change<R>(
        &self,
        project: &ProjectName,
        change: impl FnOnce(&mut Vec<Kept<T>>) -> Result<R, T::Error>,
    ) -> Result<R, T::Error> {
        let mut projects = self.projects.lock();
        let old = self.of(&mut projects, project)?;
        let mut next = old.to_vec();
        let done = change(&mut next)?;
        if next == *old {
            return Ok(done);
        }
        let path = self.path(project);
        let failed = |source| Refused::File { path: path.clone(), source };
        let text = serde_json::to_vec_pretty(&next).map_err(|error| failed(error.into()))?;
        write_private(&path, &sealed::seal(text)).map_err(failed)?;
        projects.insert(project.clone(), Arc::new(next));
        Ok(done)
    }
}

/// Where `id` is, if the caller may change it.
fn changeable<T: Keep>(all: &[Kept<T>], whose: Whose<'_>, id: &str) -> Result<usize, Refused> {
    let at = all.iter().position(|kept| kept.id == id && whose.sees(kept));
    let at = at.ok_or_else(|| Refused::Unknown(id.to_owned()))?;
    if whose.owns(&all[at]) || whose.is_admin() { Ok(at) } else { Err(Refused::NotYours(id.to_owned())) }
}

/// Adds what has a name that is not taken among those that whoever sees it sees; a new default takes the old one's place.
fn put<T: Keep>(all: &mut Vec<Kept<T>>, new: Kept<T>) -> Result<(), T::Error> {
    let same_place = |other: &Kept<T>| {
        other.saved.name() == new.saved.name()
            && other.saved.is_among(&new.saved)
            && other.saved.is_shared() == new.saved.is_shared()
            && (new.saved.is_shared() || other.owner == new.owner)
    };
    if all.iter().any(same_place) {
        return Err(Refused::Exists(new.saved.name().to_owned()).into());
    }
    if new.saved.is_default() {
        let is_rival = |other: &&mut Kept<T>| other.saved.is_default() && other.saved.begins_what(&new.saved);
        for other in all.iter_mut().filter(is_rival) {
            other.saved.give_way();
            other.version = other.version.saturating_add(1);
        }
    }
    all.push(new);
    Ok(())
}

fn instant(us: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp_micros(us).unwrap_or(DateTime::<Utc>::MAX_UTC);
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
