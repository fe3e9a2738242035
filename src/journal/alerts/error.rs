//! Why an alert cannot be made, found, changed or asked.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::error::{Kind, Report};
use crate::journal::JournalError;

/// Why an alert cannot be made, found, changed or asked.
#[derive(Debug, Error)]
pub enum AlertError {
    /// There is none with this id that the caller may see.
    #[error("there is no alert `{0}`")]
    Unknown(String),
    /// No such template.
    #[error("there is no template `{name}`; there are {known}")]
    UnknownTemplate {
        /// As it was asked for.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// It belongs to another key.
    #[error("the alert `{0}` belongs to another key")]
    NotYours(String),
    /// A part of it cannot be.
    #[error("`{part}`: {message}")]
    Invalid {
        /// The member.
        part: &'static str,
        /// What is wrong, and what would do.
        message: String,
    },
    /// Its filter cannot be read.
    #[error("`filter` cannot be read")]
    Filter(#[source] JournalError),
    /// As many as there may be.
    #[error("the project has {0} alerts (alerts.rules_max is {0})")]
    TooMany(usize),
    /// No mail can be sent.
    #[error("no mail can be sent: {0} is not set")]
    NoMail(&'static str),
    /// The answer is none that a rule can look at.
    #[error("the question's answer cannot be used: {0}")]
    Answer(String),
    /// The file of the project's alerts.
    #[error("cannot use the file of alerts `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl AlertError {
    pub(super) fn invalid(part: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid { part, message: message.into() }
    }
}

impl Report for AlertError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown(_) => Kind::NotFound,
            Self::NotYours(_) => Kind::Forbidden,
            Self::UnknownTemplate { .. }
            | Self::Invalid { .. }
            | Self::Filter(_)
            | Self::TooMany(_)
            | Self::NoMail(_)
            | Self::Answer(_) => Kind::Invalid,
            Self::File { .. } => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "alert_not_found",
            Self::NotYours(_) => "not_your_alert",
            Self::UnknownTemplate { .. } | Self::Invalid { .. } => "invalid_alert",
            Self::Filter(error) => error.code(),
            Self::TooMany(_) => "too_many_alerts",
            Self::NoMail(_) => "mail_not_set_up",
            Self::Answer(_) => "alert_answer_unusable",
            Self::File { .. } => "alerts_unavailable",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => Some("GET /api/v1/alerts lists them".into()),
            Self::NotYours(_) => Some("make one of your own, or use an admin key".into()),
            Self::UnknownTemplate { .. } => Some("GET /api/v1/alerts/templates lists them".into()),
            Self::Filter(error) => error.hint(),
            Self::TooMany(_) => Some("delete alerts that nobody needs, or raise `alerts.rules_max`".into()),
            Self::NoMail(_) => Some("an operator sets [smtp]; a webhook needs no setting".into()),
            Self::Answer(_) => {
                Some("name the number that is compared `value`; all other columns tell groups apart".into())
            }
            Self::Invalid { .. } | Self::File { .. } => None,
        }
    }
}
