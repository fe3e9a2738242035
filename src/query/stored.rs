//! Scans of stored files: from a list of files to DataFusion's own Parquet source.
//!
//! Both ways of reading (all files in parallel, or newest first) build their sources here. `module`
//! and `date` are not in the files; they come from the partition values of each file.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{Field, Schema};
use chrono::DateTime;
use datafusion::common::config::{ConfigOptions, TableParquetOptions};
use datafusion::common::stats::Precision;
use datafusion::common::{DataFusionError, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_plan::PhysicalExpr;
use datafusion::physical_plan::filter_pushdown::PushedDown;
use object_store::ObjectMeta;

use super::runtime::{Runtime, store_url};
use crate::event::schema::{DATE, MODULE, query_schema};
use crate::table::version::DataFile;

/// Bytes of files that are worth a partition of their own.
const GROUP_BYTES_MIN: u64 = 2 << 20;

/// Columns of the files as SQL sees them, then the partition columns.
fn table_schema() -> TableSchema {
    static SCHEMA: LazyLock<TableSchema> = LazyLock::new(|| {
        let all = query_schema();
        let is_partition = |field: &Field| field.name() == MODULE || field.name() == DATE;
        let (partition, file): (Vec<_>, Vec<_>) = all.fields().iter().cloned().partition(|field| is_partition(field));
        TableSchema::builder(Arc::new(Schema::new(file))).with_table_partition_cols(partition).build()
    });
    SCHEMA.clone()
}

/// A scan of Parquet files and the conditions that it does not test by itself.
pub(crate) struct StoredScan {
    pub config: FileScanConfig,
    /// Conditions, over the query schema, that must be tested on what the scan yields.
    pub rest: Vec<Arc<dyn PhysicalExpr>>,
    /// Positions in the query schema of what the scan yields: those asked for, then what `rest` needs.
    pub columns: Vec<usize>,
}

/// How a scan uses its conditions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoding {
    /// Conditions are tested while decoding; other columns are decoded for matching rows only.
    Late,
    /// All columns are decoded, and conditions tested above the scan.
    Plain,
}

/// Builds the scan of `columns` (positions in the query schema) under `conditions` over no file yet.
pub(crate) fn scan(
    runtime: &Runtime,
    columns: &[usize],
    conditions: &[Arc<dyn PhysicalExpr>],
    decoding: Decoding,
    options: &ConfigOptions,
) -> Result<StoredScan, DataFusionError> {
    let table = table_schema();
    let parquet = TableParquetOptions { global: options.execution.parquet.clone(), ..Default::default() };
    let source: Arc<dyn FileSource> = Arc::new(
        ParquetSource::new(table.clone())
            .with_table_parquet_options(parquet)
            .with_parquet_file_reader_factory(runtime.readers())
            .with_pushdown_filters(decoding == Decoding::Late),
    );
    let (source, rest) = match decoding {
        Decoding::Late => push_conditions(source, conditions, options)?,
        // The optimizer hands the conditions of the filter above to the source, for pruning.
        Decoding::Plain => (source, conditions.to_vec()),
    };
    let columns = with_columns_of(columns, &rest);
    let all = query_schema();
    let in_table = |at: &usize| table.table_schema().index_of(all.field(*at).name());
    let projection = columns.iter().map(in_table).collect::<Result<Vec<_>, _>>()?;
    let config = FileScanConfigBuilder::new(store_url()?, source).with_projection_indices(Some(projection))?.build();
    Ok(StoredScan { config, rest, columns })
}

type Source = Arc<dyn FileSource>;

/// Gives the source what it can test while decoding, and returns what it cannot.
fn push_conditions(
    source: Source,
    conditions: &[Arc<dyn PhysicalExpr>],
    options: &ConfigOptions,
) -> Result<(Source, Vec<Arc<dyn PhysicalExpr>>), DataFusionError> {
    if conditions.is_empty() {
        return Ok((source, Vec::new()));
    }
    let table = table_schema();
    let over_table =
        |condition: &Arc<dyn PhysicalExpr>| reassign_expr_columns(Arc::clone(condition), table.table_schema());
    let mapped = conditions.iter().map(over_table).collect::<Result<Vec<_>, _>>()?;
    let pushed = source.try_pushdown_filters(mapped, options)?;
    let rest = conditions
        .iter()
        .zip(&pushed.filters)
        .filter(|(_, pushed)| matches!(pushed, PushedDown::No))
        .map(|(condition, _)| Arc::clone(condition))
        .collect();
    Ok((pushed.updated_node.unwrap_or(source), rest))
}

