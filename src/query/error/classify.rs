//! From the planner's errors to [`QueryError`].
//!
//! Kinds come from the error's type where it has one, from the beginning of its text where it has
//! not; a test holds each of those texts against the version in use.

use std::sync::Arc;

use datafusion::arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::common::diagnostic::Diagnostic;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;

use super::{NameOf, Position, QueryError, nearest};
use crate::config::ByteCount;
use crate::error::chain;
use crate::table::{FileDamage, Reads};

/// What is known about the failed query.
#[derive(Debug, Clone)]
pub(crate) struct Known {
    /// Names of tables and views.
    pub tables: Vec<String>,
    /// Names of functions.
    pub functions: Arc<[String]>,
    /// Names of columns that its reader may not see.
    pub hidden: Arc<[String]>,
    /// Its memory limit, to name it.
    pub memory_max: ByteCount,
    /// Where its files are read.
    pub reads: Reads,
}

/// The error as the caller gets it.
pub(crate) fn classify(error: DataFusionError, known: &Known) -> QueryError {
    if let Some(damage) = FileDamage::behind(&error) {
        return QueryError::Damaged(damage.clone());
    }
    // Before all else: operators that share an input wrap its failure in their own ways.
    let told = match is_of_a_file(&error) {
        true => QueryError::Storage(Box::new(error)),
        false => walk(error, None, known),
    };
    match (told, known.reads.trouble()) {
        (QueryError::Storage(source), Some(away)) => QueryError::StoreAway { away, source },
        (error, _) => error,
    }
}

/// Whether reading a file is what failed.
fn is_of_a_file(error: &DataFusionError) -> bool {
    chain(error).any(|error| error.is::<object_store::Error>() || error.is::<parquet::errors::ParquetError>())
}

/// Peels wrappers off; the innermost place in the text is the most exact.
fn walk(error: DataFusionError, place: Option<Position>, known: &Known) -> QueryError {
    match error {
        DataFusionError::Context(_, inner) => walk(*inner, place, known),
        DataFusionError::Diagnostic(diagnostic, inner) => walk(*inner, position(&diagnostic).or(place), known),
        DataFusionError::Collection(mut errors) if !errors.is_empty() => walk(errors.swap_remove(0), place, known),
        DataFusionError::Shared(shared) => match Arc::try_unwrap(shared) {
            Ok(inner) => walk(inner, place, known),
            Err(shared) => by_reference(&shared, place, known),
        },
        DataFusionError::External(inner) => external(inner, place, known),
        DataFusionError::ArrowError(inner, _) => arrow(*inner, place, known),
        DataFusionError::ExecutionJoin(join) if join.is_cancelled() => QueryError::Canceled,
        DataFusionError::ObjectStore(_) | DataFusionError::ParquetError(_) | DataFusionError::IoError(_) => {
            QueryError::Storage(Box::new(error))
        }
        DataFusionError::SchemaError(ref inner, _) => schema(inner, place, known),
        other => by_reference(&other, place, known).or_internal(other),
    }
}

/// Errors whose text is all they have.
fn by_reference(error: &DataFusionError, place: Option<Position>, known: &Known) -> QueryError {
    match error {
        DataFusionError::Context(_, inner) => by_reference(inner, place, known),
        DataFusionError::Diagnostic(diagnostic, inner) => by_reference(inner, position(diagnostic).or(place), known),
        DataFusionError::SQL(parser, _) => syntax(parser),
        DataFusionError::SchemaError(inner, _) => schema(inner, place, known),
        DataFusionError::Plan(text) | DataFusionError::Configuration(text) => plan(text, place, known),
        DataFusionError::NotImplemented(text) => QueryError::Unsupported(plain(text)),
        DataFusionError::Execution(text) => QueryError::Evaluation(plain(text)),
        DataFusionError::ResourcesExhausted(_) => QueryError::MemoryExceeded(known.memory_max),
        DataFusionError::ArrowError(inner, _) => QueryError::Evaluation(arrow_text(inner)),
        DataFusionError::Shared(inner) => by_reference(inner, place, known),
        DataFusionError::External(inner) => match inner.downcast_ref::<QueryError>().and_then(QueryError::again) {
            Some(ours) => ours,
            None => match inner.downcast_ref::<DataFusionError>() {
                Some(wrapped) => by_reference(wrapped, place, known),
                None => QueryError::Internal(error.to_string().into()),
            },
        },
        other => QueryError::Internal(other.to_string().into()),
    }
}

impl QueryError {
    /// The same error once more, of those that functions and meters inside of a plan make: operators that
    /// share a result also share its failure.
    fn again(&self) -> Option<Self> {
        Some(match self {
            Self::ValueTooLarge { function, size, limit, unit } => {
                Self::ValueTooLarge { function: function.clone(), size: *size, limit: *limit, unit }
            }
            Self::ValueTooSlow(function) => Self::ValueTooSlow(function.clone()),
            Self::StepTooLong(limit) => Self::StepTooLong(*limit),
            Self::MemoryExceeded(limit) => Self::MemoryExceeded(*limit),
            Self::ServerMemory => Self::ServerMemory,
            Self::Canceled => Self::Canceled,
            _ => return None,
        })
    }

    /// Keeps the cause of what could not be told apart.
    fn or_internal(self, cause: DataFusionError) -> Self {
        match self {
            Self::Internal(_) if cause.to_string().contains("CompiledTooBig") => {
                Self::Evaluation("the regular expression is too large".into())
            }
            Self::Internal(_) => Self::Internal(Box::new(cause)),
            other => other,
        }
    }
}

