//! A look at a table that changes nothing: log against files, files against checksums, checksums against rows.
//!
//! Shallow: every commit that is still there is decoded, every live file is there in its size, its tail has its
//! checksum, its footer has as many rows as the log says. Deep, besides: every block has its checksum, and the
//! rows are of their date and in their order. It may run beside a server that writes: what a newer version of
//! the table has replaced meanwhile is not missed.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use tokio::runtime::Handle;

use super::checked::{Checked, CheckedFile};
use super::damage::FileDamage;
use super::error::TableError;
use super::log::{Commit, LOG_DIR, checkpoint_version, commit_version};
use super::seals::{self, Seal};
use super::state::State;
use super::version::DataFile;
use super::{Storage, load};
use crate::error::with_causes;
use crate::event::columns::DAY_US;
use crate::event::names::ProjectName;
use crate::event::schema::SEQ;

/// How often a table that changes under the look is looked at again.
const TRIES: usize = 3;

/// What a look at a table found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TableCheck {
    /// Version of the table.
    pub version: u64,
    /// Live files.
    pub files: u64,
    /// Their rows, as the log has them.
    pub rows: u64,
    /// Their size in bytes.
    pub bytes: u64,
    /// Live files without checksums: of another tool or an earlier release.
    pub unchecked: u64,
    /// Files that were replaced and wait for their deletion.
    pub replaced: u64,
    /// Files below the table that no version knows: path in the store, and size.
    pub orphans: Vec<(String, u64)>,
    /// What is damaged or missing: a file, and what is wrong as the end of a sentence.
    pub damage: Vec<FileDamage>,
    /// Last `_seq` in the table of the writer that was asked for.
    pub stored_through: Option<i64>,
}

impl Storage {
    /// Looks at the table of `project`; `writer` is the id of the data directory, if there is one.
    ///
    /// # Errors
    /// The store fails. Damage is no error, it is found.
    pub async fn check_table(
        &self,
        project: &ProjectName,
        writer: Option<&str>,
        deep: bool,
    ) -> Result<TableCheck, TableError> {
        let mut check = TableCheck::default();
        for left in (0..TRIES).rev() {
            check = TableCheck::default();
            if !self.look(project, writer, deep, &mut check).await? || left == 0 {
                break;
            }
        }
        Ok(check)
    }

    /// One look; whether something was missing that a newer version may not need any more.
    async fn look(
        &self,
        project: &ProjectName,
        writer: Option<&str>,
        deep: bool,
        check: &mut TableCheck,
    ) -> Result<bool, TableError> {
        let root = self.table_root(project);
        let present: HashMap<Path, u64> = self.listed(&root).await?.into_iter().collect();
        check.damage.extend(self.damaged_commits(&root, &present).await?);
        let app = writer.map(super::WriterId::app_of).unwrap_or_default();
        let state = match load::load(self, &root, &[&app]).await {
            Ok(Some(state)) => state,
            Ok(None) => {
                check.damage.push(damage(LOG_DIR, "is missing: the project has a directory, but no table"));
                return Ok(false);
            }
            Err(error @ TableError::Store { .. }) => return Err(error),
            Err(error) => {
                check.damage.push(of_error(LOG_DIR, &error));
                return Ok(false);
            }
        };
        check.version = state.version();
        check.stored_through = state.txn(&app);
        let missing = self.check_files(&state, &present, deep, check).await?;
        for (path, size) in &present {
            let below = path
                .prefix_match(&root)
                .map(|parts| parts.map(|part| part.as_ref().to_owned()).collect::<Vec<_>>().join("/"));
            let Some(below) = below.filter(|below| below.ends_with(".parquet") && !below.starts_with(LOG_DIR)) else {
                continue;
            };
            if state.removed.contains_key(&below) {
                check.replaced += 1;
            } else if !state.live.contains_key(&below) {
                check.orphans.push((path.to_string(), *size));
            }
        }
        Ok(missing)
    }

