//! Which files of a table version a query must read.
//!
//! The statistics of all files are turned into columns once per version, column by column as
//! predicates ask for them; partition predicates are evaluated exactly, all others through
//! [`PruningPredicate`]. A file's `event_time` lies within its `date`, so that a range of
//! `event_time` needs no statistics to leave out whole days.
//!
//! # Invariants
//! * A file that holds a matching row is never left out.
//! * "Inside" means that every row of the file satisfies the time range.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock, Weak};

use arrow::array::{
    Array, ArrayRef, BooleanArray, Date32Array, Int32Array, Int64Array, StringViewArray, TimestampMicrosecondArray,
    UInt64Array,
};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DataFusionError, ScalarValue};
use datafusion::physical_expr::utils::{conjunction, reassign_expr_columns};
use datafusion::physical_optimizer::pruning::{PruningPredicate, PruningPredicateBuilder};
use datafusion::physical_plan::PhysicalExpr;
use parking_lot::Mutex;

use super::filters::{Filters, TimeRange};
use crate::event::model::{COLUMNS, Kind};
use crate::event::schema::{DATE, EVENT_TIME_AT, MODULE, query_schema};
use crate::table::version::{DataFile, StatValue, TableVersion};

/// Microseconds of a day.
const DAY_US: i64 = 86_400_000_000;
/// Longest `IN (…)` that is compared with statistics value by value.
pub(crate) const IN_LIST_MAX: usize = 200;

/// Files that may hold matching rows, apart by what is known about their times.
#[derive(Debug, Clone, Default)]
pub(crate) struct Selected {
    /// Files all of whose rows lie in the time range.
    pub inside: Vec<Arc<DataFile>>,
    /// Files that reach over an end of the time range.
    pub edge: Vec<Arc<DataFile>>,
}

/// Columnar statistics of the table versions in use.
#[derive(Debug, Default)]
pub(crate) struct IndexCache(Mutex<Vec<(Weak<TableVersion>, Arc<FileIndex>)>>);

impl IndexCache {
    /// The statistics of `version`, made at the first call.
    pub(crate) fn of(&self, version: &Arc<TableVersion>) -> Result<Arc<FileIndex>, DataFusionError> {
        let mut known = self.0.lock();
        let address = Arc::as_ptr(version);
        // A live weak pointer keeps its address taken, so that equal addresses mean equal versions.
        if let Some((_, index)) = known.iter().find(|(version, _)| version.as_ptr() == address) {
            return Ok(Arc::clone(index));
        }
        known.retain(|(version, _)| version.strong_count() > 0);
        let index = Arc::new(FileIndex::new(version)?);
        known.push((Arc::downgrade(version), Arc::clone(&index)));
        Ok(index)
    }
}

/// Statistics of one table version by column.
#[derive(Debug)]
pub(crate) struct FileIndex {
    /// One row a file: `module` and `date`.
    partitions: RecordBatch,
    rows: ArrayRef,
    /// By position in the row schema.
    bounds: Vec<OnceLock<Option<Bounds>>>,
}

/// Bounds of one column, one entry a file.
#[derive(Debug)]
struct Bounds {
    min: ArrayRef,
    max: ArrayRef,
    nulls: ArrayRef,
}

/// Earliest and latest `event_time` that a file can hold, from its statistics and its date; that of
/// a file which another tool has written is not relied on.
pub(crate) fn times_of(file: &DataFile) -> TimeRange {
    let day = i64::from(file.date) * DAY_US;
    let mut range = if file.ordered { TimeRange { from: day, to: day + DAY_US - 1 } } else { TimeRange::ALL };
    if let Some(stats) = file.stats_of(EVENT_TIME_AT) {
        if let Some(StatValue::I64(min)) = stats.min {
            range.from = range.from.max(min);
        }
        if let Some(StatValue::I64(max)) = stats.max {
            range.to = range.to.min(max);
        }
    }
    range
}

