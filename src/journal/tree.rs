//! JSON as a tree that loses nothing: keys in their order, numbers and texts with the characters that were sent.
//!
//! A number of 20 digits is an id to somebody, so nothing here turns one into a float.

use std::collections::HashMap;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use crate::event::json::{Scanner, Shape, Value, members, quote_into, unescaped};

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// `{…}`
    Object(Object),
    /// `[…]`
    Array(Vec<Node>),
    /// JSON text of anything else.
    Leaf(Box<str>),
}

/// Members of an object, in their order.
#[derive(Debug, Clone, Default)]
pub struct Object {
    /// What was removed leaves its place empty, so that the others keep theirs.
    places: Vec<Option<(String, Node)>>,
    index: HashMap<String, usize>,
}

impl Node {
    /// Reads JSON text; of a key that stands twice the last counts.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let value = Scanner::new(text.as_bytes(), 0).value().ok()?;
        Some(Self::of(&value, text.as_bytes()))
    }

    fn of(value: &Value, body: &[u8]) -> Self {
        match value.shape {
            Shape::Object => {
                let mut object = Object::default();
                for member in members(value, body) {
                    let key = String::from_utf8_lossy(&unescaped(&member.key, body)).into_owned();
                    object.insert(key, Self::of(&member.value, body));
                }
                Self::Object(object)
            }
            Shape::Array => Self::Array(members(value, body).map(|item| Self::of(&item.value, body)).collect()),
            _ => Self::Leaf(String::from_utf8_lossy(value.text(body)).into()),
        }
    }

    /// Compact JSON text.
    #[must_use]
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Leaf(text) => out.push_str(text),
            Self::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    out.push(if at == 0 { '[' } else { ',' });
                    item.write(out);
                }
                out.push_str(if items.is_empty() { "[]" } else { "]" });
            }
            Self::Object(object) => {
                out.push('{');
                for (at, (key, value)) in object.iter().enumerate() {
                    if at > 0 {
                        out.push(',');
                    }
                    out.push_str(&quoted(key));
                    out.push(':');
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    /// Whether it holds other values.
    #[must_use]
    pub fn is_composite(&self) -> bool {
        !matches!(self, Self::Leaf(_))
    }

    /// Its characters, where it is a text.
    #[must_use]
    pub fn as_text(&self) -> Option<String> {
        match self {
            Self::Leaf(text) if text.starts_with('"') => serde_json::from_str(text).ok(),
            _ => None,
        }
    }

    /// Equal as JSON, texts also where one is written with other escapes.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Leaf(a), Self::Leaf(b)) => {
                a == b || a.starts_with('"') && b.starts_with('"') && self.as_text() == other.as_text()
            }
            (Self::Array(a), Self::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.same(b)),
            (Self::Object(a), Self::Object(b)) => {
                a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| a.same(b)))
            }
            _ => false,
        }
    }
}

impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        raw(&self.text()).map_err(serde::ser::Error::custom)?.serialize(serializer)
    }
}

/// Equal members in equal order.
impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Object {
    /// Members in their order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Node)> {
        self.places.iter().flatten().map(|(key, value)| (key.as_str(), value))
    }

    /// How many members it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The value of a key.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.index.get(key).and_then(|at| self.places.get(*at)?.as_ref()).map(|(_, value)| value)
    }

    /// The value of a key, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Node> {
        let at = *self.index.get(key)?;
        self.places.get_mut(at)?.as_mut().map(|(_, value)| value)
    }

    /// Sets a key; a new one comes last.
    pub fn insert(&mut self, key: String, value: Node) {
        if let Some(old) = self.get_mut(&key) {
            *old = value;
            return;
        }
        self.index.insert(key.clone(), self.places.len());
        self.places.push(Some((key, value)));
    }

    /// Removes a key.
    pub fn remove(&mut self, key: &str) -> Option<Node> {
        let at = self.index.remove(key)?;
        self.places.get_mut(at)?.take().map(|(_, value)| value)
    }

    /// Keys in the order of their bytes, as the differences of two objects have them.
    #[must_use]
    pub fn sorted_keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.iter().map(|(key, _)| key).collect();
        keys.sort_unstable();
        keys
    }
}

/// A text as JSON.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len() + 2);
    quote_into(text, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// JSON text as it is; what is none becomes a JSON text of its characters.
///
/// # Errors
/// Never: a quoted text is JSON.
pub fn raw(text: &str) -> Result<Box<RawValue>, serde_json::Error> {
    RawValue::from_string(text.to_owned()).or_else(|_| RawValue::from_string(quoted(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_gives_back_what_it_was_made_of() {
        let texts = [
            r#"{"b":1.10,"a":[12345678901234567890123,1e400,-0.0],"c":{"z":null,"y":"\u00e9\n"},"":{}}"#,
            "[]",
            "{}",
            "null",
            r#""x""#,
            "[[],[{}]]",
        ];
        for text in texts {
            assert_eq!(Node::parse(text).unwrap().text(), text);
            assert_eq!(serde_json::to_string(&Node::parse(text).unwrap()).unwrap(), text);
        }
        assert_eq!(Node::parse(r#"{"a":1,"b":2,"a":3}"#).unwrap().text(), r#"{"a":3,"b":2}"#, "the last counts");
        assert_eq!(Node::parse(r#"{"a\"b":1}"#).unwrap().text(), r#"{"a\"b":1}"#);
        assert!(Node::parse("{").is_none() && Node::parse("").is_none());
    }

    #[test]
    fn members_keep_their_order_when_others_go() {
        let Some(Node::Object(mut object)) = Node::parse(r#"{"a":1,"b":2,"c":3}"#) else { panic!() };
        assert_eq!(object.remove("a").map(|node| node.text()), Some("1".into()));
        object.insert("b".into(), Node::Leaf("9".into()));
        object.insert("a".into(), Node::Leaf("7".into()));
        assert_eq!(Node::Object(object.clone()).text(), r#"{"b":9,"c":3,"a":7}"#);
        assert_eq!((object.len(), object.sorted_keys()), (3, vec!["a", "b", "c"]));
        assert!(object.remove("x").is_none() && object.get("x").is_none());
    }

    #[test]
    fn texts_are_the_same_however_they_are_escaped() {
        let same = |a: &str, b: &str| Node::parse(a).unwrap().same(&Node::parse(b).unwrap());
        assert!(same(r#"{"a":"\u00e9","b":[1]}"#, r#"{"b":[1],"a":"é"}"#));
        assert!(!same("1", "1.0") && !same("\"1\"", "1") && !same("[1]", "[1,2]") && !same("{}", "[]"));
    }
}
