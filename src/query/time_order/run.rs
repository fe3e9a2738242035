//! Runs of the merge: how a file or a hot batch becomes a stream of rows in order.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{AsArray, BooleanArray, UInt32Array};
use arrow::compute::{SortColumn, SortOptions, filter_record_batch, lexsort_to_indices, take_record_batch};
use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::DataFusionError;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSource;
use datafusion::execution::TaskContext;
use datafusion::physical_expr::utils::reassign_expr_columns;
use datafusion::physical_plan::PhysicalExpr;
use datafusion::physical_plan::metrics::Metric;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryStreamExt};
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};

use super::Direction;
use crate::event::schema::{EVENT_TIME_AT, SEQ_AT, query_schema};
use crate::query::hot::HotPart;
use crate::query::prune::{all_of, times_of};
use crate::query::scan::ScanSpec;
use crate::query::stored::{self, Decoding, StoredScan};
use crate::table::version::DataFile;

/// Rows of the first slice of a file: about one page.
const FIRST_SLICE_ROWS: u64 = 2_048;
/// How much larger each further slice is.
const SLICE_GROWTH: u64 = 8;
/// Rows of the largest slice.
const SLICE_ROWS_MAX: u64 = 1 << 20;
/// The same where slices are held whole, to be turned around.
const TURNED_ROWS_MAX: u64 = 1 << 15;
/// Rows decoded at a time from a first slice, at least.
const FIRST_BATCH_ROWS: usize = 128;

/// Rows of a run, in order; columns as [`Runs::schema`].
pub(super) type RunStream = BoxStream<'static, Result<RecordBatch, DataFusionError>>;

/// What a run is read from.
#[derive(Debug, Clone)]
pub(super) enum Origin {
    Hot(Arc<HotPart>),
    File { file: Arc<DataFile>, inside: bool },
}

/// One run that waits to be opened.
#[derive(Debug, Clone)]
pub(super) struct Run {
    /// No row of it has a higher rank ([`Direction::rank`] of its time in µs).
    pub first: i64,
    pub origin: Origin,
}

/// All runs of a scan and what opening one needs.
#[derive(Debug)]
pub(super) struct Runs {
    /// By the first time that is possible, in order.
    pub all: Vec<Run>,
    pub direction: Direction,
    /// What the merge works on: the scan's columns, then `event_time` and `_seq` where they lack.
    pub schema: SchemaRef,
    /// Number of columns that the scan yields.
    pub output: usize,
    /// Positions of `event_time` and `_seq` in `schema`.
    pub keys: (usize, usize),
    pub threads: usize,
    columns: Vec<usize>,
    hot: Conditions,
    /// Where those that the merge and `hot` look at are in hot rows, and their schema.
    hot_places: Vec<usize>,
    hot_schema: SchemaRef,
    inside: Reader,
    edge: Reader,
}

/// How the files of one kind are read.
#[derive(Debug)]
struct Reader {
    config: FileScanConfig,
    rest: Conditions,
}

/// Conditions on rows of a known schema.
#[derive(Debug, Clone)]
struct Conditions {
    all: Option<Arc<dyn PhysicalExpr>>,
    /// Columns to keep of the rows that match.
    keep: usize,
}

impl Conditions {
    fn new(conditions: &[Arc<dyn PhysicalExpr>], columns: &[usize], keep: usize) -> Result<Self, DataFusionError> {
        let schema = query_schema().project(columns)?;
        let all = all_of(conditions).map(|condition| reassign_expr_columns(condition, &schema)).transpose()?;
        Ok(Self { all, keep })
    }

    fn apply(&self, batch: RecordBatch) -> Result<RecordBatch, DataFusionError> {
        let Some(condition) = &self.all else { return Ok(batch) };
        let matches = condition.evaluate(&batch)?.into_array(batch.num_rows())?;
        let matches: &BooleanArray = matches
            .as_boolean_opt()
            .ok_or_else(|| DataFusionError::Plan("a condition must be true or false".into()))?;
        let keep: Vec<usize> = (0..self.keep).collect();
        Ok(filter_record_batch(&batch.project(&keep)?, matches)?)
    }
}

