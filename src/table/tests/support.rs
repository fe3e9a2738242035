//! Rows, tables in a temporary directory, a store that fails on demand.

use std::collections::BTreeMap;
use std::fmt::{self, Display};
use std::ops::Range;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use arrow::util::display::{ArrayFormatter, FormatOptions};
use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::{ArrowReaderOptions, ParquetRecordBatchReaderBuilder};
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData};
use tempfile::TempDir;
use tokio::sync::Semaphore;
use uuid::Uuid;

use crate::config::Compaction;
use crate::event::columns::{DAY_US, Rows};
use crate::event::model::index_of;
use crate::event::names::ProjectName;
use crate::event::schema::{EVENT_TIME_AT, MODULE_AT};
use crate::table::*;

/// One row to be; everything else is made from it.
#[derive(Debug, Clone)]
pub(in crate::table) struct Spec {
    pub(in crate::table) time: i64,
    pub(in crate::table) module: Option<String>,
    pub(in crate::table) text: Option<String>,
    pub(in crate::table) number: Option<i32>,
}

pub(in crate::table) fn spec(time: i64, module: Option<&str>) -> Spec {
    Spec { time, module: module.map(str::to_owned), text: Some(format!("at {time}")), number: Some(9) }
}

/// Rows whose `_seq` start with `first`.
pub(in crate::table) fn batch(first: i64, specs: &[Spec]) -> RecordBatch {
    let mut rows = Rows::default();
    for (at, spec) in (first..).zip(specs) {
        rows.text(index_of("event_id")).push(format!("id-{at}").as_bytes());
        rows.i64s(EVENT_TIME_AT).push(spec.time);
        rows.i64s(index_of("observed_time")).push(spec.time.max(0) + 1);
        for column in ["tenant_id", "source", "dataset", "event_type", "action"] {
            rows.text(index_of(column)).push(column.as_bytes());
        }
        if let Some(module) = &spec.module {
            rows.text(MODULE_AT).push(module.as_bytes());
        }
        if let Some(text) = &spec.text {
            rows.text(index_of("message")).push(text.as_bytes());
            rows.text(index_of("actor_id")).push(text.as_bytes());
            let related = rows.list(index_of("related"));
            related.text(0).push(b"order");
            related.text(1).push(text.as_bytes());
            related.end_item();
            related.end_list();
            let labels = rows.list(index_of("labels"));
            labels.text(0).push(b"label");
            labels.text(1).push(text.as_bytes());
            labels.end_item();
            labels.end_list();
        }
        if let Some(number) = spec.number {
            match rows.column(index_of("severity_number")) {
                crate::event::columns::ColumnData::I32(column) => column.push(number),
                _ => unreachable!("severity_number is Int32"),
            }
        }
        rows.end_row();
    }
    rows.number(first);
    rows.finish()
}

/// A storage in a directory that goes with it.
pub(in crate::table) struct Place {
    pub(in crate::table) dir: TempDir,
    pub(in crate::table) storage: Storage,
}

impl Place {
    pub(in crate::table) fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let url = dir.path().join("a store").display().to_string();
        let storage = Storage::open(&url, &BTreeMap::new()).expect("a local storage");
        Self { dir, storage }
    }

    pub(in crate::table) async fn open(&self) -> Table {
        open(&self.storage, Uuid::new_v4()).await
    }

    /// Directory of the table on disk.
    pub(in crate::table) fn table_dir(&self) -> std::path::PathBuf {
        self.dir.path().join("a store/projects/default/events")
    }

    pub(in crate::table) async fn read_only(&self) -> Arc<TableVersion> {
        open_read_only(&self.storage, &project()).await.expect("opens")
    }
}

pub(in crate::table) fn project() -> ProjectName {
    ProjectName::default_project()
}

pub(in crate::table) async fn open(storage: &Storage, writer: Uuid) -> Table {
    try_open(storage, writer).await.expect("opens")
}

pub(in crate::table) async fn try_open(storage: &Storage, writer: Uuid) -> Result<Table, TableError> {
    let settings = TableSettings::new(&Compaction::default());
    Table::open(storage, project(), WriterId::from(writer), settings).await
}

/// Flushes rows numbered from `first` on.
pub(in crate::table) async fn flush(table: &Table, first: i64, specs: &[Spec]) -> Result<FlushReport, TableError> {
    let through = first + specs.len() as i64 - 1;
    table.flush(&[batch(first, specs)], through, |_| ()).await
}

/// A file's content: footer, and rows as text, in the order of the file, without partition columns.
pub(in crate::table) async fn read_file(storage: &Storage, location: &Path) -> (ParquetMetaData, RecordBatch, Bytes) {
    let bytes = storage.store().get(location).await.expect("is there").bytes().await.expect("reads");
    let options = ArrowReaderOptions::new().with_page_index_policy(PageIndexPolicy::Required);
    let builder = ParquetRecordBatchReaderBuilder::try_new_with_options(bytes.clone(), options).expect("is Parquet");
    let (footer, schema) = (builder.metadata().as_ref().clone(), Arc::clone(builder.schema()));
    let batches = builder.build().expect("reads").collect::<Result<Vec<_>, _>>().expect("decodes");
    (footer, arrow::compute::concat_batches(&schema, &batches).expect("one schema"), bytes)
}

/// Rows as text.
pub(in crate::table) fn lines(batch: &RecordBatch) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let columns: Vec<_> =
        batch.columns().iter().map(|array| ArrayFormatter::try_new(array, &options).expect("shows")).collect();
    let line = |row| columns.iter().map(|column| column.value(row).to_string()).collect::<Vec<_>>().join("|");
    (0..batch.num_rows()).map(line).collect()
}

