//! What a reader can name in SQL: tables and views with their columns, and functions. What an editor completes.
//!
//! Taken from the planner itself, on a session of the reader: a column that is hidden from it, or a view that
//! shows one, is not there, as it is not for its statements.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::catalog::{MemorySchemaProvider, SchemaProvider};
use datafusion::execution::SessionState;
use datafusion::logical_expr::Documentation;
use serde::Serialize;
use tokio::runtime::Handle;

use super::error::{QueryError, classify};
use super::guard::{self, Task};
use super::ledger::{LEDGER, schema as ledger_schema};
use super::params::Failure;
use super::session::{EVENTS, Limits, Session, VIEW_DEPTH_MAX, register_views};
use super::types::{OutColumn, normal_field};
use super::{View, functions, views};
use crate::event::model::COLUMNS;
use crate::event::schema::{DATE, SEQ};

/// What a reader can name in SQL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Description {
    /// Tables first, then views by name.
    pub tables: Vec<TableDescription>,
    /// Functions by name.
    pub functions: Vec<FunctionDescription>,
}

/// A table or view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct TableDescription {
    /// Its name.
    pub name: String,
    /// `table` or `view`.
    #[schema(value_type = String)]
    pub kind: &'static str,
    /// Its heading, of views.
    pub title: Option<String>,
    /// What it shows.
    pub description: String,
    /// Its columns, in the order of `SELECT *`.
    pub columns: Vec<ColumnDescription>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct ColumnDescription {
    /// Its name.
    pub name: String,
    /// Its type, as answers name it.
    #[serde(rename = "type")]
    pub type_name: String,
    /// What it holds; none of what a view computes.
    pub description: Option<String>,
}

/// A function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct FunctionDescription {
    /// Its name.
    pub name: String,
    /// `scalar`, `aggregate`, `window` or `table`.
    #[schema(value_type = String)]
    pub kind: &'static str,
    /// How it is called, where that is known.
    pub syntax: Option<String>,
    /// What it does, where that is known.
    pub description: Option<String>,
    /// Other names of it.
    pub aliases: Vec<String>,
}

impl Session {
    /// What its reader can name.
    ///
    /// # Errors
    /// The planner is busy, or a view is damaged.
    pub async fn describe(&self, limits: Limits) -> Result<Description, QueryError> {
        let deadline = tokio::time::Instant::now() + limits.timeout.0;
        let executor = self.runtime().executor();
        let task = executor.admit(None, limits.memory_max)?;
        let (session, own) = (self.clone(), Arc::clone(&task));
        let described = executor.plan(&task, deadline, move |runtime| described(&session, &own, runtime)).await?;
        described.map_err(|failure| self.told(failure, limits))
    }

    fn told(&self, failure: Failure, limits: Limits) -> QueryError {
        match failure {
            Failure::Ours(error) => error,
            Failure::Planner(error) => classify(error, &self.known(limits.memory_max)),
        }
    }
}

fn described(session: &Session, task: &Task, runtime: &Handle) -> Result<Description, Failure> {
    let (state, schema) = session.state(task)?;
    let of_table = |name: &str, description: &str, columns| TableDescription {
        name: name.to_owned(),
        kind: "table",
        title: None,
        description: description.to_owned(),
        columns,
    };
    let mut tables = vec![of_table(EVENTS, "One row for each event.", columns_of(EVENTS, &schema, runtime)?)];
    if session.shows_ledger() {
        let columns = ledger_schema().fields().iter().map(|field| column(field)).collect();
        tables.push(of_table(LEDGER, "What became of everything that was sent, as sums.", columns));
    }
    let guard = &session.runtime().settings().guard;
    for view in views::views() {
        let named = guard::parse_trusted(&format!("SELECT * FROM {}", view.name), guard)?;
        match runtime.block_on(register_views(&state, &schema, &named, guard, VIEW_DEPTH_MAX)) {
            Ok(()) => tables.push(of_view(view, columns_of(view.name, &schema, runtime)?)),
            Err(failure) => {
                let error = session.told(failure, Limits::of(session.runtime().settings()));
                if !matches!(error, QueryError::HiddenColumn(_)) {
                    return Err(error.into());
                }
            }
        }
    }
    Ok(Description { tables, functions: all_functions(&state) })
}

/// A view: the file's comment has its title, and what it shows.
fn of_view(view: &View, columns: Vec<ColumnDescription>) -> TableDescription {
    let comment = view.description();
    let (title, description) = comment.split_once("\ndescription:").unwrap_or(("", &comment));
    TableDescription {
        name: view.name.to_owned(),
        kind: "view",
        title: title.trim().strip_prefix("title:").map(|title| title.trim().to_owned()),
        description: description.split_whitespace().collect::<Vec<_>>().join(" "),
        columns,
    }
}

fn columns_of(name: &str, schema: &MemorySchemaProvider, runtime: &Handle) -> Result<Vec<ColumnDescription>, Failure> {
    let found = runtime.block_on(schema.table(name))?;
    let fields = found.map(|table| table.schema().fields().clone()).unwrap_or_default();
    Ok(fields.iter().map(|field| column(field)).collect())
}

fn column(field: &arrow::datatypes::Field) -> ColumnDescription {
    let OutColumn { name, type_name } = OutColumn::of(&normal_field(field.name(), field));
    let meaning = match name.as_str() {
        DATE => Some("UTC date of `event_time`"),
        SEQ => Some("Place in the total order"),
        name => COLUMNS.iter().find(|column| column.name == name).map(|column| column.meaning),
    };
    ColumnDescription { name, type_name, description: meaning.map(str::to_owned) }
}

/// The functions of a session; a name may be one of an aggregate and of a window function.
fn all_functions(state: &SessionState) -> Vec<FunctionDescription> {
    let mut found = BTreeMap::new();
    let mut add = |kind: &'static str, name: &str, aliases: &[String], known: Option<&Documentation>| {
        let ours = functions::SYNTAX.iter().find(|(ours, ..)| *ours == name);
        let text = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let described = FunctionDescription {
            name: name.to_owned(),
            kind,
            syntax: ours.map(|ours| ours.1).or(known.map(|known| known.syntax_example.as_str())).and_then(text),
            description: ours.map(|ours| ours.2).or(known.map(|known| known.description.as_str())).and_then(text),
            aliases: aliases.to_vec(),
        };
        found.insert((name.to_owned(), kind), described);
    };
    for function in state.scalar_functions().values() {
        add("scalar", function.name(), function.aliases(), function.documentation());
    }
    for function in state.higher_order_functions().values() {
        add("scalar", function.name(), function.aliases(), function.documentation());
    }
    for function in state.aggregate_functions().values() {
        add("aggregate", function.name(), function.aliases(), function.documentation());
    }
    for function in state.window_functions().values() {
        add("window", function.name(), function.aliases(), function.documentation());
    }
    for name in state.table_functions().keys() {
        add("table", name, &[], None);
    }
    found.into_values().collect()
}
