//! The close look at one line or body: which values are secrets.
//!
//! It reads tokens and takes whatever comes, since it also has to serve text that is no JSON. Nesting
//! beyond what a record may have needs no memory: what lies that deep inherits from above.

use std::borrow::Cow;

use memchr::memchr3;

use super::super::json::{MAX_DEPTH, Shape, Value, behind_string, quote_into, unescaped};
use super::edit::{Edit, MARKER};
use super::rules::Step;
use super::{REDACTED, Redactor, text};

/// Levels that are told apart; a record within a document within an array is two deeper than a record.
const DEPTH_MAX: usize = MAX_DEPTH + 4;
/// Most paths that one record tells of.
const MARKS_MAX: usize = 32;
/// Longest key within such a path, in bytes.
const MARK_KEY_MAX: usize = 64;

type Span = (usize, usize);

/// What holds for the values of one container.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// They are headers.
    pub(super) headers: bool,
    /// Number of keys from the record to here.
    depth: usize,
    /// Paths whose steps so far are the keys so far.
    alive: u128,
}

/// An open container.
#[derive(Debug)]
struct Level {
    place: Place,
    object: bool,
    /// The key that it stands under.
    key: Option<Span>,
    /// The secret header that the next item, or `value`, belongs to.
    named: Option<Span>,
    /// The value that belongs to `named` in an object.
    value: Option<Span>,
    /// Of a record: what was redacted in it so far.
    record: Option<Record>,
}

/// What is known of a record that is being read.
#[derive(Debug, Default)]
struct Record {
    /// Paths of what was redacted.
    marks: Vec<Vec<u8>>,
    /// How many `_` the mark's own key needs, to differ from keys that were sent.
    taken: usize,
}

/// What is known of the value that comes next.
#[derive(Debug, Clone, Copy)]
struct Next {
    place: Place,
    secret: bool,
    role: Role,
    key: Option<Span>,
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
    /// What holds outside of every container.
    root: Place,
    /// In how many texts this one lies; records are in the outermost only.
    depth: usize,
    /// Path of this text.
    prefix: &'a [u8],
    edits: Vec<Edit>,
    /// Paths of what was found in an inner text.
    marks: Vec<Vec<u8>>,
}

/// The changes that free `text[start..]` of secrets.
pub(super) fn walk(rules: &Redactor, text: &[u8], start: usize) -> Vec<Edit> {
    let paths = rules.paths.len();
    let alive = if paths >= 128 { u128::MAX } else { (1 << paths) - 1 };
    let root = Place { headers: false, depth: 0, alive };
    let mut walk = Walk::new(rules, text, root, 0, b"");
    walk.read(start);
    walk.edits
}

/// The changes that free a text within a value of secrets, and the paths of these.
pub(super) fn inside(
    rules: &Redactor,
    text: &[u8],
    place: Place,
    depth: usize,
    prefix: &[u8],
) -> (Vec<Edit>, Vec<Vec<u8>>) {
    let mut walk = Walk::new(rules, text, place, depth, prefix);
    walk.read(0);
    (walk.edits, walk.marks)
}

impl<'a> Walk<'a> {
    fn new(rules: &'a Redactor, text: &'a [u8], root: Place, depth: usize, prefix: &'a [u8]) -> Self {
        let (levels, edits, marks) = (Vec::new(), Vec::new(), Vec::new());
        Self { rules, text, levels, beyond: 0, root, depth, prefix, edits, marks }
    }

    fn read(&mut self, start: usize) {
        let mut at = start;
        let mut next = self.item();
        while at < self.text.len() {
            match self.text[at] {
                b'{' | b'[' => {
                    at = self.open(at, &next);
                    next = self.item();
                }
                b'}' | b']' => {
                    self.close(at);
                    at += 1;
                    next = self.item();
                }
                b'"' => {
                    let end = behind_string(self.text, at).min(self.text.len());
                    if let Some(colon) = self.colon(end) {
                        next = self.member(at, end);
                        at = colon + 1;
                    } else {
                        self.scalar(at, end, &next);
                        at = end;
                        next = self.item();
                    }
                }
                b' ' | b'\t' | b'\n' | b'\r' | b',' | b':' => at += 1,
                _ => {
                    let rest = &self.text[at..];
                    let length = rest.iter().position(|byte| b" \t\n\r,:{}[]\"".contains(byte)).unwrap_or(rest.len());
                    self.scalar(at, at + length, &next);
                    at += length;
                    next = self.item();
                }
            }
        }
    }

    /// What holds for the next item of the innermost container, no key given.
    fn item(&self) -> Next {
        let (place, secret) = match self.levels.last() {
            Some(level) => (level.place, !level.object && level.named.is_some()),
            None => (self.root, false),
        };
        Next { place, secret, role: Role::Other, key: None }
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
    fn characters(&self, (start, end): Span) -> Cow<'a, [u8]> {
        let text = self.text;
        if end < start + 2 || text[end - 1] != b'"' {
            return Cow::Borrowed(&text[start + 1..end]);
        }
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let shape = if text[start..end].contains(&b'\\') { Shape::Escaped } else { Shape::Plain };
        unescaped(&Value { start: short(start), end: short(end), shape, spaced: false }, text)
    }

    /// What holds for the value of the key in `start..end`.
    fn member(&mut self, start: usize, end: usize) -> Next {
        let key = self.characters((start, end));
        let Place { headers, depth, alive } = self.levels.last().map_or(self.root, |level| level.place);
        if depth == 0 {
            if self.rules.wrapper.as_deref() == Some(&*key) {
                return Next { place: self.root, secret: false, role: Role::Other, key: None };
            }
            self.note_taken(&key);
        }
        let (mut secret, mut onward) = (headers && self.rules.is_secret_header(&key), 0);
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
        let place = Place { headers: headers || opens_headers, depth: depth + 1, alive: onward };
        Next { place, secret, role, key: Some((start, end)) }
    }

