//! Answers to questions: streamed as they come, or shown as a table.
//!
//! # Invariants
//! * An answer that broke off never looks complete: the command fails, and a file named with `--output` appears
//!   under its name only when all of it is there.
//! * An answer that the server cut at a limit is said to be cut.

use std::fs::Permissions;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use bytes::Bytes;
use clap::ValueEnum;
use futures::{Stream, StreamExt, TryStreamExt, pin_mut};
use http_body_util::BodyExt;
use reqwest::header::HeaderMap;
use serde::Deserialize;
use serde_json::Value;
use tempfile::NamedTempFile;

use crate::cli::CliError;
use crate::cli::client::{Call, Client};
use crate::cli::output::{self, Column, Table};

/// Header or trailer of an answer that was cut.
const TRUNCATED: &str = "kronika-truncated";
/// Header of an answer without what could not be read.
const PARTIAL: &str = "kronika-partial";

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// One document: schema, rows, statistics.
    Json,
    /// One object a line.
    Ndjson,
    /// With a header line.
    Csv,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow's IPC stream.
    Arrow,
}

impl Format {
    /// What the server is asked for.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Table | Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
        }
    }
}

/// Where an answer goes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Target {
    /// File to write the answer to, instead of standard output.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// A piece of an answer.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Bytes in the form asked for.
    Bytes(Bytes),
    /// The answer was cut at a limit.
    Truncated,
}

/// Asks a server and shows the answer.
///
/// # Errors
/// The server's refusal, an answer that broke off, a target that cannot be written.
pub(crate) async fn fetch(client: &Client, call: &Call, format: Format, target: &Target) -> Result<(), CliError> {
    target.check(format)?;
    let started = Instant::now();
    let response = client.send(&call.clone().header("te", "trailers")).await?;
    let partial = says(response.headers(), PARTIAL);
    write(pieces(response), format, target, started).await?;
    if partial {
        output::note("partial: stored files that are damaged or cannot be reached are left out");
    }
    Ok(())
}

/// The pieces of an answer that a server sent.
pub(crate) fn pieces(response: reqwest::Response) -> impl Stream<Item = Result<Piece, CliError>> {
    let cut = truncated(response.headers());
    let body = reqwest::Body::from(response).into_data_and_trailers();
    futures::stream::iter(cut.then_some(Ok(Piece::Truncated))).chain(body)
}

/// Data and trailers of a body, the latter for what was known only at the end.
trait IntoPieces {
    fn into_data_and_trailers(self) -> impl Stream<Item = Result<Piece, CliError>>;
}

impl IntoPieces for reqwest::Body {
    fn into_data_and_trailers(self) -> impl Stream<Item = Result<Piece, CliError>> {
        let frames = futures::stream::unfold(self, |mut body| async move { Some((body.frame().await?, body)) });
        frames
            .try_filter_map(|frame| async move {
                Ok(match frame.into_data() {
                    Ok(bytes) => Some(Piece::Bytes(bytes)),
                    Err(frame) => frame.trailers_ref().is_some_and(truncated).then_some(Piece::Truncated),
                })
            })
            .map_err(|error: reqwest::Error| CliError::Incomplete(error.without_url().into()))
    }
}

fn truncated(headers: &HeaderMap) -> bool {
    says(headers, TRUNCATED)
}

fn says(headers: &HeaderMap, name: &str) -> bool {
    headers.get(name).is_some_and(|value| value == "true")
}

/// Shows an answer in the form it comes in, or as a table made of JSON.
///
/// # Errors
/// The first error of `pieces`, a target that cannot be written.
pub(crate) async fn write(
    pieces: impl Stream<Item = Result<Piece, CliError>>,
    format: Format,
    target: &Target,
    started: Instant,
) -> Result<(), CliError> {
    pin_mut!(pieces);
    let mut cut = false;
    if format == Format::Table {
        let mut text = Vec::new();
        while let Some(piece) = pieces.next().await {
            match piece? {
                Piece::Bytes(bytes) => text.extend_from_slice(&bytes),
                Piece::Truncated => cut = true,
            }
        }
        let answer: Answer = serde_json::from_slice(&text).map_err(|error| CliError::Answer(error.into()))?;
        return answer.show(cut, target, started.elapsed());
    }
    let mut sink = target.open()?;
    while let Some(piece) = pieces.next().await {
        match piece? {
            Piece::Bytes(bytes) => sink.write(&bytes)?,
            Piece::Truncated => cut = true,
        }
    }
    sink.finish()?;
    if cut {
        say_truncated();
    }
    Ok(())
}

