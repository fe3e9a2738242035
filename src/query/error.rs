//! Why a query was refused or failed, said in the caller's terms.
//!
//! The planner below reports in its own words and types; [`classify`] turns those into one
//! of the kinds here, with the place in the SQL text and near names where they are known. Nothing of
//! the machine (paths, locations of files, source lines) reaches the text of an error; what the
//! planner said stays as the source, for the log.

mod classify;
mod near;

use std::fmt;

use datafusion::error::DataFusionError;
use serde::Serialize;
use thiserror::Error;

use crate::config::{ByteCount, Span};
use crate::error::{Kind, Report};
use crate::table::{Away, FileDamage};

pub(crate) use classify::{Known, classify};
pub(crate) use near::nearest;

/// Place in the SQL text: both count from 1, columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Position {
    /// Line of the text.
    pub line: u64,
    /// Column of that line.
    pub column: u64,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What a name in the SQL text was meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameOf {
    /// A table or view.
    Table,
    /// A column.
    Column,
    /// A function.
    Function,
}

impl fmt::Display for NameOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Table => "table",
            Self::Column => "column",
            Self::Function => "function",
        })
    }
}

/// Why a query was refused or failed.
#[derive(Debug, Error)]
pub enum QueryError {
    /// The text is no SQL.
    #[error("{message}{}", at(.position.as_ref()))]
    Syntax {
        /// What the parser expected.
        message: String,
        /// Where.
        position: Option<Position>,
    },
    /// The text is longer than `query.sql_max`.
    #[error("the SQL text has {size} bytes; at most {limit} are read")]
    TooLong {
        /// Bytes of the text.
        size: usize,
        /// The limit.
        limit: ByteCount,
    },
    /// A statement that is neither a query nor EXPLAIN of one, or not exactly one statement.
    #[error("{0}: exactly one SELECT (or EXPLAIN of one) is run here")]
    NotAQuery(String),
    /// A name that does not exist.
    #[error("no {what} `{name}`{}", at(.position.as_ref()))]
    Unknown {
        /// What the name stands for.
        what: NameOf,
        /// The name as it was written.
        name: String,
        /// Where.
        position: Option<Position>,
        /// An existing name that looks like it.
        near: Option<String>,
    },
    /// A column of the model that this reader may not see.
    #[error("the column `{0}` is hidden from this key")]
    HiddenColumn(String),
    /// A table that this reader may not see.
    #[error("the table `{0}` is hidden from this key")]
    HiddenTable(&'static str),
    /// The SQL is well formed but cannot be planned: types, grouping, ambiguous names.
    #[error("{message}{}", at(.position.as_ref()))]
    Invalid {
        /// What is wrong.
        message: String,
        /// Where.
        position: Option<Position>,
    },
    /// SQL that this engine does not have.
    #[error("not supported: {0}")]
    Unsupported(String),
    /// A value made an expression fail: division by zero, a text that is no number.
    #[error("{0}")]
    Evaluation(String),
    /// A query parameter that is missing, unknown or of the wrong form.
    #[error("parameter `{name}`: {message}")]
    Parameter {
        /// The parameter.
        name: String,
        /// What is wrong with it.
        message: String,
        /// An existing parameter that looks like it.
        near: Option<String>,
    },
    /// No named query of that name.
    #[error("no query named `{name}`")]
    NoSuchQuery {
        /// The name.
        name: String,
        /// An existing query that looks like it.
        near: Option<String>,
    },
    /// The file of a named query does not keep the contract of its header.
    #[error("query file `{file}`, line {line}: {reason}")]
    BrokenFile {
        /// Name of the file.
        file: String,
        /// Line of the file.
        line: usize,
        /// What is wrong.
        reason: String,
    },
    /// A `format` that does not exist.
    #[error("no output format `{0}`")]
    Format(String),
    /// None of the types in `Accept` can be made.
    #[error("no output format matches `Accept: {0}`")]
    NotAcceptable(String),
    /// More of something than one query may be made of.
    #[error("more than {limit} {what}{}", at(.position.as_ref()))]
    TooComplex {
        /// What there is too much of.
        what: &'static str,
        /// The limit.
        limit: u64,
        /// Its name in `[query.guard]`.
        setting: &'static str,
        /// Where the limit is passed.
        position: Option<Position>,
    },
    /// A function would make a value, or values for one batch of rows, beyond a limit.
    #[error("`{function}` would make {size} bytes; at most {limit} are made of one {unit}")]
    ValueTooLarge {
        /// The function or operator.
        function: String,
        /// Bytes, as far as they can be told before.
        size: u64,
        /// The limit.
        limit: ByteCount,
        /// `row` or `batch of rows`.
        unit: &'static str,
    },
    /// A function would work too long on one value or batch to be stopped in between.
    #[error("`{0}` would take too long on values of this length")]
    ValueTooSlow(String),
    /// A join without equality of too many rows.
    #[error("a join without equality would look at {rows} pairs of rows; at most {limit} are looked at")]
    ProductTooLarge {
        /// Pairs, as far as they can be told before.
        rows: u64,
        /// The limit.
        limit: u64,
    },
    /// A scan of more files or bytes than one may read.
    #[error("the scan would read {size} {what}; at most {limit} are read")]
    ScanTooLarge {
        /// `files` or `bytes`.
        what: &'static str,
        /// How many.
        size: u64,
        /// The limit.
        limit: u64,
        /// Its name in `[query.guard]`.
        setting: &'static str,
    },
    /// All planners are at work.
    #[error("{0} queries are being planned already")]
    Busy(usize),
    /// More queries wait for their turn than may.
    #[error("{waiting} queries wait for their turn already (`query.waiting_max`)")]
    QueueFull {
        /// Most that may wait.
        waiting: usize,
    },
    /// Its turn did not come in time.
    #[error("the query waited {0} for its turn (`query.wait_max`)")]
    WaitedTooLong(Span),
    /// One step held a thread longer than `query.guard.step_max`.
    #[error("one step of the query took longer than {0}; the query was stopped")]
    StepTooLong(Span),
    /// The process came near the end of its memory, and this was the largest query.
    #[error("the server came near the end of its memory and stopped this query, its largest")]
    ServerMemory,
    /// It ran longer than `query.timeout`.
    #[error("the query ran longer than {0} and was stopped")]
    DeadlineExceeded(Span),
    /// Its operators needed more than `query.memory_max`, and could not or no longer spill.
    #[error("the query needs more than its {0} of memory and was stopped")]
    MemoryExceeded(ByteCount),
    /// Its key was revoked or expired while it ran.
    #[error("the key of this query was revoked or has expired; the query was stopped")]
    KeyEnded,
    /// It was stopped because its caller went away.
    #[error("the query was canceled")]
    Canceled,
    /// A file of the table could not be read.
    #[error("a file of the table could not be read")]
    Storage(#[source] Box<DataFusionError>),
    /// A file is needed that is not here, and the object store does not answer.
    #[error("{away}; the answer needs files of it")]
    StoreAway {
        /// The store and what it does.
        away: Away,
        /// What reading the file came to.
        #[source]
        source: Box<DataFusionError>,
    },
    /// A file of the table does not hold what was written.
    #[error("{0}")]
    Damaged(FileDamage),
    /// The engine cannot set up its query runtime.
    #[error("cannot prepare the spill directory")]
    SpillDir(#[source] std::io::Error),
    /// The system gives no threads for queries.
    #[error("cannot start the threads of queries")]
    Threads(#[source] std::io::Error),
    /// The answer could not be put into its format.
    #[error("the answer could not be encoded")]
    Encode(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A fault of the engine.
    #[error("the query failed inside the engine")]
    Internal(#[source] Box<dyn std::error::Error + Send + Sync>),
}

fn at(position: Option<&Position>) -> String {
    position.map(|position| format!(" at {position}")).unwrap_or_default()
}

impl QueryError {
    /// Where in the SQL text it went wrong, if that is known.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Syntax { position, .. }
            | Self::Unknown { position, .. }
            | Self::Invalid { position, .. }
            | Self::TooComplex { position, .. } => *position,
            _ => None,
        }
    }

    /// An existing name that looks like the one that was not found.
    #[must_use]
    pub fn suggestion(&self) -> Option<&str> {
        match self {
            Self::Unknown { near, .. } | Self::Parameter { near, .. } | Self::NoSuchQuery { near, .. } => {
                near.as_deref()
            }
            _ => None,
        }
    }

    /// A refused parameter.
    pub(crate) fn parameter(name: &str, message: impl Into<String>) -> Self {
        Self::Parameter { name: name.into(), message: message.into(), near: None }
    }
}

impl Report for QueryError {
    fn kind(&self) -> Kind {
        match self {
            Self::Syntax { .. }
            | Self::NotAQuery(_)
            | Self::Unknown { .. }
            | Self::Invalid { .. }
            | Self::Unsupported(_)
            | Self::Evaluation(_)
            | Self::Parameter { .. }
            | Self::MemoryExceeded(_)
            | Self::TooComplex { .. }
            | Self::ValueTooLarge { .. }
            | Self::ValueTooSlow(_)
            | Self::ProductTooLarge { .. }
            | Self::ScanTooLarge { .. }
            | Self::Format(_) => Kind::Invalid,
            Self::TooLong { .. } => Kind::TooLarge,
            Self::NoSuchQuery { .. } => Kind::NotFound,
            Self::NotAcceptable(_) => Kind::NotAcceptable,
            Self::DeadlineExceeded(_) | Self::StepTooLong(_) => Kind::DeadlineExceeded,
            Self::Busy(_) | Self::QueueFull { .. } | Self::WaitedTooLong(_) | Self::ServerMemory => Kind::Overloaded,
            Self::Canceled => Kind::Canceled,
            Self::HiddenColumn(_) | Self::HiddenTable(_) => Kind::Forbidden,
            Self::KeyEnded => Kind::Unauthenticated,
            Self::BrokenFile { .. } | Self::Storage(_) | Self::StoreAway { .. } | Self::Damaged(_) => Kind::Unavailable,
            Self::SpillDir(_) | Self::Threads(_) => Kind::Unavailable,
            Self::Encode(_) | Self::Internal(_) => Kind::Internal,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Syntax { .. } => "sql_syntax",
            Self::TooLong { .. } => "sql_too_long",
            Self::NotAQuery(_) => "not_a_query",
            Self::Unknown { what: NameOf::Table, .. } => "unknown_table",
            Self::Unknown { what: NameOf::Column, .. } => "unknown_column",
            Self::Unknown { what: NameOf::Function, .. } => "unknown_function",
            Self::Invalid { .. } => "invalid_query",
            Self::Unsupported(_) => "unsupported_sql",
            Self::Evaluation(_) => "evaluation_failed",
            Self::Parameter { .. } => "invalid_parameter",
            Self::NoSuchQuery { .. } => "query_not_found",
            Self::BrokenFile { .. } => "query_file_broken",
            Self::Format(_) => "unknown_format",
            Self::NotAcceptable(_) => "not_acceptable",
            Self::TooComplex { .. } => "query_too_complex",
            Self::ValueTooLarge { .. } => "value_too_large",
            Self::ValueTooSlow(_) => "value_too_slow",
            Self::ProductTooLarge { .. } => "product_too_large",
            Self::ScanTooLarge { .. } => "scan_too_large",
            Self::Busy(_) | Self::QueueFull { .. } | Self::WaitedTooLong(_) => "queries_busy",
            Self::StepTooLong(_) => "step_too_long",
            Self::ServerMemory => "server_memory_short",
            Self::DeadlineExceeded(_) => "deadline_exceeded",
            Self::MemoryExceeded(_) => "memory_exceeded",
            Self::Canceled => "canceled",
            Self::HiddenColumn(_) => "hidden_column",
            Self::HiddenTable(_) => "hidden_table",
            Self::KeyEnded => "key_ended",
            Self::Storage(_) => "storage_unavailable",
            Self::StoreAway { .. } => "store_away",
            Self::Damaged(_) => "data_file_damaged",
            Self::SpillDir(_) => "spill_dir_unavailable",
            Self::Threads(_) => "threads_unavailable",
            Self::Encode(_) | Self::Internal(_) => "internal",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Unknown { near: Some(near), .. }
            | Self::Parameter { near: Some(near), .. }
            | Self::NoSuchQuery { near: Some(near), .. } => Some(format!("did you mean `{near}`?")),
            Self::NoSuchQuery { .. } => Some("GET /api/v1/queries lists them".into()),
            Self::TooLong { .. } => Some("pass long values as parameters, or raise `query.sql_max`".into()),
            Self::TooComplex { setting, .. } => Some(match *setting {
                "operators_max" => "put alternatives into one `IN (…)` or a list parameter (`= ANY($ids)`), or raise \
                    `query.guard.operators_max`"
                    .into(),
                "literal_max" => "pass long values as parameters, or raise `query.guard.literal_max`".into(),
                setting => format!("ask in several simpler queries, or raise `query.guard.{setting}`"),
            }),
            Self::ValueTooLarge { unit: "row", .. } => {
                Some("make shorter values, or raise `query.guard.value_max`".into())
            }
            Self::ValueTooLarge { .. } => Some("make shorter values, or raise `query.guard.batch_max`".into()),
            Self::ValueTooSlow(_) => Some("shorten the values first: `left(x, 1000)`".into()),
            Self::ProductTooLarge { .. } => {
                Some("join on an equality, filter first, or raise `query.guard.product_max`".into())
            }
            Self::ScanTooLarge { setting, .. } => {
                Some(format!("narrow the range of event_time or the modules, or raise `query.guard.{setting}`"))
            }
            Self::Busy(_) | Self::QueueFull { .. } | Self::WaitedTooLong(_) | Self::ServerMemory => {
                Some("ask again in a moment".into())
            }
            Self::StepTooLong(_) => Some("shorten the values that functions work on: `left(x, 1000)`".into()),
            Self::DeadlineExceeded(_) => Some("narrow the range of event_time, or raise `query.timeout`".into()),
            Self::MemoryExceeded(_) => {
                Some("group by fewer keys, select fewer columns or rows, or raise `query.memory_max`".into())
            }
            Self::Format(_) | Self::NotAcceptable(_) => Some("formats: json, ndjson, csv, arrow, parquet".into()),
            Self::HiddenColumn(_) => {
                Some("leave out the column, or the view that uses it; an admin chooses a key's `masked_columns`".into())
            }
            Self::HiddenTable(_) => Some("use a key of the project without restrictions but `sources`".into()),
            Self::KeyEnded => Some("ask again with a valid key".into()),
            Self::Storage(_) => Some("the server's log names the file".into()),
            Self::StoreAway { .. } => Some(
                "ask again later, or POST /api/v1/query with `\"partial\": true` for what memory and cache hold".into(),
            ),
            Self::Damaged(_) => Some(
                "restore the file from a backup (`kronika verify` names all that are damaged); with `\"partial\": true` \
                 the query answers without it"
                    .into(),
            ),
            _ => None,
        }
    }
}
