//! What is to be redacted: names of headers and parameters, paths.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::config::{RedactLists, Redaction};
use crate::error::{Kind, Report};

/// Most paths of one project: a walk keeps one bit for each.
pub const PATHS_MAX: usize = 128;
/// Most headers, and most parameters, of one project.
pub const NAMES_MAX: usize = 128;
/// Longest name or path, in bytes.
const LENGTH_MAX: usize = 512;

/// Why redaction rules cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RedactError {
    /// A path that names no key.
    #[error("redaction path {0:?} has a step without a name")]
    EmptyStep(String),
    /// A path on which nothing is named: everything would be blanked.
    #[error("redaction path {0:?} names no key")]
    NoKey(String),
    /// A header or parameter without a name, or one with characters that such names do not have.
    #[error("{0:?} is no name of a {1}")]
    BadName(String, &'static str),
    /// Rules of a project whose name is none.
    #[error("{0}")]
    BadProject(String),
    /// A name or path above [`LENGTH_MAX`].
    #[error("a redaction rule of {0} bytes is longer than {LENGTH_MAX}")]
    TooLong(usize),
    /// More of a kind than there may be.
    #[error("{count} redacted {kind} are more than {limit}")]
    TooMany {
        /// Of which kind.
        kind: &'static str,
        /// How many there are.
        count: usize,
        /// How many there may be.
        limit: usize,
    },
}

impl Report for RedactError {
    fn kind(&self) -> Kind {
        Kind::Invalid
    }

    fn code(&self) -> &'static str {
        "invalid_redaction"
    }

    fn hint(&self) -> Option<String> {
        let text = match self {
            Self::EmptyStep(_) | Self::NoKey(_) => {
                "a path is keys joined by `.` from the record on, as `card.number`; `*` is any key, `\\.` a point in a key"
            }
            Self::BadProject(_) => "name a project under `redaction.projects`",
            Self::BadName(..) => "names have visible ASCII characters but `=`, `&`, `:` and quotes",
            Self::TooLong(_) | Self::TooMany { .. } => "name what is above them: a path blanks all that lies under it",
        };
        Some(text.to_string())
    }
}

/// What is redacted. A value of this type is usable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "RedactLists", into = "RedactLists")]
pub struct RedactRules(RedactLists);

impl Default for RedactRules {
    fn default() -> Self {
        Self(Redaction::default().lists())
    }
}

impl TryFrom<RedactLists> for RedactRules {
    type Error = RedactError;

    fn try_from(lists: RedactLists) -> Result<Self, RedactError> {
        Self::new(lists)
    }
}

impl From<RedactRules> for RedactLists {
    fn from(rules: RedactRules) -> Self {
        rules.0
    }
}

impl RedactRules {
    /// Rules for headers and parameters (names in any case, `_` and `-` alike) and paths.
    ///
    /// A path is a list of keys joined by `.` from the record on, as `request.card.number`; `*` is any
    /// key, a leading `$.` is taken off, lists and texts that hold JSON are looked through, and `\.` is a
    /// point within a key.
    ///
    /// # Errors
    /// One variant per reason.
    pub fn new(lists: RedactLists) -> Result<Self, RedactError> {
        let kinds = [
            ("headers", &lists.headers, NAMES_MAX),
            ("parameters", &lists.parameters, NAMES_MAX),
            ("paths", &lists.paths, PATHS_MAX),
        ];
        for (kind, list, limit) in kinds {
            if list.len() > limit {
                return Err(RedactError::TooMany { kind, count: list.len(), limit });
            }
            if let Some(long) = list.iter().find(|rule| rule.len() > LENGTH_MAX) {
                return Err(RedactError::TooLong(long.len()));
            }
        }
        let bad = |name: &&String| {
            name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic() && !b"=&:\"'\\".contains(&byte))
        };
        for (kind, list) in [("header", &lists.headers), ("parameter", &lists.parameters)] {
            if let Some(name) = list.iter().find(bad) {
                return Err(RedactError::BadName(name.clone(), kind));
            }
        }
        for path in &lists.paths {
            let steps = steps(path);
            if steps.iter().any(|step| matches!(step, Step::Key(key) if key.is_empty())) {
                return Err(RedactError::EmptyStep(path.clone()));
            }
            if steps.iter().all(|step| *step == Step::Any) {
                return Err(RedactError::NoKey(path.clone()));
            }
        }
        Ok(Self(lists))
    }

    /// These rules and more.
    ///
    /// # Errors
    /// Together they are too many.
    pub fn and(&self, more: &RedactLists) -> Result<Self, RedactError> {
        let mut lists = self.0.clone();
        let parts = [
            (&mut lists.headers, &more.headers),
            (&mut lists.parameters, &more.parameters),
            (&mut lists.paths, &more.paths),
        ];
        for (list, more) in parts {
            for rule in more {
                if !list.contains(rule) {
                    list.push(rule.clone());
                }
            }
        }
        Self::new(lists)
    }

    /// The rules as lists.
    #[must_use]
    pub fn lists(&self) -> &RedactLists {
        &self.0
    }
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Any,
    Key(Vec<u8>),
}

pub(super) fn steps(path: &str) -> Vec<Step> {
    let path = path.strip_prefix("$.").unwrap_or(path);
    let mut keys = vec![String::new()];
    let mut chars = path.chars().peekable();
    while let Some(c) = chars.next() {
        let c = match c {
            '.' => {
                keys.push(String::new());
                continue;
            }
            '\\' => chars.next_if(|next| matches!(next, '.' | '\\')).unwrap_or(c),
            c => c,
        };
        if let Some(last) = keys.last_mut() {
            last.push(c);
        }
    }
    let step = |key: String| {
        let key = key.strip_suffix("[*]").or_else(|| key.strip_suffix("[]")).unwrap_or(&key);
        if key == "*" { Step::Any } else { Step::Key(key.as_bytes().to_vec()) }
    };
    keys.into_iter().map(step).collect()
}

/// A name as it is compared: small letters, `-` for `_`.
pub(super) fn folded(name: &str) -> Vec<u8> {
    name.bytes().map(fold).collect()
}

pub(super) fn fold(byte: u8) -> u8 {
    if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() }
}

/// Whether `sent` is the `name`, which is folded.
pub(super) fn is_name(sent: &[u8], name: &[u8]) -> bool {
    sent.len() == name.len() && sent.iter().zip(name).all(|(sent, byte)| fold(*sent) == *byte)
}
