//! A question as SQL text and values: what is run, and what `explain=sql` shows.

use serde::Serialize;
use serde_json::{Map, Value};

use super::compile::Values;
use super::{JournalError, Selection};
use crate::query::Params;

/// SQL with the values of its placeholders; sent to `/api/v1/query` as it is, it gives the same rows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Statement {
    /// The text.
    pub sql: String,
    /// Values by name.
    pub params: Map<String, Value>,
}

impl Statement {
    /// A text and the values that were gathered for it.
    #[must_use]
    pub fn new(sql: String, values: Values) -> Self {
        Self { sql, params: values.into_map() }
    }

    /// Adds a value under a name of its own; gives its placeholder.
    pub fn value(&mut self, name: &str, value: impl Into<Value>) -> String {
        self.params.insert(name.to_owned(), value.into());
        format!("${name}")
    }

    /// Adds what a selection asks for; its condition.
    ///
    /// # Errors
    /// A value that a filter cannot take.
    pub fn condition(&mut self, selection: &Selection, hidden: &[String]) -> Result<String, JournalError> {
        let mut values = Values::default();
        let condition = selection.condition(&mut values, hidden)?;
        // Values of filters are numbered: no name of ours is like theirs.
        self.params.extend(values.into_map());
        Ok(condition)
    }

    /// The values as a query takes them.
    #[must_use]
    pub fn params(&self) -> Params {
        match self.params.is_empty() {
            true => Params::None,
            false => Params::Named(self.params.clone()),
        }
    }
}
