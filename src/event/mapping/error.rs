//! Why a mapping cannot be used.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::name::MappingNameError;
use crate::error::{Kind, Report};

/// Why a mapping cannot be read, compiled or stored.
#[derive(Debug, Error)]
pub enum MappingError {
    /// The name breaks the grammar.
    #[error(transparent)]
    Name(#[from] MappingNameError),
    /// No mapping of this name.
    #[error("there is no mapping `{name}`")]
    NotFound {
        /// The name asked for.
        name: String,
        /// A name like it.
        nearest: Option<String>,
    },
    /// A shipped mapping was to be removed.
    #[error("mapping `{0}` is part of the engine and cannot be removed")]
    Shipped(String),
    /// The text is longer than a mapping may be.
    #[error("mapping of {size} bytes is larger than {limit}")]
    TooLarge {
        /// Bytes of the text.
        size: usize,
        /// Bytes that are allowed.
        limit: usize,
    },
    /// No TOML, or keys and values that a mapping does not have.
    #[error("{}{message}", place(*.line, key))]
    Syntax {
        /// Line of the text, from 1.
        line: Option<usize>,
        /// The key concerned, with those of the tables around it; empty where there is none.
        key: String,
        /// What the TOML reader said.
        message: String,
    },
    /// A column that the event model does not have.
    #[error("columns.{column}: the event model has no such column")]
    UnknownColumn {
        /// The name in the mapping.
        column: String,
        /// A column like it.
        nearest: Option<String>,
    },
    /// A rule that cannot work.
    #[error("{key}: {problem}")]
    Rule {
        /// Where in the mapping.
        key: String,
        /// Why not.
        #[source]
        problem: RuleProblem,
    },
    /// More different paths than a plan takes.
    #[error("the mapping names {0} paths, more than {max}", max = super::compile::MAX_PATHS)]
    TooManyPaths(usize),
    /// The file of a user's mapping cannot be read or written.
    #[error("cannot use the mapping file `{}`", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
}

/// Why one rule cannot work.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleProblem {
    /// Nothing says where the value comes from.
    #[error("nothing says where the value comes from: give path, first_of, concat or constant")]
    NoSource,
    /// Several things say it.
    #[error("both `{0}` and `{1}` say where the value comes from")]
    TwoSources(&'static str, &'static str),
    /// A source that only a whole column can have.
    #[error("`{0}` cannot stand inside first_of")]
    Nested(&'static str),
    /// A function that this kind of column does not have.
    #[error("a column of {kind} has no `{function}`")]
    NotForKind {
        /// The function.
        function: &'static str,
        /// What the column holds.
        kind: &'static str,
    },
    /// A function that makes no sense beside the source.
    #[error("`{function}` does nothing to a {source_kind}")]
    NotForSource {
        /// The function.
        function: &'static str,
        /// The source.
        source_kind: &'static str,
    },
    /// A function without the one that it belongs to.
    #[error("`{function}` needs `{needs}`")]
    Needs {
        /// The function.
        function: &'static str,
        /// What is missing.
        needs: &'static str,
    },
    /// Both ways to treat values that are not listed.
    #[error("`otherwise` and `only_listed` contradict each other")]
    OtherwiseAndOnlyListed,
    /// A value in the mapping that the column cannot hold.
    #[error("the column cannot hold {text:?}: {wanted}")]
    BadValue {
        /// The value.
        text: String,
        /// What the column takes.
        wanted: &'static str,
    },
    /// Two entries of `values` that differ only in capitals, under `lower`.
    #[error("`values` gives two replacements for {0:?}, which are the same once letters are small")]
    SameWhenLower(String),
    /// A time format that is unknown.
    #[error(
        "{0:?} is no time format: rfc3339, epoch, epoch_s, epoch_ms, epoch_us, epoch_ns, or a pattern such as %d.%m.%Y %H:%M"
    )]
    BadFormat(String),
    /// A pattern that gives no date.
    #[error("the pattern {0:?} does not give a full date")]
    NoDate(String),
    /// A zone that is unknown.
    #[error("there is no time zone {zone:?}")]
    UnknownZone {
        /// The name in the mapping.
        zone: String,
        /// A zone like it.
        nearest: Option<String>,
    },
    /// A factor that is not positive.
    #[error("scale is {0}: it must be 1 or more")]
    BadScale(i64),
    /// A field that list items of this column do not have.
    #[error("items of this column have no field `{field}`; they have {known}")]
    UnknownItem {
        /// The field in the mapping.
        field: String,
        /// The fields that there are.
        known: String,
    },
    /// The engine sets or computes the column itself.
    #[error("the engine fills this column itself; a value sent for it is kept in attributes")]
    NotYours,
    /// `attributes` under a rule that has functions, or a path that other rules use.
    #[error("attributes takes a path only, and one that no other rule uses")]
    Attributes,
    /// The list `related` both from a path and from templates.
    #[error("`related` comes either from columns.related or from [[related]]")]
    RelatedTwice,
    /// An empty text where there must be one.
    #[error("must not be empty")]
    Empty,
}

