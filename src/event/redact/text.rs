//! Secrets within one text: JSON in it, lines of headers, parameters of URLs and forms.

use super::Redactor;
use super::edit::{self, Edit, MARKER};
use super::rules::{fold, is_name};
use super::walk::{self, Place};

/// How deep JSON may lie in texts within texts.
pub(super) const TEXTS_MAX: usize = 4;
/// Longest name of a parameter that is looked at, in bytes as sent.
const NAME_MAX: usize = 128;

/// What was found in a text.
#[derive(Debug)]
pub(super) struct Found {
    /// The text without its secrets.
    pub(super) text: Vec<u8>,
    /// How many there were.
    pub(super) secrets: u64,
}

/// `text` without the secrets in it, if there are any. `place` says what holds for it, `depth` in how many
/// texts it lies; the paths of what was found go to `marks`, each behind `prefix`.
pub(super) fn clean(
    rules: &Redactor,
    text: &[u8],
    place: Place,
    depth: usize,
    prefix: &[u8],
    marks: &mut Vec<Vec<u8>>,
) -> Option<Found> {
    let mut found = Found { text: text.to_vec(), secrets: 0 };
    if matches!(text.trim_ascii_start().first(), Some(b'{' | b'[')) && depth < TEXTS_MAX {
        let (edits, paths) = walk::inside(rules, text, place, depth + 1, prefix);
        found.secrets += edit::apply(&mut found.text, edits);
        marks.extend(paths);
    }
    let within = found.secrets;
    if place.headers && within == 0 {
        let mut edits = Vec::new();
        header_lines(rules, text, &mut edits);
        found.secrets += edit::apply(&mut found.text, edits);
    }
    // Also in what JSON left: keys are no values.
    let edits = parameters(rules, &found.text);
    found.secrets += edit::apply(&mut found.text, edits);
    if found.secrets > within {
        marks.push(prefix.to_vec());
    }
    (found.secrets > 0).then_some(found)
}

/// `Name: value` lines, as of a request that was logged whole.
fn header_lines(rules: &Redactor, text: &[u8], edits: &mut Vec<Edit>) {
    let mut start = 0;
    for line in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
        if let Some(colon) = memchr::memchr(b':', line)
            && rules.is_secret_header(line[..colon].trim_ascii())
        {
            let value = line[colon + 1..].trim_ascii();
            if !value.is_empty() && value != MARKER.as_bytes() {
                let at = start + colon + 1;
                let with = format!(" {MARKER}").into_bytes();
                edits.push(Edit::text(at, start + line.len(), with, 1));
            }
        }
        start += line.len() + 1;
    }
}

/// `?name=value`, `&name=value`, `#name=value`, and `name=value` at the start of a form.
fn parameters(rules: &Redactor, text: &[u8]) -> Vec<Edit> {
    let mut edits = Vec::new();
    if rules.parameters.is_empty() {
        return edits;
    }
    for equals in memchr::memchr_iter(b'=', text) {
        let name = name_before(text, equals);
        let starts = name.start == 0 || matches!(text[name.start - 1], b'?' | b'&' | b';' | b'#');
        if !starts || name.is_empty() || !is_secret_parameter(rules, &text[name]) {
            continue;
        }
        let rest = &text[equals + 1..];
        let end = rest.iter().position(|byte| ends_parameter(*byte)).unwrap_or(rest.len());
        if end > 0 && &rest[..end] != MARKER.as_bytes() {
            edits.push(Edit::text(equals + 1, equals + 1 + end, MARKER.into(), 1));
        }
    }
    edits
}

/// Frees a path of parameters: keys are what the sender made of them, and no place to tell a secret again.
pub(super) fn clean_name(rules: &Redactor, path: &mut Vec<u8>) {
    let edits = parameters(rules, path);
    edit::apply(path, edits);
    // A key that looks like JSON is not to be read as such when it comes again.
    if matches!(path.trim_ascii_start().first(), Some(b'{' | b'[')) {
        path.splice(0..0, "…".bytes());
    }
}

