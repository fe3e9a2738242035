//! A call that is to be made: what is known of it, and its file.
//!
//! One JSON file each, `ID.json`, replaced as a whole, readable by its owner only: it holds the secret of the
//! receiver until the call is delivered. Members that an older file lacks have defaults.

use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize, Serializer};

use super::{Webhook, shown};

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryState {
    /// Waits until what it tells of is stored.
    Held,
    /// Waits for its next try.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Given up; it can be tried again by hand.
    Dead,
}

/// What is known of a delivery; without the body and the secret, which only its file has.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Delivery {
    /// Its id, which the receiver gets in the header `Kronika-Delivery`.
    pub id: String,
    /// Where it goes, without what may be a secret.
    pub url: String,
    /// What it is for: `restore`, `alert`.
    pub purpose: String,
    /// Who is called: a source, an alert.
    pub receiver: String,
    /// What it tells of: the id of an event, of an alert.
    pub subject: String,
    /// How far it has come.
    pub state: DeliveryState,
    /// Tries so far.
    pub attempts: u32,
    /// When it was asked for.
    #[serde(serialize_with = "instant")]
    #[schema(value_type = String, format = DateTime)]
    pub created_at: i64,
    /// When it is tried next.
    #[serde(serialize_with = "maybe_instant")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<i64>,
    /// When it was last tried.
    #[serde(serialize_with = "maybe_instant")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_attempt_at: Option<i64>,
    /// Status of the last answer.
    pub last_status: Option<u16>,
    /// Why the last try failed.
    pub last_error: Option<String>,
}

/// The file of a delivery; times in ms since 1970.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Stored {
    pub(super) id: String,
    pub(super) project: String,
    pub(super) purpose: String,
    pub(super) receiver: String,
    pub(super) subject: String,
    pub(super) url: String,
    /// Empty once it is delivered, like the body.
    pub(super) secret: String,
    pub(super) state: DeliveryState,
    pub(super) created_ms: i64,
    pub(super) due_ms: i64,
    #[serde(default)]
    pub(super) attempts: u32,
    #[serde(default)]
    pub(super) last_ms: Option<i64>,
    #[serde(default)]
    pub(super) last_status: Option<u16>,
    #[serde(default)]
    pub(super) last_error: Option<String>,
    #[serde(default)]
    pub(super) body: String,
}

impl Stored {
    pub(super) fn webhook(&self) -> Webhook {
        Webhook { url: self.url.clone(), secret: self.secret.clone() }
    }

    /// The same without what only the file has.
    pub(super) fn light(&self) -> Self {
        Self { secret: String::new(), body: String::new(), ..self.clone() }
    }

    pub(super) fn shown(&self) -> Delivery {
        Delivery {
            id: self.id.clone(),
            url: shown(&self.url),
            purpose: self.purpose.clone(),
            receiver: self.receiver.clone(),
            subject: self.subject.clone(),
            state: self.state,
            attempts: self.attempts,
            created_at: self.created_ms,
            next_attempt_at: (self.state == DeliveryState::Pending).then_some(self.due_ms),
            last_attempt_at: self.last_ms,
            last_status: self.last_status,
            last_error: self.last_error.clone(),
        }
    }
}

/// File of a delivery.
pub(super) fn file_of(dir: &Path, id: &str) -> PathBuf {
    dir.join(format!("{id}.json"))
}

fn text_of(ms: i64) -> String {
    let time = DateTime::<Utc>::from_timestamp_millis(ms).unwrap_or(DateTime::<Utc>::MAX_UTC);
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes references")]
fn instant<S: Serializer>(ms: &i64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&text_of(*ms))
}

#[expect(clippy::ref_option, reason = "serde passes references")]
fn maybe_instant<S: Serializer>(ms: &Option<i64>, serializer: S) -> Result<S::Ok, S::Error> {
    match ms {
        Some(ms) => serializer.serialize_str(&text_of(*ms)),
        None => serializer.serialize_none(),
    }
}