impl MappingError {
    /// What the TOML reader said, with line and key.
    pub(super) fn syntax(text: &str, mut error: toml::de::Error) -> Self {
        let line = error
            .span()
            .map(|span| text.as_bytes()[..span.start.min(text.len())].iter().filter(|b| **b == b'\n').count() + 1);
        let message = error.message().trim_end().replace('\n', ", ");
        // Without the text the error names the key instead of showing the line.
        error.set_input(None);
        let shown = error.to_string();
        let key = shown.trim_end().rsplit_once("\nin `").map_or("", |(_, key)| key.trim_end_matches('`'));
        Self::Syntax { line, key: key.to_string(), message }
    }

    pub(super) fn rule(key: impl Into<String>, problem: RuleProblem) -> Self {
        Self::Rule { key: key.into(), problem }
    }
}

fn place(line: Option<usize>, key: &str) -> String {
    match (line, key) {
        (Some(line), "") => format!("line {line}: "),
        (Some(line), key) => format!("line {line}, {key}: "),
        (None, "") => String::new(),
        (None, key) => format!("{key}: "),
    }
}

/// The candidate most like `name`, where one is like enough to be meant.
pub(super) fn nearest<'c>(name: &str, candidates: impl Iterator<Item = &'c str>) -> Option<String> {
    candidates
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness >= 0.8)
        .max_by(|left, right| left.0.total_cmp(&right.0))
        .map(|(_, candidate)| candidate.to_string())
}

impl Report for MappingError {
    fn kind(&self) -> Kind {
        match self {
            Self::NotFound { .. } => Kind::NotFound,
            Self::Shipped(_) => Kind::Conflict,
            Self::TooLarge { .. } => Kind::TooLarge,
            Self::Io { .. } => Kind::Unavailable,
            Self::Name(_)
            | Self::Syntax { .. }
            | Self::UnknownColumn { .. }
            | Self::Rule { .. }
            | Self::TooManyPaths(_) => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Name(_) => "invalid_mapping_name",
            Self::NotFound { .. } => "mapping_not_found",
            Self::Shipped(_) => "mapping_is_shipped",
            Self::TooLarge { .. } | Self::TooManyPaths(_) => "mapping_too_large",
            Self::Syntax { .. } | Self::UnknownColumn { .. } | Self::Rule { .. } => "invalid_mapping",
            Self::Io { .. } => "mapping_file",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::NotFound { nearest: Some(name), .. } | Self::UnknownColumn { nearest: Some(name), .. } => {
                Some(format!("did you mean `{name}`?"))
            }
            Self::NotFound { nearest: None, .. } => Some("list mappings with GET /api/v1/mappings".to_string()),
            Self::UnknownColumn { nearest: None, .. } => {
                Some("fields without a column need no rule: they are kept in attributes".to_string())
            }
            Self::Rule { problem: RuleProblem::UnknownZone { nearest: Some(name), .. }, .. } => {
                Some(format!("did you mean `{name}`?"))
            }
            Self::Shipped(_) => Some("a mapping of your own with the same name takes its place".to_string()),
            Self::Name(_)
            | Self::TooLarge { .. }
            | Self::Syntax { .. }
            | Self::Rule { .. }
            | Self::TooManyPaths(_)
            | Self::Io { .. } => None,
        }
    }
}
