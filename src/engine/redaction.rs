//! What is redacted in each project: the settings' rules for all, those for the project, and its own.
//!
//! Rules only ever add up, so that nobody who may change a project's own can lay bare what the operator
//! hides. The own ones are kept in `redaction.json`, replaced as a whole.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::Mutex;
use xxhash_rust::xxh3::xxh3_64;

use super::EngineError;
use super::directory::{read_json, write_json};
use crate::config::{RedactLists, Redaction};
use crate::event::names::ProjectName;
use crate::event::redact::{RedactError, RedactRules};

/// Rules in force, and a number that differs where they do.
#[derive(Debug)]
pub(super) struct InForce {
    pub(super) rules: RedactRules,
    pub(super) id: u64,
}

impl InForce {
    fn new(rules: RedactRules) -> Arc<Self> {
        let id = xxh3_64(format!("{:?}", rules.lists()).as_bytes());
        Arc::new(Self { rules, id })
    }
}

/// The rules of all projects.
#[derive(Debug)]
pub(super) struct Redactions {
    path: PathBuf,
    settings: Redaction,
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    own: BTreeMap<ProjectName, RedactLists>,
    in_force: HashMap<ProjectName, Arc<InForce>>,
}

/// Names the project whose rules cannot be used.
pub(super) fn failed_for(project: &ProjectName) -> impl FnOnce(RedactError) -> EngineError {
    let of = Some(project.to_string());
    |source| EngineError::Redaction { of, source }
}

/// Refuses settings that cannot be used.
pub(super) fn check(settings: &Redaction) -> Result<(), EngineError> {
    let failed = |of: Option<&String>| {
        let of = of.cloned();
        move |source| EngineError::Redaction { of, source }
    };
    let all = RedactRules::new(settings.lists()).map_err(failed(None))?;
    for (name, lists) in &settings.projects {
        ProjectName::try_from(name.as_str())
            .map_err(|error| RedactError::BadProject(error.to_string()))
            .and_then(|_| all.and(lists))
            .map_err(failed(Some(name)))?;
    }
    Ok(())
}

impl Redactions {
    /// Reads the projects' own rules from `path`, which need not exist.
    pub(super) fn open(path: &Path, settings: &Redaction) -> Result<Self, EngineError> {
        check(settings)?;
        let own = read_json(path)?.unwrap_or_default();
        let known = Mutex::new(Known { own, in_force: HashMap::new() });
        let redactions = Self { path: path.to_path_buf(), settings: settings.clone(), known };
        // Settings that leave no room for what a project has are refused now, not at its next event.
        let names: Vec<ProjectName> = redactions.known.lock().own.keys().cloned().collect();
        names.iter().try_for_each(|name| redactions.of(name).map(|_| ()).map_err(failed_for(name)))?;
        Ok(redactions)
    }

    /// What is redacted in `project`.
    pub(super) fn of(&self, project: &ProjectName) -> Result<Arc<InForce>, RedactError> {
        let mut known = self.known.lock();
        if let Some(found) = known.in_force.get(project) {
            return Ok(Arc::clone(found));
        }
        let in_force = InForce::new(self.rules(project, known.own.get(project))?);
        known.in_force.insert(project.clone(), Arc::clone(&in_force));
        Ok(in_force)
    }

    /// The project's own rules.
    pub(super) fn own(&self, project: &ProjectName) -> RedactLists {
        self.known.lock().own.get(project).cloned().unwrap_or_default()
    }

    /// Replaces the project's own rules; they hold for events taken in from now on, also after a crash.
    pub(super) fn set(&self, project: &ProjectName, lists: RedactLists) -> Result<(), EngineError> {
        let rules = self.rules(project, Some(&lists)).map_err(failed_for(project))?;
        let mut known = self.known.lock();
        let mut next = known.own.clone();
        if lists == RedactLists::default() {
            next.remove(project);
        } else {
            next.insert(project.clone(), lists);
        }
        write_json(&self.path, &next)?;
        known.own = next;
        known.in_force.insert(project.clone(), InForce::new(rules));
        Ok(())
    }

    /// Forgets the rules of a project that is deleted.
    pub(super) fn forget(&self, project: &ProjectName) -> Result<(), EngineError> {
        if self.known.lock().own.contains_key(project) {
            self.set(project, RedactLists::default())?;
        }
        self.known.lock().in_force.remove(project);
        Ok(())
    }

    fn rules(&self, project: &ProjectName, own: Option<&RedactLists>) -> Result<RedactRules, RedactError> {
        let mut rules = RedactRules::new(self.settings.lists())?;
        for more in self.settings.projects.get(project.as_str()).into_iter().chain(own) {
            rules = rules.and(more)?;
        }
        Ok(rules)
    }
}
