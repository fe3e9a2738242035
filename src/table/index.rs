//! The index section of a data file: between the last row group and the footer, where other readers
//! never look.
//!
//! Its place is in the file's key-value metadata under [`KEY`], as decimal text `OFFSET,LENGTH` in
//! bytes. The section, little-endian:
//!
//! ```text
//! 0   4  magic "KRNX"
//! 4   4  version of the format (1)
//! 8   4  number of blocks
//! 12  4  CRC-32C of all bytes of the section but these four
//! 16     blocks
//! ```
//!
//! Version 1 knows no kind of block yet, so that the count is 0; a reader that meets a later version
//! goes without the index.

use bytes::Bytes;
use parquet::file::metadata::KeyValue;

/// Key of the section's place in a file's metadata.
pub const KEY: &str = "kronika.index";

const MAGIC: &[u8; 4] = b"KRNX";
const VERSION: u32 = 1;
const CRC_AT: usize = 12;
const HEADER_LEN: usize = 16;

/// Where the section lies in its file, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// From the start of the file.
    pub offset: u64,
    /// Length.
    pub len: u64,
}

impl Place {
    /// The place as an entry of the file's metadata.
    #[must_use]
    pub fn entry(self) -> KeyValue {
        KeyValue { key: KEY.to_owned(), value: Some(format!("{},{}", self.offset, self.len)) }
    }

    /// The place of a file's section; `None` where it has none.
    #[must_use]
    pub fn find(metadata: Option<&Vec<KeyValue>>) -> Option<Self> {
        let text = metadata?.iter().find(|entry| entry.key == KEY)?.value.as_deref()?;
        let (offset, len) = text.split_once(',')?;
        Some(Self { offset: offset.parse().ok()?, len: len.parse().ok()? })
    }
}

/// An index section that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section {
    /// Number of blocks.
    pub blocks: u32,
    /// Bytes behind the header.
    pub body: Bytes,
}

/// A section of `blocks` blocks whose bytes are `body`.
#[must_use]
pub fn encode(blocks: u32, body: &[u8]) -> Vec<u8> {
    let mut section = Vec::with_capacity(HEADER_LEN + body.len());
    section.extend_from_slice(MAGIC);
    section.extend_from_slice(&VERSION.to_le_bytes());
    section.extend_from_slice(&blocks.to_le_bytes());
    section.extend_from_slice(&[0; 4]);
    section.extend_from_slice(body);
    let crc = checksum(&section);
    section[CRC_AT..HEADER_LEN].copy_from_slice(&crc.to_le_bytes());
    section
}

/// Reads a section; `None` where the bytes are damaged or of a later version, so that a scan goes
/// on without it.
#[must_use]
pub fn decode(bytes: &Bytes) -> Option<Section> {
    let word = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?));
    if bytes.get(..4)? != MAGIC || word(4)? != VERSION || word(CRC_AT)? != checksum(bytes) {
        return None;
    }
    Some(Section { blocks: word(8)?, body: bytes.slice(HEADER_LEN..) })
}

/// Checksum of a section that has at least a header.
fn checksum(section: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&section[..CRC_AT]), section.get(HEADER_LEN..).unwrap_or_default())
}

#[cfg(test)]
mod tests;
