//! What an event changed, field by field: from its `changes`, or from its two snapshots where it has none.
//!
//! ```text
//! changes ──────────────┐
//! before, after ─ diff ─┴─▶ [Change] ─▶ JSON (with meanings, parts, text differences) · JSON Patch · text
//! ```

mod diff;
mod event;
mod list;

mod patch;
mod text;

use serde::Serialize;
use serde_json::value::RawValue;

pub use diff::{diff, parts};
pub use event::{ChangesFormat, EventChanges, Explain, Found, Limits, ShownChange, find, of_column, statement};
pub use list::{ChangeFilter, Page, list};
pub(crate) use patch::keys_of;
pub use patch::{PatchStep, patch, patch_of};
pub use text::TextDiff;

use super::tree::{Node, raw};

/// What happened to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Op {
    /// It was not there before.
    Add,
    /// It is not there any more.
    Remove,
    /// It had another value.
    Replace,
    /// It has this value; what it had before is not known.
    Set,
}

impl Op {
    /// Of its word in the column `changes`; an unknown word is what the values say.
    #[must_use]
    pub fn of(word: &str, before: bool, after: bool) -> Self {
        match (word, before, after) {
            ("add", ..) => Self::Add,
            ("remove", ..) => Self::Remove,
            ("replace", ..) => Self::Replace,
            ("set", ..) | (_, false, _) => Self::Set,
            (_, true, false) => Self::Remove,
            (_, true, true) => Self::Replace,
        }
    }
}

/// A field that changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    /// Keys joined by `.`.
    pub path: String,
    /// What happened.
    pub op: Op,
    /// The value before, where there was one and it is known.
    pub before: Option<Node>,
    /// The value after, where there is one.
    pub after: Option<Node>,
}

impl Change {
    /// A change as the column `changes` has it: values as JSON text.
    #[must_use]
    pub fn of_column(path: &str, word: &str, before: Option<&str>, after: Option<&str>) -> Self {
        let node = |text: &str| Node::parse(text).unwrap_or_else(|| Node::Leaf(super::tree::quoted(text).into()));
        let op = Op::of(word, before.is_some(), after.is_some());
        Self { path: path.to_owned(), op, before: before.map(node), after: after.map(node) }
    }
}

/// A value of an answer: exactly as it was sent.
fn value_of(node: &Node) -> Result<Box<RawValue>, serde_json::Error> {
    raw(&node.text())
}

#[cfg(test)]
mod tests;
