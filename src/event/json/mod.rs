//! JSON as bytes: scanning, unescaping, compacting. No values are built.
//!
//! Everything works on one body whose UTF-8 was validated as a whole; positions are `u32` offsets
//! into it. The scanner is strict (RFC 8259), so that whatever passes it can be stored as JSON text.

mod compact;
mod members;
mod scan;
mod special;
mod text;

pub(crate) use compact::behind_string;
pub use compact::{compact_into, quote_into};
pub use members::{Member, Members, members};
pub use scan::{MAX_DEPTH, ScanError, Scanner, Shape, Token, Value};
pub use text::{unescape_into, unescaped};

#[cfg(test)]
mod tests;
