//! Notices on their way: webhooks into the outbox, which has its own retries; mails from here.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::TrialChannel;
use crate::engine::{Inner, now_ms};
use crate::error::with_causes;
use crate::event::names::ProjectName;
use crate::journal::alerts::{AlertError, AlertRule, Channel, Notice, Told};
use crate::journal::webhook::{Message, Webhook};

/// What deliveries of alerts are called in the outbox.
const PURPOSE: &str = "alert";
/// Longest pause between two tries of a mail.
const PAUSE_MAX: Duration = Duration::from_secs(3_600);

/// What came of telling a channel.
enum Outcome {
    /// It knows, or is sure to.
    Done,
    /// Not yet.
    Later(String),
}

impl Inner {
    /// Tells everybody what they have yet to be told, as far as it is not quiet.
    pub(super) async fn tell_alerts(self: &Arc<Self>) -> Result<(), String> {
        let mut outcome = Ok(());
        for project in self.projects.all().into_iter().filter(|project| !project.name.is_audit()) {
            let untold = self.alerts.untold(&project.name, now_ms()).map_err(|error| with_causes(&error))?;
            for (rule, notice) in untold {
                if let Err(error) = self.tell_notice(&project.name, &rule, notice).await {
                    outcome = Err(with_causes(&error));
                }
            }
        }
        outcome
    }

    async fn tell_notice(&self, project: &ProjectName, rule: &AlertRule, notice: Notice) -> Result<(), AlertError> {
        let now_ms = now_ms();
        if notice.left.iter().all(|told| told.due_ms > now_ms) {
            return Ok(());
        }
        let mut left = Vec::with_capacity(notice.left.len());
        for told in notice.left.iter().copied() {
            if told.due_ms > now_ms {
                left.push(told);
                continue;
            }
            // A channel that was taken away meanwhile need not be told.
            let Some(channel) = rule.alert.channels.get(told.channel) else { continue };
            match self.tell_channel(project, rule, &notice, (told.channel, channel)).await {
                Outcome::Done => {}
                Outcome::Later(error) => left.extend(self.again(rule, told, &error)),
            }
        }
        self.alerts.told(project, rule, &Notice { left, ..notice })
    }

    async fn tell_channel(
        &self,
        project: &ProjectName,
        rule: &AlertRule,
        notice: &Notice,
        (number, channel): (usize, &Channel),
    ) -> Outcome {
        match channel {
            Channel::Webhook { url, secret } => {
                let subject = format!("{}/{number}", notice.id);
                // Put there before a crash that forgot it.
                let known = self.webhooks.outbox.list(project.as_str(), None, usize::MAX);
                if known.iter().any(|delivery| delivery.purpose == PURPOSE && delivery.subject == subject) {
                    return Outcome::Done;
                }
                let webhook = Webhook { url: url.clone(), secret: secret.clone().unwrap_or_default() };
                let body = notice.document(rule, project.as_str()).to_string();
                let message = Message {
                    project: project.as_str(),
                    purpose: PURPOSE,
                    receiver: &rule.id,
                    subject: &subject,
                    body,
                };
                match self.webhooks.outbox.put(&webhook, message) {
                    Ok(_) => Outcome::Done,
                    Err(error) => Outcome::Later(with_causes(&error)),
                }
            }
            Channel::Email { to } => match self.mailer.send(to, notice, rule, project.as_str()).await {
                Ok(()) => Outcome::Done,
                Err(error) => Outcome::Later(with_causes(&error)),
            },
        }
    }

    /// The next try of a channel; none once it was tried often enough.
    fn again(&self, rule: &AlertRule, told: Told, error: &str) -> Option<Told> {
        let settings = &self.shared.config.alerts;
        let attempts = told.attempts.saturating_add(1);
        if attempts >= settings.attempts_max {
            tracing::error!(alert = rule.id, channel = told.channel, error, "a notice cannot be told and is given up");
            return None;
        }
        let pause = settings.retry_first.0.saturating_mul(1 << told.attempts.min(16)).min(PAUSE_MAX);
        tracing::warn!(alert = rule.id, channel = told.channel, error, ?pause, "a notice cannot be told now");
        let pause_ms = i64::try_from(pause.as_millis()).unwrap_or(i64::MAX);
        Some(Told { attempts, due_ms: now_ms().saturating_add(pause_ms), ..told })
    }

    /// Tells all channels of a rule at once that this is a trial.
    pub(super) async fn tell_trial(
        &self,
        project: &ProjectName,
        rule: &AlertRule,
        (group, value): (Map<String, Value>, Option<f64>),
    ) -> Vec<TrialChannel> {
        let id = uuid::Uuid::now_v7().simple().to_string();
        let notice = Notice::test(rule, &id, group, value, now_ms());
        let mut said = Vec::with_capacity(rule.alert.channels.len());
        for channel in &rule.alert.channels {
            let (kind, result) = match channel {
                Channel::Webhook { url, secret } => {
                    let webhook = Webhook { url: url.clone(), secret: secret.clone().unwrap_or_default() };
                    let body = notice.document(rule, project.as_str()).to_string();
                    let sent = self.webhooks.outbox.sender().send(&webhook, &notice.id, body.into_bytes()).await;
                    ("webhook", sent.map(|_| ()).map_err(|error| with_causes(&error)))
                }
                Channel::Email { to } => {
                    let sent = self.mailer.send(to, &notice, rule, project.as_str()).await;
                    ("email", sent.map_err(|error| with_causes(&error)))
                }
            };
            said.push(TrialChannel { kind, ok: result.is_ok(), error: result.err() });
        }
        said
    }

    /// Refuses a URL that cannot be called.
    pub(super) fn check_webhook(&self, url: &str) -> Result<(), AlertError> {
        let webhook = Webhook { url: url.to_owned(), secret: "s".repeat(crate::journal::webhook::SECRET_MIN) };
        self.webhooks
            .outbox
            .sender()
            .check(&webhook)
            .map_err(|error| AlertError::Invalid { part: "url", message: error.to_string() })
    }
}
