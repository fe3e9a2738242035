//! Restores: the event that says who asked, and the call of the product that does it.
//!
//! ```text
//! call on disk, held ─▶ event in the log ─▶ call released ─▶ product
//! ```
//!
//! A crash after the first step leaves a held call, which the next start sends or drops by whether the event is
//! there: a product is never called for a restore that the journal does not know, and never forgotten.

use serde::Serialize;

use super::{AppendError, AppendOptions, Engine, EngineError, Receipt};
use crate::access::Caller;
use crate::error::{Kind, Report};
use crate::event::names::ProjectName;
use crate::event::parse::BodyFormat;
use crate::journal::lookup::LookupError;
use crate::journal::objects::{self, Asker, Moment, ObjectRef, Preview, RestoreEvent, Verdict};
use crate::journal::rows::Reader;
use crate::journal::webhook::{Delivery, Message, OutboxError, Webhook};

/// Purpose of the calls.
const RESTORE: &str = "restore";

/// What came of a restore.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RestoreOutcome {
    /// The event that was written.
    pub event_id: String,
    /// The deletion that it undoes.
    pub deleted_by_event_id: String,
    /// The call of the product; absent where none is set for the source: then nobody is told but the journal.
    pub delivery: Option<Delivery>,
}

/// Why a restore was not done.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// It cannot be restored, or not be told.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// Somebody else restored it meanwhile.
    #[error("it has just been restored by another request")]
    Already,
    /// The event cannot be stored.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The call cannot be kept.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
}

impl Report for RestoreError {
    fn kind(&self) -> Kind {
        match self {
            Self::Already => Kind::Conflict,
            Self::Lookup(error) => error.kind(),
            Self::Append(error) => error.kind(),
            Self::Outbox(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Already => "not_restorable",
            Self::Lookup(error) => error.code(),
            Self::Append(error) => error.code(),
            Self::Outbox(error) => error.code(),
        }
    }
}

impl Engine {
    /// Whether objects of a type can be restored in a source of a project.
    #[must_use]
    pub fn can_restore(&self, project: &ProjectName, source: &str, kind: &str) -> Verdict {
        let own = self.product_webhook(project, source);
        if own.is_some_and(|webhook| webhook.object_types.iter().any(|known| known == kind)) {
            return Verdict::Restorable;
        }
        objects::restorable(source, kind)
    }

    /// What a restore of an object would do.
    ///
    /// # Errors
    /// No event tells of it, or several sources have it; the query fails.
    pub async fn preview_restore(
        &self,
        reader: &Reader<'_>,
        project: &ProjectName,
        object: &ObjectRef,
    ) -> Result<Preview, LookupError> {
        let last = objects::last_deletion(reader, object, &objects::preview_statement(object)).await?;
        let events_max = self.config().objects.events_max;
        let object = object.of(&last);
        let moments =
            objects::load(reader, &object, &objects::state_statement(&object, events_max), events_max).await?;
        let source = object.narrow.source.clone().unwrap_or_default();
        Ok(Preview::of(&object, last, &moments, self.can_restore(project, &source, &object.kind)))
    }

    /// Restores what `preview` shows, on behalf of `caller`.
    ///
    /// # Errors
    /// It cannot be restored; the event or the call cannot be stored: then neither is.
    pub async fn restore(
        &self,
        caller: &Caller,
        project: &ProjectName,
        preview: &Preview,
        reason: Option<String>,
    ) -> Result<RestoreOutcome, RestoreError> {
        let asker = Asker { key: caller.key.to_string(), name: caller.name.to_string(), reason };
        let event = preview.restore(project.as_str(), &asker, &Moment::now())?;
        let held = self.hold_call(project, &event)?;
        match self.append_restore(caller, project, &event).await {
            Ok(()) => {}
            // It may be in the log: the next start finds out.
            Err(RestoreError::Append(error @ AppendError::OutcomeUnknown(_))) => return Err(error.into()),
            Err(error) => {
                held.iter().try_for_each(|id| self.outbox().discard(id))?;
                return Err(error);
            }
        }
        let delivery = held.map(|id| {
            self.outbox().release(&id)?;
            self.outbox().get(project.as_str(), &id)
        });
        Ok(RestoreOutcome {
            event_id: event.event_id,
            deleted_by_event_id: preview.deletion_id().to_owned(),
            delivery: delivery.transpose()?,
        })
    }

    /// Keeps the call of the product, if there is one for the source; its id.
    fn hold_call(&self, project: &ProjectName, event: &RestoreEvent) -> Result<Option<String>, OutboxError> {
        let Some(webhook) = self.product_webhook(project, &event.source) else { return Ok(None) };
        let message = Message {
            project: project.as_str(),
            purpose: RESTORE,
            receiver: &event.source,
            subject: &event.event_id,
            body: event.call.clone(),
        };
        self.outbox().hold(&Webhook { url: webhook.url, secret: webhook.secret }, message).map(Some)
    }

    async fn append_restore(
        &self,
        caller: &Caller,
        project: &ProjectName,
        event: &RestoreEvent,
    ) -> Result<(), RestoreError> {
        let options = AppendOptions {
            format: BodyFormat::Ndjson,
            atomic: true,
            key: Some(caller.key.to_string()),
            restriction: caller.restriction.clone(),
            ..AppendOptions::default()
        };
        let receipt = self.append(project, event.line.clone().into_bytes(), options).await;
        match receipt {
            Ok(Receipt { accepted: 1, .. }) => Ok(()),
            // Of the same deletion another restore is stored: the same event, or one of another time.
            Ok(_) => Err(RestoreError::Already),
            Err(AppendError::Rejected { errors, .. })
                if errors.iter().any(|error| error.code == "event_id_conflict") =>
            {
                Err(RestoreError::Already)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Tries a dead letter again, to the receiver that is set now where it is a restore.
    ///
    /// # Errors
    /// No such dead letter, or a receiver that cannot be called.
    pub fn retry_delivery(&self, project: &ProjectName, id: &str) -> Result<Delivery, EngineError> {
        let known = self.outbox().get(project.as_str(), id)?;
        let now = (known.purpose == RESTORE).then(|| self.product_webhook(project, &known.receiver)).flatten();
        let now = now.map(|webhook| Webhook { url: webhook.url, secret: webhook.secret });
        Ok(self.outbox().retry(project.as_str(), id, now.as_ref())?)
    }
}
