//! One file from the server to the disk. What came so far lies in `FILE.part`; the next try asks for the rest.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use futures::StreamExt;
use indicatif::ProgressBar;
use reqwest::StatusCode;
use sha2::{Digest, Sha256};

use super::Made;
use crate::access::hex;
use crate::cli::client::{Call, Client};
use crate::cli::{CliError, output};

/// Bodies that may break off in a row without anything new.
const TRIES: u32 = 10;
const BLOCK: usize = 1 << 20;

/// Fetches the file that `made` describes into `into`, which appears only whole and with the right hash.
pub(super) async fn fetch(client: &Client, path: &str, made: &Made, into: &Path, quiet: bool) -> Result<(), CliError> {
    let mut part = Part::open(into)?;
    let bar = output::bar("{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} ETA {eta}", made.size, quiet);
    let mut tries = 0;
    while part.size < made.size {
        let before = part.size;
        let error = match more(client, path, made, &mut part, &bar).await {
            Ok(()) => continue,
            Err(error @ CliError::Incomplete(_)) => error,
            Err(error) => return Err(error),
        };
        tries = if part.size > before { 0 } else { tries + 1 };
        if tries == TRIES {
            return Err(error);
        }
    }
    bar.finish_and_clear();
    part.finish(made, into)
}

/// Asks for what is missing and takes what comes of it.
async fn more(client: &Client, path: &str, made: &Made, part: &mut Part, bar: &ProgressBar) -> Result<(), CliError> {
    let mut call = Call::get(path);
    if part.size > 0 {
        call =
            call.header("range", &format!("bytes={}-", part.size)).header("if-range", &format!("\"{}\"", made.sha256));
    }
    let response = client.send(&call).await?;
    if response.status() != StatusCode::PARTIAL_CONTENT {
        part.begin_again()?;
    }
    let mut bytes = response.bytes_stream();
    while let Some(chunk) = bytes.next().await {
        part.take(&chunk.map_err(|error| CliError::Incomplete(error.without_url().into()))?)?;
        bar.set_position(part.size);
    }
    Ok(())
}

/// A file that is not whole yet.
struct Part {
    path: PathBuf,
    file: File,
    size: u64,
}

impl Part {
    fn open(into: &Path) -> Result<Self, CliError> {
        let mut name = into.as_os_str().to_owned();
        name.push(".part");
        let path = PathBuf::from(name);
        let file = OpenOptions::new().create(true).read(true).append(true).open(&path);
        let file = file.map_err(CliError::file("write", &path))?;
        let size = file.metadata().map_err(CliError::file("read", &path))?.len();
        Ok(Self { path, file, size })
    }

    fn begin_again(&mut self) -> Result<(), CliError> {
        self.size = 0;
        self.file.set_len(0).map_err(CliError::file("write", &self.path))
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), CliError> {
        self.size += bytes.len() as u64;
        self.file.write_all(bytes).map_err(CliError::file("write", &self.path))
    }

    /// Gives the file its name if it is the one that was exported.
    fn finish(mut self, made: &Made, into: &Path) -> Result<(), CliError> {
        let mut digest = Sha256::new();
        let mut block = vec![0; BLOCK];
        self.file.seek(SeekFrom::Start(0)).map_err(CliError::file("read", &self.path))?;
        loop {
            match self.file.read(&mut block).map_err(CliError::file("read", &self.path))? {
                0 => break,
                read => digest.update(&block[..read]),
            }
        }
        let found = hex(&<[u8; 32]>::from(digest.finalize()));
        if self.size != made.size || found != made.sha256 {
            std::fs::remove_file(&self.path).map_err(CliError::file("remove", &self.path))?;
            let what = format!("the file has the SHA-256 {found}, not {}", made.sha256);
            return Err(CliError::Incomplete(what.into()));
        }
        std::fs::rename(&self.path, into).map_err(CliError::file("write", into))
    }
}
