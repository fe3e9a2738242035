//! The ledger of a project: what became of every event that was ever sent.
//!
//! ```text
//! judged batch ─▶ tally ─▶ frame of the log ─▶ durable ─▶ book (with the rows, in one step) ─▶ book.json
//! refused batch, removal ─▶ entry beside the log ────────▶ book
//! ```
//!
//! The tally of a batch lies in its frame of the log. The book is saved before the log forgets, and says through which
//! frame it has counted; replay adds the frames after that one, and no other. What is in no frame, because nothing of it
//! was stored, is an entry of a file beside, numbered as well. So a crash at any moment neither loses nor doubles.
//!
//! # Files
//! `ledger/PROJECT/book.json`, replaced as a whole; `ledger/PROJECT/NUMBER.log`, entries as NDJSON from that number on,
//! written at once and synced where events are removed for good, and within [`SYNC_EVERY`] otherwise. A torn last line is
//! what was never told to anybody.
//!
//! # Invariants
//! * received = accepted + duplicates + rejected, of every sum.
//! * opening + accepted = hot + stored + retained + erased, at every moment somebody looks; what is not so is told as
//!   `unaccounted`. Hot and stored are counted where they lie, not in the book.

mod book;
mod entries;
mod series;
mod tally;
mod told;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::directory::{read_json, write_json};
use super::{EngineError, Inner};
use crate::config;
use crate::error::with_causes;

use book::{Book, Last};
pub(super) use entries::check;
use entries::{Entries, Entry, What};
use series::Series;

pub(crate) use book::BatchLine;
pub use book::Removed;
pub(super) use book::{Line, Numbered, Sums};
pub(super) use tally::{Counting, Tally};
pub(crate) use told::{Apart, Asked, LedgerAnswer};
pub(super) use told::{rows, totals};

/// How often entries are synced that were written without.
const SYNC_EVERY: Duration = Duration::from_secs(1);

/// The ledger of one project.
#[derive(Debug)]
pub(super) struct Ledger {
    dir: PathBuf,
    rules: config::Ledger,
    /// Taken before `book`.
    entries: Mutex<Entries>,
    book: Mutex<Book>,
    /// Frame and entry through which the saved book has counted.
    saved: Mutex<(u64, u64)>,
}

/// The sums of a whole ledger at one moment.
#[derive(Debug, Clone)]
pub(super) struct Figures {
    /// When it was begun, µs since 1970.
    pub(super) began: i64,
    pub(super) opening: u64,
    pub(super) retained: u64,
    pub(super) erased: u64,
    pub(super) all: Sums,
    /// By source.
    pub(super) last: BTreeMap<String, Last>,
    pub(super) missing_numbers: u64,
    pub(super) hot: u64,
    pub(super) stored: u64,
    /// What should be there and is not; below zero what is there and should not.
    pub(super) unaccounted: i64,
}

/// What a ledger says at one moment.
#[derive(Debug, Clone)]
pub(super) struct Page {
    pub(super) figures: Figures,
    pub(super) lines: Vec<(Line, Sums)>,
    pub(super) series: Vec<(Numbered, SeriesPage)>,
}

/// What is known of one series of numbers.
#[derive(Debug, Clone)]
pub(super) struct SeriesPage {
    pub(super) least: i64,
    pub(super) greatest: i64,
    pub(super) missing: u64,
    pub(super) gaps: Vec<(i64, i64)>,
}