fn external(inner: Box<dyn std::error::Error + Send + Sync>, place: Option<Position>, known: &Known) -> QueryError {
    match inner.downcast::<QueryError>().map_err(|inner| inner.downcast::<DataFusionError>()) {
        Ok(ours) => *ours,
        Err(Ok(wrapped)) => walk(*wrapped, place, known),
        Err(Err(inner)) => match inner.downcast::<ArrowError>() {
            Ok(wrapped) => arrow(*wrapped, place, known),
            Err(inner) => match inner.downcast::<regex::Error>() {
                // The last line says what is wrong, those before draw where.
                Ok(error) => QueryError::Evaluation(format!(
                    "the regular expression: {}",
                    error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ")
                )),
                Err(inner) => QueryError::Internal(inner),
            },
        },
    }
}

fn arrow(error: ArrowError, place: Option<Position>, known: &Known) -> QueryError {
    match error {
        ArrowError::ExternalError(inner) => external(inner, place, known),
        ArrowError::ParquetError(_) | ArrowError::IoError(..) => {
            QueryError::Storage(Box::new(DataFusionError::ArrowError(Box::new(error), None)))
        }
        other => QueryError::Evaluation(arrow_text(&other)),
    }
}

/// An Arrow error says its own kind before what happened.
fn arrow_text(error: &ArrowError) -> String {
    match error {
        ArrowError::DivideByZero => "division by zero".into(),
        ArrowError::CastError(text)
        | ArrowError::ParseError(text)
        | ArrowError::ComputeError(text)
        | ArrowError::ArithmeticOverflow(text)
        | ArrowError::InvalidArgumentError(text) => plain(text),
        other => plain(&other.to_string()),
    }
}

fn syntax(error: &ParserError) -> QueryError {
    let (ParserError::TokenizerError(text) | ParserError::ParserError(text)) = error else {
        return QueryError::Invalid { message: "the SQL is nested too deeply".into(), position: None };
    };
    let (message, position) = split_position(text);
    QueryError::Syntax { message: message.to_owned(), position }
}

/// The parser ends its message with ` at Line: 1, Column: 15`.
fn split_position(text: &str) -> (&str, Option<Position>) {
    let Some((message, place)) = text.rsplit_once(" at Line: ") else { return (text, None) };
    let place = place.split_once(", Column: ").and_then(|(line, column)| {
        Some(Position { line: line.trim().parse().ok()?, column: column.trim().parse().ok()? })
    });
    (message, place)
}

fn position(diagnostic: &Diagnostic) -> Option<Position> {
    let start = diagnostic.span?.start;
    (start.line > 0).then_some(Position { line: start.line, column: start.column })
}

fn schema(error: &SchemaError, place: Option<Position>, known: &Known) -> QueryError {
    match error {
        SchemaError::FieldNotFound { field, .. } if known.hidden.iter().any(|hidden| hidden == field.name()) => {
            QueryError::HiddenColumn(field.name().to_owned())
        }
        SchemaError::FieldNotFound { field, valid_fields } => {
            let place = place.or_else(|| {
                let start = field.spans().first()?.start;
                (start.line > 0).then_some(Position { line: start.line, column: start.column })
            });
            QueryError::Unknown {
                what: NameOf::Column,
                name: plain(&field.flat_name()),
                position: place,
                near: nearest(field.name(), valid_fields.iter().map(|field| field.name())),
            }
        }
        other => QueryError::Invalid { message: plain(&other.to_string()), position: place },
    }
}

fn plan(text: &str, position: Option<Position>, known: &Known) -> QueryError {
    if let Some(name) = between(text, "table '", "' not found") {
        let bare = name.rsplit('.').next().unwrap_or(name);
        let near = nearest(bare, known.tables.iter().map(String::as_str));
        return QueryError::Unknown { what: NameOf::Table, name: plain(name), position, near };
    }
    let function =
        between(text, "Invalid function '", "'").or_else(|| between(text, "table function '", "' not found"));
    if let Some(name) = function {
        let near = nearest(name, known.functions.iter().map(String::as_str));
        return QueryError::Unknown { what: NameOf::Function, name: name.to_owned(), position, near };
    }
    if let Some(id) = text.strip_prefix("No value found for placeholder with ") {
        let name = id.rsplit('$').next().unwrap_or(id);
        return QueryError::parameter(name, "no value was given");
    }
    QueryError::Invalid { message: plain(text), position }
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(start)?;
    rest.split_once(end).map(|(found, _)| found)
}

/// Our names instead of the planner's, and no invitation to report its bugs.
fn plain(text: &str) -> String {
    let text = text.split("\n\nbacktrace").next().unwrap_or(text);
    let text = text.split("This issue was likely caused by").next().unwrap_or(text).trim();
    [
        ("kronika.public.", ""),
        ("datafusion.", ""),
        ("LargeUtf8", "text"),
        ("Utf8View", "text"),
        ("Utf8", "text"),
        ("Timestamp(µs, \"UTC\")", "timestamp"),
        ("Timestamp(ns, \"UTC\")", "timestamp"),
        ("Boolean", "bool"),
        ("Int64", "int64"),
        ("Int32", "int32"),
        ("Float64", "float64"),
        ("Date32", "date"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (theirs, ours)| text.replace(theirs, ours))
}
