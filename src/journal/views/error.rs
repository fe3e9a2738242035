//! Why a screen cannot be saved, found or changed.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::error::{Kind, Report};
use crate::journal::kept::Refused;

/// Why a screen cannot be saved, found or changed.
#[derive(Debug, Error)]
pub enum ViewError {
    /// There is none with this name or id that the caller may see.
    #[error("there is no saved screen `{0}`")]
    Unknown(String),
    /// One of this name is there.
    #[error("a saved screen `{0}` of this kind is there already")]
    Exists(String),
    /// It belongs to another key.
    #[error("the saved screen `{0}` belongs to another key")]
    NotYours(String),
    /// It is the program's own.
    #[error("the dashboard `{0}` is built in")]
    BuiltIn(String),
    /// A restricted key cannot decide what others see.
    #[error("a restricted key saves screens for itself alone")]
    Restricted,
    /// Somebody changed it meanwhile.
    #[error("the saved screen has version {now} by now; the change is of version {of}")]
    Changed {
        /// Its version.
        now: u64,
        /// The version that the change is of, as it was sent.
        of: String,
    },
    /// A change does not say what it is a change of.
    #[error("the header If-Match is missing: a change says which version it is of")]
    VersionMissing,
    /// A part of it cannot be.
    #[error("`{part}`: {message}")]
    Invalid {
        /// The member.
        part: &'static str,
        /// What is wrong, and what would do.
        message: String,
    },
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
    /// The file of the project's screens.
    #[error("cannot use the file of saved screens `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
}

impl Report for ViewError {
    fn kind(&self) -> Kind {
        match self {
            Self::Unknown(_) => Kind::NotFound,
            Self::Exists(_) | Self::Changed { .. } => Kind::Conflict,
            Self::NotYours(_) | Self::BuiltIn(_) | Self::Restricted => Kind::Forbidden,
            Self::VersionMissing | Self::Invalid { .. } | Self::Limit { .. } => Kind::Invalid,
            Self::File { .. } => Kind::Unavailable,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "view_not_found",
            Self::Exists(_) => "view_exists",
            Self::NotYours(_) => "not_your_view",
            Self::BuiltIn(_) => "builtin_view",
            Self::Restricted => "restricted_key",
            Self::Changed { .. } => "view_changed",
            Self::VersionMissing => "version_missing",
            Self::Invalid { .. } => "invalid_view",
            Self::Limit { .. } => "too_many_views",
            Self::File { .. } => "views_unavailable",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown(_) => Some("GET /api/v1/views lists them".into()),
            Self::Exists(_) => Some("choose another name, or replace it with PUT".into()),
            Self::NotYours(_) => Some("save a screen of your own, or use an admin key".into()),
            Self::BuiltIn(_) => Some("save a copy under a name of your own with POST /api/v1/views".into()),
            Self::Restricted => Some("leave `shared` and `default` out".into()),
            Self::Changed { .. } => Some("read it again, and make the change on what it is now".into()),
            Self::VersionMissing => Some("send the `ETag` that it was read with as `If-Match`".into()),
            Self::Limit { .. } => Some("delete screens that nobody needs, or raise the setting".into()),
            Self::Invalid { .. } | Self::File { .. } => None,
        }
    }
}

impl From<Refused> for ViewError {
    fn from(refused: Refused) -> Self {
        let over = |what: String, setting, limit: String| Self::Limit { what, setting, limit };
        match refused {
            Refused::Unknown(name) => Self::Unknown(name),
            Refused::Exists(name) => Self::Exists(name),
            Refused::NotYours(name) => Self::NotYours(name),
            Refused::Restricted => Self::Restricted,
            Refused::TooMany { count, limit: (setting, limit) } => {
                over(format!("the project has {count} saved screens"), setting, limit.to_string())
            }
            Refused::TooLarge { size, limit: (setting, limit) } => {
                over(format!("the screen has {size} bytes"), setting, limit.to_string())
            }
            Refused::Invalid { part, message } => Self::Invalid { part, message },
            Refused::File { path, source } => Self::File { path, source },
        }
    }
}
