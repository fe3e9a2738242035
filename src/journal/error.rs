//! Why a question to the journal cannot be put.

use thiserror::Error;

use crate::error::{Kind, Report};

/// Why a question to the journal cannot be put.
#[derive(Debug, Clone, PartialEq, Error)]
pub enum JournalError {
    /// A parameter that is neither a filter nor one of the route's own.
    #[error("no filter `{name}`")]
    UnknownFilter {
        /// As it was written, without its operator.
        name: String,
        /// One that looks like it.
        near: Option<String>,
    },
    /// A value that a filter cannot take.
    #[error("`{filter}`: {message}")]
    BadValue {
        /// The filter.
        filter: String,
        /// What is wrong, and what would do.
        message: String,
    },
    /// A period or zone that cannot be read.
    #[error("`{parameter}`: {message}")]
    BadPeriod {
        /// The parameter.
        parameter: &'static str,
        /// What is wrong, and what would do.
        message: String,
    },
    /// A cursor that this list did not give.
    #[error("the cursor {0}")]
    BadCursor(&'static str),
}

impl JournalError {
    pub(crate) fn value(filter: &str, message: impl Into<String>) -> Self {
        Self::BadValue { filter: filter.to_owned(), message: message.into() }
    }

    pub(crate) fn period(parameter: &'static str, message: impl Into<String>) -> Self {
        Self::BadPeriod { parameter, message: message.into() }
    }
}

impl Report for JournalError {
    fn kind(&self) -> Kind {
        match self {
            Self::UnknownFilter { .. } | Self::BadValue { .. } | Self::BadPeriod { .. } | Self::BadCursor(_) => {
                Kind::Invalid
            }
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::UnknownFilter { .. } => "unknown_filter",
            Self::BadValue { .. } => "invalid_filter",
            Self::BadPeriod { .. } => "invalid_period",
            Self::BadCursor(_) => "invalid_cursor",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownFilter { near: Some(near), .. } => {
                Some(format!("did you mean `{near}`? GET /api/v1/filters/fields lists all"))
            }
            Self::UnknownFilter { near: None, .. } => {
                Some("filters are the columns of the model, attributes.PATH, labels.KEY and those that GET /api/v1/filters/fields lists".into())
            }
            Self::BadCursor(_) => Some("ask for the first page, with the same filters and sort".into()),
            Self::BadValue { .. } | Self::BadPeriod { .. } => None,
        }
    }
}