impl FileIndex {
    fn new(version: &TableVersion) -> Result<Self, DataFusionError> {
        let files = &version.files;
        let schema =
            Schema::new(vec![Field::new(MODULE, DataType::Utf8View, true), Field::new(DATE, DataType::Date32, false)]);
        let modules: StringViewArray = files.iter().map(|file| file.module.as_deref()).collect();
        let dates: Date32Array = files.iter().map(|file| Some(file.date)).collect();
        let rows: UInt64Array = files.iter().map(|file| Some(file.rows)).collect();
        Ok(Self {
            partitions: RecordBatch::try_new(Arc::new(schema), vec![Arc::new(modules), Arc::new(dates)])?,
            rows: Arc::new(rows),
            bounds: std::iter::repeat_with(OnceLock::new).take(query_schema().fields().len()).collect(),
        })
    }

    /// Files of `version`, of which this must be the index, that may hold rows for `filters`.
    pub(crate) fn select(&self, version: &TableVersion, filters: &Filters) -> Result<Selected, DataFusionError> {
        let mut keep = vec![true; version.files.len()];
        for filter in &filters.partition {
            self.apply_partition_filter(filter, &mut keep)?;
        }
        if let Some(predicate) = filters.pruning() {
            let view = IndexView { index: self, version };
            // What cannot be pruned by is no reason to fail a query.
            if let Ok(pruned) = pruning_predicate(predicate).and_then(|predicate| predicate.prune(&view)) {
                keep.iter_mut().zip(pruned).for_each(|(keep, may_match)| *keep &= may_match);
            }
        }
        let mut selected = Selected::default();
        for (file, _) in version.files.iter().zip(keep).filter(|(file, keep)| *keep && file.rows > 0) {
            let times = times_of(file);
            if filters.time.is_none_or(|range| range.covers(times)) {
                selected.inside.push(Arc::clone(file));
            } else if filters.time.is_some_and(|range| range.overlaps(times)) {
                selected.edge.push(Arc::clone(file));
            }
        }
        Ok(selected)
    }

    fn apply_partition_filter(&self, filter: &Arc<dyn PhysicalExpr>, keep: &mut [bool]) -> Result<(), DataFusionError> {
        let filter = reassign_expr_columns(Arc::clone(filter), &self.partitions.schema())?;
        let matches = filter.evaluate(&self.partitions)?.into_array(keep.len())?;
        let matches = matches
            .as_any()
            .downcast_ref::<BooleanArray>()
            .ok_or_else(|| DataFusionError::Plan("a condition on `date` and `module` must be true or false".into()))?;
        for (at, keep) in keep.iter_mut().enumerate() {
            *keep &= matches.is_valid(at) && matches.value(at);
        }
        Ok(())
    }
}

fn pruning_predicate(predicate: Arc<dyn PhysicalExpr>) -> Result<PruningPredicate, DataFusionError> {
    PruningPredicateBuilder::new()
        .with_file_schema(query_schema())
        .with_max_in_list_size(IN_LIST_MAX)
        .try_build(predicate)
}

/// An index together with the version it was made of.
struct IndexView<'a> {
    index: &'a FileIndex,
    version: &'a TableVersion,
}

impl IndexView<'_> {
    fn bounds(&self, column: &Column) -> Option<&Bounds> {
        let at = query_schema().index_of(&column.name).ok()?;
        self.index.bounds[at].get_or_init(|| bounds_of(&self.version.files, at)).as_ref()
    }
}

impl PruningStatistics for IndexView<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column).map(|bounds| Arc::clone(&bounds.min))
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column).map(|bounds| Arc::clone(&bounds.max))
    }

    fn num_containers(&self) -> usize {
        self.version.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        self.bounds(column).map(|bounds| Arc::clone(&bounds.nulls))
    }

    fn row_counts(&self) -> Option<ArrayRef> {
        Some(Arc::clone(&self.index.rows))
    }

    fn contained(&self, _column: &Column, _values: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}