impl Runs {
    pub(super) fn new(spec: &ScanSpec, direction: Direction) -> Result<Self, DataFusionError> {
        let mut columns = spec.columns.clone();
        for key in [EVENT_TIME_AT, SEQ_AT] {
            if !columns.contains(&key) {
                columns.push(key);
            }
        }
        let position = |key| columns.iter().position(|&at| at == key).unwrap_or_default();
        let reader = |inside: bool| -> Result<Reader, DataFusionError> {
            let conditions = spec.filters.for_rows(inside);
            let StoredScan { config, rest, columns: scanned } =
                stored::scan(&spec.runtime, &columns, &conditions, Decoding::Late, &spec.options)?;
            Ok(Reader { config, rest: Conditions::new(&rest, &scanned, columns.len())? })
        };
        let hot_conditions = spec.hot_conditions();
        let hot_columns = stored::with_columns_of(&columns, &hot_conditions);
        Ok(Self {
            all: waiting(spec, direction),
            direction,
            schema: Arc::new(query_schema().project(&columns)?),
            output: spec.columns.len(),
            keys: (position(EVENT_TIME_AT), position(SEQ_AT)),
            threads: spec.runtime.threads(),
            hot: Conditions::new(&hot_conditions, &hot_columns, columns.len())?,
            hot_places: spec.hot.places(&hot_columns)?,
            hot_schema: Arc::new(query_schema().project(&hot_columns)?),
            inside: reader(true)?,
            edge: reader(false)?,
            columns,
        })
    }

    /// Metrics of the Parquet readers of all runs.
    pub(super) fn reader_metrics(&self) -> Vec<Arc<Metric>> {
        let of = |reader: &Reader| reader.config.metrics().clone_inner();
        of(&self.inside).iter().chain(of(&self.edge).iter()).cloned().collect()
    }

    /// Rows of `run`; `fetch` is how many rows may be wanted of all runs together, and `small_first`
    /// whether few of this one may be.
    pub(super) fn open(
        self: &Arc<Self>,
        run: &Run,
        fetch: Option<usize>,
        small_first: bool,
        context: &Arc<TaskContext>,
    ) -> RunStream {
        match &run.origin {
            Origin::Hot(batch) => {
                let (runs, batch) = (Arc::clone(self), Arc::clone(batch));
                stream::once(async move { runs.sorted(&batch, fetch) }).boxed()
            }
            Origin::File { file, inside } => self.open_file(file, *inside, fetch.filter(|_| small_first), context),
        }
    }

    /// Matching rows of a hot batch in order, and no more of them than can be wanted.
    fn sorted(&self, batch: &HotPart, fetch: Option<usize>) -> Result<RecordBatch, DataFusionError> {
        let rows = self.hot.apply(super::super::hot::project(&batch.rows, &self.hot_places, &self.hot_schema)?)?;
        let rows = rows.project(&(0..self.columns.len()).collect::<Vec<_>>())?;
        let options = SortOptions { descending: self.direction == Direction::NewestFirst, nulls_first: false };
        let key = |at: usize| SortColumn { values: Arc::clone(rows.column(at)), options: Some(options) };
        let order = lexsort_to_indices(&[key(self.keys.0), key(self.keys.1)], fetch)?;
        Ok(take_record_batch(&rows, &order)?)
    }

