//! The alerts of all projects, with where each stands: one file per project, replaced as a whole (mode 0600, for it
//! holds the secrets of webhooks).

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::rule::Channel;
use super::state::stopped_event;
use super::{AlertError, AlertRule, Change, Measured, NewAlert, Notice, RuleState, Status, advance, due_ticks};
use crate::access::{Caller, Scope, hex, write_private};
use crate::config;
use crate::event::names::ProjectName;
use crate::sealed;

/// A rule and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// The rule.
    pub rule: AlertRule,
    /// Where it stands.
    #[serde(default)]
    pub state: RuleState,
}

/// An alert as lists show it: without secrets.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct AlertInfo {
    /// Its id.
    pub id: String,
    /// Public id of the key whose rights it has.
    pub owner: String,
    /// Name of that key.
    pub owner_name: String,
    /// Where it stands.
    pub status: Status,
    /// Why the last question was not answered, or why it is not asked any more.
    pub problem: Option<String>,
    /// Groups that fire or are about to.
    pub groups: Vec<serde_json::Value>,
    /// When it was last asked.
    pub asked_at: Option<String>,
    /// Notices that wait for their channel, or for the end of the quiet.
    pub waiting: usize,
    /// What was asked for.
    #[serde(flatten)]
    pub alert: NewAlert,
    /// When it was made.
    pub created_at: String,
    /// When it was last changed.
    pub updated_at: String,
}

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub struct Reader<'a>(pub &'a Caller);

/// A rule that is to be asked now.
#[derive(Debug, Clone)]
pub struct Due {
    /// The rule.
    pub rule: AlertRule,
    /// At which ticks, in their order.
    pub ticks: Vec<i64>,
}

type Project = BTreeMap<String, Entry>;

/// The alerts of all projects.
#[derive(Debug)]
pub struct Alerts {
    dir: PathBuf,
    settings: config::Alerts,
    /// Held over a change and its file, so that none is lost.
    projects: Mutex<HashMap<ProjectName, Project>>,
}

impl Reader<'_> {
    fn is_admin(self) -> bool {
        self.0.may(Scope::Admin)
    }

    fn owns(self, rule: &AlertRule) -> bool {
        rule.owner == self.0.key.as_str()
    }

    /// What others ask for may name what a restricted key must not know.
    fn sees(self, rule: &AlertRule) -> bool {
        self.owns(rule) || self.is_admin() || self.0.restriction.is_none()
    }
}

impl Entry {
    /// As lists show it.
    #[must_use]
    pub fn info(&self) -> AlertInfo {
        let (rule, state) = (&self.rule, &self.state);
        let group = |group: &super::GroupState| serde_json::json!({"group": group.group, "value": group.value, "since": at(group.since_ms), "phase": group.phase});
        let alert =
            NewAlert { channels: rule.alert.channels.iter().map(Channel::shown).collect(), ..rule.alert.clone() };
        AlertInfo {
            id: rule.id.clone(),
            owner: rule.owner.clone(),
            owner_name: rule.owner_name.clone(),
            status: state.status(rule.alert.enabled),
            problem: state.stopped.clone().or_else(|| state.problem.clone()),
            groups: state.groups.values().map(group).collect(),
            asked_at: state.tick_ms.map(at),
            waiting: state.notices.len(),
            alert,
            created_at: at(rule.created_ms),
            updated_at: at(rule.updated_ms),
        }
    }
}

impl Alerts {
    /// Those in `dir`, which must exist.
    #[must_use]
    pub fn new(dir: &Path, settings: &config::Alerts) -> Self {
        Self { dir: dir.to_path_buf(), settings: settings.clone(), projects: Mutex::default() }
    }

