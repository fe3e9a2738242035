//! Secrets leave a body before anything of it is stored: the log, the table, the dead letters.
//!
//! `http` calls it between decompression and parse. Replaced are
//! * values of headers that hold secrets (any case, `_` and `-` alike) in whatever lies under a key that ends
//!   in `headers` (any case): maps, lists of `{"name": …, "value": …}`, flat and paired lists, lines of text;
//! * values of parameters that hold secrets (`?api_key=…`) in every text: URLs and bodies of forms;
//! * values under the paths that the project configures.
//!
//! Texts that hold JSON, as logged bodies of requests do, are looked through like the record itself. A value
//! becomes `"[redacted]"`, a parameter `[redacted]`, and the record gets a member [`REDACTED`] with the paths of
//! what was replaced, which no column knows and which therefore stands in `attributes`. Doing it twice changes
//! nothing more in what is JSON. Broken lines are redacted as far as they can be understood, then
//! [`Redactor::blank`]ed, since they go to the dead letters.
//!
//! Not looked for: secrets under other names, in text that is neither JSON nor a form nor lines of headers, in
//! parameters of a URL that is a parameter itself, in the user part of a URL.

mod edit;
mod find;
mod rules;
mod text;
mod walk;

use memchr::{memchr, memmem, memrchr};

use super::parse::BodyFormat;
use find::Signs;
use rules::Step;

pub use rules::{NAMES_MAX, PATHS_MAX, RedactError, RedactRules};

/// Member of a record that lists the paths of what was redacted in it.
pub const REDACTED: &str = "$redacted";

/// What became of a body.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Redacted {
    /// Number of secrets that were replaced.
    pub secrets: u64,
    /// Bytes by which the line that grew most is longer now; of a JSON body, the body itself.
    pub growth: usize,
}

/// Compiled rules.
#[derive(Debug)]
pub struct Redactor {
    /// Names of headers, folded.
    headers: Vec<Vec<u8>>,
    /// Names of parameters, folded.
    parameters: Vec<Vec<u8>>,
    paths: Vec<Vec<Step>>,
    /// Finds the last keys of paths.
    last_keys: Vec<memmem::Finder<'static>>,
    /// Whether a path ends in a key that can be written in several ways, or in any key.
    everywhere: bool,
    /// Key of the array in a document whose items are the records.
    wrapper: Option<Vec<u8>>,
}

impl Redactor {
    /// Compiles rules for bodies whose records may be wrapped in a document under `wrapper`.
    #[must_use]
    pub fn new(rules: &RedactRules, wrapper: Option<&[u8]>) -> Self {
        let lists = rules.lists();
        let paths: Vec<Vec<Step>> = lists.paths.iter().map(|path| rules::steps(path)).collect();
        let plain = |path: &Vec<Step>| match path.last() {
            Some(Step::Key(key)) => Some(key.clone()).filter(|key| is_written_one_way(key)),
            Some(Step::Any) | None => None,
        };
        let last: Vec<Option<Vec<u8>>> = paths.iter().map(plain).collect();
        Self {
            headers: lists.headers.iter().map(|name| rules::folded(name)).collect(),
            parameters: lists.parameters.iter().map(|name| rules::folded(name)).collect(),
            everywhere: last.contains(&None),
            last_keys: last.iter().flatten().map(|key| memmem::Finder::new(key).into_owned()).collect(),
            paths,
            wrapper: wrapper.map(<[u8]>::to_vec),
        }
    }

    /// Whether a look at the whole body finds anything that [`Redactor::redact`] would have to read.
    #[must_use]
    pub fn may_concern(&self, body: &[u8]) -> bool {
        Look::new(self, body).next(0).is_some()
    }