impl Ledger {
    /// Opens the ledger in `dir`. A new one begins with the `stored` events that the table has, of which the log's
    /// frames up to `flushed_through` are a part.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub(super) fn open(
        dir: PathBuf,
        rules: &config::Ledger,
        stored: u64,
        flushed_through: u64,
        now_us: i64,
    ) -> Result<Self, EngineError> {
        let failed = |source| EngineError::Directory { path: dir.clone(), source };
        std::fs::create_dir_all(&dir).map_err(failed)?;
        let path = dir.join("book.json");
        let mut book = match read_json::<Book>(&path)? {
            Some(mut book) => {
                book.recount();
                book
            }
            None => {
                let book = Book { began: now_us, opening: stored, through: flushed_through, ..Book::default() };
                // What it begins with must not be counted anew at the next start.
                write_json(&path, &book)?;
                book
            }
        };
        let saved = (book.through, book.entries);
        let (entries, missed) = Entries::open(&dir, book.entries).map_err(failed)?;
        for entry in missed {
            apply(&mut book, &entry, rules);
        }
        Ok(Self {
            dir,
            rules: rules.clone(),
            entries: Mutex::new(entries),
            book: Mutex::new(book),
            saved: Mutex::new(saved),
        })
    }

    /// How batches are counted.
    pub(super) fn rules(&self) -> &config::Ledger {
        &self.rules
    }

    /// Counts the frame `seq` in the moment in which `publish` makes its rows visible.
    pub(super) fn publish<T>(
        &self,
        (seq, batch, received_at): (u64, &str, i64),
        tally: &Tally,
        publish: impl FnOnce() -> T,
    ) -> T {
        let mut book = self.book.lock();
        let published = publish();
        if seq > book.through {
            book.through = seq;
            book.add(Some(batch.to_owned()), received_at, tally, &self.rules);
        }
        published
    }

    /// Counts a batch of which nothing is stored.
    pub(super) fn refuse(&self, received_at: i64, tally: Tally) {
        let written = self.enter(What::Refused { at: received_at, tally: tally.refused() }, false);
        if let Err(error) = written {
            tracing::error!(%error, path = %self.dir.display(), "cannot note a refused batch; it is counted until the next start");
        }
    }

    /// Notes durably that events are about to leave the table.
    ///
    /// # Errors
    /// The disk refuses: nothing may be removed.
    pub(super) fn removing(&self, kind: Removed) -> Result<(), EngineError> {
        self.enter(What::Removing { kind }, true).map_err(|source| self.failed(source))
    }

    /// Counts as removed what `swap`, which makes a smaller version of the table visible, says.
    ///
    /// # Errors
    /// The disk refuses. The events are counted all the same, and at the next start.
    pub(super) fn removed(&self, kind: Removed, swap: impl FnOnce() -> u64) -> Result<u64, EngineError> {
        let mut entries = self.entries.lock();
        let mut book = self.book.lock();
        let count = swap();
        let entry = entries.next(What::Removed { kind, count });
        apply(&mut book, &entry, &self.rules);
        drop(book);
        entries.write(&entry, true).map_err(|source| self.failed(source))?;
        Ok(count)
    }

    /// At start, after replay: what was about to be removed and is not there any more was removed.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn settle(&self, hot: u64, stored: u64) -> Result<(), EngineError> {
        let Some(kind) = self.entries.lock().open_removal() else { return Ok(()) };
        let missing = self.book.lock().expected() - i128::from(hot) - i128::from(stored);
        let count = u64::try_from(missing).unwrap_or(0);
        self.removed(kind, || count)?;
        Ok(())
    }

    /// Makes the sums durable: before the log forgets what they are of.
    ///
    /// # Errors
    /// The disk refuses.
    pub(super) fn save(&self) -> Result<(), EngineError> {
        let mut saved = self.saved.lock();
        let mut entries = self.entries.lock();
        let book = self.book.lock().clone();
        let counted = (book.through, book.entries);
        if *saved == counted {
            return Ok(());
        }
        let done = entries.rotate().map_err(|source| self.failed(source))?;
        drop(entries);
        write_json(&self.dir.join("book.json"), &book)?;
        *saved = counted;
        // Entries of these files are in the book.
        for file in done {
            super::projects::gone(std::fs::remove_file(file)).map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    /// Its sums now, without its lines: batches that become visible wait meanwhile. `counted` tells hot and stored
    /// events of one moment.
    pub(super) fn figures(&self, counted: impl FnOnce() -> (u64, u64)) -> Figures {
        Self::figures_of(&self.book.lock(), counted)
    }

    fn figures_of(book: &Book, counted: impl FnOnce() -> (u64, u64)) -> Figures {
        let (hot, stored) = counted();
        let unaccounted = book.expected() - i128::from(hot) - i128::from(stored);
        Figures {
            began: book.began,
            opening: book.opening,
            retained: book.retained,
            erased: book.erased,
            all: book.all.clone(),
            last: book.last.clone(),
            missing_numbers: book.series.values().map(Series::missing).sum(),
            hot,
            stored,
            unaccounted: i64::try_from(unaccounted).unwrap_or(i64::MAX),
        }
    }

    /// All that it says now; `counted` tells hot and stored events of one moment.
    pub(super) fn page(&self, counted: impl FnOnce() -> (u64, u64)) -> Page {
        let book = self.book.lock();
        let figures = Self::figures_of(&book, counted);
        let series = book.series.iter().filter_map(|(numbered, series)| {
            let (least, greatest) = series.span?;
            let page = SeriesPage { least, greatest, missing: series.missing(), gaps: series.gaps.clone() };
            Some((numbered.clone(), page))
        });
        let lines = book.lines.iter().map(|(line, sums)| (line.clone(), sums.clone())).collect();
        Page { figures, lines, series: series.collect() }
    }

    /// Makes entries durable that were written without: counts of refused batches outlive a kill at once, and the
    /// power after the next call.
    ///
    /// # Errors
    /// The disk refuses; it is tried again with the next entry.
    pub(super) fn sync(&self) -> Result<(), EngineError> {
        // Refusals do not wait for the disk.
        let unsynced = self.entries.lock().unsynced().map_err(|source| self.failed(source))?;
        unsynced.map_or(Ok(()), |file| file.sync_data()).map_err(|source| self.failed(source))
    }

    /// The last batches, the newest first.
    pub(super) fn batches(&self) -> Vec<BatchLine> {
        self.book.lock().batches.iter().rev().cloned().collect()
    }

    fn enter(&self, what: What, sync: bool) -> std::io::Result<()> {
        let mut entries = self.entries.lock();
        let entry = entries.next(what);
        let written = entries.write(&entry, sync);
        apply(&mut self.book.lock(), &entry, &self.rules);
        written
    }

    fn failed(&self, source: std::io::Error) -> EngineError {
        EngineError::Directory { path: self.dir.clone(), source }
    }
}

/// Starts the job that syncs what is noted without.
pub(super) fn start(engine: &Arc<Inner>) {
    let ledgers = Arc::clone(engine);
    engine.tasks.start("ledger", SYNC_EVERY, Arc::new(Notify::new()), move || {
        let engine = Arc::clone(&ledgers);
        async move {
            let synced = tokio::task::spawn_blocking(move || engine.sync_ledgers()).await;
            synced.map_err(|error| error.to_string())?.map_err(|error| with_causes(&error))
        }
        .boxed()
    });
}

impl Inner {
    /// Syncs the ledgers of all projects; the first failure, after all of them.
    pub(super) fn sync_ledgers(&self) -> Result<(), EngineError> {
        let synced: Vec<_> = self.projects.all().iter().map(|project| project.ledger.sync()).collect();
        synced.into_iter().collect()
    }
}

/// Adds an entry to the book.
fn apply(book: &mut Book, entry: &Entry, rules: &config::Ledger) {
    book.entries = entry.number;
    match &entry.what {
        What::Refused { at, tally } => book.add(None, *at, tally, rules),
        What::Removed { kind, count } => book.remove(*kind, *count),
        What::Removing { .. } => {}
    }
}

/// Removes the ledger of a project that is deleted.
///
/// # Errors
/// Whatever the system says.
pub(super) fn remove(dir: &Path) -> std::io::Result<()> {
    super::projects::gone(std::fs::remove_dir_all(dir))
}

#[cfg(test)]
mod tests;
