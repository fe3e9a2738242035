//! What can be wrong with what is asked of a page.

use thiserror::Error;

use super::Own;
use crate::error::{Kind, Report};
use crate::journal::JournalError;
use crate::journal::catalog::{Catalog, CatalogError, Screen};
use crate::query::nearest;

/// What can be wrong with what is asked of a page.
#[derive(Debug, Error)]
pub enum ScreenError {
    /// There is no catalogue of the source, or a language is none of ours.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The source has no such page.
    #[error("{product} has no screen `{asked}`")]
    NoScreen {
        /// Name of the product.
        product: &'static str,
        /// What was asked for.
        asked: String,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// The page has no such filter.
    #[error("the screen `{screen}` has no filter `{asked}`")]
    NoFilter {
        /// The page.
        screen: &'static str,
        /// What was asked for.
        asked: String,
        /// One that looks like it.
        near: Option<String>,
        /// What there is.
        known: Vec<&'static str>,
    },
    /// A value or operator that a filter or parameter cannot take.
    #[error("`{parameter}` {message}")]
    Value {
        /// Filter or parameter.
        parameter: String,
        /// What it takes.
        message: String,
    },
    /// What the filters stand for cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A cursor that the page did not give.
    #[error("the cursor is not one of this screen and order")]
    Cursor,
    /// The answer of the engine is not one of the page's SQL.
    #[error("the rows of a screen do not fit its columns")]
    Answer,
    /// A catalogue that is no JSON.
    #[error("a catalogue cannot be shown")]
    Json(#[from] serde_json::Error),
}

impl ScreenError {
    pub(super) fn no_screen(catalog: &'static Catalog, asked: &str) -> Self {
        let known = catalog.screens.iter().map(|screen| screen.id.as_str()).collect();
        Self::NoScreen { product: &catalog.product.name, asked: asked.to_owned(), known }
    }

    pub(super) fn no_filter(screen: &'static Screen, asked: &str) -> Self {
        let known: Vec<&str> = screen.filters.iter().map(|filter| filter.id.as_str()).collect();
        let near = nearest(asked, known.iter().copied());
        Self::NoFilter { screen: &screen.id, asked: asked.to_owned(), near, known }
    }

    pub(super) fn value(parameter: &str, message: impl Into<String>) -> Self {
        Self::Value { parameter: parameter.to_owned(), message: message.into() }
    }
}

impl Report for ScreenError {
    fn kind(&self) -> Kind {
        match self {
            Self::Catalog(error) => error.kind(),
            Self::NoScreen { .. } => Kind::NotFound,
            Self::NoFilter { .. } | Self::Value { .. } | Self::Cursor => Kind::Invalid,
            Self::Journal(error) => error.kind(),
            Self::Answer | Self::Json(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Catalog(error) => error.code(),
            Self::NoScreen { .. } => "screen_not_found",
            Self::NoFilter { .. } => "unknown_filter",
            Self::Value { .. } => "invalid_filter",
            Self::Cursor => "invalid_cursor",
            Self::Journal(error) => error.code(),
            Self::Answer | Self::Json(_) => "internal",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Catalog(error) => error.hint(),
            Self::NoScreen { known, .. } => Some(format!("its screens are {}", known.join(", "))),
            Self::NoFilter { near, known, .. } => {
                let near = near.as_ref().map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
                let own = Own::NAMES;
                Some(format!("{near}its filters are {}; every screen takes {own}", known.join(", ")))
            }
            Self::Cursor => Some("ask for the first page, with the same filters and order".into()),
            Self::Journal(error) => error.hint(),
            Self::Value { .. } => Some("GET /api/v1/screens lists what each filter takes".into()),
            Self::Answer | Self::Json(_) => None,
        }
    }
}
