//! The live tail: how many may listen, and what one listener may hold.

use serde::{Deserialize, Serialize};

use super::{ByteCount, Span};

/// `[tail]`: streams of events as they become visible.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Tail {
    /// Listeners at once; further ones are refused.
    pub listeners_max: usize,
    /// Of these with one key.
    pub key_listeners_max: usize,
    /// What waits for one listener at most; one that falls further behind is caught up by queries, in answers as large.
    pub buffer_max: ByteCount,
    /// How many events (numbers of `_seq`) a listener is caught up with at most; what lies further behind is left out,
    /// and the listener is told so.
    pub catch_up_max: u64,
    /// How long a stream may be silent.
    pub heartbeat: Span,
}

impl Default for Tail {
    fn default() -> Self {
        Self {
            listeners_max: 1_000,
            key_listeners_max: 250,
            buffer_max: ByteCount::mib(4),
            catch_up_max: 1_000_000,
            heartbeat: Span::secs(15),
        }
    }
}
