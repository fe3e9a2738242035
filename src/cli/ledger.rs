//! `kronika ledger` and `kronika dead-letters`: what became of everything that was sent, and the lines that were rejected.

use serde_json::{Value, json};

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::query::answer::{self, Format, Target};
use super::{CliError, output};

const ROOT: &str = "/api/v1/ingest";

/// Show what became of everything that was sent: sums, gaps, silent sources.
///
/// Ends with an error when events are missing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// What the sums are apart by, behind commas: day, key, source.
    #[arg(long, default_value = "source")]
    by: String,
    /// First day of receipt, such as `2026-03-01` (UTC).
    #[arg(long, value_name = "DAY")]
    from: Option<String>,
    /// Last day of receipt.
    #[arg(long, value_name = "DAY")]
    to: Option<String>,
    /// Only events of this source.
    #[arg(long, value_name = "NAME")]
    source: Option<String>,
    /// The last batches one by one instead.
    #[arg(long, conflicts_with_all = ["by", "from", "to", "source"])]
    batches: bool,
    /// Print the answer as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let client = Client::new(&self.server, Policy::PROMPT)?;
        if self.batches {
            let answer: Value = client.json(&Call::get(format!("{ROOT}/ledger/batches"))).await?;
            return if self.json { output::show(&answer, true) } else { table(&answer["batches"], &BATCH_COLUMNS) };
        }
        let call = Call::get(format!("{ROOT}/ledger")).query("by", self.by);
        let call = call.query_some("from", self.from).query_some("to", self.to).query_some("source", self.source);
        let answer: Value = client.json(&call).await?;
        if self.json {
            output::show(&answer, true)?;
        } else {
            output::show(&answer["totals"], false)?;
            table(&answer["lines"], &LINE_COLUMNS)?;
            table(&answer["sources"], &SOURCE_COLUMNS)?;
        }
        match answer["totals"]["unaccounted"].as_i64() {
            Some(0) => Ok(()),
            Some(events) => Err(CliError::Unaccounted(events)),
            None => Err(CliError::Answer("it has no totals".into())),
        }
    }
}

const LINE_COLUMNS: [&str; 9] =
    ["day", "key", "source", "batches", "received", "accepted", "duplicates", "rejected", "late"];
const SOURCE_COLUMNS: [&str; 5] = ["source", "last_received", "last_event", "silent", "sequences"];
const BATCH_COLUMNS: [&str; 8] = ["batch", "key", "sources", "received", "accepted", "duplicates", "rejected", "late"];
const LETTER_COLUMNS: [&str; 5] = ["id", "code", "key", "mapping", "text"];

/// Prints objects as a table of those of `columns` that one of them has.
fn table(rows: &Value, columns: &[&str]) -> Result<(), CliError> {
    let rows = rows.as_array().map(Vec::as_slice).unwrap_or_default();
    let shown: Vec<&&str> = columns.iter().filter(|name| rows.iter().any(|row| !row[**name].is_null())).collect();
    if shown.is_empty() {
        return Ok(());
    }
    let columns = shown.iter().map(|name| {
        let right = rows.iter().all(|row| row[**name].is_number() || row[**name].is_null());
        output::Column { name: (**name).to_owned(), right }
    });
    let cells = |row: &Value| shown.iter().map(|name| output::cell(&row[**name])).collect();
    let table = output::Table { columns: columns.collect(), rows: rows.iter().map(cells).collect() };
    output::say(table.render(output::terminal_width()).trim_end_matches('\n'))
}

/// Look at rejected lines, and send them again.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum DeadLetters {
    /// List the newest, and how many there are of which code.
    List {
        #[command(flatten)]
        which: Which,
        /// Most lines.
        #[arg(long, default_value_t = 20)]
        limit: u32,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Write them all to a file, or to standard output, as NDJSON.
    Download {
        #[command(flatten)]
        which: Which,
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Send them again, once their mapping is mended; what is stored then is taken off the list.
    Replay {
        #[command(flatten)]
        which: Which,
        /// Only this line, by its id; repeat for more.
        #[arg(long = "id", value_name = "ID")]
        ids: Vec<String>,
        /// Read them with this mapping instead of their own.
        #[arg(long, value_name = "NAME")]
        with_mapping: Option<String>,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Which rejected lines.
#[derive(Debug, clap::Args)]
pub(crate) struct Which {
    /// Only with this code, such as `invalid_json`.
    #[arg(long, value_name = "CODE")]
    code: Option<String>,
    /// Only of this batch.
    #[arg(long, value_name = "ID")]
    batch: Option<String>,
    /// Only read with this mapping.
    #[arg(long, value_name = "NAME")]
    mapping: Option<String>,
}

impl Which {
    fn of(self, call: Call) -> Call {
        call.query_some("code", self.code).query_some("batch", self.batch).query_some("mapping", self.mapping)
    }
}

impl DeadLetters {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::List { which, limit, json, server } => {
                let call = which.of(Call::get(format!("{ROOT}/dead-letters"))).query("limit", limit.to_string());
                let answer: Value = Client::new(&server, Policy::PROMPT)?.json(&call).await?;
                if json {
                    return output::show(&answer, true);
                }
                output::show(&json!({"count": answer["count"], "codes": answer["codes"]}), false)?;
                table(&answer["letters"], &LETTER_COLUMNS)
            }
            Self::Download { which, target, server } => {
                let call = which.of(Call::get(format!("{ROOT}/dead-letters/download")));
                answer::fetch(&Client::new(&server, Policy::PATIENT)?, &call, Format::Ndjson, &target).await
            }
            Self::Replay { which, ids, with_mapping, json, server } => {
                let mut which = json!({"code": which.code, "batch": which.batch, "mapping": which.mapping});
                if let Some(members) = which.as_object_mut() {
                    members.retain(|_, value| !value.is_null());
                }
                let ids = (!ids.is_empty()).then_some(ids);
                let body = json!({"ids": ids, "which": which, "mapping": with_mapping});
                let call = Call::post(format!("{ROOT}/dead-letters/replay"), Repeat::Always).json(&body);
                output::show(&Client::new(&server, Policy::PATIENT)?.json(&call).await?, json)
            }
        }
    }
}
