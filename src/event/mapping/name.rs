//! Names of mappings; also names of files, so the grammar leaves no room for paths.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

/// Name of a mapping: `[a-z0-9][a-z0-9_-]{0,62}`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MappingName(Arc<str>);

/// Why a text is no name of a mapping.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum MappingNameError {
    /// No characters.
    #[error("a mapping's name needs at least one character")]
    Empty,
    /// Longer than [`MappingName::MAX_LEN`] bytes.
    #[error("mapping name of {0} bytes is longer than {max}", max = MappingName::MAX_LEN)]
    TooLong(usize),
    /// A character outside `[a-z0-9_-]`, or one of `_-` in front.
    #[error("mapping name has {found:?} at byte {at}; allowed are a-z, 0-9 and, not first, _ and -")]
    BadChar {
        /// The character.
        found: char,
        /// Its place in bytes.
        at: usize,
    },
}

impl MappingName {
    /// Longest name, in bytes.
    pub const MAX_LEN: usize = 63;

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for MappingName {
    type Error = MappingNameError;

    fn try_from(raw: &str) -> Result<Self, Self::Error> {
        if raw.is_empty() {
            return Err(MappingNameError::Empty);
        }
        if raw.len() > Self::MAX_LEN {
            return Err(MappingNameError::TooLong(raw.len()));
        }
        let allowed = |at: usize, c: char| matches!(c, 'a'..='z' | '0'..='9') || (matches!(c, '_' | '-') && at > 0);
        if let Some((at, found)) = raw.char_indices().find(|&(at, c)| !allowed(at, c)) {
            return Err(MappingNameError::BadChar { found, at });
        }
        Ok(Self(raw.into()))
    }
}

impl fmt::Display for MappingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
