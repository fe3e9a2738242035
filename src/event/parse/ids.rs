//! Identity of events: ids that are minted, and keys by which ids sent twice are found.

use xxhash_rust::xxh3::{xxh3_64, xxh3_128, xxh3_128_with_seed};

/// An event's identity, as the dedup window remembers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SentId {
    /// Fingerprint of (`tenant_id`, `source`, `dataset`, `event_id`).
    pub key: u128,
    /// Hash of the record's compact text.
    pub content: u64,
    /// Number of the record, from 0.
    pub record: u32,
    /// Its line, from 1.
    pub line: u32,
}

/// What minted ids are a function of, together with the record's place in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MintSeed {
    /// Events that arrive over the network: their place in the log.
    Log {
        /// The writer that owns the log.
        writer: u128,
        /// Sequence number of the body's frame.
        seq: u64,
    },
    /// Events of an imported file: the same file gives the same ids again.
    File {
        /// Hash of the file's content.
        hash: u128,
        /// Number of this body's first line in the file.
        first_line: u64,
    },
}

/// Length of a minted id.
pub(super) const ID_LEN: usize = 36;
/// What stands in the column until an id is minted.
pub(super) const PLACEHOLDER: [u8; ID_LEN] = *b"00000000-0000-8000-8000-000000000000";

/// Where a record stands in its body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Place {
    /// Number of the record, from 0.
    pub record: u32,
    /// Its line, from 1.
    pub line: u32,
    /// Records before it on the same line: a line may hold a document of many.
    pub within: u32,
}

impl MintSeed {
    /// The id of a record: text in the form of a UUID of version 8.
    ///
    /// Ids from the log start with the place in it, so that files know their smallest and largest.
    ///
    /// Ids of a file go by line, not by record, so that they do not depend on how the file is cut into bodies,
    /// and the records of one line never get an id of the next.
    #[must_use]
    pub fn id(&self, at: Place) -> [u8; ID_LEN] {
        let (tag, origin, place, detail) = match self {
            Self::Log { writer, seq } => (0_u8, writer, seq.wrapping_add(u64::from(at.record)), *seq),
            Self::File { hash, first_line } => {
                (1, hash, first_line.wrapping_add(u64::from(at.line)).wrapping_sub(1), u64::from(at.within))
            }
        };
        let mut input = [0; 33];
        input[..16].copy_from_slice(&origin.to_be_bytes());
        input[16..24].copy_from_slice(&place.to_be_bytes());
        input[24..32].copy_from_slice(&detail.to_be_bytes());
        input[32] = tag;
        let mut id = xxh3_128(&input).to_be_bytes();
        if tag == 0 {
            id[..6].copy_from_slice(&place.to_be_bytes()[2..]);
        }
        id[6] = id[6] & 0x0F | 0x80;
        id[8] = id[8] & 0x3F | 0x80;
        text(&id)
    }

    /// Whether the ids are known when the same events come again, so that they find duplicates.
    pub(super) fn is_repeatable(&self) -> bool {
        matches!(self, Self::File { .. })
    }
}

fn text(id: &[u8; 16]) -> [u8; ID_LEN] {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut out = [b'-'; ID_LEN];
    let mut at = 0;
    for (byte_at, byte) in id.iter().enumerate() {
        if matches!(byte_at, 4 | 6 | 8 | 10) {
            at += 1;
        }
        out[at] = HEX[usize::from(byte >> 4)];
        out[at + 1] = HEX[usize::from(byte & 15)];
        at += 2;
    }
    out
}

/// Makes the keys of events; events in a row mostly share all but the id.
#[derive(Debug, Default)]
pub(crate) struct Fingerprint {
    /// Tenant, source and dataset of the last event, a byte behind each that UTF-8 does not have.
    scope: Vec<u8>,
    next: Vec<u8>,
    seed: u64,
}

impl Fingerprint {
    /// The key of an event with these parts.
    pub(super) fn key(&mut self, scope: [&[u8]; 3], event_id: &[u8]) -> u128 {
        self.next.clear();
        for part in scope {
            self.next.extend_from_slice(part);
            self.next.push(0xFF);
        }
        if self.next != self.scope {
            std::mem::swap(&mut self.next, &mut self.scope);
            self.seed = xxh3_64(&self.scope);
        }
        xxh3_128_with_seed(event_id, self.seed)
    }
}

#[cfg(test)]
mod tests;
