//! Why settings cannot be used: always with the place, and with what would be allowed.

use std::path::PathBuf;

use thiserror::Error;

use super::Origin;

/// Why settings cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The settings file cannot be read.
    #[error("cannot read the settings file `{}`", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// The settings file is no TOML, or names a setting twice.
    #[error("{}:{line}: {message}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// Line of the fault, from 1.
        line: usize,
        /// What is wrong there.
        message: String,
    },
    /// There is no such setting.
    #[error("{origin}: there is no setting `{key}`{}", near.as_ref().map(|near| format!("; did you mean `{near}`?")).unwrap_or_default())]
    Unknown {
        /// As it was written.
        key: String,
        /// Where.
        origin: Origin,
        /// The setting that is closest to it.
        near: Option<String>,
    },
    /// The value is of the wrong type or form.
    #[error("{origin}: `{key}`: {reason}")]
    Value {
        /// The setting.
        key: String,
        /// Where it was set.
        origin: Origin,
        /// What is wrong, and what is allowed.
        reason: String,
    },
    /// The value is outside of the setting's range.
    #[error("{key} {value} is out of range: it must be {allowed}")]
    Range {
        /// The setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// The range in words.
        allowed: String,
    },
    /// A variable names a file with a value, and the file cannot be read.
    #[error("cannot read the file that {variable} names, `{}`", path.display())]
    Secret {
        /// The variable.
        variable: String,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: std::io::Error,
    },
    /// A setting comes from two variables.
    #[error("{first} and {second} set the same: unset one of them")]
    Twice {
        /// One variable.
        first: String,
        /// The other.
        second: String,
    },
    /// Two settings contradict each other.
    #[error("{0}")]
    Contradiction(String),
    /// A fault of values that came from several places.
    #[error("{what} ({places})")]
    Placed {
        /// The fault.
        what: Box<ConfigError>,
        /// Where each setting that it names comes from.
        places: String,
    },
}

impl ConfigError {
    /// The same with the places of the settings that its text names.
    pub(super) fn placed<'a>(self, origins: impl Iterator<Item = (&'a str, &'a Origin)>) -> Self {
        let text = self.to_string();
        let names = |key: &str| {
            let word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == '.');
            text.match_indices(key)
                .any(|(at, _)| !word(text[..at].chars().next_back()) && !word(text[at + key.len()..].chars().next()))
        };
        let places: Vec<String> =
            origins.filter(|(key, _)| names(key)).map(|(key, origin)| format!("{key}: {origin}")).collect();
        Self::Placed { what: Box::new(self), places: places.join("; ") }
    }
}
