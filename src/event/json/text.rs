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
fn unescape(inner: &[u8], out: &mut Vec<u8>) {
    // Text never grows by this, so one reservation serves all of it, whole blocks included.
    out.reserve(inner.len() + BLOCK);
    let mut at = blocks(inner, out);
    while let Some(byte) = inner.get(at) {
        if *byte == b'\\' {
            at += one(&inner[at..], out);
        } else {
            out.push(*byte);
            at += 1;
        }
    }
}

/// Bytes that are copied at once.
const BLOCK: usize = 16;

/// Unescapes as far as whole blocks reach, and says how far that was. `out` has room for all.
#[cfg(target_arch = "x86_64")]
fn blocks(inner: &[u8], out: &mut Vec<u8>) -> usize {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_loadu_si128, _mm_movemask_epi8, _mm_set1_epi8, _mm_storeu_si128};
    let mut at = 0;
    while at + BLOCK <= inner.len() {
        let length = out.len();
        debug_assert!(length + BLOCK <= out.capacity(), "the caller has reserved");
        // SAFETY: SSE2 is part of x86-64. The 16 bytes at `at` lie inside `inner`; `out` has room for as
        // many as `inner` and a block more, and so far it has grown by at most `at`. The bytes that
        // `set_len` adds have been written.
        let plain = unsafe {
            let block = _mm_loadu_si128(inner.as_ptr().add(at).cast());
            _mm_storeu_si128(out.as_mut_ptr().add(length).cast(), block);
            let mask = _mm_movemask_epi8(_mm_cmpeq_epi8(block, _mm_set1_epi8(b'\\'.cast_signed())));
            let plain = if mask == 0 { BLOCK } else { mask.trailing_zeros() as usize };
            out.set_len(length + plain);
            plain
        };
        at += plain;
        if plain < BLOCK {
            at += one(&inner[at..], out);
        }
    }
    at
}

#[cfg(not(target_arch = "x86_64"))]
fn blocks(inner: &[u8], out: &mut Vec<u8>) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &inner[at..]) {
        out.extend_from_slice(&inner[at..at + found]);
        at += found;
        at += one(&inner[at..], out);
    }
    at
}

/// Appends the character of the escape at the start of `inner` and returns the escape's length.
#[inline(always)]
fn one(inner: &[u8], out: &mut Vec<u8>) -> usize {
    let byte = match inner.get(1) {
        Some(b'"') => b'"',
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

#[cold]
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
