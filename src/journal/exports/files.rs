//! Files of an export on disk. Below its directory: `data` or `parts/` while it is made, then `file`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::error::ExportError;
use super::record::Progress;
use crate::failpoint;

/// The finished file.
const FILE: &str = "file";
/// Bytes that are read at a time.
const BLOCK: usize = 1 << 20;

/// Place of the file of the export in `dir`, once it is done.
pub(crate) fn file_of(dir: &Path) -> PathBuf {
    dir.join(FILE)
}

/// Removes the files of an export, not what is known of it.
pub(crate) fn clear(dir: &Path) -> io::Result<()> {
    for part in [FILE, "data", "file.new"] {
        gone(fs::remove_file(dir.join(part)))?;
    }
    gone(fs::remove_dir_all(dir.join("parts")))
}

/// Removes what the file was made of.
pub(crate) fn clear_parts(dir: &Path) -> io::Result<()> {
    gone(fs::remove_dir_all(dir.join("parts")))
}

/// Whether everything that a checkpoint names is there; what was put in its place already, but is not known to
/// be complete, goes back.
pub(super) fn is_whole(dir: &Path, progress: &Progress) -> io::Result<bool> {
    if progress.chunks == 0 {
        return Ok(true);
    }
    let parts = dir.join("parts");
    if parts.exists() {
        let names = fs::read_dir(&parts)?.collect::<io::Result<Vec<_>>>()?;
        let starts = |at: u64| names.iter().any(|name| name.file_name().to_string_lossy().starts_with(&part_name(at)));
        return Ok((0..progress.chunks).all(starts));
    }
    let data = dir.join("data");
    if !data.exists() && file_of(dir).exists() {
        fs::rename(file_of(dir), &data)?;
    }
    match fs::metadata(&data) {
        Ok(found) => Ok(found.len() >= progress.bytes),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Name of a part's files, without their endings.
pub(super) fn part_name(at: u64) -> String {
    format!("{at:08}.")
}

fn gone(removed: io::Result<()>) -> io::Result<()> {
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Puts a file that is complete in its place; returns its size and hash.
pub(super) fn settle(from: &Path, dir: &Path, digest: Option<Sha256>) -> Result<(u64, String), ExportError> {
    let failed = ExportError::io(from);
    let file = File::open(from).map_err(&failed)?;
    file.sync_all().map_err(&failed)?;
    let size = file.metadata().map_err(&failed)?.len();
    let digest = match digest {
        Some(digest) => digest,
        None => hashed(from, size)?,
    };
    failpoint::pass("export.write").map_err(&failed)?;
    fs::rename(from, file_of(dir)).map_err(&failed)?;
    failpoint::pass("export.written").map_err(&failed)?;
    sync_dir(dir)?;
    Ok((size, crate::access::hex(&<[u8; 32]>::from(digest.finalize()))))
}

/// Hash of the first `size` bytes of a file; fewer are an error.
pub(super) fn hashed(path: &Path, size: u64) -> Result<Sha256, ExportError> {
    let failed = ExportError::io(path);
    let mut rest = File::open(path).map_err(&failed)?.take(size);
    let (mut digest, mut block, mut seen) = (Sha256::new(), vec![0; BLOCK], 0);
    loop {
        match rest.read(&mut block).map_err(&failed)? {
            0 if seen == size => return Ok(digest),
            0 => return Err(failed(io::ErrorKind::UnexpectedEof.into())),
            read => {
                digest.update(&block[..read]);
                seen += read as u64;
            }
        }
    }
}

/// Makes the names in a directory durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), ExportError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(ExportError::io(dir))
}
