//! Rejected lines, kept so that their sender can find, mend and resend them.
//!
//! One NDJSON file per project, replaced by a new one at [`FILE_MAX`]; the one before is kept. Lines
//! are written after their batch is durable and are not synced: the receipt has told the sender.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;
use serde::Serialize;

use crate::event::names::ProjectName;
use crate::event::parse::{Parsed, Rejected};

/// Size in bytes at which a project's file is replaced.
const FILE_MAX: u64 = 64 << 20;
/// Longest text of a line that is kept, in bytes.
const TEXT_MAX: usize = 64 << 10;

/// One rejected line.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Dead {
    received_at: i64,
    line: u32,
    code: &'static str,
    text: String,
}

/// The files of rejected lines.
#[derive(Debug)]
pub(super) struct DeadLetters {
    dir: PathBuf,
    /// Held while writing, so that lines of two batches do not mix.
    writing: Mutex<()>,
}

impl DeadLetters {
    /// Files in `dir`, which exists.
    pub(super) fn new(dir: PathBuf) -> Self {
        Self { dir, writing: Mutex::new(()) }
    }

    /// Appends the rejected lines of one batch.
    pub(super) fn write(&self, project: &ProjectName, batch: &str, dead: &[Dead]) {
        if dead.is_empty() {
            return;
        }
        let _writing = self.writing.lock();
        if let Err(error) = append(&self.dir.join(format!("{project}.ndjson")), batch, dead) {
            tracing::error!(%error, %project, batch, lines = dead.len(), "cannot keep rejected lines");
        }
    }

    /// Removes the rejected lines of a project, as they stand in its files, for which `goes` holds. Returns how many.
    ///
    /// # Errors
    /// A file cannot be read or written; what was removed before stays removed.
    pub(super) fn erase(&self, project: &ProjectName, goes: impl Fn(&str) -> bool) -> io::Result<u64> {
        let _writing = self.writing.lock();
        let mut erased = 0;
        for path in files_of(project).map(|name| self.dir.join(name)) {
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(error),
            };
            let (gone, kept): (Vec<&str>, Vec<&str>) = text.split_inclusive('\n').partition(|line| goes(line));
            if !gone.is_empty() {
                super::directory::replace(&path, kept.concat().as_bytes())?;
                erased += gone.len() as u64;
            }
        }
        Ok(erased)
    }

    /// The newest rejected lines of a project, newest first, at most `limit`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub(super) fn newest(&self, project: &ProjectName, limit: usize) -> io::Result<Vec<String>> {
        let mut found = Vec::new();
        for name in files_of(project) {
            match fs::read_to_string(self.dir.join(name)) {
                Ok(text) => found.extend(text.lines().rev().take(limit - found.len()).map(str::to_string)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }
}

/// Removes the files of a project that is deleted.
///
/// # Errors
/// Whatever the system says.
pub(super) fn remove(dir: &Path, project: &ProjectName) -> io::Result<()> {
    for name in files_of(project) {
        super::projects::gone(fs::remove_file(dir.join(name)))?;
    }
    Ok(())
}

/// The newer file, then the one before it.
fn files_of(project: &ProjectName) -> [String; 2] {
    [format!("{project}.ndjson"), format!("{project}.1.ndjson")]
}

fn append(path: &Path, batch: &str, dead: &[Dead]) -> io::Result<()> {
    #[derive(Serialize)]
    struct Line<'a> {
        batch: &'a str,
        #[serde(flatten)]
        dead: &'a Dead,
    }
    if fs::metadata(path).is_ok_and(|file| file.len() > FILE_MAX) {
        fs::rename(path, path.with_extension("1.ndjson"))?;
    }
    let mut out = Vec::new();
    for dead in dead {
        serde_json::to_writer(&mut out, &Line { batch, dead })?;
        out.push(b'\n');
    }
    OpenOptions::new().create(true).append(true).open(path)?.write_all(&out)
}

/// The rejected lines of a parsed body.
pub(super) fn collect(parsed: &Parsed, body: &[u8], received_at: i64) -> Vec<Dead> {
    let dead = |rejected: &Rejected| {
        let text = body.get(rejected.span.clone()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text[..text.len().min(TEXT_MAX)]).into_owned();
        Dead { received_at, line: rejected.line, code: rejected.code, text }
    };
    parsed.rejected.iter().map(dead).collect()
}
