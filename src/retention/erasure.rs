//! One erasure, from asked for to proved: what is kept of it while it runs, and what remains of it.
//!
//! ```text
//! pending ─▶ places ─▶ rows ─▶ log ─▶ remains ─▶ files ─▶ proof ─▶ done
//!    └────────────────── canceled ◀──────────────────┘
//! ```
//!
//! Each stage changes nothing when it is done again; a crash goes on with the stage at which it was.
//!
//! # Invariants
//! * The value is kept only until the erasure has ended; its hash (under the secret of the data directory) stays.
//! * Rows are counted once: before a commit its files are noted, and only when they have gone are its rows added.

use serde::{Deserialize, Serialize};

use super::hold::check_reason;
use super::{Needle, RetentionError, Subject};
use crate::event::names::ProjectName;

/// How far an erasure has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Waits for its turn.
    Pending,
    /// Exports, rejected lines, calls of other systems, alerts and saved filters are gone through.
    Places,
    /// Files of the table are rewritten without its rows.
    Rows,
    /// The write-ahead log is renewed.
    Log,
    /// Answers of idempotency keys, attachments and `_audit` are gone through.
    Remains,
    /// Replaced files and the old entries of the table's log are deleted.
    Files,
    /// Everything is looked through once more.
    Proof,
    /// Nothing is left.
    Done,
    /// An admin stopped it; what was erased before stays erased.
    Canceled,
}

/// What is erased.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Counts {
    /// Events that were removed.
    pub rows: u64,
    /// Events about something else in which the value was blanked.
    pub blanked: u64,
    /// Events of the audit journal in which the value was replaced by its hash.
    pub audit_blanked: u64,
    /// Files that were rewritten or dropped.
    pub files: u64,
    /// Rejected lines.
    pub dead_letters: u64,
    /// Answers of idempotency keys.
    pub receipts: u64,
    /// Exports.
    pub exports: u64,
    /// Calls of other systems.
    pub deliveries: u64,
    /// Alerts that were changed.
    pub alerts: u64,
    /// Saved filters and screens that were changed.
    pub filters: u64,
    /// Attachments that no event names any more.
    pub attachments: u64,
}

/// What was looked through at the end, and found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(default)]
pub struct Proof {
    /// Events of the subject that are left: those that a hold keeps.
    pub rows_left: u64,
    /// Files of the table that were read for it.
    pub files_read: u64,
    /// Files beside the tables whose bytes were looked through.
    pub bytes_files: u64,
    /// Their size.
    pub bytes_read: u64,
    /// Files in which the value still stands, with the reason where there is one to tell.
    pub found_in: Vec<String>,
}

/// A commit that is about to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Intent {
    /// Whether it is one of `_audit`.
    pub audit: bool,
    /// Paths of the files that go with it.
    pub files: Vec<String>,
    /// Rows that go with them.
    pub rows: u64,
    /// Rows that are blanked.
    pub blanked: u64,
}

/// An erasure that is asked for.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewErasure {
    /// The project.
    #[schema(value_type = String)]
    pub project: ProjectName,
    /// Column of text or of whole numbers, such as `actor_id`, `actor_email`, `visitor_id`; with `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "actor_email")]
    pub column: Option<String>,
    /// Value of the column, as stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "ann@example.com")]
    pub value: Option<String>,
    /// In place of `column` and `value`: an object, as `type:id`; events that name it as related go as well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "customer:4711")]
    pub object: Option<String>,
    /// Whether the value is also blanked in events about something else that tell of it; it needs 6 characters.
    #[serde(default)]
    pub mentions: bool,
    /// Whether events under a legal hold may stay; without it, one such event refuses the erasure.
    #[serde(default)]
    pub except_held: bool,
    /// Why: who asked, under which number. It may not hold the value.
    #[serde(default)]
    pub reason: String,
}

impl NewErasure {
    /// Whose events it is about.
    ///
    /// # Errors
    /// Neither or both of the two ways to say it, or nothing can be about such a subject.
    pub fn subject(&self) -> Result<Subject, RetentionError> {
        let subject = match (&self.object, &self.column, &self.value) {
            (Some(object), None, None) => Subject { column: super::subject::OBJECT.to_owned(), value: object.clone() },
            (None, Some(column), Some(value)) => Subject { column: column.clone(), value: value.clone() },
            _ => return Err(RetentionError::Erasure("either `object`, or `column` and `value` are given".into())),
        };
        subject.check()?;
        if self.mentions && Needle::new(&subject.value, "").is_none() {
            let least = super::needle::LENGTH_MIN;
            return Err(RetentionError::Erasure(format!(
                "a value of fewer than {least} characters is in too many texts"
            )));
        }
        Ok(subject)
    }

