//! The dedup window: which ids of a project were seen lately, and with what content.
//!
//! Counted in order of receipt, not of event time. Two generations: the current one takes new ids; when
//! it holds `capacity` of them it becomes the previous one, and the previous one is dropped. So the last
//! `capacity` ids are always known, and at most twice as many.
//!
//! **Memory.** An entry takes 25 bytes of a hash table that is 44 to 88 % full: 29 to 57 bytes, at most
//! 114 MB for the default of 1,000,000 with both generations full, nothing for projects whose senders
//! give no ids. **Disk.** 28 bytes an entry.
//!
//! # Files
//! `<generation, 16 hex digits>.ids` in the window's directory, integers little endian:
//! * header, 32 bytes: magic `KRNIDS01`, generation `u64`, 12 zeros, CRC-32C of these;
//! * records, 28 bytes each: key `u128`, content `u64`, CRC-32C of these 24 bytes started with the low
//!   half of the generation.
//!
//! # Invariants
//! * The engine calls [`Window::sync`] before the log forgets the events whose ids were inserted; what
//!   was not synced is inserted again by replay, so inserting an id twice is harmless.
//! * Bad records at the end of a file are a torn tail and are cut; a bad one before good ones is
//!   counted ([`Window::damaged`]) and skipped.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use hashbrown::HashTable;

use super::state::{self, Found, HEADER, StateError, at_path};

const MAGIC: &[u8; 8] = b"KRNIDS01";
const EXTENSION: &str = "ids";
const RECORD: usize = 28;
/// Bytes that wait in memory before they are written.
const BUFFER_MAX: usize = 256 << 10;

/// What the window knows of an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Seen {
    /// Nothing.
    New,
    /// It came with the same content.
    Same,
    /// It came with other content.
    Conflict,
}

/// One id.
#[derive(Debug, Clone, Copy)]
struct Entry {
    // Two halves: a `u128` would be aligned to 16 bytes and cost 8 more an entry.
    key: [u64; 2],
    content: u64,
}

type Ids = HashTable<Entry>;

/// The window of one project.
#[derive(Debug)]
pub struct Window {
    dir: PathBuf,
    capacity: usize,
    generation: u64,
    current: Ids,
    previous: Ids,
    file: File,
    /// Bytes of the current file that are written.
    written: u64,
    /// Records that are not written yet.
    buffer: Vec<u8>,
    /// Whether something was written since the last sync.
    dirty: bool,
    damaged: u64,
    latched: bool,
}

impl Window {
    /// Opens the window in `dir`, made where it is missing; `capacity` is the size of a generation.
    ///
    /// # Errors
    /// The disk refuses, or a file there is none of this format.
    pub fn open(dir: &Path, capacity: usize) -> Result<Self, StateError> {
        std::fs::create_dir_all(dir).map_err(at_path(dir))?;
        let generations = state::numbers(dir, EXTENSION)?;
        let generation = generations.last().copied().unwrap_or(1);
        let mut damaged = 0;
        let mut previous = Ids::new();
        for old in generations.iter().copied().filter(|number| *number < generation) {
            let path = state::path_of(dir, old, EXTENSION);
            if old + 1 < generation {
                std::fs::remove_file(&path).map_err(at_path(&path))?;
            } else if let Found::Whole(_, bytes) = state::load(&path, MAGIC, old)? {
                read(&bytes, old, &mut previous, &mut damaged);
            }
        }
        let path = state::path_of(dir, generation, EXTENSION);
        let mut current = Ids::new();
        let found = if generations.is_empty() { Found::Begun } else { state::load(&path, MAGIC, generation)? };
        let (file, written) = match found {
            Found::Whole(file, bytes) => {
                let good = read(&bytes, generation, &mut current, &mut damaged);
                file.set_len(good).map_err(at_path(&path))?;
                (file, good)
            }
            Found::Begun => (state::create(&path, MAGIC, generation)?, HEADER as u64),
        };
        Ok(Self {
            dir: dir.to_path_buf(),
            capacity: capacity.max(1),
            generation,
            current,
            previous,
            file,
            written,
            buffer: Vec::new(),
            dirty: false,
            damaged,
            latched: false,
        })
    }

    /// What is known of an id.
    pub fn judge(&self, key: u128, content: u64) -> Seen {
        let key = halves(key);
        let find = |ids: &Ids| ids.find(key[0], |entry| entry.key == key).map(|entry| entry.content);
        match find(&self.current).or_else(|| find(&self.previous)) {
            None => Seen::New,
            Some(known) if known == content => Seen::Same,
            Some(_) => Seen::Conflict,
        }
    }

    /// Remembers an id; one that is known already stays as it is.
    ///
    /// # Errors
    /// The disk refuses; the id is remembered in memory all the same.
    pub fn insert(&mut self, key: u128, content: u64) -> Result<(), StateError> {
        if self.judge(key, content) == Seen::New { self.insert_new(key, content) } else { Ok(()) }
    }

    /// Remembers an id that [`Window::judge`] called new, and that nobody can have inserted since.
    ///
    /// # Errors
    /// As [`Window::insert`].
    pub fn insert_new(&mut self, key: u128, content: u64) -> Result<(), StateError> {
        let entry = Entry { key: halves(key), content };
        self.current.insert_unique(entry.key[0], entry, |entry| entry.key[0]);
        let record = encode(&entry, self.generation);
        self.buffer.extend_from_slice(&record);
        self.dirty = true;
        if self.current.len() >= self.capacity {
            return self.rotate();
        }
        if self.buffer.len() >= BUFFER_MAX { self.write() } else { Ok(()) }
    }

