//! `kronika reconcile`: does Kronika hold what another place holds?
//!
//! Both sides are read once and summed up by day, source and module; where sums differ, they are read again
//! and matched by id, a slice of the ids at a time. So memory does not grow with the number of events.
//!
//! A file goes through the parser of ingest, with the same mapping and redaction, so that equal means: whoever
//! sent it now would store the very same columns.

mod convert;
mod file;
mod progress;
mod report;
mod rows;
mod server;
mod tally;

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use reqwest::Url;
use serde::Deserialize;

use super::client::{Call, Client, Key, Policy, ServerArgs};
use super::import::{delimiter, format, source};
use super::{CliError, output};
use crate::config::{ByteCount, RedactLists, Redaction};
use crate::error::Kind;
use crate::event::interpretation::{Definition, Interpretation};
use crate::event::mapping::MappingFile;
use crate::event::plan::Plan;
use crate::event::redact::RedactRules;
use file::{FileSide, Form, Troubles};
use progress::Ticker;
use report::Report;
use rows::{Compared, IDENTITY};
use server::{Scope, Server, date};
use tally::{Differences, Matcher, Pass, Tally, differing};

/// Events that are matched at once: some 150 MB.
const SLICE_EVENTS: u64 = 500_000;

/// Compare what a server holds with a file or another server: counts and contents by day, source and module.
///
/// A file is NDJSON, JSON, CSV or Parquet, also gzip or zstd compressed: events as they were sent, or an export.
/// Of the server, only the logs and days that the file has are compared. Exit code 1 where the two differ.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// File to compare with; `-` reads standard input to its end first.
    #[arg(value_name = "FILE", required_unless_present = "with")]
    file: Option<PathBuf>,
    /// Another server to compare with.
    #[arg(long, value_name = "URL", conflicts_with = "file")]
    with: Option<Url>,
    /// API key of the other server; better in the environment or a file.
    #[arg(long, value_name = "KEY", env = "KRONIKA_WITH_KEY", hide_env_values = true)]
    with_key: Option<Key>,
    /// File that holds the API key of the other server.
    #[arg(long, value_name = "FILE", env = "KRONIKA_WITH_KEY_FILE", hide_env_values = true)]
    with_key_file: Option<PathBuf>,
    /// Project of the other server.
    #[arg(long, value_name = "NAME", env = "KRONIKA_WITH_PROJECT", hide_env_values = true)]
    with_project: Option<String>,
    /// Mapping that turned the file's records into events: its name on the server, or a `.toml` file.
    #[arg(long, value_name = "NAME", conflicts_with = "with")]
    mapping: Option<String>,
    /// Format of the file; `auto` goes by name and content.
    #[arg(long, value_enum, default_value_t = format::Given::Auto)]
    format: format::Given,
    /// What the file's records are; `auto` goes by their fields.
    #[arg(long, value_enum, default_value_t = Form::Auto)]
    form: Form,
    /// `tenant_id` of events without one; by default the project.
    #[arg(long, value_name = "NAME")]
    tenant: Option<String>,
    /// First UTC date to compare.
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// Last UTC date to compare.
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
    /// Only this source; repeat for more.
    #[arg(long, value_name = "NAME")]
    source: Vec<String>,
    /// Only this module; repeat for more.
    #[arg(long, value_name = "NAME")]
    module: Vec<String>,
    /// Columns to compare, separated by commas; by default all that the file has.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Vec<String>,
    /// Most groups and events that are listed.
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    list: u32,
    /// Answer with one JSON document.
    #[arg(long)]
    json: bool,
    /// Longest record of the file.
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    line_max: ByteCount,
    /// CSV: the character between two cells; by default the one the header shows.
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// Show no progress.
    #[arg(long, short)]
    quiet: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// What the server is compared with.
enum There {
    File(Box<FileSide>),
    Server(Server),
}

impl Args {
    /// Compares, and says what differs.
    ///
    /// # Errors
    /// [`CliError::Differ`] where the two differ; a side that cannot be read.
    pub(crate) async fn run(self: Box<Self>) -> Result<(), CliError> {
        if self.from.zip(self.to).is_some_and(|(from, to)| from > to) {
            return Err(CliError::Usage("--from is after --to".into()));
        }
        let client = Client::new(&self.server, Policy::PATIENT)?;
        let (there, compared) = self.there(&client).await?;
        let here = Server { client, compared, name: "here" };
        let report = self.compare(&here, &there).await?;
        match self.json {
            true => output::say(&report.to_json().to_string())?,
            false => report.show()?,
        }
        if report.is_equal() { Ok(()) } else { Err(CliError::Differ(report.summary())) }
    }

