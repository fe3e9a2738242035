//! A file as one side of a comparison: its records become rows by the very parser that ingest uses.

use std::path::Path;
use std::sync::Arc;

use clap::ValueEnum;

use super::convert;
use super::progress::Ticker;
use super::rows::Compared;
use super::server::Scope;
use super::tally::Pass;
use crate::cli::CliError;
use crate::cli::import::InputError;
use crate::cli::import::batch::{Batch, Batcher};
use crate::cli::import::format::{self, Format, Options};
use crate::cli::import::input::{Records, Taken};
use crate::cli::import::source::Source;
use crate::event::interpretation::Interpretation;
use crate::event::parse::{BodyFormat, Context, Limits, MintSeed, parse};

/// Bytes of records that are read at once.
const BATCH: usize = 1 << 20;
/// Stands for the time of receipt, which nobody knows: no event can have it.
const NO_TIME: i64 = -1;
/// Most records of each kind that are named.
const NAMED_MAX: usize = 100;

/// `--form`: what the records of a file are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Form {
    /// By their fields.
    Auto,
    /// Events as they are sent.
    Events,
    /// Rows that Kronika exported.
    Export,
}

/// What of a file cannot be compared.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    /// Records that are no events, with the number of each and why: the first of them.
    pub(super) unreadable: Vec<(u64, String)>,
    pub(super) unreadable_count: u64,
    /// Events without a time: those got that of their receipt.
    pub(super) timeless: u64,
}

impl Troubles {
    fn unreadable(&mut self, record: u64, why: impl Into<String>) {
        self.unreadable_count += 1;
        if self.unreadable.len() < NAMED_MAX {
            self.unreadable.push((record, why.into()));
        }
    }
}

/// A file, ready to be read any number of times.
#[derive(Debug, Clone)]
pub(super) struct FileSide {
    pub(super) name: String,
    pub(super) source: Arc<Source>,
    pub(super) format: Format,
    pub(super) options: Options,
    /// [`Form::Events`] or [`Form::Export`].
    pub(super) form: Form,
    pub(super) interpretation: Arc<Interpretation>,
    /// `tenant_id` of events without one.
    pub(super) tenant: String,
    pub(super) compared: Compared,
}

/// Opens a file and tells the form of its records, with the names of the first.
pub(super) fn open(
    path: &Path,
    given: format::Given,
    options: &Options,
) -> Result<(Source, Format, Vec<String>), InputError> {
    let source = Source::open(path, &std::env::temp_dir())?;
    let format = given.of(&source)?;
    let mut records = format::open(&source, format, options, 1)?;
    let names = first_names(&mut *records)?;
    Ok((source, format, names))
}

fn first_names(records: &mut dyn Records) -> Result<Vec<String>, InputError> {
    let mut record = Vec::new();
    while let Some(taken) = records.next(&mut record)? {
        if taken == Taken::Record && !record.is_empty() {
            // A first record that is no object is told as unreadable later.
            return Ok(convert::names(&record).unwrap_or_default());
        }
        record.clear();
    }
    Ok(Vec::new())
}

impl FileSide {
    /// Hands all events of `scope` to `pass`.
    ///
    /// # Errors
    /// The file cannot be read to its end.
    pub(super) async fn read<P: Pass>(
        &self,
        scope: &Scope,
        pass: P,
        ticker: &Ticker,
    ) -> Result<(P, Troubles), CliError> {
        let (side, scope, ticker) = (self.clone(), scope.clone(), ticker.clone());
        tokio::task::spawn_blocking(move || side.walk(&scope, pass, ticker)).await?
    }

    fn walk<P: Pass>(&self, scope: &Scope, mut pass: P, mut ticker: Ticker) -> Result<(P, Troubles), CliError> {
        let failed = |source| CliError::Input { file: self.name.clone(), source };
        let records = format::open(&self.source, self.format, &self.options, 1).map_err(failed)?;
        let mut batches = Batcher::new(records, 1, BATCH);
        let mut troubles = Troubles::default();
        while let Some(batch) = batches.next().map_err(failed)? {
            ticker.add((batch.last - batch.first + 1) as usize, "file");
            for (record, fault) in &batch.faults {
                troubles.unreadable(*record, fault.message.clone());
            }
            self.batch(batch, scope, &mut pass, &mut troubles)?;
        }
        Ok((pass, troubles))
    }

    fn batch<P: Pass>(
        &self,
        batch: Batch,
        scope: &Scope,
        pass: &mut P,
        troubles: &mut Troubles,
    ) -> Result<(), CliError> {
        let first = batch.first;
        let mut body = match self.form {
            Form::Export => self.as_sent(&batch, troubles),
            Form::Auto | Form::Events => batch.body,
        };
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let redacted = self.interpretation.redactor().redact(&mut body, BodyFormat::Ndjson);
        let line_max = self.options.record_max.saturating_mul(2).saturating_add(redacted.growth);
        let limits = Limits { line_max, events_max: u32::MAX };
        let context = Context { project: &self.tenant, received_at: NO_TIME, mint: None };
        let mut parsed = parse(&body, BodyFormat::Ndjson, &self.interpretation, &context, &limits, None)
            .map_err(CliError::engine)?;
        parsed.mint(&MintSeed::File { hash: self.hash(), first_line: first - 1 });
        for rejected in &parsed.rejected {
            troubles.unreadable(first + u64::from(rejected.line) - 1, rejected.code);
        }
        let mut rows = parsed.rows;
        rows.number(0);
        let mut result = Ok(());
        self.compared.each(&rows.finish(), &mut |row| {
            if row.day < 0 {
                troubles.timeless += 1;
            } else if scope.has(&row) && result.is_ok() {
                result = pass.take(row);
            }
        })?;
        result
    }

    /// The records of an export as they would be sent, a line each.
    fn as_sent(&self, batch: &Batch, troubles: &mut Troubles) -> Vec<u8> {
        let all_text = self.format == Format::Csv;
        let mut body = Vec::with_capacity(batch.body.len());
        for (record, line) in (batch.first..).zip(batch.body.split(|byte| *byte == b'\n')) {
            if !line.is_empty() {
                match convert::as_sent(line, all_text) {
                    Ok(sent) => body.extend_from_slice(&sent),
                    Err(error) => troubles.unreadable(record, error.to_string()),
                }
            }
            body.push(b'\n');
        }
        body
    }

    /// The file's hash, of which `kronika import` makes the ids of events without one.
    fn hash(&self) -> u128 {
        u128::from_str_radix(self.source.hash(), 16).unwrap_or_default()
    }
}