/// Bounds of the column at `at` of the row schema in every file; `None` where no file has any.
fn bounds_of(files: &[Arc<DataFile>], at: usize) -> Option<Bounds> {
    let data_type = query_schema().field(at).data_type().clone();
    if at == EVENT_TIME_AT {
        let ranges: Vec<TimeRange> = files.iter().map(|file| times_of(file)).collect();
        let times = |pick: fn(&TimeRange) -> i64| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from_iter_values(ranges.iter().map(pick)).with_timezone("UTC"))
        };
        let none: UInt64Array = files.iter().map(|_| Some(0)).collect();
        return Some(Bounds { min: times(|range| range.from), max: times(|range| range.to), nulls: Arc::new(none) });
    }
    match query_schema().field(at).name().as_str() {
        MODULE => {
            let values: ArrayRef =
                Arc::new(files.iter().map(|file| file.module.as_deref()).collect::<StringViewArray>());
            let nulls = files.iter().map(|file| Some(if file.module.is_none() { file.rows } else { 0 }));
            return Some(Bounds {
                min: Arc::clone(&values),
                max: values,
                nulls: Arc::new(nulls.collect::<UInt64Array>()),
            });
        }
        DATE => {
            let values: ArrayRef = Arc::new(files.iter().map(|file| Some(file.date)).collect::<Date32Array>());
            let nulls = files.iter().map(|_| Some(0));
            return Some(Bounds {
                min: Arc::clone(&values),
                max: values,
                nulls: Arc::new(nulls.collect::<UInt64Array>()),
            });
        }
        _ => {}
    }
    let stats: Vec<_> = files.iter().map(|file| file.stats_of(at)).collect();
    if stats.iter().all(Option::is_none) {
        return None;
    }
    let min = values(&data_type, stats.iter().map(|stats| stats.as_ref()?.min.as_ref()))?;
    let max = values(&data_type, stats.iter().map(|stats| stats.as_ref()?.max.as_ref()))?;
    let nulls: UInt64Array = stats.iter().map(|stats| Some(stats.as_ref()?.nulls)).collect();
    Some(Bounds { min, max, nulls: Arc::new(nulls) })
}

/// Statistics as an array of the column's type; a value of another type counts as unknown.
fn values<'a>(data_type: &DataType, stats: impl Iterator<Item = Option<&'a StatValue>>) -> Option<ArrayRef> {
    let int64 = |stat: Option<&StatValue>| match stat {
        Some(StatValue::I64(value)) => Some(*value),
        _ => None,
    };
    Some(match data_type {
        DataType::Utf8View => Arc::new(
            stats
                .map(|stat| match stat {
                    Some(StatValue::Text(text)) => Some(text.as_str()),
                    _ => None,
                })
                .collect::<StringViewArray>(),
        ),
        DataType::Int64 => Arc::new(stats.map(int64).collect::<Int64Array>()),
        DataType::Timestamp(..) => {
            Arc::new(stats.map(int64).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
        }
        DataType::Int32 => Arc::new(
            stats
                .map(|stat| match stat {
                    Some(StatValue::I32(value)) => Some(*value),
                    _ => None,
                })
                .collect::<Int32Array>(),
        ),
        _ => return None,
    })
}

/// Columns whose values are long texts, which cost more to decode than all others together.
pub(crate) fn wide_columns() -> impl Iterator<Item = &'static str> {
    const LONG_TEXTS: [&str; 7] =
        ["message", "url", "user_agent", "error_message", "request_body", "response_body", "raw"];
    let nested = |kind: Kind| {
        matches!(kind, Kind::Json | Kind::TextMap | Kind::Related | Kind::Changes | Kind::Attachments | Kind::TextList)
    };
    COLUMNS
        .iter()
        .filter(move |column| nested(column.kind) || LONG_TEXTS.contains(&column.name))
        .map(|column| column.name)
}

/// Whether `name` is one of [`wide_columns`].
pub(crate) fn is_wide(name: &str) -> bool {
    wide_columns().any(|wide| wide == name)
}

/// All conditions as one; `None` when there are none.
pub(crate) fn all_of(conditions: &[Arc<dyn PhysicalExpr>]) -> Option<Arc<dyn PhysicalExpr>> {
    (!conditions.is_empty()).then(|| conjunction(conditions.iter().cloned()))
}
