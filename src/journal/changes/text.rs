//! The difference of two long texts, as a unified diff; bounded in size and time.

use std::time::Instant;

use serde::Serialize;

use super::Change;
use crate::config::ByteCount;

/// Texts of one line from which on a difference is shown as one of texts, in characters.
const LONG: usize = 120;
/// Lines that are shown around each difference.
const CONTEXT: usize = 3;

/// How two texts differ.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct TextDiff {
    /// A unified diff; absent where a text is longer than `objects.text_max`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unified: Option<String>,
    /// Lines that came.
    pub added: usize,
    /// Lines that went.
    pub removed: usize,
    /// Why there is no unified diff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped: Option<String>,
}

/// What the comparison of texts may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TextLimits {
    /// Longest text.
    pub text_max: ByteCount,
    /// When the comparison becomes coarse.
    pub deadline: Instant,
}

/// The difference of the texts of a change, where it has two and one of them is long or has several lines.
pub(super) fn text_diff(change: &Change, limits: TextLimits) -> Option<TextDiff> {
    let (before, after) = (change.before.as_ref()?.as_text()?, change.after.as_ref()?.as_text()?);
    let is_long = |text: &str| text.contains('\n') || text.chars().nth(LONG).is_some();
    if !is_long(&before) && !is_long(&after) {
        return None;
    }
    let longest = before.len().max(after.len()) as u64;
    if longest > limits.text_max.0 {
        let skipped = Some(format!("a text has {longest} bytes, more than `objects.text_max` {}", limits.text_max));
        return Some(TextDiff { unified: None, added: 0, removed: 0, skipped });
    }
    let diff = similar::TextDiff::configure().deadline(limits.deadline).diff_lines(&before, &after);
    let (mut added, mut removed) = (0, 0);
    for op in diff.ops() {
        if op.tag() != similar::DiffTag::Equal {
            removed += op.old_range().len();
            added += op.new_range().len();
        }
    }
    let unified = diff.unified_diff().context_radius(CONTEXT).header("before", "after").to_string();
    Some(TextDiff { unified: Some(unified), added, removed, skipped: None })
}
