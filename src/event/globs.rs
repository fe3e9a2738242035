//! Patterns of module names: what keys may be restricted to.
//!
//! `*` stands for any run of characters, `?` for one, `\` takes the next one as it is; everything else
//! stands for itself. An event without a module matches no pattern, not even `*`.

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// One pattern, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ModuleGlob(String);

/// Why a text is no pattern, or patterns cannot be used together.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GlobError {
    /// No characters.
    #[error("a pattern of modules needs at least one character")]
    Empty,
    /// Longer than [`ModuleGlob::MAX_LEN`] bytes.
    #[error("a pattern of {0} bytes is longer than {max}", max = ModuleGlob::MAX_LEN)]
    TooLong(usize),
    /// A `\` at the end.
    #[error("a pattern ends in `\\`, which takes the next character as it is")]
    DanglingEscape,
    /// All patterns together are more than can be compiled.
    #[error("the patterns of modules are too many")]
    TooMany,
}

impl ModuleGlob {
    /// Longest pattern, in bytes: every byte of the longest name escaped.
    pub const MAX_LEN: usize = 256;

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same as a regular expression, without anchors.
    fn as_regex(&self) -> String {
        let mut regex = String::with_capacity(self.0.len() + 8);
        let mut chars = self.0.chars();
        while let Some(c) = chars.next() {
            let literal = match c {
                '*' => {
                    regex.push_str(".*");
                    continue;
                }
                '?' => {
                    regex.push('.');
                    continue;
                }
                '\\' => chars.next().unwrap_or('\\'),
                c => c,
            };
            regex.push_str(&regex::escape(literal.encode_utf8(&mut [0; 4])));
        }
        regex
    }
}

impl TryFrom<&str> for ModuleGlob {
    type Error = GlobError;

    fn try_from(raw: &str) -> Result<Self, GlobError> {
        if raw.is_empty() {
            return Err(GlobError::Empty);
        }
        if raw.len() > Self::MAX_LEN {
            return Err(GlobError::TooLong(raw.len()));
        }
        let escapes = raw.len() - raw.trim_end_matches('\\').len();
        if escapes % 2 == 1 {
            return Err(GlobError::DanglingEscape);
        }
        Ok(Self(raw.to_string()))
    }
}

impl TryFrom<String> for ModuleGlob {
    type Error = GlobError;

    fn try_from(raw: String) -> Result<Self, GlobError> {
        Self::try_from(raw.as_str())
    }
}

impl From<ModuleGlob> for String {
    fn from(glob: ModuleGlob) -> Self {
        glob.0
    }
}

impl fmt::Display for ModuleGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Patterns compiled together: a name matches when one of them does.
#[derive(Debug, Clone)]
pub struct ModuleGlobs(Regex);

impl ModuleGlobs {
    /// Compiles `globs`.
    ///
    /// # Errors
    /// [`GlobError::TooMany`]: their automaton would take more than 10 MB.
    pub fn new(globs: &[ModuleGlob]) -> Result<Self, GlobError> {
        let any: Vec<String> = globs.iter().map(ModuleGlob::as_regex).collect();
        let regex = Regex::new(&format!("^(?s:{})$", any.join("|"))).map_err(|_| GlobError::TooMany)?;
        Ok(Self(regex))
    }

    /// Whether a module matches.
    #[must_use]
    pub fn matches(&self, module: &str) -> bool {
        self.0.is_match(module)
    }

    /// The regular expression that does the same.
    #[must_use]
    pub fn regex(&self) -> &str {
        self.0.as_str()
    }
}

#[cfg(test)]
mod tests;
