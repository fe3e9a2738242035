//! JSON text without whitespace between tokens.

use super::scan::Value;

/// Appends a scanned value as compact JSON text: its own bytes less the spaces between tokens.
pub fn compact_into(value: &Value, body: &[u8], out: &mut Vec<u8>) {
    let text = value.text(body);
    if !value.spaced {
        out.extend_from_slice(text);
        return;
    }
    let mut in_string = false;
    let mut escaped = false;
    for &byte in text {
        if in_string {
            in_string = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            continue;
        } else {
            in_string = byte == b'"';
        }
        out.push(byte);
    }
}

/// Appends `text` as a JSON string.
pub fn quote_into(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            c if (c as u32) < 0x20 => out.extend_from_slice(format!("\\u{:04x}", c as u32).as_bytes()),
            c => {
                let mut bytes = [0; 4];
                out.extend_from_slice(c.encode_utf8(&mut bytes).as_bytes());
            }
        }
    }
    out.push(b'"');
}
