//! Finding one thing by its id: an event, an object, an actor, a session, a visitor, a task.
//!
//! Ids are the sources' own, so that two of them may use the same one. What is one thing is asked for with its
//! source where that is so, and refused otherwise: nothing here guesses.

use thiserror::Error;

use super::rows::{Row, text};
use super::{JournalError, Statement};
use crate::error::{Kind, Report};
use crate::query::QueryError;

/// Which of several things of one id.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Narrow {
    /// Account, shop or school inside the source system.
    pub tenant_id: Option<String>,
    /// The source system.
    pub source: Option<String>,
    /// Its log.
    pub dataset: Option<String>,
}

impl Narrow {
    /// ` AND …` for what is given, the values added to `ask`.
    #[must_use]
    pub fn condition(&self, ask: &mut Statement) -> String {
        let parts = [("tenant_id", &self.tenant_id), ("source", &self.source), ("dataset", &self.dataset)];
        let given = parts.into_iter().filter_map(|(column, value)| Some((column, value.as_ref()?)));
        given.map(|(column, value)| format!(" AND {column} = {}", ask.value(column, value.as_str()))).collect()
    }
}

/// Why it cannot be told.
#[derive(Debug, Error)]
pub enum LookupError {
    /// No such event.
    #[error("there is no event `{0}`")]
    NoEvent(String),
    /// No event tells of the object.
    #[error("no event tells of `{kind}:{id}`")]
    NoObject {
        /// Its type.
        kind: String,
        /// Its id.
        id: String,
    },
    /// Nobody of that id or e-mail.
    #[error("no event has the actor `{0}`")]
    NoActor(String),
    /// No such session.
    #[error("no event has the session `{0}`")]
    NoSession(String),
    /// No such visitor.
    #[error("no event has the visitor `{0}`")]
    NoVisitor(String),
    /// No such task.
    #[error("no event has the task `{0}`")]
    NoTask(String),
    /// Several things have the id.
    #[error("`{id}` is in {}", choices.join(" and in "))]
    Ambiguous {
        /// The id.
        id: String,
        /// Where it is.
        choices: Vec<String>,
    },
    /// More events than are folded.
    #[error("the object has more than {0} events (`objects.events_max`)")]
    TooManyEvents(usize),
    /// The answer is larger than a query may give.
    #[error("the events are larger than an answer may be (`query.bytes_max`)")]
    TooLarge,
    /// It cannot be restored.
    #[error("{0}")]
    NotRestorable(String),
    /// A parameter of the wrong form.
    #[error("`{name}`: {reason}")]
    Parameter {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// What is asked for.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The query.
    #[error(transparent)]
    Query(#[from] QueryError),
}

impl Report for LookupError {
    fn kind(&self) -> Kind {
        match self {
            Self::NoEvent(_)
            | Self::NoObject { .. }
            | Self::NoActor(_)
            | Self::NoSession(_)
            | Self::NoVisitor(_)
            | Self::NoTask(_) => Kind::NotFound,
            Self::Ambiguous { .. } | Self::NotRestorable(_) => Kind::Conflict,
            Self::TooManyEvents(_) | Self::TooLarge => Kind::TooLarge,
            Self::Parameter { .. } => Kind::Invalid,
            Self::Journal(error) => error.kind(),
            Self::Query(error) => error.kind(),
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::NoEvent(_) => "event_not_found",
            Self::NoObject { .. } => "object_not_found",
            Self::NoActor(_) => "actor_not_found",
            Self::NoSession(_) => "session_not_found",
            Self::NoVisitor(_) => "visitor_not_found",
            Self::NoTask(_) => "task_not_found",
            Self::Ambiguous { .. } => "ambiguous_id",
            Self::NotRestorable(_) => "not_restorable",
            Self::TooManyEvents(_) | Self::TooLarge => "object_too_large",
            Self::Parameter { .. } => "invalid_parameter",
            Self::Journal(error) => error.code(),
            Self::Query(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Ambiguous { .. } => Some("say which with `source`, `tenant_id` or `dataset`".into()),
            Self::TooManyEvents(_) | Self::TooLarge => {
                Some("read its history page by page, or ask an operator to raise the limit".into())
            }
            Self::Journal(error) => error.hint(),
            Self::Query(error) => error.hint(),
            _ => None,
        }
    }
}

/// The one place that `rows` are of; `places` names the columns that tell places apart.
///
/// # Errors
/// Several places.
pub fn one_place<'r>(id: &str, rows: &'r [Row], places: &[&str]) -> Result<Option<&'r Row>, LookupError> {
    let place = |row: &Row| -> String {
        let named = places.iter().filter_map(|column| Some(format!("{column} `{}`", text(row, column)?)));
        named.collect::<Vec<_>>().join(", ")
    };
    let mut choices: Vec<String> = rows.iter().map(place).collect();
    choices.sort();
    choices.dedup();
    match choices.len() {
        0 | 1 => Ok(rows.first()),
        _ => Err(LookupError::Ambiguous { id: id.to_owned(), choices }),
    }
}
