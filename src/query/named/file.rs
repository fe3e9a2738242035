//! The file of a named query: comment lines that describe it, then one SELECT.
//!
//! ```text
//! -- title: Errors by module
//! -- description: What it shows; further lines
//! --   are indented.
//! -- param: from timestamp = now-7d | Start of the range, inclusive
//! -- param: source text = null | Only this source system
//! SELECT … WHERE event_time >= $from
//! ```

use chrono::{DateTime, Utc};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};
use serde::Serialize;

use super::Broken;
use super::value::ParameterType;
use crate::query::dialect::EventsDialect;
use crate::query::error::{QueryError, nearest};

/// A named query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NamedQuery {
    /// A few words; the name when the file gives none.
    pub title: String,
    /// What it answers.
    pub description: String,
    /// What it takes.
    pub parameters: Vec<Parameter>,
    /// The whole file, so that places in it are places in the file.
    #[serde(skip)]
    sql: String,
}

/// A parameter of a named query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name: `$name` in the SQL, `?name=` in the URL.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub kind: ParameterType,
    /// Whether it must be given.
    pub required: bool,
    /// Text of the default; `None` for `null` and where it is required.
    pub default: Option<String>,
    /// What it means.
    pub meaning: String,
}

impl Parameter {
    /// The value of `texts`, all that was given under this name.
    pub(super) fn value(&self, texts: &[&str], now: DateTime<Utc>) -> Result<ScalarValue, QueryError> {
        let bad = |reason| QueryError::parameter(&self.name, reason);
        match (texts, &self.default) {
            ([], _) if self.required => Err(bad(format!("must be given: {}", self.meaning))),
            ([], None) => Ok(self.kind.null()),
            ([], Some(default)) => self.kind.value(&[default], now).map_err(bad),
            (given, _) => self.kind.value(given, now).map_err(bad),
        }
    }
}

impl NamedQuery {
    /// The SQL, header included.
    #[must_use]
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// Reads a file.
    ///
    /// # Errors
    /// The first line that breaks the contract.
    pub fn parse(name: &str, text: &str) -> Result<Self, Broken> {
        let broken = |line: usize, reason: String| Broken { file: format!("{name}.sql"), line, reason };
        let mut query =
            Self { title: String::new(), description: String::new(), parameters: Vec::new(), sql: text.to_owned() };
        let mut last = Last::Nothing;
        for (at, line) in text.lines().enumerate() {
            let Some(comment) = line.trim_start().strip_prefix("--") else {
                if line.trim().is_empty() {
                    continue;
                }
                break;
            };
            last = query.header_line(comment, last).map_err(|reason| broken(at + 1, reason))?;
        }
        if query.title.is_empty() {
            name.clone_into(&mut query.title);
        }
        query.check_placeholders().map_err(|(line, reason)| broken(line, reason))?;
        Ok(query)
    }

    /// Takes one comment line, without its dashes.
    fn header_line(&mut self, comment: &str, last: Last) -> Result<Last, String> {
        if comment.starts_with("   ") {
            let more = comment.trim();
            match last {
                Last::Description => append(&mut self.description, more),
                Last::Parameter => {
                    if let Some(parameter) = self.parameters.last_mut() {
                        append(&mut parameter.meaning, more);
                    }
                }
                Last::Nothing => {}
            }
            return Ok(last);
        }
        let Some((key, value)) = comment.trim().split_once(':') else { return Ok(Last::Nothing) };
        let value = value.trim();
        match key {
            "title" => {
                value.clone_into(&mut self.title);
                Ok(Last::Nothing)
            }
            "description" => {
                value.clone_into(&mut self.description);
                Ok(Last::Description)
            }
            "param" => {
                let parameter = parameter(value)?;
                if self.parameters.iter().any(|known| known.name == parameter.name) {
                    return Err(format!("the parameter `{}` is declared twice", parameter.name));
                }
                self.parameters.push(parameter);
                Ok(Last::Parameter)
            }
            // A sentence with a colon in it is a comment, a word before a colon is meant as a key.
            sentence if sentence.contains(' ') => Ok(Last::Nothing),
            other => Err(match nearest(other, ["title", "description", "param"]) {
                Some(near) => format!("unknown header `{other}:`; did you mean `{near}:`?"),
                None => format!("unknown header `{other}:`; there are title, description, param"),
            }),
        }
    }

    /// Every placeholder of the SQL must be declared.
    fn check_placeholders(&self) -> Result<(), (usize, String)> {
        let tokens = Tokenizer::new(&EventsDialect, &self.sql).tokenize_with_location().map_err(|error| {
            let line = usize::try_from(error.location.line).unwrap_or(1);
            (line, error.message)
        })?;
        let mut any = false;
        for token in tokens {
            match &token.token {
                Token::Placeholder(id) => {
                    let name = id.trim_start_matches('$');
                    if !self.parameters.iter().any(|known| known.name == name) {
                        let line = usize::try_from(token.span.start.line).unwrap_or(1);
                        return Err((line, format!("`{id}` has no `-- param: {name} TYPE | meaning` line")));
                    }
                }
                Token::Whitespace(_) | Token::EOF => {}
                _ => any = true,
            }
        }
        if any { Ok(()) } else { Err((1, "there is no SQL below the header".into())) }
    }
}

/// What an indented line goes on with.
#[derive(Debug, Clone, Copy)]
enum Last {
    Nothing,
    Description,
    Parameter,
}

fn append(text: &mut String, more: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(more);
}

/// `NAME TYPE [= DEFAULT] | meaning`.
fn parameter(text: &str) -> Result<Parameter, String> {
    let Some((declared, meaning)) = text.split_once('|') else {
        return Err("a parameter needs `| ` and its meaning at the end".into());
    };
    let (named, default) = match declared.split_once('=') {
        Some((named, default)) => (named, Some(default.trim())),
        None => (declared, None),
    };
    let mut words = named.split_whitespace();
    let (Some(name), Some(kind), None) = (words.next(), words.next(), words.next()) else {
        return Err("a parameter is declared as `NAME TYPE = DEFAULT | meaning`".into());
    };
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
        return Err(format!("`{name}` is no name of a parameter: letters, digits and _"));
    }
    if name == "format" {
        return Err("`format` chooses the output format and cannot be a parameter".into());
    }
    let kind = ParameterType::named(kind)?;
    let given = default.filter(|default| *default != "null");
    if let Some(default) = given {
        kind.value(&[default], Utc::now()).map_err(|reason| format!("the default of `{name}` {reason}"))?;
    }
    Ok(Parameter {
        name: name.to_owned(),
        kind,
        required: default.is_none(),
        default: given.map(str::to_owned),
        meaning: meaning.trim().to_owned(),
    })
}
