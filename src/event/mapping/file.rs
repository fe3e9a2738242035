//! A mapping as people write it, and its canonical text.
//!
//! Reading checks only the form: known keys, values of the right type. Whether rules fit their
//! columns is found out by compiling.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::value::MapAccessDeserializer;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::error::MappingError;
use super::path::KeyPath;

/// A mapping: how a sender's own words become columns.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MappingFile {
    /// One line for lists.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What is mapped, for people.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// `source` of events that name none, unless the key has one; whoever compiles hands it on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// `dataset` of events that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dataset: Option<String>,
    /// `tenant_id` of events that name none; without it the project's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant_id: Option<String>,
    /// Zone of instants without an offset, where a rule names none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// Key under which events come in an array; `Records` and `Records[]` are the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub wrapper: Option<String>,
    /// Whether the text of each event is stored in `raw`.
    #[serde(skip_serializing_if = "is_false")]
    pub keep_raw: bool,
    /// What fills each column.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub columns: BTreeMap<String, ColumnRule>,
    /// Other objects of an event that are named by single fields.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<RelatedRule>,
}

/// What fills a column. A path alone may be written instead of the table.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(remote = "Self", deny_unknown_fields, default)]
pub struct ColumnRule {
    /// Where the value lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<KeyPath>,
    /// The first of these that has a usable value. One with functions of its own uses those only.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub first_of: Vec<ColumnRule>,
    /// Scalars joined to one text.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub concat: Vec<KeyPath>,
    /// What stands between them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub separator: Option<String>,
    /// The same for every event.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constant: Option<Literal>,
    /// For events that have no usable value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Literal>,
    /// Replacements by the value sent; others stay as they are.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, Literal>,
    /// Replacement of all values that are not in `values`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Literal>,
    /// Values that are not in `values` are left to `attributes`.
    #[serde(skip_serializing_if = "is_false")]
    pub only_listed: bool,
    /// Letters become small, before `values` is asked.
    #[serde(skip_serializing_if = "is_false")]
    pub lower: bool,
    /// A string is JSON text.
    #[serde(skip_serializing_if = "is_false")]
    pub parse_json: bool,
    /// Numbers are multiplied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale: Option<i64>,
    /// Forms of instants, tried in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// Zone of instants without an offset.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    /// The sender's names of the fields of list items, by ours.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub items: BTreeMap<String, String>,
}

/// One item of `related`, made where its id was sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RelatedRule {
    /// Type of the object.
    #[serde(rename = "type")]
    pub object_type: String,
    /// Where its id lies.
    pub id: KeyPath,
    /// Where its name lies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<KeyPath>,
    /// What it is to the event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
}

/// A value written in the mapping itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Literal {
    /// `true` or `false`.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// Any other number.
    Float(f64),
    /// Text.
    Text(String),
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(truth) => truth.fmt(f),
            Self::Integer(number) => number.fmt(f),
            Self::Float(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
        }
    }
}

impl MappingFile {
    /// Largest mapping, in bytes.
    pub const MAX_LEN: usize = 1 << 20;

    /// Reads TOML.
    ///
    /// # Errors
    /// The text is too long, is no TOML, has unknown keys or values of a wrong type; the error names
    /// the key and the line.
    pub fn parse(text: &str) -> Result<Self, MappingError> {
        if text.len() > Self::MAX_LEN {
            return Err(MappingError::TooLarge { size: text.len(), limit: Self::MAX_LEN });
        }
        toml::from_str(text).map_err(|error| MappingError::syntax(text, error))
    }

    /// The mapping as TOML in one fixed form: equal mappings have equal texts, and reading the text
    /// gives the same mapping back. Whoever must tell mappings apart hashes this.
    ///
    /// # Panics
    /// Never: everything in a mapping can be written as TOML.
    #[must_use]
    pub fn canonical(&self) -> String {
        toml::to_string(self).expect("a mapping holds only texts, numbers, lists and tables with text keys")
    }
}

impl ColumnRule {
    /// The value at `path`, as it is.
    #[must_use]
    pub fn at(path: KeyPath) -> Self {
        Self { path: Some(path), ..Self::default() }
    }

    /// Whether it says nothing but where the value lies.
    #[must_use]
    pub fn is_plain(&self) -> bool {
        *self == Self { path: self.path.clone(), ..Self::default() }
    }
}

impl Serialize for ColumnRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.path {
            Some(path) if self.is_plain() => path.serialize(serializer),
            _ => Self::serialize(self, serializer),
        }
    }
}

impl<'de> Deserialize<'de> for ColumnRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RuleVisitor)
    }
}

struct RuleVisitor;

impl<'de> Visitor<'de> for RuleVisitor {
    type Value = ColumnRule;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path (\"a.b\" or [\"a\", \"b\"]) or a table such as { path = \"a.b\", default = \"x\" }")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<ColumnRule, E> {
        KeyPath::try_from(text).map(ColumnRule::at).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<ColumnRule, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = list.next_element::<String>()? {
            keys.push(key);
        }
        KeyPath::try_from(keys).map(ColumnRule::at).map_err(de::Error::custom)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnRule, A::Error> {
        // The derived reader, which `remote = "Self"` makes a plain function beside the trait's.
        ColumnRule::deserialize(MapAccessDeserializer::new(map))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_false(value: &bool) -> bool {
    !value
}
