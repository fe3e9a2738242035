//! Why a filter cannot be saved, found or changed.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::error::{Kind, Report};
use crate::journal::JournalError;
use crate::journal::kept::Refused;

/// Why a filter cannot be saved, found or changed.
#[derive(Debug, Error)]
pub enum SavedError {
    /// There is none with this name or id that the caller may see.
    #[error("there is no saved filter `{0}`")]
    Unknown(String),
    /// One of this name is there.
    #[error("a saved filter `{0}` is there already")]
    Exists(String),
    /// It belongs to another key.
    #[error("the saved filter `{0}` belongs to another key")]
    NotYours(String),
    /// A restricted key cannot decide what others see.
    #[error("a restricted key saves filters for itself alone")]
    Restricted,
    /// A part of it cannot be.
    #[error("`{part}`: {message}")]
    Invalid {
        /// The member.
        part: &'static str,
        /// What is wrong, and what would do.
        message: String,
    },
    /// The filter itself cannot be read.
    #[error("`filter` cannot be read")]
    Filter(#[source] JournalError),
    /// Over a limit of the settings.
    #[error("{what} ({setting} is {limit})")]
    Limit {
        /// What there is too much of.
        what: String,
        /// The setting.
        setting: &'static str,
        /// Its value.
        limit: String,
    },
    /// The file of the project's filters.
    #[error("cannot use the file of saved filters `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl Report for SavedError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown(_) => Kind::NotFound,
            Self::Exists(_) => Kind::Conflict,
            Self::NotYours(_) | Self::Restricted => Kind::Forbidden,
            Self::Invalid { .. } | Self::Filter(_) | Self::Limit { .. } => Kind::Invalid,
            Self::File { .. } => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "filter_not_found",
            Self::Exists(_) => "filter_exists",
            Self::NotYours(_) => "not_your_filter",
            Self::Restricted => "restricted_key",
            Self::Invalid { .. } => "invalid_saved_filter",
            Self::Filter(error) => error.code(),
            Self::Limit { .. } => "too_many_filters",
            Self::File { .. } => "filters_unavailable",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => Some("GET /api/v1/filters lists them".into()),
            Self::Exists(_) => Some("choose another name, or replace it with PUT".into()),
            Self::NotYours(_) => Some("save a filter of your own, or use an admin key".into()),
            Self::Restricted => Some("leave `shared` and `default` out".into()),
            Self::Filter(error) => error.hint(),
            Self::Limit { .. } => Some("delete filters that nobody needs, or raise the setting".into()),
            Self::Invalid { .. } | Self::File { .. } => None,
        }
    }
}

impl From<Refused> for SavedError {
    fn from(refused: Refused) -> Self {
        let over = |what: String, setting, limit: String| Self::Limit { what, setting, limit };
        match refused {
            Refused::Unknown(name) => Self::Unknown(name),
            Refused::Exists(name) => Self::Exists(name),
            Refused::NotYours(name) => Self::NotYours(name),
            Refused::Restricted => Self::Restricted,
            Refused::TooMany { count, limit: (setting, limit) } => {
                over(format!("the project has {count} saved filters"), setting, limit.to_string())
            }
            Refused::TooLarge { size, limit: (setting, limit) } => {
                over(format!("the filter has {size} bytes"), setting, limit.to_string())
            }
            Refused::Invalid { part, message } => Self::Invalid { part, message },
            Refused::File { path, source } => Self::File { path, source },
        }
    }
}
