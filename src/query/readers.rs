//! Readers of data files for scans: the planner's own, over a file whose every byte is checked (`table::Checked`)
//! before it is decoded. They count what they ask of the object store into their scan's metrics.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::common::DataFusionError;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder};
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::ParquetMetaData;

use crate::table::requests::{Observer, RequestKind};
use crate::table::{Checked, DamageLog, DataFile, Reads};

/// Name of the metric that counts requests to the object store.
pub(crate) const REQUESTS: &str = "store_requests";
/// Name of the metric that counts bytes of its answers.
pub(crate) const BYTES_FETCHED: &str = "store_bytes";

/// Makes readers that share parsed footers.
#[derive(Debug)]
pub(crate) struct Readers {
    reads: Reads,
    footers: Arc<FileMetadataCache>,
    damage: Arc<DamageLog>,
}

impl Readers {
    pub(crate) fn new(reads: Reads, footers: Arc<FileMetadataCache>, damage: Arc<DamageLog>) -> Self {
        Self { reads, footers, damage }
    }
}

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        metadata_size_hint: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>, DataFusionError> {
        let store =
            if self.reads.is_remote() { self.reads.observed_by(Counted::new(metrics)) } else { self.reads.store() };
        let Some(data) = file.extension::<Arc<DataFile>>() else {
            return Err(DataFusionError::Internal(format!("a scan of {} without what is known of it", file.path())));
        };
        let checked = Arc::new(Checked::new(store, Arc::clone(data)));
        let readers = CachedParquetFileReaderFactory::new(Arc::clone(&checked) as _, Arc::clone(&self.footers));
        let (log, place) = (Arc::clone(&self.damage), data.location.clone());
        let inner = readers.create_reader(partition_index, file, metadata_size_hint, metrics)?;
        Ok(Box::new(CheckedReader { inner, checked, log, place }))
    }
}

/// Counts into the metrics of a scan.
#[derive(Debug)]
struct Counted {
    requests: Count,
    bytes: Count,
}

impl Counted {
    fn new(metrics: &ExecutionPlanMetricsSet) -> Arc<Self> {
        let counter = |name: &'static str| MetricBuilder::new(metrics).global_counter(name);
        Arc::new(Self { requests: counter(REQUESTS), bytes: counter(BYTES_FETCHED) })
    }
}

impl Observer for Counted {
    fn asks(&self, _kind: RequestKind, _bytes: u64) {
        self.requests.add(1);
    }

    fn receives(&self, bytes: u64) {
        self.bytes.add(usize::try_from(bytes).unwrap_or(usize::MAX));
    }
}

/// The planner's reader; where it failed because of damage, that is the error.
struct CheckedReader {
    inner: Box<dyn AsyncFileReader + Send>,
    checked: Arc<Checked>,
    log: Arc<DamageLog>,
    place: Path,
}

impl CheckedReader {
    /// The libraries in between make texts of some errors.
    fn said<T>(&self, outcome: ParquetResult<T>) -> ParquetResult<T> {
        outcome.map_err(|error| match self.checked.damage() {
            Some(damage) => {
                self.log.note(&self.place, damage);
                ParquetError::External(Box::new(damage.clone()))
            }
            None => error,
        })
    }
}

impl AsyncFileReader for CheckedReader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, ParquetResult<Bytes>> {
        async move {
            let read = self.inner.get_bytes(range).await;
            self.said(read)
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, ParquetResult<Vec<Bytes>>> {
        async move {
            let read = self.inner.get_byte_ranges(ranges).await;
            self.said(read)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, ParquetResult<Arc<ParquetMetaData>>> {
        async move {
            let read = self.inner.get_metadata(options).await;
            self.said(read)
        }
        .boxed()
    }
}
