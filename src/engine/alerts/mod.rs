//! The jobs of the alerts: rules are asked, as their keys; what they lead to is recorded and told.
//!
//! ```text
//! due rules ─▶ question, as the rule's key, in its turn ─▶ Alerts::note ─▶ history ─▶ the project's own journal
//!                                                                └────────▶ notices ─▶ outbox, mail
//! ```

mod tell;

use std::sync::Arc;
use std::time::Duration;

use futures::{FutureExt, StreamExt};
use serde::Serialize;
use serde_json::{Map, Value};
use tokio::sync::Notify;
use utoipa::ToSchema;

use super::project::Project;
use super::{AppendOptions, Engine, EngineError, Inner, now_ms, now_s, now_us};
use crate::access::{Caller, KeyId, Scope};
use crate::error::{Kind, Report, with_causes};
use crate::event::names::ProjectName;
use crate::event::parse::BodyFormat;
use crate::journal::alerts::{
    AlertError, AlertRule, Alerts, Channel, Due, Entry, Limits, Measured, NewAlert, Question, Reader, read,
};
use crate::query::{self, Params, QueryError};

/// How often rules are looked at.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How often it is looked for what has yet to be told.
const TELL_EVERY: Duration = Duration::from_secs(1);
/// `source` of the events that alerts are.
const SOURCE: &str = "kronika";

/// Why a rule was not asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum AskError {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Alert(#[from] AlertError),
    #[error(transparent)]
    Admission(#[from] super::AdmissionError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// What a trial of an alert found.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertTrial {
    /// The SQL that was asked.
    pub sql: String,
    /// Values of its placeholders.
    #[schema(value_type = Object)]
    pub params: Map<String, Value>,
    /// Groups with their values.
    pub groups: Vec<TrialGroup>,
    /// What came of telling each channel.
    pub channels: Vec<TrialChannel>,
}

/// A group of a trial.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialGroup {
    /// What tells it from others.
    #[schema(value_type = Object)]
    pub group: Map<String, Value>,
    /// Its value.
    pub value: Option<f64>,
    /// Whether it crosses the line.
    pub crosses: bool,
}

/// A channel of a trial.
#[derive(Debug, Serialize, ToSchema)]
pub struct TrialChannel {
    /// `webhook` or `email`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Whether it took the notice.
    pub ok: bool,
    /// Why not.
    pub error: Option<String>,
}

/// Starts the jobs.
pub(super) fn start(engine: &Arc<Inner>) {
    let due = Arc::clone(engine);
    let look_every = LOOK_EVERY.min(engine.shared.config.alerts.every_min.0 / 2).max(Duration::from_millis(10));
    engine.tasks.start("alerts", look_every, Arc::new(Notify::new()), move || {
        let engine = Arc::clone(&due);
        async move { engine.ask_alerts().await }.boxed()
    });
    let (due, nudge) = (Arc::clone(engine), Arc::clone(&engine.alert_news));
    engine.tasks.start("alert notices", TELL_EVERY, nudge, move || {
        let engine = Arc::clone(&due);
        async move { engine.tell_alerts().await }.boxed()
    });
}

impl Inner {
    /// Asks every rule that is due; the first fault of a file is told at the end.
    async fn ask_alerts(self: &Arc<Self>) -> Result<(), String> {
        let mut outcome = Ok(());
        for project in self.projects.all().into_iter().filter(|project| !project.name.is_audit()) {
            let due = match self.alerts.due(&project.name, now_ms()) {
                Ok(due) => due,
                Err(error) => {
                    outcome = Err(with_causes(&error));
                    continue;
                }
            };
            let at_once = self.shared.config.alerts.at_once_max;
            let asked = futures::stream::iter(due).map(|due| self.ask_rule(&project.name, due));
            let asked: Vec<Result<(), AlertError>> = asked.buffer_unordered(at_once).collect().await;
            for error in asked.into_iter().filter_map(Result::err) {
                outcome = Err(with_causes(&error));
            }
            if let Err(error) = self.record_alerts(&project).await {
                outcome = Err(error);
            }
        }
        outcome
    }

