//! What a listener asks for, as a condition on events that are yet to come.

use chrono::Duration;

use crate::journal::{JournalError, Selection, Values};

/// The condition of a selection as far as new events can fulfil it: a period that ends now has no end.
///
/// # Errors
/// A value that a filter cannot take, or a period that is over.
pub fn condition(selection: &Selection, values: &mut Values, hidden: &[String]) -> Result<String, JournalError> {
    let bounds = selection.bounds()?;
    let mut parts = Vec::new();
    if let Some(from) = bounds.from {
        parts.push(format!("event_time >= {}", values.add(from.to_rfc3339())));
    }
    if let Some(to) = bounds.to {
        if to < selection.now {
            return Err(JournalError::period("period", "is over: nothing that is new can lie in it"));
        }
        if to > selection.now + Duration::seconds(1) {
            parts.push(format!("event_time < {}", values.add(to.to_rfc3339())));
        }
    }
    parts.extend(selection.matching(values, hidden)?);
    Ok(if parts.is_empty() { "true".to_owned() } else { parts.join(" AND ") })
}
