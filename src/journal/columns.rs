//! Which columns lists show: all that are not long, unless others are asked for.

use super::JournalError;
use super::compile::known_column;
use crate::event::model::{COLUMNS, Kind};
use crate::event::schema::SEQ;
use crate::query::nearest;

/// Columns that can be long: lists leave them out, and say their sizes.
pub const LONG: [&str; 8] = [
    "object_before",
    "object_after",
    "request_headers",
    "request_body",
    "response_headers",
    "response_body",
    "task_result",
    "raw",
];

/// Names of the columns of an event that a reader may see, in the model's order.
pub fn columns(hidden: &[String]) -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(|column| column.name).filter(move |name| !hidden.iter().any(|hidden| hidden == name))
}

/// The columns of a list: those that `wanted` names (`a,b`, `*` for all), else all but the long ones.
///
/// # Errors
/// A name that is none.
pub fn shown(wanted: Option<&str>, hidden: &[String]) -> Result<Vec<&'static str>, JournalError> {
    match wanted {
        None => Ok(columns(hidden).filter(|name| !LONG.contains(name)).collect()),
        Some("*") => Ok(columns(hidden).collect()),
        Some(names) => {
            let mut shown = Vec::new();
            for name in names.split(',').map(str::trim).filter(|name| !name.is_empty()) {
                let found = if name == SEQ { Some(SEQ) } else { known_column(name).map(|column| column.name) };
                let found = found.ok_or_else(|| no_column("fields", name))?;
                if !shown.contains(&found) {
                    shown.push(found);
                }
            }
            match shown.is_empty() {
                true => Err(JournalError::value("fields", "names at least one column")),
                false => Ok(shown),
            }
        }
    }
}

/// The column that `parameter` names to sort or group by: one with a single value.
///
/// # Errors
/// It is none.
pub fn single(parameter: &str, name: &str) -> Result<&'static str, JournalError> {
    let column = known_column(name).ok_or_else(|| no_column(parameter, name))?;
    match column.kind {
        Kind::Text | Kind::Time | Kind::Int32 | Kind::Int64 | Kind::Float32 | Kind::Bool => Ok(column.name),
        _ => Err(JournalError::value(parameter, format!("`{name}` has no single value to compare"))),
    }
}

fn no_column(parameter: &str, name: &str) -> JournalError {
    let near = nearest(name, COLUMNS.iter().map(|column| column.name));
    let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
    JournalError::value(parameter, format!("`{name}` is no column of the model{near}"))
}
