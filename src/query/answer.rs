//! The answer of a query: a stream of batches in our own types, cut at the caps.
//!
//! # Invariants
//! * Every batch went through the normaliser; no format sees another type.
//! * A cut answer says so in its [`Outcome`]; a failed stream ends in an error and has none.
//! * The plan runs on the threads of queries, a few batches ahead of its reader.
//! * Dropping the answer drops the plan's streams, and so stops the work.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::metrics::MetricsSet;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use parking_lot::Mutex;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::error::{Known, QueryError, classify};
use super::guard::{Executor, Task, Work};
use super::normalise::{Normaliser, memory_of, split};
use super::partial::Missing;
use super::partials::FILES_KEPT;
use super::readers::{BYTES_FETCHED, REQUESTS};
use super::restrict::{Reader, RestrictedExec};
use super::runtime::RunTimer;
use super::session::Limits;
use super::time_order::{FILES_OPENED, ROWS_DECODED};
use super::turn::Turn;
use super::types::OutColumn;
use crate::config::Span;
use crate::table::TableVersion;

/// Batches that may be ready before the reader asks for them.
const BATCHES_AHEAD: usize = 1;
/// How much later than the producer the reader notices the deadline.
pub(crate) const DEADLINE_GRACE: Duration = Duration::from_millis(200);

/// What a query cost.
///
/// As JSON: without the costs of the scan where they would tell a restricted reader of hidden rows.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Stats {
    /// Rows of the answer.
    pub rows: u64,
    /// Time from the arrival of the SQL text to the last row, in ms.
    pub elapsed_ms: u64,
    /// Stored files that were opened.
    pub files: u64,
    /// Stored files whose part of an aggregate was kept from an earlier query.
    pub files_kept: u64,
    /// Rows that were decoded or tested, hot ones included.
    pub rows_scanned: u64,
    /// Bytes read of stored files.
    pub bytes_scanned: u64,
    /// Bytes of intermediate results that went to disk.
    pub bytes_spilled: u64,
    /// Requests to the object store, if the table lies on one.
    pub requests: u64,
    /// Bytes that came from it.
    pub bytes_fetched: u64,
    /// What could not be read, where the caller took an answer without it.
    pub missing: Missing,
    /// Whether its reader sees a part of the rows only.
    pub restricted: bool,
}

impl Serialize for Stats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut stats = serializer.serialize_struct("Stats", if self.restricted { 3 } else { 12 })?;
        stats.serialize_field("rows", &self.rows)?;
        stats.serialize_field("elapsed_ms", &self.elapsed_ms)?;
        if !self.restricted {
            stats.serialize_field("files", &self.files)?;
            stats.serialize_field("files_kept", &self.files_kept)?;
            stats.serialize_field("rows_scanned", &self.rows_scanned)?;
            stats.serialize_field("bytes_scanned", &self.bytes_scanned)?;
            stats.serialize_field("bytes_spilled", &self.bytes_spilled)?;
            stats.serialize_field("requests", &self.requests)?;
            stats.serialize_field("bytes_fetched", &self.bytes_fetched)?;
        }
        if self.missing.files > 0 {
            stats.serialize_field("partial", &true)?;
            if !self.restricted {
                stats.serialize_field("files_missing", &self.missing.files)?;
                stats.serialize_field("rows_missing", &self.missing.rows)?;
            }
        }
        stats.end()
    }
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Whether rows are missing because of a cap.
    pub truncated: bool,
    /// What it cost.
    pub stats: Stats,
}

/// The end of an answer, for those who learn of it apart from the stream (HTTP trailers).
#[derive(Debug, Clone, Default)]
pub struct End(Arc<Mutex<Option<Outcome>>>);

impl End {
    /// How the answer ended; `None` while it is not read to its end, or when it failed.
    #[must_use]
    pub fn get(&self) -> Option<Outcome> {
        *self.0.lock()
    }
}

/// Rows of a query, as they come.
pub struct Answer {
    columns: Vec<OutColumn>,
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch, QueryError>>,
    end: End,
    /// The runtime of queries, where the answer is encoded too.
    runtime: Handle,
    deadline: Deadline,
}

