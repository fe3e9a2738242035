//! The log at start: every frame becomes what it was when it was acknowledged.
//!
//! | frame                      | rows            | ids, answer |
//! |----------------------------|-----------------|-------------|
//! | its rows are in the table  | left out        | noted again |
//! | its rows are not there yet | hot again       | noted again |
//! | its project was deleted    | left out        | left out    |
//! | its project's table is gone| start refused   |             |
//!
//! The ledger counts frames that it has not counted yet, whatever becomes of their rows.
//! Ids and answers are noted for every frame, because their files are made durable only before the
//! log forgets; noting one twice changes nothing.

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::directory::Directory;
use super::frame::Meta;
use super::interpretations::Interpretations;
use super::ledger::Tally;
use super::project::Project;
use super::projects::Projects;
use super::publish::{Publisher, Ticket, batch_id, last_seq, number};
use super::{EngineError, FileIds, Receipt, Shared};
use crate::event::parse::{Context, Limits, Parsed, parse};
use crate::wal::{Replayed, Wal};

/// Opens the log and rebuilds what it holds.
pub(super) fn open_log(
    directory: &Directory,
    shared: &Arc<Shared>,
    projects: &Projects,
    interpretations: &Interpretations,
) -> Result<(Wal<Box<Ticket>>, Recovered), EngineError> {
    let recovered = Recovered::default();
    let mut recovery = Recovery { shared, projects, interpretations, used: HashSet::new(), recovered };
    let sink = Box::new(Publisher::new(Arc::clone(shared)));
    let mut replay =
        |frame: Replayed| -> Result<(), Box<dyn Error + Send + Sync>> { recovery.frame(frame).map_err(Into::into) };
    let wal = Wal::open(&directory.part("wal"), &shared.config.wal, &mut replay, sink)?;
    wal.keep_free(shared.config.audit.log_reserve(&shared.config.wal));
    let recovered = Recovered { cut: wal.stats().cut_at_start, ..recovery.recovered };
    if recovered.frames > 0 {
        tracing::info!(frames = recovered.frames, events = recovered.rows, "replayed the write-ahead log");
    }
    let path = directory.part("interpretations");
    interpretations.keep_only(&recovery.used).map_err(|source| EngineError::Directory { path, source })?;
    refuse_older(shared, projects, &recovered, wal.next_seq())?;
    for (name, deletion) in shared.deleted.all() {
        // A later project of the name must number above what is left out.
        let last = deletion.before_seq.saturating_sub(1);
        wal.advance_past(last);
        wal.forget(&name, last);
    }
    for project in projects.all() {
        let (hot, stored) = project.counted();
        project.ledger.settle(hot, stored)?;
        project.ledger.save()?;
        // A new data directory beside old tables must number above all that they hold.
        if let Some(highest) = project.table.highest_txn() {
            wal.advance_past(u64::try_from(highest).unwrap_or(0));
        }
        if let Some(flushed) = project.table.flushed_through() {
            wal.forget(&project.name, u64::try_from(flushed).unwrap_or(0));
        }
    }
    Ok((wal, recovered))
}

/// Refuses a log that ends before what it has given to the tables: it is a copy of before, or lost its end.
fn refuse_older(shared: &Shared, projects: &Projects, held: &Recovered, next: u64) -> Result<(), EngineError> {
    if held.frames == 0 || shared.config.server.accept_older_log {
        return Ok(());
    }
    for project in projects.all() {
        let stored = project.table.flushed_through().and_then(|seq| u64::try_from(seq).ok()).unwrap_or(0);
        if stored >= next {
            return Err(EngineError::OlderLog { project: project.name.clone(), stored, next });
        }
    }
    Ok(())
}

/// What the log held.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Recovered {
    /// Batches that were read back.
    pub(super) frames: u64,
    /// Events of them that no table held.
    pub(super) rows: u64,
    /// Whether a torn write was cut off its end.
    pub(super) cut: bool,
}

struct Recovery<'a> {
    shared: &'a Shared,
    projects: &'a Projects,
    interpretations: &'a Interpretations,
    used: HashSet<u64>,
    recovered: Recovered,
}

impl Recovery<'_> {
    fn frame(&mut self, Replayed { seq, frame }: Replayed) -> Result<(), EngineError> {
        if self.shared.deleted.cover(&frame.project, seq) {
            return Ok(());
        }
        let unreadable = |reason: String| EngineError::Frame { seq, reason };
        let project = self
            .projects
            .get(&frame.project)
            .ok_or_else(|| unreadable(format!("its project `{}` has no table", frame.project)))?;
        let meta = Meta::decode(frame.meta.clone()).map_err(|error| unreadable(error.to_string()))?;
        let interpretation = self.interpretations.load(meta.interpretation)?;
        self.used.insert(meta.interpretation);
        self.shared.newest_us.fetch_max(meta.received_at, Ordering::Relaxed);
        self.recovered.frames += 1;
        let batch = batch_id(self.shared.writer, seq);
        if let Some(keyed) = &meta.keyed {
            let receipt: Receipt =
                serde_json::from_slice(&keyed.receipt).map_err(|error| unreadable(error.to_string()))?;
            let receipt = Receipt { batch: batch.clone(), ..receipt };
            self.shared.keep_receipt(&project.name, keyed.key, keyed.content, &receipt);
        }
        let tally = meta.tally.unwrap_or_else(|| Tally::untold(frame.rows));
        let counted = Counted { seq, batch: &batch, received_at: meta.received_at, tally: &tally };
        if frame.rows == 0 {
            counted.publish(&project, || project.publish(Default::default(), last_seq(seq, 0)));
            return Ok(());
        }
        let around = Context {
            project: project.name.as_str(),
            received_at: meta.received_at,
            mint: meta.file_ids.map(FileIds::seed),
        };
        // Limits were checked when the batch was taken in; they may be lower now, and what was above
        // them then is refused by its verdict.
        let limits = Limits { line_max: usize::MAX, events_max: u32::MAX };
        let parsed = parse(&frame.body, meta.format, &interpretation, &around, &limits, Some(&meta.verdicts))
            .map_err(|error| unreadable(error.to_string()))?;
        if parsed.rows.len() != frame.rows as usize {
            return Err(unreadable(format!("{} rows were acknowledged, {} come back", frame.rows, parsed.rows.len())));
        }
        self.publish(&project, &counted, parsed)
    }

    fn publish(
        &mut self,
        project: &Arc<Project>,
        counted: &Counted<'_>,
        mut parsed: Parsed,
    ) -> Result<(), EngineError> {
        let seq = counted.seq;
        let last = last_seq(seq, parsed.rows.len() as u64);
        {
            let mut intake = project.intake.lock();
            intake.remember(&parsed.sent)?;
            for module in parsed.modules.iter().flatten() {
                intake.admits(module, usize::MAX);
            }
        }
        if project.table.flushed_through().is_some_and(|flushed| last <= flushed) {
            counted.publish(project, || ());
            return Ok(());
        }
        number(&mut parsed, self.shared.writer, seq);
        self.recovered.rows += parsed.rows.len() as u64;
        let (added, _) = counted.publish(project, || project.publish(parsed.rows, last));
        self.shared.hot_bytes.fetch_add(added, Ordering::Relaxed);
        Ok(())
    }
}

/// What the ledger is told of a frame.
struct Counted<'a> {
    seq: u64,
    batch: &'a str,
    received_at: i64,
    tally: &'a Tally,
}

impl Counted<'_> {
    fn publish<T>(&self, project: &Project, publish: impl FnOnce() -> T) -> T {
        project.ledger.publish((self.seq, self.batch, self.received_at), self.tally, publish)
    }
}