    /// The sender may have used the key under which a record tells of what was redacted.
    fn note_taken(&mut self, key: &[u8]) {
        let Some(rest) = key.strip_prefix(REDACTED.as_bytes()) else { return };
        if let Some(record) = self.levels.last_mut().and_then(|level| level.record.as_mut())
            && rest.iter().all(|byte| *byte == b'_')
        {
            record.taken = record.taken.max(rest.len() + 1);
        }
    }

    fn open(&mut self, at: usize, next: &Next) -> usize {
        let object = self.text[at] == b'{';
        if next.secret {
            let end = behind_brackets(self.text, at);
            self.secret(at, end, next.key);
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
            let record = (object && next.place.depth == 0 && self.depth == 0).then(Record::default);
            let (place, key) = (next.place, next.key);
            self.levels.push(Level { place, object, key, named: None, value: None, record });
        }
        at + 1
    }

    fn close(&mut self, at: usize) {
        if self.beyond > 0 {
            self.beyond -= 1;
            return;
        }
        let named = self.levels.last().and_then(|level| level.named.zip(level.value).filter(|_| level.object));
        if let Some((name, (start, end))) = named {
            self.secret(start, end, Some(name));
        }
        if let Some(record) = self.levels.pop().and_then(|level| level.record)
            && !record.marks.is_empty()
            && self.text[at] == b'}'
        {
            self.edits.push(Edit::insert(at, member_of(&record)));
        }
    }

    fn scalar(&mut self, start: usize, end: usize, next: &Next) {
        let is_text = self.text[start] == b'"';
        if next.secret {
            self.secret(start, end, next.key);
        }
        let names_secret = is_text && next.place.headers && self.rules.is_secret_header(&self.characters((start, end)));
        if is_text && !next.secret && !names_secret {
            self.within(start, end, next);
        }
        let Some(level) = self.levels.last_mut() else { return };
        if !level.object {
            level.named = (names_secret && !next.secret).then_some((start, end));
        } else if next.role == Role::Name && names_secret {
            level.named = Some((start, end));
        } else if next.role == Role::Value {
            level.value = Some((start, end));
        }
    }

    /// Looks for secrets within a text.
    fn within(&mut self, start: usize, end: usize, next: &Next) {
        let characters = self.characters((start, end));
        if characters.len() < 3 || self.text[end - 1] != b'"' {
            return;
        }
        // Most texts hold none of the signs, and need no path.
        let has_sign = memchr3(b'=', b'{', b'[', &characters).is_some();
        if !(has_sign || next.place.headers && characters.contains(&b':')) {
            return;
        }
        let prefix = self.path(next.key);
        let mut marks = Vec::new();
        if let Some(found) = text::clean(self.rules, &characters, next.place, self.depth, &prefix, &mut marks) {
            let mut quoted = Vec::with_capacity(found.text.len() + 2);
            quote_into(&String::from_utf8_lossy(&found.text), &mut quoted);
            self.edits.push(Edit::text(start, end, quoted, found.secrets));
            for mark in marks {
                self.mark(mark);
            }
        }
    }

    /// The value in `start..end` is a secret; `key` names it.
    fn secret(&mut self, start: usize, end: usize, key: Option<Span>) {
        let value = &self.text[start..end];
        let blank = value == b"null" || value == b"\"\"";
        if blank || value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\"")) == Some(MARKER.as_bytes()) {
            return;
        }
        let key = key.or_else(|| self.levels.last().and_then(|level| level.named));
        let path = self.path(key);
        self.edits.push(Edit::secret(start, end));
        self.mark(path);
    }

    /// Notes the path of something that was redacted.
    fn mark(&mut self, mut path: Vec<u8>) {
        text::clean_name(self.rules, &mut path);
        let record = self.levels.iter_mut().rev().find_map(|level| level.record.as_mut());
        let marks = record.map_or(&mut self.marks, |record| &mut record.marks);
        if marks.len() <= MARKS_MAX && !marks.contains(&path) {
            marks.push(path);
        }
    }

    /// Keys from the record to `key`, joined as in the paths of rules.
    fn path(&self, key: Option<Span>) -> Vec<u8> {
        let record = self.levels.iter().rposition(|level| level.record.is_some());
        let within = &self.levels[record.map_or(0, |at| at + 1)..];
        let mut path = self.prefix.to_vec();
        for span in within.iter().filter_map(|level| level.key).chain(key) {
            if !path.is_empty() {
                path.push(b'.');
            }
            let name = self.characters(span);
            for &byte in &name[..name.len().min(MARK_KEY_MAX)] {
                if matches!(byte, b'.' | b'\\') {
                    path.push(b'\\');
                }
                path.push(byte);
            }
        }
        path
    }

    /// In a flat list of headers only one item belongs to a name.
    fn done_with_item(&mut self) {
        if let Some(level) = self.levels.last_mut().filter(|level| !level.object) {
            level.named = None;
        }
    }
}

/// The member by which a record tells what was redacted in it.
fn member_of(record: &Record) -> Vec<u8> {
    let mut out = vec![b','];
    quote_into(&format!("{REDACTED}{}", "_".repeat(record.taken)), &mut out);
    out.extend_from_slice(b":[");
    for (at, mark) in record.marks.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        if at < MARKS_MAX {
            quote_into(&String::from_utf8_lossy(mark), &mut out);
        } else {
            out.extend_from_slice("\"…\"".as_bytes());
        }
    }
    out.push(b']');
    out
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
