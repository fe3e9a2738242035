//! The close look at one line or body: which values are secrets.
//!
//! It reads tokens and takes whatever comes, since it also has to serve text that is no JSON. Nesting
//! beyond what a record may have needs no memory: what lies that deep inherits from above.

use std::borrow::Cow;

use super::super::json::{MAX_DEPTH, Shape, Value, behind_string, unescaped};
use super::{Redactor, Step};

/// Levels that are told apart; a record within a document within an array is two deeper than a record.
const DEPTH_MAX: usize = MAX_DEPTH + 4;

/// What holds for the values of one container.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// They are headers.
    headers: bool,
    /// Number of keys from the record to here.
    depth: usize,
    /// Paths whose steps so far are the keys so far.
    alive: u128,
}

/// An open container.
#[derive(Debug, Clone, Copy)]
struct Level {
    place: Place,
    object: bool,
    /// In a list of headers: the next item belongs to a secret name. In an object: `name` is such one.
    named: bool,
    /// The value that belongs to `name`.
    value: Option<(usize, usize)>,
}

/// What is known of the value that comes next.
#[derive(Debug, Clone, Copy)]
struct Next {
    place: Place,
    secret: bool,
    role: Role,
}

/// What a member is in `{"name": "Cookie", "value": "…"}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Name,
    Value,
    Other,
}

struct Walk<'a> {
    rules: &'a Redactor,
    text: &'a [u8],
    levels: Vec<Level>,
    /// Containers open beyond [`DEPTH_MAX`].
    beyond: usize,
    edits: &'a mut Vec<(usize, usize)>,
}

/// Adds the spans of secrets in `text[start..]` to `edits`.
pub(super) fn walk(rules: &Redactor, text: &[u8], start: usize, edits: &mut Vec<(usize, usize)>) {
    let mut walk = Walk { rules, text, levels: Vec::new(), beyond: 0, edits };
    let mut at = start;
    let mut next = walk.item();
    while at < text.len() {
        match text[at] {
            b'{' | b'[' => {
                at = walk.open(at, &next);
                next = walk.item();
            }
            b'}' | b']' => {
                walk.close();
                at += 1;
                next = walk.item();
            }
            b'"' => {
                let end = behind_string(text, at).min(text.len());
                if let Some(colon) = walk.colon(end) {
                    next = walk.member(at, end);
                    at = colon + 1;
                } else {
                    walk.scalar(at, end, &next);
                    at = end;
                    next = walk.item();
                }
            }
            b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => at += 1,
            _ => {
                let rest = &text[at..];
                let length = rest.iter().position(|byte| b" \t\n\r,:{}[]\"".contains(byte)).unwrap_or(rest.len());
                walk.scalar(at, at + length, &next);
                at += length;
                next = walk.item();
            }
        }
    }
}

impl Walk<'_> {
    fn root(&self) -> Place {
        let paths = self.rules.paths.len();
        let alive = if paths >= 128 { u128::MAX } else { (1 << paths) - 1 };
        Place { headers: false, depth: 0, alive }
    }

    /// What holds for the next item of the innermost container, no key given.
    fn item(&self) -> Next {
        match self.levels.last() {
            Some(level) => Next { place: level.place, secret: !level.object && level.named, role: Role::Other },
            None => Next { place: self.root(), secret: false, role: Role::Other },
        }
    }

    /// Offset of the colon that follows, if what stands before it is a key.
    fn colon(&self, mut at: usize) -> Option<usize> {
        if self.beyond == 0 && self.levels.last().is_some_and(|level| !level.object) {
            return None;
        }
        while matches!(self.text.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            at += 1;
        }
        (self.text.get(at) == Some(&b':')).then_some(at)
    }

    /// The characters of the string in `start..end`; a cut-off one has no closing quote.
    fn characters(&self, start: usize, end: usize) -> Cow<'_, [u8]> {
        if end < start + 2 || self.text[end - 1] != b'"' {
            return Cow::Borrowed(&self.text[start + 1..end]);
        }
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let shape = if self.text[start..end].contains(&b'\\') { Shape::Escaped } else { Shape::Plain };
        unescaped(&Value { start: short(start), end: short(end), shape, spaced: false }, self.text)
    }

    fn is_secret_header(&self, name: &[u8]) -> bool {
        self.rules.headers.iter().any(|header| header.eq_ignore_ascii_case(name))
    }

    /// What holds for the value of the key in `start..end`.
    fn member(&self, start: usize, end: usize) -> Next {
        let key = self.characters(start, end);
        let Place { headers, depth, alive } = self.levels.last().map_or(self.root(), |level| level.place);
        if depth == 0 && self.rules.wrapper.as_deref() == Some(&*key) {
            return Next { place: self.root(), secret: false, role: Role::Other };
        }
        let (mut secret, mut onward) = (headers && self.is_secret_header(&key), 0);
        for (at, path) in self.rules.paths.iter().enumerate().filter(|(at, _)| alive >> at & 1 == 1) {
            let fits = path.get(depth).is_some_and(|step| match step {
                Step::Any => true,
                Step::Key(wanted) => **wanted == *key,
            });
            if fits && path.len() == depth + 1 {
                secret = true;
            } else if fits {
                onward |= 1 << at;
            }
        }
        let is_one_of = |names: &[&str]| headers && names.iter().any(|name| key.eq_ignore_ascii_case(name.as_bytes()));
        let role = if is_one_of(&["name", "key", "header"]) {
            Role::Name
        } else if is_one_of(&["value", "values"]) {
            Role::Value
        } else {
            Role::Other
        };
        let opens_headers = key.len() >= 7 && key[key.len() - 7..].eq_ignore_ascii_case(b"headers");
        Next { place: Place { headers: headers || opens_headers, depth: depth + 1, alive: onward }, secret, role }
    }

    fn open(&mut self, at: usize, next: &Next) -> usize {
        if next.secret {
            let end = behind_brackets(self.text, at);
            self.edits.push((at, end));
            self.done_with_item();
            return end;
        }
        if next.role == Role::Value && self.beyond == 0 {
            let end = behind_brackets(self.text, at);
            if let Some(level) = self.levels.last_mut() {
                level.value = Some((at, end));
            }
        }
        if self.levels.len() >= DEPTH_MAX {
            self.beyond += 1;
        } else {
            self.levels.push(Level { place: next.place, object: self.text[at] == b'{', named: false, value: None });
        }
        at + 1
    }

    fn close(&mut self) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        if let Some(level) = self.levels.pop()
            && let (true, true, Some(span)) = (level.object, level.named, level.value)
        {
            self.edits.push(span);
        }
    }

    fn scalar(&mut self, start: usize, end: usize, next: &Next) {
        if next.secret {
            self.edits.push((start, end));
        }
        let is_text = self.text[start] == b'"';
        let names_secret = is_text && next.place.headers && self.is_secret_header(&self.characters(start, end));
        let Some(level) = self.levels.last_mut() else { return };
        if !level.object {
            level.named = names_secret && !next.secret;
        } else if next.role == Role::Name {
            level.named |= names_secret;
        } else if next.role == Role::Value {
            level.value = Some((start, end));
        }
    }

    /// In a flat list of headers only one item belongs to a name.
    fn done_with_item(&mut self) {
        if let Some(level) = self.levels.last_mut().filter(|level| !level.object) {
            level.named = false;
        }
    }
}

/// Offset behind the container at `at`; a broken one reaches to the end.
fn behind_brackets(text: &[u8], mut at: usize) -> usize {
    let mut depth = 0_usize;
    while at < text.len() {
        match text[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            b'"' => {
                at = behind_string(text, at).min(text.len());
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}
