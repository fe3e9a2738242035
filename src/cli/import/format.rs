//! Which format a file has, and the reader of its records.

use std::io::Read;

use clap::ValueEnum;

use super::InputError;
use super::csv::CsvRecords;
use super::input::Records;
use super::json::JsonRecords;
use super::lines::Lines;
use super::parquet::ParquetRecords;
use super::source::Source;

/// How much of a file is looked at to tell its format.
const LOOK: u64 = 64 << 10;

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Given {
    /// By name and content.
    Auto,
    /// One JSON object a line.
    Ndjson,
    /// A JSON array of objects, or objects one after the other over any number of lines.
    Json,
    /// A header line, then a record a line; values are sent as text.
    Csv,
    /// Apache Parquet.
    Parquet,
}

/// The format of one file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Format {
    Ndjson,
    Json,
    Csv,
    Parquet,
}

/// What readers need to know.
#[derive(Debug, Clone)]
pub(in crate::cli) struct Options {
    /// Longest record, in bytes.
    pub(in crate::cli) record_max: usize,
    /// Between the cells of a CSV line.
    pub(in crate::cli) delimiter: Option<u8>,
    /// Whether empty CSV cells are left out.
    pub(in crate::cli) skip_empty: bool,
}

impl Given {
    /// The format of `source`.
    pub(in crate::cli) fn of(self, source: &Source) -> Result<Format, InputError> {
        match self {
            Self::Auto => detected(source),
            Self::Ndjson => Ok(Format::Ndjson),
            Self::Json => Ok(Format::Json),
            Self::Csv => Ok(Format::Csv),
            Self::Parquet => Ok(Format::Parquet),
        }
    }
}

impl Format {
    /// What its records are called in messages.
    pub(in crate::cli) fn unit(self) -> &'static str {
        match self {
            Self::Ndjson => "line",
            Self::Json => "record",
            Self::Csv | Self::Parquet => "row",
        }
    }

    /// All that decides what the records of a content are, in words.
    pub(in crate::cli) fn recipe(self, options: &Options) -> String {
        let Options { record_max, delimiter, skip_empty } = options;
        match self {
            Self::Csv => format!("csv {record_max} {delimiter:?} {skip_empty}"),
            Self::Ndjson => format!("ndjson {record_max}"),
            Self::Json => format!("json {record_max}"),
            Self::Parquet => format!("parquet {record_max}"),
        }
    }
}

fn detected(source: &Source) -> Result<Format, InputError> {
    let name = source.name();
    let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    match ending {
        "ndjson" | "jsonl" => return Ok(Format::Ndjson),
        "csv" | "tsv" => return Ok(Format::Csv),
        "parquet" | "pq" => return Ok(Format::Parquet),
        _ => {}
    }
    let mut head = Vec::new();
    let (reader, _) = source.text()?;
    reader.take(LOOK).read_to_end(&mut head).map_err(InputError::read("read it"))?;
    match head.iter().find(|byte| !byte.is_ascii_whitespace()) {
        _ if head.starts_with(b"PAR1") => Ok(Format::Parquet),
        Some(b'{') if starts_with_a_line(&head) => Ok(Format::Ndjson),
        Some(b'{' | b'[') => Ok(Format::Json),
        // An empty file has no records in any format.
        None if head.is_empty() || ending == "json" => Ok(Format::Json),
        _ => Err(InputError::UnknownFormat),
    }
}

/// Whether the first line that is not blank is a whole JSON value.
fn starts_with_a_line(head: &[u8]) -> bool {
    let head = head.trim_ascii_start();
    let Some(end) = memchr::memchr(b'\n', head) else { return false };
    serde_json::from_slice::<serde::de::IgnoredAny>(&head[..end]).is_ok()
}

/// Opens the records of `source` from number `next` (1 is the first) on.
pub(in crate::cli) fn open(
    source: &Source,
    format: Format,
    options: &Options,
    next: u64,
) -> Result<Box<dyn Records>, InputError> {
    let mut skip = next.saturating_sub(1);
    let mut records: Box<dyn Records> = match format {
        Format::Ndjson => {
            let (reader, position) = source.text()?;
            Box::new(Lines::new(reader, position, options.record_max))
        }
        Format::Json => {
            let (reader, position) = source.text()?;
            Box::new(JsonRecords::new(reader, position, options.record_max))
        }
        Format::Csv => {
            let delimiter = options.delimiter.or_else(|| source.name().ends_with(".tsv").then_some(b'\t'));
            let (reader, position) = source.text()?;
            Box::new(CsvRecords::new(reader, position, &Options { delimiter, ..options.clone() })?)
        }
        Format::Parquet => {
            let rows = std::mem::take(&mut skip);
            Box::new(ParquetRecords::new(source.seekable()?, source.len(), rows, options.record_max)?)
        }
    };
    let mut passed = Vec::new();
    for _ in 0..skip {
        passed.clear();
        if records.next(&mut passed)?.is_none() {
            break;
        }
    }
    Ok(records)
}

#[cfg(test)]
mod tests;
