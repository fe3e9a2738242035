//! Rows for a join, in slices that are as large as it can take in little time.
//!
//! A join looks at all pairs that a batch of its probe side makes before it asks for the next one, and where
//! a filter rejects them, or a semi join wants the first only, it hands nothing on meanwhile: a task that
//! nobody can stop. So the first batch is one row, and what follows grows or shrinks with the time
//! that the join took for the one before. Between two slices the query gives way, or ends.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::execution::SendableRecordBatchStream;
use futures::{Stream, StreamExt, ready};

use super::task::checkpoint;
use crate::query::runtime::BATCH_ROWS;

/// A slice that took less is followed by a larger one.
const SHORT: Duration = Duration::from_millis(5);
/// A slice that took more is followed by a smaller one.
const LONG: Duration = Duration::from_millis(50);
/// So long the task may go on without a pause.
const PAUSE_AFTER: Duration = Duration::from_millis(20);
/// How much larger or smaller the next slice is.
const FACTOR: usize = 4;

/// The rows of a stream in slices.
pub(super) struct Slices {
    input: SendableRecordBatchStream,
    /// What is left of the newest batch.
    rest: Option<RecordBatch>,
    rows: usize,
    handed_at: Option<Instant>,
    paused_at: Instant,
}

impl Slices {
    pub(super) fn new(input: SendableRecordBatchStream) -> Self {
        Self { input, rest: None, rows: 1, handed_at: None, paused_at: Instant::now() }
    }

    /// Sets the size of the next slice by the time that the last one took.
    fn adapt(&mut self, now: Instant) {
        let Some(handed_at) = self.handed_at.take() else { return };
        let taken = now - handed_at;
        if taken < SHORT {
            self.rows = (self.rows * FACTOR).min(BATCH_ROWS);
        } else if taken > LONG {
            self.rows = (self.rows / FACTOR).max(1);
        }
    }

    /// The next slice of `batch`; keeps what is left of it.
    fn cut(&mut self, batch: RecordBatch, now: Instant) -> RecordBatch {
        self.handed_at = Some(now);
        if batch.num_rows() <= self.rows {
            return batch;
        }
        self.rest = Some(batch.slice(self.rows, batch.num_rows() - self.rows));
        batch.slice(0, self.rows)
    }
}

impl Stream for Slices {
    type Item = Result<RecordBatch, DataFusionError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        checkpoint()?;
        let now = Instant::now();
        self.adapt(now);
        if now - self.paused_at > PAUSE_AFTER {
            self.paused_at = now;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let batch = match self.rest.take() {
            Some(rest) => rest,
            None => match ready!(self.input.poll_next_unpin(context)) {
                Some(batch) => batch?,
                None => return Poll::Ready(None),
            },
        };
        let now = Instant::now();
        Poll::Ready(Some(Ok(self.cut(batch, now))))
    }
}

#[cfg(test)]
mod tests;
