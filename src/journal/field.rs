//! What can be filtered by: every column of the model under its name, parts of `attributes` and `labels`, and the
//! words that people use for several columns at once.

use crate::event::model::{COLUMNS, Column, Kind};
use crate::query::nearest;

use super::JournalError;

/// Something that a condition is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Field {
    /// A column of the model.
    Column(&'static Column),
    /// A value inside of `attributes`, by the names of the members on the way.
    Attribute(Vec<String>),
    /// A value of `labels`.
    Label(String),
    /// A word for more than one column, or for a part of one.
    Word(Word),
}

/// Words for more than one column, or for a part of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Word {
    /// Id, e-mail or name of the actor.
    Actor,
    /// `person`, `system` or `api_key`.
    ActorKind,
    /// Id or name of the location, site or unit.
    Location,
    /// `type:id` of the object or a related one.
    Object,
    /// `create`, `delete`, `update` or `other`.
    ActionKind,
    /// Event types of one group: `order` is `order` and `order.…`.
    Group,
    /// `trace` to `fatal`, by `severity_number`.
    Level,
    /// `true`: what failed, or is of level error.
    Errors,
    /// An address or network.
    Ip,
    /// `duration_ns` with a unit: `250ms`, `1.5s`.
    Duration,
    /// Hours of the day, `9`, `9-17` or `09:00-17:30`.
    Hour,
    /// Days of the week, 1 (Monday) to 7.
    Weekday,
    /// Path of a changed field; `price.*` is all below.
    Changed,
    /// Old value of the changed field.
    Before,
    /// New value of the changed field.
    After,
    /// Columns that have a value.
    Has,
    /// The message with `*` for what differs from event to event.
    Pattern,
    /// Words that stand anywhere.
    Text,
}

/// A word with its meaning, for the list of filters.
pub(super) struct Known {
    pub(super) name: &'static str,
    pub(super) word: Word,
    pub(super) meaning: &'static str,
    /// All values it can have, where they are few.
    pub(super) values: &'static [&'static str],
}

const fn known(name: &'static str, word: Word, meaning: &'static str, values: &'static [&'static str]) -> Known {
    Known { name, word, meaning, values }
}

/// Levels in their order, and the lowest `severity_number` of each.
pub(super) const LEVELS: [(&str, i32); 6] =
    [("trace", 1), ("debug", 5), ("info", 9), ("warn", 13), ("error", 17), ("fatal", 21)];

/// The words.
pub(super) const WORDS: [Known; 18] = [
    known("actor", Word::Actor, "id, e-mail or name of who did it", &[]),
    known("actor_kind", Word::ActorKind, "a person, the system or an API key", &["person", "system", "api_key"]),
    known("location", Word::Location, "id or name of the location, site or unit", &[]),
    known("object", Word::Object, "`type:id` of the object or a related one; shows what only the object shows", &[]),
    known("kind", Word::ActionKind, "kind of action", &["create", "delete", "update", "other"]),
    known("group", Word::Group, "event types of one group: `order` is `order` and `order.…`", &[]),
    known("level", Word::Level, "level by severity_number", &["trace", "debug", "info", "warn", "error", "fatal"]),
    known("errors", Word::Errors, "what failed, or is of level error", &["true", "false"]),
    known("ip", Word::Ip, "address or network (10.0.0.0/8)", &[]),
    known("duration", Word::Duration, "processing time with a unit: 250ms, 1.5s", &[]),
    known("hour", Word::Hour, "hours of the day: 9, 9-17 (both included), 09:00-17:30, 22-5", &[]),
    known("weekday", Word::Weekday, "days of the week: 1 (Monday) to 7, 1-5", &[]),
    known("changed", Word::Changed, "path of a changed field; `price.*` is all below", &[]),
    known("before", Word::Before, "old value of the changed field", &[]),
    known("after", Word::After, "new value of the changed field", &[]),
    known("has", Word::Has, "a column that has a value; also request, response", &[]),
    known("pattern", Word::Pattern, "message, or error message, with `*` for what differs from event to event", &[]),
    known("q", Word::Text, "words that all stand somewhere in the event; \"several words\" in quotes", &[]),
];

