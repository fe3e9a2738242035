//! Calls that must arrive: kept on disk until they did, or are given up.
//!
//! A directory of small files (`delivery`). In memory is what lists show; bodies and secrets stay on disk until
//! their turn comes, so that a receiver that hangs costs files and no memory.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::Utc;
use futures::StreamExt;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::Notify;
use uuid::Uuid;

use super::delivery::{Stored, file_of};
use super::{Delivered, Delivery, DeliveryState, Sender, Webhook, WebhookError};
use crate::access::write_private;
use crate::config;
use crate::error::{Kind, Report};
use crate::sealed;

/// Records of what was delivered that are kept; older ones go first.
const DELIVERED_MAX: usize = 1_000;

/// What is to be told to whom.
#[derive(Debug)]
pub struct Message<'a> {
    /// The project that it is about.
    pub project: &'a str,
    /// What it is for: `restore`, `alert`.
    pub purpose: &'a str,
    /// Who is called, by a name that stays when its URL changes: a source, an alert.
    pub receiver: &'a str,
    /// What it tells of.
    pub subject: &'a str,
    /// A JSON document.
    pub body: String,
}

/// Why the outbox does not do it.
#[derive(Debug, Error)]
pub enum OutboxError {
    /// The receiver cannot be called.
    #[error(transparent)]
    Target(#[from] WebhookError),
    /// No room.
    #[error("{0} calls wait already")]
    Full(usize),
    /// No such delivery.
    #[error("there is no delivery `{0}`")]
    Unknown(String),
    /// It is not a dead letter.
    #[error("the delivery `{0}` is no dead letter")]
    NotDead(String),
    /// The disk.
    #[error("cannot use `{}`", path.display())]
    Io {
        /// File or directory.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl Report for OutboxError {
    fn kind(&self) -> Kind {
        match self {
            Self::Target(_) => Kind::Invalid,
            Self::Full(_) => Kind::Overloaded,
            Self::Unknown(_) => Kind::NotFound,
            Self::NotDead(_) => Kind::Conflict,
            Self::Io { .. } => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Target(_) => "invalid_webhook",
            Self::Full(_) => "webhooks_waiting",
            Self::Unknown(_) => "delivery_not_found",
            Self::NotDead(_) => "delivery_not_dead",
            Self::Io { .. } => "webhooks_unavailable",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Target(WebhookError::Address { .. }) => {
                "an operator can permit its network with the setting `webhook.allowed_networks`".into()
            }
            Self::Target(_) => "give an `https://` URL of a public host, and a secret of 16 to 256 bytes".into(),
            Self::Full(_) => "look after the receivers, or raise `webhook.queue_max`".into(),
            Self::Unknown(_) => "list them with GET /api/v1/webhooks/deliveries".into(),
            Self::NotDead(_) => "it is tried again by itself, or was delivered".into(),
            Self::Io { .. } => "check the space and rights of the data directory".into(),
        })
    }
}

/// All calls that are to be made, or were.
#[derive(Debug)]
pub struct Outbox {
    dir: PathBuf,
    sender: Sender,
    settings: config::Webhook,
    /// By id, which grows with time; without bodies and secrets.
    known: Mutex<BTreeMap<String, Stored>>,
    nudge: Arc<Notify>,
}

impl std::fmt::Debug for Stored {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.shown().fmt(f)
    }
}

impl Outbox {
    /// Opens the directory, which is made where it is missing.
    ///
    /// # Errors
    /// It cannot be used; a file in it is damaged.
    pub fn open(dir: &Path, settings: &config::Webhook) -> Result<Self, OutboxError> {
        let failed = |path: &Path| {
            let path = path.to_path_buf();
            move |source| OutboxError::Io { path, source }
        };
        std::fs::create_dir_all(dir).map_err(failed(dir))?;
        let mut known = BTreeMap::new();
        for entry in std::fs::read_dir(dir).map_err(failed(dir))? {
            let path = entry.map_err(failed(dir))?.path();
            if path.extension().is_none_or(|extension| extension != "json") {
                continue;
            }
            let bytes = std::fs::read(&path).map_err(failed(&path))?;
            let text = sealed::unseal(&bytes).map_err(failed(&path))?;
            let stored: Stored = serde_json::from_slice(text).map_err(|error| failed(&path)(error.into()))?;
            known.insert(stored.id.clone(), stored.light());
        }
        let (sender, nudge) = (Sender::new(settings)?, Arc::default());
        Ok(Self { dir: dir.to_path_buf(), sender, settings: settings.clone(), known: Mutex::new(known), nudge })
    }

    /// Woken when there may be something to do.
    #[must_use]
    pub fn nudge(&self) -> Arc<Notify> {
        Arc::clone(&self.nudge)
    }

    /// The sender, for calls that need not survive a crash.
    #[must_use]
    pub fn sender(&self) -> &Sender {
        &self.sender
    }

    /// Takes a message; it is on disk when this returns, and is sent soon. Returns its id.
    ///
    /// # Errors
    /// The receiver cannot be called, there is no room, or the disk fails.
    pub fn put(&self, webhook: &Webhook, message: Message<'_>) -> Result<String, OutboxError> {
        let id = self.add(webhook, message, DeliveryState::Pending)?;
        self.nudge.notify_one();
        Ok(id)
    }

