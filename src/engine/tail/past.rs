//! What a listener missed: read page by page from the table and memory, as its key, in its turn.

use bytes::Bytes;
use serde_json::{Map, Value};
use thiserror::Error;

use crate::access::Caller;
use crate::engine::{AdmissionError, Engine, EngineError};
use crate::error::Report;
use crate::event::names::ProjectName;
use crate::journal::tail::{self, Hub};
use crate::query::{Limits, ObjectWriter, Params, QueryError, Session, integers};

/// Numbers that one query looks at when a listener catches up, and the most rows that it answers.
const WINDOW: i64 = 200_000;
const PAGE_ROWS: u64 = 2_000;
/// Name of the column that a page has behind those that were asked for.
const AT: &str = "_position";

/// How what a listener missed is read: as its key, in its turn.
pub(super) struct Past {
    pub(super) engine: Engine,
    pub(super) caller: Caller,
    pub(super) project: ProjectName,
    /// What is shown, as a SELECT list.
    pub(super) columns: String,
    pub(super) condition: String,
    pub(super) values: Map<String, Value>,
}

/// Events that were missed.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) bytes: Bytes,
    /// Everything up to this `_seq` was looked at.
    pub(super) through: i64,
}

/// Why what was missed cannot be read.
#[derive(Debug, Error)]
pub(super) enum PastError {
    #[error(transparent)]
    Admission(#[from] AdmissionError),
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

impl PastError {
    pub(super) fn report(&self) -> &dyn Report {
        match self {
            Self::Admission(AdmissionError::Access(error)) => error,
            Self::Admission(AdmissionError::Query(error)) | Self::Query(error) => error,
            Self::Engine(error) => error,
        }
    }
}

impl Past {
    /// The next matching events after `after`, at most up to `through`.
    pub(super) async fn page(&self, hub: &Hub, after: i64, through: i64) -> Result<Page, PastError> {
        let through = through.min(after.saturating_add(WINDOW));
        let settings = &self.engine.config().query;
        let limits = Limits { bytes_max: self.engine.config().tail.buffer_max, ..Limits::of(settings) };
        let page = self.rows(hub, (after, through), PAGE_ROWS, limits).await?;
        match page {
            Some(page) => Ok(page),
            // A single event that is larger than all that a listener may hold.
            None => {
                let page = self.rows(hub, (after, through), 1, Limits::of(settings)).await?;
                page.ok_or_else(|| QueryError::Internal("an event is larger than an answer".into()).into())
            }
        }
    }

    /// `None` where not even one event fits.
    async fn rows(
        &self,
        hub: &Hub,
        (after, through): (i64, i64),
        most: u64,
        limits: Limits,
    ) -> Result<Option<Page>, PastError> {
        let sql = format!(
            "SELECT {}, \"_seq\" AS \"{AT}\" FROM events WHERE ({}) AND \"_seq\" > $tail_after AND \"_seq\" <= $tail_through \
             ORDER BY \"{AT}\" LIMIT {most}",
            self.columns, self.condition
        );
        let answer = self.session().await?.run(&sql, self.params(after, through), limits).await?;
        let shown = answer.columns().len().saturating_sub(1);
        let writer = ObjectWriter::new(&answer.columns()[..shown]);
        let (batches, outcome) = answer.collect().await?;
        let (mut bytes, mut last) = (Vec::new(), None);
        for batch in &batches {
            let seqs = integers(batch, shown)?;
            writer.write(batch, |row, object| {
                last = Some(seqs[row]);
                tail::row(hub.position(seqs[row]), object, &mut bytes);
            });
        }
        if outcome.truncated && last.is_none() {
            return Ok(None);
        }
        let whole = !outcome.truncated && outcome.stats.rows < most;
        let through = if whole { through } else { last.unwrap_or(through) };
        Ok(Some(Page { bytes: bytes.into(), through }))
    }

    /// How many events match; `None` where that cannot be told.
    pub(super) async fn count(&self, after: i64, through: i64) -> Option<u64> {
        let sql = format!(
            "SELECT count(*) FROM events WHERE ({}) AND \"_seq\" > $tail_after AND \"_seq\" <= $tail_through",
            self.condition
        );
        let counted = async {
            let limits = Limits::of(&self.engine.config().query);
            let answer = self.session().await?.run(&sql, self.params(after, through), limits).await?;
            let (batches, _) = answer.collect().await?;
            let counts = batches.first().map(|batch| integers(batch, 0)).transpose()?;
            Ok::<_, PastError>(counts.and_then(|counts| u64::try_from(*counts.first()?).ok()))
        };
        match counted.await {
            Ok(count) => count,
            Err(error) => {
                tracing::warn!(%error, project = %self.project, "cannot count what a tail leaves out");
                None
            }
        }
    }

    async fn session(&self) -> Result<Session, PastError> {
        let turn = self.engine.turn(&self.caller, &self.project).await?;
        Ok(self.engine.session_for(&self.caller, &self.project)?.in_turn(turn))
    }

    fn params(&self, after: i64, through: i64) -> Params {
        let mut values = self.values.clone();
        values.insert("tail_after".into(), after.into());
        values.insert("tail_through".into(), through.into());
        Params::Named(values)
    }
}