    /// Commits that a checkpoint stands for are not read when a table is opened; here they are.
    async fn damaged_commits(&self, root: &Path, present: &HashMap<Path, u64>) -> Result<Vec<FileDamage>, TableError> {
        let (log, store) = (root.clone().join(LOG_DIR), self.store());
        let mut damaged = Vec::new();
        for path in present.keys().filter(|path| path.prefix_matches(&log)) {
            let Some(name) = path.filename() else { continue };
            if let Some(version) = checkpoint_version(name)
                && let Seal::Broken(what) = seals::examine(self, root, version).await?
            {
                damaged.push(damage(&format!("{LOG_DIR}/{name}"), what));
            }
            if commit_version(name).is_none() {
                continue;
            }
            let read = async { store.get(path).await?.bytes().await };
            match read.await {
                Ok(text) => {
                    if let Err(error) = Commit::decode(path, &text) {
                        damaged.push(of_error(&format!("{LOG_DIR}/{name}"), &error));
                    }
                }
                Err(object_store::Error::NotFound { .. }) => {}
                Err(source) => return Err(TableError::store("read", path, source)),
            }
        }
        Ok(damaged)
    }

    /// Size of a file; one that is not listed is asked for: listings may be late.
    async fn size_of(&self, path: &Path, present: &HashMap<Path, u64>) -> Result<Option<u64>, TableError> {
        if let Some(size) = present.get(path) {
            return Ok(Some(*size));
        }
        match self.store().head(path).await {
            Ok(found) => Ok(Some(found.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(source) => Err(TableError::store("look for", path, source)),
        }
    }

    async fn check_files(
        &self,
        state: &State,
        present: &HashMap<Path, u64>,
        deep: bool,
        check: &mut TableCheck,
    ) -> Result<bool, TableError> {
        let mut missing = false;
        for file in state.live.values() {
            check.files += 1;
            check.rows += file.rows;
            check.bytes += file.size;
            check.unchecked += u64::from(file.sums.is_none());
            match self.size_of(&file.location, present).await? {
                None => {
                    missing = true;
                    check.damage.push(damage(&file.path, "is missing"));
                }
                Some(size) if size != file.size => {
                    check.damage.push(damage(&file.path, format!("has {size} bytes, the log says {}", file.size)));
                }
                Some(_) => match check_file(self.store(), file, deep).await {
                    Ok(()) => {}
                    Err(CheckError::Damaged(found)) => check.damage.push(found),
                    // Vacuum was faster.
                    Err(CheckError::Store(TableError::Store {
                        source: object_store::Error::NotFound { .. }, ..
                    })) => {
                        missing = true;
                        check.damage.push(damage(&file.path, "is missing"));
                    }
                    Err(CheckError::Store(error)) => return Err(error),
                },
            }
        }
        Ok(missing)
    }
}

fn damage(path: &str, what: impl Into<String>) -> FileDamage {
    FileDamage { path: path.to_owned(), what: what.into() }
}

fn of_error(path: &str, error: &TableError) -> FileDamage {
    match error {
        TableError::DamagedFile { path, what } => damage(path, what.clone()),
        TableError::DamagedLog { file, what } => damage(file, what.clone()),
        other => damage(path, format!("cannot be used: {}", with_causes(other))),
    }
}

/// Why a file did not pass.
#[derive(Debug)]
pub enum CheckError {
    /// It does not hold what was written.
    Damaged(FileDamage),
    /// The store cannot say.
    Store(TableError),
}

/// Compares a live file with its checksums and the log: its tail and row count, or, `deep`, all of it.
///
/// # Errors
/// What is wrong.
pub async fn check_file(store: Arc<dyn ObjectStore>, file: &Arc<DataFile>, deep: bool) -> Result<(), CheckError> {
    if deep {
        check_blocks(&store, file, |_| std::future::ready(())).await?;
    }
    let (file, runtime) = (Arc::clone(file), Handle::current());
    let look = tokio::task::spawn_blocking(move || {
        let reader = CheckedFile::new(store, &file, runtime);
        decode(&reader, &file, deep)
    });
    look.await.map_err(|error| CheckError::Store(error.into()))?
}

/// Reads all blocks of a file; `pace` is called with the bytes of each step.
///
/// # Errors
/// What is wrong.
pub async fn check_blocks<F: Future<Output = ()>>(
    store: &Arc<dyn ObjectStore>,
    file: &Arc<DataFile>,
    pace: impl Fn(u64) -> F,
) -> Result<(), CheckError> {
    let mut blocks = Arc::new(Checked::new(Arc::clone(store), Arc::clone(file))).stream();
    loop {
        match blocks.try_next().await {
            Ok(Some(bytes)) => pace(bytes.len() as u64).await,
            Ok(None) => return Ok(()),
            Err(error) => return Err(judged(file, error)),
        }
    }
}

fn judged(file: &DataFile, error: object_store::Error) -> CheckError {
    match FileDamage::behind(&error) {
        Some(damage) => CheckError::Damaged(damage.clone()),
        None => CheckError::Store(TableError::store("read", &file.location, error)),
    }
}

fn decode(reader: &CheckedFile, file: &DataFile, deep: bool) -> Result<(), CheckError> {
    let wrong = |what: String| CheckError::Damaged(damage(&file.path, what));
    let failed = |error: &dyn std::error::Error| match reader.fault(file) {
        Some(TableError::DamagedFile { path, what }) => CheckError::Damaged(FileDamage { path, what }),
        Some(error) => CheckError::Store(error),
        // What a decoder says by itself is damage.
        None => wrong(format!("cannot be decoded: {error}")),
    };
    let options = ArrowReaderOptions::new().with_skip_arrow_metadata(true);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(reader.clone(), options);
    let builder = builder.map_err(|error| failed(&error))?;
    let found = u64::try_from(builder.metadata().file_metadata().num_rows()).unwrap_or_default();
    if found != file.rows {
        return Err(wrong(format!("has {found} rows, the log says {}", file.rows)));
    }
    if !deep {
        return Ok(());
    }
    let mask = ProjectionMask::columns(builder.parquet_schema(), ["event_time", SEQ]);
    let rows = builder.with_projection(mask).build().map_err(|error| failed(&error))?;
    let mut order = Order { file, last: None, rows: 0 };
    for batch in rows {
        order.take(&batch.map_err(|error| failed(&error))?).map_err(&wrong)?;
    }
    if order.rows != file.rows {
        return Err(wrong(format!("holds {} rows, the log says {}", order.rows, file.rows)));
    }
    Ok(())
}

/// Rows that must be of one date, newest first.
struct Order<'a> {
    file: &'a DataFile,
    last: Option<(i64, i64)>,
    rows: u64,
}

impl Order<'_> {
    fn take(&mut self, batch: &arrow::record_batch::RecordBatch) -> Result<(), String> {
        let times =
            batch.column_by_name("event_time").and_then(|array| array.as_primitive_opt::<TimestampMicrosecondType>());
        let seqs = batch.column_by_name(SEQ).and_then(|array| array.as_primitive_opt::<Int64Type>());
        let (Some(times), Some(seqs)) = (times, seqs) else { return Err("has no event_time or _seq".into()) };
        self.rows += batch.num_rows() as u64;
        if times.null_count() > 0 {
            return Err("has rows without event_time".into());
        }
        for (time, seq) in times.values().iter().zip(seqs.values()) {
            if time.div_euclid(DAY_US) != i64::from(self.file.date) {
                return Err("has rows of another date than its directory".into());
            }
            if self.file.ordered && self.last.is_some_and(|last| (*time, *seq) > last) {
                return Err("is not in order".into());
            }
            self.last = Some((*time, *seq));
        }
        Ok(())
    }
}
