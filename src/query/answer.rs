//! The answer of a query: a stream of batches in our own types, cut at the caps.
//!
//! # Invariants
//! * Every batch went through the normaliser; no format sees another type.
//! * A cut answer says so in its [`Outcome`]; a failed stream ends in an error and has none.
//! * Dropping the answer drops the plan's streams, and so stops the work.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::metrics::MetricsSet;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt};
use parking_lot::Mutex;
use serde::ser::{Serialize, SerializeStruct, Serializer};
use tokio::time::Sleep;

use super::error::{Known, QueryError, classify};
use super::newest::{FILES_OPENED, ROWS_DECODED};
use super::normalise::{Normaliser, memory_of, split};
use super::restrict::{Reader, RestrictedExec};
use super::session::Limits;
use super::types::OutColumn;

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
    /// Rows that were decoded or tested, hot ones included.
    pub rows_scanned: u64,
    /// Bytes read of stored files.
    pub bytes_scanned: u64,
    /// Bytes of intermediate results that went to disk.
    pub bytes_spilled: u64,
    /// Whether its reader sees a part of the rows only.
    pub restricted: bool,
}

impl Serialize for Stats {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut stats = serializer.serialize_struct("Stats", if self.restricted { 2 } else { 6 })?;
        stats.serialize_field("rows", &self.rows)?;
        stats.serialize_field("elapsed_ms", &self.elapsed_ms)?;
        if !self.restricted {
            stats.serialize_field("files", &self.files)?;
            stats.serialize_field("rows_scanned", &self.rows_scanned)?;
            stats.serialize_field("bytes_scanned", &self.bytes_scanned)?;
            stats.serialize_field("bytes_spilled", &self.bytes_spilled)?;
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
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Answer").field("columns", &self.columns).field("end", &self.end).finish_non_exhaustive()
    }
}

/// A query that was started.
pub(crate) struct Running {
    pub plan: Arc<dyn ExecutionPlan>,
    pub rows: SendableRecordBatchStream,
    pub started: Instant,
    pub limits: Limits,
    pub known: Known,
    pub reader: Reader,
}

impl Answer {
    /// Waits for the first rows, so that what fails at once is an error and not half an answer.
    pub(crate) async fn start(running: Running) -> Result<Self, QueryError> {
        let normaliser = Normaliser::new(&running.rows.schema());
        let (columns, schema) = (normaliser.columns().to_vec(), normaliser.schema());
        let end = End::default();
        let mut producer = Producer::new(running, normaliser, end.clone());
        let first = producer.next().await?;
        let rest = futures::stream::unfold(Some(producer), |producer| async {
            let mut producer = producer?;
            match producer.next().await.transpose()? {
                Ok(batch) => Some((Ok(batch), Some(producer))),
                Err(error) => Some((Err(error), None)),
            }
        });
        let batches = futures::stream::iter(first.map(Ok)).chain(rest).boxed();
        Ok(Self { columns, schema, batches, end })
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

    /// The batches; an error is the last item.
    pub fn into_batches(self) -> BoxStream<'static, Result<RecordBatch, QueryError>> {
        self.batches
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
        let outcome = self.end.get().ok_or_else(|| QueryError::Internal("the answer has no end".into()))?;
        Ok((batches, outcome))
    }
}

/// Takes batches from the plan, normalises and counts them.
struct Producer {
    plan: Arc<dyn ExecutionPlan>,
    /// `None` once read to the end or cut.
    rows: Option<SendableRecordBatchStream>,
    pending: VecDeque<RecordBatch>,
    normaliser: Normaliser,
    deadline: Pin<Box<Sleep>>,
    started: Instant,
    limits: Limits,
    known: Known,
    reader: Reader,
    sent_rows: u64,
    sent_bytes: u64,
    truncated: bool,
    end: End,
}

impl Producer {
    fn new(running: Running, normaliser: Normaliser, end: End) -> Self {
        let Running { plan, rows, started, limits, known, reader } = running;
        let left = limits.timeout.0.saturating_sub(started.elapsed());
        Self {
            plan,
            rows: Some(rows),
            pending: VecDeque::new(),
            normaliser,
            deadline: Box::pin(tokio::time::sleep(left)),
            started,
            limits,
            known,
            reader,
            sent_rows: 0,
            sent_bytes: 0,
            truncated: false,
            end,
        }
    }

    /// The next batch of the answer; `None` at its end, which is then told to [`End`].
    async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        loop {
            if let Some(batch) = self.pending.pop_front() {
                if let Some(batch) = self.capped(self.normaliser.apply(&batch)?) {
                    return Ok(Some(batch));
                }
                continue;
            }
            let Some(rows) = &mut self.rows else {
                self.tell_end();
                return Ok(None);
            };
            let next = tokio::select! {
                biased;
                () = self.reader.ended.cancelled() => return Err(QueryError::KeyEnded),
                () = &mut self.deadline => return Err(QueryError::DeadlineExceeded(self.limits.timeout)),
                next = AssertUnwindSafe(rows.next()).catch_unwind() => next,
            };
            match next {
                Ok(Some(Ok(batch))) => self.pending.extend(split(batch)),
                Ok(Some(Err(error))) => return Err(classify(error, &self.known)),
                Ok(None) => self.rows = None,
                Err(_) => return Err(QueryError::Internal("the query panicked".into())),
            }
        }
    }

    /// As much of `batch` as the caps leave; empty batches are not worth sending.
    fn capped(&mut self, batch: RecordBatch) -> Option<RecordBatch> {
        let rows = batch.num_rows() as u64;
        if rows == 0 {
            return None;
        }
        let bytes = memory_of(&batch);
        let rows_left = self.limits.rows_max - self.sent_rows;
        let bytes_left = self.limits.bytes_max.0.saturating_sub(self.sent_bytes);
        let fitting = if bytes <= bytes_left { rows } else { bytes_left * rows / bytes.max(1) };
        let keep = rows.min(rows_left).min(fitting);
        if keep < rows {
            self.truncated = true;
            self.rows = None;
            self.pending.clear();
        }
        self.sent_rows += keep;
        self.sent_bytes += bytes * keep / rows;
        (keep > 0).then(|| batch.slice(0, usize::try_from(keep).unwrap_or(usize::MAX)))
    }

    fn tell_end(&self) {
        let mut stats = Stats {
            rows: self.sent_rows,
            elapsed_ms: u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX),
            restricted: self.reader.restriction.is_some(),
            ..Stats::default()
        };
        add_costs(self.plan.as_ref(), &mut stats);
        *self.end.0.lock() = Some(Outcome { truncated: self.truncated, stats });
    }
}

/// Adds what the nodes of `plan` counted.
fn add_costs(plan: &dyn ExecutionPlan, stats: &mut Stats) {
    if let Some(restricted) = plan.downcast_ref::<RestrictedExec>() {
        return add_costs(restricted.inner(), stats);
    }
    if let Some(metrics) = plan.metrics() {
        let sum = |name: &str| metrics.sum_by_name(name).map_or(0, |value| value.as_usize() as u64);
        stats.bytes_spilled += metrics.spilled_bytes().unwrap_or(0) as u64;
        match plan.name() {
            "DataSourceExec" | "HotExec" => {
                stats.files += sum(FILES_OPENED);
                stats.rows_scanned += output_rows(&metrics) + sum("pushdown_rows_pruned");
                stats.bytes_scanned += sum("bytes_scanned");
            }
            "NewestFirstExec" => {
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