    /// Asks one rule at each of its ticks.
    async fn ask_rule(self: &Arc<Self>, project: &ProjectName, due: Due) -> Result<(), AlertError> {
        let rule = &due.rule;
        let Some(caller) = self.acting(rule, project) else {
            return self.alerts.stop(project, rule, "the key that it belongs to has ended", now_ms());
        };
        for tick_ms in due.ticks {
            let engine = Engine(Arc::clone(self));
            let found = match engine.ask(&caller, project, rule, tick_ms).await {
                Ok((_, measured)) => Ok(measured),
                // A server that has too much to do is asked again; the window is looked at later.
                Err(error) if error.passes() => {
                    tracing::warn!(alert = rule.id, %project, %error, "an alert cannot be asked now");
                    return Ok(());
                }
                Err(error) => Err(error.to_string()),
            };
            let changes = self.alerts.note(project, rule, tick_ms, found.as_ref().map_err(Clone::clone))?;
            if !changes.is_empty() {
                self.shared.counters.alerts_changed(project, changes.len() as u64);
                self.alert_news.notify_one();
            }
        }
        Ok(())
    }

    /// The key of a rule as a caller, as long as it may ask.
    fn acting(&self, rule: &AlertRule, project: &ProjectName) -> Option<Caller> {
        let caller = self.keys.caller(&KeyId::from(rule.owner.as_str()), now_s()).ok()?;
        let here = caller.project.as_ref().is_none_or(|own| own == project);
        (here && caller.may(Scope::Query)).then_some(caller)
    }

    /// Writes what happened into the project's journal; the same line twice is one event.
    async fn record_alerts(self: &Arc<Self>, project: &Arc<Project>) -> Result<(), String> {
        let lines = self.alerts.history(&project.name).map_err(|error| with_causes(&error))?;
        if lines.is_empty() {
            return Ok(());
        }
        let body: Vec<u8> = lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect();
        let options =
            AppendOptions { source: Some(SOURCE.into()), format: BodyFormat::Ndjson, ..AppendOptions::default() };
        let receipt = self.append(&project.name, body, options).await.map_err(|error| with_causes(&error))?;
        if receipt.rejected > 0 {
            tracing::error!(errors = ?receipt.errors, "events of alerts were refused: this is a fault of the program");
        }
        self.alerts.recorded(&project.name, &lines).map_err(|error| with_causes(&error))
    }
}

impl AskError {
    /// Whether the same may be answered a little later.
    fn passes(&self) -> bool {
        let kind = match self {
            Self::Query(error) | Self::Admission(super::AdmissionError::Query(error)) => error.kind(),
            Self::Admission(super::AdmissionError::Access(error)) => error.kind(),
            Self::Alert(error) => error.kind(),
            Self::Engine(error) => error.kind(),
        };
        matches!(kind, Kind::Overloaded | Kind::Unavailable | Kind::Canceled)
    }
}

impl Engine {
    /// The alerts.
    #[must_use]
    pub fn alerts(&self) -> &Alerts {
        &self.0.alerts
    }

    /// Makes an alert of `caller`.
    ///
    /// # Errors
    /// It cannot be asked, not be told, or not be stored.
    pub async fn create_alert(
        &self,
        caller: &Caller,
        project: &ProjectName,
        new: NewAlert,
    ) -> Result<Entry, AlertFailure> {
        self.check_alert(caller, project, &new).await?;
        Ok(self.0.alerts.create(project, Reader(caller), new, now_ms())?)
    }

    /// Replaces an alert; it has the rights of `caller` from now on.
    ///
    /// # Errors
    /// As [`Engine::create_alert`]; there is none, or it is another key's.
    pub async fn replace_alert(
        &self,
        caller: &Caller,
        project: &ProjectName,
        id: &str,
        new: NewAlert,
    ) -> Result<Entry, AlertFailure> {
        self.check_alert(caller, project, &new).await?;
        Ok(self.0.alerts.replace(project, Reader(caller), id, new, now_ms())?)
    }

