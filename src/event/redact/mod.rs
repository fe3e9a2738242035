//! Secrets leave a body before anything of it is stored: the log, the table, the dead letters.
//!
//! `http` calls it between decompression and parse. Replaced are
//! * values of headers that hold secrets ([`DEFAULT_HEADERS`], any case) in whatever lies under a key
//!   that ends in `headers` (any case): maps, lists of `{"name": …, "value": …}`, flat and paired lists;
//! * values under the paths that the project configures.
//!
//! A value becomes `"[redacted]"`, or `"***"` or `"*"` where it was shorter, and spaces up to the old
//! length, so that the body is changed in place; only a value of one or two bytes makes it longer.
//! Doing it twice changes nothing more. Broken lines are redacted as far as they can be understood,
//! since they go to the dead letters.

mod find;
mod walk;

use memchr::{memchr, memmem, memrchr};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::parse::BodyFormat;

/// Headers whose values are secrets.
pub const DEFAULT_HEADERS: [&str; 6] =
    ["authorization", "proxy-authorization", "cookie", "set-cookie", "x-api-key", "x-auth-token"];

/// Most paths of one project.
pub const PATHS_MAX: usize = 128;

/// Why redaction rules cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RedactError {
    /// A path that names no key.
    #[error("redaction path {0:?} has a step without a name")]
    EmptyStep(String),
    /// A header without a name.
    #[error("a redacted header needs a name")]
    EmptyHeader,
    /// More paths than [`PATHS_MAX`].
    #[error("{0} redaction paths are more than {PATHS_MAX}")]
    TooManyPaths(usize),
}

/// What is redacted. A value of this type is usable.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Sent", into = "Sent")]
pub struct RedactRules {
    headers: Vec<String>,
    paths: Vec<String>,
}

/// The rules as they are written in settings.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    #[serde(default = "default_headers")]
    headers: Vec<String>,
    #[serde(default)]
    paths: Vec<String>,
}

fn default_headers() -> Vec<String> {
    DEFAULT_HEADERS.map(String::from).to_vec()
}

impl Default for RedactRules {
    fn default() -> Self {
        Self { headers: default_headers(), paths: Vec::new() }
    }
}

impl TryFrom<Sent> for RedactRules {
    type Error = RedactError;

    fn try_from(sent: Sent) -> Result<Self, RedactError> {
        Self::new(sent.headers, sent.paths)
    }
}

impl From<RedactRules> for Sent {
    fn from(rules: RedactRules) -> Self {
        Self { headers: rules.headers, paths: rules.paths }
    }
}

impl RedactRules {
    /// Rules for headers (names in any case) and paths.
    ///
    /// A path is a list of keys joined by `.` from the record on, as `request.card.number`; `*` is any
    /// key, a leading `$.` is taken off, lists are looked through, and `\.` is a point within a key.
    ///
    /// # Errors
    /// A header or a step without a name, or too many paths.
    pub fn new(headers: Vec<String>, paths: Vec<String>) -> Result<Self, RedactError> {
        if headers.iter().any(String::is_empty) {
            return Err(RedactError::EmptyHeader);
        }
        if paths.len() > PATHS_MAX {
            return Err(RedactError::TooManyPaths(paths.len()));
        }
        if let Some(path) =
            paths.iter().find(|path| steps(path).iter().any(|step| matches!(step, Step::Key(key) if key.is_empty())))
        {
            return Err(RedactError::EmptyStep(path.clone()));
        }
        Ok(Self { headers, paths })
    }
}

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Step {
    Any,
    Key(Vec<u8>),
}

fn steps(path: &str) -> Vec<Step> {
    let path = path.strip_prefix("$.").unwrap_or(path);
    let mut keys = vec![String::new()];
    let mut chars = path.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '.' => keys.push(String::new()),
            '\\' if chars.peek().is_some_and(|next| matches!(next, '.' | '\\')) => keys.extend_last(chars.next()),
            c => keys.extend_last(Some(c)),
        }
    }
    let step = |key: String| {
        let key = key.strip_suffix("[*]").or_else(|| key.strip_suffix("[]")).unwrap_or(&key);
        if key == "*" { Step::Any } else { Step::Key(key.as_bytes().to_vec()) }
    };
    keys.into_iter().map(step).collect()
}

trait ExtendLast {
    fn extend_last(&mut self, c: Option<char>);
}

impl ExtendLast for Vec<String> {
    fn extend_last(&mut self, c: Option<char>) {
        if let (Some(last), Some(c)) = (self.last_mut(), c) {
            last.push(c);
        }
    }
}

