//! Checksums of a data file, made while it is written and known before it is read.
//!
//! ```text
//! commit in the log ──crc──▶ tail of the file: table of blocks, page indexes, footer
//!                            table of blocks ──crc each──▶ blocks of 32 KiB: pages, index section
//! ```
//!
//! The tag [`TAG`] of a file's Add action is `1:OFFSET:CRC`: where the tail begins, in decimal, and the CRC-32C
//! of all bytes from there to the end of the file, in hex. The tail begins with the table, little-endian:
//!
//! ```text
//! 0   4  magic "KRNS"
//! 4   4  version of the format (1)
//! 8   4  bytes of a block (32,768)
//! 12  4  number of blocks
//! 16     CRC-32C of each block, 4 bytes; the last block may be shorter
//! ```
//!
//! The table lies where other readers never look: between the last row group and the page indexes. A file that
//! another tool has added, or a release before this one, has no tag and is read unchecked.

use std::io::{self, Write};
use std::sync::{Arc, OnceLock};

/// Key of the checksums among the tags of a file in the log.
pub(super) const TAG: &str = "kronika.sums";
/// Bytes of a block: the least that is read of a file.
pub(super) const BLOCK: u64 = 32 << 10;
const MAGIC: &[u8; 4] = b"KRNS";
const VERSION: u32 = 1;
const HEADER: usize = 16;

/// What the log says of a file's tail, and the table of blocks once that was read.
#[derive(Debug, Clone)]
pub struct Sums {
    /// Where the tail begins: the length of what the table covers.
    pub(super) tail: u64,
    /// CRC-32C of the tail.
    pub(super) crc: u32,
    /// Kept for as long as the file is known: 4 bytes for each block, a 8,000th of the file.
    blocks: OnceLock<Arc<[u32]>>,
}

/// Whether a table was read yet makes no difference.
impl PartialEq for Sums {
    fn eq(&self, other: &Self) -> bool {
        (self.tail, self.crc) == (other.tail, other.crc)
    }
}

impl Sums {
    pub(super) fn new(tail: u64, crc: u32) -> Self {
        Self { tail, crc, blocks: OnceLock::new() }
    }

    /// The value of the tag.
    pub(super) fn tag(&self) -> String {
        format!("{VERSION}:{}:{:08x}", self.tail, self.crc)
    }

    /// From the value of a tag; `None` where it is of a later version or no such value.
    pub(super) fn parse(tag: &str) -> Option<Self> {
        let mut parts = tag.split(':');
        if parts.next()?.parse() != Ok(VERSION) {
            return None;
        }
        let (tail, crc) = (parts.next()?.parse().ok()?, parts.next()?);
        if crc.len() != 8 || parts.next().is_some() {
            return None;
        }
        Some(Self::new(tail, u32::from_str_radix(crc, 16).ok()?))
    }

    /// The table of blocks, if the tail was read already.
    pub(super) fn known(&self) -> Option<&Arc<[u32]>> {
        self.blocks.get()
    }

    /// Checks a tail and takes the table from it.
    ///
    /// # Errors
    /// What is wrong with it, as the end of a sentence.
    pub(super) fn learn(&self, tail: &[u8]) -> Result<Arc<[u32]>, String> {
        let found = crc32c::crc32c(tail);
        if found != self.crc {
            return Err(format!(
                "has another checksum from byte {} to its end ({found:08x}) than the log says ({:08x})",
                self.tail, self.crc
            ));
        }
        let blocks = decode(tail, self.tail).ok_or("has no table of checksums where the log says")?;
        Ok(Arc::clone(self.blocks.get_or_init(|| blocks)))
    }
}

/// Reads the table at the start of a tail; `data` is the length of what it covers.
fn decode(tail: &[u8], data: u64) -> Option<Arc<[u32]>> {
    let word = |at: usize| Some(u32::from_le_bytes(tail.get(at..at + 4)?.try_into().ok()?));
    let count = word(12)?;
    let sane = tail.get(..4)? == MAGIC
        && word(4)? == VERSION
        && u64::from(word(8)?) == BLOCK
        && u64::from(count) == data.div_ceil(BLOCK);
    if !sane {
        return None;
    }
    (0..count as usize).map(|at| word(HEADER + 4 * at)).collect()
}

/// Checks whole blocks that begin at byte `at` of a file, a multiple of [`BLOCK`].
///
/// # Errors
/// What is wrong, as the end of a sentence.
pub(super) fn check(blocks: &[u32], at: u64, bytes: &[u8]) -> Result<(), String> {
    debug_assert!(at.is_multiple_of(BLOCK));
    let first = usize::try_from(at / BLOCK).unwrap_or(usize::MAX);
    for (number, block) in bytes.chunks(BLOCK as usize).enumerate() {
        let (number, found) = (first + number, crc32c::crc32c(block));
        match blocks.get(number) {
            Some(&wanted) if wanted == found => {}
            _ => {
                return Err(format!(
                    "is damaged between bytes {0} and {1}",
                    number as u64 * BLOCK,
                    (number as u64 + 1) * BLOCK
                ));
            }
        }
    }
    Ok(())
}

/// Makes the checksums of what passes through it.
#[derive(Debug)]
pub(super) struct Summed<W> {
    inner: W,
    blocks: Vec<u32>,
    /// Of the block that is not full, or of the tail once it has begun.
    crc: u32,
    /// Bytes in it.
    filled: u64,
    /// Where the tail began.
    tail: Option<u64>,
}

impl<W: Write> Summed<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, blocks: Vec::new(), crc: 0, filled: 0, tail: None }
    }

    pub(super) fn inner_mut(&mut self) -> &mut W {
        &mut self.inner
    }

    /// Begins the tail; the table that must be written next.
    pub(super) fn begin_tail(&mut self) -> Vec<u8> {
        let data = self.blocks.len() as u64 * BLOCK + self.filled;
        if self.filled > 0 {
            self.blocks.push(self.crc);
        }
        (self.crc, self.filled, self.tail) = (0, 0, Some(data));
        let mut table = Vec::with_capacity(HEADER + 4 * self.blocks.len());
        table.extend_from_slice(MAGIC);
        table.extend_from_slice(&VERSION.to_le_bytes());
        table.extend_from_slice(&(BLOCK as u32).to_le_bytes());
        table.extend_from_slice(&(self.blocks.len() as u32).to_le_bytes());
        table.extend(self.blocks.iter().flat_map(|crc| crc.to_le_bytes()));
        table
    }

    /// What the log must say; `None` where no tail was begun.
    pub(super) fn sums(&self) -> Option<Sums> {
        Some(Sums::new(self.tail?, self.crc))
    }

    fn note(&mut self, mut bytes: &[u8]) {
        if self.tail.is_some() {
            self.crc = crc32c::crc32c_append(self.crc, bytes);
            return;
        }
        while !bytes.is_empty() {
            let room = usize::try_from(BLOCK - self.filled).unwrap_or(usize::MAX);
            let (now, rest) = bytes.split_at(room.min(bytes.len()));
            self.crc = crc32c::crc32c_append(self.crc, now);
            self.filled += now.len() as u64;
            bytes = rest;
            if self.filled == BLOCK {
                self.blocks.push(self.crc);
                (self.crc, self.filled) = (0, 0);
            }
        }
    }
}

impl<W: Write> Write for Summed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.note(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests;
