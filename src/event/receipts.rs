//! Receipts: which answer an idempotency key got, so that the same request again gets the same.
//!
//! Kept for at least the time that is asked for, over restarts and the recycling of the log. A registry
//! of requests in flight is the engine's; here stand only those that were answered.
//!
//! **Memory.** An index entry of 32 bytes in a hash table (37 to 73 bytes a receipt); answers stay on
//! disk. Bounded by age: at most 9/8 of the time kept, and one file.
//!
//! # Files
//! `<number, 16 hex digits>.receipts`, integers little endian. A new file is begun when the last one
//! holds 64 MiB or an eighth of the time kept; a file whose newest receipt is too old is deleted whole,
//! so nothing is ever rewritten.
//! * header, 32 bytes: magic `KRNRCP01`, number `u64`, 12 zeros, CRC-32C of these;
//! * frames: payload length `u32`, CRC-32C `u32` of the payload started with the low half of the file's
//!   number, payload: received_at `i64` (µs), key `u128`, content `u128`, length of the project's name
//!   `u8`, the name, the answer.
//!
//! # Invariants
//! * The engine calls [`Receipts::sync`] before the log forgets the frames that the receipts are for;
//!   replay inserts the others again, and inserting twice is harmless.
//! * Only the newest file may have a torn tail, which is cut; any other damage stops the start.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use hashbrown::HashTable;
use xxhash_rust::xxh3::{xxh3_64, xxh3_128_with_seed};

use super::state::{self, Found, HEADER, StateError, at_path};

const MAGIC: &[u8; 8] = b"KRNRCP01";
const EXTENSION: &str = "receipts";
/// Bytes in front of a payload.
const PREFIX: usize = 8;
/// Bytes of a payload before the project's name.
const FIXED: usize = 8 + 16 + 16 + 1;
/// Size at which a file is followed by the next.
const FILE_MAX: u64 = 64 << 20;
/// Longest answer; a longer frame length is damage.
const ANSWER_MAX: usize = 1 << 20;

/// One answered request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The project in whose scope the key is.
    pub project: String,
    /// Hash of the idempotency key.
    pub key: u128,
    /// Hash of the request's content.
    pub content: u128,
    /// When the request was received, µs since 1970.
    pub received_at: i64,
    /// The answer's body.
    pub answer: Vec<u8>,
}

/// Where a receipt lies.
#[derive(Debug, Clone, Copy)]
struct Place {
    id: [u64; 2],
    /// File, by its position since the store was opened.
    file: u32,
    offset: u32,
    length: u32,
}

#[derive(Debug)]
struct Segment {
    path: PathBuf,
    file: File,
    number: u64,
    size: u64,
    oldest: i64,
    newest: i64,
}

/// The receipts of all projects.
#[derive(Debug)]
pub struct Receipts {
    dir: PathBuf,
    keep_us: i64,
    index: HashTable<Place>,
    segments: Vec<Segment>,
    /// Position of the first segment, counted over those that were dropped.
    dropped: u32,
    dirty: bool,
    latched: bool,
}

impl Receipts {
    /// Opens the store in `dir`, made where it is missing, and drops what is older than `keep`.
    ///
    /// # Errors
    /// The disk refuses, or a file is damaged.
    pub fn open(dir: &Path, keep: Duration, now_us: i64) -> Result<Self, StateError> {
        std::fs::create_dir_all(dir).map_err(at_path(dir))?;
        let numbers = state::numbers(dir, EXTENSION)?;
        let mut receipts = Self {
            dir: dir.to_path_buf(),
            keep_us: i64::try_from(keep.as_micros()).unwrap_or(i64::MAX / 2),
            index: HashTable::new(),
            segments: Vec::new(),
            dropped: 0,
            dirty: false,
            latched: false,
        };
        for (at, number) in numbers.iter().enumerate() {
            receipts.load(*number, at + 1 == numbers.len())?;
        }
        receipts.expire(now_us)?;
        Ok(receipts)
    }

