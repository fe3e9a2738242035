//! Changes of a text: noted while it is read, made at once.

/// What stands in the place of a secret.
pub(super) const MARKER: &str = "[redacted]";

/// One change.
#[derive(Debug)]
pub(super) struct Edit {
    start: usize,
    end: usize,
    with: Vec<u8>,
    /// How many secrets it replaces.
    secrets: u64,
}

impl Edit {
    /// The JSON value in `start..end` is a secret.
    pub(super) fn secret(start: usize, end: usize) -> Self {
        Self { start, end, with: format!("\"{MARKER}\"").into_bytes(), secrets: 1 }
    }

    /// A text in which secrets were replaced.
    pub(super) fn text(start: usize, end: usize, with: Vec<u8>, secrets: u64) -> Self {
        Self { start, end, with, secrets }
    }

    /// A text that comes in at `at`.
    pub(super) fn insert(at: usize, with: Vec<u8>) -> Self {
        Self { start: at, end: at, with, secrets: 0 }
    }
}

/// Number of bytes that the text grows by.
pub(super) fn growth(edits: &[Edit]) -> usize {
    edits.iter().map(|edit| edit.with.len().saturating_sub(edit.end - edit.start)).sum()
}

/// Makes the changes, which may lie within each other: then the outer one counts. Says how many secrets
/// were replaced.
pub(super) fn apply(text: &mut Vec<u8>, mut edits: Vec<Edit>) -> u64 {
    edits.sort_by_key(|edit| (edit.start, std::cmp::Reverse(edit.end)));
    let mut out = Vec::with_capacity(text.len() + growth(&edits));
    let (mut from, mut secrets) = (0, 0);
    for edit in edits {
        if edit.start < from {
            continue;
        }
        out.extend_from_slice(&text[from..edit.start]);
        out.extend_from_slice(&edit.with);
        from = edit.end;
        secrets += edit.secrets;
    }
    out.extend_from_slice(&text[from..]);
    *text = out;
    secrets
}
