//! The k-way merge itself.

use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::buffer::ScalarBuffer;
use arrow::compute::{concat_batches, interleave_record_batch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::DataFusionError;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::stream::RecordBatchReceiverStream;
use futures::StreamExt;

use super::run::{Origin, Run, RunStream, Runs};
use super::{Counters, Direction};

/// Rows of the first batch given out when there is no limit; later ones double up to the session's.
const FIRST_OUTPUT_ROWS: usize = 1_024;
/// Pieces of at least so many rows on average are copied as pieces, shorter ones row by row.
const PIECE_ROWS_MIN: usize = 16;
/// Batches that a run read ahead may have waiting.
const AHEAD_BATCHES: usize = 2;

/// Ranks of a row's time and `_seq`; the larger comes first.
type Key = (i64, i64);

/// The current batch of an open run.
struct Head {
    /// Ranks, as [`Key`].
    times: ScalarBuffer<i64>,
    seqs: ScalarBuffer<i64>,
    batch: RecordBatch,
    /// Tells this batch from all others of the merge.
    id: usize,
    at: usize,
    rows: RunStream,
    /// Whether any row of the run matched so far.
    matched: bool,
}

impl Head {
    fn key(&self) -> Key {
        (self.times[self.at], self.seqs[self.at])
    }

    /// Number of rows from the current one on that come before `other`.
    fn before(&self, other: Key, time_bound: Option<i64>) -> usize {
        let before = |at: usize| {
            let key = (self.times[at], self.seqs[at]);
            key > other && time_bound.is_none_or(|bound| key.0 > bound)
        };
        let (mut low, mut high) = (self.at, self.times.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if before(middle) { low = middle + 1 } else { high = middle }
        }
        low - self.at
    }
}

impl PartialEq for Head {
    fn eq(&self, other: &Self) -> bool {
        self.key() == other.key()
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.key().cmp(&other.key())
    }
}

/// A merge in progress.
pub(super) struct Merge {
    runs: Arc<Runs>,
    context: Arc<TaskContext>,
    counters: Counters,
    /// Next in `runs.all` that was not opened.
    next: usize,
    /// Runs that are read ahead, in the order of `runs.all`.
    ahead: VecDeque<(Run, RunStream)>,
    /// How many runs to read ahead.
    ahead_count: usize,
    open: BinaryHeap<Head>,
    /// Rows still wanted; `None` is all.
    wanted: Option<usize>,
    output_rows: usize,
    /// Batches loaded so far.
    loaded: usize,
}

impl Merge {
    pub(super) fn new(runs: Arc<Runs>, context: Arc<TaskContext>, fetch: Option<usize>, counters: Counters) -> Self {
        // Whoever wants all rows will read all runs.
        let ahead_count = if fetch.is_none() && runs.threads > 1 { runs.threads } else { 0 };
        Self {
            runs,
            context,
            counters,
            next: 0,
            ahead: VecDeque::new(),
            ahead_count,
            open: BinaryHeap::new(),
            wanted: fetch,
            output_rows: FIRST_OUTPUT_ROWS,
            loaded: 0,
        }
    }

    /// The next rows; `None` at the end.
    pub(super) async fn next_batch(&mut self) -> Result<Option<RecordBatch>, DataFusionError> {
        let target = self.wanted.unwrap_or(usize::MAX).min(self.output_rows);
        self.output_rows = self.context.session_config().batch_size().max(1).min(self.output_rows * 2);
        let mut output = Output::default();
        while output.rows < target {
            self.open_reached().await?;
            let Some(mut head) = self.open.pop() else { break };
            let other = self.open.peek().map_or((i64::MIN, i64::MIN), Head::key);
            let bound = self.next_first();
            let count = head.before(other, bound).clamp(1, target - output.rows);
            output.push(&head, count);
            head.at += count;
            if head.at < head.times.len() || self.advance(&mut head).await? {
                self.open.push(head);
            }
        }
        if output.rows == 0 {
            return Ok(None);
        }
        self.wanted = self.wanted.map(|wanted| wanted - output.rows);
        self.counters.output_rows.add(output.rows);
        output.build(self.runs.output).map(Some)
    }

    /// Rank of the first time that runs which are not open can have.
    fn next_first(&self) -> Option<i64> {
        let next = self.ahead.front().map(|(run, _)| run).or_else(|| self.runs.all.get(self.next));
        next.map(|run| run.first)
    }

    /// Opens every run that may have a row before the first at hand.
    async fn open_reached(&mut self) -> Result<(), DataFusionError> {
        while let Some(first) = self.next_first() {
            if self.open.peek().is_some_and(|head| head.key().0 > first) {
                break;
            }
            let rows = match self.ahead.pop_front() {
                Some((_, rows)) => rows,
                None => {
                    let rows = self.start(self.next);
                    self.next += 1;
                    rows
                }
            };
            self.read_ahead();
            let empty = RecordBatch::new_empty(Arc::clone(&self.runs.schema));
            let none = ScalarBuffer::from(Vec::new());
            let mut head = Head { times: none.clone(), seqs: none, batch: empty, id: 0, at: 0, rows, matched: false };
            if self.advance(&mut head).await? {
                self.open.push(head);
            }
        }
        Ok(())
    }

    /// Opens run `at`.
    fn start(&self, at: usize) -> RunStream {
        match self.runs.all[at].origin {
            Origin::Hot(_) => {}
            Origin::File { .. } => self.counters.files_opened.add(1),
        }
        // Once whole runs are read in vain, small first slices only cost.
        let small_first = self.wanted.is_some() && self.ahead_count == 0;
        self.runs.open(&self.runs.all[at], self.wanted, small_first, &self.context)
    }

    /// Starts the next runs on other threads, as many as seem to be needed anyway.
    fn read_ahead(&mut self) {
        while self.ahead.len() < self.ahead_count && self.next < self.runs.all.len() {
            let mut rows = self.start(self.next);
            let mut builder = RecordBatchReceiverStream::builder(Arc::clone(&self.runs.schema), AHEAD_BATCHES);
            let sender = builder.tx();
            builder.spawn(async move {
                while let Some(batch) = rows.next().await {
                    if sender.send(batch).await.is_err() {
                        break;
                    }
                }
                Ok(())
            });
            self.ahead.push_back((self.runs.all[self.next].clone(), builder.build().boxed()));
            self.next += 1;
        }
    }

    /// Moves `head` to its run's next batch; `false` at its end.
    async fn advance(&mut self, head: &mut Head) -> Result<bool, DataFusionError> {
        while let Some(batch) = head.rows.next().await.transpose()? {
            self.counters.rows_decoded.add(batch.num_rows());
            if batch.num_rows() > 0 {
                self.load(head, batch)?;
                return Ok(true);
            }
        }
        if !head.matched {
            // Conditions match little: reading run after run would leave the other threads idle.
            self.ahead_count = (self.ahead_count + 1).min(self.runs.threads);
        }
        Ok(false)
    }

    fn ranks(&self, values: &ScalarBuffer<i64>) -> ScalarBuffer<i64> {
        match self.runs.direction {
            Direction::NewestFirst => values.clone(),
            direction => values.iter().map(|value| direction.rank(*value)).collect(),
        }
    }

    fn load(&mut self, head: &mut Head, batch: RecordBatch) -> Result<(), DataFusionError> {
        let (time_at, seq_at) = self.runs.keys;
        let times = batch.column(time_at).as_primitive_opt::<TimestampMicrosecondType>();
        let seqs = batch.column(seq_at).as_primitive_opt::<Int64Type>();
        let (Some(times), Some(seqs)) = (times, seqs) else {
            return Err(DataFusionError::Internal("a run lacks the columns of the order".into()));
        };
        let last = head.times.len().checked_sub(1).map(|at| (head.times[at], head.seqs[at]));
        let (nulls, times, seqs) = (times.null_count(), self.ranks(times.values()), self.ranks(seqs.values()));
        let keys = times.iter().copied().zip(seqs.iter().copied());
        let follows = last.is_none_or(|last| keys.clone().next().is_none_or(|first| first <= last));
        if nulls > 0 || !follows || !keys.is_sorted_by(|a, b| a >= b) {
            return Err(DataFusionError::Internal("a stored file is not in the order newest first".into()));
        }
        (head.times, head.seqs) = (times, seqs);
        self.loaded += 1;
        (head.batch, head.id, head.at, head.matched) = (batch, self.loaded, 0, true);
        Ok(())
    }
}

/// Rows chosen for one batch of output.
#[derive(Default)]
struct Output {
    batches: Vec<(usize, RecordBatch)>,
    /// Place in `batches`, first row, count.
    pieces: Vec<(usize, usize, usize)>,
    rows: usize,
}

impl Output {
    /// Takes `count` rows of `head` from its current one on.
    fn push(&mut self, head: &Head, count: usize) {
        let at = self.batches.iter().rposition(|(id, _)| *id == head.id).unwrap_or_else(|| {
            self.batches.push((head.id, head.batch.clone()));
            self.batches.len() - 1
        });
        match self.pieces.last_mut() {
            Some((last, start, rows)) if *last == at && *start + *rows == head.at => *rows += count,
            _ => self.pieces.push((at, head.at, count)),
        }
        self.rows += count;
    }

    /// The rows, cut to their first `columns` columns.
    fn build(self, columns: usize) -> Result<RecordBatch, DataFusionError> {
        let keep: Vec<usize> = (0..columns).collect();
        let batches = self.batches.iter().map(|(_, batch)| batch.project(&keep)).collect::<Result<Vec<_>, _>>()?;
        if let [(at, from, count)] = self.pieces[..] {
            return Ok(batches[at].slice(from, count));
        }
        if columns == 0 {
            let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
            return Ok(RecordBatch::try_new_with_options(batches[0].schema(), Vec::new(), &options)?);
        }
        if self.rows / self.pieces.len() >= PIECE_ROWS_MIN {
            let pieces: Vec<_> = self.pieces.iter().map(|&(at, from, count)| batches[at].slice(from, count)).collect();
            return Ok(concat_batches(pieces[0].schema_ref(), &pieces)?);
        }
        let rows: Vec<_> =
            self.pieces.iter().flat_map(|&(at, from, count)| (from..from + count).map(move |row| (at, row))).collect();
        Ok(interleave_record_batch(&batches.iter().collect::<Vec<_>>(), &rows)?)
    }
}
