//! Entries beside the log: what is counted though no frame of the log says so.
//!
//! Numbered from 1. A file is named by the number of its first entry; a new one is begun when the book is saved, and
//! those before go once that is durable.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::book::Removed;
use super::tally::Tally;

const EXTENSION: &str = "log";

/// One entry.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    #[serde(rename = "n")]
    pub(super) number: u64,
    #[serde(flatten)]
    pub(super) what: What,
}

/// What it is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub(super) enum What {
    /// A batch of which nothing is stored.
    Refused {
        /// When it was received, µs since 1970.
        at: i64,
        tally: Tally,
    },
    /// Events are about to leave the table.
    Removing { kind: Removed },
    /// They have left it.
    Removed { kind: Removed, count: u64 },
}

/// A file that is written to.
#[derive(Debug)]
struct Open {
    path: PathBuf,
    file: File,
    /// Bytes of whole entries.
    size: u64,
    /// Whether all of them are synced.
    synced: bool,
}

/// The file that entries are appended to.
#[derive(Debug)]
pub(super) struct Entries {
    dir: PathBuf,
    /// Made with its first entry.
    file: Option<Open>,
    /// Files whose entries wait for the book to be saved.
    earlier: Vec<PathBuf>,
    last: u64,
    /// A removal that was begun and is not counted yet.
    removal: Option<Removed>,
}

impl Entries {
    /// Opens the files of `dir`; gives the entries after number `counted`.
    pub(super) fn open(dir: &Path, counted: u64) -> io::Result<(Self, Vec<Entry>)> {
        let mut files: Vec<(u64, PathBuf)> = Vec::new();
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                let number = path.file_stem().and_then(|stem| stem.to_str()?.parse().ok());
                files.push((number.ok_or_else(|| unknown(&path))?, path));
            }
        }
        files.sort_unstable();
        let mut entries =
            Self { dir: dir.to_path_buf(), file: None, earlier: Vec::new(), last: counted, removal: None };
        let (mut missed, last) = (Vec::new(), files.len().saturating_sub(1));
        for (at, (_, path)) in files.into_iter().enumerate() {
            for entry in read(&path, at == last)? {
                entries.note(&entry.what);
                entries.last = entries.last.max(entry.number);
                if entry.number > counted {
                    missed.push(entry);
                }
            }
            entries.earlier.push(path);
        }
        Ok((entries, missed))
    }

    /// The next entry; it must be written before another is made.
    pub(super) fn next(&mut self, what: What) -> Entry {
        self.last += 1;
        self.note(&what);
        Entry { number: self.last, what }
    }

    fn note(&mut self, what: &What) {
        match what {
            What::Removing { kind } => self.removal = Some(*kind),
            What::Removed { .. } => self.removal = None,
            What::Refused { .. } => {}
        }
    }

    /// A removal that was begun and is not counted yet.
    pub(super) fn open_removal(&self) -> Option<Removed> {
        self.removal
    }

    /// Appends an entry; with `sync` it survives the power as well.
    pub(super) fn write(&mut self, entry: &Entry, sync: bool) -> io::Result<()> {
        let mut line = serde_json::to_vec(entry)?;
        line.push(b'\n');
        let open = match &mut self.file {
            Some(open) => open,
            none => none.insert(Open::new(&self.dir, entry.number)?),
        };
        if let Err(error) = open.file.write_all(&line) {
            // Half a line must not stand before the next one.
            open.file.set_len(open.size)?;
            return Err(error);
        }
        open.size += line.len() as u64;
        open.synced = false;
        if sync {
            open.file.sync_data()?;
            open.synced = true;
        }
        Ok(())
    }

    /// The file, where it has entries that are not synced: whoever asks syncs it, and entries go on meanwhile.
    pub(super) fn unsynced(&mut self) -> io::Result<Option<File>> {
        match &mut self.file {
            Some(open) if !open.synced => {
                let file = open.file.try_clone()?;
                open.synced = true;
                Ok(Some(file))
            }
            _ => Ok(None),
        }
    }

    /// Begins a new file with the next entry; gives the files before, unless a removal in them is open.
    pub(super) fn rotate(&mut self) -> io::Result<Vec<PathBuf>> {
        self.earlier.extend(self.file.take().map(|open| open.path));
        if self.removal.is_some() {
            return Ok(Vec::new());
        }
        Ok(std::mem::take(&mut self.earlier))
    }
}

impl Open {
    /// Its name is durable whatever its first entry is: a later one may have to survive the power.
    fn new(dir: &Path, number: u64) -> io::Result<Self> {
        let path = dir.join(format!("{number:020}.{EXTENSION}"));
        let file = OpenOptions::new().create(true).append(true).open(&path)?;
        File::open(dir)?.sync_all()?;
        Ok(Self { path, size: file.metadata()?.len(), synced: true, file })
    }
}

/// Entries of a file. The end of the last file may be torn: it is cut off.
fn read(path: &Path, last: bool) -> io::Result<Vec<Entry>> {
    let (entries, torn_at) = parse(path, &fs::read(path)?, last)?;
    if let Some(whole) = torn_at {
        OpenOptions::new().write(true).open(path)?.set_len(whole)?;
    }
    Ok(entries)
}

/// Entries in the text of a file, and where the last one is torn, which is allowed at the end of the last file.
fn parse(path: &Path, text: &[u8], last: bool) -> io::Result<(Vec<Entry>, Option<u64>)> {
    let (mut entries, mut whole) = (Vec::new(), 0);
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        match serde_json::from_slice(line) {
            Ok(entry) if line.ends_with(b"\n") => entries.push(entry),
            _ if last && !line.ends_with(b"\n") => return Ok((entries, Some(whole))),
            read => {
                let reason = read.err().map_or_else(|| "it is cut off".to_owned(), |error| error.to_string());
                let message = format!("`{}` cannot be read at byte {whole}: {reason}", path.display());
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
        }
        whole += line.len() as u64;
    }
    Ok((entries, None))
}

/// Looks at the entries of a ledger and changes nothing: how many files there are, and what is wrong with them.
///
/// # Errors
/// A file that cannot be read.
pub(in crate::engine) fn check(dir: &Path) -> io::Result<(u64, Vec<(PathBuf, String)>)> {
    let mut files: Vec<PathBuf> = fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == EXTENSION));
    files.sort_unstable();
    let (mut wrong, mut before) = (Vec::new(), 0);
    for (at, path) in files.iter().enumerate() {
        let text = match fs::read(path) {
            // A server has saved the book meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            read => read?,
        };
        match parse(path, &text, at + 1 == files.len()) {
            Ok((entries, _)) => {
                for entry in &entries {
                    // One that could not be written has a number, too.
                    if entry.number <= before {
                        wrong.push((path.clone(), format!("has entry {} behind entry {before}", entry.number)));
                    }
                    before = entry.number;
                }
            }
            Err(error) => wrong.push((path.clone(), error.to_string())),
        }
    }
    Ok((files.len() as u64, wrong))
}

fn unknown(path: &Path) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("`{}` is no file of the ledger", path.display()))
}