/// When a reader stops to wait.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    /// The time, a little after the producer's.
    pub at: tokio::time::Instant,
    /// The limit of the query, to name it.
    pub timeout: Span,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("columns", &self.columns).field("end", &self.end).finish_non_exhaustive()
    }
}

/// A query that is about to run.
pub(crate) struct Running {
    pub plan: Arc<dyn ExecutionPlan>,
    pub context: Arc<TaskContext>,
    pub task: Arc<Task>,
    pub started: Instant,
    pub limits: Limits,
    pub known: Known,
    pub reader: Reader,
    /// Given back when the plan has ended.
    pub turn: Option<Arc<Turn>>,
    /// What its snapshot lacks.
    pub missing: Missing,
    /// The plan knows files only; the version that they are of must be held as long as they are read.
    pub _version: Arc<TableVersion>,
    /// Counts the run when the producer is done with it, however it ended.
    pub _timer: RunTimer,
}

impl Running {
    fn left(&self) -> Duration {
        self.limits.timeout.0.saturating_sub(self.started.elapsed())
    }
}

impl Answer {
    /// Starts the query on the threads of queries and waits for its first rows, so that what fails at
    /// once is an error and not half an answer.
    pub(crate) async fn start(executor: &Executor, running: Running) -> Result<Self, QueryError> {
        let normaliser = Normaliser::new(&running.plan.schema());
        let (columns, schema) = (normaliser.columns().to_vec(), normaliser.schema());
        let end = End::default();
        let ended = Ended::default();
        let (out, batches) = mpsc::channel(BATCHES_AHEAD);
        let task = Arc::clone(&running.task);
        let at = tokio::time::Instant::now() + running.left() + DEADLINE_GRACE;
        let deadline = Deadline { at, timeout: running.limits.timeout };
        let key = running.reader.ended.clone();
        let work = Producer::new(running, normaliser, out).run(Arc::clone(&ended));
        let runtime = executor.handle().ok_or(QueryError::Canceled)?;
        let work = executor.spawn(&task, work).ok_or(QueryError::Canceled)?;
        let mut feed = Feed { batches, ended, end: end.clone(), task, key, deadline, _work: work };
        let first = feed.next().await?;
        let rest = futures::stream::unfold(Some(feed), |feed| async {
            let mut feed = feed?;
            match feed.next().await.transpose()? {
                Ok(batch) => Some((Ok(batch), Some(feed))),
                Err(error) => Some((Err(error), None)),
            }
        });
        let batches = futures::stream::iter(first.map(Ok)).chain(rest).boxed();
        Ok(Self { columns, schema, batches, end, runtime, deadline })
    }

    /// Names and types of the columns.
    #[must_use]
    pub fn columns(&self) -> &[OutColumn] {
        &self.columns
    }

    /// Schema of the batches.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Where the end is told.
    #[must_use]
    pub fn end(&self) -> End {
        self.end.clone()
    }

    /// When its reader stops to wait.
    pub(crate) fn deadline(&self) -> Deadline {
        self.deadline
    }

    /// The runtime of queries.
    pub(crate) fn runtime(&self) -> Handle {
        self.runtime.clone()
    }

    /// The batches; an error is the last item.
    pub fn into_batches(self) -> BoxStream<'static, Result<RecordBatch, QueryError>> {
        self.batches
    }

    /// Reads the answer if it is no larger than `bytes_max`, to be kept; a larger one comes back as it was.
    ///
    /// # Errors
    /// As the stream's.
    pub(crate) async fn keep(mut self, bytes_max: u64) -> Result<Result<Kept, Self>, QueryError> {
        let (mut batches, mut bytes) = (Vec::new(), 0);
        while let Some(batch) = self.batches.next().await {
            let batch = batch?;
            bytes += memory_of(&batch);
            batches.push(batch);
            if bytes > bytes_max {
                let read = futures::stream::iter(batches.into_iter().map(Ok));
                self.batches = read.chain(self.batches).boxed();
                return Ok(Err(self));
            }
        }
        let outcome = self.outcome()?;
        Ok(Ok(Kept { columns: self.columns, schema: self.schema, batches, outcome, runtime: self.runtime }))
    }

    fn outcome(&self) -> Result<Outcome, QueryError> {
        self.end.get().ok_or_else(|| QueryError::Internal("the answer has no end".into()))
    }

    /// All rows at once, with how it ended.
    ///
    /// # Errors
    /// As the stream's.
    pub async fn collect(mut self) -> Result<(Vec<RecordBatch>, Outcome), QueryError> {
        let mut batches = Vec::new();
        while let Some(batch) = self.batches.next().await {
            batches.push(batch?);
        }
        let outcome = self.outcome()?;
        Ok((batches, outcome))
    }
}

