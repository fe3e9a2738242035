//! Output formats: from normalised batches to bytes, as they come.
//!
//! An encoder sees a batch at a time and writes into a buffer that becomes a chunk of the body. The
//! last chunk depends on how the answer ended; when it failed there is none, and the body breaks off.

pub(super) mod cell;

mod arrow;
mod csv;
mod format;
mod json;
mod ndjson;
mod objects;
mod parquet;

use ::arrow::datatypes::SchemaRef;
use ::arrow::record_batch::RecordBatch;
use bytes::Bytes;
use futures::stream::{BoxStream, Stream};
use futures::{StreamExt, TryStreamExt};
use tokio::runtime::Handle;
use tokio::sync::mpsc;

use super::answer::{Answer, Deadline, End, Outcome, Stats};
use super::error::QueryError;
use super::types::OutColumn;
pub use format::Format;
pub use objects::objects;

/// Chunks that may be ready before the reader asks for them.
const CHUNKS_AHEAD: usize = 2;
/// Rows that are encoded into one chunk of a text format.
const CHUNK_ROWS: usize = 1_024;

/// Turns batches into bytes.
trait Encoder: Send {
    /// What stands before the first row.
    fn start(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError>;
    /// The rows of a batch.
    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError>;
    /// What stands after the last row.
    fn finish(&mut self, outcome: &Outcome, out: &mut Vec<u8>) -> Result<(), QueryError>;
}

fn encoder(format: Format, columns: &[OutColumn], schema: SchemaRef) -> Box<dyn Encoder> {
    match format {
        Format::Json => Box::new(json::Json::new(columns.to_vec())),
        Format::Ndjson => Box::new(ndjson::Ndjson::new(columns)),
        Format::Csv => Box::new(csv::Csv::new(columns, csv::Formulas::AsTheyAre)),
        Format::CsvSafe => Box::new(csv::Csv::new(columns, csv::Formulas::AsText)),
        Format::Arrow => Box::new(arrow::ArrowStream::new(schema)),
        Format::Parquet => Box::new(parquet::ParquetFile::new(schema)),
    }
}

/// A body that is made in steps by somebody who has the rows, such as a file that goes on after a restart.
pub struct Encoding {
    encoder: Box<dyn Encoder>,
    format: Format,
}

impl Encoding {
    /// An encoding of batches of `schema`, which are those of an [`Answer`] or a choice of its columns.
    #[must_use]
    pub fn new(format: Format, schema: &SchemaRef) -> Self {
        let columns: Vec<OutColumn> = schema.fields().iter().map(|field| OutColumn::of(field)).collect();
        Self { encoder: encoder(format, &columns, SchemaRef::clone(schema)), format }
    }

    /// Whether the bytes tell how the rows were handed over, so that other steps make other bytes.
    #[must_use]
    pub fn is_framed(&self) -> bool {
        matches!(self.format, Format::Arrow | Format::Parquet)
    }

    /// Appends what stands before the first row; must be called once, also when that is not needed again.
    ///
    /// # Errors
    /// The format cannot hold the rows.
    pub fn start(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.encoder.start(out)
    }

    /// Appends rows.
    ///
    /// # Errors
    /// The format cannot hold them.
    pub fn rows(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.encoder.batch(batch, out)
    }

    /// Appends what stands after the last row of a body that is complete.
    ///
    /// # Errors
    /// The format cannot be ended.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.encoder.finish(&Outcome { truncated: false, stats: Stats::default() }, out)
    }
}

impl std::fmt::Debug for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoding").field("format", &self.format).finish_non_exhaustive()
    }
}

/// The body of `answer` in `format`; an error is the last item, and the body is then incomplete.
///
/// It is made on the threads of queries: an answer can be long, and those of ingest have other work.
pub fn encode(answer: Answer, format: Format) -> impl Stream<Item = Result<Bytes, QueryError>> + Send + 'static {
    let (runtime, deadline) = (answer.runtime(), answer.deadline());
    let (columns, schema, end) = (answer.columns().to_vec(), answer.schema(), answer.end());
    let body =
        Body { encoder: encoder(format, &columns, schema), batches: answer.into_batches(), end, part: Part::Start };
    let chunks =
        futures::stream::try_unfold(body, |mut body| async move { Ok(body.chunk().await?.map(|chunk| (chunk, body))) })
            .try_filter(|chunk: &Bytes| std::future::ready(!chunk.is_empty()));
    elsewhere(chunks, &runtime, deadline)
}

/// `chunks`, made on `runtime` as long as somebody reads them and until `deadline`, which is told also where
/// the threads there are held by something else.
fn elsewhere(
    chunks: impl Stream<Item = Result<Bytes, QueryError>> + Send + 'static,
    runtime: &Handle,
    deadline: Deadline,
) -> BoxStream<'static, Result<Bytes, QueryError>> {
    let (out, made) = mpsc::channel(CHUNKS_AHEAD);
    runtime.spawn(async move {
        let mut chunks = std::pin::pin!(chunks);
        loop {
            let chunk = tokio::select! {
                biased;
                // The reader went away: what is unfinished ends with `chunks`.
                () = out.closed() => break,
                chunk = chunks.next() => chunk,
            };
            let end = chunk.is_none();
            // A reader who is there and does not read must not hold the query beyond its deadline.
            let sent = tokio::time::timeout_at(deadline.at, out.send(chunk)).await;
            if end || !matches!(sent, Ok(Ok(()))) {
                break;
            }
        }
    });
    let chunks = futures::stream::unfold(Some(made), move |made| async move {
        let mut made = made?;
        match tokio::time::timeout_at(deadline.at, made.recv()).await {
            Ok(Some(chunk)) => chunk.map(|chunk| (chunk, Some(made))),
            // Without an end of its own the answer is not complete.
            Ok(None) | Err(_) => Some((Err(QueryError::DeadlineExceeded(deadline.timeout)), None)),
        }
    });
    chunks.boxed()
}

enum Part {
    Start,
    Rows,
    /// Rows of a batch that were not encoded yet.
    Rest(RecordBatch),
    Done,
}

struct Body {
    encoder: Box<dyn Encoder>,
    batches: BoxStream<'static, Result<RecordBatch, QueryError>>,
    end: End,
    part: Part,
}

impl Body {
    /// The next chunk, which may be empty; `None` at the end.
    async fn chunk(&mut self) -> Result<Option<Bytes>, QueryError> {
        let mut out = Vec::new();
        match std::mem::replace(&mut self.part, Part::Done) {
            Part::Start => {
                self.encoder.start(&mut out)?;
                self.part = Part::Rows;
            }
            Part::Rows => match self.batches.next().await.transpose()? {
                Some(batch) => self.some_rows(batch, &mut out)?,
                None => {
                    let outcome = self.end.get().ok_or_else(|| QueryError::Internal("the answer has no end".into()))?;
                    self.encoder.finish(&outcome, &mut out)?;
                }
            },
            Part::Rest(batch) => self.some_rows(batch, &mut out)?,
            Part::Done => return Ok(None),
        }
        Ok(Some(out.into()))
    }

    fn some_rows(&mut self, batch: RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let now = batch.num_rows().min(CHUNK_ROWS);
        self.encoder.batch(&batch.slice(0, now), out)?;
        self.part =
            if now < batch.num_rows() { Part::Rest(batch.slice(now, batch.num_rows() - now)) } else { Part::Rows };
        Ok(())
    }
}

#[cfg(test)]
mod tests;
