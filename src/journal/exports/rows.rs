//! Rows as one file: text and Arrow grow at the end, Parquet is put together from row groups.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use parquet::column::writer::ColumnCloseResult;
use parquet::file::properties::WriterProperties;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::file::writer::SerializedFileWriter;
use sha2::{Digest, Sha256};

use super::error::ExportError;
use super::files::{hashed, part_name, settle, sync_dir};
use super::record::Progress;
use crate::query::{Encoding, Format};

/// Rows that are encoded into one buffer.
const STEP_ROWS: usize = 1_024;

/// What a chunk added.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Written {
    pub(super) bytes: u64,
    pub(super) files: u64,
}

/// Where chunks go.
pub(super) trait Sink {
    /// Writes a chunk; it is durable when this returns.
    fn write(&mut self, chunk: &RecordBatch, so_far: &Progress) -> Result<Written, ExportError>;
    /// Puts the file in its place; returns its size and SHA-256.
    fn finish(self: Box<Self>, so_far: &Progress) -> Result<(u64, String), ExportError>;
}

/// The sink of a format, going on behind what `so_far` says is there.
pub(super) fn sink(
    format: Format,
    schema: &SchemaRef,
    dir: &Path,
    so_far: &Progress,
) -> Result<Box<dyn Sink>, ExportError> {
    Ok(match format {
        Format::Parquet => Box::new(RowGroups::new(schema, dir)?),
        Format::Json | Format::Ndjson | Format::Csv | Format::CsvSafe | Format::Arrow => {
            Box::new(Growing::new(format, schema, dir, so_far.bytes)?)
        }
    })
}

/// A file that grows at its end.
struct Growing {
    dir: PathBuf,
    path: PathBuf,
    file: File,
    encoding: Encoding,
    digest: Sha256,
    /// What stands before the first row and is not written yet.
    head: Vec<u8>,
}

impl Growing {
    fn new(format: Format, schema: &SchemaRef, dir: &Path, bytes: u64) -> Result<Self, ExportError> {
        let path = dir.join("data");
        let failed = ExportError::io(&path);
        let mut file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(&failed)?;
        // What lies behind the checkpoint was not finished.
        file.set_len(bytes).map_err(&failed)?;
        file.seek(SeekFrom::End(0)).map_err(&failed)?;
        sync_dir(dir)?;
        let mut encoding = Encoding::new(format, schema);
        let mut head = Vec::new();
        encoding.start(&mut head)?;
        let digest = hashed(&path, bytes)?;
        if bytes > 0 {
            head.clear();
        }
        Ok(Self { dir: dir.to_path_buf(), path, file, encoding, digest, head })
    }

    fn append(&mut self, bytes: &[u8]) -> Result<u64, ExportError> {
        self.file.write_all(bytes).map_err(ExportError::io(&self.path))?;
        self.digest.update(bytes);
        Ok(bytes.len() as u64)
    }
}

impl Sink for Growing {
    fn write(&mut self, chunk: &RecordBatch, _: &Progress) -> Result<Written, ExportError> {
        let mut out = std::mem::take(&mut self.head);
        let mut bytes = 0;
        // A batch of Arrow is a chunk; of text, a buffer holds a part of one.
        let whole = matches!(chunk.num_rows(), 0..=STEP_ROWS) || self.encoding.is_framed();
        let step = if whole { chunk.num_rows().max(1) } else { STEP_ROWS };
        for from in (0..chunk.num_rows()).step_by(step) {
            let rows = chunk.slice(from, step.min(chunk.num_rows() - from));
            self.encoding.rows(&rows, &mut out)?;
            bytes += self.append(&out)?;
            out.clear();
        }
        self.file.sync_data().map_err(ExportError::io(&self.path))?;
        Ok(Written { bytes, files: 0 })
    }

    fn finish(mut self: Box<Self>, _: &Progress) -> Result<(u64, String), ExportError> {
        let mut out = std::mem::take(&mut self.head);
        self.encoding.finish(&mut out)?;
        self.append(&out)?;
        settle(&self.path, &self.dir, Some(self.digest))
    }
}