    fn open_file(
        self: &Arc<Self>,
        file: &Arc<DataFile>,
        inside: bool,
        first: Option<usize>,
        context: &Arc<TaskContext>,
    ) -> RunStream {
        let (runs, file, context) = (Arc::clone(self), Arc::clone(file), Arc::clone(context));
        let slices = slices(file.rows, first.is_some(), self.direction);
        let turned = self.direction == Direction::OldestFirst;
        stream::iter(slices.into_iter().enumerate())
            .map(move |(at, slice)| {
                let reader = if inside { &runs.inside } else { &runs.edge };
                // Of a slice that is turned around every row is wanted.
                let small = first.map(|rows| rows.max(FIRST_BATCH_ROWS)).filter(|_| at == 0 && !turned);
                let rest = reader.rest.clone();
                let rows = read(&reader.config, &file, slice, small, Arc::clone(&context))?;
                let rows = rows.and_then(move |batch| std::future::ready(rest.apply(batch))).boxed();
                Ok::<_, DataFusionError>(if turned { turn(rows) } else { rows })
            })
            .try_flatten()
            .boxed()
    }
}

/// The same rows, last one first.
fn turn(rows: RunStream) -> RunStream {
    let turned = async move {
        let mut batches: Vec<RecordBatch> = rows.try_collect().await?;
        batches.reverse();
        Ok::<_, DataFusionError>(stream::iter(batches).map(|batch| {
            let last_first: UInt32Array = (0..u32::try_from(batch.num_rows()).unwrap_or(u32::MAX)).rev().collect();
            Ok(take_record_batch(&batch, &last_first)?)
        }))
    };
    stream::once(turned).try_flatten().boxed()
}

/// The runs of a scan, in the order in which they may be needed.
fn waiting(spec: &ScanSpec, direction: Direction) -> Vec<Run> {
    let first = |from: i64, to: i64| direction.rank(from).max(direction.rank(to));
    let hot = spec
        .hot
        .batches
        .iter()
        .map(|batch| Run { first: first(batch.time_min, batch.time_max), origin: Origin::Hot(Arc::clone(batch)) });
    let files = |files: &[Arc<DataFile>], inside| -> Vec<Run> {
        let run = |file: &Arc<DataFile>| {
            let times = times_of(file);
            Run { first: first(times.from, times.to), origin: Origin::File { file: Arc::clone(file), inside } }
        };
        files.iter().map(run).collect()
    };
    let mut all: Vec<Run> = hot.collect();
    all.extend(files(&spec.files.inside, true));
    all.extend(files(&spec.files.edge, false));
    all.sort_by_key(|run| std::cmp::Reverse(run.first));
    all
}

/// Row ranges of a file in the order of reading: small ones first where few rows may be wanted.
fn slices(rows: u64, small_first: bool, direction: Direction) -> Vec<Range<u64>> {
    let (largest, turned) = match direction {
        Direction::NewestFirst => (SLICE_ROWS_MAX, false),
        Direction::OldestFirst => (TURNED_ROWS_MAX, true),
    };
    let mut size = if small_first { FIRST_SLICE_ROWS } else { largest };
    let mut from = 0;
    let mut slices = Vec::new();
    while from < rows {
        let to = rows.min(from + size);
        slices.push(if turned { rows - to..rows - from } else { from..to });
        from = to;
        size = largest.min(size * SLICE_GROWTH);
    }
    slices
}

/// Rows `slice` of `file`, decoded `batch_rows` at a time.
fn read(
    config: &FileScanConfig,
    file: &Arc<DataFile>,
    slice: Range<u64>,
    batch_rows: Option<usize>,
    context: Arc<TaskContext>,
) -> Result<RunStream, DataFusionError> {
    let mut part = stored::partitioned(file);
    if slice != (0..file.rows) {
        let count = |rows: u64| usize::try_from(rows).unwrap_or(usize::MAX);
        let selection = RowSelection::from(vec![
            RowSelector::skip(count(slice.start)),
            RowSelector::select(count(slice.end - slice.start)),
            RowSelector::skip(count(file.rows - slice.end)),
        ]);
        part = part.with_extension(ParquetRowSelection::new(selection));
    }
    let batch_rows = batch_rows.map(|rows| rows.min(context.session_config().batch_size()));
    let config = FileScanConfigBuilder::from(config.clone())
        .with_file_groups(vec![FileGroup::new(vec![part])])
        .with_batch_size(batch_rows)
        .with_preserve_order(true)
        .build();
    Ok(config.open(0, context)?.boxed())
}
