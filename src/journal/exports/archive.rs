//! Many files as one archive (ZIP), with an index. Each chunk makes an archive of its own; the file gets all of them,
//! packed as they are, and the texts that grow from chunk to chunk.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufReader, Write};
use std::path::{Path, PathBuf};

use arrow::record_batch::RecordBatch;
use futures::StreamExt;
use tokio::runtime::Handle;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter};

use super::error::ExportError;
use super::files::{part_name, settle, sync_dir};
use super::record::Progress;
use super::rows::{Sink, Written};
use crate::event::names::ProjectName;
use crate::table::{BlobId, Storage};

/// Bytes above which a file needs the large form of ZIP.
const LARGE: u64 = u32::MAX as u64;

/// Makes files of rows.
pub(super) trait Packer {
    /// Adds what belongs to the rows of a chunk.
    fn pack(&mut self, chunk: &RecordBatch, part: &mut Part<'_>) -> Result<(), ExportError>;
    /// Texts of the archive, in their order.
    fn texts(&self) -> &'static [&'static str];
}

/// Where attached files are.
#[derive(Debug, Clone)]
pub(super) struct Blobs {
    pub(super) storage: Storage,
    pub(super) project: ProjectName,
    pub(super) runtime: Handle,
}

impl Blobs {
    /// Bytes of a stored file, handed to `take` as they come; `None` where it is not stored.
    pub(super) fn read(
        &self,
        id: &BlobId,
        mut take: impl FnMut(&[u8]) -> Result<(), ExportError>,
    ) -> Result<Option<u64>, ExportError> {
        let reading = async {
            let Some(size) = self.storage.blob_size(&self.project, id).await? else { return Ok(None) };
            let mut bytes = self.storage.read_blob(&self.project, id, 0..size).await?;
            while let Some(chunk) = bytes.next().await {
                take(&chunk?)?;
            }
            Ok(Some(size))
        };
        self.runtime.block_on(reading)
    }
}

/// The archive of a chunk.
pub(super) struct Part<'a> {
    zip: ZipWriter<File>,
    path: PathBuf,
    texts: BTreeMap<&'static str, Vec<u8>>,
    files: u64,
    files_left: u64,
    files_max: u64,
    blobs: &'a Blobs,
}

/// Files of all times alike: what is the same has the same bytes.
fn options(size: u64) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
        .large_file(size >= LARGE)
}

impl Part<'_> {
    fn begin(&mut self, name: &str, size: u64) -> Result<(), ExportError> {
        if self.files == self.files_left {
            return Err(ExportError::TooManyFiles(self.files_max));
        }
        self.files += 1;
        self.zip.start_file(name, options(size)).map_err(ExportError::encode)
    }

    /// Adds a file.
    pub(super) fn file(&mut self, name: &str, bytes: &[u8]) -> Result<(), ExportError> {
        self.begin(name, bytes.len() as u64)?;
        self.zip.write_all(bytes).map_err(ExportError::io(&self.path))
    }

    /// Adds an attached file; its size, or `None` where it is not stored.
    pub(super) fn blob(&mut self, name: &str, id: &BlobId) -> Result<Option<u64>, ExportError> {
        let blobs = self.blobs;
        let mut begun = false;
        let size = blobs.read(id, |bytes| {
            if !std::mem::replace(&mut begun, true) {
                self.begin(name, LARGE)?;
            }
            self.zip.write_all(bytes).map_err(ExportError::io(&self.path))
        })?;
        if size == Some(0) {
            self.file(name, b"")?;
        }
        Ok(size)
    }

    /// All bytes of an attached file that is small enough to be looked through.
    pub(super) fn small_blob(&self, id: &BlobId, size_max: usize) -> Result<Option<Vec<u8>>, ExportError> {
        let mut all = Vec::new();
        let size = self.blobs.read(id, |bytes| {
            if all.len() <= size_max {
                all.extend_from_slice(bytes);
            }
            Ok(())
        })?;
        Ok(size.filter(|_| all.len() <= size_max).map(|_| all))
    }

    /// Adds to a text of the archive.
    pub(super) fn text(&mut self, name: &'static str, bytes: &[u8]) {
        self.texts.entry(name).or_default().extend_from_slice(bytes);
    }
}

/// The sink of an archive.
pub(super) struct Archive {
    dir: PathBuf,
    packer: Box<dyn Packer>,
    blobs: Blobs,
    files_max: u64,
}

impl Archive {
    pub(super) fn new(dir: &Path, packer: Box<dyn Packer>, blobs: Blobs, files_max: u64) -> Result<Self, ExportError> {
        let parts = dir.join("parts");
        fs::create_dir_all(&parts).map_err(ExportError::io(&parts))?;
        sync_dir(dir)?;
        Ok(Self { dir: dir.to_path_buf(), packer, blobs, files_max })
    }

    fn part(&self, at: u64, ending: &str) -> PathBuf {
        self.dir.join("parts").join(part_name(at) + ending)
    }

    fn assemble(&self, parts: u64, path: &Path) -> Result<(), ExportError> {
        let failed = ExportError::io(path);
        let mut zip = ZipWriter::new(File::create(path).map_err(&failed)?);
        for name in self.packer.texts() {
            let all: Vec<PathBuf> = (0..parts).map(|at| self.part(at, name)).collect();
            let sizes = all.iter().map(|path| fs::metadata(path).map(|found| found.len()));
            let size = sizes.sum::<io::Result<u64>>().map_err(&failed)?;
            zip.start_file(*name, options(size)).map_err(ExportError::encode)?;
            for part in all {
                let mut text = BufReader::new(File::open(&part).map_err(ExportError::io(&part))?);
                io::copy(&mut text, &mut zip).map_err(&failed)?;
            }
        }
        for at in 0..parts {
            let part = self.part(at, "zip");
            let file = BufReader::new(File::open(&part).map_err(ExportError::io(&part))?);
            zip.merge_archive(ZipArchive::new(file).map_err(ExportError::encode)?).map_err(ExportError::encode)?;
        }
        zip.finish().map(|_| ()).map_err(ExportError::encode)
    }
}

impl Sink for Archive {
    fn write(&mut self, chunk: &RecordBatch, so_far: &Progress) -> Result<Written, ExportError> {
        let path = self.part(so_far.chunks, "zip");
        let file = File::create(&path).map_err(ExportError::io(&path))?;
        let mut part = Part {
            zip: ZipWriter::new(file),
            path: path.clone(),
            texts: self.packer.texts().iter().map(|name| (*name, Vec::new())).collect(),
            files: 0,
            files_left: self.files_max.saturating_sub(so_far.files),
            files_max: self.files_max,
            blobs: &self.blobs,
        };
        self.packer.pack(chunk, &mut part)?;
        let Part { zip, texts, files, .. } = part;
        let file = zip.finish().map_err(ExportError::encode)?;
        file.sync_all().map_err(ExportError::io(&path))?;
        let mut bytes = file.metadata().map_err(ExportError::io(&path))?.len();
        for (name, text) in texts {
            let path = self.part(so_far.chunks, name);
            let write = || {
                let mut file = File::create(&path)?;
                file.write_all(&text)?;
                file.sync_all()
            };
            write().map_err(ExportError::io(&path))?;
            bytes += text.len() as u64;
        }
        sync_dir(&self.dir.join("parts"))?;
        Ok(Written { bytes, files })
    }

    fn finish(self: Box<Self>, so_far: &Progress) -> Result<(u64, String), ExportError> {
        let path = self.dir.join("file.new");
        self.assemble(so_far.chunks, &path)?;
        settle(&path, &self.dir, None)
    }
}
