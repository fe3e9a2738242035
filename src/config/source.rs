//! Settings as they were given: by a TOML file, with lines, and by the environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{ConfigError, Origin};

/// Beginning of the variables that are settings.
const PREFIX: &str = "KRONIKA__";
/// End of the variables that name a file with the value.
const FILE_SUFFIX: &str = "_file";
/// Options of object stores that are themselves names of files.
const FILE_OPTIONS: [&str; 2] =
    ["storage.options.aws_web_identity_token_file", "storage.options.azure_federated_token_file"];

/// A setting as it was given.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Given {
    /// `section.key`
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

/// All values of a TOML file. `is_section` tells which keys have others below them.
pub(super) fn file(path: &Path, is_section: &dyn Fn(&str) -> bool) -> Result<Vec<Given>, ConfigError> {
    let text = std::fs::read_to_string(path).map_err(|source| ConfigError::File { path: path.into(), source })?;
    let document = DeTable::parse(&text).map_err(|error| ConfigError::Syntax {
        path: path.into(),
        line: line(&text, error.span().map_or(0, |span| span.start)),
        message: error.message().to_owned(),
    })?;
    let mut reading = Reading { path, text: &text, is_section, given: Vec::new() };
    reading.table("", document.get_ref());
    // The order of the file, not of the alphabet: faults are told from the top.
    reading.given.sort_by_key(|(at, _)| *at);
    Ok(reading.given.into_iter().map(|(_, given)| given).collect())
}

struct Reading<'a> {
    path: &'a Path,
    text: &'a str,
    is_section: &'a dyn Fn(&str) -> bool,
    given: Vec<(usize, Given)>,
}

impl Reading<'_> {
    fn table(&mut self, above: &str, table: &DeTable<'_>) {
        for (name, value) in table {
            let key = if above.is_empty() { name.get_ref().to_string() } else { format!("{above}.{}", name.get_ref()) };
            match value.get_ref() {
                DeValue::Table(below) if (self.is_section)(&key) => self.table(&key, below),
                _ => {
                    let at = name.span().start;
                    let origin = Origin::File { path: self.path.to_path_buf(), line: line(self.text, at) };
                    self.given.push((at, Given { key, value: json(value), origin }));
                }
            }
        }
    }
}

fn line(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())].iter().filter(|byte| **byte == b'\n').count() + 1
}

fn json(value: &Spanned<DeValue<'_>>) -> Value {
    match value.get_ref() {
        DeValue::String(text) => Value::from(text.as_ref()),
        DeValue::Integer(number) => {
            let (digits, radix) = (number.as_str(), number.radix());
            let unsigned = u64::from_str_radix(digits, radix).map(Value::from);
            unsigned.or_else(|_| i64::from_str_radix(digits, radix).map(Value::from)).unwrap_or_else(|_| digits.into())
        }
        DeValue::Float(number) => {
            let parsed = number.as_str().parse().ok().and_then(Number::from_f64);
            parsed.map_or_else(|| number.as_str().into(), Value::Number)
        }
        DeValue::Boolean(value) => Value::from(*value),
        DeValue::Datetime(time) => Value::from(time.to_string()),
        DeValue::Array(items) => items.iter().map(json).collect(),
        DeValue::Table(table) => {
            let members = table.iter().map(|(name, value)| (name.get_ref().to_string(), json(value)));
            Value::Object(members.collect::<Map<_, _>>())
        }
    }
}

/// All settings of the environment. `is_known` tells which settings there are: `…_FILE` names the file that
/// holds a value, unless a setting is called so.
pub(super) fn environment(
    variables: impl Iterator<Item = (OsString, OsString)>,
    is_known: &dyn Fn(&str) -> bool,
) -> Result<Vec<Given>, ConfigError> {
    let mut given: Vec<Given> = Vec::new();
    for (name, value) in variables {
        let Some(name) = name.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        let key = name[PREFIX.len()..].to_ascii_lowercase().replace("__", ".");
        let origin = Origin::Environment(name.to_owned());
        let value = value.into_string().map_err(|_| ConfigError::Value {
            key: key.clone(),
            origin: origin.clone(),
            reason: "the value is no UTF-8 text".into(),
        })?;
        let named = key.strip_suffix(FILE_SUFFIX).filter(|_| !FILE_OPTIONS.contains(&key.as_str()));
        let option = key.starts_with("storage.options.");
        let one = match named.filter(|of| is_known(of) && (option || !is_known(&key))) {
            Some(of) => Given { key: of.to_owned(), value: secret(name, value.into())?.into(), origin },
            None => Given { key, value: value.into(), origin },
        };
        if let Some(other) = given.iter().find(|other| other.key == one.key) {
            let text = |origin: &Origin| match origin {
                Origin::Environment(name) => name.clone(),
                other => other.to_string(),
            };
            return Err(ConfigError::Twice { first: text(&other.origin), second: text(&one.origin) });
        }
        given.push(one);
    }
    // The environment has no order of its own: two faults are always told in the same one.
    given.sort_by(|left, right| left.key.cmp(&right.key));
    Ok(given)
}

/// The text of a file, without the line end that editors add.
fn secret(variable: &str, path: PathBuf) -> Result<String, ConfigError> {
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.trim_end_matches(['\r', '\n']).to_owned()),
        Err(source) => Err(ConfigError::Secret { variable: variable.to_owned(), path, source }),
    }
}
