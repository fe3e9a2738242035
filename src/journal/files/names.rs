//! Names and types of files as senders gave them, made safe for headers, archives and disks.
//!
//! A name loses what a shell, a file system or a header could trip over: separators of paths, control characters,
//! marks that turn the direction of text, names of devices. It keeps its letters, of any script.

use std::fmt::{self, Write};

/// Longest safe name, in bytes: file systems take 255, and archives put something in front.
const NAME_MAX: usize = 150;
/// What a file without a usable name is called.
const NAMELESS: &str = "file";
/// Names that Windows keeps for devices, with any ending.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
/// Endings of the types that bodies have.
const EXTENSIONS: [(&str, &str); 17] = [
    ("application/json", "json"),
    ("application/problem+json", "json"),
    ("application/x-ndjson", "ndjson"),
    ("application/xml", "xml"),
    ("text/xml", "xml"),
    ("text/html", "html"),
    ("text/plain", "txt"),
    ("text/csv", "csv"),
    ("application/x-www-form-urlencoded", "txt"),
    ("application/pdf", "pdf"),
    ("application/zip", "zip"),
    ("application/vnd.apache.parquet", "parquet"),
    ("application/vnd.apache.arrow.stream", "arrow"),
    ("image/png", "png"),
    ("image/jpeg", "jpg"),
    ("audio/mpeg", "mp3"),
    ("application/octet-stream", "bin"),
];

/// `sent` as a name that can be used everywhere; never empty.
#[must_use]
pub fn safe_name(sent: &str) -> String {
    let mut name: String = sent.chars().map(|c| if is_unsafe(c) { '_' } else { c }).collect();
    // Not even within a name: some unpackers refuse it there.
    while name.contains("..") {
        name = name.replace("..", ".");
    }
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let name = shortened(name);
    let stem = name.split('.').next().unwrap_or("").to_ascii_lowercase();
    let device = DEVICES.contains(&stem.as_str())
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.as_bytes()[3].is_ascii_digit());
    match name.as_str() {
        "" => NAMELESS.to_owned(),
        _ if device => format!("_{name}"),
        _ => name,
    }
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' | ';' | '%' | '\u{feff}')
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}')
}

/// At most [`NAME_MAX`] bytes; the ending stays where it is short.
fn shortened(name: &str) -> String {
    if name.len() <= NAME_MAX {
        return name.to_owned();
    }
    let ending = name.rsplit_once('.').map(|(_, ending)| ending).filter(|ending| ending.len() <= 10);
    let room = NAME_MAX - ending.map_or(0, |ending| ending.len() + 1);
    let end = (0..=room).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
    let stem = name[..end].trim_end_matches(['.', ' ']);
    ending.map_or_else(|| stem.to_owned(), |ending| format!("{stem}.{ending}"))
}

/// The type that a sender named, where it is one; else that of any bytes.
#[must_use]
pub fn content_type(sent: Option<&str>) -> &str {
    const ANY: &str = "application/octet-stream";
    let Some(sent) = sent.map(str::trim) else { return ANY };
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&byte))
    };
    let (essence, rest) = sent.split_once(';').unwrap_or((sent, ""));
    let fine = essence.trim_end().split_once('/').is_some_and(|(kind, subtype)| token(kind) && token(subtype));
    let printable = rest.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic());
    if fine && printable && sent.len() <= NAME_MAX { sent } else { ANY }
}

/// Ending of files of a type, without the dot.
#[must_use]
pub fn extension_of(content_type: &str) -> &'static str {
    let essence = content_type.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let known = EXTENSIONS.iter().find(|(kind, _)| *kind == essence).map(|(_, extension)| *extension);
    match known {
        Some(extension) => extension,
        None if essence.ends_with("+json") => "json",
        None if essence.ends_with("+xml") => "xml",
        None if essence.starts_with("text/") => "txt",
        None => "bin",
    }
}

/// `Content-Disposition` of a download (RFC 6266): the name in ASCII for old clients, and as it is (RFC 8187).
#[derive(Debug, Clone, Copy)]
pub struct Disposition<'a>(pub &'a str);

impl fmt::Display for Disposition<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = safe_name(self.0);
        f.write_str("attachment; filename=\"")?;
        name.chars().try_for_each(|c| f.write_char(if c.is_ascii() { c } else { '_' }))?;
        f.write_str("\"")?;
        if name.is_ascii() {
            return Ok(());
        }
        f.write_str("; filename*=UTF-8''")?;
        name.bytes().try_for_each(|byte| {
            let plain = byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte);
            if plain { f.write_char(char::from(byte)) } else { write!(f, "%{byte:02X}") }
        })
    }
}
