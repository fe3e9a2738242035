//! A table of Parquet files in memory, and hot batches, from events given as JSON.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::compute::{SortColumn, SortOptions, lexsort_to_indices, take_record_batch};
use arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

use crate::config::{self, ByteCount};
use crate::event::names::ProjectName;
use crate::event::schema::{DATE_AT, EVENT_TIME_AT, MODULE_AT, SEQ_AT, file_schema, row_schema};
use crate::hot::HotBatch;
use crate::query::{Answer, Limits, Outcome, Params, QueryError, Runtime, Session, Snapshot, normalise, output};
use crate::table::FileStats;
use crate::table::version::{ColumnStats, DataFile, StatValue, TableVersion, Work};

/// Microseconds of a day.
pub(super) const DAY: i64 = 86_400_000_000;
/// 2025-03-04T00:00:00Z in µs.
pub(super) const START: i64 = 20_151 * DAY;

/// One event; fields not given get a value where one is required.
pub(super) fn event(seq: i64, time_us: i64, module: Option<&str>, more: Value) -> Value {
    let mut fields = Map::new();
    for required in ["tenant_id", "source", "dataset", "event_type", "action"] {
        fields.insert(required.into(), json!("x"));
    }
    fields.insert("event_id".into(), json!(format!("id-{seq}")));
    fields.insert("event_time".into(), json!(time_us));
    fields.insert("observed_time".into(), json!(time_us));
    fields.insert("module".into(), json!(module));
    if let Value::Object(more) = more {
        fields.extend(more);
    }
    fields.insert("date".into(), json!(time_us.div_euclid(DAY)));
    fields.insert("_seq".into(), json!(seq));
    Value::Object(fields)
}

/// Events as rows.
pub(super) fn rows(events: &[Value]) -> RecordBatch {
    let mut decoder = arrow::json::ReaderBuilder::new(row_schema()).build_decoder().unwrap();
    decoder.serialize(events).unwrap();
    decoder.flush().unwrap().unwrap_or_else(|| RecordBatch::new_empty(row_schema()))
}

/// A project's data and what is needed to ask it.
pub(super) struct Fixture {
    pub store: Arc<InMemory>,
    pub files: Vec<Arc<DataFile>>,
    pub hot: Vec<Arc<HotBatch>>,
    pub limits: Limits,
    pub runtime: Arc<Runtime>,
    spill: TempDir,
    /// Files that were ever written.
    written: usize,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let store = Arc::new(InMemory::new());
        let spill = tempfile::tempdir().unwrap();
        let settings = config::Query { threads: 2, ..config::Query::default() };
        let runtime = Runtime::new(&settings, Arc::clone(&store) as Arc<dyn ObjectStore>, spill.path()).unwrap();
        let limits = Limits { memory_max: ByteCount::mib(64), ..Limits::of(&settings) };
        Self { store, files: Vec::new(), hot: Vec::new(), limits, runtime, spill, written: 0 }
    }

    /// Other settings from now on.
    pub(super) fn restart(&mut self, settings: &config::Query) {
        let store = Arc::clone(&self.store) as Arc<dyn ObjectStore>;
        self.runtime = Runtime::new(settings, store, self.spill.path()).unwrap();
    }

    /// Stores events: one file for each date and module.
    pub(super) async fn store(&mut self, events: &[Value]) {
        let mut parts: BTreeMap<(i64, Option<String>), Vec<Value>> = BTreeMap::new();
        for event in events {
            let module = event["module"].as_str().map(str::to_owned);
            parts.entry((event["date"].as_i64().unwrap(), module)).or_default().push(event.clone());
        }
        for ((_, module), events) in parts {
            self.store_file(&rows(&events), module).await;
        }
        self.files.sort_by(|a, b| b.date.cmp(&a.date).then_with(|| a.module.cmp(&b.module)));
    }

    async fn store_file(&mut self, rows: &RecordBatch, module: Option<String>) {
        let sorted = newest_first(rows);
        let date = sorted.column(DATE_AT).as_primitive::<arrow::datatypes::Date32Type>().value(0);
        let kept: Vec<usize> = (0..sorted.num_columns()).filter(|at| *at != MODULE_AT && *at != DATE_AT).collect();
        let columns = kept.iter().map(|at| Arc::clone(sorted.column(*at))).collect();
        let batch = RecordBatch::try_new(file_schema(), columns).unwrap();
        let properties =
            WriterProperties::builder().set_data_page_row_count_limit(2_048).set_write_batch_size(256).build();
        let mut writer = ArrowWriter::try_new(Vec::new(), file_schema(), Some(properties)).unwrap();
        writer.write(&batch).unwrap();
        let bytes = writer.into_inner().unwrap();
        let location = Path::from(format!("projects/p/events/{}.parquet", self.written));
        self.written += 1;
        let size = bytes.len() as u64;
        self.store.put(&location, bytes.into()).await.unwrap();
        let path = location.to_string();
        let stats = stats(&sorted);
        let rows = sorted.num_rows() as u64;
        let file = DataFile {
            location,
            path,
            size,
            rows,
            date,
            module,
            modified_ms: 1,
            ordered: true,
            work: Work::of_flush(size),
            stats,
            sums: None,
        };
        self.files.push(Arc::new(file));
    }

    /// Adds events as one hot batch.
    pub(super) fn heat(&mut self, events: &[Value]) {
        let rows = rows(events);
        let times = rows.column(EVENT_TIME_AT).as_primitive::<TimestampMicrosecondType>().values();
        let seqs = rows.column(SEQ_AT).as_primitive::<Int64Type>().values();
        let (time_min, time_max) = (*times.iter().min().unwrap(), *times.iter().max().unwrap());
        let last_seq = *seqs.last().unwrap();
        let bytes = rows.get_array_memory_size();
        self.hot.push(Arc::new(HotBatch { rows, last_seq, time_min, time_max, bytes }));
    }

    pub(super) fn session(&self) -> Session {
        let table = Arc::new(TableVersion { version: 1, files: self.files.clone() });
        let project = ProjectName::try_from("p").unwrap();
        Session::new(&self.runtime, &project, Snapshot { table, hot: self.hot.clone() })
    }

    pub(super) async fn run(&self, sql: &str) -> Result<Answer, QueryError> {
        self.session().run(sql, Params::None, self.limits).await
    }

    /// Rows as JSON, and how it ended.
    #[track_caller]
    pub(super) fn ask(&self, sql: &str) -> impl Future<Output = (Vec<Value>, Outcome)> {
        let caller = std::panic::Location::caller();
        async move {
            let answer = self.run(sql).await.unwrap_or_else(|error| panic!("{caller}: {sql}: {error} {error:?}"));
            let (batches, outcome) =
                answer.collect().await.unwrap_or_else(|error| panic!("{caller}: {sql}: {error:?}"));
            (batches.iter().flat_map(json_rows).collect(), outcome)
        }
    }

    /// The physical plan as text.
    pub(super) async fn plan(&self, sql: &str) -> String {
        let (rows, _) = self.ask(&format!("EXPLAIN {sql}")).await;
        rows.iter().filter(|row| row[0] == "physical_plan").map(|row| row[1].as_str().unwrap().to_owned()).collect()
    }
}

