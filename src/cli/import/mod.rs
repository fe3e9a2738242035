//! `kronika import`: files into a server, each record once however often the command is run.
//!
//! A thread reads, splits and packs (`source` → `format` → `lines`, `json`, `csv`, `parquet` → `batch`);
//! `send` keeps several batches under way and takes the answers in order; `state` remembers on disk how
//! far the server has acknowledged; `report` tells the server, where it is a job that can be canceled.
//!
//! # Invariants
//! * A record's number in its file never depends on batch size, tries or earlier runs: with the hash of the
//!   file's content it makes the id that the server mints for an event without one.
//! * The same numbers of the same content go out under the same idempotency key.
//! * The state on disk never claims more than the server acknowledged.

pub(super) mod batch;
mod csv;
pub(super) mod format;
pub(super) mod input;
mod json;
mod lines;
mod parquet;
mod progress;
mod receipt;
mod report;
mod send;
pub(super) mod source;
mod state;

use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

pub use input::InputError;

use super::client::{Client, Policy, ServerArgs};
use super::{CliError, output};
use crate::config::ByteCount;
use batch::Batcher;
use format::{Format, Given};
use progress::Progress;
use receipt::Totals;
use report::Report;
use source::Source;
use state::{Identity, State, StateFile};

/// Import events from files: NDJSON, JSON, CSV or Parquet, also gzip or zstd compressed.
///
/// Runs that were stopped go on where the server acknowledged last, and a file that is done is not sent
/// again. What is sent twice all the same is recognised by the server and stored once.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Files to import, in this order; `-` reads standard input to its end first.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Mapping that turns the records into events.
    #[arg(long, value_name = "NAME")]
    mapping: Option<String>,
    /// Format of the files; `auto` goes by name and content.
    #[arg(long, value_enum, default_value_t = Given::Auto)]
    format: Given,
    /// Size of one request before compression, at most 32MiB.
    #[arg(long, value_name = "SIZE", default_value = "1MiB", value_parser = batch_size)]
    batch_size: ByteCount,
    /// Requests under way at the same time.
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u8).range(1..=64))]
    in_flight: u8,
    /// Longest record; the server's setting is `ingest.line_max`.
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    line_max: ByteCount,
    /// CSV: the character between two cells; by default the one the header shows.
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// CSV: leave empty cells out instead of sending empty text.
    #[arg(long)]
    skip_empty: bool,
    /// Send files from the start, also those that are done; what the server knows comes back as duplicates.
    #[arg(long)]
    again: bool,
    /// Show no progress.
    #[arg(long, short)]
    quiet: bool,
    /// Where to remember how far each file is; default `$XDG_STATE_HOME/kronika/import`.
    #[arg(long, value_name = "DIR", env = "KRONIKA_STATE_DIR", hide_env_values = true)]
    state_dir: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

fn batch_size(text: &str) -> Result<ByteCount, String> {
    let size: ByteCount = text.parse()?;
    if (1024..=32 << 20).contains(&size.0) { Ok(size) } else { Err("must be between 1KiB and 32MiB".into()) }
}

pub(super) fn delimiter(text: &str) -> Result<u8, String> {
    match text.as_bytes() {
        b"\\t" => Ok(b'\t'),
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(*byte),
        _ => Err("must be one ASCII character, or \\t".into()),
    }
}

