//! A place in a project's stream of events: which data directory numbered it, and the number.
//!
//! Numbers grow within a table over all data directories that ever wrote it; what a directory had acknowledged and
//! not yet stored when it was lost is numbered anew by the next one. So a number means something only together
//! with its directory.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use uuid::Uuid;

/// A data directory, by the first four bytes of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Epoch(u32);

impl From<Uuid> for Epoch {
    fn from(writer: Uuid) -> Self {
        Self(writer.as_fields().0)
    }
}

/// Behind the event with this number, and before the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    /// The data directory that gave the number.
    pub epoch: Epoch,
    /// `_seq` of the event.
    pub seq: i64,
}

/// A text that is no position.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{0}` is no position: it looks like 5f0c2d11-4711, as the `id` of an event of the tail")]
pub struct BadPosition(String);

/// The first eight characters of the directory's id.
impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.seq)
    }
}

impl FromStr for Position {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let bad = || BadPosition(text.chars().take(64).collect());
        let (epoch, seq) = text.split_once('-').ok_or_else(bad)?;
        let hex = epoch.len() == 8 && epoch.bytes().all(|byte| byte.is_ascii_hexdigit());
        let digits = !seq.is_empty() && seq.bytes().all(|byte| byte.is_ascii_digit());
        let epoch = u32::from_str_radix(epoch, 16).ok().filter(|_| hex).ok_or_else(bad)?;
        let seq = seq.parse().ok().filter(|_| digits).ok_or_else(bad)?;
        Ok(Self { epoch: Epoch(epoch), seq })
    }
}
