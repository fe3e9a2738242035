//! `kronika wal`: the write-ahead log of a data directory, for people in need.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Value, json};

use super::CliError;
use super::output::{self, Column, Table};
use crate::wal::{LogSummary, WalError};

/// Look into a write-ahead log, save what is readable of a damaged one.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show segments, what they hold and what is damaged; changes nothing.
    Inspect {
        /// Data directory, or the log's own directory.
        dir: PathBuf,
        /// Show every frame, too.
        #[arg(long)]
        frames: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
    },
    /// Write every readable frame to a new file; the damaged log is only read.
    Salvage {
        /// Data directory, or the log's own directory.
        dir: PathBuf,
        /// File to write; it must not exist.
        out: PathBuf,
    },
}

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        tokio::task::spawn_blocking(move || match self {
            Self::Inspect { dir, frames, json } => inspect(&log_dir(&dir), frames, json),
            Self::Salvage { dir, out } => {
                let report = crate::wal::salvage(&log_dir(&dir), &out).map_err(CliError::engine)?;
                output::show(&value(&report)?, false)
            }
        })
        .await?
    }
}

/// The log inside a data directory, or the directory itself.
fn log_dir(dir: &Path) -> PathBuf {
    let inner = dir.join("wal");
    if inner.is_dir() { inner } else { dir.to_owned() }
}

fn inspect(dir: &Path, frames: bool, json: bool) -> Result<(), CliError> {
    let mut shown = vec![];
    let mut failed = None;
    let keep = |frame| match value(&frame) {
        Ok(frame) if frames => shown.push(frame),
        Ok(_) => {}
        Err(error) => failed = Some(error),
    };
    let log: Result<LogSummary, WalError> = crate::wal::inspect_frames(dir, keep);
    let log = log.map_err(CliError::engine)?;
    if let Some(error) = failed {
        return Err(error);
    }
    if json {
        let mut document = value(&log)?;
        if frames {
            document["frames"] = Value::Array(shown);
        }
        return output::show(&document, true);
    }
    output::say(summary(&log).render(output::terminal_width()).trim_end_matches('\n'))?;
    for finding in log.segments.iter().flat_map(|segment| &segment.errors) {
        output::say(&format!("{} at byte {}: {}", finding.file, finding.offset, finding.message))?;
    }
    for name in &log.missing {
        output::say(&format!("{name} is missing"))?;
    }
    if frames { output::show(&json!(shown), false) } else { Ok(()) }
}

fn summary(log: &LogSummary) -> Table {
    let column = |(name, right): (&str, bool)| Column { name: name.into(), right };
    let columns = [
        ("segment", false),
        ("state", false),
        ("bytes", true),
        ("frames", true),
        ("rows", true),
        ("first_seq", true),
        ("last_seq", true),
        ("projects", false),
    ];
    let rows = log.segments.iter().map(|segment| {
        let state = serde_json::to_value(segment.state).ok().as_ref().and_then(output::cell);
        let projects = segment.projects.iter().map(|(name, of)| format!("{}: {}", name.as_str(), of.rows));
        vec![
            Some(segment.file.clone()),
            state,
            Some(segment.bytes.to_string()),
            Some(segment.frames.to_string()),
            Some(segment.rows.to_string()),
            segment.first_seq.map(|seq| seq.to_string()),
            segment.last_seq.map(|seq| seq.to_string()),
            Some(projects.collect::<Vec<_>>().join(", ")),
        ]
    });
    Table { columns: columns.into_iter().map(column).collect(), rows: rows.collect() }
}

fn value(report: &impl Serialize) -> Result<Value, CliError> {
    serde_json::to_value(report).map_err(|error| CliError::Answer(error.into()))
}