    /// Replaces the secrets of a body.
    pub fn redact(&self, body: &mut Vec<u8>, format: BodyFormat) -> Redacted {
        let (mut edits, mut growth) = (Vec::new(), 0);
        let (mut look, mut at) = (Look::new(self, body), 0);
        while let Some(found) = look.next(at) {
            let (start, end) = match format {
                BodyFormat::Json => (0, body.len()),
                BodyFormat::Ndjson => (
                    memrchr(b'\n', &body[..found]).map_or(0, |newline| newline + 1),
                    memchr(b'\n', &body[found..]).map_or(body.len(), |length| found + length),
                ),
            };
            let found = walk::walk(self, &body[..end], start);
            growth = growth.max(edit::growth(&found));
            edits.extend(found);
            // Behind the line's end, so that every look goes on.
            at = end + 1;
        }
        if edits.is_empty() {
            return Redacted::default();
        }
        Redacted { secrets: edit::apply(body, edits), growth }
    }

    /// Blanks a record that is no JSON object from the first name of a secret on; says whether there was one. In a
    /// JSON body, which has to stay JSON, it is blanked whole.
    pub fn blank(&self, record: &mut [u8], format: BodyFormat) -> bool {
        match format {
            BodyFormat::Ndjson => text::blank_rest(self, record),
            BodyFormat::Json => text::blank_whole(self, record),
        }
    }

    /// Names behind which a line that is no JSON may hold a secret, folded.
    fn names(&self) -> impl Iterator<Item = Vec<u8>> {
        let keys = self.paths.iter().filter_map(|path| {
            path.iter().rev().find_map(|step| match step {
                Step::Key(key) => Some(key.iter().map(|byte| rules::fold(*byte)).collect()),
                Step::Any => None,
            })
        });
        self.headers.iter().chain(&self.parameters).cloned().chain(keys)
    }

    /// Whether the values of this header are secrets; CGI calls it `HTTP_NAME`.
    fn is_secret_header(&self, sent: &[u8]) -> bool {
        let bare = sent.get(..5).filter(|start| rules::is_name(start, b"http-")).map_or(sent, |_| &sent[5..]);
        self.headers.iter().any(|name| rules::is_name(sent, name) || rules::is_name(bare, name))
    }
}

/// Whether JSON has one way only to write a key, but for `\u00XX`, which is a sign of its own.
fn is_written_one_way(key: &[u8]) -> bool {
    !key.is_empty() && key.iter().all(|byte| (b' '..0x7F).contains(byte) && !b"\"\\/".contains(byte))
}

/// The first look at one body: each sign is searched through it once, however often it is asked for.
struct Look<'a> {
    redactor: &'a Redactor,
    body: &'a [u8],
    /// Where each sign comes next: that of headers and parameters, then the last keys of paths.
    ahead: Vec<Option<usize>>,
}

impl<'a> Look<'a> {
    fn new(redactor: &'a Redactor, body: &'a [u8]) -> Self {
        let mut look = Self { redactor, body, ahead: Vec::new() };
        if !redactor.everywhere {
            look.ahead = (0..=redactor.last_keys.len()).map(|sign| look.find(sign, 0)).collect();
        }
        look
    }

    /// Offset of the next sign of a secret at or behind `at`, which never grows less.
    fn next(&mut self, at: usize) -> Option<usize> {
        if at >= self.body.len() {
            return None;
        }
        if self.redactor.everywhere {
            return Some(at);
        }
        for sign in 0..self.ahead.len() {
            if self.ahead[sign].is_some_and(|ahead| ahead < at) {
                self.ahead[sign] = self.find(sign, at);
            }
        }
        self.ahead.iter().flatten().min().copied()
    }

    fn find(&self, sign: usize, at: usize) -> Option<usize> {
        let redactor = self.redactor;
        match sign.checked_sub(1) {
            None => {
                let signs = Signs { headers: !redactor.headers.is_empty(), parameters: &redactor.parameters };
                find::next_sign(self.body, at, signs)
            }
            Some(key) => find_key(&redactor.last_keys[key], self.body, at),
        }
    }
}

/// The next use of a key at or behind `at`, also within a text, where its closing quote is `\"`.
fn find_key(finder: &memmem::Finder<'_>, body: &[u8], at: usize) -> Option<usize> {
    let length = finder.needle().len();
    finder.find_iter(&body[at..]).map(|offset| at + offset).find(|found| {
        let before = found.checked_sub(1).map(|before| body[before]);
        before == Some(b'"') && matches!(body.get(found + length), Some(b'"' | b'\\'))
    })
}

#[cfg(test)]
mod tests;
