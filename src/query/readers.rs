//! Readers of data files that count what they ask of the object store into their scan's metrics.

use std::sync::Arc;

use datafusion::common::DataFusionError;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::ParquetFileReaderFactory;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::execution::cache::cache_manager::FileMetadataCache;
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder};
use parquet::arrow::async_reader::AsyncFileReader;

use crate::table::Reads;
use crate::table::requests::{Observer, RequestKind};

/// Name of the metric that counts requests to the object store.
pub(crate) const REQUESTS: &str = "store_requests";
/// Name of the metric that counts bytes of its answers.
pub(crate) const BYTES_FETCHED: &str = "store_bytes";

/// Makes readers that share parsed footers.
#[derive(Debug)]
pub(crate) struct Readers {
    reads: Reads,
    footers: Arc<FileMetadataCache>,
}

impl Readers {
    pub(crate) fn new(reads: Reads, footers: Arc<FileMetadataCache>) -> Self {
        Self { reads, footers }
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
        let readers = CachedParquetFileReaderFactory::new(store, Arc::clone(&self.footers));
        readers.create_reader(partition_index, file, metadata_size_hint, metrics)
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
