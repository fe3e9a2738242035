//! Parameters of questions, from `NAME=VALUE`.

use std::str::FromStr;

use serde_json::{Map, Value};

use crate::cli::CliError;

/// One parameter as given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Param {
    pub(crate) name: String,
    pub(crate) text: String,
}

impl FromStr for Param {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
        let name = name.strip_prefix('$').unwrap_or(name);
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || c == '_') {
            return Err(format!("{name:?} is no name: letters, digits and _ make one"));
        }
        Ok(Self { name: name.to_owned(), text: value.to_owned() })
    }
}

impl Param {
    /// The value: JSON where it is JSON and keeps every digit, text elsewhere.
    fn value(&self) -> Value {
        match serde_json::from_str::<Value>(&self.text) {
            Ok(Value::Number(number)) if number.is_f64() && !survives(&number, &self.text) => self.text.clone().into(),
            Ok(value) => value,
            Err(_) => self.text.clone().into(),
        }
    }
}

/// Whether a number is small enough for a float to hold: 17 digits may not come back.
fn survives(number: &serde_json::Number, text: &str) -> bool {
    let digits = text.bytes().take_while(|byte| !matches!(byte, b'e' | b'E')).filter(u8::is_ascii_digit).count();
    digits <= 15 || number.to_string() == text
}

/// The parameters as the API takes them: an array for `$1`, `$2`, …, an object for names, null for none.
///
/// # Errors
/// A name given twice, a number left out, numbers and names together.
pub(crate) fn collect(params: &[Param]) -> Result<Value, CliError> {
    let mut named = Map::new();
    for param in params {
        if named.insert(param.name.clone(), param.value()).is_some() {
            return Err(CliError::Usage(format!("--param {} is given twice", param.name)));
        }
    }
    if named.is_empty() {
        return Ok(Value::Null);
    }
    let numbers = named.keys().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).count();
    if numbers == 0 {
        return Ok(Value::Object(named));
    }
    if numbers < named.len() {
        return Err(CliError::Usage("--param takes either names or numbers, not both".into()));
    }
    let at = |number: usize| {
        let missing = || CliError::Usage(format!("--param {number} is missing; numbers start at 1 without a gap"));
        named.get(&number.to_string()).cloned().ok_or_else(missing)
    };
    (1..=numbers).map(at).collect::<Result<Vec<_>, _>>().map(Value::Array)
}

/// A name as one segment of a path.
pub(crate) fn path_segment(name: &str) -> String {
    let mut segment = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => segment.push(char::from(byte)),
            byte => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

#[cfg(test)]
mod tests;
