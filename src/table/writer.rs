//! One data file: rows in order in, a [`DataFile`] with its statistics out.

use arrow::record_batch::RecordBatch;
use chrono::{DateTime, Utc};
use object_store::path::Path;
use parquet::arrow::ArrowSchemaConverter;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::errors::ParquetError;
use uuid::Uuid;

use super::error::TableError;
use super::index::{self, Place};
use super::order::Contents;
use super::sums::Summed;
use super::upload::{Target, Upload};
use super::version::{DataFile, Work};
use super::{layout, stats};
use crate::error::chain;
use crate::event::names::partition_dir;
use crate::event::schema::{DATE, MODULE, file_schema};
use crate::failpoint;

/// The rows of one date and module.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Partition {
    /// UTC date, in days since 1970.
    pub(super) date: i32,
    pub(super) module: Option<String>,
}

/// A date as partition values have it.
pub(super) fn date_text(days: i32) -> String {
    let date = DateTime::<Utc>::from_timestamp(i64::from(days) * 86_400, 0).unwrap_or_default();
    date.format("%Y-%m-%d").to_string()
}

impl Partition {
    /// Directory below the table's root.
    fn directory(&self) -> String {
        let date = partition_dir(DATE, Some(&date_text(self.date)));
        format!("{date}/{}", partition_dir(MODULE, self.module.as_deref()))
    }
}

/// A file that is being written; for threads that may block.
pub(super) struct FileWriter {
    parquet: ArrowWriter<Summed<Upload>>,
    partition: Partition,
    /// Path below the table's root.
    path: String,
    location: Path,
    rows: u64,
    now_ms: i64,
}

impl FileWriter {
    pub(super) fn create(target: &Target, partition: Partition, contents: &Contents) -> Result<Self, TableError> {
        let path = format!("{}/{}.parquet", partition.directory(), Uuid::now_v7());
        let location = join(&target.root, &path)?;
        let schema = file_schema();
        let failed = |source| parquet_failed("start", &location, source);
        let descriptor = ArrowSchemaConverter::new().convert(&schema).map_err(failed)?;
        let properties = layout::properties(&descriptor, contents);
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let upload = Summed::new(Upload::new(target, location.clone()));
        let parquet = ArrowWriter::try_new_with_options(upload, schema, options).map_err(failed)?;
        Ok(Self { parquet, partition, path, location, rows: 0, now_ms: target.clock.now_ms() })
    }

    /// Writes the next rows; they are in the file schema and not before those written so far.
    pub(super) fn write(&mut self, rows: &RecordBatch) -> Result<(), TableError> {
        self.rows += rows.num_rows() as u64;
        self.parquet.write(rows).map_err(|source| parquet_failed("encode", &self.location, source))
    }

    /// Writes index section and footer, and puts the file in place.
    pub(super) fn finish(mut self) -> Result<DataFile, TableError> {
        let footer = self.write_footer().map_err(|source| parquet_failed("encode", &self.location, source))?;
        let sums = self.parquet.inner().sums();
        let size = self.parquet.inner_mut().inner_mut().finish()?;
        let written = u64::try_from(footer.file_metadata().num_rows()).unwrap_or_default();
        if written != self.rows {
            let what = format!("has {written} rows in its footer, {} were written", self.rows);
            return Err(TableError::DamagedFile { path: self.path, what });
        }
        Ok(DataFile {
            location: self.location,
            path: self.path,
            size,
            rows: self.rows,
            date: self.partition.date,
            module: self.partition.module,
            modified_ms: self.now_ms,
            ordered: true,
            work: Work::of_flush(size),
            stats: stats::from_footer(&footer),
            sums,
        })
    }

    fn write_footer(&mut self) -> Result<parquet::file::metadata::ParquetMetaData, ParquetError> {
        self.parquet.flush()?;
        failpoint::pass("table.upload")?;
        let section = index::encode(0, &[]);
        let place = Place { offset: self.parquet.bytes_written() as u64, len: section.len() as u64 };
        self.parquet.write_all(&section)?;
        self.parquet.append_key_value_metadata(place.entry());
        // All that was written so far is with the checksums.
        self.parquet.sync()?;
        let table = self.parquet.inner_mut().begin_tail();
        self.parquet.write_all(&table)?;
        self.parquet.finish()
    }

    /// Gives up: nothing stays under the file's name.
    pub(super) fn abandon(mut self) {
        self.parquet.inner_mut().inner_mut().abandon();
    }
}

/// Writes one file with what `fill` gives it, or leaves nothing behind; `contents` says what the columns hold.
pub(super) fn write_file(
    target: &Target,
    partition: Partition,
    contents: &Contents,
    fill: impl FnOnce(&mut FileWriter) -> Result<(), TableError>,
) -> Result<DataFile, TableError> {
    let mut writer = FileWriter::create(target, partition, contents)?;
    match fill(&mut writer) {
        Ok(()) => writer.finish(),
        Err(error) => {
            writer.abandon();
            Err(error)
        }
    }
}

/// Path in the store of `path` below `root`; escapes in it are part of the name.
pub(super) fn join(root: &Path, path: &str) -> Result<Path, TableError> {
    Path::parse(format!("{root}/{path}")).map_err(|error| TableError::DamagedFile {
        path: path.to_owned(),
        what: format!("has an impossible name: {error}"),
    })
}

pub(super) fn parquet_failed(action: &'static str, path: &Path, source: ParquetError) -> TableError {
    // What the encoder only passed on is no fault of its own.
    let is_of_store = chain(&source).any(|error| error.is::<std::io::Error>() || error.is::<object_store::Error>());
    if is_of_store {
        let source = object_store::Error::Generic { store: "table", source: Box::new(source) };
        return TableError::store(action, path, source);
    }
    TableError::Parquet { action, path: path.to_string(), source }
}