/// Other names of columns.
const ALIASES: [(&str, &str); 13] = [
    ("id", "event_id"),
    ("type", "event_type"),
    ("tenant", "tenant_id"),
    ("method", "http_method"),
    ("endpoint", "http_route"),
    ("session", "session_id"),
    ("visitor", "visitor_id"),
    ("key", "credential_id"),
    ("origin", "channel"),
    ("peer", "peer_name"),
    ("task", "task_id"),
    ("request", "request_body"),
    ("response", "response_body"),
];

/// The column of that name, or of an alias.
pub(super) fn column(name: &str) -> Option<&'static Column> {
    let name = ALIASES.iter().find(|(alias, _)| *alias == name).map_or(name, |(_, column)| column);
    COLUMNS.iter().find(|column| column.name == name)
}

impl Field {
    /// The field of that name.
    ///
    /// # Errors
    /// There is none.
    pub fn find(name: &str) -> Result<Self, JournalError> {
        if let Some(path) = name.strip_prefix("attributes.").filter(|path| !path.is_empty()) {
            return Ok(Self::Attribute(path.split('.').map(str::to_owned).collect()));
        }
        if let Some(key) = name.strip_prefix("labels.").filter(|key| !key.is_empty()) {
            return Ok(Self::Label(key.to_owned()));
        }
        if let Some(known) = WORDS.iter().find(|known| known.name == name) {
            return Ok(Self::Word(known.word));
        }
        column(name)
            .map(Self::Column)
            .ok_or_else(|| JournalError::UnknownFilter { name: name.to_owned(), near: nearest(name, names()) })
    }
}

/// All names but paths of attributes and labels.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let words = WORDS.iter().map(|known| known.name);
    words.chain(COLUMNS.iter().map(|column| column.name)).chain(ALIASES.iter().map(|(alias, _)| *alias))
}

/// A filter as `GET /api/v1/filters/fields` lists it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, utoipa::ToSchema)]
pub struct FieldInfo {
    /// Name in parameters.
    pub name: String,
    /// Other names of the same.
    pub aliases: Vec<&'static str>,
    /// What it means.
    pub meaning: &'static str,
    /// `text`, `number`, `time`, `boolean`, `list` or `word`.
    pub kind: &'static str,
    /// Operators that it takes: `=`, `!=`, `~=` (contains), `^=` (begins with), `>=`, `<=`.
    pub operators: &'static [&'static str],
    /// All values it can have, where they are few.
    pub values: &'static [&'static str],
}

/// Everything that can be filtered by, without the columns named in `hidden`.
#[must_use]
pub fn fields(hidden: &[String]) -> Vec<FieldInfo> {
    let words = WORDS.iter().map(|known| FieldInfo {
        name: known.name.to_owned(),
        aliases: Vec::new(),
        meaning: known.meaning,
        kind: "word",
        operators: match known.word {
            Word::Level | Word::Duration => &["=", "!=", ">=", "<="],
            Word::Actor | Word::Location | Word::Pattern => &["=", "!=", "~=", "^="],
            _ => &["=", "!="],
        },
        values: known.values,
    });
    let columns = COLUMNS.iter().filter(|column| !hidden.iter().any(|hidden| hidden == column.name));
    let columns = columns.map(|column| {
        let (kind, operators): (_, &[_]) = match column.kind {
            Kind::Text | Kind::Json => ("text", &["=", "!=", "~=", "^="]),
            Kind::Time => ("time", &[">=", "<="]),
            Kind::Int32 | Kind::Int64 | Kind::Float32 => ("number", &["=", "!=", ">=", "<="]),
            Kind::Bool => ("boolean", &["=", "!="]),
            Kind::TextList => ("list", &["=", "!=", "~="]),
            Kind::TextMap | Kind::Related | Kind::Changes | Kind::Attachments => ("list", &["~="]),
        };
        let aliases = ALIASES.iter().filter(|(_, name)| *name == column.name).map(|(alias, _)| *alias).collect();
        FieldInfo { name: column.name.to_owned(), aliases, meaning: column.meaning, kind, operators, values: &[] }
    });
    words.chain(columns).collect()
}
