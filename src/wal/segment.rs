//! Segment files: name, header, how they are made, reused and removed.
//!
//! A segment `wal-000000000042.log` is a header page of 4096 bytes, then frames (see `frame`) until
//! 64 zero bytes or the end of the file. The header, little-endian:
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 8 | magic `KRONWAL\n` |
//! | 8 | 4 | format version |
//! | 12 | 4 | zero |
//! | 16 | 8 | segment id, as in the file name |
//! | 24 | 8 | mark: random; every frame of this use of the file carries it |
//! | 32 | 4 | crc32c of bytes 0 to 31 |
//!
//! The page is written once, before the file gets its name, and never again: a torn write of frames
//! cannot touch it. The first sequence number is not in it, because the file is made before that
//! number is known; the first frame says it.
//!
//! A file is prepared as `wal-….tmp` (zeros are really written: a hole or a reserved extent would
//! cost a journal commit per sync), synced, renamed, and the directory synced. A segment no longer
//! needed becomes a spare, also `.tmp`, so that its old name is gone for good before its header changes.
//! Frames of its former life need no zeroing: their mark differs.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::frame::{HEAD, u32_at, u64_at};
use super::{WalError, trace};
use crate::failpoint;

/// Bytes of the header page; the first frame starts here.
pub(super) const SEGMENT_HEAD: u64 = 4096;
/// Format of the segments this release writes and reads.
pub(super) const VERSION: u32 = 1;
const MAGIC: [u8; 8] = *b"KRONWAL\n";
const CHECKED: usize = 32;
static ZEROS: [u8; 1 << 18] = [0; 1 << 18];

/// A segment file with a valid header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) id: u64,
    pub(super) path: PathBuf,
    pub(super) mark: u64,
    /// Bytes of the file.
    pub(super) len: u64,
}

/// What a file named like a segment holds.
#[derive(Debug)]
pub(super) enum Header {
    Valid {
        id: u64,
        mark: u64,
    },
    OtherVersion(u32),
    /// Nothing but zeros, or nothing at all: made, but never used.
    Blank,
    Damaged,
}

/// Name of the segment's file.
pub(super) fn file_name(id: u64) -> String {
    format!("wal-{id:012}.log")
}

/// Name of a file that is being prepared, or kept to be used again.
fn temporary(dir: &Path, id: u64, what: &str) -> PathBuf {
    dir.join(format!("wal-{id:012}.{what}.tmp"))
}

/// Segment id of a file name; `None` for every other file.
pub(super) fn id_of(name: &str) -> Option<u64> {
    let id = name.strip_prefix("wal-")?.strip_suffix(".log")?.parse().ok()?;
    (file_name(id) == name).then_some(id)
}

/// Whether the file is one that only a running log needs.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with("wal-") && name.ends_with(".tmp")
}

/// The header page.
pub(super) fn header(id: u64, mark: u64) -> [u8; SEGMENT_HEAD as usize] {
    let mut page = [0; SEGMENT_HEAD as usize];
    page[..8].copy_from_slice(&MAGIC);
    page[8..12].copy_from_slice(&VERSION.to_le_bytes());
    page[16..24].copy_from_slice(&id.to_le_bytes());
    page[24..32].copy_from_slice(&mark.to_le_bytes());
    let crc = crc32c::crc32c(&page[..CHECKED]);
    page[32..36].copy_from_slice(&crc.to_le_bytes());
    page
}

/// Reads and judges the header page; reads on only where the page is blank.
pub(super) fn read_header(mut file: &File) -> io::Result<Header> {
    let mut page = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.take(SEGMENT_HEAD).read_to_end(&mut page)?;
    if page.iter().all(|byte| *byte == 0) {
        return Ok(if is_blank(file)? { Header::Blank } else { Header::Damaged });
    }
    let whole = page.len() as u64 == SEGMENT_HEAD;
    if !whole || page[..8] != MAGIC || u32_at(&page, CHECKED) != crc32c::crc32c(&page[..CHECKED]) {
        return Ok(Header::Damaged);
    }
    match u32_at(&page, 8) {
        VERSION => Ok(Header::Valid { id: u64_at(&page, 16), mark: u64_at(&page, 24) }),
        other => Ok(Header::OtherVersion(other)),
    }
}

fn is_blank(mut file: &File) -> io::Result<bool> {
    let mut chunk = vec![0; ZEROS.len()];
    loop {
        let read = file.read(&mut chunk)?;
        if read == 0 {
            return Ok(true);
        }
        if chunk[..read] != ZEROS[..read] {
            return Ok(false);
        }
    }
}