    async fn compare(&self, here: &Server, there: &There) -> Result<Report, CliError> {
        let mut ticker = Ticker::new(self.quiet);
        let mut scope = Scope {
            from: self.from,
            to: self.to,
            sources: self.source.clone(),
            modules: self.module.clone(),
            logs: None,
        };
        ticker.step("counting".into());
        let (theirs, troubles) = there.read(&scope, None, Tally::default(), &mut ticker).await?;
        if let There::File(_) = there {
            narrow(&mut scope, &theirs, &troubles)?;
        }
        let ours = here.read(&scope, None, Tally::default(), &mut ticker).await?;
        let groups = differing(&ours, &theirs);
        let mut found = Differences::default();
        let days: BTreeSet<i32> = groups.keys().map(|group| group.day).collect();
        let wanted: HashSet<_> = groups.keys().cloned().collect();
        let events: u64 = groups.values().map(|(here, there)| here.rows + there.rows).sum();
        let slices = events.div_ceil(SLICE_EVENTS);
        for slice in 0..slices {
            ticker.step(format!("matching {} of {slices}", slice + 1));
            let matcher = Matcher::new(wanted.clone(), slice, slices);
            let matcher = here.read(&scope, Some(&days), matcher, &mut ticker).await?;
            let (matcher, _) = there.read(&scope, Some(&days), matcher.turn(), &mut ticker).await?;
            matcher.finish(self.list as usize, &mut found);
        }
        Ok(Report { here: ours, there: theirs, groups, found, troubles, limit: self.list as usize })
    }

    async fn there(&self, client: &Client) -> Result<(There, Compared), CliError> {
        let Some(with) = &self.with else {
            let side = self.file_side(client).await?;
            let compared = side.compared.clone();
            return Ok((There::File(Box::new(side)), compared));
        };
        let compared = if self.columns.is_empty() { Compared::everything() } else { Compared::named(&self.columns)? };
        let args = ServerArgs {
            server: with.clone(),
            key: self.with_key.clone(),
            key_file: self.with_key_file.clone(),
            project: self.with_project.clone(),
        };
        let client = Client::new(&args, Policy::PATIENT)?;
        Ok((There::Server(Server { client, compared: compared.clone(), name: "there" }), compared))
    }

    async fn file_side(&self, client: &Client) -> Result<FileSide, CliError> {
        let path = self.file.clone().unwrap_or_else(|| PathBuf::from("-"));
        let name = source::display(&path);
        let options =
            format::Options { record_max: self.line_max.as_usize(), delimiter: self.delimiter, skip_empty: false };
        let (given, with) = (self.format, options.clone());
        let opened = tokio::task::spawn_blocking(move || file::open(&path, given, &with)).await?;
        let (source, format, names) = opened.map_err(|source| CliError::Input { file: name.clone(), source })?;
        let form = self.form(format, &names);
        let compared = self.compared(form, format, &names)?;
        let project = self.server.project.clone().unwrap_or_else(|| "default".into());
        let interpretation = self.interpretation(client, &project).await?;
        Ok(FileSide {
            name,
            source: Arc::new(source),
            format,
            options,
            form,
            interpretation: Arc::new(interpretation),
            tenant: self.tenant.clone().unwrap_or(project),
            compared,
        })
    }

    /// What the records are, where that is left to their fields.
    fn form(&self, format: format::Format, names: &[String]) -> Form {
        let names = || names.iter().map(String::as_str);
        match self.form {
            Form::Auto if self.mapping.is_some() => Form::Events,
            Form::Auto if convert::is_exported(names()) => Form::Export,
            // CSV has text only: with our names, it can be nothing but rows of ours.
            Form::Auto if format == format::Format::Csv && convert::are_columns(names()) => Form::Export,
            Form::Auto => Form::Events,
            form => form,
        }
    }