/// A whole answer, to be given to many.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    columns: Vec<OutColumn>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    outcome: Outcome,
    runtime: Handle,
}

impl Kept {
    #[cfg(test)]
    pub(crate) fn of(batch: RecordBatch) -> Self {
        let normaliser = Normaliser::new(&batch.schema());
        let (columns, schema) = (normaliser.columns().to_vec(), normaliser.schema());
        let outcome = Outcome { truncated: false, stats: Stats::default() };
        Self { columns, schema, batches: vec![batch], outcome, runtime: Handle::current() }
    }

    /// The answer, for a reader who waits until `deadline`.
    pub(crate) fn answer(&self, deadline: Deadline) -> Answer {
        Answer {
            columns: self.columns.clone(),
            schema: Arc::clone(&self.schema),
            batches: futures::stream::iter(self.batches.clone().into_iter().map(Ok)).boxed(),
            end: End(Arc::new(Mutex::new(Some(self.outcome)))),
            runtime: self.runtime.clone(),
            deadline,
        }
    }
}

/// How the producer ended.
type Ended = Arc<Mutex<Option<Result<Outcome, QueryError>>>>;

/// The reader's side of a running query; dropping it ends the query.
struct Feed {
    batches: mpsc::Receiver<RecordBatch>,
    ended: Ended,
    end: End,
    task: Arc<Task>,
    /// Cancelled when the reader's key ends.
    key: CancellationToken,
    deadline: Deadline,
    _work: Work,
}

impl Feed {
    /// The next batch of the answer; `None` at its end, which is then told to [`End`].
    ///
    /// The producer keeps the deadline itself unless one of its steps holds the thread; the caller is
    /// told either way.
    async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        if self.end.get().is_some() {
            return Ok(None);
        }
        let next = tokio::select! {
            biased;
            next = self.batches.recv() => next,
            error = self.task.stopped() => return Err(error),
            () = self.key.cancelled() => return Err(QueryError::KeyEnded),
            () = tokio::time::sleep_until(self.deadline.at) => {
                return Err(QueryError::DeadlineExceeded(self.deadline.timeout));
            }
        };
        if next.is_some() {
            return Ok(next);
        }
        match self.ended.lock().take() {
            Some(Ok(outcome)) => {
                *self.end.0.lock() = Some(outcome);
                Ok(None)
            }
            Some(Err(error)) => Err(error),
            None => Err(self.task.error().unwrap_or(QueryError::Canceled)),
        }
    }
}

/// Takes batches from the plan, normalises, counts and hands them on.
struct Producer {
    running: Running,
    normaliser: Normaliser,
    out: mpsc::Sender<RecordBatch>,
    sent_rows: u64,
    sent_bytes: u64,
    truncated: bool,
}

impl Producer {
    fn new(running: Running, normaliser: Normaliser, out: mpsc::Sender<RecordBatch>) -> Self {
        Self { running, normaliser, out, sent_rows: 0, sent_bytes: 0, truncated: false }
    }

    /// Runs to the end, a cap, an error, the deadline or the stop, and tells which.
    async fn run(mut self, ended: Ended) {
        let (task, timeout) = (Arc::clone(&self.running.task), self.running.limits.timeout);
        let deadline = tokio::time::sleep(self.running.left());
        let key = self.running.reader.ended.clone();
        let result = tokio::select! {
            biased;
            error = task.stopped() => Err(error),
            () = key.cancelled() => Err(QueryError::KeyEnded),
            () = deadline => Err(QueryError::DeadlineExceeded(timeout)),
            result = AssertUnwindSafe(self.produce()).catch_unwind() => {
                result.unwrap_or_else(|_| Err(QueryError::Internal("the query panicked".into())))
            }
        };
        // Before the channel closes, which is when the reader looks.
        *ended.lock() = Some(result.map(|()| self.outcome()));
    }

