//! Checksums of checkpoints: `_delta_log/VERSION.checkpoint.crc32c` beside each that we write.
//!
//! A checkpoint is a Parquet file that a library writes and reads without checksums, and what it says of files,
//! rows and bounds decides what queries see. It holds nothing that the commits do not: one that is damaged is
//! passed over as long as the commits, or an older checkpoint, tell the same. Readers of the table ignore files of
//! other names.

use object_store::ObjectStoreExt;
use object_store::path::Path;

use super::Storage;
use super::copy::Print;
use super::error::TableError;
use super::log::{LOG_DIR, checkpoint_version};

const ENDING: &str = ".checkpoint.crc32c";

/// Whether a checkpoint is what was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seal {
    /// It is.
    Whole,
    /// Nobody knows: it was written by another tool, by a release before this one, or in several parts.
    Unknown,
    /// It is not, for this reason.
    Broken(String),
}

/// Path of the checkpoint of `version`.
pub(super) fn path(root: &Path, version: u64) -> Path {
    root.clone().join(LOG_DIR).join(format!("{version:020}.checkpoint.parquet"))
}

fn seal_of(root: &Path, version: u64) -> Path {
    root.clone().join(LOG_DIR).join(format!("{version:020}{ENDING}"))
}

fn text(print: Print) -> String {
    format!("{:08x} {}\n", print.crc32c, print.size)
}

async fn read(storage: &Storage, path: &Path) -> Result<Option<bytes::Bytes>, TableError> {
    let read = async { storage.store().get(path).await?.bytes().await };
    match read.await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(source) => Err(TableError::store("read", path, source)),
    }
}

/// Writes the checksum of the checkpoint of `version`, and drops those whose checkpoint is gone.
///
/// # Errors
/// The store fails; the checkpoint is as good as without it.
pub(super) async fn seal(storage: &Storage, root: &Path, version: u64) -> Result<(), TableError> {
    let Some(bytes) = read(storage, &path(root, version)).await? else { return Ok(()) };
    let path = seal_of(root, version);
    let put = storage.store().put(&path, text(Print::of(&bytes)).into()).await;
    put.map_err(|source| TableError::store("write", &path, source))?;
    let listed = storage.listed(&root.clone().join(LOG_DIR)).await?;
    let names: Vec<&str> = listed.iter().filter_map(|(path, _)| path.filename()).collect();
    for sealed in names.iter().filter_map(|name| sealed_version(name)) {
        if !names.iter().any(|name| checkpoint_version(name) == Some(sealed)) {
            let path = seal_of(root, sealed);
            storage.store().delete(&path).await.map_err(|source| TableError::store("delete", &path, source))?;
        }
    }
    Ok(())
}

/// Compares the checkpoint of `version` with its checksum.
///
/// # Errors
/// The store fails.
pub(super) async fn examine(storage: &Storage, root: &Path, version: u64) -> Result<Seal, TableError> {
    let Some(seal) = read(storage, &seal_of(root, version)).await? else { return Ok(Seal::Unknown) };
    let path = self::path(root, version);
    let Some(bytes) = read(storage, &path).await? else { return Ok(Seal::Unknown) };
    if seal == text(Print::of(&bytes)) {
        return Ok(Seal::Whole);
    }
    let other = seal_of(root, version);
    let what = format!("is damaged: it does not match `{}`", other.filename().unwrap_or_default());
    Ok(Seal::Broken(what))
}

/// Version of the checkpoint that a checksum is of, or `None` where `name` is none.
pub(super) fn sealed_version(name: &str) -> Option<u64> {
    name.strip_suffix(ENDING)?.parse().ok()
}

/// Name of a checkpoint's file, for people.
pub(super) fn name(root: &Path, version: u64) -> String {
    path(root, version).to_string()
}