    fn load(&mut self, number: u64, newest: bool) -> Result<(), StateError> {
        let path = state::path_of(&self.dir, number, EXTENSION);
        let (file, bytes) = match state::load(&path, MAGIC, number)? {
            Found::Whole(file, bytes) => (file, bytes),
            Found::Begun if newest => (state::create(&path, MAGIC, number)?, state::header(MAGIC, number).to_vec()),
            Found::Begun => return Err(StateError::Damaged { path, at: 0 }),
        };
        let position = self.position_of_next();
        let mut segment = Segment { path, file, number, size: HEADER as u64, oldest: i64::MAX, newest: i64::MIN };
        let frames = Frames::of(&bytes, number);
        for (at, receipt) in &frames.whole {
            let length = short(PREFIX + payload_length(receipt));
            put(
                &mut self.index,
                Place { id: id(&receipt.project, receipt.key), file: position, offset: short(*at), length },
            );
            segment.note(receipt);
        }
        if let Some(at) = frames.damaged {
            if !newest {
                return Err(StateError::Damaged { path: segment.path, at });
            }
            // Behind a hole that a power cut left in what was not synced, replay notes all again.
            tracing::error!(file = %segment.path.display(), at, "a receipt is damaged and passed over");
        }
        let at = frames.end;
        if at < bytes.len() {
            if !newest {
                return Err(StateError::Damaged { path: segment.path, at: at as u64 });
            }
            segment.file.set_len(at as u64).map_err(at_path(&segment.path))?;
        }
        segment.size = at as u64;
        self.segments.push(segment);
        Ok(())
    }

    fn position_of_next(&self) -> u32 {
        self.dropped + short(self.segments.len())
    }

    /// The receipt of a key, if there is one.
    ///
    /// # Errors
    /// The disk refuses, or the receipt is damaged.
    pub fn get(&self, project: &str, key: u128) -> Result<Option<Receipt>, StateError> {
        let id = id(project, key);
        let Some(place) = self.index.find(id[0], |place| place.id == id) else { return Ok(None) };
        let segment = &self.segments[(place.file - self.dropped) as usize];
        let mut bytes = vec![0; place.length as usize];
        segment.file.read_exact_at(&mut bytes, u64::from(place.offset)).map_err(at_path(&segment.path))?;
        match frame(&bytes, segment.number) {
            Some(receipt) if receipt.project == project && receipt.key == key => Ok(Some(receipt)),
            Some(_) => Ok(None),
            None => Err(StateError::Damaged { path: segment.path.clone(), at: u64::from(place.offset) }),
        }
    }