/// One file a chunk, each with one row group; the file gets all of them.
struct RowGroups {
    dir: PathBuf,
    schema: SchemaRef,
}

impl RowGroups {
    fn new(schema: &SchemaRef, dir: &Path) -> Result<Self, ExportError> {
        let parts = dir.join("parts");
        fs::create_dir_all(&parts).map_err(ExportError::io(&parts))?;
        sync_dir(dir)?;
        Ok(Self { dir: dir.to_path_buf(), schema: Arc::clone(schema) })
    }

    fn part(&self, at: u64) -> PathBuf {
        self.dir.join("parts").join(part_name(at) + "parquet")
    }

    /// Writes a file of its own.
    fn encode(&self, rows: Option<&RecordBatch>, path: &Path) -> Result<u64, ExportError> {
        let mut encoding = Encoding::new(Format::Parquet, &self.schema);
        let mut out = Vec::new();
        encoding.start(&mut out)?;
        if let Some(rows) = rows {
            encoding.rows(rows, &mut out)?;
        }
        encoding.finish(&mut out)?;
        let write = || {
            let mut file = File::create(path)?;
            file.write_all(&out)?;
            file.sync_all()
        };
        write().map_err(ExportError::io(path))?;
        Ok(out.len() as u64)
    }

    /// Copies the row groups of all parts, encoded as they are.
    fn assemble(&self, parts: u64, path: &Path) -> Result<(), ExportError> {
        let out = File::create(path).map_err(ExportError::io(path))?;
        let mut writer = None;
        for at in 0..parts {
            let source = self.part(at);
            let file = File::open(&source).map_err(ExportError::io(&source))?;
            let part = SerializedFileReader::new(file.try_clone().map_err(ExportError::io(&source))?)
                .map_err(ExportError::encode)?;
            let metadata = part.metadata();
            let writer = match &mut writer {
                Some(writer) => writer,
                slot => {
                    let about = metadata.file_metadata();
                    let properties = WriterProperties::builder()
                        .set_created_by(about.created_by().unwrap_or("kronika").to_owned())
                        .set_key_value_metadata(about.key_value_metadata().cloned())
                        .build();
                    let schema = about.schema_descr().root_schema_ptr();
                    let out = out.try_clone().map_err(ExportError::io(path))?;
                    slot.insert(
                        SerializedFileWriter::new(out, schema, Arc::new(properties)).map_err(ExportError::encode)?,
                    )
                }
            };
            for group in metadata.row_groups() {
                let mut copied = writer.next_row_group().map_err(ExportError::encode)?;
                for column in group.columns() {
                    let closed = ColumnCloseResult {
                        bytes_written: u64::try_from(column.compressed_size()).unwrap_or(0),
                        rows_written: u64::try_from(group.num_rows()).unwrap_or(0),
                        metadata: column.clone(),
                        bloom_filter: None,
                        column_index: None,
                        offset_index: None,
                    };
                    copied.append_column(&file, closed).map_err(ExportError::encode)?;
                }
                copied.close().map_err(ExportError::encode)?;
            }
        }
        match writer {
            Some(writer) => writer.close().map(|_| ()).map_err(ExportError::encode),
            None => self.encode(None, path).map(|_| ()),
        }
    }
}

impl Sink for RowGroups {
    fn write(&mut self, chunk: &RecordBatch, so_far: &Progress) -> Result<Written, ExportError> {
        let bytes = self.encode(Some(chunk), &self.part(so_far.chunks))?;
        sync_dir(&self.dir.join("parts"))?;
        Ok(Written { bytes, files: 0 })
    }

    fn finish(self: Box<Self>, so_far: &Progress) -> Result<(u64, String), ExportError> {
        let path = self.dir.join("file.new");
        self.assemble(so_far.chunks, &path)?;
        settle(&path, &self.dir, None)
    }
}
