//! Files without some of their rows, or with other values in them: what an erasure asks for.
//!
//! Only files concerned are read whole and written again, each by itself, in the order that it has. A commit
//! swaps a few at a time; whoever reads an older version still finds the old ones, until they are deleted.

use std::sync::Arc;

use arrow::compute::{SortColumn, SortOptions, concat_batches, lexsort_to_indices, take_record_batch};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use object_store::ObjectStoreExt;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::reader::ChunkReader;

use super::commit::{Change, Outcome};
use super::error::TableError;
use super::merge::Source;
use super::opened::Table;
use super::order::{CHUNK_ROWS, Content, Contents, places_in, widened};
use super::upload::Target;
use super::version::{DataFile, TableVersion};
use super::writer::{Partition, parquet_failed, write_file};
use crate::event::schema::{SEQ, file_schema};

/// Decoded bytes of a chunk, by the average row.
const DECODED_BYTES: usize = 16 << 20;

/// What becomes of rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Judged {
    /// Rows that go.
    pub removed: u64,
    /// Rows that stay with other values.
    pub changed: u64,
    /// Rows that would go or change, were they not held.
    pub held: u64,
}

impl Judged {
    /// Whether a file with such rows must be written again.
    #[must_use]
    pub fn is_change(&self) -> bool {
        self.removed > 0 || self.changed > 0
    }
}

impl std::ops::AddAssign for Judged {
    fn add_assign(&mut self, other: Self) {
        self.removed += other.removed;
        self.changed += other.changed;
        self.held += other.held;
    }
}

/// Decides about rows of files; both of its ways with rows must agree.
pub trait RowEdit: Send + Sync + std::fmt::Debug {
    /// Whether a file may have rows that are concerned, by what the log knows of it.
    fn concerns(&self, file: &DataFile) -> bool;
    /// Columns of the file schema that [`RowEdit::judge`] needs; `None`: all.
    fn columns(&self) -> Option<Vec<&'static str>>;
    /// What would become of rows of a file.
    ///
    /// # Errors
    /// A column has another type than the model says.
    fn judge(&self, file: &DataFile, rows: &RecordBatch) -> Result<Judged, ArrowError>;
    /// The rows that stay, in their order, as they shall be.
    ///
    /// # Errors
    /// A column has another type than the model says.
    fn edit(&self, file: &DataFile, rows: &RecordBatch) -> Result<RecordBatch, ArrowError>;
}

/// A file whose rows were judged.
#[derive(Debug, Clone)]
pub struct Concerned {
    /// The file.
    pub file: Arc<DataFile>,
    /// What its rows come to.
    pub judged: Judged,
}

impl Table {
    /// Reads the files of `version` that `edit` concerns and tells of each what its rows come to; `seen` hears of
    /// each file, and ends the reading by answering `false`.
    ///
    /// # Errors
    /// A file cannot be read.
    pub async fn judge(
        &self,
        version: &TableVersion,
        edit: &Arc<dyn RowEdit>,
        mut seen: impl FnMut(&Concerned) -> bool + Send,
    ) -> Result<Vec<Concerned>, TableError> {
        let mut found = Vec::new();
        for file in version.files.iter().filter(|file| edit.concerns(file)) {
            let (target, edit, of) = (self.target(), Arc::clone(edit), Arc::clone(file));
            let work = move || {
                let mut judged = Judged::default();
                read(&target, &of, edit.columns().as_deref(), |rows| {
                    judged += edit.judge(&of, rows)?;
                    Ok(())
                })?;
                Ok::<_, TableError>(judged)
            };
            let judged = tokio::task::spawn_blocking(work).await??;
            let concerned = Concerned { file: Arc::clone(file), judged };
            let more = seen(&concerned);
            found.push(concerned);
            if !more {
                break;
            }
        }
        Ok(found)
    }

    /// Writes `files` again as `edit` says and swaps them in one commit; `before` is called when the new ones are
    /// durable, right before the commit. False where a file went meanwhile: nothing has happened then.
    ///
    /// # Errors
    /// What `before` says; [`TableError::Fenced`]; the store fails. The commit may have been made all the same:
    /// [`Table::are_gone`] tells.
    pub async fn rewrite<E: From<TableError>>(
        &self,
        files: &[Concerned],
        edit: &Arc<dyn RowEdit>,
        before: impl FnOnce() -> Result<(), E> + Send,
        publish: impl FnOnce(Arc<TableVersion>) + Send,
    ) -> Result<bool, E> {
        let _one = self.compacting.lock().await;
        let mut adds = Vec::new();
        for Concerned { file, .. } in files.iter().filter(|of| of.judged.removed < of.file.rows) {
            let (target, edit, of) = (self.target(), Arc::clone(edit), Arc::clone(file));
            let written = tokio::task::spawn_blocking(move || write_again(&target, &of, edit.as_ref())).await;
            match written.map_err(TableError::from).and_then(|written| written) {
                Ok(written) => adds.push(Arc::new(written)),
                Err(error) => {
                    self.discard(&adds).await;
                    return Err(error.into());
                }
            }
        }
        let mut state = self.state.lock().await;
        let settled = self.check_settled(&state).map_err(E::from).and_then(|()| before());
        if let Err(error) = settled {
            drop(state);
            self.discard(&adds).await;
            return Err(error);
        }
        let removes = files.iter().map(|of| Arc::clone(&of.file)).collect();
        let change = Change { adds, removes, deletes: true, ..Change::default() };
        let outcome = self.commit(&mut state, &change).await?;
        self.publish(&mut state, publish);
        drop(state);
        if matches!(outcome, Outcome::Committed) {
            self.checkpoint_if_due().await;
            return Ok(true);
        }
        self.discard(&change.adds).await;
        Ok(false)
    }