    /// Writes a receipt; one of the same key takes its place.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn insert(&mut self, receipt: &Receipt) -> Result<(), StateError> {
        if self.get(&receipt.project, receipt.key)?.as_ref() == Some(receipt) {
            return Ok(());
        }
        let position = self.segment_for(receipt)?;
        let Some(segment) = self.segments.last_mut() else { return Ok(()) };
        let bytes = encode(receipt, segment.number);
        // At its own offset, so that a write that failed half way is simply overwritten.
        segment.file.write_all_at(&bytes, segment.size).map_err(at_path(&segment.path))?;
        let offset = u32::try_from(segment.size).unwrap_or(u32::MAX);
        segment.size += bytes.len() as u64;
        segment.note(receipt);
        put(
            &mut self.index,
            Place { id: id(&receipt.project, receipt.key), file: position, offset, length: short(bytes.len()) },
        );
        self.dirty = true;
        Ok(())
    }

    /// Position of the file that takes the receipt, begun where the last one is full or too old.
    fn segment_for(&mut self, receipt: &Receipt) -> Result<u32, StateError> {
        if self.latched {
            return Err(StateError::Latched { path: self.dir.clone() });
        }
        let full = self.segments.last().is_none_or(|last| {
            last.size >= FILE_MAX || receipt.received_at.saturating_sub(last.oldest) > (self.keep_us / 8).max(1)
        });
        if full {
            self.sync()?;
            let number = self.segments.last().map_or(1, |last| last.number + 1);
            let path = state::path_of(&self.dir, number, EXTENSION);
            let file = state::create(&path, MAGIC, number)?;
            self.segments.push(Segment { path, file, number, size: HEADER as u64, oldest: i64::MAX, newest: i64::MIN });
            self.expire(receipt.received_at)?;
        }
        Ok(self.position_of_next() - 1)
    }

    /// Makes all receipts inserted so far durable.
    ///
    /// # Errors
    /// The disk refuses. A failed sync is never tried again: what it left on disk is unknown.
    pub fn sync(&mut self) -> Result<(), StateError> {
        if self.latched {
            return Err(StateError::Latched { path: self.dir.clone() });
        }
        if !self.dirty {
            return Ok(());
        }
        if let Some(last) = self.segments.last() {
            let synced = last.file.sync_data();
            self.latched = synced.is_err();
            synced.map_err(at_path(&last.path))?;
        }
        self.dirty = false;
        Ok(())
    }

    /// Deletes files, the last one apart, whose newest receipt is older than the time kept.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn expire(&mut self, now_us: i64) -> Result<(), StateError> {
        let keep_us = self.keep_us;
        let is_old = |segment: &Segment| segment.newest < now_us.saturating_sub(keep_us);
        let last = self.segments.len().saturating_sub(1);
        let old = self.segments[..last].iter().take_while(|segment| is_old(segment)).count();
        for segment in self.segments.drain(..old) {
            std::fs::remove_file(&segment.path).map_err(at_path(&segment.path))?;
        }
        if old > 0 {
            self.dropped += short(old);
            let dropped = self.dropped;
            self.index.retain(|place| place.file >= dropped);
            self.index.shrink_to_fit(|place| place.id[0]);
        }
        Ok(())
    }

    /// Removes the receipts for which `goes` holds; files with such are written again. Returns how many went.
    ///
    /// # Errors
    /// The disk refuses, or a file is damaged; what was removed before stays removed.
    pub fn remove(&mut self, now_us: i64, goes: impl Fn(&Receipt) -> bool) -> Result<u64, StateError> {
        self.sync()?;
        let removed = self.rewrite(goes);
        // Also after a failure: files that were written again are others than those that are open.
        let keep = Duration::from_micros(u64::try_from(self.keep_us).unwrap_or(0));
        *self = Self::open(&self.dir, keep, now_us)?;
        removed
    }

    /// Writes files again without the receipts for which `goes` holds. Damaged places between them go as well.
    fn rewrite(&self, goes: impl Fn(&Receipt) -> bool) -> Result<u64, StateError> {
        let mut removed = 0;
        for segment in &self.segments {
            let bytes = std::fs::read(&segment.path).map_err(at_path(&segment.path))?;
            let frames = Frames::of(&bytes, segment.number).whole;
            let (mut kept, before) = (state::header(MAGIC, segment.number).to_vec(), removed);
            for (at, receipt) in &frames {
                if goes(receipt) {
                    removed += 1;
                } else {
                    kept.extend_from_slice(&bytes[*at..at + PREFIX + payload_length(receipt)]);
                }
            }
            if removed > before {
                state::replace(&segment.path, &kept)?;
            }
        }
        Ok(removed)
    }

    /// Number of receipts.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there are no receipts.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
}

impl Segment {
    fn note(&mut self, receipt: &Receipt) {
        self.oldest = self.oldest.min(receipt.received_at);
        self.newest = self.newest.max(receipt.received_at);
    }
}

/// The receipts of a file.
struct Frames {
    /// Whole ones and where they stand.
    whole: Vec<(usize, Receipt)>,
    /// First place that is none although whole ones follow.
    damaged: Option<u64>,
    /// Behind the last whole one.
    end: usize,
}

impl Frames {
    fn of(bytes: &[u8], number: u64) -> Self {
        let mut frames = Self { whole: Vec::new(), damaged: None, end: HEADER };
        let mut at = HEADER;
        while at < bytes.len() {
            let Some(receipt) = frame(&bytes[at..], number) else {
                at += 1;
                continue;
            };
            if at > frames.end {
                frames.damaged.get_or_insert(frames.end as u64);
            }
            let length = PREFIX + payload_length(&receipt);
            frames.whole.push((at, receipt));
            at += length;
            frames.end = at;
        }
        frames
    }
}

