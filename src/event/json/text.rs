//! Text of JSON strings.

use std::borrow::Cow;

use super::scan::{Shape, Value, hex4};

/// Appends the characters of a scanned string to `out`.
pub fn unescape_into(value: &Value, body: &[u8], out: &mut Vec<u8>) {
    let inner = value.inner(body);
    if value.shape == Shape::Plain {
        out.extend_from_slice(inner);
    } else {
        unescape(inner, out);
    }
}

/// The characters of a scanned string, borrowed where it has no escapes.
#[must_use]
pub fn unescaped<'b>(value: &Value, body: &'b [u8]) -> Cow<'b, [u8]> {
    if value.shape == Shape::Plain {
        return Cow::Borrowed(value.inner(body));
    }
    let mut out = Vec::with_capacity(value.inner(body).len());
    unescape(value.inner(body), &mut out);
    Cow::Owned(out)
}

/// Escapes were checked by the scanner; one that is none would be copied as it stands.
fn unescape(mut inner: &[u8], out: &mut Vec<u8>) {
    while let Some(found) = memchr::memchr(b'\\', inner) {
        out.extend_from_slice(&inner[..found]);
        let used = one(&inner[found..], out);
        inner = &inner[found + used..];
    }
    out.extend_from_slice(inner);
}

/// Appends the character of the escape at the start of `inner` and returns the escape's length.
fn one(inner: &[u8], out: &mut Vec<u8>) -> usize {
    let byte = match inner.get(1) {
        Some(b'b') => 0x08,
        Some(b'f') => 0x0C,
        Some(b'n') => b'\n',
        Some(b'r') => b'\r',
        Some(b't') => b'\t',
        Some(b'u') => return unicode(inner, out),
        Some(other) => *other,
        None => b'\\',
    };
    out.push(byte);
    inner.len().min(2)
}

fn unicode(inner: &[u8], out: &mut Vec<u8>) -> usize {
    let high = hex4(inner, 2).unwrap_or(0xFFFD);
    let (code, used) = match (high, hex4(inner, 8)) {
        (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) => (0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00), 12),
        _ => (high, 6),
    };
    let mut bytes = [0; 4];
    out.extend_from_slice(
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut bytes).as_bytes(),
    );
    used
}
