//! Readers of stored files for scans: the planner's own, over a file whose every byte is checked
//! (`table::Checked`) before it is decoded, and whose requests to an object store are counted into the scan's metrics.

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
use object_store::ObjectStore;
use object_store::path::Path;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ParquetMetaData;

use crate::table::requests::{Observer, RequestKind};
use crate::table::{Checked, DamageLog, DataFile, Reads};

/// Name of the metric that counts requests to the object store.
pub(crate) const REQUESTS: &str = "store_requests";
/// Name of the metric that counts bytes of its answers.
pub(crate) const BYTES_FETCHED: &str = "store_bytes";

/// Makes the readers of all scans; footers are kept between them.
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
        partition: usize,
        part: PartitionedFile,
        footer_size: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> datafusion::common::Result<Box<dyn AsyncFileReader + Send>> {
        let Some(file) = part.extension::<Arc<DataFile>>() else {
            return Err(DataFusionError::Internal(format!("a scan of {} without what is known of it", part.path())));
        };
        let store =
            if self.reads.is_remote() { self.reads.observed_by(Counted::new(metrics)) } else { self.reads.store() };
        let checked = Arc::new(Checked::new(store, Arc::clone(file)));
        let store = Arc::clone(&checked) as Arc<dyn ObjectStore>;
        let plain = CachedParquetFileReaderFactory::new(store, Arc::clone(&self.footers));
        let (log, place) = (Arc::clone(&self.damage), file.location.clone());
        let inner = plain.create_reader(partition, part, footer_size, metrics)?;
        Ok(Box::new(CheckedReader { inner, checked, log, place }))
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
    fn said<T>(&self, outcome: Result<T>) -> Result<T> {
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
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes>> {
        async move {
            let read = self.inner.get_bytes(range).await;
            self.said(read)
        }
        .boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>>> {
        async move {
            let read = self.inner.get_byte_ranges(ranges).await;
            self.said(read)
        }
        .boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>>> {
        async move {
            let read = self.inner.get_metadata(options).await;
            self.said(read)
        }
        .boxed()
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
