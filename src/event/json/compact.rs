//! JSON text without whitespace between tokens.

use memchr::memchr2;

use super::scan::Value;

/// Appends a scanned value as compact JSON text: its own bytes less the spaces between tokens.
pub fn compact_into(value: &Value, body: &[u8], out: &mut Vec<u8>) {
    if value.spaced {
        without_spaces(value.text(body), out);
    } else {
        out.extend_from_slice(value.text(body));
    }
}

/// Copies whole runs: up to the next space between tokens.
fn without_spaces(text: &[u8], out: &mut Vec<u8>) {
    let (mut run, mut at) = (0, 0);
    while at < text.len() {
        match text[at] {
            b'"' => at = behind_string(text, at),
            b' ' | b'\t' | b'\n' | b'\r' => {
                out.extend_from_slice(&text[run..at]);
                while at < text.len() && matches!(text[at], b' ' | b'\t' | b'\n' | b'\r') {
                    at += 1;
                }
                run = at;
            }
            _ => at += 1,
        }
    }
    out.extend_from_slice(&text[run..]);
}

/// Offset behind the string that starts at `quote`.
pub(crate) fn behind_string(text: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while let Some(found) = text.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
        at += found;
        if text[at] == b'"' {
            return at + 1;
        }
        at += 2;
    }
    text.len()
}

/// Appends `text` as a JSON string.
pub fn quote_into(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0..0x20 => {
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}
