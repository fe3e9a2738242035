//! Makes the file of one export, on a thread that may block: from its last checkpoint to its end.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use futures::stream::BoxStream;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use super::archive::{Archive, Blobs};
use super::bundle::{BodiesPacker, BundlePacker};
use super::chunks::Chunker;
use super::error::ExportError;
use super::files::{clear, clear_parts, is_whole};
use super::plan::{self, KEYS};
use super::record::{Cursor, Export, FileInfo, Status};
use super::rows::{Sink, sink};
use super::spec::{ExportFormat, What};
use crate::event::redact::Redactor;
use crate::journal::Statement;
use crate::journal::files::instant_of;
use crate::query::{Limits, Params, QueryError, Session};
use crate::table::Storage;

/// Runs that fail for passing reasons, in a row.
const TRIES: u32 = 6;
/// Pause after the first of them; it doubles.
const PAUSE: Duration = Duration::from_millis(500);

/// What an export needs of the engine.
pub trait Surroundings: Send + Sync {
    /// A session over what is there now, as the one who asked for the export.
    ///
    /// # Errors
    /// Its key has ended, or the project is gone.
    fn session(&self) -> Result<Session, ExportError>;
    /// Keeps how far the export is, durably, and lets others see it.
    ///
    /// # Errors
    /// It cannot be kept, or there is no room for more.
    fn checkpoint(&self, export: &Export) -> Result<(), ExportError>;
    /// What must not leave the house, by the rules of now.
    ///
    /// # Errors
    /// The rules cannot be used.
    fn redactor(&self) -> Result<Redactor, ExportError>;
    /// Where files of events are.
    fn storage(&self) -> &Storage;
    /// Limits of each query.
    fn limits(&self) -> Limits;
    /// Most files of an archive.
    fn files_max(&self) -> u64;
}

/// How a run ended.
#[derive(Debug)]
pub enum Ended {
    /// The file is there.
    Done,
    /// It was stopped; the export goes on from its last checkpoint, or not.
    Stopped,
    /// It cannot be made.
    Failed(ExportError),
}

/// One run.
pub struct Job {
    /// The export, as of its last checkpoint.
    pub export: Export,
    /// Its directory.
    pub dir: PathBuf,
    /// The engine.
    pub around: Arc<dyn Surroundings>,
    /// Where its queries are waited for.
    pub runtime: Handle,
    /// Ends the run.
    pub stop: CancellationToken,
}

