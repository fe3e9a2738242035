//! Changes of a text: noted while it is read, made at once.

use std::borrow::Cow;

/// What stands in the place of a secret.
pub(super) const MARKER: &str = "[redacted]";

/// One change.
#[derive(Debug)]
pub(super) struct Edit {
    /// A body has at most 256 MiB, and can hold a secret in every dozen bytes.
    start: u32,
    end: u32,
    /// How many secrets it replaces.
    secrets: u32,
    with: Cow<'static, [u8]>,
}

impl Edit {
    /// The JSON value in `start..end` is a secret.
    pub(super) fn secret(start: usize, end: usize) -> Self {
        Self::new(start, end, b"\"[redacted]\"".into(), 1)
    }

    /// A text in which secrets were replaced.
    pub(super) fn text(start: usize, end: usize, with: Vec<u8>, secrets: u64) -> Self {
        Self::new(start, end, with.into(), secrets)
    }

    /// A text that comes in at `at`.
    pub(super) fn insert(at: usize, with: Vec<u8>) -> Self {
        Self::new(at, at, with.into(), 0)
    }

    fn new(start: usize, end: usize, with: Cow<'static, [u8]>, secrets: u64) -> Self {
        let short = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { start: short(start), end: short(end), secrets: u32::try_from(secrets).unwrap_or(u32::MAX), with }
    }

    fn length(&self) -> usize {
        (self.end - self.start) as usize
    }
}

/// Number of bytes that the text grows by.
pub(super) fn growth(edits: &[Edit]) -> usize {
    edits.iter().map(|edit| edit.with.len().saturating_sub(edit.length())).sum()
}

/// Makes the changes, which may lie within each other: then the outer one counts. Says how many secrets
/// were replaced.
pub(super) fn apply(text: &mut Vec<u8>, mut edits: Vec<Edit>) -> u64 {
    if edits.is_empty() {
        return 0;
    }
    // Of two changes of one value, the one that leaves nothing of it counts.
    let part = |edit: &Edit| matches!(edit.with, Cow::Owned(_));
    edits.sort_unstable_by_key(|edit| (edit.start, std::cmp::Reverse(edit.end), part(edit)));
    let mut out = Vec::with_capacity(text.len() + growth(&edits));
    let (mut from, mut secrets) = (0, 0);
    for edit in edits {
        let (start, end) = (edit.start as usize, edit.end as usize);
        if start < from {
            continue;
        }
        out.extend_from_slice(&text[from..start]);
        out.extend_from_slice(&edit.with);
        from = end;
        secrets += u64::from(edit.secrets);
    }
    out.extend_from_slice(&text[from..]);
    *text = out;
    secrets
}