    /// Those that the caller sees, by name.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn list(&self, project: &ProjectName, reader: Reader<'_>) -> Result<Vec<Entry>, AlertError> {
        let mut seen: Vec<Entry> =
            self.read(project, |all| all.values().filter(|entry| reader.sees(&entry.rule)).cloned().collect())?;
        seen.sort_by(|a, b| (&a.rule.alert.name, &a.rule.id).cmp(&(&b.rule.alert.name, &b.rule.id)));
        Ok(seen)
    }

    /// One that the caller sees.
    ///
    /// # Errors
    /// There is none; the file cannot be read.
    pub fn get(&self, project: &ProjectName, reader: Reader<'_>, id: &str) -> Result<Entry, AlertError> {
        let found = self.read(project, |all| all.get(id).filter(|entry| reader.sees(&entry.rule)).cloned())?;
        found.ok_or_else(|| AlertError::Unknown(id.to_owned()))
    }

    /// Makes an alert that was checked, with the rights of the caller; secrets that it lacks are made.
    ///
    /// # Errors
    /// Too many are there; the file cannot be written.
    pub fn create(
        &self,
        project: &ProjectName,
        reader: Reader<'_>,
        new: NewAlert,
        now_ms: i64,
    ) -> Result<Entry, AlertError> {
        let rule = AlertRule {
            id: Uuid::now_v7().to_string(),
            owner: reader.0.key.to_string(),
            owner_name: reader.0.name.to_string(),
            revision: 1,
            created_ms: now_ms,
            updated_ms: now_ms,
            alert: with_secrets(new, &[])?,
        };
        let entry = Entry { rule, state: RuleState::default() };
        let limit = self.settings.rules_max;
        self.change(project, |all| {
            if all.len() >= limit {
                return Err(AlertError::TooMany(limit));
            }
            all.insert(entry.rule.id.clone(), entry.clone());
            Ok(())
        })?;
        Ok(entry)
    }

    /// Replaces an alert by one that was checked, with the rights of the caller. Another question begins anew; a
    /// webhook of the same URL keeps its secret.
    ///
    /// # Errors
    /// There is none, or it is another key's; the file cannot be written.
    pub fn replace(
        &self,
        project: &ProjectName,
        reader: Reader<'_>,
        id: &str,
        new: NewAlert,
        now_ms: i64,
    ) -> Result<Entry, AlertError> {
        self.change(project, |all| {
            let entry = changeable(all, reader, id)?;
            let alert = with_secrets(new, &entry.rule.alert.channels)?;
            let same = same_question(&alert, &entry.rule.alert) && reader.owns(&entry.rule);
            let channels = alert.channels.len();
            entry.rule = AlertRule {
                owner: reader.0.key.to_string(),
                owner_name: reader.0.name.to_string(),
                revision: entry.rule.revision + 1,
                updated_ms: now_ms,
                alert,
                ..entry.rule.clone()
            };
            if !same {
                entry.state = RuleState { history: std::mem::take(&mut entry.state.history), ..RuleState::default() };
            }
            entry.state.stopped = None;
            for notice in &mut entry.state.notices {
                notice.left.retain(|told| told.channel < channels);
            }
            entry.state.notices.retain(|notice| !notice.left.is_empty());
            Ok(entry.clone())
        })
    }

    /// Deletes an alert.
    ///
    /// # Errors
    /// There is none, it is another key's, the file cannot be written.
    pub fn delete(&self, project: &ProjectName, reader: Reader<'_>, id: &str) -> Result<(), AlertError> {
        self.change(project, |all| {
            changeable(all, reader, id)?;
            all.remove(id);
            Ok(())
        })
    }

    /// Removes the alerts of a project that is deleted.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn forget(&self, project: &ProjectName) -> Result<(), AlertError> {
        let mut projects = self.projects.lock();
        projects.remove(project);
        let path = self.path(project);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(AlertError::File { path, source }),
            _ => Ok(()),
        }
    }

    /// The rules of a project that are to be asked, now that it is `now_ms`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn due(&self, project: &ProjectName, now_ms: i64) -> Result<Vec<Due>, AlertError> {
        let settled = now_ms.saturating_sub(i64::try_from(self.settings.delay.0.as_millis()).unwrap_or(0));
        self.read(project, |all| {
            let asked = all.values().filter(|entry| entry.rule.alert.enabled && entry.state.stopped.is_none());
            asked
                .map(|entry| Due {
                    ticks: due_ticks(entry.rule.alert.every, entry.state.tick_ms, settled),
                    rule: entry.rule.clone(),
                })
                .filter(|due| !due.ticks.is_empty())
                .collect()
        })
    }

    /// Moves a rule on by what was found at a tick; nothing where it has changed meanwhile.
    ///
    /// # Errors
    /// The file cannot be written; then nothing has happened.
    pub fn note(
        &self,
        project: &ProjectName,
        rule: &AlertRule,
        tick_ms: i64,
        found: Result<&Measured, String>,
    ) -> Result<Vec<Change>, AlertError> {
        self.of_revision(project, rule, |entry| match found {
            Ok(measured) => advance(&entry.rule, &mut entry.state, tick_ms, measured),
            Err(problem) => {
                (entry.state.tick_ms, entry.state.problem) = (Some(tick_ms), Some(problem));
                Vec::new()
            }
        })
    }

    /// Stops a rule for good, or until it is changed.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn stop(&self, project: &ProjectName, rule: &AlertRule, reason: &str, now_ms: i64) -> Result<(), AlertError> {
        self.of_revision(project, rule, |entry| {
            entry.state.stopped = Some(reason.to_owned());
            (entry.state.groups, entry.state.notices) = (BTreeMap::new(), Vec::new());
            entry.state.history.push(stopped_event(&entry.rule, reason, now_ms));
        })
    }

    /// Everything that has yet to be told: rules with notices, those of quiet hours left out.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn untold(&self, project: &ProjectName, now_ms: i64) -> Result<Vec<(AlertRule, Notice)>, AlertError> {
        self.read(project, |all| {
            let loud =
                all.values().filter(|entry| !entry.rule.alert.quiet.as_ref().is_some_and(|quiet| quiet.holds(now_ms)));
            loud.flat_map(|entry| entry.state.notices.iter().map(|notice| (entry.rule.clone(), notice.clone())))
                .collect()
        })
    }

    /// A notice has come so far: what is left of it, nothing where all have been told.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn told(&self, project: &ProjectName, rule: &AlertRule, notice: &Notice) -> Result<(), AlertError> {
        self.of_revision(project, rule, |entry| {
            for known in entry.state.notices.iter_mut().filter(|known| known.id == notice.id) {
                known.left.clone_from(&notice.left);
            }
            entry.state.notices.retain(|known| !known.left.is_empty());
        })
    }

    /// Lines that are to be written into the journal.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn history(&self, project: &ProjectName) -> Result<Vec<serde_json::Value>, AlertError> {
        self.read(project, |all| all.values().flat_map(|entry| entry.state.history.iter().cloned()).collect())
    }

    /// These lines are in the journal.
    ///
    /// # Errors
    /// The file cannot be written: they are written again, under the same ids.
    pub fn recorded(&self, project: &ProjectName, lines: &[serde_json::Value]) -> Result<(), AlertError> {
        self.change(project, |all| {
            for entry in all.values_mut() {
                entry.state.history.retain(|line| !lines.contains(line));
            }
            Ok(())
        })
    }

    fn of_revision<T: Default>(
        &self,
        project: &ProjectName,
        rule: &AlertRule,
        change: impl FnOnce(&mut Entry) -> T,
    ) -> Result<T, AlertError> {
        self.change(project, |all| {
            let entry = all.get_mut(&rule.id).filter(|entry| entry.rule.revision == rule.revision);
            Ok(entry.map(change).unwrap_or_default())
        })
    }

    fn path(&self, project: &ProjectName) -> PathBuf {
        self.dir.join(format!("{project}.json"))
    }

    fn read<T>(&self, project: &ProjectName, look: impl FnOnce(&Project) -> T) -> Result<T, AlertError> {
        let mut projects = self.projects.lock();
        if let Some(known) = projects.get(project) {
            return Ok(look(known));
        }
        let loaded = self.load(project)?;
        let seen = look(&loaded);
        projects.insert(project.clone(), loaded);
        Ok(seen)
    }

    fn load(&self, project: &ProjectName) -> Result<Project, AlertError> {
        let path = self.path(project);
        let failed = |source| AlertError::File { path: path.clone(), source };
        let entries: Vec<Entry> = match std::fs::read(&path) {
            Ok(bytes) => {
                let text = sealed::unseal(&bytes).map_err(failed)?;
                serde_json::from_slice(text).map_err(|error| failed(error.into()))?
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(failed(error)),
        };
        Ok(entries.into_iter().map(|entry| (entry.rule.id.clone(), entry)).collect())
    }

    fn change<T>(
        &self,
        project: &ProjectName,
        change: impl FnOnce(&mut Project) -> Result<T, AlertError>,
    ) -> Result<T, AlertError> {
        let mut projects = self.projects.lock();
        let mut next = match projects.get(project) {
            Some(known) => known.clone(),
            None => self.load(project)?,
        };
        let done = change(&mut next)?;
        if projects.get(project) != Some(&next) {
            let path = self.path(project);
            let failed = |source| AlertError::File { path: path.clone(), source };
            let text = serde_json::to_vec(&next.values().collect::<Vec<_>>()).map_err(|error| failed(error.into()))?;
            write_private(&path, &sealed::seal(text)).map_err(failed)?;
            projects.insert(project.clone(), next);
        }
        Ok(done)
    }
}