fn ends_parameter(byte: u8) -> bool {
    byte <= b' ' || b"&;#\"'<>\\".contains(&byte)
}

fn name_before(text: &[u8], equals: usize) -> std::ops::Range<usize> {
    let is_of_name = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.%[]".contains(byte);
    let from = equals.saturating_sub(NAME_MAX);
    let length = text[from..equals].iter().rev().take_while(|byte| is_of_name(byte)).count();
    equals - length..equals
}

fn is_secret_parameter(rules: &Redactor, name: &[u8]) -> bool {
    let plain = percent_decoded(name);
    rules.parameters.iter().any(|secret| is_name(&plain, secret))
}

fn percent_decoded(name: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(name.len());
    let mut rest = name;
    while let [first, tail @ ..] = rest {
        let code = tail.get(..2).filter(|_| *first == b'%').and_then(|hex| std::str::from_utf8(hex).ok());
        match code.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                rest = &tail[2..];
            }
            None => {
                out.push(*first);
                rest = tail;
            }
        }
    }
    out
}

/// Whether the `=` at `equals` may belong to a secret parameter: the first look, which knows no borders.
pub(super) fn may_be_parameter(parameters: &[Vec<u8>], text: &[u8], equals: usize) -> bool {
    let name = &text[name_before(text, equals)];
    let ends_with =
        |secret: &Vec<u8>| name.len() >= secret.len() && is_name(&name[name.len() - secret.len()..], secret);
    !name.is_empty() && (parameters.iter().any(ends_with) || name.contains(&b'%'))
}

/// Blanks what follows the first name of a secret in a line that is no JSON, since nobody can tell where the
/// secret ends. Says whether there was one.
pub(super) fn blank_rest(rules: &Redactor, line: &mut [u8]) -> bool {
    let Some(from) = first_secret(rules, line) else { return false };
    let (marker, rest) = (format!("\"{MARKER}\""), &mut line[from..]);
    if rest.len() >= marker.len() {
        rest.fill(b' ');
        rest[..marker.len()].copy_from_slice(marker.as_bytes());
    } else {
        // Not by spaces: what stands before must not become a line of its own.
        rest.fill(b'*');
    }
    true
}

/// Makes a text of a JSON value that names a secret. Says whether it does.
pub(super) fn blank_whole(rules: &Redactor, value: &mut [u8]) -> bool {
    if value.len() < 2 || first_secret(rules, value).is_none() {
        return false;
    }
    value.fill(b'*');
    if value.len() >= MARKER.len() + 2 {
        value[MARKER.len() + 2..].fill(b' ');
        value[1..=MARKER.len()].copy_from_slice(MARKER.as_bytes());
        value[MARKER.len() + 1] = b'"';
    } else if let Some(last) = value.last_mut() {
        *last = b'"';
    }
    value[0] = b'"';
    true
}

/// Where something begins that may be a secret.
fn first_secret(rules: &Redactor, text: &[u8]) -> Option<usize> {
    let plain: Vec<u8> = text.iter().map(|byte| fold(*byte)).collect();
    // Text of two bytes a character hides every name.
    let hidden = memchr::memchr(0, text);
    let named = rules.names().filter_map(|name| first_use(&plain, text, &name)).min();
    hidden.into_iter().chain(named).min()
}

/// Where the value begins that follows `name`; one that is blanked already does not count.
fn first_use(plain: &[u8], line: &[u8], name: &[u8]) -> Option<usize> {
    memchr::memmem::find_iter(plain, name).find_map(|at| {
        let behind = at + name.len();
        let quotes = plain[behind..].iter().take_while(|byte| b"\"'\\ \t".contains(byte)).count();
        let sign = behind + quotes;
        let value = &line[(sign + 1).min(line.len())..];
        let used = matches!(plain.get(sign), Some(b':' | b'=' | b',')) && !value.trim_ascii().is_empty();
        let done = value.trim_ascii_start().strip_prefix(b"\"").is_some_and(|rest| rest.starts_with(MARKER.as_bytes()));
        (used && !done).then_some(sign + 1)
    })
}
