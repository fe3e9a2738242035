//! Where a value lies in a record: the keys of the objects around it, outermost first.

use std::fmt;

use serde::de::{self, Deserializer, SeqAccess, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Keys from the record down to a value. In a mapping: text with dots between the keys, or a list of
/// keys, which may contain dots themselves.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyPath(Vec<String>);

/// Why something is no path.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum KeyPathError {
    /// No keys at all.
    #[error("a path needs at least one key")]
    Empty,
    /// Two dots in a row, or one at an end.
    #[error("the path `{0}` has an empty key; for keys that contain dots write a list: [\"a.b\", \"c\"]")]
    EmptyKey(String),
    /// More keys than [`KeyPath::MAX_DEPTH`].
    #[error("the path has {0} keys, more than {max}", max = KeyPath::MAX_DEPTH)]
    TooDeep(usize),
}

impl KeyPath {
    /// Most keys of a path; records may be nested deeper, but their scanner has a limit too.
    pub const MAX_DEPTH: usize = 32;

    /// The keys, outermost first.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.0
    }

    fn dotted(&self) -> bool {
        self.0.iter().all(|key| !key.is_empty() && !key.contains('.'))
    }
}

impl TryFrom<&str> for KeyPath {
    type Error = KeyPathError;

    fn try_from(text: &str) -> Result<Self, Self::Error> {
        if text.is_empty() {
            return Err(KeyPathError::Empty);
        }
        let keys: Vec<String> = text.split('.').map(str::to_string).collect();
        if keys.iter().any(String::is_empty) {
            return Err(KeyPathError::EmptyKey(text.to_string()));
        }
        Self::try_from(keys)
    }
}

impl TryFrom<Vec<String>> for KeyPath {
    type Error = KeyPathError;

    fn try_from(keys: Vec<String>) -> Result<Self, Self::Error> {
        match keys.len() {
            0 => Err(KeyPathError::Empty),
            1..=Self::MAX_DEPTH => Ok(Self(keys)),
            more => Err(KeyPathError::TooDeep(more)),
        }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.dotted() { f.write_str(&self.0.join(".")) } else { write!(f, "{:?}", self.0) }
    }
}

impl Serialize for KeyPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.dotted() { serializer.serialize_str(&self.0.join(".")) } else { self.0.serialize(serializer) }
    }
}

impl<'de> Deserialize<'de> for KeyPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PathVisitor)
    }
}

struct PathVisitor;

impl<'de> Visitor<'de> for PathVisitor {
    type Value = KeyPath;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a path: \"a.b\", or a list of keys: [\"a\", \"b\"]")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<KeyPath, E> {
        KeyPath::try_from(text).map_err(E::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<KeyPath, A::Error> {
        let mut keys = Vec::new();
        while let Some(key) = list.next_element::<String>()? {
            keys.push(key);
        }
        KeyPath::try_from(keys).map_err(de::Error::custom)
    }
}