/// Rows of a normalised batch as JSON arrays.
pub(super) fn json_rows(batch: &RecordBatch) -> Vec<Value> {
    let schema = batch.schema();
    let cells: Vec<_> = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(array, field)| output::cell::Cell::new(array, field))
        .collect();
    let row = |at: usize| {
        let value = |cell: &output::cell::Cell<'_>| {
            let mut text = Vec::new();
            cell.write_json(at, &mut text);
            serde_json::from_slice::<Value>(&text).unwrap()
        };
        Value::Array(cells.iter().map(value).collect())
    };
    (0..batch.num_rows()).map(row).collect()
}

fn newest_first(rows: &RecordBatch) -> RecordBatch {
    let options = Some(SortOptions { descending: true, nulls_first: false });
    let key = |at: usize| SortColumn { values: Arc::clone(rows.column(at)), options };
    take_record_batch(rows, &lexsort_to_indices(&[key(EVENT_TIME_AT), key(SEQ_AT)], None).unwrap()).unwrap()
}

/// Statistics of `event_id` and `event_time`, the latter to whole ms and wider than the values.
fn stats(rows: &RecordBatch) -> FileStats {
    let ids = rows.column(0).as_string::<i32>();
    let times = rows.column(EVENT_TIME_AT).as_primitive::<TimestampMicrosecondType>().values();
    let text = |value: Option<&str>| value.map(|value| StatValue::Text(value.to_owned()));
    let ms = |value: i64| Some(StatValue::I64(value));
    [
        ColumnStats {
            column: 0,
            min: text(ids.iter().flatten().min()),
            max: text(ids.iter().flatten().max()),
            nulls: 0,
        },
        ColumnStats {
            column: EVENT_TIME_AT,
            min: ms(times.iter().min().unwrap().div_euclid(1_000) * 1_000),
            max: ms(times.iter().max().unwrap().div_euclid(1_000) * 1_000 + 1_000),
            nulls: 0,
        },
    ]
    .into_iter()
    .collect()
}

/// Bytes of a body in `format`.
pub(super) async fn body(answer: Answer, format: crate::query::Format) -> Result<Vec<u8>, QueryError> {
    use futures::TryStreamExt;
    let chunks: Vec<bytes::Bytes> = crate::query::encode(answer, format).try_collect().await?;
    Ok(chunks.concat())
}

/// Normalises a batch by hand.
pub(super) fn normal(batch: &RecordBatch) -> RecordBatch {
    normalise::Normaliser::new(&batch.schema()).apply(batch).unwrap()
}
