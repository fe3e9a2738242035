//! Arrow IPC stream. The format has no place for "it was cut" after the rows; the HTTP trailer says it.

use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

use super::json::encode_error;
use super::{Encoder, Outcome, QueryError};

/// Writes an Arrow IPC stream.
pub(super) struct ArrowStream {
    schema: SchemaRef,
    writer: Option<StreamWriter<Vec<u8>>>,
}

impl ArrowStream {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self { schema, writer: None }
    }

    /// Moves what was written so far to `out`.
    fn drain(&mut self, out: &mut Vec<u8>) {
        if let Some(writer) = &mut self.writer {
            out.append(writer.get_mut());
        }
    }
}

impl Encoder for ArrowStream {
    fn start(&mut self, out: &mut Vec<u8>) -> Result<(), QueryError> {
        self.writer = Some(StreamWriter::try_new(Vec::new(), &self.schema).map_err(encode_error)?);
        self.drain(out);
        Ok(())
    }

    fn batch(&mut self, batch: &RecordBatch, out: &mut Vec<u8>) -> Result<(), QueryError> {
        if let Some(writer) = &mut self.writer {
            writer.write(batch).map_err(encode_error)?;
        }
        self.drain(out);
        Ok(())
    }

    fn finish(&mut self, _outcome: &Outcome, out: &mut Vec<u8>) -> Result<(), QueryError> {
        if let Some(writer) = &mut self.writer {
            writer.finish().map_err(encode_error)?;
        }
        self.drain(out);
        Ok(())
    }
}
