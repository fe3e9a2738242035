//! A statement as the journal may have it: its shape, and hashes of what was taken out.
//!
//! Values are hashed with a secret of the data directory: equal ones can be told to be equal, and
//! nobody who reads the journal can guess them by hashing what they might be.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::event::AuditEvent;
use crate::access::hex;
use crate::query::shape_of;

/// Bytes of a hash that are kept: 128 bits.
const HASH_BYTES: usize = 16;
/// Block of SHA-256, in bytes.
const BLOCK: usize = 64;
/// Parameters of which the types are kept.
const TYPES_MAX: usize = 32;
/// Longest name of a parameter that is kept, in bytes.
const NAME_MAX: usize = 64;

/// The secret of a data directory, under which values are hashed.
#[derive(Clone)]
pub(super) struct HashKey([u8; 32]);

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub enum Asked<'a> {
    /// A statement and its parameters: an array, an object or null.
    Sql(&'a str, &'a Value),
    /// A named query and its parameters as they stood in the URL.
    Named(&'a str, &'a [(String, String)]),
}

/// What the journal has of a statement.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Statement {
    /// Hash of the shape; of what has none, of the text under the secret.
    pub(super) id: String,
    text: Option<String>,
    bytes: usize,
    tables: Vec<&'static str>,
    /// Hash of the values under the secret.
    pub(super) parameters: Option<String>,
    types: Value,
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(…)")
    }
}

impl HashKey {
    pub(super) fn new(secret: [u8; 32]) -> Self {
        Self(secret)
    }

    /// HMAC-SHA-256, cut to 128 bits, in hex.
    pub(super) fn hash(&self, value: &[u8]) -> String {
        let pad = |with: u8| {
            let mut block = [with; BLOCK];
            block.iter_mut().zip(self.0).for_each(|(byte, key)| *byte ^= key);
            block
        };
        let inner = Sha256::new().chain_update(pad(0x36)).chain_update(value).finalize();
        short(&Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize())
    }
}

/// As much of a hash as is kept.
fn short(hash: &[u8]) -> String {
    hex(&hash[..HASH_BYTES])
}

impl Statement {
    /// What may be kept of `asked`; no text beyond `sql_max` is taken apart, and of shapes no more than
    /// `text_max` bytes are kept.
    pub(super) fn of(asked: Asked<'_>, key: &HashKey, sql_max: usize, text_max: usize) -> Self {
        match asked {
            Asked::Named(name, given) => Self {
                id: short(&Sha256::digest(format!("named query {name}"))),
                text: None,
                bytes: 0,
                tables: Vec::new(),
                parameters: (!given.is_empty()).then(|| key.hash(json!(given).to_string().as_bytes())),
                types: types(given.iter().map(|(name, _)| (name.clone(), "text"))),
            },
            Asked::Sql(sql, params) => {
                let shape = if sql.len() <= sql_max { shape_of(sql) } else { None };
                let (id, text, tables) = match shape {
                    Some(shape) => (short(&Sha256::digest(&shape.text)), Some(shape.text), shape.tables),
                    None => (key.hash(sql.as_bytes()), None, Vec::new()),
                };
                let (parameters, types) = hashed(params, key);
                Self { id, text: text.map(|text| cut(text, text_max)), bytes: sql.len(), tables, parameters, types }
            }
        }
    }

    /// Adds the statement to an event.
    pub(super) fn describe(self, event: AuditEvent) -> AuditEvent {
        let related: Vec<Value> =
            self.tables.iter().map(|table| json!({"type": "table", "id": table, "role": "read"})).collect();
        event
            .with("object_type", "statement")
            .with("object_id", self.id)
            .with("message", self.text)
            .with("related", if related.is_empty() { Value::Null } else { Value::Array(related) })
            .attribute("statement_bytes", Some(self.bytes).filter(|bytes| *bytes > 0))
            .attribute("parameter_types", self.types)
    }
}

fn hashed(params: &Value, key: &HashKey) -> (Option<String>, Value) {
    let listed: Vec<(String, &'static str)> = match params {
        Value::Array(values) => {
            values.iter().enumerate().map(|(at, value)| ((at + 1).to_string(), type_of(value))).collect()
        }
        Value::Object(values) => values.iter().map(|(name, value)| (name.clone(), type_of(value))).collect(),
        _ => return (None, Value::Null),
    };
    (Some(key.hash(params.to_string().as_bytes())), types(listed.into_iter()))
}

/// Types by name; a name that is none may be a value in the wrong place.
fn types(listed: impl Iterator<Item = (String, &'static str)>) -> Value {
    let is_name =
        |name: &str| name.len() <= NAME_MAX && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let types: serde_json::Map<String, Value> = listed
        .take(TYPES_MAX)
        .map(|(name, kind)| (if is_name(&name) { name } else { "?".to_owned() }, Value::from(kind)))
        .collect();
    if types.is_empty() { Value::Null } else { Value::Object(types) }
}

fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "text",
        Value::Array(_) => "list",
        Value::Object(_) => "object",
    }
}

/// The beginning of a text of more than `max` bytes.
fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        let end = (0..=max).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests;
