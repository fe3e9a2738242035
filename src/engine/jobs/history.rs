//! The file of jobs: a JSON line for each beginning and each end, the last line of an id holds.
//!
//! Lines that no longer matter go when the file is written anew, at the start and when it has grown long. A line
//! that is torn (the machine lost power) or damaged is passed over: the others still hold.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use super::record::{JobInfo, Outcome, State};
use crate::engine::directory::replace;

/// Lines beyond those that are kept before the file is written anew.
const SPARE: usize = 1_000;
/// Why a job failed that ran when the process ended.
const CUT_OFF: &str = "the server ended while it ran";

#[derive(Debug)]
pub(super) struct History {
    path: PathBuf,
    file: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: Option<File>,
    lines: usize,
}

impl History {
    /// Reads the file, if there is one; the jobs in it by their beginning, all of them ended.
    pub(super) fn open(path: &Path, now_us: i64) -> io::Result<(Self, Vec<JobInfo>)> {
        let text = match fs::read(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error),
        };
        let mut found: BTreeMap<String, JobInfo> = BTreeMap::new();
        for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
            match serde_json::from_slice::<JobInfo>(line) {
                Ok(info) => drop(found.insert(info.id.clone(), info)),
                Err(error) => tracing::warn!(path = %path.display(), %error, "a line of the jobs' history is damaged"),
            }
        }
        let mut found: Vec<JobInfo> = found.into_values().collect();
        for info in found.iter_mut().filter(|info| info.state == State::InProgress) {
            info.end(Outcome::Failed(CUT_OFF.to_owned()), now_us);
        }
        found.sort_by_key(|info| info.started_us);
        Ok((Self { path: path.to_path_buf(), file: Mutex::new(Open { file: None, lines: 0 }) }, found))
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether outdated lines are worth being dropped, where `kept` jobs are kept.
    pub(super) fn is_long(&self, kept: usize) -> bool {
        self.file.lock().lines > 2 * kept + SPARE
    }

    /// Adds a line, on disk where `durable`.
    pub(super) fn add(&self, info: &JobInfo, durable: bool) -> io::Result<()> {
        let mut line = serde_json::to_vec(info)?;
        line.push(b'\n');
        let mut open = self.file.lock();
        if open.file.is_none() {
            open.file = Some(OpenOptions::new().append(true).create(true).open(&self.path)?);
        }
        let Some(file) = &mut open.file else { return Ok(()) };
        file.write_all(&line)?;
        if durable {
            file.sync_data()?;
        }
        open.lines += 1;
        Ok(())
    }

    /// Writes the file anew with these jobs.
    pub(super) fn replace(&self, all: &[JobInfo]) -> io::Result<()> {
        let mut text = Vec::new();
        for info in all {
            serde_json::to_writer(&mut text, info)?;
            text.push(b'\n');
        }
        let mut open = self.file.lock();
        replace(&self.path, &text)?;
        *open = Open { file: None, lines: all.len() };
        Ok(())
    }
}
