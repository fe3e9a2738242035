//! Files that belong to events, and files that are made of them.

use serde::{Deserialize, Serialize};

use super::{ByteCount, ConfigError, Span};

/// Files that belong to events: bodies too big for a column, recordings, copies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Attachments {
    /// Largest file.
    pub size_max: ByteCount,
    /// Types that are taken: `image/png`, `image/*`, `*/*`.
    pub types: Vec<String>,
}

impl Default for Attachments {
    fn default() -> Self {
        Self { size_max: ByteCount::mib(64), types: vec!["*/*".to_owned()] }
    }
}

impl Attachments {
    /// Whether files of `content_type` are taken.
    #[must_use]
    pub fn takes(&self, content_type: &str) -> bool {
        let essence = content_type.split(';').next().unwrap_or("").trim();
        let Some((kind, subtype)) = essence.split_once('/') else { return false };
        let fits = |wanted: &str, is: &str| wanted == "*" || wanted.eq_ignore_ascii_case(is);
        let parts = self.types.iter().filter_map(|allowed| allowed.split_once('/'));
        parts.into_iter().any(|(wanted, of)| fits(wanted, kind) && fits(of, subtype))
    }

    /// Refuses patterns that are none.
    ///
    /// # Errors
    /// The first of them.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let fine = |pattern: &&String| {
            pattern.split_once('/').is_some_and(|(kind, subtype)| {
                let part = |text: &str| !text.is_empty() && !text.contains(['/', ';', ' ', ',']);
                part(kind) && part(subtype) && (kind != "*" || subtype == "*")
            })
        };
        match self.types.iter().find(|pattern| !fine(pattern)) {
            None => Ok(()),
            Some(wrong) => Err(ConfigError::Contradiction(format!(
                "attachments.types has `{wrong}`: write a type such as \"image/png\", \"image/*\" or \"*/*\""
            ))),
        }
    }
}

/// Files that are made of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Exports {
    /// Exports that run at once, over all projects.
    pub at_once_max: usize,
    /// Of one project.
    pub project_at_once_max: usize,
    /// Exports of one project that run or wait for their turn; further ones are refused.
    pub waiting_max: usize,
    /// How long an export's file is kept once it is there.
    pub keep: Span,
    /// Disk for the files of all exports, unfinished ones included.
    pub disk_max: ByteCount,
    /// Free space of the data directory's disk that exports leave to the log.
    pub disk_reserve: ByteCount,
    /// Most files of one archive: its index is in memory while it is made.
    pub files_max: u64,
    /// Longest query of an export: of one day of events, or of a whole one in SQL.
    pub query_timeout: Span,
    /// How much the threads of exports give way to others: 0 (not at all) to 19.
    pub niceness: u8,
}

impl Default for Exports {
    fn default() -> Self {
        Self {
            at_once_max: 2,
            project_at_once_max: 1,
            waiting_max: 100,
            keep: Span::secs(7 * 86_400),
            disk_max: ByteCount::mib(50 << 10),
            disk_reserve: ByteCount::mib(1 << 10),
            files_max: 200_000,
            query_timeout: Span::secs(6 * 3_600),
            niceness: 10,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_taken_by_pattern() {
        let of = |types: &[&str]| Attachments {
            types: types.iter().map(|text| (*text).to_owned()).collect(),
            ..Attachments::default()
        };
        let some = of(&["image/*", "application/pdf"]);
        for (kind, taken) in [
            ("image/png", true),
            ("IMAGE/PNG", true),
            ("application/pdf; x=y", true),
            ("application/json", false),
            ("imagex/png", false),
            ("image", false),
        ] {
            assert_eq!(some.takes(kind), taken, "{kind}");
        }
        assert!(Attachments::default().takes("application/octet-stream"));
        for wrong in ["image", "", "*/png", "a/b/c", "a/b;c"] {
            assert!(of(&[wrong]).check().is_err(), "{wrong:?}");
        }
        assert!(some.check().is_ok() && Attachments::default().check().is_ok());
    }
}