    /// Whether none of these files (by their paths in the log) is live, as the log has it now.
    ///
    /// # Errors
    /// The log cannot be read.
    pub async fn are_gone(&self, paths: &[String]) -> Result<bool, TableError> {
        let mut state = self.state.lock().await;
        self.catch_up(&mut state).await?;
        Ok(!paths.iter().any(|path| state.live.contains_key(path)))
    }

    /// Files that were written and are in no commit. What cannot be deleted now, `vacuum` finds later.
    async fn discard(&self, files: &[Arc<DataFile>]) {
        for file in files {
            if let Err(error) = self.storage.store().delete(&file.location).await {
                tracing::debug!(path = %file.location, %error, "a rewritten file nobody needs stays for now");
            }
        }
    }
}

/// The file without the rows that go; some stay.
fn write_again(target: &Target, file: &Arc<DataFile>, edit: &dyn RowEdit) -> Result<DataFile, TableError> {
    let partition = Partition { date: file.date, module: file.module.clone() };
    let contents = Contents::new(vec![Content::Values; file_schema().fields().len()]);
    let mut written = write_file(target, partition, &contents, |out| {
        let mut unordered = Vec::new();
        read(target, file, None, |rows| {
            let rows = edit.edit(file, rows)?;
            match rows.num_rows() {
                0 => Ok(()),
                _ if file.ordered => out.write(&rows),
                _ => {
                    unordered.push(rows);
                    Ok(())
                }
            }
        })?;
        if unordered.is_empty() { Ok(()) } else { out.write(&in_order(&unordered)?) }
    })?;
    // What compaction counts of its rows is still true: this was none.
    written.work = file.work;
    Ok(written)
}

/// Rows of a file that another tool has added, in our order.
fn in_order(batches: &[RecordBatch]) -> Result<RecordBatch, TableError> {
    let rows = concat_batches(&file_schema(), batches)?;
    let options = Some(SortOptions { descending: true, nulls_first: false });
    let key = |name: &str| {
        let values = rows.column_by_name(name).ok_or_else(|| TableError::Misuse(format!("rows without {name}")))?;
        Ok::<_, TableError>(SortColumn { values: Arc::clone(values), options })
    };
    let order = lexsort_to_indices(&[key("event_time")?, key(SEQ)?], None)?;
    Ok(take_record_batch(&rows, &order)?)
}

/// Gives the rows of a file to `visit`, in chunks: of all columns in the file schema, or of those named that the
/// file has. Rows that are fewer or more than the log says are an error.
fn read(
    target: &Target,
    file: &Arc<DataFile>,
    columns: Option<&[&str]>,
    mut visit: impl FnMut(&RecordBatch) -> Result<(), TableError>,
) -> Result<(), TableError> {
    let source = Source::open(target, file, DECODED_BYTES as u64)?;
    let rows = read_all(source.clone(), file, columns, &mut visit).map_err(|error| match source.take_failure() {
        // The reader in between made a text of it.
        Some(failure) => TableError::reading_file(file, failure),
        None => error,
    })?;
    if rows != file.rows {
        let what = format!("has {rows} rows, the log says {}", file.rows);
        return Err(TableError::DamagedFile { path: file.path.clone(), what });
    }
    Ok(())
}

fn read_all<R: ChunkReader + 'static>(
    open: R,
    file: &DataFile,
    columns: Option<&[&str]>,
    visit: &mut impl FnMut(&RecordBatch) -> Result<(), TableError>,
) -> Result<u64, TableError> {
    let failed = |source| parquet_failed("read", &file.location, source);
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let mut builder = ParquetRecordBatchReaderBuilder::try_new_with_options(open, options).map_err(failed)?;
    if let Some(columns) = columns {
        let mask = ProjectionMask::columns(builder.parquet_schema(), columns.iter().copied());
        builder = builder.with_projection(mask);
    }
    let bytes: i64 = builder.metadata().row_groups().iter().map(|group| group.total_byte_size()).sum();
    let row_bytes = usize::try_from(bytes).unwrap_or(usize::MAX) / usize::try_from(file.rows.max(1)).unwrap_or(1);
    let chunk = (DECODED_BYTES / row_bytes.max(1)).clamp(1, CHUNK_ROWS);
    let mut rows = 0;
    for batch in builder.with_batch_size(chunk).build().map_err(failed)? {
        let batch = batch?;
        rows += batch.num_rows() as u64;
        match columns {
            Some(_) => visit(&batch)?,
            None => visit(&widened(&batch, &places_in(&batch.schema()))?)?,
        }
    }
    Ok(rows)
}