/// A commit as another tool writes it: without our checksums.
pub(super) fn unsummed(text: &str) -> String {
    let at = text.find(",\"kronikaSum\":").expect("our commits have a checksum");
    let end = at + ",\"kronikaSum\":\"00000000\"".len();
    format!("{}{}", &text[..at], &text[end..]).replace("\"kronika.sums\":", "\"another.tag\":")
}

/// All rows of a version as `date/module: row`, sorted.
pub(in crate::table) async fn all_rows(storage: &Storage, version: &Arc<TableVersion>) -> Vec<String> {
    let mut rows = Vec::new();
    for file in &version.files {
        let (_, batch, _) = read_file(storage, &file.location).await;
        assert_eq!(batch.num_rows() as u64, file.rows);
        rows.extend(lines(&batch).into_iter().map(|line| format!("{}/{:?}: {line}", file.date, file.module)));
    }
    rows.sort_unstable();
    rows
}

/// What [`all_rows`] should give for `batches`.
pub(in crate::table) fn expected(batches: &[RecordBatch]) -> Vec<String> {
    use arrow::array::AsArray;
    let mut rows = Vec::new();
    for batch in batches {
        let dates =
            batch.column_by_name("date").expect("a date").as_primitive::<arrow::datatypes::Date32Type>().clone();
        let modules = batch.column(MODULE_AT).as_string::<i32>().clone();
        let stored = crate::table::order::stored(batch).expect("the row schema");
        for (row, line) in lines(&stored).into_iter().enumerate() {
            let module = arrow::array::Array::is_valid(&modules, row).then(|| modules.value(row).to_owned());
            rows.push(format!("{}/{module:?}: {line}", dates.value(row)));
        }
    }
    rows.sort_unstable();
    rows
}

pub(in crate::table) const DAY: i64 = DAY_US;

/// What happens to a call.
#[derive(Debug, Clone)]
pub(in crate::table) enum Fault {
    /// It fails and does nothing.
    Fail,
    /// It does its work and fails.
    LoseReply,
    /// It waits for a permit first.
    Wait(Arc<Semaphore>),
}

#[derive(Debug)]
struct Rule {
    call: &'static str,
    part: String,
    times: usize,
    fault: Fault,
}

/// A store whose calls fail by rule: (`put` | `get` | `delete`, part of the path, how often).
#[derive(Debug)]
pub(in crate::table) struct FaultStore {
    inner: Arc<dyn ObjectStore>,
    rules: Mutex<Vec<Rule>>,
    /// Parts of paths that listings lack, as those do that are late.
    unlisted: Arc<Mutex<Vec<String>>>,
}

impl FaultStore {
    pub(in crate::table) fn new(inner: Arc<dyn ObjectStore>) -> Arc<Self> {
        Arc::new(Self { inner, rules: Mutex::default(), unlisted: Arc::default() })
    }

    /// Listings lack files with one of these in their paths; reads find them.
    pub(in crate::table) fn unlist(&self, parts: &[&str]) {
        *self.unlisted.lock() = parts.iter().map(|part| (*part).to_owned()).collect();
    }

    fn listed(&self, files: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
        let unlisted = Arc::clone(&self.unlisted);
        let is_listed =
            move |file: &ObjectMeta| !unlisted.lock().iter().any(|part| file.location.as_ref().contains(part));
        files.try_filter(move |file| std::future::ready(is_listed(file))).boxed()
    }

    pub(in crate::table) fn rule(&self, call: &'static str, part: &str, times: usize, fault: Fault) {
        self.rules.lock().push(Rule { call, part: part.to_owned(), times, fault });
    }

    /// Waits until every rule has met its calls.
    pub(in crate::table) async fn met(&self) {
        while self.rules.lock().iter().any(|rule| rule.times > 0) {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    }

    fn fault(&self, call: &str, path: &Path) -> Option<Fault> {
        let mut rules = self.rules.lock();
        let rule =
            rules.iter_mut().find(|rule| rule.call == call && path.as_ref().contains(&rule.part) && rule.times > 0)?;
        rule.times -= 1;
        Some(rule.fault.clone())
    }

    /// The fault of a call that has no reply to lose.
    async fn before(&self, call: &str, path: &Path) -> Result<bool> {
        match self.fault(call, path) {
            None => Ok(false),
            Some(Fault::LoseReply) => Ok(true),
            Some(Fault::Fail) => Err(injected()),
            Some(Fault::Wait(gate)) => {
                gate.acquire().await.expect("is open").forget();
                Ok(false)
            }
        }
    }
}

fn injected() -> object_store::Error {
    object_store::Error::Generic { store: "fault", source: "injected".into() }
}

impl Display for FaultStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FaultStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for FaultStore {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        let lose = self.before("put", location).await?;
        let result = self.inner.put_opts(location, payload, opts).await;
        if lose { result.and(Err(injected())) } else { result }
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.before("put", location).await?;
        self.inner.put_multipart_opts(location, opts).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.before("get", location).await?;
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.before("get", location).await?;
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.inner.list(prefix))
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.listed(self.inner.list_with_offset(prefix, offset))
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

/// A place whose store fails on demand.
pub(in crate::table) fn faulty(place: &Place) -> (Storage, Arc<FaultStore>) {
    let faults = FaultStore::new(place.storage.store());
    let store = Arc::clone(&faults);
    (place.storage.wrapped(|_| store), faults)
}