/// The entry `id`, if the caller may change it.
fn changeable<'a>(all: &'a mut Project, reader: Reader<'_>, id: &str) -> Result<&'a mut Entry, AlertError> {
    let entry = all.get_mut(id).filter(|entry| reader.sees(&entry.rule));
    let entry = entry.ok_or_else(|| AlertError::Unknown(id.to_owned()))?;
    if reader.owns(&entry.rule) || reader.is_admin() { Ok(entry) } else { Err(AlertError::NotYours(id.to_owned())) }
}

/// The same with a secret for each webhook: its own, that of the same URL before, or a new one.
fn with_secrets(mut alert: NewAlert, before: &[Channel]) -> Result<NewAlert, AlertError> {
    for channel in &mut alert.channels {
        let Channel::Webhook { url, secret: secret @ None } = channel else { continue };
        let known = before.iter().find_map(|known| match known {
            Channel::Webhook { url: same, secret } if same == url => secret.clone(),
            _ => None,
        });
        *secret = Some(match known {
            Some(known) => known,
            None => fresh_secret()?,
        });
    }
    Ok(alert)
}

fn fresh_secret() -> Result<String, AlertError> {
    let mut bytes = [0; 32];
    let made = getrandom::fill(&mut bytes);
    made.map_err(|error| AlertError::File {
        path: "the system's random numbers".into(),
        source: std::io::Error::other(error.to_string()),
    })?;
    Ok(hex(&bytes))
}

/// Whether the answers to both mean the same.
fn same_question(a: &NewAlert, b: &NewAlert) -> bool {
    let question = |alert: &NewAlert| NewAlert {
        name: String::new(),
        enabled: true,
        repeat: None,
        quiet: None,
        channels: Vec::new(),
        ..alert.clone()
    };
    question(a) == question(b)
}

fn at(ms: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or(DateTime::<Utc>::MAX_UTC);
    time.to_rfc3339_opts(SecondsFormat::AutoSi, true)
}
