//! Local disk as an object store whose writes survive a power cut.
//!
//! [`LocalFileSystem`] never syncs anything. This wrapper writes a new object's bytes to a staging
//! file, syncs it, gives it its final name (a rename to overwrite, a hard link to create, which
//! fails atomically when the name is taken) and syncs every directory on the way down from the
//! base. Everything else is forwarded.
//!
//! # Invariants
//! * A put that returned `Ok` is on disk, name and content.
//! * The final name of a put never shows part of the content.
//! * After the first failed sync every write fails: what the disk then holds is unknown.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::Range;
use std::path::{Path as FsPath, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use parking_lot::Mutex;
use uuid::Uuid;

use crate::failpoint;

/// Directory of half-written files, below the base: never inside a table.
pub const STAGING: &str = ".staging";

const STORE: &str = "DurableLocal";

/// Local disk with synced writes; paths are from the root of the file system.
#[derive(Debug, Clone)]
pub struct DurableLocal {
    inner: LocalFileSystem,
    disk: Arc<Disk>,
}

#[derive(Debug)]
struct Disk {
    base: PathBuf,
    /// Directories whose names are known to be on disk.
    synced: Mutex<HashSet<PathBuf>>,
    broken: AtomicBool,
}

impl DurableLocal {
    /// A store of everything below `base`, which must exist and be absolute.
    #[must_use]
    pub fn new(base: PathBuf) -> Self {
        let disk = Disk { base, synced: Mutex::default(), broken: AtomicBool::new(false) };
        Self { inner: LocalFileSystem::new(), disk: Arc::new(disk) }
    }

    /// Whether a sync has failed, so that no write is taken any more.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.disk.broken.load(Ordering::Acquire)
    }
}

impl std::fmt::Display for DurableLocal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{STORE}({})", self.disk.base.display())
    }
}

fn failed(source: io::Error) -> object_store::Error {
    object_store::Error::Generic { store: STORE, source: Box::new(source) }
}

impl Disk {
    /// Remembers a failed sync for good.
    fn synced<T>(&self, outcome: io::Result<T>) -> Result<T> {
        outcome.map_err(|source| {
            self.broken.store(true, Ordering::Release);
            failed(source)
        })
    }

    fn check(&self) -> Result<()> {
        if self.broken.load(Ordering::Acquire) {
            return Err(failed(io::Error::other("an earlier sync failed")));
        }
        Ok(())
    }

    /// Makes `dir` and syncs the entry of every directory from the base down to it, once a process:
    /// another process may have made one without living long enough to sync it.
    fn ensure_dir(&self, dir: &FsPath) -> Result<()> {
        if self.synced.lock().contains(dir) {
            return Ok(());
        }
        fs::create_dir_all(dir).map_err(failed)?;
        let chain: Vec<&FsPath> = dir.ancestors().take_while(|part| part.starts_with(&self.base)).collect();
        for part in &chain {
            self.synced(sync_dir(part))?;
            // Its own entry is on disk, and now those in it.
            if self.synced.lock().contains(*part) {
                break;
            }
        }
        self.synced.lock().extend(chain.into_iter().map(FsPath::to_path_buf));
        Ok(())
    }

    fn put(&self, path: &FsPath, payload: &PutPayload, mode: &PutMode) -> Result<()> {
        self.check()?;
        let parent = path.parent().unwrap_or(&self.base);
        self.ensure_dir(parent)?;
        let staging = self.base.join(STAGING);
        self.ensure_dir(&staging)?;
        let staged = staging.join(Uuid::new_v4().to_string());
        let outcome = self.put_staged(&staged, path, payload, mode);
        if outcome.is_err() || *mode == PutMode::Create {
            // Only the extra name goes; what is left behind by a crash is swept by `vacuum`.
            fs::remove_file(&staged).ok();
        }
        outcome?;
        self.synced(sync_dir(parent))
    }