    /// Refuses what cannot be asked for, beside the subject.
    ///
    /// # Errors
    /// The reason is missing, too long, or holds the value.
    pub fn check_reason(&self, subject: &Subject) -> Result<(), RetentionError> {
        check_reason(&self.reason).map_err(RetentionError::Erasure)?;
        if self.reason.contains(&subject.value) {
            return Err(RetentionError::Erasure("`reason` may not hold the value that is to be erased".into()));
        }
        Ok(())
    }
}

/// An erasure, as it is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Erasure {
    /// Its id.
    pub id: String,
    /// The project.
    pub project: ProjectName,
    /// The column, or `object`.
    pub column: String,
    /// What is erased; gone once the erasure has ended.
    pub subject: Option<Subject>,
    /// HMAC-SHA-256 of the value under the secret of the data directory, cut to 128 bits.
    pub value_hash: String,
    /// Whether other events are blanked.
    pub mentions: bool,
    /// Whether held events stay.
    pub except_held: bool,
    /// Why.
    pub reason: String,
    /// Public id of the key that asked for it.
    pub by: String,
    /// When it was asked for, RFC 3339.
    pub at: String,
    /// How far it has come.
    pub stage: Stage,
    /// When it ended, RFC 3339.
    pub ended_at: Option<String>,
    /// Why its last try did not end; it is tried again.
    pub problem: Option<String>,
    /// What was erased so far.
    pub counts: Counts,
    /// What was found at the end.
    pub proof: Option<Proof>,
    /// A commit that may have been made.
    pub intent: Option<Intent>,
    /// Attachments (SHA-256) that its events name.
    pub blobs: Vec<String>,
}

/// An erasure as it is shown: without the value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ErasureInfo {
    /// Its id.
    pub id: String,
    /// The project.
    pub project: String,
    /// The column, or `object`.
    pub column: String,
    /// Keyed hash of the value: the same value has the same hash on this server.
    pub value_hash: String,
    /// Whether the value is blanked in events about something else.
    pub mentions: bool,
    /// Whether held events stay.
    pub except_held: bool,
    /// Why.
    pub reason: String,
    /// Public id of the key that asked for it.
    pub by: String,
    /// When it was asked for, RFC 3339.
    pub at: String,
    /// How far it has come.
    pub stage: Stage,
    /// When it ended, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<String>,
    /// Why its last try did not end; it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What was erased so far.
    pub counts: Counts,
    /// What was looked through at the end, and found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// What an erasure would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Preview {
    /// The project.
    pub project: String,
    /// The column, or `object`.
    pub column: String,
    /// Keyed hash of the value.
    pub value_hash: String,
    /// Events that would be removed.
    pub rows: u64,
    /// Events about something else in which the value would be blanked; 0 without `mentions`.
    pub mentions: u64,
    /// Events that a legal hold keeps.
    pub held: u64,
    /// Files that would be written again or dropped.
    pub files: u64,
    /// Ids of the holds of the project that are in force.
    pub holds: Vec<String>,
}

impl Erasure {
    /// As it is shown.
    #[must_use]
    pub fn info(&self) -> ErasureInfo {
        ErasureInfo {
            id: self.id.clone(),
            project: self.project.to_string(),
            column: self.column.clone(),
            value_hash: self.value_hash.clone(),
            mentions: self.mentions,
            except_held: self.except_held,
            reason: self.reason.clone(),
            by: self.by.clone(),
            at: self.at.clone(),
            stage: self.stage,
            ended_at: self.ended_at.clone(),
            problem: self.problem.clone(),
            counts: self.counts.clone(),
            proof: self.proof.clone(),
        }
    }

    /// Whether nothing more is to be done.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Done | Stage::Canceled)
    }

    /// Ends it: the value is not kept any longer.
    pub fn end(&mut self, stage: Stage, at: String) {
        (self.stage, self.ended_at) = (stage, Some(at));
        (self.subject, self.intent, self.problem) = (None, None, None);
        self.blobs.clear();
    }

    /// Adds what the noted commit did; it is known to have been made.
    pub fn landed(&mut self) {
        let Some(intent) = self.intent.take() else { return };
        self.counts.files += intent.files.len() as u64;
        if intent.audit {
            self.counts.audit_blanked += intent.blanked;
        } else {
            self.counts.rows += intent.rows;
            self.counts.blanked += intent.blanked;
        }
    }
}