    /// Makes all ids inserted so far durable.
    ///
    /// # Errors
    /// The disk refuses. A failed sync is never tried again: what it left on disk is unknown.
    pub fn sync(&mut self) -> Result<(), StateError> {
        match self.begin_sync()? {
            Some(file) => self.end_sync(file.sync_data()),
            None => Ok(()),
        }
    }

    /// Writes what is buffered and gives the file that is to be synced, so that a caller can do this
    /// without holding its lock on the window; [`Window::end_sync`] gets the outcome.
    ///
    /// # Errors
    /// As [`Window::sync`].
    pub fn begin_sync(&mut self) -> Result<Option<File>, StateError> {
        if self.latched {
            return Err(StateError::Latched { path: self.path() });
        }
        if !self.dirty {
            return Ok(None);
        }
        self.write()?;
        let file = self.file.try_clone().map_err(at_path(&self.path()))?;
        self.dirty = false;
        Ok(Some(file))
    }

    /// Notes how the sync begun by [`Window::begin_sync`] ended.
    ///
    /// # Errors
    /// As [`Window::sync`].
    pub fn end_sync(&mut self, synced: std::io::Result<()>) -> Result<(), StateError> {
        self.latched |= synced.is_err();
        synced.map_err(at_path(&self.path()))
    }

    /// Number of ids that are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.current.len() + self.previous.len()
    }

    /// Whether no id is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory that the ids take.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.current.allocation_size() + self.previous.allocation_size() + self.buffer.capacity()
    }

    /// Records that were found damaged before good ones when the window was opened.
    #[must_use]
    pub fn damaged(&self) -> u64 {
        self.damaged
    }

    fn path(&self) -> PathBuf {
        state::path_of(&self.dir, self.generation, EXTENSION)
    }

    fn write(&mut self) -> Result<(), StateError> {
        if self.latched {
            return Err(StateError::Latched { path: self.path() });
        }
        // At its own offset, so that a write that failed half way is simply repeated.
        self.file.write_all_at(&self.buffer, self.written).map_err(at_path(&self.path()))?;
        self.written += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }

    fn rotate(&mut self) -> Result<(), StateError> {
        self.sync()?;
        let next = self.generation + 1;
        let file = state::create(&state::path_of(&self.dir, next, EXTENSION), MAGIC, next)?;
        let oldest = state::path_of(&self.dir, self.generation.wrapping_sub(1), EXTENSION);
        self.previous = std::mem::take(&mut self.current);
        self.generation = next;
        self.file = file;
        self.written = HEADER as u64;
        match std::fs::remove_file(&oldest) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(at_path(&oldest)(error)),
            _ => Ok(()),
        }
    }
}

/// What a look at a file of ids found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileCheck {
    /// Whole records.
    pub records: u64,
    /// Records that are damaged and stand before whole ones.
    pub damaged: u64,
    /// Whether the end was never written whole, which a later start writes again.
    pub torn: bool,
}

/// Looks at every file of a window and changes nothing.
///
/// # Errors
/// The disk refuses, or a file is none of this format.
pub fn check(dir: &Path) -> Result<Vec<(PathBuf, FileCheck)>, StateError> {
    let mut checks = Vec::new();
    for generation in state::numbers(dir, EXTENSION)? {
        let path = state::path_of(dir, generation, EXTENSION);
        let mut check = FileCheck::default();
        if let Found::Whole(_, bytes) = state::load(&path, MAGIC, generation)? {
            let mut ids = Ids::new();
            let good = read(&bytes, generation, &mut ids, &mut check.damaged);
            check.records = ids.len() as u64;
            check.torn = good < bytes.len() as u64;
        }
        checks.push((path, check));
    }
    Ok(checks)
}

fn halves(key: u128) -> [u64; 2] {
    [key as u64, (key >> 64) as u64]
}

fn encode(entry: &Entry, generation: u64) -> [u8; RECORD] {
    let mut record = [0; RECORD];
    record[..8].copy_from_slice(&entry.key[0].to_le_bytes());
    record[8..16].copy_from_slice(&entry.key[1].to_le_bytes());
    record[16..24].copy_from_slice(&entry.content.to_le_bytes());
    let crc = crc32c::crc32c_append(generation as u32, &record[..24]);
    record[24..].copy_from_slice(&crc.to_le_bytes());
    record
}

fn decode(record: &[u8], generation: u64) -> Option<Entry> {
    let number = |at: usize| Some(u64::from_le_bytes(record.get(at..at + 8)?.try_into().ok()?));
    let entry = Entry { key: [number(0)?, number(8)?], content: number(16)? };
    (encode(&entry, generation) == *record).then_some(entry)
}

/// Reads the records of a file into `ids`; the length up to the last good one.
fn read(bytes: &[u8], generation: u64, ids: &mut Ids, damaged: &mut u64) -> u64 {
    let (mut good, mut bad) = (HEADER, 0);
    for (at, record) in bytes[HEADER..].chunks(RECORD).enumerate() {
        let Some(entry) = decode(record, generation) else {
            bad += 1;
            continue;
        };
        *damaged += std::mem::take(&mut bad);
        good = HEADER + (at + 1) * RECORD;
        if ids.find(entry.key[0], |known| known.key == entry.key).is_none() {
            ids.insert_unique(entry.key[0], entry, |entry| entry.key[0]);
        }
    }
    good as u64
}

#[cfg(test)]
mod tests;