/// What a look at a file of receipts found.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileCheck {
    /// Where the first damaged receipt stands.
    pub damaged: Option<u64>,
    /// Whether the end is no whole receipt: never written whole, or damaged since, which nobody can tell.
    pub torn: bool,
}

/// Looks at every file of receipts and changes nothing.
///
/// # Errors
/// The disk refuses, or a file is none of this format.
pub fn check(dir: &Path) -> Result<Vec<(PathBuf, FileCheck)>, StateError> {
    let numbers = state::numbers(dir, EXTENSION)?;
    let mut checks = Vec::new();
    for number in &numbers {
        let path = state::path_of(dir, *number, EXTENSION);
        let is_last = numbers.last() == Some(number);
        let check = match state::load(&path, MAGIC, *number)? {
            Found::Whole(_, bytes) => {
                let frames = Frames::of(&bytes, *number);
                let is_cut = frames.end < bytes.len();
                let cut = (!is_last && is_cut).then_some(frames.end as u64);
                FileCheck { damaged: frames.damaged.or(cut), torn: is_last && is_cut }
            }
            Found::Begun => FileCheck { damaged: (!is_last).then_some(0), torn: is_last },
        };
        checks.push((path, check));
    }
    Ok(checks)
}

fn short(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}

fn id(project: &str, key: u128) -> [u64; 2] {
    let id = xxh3_128_with_seed(&key.to_le_bytes(), xxh3_64(project.as_bytes()));
    [id as u64, (id >> 64) as u64]
}

/// Puts a place into the index; of two for one key the later counts.
fn put(index: &mut HashTable<Place>, place: Place) {
    match index.find_mut(place.id[0], |known| known.id == place.id) {
        Some(known) => *known = place,
        None => {
            index.insert_unique(place.id[0], place, |place| place.id[0]);
        }
    }
}

fn payload_length(receipt: &Receipt) -> usize {
    FIXED + receipt.project.len() + receipt.answer.len()
}

fn encode(receipt: &Receipt, number: u64) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PREFIX + payload_length(receipt));
    bytes.extend_from_slice(&short(payload_length(receipt)).to_le_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(&receipt.received_at.to_le_bytes());
    bytes.extend_from_slice(&receipt.key.to_le_bytes());
    bytes.extend_from_slice(&receipt.content.to_le_bytes());
    debug_assert!(receipt.project.len() <= 63, "project names are short");
    bytes.push(receipt.project.len() as u8);
    bytes.extend_from_slice(receipt.project.as_bytes());
    bytes.extend_from_slice(&receipt.answer);
    let crc = crc32c::crc32c_append(number as u32, &bytes[PREFIX..]);
    bytes[4..PREFIX].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// The receipt in the frame at the start of `bytes`, if that is whole.
fn frame(bytes: &[u8], number: u64) -> Option<Receipt> {
    let length = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let crc = u32::from_le_bytes(bytes.get(4..PREFIX)?.try_into().ok()?);
    if !(FIXED..=FIXED + 255 + ANSWER_MAX).contains(&length) {
        return None;
    }
    let payload = bytes.get(PREFIX..PREFIX + length)?;
    if crc32c::crc32c_append(number as u32, payload) != crc {
        return None;
    }
    let name_end = FIXED + usize::from(payload[FIXED - 1]);
    Some(Receipt {
        received_at: i64::from_le_bytes(payload[..8].try_into().ok()?),
        key: u128::from_le_bytes(payload[8..24].try_into().ok()?),
        content: u128::from_le_bytes(payload[24..40].try_into().ok()?),
        project: String::from_utf8(payload.get(FIXED..name_end)?.to_vec()).ok()?,
        answer: payload[name_end..].to_vec(),
    })
}

#[cfg(test)]
mod tests;
