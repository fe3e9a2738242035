//! Retention: how long events are kept where a project says nothing, the least that any may say, and the brakes.

use serde::{Deserialize, Serialize};

use super::Span;

/// `[retention]`: when events go by themselves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retention {
    /// Days that events are kept where their project says nothing; 0 is forever.
    pub default_days: u32,
    /// Least days that any policy may say; no key can lower it.
    pub floor_days: u32,
    /// Largest share of a project's events that goes at once without confirmation, in percent.
    pub share_max: u64,
    /// How often old partitions are looked for.
    pub interval: Span,
    /// How far the clock may stand ahead of the last time that was known to be right, before it is asked about.
    pub clock_ahead_max: Span,
    /// Most erasures that wait at once.
    pub erasures_max: usize,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            default_days: 0,
            floor_days: 0,
            share_max: 50,
            interval: Span::secs(3_600),
            clock_ahead_max: Span::secs(30 * 86_400),
            erasures_max: 1_000,
        }
    }
}
