//! The changes of one event.

use std::fmt::Write;
use std::time::Instant;

use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::text::{TextLimits, text_diff};
use super::{Change, Op, PatchStep, TextDiff, diff, parts, patch, patch_of, value_of};
use crate::config;
use crate::journal::Statement;
use crate::journal::lookup::{LookupError, Narrow, one_place};
use crate::journal::rows::{Reader, Row, text};
use crate::journal::tree::Node;

/// What an event tells of itself, beside its changes.
const ABOUT: &str = "event_id, event_time, tenant_id, source, dataset, module, event_type, object_type, object_id, object_name, \
    actor_id, actor_name";
/// Columns that may be hidden from a key without hiding the changes.
const OPTIONAL: [&str; 3] = ["object_name", "actor_id", "actor_name"];

/// Meaning of a value: of a source, a module, a path, and the value as JSON text.
pub type Explain<'a> = dyn Fn(&str, Option<&str>, &str, &str) -> Option<Value> + Sync + 'a;

/// In which form.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ChangesFormat {
    /// Changes with their meanings, parts and text differences.
    #[default]
    Json,
    /// RFC 6902.
    JsonPatch,
    /// For people.
    Text,
}

impl ChangesFormat {
    /// The words that are taken.
    pub const WORDS: [&'static str; 3] = ["json", "json-patch", "text"];

    /// Reads a word.
    ///
    /// # Errors
    /// Another word.
    pub fn parse(word: &str) -> Result<Self, LookupError> {
        match word {
            "json" => Ok(Self::Json),
            "json-patch" => Ok(Self::JsonPatch),
            "text" => Ok(Self::Text),
            _ => {
                let reason = format!("`{word}` is none of {}", Self::WORDS.join(", "));
                Err(LookupError::Parameter { name: "format", reason })
            }
        }
    }
}

/// What the comparison of texts may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits(TextLimits);

impl Limits {
    /// By the settings, from now on.
    #[must_use]
    pub fn of(settings: &config::Objects) -> Self {
        Self(TextLimits { text_max: settings.text_max, deadline: Instant::now() + settings.text_timeout.0 })
    }
}

/// An event with its changes.
#[derive(Debug)]
pub struct Found {
    about: Row,
    changes: Vec<Change>,
    before: Option<Node>,
    after: Option<Node>,
}

/// A change as an answer has it.
#[derive(Debug, Serialize)]
pub struct ShownChange {
    /// Keys joined by `.`.
    pub path: String,
    /// What happened.
    pub op: Op,
    /// The value before, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<RawValue>>,
    /// The value after, exactly.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Box<RawValue>>,
    /// What the value before means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_meaning: Option<Value>,
    /// What the value after means.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_meaning: Option<Value>,
    /// What differs inside of the value, down to the items of lists of objects.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ShownChange>,
    /// How two long texts differ.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_diff: Option<TextDiff>,
}

/// The changes of an event as JSON.
#[derive(Debug, Serialize)]
pub struct EventChanges {
    /// What the event tells of itself.
    #[serde(flatten)]
    pub about: Row,
    /// Where the changes are from: `changes`, `snapshots`, or `none`.
    pub from: &'static str,
    /// Fields that changed.
    pub changes: Vec<ShownChange>,
}

/// What is asked for one event.
#[must_use]
pub fn statement(id: &str, narrow: &Narrow, hidden: &[String]) -> Statement {
    let mut ask = Statement::default();
    let id = ask.value("id", id);
    let narrow = narrow.condition(&mut ask);
    let is_hidden = |column: &&str| OPTIONAL.contains(column) && hidden.iter().any(|hidden| hidden == *column);
    let about: Vec<&str> = ABOUT.split(", ").map(str::trim).filter(|column| !is_hidden(column)).collect();
    ask.sql = format!(
        "SELECT {}, changes, object_before, object_after\nFROM events\nWHERE event_id = {id}{narrow}\nORDER BY event_time DESC, _seq DESC\nLIMIT 10",
        about.join(", ")
    );
    ask
}

/// The event of that id.
///
/// # Errors
/// There is none, or several sources have one; the query fails.
pub async fn find(reader: &Reader<'_>, id: &str, ask: &Statement) -> Result<Found, LookupError> {
    let rows = reader.all(ask).await?;
    let row = one_place(id, &rows, &["tenant_id", "source", "dataset"])?;
    row.map(|row| Found::of(row.clone())).ok_or_else(|| LookupError::NoEvent(id.to_owned()))
}

impl Found {
    /// Of a row that [`statement`] gives.
    #[must_use]
    pub fn of(mut row: Row) -> Self {
        let snapshot = |value: Option<Value>| value.as_ref().and_then(Value::as_str).and_then(Node::parse);
        let (before, after) = (snapshot(row.remove("object_before")), snapshot(row.remove("object_after")));
        let changes = row.remove("changes").map(|listed| of_column(&listed)).unwrap_or_default();
        Self { about: row, changes, before, after }
    }

    /// The changes, and where they are from.
    fn changes(&self) -> (&'static str, Vec<Change>) {
        if !self.changes.is_empty() {
            return ("changes", self.changes.clone());
        }
        match (&self.before, &self.after) {
            (Some(Node::Object(before)), Some(Node::Object(after))) => ("snapshots", diff(before, after)),
            _ => ("none", Vec::new()),
        }
    }