/// Compiled rules.
#[derive(Debug)]
pub struct Redactor {
    /// Names of headers, in small letters.
    headers: Vec<Vec<u8>>,
    paths: Vec<Vec<Step>>,
    /// Finds the last keys of paths, quotes included; a path that ends in `*` may be anywhere.
    last_keys: Vec<memmem::Finder<'static>>,
    everywhere: bool,
    /// Key of the array in a document whose items are the records.
    wrapper: Option<Vec<u8>>,
}

impl Redactor {
    /// Compiles rules for bodies whose records may be wrapped in a document under `wrapper`.
    #[must_use]
    pub fn new(rules: &RedactRules, wrapper: Option<&[u8]>) -> Self {
        let paths: Vec<Vec<Step>> = rules.paths.iter().map(|path| steps(path)).collect();
        let quoted = |path: &Vec<Step>| match path.last() {
            Some(Step::Key(key)) => {
                let mut quoted = Vec::new();
                super::json::quote_into(&String::from_utf8_lossy(key), &mut quoted);
                Some(memmem::Finder::new(&quoted).into_owned())
            }
            Some(Step::Any) | None => None,
        };
        Self {
            headers: rules.headers.iter().map(|name| name.to_ascii_lowercase().into_bytes()).collect(),
            last_keys: paths.iter().filter_map(quoted).collect(),
            everywhere: paths.iter().any(|path| path.last() == Some(&Step::Any)),
            paths,
            wrapper: wrapper.map(<[u8]>::to_vec),
        }
    }

    /// Whether a look at the whole body finds anything that [`Redactor::redact`] would have to read.
    #[must_use]
    pub fn may_concern(&self, body: &[u8]) -> bool {
        self.next(body, 0).is_some()
    }

    /// Replaces the secrets of a body and says how many.
    pub fn redact(&self, body: &mut Vec<u8>, format: BodyFormat) -> u64 {
        let mut edits = Vec::new();
        let mut at = 0;
        while let Some(found) = self.next(body, at) {
            let (start, end) = match format {
                BodyFormat::Json => (0, body.len()),
                BodyFormat::Ndjson => (
                    memrchr(b'\n', &body[..found]).map_or(0, |newline| newline + 1),
                    memchr(b'\n', &body[found..]).map_or(body.len(), |length| found + length),
                ),
            };
            walk::walk(self, &body[..end], start, &mut edits);
            at = end;
        }
        apply(body, edits)
    }

    /// Offset of the next sign of a secret at or behind `at`.
    fn next(&self, body: &[u8], at: usize) -> Option<usize> {
        if at >= body.len() {
            return None;
        }
        if self.everywhere {
            return Some(at);
        }
        let header = find::header_key_or_escape(body, at, !self.headers.is_empty());
        let rest = &body[at..header.unwrap_or(body.len())];
        let path = self.last_keys.iter().filter_map(|finder| finder.find(rest)).min();
        path.map(|offset| at + offset).or(header)
    }
}

/// What stands in the place of a value of `length` bytes.
fn marker(length: usize) -> &'static [u8] {
    match length {
        12.. => b"\"[redacted]\"",
        5..12 => b"\"***\"",
        3..5 => b"\"*\"",
        _ => b"\"[redacted]\"",
    }
}

/// Overwrites the spans, which may lie within each other, and says how many were replaced.
fn apply(body: &mut Vec<u8>, mut edits: Vec<(usize, usize)>) -> u64 {
    edits.retain(|&(start, end)| {
        !matches!(&body[start..end], b"null" | b"\"\"" | b"\"*\"" | b"\"***\"" | b"\"[redacted]\"")
    });
    edits.sort_unstable_by_key(|&(start, end)| (start, std::cmp::Reverse(end)));
    let mut behind = 0;
    edits.retain(|&(start, end)| {
        let outside = start >= behind;
        behind = behind.max(end);
        outside
    });
    if edits.iter().all(|&(start, end)| marker(end - start).len() <= end - start) {
        for &(start, end) in &edits {
            let marker = marker(end - start);
            body[start..start + marker.len()].copy_from_slice(marker);
            body[start + marker.len()..end].fill(b' ');
        }
    } else {
        let mut out = Vec::with_capacity(body.len() + edits.len() * 12);
        let mut from = 0;
        for &(start, end) in &edits {
            out.extend_from_slice(&body[from..start]);
            let marker = marker(end - start);
            out.extend_from_slice(marker);
            out.resize(out.len() + (end - start).saturating_sub(marker.len()), b' ');
            from = end;
        }
        out.extend_from_slice(&body[from..]);
        *body = out;
    }
    edits.len() as u64
}

#[cfg(test)]
mod tests;