impl Args {
    /// Imports the files one after the other.
    ///
    /// # Errors
    /// The first failure that ends a file early; [`CliError::Rejected`] when all went through but for some records.
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let client = Client::new(&self.server, Policy::PATIENT)?;
        let state_dir = state::directory(self.state_dir.as_deref())?;
        let stop = Stop::on_ctrl_c();
        let mut rejected = 0;
        for path in &self.files {
            let file = async { self.one(path.clone(), &client, &state_dir, &stop.gently).await };
            let totals = tokio::select! {
                totals = file => totals?,
                () = stop.at_once() => return Err(CliError::Interrupted),
            };
            rejected += totals.rejected;
        }
        if rejected > 0 { Err(CliError::Rejected { count: rejected }) } else { Ok(()) }
    }

    async fn one(
        &self,
        path: PathBuf,
        client: &Client,
        state_dir: &std::path::Path,
        stop: &CancellationToken,
    ) -> Result<Totals, CliError> {
        let name = source::display(&path);
        let failed = |source| CliError::Input { file: name.clone(), source };
        let (spool, given) = (state_dir.to_owned(), self.format);
        let opened = tokio::task::spawn_blocking(move || {
            let source = Source::open(&path, &spool)?;
            let format = given.of(&source)?;
            Ok((source, format))
        });
        let (source, format) = opened.await?.map_err(failed)?;
        if stop.is_cancelled() {
            return Err(CliError::Interrupted);
        }
        let identity = self.identity(client, &source, format)?;
        let (mut file, known) = StateFile::open(state_dir, identity.clone())?;
        let start = match known {
            Some(state) if state.done && !self.again => {
                output::say(&format!(
                    "{name}: already imported, nothing sent ({}); --again sends it once more",
                    state.totals
                ))?;
                return Ok(state.totals);
            }
            Some(state) if !state.done && !self.again => state,
            _ => State::default(),
        };
        if start.next > 1 {
            output::note(&format!("{name}: going on at {} {}", format.unit(), start.next));
        }
        let len = source.len();
        let mut progress = Progress::start(&name, len, start.totals.events(), self.quiet);
        let in_flight = usize::from(self.in_flight);
        let job = send::Job { name: &name, client, identity, in_flight };
        let size = self.batch_size.as_usize();
        let options = self.options();
        let next = start.next;
        let make = move || Ok(Batcher::new(format::open(&source, format, &options, next)?, next, size));
        let mut report = Report::begin(client, &name, len).await;
        let mut told = send::Told { progress: &mut progress, report: &mut report, position: 0, totals: start.totals };
        let end = job.run(make, start, &mut file, &mut told, stop).await;
        let (position, totals) = (told.position, told.totals);
        progress.finish();
        report.end(position, totals, end.as_ref().err(), end.as_ref().is_ok_and(|end| end.state.done)).await;
        let end = end?;
        self.tell(&name, format, &end)?;
        if end.state.done { Ok(end.state.totals) } else { Err(CliError::Interrupted) }
    }

    fn options(&self) -> format::Options {
        format::Options { record_max: self.line_max.as_usize(), delimiter: self.delimiter, skip_empty: self.skip_empty }
    }

    fn identity(&self, client: &Client, source: &Source, format: Format) -> Result<Identity, CliError> {
        Ok(Identity {
            server: client.server().to_string(),
            whose: self.server.whose()?,
            hash: source.hash().to_owned(),
            mapping: self.mapping.clone(),
            recipe: format.recipe(&self.options()),
        })
    }

    /// The summary: totals on standard output, what was wrong on standard error.
    fn tell(&self, name: &str, format: Format, end: &send::End) -> Result<(), CliError> {
        let state = &end.state;
        output::say(&format!("{name}: {} in {:.1} s", state.totals, end.took.as_secs_f64()))?;
        for (code, count) in &end.refusals.by_code {
            output::note(&format!("  {count} × {code}"));
        }
        for refusal in &end.refusals.first {
            output::note(&format!("  {} {}: {} ({})", format.unit(), refusal.line, refusal.message, refusal.code));
        }
        if !state.done {
            let before = state.next - 1;
            output::note(&format!("stopped after {} {before}; run the same command again to go on", format.unit()));
        }
        Ok(())
    }
}

/// Ctrl-C: the first press lets what is under way end, the second does not.
struct Stop {
    gently: CancellationToken,
}

impl Stop {
    fn on_ctrl_c() -> Self {
        Self { gently: CancellationToken::new() }
    }

    /// Resolves at the second press. Without a signal handler Ctrl-C ends the process as usual.
    async fn at_once(&self) {
        if !self.gently.is_cancelled() {
            if tokio::signal::ctrl_c().await.is_err() {
                return std::future::pending().await;
            }
            output::note("\nstopping after the requests under way; Ctrl-C again stops at once");
            self.gently.cancel();
        }
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    }
}

#[cfg(test)]
mod tests;
