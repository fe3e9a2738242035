//! Saved filters and screens: how many, and how large.

use serde::{Deserialize, Serialize};

use super::ByteCount;

/// `[saved]`: filters and screens that have a name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Saved {
    /// Saved filters of a project.
    pub filters_max: usize,
    /// Size of one of them, as JSON.
    pub filter_size_max: ByteCount,
    /// Saved screens of a project.
    pub views_max: usize,
    /// Size of one of them, as JSON.
    pub view_size_max: ByteCount,
}

impl Default for Saved {
    fn default() -> Self {
        Self {
            filters_max: 1_000,
            filter_size_max: ByteCount(16 << 10),
            views_max: 1_000,
            view_size_max: ByteCount(64 << 10),
        }
    }
}
