//! Why something cannot be kept, found or changed, whatever it is; each kind says it in words and codes of its own.

use std::io;
use std::path::PathBuf;

use crate::config::ByteCount;

/// Why something cannot be kept, found or changed.
#[derive(Debug)]
pub enum Refused {
    /// There is none with this name or id that the caller may see.
    Unknown(String),
    /// One of this name is there.
    Exists(String),
    /// It belongs to another key.
    NotYours(String),
    /// A restricted key cannot decide what others see.
    Restricted,
    /// The project has as many as it may.
    TooMany {
        /// How many there are.
        count: usize,
        /// The setting, and its value.
        limit: (&'static str, usize),
    },
    /// One is larger than it may be.
    TooLarge {
        /// Its size as JSON.
        size: usize,
        /// The setting, and its value.
        limit: (&'static str, ByteCount),
    },
    /// A part of it cannot be.
    Invalid {
        /// The member.
        part: &'static str,
        /// What is wrong, and what would do.
        message: String,
    },
    /// The file of the project.
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}
