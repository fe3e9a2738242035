//! State files with a checksum: text that ends in a line `#crc32c=XXXXXXXX` of all that stands before it.
//!
//! A bit that flips in JSON may leave other JSON: another project of a key, another hash of its secret. What is
//! written with [`seal`] is given back by [`unseal`] as it was, or not at all. Files of earlier releases have no
//! such line and are taken as they are; the next write adds it.

use std::io;

const MARK: &[u8] = b"\n#crc32c=";
const DIGITS: usize = 8;

/// `text` with its checksum behind it.
#[must_use]
pub fn seal(mut text: Vec<u8>) -> Vec<u8> {
    let sum = format!("{:08x}\n", crc32c::crc32c(&text));
    text.extend_from_slice(MARK);
    text.extend_from_slice(sum.as_bytes());
    text
}

/// The text of a sealed file; an unsealed one comes back whole.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] where the checksum is another one.
pub fn unseal(bytes: &[u8]) -> io::Result<&[u8]> {
    let Some(at) = place(bytes) else { return Ok(bytes) };
    let (text, line) = (&bytes[..at], &bytes[at + MARK.len()..]);
    let found = format!("{:08x}\n", crc32c::crc32c(text));
    if line == found.as_bytes() {
        return Ok(text);
    }
    let what = format!(
        "it is damaged: its checksum is {}, it says {}",
        found.trim_end(),
        String::from_utf8_lossy(line).trim_end()
    );
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}

/// Where the mark of the last line stands.
fn place(bytes: &[u8]) -> Option<usize> {
    let at = bytes.len().checked_sub(MARK.len() + DIGITS + 1)?;
    bytes[at..].starts_with(MARK).then_some(at)
}

#[cfg(test)]
mod tests;