    fn compared(&self, form: Form, format: format::Format, names: &[String]) -> Result<Compared, CliError> {
        let export = form == Form::Export;
        if export && let Some(lacking) = needed().find(|name| !names.iter().any(|has| has == name)) {
            return Err(CliError::Usage(format!(
                "the export has no column `{lacking}`; export {} and what you want to compare",
                needed().collect::<Vec<_>>().join(", ")
            )));
        }
        let mut compared = match (self.columns.is_empty(), export) {
            (false, _) => Compared::named(&self.columns)?,
            (true, true) => Compared::named(&convert::comparable(names))?,
            (true, false) => Compared::everything(),
        };
        compared.empty_is_null = export && format == format::Format::Csv;
        Ok(compared)
    }

    /// How the server would read the file's records.
    async fn interpretation(&self, client: &Client, project: &str) -> Result<Interpretation, CliError> {
        let redact = redaction(client, project).await?;
        let Some(name) = &self.mapping else { return Ok(Interpretation::native("unknown", redact)) };
        let text = match name.ends_with(".toml") {
            true => std::fs::read_to_string(name).map_err(CliError::file("read the mapping", Path::new(name)))?,
            false => mapping_text(client, name).await?,
        };
        let mapping = MappingFile::parse(&text).map_err(CliError::engine)?;
        let plan: Plan = mapping.compile().map_err(CliError::engine)?;
        let source = mapping.source.clone().unwrap_or_else(|| "unknown".into());
        let definition = Definition {
            mapping: Some(name.clone()),
            mapping_toml: Some(mapping.canonical()),
            ..Definition::native(&source, redact)
        };
        Ok(Interpretation::new(plan, definition))
    }
}

impl There {
    async fn read<P: Pass>(
        &self,
        scope: &Scope,
        days: Option<&BTreeSet<i32>>,
        pass: P,
        ticker: &mut Ticker,
    ) -> Result<(P, Troubles), CliError> {
        match self {
            Self::File(file) => file.read(scope, pass, ticker).await,
            Self::Server(server) => Ok((server.read(scope, days, pass, ticker).await?, Troubles::default())),
        }
    }
}

/// Columns without which an export cannot be compared.
fn needed() -> impl Iterator<Item = &'static str> {
    IDENTITY.into_iter().chain(["event_time"])
}

/// Leaves of the scope what the file covers: its logs, and the days from its first to its last.
fn narrow(scope: &mut Scope, file: &Tally, troubles: &Troubles) -> Result<(), CliError> {
    let (Some((first, _)), Some((last, _))) = (file.groups.first_key_value(), file.groups.last_key_value()) else {
        let Troubles { unreadable_count, timeless, .. } = troubles;
        return Err(CliError::Usage(format!(
            "the file has no event to compare: {timeless} have no time that can be read, {unreadable_count} records are no events; \
             does it need a --mapping?"
        )));
    };
    scope.from = scope.from.or(Some(date(first.day)));
    scope.to = scope.to.or(Some(date(last.day)));
    scope.logs = Some(file.logs.clone());
    Ok(())
}

/// What the server blanks in events of the project; the defaults where the key may not know.
async fn redaction(client: &Client, project: &str) -> Result<RedactRules, CliError> {
    #[derive(Deserialize)]
    struct Rules {
        in_force: RedactLists,
    }
    let call = Call::get(format!("/api/v1/projects/{project}/redaction"));
    let lists = match client.json::<Rules>(&call).await {
        Ok(rules) => rules.in_force,
        Err(CliError::Refused(problem)) if problem.kind() == Kind::Forbidden => Redaction::default().lists(),
        Err(error) => return Err(error),
    };
    RedactRules::new(lists).map_err(CliError::engine)
}

async fn mapping_text(client: &Client, name: &str) -> Result<String, CliError> {
    let answer = client.send(&Call::get(format!("/api/v1/mappings/{name}"))).await;
    match answer {
        Ok(response) => response.text().await.map_err(|error| CliError::Incomplete(error.into())),
        Err(CliError::Refused(problem)) if problem.kind() == Kind::Forbidden => {
            let text = "the key may not read mappings; give one with the scope ingest as well, or --mapping FILE.toml";
            Err(CliError::Usage(text.into()))
        }
        Err(error) => Err(error),
    }
}