    async fn produce(&mut self) -> Result<(), QueryError> {
        let Running { plan, context, .. } = &self.running;
        let rows = execute_stream(Arc::clone(plan), Arc::clone(context));
        let mut rows = rows.map_err(|error| self.said(error))?;
        while let Some(batch) = rows.next().await {
            for part in split(batch.map_err(|error| self.said(error))?) {
                if let Some(batch) = self.capped(self.normaliser.apply(&part)?)
                    && self.out.send(batch).await.is_err()
                {
                    return Err(QueryError::Canceled);
                }
                if self.truncated {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn said(&self, error: DataFusionError) -> QueryError {
        classify(error, &self.running.known)
    }

    /// As much of `batch` as the caps leave; empty batches are not worth sending.
    fn capped(&mut self, batch: RecordBatch) -> Option<RecordBatch> {
        let rows = batch.num_rows() as u64;
        if rows == 0 {
            return None;
        }
        let limits = self.running.limits;
        let bytes = memory_of(&batch);
        let rows_left = limits.rows_max - self.sent_rows;
        let bytes_left = limits.bytes_max.0.saturating_sub(self.sent_bytes);
        let fitting = if bytes <= bytes_left { rows } else { bytes_left * rows / bytes.max(1) };
        let keep = rows.min(rows_left).min(fitting);
        self.truncated |= keep < rows;
        self.sent_rows += keep;
        self.sent_bytes += bytes * keep / rows;
        (keep > 0).then(|| batch.slice(0, usize::try_from(keep).unwrap_or(usize::MAX)))
    }

    fn outcome(&self) -> Outcome {
        let mut stats = Stats {
            rows: self.sent_rows,
            elapsed_ms: u64::try_from(self.running.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            restricted: self.running.reader.restriction.is_some(),
            missing: self.running.missing,
            ..Stats::default()
        };
        add_costs(self.running.plan.as_ref(), &mut stats);
        Outcome { truncated: self.truncated, stats }
    }
}

impl Drop for Producer {
    /// However the query ended.
    fn drop(&mut self) {
        if let Some(turn) = &self.running.turn {
            turn.note(self.outcome().stats.bytes_scanned);
        }
    }
}

/// Adds what the nodes of `plan` counted.
fn add_costs(plan: &dyn ExecutionPlan, stats: &mut Stats) {
    if let Some(restricted) = plan.downcast_ref::<RestrictedExec>() {
        return add_costs(restricted.inner().as_ref(), stats);
    }
    if let Some(metrics) = plan.metrics() {
        let sum = |name: &str| metrics.sum_by_name(name).map_or(0, |value| value.as_usize() as u64);
        stats.bytes_spilled += metrics.spilled_bytes().unwrap_or(0) as u64;
        stats.requests += sum(REQUESTS);
        stats.bytes_fetched += sum(BYTES_FETCHED);
        match plan.name() {
            "DataSourceExec" | "HotExec" => {
                stats.files += sum(FILES_OPENED);
                stats.rows_scanned += output_rows(&metrics) + sum("pushdown_rows_pruned");
                stats.bytes_scanned += sum("bytes_scanned");
            }
            "PartialsExec" => stats.files_kept += sum(FILES_KEPT),
            "TimeOrderExec" => {
                stats.files += sum(FILES_OPENED);
                stats.rows_scanned += sum(ROWS_DECODED) + sum("pushdown_rows_pruned");
                stats.bytes_scanned += sum("bytes_scanned");
            }
            _ => {}
        }
    }
    for child in plan.children() {
        add_costs(child.as_ref(), stats);
    }
}

fn output_rows(metrics: &MetricsSet) -> u64 {
    metrics.output_rows().unwrap_or(0) as u64
}