    fn put_staged(&self, staged: &FsPath, path: &FsPath, payload: &PutPayload, mode: &PutMode) -> Result<()> {
        let mut file = File::create_new(staged).map_err(failed)?;
        failpoint::pass("disk.write").map_err(failed)?;
        for chunk in payload {
            file.write_all(chunk).map_err(failed)?;
        }
        self.synced(failpoint::pass("disk.sync").and_then(|()| file.sync_all()))?;
        drop(file);
        if *mode != PutMode::Create {
            return fs::rename(staged, path).map_err(failed);
        }
        fs::hard_link(staged, path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => {
                object_store::Error::AlreadyExists { path: path.display().to_string(), source: Box::new(source) }
            }
            _ => failed(source),
        })
    }

    /// Syncs a file that another call has put in place, and its directory.
    fn settle(&self, path: &FsPath) -> Result<()> {
        self.synced(File::open(path).and_then(|file| file.sync_all()))?;
        self.synced(sync_dir(path.parent().unwrap_or(&self.base)))
    }
}

/// Makes `dir` and what is missing above it, each with its entry on disk.
///
/// # Errors
/// A directory cannot be made or synced.
pub fn create_synced(dir: &FsPath) -> io::Result<()> {
    let missing: Vec<&FsPath> = dir.ancestors().take_while(|part| !part.exists()).collect();
    fs::create_dir_all(dir)?;
    missing
        .into_iter()
        .filter_map(FsPath::parent)
        .filter(|parent| !parent.as_os_str().is_empty())
        .try_for_each(sync_dir)
}

fn sync_dir(dir: &FsPath) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await?
}

#[async_trait]
impl ObjectStore for DurableLocal {
    async fn put_opts(&self, location: &Path, payload: PutPayload, opts: PutOptions) -> Result<PutResult> {
        if matches!(opts.mode, PutMode::Update(_)) || !opts.attributes.is_empty() {
            // The inner store says what it cannot do, in its own words, and writes nothing.
            return self.inner.put_opts(location, payload, opts).await;
        }
        let path = self.inner.path_to_filesystem(location)?;
        let disk = Arc::clone(&self.disk);
        blocking(move || disk.put(&path, &payload, &opts.mode)).await?;
        Ok(PutResult { e_tag: None, version: None })
    }

    async fn put_multipart_opts(&self, location: &Path, opts: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.disk.check()?;
        let path = self.inner.path_to_filesystem(location)?;
        let (disk, parent) = (Arc::clone(&self.disk), path.parent().map(FsPath::to_path_buf));
        blocking(move || parent.map_or(Ok(()), |parent| disk.ensure_dir(&parent))).await?;
        let inner = self.inner.put_multipart_opts(location, opts).await?;
        Ok(Box::new(DurableUpload { inner, path, disk: Arc::clone(&self.disk) }))
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(location, options).await
    }

    async fn get_ranges(&self, location: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.inner.get_ranges(location, ranges).await
    }

    fn delete_stream(&self, locations: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(locations)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.disk.check()?;
        self.inner.copy_opts(from, to, options).await?;
        self.settle(to).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.disk.check()?;
        self.inner.rename_opts(from, to, options).await?;
        self.settle(to).await
    }
}

impl DurableLocal {
    /// Removes a directory and what is in it, and syncs the one above; one that is gone is no error.
    ///
    /// # Errors
    /// The disk refuses.
    pub async fn remove_dir(&self, location: &Path) -> Result<()> {
        let path = self.inner.path_to_filesystem(location)?;
        let disk = Arc::clone(&self.disk);
        blocking(move || {
            match fs::remove_dir_all(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                other => other.map_err(failed)?,
            }
            // A directory that is made again must have its entry synced again.
            disk.synced.lock().retain(|known| !known.starts_with(&path));
            match path.parent() {
                Some(parent) if parent.exists() => disk.synced(sync_dir(parent)),
                _ => Ok(()),
            }
        })
        .await
    }

    async fn settle(&self, location: &Path) -> Result<()> {
        let path = self.inner.path_to_filesystem(location)?;
        let disk = Arc::clone(&self.disk);
        blocking(move || {
            disk.ensure_dir(path.parent().unwrap_or(&disk.base))?;
            disk.settle(&path)
        })
        .await
    }
}

/// An upload in parts that is synced when it is complete.
#[derive(Debug)]
struct DurableUpload {
    inner: Box<dyn MultipartUpload>,
    path: PathBuf,
    disk: Arc<Disk>,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.disk.check()?;
        let result = self.inner.complete().await?;
        let (disk, path) = (Arc::clone(&self.disk), self.path.clone());
        blocking(move || disk.settle(&path)).await?;
        Ok(result)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}

#[cfg(test)]
mod tests;