fn say_truncated() {
    output::note(
        "truncated: the answer was cut at the server's limit; ask for less, or raise `query.rows_max` and `query.bytes_max`",
    );
}

impl Target {
    /// Refuses to fill a terminal with bytes.
    pub(crate) fn check(&self, format: Format) -> Result<(), CliError> {
        let binary = matches!(format, Format::Parquet | Format::Arrow);
        if binary && self.output.is_none() && output::stdout_is_terminal() {
            let text = format!("--format {} is not for terminals; add --output FILE", format.name());
            return Err(CliError::Usage(text));
        }
        Ok(())
    }

    fn open(&self) -> Result<Sink, CliError> {
        let Some(path) = &self.output else { return Ok(Sink::Stdout(io::stdout())) };
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // As for any new file: the umask decides who may read it.
        let file =
            tempfile::Builder::new().prefix(".kronika-").permissions(Permissions::from_mode(0o666)).tempfile_in(dir);
        Ok(Sink::File { file: file.map_err(CliError::file("write", path))?, path: path.clone() })
    }
}

enum Sink {
    Stdout(io::Stdout),
    File { file: NamedTempFile, path: PathBuf },
}

impl Sink {
    fn write(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        match self {
            Self::Stdout(out) => out.write_all(bytes).map_err(CliError::Stdout),
            Self::File { file, path } => file.write_all(bytes).map_err(CliError::file("write", &*path)),
        }
    }

    fn finish(self) -> Result<(), CliError> {
        match self {
            Self::Stdout(mut out) => out.flush().map_err(CliError::Stdout),
            Self::File { file, path } => {
                file.persist(&path).map(drop).map_err(|error| CliError::file("write", path)(error.error))
            }
        }
    }
}

/// The JSON form of an answer.
#[derive(Debug, Deserialize)]
struct Answer {
    schema: Vec<Field>,
    rows: Vec<Vec<Value>>,
    #[serde(default)]
    truncated: bool,
}

#[derive(Debug, Deserialize)]
struct Field {
    name: String,
    #[serde(rename = "type")]
    type_name: String,
}

impl Answer {
    fn table(&self) -> Table {
        let column = |field: &Field| Column { name: field.name.clone(), right: is_number(&field.type_name) };
        let row = |row: &Vec<Value>| row.iter().map(output::cell).collect();
        Table { columns: self.schema.iter().map(column).collect(), rows: self.rows.iter().map(row).collect() }
    }

    fn show(&self, cut: bool, target: &Target, took: Duration) -> Result<(), CliError> {
        let width = if target.output.is_some() { None } else { output::terminal_width() };
        let mut sink = target.open()?;
        if !self.schema.is_empty() {
            sink.write(self.table().render(width).as_bytes())?;
        }
        sink.finish()?;
        output::note(&self.footer(took));
        if cut || self.truncated {
            say_truncated();
        }
        Ok(())
    }

    fn footer(&self, took: Duration) -> String {
        let count = self.rows.len();
        let rows = if count == 1 { "row" } else { "rows" };
        let nulls = self.rows.iter().flatten().any(Value::is_null);
        let legend = if nulls { format!("; {} is NULL", output::NULL) } else { String::new() };
        format!("{count} {rows} in {:.3} s{legend}", took.as_secs_f64())
    }
}

/// Whether values of this type are numbers, by its name in the API.
fn is_number(type_name: &str) -> bool {
    let starts = ["int32", "int64", "uint64", "float32", "float64", "decimal("];
    starts.iter().any(|start| type_name.starts_with(start))
}

#[cfg(test)]
mod tests;