/// Writes zeros from the file's cursor on.
pub(super) fn write_zeros(mut file: &File, mut count: u64) -> io::Result<()> {
    while count > 0 {
        let step = usize::try_from(count).unwrap_or(usize::MAX).min(ZEROS.len());
        file.write_all(&ZEROS[..step])?;
        count -= step as u64;
    }
    Ok(())
}

/// Makes the names of new, renamed and removed files durable.
pub(super) fn sync_dir(dir: &Path) -> Result<(), WalError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(WalError::io("sync directory", dir))?;
    trace::dir_synced(dir);
    Ok(())
}

/// Makes a segment of `len` bytes ready for writing, from `spare` (of that length) or from nothing.
pub(super) fn prepare(dir: &Path, id: u64, len: u64, spare: Option<&Path>) -> Result<Segment, WalError> {
    let made = temporary(dir, id, "new");
    let path = dir.join(file_name(id));
    let source = spare.unwrap_or(&made);
    let mark = fill(source, id, len, spare.is_some())
        .inspect_err(|_| drop(fs::remove_file(source))) // a full disk needs its space back; else the next start removes it
        .map_err(WalError::io("prepare log segment", &path))?;
    fs::rename(source, &path).map_err(WalError::io("rename to log segment", &path))?;
    trace::renamed(source, &path);
    failpoint::at("wal.renamed");
    sync_dir(dir)?;
    Ok(Segment { id, path, mark, len })
}

/// A mark no earlier use of a file has, and no sender of a body can guess.
pub(super) fn new_mark() -> io::Result<u64> {
    getrandom::u64().map_err(|error| io::Error::other(error.to_string()))
}

fn fill(path: &Path, id: u64, len: u64, reuse: bool) -> io::Result<u64> {
    failpoint::pass("wal.prepare")?;
    let mark = new_mark()?;
    let mut file = OpenOptions::new().write(true).create(!reuse).truncate(!reuse).open(path)?;
    if !reuse {
        trace::created(path);
    }
    let head = header(id, mark);
    file.write_all(&head)?;
    trace::wrote(path, 0, &[IoSlice::new(&head)]);
    // Behind the header of a reused file one zero head is enough: it ends the segment.
    let zeros = if reuse { HEAD as u64 } else { len - SEGMENT_HEAD };
    write_zeros(&file, zeros)?;
    trace::zeroed(path, SEGMENT_HEAD, zeros);
    file.sync_all()?;
    trace::synced(path);
    Ok(mark)
}

/// Lengthens a prepared segment, for a frame larger than a segment.
pub(super) fn grow(segment: &Segment, len: u64) -> Result<Segment, WalError> {
    let extend = || {
        let mut file = OpenOptions::new().write(true).open(&segment.path)?;
        file.seek(SeekFrom::Start(segment.len))?;
        write_zeros(&file, len - segment.len)?;
        trace::zeroed(&segment.path, segment.len, len - segment.len);
        file.sync_all()?;
        trace::synced(&segment.path);
        Ok(())
    };
    match extend() {
        Ok(()) => Ok(Segment { len, ..segment.clone() }),
        Err(source) => {
            // It holds no frame. Leaving it half grown would hide a failed sync.
            remove(segment)?;
            Err(WalError::io("lengthen log segment", &segment.path)(source))
        }
    }
}

/// Removes a segment for good. One that is gone already only needs its directory synced, which may
/// be what failed the last time; so too in [`set_aside`].
pub(super) fn remove(segment: &Segment) -> Result<(), WalError> {
    match fs::remove_file(&segment.path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(WalError::io("remove log segment", &segment.path)(error))
        }
        _ => {
            trace::removed(&segment.path);
            sync_dir(dir_of(segment))
        }
    }
}

/// Turns a segment into a spare file.
pub(super) fn set_aside(segment: &Segment) -> Result<Option<PathBuf>, WalError> {
    let spare = temporary(dir_of(segment), segment.id, "spare");
    failpoint::at("wal.retire");
    let found = match fs::rename(&segment.path, &spare) {
        Ok(()) => {
            trace::renamed(&segment.path, &spare);
            Some(spare)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(WalError::io("rename log segment", &segment.path)(error)),
    };
    failpoint::at("wal.retired");
    sync_dir(dir_of(segment))?;
    Ok(found)
}

fn dir_of(segment: &Segment) -> &Path {
    segment.path.parent().unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests;