/// `columns`, then those that `conditions` need and `columns` lacks.
pub(crate) fn with_columns_of(columns: &[usize], conditions: &[Arc<dyn PhysicalExpr>]) -> Vec<usize> {
    let mut all = columns.to_vec();
    let mut needed: Vec<usize> = conditions.iter().flat_map(collect_columns).map(|column| column.index()).collect();
    needed.sort_unstable();
    needed.dedup();
    needed.retain(|at| !columns.contains(at));
    all.extend(needed);
    all
}

/// `files` in groups of about equal size, each in the order given.
pub(crate) fn with_files(config: FileScanConfig, files: &[Arc<DataFile>], groups_max: usize) -> FileScanConfig {
    let rows = files.iter().map(|file| file.rows).sum::<u64>();
    let in_order = |mut members: Vec<usize>| {
        members.sort_unstable();
        group(files, &members)
    };
    let groups = shares(files, groups_max).into_iter().map(in_order).collect();
    let mut statistics = Statistics::new_unknown(table_schema().table_schema());
    statistics.num_rows = Precision::Exact(usize::try_from(rows).unwrap_or(usize::MAX));
    exact_dates(files, &mut statistics);
    FileScanConfigBuilder::from(config).with_file_groups(groups).with_statistics(statistics).build()
}

/// Smallest and largest `date` of the files are known for certain.
fn exact_dates(files: &[Arc<DataFile>], statistics: &mut Statistics) {
    let Ok(at) = table_schema().table_schema().index_of(DATE) else { return };
    let day =
        |date: Option<i32>| date.map_or(Precision::Absent, |date| Precision::Exact(ScalarValue::Date32(Some(date))));
    let column = &mut statistics.column_statistics[at];
    column.min_value = day(files.iter().map(|file| file.date).min());
    column.max_value = day(files.iter().map(|file| file.date).max());
    column.null_count = Precision::Exact(0);
}

/// Shares of about equal size, at most `shares_max` of them and each worth a partition: positions of files, the
/// largest first.
pub(crate) fn shares(files: &[Arc<DataFile>], shares_max: usize) -> Vec<Vec<usize>> {
    let bytes = files.iter().map(|file| file.size).sum::<u64>();
    let worth = usize::try_from(bytes / GROUP_BYTES_MIN).unwrap_or(usize::MAX);
    let mut shares: Vec<(u64, Vec<usize>)> = vec![(0, Vec::new()); shares_max.min(files.len()).min(worth).max(1)];
    let mut by_size: Vec<usize> = (0..files.len()).collect();
    by_size.sort_by_key(|&at| std::cmp::Reverse(files[at].size));
    for at in by_size {
        if let Some(least) = shares.iter_mut().min_by_key(|(bytes, _)| *bytes) {
            least.0 += files[at].size;
            least.1.push(at);
        }
    }
    shares.into_iter().map(|(_, members)| members).filter(|members| !members.is_empty()).collect()
}

/// The files at `members` as one partition.
pub(crate) fn group(files: &[Arc<DataFile>], members: &[usize]) -> FileGroup {
    FileGroup::new(members.iter().map(|&at| partitioned(&files[at])).collect())
}

/// One file as DataFusion names it.
pub(crate) fn partitioned(file: &Arc<DataFile>) -> PartitionedFile {
    let meta = ObjectMeta {
        location: file.location.clone(),
        last_modified: DateTime::from_timestamp_millis(file.modified_ms).unwrap_or_default(),
        size: file.size,
        e_tag: None,
        version: None,
    };
    // In the order of the partition columns of `table_schema`, which is that of the query schema.
    let values = vec![ScalarValue::Utf8View(file.module.clone()), ScalarValue::Date32(Some(file.date))];
    PartitionedFile::new_from_meta(meta).with_partition_values(values).with_extension(Arc::clone(file))
}
