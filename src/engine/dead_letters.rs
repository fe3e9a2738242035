//! Rejected lines, kept so that their sender can find them, mend the mapping and send them again.
//!
//! Two NDJSON files a project, `PROJECT.ndjson` and the one before it, each at most half of
//! `dead_letters.size_max`: when the newer one is full, the older one goes. A line is one rejected record, or says that
//! one is done with (`{"done": ID}`), which hides it. What is done with or too old is taken out of the files by a job.
//! Lines are written after their batch is durable and are not synced: the receipt has told the sender.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::{Inner, now_us};
use crate::config;
use crate::event::names::ProjectName;
use crate::event::parse::{Parsed, Rejected};

/// How often files are looked at for what is too old: a tenth of the retention, but not more and not less often.
const SWEEP_EVERY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(3_600));

/// One rejected line of a batch that was just judged.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Dead {
    received_at: i64,
    line: u32,
    code: &'static str,
    text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mapping: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    cut: bool,
}

/// How a batch was sent.
pub(super) struct Sent<'a> {
    pub(super) received_at: i64,
    pub(super) key: Option<&'a str>,
    pub(super) mapping: Option<&'a str>,
    pub(super) source: Option<&'a str>,
    /// Longest text that is kept whole, in bytes.
    pub(super) text_max: usize,
}

/// A rejected line that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub(crate) struct Letter {
    /// Its id: batch and line.
    #[serde(default)]
    pub(crate) id: String,
    /// Id of its batch, as in the receipt; of a batch that was refused as a whole one of its own.
    pub(crate) batch: String,
    /// When it was received, µs since 1970.
    pub(crate) received_at: i64,
    /// Line of an NDJSON body, number of the event in a JSON body; from 1.
    pub(crate) line: u32,
    /// Why it was rejected.
    pub(crate) code: String,
    /// The record as it was sent, secrets blanked.
    pub(crate) text: String,
    /// Public id of the key that sent it.
    #[serde(default)]
    pub(crate) key: Option<String>,
    /// Mapping that it was read with.
    #[serde(default)]
    pub(crate) mapping: Option<String>,
    /// `source` that events of its batch got, where they named none.
    #[serde(default)]
    pub(crate) source: Option<String>,
    /// Whether `text` is only the beginning.
    #[serde(default)]
    pub(crate) cut: bool,
}

/// That a line is done with.
#[derive(Debug, Serialize, Deserialize)]
struct Done {
    done: String,
}

/// The files of rejected lines.
#[derive(Debug)]
pub(super) struct DeadLetters {
    dir: PathBuf,
    rules: config::DeadLetters,
    /// Held while writing, so that lines of two batches do not mix and none is lost when files are replaced.
    writing: Mutex<()>,
}

impl DeadLetters {
    /// Files in `dir`, which exists.
    pub(super) fn new(dir: PathBuf, rules: &config::DeadLetters) -> Self {
        Self { dir, rules: rules.clone(), writing: Mutex::new(()) }
    }

