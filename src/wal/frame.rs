//! Frame format: one batch of events in a log segment.
//!
//! All numbers are little-endian. A frame is a head of 64 bytes, then project, meta and body.
//!
//! | offset | bytes | field |
//! |---|---|---|
//! | 0 | 4 | magic `KFr1` |
//! | 4 | 4 | crc32c of bytes 8 to 63 |
//! | 8 | 8 | mark of the segment: random, new for every use of the file |
//! | 16 | 8 | seq: number of the first row |
//! | 24 | 8 | end of the frame before (its seq + max(rows, 1)); ≤ seq, smaller where numbers were skipped |
//! | 32 | 8 | group: file offset where this frame's group began |
//! | 40 | 4 | rows |
//! | 44 | 4 | length of meta |
//! | 48 | 4 | length of the body |
//! | 52 | 4 | crc32c of project, meta and body |
//! | 56 | 2 | length of the project name |
//! | 58 | 6 | zero |
//!
//! * The head has a checksum of its own, so that a length is trusted before anything is read by it,
//!   and so that the payload's checksum is made outside the lock, before the number is known.
//! * The mark keeps frames of a file's earlier life, and bytes of a body that look like a frame,
//!   from ever being taken for a frame of this segment.
//! * A group is what one sync made durable. Everything before `group` was synced before this frame
//!   was written; that is how a torn group, whose pages reach the disk in any order, is told from damage.
//! * 64 zero bytes where a head should be end the segment.

use bytes::Bytes;

use super::{Damage, Frame};
use crate::event::names::ProjectName;

/// Bytes of a head.
pub(super) const HEAD: usize = 64;
/// First bytes of a head.
pub(super) const MAGIC: [u8; 4] = *b"KFr1";
/// Largest frame in bytes, head included, whatever the settings: lengths are 32 bits wide, and a
/// damaged length must not ask for more memory than a machine has.
pub(super) const FRAME_MAX: u64 = 1 << 30;
/// Numbers stay below this, so that they fit the `_seq` column.
const SEQ_MAX: u64 = i64::MAX as u64;

/// The fixed part of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) mark: u64,
    pub(super) seq: u64,
    pub(super) prev_end: u64,
    pub(super) group: u64,
    pub(super) rows: u32,
    pub(super) meta_len: u32,
    pub(super) body_len: u32,
    pub(super) payload_crc: u32,
    pub(super) project_len: u16,
}

/// What stands at the place of a head.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decoded {
    Head(Head),
    /// Zeros: nothing was written here.
    End,
    Damaged,
}

impl Head {
    /// Head of a frame that is no larger than [`FRAME_MAX`], so that its lengths fit.
    pub(super) fn of(frame: &Frame, payload_crc: u32, mark: u64, group: u64) -> Self {
        Self {
            mark,
            seq: 0,
            prev_end: 0,
            group,
            rows: frame.rows,
            meta_len: frame.meta.len() as u32,
            body_len: frame.body.len() as u32,
            payload_crc,
            project_len: frame.project.as_str().len() as u16,
        }
    }

    /// The head at its place in the sequence.
    pub(super) fn at(self, seq: u64, prev_end: u64) -> Self {
        debug_assert!(prev_end <= seq && seq <= SEQ_MAX);
        Self { seq, prev_end, ..self }
    }

    pub(super) fn encode(&self) -> [u8; HEAD] {
        let mut bytes = [0; HEAD];
        bytes[..4].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.mark.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.seq.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.prev_end.to_le_bytes());
        bytes[32..40].copy_from_slice(&self.group.to_le_bytes());
        bytes[40..44].copy_from_slice(&self.rows.to_le_bytes());
        bytes[44..48].copy_from_slice(&self.meta_len.to_le_bytes());
        bytes[48..52].copy_from_slice(&self.body_len.to_le_bytes());
        bytes[52..56].copy_from_slice(&self.payload_crc.to_le_bytes());
        bytes[56..58].copy_from_slice(&self.project_len.to_le_bytes());
        let crc = crc32c::crc32c(&bytes[8..]);
        bytes[4..8].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8; HEAD]) -> Decoded {
        if bytes == &[0; HEAD] {
            return Decoded::End;
        }
        if bytes[..4] != MAGIC || u32_at(bytes, 4) != crc32c::crc32c(&bytes[8..]) {
            return Decoded::Damaged;
        }
        let head = Self {
            mark: u64_at(bytes, 8),
            seq: u64_at(bytes, 16),
            prev_end: u64_at(bytes, 24),
            group: u64_at(bytes, 32),
            rows: u32_at(bytes, 40),
            meta_len: u32_at(bytes, 44),
            body_len: u32_at(bytes, 48),
            payload_crc: u32_at(bytes, 52),
            project_len: u16::from_le_bytes([bytes[56], bytes[57]]),
        };
        let sane = head.seq <= SEQ_MAX && head.prev_end <= head.seq && head.len() <= FRAME_MAX && bytes[58..] == [0; 6];
        if sane { Decoded::Head(head) } else { Decoded::Damaged }
    }

    /// Number after the frame's last row; a frame without rows takes one number too.
    pub(super) fn end(&self) -> u64 {
        end_of(self.seq, self.rows)
    }

    /// Bytes of project, meta and body.
    pub(super) fn payload_len(&self) -> u64 {
        u64::from(self.project_len) + u64::from(self.meta_len) + u64::from(self.body_len)
    }

    /// Bytes of the whole frame.
    pub(super) fn len(&self) -> u64 {
        HEAD as u64 + self.payload_len()
    }

    /// The frame with this head, once its payload has been read.
    pub(super) fn frame(&self, payload: Bytes) -> Result<Frame, Damage> {
        let checked = payload.len() as u64 == self.payload_len() && crc32c::crc32c(&payload) == self.payload_crc;
        if !checked {
            return Err(Damage::Payload);
        }
        let meta_at = usize::from(self.project_len);
        let body_at = meta_at + self.meta_len as usize;
        let name = std::str::from_utf8(&payload[..meta_at]).map_err(|_| Damage::Project)?;
        Ok(Frame {
            project: ProjectName::try_from(name).map_err(|_| Damage::Project)?,
            rows: self.rows,
            meta: payload.slice(meta_at..body_at),
            body: payload.slice(body_at..),
        })
    }
}

/// Number after the last row of a frame that starts at `seq`.
pub(super) fn end_of(seq: u64, rows: u32) -> u64 {
    seq + u64::from(rows.max(1))
}

/// Bytes the frame takes in the log.
pub(super) fn len_of(frame: &Frame) -> u64 {
    (HEAD + frame.project.as_str().len() + frame.meta.len() + frame.body.len()) as u64
}

/// Checksum of what follows the head.
pub(super) fn payload_crc(frame: &Frame) -> u32 {
    let crc = crc32c::crc32c(frame.project.as_str().as_bytes());
    let crc = crc32c::crc32c_append(crc, &frame.meta);
    crc32c::crc32c_append(crc, &frame.body)
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[at..at + N]);
    out
}

#[cfg(test)]
mod tests;
