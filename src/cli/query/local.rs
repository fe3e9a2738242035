//! A question to a data directory that no server holds, answered by an engine inside this process.

use std::path::PathBuf;
use std::time::Instant;

use futures::StreamExt;
use serde_json::Value;

use super::answer::{self, Format, Piece, Target};
use crate::cli::CliError;
use crate::config::Config;
use crate::engine::Engine;
use crate::event::names::ProjectName;
use crate::query::{self, Params};

/// What to ask, and where.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) dir: PathBuf,
    pub(super) config: Option<PathBuf>,
    /// `default` when not given.
    pub(super) project: Option<String>,
    pub(super) sql: String,
    /// An array, an object, or null.
    pub(super) params: Value,
}

/// Opens the directory, log included, asks, and shows the answer; nothing is flushed.
///
/// # Errors
/// A server holds the directory, settings or SQL are wrong, the question fails.
pub(super) async fn local_query(question: Question, format: Format, target: &Target) -> Result<(), CliError> {
    target.check(format)?;
    let started = Instant::now();
    let mut config = Config::load(question.config.as_deref())?;
    config.server.data_dir.clone_from(&question.dir);
    config.check()?;
    let project = question.project.as_deref().unwrap_or("default").to_owned();
    let project = ProjectName::try_from(project).map_err(|error| CliError::Usage(format!("--project: {error}")))?;
    let params = match question.params {
        Value::Array(values) => Params::Positional(values),
        Value::Object(named) => Params::Named(named),
        _ => Params::None,
    };
    let limits = query::Limits::of(&config.query);
    let engine = Engine::open_idle(config).await.map_err(CliError::engine)?;
    let session = engine.session(&project).map_err(CliError::engine)?;
    let answer = session.run(&question.sql, params, limits).await.map_err(CliError::engine)?;
    let bytes = query::encode(answer, wanted(format));
    let pieces = bytes.map(|bytes| bytes.map(Piece::Bytes).map_err(CliError::engine));
    let written = answer::write(pieces, format, target, started).await;
    engine.halt().await;
    written
}

fn wanted(format: Format) -> query::Format {
    match format {
        Format::Table | Format::Json => query::Format::Json,
        Format::Ndjson => query::Format::Ndjson,
        Format::Csv => query::Format::Csv,
        Format::Parquet => query::Format::Parquet,
        Format::Arrow => query::Format::Arrow,
    }
}
