//! The files of the entries, each one block.
//!
//! `DIR/ab/abcdef…-00000003`: the hash of the block's file as 32 hex digits, then the number of the block.
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | `KRC1` |
//! | 4..8 | CRC-32C of all that follows, little-endian, as are all numbers |
//! | 8..24 | hash of the file's place |
//! | 24..28 | number of the block |
//! | 28..32 | bytes of the block |
//! | 32.. | the block |
//!
//! Nothing is synced: what a power cut tears fails its checksum and is fetched anew. A name never shows
//! a part, as long as the machine runs.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use bytes::Bytes;

use super::{BLOCK, Key};

const MAGIC: &[u8; 4] = b"KRC1";
const HEADER: usize = 32;
/// Beginning of names of entries that are being written.
const STAGED: &str = "new-";

/// The directory of a cache.
#[derive(Debug, Clone)]
pub(super) struct Disk {
    dir: PathBuf,
    staged: Arc<AtomicU64>,
}

impl Disk {
    pub(super) fn open(dir: &Path) -> io::Result<Self> {
        fs::create_dir_all(dir)?;
        Ok(Self { dir: dir.to_path_buf(), staged: Arc::default() })
    }

    fn path(&self, key: Key) -> PathBuf {
        let name = format!("{:032x}-{:08x}", key.file, key.block);
        self.dir.join(&name[..2]).join(name)
    }

    /// What an earlier process left, oldest first; half-written entries are removed.
    pub(super) fn entries(&self) -> io::Result<Vec<(Key, u64)>> {
        let mut found: Vec<(SystemTime, Key, u64)> = Vec::new();
        for part in fs::read_dir(&self.dir)? {
            let part = part?;
            if !part.file_type()?.is_dir() {
                continue;
            }
            for file in fs::read_dir(part.path())? {
                let file = file?;
                let name = file.file_name();
                let Some(name) = name.to_str() else { continue };
                if name.starts_with(STAGED) {
                    fs::remove_file(file.path())?;
                } else if let Some(key) = key_of(name) {
                    let meta = file.metadata()?;
                    let bytes = meta.len().saturating_sub(HEADER as u64);
                    found.push((meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), key, bytes));
                }
            }
        }
        found.sort_unstable();
        Ok(found.into_iter().map(|(_, key, bytes)| (key, bytes)).collect())
    }

    /// A block, if it is here and whole.
    pub(super) fn read(&self, key: Key) -> Option<Bytes> {
        let all = fs::read(self.path(key)).ok()?;
        let (header, block) = all.split_at_checked(HEADER)?;
        let sum = u32::from_le_bytes(header[4..8].try_into().ok()?);
        let is_whole = &header[..4] == MAGIC && sum == crc32c::crc32c(&all[8..]) && header[8..] == named(key, block);
        is_whole.then(|| Bytes::from(all).slice(HEADER..))
    }

    pub(super) fn write(&self, key: Key, block: &[u8]) -> io::Result<()> {
        debug_assert!(block.len() as u64 <= BLOCK, "a block of {} bytes", block.len());
        let path = self.path(key);
        let dir = path.parent().unwrap_or(&self.dir);
        let staged = dir.join(format!("{STAGED}{}", self.staged.fetch_add(1, Ordering::Relaxed)));
        let outcome = Self::write_staged(&staged, key, block).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                fs::create_dir_all(dir)?;
                Self::write_staged(&staged, key, block)
            }
            _ => Err(error),
        });
        let outcome = outcome.and_then(|()| fs::rename(&staged, &path));
        if outcome.is_err() {
            // It may not even be there; what stays is removed at the next start.
            fs::remove_file(&staged).ok();
        }
        outcome
    }

    fn write_staged(staged: &Path, key: Key, block: &[u8]) -> io::Result<()> {
        let names = named(key, block);
        let sum = crc32c::crc32c_append(crc32c::crc32c(&names), block);
        let mut file = File::create(staged)?;
        let header = [MAGIC.as_slice(), &sum.to_le_bytes(), &names].concat();
        file.write_all(&header)?;
        file.write_all(block)
    }

    /// Removes an entry; one that is gone already is no matter.
    pub(super) fn remove(&self, key: Key) {
        if let Err(error) = fs::remove_file(self.path(key))
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(%error, "the read cache cannot remove an entry");
        }
    }
}

/// What the header says of a block.
fn named(key: Key, block: &[u8]) -> [u8; 24] {
    let mut names = [0; 24];
    names[..16].copy_from_slice(&key.file.to_le_bytes());
    names[16..20].copy_from_slice(&key.block.to_le_bytes());
    names[20..].copy_from_slice(&u32::try_from(block.len()).unwrap_or(u32::MAX).to_le_bytes());
    names
}

/// The key of an entry by its file's name; `None` for a file that is none.
fn key_of(name: &str) -> Option<Key> {
    let (file, block) = name.split_once('-')?;
    if file.len() != 32 || block.len() != 8 {
        return None;
    }
    Some(Key { file: u128::from_str_radix(file, 16).ok()?, block: u32::from_str_radix(block, 16).ok()? })
}