    /// As JSON; `explain` knows what values mean.
    ///
    /// # Errors
    /// A value that is no JSON: a fault of ours.
    pub fn shown(self, explain: &Explain<'_>, limits: Limits) -> Result<EventChanges, serde_json::Error> {
        let (from, changes) = self.changes();
        let of = (text(&self.about, "source").unwrap_or_default(), text(&self.about, "module"));
        let changes = changes.iter().map(|change| shown(change, of, explain, limits)).collect::<Result<_, _>>()?;
        Ok(EventChanges { about: self.about, from, changes })
    }

    /// As a JSON Patch.
    #[must_use]
    pub fn patch(&self) -> Vec<PatchStep> {
        let (_, changes) = self.changes();
        match (&self.before, &self.after) {
            // The sender's own list may say more, or less, than its snapshots.
            (Some(Node::Object(before)), Some(Node::Object(after))) if diff(before, after) == changes => {
                patch(before, after)
            }
            (before, after) => {
                let snapshots: Vec<&Node> = before.iter().chain(after).collect();
                patch_of(&changes, &snapshots)
            }
        }
    }

    /// For people: a line for each field, long texts as unified differences.
    ///
    /// # Errors
    /// As [`Found::shown`].
    pub fn text(self, explain: &Explain<'_>, limits: Limits) -> Result<String, serde_json::Error> {
        let shown = self.shown(explain, limits)?;
        let named = |column| text(&shown.about, column).unwrap_or("-").to_owned();
        let mut out = format!("{} {} {}", named("event_time"), named("source"), named("event_type"));
        for (word, columns) in
            [("of", ["object_type", "object_id", "object_name"]), ("by", ["actor_name", "actor_id", ""])]
        {
            let parts: Vec<&str> = columns.iter().filter_map(|column| text(&shown.about, column)).collect();
            if !parts.is_empty() {
                // Writing into a text cannot fail.
                let _ = write!(out, " {word} {}", parts.join(" "));
            }
        }
        out.push('\n');
        shown.changes.iter().for_each(|change| line(change, "", &mut out));
        Ok(out)
    }
}

fn line(change: &ShownChange, indent: &str, out: &mut String) {
    let value = |value: &Option<Box<RawValue>>, meaning: &Option<Value>| {
        let text = value.as_ref().map_or("?", |value| value.get());
        let said = meaning.as_ref().and_then(|meaning| meaning.get("title").or(Some(meaning))?.as_str());
        said.map_or_else(|| text.to_owned(), |said| format!("{text} ({said})"))
    };
    let before = value(&change.before, &change.before_meaning);
    let after = value(&change.after, &change.after_meaning);
    let path = &change.path;
    let _ = match (&change.text_diff, change.op) {
        (Some(TextDiff { unified: Some(unified), .. }), _) => write!(out, "{indent}{path}:\n{unified}"),
        _ if !change.parts.is_empty() => writeln!(out, "{indent}{path}:"),
        (_, Op::Add) => writeln!(out, "{indent}{path}: + {after}"),
        (_, Op::Remove) => writeln!(out, "{indent}{path}: - {before}"),
        (_, Op::Set) => writeln!(out, "{indent}{path}: → {after}"),
        (_, Op::Replace) => writeln!(out, "{indent}{path}: {before} → {after}"),
    };
    change.parts.iter().for_each(|part| line(part, &format!("{indent}  "), out));
}

/// Source and module of an event.
type Of<'e> = (&'e str, Option<&'e str>);

/// A change with its parts.
fn shown(change: &Change, of: Of<'_>, explain: &Explain<'_>, limits: Limits) -> Result<ShownChange, serde_json::Error> {
    let inner = match (&change.before, &change.after) {
        (Some(before), Some(after)) => parts(&change.path, before, after),
        _ => Vec::new(),
    };
    let parts = inner.iter().map(|part| alone(part, of, explain, limits)).collect::<Result<_, _>>()?;
    Ok(ShownChange { parts, ..alone(change, of, explain, limits)? })
}

fn alone(change: &Change, of: Of<'_>, explain: &Explain<'_>, limits: Limits) -> Result<ShownChange, serde_json::Error> {
    let meaning = |node: &Option<Node>| node.as_ref().and_then(|node| explain(of.0, of.1, &change.path, &node.text()));
    Ok(ShownChange {
        path: change.path.clone(),
        op: change.op,
        before: change.before.as_ref().map(value_of).transpose()?,
        after: change.after.as_ref().map(value_of).transpose()?,
        before_meaning: meaning(&change.before),
        after_meaning: meaning(&change.after),
        parts: Vec::new(),
        text_diff: text_diff(change, limits.0),
    })
}

/// The column `changes` as an answer has it.
#[must_use]
pub fn of_column(listed: &Value) -> Vec<Change> {
    let one = |item: &Value| {
        let text = |name: &str| item.get(name).and_then(Value::as_str);
        Change::of_column(
            text("path").unwrap_or_default(),
            text("op").unwrap_or_default(),
            text("before"),
            text("after"),
        )
    };
    listed.as_array().map(|items| items.iter().map(one).collect()).unwrap_or_default()
}
