//! One Parquet file, written row group by row group; its footer says whether it was cut
//! (`kronika.truncated`).

use std::io::{self, Write};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parking_lot::Mutex;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::json::encode_error;
use super::{Encoder, Outcome, QueryError};

/// Encoded bytes of a row group after which it is written out.
const GROUP_BYTES: usize = 8 << 20;
/// Rows of a row group, at most.
const GROUP_ROWS: usize = 128 * 1_024;

/// Writes one Parquet file.
pub(super) struct ParquetFile {
    schema: SchemaRef,
    buffer: Shared,
    writer: Option<ArrowWriter<Shared>>,
}

/// Where the writer puts bytes and the stream takes them from.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ParquetFile {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self { schema, buffer: Shared::default(), writer: None }
    }

    fn drain(&self, out: &mut Vec<u8>) {
        out.append(&mut self.buffer.0.lock());
    }
}

impl Encoder for ParquetFile {
    fn start(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(GROUP_ROWS))
            .build();
        let writer = ArrowWriter::try_new(self.buffer.clone(), Arc::clone(&self.schema), Some(properties));
        self.writer = Some(writer.map_err(encode_error)?);
        self.drain(out);
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        if let Some(writer) = &mut self.writer {
            writer.write(batch).map_err(encode_error)?;
            if writer.in_progress_size() > GROUP_BYTES {
                writer.flush().map_err(encode_error)?;
            }
        }
        self.drain(out);
        Ok(())
    }

    fn finish(&mut self, outcome: &Outcome, out: &mut Vec<u8>) -> Result<(), QueryError> {
        if let Some(mut writer) = self.writer.take() {
            let truncated = outcome.truncated.to_string();
            writer.append_key_value_metadata(KeyValue::new("kronika.truncated".to_owned(), truncated));
            writer.close().map_err(encode_error)?;
        }
        self.drain(out);
        Ok(())
    }
}
