//! `kronika export` and `kronika exports`: events as a file, made by the server, then fetched; a fetch that broke
//! off goes on where it was.

mod fetch;

use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::query::params::{self, Param, path_segment};
use super::{CliError, output};

const ROOT: &str = "/api/v1/exports";
/// Pause between two looks at an export.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Share of the bar at its end.
const WHOLE: f64 = 1_000.0;

/// Export events of a filter, or the rows of a query, as one file (keys with the scope `export`).
///
/// The server makes the file in the background; this waits for it and fetches it. Stopped on the way, it goes on with
/// `kronika exports fetch ID`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Filter in the words of the list, as JSON: `{"module": ["orders"], "period": "last_7d"}`; `{}` is everything.
    #[arg(long, value_name = "JSON", default_value = "{}")]
    filter: String,
    /// Export the rows of this query instead.
    #[arg(long, value_name = "SQL", conflicts_with_all = ["filter", "columns", "oldest_first"])]
    sql: Option<String>,
    /// Value of `$NAME` in the SQL; repeat for more.
    #[arg(long = "param", short, value_name = "NAME=VALUE", requires = "sql")]
    params: Vec<Param>,
    /// Columns in their order, separated by commas; all where they are not given.
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Vec<String>,
    /// Oldest events first.
    #[arg(long)]
    oldest_first: bool,
    /// Kind of file.
    #[arg(long, value_enum, default_value_t = Kind::CsvSafe)]
    format: Kind,
    #[command(flatten)]
    target: Target,
    /// Do not wait: print the id of the export.
    #[arg(long, conflicts_with = "output")]
    no_wait: bool,
    #[command(flatten)]
    server: ServerArgs,
}

/// `--format`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// CSV for spreadsheets: what they would run as a formula is text.
    CsvSafe,
    /// CSV for programs.
    Csv,
    /// One JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
    /// Apache Arrow's IPC stream.
    Arrow,
    /// An archive of requests and responses.
    Bodies,
    /// Events with all their files, redacted: for somebody outside.
    Bundle,
}

/// Where the file goes.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Target {
    /// File to write; otherwise the name that the server gives it, in this directory.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print nothing but the name of the file.
    #[arg(long, short)]
    quiet: bool,
}

/// List, fetch and cancel exports (keys with the scope `export`).
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the exports that the key may have.
    List {
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Wait for an export and fetch its file; a fetch that broke off goes on.
    Fetch {
        /// Id of the export.
        id: String,
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Stop an export, or remove one that has ended.
    Cancel {
        /// Id of the export.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// What the server says of an export.
#[derive(Debug, Deserialize)]
struct Export {
    id: String,
    status: String,
    progress: Progress,
    file: Option<Made>,
    error: Option<Failed>,
}

#[derive(Debug, Deserialize)]
struct Progress {
    rows: u64,
    bytes: u64,
    fraction: Option<f64>,
}

/// A file that is ready.
#[derive(Debug, Deserialize)]
struct Made {
    name: String,
    size: u64,
    sha256: String,
}

#[derive(Debug, Deserialize)]
struct Failed {
    code: String,
    message: String,
}

impl Args {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let client = Client::new(&self.server, Policy::PATIENT)?;
        let call = Call::post(ROOT, Repeat::Untouched).json(&self.body()?);
        let export: Export = client.json(&call).await?;
        if self.no_wait {
            return output::say(&export.id);
        }
        if !self.target.quiet {
            output::note(&format!("export {}", export.id));
        }
        fetch(&client, &export.id, &self.target).await
    }

    fn body(&self) -> Result<Value, CliError> {
        let format = self.format.to_possible_value().map(|value| value.get_name().to_owned());
        let mut body = json!({ "format": format });
        match &self.sql {
            Some(sql) => {
                body["sql"] = json!(sql);
                let params = params::collect(&self.params)?;
                if params != Value::Null {
                    body["params"] = params;
                }
            }
            None => {
                body["filter"] = serde_json::from_str(&self.filter)
                    .map_err(|error| CliError::Usage(format!("--filter is no JSON: {error}")))?;
                body["order"] = json!(if self.oldest_first { "event_time" } else { "-event_time" });
                if !self.columns.is_empty() {
                    body["columns"] = json!(self.columns);
                }
            }
        }
        Ok(body)
    }
}

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::List { json, server } => {
                let answer: Value = Client::new(&server, Policy::PROMPT)?.json(&Call::get(ROOT)).await?;
                if json {
                    return output::show(&answer, true);
                }
                output::show(&listing(&answer), false)
            }
            Self::Fetch { id, target, server } => fetch(&Client::new(&server, Policy::PATIENT)?, &id, &target).await,
            Self::Cancel { id, server } => {
                let call = Call::delete(path(&id, ""), Repeat::Always);
                Client::new(&server, Policy::PROMPT)?.send(&call).await?;
                output::say(&format!("export {id} is canceled"))
            }
        }
    }
}

/// What a person looks for in the list.
fn listing(answer: &Value) -> Value {
    let row = |export: &Value| {
        json!({"id": export["id"], "status": export["status"], "format": export["format"], "created_at": export["created_at"],
            "rows": export["progress"]["rows"], "bytes": export["progress"]["bytes"], "expires_at": export["expires_at"]})
    };
    answer.as_array().into_iter().flatten().map(row).collect()
}

fn path(id: &str, end: &str) -> String {
    format!("{ROOT}/{}{end}", path_segment(id))
}

/// Waits for an export and fetches its file.
async fn fetch(client: &Client, id: &str, target: &Target) -> Result<(), CliError> {
    let made = wait(client, id, target.quiet).await?;
    let into = target.output.clone().unwrap_or_else(|| PathBuf::from(&made.name));
    fetch::fetch(client, &path(id, "/file"), &made, &into, target.quiet).await?;
    output::say(&shown(&into))
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

async fn wait(client: &Client, id: &str, quiet: bool) -> Result<Made, CliError> {
    let bar = output::bar("{wide_bar} {percent} % {msg}", WHOLE as u64, quiet);
    loop {
        let export: Export = client.json(&Call::get(path(id, ""))).await?;
        match (export.status.as_str(), export.file, export.error) {
            ("done", Some(made), _) => {
                bar.finish_and_clear();
                return Ok(made);
            }
            ("enqueued" | "in_progress", ..) => {
                bar.set_position((export.progress.fraction.unwrap_or(0.0) * WHOLE) as u64);
                bar.set_message(format!(
                    "{}, {} rows, {}",
                    export.status,
                    export.progress.rows,
                    indicatif::HumanBytes(export.progress.bytes)
                ));
                tokio::time::sleep(LOOK_EVERY).await;
            }
            (status, _, error) => {
                bar.finish_and_clear();
                let why = error.map(|error| format!(": {} ({})", error.message, error.code)).unwrap_or_default();
                return Err(CliError::Unfinished(format!("the export is {status}{why}")));
            }
        }
    }
}