    /// As [`Outbox::put`], but sent only once it is [released](Outbox::release): for what tells of something that
    /// is about to be stored.
    ///
    /// # Errors
    /// As [`Outbox::put`].
    pub fn hold(&self, webhook: &Webhook, message: Message<'_>) -> Result<String, OutboxError> {
        self.add(webhook, message, DeliveryState::Held)
    }

    fn add(&self, webhook: &Webhook, message: Message<'_>, state: DeliveryState) -> Result<String, OutboxError> {
        self.sender.check(webhook)?;
        let waiting = |stored: &&Stored| stored.state != DeliveryState::Delivered;
        let mut known = self.known.lock();
        if known.values().filter(waiting).count() >= self.settings.queue_max {
            return Err(OutboxError::Full(self.settings.queue_max));
        }
        let now_ms = Utc::now().timestamp_millis();
        let stored = Stored {
            id: Uuid::now_v7().simple().to_string(),
            project: message.project.to_owned(),
            purpose: message.purpose.to_owned(),
            receiver: message.receiver.to_owned(),
            subject: message.subject.to_owned(),
            url: webhook.url.clone(),
            secret: webhook.secret.clone(),
            state,
            created_ms: now_ms,
            due_ms: now_ms,
            attempts: 0,
            last_ms: None,
            last_status: None,
            last_error: None,
            body: message.body,
        };
        self.write(&stored)?;
        known.insert(stored.id.clone(), stored.light());
        Ok(stored.id)
    }

    /// What a held delivery tells of is stored: it may go.
    ///
    /// # Errors
    /// No such delivery, or the disk.
    pub fn release(&self, id: &str) -> Result<(), OutboxError> {
        self.change(id, |stored| stored.state = DeliveryState::Pending)?;
        self.nudge.notify_one();
        Ok(())
    }

    /// What a delivery tells of was not stored, or it is of no interest any more.
    ///
    /// # Errors
    /// The disk.
    pub fn discard(&self, id: &str) -> Result<(), OutboxError> {
        self.remove(&mut self.known.lock(), id)
    }

    /// Deliveries that were held when the process ended, as (id, project, what they tell of).
    #[must_use]
    pub fn held(&self) -> Vec<(String, String, String)> {
        let known = self.known.lock();
        let held = known.values().filter(|stored| stored.state == DeliveryState::Held);
        held.map(|stored| (stored.id.clone(), stored.project.clone(), stored.subject.clone())).collect()
    }

    /// Deliveries of a project, the newest first.
    #[must_use]
    pub fn list(&self, project: &str, state: Option<DeliveryState>, limit: usize) -> Vec<Delivery> {
        let known = self.known.lock();
        let wanted = |stored: &&Stored| stored.project == project && state.is_none_or(|state| stored.state == state);
        known.values().rev().filter(wanted).take(limit).map(Stored::shown).collect()
    }

    /// One delivery of a project.
    ///
    /// # Errors
    /// It has none of that id.
    pub fn get(&self, project: &str, id: &str) -> Result<Delivery, OutboxError> {
        let known = self.known.lock();
        let found = known.get(id).filter(|stored| stored.project == project);
        found.map(Stored::shown).ok_or_else(|| OutboxError::Unknown(id.to_owned()))
    }

    /// Tries a dead letter again, from the first pause on; to `webhook` where its receiver has changed.
    ///
    /// # Errors
    /// No such delivery, or none that is dead; the receiver cannot be called; the disk.
    pub fn retry(&self, project: &str, id: &str, webhook: Option<&Webhook>) -> Result<Delivery, OutboxError> {
        if self.get(project, id)?.state != DeliveryState::Dead {
            return Err(OutboxError::NotDead(id.to_owned()));
        }
        if let Some(webhook) = webhook {
            self.sender.check(webhook)?;
        }
        self.change(id, |stored| {
            if let Some(webhook) = webhook {
                (stored.url, stored.secret) = (webhook.url.clone(), webhook.secret.clone());
            }
            (stored.state, stored.attempts) = (DeliveryState::Pending, 0);
            stored.due_ms = Utc::now().timestamp_millis();
        })?;
        self.nudge.notify_one();
        self.get(project, id)
    }

    /// Removes all deliveries of a project that is deleted.
    ///
    /// # Errors
    /// The disk.
    pub fn forget(&self, project: &str) -> Result<(), OutboxError> {
        let mut known = self.known.lock();
        let ids: Vec<String> =
            known.values().filter(|stored| stored.project == project).map(|stored| stored.id.clone()).collect();
        ids.iter().try_for_each(|id| self.remove(&mut known, id))
    }

