//! What all formats give: records one after the other, and what can be wrong with a file.

use std::io;

use ::csv::Error as CsvError;
use ::parquet::errors::ParquetError;
use arrow::error::ArrowError;
use thiserror::Error;

/// Why a file cannot be imported, or not to its end.
#[derive(Debug, Error)]
pub enum InputError {
    /// The file cannot be opened or read; compressed data may be damaged.
    #[error("cannot {action}")]
    Read {
        /// Completes "cannot …".
        action: &'static str,
        /// What the system or the decompressor says.
        #[source]
        source: io::Error,
    },
    /// Neither name nor content shows the format.
    #[error("neither its name nor its content shows a known format")]
    UnknownFormat,
    /// The header of a CSV file is not usable.
    #[error("the header {problem}")]
    Header {
        /// Completes "the header …".
        problem: String,
    },
    /// The file is not CSV.
    #[error("it is not readable as CSV")]
    Csv(#[from] CsvError),
    /// The file is not Parquet, or damaged.
    #[error("it is not readable as Parquet")]
    Parquet(#[from] ParquetError),
    /// A Parquet column has a type that JSON cannot carry.
    #[error("a column cannot be turned into JSON")]
    Column(#[from] ArrowError),
}

impl InputError {
    /// Wraps a failed read; `action` completes "cannot …".
    pub(in crate::cli) fn read(action: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Read { action, source }
    }

    /// What helps.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::UnknownFormat => Some("name it with --format ndjson, json, csv or parquet".into()),
            Self::Header { .. } => Some("every column needs a name of its own in the first line".into()),
            Self::Csv(_) => Some("check --delimiter and --format".into()),
            Self::Read { .. } | Self::Parquet(_) | Self::Column(_) => None,
        }
    }
}

/// A record that cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Fault {
    /// As the codes of a server's answer.
    pub(in crate::cli) code: &'static str,
    /// What is wrong with it.
    pub(in crate::cli) message: String,
}

impl Fault {
    pub(in crate::cli) fn too_long(record_max: usize) -> Self {
        Self { code: "line_too_long", message: format!("the record is longer than {record_max} bytes") }
    }
}

/// One record taken from a file.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::cli) enum Taken {
    /// It was appended to the buffer, without a line break in or after it; nothing for an empty line.
    Record,
    /// It was not appended.
    Fault(Fault),
}

/// Records of one file, in its order.
pub(in crate::cli) trait Records: Send {
    /// Appends the next record to `out`; `None` at the end.
    fn next(&mut self, out: &mut Vec<u8>) -> Result<Option<Taken>, InputError>;

    /// Bytes of the file that were read, for the progress bar.
    fn position(&self) -> u64;
}
