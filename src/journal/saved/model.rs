//! What a saved filter is.

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::SavedError;
use crate::event::schema::row_schema;
use crate::journal::Selection;
use crate::journal::kept::Keep;

/// A filter to be saved, or what one is replaced by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewFilter {
    /// Its name, 1 to 100 characters; by it or by its id it is used as `?saved=`.
    #[schema(example = "Failed labels")]
    pub name: String,
    /// The filter, in the words of the list's parameters; relative periods stay relative.
    #[schema(value_type = Object)]
    pub filter: Map<String, Value>,
    /// Columns to show, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// Order of the list, as its `sort` has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// Dataset that it is for, such as `api_logs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// Whether all keys of the project see it.
    #[serde(default)]
    pub shared: bool,
    /// Whether it is what the list of its dataset begins with, for all keys of the project.
    #[serde(default)]
    pub default: bool,
}

impl NewFilter {
    /// What it selects.
    ///
    /// # Errors
    /// It is no filter any more.
    pub fn selection(&self, now_us: i64) -> Result<Selection, SavedError> {
        let now = DateTime::from_timestamp_micros(now_us).unwrap_or_default();
        Selection::from_json(&Value::Object(self.filter.clone()), now).map_err(SavedError::Filter)
    }
}

impl Keep for NewFilter {
    type Error = SavedError;

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
        self.dataset == other.dataset
    }

    fn is_among(&self, _: &Self) -> bool {
        true
    }

    fn check(&self, now_us: i64) -> Result<(), SavedError> {
        self.check_name()?;
        let invalid = |part, message: &str| Err(SavedError::Invalid { part, message: message.to_owned() });
        let schema = row_schema();
        if let Some(column) = self.columns.iter().find(|column| schema.index_of(column).is_err()) {
            return invalid("columns", &format!("`{column}` is no column of an event"));
        }
        if self.sort.as_ref().is_some_and(|sort| sort.is_empty() || sort.len() > 200) {
            return invalid("sort", "has 1 to 200 bytes");
        }
        self.check_default()?;
        self.selection(now_us).map(|_| ())
    }
}
