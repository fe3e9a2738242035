//! A file to import: its bytes, whatever they are packed in, and the hash that names its content.
//!
//! Compression is told by the first bytes, not the name. Standard input is copied to a temporary file
//! first, because the hash must be known before the first batch goes out. Only the bytes that were
//! hashed are read: a file that grows meanwhile is imported as it was.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tempfile::NamedTempFile;
use xxhash_rust::xxh3::Xxh3;

use super::InputError;

const BUFFER: usize = 1 << 18;

/// What the bytes are packed in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

/// One file, hashed.
#[derive(Debug)]
pub(in crate::cli) struct Source {
    path: PathBuf,
    /// Keeps the copy of standard input until the import ends.
    _copy: Option<NamedTempFile>,
    packing: Packing,
    len: u64,
    hash: String,
}

/// How the file is called in messages.
pub(in crate::cli) fn display(path: &Path) -> String {
    if path == Path::new("-") { "standard input".into() } else { path.display().to_string() }
}

impl Source {
    /// Opens the file (`-` is standard input, copied into `spool_dir`) and hashes its content.
    pub(in crate::cli) fn open(path: &Path, spool_dir: &Path) -> Result<Self, InputError> {
        let copy = if path == Path::new("-") { Some(spooled(spool_dir)?) } else { None };
        let path = copy.as_ref().map_or(path, NamedTempFile::path).to_owned();
        let mut file = File::open(&path).map_err(InputError::read("open it"))?;
        let (len, hash, head) = hashed(&mut file).map_err(InputError::read("read it"))?;
        Ok(Self { path, _copy: copy, packing: Packing::of(&head), len, hash })
    }

    /// Bytes of the file as it lies there.
    pub(in crate::cli) fn len(&self) -> u64 {
        self.len
    }

    /// XXH3-128 of the file as it lies there, as 32 hexadecimal digits.
    pub(in crate::cli) fn hash(&self) -> &str {
        &self.hash
    }

    /// The file's name in lower case, without the ending of its packing.
    pub(in crate::cli) fn name(&self) -> String {
        let name = self.path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let plain = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst"));
        plain.map(str::to_owned).unwrap_or(name)
    }

    /// The unpacked bytes from the start, and a count of the packed ones read so far.
    pub(in crate::cli) fn read(&self) -> Result<(Box<dyn BufRead + Send>, Position), InputError> {
        let position = Position::default();
        let file = File::open(&self.path).map_err(InputError::read("open it"))?.take(self.len);
        let counted = BufReader::with_capacity(BUFFER, Counted { inner: file, position: position.clone() });
        let reader: Box<dyn BufRead + Send> = match self.packing {
            Packing::Plain => Box::new(counted),
            Packing::Gzip => Box::new(BufReader::with_capacity(BUFFER, flate2::bufread::MultiGzDecoder::new(counted))),
            Packing::Zstd => {
                let decoder = zstd::Decoder::with_buffer(counted).map_err(InputError::read("decompress it"))?;
                Box::new(BufReader::with_capacity(BUFFER, decoder))
            }
        };
        Ok((reader, position))
    }

    /// The unpacked bytes after a byte order mark, if there is one.
    pub(in crate::cli) fn text(&self) -> Result<(Box<dyn BufRead + Send>, Position), InputError> {
        let (mut reader, position) = self.read()?;
        let mut head = Vec::with_capacity(3);
        reader.by_ref().take(3).read_to_end(&mut head).map_err(InputError::read("read it"))?;
        if head == b"\xef\xbb\xbf" {
            head.clear();
        }
        Ok((Box::new(io::Cursor::new(head).chain(reader)), position))
    }

    /// The unpacked content as a file that can be read at any place.
    pub(in crate::cli) fn seekable(&self) -> Result<File, InputError> {
        if self.packing == Packing::Plain {
            return File::open(&self.path).map_err(InputError::read("open it"));
        }
        let mut file = tempfile::tempfile().map_err(InputError::read("unpack it"))?;
        io::copy(&mut self.read()?.0, &mut file).map_err(InputError::read("unpack it"))?;
        file.seek(SeekFrom::Start(0)).map_err(InputError::read("unpack it"))?;
        Ok(file)
    }
}

impl Packing {
    fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Standard input as a file in `dir`, which goes away with the value.
fn spooled(dir: &Path) -> Result<NamedTempFile, InputError> {
    let made = tempfile::Builder::new().prefix("stdin-").tempfile_in(dir);
    let mut copy = made.map_err(InputError::read("make a copy of standard input"))?;
    io::copy(&mut io::stdin().lock(), &mut copy).map_err(InputError::read("copy standard input"))?;
    Ok(copy)
}

fn hashed(file: &mut File) -> io::Result<(u64, String, Vec<u8>)> {
    let (mut hasher, mut buffer) = (Xxh3::new(), vec![0; BUFFER]);
    let (mut len, mut head) = (0, vec![]);
    loop {
        let count = match file.read(&mut buffer) {
            Ok(0) => return Ok((len, format!("{:032x}", hasher.digest128()), head)),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        hasher.update(&buffer[..count]);
        len += count as u64;
        head.extend_from_slice(&buffer[..count.min(4_usize.saturating_sub(head.len()))]);
    }
}

/// Packed bytes read so far.
#[derive(Debug, Clone, Default)]
pub(in crate::cli) struct Position(Arc<AtomicU64>);

impl Position {
    pub(in crate::cli) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

struct Counted<R> {
    inner: R,
    position: Position,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.position.0.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}

#[cfg(test)]
mod tests;