    /// Sends what is due, a bounded number of calls; whether more may be due. What is too old is removed.
    ///
    /// # Errors
    /// The disk. A call that fails is no error of this: it is tried later.
    pub async fn step(&self) -> Result<bool, OutboxError> {
        self.expire()?;
        let now_ms = Utc::now().timestamp_millis();
        let due = |stored: &&Stored| stored.state == DeliveryState::Pending && stored.due_ms <= now_ms;
        let mut due: Vec<(i64, String)> =
            self.known.lock().values().filter(due).map(|stored| (stored.due_ms, stored.id.clone())).collect();
        due.sort();
        let more = due.len() > self.settings.at_once_max;
        let calls = due.into_iter().take(self.settings.at_once_max).map(|(_, id)| self.try_once(id));
        let mut results = futures::stream::iter(calls).buffer_unordered(self.settings.at_once_max);
        let mut failed = Ok(more);
        while let Some(result) = results.next().await {
            if let Err(error) = result {
                failed = Err(error);
            }
        }
        failed
    }

    async fn try_once(&self, id: String) -> Result<(), OutboxError> {
        let stored = match self.read(&id) {
            Ok(stored) => stored,
            // Its project was deleted meanwhile.
            Err(OutboxError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let sent = self.sender.send(&stored.webhook(), &id, stored.body.into_bytes()).await;
        match self.change(&id, |stored| self.note(stored, &sent)) {
            Err(OutboxError::Unknown(_)) => Ok(()),
            done => done,
        }
    }

    /// Notes what came of a try.
    fn note(&self, stored: &mut Stored, sent: &Result<Delivered, WebhookError>) {
        let now_ms = Utc::now().timestamp_millis();
        stored.attempts = stored.attempts.saturating_add(1);
        stored.last_ms = Some(now_ms);
        match sent {
            Ok(delivered) => {
                (stored.state, stored.last_status) = (DeliveryState::Delivered, Some(delivered.status));
                stored.last_error = None;
                stored.body = String::new();
                stored.secret = String::new();
            }
            Err(error) => {
                stored.last_status = if let WebhookError::Status { status, .. } = error { Some(*status) } else { None };
                stored.last_error = Some(error.to_string());
                let dead = stored.attempts >= self.settings.attempts_max;
                stored.state = if dead { DeliveryState::Dead } else { DeliveryState::Pending };
                stored.due_ms = now_ms.saturating_add(self.pause_ms(stored.attempts));
                tracing::warn!(delivery = stored.id, attempts = stored.attempts, dead, %error, "webhook not delivered");
            }
        }
    }

    /// Pause after so many failures: each doubles it.
    pub(super) fn pause_ms(&self, failures: u32) -> i64 {
        let first = self.settings.retry_first.0.as_millis();
        let longest = self.settings.retry_longest.0.as_millis();
        let doubled = first.saturating_mul(1_u128 << failures.saturating_sub(1).min(40));
        i64::try_from(doubled.min(longest)).unwrap_or(i64::MAX)
    }

    /// Removes what is finished and too old, and the oldest of too many records of deliveries.
    fn expire(&self) -> Result<(), OutboxError> {
        let keep_ms = i64::try_from(self.settings.keep.0.as_millis()).unwrap_or(i64::MAX);
        let since = Utc::now().timestamp_millis().saturating_sub(keep_ms);
        let mut known = self.known.lock();
        let delivered = known.values().filter(|stored| stored.state == DeliveryState::Delivered);
        let mut over = delivered.count().saturating_sub(DELIVERED_MAX);
        let mut old = Vec::new();
        for stored in known.values() {
            let ended = stored.last_ms.unwrap_or(stored.created_ms) < since;
            match stored.state {
                DeliveryState::Delivered if over > 0 => {
                    over -= 1;
                    old.push(stored.id.clone());
                }
                DeliveryState::Delivered | DeliveryState::Dead if ended => old.push(stored.id.clone()),
                _ => {}
            }
        }
        old.iter().try_for_each(|id| self.remove(&mut known, id))
    }

    fn change(&self, id: &str, change: impl FnOnce(&mut Stored)) -> Result<(), OutboxError> {
        let mut known = self.known.lock();
        if !known.contains_key(id) {
            return Err(OutboxError::Unknown(id.to_owned()));
        }
        let mut stored = self.read(id)?;
        change(&mut stored);
        self.write(&stored)?;
        known.insert(id.to_owned(), stored.light());
        Ok(())
    }

    fn read(&self, id: &str) -> Result<Stored, OutboxError> {
        let path = file_of(&self.dir, id);
        let read = std::fs::read(&path).and_then(|bytes| Ok(serde_json::from_slice(sealed::unseal(&bytes)?)?));
        read.map_err(|source| OutboxError::Io { path, source })
    }

    fn write(&self, stored: &Stored) -> Result<(), OutboxError> {
        let path = file_of(&self.dir, &stored.id);
        let text = serde_json::to_vec(stored).map_err(io::Error::from);
        let written = text.and_then(|text| write_private(&path, &sealed::seal(text)));
        written.map_err(|source| OutboxError::Io { path, source })
    }

    fn remove(&self, known: &mut BTreeMap<String, Stored>, id: &str) -> Result<(), OutboxError> {
        let path = file_of(&self.dir, id);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(OutboxError::Io { path, source: error });
            }
            _ => known.remove(id),
        };
        Ok(())
    }
}