    /// Puts the question of an alert now, and tells its channels that this is a trial.
    ///
    /// # Errors
    /// There is none that the caller may change; the question fails.
    pub async fn test_alert(
        &self,
        caller: &Caller,
        project: &ProjectName,
        id: &str,
    ) -> Result<AlertTrial, AlertFailure> {
        let rule = self.0.alerts.get(project, Reader(caller), id)?.rule;
        if rule.owner != caller.key.as_str() && !caller.may(Scope::Admin) {
            return Err(AlertError::NotYours(id.to_owned()).into());
        }
        // As whoever tests it: the answer comes back.
        let (question, measured) = self.ask(caller, project, &rule, now_ms()).await?;
        let line = rule.alert.condition;
        let crosses = |value: Option<f64>| value.is_some_and(|value| line.op.holds(value, line.value));
        let shown = measured.iter().find(|(_, value)| crosses(*value)).or(measured.first()).cloned();
        let channels = self.0.tell_trial(project, &rule, shown.unwrap_or_default()).await;
        let groups = measured.into_iter().map(|(group, value)| TrialGroup { crosses: crosses(value), group, value });
        Ok(AlertTrial { sql: question.sql, params: question.values, groups: groups.collect(), channels })
    }

    /// Refuses an alert that cannot be asked or told.
    async fn check_alert(&self, caller: &Caller, project: &ProjectName, new: &NewAlert) -> Result<(), AlertFailure> {
        let settings = &self.config().alerts;
        new.check(Limits { settings, mailer: &self.0.mailer }, now_us())?;
        for channel in &new.channels {
            if let Channel::Webhook { url, .. } = channel {
                self.0.check_webhook(url)?;
            }
        }
        let rule = AlertRule {
            id: String::new(),
            owner: caller.key.to_string(),
            owner_name: String::new(),
            revision: 0,
            created_ms: 0,
            updated_ms: 0,
            alert: new.clone(),
        };
        // What cannot be answered now, with the rights that it will have, cannot be later.
        self.ask(caller, project, &rule, now_ms()).await?;
        Ok(())
    }

    /// Puts the question of a rule at a tick, as `caller`, in its turn.
    async fn ask(
        &self,
        caller: &Caller,
        project: &ProjectName,
        rule: &AlertRule,
        tick_ms: i64,
    ) -> Result<(Question, Measured), AskError> {
        let settings = &self.config().alerts;
        let hidden = caller.reader(project).restriction.map(|restriction| restriction.hidden()).unwrap_or_default();
        let question = Question::new(rule, tick_ms, settings.groups_max, &hidden)?;
        let limits = query::Limits::of(&self.config().query);
        let most = settings.groups_max as u64 + 1;
        let limits = query::Limits { timeout: limits.timeout.min(settings.timeout), rows_max: most, ..limits };
        let turn = self.turn(caller, project).await?;
        let session = self.session_for(caller, project)?.in_turn(turn);
        let answer = session.run(&question.sql, Params::Named(question.values.clone()), limits).await?;
        let columns = answer.columns().to_vec();
        let (batches, _) = answer.collect().await?;
        Ok((question, read(&columns, &batches, settings.groups_max)?))
    }
}

/// Why an alert is not made, changed or tried.
#[derive(Debug, thiserror::Error)]
pub enum AlertFailure {
    /// The alert.
    #[error(transparent)]
    Alert(#[from] AlertError),
    /// Its question.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The turn of its question.
    #[error(transparent)]
    Access(#[from] crate::access::AccessError),
    /// The project.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl From<AskError> for AlertFailure {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Query(error) | AskError::Admission(super::AdmissionError::Query(error)) => Self::Query(error),
            AskError::Admission(super::AdmissionError::Access(error)) => Self::Access(error),
            AskError::Alert(error) => Self::Alert(error),
            AskError::Engine(error) => Self::Engine(error),
        }
    }
}
