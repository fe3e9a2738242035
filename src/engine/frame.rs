//! What a log frame says beside the body: all that replay needs to rebuild the very same rows.
//!
//! The log itself takes it as opaque bytes. Version 1, little-endian:
//!
//! ```text
//! 0   u8   version = 1
//! 1   u8   format: 0 JSON, 1 NDJSON
//! 2   u8   flags: 1 a keyed batch follows, 2 ids come from a file, 4 a tally follows
//! 3   i64  time of receipt, µs
//! 11  u64  interpretation
//! 19  u32  length of the verdicts, then the verdicts
//!     file ids: u128 hash, u64 number of the first line
//!     keyed batch: u128 key, u128 content, u32 length of the receipt, then the receipt as JSON
//!     tally: u32 length, then JSON (frames of releases without a ledger have none)
//! ```

use bytes::{Buf, BufMut, Bytes, BytesMut};
use thiserror::Error;

use super::FileIds;
use super::ledger::Tally;
use crate::event::parse::{BodyFormat, Verdicts};

const VERSION: u8 = 1;
const KEYED: u8 = 1;
const FILE_IDS: u8 = 2;
const TALLY: u8 = 4;

/// Everything about a batch but its rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Meta {
    pub(super) format: BodyFormat,
    pub(super) received_at: i64,
    pub(super) interpretation: u64,
    pub(super) verdicts: Verdicts,
    pub(super) file_ids: Option<FileIds>,
    pub(super) keyed: Option<Keyed>,
    /// What the batch was, for the ledger.
    pub(super) tally: Option<Tally>,
}

/// A batch sent with an idempotency key.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Keyed {
    /// Hash of the key.
    pub(super) key: u128,
    /// Hash of what was sent with it.
    pub(super) content: u128,
    /// The answer without its batch id, as JSON.
    pub(super) receipt: Bytes,
}

/// A frame of this program's log that it cannot read.
#[derive(Debug, Error)]
pub(super) enum MetaError {
    /// Written by a newer program.
    #[error("the frame's description has version {0}, this program knows {VERSION}")]
    Version(u8),
    /// Shorter than it says, or an unknown value.
    #[error("the frame's description is damaged")]
    Damaged,
}

impl Meta {
    /// As bytes of the layout above.
    pub(super) fn encode(&self) -> Bytes {
        let mut verdicts = Vec::new();
        self.verdicts.encode(&mut verdicts);
        let mut out = BytesMut::with_capacity(128 + verdicts.len());
        out.put_u8(VERSION);
        out.put_u8(match self.format {
            BodyFormat::Json => 0,
            BodyFormat::Ndjson => 1,
        });
        // A tally is numbers and texts: they have a JSON form.
        let tally = self.tally.as_ref().and_then(|tally| serde_json::to_vec(tally).ok());
        let flag = |set: bool, flag: u8| u8::from(set) * flag;
        let keyed = flag(self.keyed.is_some(), KEYED);
        out.put_u8(keyed + flag(self.file_ids.is_some(), FILE_IDS) + flag(tally.is_some(), TALLY));
        out.put_i64_le(self.received_at);
        out.put_u64_le(self.interpretation);
        put_block(&mut out, &verdicts);
        if let Some(ids) = &self.file_ids {
            out.put_u128_le(ids.hash);
            out.put_u64_le(ids.first_line);
        }
        if let Some(keyed) = &self.keyed {
            out.put_u128_le(keyed.key);
            out.put_u128_le(keyed.content);
            put_block(&mut out, &keyed.receipt);
        }
        if let Some(tally) = &tally {
            put_block(&mut out, tally);
        }
        out.freeze()
    }

    /// Reads what [`Meta::encode`] wrote.
    pub(super) fn decode(mut bytes: Bytes) -> Result<Self, MetaError> {
        let version = bytes.try_get_u8().map_err(damaged)?;
        if version != VERSION {
            return Err(MetaError::Version(version));
        }
        let format = match bytes.try_get_u8().map_err(damaged)? {
            0 => BodyFormat::Json,
            1 => BodyFormat::Ndjson,
            _ => return Err(MetaError::Damaged),
        };
        let flags = bytes.try_get_u8().map_err(damaged)?;
        let received_at = bytes.try_get_i64_le().map_err(damaged)?;
        let interpretation = bytes.try_get_u64_le().map_err(damaged)?;
        let verdicts = Verdicts::decode(&block(&mut bytes)?).map_err(|_| MetaError::Damaged)?;
        let file_ids = (flags & FILE_IDS != 0).then(|| file_ids(&mut bytes)).transpose()?;
        let keyed = (flags & KEYED != 0).then(|| keyed(&mut bytes)).transpose()?;
        let tally = (flags & TALLY != 0).then(|| tally(&mut bytes)).transpose()?;
        Ok(Self { format, received_at, interpretation, verdicts, file_ids, keyed, tally })
    }
}

fn file_ids(bytes: &mut Bytes) -> Result<FileIds, MetaError> {
    let hash = bytes.try_get_u128_le().map_err(damaged)?;
    Ok(FileIds { hash, first_line: bytes.try_get_u64_le().map_err(damaged)? })
}

fn keyed(bytes: &mut Bytes) -> Result<Keyed, MetaError> {
    let key = bytes.try_get_u128_le().map_err(damaged)?;
    let content = bytes.try_get_u128_le().map_err(damaged)?;
    Ok(Keyed { key, content, receipt: block(bytes)? })
}

fn tally(bytes: &mut Bytes) -> Result<Tally, MetaError> {
    serde_json::from_slice(&block(bytes)?).map_err(|_| MetaError::Damaged)
}

fn damaged(_: bytes::TryGetError) -> MetaError {
    MetaError::Damaged
}

fn put_block(out: &mut BytesMut, block: &[u8]) {
    out.put_u32_le(u32::try_from(block.len()).unwrap_or(u32::MAX));
    out.put_slice(block);
}

fn block(bytes: &mut Bytes) -> Result<Bytes, MetaError> {
    let len = bytes.try_get_u32_le().map_err(damaged)? as usize;
    if bytes.len() < len {
        return Err(MetaError::Damaged);
    }
    Ok(bytes.split_to(len))
}

#[cfg(test)]
mod tests;
