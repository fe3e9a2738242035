//! A question to a data directory that no server holds, answered by an engine inside this process.
//!
//! The engine takes the directory's lock and replays its log, so that events that are in no table yet are seen, too.

use std::path::PathBuf;
use std::time::Instant;

use futures::StreamExt;
use serde_json::Value;

use super::answer::{self, Format, Piece, Target};
use crate::cli::CliError;
use crate::config::Config;
use crate::engine::Engine;
use crate::event::names::ProjectName;
use crate::query::{self, Limits, Params};

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

/// Opens the directory without starting its jobs, asks, and shows the answer.
///
/// # Errors
/// A server holds the directory, settings or SQL are wrong, the question fails.
pub(super) async fn local_query(question: Question, format: Format, target: &Target) -> Result<(), CliError> {
    target.check(format)?;
    let mut config = Config::load(question.config.as_deref())?;
    config.server.data_dir.clone_from(&question.dir);
    config.check()?;
    // Opening would make a new data directory.
    std::fs::read_dir(&question.dir).map_err(CliError::file("read the data directory", &question.dir))?;
    let engine = Engine::open_idle(config).await.map_err(CliError::engine)?;
    let asked = ask(&engine, question, format, target).await;
    engine.halt().await;
    asked
}

async fn ask(engine: &Engine, question: Question, format: Format, target: &Target) -> Result<(), CliError> {
    let started = Instant::now();
    let project = ProjectName::try_from(question.project.as_deref().unwrap_or("default"))
        .map_err(|error| CliError::Usage(format!("--project: {error}")))?;
    let params = match question.params {
        Value::Array(values) => Params::Positional(values),
        Value::Object(named) => Params::Named(named),
        _ => Params::None,
    };
    let limits = Limits::of(&engine.config().query);
    let session = engine.session(&project).map_err(CliError::engine)?;
    let answer = session.run(&question.sql, params, limits).await.map_err(CliError::engine)?;
    let end = answer.end();
    let pieces = query::encode(answer, wanted(format)).map(|bytes| bytes.map(Piece::Bytes).map_err(CliError::engine));
    let cut = futures::stream::once(async move { end.get().is_some_and(|outcome| outcome.truncated) })
        .filter_map(|cut| async move { cut.then_some(Ok(Piece::Truncated)) });
    answer::write(pieces.chain(cut), format, target, started).await
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