impl Job {
    /// Runs to the end.
    #[must_use]
    pub fn run(mut self) -> Ended {
        let mut tries = 1;
        loop {
            let rows = self.export.progress.rows;
            match self.make() {
                Ok(()) => return Ended::Done,
                Err(ExportError::Stopped) => return Ended::Stopped,
                Err(_) if self.stop.is_cancelled() => return Ended::Stopped,
                Err(error) if error.is_passing() && tries < TRIES => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(export = self.export.id.as_str(), tries, error, "an export is tried again");
                    let pause = PAUSE * 2_u32.pow(tries);
                    // What came through before it failed is no failure.
                    tries = if self.export.progress.rows > rows { 1 } else { tries + 1 };
                    let stopped = async { tokio::time::timeout(pause, self.stop.cancelled()).await.is_ok() };
                    if self.runtime.block_on(stopped) {
                        return Ended::Stopped;
                    }
                }
                Err(error) => return Ended::Failed(error),
            }
        }
    }

    fn make(&mut self) -> Result<(), ExportError> {
        let io = ExportError::io(&self.dir);
        let whole = is_whole(&self.dir, &self.export.progress).map_err(&io)?;
        if !whole || matches!(self.export.spec.what, What::Sql { .. }) {
            self.export.begin_again();
            clear(&self.dir).map_err(&io)?;
            self.around.checkpoint(&self.export)?;
        }
        self.count()?;
        let mut sink = None;
        if self.export.windows.is_none() {
            let (sql, params) = self.export.probe()?;
            self.read((sql, params), 0, &mut sink)?;
        } else {
            self.read_windows(&mut sink)?;
        }
        let Some(Open { mut chunker, sink: mut file, at, .. }) = sink else {
            return Err(ExportError::Encode("no query was run".into()));
        };
        if let Some(rest) = chunker.rest()? {
            self.write(&rest, at, file.as_mut())?;
        }
        let (size, sha256) = file.finish(&self.export.progress)?;
        let spec = &self.export.spec;
        let (content_type, _) = spec.format.file_type();
        let name = spec.file_name(self.export.created_us);
        self.export.file = Some(FileInfo { name, content_type: content_type.to_owned(), size, sha256 });
        self.export.status = Status::Done;
        self.around.checkpoint(&self.export)?;
        clear_parts(&self.dir).map_err(&io)
    }

    /// Counts the rows of a filter, once.
    fn count(&mut self) -> Result<(), ExportError> {
        if self.export.windows.is_some() {
            return Ok(());
        }
        let Some(statement) = plan::count(&self.export)? else { return Ok(()) };
        let mut answer = self.ask(asked(statement))?.1;
        let mut batches = Vec::new();
        while let Some(batch) = self.next(&mut answer)? {
            batches.push(batch);
        }
        let windows = plan::windows(&batches, self.export.spec.order);
        self.export.progress.rows_total = Some(windows.iter().map(|window| window.rows).sum());
        self.export.windows = Some(windows);
        self.around.checkpoint(&self.export)
    }

    fn read_windows(&mut self, open: &mut Option<Open>) -> Result<(), ExportError> {
        let windows = self.export.windows.clone().unwrap_or_default();
        let (first, mut cursor) = match self.export.cursor {
            Some(cursor) => (cursor.window, Some(cursor)),
            None => (0, None),
        };
        if windows.is_empty() {
            return self.read(asked(plan::rows(&self.export, None, None)?), 0, open);
        }
        for (at, window) in windows.iter().enumerate().skip(first) {
            let statement = plan::rows(&self.export, Some(window), cursor.take())?;
            self.read(asked(statement), at, open)?;
        }
        Ok(())
    }

    /// Reads the rows of one query to their end; the last ones may wait for those of the next.
    fn read(&mut self, question: (String, Params), at: usize, open: &mut Option<Open>) -> Result<(), ExportError> {
        let (schema, mut answer) = self.ask(question)?;
        let this = match open {
            Some(open) => open,
            slot => slot.insert(self.open(&schema)?),
        };
        this.at = at;
        while let Some(batch) = self.next(&mut answer)? {
            for chunk in this.chunker.push(&batch)? {
                self.write(&chunk, at, this.sink.as_mut())?;
            }
        }
        Ok(())
    }

    fn open(&self, schema: &SchemaRef) -> Result<Open, ExportError> {
        let sink: Box<dyn Sink> = match self.export.spec.format {
            ExportFormat::Rows(format) => {
                let schema = self.file_schema(schema);
                sink(format, &schema, &self.dir, &self.export.progress)?
            }
            ExportFormat::Bodies => Box::new(self.archive(Box::new(BodiesPacker))?),
            ExportFormat::Bundle => {
                Box::new(self.archive(Box::new(BundlePacker { redactor: self.around.redactor()? }))?)
            }
        };
        Ok(Open { chunker: Chunker::default(), sink, at: 0 })
    }

    fn archive(&self, packer: Box<dyn super::archive::Packer>) -> Result<Archive, ExportError> {
        let blobs = Blobs {
            storage: self.around.storage().clone(),
            project: self.export.project.clone(),
            runtime: self.runtime.clone(),
        };
        Archive::new(&self.dir, packer, blobs, self.around.files_max())
    }

    /// Schema of the file: without the columns that only say where to go on.
    fn file_schema(&self, schema: &SchemaRef) -> SchemaRef {
        match plan::column_count(&self.export) {
            Some(count) if count < schema.fields().len() => {
                Arc::new(Schema::new(schema.fields().iter().take(count).cloned().collect::<Vec<_>>()))
            }
            _ => Arc::clone(schema),
        }
    }

    /// Writes a chunk and notes that it is there.
    fn write(&mut self, chunk: &RecordBatch, at: usize, sink: &mut dyn Sink) -> Result<(), ExportError> {
        let rows = match (self.export.spec.format, plan::column_count(&self.export)) {
            (ExportFormat::Rows(_), Some(count)) if count < chunk.num_columns() => {
                chunk.project(&(0..count).collect::<Vec<_>>()).map_err(ExportError::encode)?
            }
            _ => chunk.clone(),
        };
        let written = sink.write(&rows, &self.export.progress)?;
        if self.export.windows.is_some() {
            let last = chunk.num_rows().saturating_sub(1);
            let key = |name| instant_of(chunk, name, last);
            let (Some(time_us), Some(seq)) = (key(KEYS[0]), key(KEYS[1])) else {
                return Err(ExportError::Encode("the rows lack the columns of their order".into()));
            };
            self.export.cursor = Some(Cursor { window: at, time_us, seq });
        }
        let progress = &mut self.export.progress;
        progress.rows += chunk.num_rows() as u64;
        progress.bytes += written.bytes;
        progress.files += written.files;
        progress.chunks += 1;
        self.around.checkpoint(&self.export)
    }

    fn ask(&self, (sql, params): (String, Params)) -> Result<(SchemaRef, Batches), ExportError> {
        let session = self.around.session()?;
        let limits = self.around.limits();
        let asking = async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => Err(ExportError::Stopped),
                answer = session.run(&sql, params, limits) => Ok(answer?),
            }
        };
        let answer = self.runtime.block_on(asking)?;
        Ok((answer.schema(), answer.into_batches()))
    }

    fn next(&self, batches: &mut Batches) -> Result<Option<RecordBatch>, ExportError> {
        let next = async {
            tokio::select! {
                biased;
                () = self.stop.cancelled() => Err(ExportError::Stopped),
                batch = batches.next() => Ok(batch.transpose()?),
            }
        };
        self.runtime.block_on(next)
    }
}

fn asked(statement: Statement) -> (String, Params) {
    let params = statement.params();
    (statement.sql, params)
}

type Batches = BoxStream<'static, Result<RecordBatch, QueryError>>;

/// What is open while rows are read.
struct Open {
    chunker: Chunker,
    sink: Box<dyn Sink>,
    /// The window that was read last.
    at: usize,
}
