//! Names that become directories: projects and modules.
//!
//! Each grammar is written once, here. A value of these types is valid; nobody checks again.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Directory value of rows that have no module: the only one that Hive-style readers agree on.
pub const NULL_PARTITION: &str = "__HIVE_DEFAULT_PARTITION__";

/// Name of a project: `[a-z0-9][a-z0-9-]{0,62}`, or the reserved `_audit`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ProjectName(Arc<str>);

/// Why a text is no project name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ProjectNameError {
    /// No characters.
    #[error("a project name needs at least one character")]
    Empty,
    /// Longer than [`ProjectName::MAX_LEN`] bytes.
    #[error("project name of {0} bytes is longer than {max}", max = ProjectName::MAX_LEN)]
    TooLong(usize),
    /// A character outside `[a-z0-9-]`, or a leading `-`.
    #[error("project name has {found:?} at byte {at}; allowed are a-z, 0-9 and, not first, -")]
    BadChar {
        /// The character.
        found: char,
        /// Its byte offset.
        at: usize,
    },
}

impl ProjectName {
    /// Longest name, in bytes.
    pub const MAX_LEN: usize = 63;
    /// The project that records readers and operators.
    pub const AUDIT: &'static str = "_audit";

    /// The project that exists from the first start on.
    #[must_use]
    pub fn default_project() -> Self {
        Self("default".into())
    }

    /// The project that records readers and operators.
    #[must_use]
    pub fn audit() -> Self {
        Self(Self::AUDIT.into())
    }

    /// Whether it is the project that records readers and operators.
    #[must_use]
    pub fn is_audit(&self) -> bool {
        &*self.0 == Self::AUDIT
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for ProjectName {
    type Error = ProjectNameError;

    fn try_from(raw: &str) -> Result<Self, Self::Error> {
        if raw == Self::AUDIT {
            return Ok(Self(raw.into()));
        }
        if raw.is_empty() {
            return Err(ProjectNameError::Empty);
        }
        if raw.len() > Self::MAX_LEN {
            return Err(ProjectNameError::TooLong(raw.len()));
        }
        let allowed = |at: usize, c: char| matches!(c, 'a'..='z' | '0'..='9') || (c == '-' && at > 0);
        if let Some((at, found)) = raw.char_indices().find(|&(at, c)| !allowed(at, c)) {
            return Err(ProjectNameError::BadChar { found, at });
        }
        Ok(Self(raw.into()))
    }
}

impl TryFrom<String> for ProjectName {
    type Error = ProjectNameError;

    fn try_from(raw: String) -> Result<Self, Self::Error> {
        Self::try_from(raw.as_str())
    }
}

impl From<ProjectName> for String {
    fn from(name: ProjectName) -> Self {
        name.0.to_string()
    }
}

impl fmt::Display for ProjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Module of an event: 1 to 128 bytes, any characters but control ones, taken byte for byte.
///
/// Its escaped directory name fits [`ModuleName::MAX_DIRECTORY_LEN`] bytes. An event without a
/// module has `None`, never an empty name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModuleName(Arc<str>);

/// Why a text is no module name.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ModuleNameError {
    /// No characters.
    #[error("a module name needs at least one character")]
    Empty,
    /// Longer than [`ModuleName::MAX_LEN`] bytes.
    #[error("module name of {0} bytes is longer than {max}", max = ModuleName::MAX_LEN)]
    TooLong(usize),
    /// A control character.
    #[error("module name has the control character {found:?} at byte {at}")]
    ControlChar {
        /// The character.
        found: char,
        /// Its byte offset.
        at: usize,
    },
    /// The directory name would be too long.
    #[error("module name needs more than {max} bytes as a directory name", max = ModuleName::MAX_DIRECTORY_LEN)]
    TooLongEscaped,
    /// The directory name of rows without a module.
    #[error("`{NULL_PARTITION}` is the directory of events without a module")]
    Reserved,
}

impl ModuleName {
    /// Longest name, in bytes.
    pub const MAX_LEN: usize = 128;
    /// Longest `module=…` directory name, in bytes.
    pub const MAX_DIRECTORY_LEN: usize = 240;
    /// Module of events above a project's cap of distinct modules.
    pub const OTHER: &'static str = "_other";

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Refuses what is no module name, without building one: the check of the ingest path.
    ///
    /// # Errors
    /// One variant per reason.
    pub fn check(raw: &str) -> Result<(), ModuleNameError> {
        if raw.is_empty() {
            return Err(ModuleNameError::Empty);
        }
        if raw.len() > Self::MAX_LEN {
            return Err(ModuleNameError::TooLong(raw.len()));
        }
        // Most names are short and plain ASCII: neither control characters nor escapes to count.
        if raw.len() <= 64 && raw.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return if raw == NULL_PARTITION { Err(ModuleNameError::Reserved) } else { Ok(()) };
        }
        if let Some((at, found)) = raw.char_indices().find(|(_, c)| c.is_control()) {
            return Err(ModuleNameError::ControlChar { found, at });
        }
        if partition_dir("module", Some(raw)).len() > Self::MAX_DIRECTORY_LEN {
            return Err(ModuleNameError::TooLongEscaped);
        }
        Ok(())
    }
}

impl TryFrom<&str> for ModuleName {
    type Error = ModuleNameError;

    fn try_from(raw: &str) -> Result<Self, Self::Error> {
        Self::check(raw)?;
        Ok(Self(raw.into()))
    }
}

impl fmt::Display for ModuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Directory `column=value` of one partition value, escaped as Hive does and letters of every
/// script kept; `None` is [`NULL_PARTITION`]. [`partition_value`] is its inverse.
#[must_use]
pub fn partition_dir(column: &str, value: Option<&str>) -> String {
    let Some(value) = value else {
        return format!("{column}={NULL_PARTITION}");
    };
    let mut dir = String::with_capacity(column.len() + 1 + value.len());
    dir.push_str(column);
    dir.push('=');
    for c in value.chars() {
        match c {
            '"' | '#' | '%' | '\'' | '*' | '/' | ':' | '=' | '?' | '\\' | '{' | '}' | '[' | ']' | '^' => {
                escape(&mut dir, c)
            }
            c if c.is_control() => escape(&mut dir, c),
            c => dir.push(c),
        }
    }
    // A name of dots only would be read as "this" or "the parent" directory by stores that
    // normalise paths; `column=` in front already prevents it.
    dir
}

fn escape(dir: &mut String, c: char) {
    let mut bytes = [0; 4];
    for byte in c.encode_utf8(&mut bytes).bytes() {
        dir.push_str(&format!("%{byte:02X}"));
    }
}

/// Value of a directory made by [`partition_dir`]; `None` where the text is no such directory,
/// `Some(None)` for [`NULL_PARTITION`].
#[must_use]
pub fn partition_value(column: &str, dir: &str) -> Option<Option<String>> {
    let escaped = dir.strip_prefix(column)?.strip_prefix('=')?;
    if escaped == NULL_PARTITION {
        return Some(None);
    }
    let mut bytes = Vec::with_capacity(escaped.len());
    let mut rest = escaped.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let hex = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(hex, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).ok().map(Some)
}

#[cfg(test)]
mod tests;
