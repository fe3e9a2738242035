//! What a sample would become under a mapping: parsed and asked back like any events, stored nowhere.

use std::time::Instant;

use futures::TryStreamExt;
use serde_json::Value;

use super::ingest::refused;
use super::interpretations::Interpretations;
use super::{AppendError, Engine, EngineError, RefusedEvent, now_us};
use crate::event::names::ProjectName;
use crate::event::parse::{BodyFormat, Context, Limits, MintSeed, parse};
use crate::hot::Hot;
use crate::query::{self, Format, Params, Session, Snapshot};

/// The mapping that is tried.
#[derive(Debug, Clone, Copy)]
pub enum Tried<'a> {
    /// One of the library, by its name.
    Named(&'a str),
    /// TOML that is stored nowhere.
    Text(&'a str),
}

/// What a sample became.
#[derive(Debug)]
pub struct Trial {
    /// One object of columns for each event, without those that are empty.
    pub events: Vec<Value>,
    /// Events that would be refused.
    pub errors: Vec<RefusedEvent>,
}

/// Why a sample could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum TrialError {
    /// It would be refused as a whole.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// It could not be asked back.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl Engine {
    /// Shows what `body` would become under `mapping`.
    ///
    /// # Errors
    /// No such mapping, a wrong one, or a body that would be refused as a whole.
    pub async fn try_mapping(
        &self,
        project: &ProjectName,
        mapping: Tried<'_>,
        mut body: Vec<u8>,
        format: BodyFormat,
    ) -> Result<Trial, TrialError> {
        let inner = &self.0;
        let rules = inner.redactions.of(project).map_err(AppendError::from)?;
        let interpretation = match mapping {
            Tried::Named(name) => inner.interpretations.resolve(&inner.mappings, Some(name), None, &rules)?,
            Tried::Text(text) => Interpretations::of_text(text, &rules)?.into(),
        };
        let redacted = interpretation.redactor().redact(&mut body, format);
        let context = Context { project: project.as_str(), received_at: now_us(), mint: None };
        let settings = &inner.shared.config.ingest;
        let limits = Limits {
            line_max: settings.line_max.as_usize().saturating_add(redacted.growth),
            events_max: settings.events_max,
        };
        let mut parsed = parse(&body, format, &interpretation, &context, &limits, None).map_err(AppendError::from)?;
        parsed.mint(&MintSeed::Log { writer: inner.shared.writer.as_u128(), seq: 0 });
        let errors = refused(&parsed);
        let mut rows = parsed.rows;
        rows.number(0);
        let mut hot = Hot::default();
        hot.push(rows, 0, Instant::now());
        let session = Session::new(&inner.runtime, project, Snapshot { hot: hot.snapshot(), ..Snapshot::default() });
        let events = rows_of(&session, &query::Limits::of(&inner.shared.config.query)).await?;
        Ok(Trial { events, errors })
    }
}

async fn rows_of(session: &Session, limits: &query::Limits) -> Result<Vec<Value>, EngineError> {
    let answer = session.run("SELECT * FROM events ORDER BY _seq", Params::None, *limits).await?;
    let chunks: Vec<_> = query::encode(answer, Format::Ndjson).try_collect().await?;
    let lines = chunks.concat();
    let objects = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    Ok(objects
        .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
        .map(|mut event| {
            if let Value::Object(columns) = &mut event {
                columns.retain(|name, value| !value.is_null() && name != "_seq");
            }
            event
        })
        .collect())
}
