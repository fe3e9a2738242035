//! What is read and compared to tell what became of an object.

use serde::{Deserialize, Serialize};

use super::{ByteCount, Span};

/// `[objects]`: limits of states and differences.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Objects {
    /// Most events of one object that its state is made of.
    pub events_max: usize,
    /// Longest text of a change that is compared line by line.
    pub text_max: ByteCount,
    /// Longest time for the comparison of all texts of an event.
    pub text_timeout: Span,
}

impl Default for Objects {
    fn default() -> Self {
        Self { events_max: 100_000, text_max: ByteCount::mib(1), text_timeout: Span::secs(2) }
    }
}
