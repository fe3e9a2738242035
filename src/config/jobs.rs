//! The engine's own jobs: how many are remembered.

use serde::{Deserialize, Serialize};

use super::Span;

/// `[jobs]`: what is kept of the engine's own jobs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Jobs {
    /// Jobs of each kind that are kept after their end, also over a restart.
    pub history_max: usize,
    /// Imports that report how far they are at once; further ones go unreported.
    pub imports_max: usize,
    /// Longest silence of an import before it has failed.
    pub import_silence_max: Span,
}

impl Default for Jobs {
    fn default() -> Self {
        Self { history_max: 200, imports_max: 100, import_silence_max: Span::secs(120) }
    }
}
