//! Columns of a statement, less those that a key does not show.
//!
//! A hidden column that is one of many is left out, so that the rest can still be read; what a statement cannot do
//! without it names, and is refused.

/// A column: its name, what it is made of, and the columns of events that this reads.
pub(crate) type Picked = (&'static str, &'static str, &'static [&'static str]);

/// `expression AS name` for each that reads nothing hidden, one a line.
#[must_use]
pub(crate) fn picked(columns: &[Picked], hidden: &[String]) -> String {
    let shown = shown(columns, hidden);
    shown.map(|(name, expression, _)| format!("        {expression} AS {name}")).collect::<Vec<_>>().join(",\n")
}

/// Names of those that read nothing hidden.
#[must_use]
pub(crate) fn names(columns: &[Picked], hidden: &[String]) -> Vec<&'static str> {
    shown(columns, hidden).map(|(name, ..)| *name).collect()
}

/// Those that read nothing hidden.
fn shown<'a>(columns: &'a [Picked], hidden: &'a [String]) -> impl Iterator<Item = &'a Picked> {
    columns.iter().filter(|(_, _, reads)| !reads.iter().any(|column| hidden.iter().any(|hidden| hidden == column)))
}
