//! A question as SQL text and values: what is run, and what `explain=sql` shows.

use serde::Serialize;
use serde_json::{Map, Value};

use super::compile::Values;
use crate::query::Params;

/// SQL with the values of its placeholders; sent to `/api/v1/query` as it is, it gives the same rows.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
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

    /// The values as a query takes them.
    #[must_use]
    pub fn params(&self) -> Params {
        match self.params.is_empty() {
            true => Params::None,
            false => Params::Named(self.params.clone()),
        }
    }
}