    /// Appends the rejected lines of one batch.
    pub(super) fn write(&self, project: &ProjectName, batch: &str, dead: &[Dead]) {
        #[derive(Serialize)]
        struct Line<'a> {
            batch: &'a str,
            #[serde(flatten)]
            dead: &'a Dead,
        }
        if dead.is_empty() {
            return;
        }
        let lines = dead.iter().map(|dead| serde_json::to_vec(&Line { batch, dead }));
        if let Err(error) = self.append(project, lines) {
            tracing::error!(%error, %project, batch, lines = dead.len(), "cannot keep rejected lines");
        }
    }

    /// Hides lines that are done with.
    ///
    /// # Errors
    /// The disk refuses: they are still shown.
    pub(super) fn finish(&self, project: &ProjectName, ids: &[String]) -> io::Result<()> {
        self.append(project, ids.iter().map(|id| serde_json::to_vec(&Done { done: id.clone() })))
    }

    fn append(
        &self,
        project: &ProjectName,
        lines: impl Iterator<Item = serde_json::Result<Vec<u8>>>,
    ) -> io::Result<()> {
        let mut out = Vec::new();
        for line in lines {
            out.extend(line?);
            out.push(b'\n');
        }
        let [newer, older] = files_of(project).map(|name| self.dir.join(name));
        let _writing = self.writing.lock();
        if fs::metadata(&newer).is_ok_and(|file| file.len() + out.len() as u64 > self.rules.size_max.0 / 2) {
            fs::rename(&newer, older)?;
        }
        OpenOptions::new().create(true).append(true).open(newer)?.write_all(&out)
    }

    /// Calls `found` with each line that is not done with, the oldest first, until it breaks.
    ///
    /// # Errors
    /// A file cannot be read.
    pub(super) fn each(
        &self,
        project: &ProjectName,
        mut found: impl FnMut(Letter, &str) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let [newer, older] = files_of(project).map(|name| self.dir.join(name));
        // Both are opened at once: a file that is renamed meanwhile must not be read twice.
        let files = {
            let _writing = self.writing.lock();
            [open(&older)?, open(&newer)?]
        };
        let from_us = now_us().saturating_sub(i64::try_from(self.rules.retention.0.as_micros()).unwrap_or(i64::MAX));
        let done = done_in(&files)?;
        for file in files.iter().flatten() {
            let broke = lines(file, |line| match read(line) {
                Some(letter) if letter.received_at >= from_us && !done.contains(&letter.id) => found(letter, line),
                _ => ControlFlow::Continue(()),
            })?;
            if broke.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Takes out of the files the rejected lines, as they stand there, for which `goes` holds. Returns how many.
    ///
    /// # Errors
    /// The disk refuses; what was taken out before stays out.
    pub(super) fn erase(&self, project: &ProjectName, goes: impl Fn(&str) -> bool) -> io::Result<u64> {
        let mut erased = 0;
        let _writing = self.writing.lock();
        for path in files_of(project).map(|name| self.dir.join(name)) {
            // What a crash in the middle of a rewrite left holds lines as well.
            super::projects::gone(fs::remove_file(fresh(&path)))?;
            let Some(file) = open(&path)? else { continue };
            let mut gone = 0;
            let _ = lines(&file, |line| {
                gone += u64::from(goes(line));
                ControlFlow::Continue(())
            })?;
            if gone > 0 {
                rewrite(&path, &file, |line| !goes(line))?;
                erased += gone;
            }
        }
        Ok(erased)
    }

    /// Takes out of the files what is too old or done with. Says whether anything was.
    ///
    /// # Errors
    /// The disk refuses; the files are as they were.
    pub(super) fn sweep(&self, project: &ProjectName) -> io::Result<bool> {
        let from_us = now_us().saturating_sub(i64::try_from(self.rules.retention.0.as_micros()).unwrap_or(i64::MAX));
        let paths = files_of(project).map(|name| self.dir.join(name));
        let mut swept = false;
        let _writing = self.writing.lock();
        let files = [open(&paths[0])?, open(&paths[1])?];
        let done = done_in(&files)?;
        // The older file first: the newer one says what of it is done.
        for (path, file) in paths.iter().zip(&files).rev() {
            let Some(file) = file else { continue };
            let stays = |line: &str| {
                read(line).is_some_and(|letter| letter.received_at >= from_us && !done.contains(&letter.id))
            };
            let mut goes = false;
            let _ = lines(file, |line| {
                goes |= !stays(line);
                if goes { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            if goes {
                rewrite(path, file, stays)?;
                swept = true;
            }
        }
        Ok(swept)
    }
}

/// Replaces a file by one with the lines that stay; no file where none does.
fn rewrite(path: &Path, file: &File, stays: impl Fn(&str) -> bool) -> io::Result<()> {
    let fresh = fresh(path);
    let mut out = BufWriter::new(File::create(&fresh)?);
    let (mut any, mut failed) = (false, None);
    let _ = lines(file, |line| {
        if !stays(line) {
            return ControlFlow::Continue(());
        }
        any = true;
        match out.write_all(line.as_bytes()).and_then(|()| out.write_all(b"\n")) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                failed = Some(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(error) = failed {
        return Err(error);
    }
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()?;
    if any {
        fs::rename(fresh, path)?;
    } else {
        fs::remove_file(fresh)?;
        fs::remove_file(path)?;
    }
    // Else a line that is gone could be back after a power cut.
    File::open(path.parent().unwrap_or(path))?.sync_all()
}

/// What is about to take a file's place.
fn fresh(path: &Path) -> PathBuf {
    path.with_extension("new")
}

fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Ids of lines that are done with.
fn done_in(files: &[Option<File>]) -> io::Result<HashSet<String>> {
    let mut done = HashSet::new();
    for file in files.iter().flatten() {
        let _ = lines(file, |line| {
            if line.starts_with("{\"done\":")
                && let Ok(one) = serde_json::from_str::<Done>(line)
            {
                done.insert(one.done);
            }
            ControlFlow::Continue(())
        })?;
    }
    Ok(done)
}

/// Calls `found` with each line of a file from its beginning.
fn lines(mut file: &File, mut found: impl FnMut(&str) -> ControlFlow<()>) -> io::Result<ControlFlow<()>> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(0))?;
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    loop {
        line.clear();
        // A crash may leave half a line; the next one stands behind it, and neither is one.
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(ControlFlow::Continue(()));
        }
        let Ok(text) = str::from_utf8(&line) else { continue };
        let text = text.trim_end_matches('\n');
        if !text.is_empty() && found(text).is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
}

/// The line as what it is about; `None` for others, and for what a crash left half written.
fn read(line: &str) -> Option<Letter> {
    let mut letter: Letter = serde_json::from_str(line).ok()?;
    letter.id = format!("{}.{}", letter.batch, letter.line);
    Some(letter)
}

/// Removes the files of a project that is deleted.
///
/// # Errors
/// Whatever the system says.
pub(super) fn remove(dir: &Path, project: &ProjectName) -> io::Result<()> {
    for path in files_of(project).map(|name| dir.join(name)) {
        super::projects::gone(fs::remove_file(fresh(&path)))?;
        super::projects::gone(fs::remove_file(path))?;
    }
    Ok(())
}

/// The newer file, then the one before it.
fn files_of(project: &ProjectName) -> [String; 2] {
    [format!("{project}.ndjson"), format!("{project}.1.ndjson")]
}

/// The rejected lines of a parsed body.
pub(super) fn collect(parsed: &Parsed, body: &[u8], sent: &Sent<'_>) -> Vec<Dead> {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let dead = |rejected: &Rejected| {
        let whole = body.get(rejected.span.clone()).unwrap_or_default();
        let text = String::from_utf8_lossy(&whole[..whole.len().min(sent.text_max)]).into_owned();
        Dead {
            received_at: sent.received_at,
            line: rejected.line,
            code: rejected.code,
            text,
            key: owned(sent.key),
            mapping: owned(sent.mapping),
            source: owned(sent.source),
            cut: whole.len() > sent.text_max,
        }
    };
    parsed.rejected.iter().map(dead).collect()
}

/// Starts the job that takes out what is too old.
pub(super) fn start(engine: &Arc<Inner>) {
    let every = (engine.shared.config.dead_letters.retention.0 / 10).clamp(SWEEP_EVERY.0, SWEEP_EVERY.1);
    let swept = Arc::clone(engine);
    engine.tasks.start("dead letters", every, Arc::new(Notify::new()), move || {
        let engine = Arc::clone(&swept);
        let sweep = move || -> io::Result<()> {
            for project in engine.projects.all() {
                engine.shared.dead_letters.sweep(&project.name)?;
            }
            Ok(())
        };
        async move {
            let swept = tokio::task::spawn_blocking(sweep).await.map_err(|error| error.to_string())?;
            swept.map_err(|error| error.to_string())
        }
        .boxed()
    });
}

#[cfg(test)]
mod tests;
