//! The products' webhooks, and the job that calls them.
//!
//! Which source of which project is called where is kept in `webhooks.json`, replaced as a whole, readable by its
//! owner only; what is to be told lies in `webhooks/` until it is (`journal::webhook`).

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::directory::{Directory, read_json, write_json};
use super::{Engine, EngineError, Inner};
use crate::config;
use crate::event::names::ProjectName;
use crate::journal::rows::{int, rows};
use crate::journal::webhook::{Outbox, OutboxError, Webhook};
use crate::query::{Limits, Params};

/// How often the job looks for what is due without being woken.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Where a product is called.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductWebhook {
    /// `https://…` or `http://…`.
    pub url: String,
    /// Key of the signature.
    pub secret: String,
    /// Types of objects that it restores beside those of the catalogue.
    #[serde(default)]
    pub object_types: Vec<String>,
}

impl ProductWebhook {
    fn target(&self) -> Webhook {
        Webhook { url: self.url.clone(), secret: self.secret.clone() }
    }
}

/// Without the secret.
impl std::fmt::Debug for ProductWebhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ProductWebhook").field("target", &self.target()).finish_non_exhaustive()
    }
}

/// Webhooks of a project by source.
type BySource = BTreeMap<String, ProductWebhook>;

/// All webhooks, and what is to be told.
#[derive(Debug)]
pub(super) struct Webhooks {
    path: PathBuf,
    known: Mutex<BTreeMap<ProjectName, BySource>>,
    pub(super) outbox: Outbox,
    /// Calls that were held when the process ended: (id, project, event).
    held_at_start: Mutex<Vec<(String, String, String)>>,
}

impl Webhooks {
    pub(super) fn open(directory: &Directory, settings: &config::Webhook) -> Result<Self, EngineError> {
        let path = directory.part("webhooks.json");
        let known = Mutex::new(read_json(&path)?.unwrap_or_default());
        let outbox = Outbox::open(&directory.part("webhooks"), settings)?;
        let held_at_start = Mutex::new(outbox.held());
        Ok(Self { path, known, outbox, held_at_start })
    }

    fn change(&self, project: &ProjectName, change: impl FnOnce(&mut BySource)) -> Result<(), EngineError> {
        let mut known = self.known.lock();
        let mut next = known.clone();
        let of_project = next.entry(project.clone()).or_default();
        change(of_project);
        if of_project.is_empty() {
            next.remove(project);
        }
        write_json(&self.path, &next)?;
        *known = next;
        Ok(())
    }

    fn of(&self, project: &ProjectName, source: &str) -> Option<ProductWebhook> {
        self.known.lock().get(project)?.get(source).cloned()
    }

    /// Forgets a project that is deleted.
    pub(super) fn forget(&self, project: &ProjectName) -> Result<(), EngineError> {
        let known = self.known.lock().contains_key(project);
        if known {
            self.change(project, BySource::clear)?;
        }
        Ok(self.outbox.forget(project.as_str())?)
    }
}

/// Starts the job that calls.
pub(super) fn start(engine: &Arc<Inner>) {
    let due = Arc::clone(engine);
    engine.tasks.start("webhooks", LOOK_EVERY, engine.webhooks.outbox.nudge(), move || {
        let engine = Arc::clone(&due);
        async move {
            engine.settle_held().await.map_err(|error| error.to_string())?;
            let more = engine.webhooks.outbox.step().await.map_err(|error| error.to_string())?;
            if more {
                engine.webhooks.outbox.nudge().notify_one();
            }
            Ok(())
        }
        .boxed()
    });
}

impl Inner {
    /// Sends what was held when the process ended and tells of an event that is stored, and drops the rest.
    async fn settle_held(self: &Arc<Self>) -> Result<(), EngineError> {
        let engine = Engine(Arc::clone(self));
        let next = || self.webhooks.held_at_start.lock().last().cloned();
        while let Some((id, project, event_id)) = next() {
            let stored = match ProjectName::try_from(project.as_str()) {
                Ok(project) => engine.has_event(&project, &event_id).await?,
                Err(_) => false,
            };
            tracing::info!(delivery = id, stored, "a call was held when the server ended");
            if stored {
                self.webhooks.outbox.release(&id)?
            } else {
                self.webhooks.outbox.discard(&id)?
            }
            self.webhooks.held_at_start.lock().pop();
        }
        Ok(())
    }
}

impl Engine {
    /// Whether a project has an event of that id.
    async fn has_event(&self, project: &ProjectName, event_id: &str) -> Result<bool, EngineError> {
        let session = match self.session(project) {
            Ok(session) => session,
            Err(EngineError::UnknownProject(_)) => return Ok(false),
            Err(error) => return Err(error),
        };
        let values = [("id".to_owned(), event_id.into())].into_iter().collect();
        let sql = "SELECT count(*) AS events FROM events WHERE event_id = $id";
        let answer = session.run(sql, Params::Named(values), Limits::of(&self.config().query)).await?;
        let (found, _) = rows(answer).await?;
        Ok(found.first().and_then(|row| int(row, "events")).unwrap_or(0) > 0)
    }

    /// What is to be told to other systems.
    #[must_use]
    pub fn outbox(&self) -> &Outbox {
        &self.0.webhooks.outbox
    }

    /// The products that a project calls, by source.
    ///
    /// # Errors
    /// No such project.
    pub fn product_webhooks(&self, project: &ProjectName) -> Result<BTreeMap<String, ProductWebhook>, EngineError> {
        self.known(project)?;
        Ok(self.0.webhooks.known.lock().get(project).cloned().unwrap_or_default())
    }

    /// The webhook of a source of a project.
    #[must_use]
    pub fn product_webhook(&self, project: &ProjectName, source: &str) -> Option<ProductWebhook> {
        self.0.webhooks.of(project, source)
    }

    /// Sets the webhook of a source, or removes it.
    ///
    /// # Errors
    /// No such project, a webhook that cannot be called, a file that cannot be written.
    pub fn set_product_webhook(
        &self,
        project: &ProjectName,
        source: &str,
        webhook: Option<ProductWebhook>,
    ) -> Result<(), EngineError> {
        self.known(project)?;
        if let Some(webhook) = &webhook {
            self.outbox().sender().check(&webhook.target()).map_err(OutboxError::from)?;
        }
        self.0.webhooks.change(project, |known| match webhook {
            Some(webhook) => drop(known.insert(source.to_owned(), webhook)),
            None => drop(known.remove(source)),
        })
    }

    fn known(&self, project: &ProjectName) -> Result<(), EngineError> {
        match self.0.projects.get(project) {
            Some(_) => Ok(()),
            None => Err(EngineError::UnknownProject(project.clone())),
        }
    }
}
