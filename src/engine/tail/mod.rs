//! The live tail: the job that tells listeners of new rows, and the stream of one listener.
//!
//! ```text
//! publish ─ nudge ─▶ job ─▶ Hub of each project ─▶ Queue ─┐
//!                                                         ├─▶ TailStream ─▶ frames
//! where the listener was ─▶ pages of an ordinary query ───┘
//! ```

mod past;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use serde_json::{Map, Value};
use thiserror::Error;

use super::project::Project;
use super::{Engine, EngineError, Inner, Shared, now_us};
use crate::access::Caller;
use crate::error::{Kind, Report};
use crate::event::names::ProjectName;
use crate::hot::HotBatch;
use crate::journal::tail::{Epoch, Position, SlotsTaken, Wanted};
use crate::query::{Limits, LiveBatch, LiveColumns, Params, QueryError};

use past::Past;
pub use stream::TailStream;

/// How long new rows are gathered before listeners are told of them.
const GATHER: Duration = Duration::from_millis(10);
/// How often the job looks without being told.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Most rows and bytes that are handed out at once, but for a single larger row.
const SLICE_ROWS: usize = 1_024;
const SLICE_BYTES: usize = 1 << 20;

/// What a listener asks for.
#[derive(Debug, Clone)]
pub struct TailQuery {
    /// A condition over one event, in SQL.
    pub condition: String,
    /// Values of its placeholders.
    pub values: Map<String, Value>,
    /// Names of the columns that are shown.
    pub columns: Vec<String>,
    /// Where to go on; `None`: with what becomes visible from now on.
    pub after: Option<Position>,
}

/// Why nobody can listen.
#[derive(Debug, Error)]
pub enum TailError {
    /// The filter or a column, or a query of the past.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// The project.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Too many listen.
    #[error(transparent)]
    Full(#[from] SlotsTaken),
    /// A position that no event of the project can have had.
    #[error("the position `{0}` is none of this project: {1}")]
    Position(Position, &'static str),
}

impl Report for TailError {
    fn kind(&self) -> Kind {
        match self {
            Self::Query(error) => error.kind(),
            Self::Engine(error) => error.kind(),
            Self::Full(error) => error.kind(),
            Self::Position(..) => Kind::Invalid,
        }
    }

    fn code(&self) -> &'static str {
        match self {
            Self::Query(error) => error.code(),
            Self::Engine(error) => error.code(),
            Self::Full(error) => error.code(),
            Self::Position(..) => "invalid_position",
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Query(error) => error.hint(),
            Self::Engine(error) => error.hint(),
            Self::Full(error) => error.hint(),
            Self::Position(..) => Some("leave `Last-Event-ID` and `after` out to begin with new events".into()),
        }
    }
}

/// Starts the job.
pub(super) fn start(engine: &Arc<Inner>) {
    let (due, nudge) = (Arc::clone(engine), Arc::clone(&engine.shared.tail_now));
    engine.tasks.start_on(engine.tailers.handle(), "tail", LOOK_EVERY, nudge, move || {
        let engine = Arc::clone(&due);
        async move {
            engine.tell_tails().await;
            Ok(())
        }
        .boxed()
    });
}

impl Inner {
    async fn tell_tails(&self) {
        if self.shared.tail_slots.taken() == 0 {
            return;
        }
        tokio::time::sleep(GATHER).await;
        for project in self.projects.all() {
            if project.hub.is_listened_to() {
                project.hub.tell(now_us(), |after| fresh(&project, after)).await;
            }
        }
    }
}

/// What came after `after`, in small batches, and how far it reaches.
fn fresh(project: &Project, after: i64) -> (Option<Vec<LiveBatch>>, i64) {
    let (batches, through) = project.since(after);
    let slices = |batch: &Arc<HotBatch>| {
        let fresh = LiveBatch::after(&batch.rows, after);
        let row = (batch.bytes / batch.rows.num_rows().max(1)).max(1);
        fresh.slices((SLICE_BYTES / row).clamp(1, SLICE_ROWS))
    };
    (batches.map(|batches| batches.iter().flat_map(slices).collect()), through)
}

impl Shared {
    /// Rows became visible.
    pub(super) fn nudge_tails(&self) {
        if self.tail_slots.taken() > 0 {
            self.tail_now.notify_one();
        }
    }
}

impl Engine {
    /// How many listen to tails.
    #[must_use]
    pub fn listeners(&self) -> usize {
        self.0.shared.tail_slots.taken()
    }

    /// A stream of the events of `project` that `asked` is about, as far as `caller` may see them.
    ///
    /// # Errors
    /// What is wrong with the filter, the columns or the position; too many listen.
    pub async fn tail(
        &self,
        caller: &Caller,
        project: &ProjectName,
        asked: TailQuery,
    ) -> Result<TailStream, TailError> {
        let settings = &self.config().tail;
        let slots = &self.0.shared.tail_slots;
        let slot = slots.take(&caller.key, settings.listeners_max, settings.key_listeners_max)?;
        let session = self.session_for(caller, project)?;
        let open = self.0.projects.get(project).ok_or_else(|| EngineError::UnknownProject(project.clone()))?;
        let limits = Limits::of(&self.config().query);
        let filter = session.live(&asked.condition, Params::Named(asked.values.clone()), limits).await?;
        let columns_key = asked.columns.join(",");
        let names = asked.columns.iter().map(|name| format!("\"{}\"", name.replace('"', "\"\""))).collect::<Vec<_>>();
        let columns = LiveColumns::new(asked.columns.iter().map(String::as_str))?;
        let restriction = caller.reader(project).restriction;
        let hidden = restriction.as_ref().map(|restriction| restriction.hidden()).unwrap_or_default();
        if let Some(name) = asked.columns.iter().find(|name| hidden.contains(name)) {
            return Err(QueryError::HiddenColumn(name.clone()).into());
        }
        let reader = if restriction.is_some() { caller.key.as_str() } else { "" };
        let filter_key = format!("{reader}\n{}\n{}", asked.condition, Value::Object(asked.values.clone()));
        let wanted = Wanted {
            filter_key: filter_key.into(),
            filter: Arc::new(filter),
            columns_key: columns_key.into(),
            columns: Arc::new(columns),
        };
        let at = match asked.after {
            Some(position) => Some(open.place(position, &self.0).await?),
            None => None,
        };
        let past = Past {
            engine: self.clone(),
            caller: caller.clone(),
            project: project.clone(),
            columns: names.join(", "),
            condition: asked.condition,
            values: asked.values,
        };
        Ok(TailStream::new(past, open, wanted, at, slot))
    }
}

impl Project {
    /// The number behind which a listener at `position` goes on.
    async fn place(&self, position: Position, engine: &Inner) -> Result<i64, TailError> {
        if position.epoch == Epoch::from(engine.shared.writer) {
            let ahead = u64::try_from(position.seq).is_ok_and(|seq| seq >= engine.wal.next_seq());
            return if ahead {
                Err(TailError::Position(position, "it lies ahead of every event"))
            } else {
                Ok(position.seq)
            };
        }
        // Of what another data directory gave out, the table has everything up to this; the rest is lost, and the
        // next numbers may be the same.
        match self.table.stored_by(&position.epoch.to_string()).await {
            Some(stored) => Ok(position.seq.min(stored)),
            None => Err(TailError::Position(position, "no server that wrote its table gave it out")),
        }
    }
}
