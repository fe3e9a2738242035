//! What a saved screen is.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::ViewError;
use crate::journal::kept::Keep;

/// What a screen is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewKind {
    /// The journal: filter, period, columns, order.
    Journal,
    /// SQL texts.
    Sql,
    /// Tiles of figures.
    Dashboard,
}

/// A screen to be saved, or what one is replaced by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewView {
    /// What it is of; stays.
    pub kind: ViewKind,
    /// Its name, 1 to 100 characters.
    #[schema(example = "Failed labels")]
    pub name: String,
    /// What it shows, in the page's own words.
    #[schema(value_type = Object)]
    pub state: Map<String, Value>,
    /// Whether all keys of the project see it.
    #[serde(default)]
    pub shared: bool,
    /// Whether screens of its kind begin with it, for all keys of the project.
    #[serde(default)]
    pub default: bool,
}

impl Keep for NewView {
    type Error = ViewError;

    fn name(&self) -> &str {
        &self.name
    }

    fn is_shared(&self) -> bool {
        self.shared
    }

    fn is_default(&self) -> bool {
        self.default
    }

    fn give_way(&mut self) {
        self.default = false;
    }

    fn begins_what(&self, other: &Self) -> bool {
        self.kind == other.kind
    }

    fn is_among(&self, other: &Self) -> bool {
        self.kind == other.kind
    }

    fn check(&self, _: i64) -> Result<(), ViewError> {
        self.check_name()?;
        self.check_default()?;
        Ok(())
    }
}
