//! The scrub: how often stored files are read in the background, and how fast.

use serde::{Deserialize, Serialize};

use super::{ByteCount, Span};

/// `[scrub]`: stored files compared with their checksums in the background.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Scrub {
    /// From the start of one pass over all files to that of the next; `0s` switches the scrub off.
    pub interval: Span,
    /// Bytes that are read in a second.
    pub rate: ByteCount,
}

impl Default for Scrub {
    fn default() -> Self {
        Self { interval: Span::secs(7 * 86_400), rate: ByteCount::mib(8) }
    }
}
