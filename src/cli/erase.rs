//! `kronika erase`: all data of one person or object goes, from everywhere.

use std::io::Read;
use std::time::Duration;

use serde_json::{Map, Value};

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::query::params::path_segment;
use super::{CliError, output};

/// Preview, start, watch and stop erasures of one person's or object's data (admin keys).
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show how many events would be removed.
    Preview {
        #[command(flatten)]
        subject: Subject,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Start an erasure; nothing brings back what it removes.
    Start {
        #[command(flatten)]
        subject: Subject,
        /// Why: who asked, under which number; without the value.
        #[arg(long, value_name = "TEXT")]
        reason: String,
        /// Leave events under a legal hold, and erase the others.
        #[arg(long)]
        except_held: bool,
        /// Wait until it has ended, and print its proof.
        #[arg(long)]
        wait: bool,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// List erasures, the newest first.
    List {
        /// Only those of this project.
        #[arg(value_name = "NAME")]
        name: Option<String>,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one erasure: how far it is, and its proof.
    Show {
        /// Its id.
        id: String,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Stop an erasure; what it has erased stays erased.
    Cancel {
        /// Its id.
        id: String,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// Whose data.
#[derive(Debug, clap::Args)]
pub(crate) struct Subject {
    /// Name of the project.
    name: String,
    /// Column of text or of whole numbers, such as `actor_id`, `actor_email`, `visitor_id`.
    #[arg(long, value_name = "COLUMN", requires = "value", required_unless_present = "object")]
    column: Option<String>,
    /// Its value; `-` reads it from standard input, as other users can see command lines.
    #[arg(long, value_name = "VALUE", requires = "column", allow_hyphen_values = true)]
    value: Option<String>,
    /// In place of a column and its value: an object; events that name it as related go as well.
    #[arg(long, value_name = "TYPE:ID", conflicts_with_all = ["column", "value"])]
    object: Option<String>,
    /// Also blank the value in events about something else that tell of it.
    #[arg(long)]
    mentions: bool,
}

const ROOT: &str = "/api/v1/erasures";
/// Pause between two looks at an erasure that is waited for.
const LOOK_EVERY: Duration = Duration::from_millis(500);

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let one = |id: &str| format!("{ROOT}/{}", path_segment(id));
        let (call, json, server) = match self {
            Self::Preview { subject, json, server } => {
                let call = Call::post(format!("{ROOT}/preview"), Repeat::Untouched).json(&subject.body()?.into());
                (call, json, server)
            }
            Self::Start { subject, reason, except_held, wait, json, server } => {
                let mut body = subject.body()?;
                body.insert("reason".into(), reason.into());
                body.insert("except_held".into(), except_held.into());
                return start(&body.into(), wait, json, &server).await;
            }
            Self::List { name, json, server } => (Call::get(ROOT).query_some("project", name), json, server),
            Self::Show { id, json, server } => (Call::get(one(&id)), json, server),
            Self::Cancel { id, json, server } => (Call::delete(one(&id), Repeat::Untouched), json, server),
        };
        output::show(&Client::new(&server, Policy::PROMPT)?.json(&call).await?, json)
    }
}

async fn start(body: &Value, wait: bool, json: bool, server: &ServerArgs) -> Result<(), CliError> {
    let client = Client::new(server, Policy::PROMPT)?;
    let mut erasure: Value = client.json(&Call::post(ROOT, Repeat::Untouched).json(body)).await?;
    let path = format!("{ROOT}/{}", path_segment(erasure["id"].as_str().unwrap_or_default()));
    if wait {
        output::note(&format!("erasure {}", erasure["id"].as_str().unwrap_or_default()));
    }
    let mut told = Value::Null;
    while wait && !matches!(erasure["stage"].as_str(), Some("done" | "canceled")) {
        if erasure["problem"].is_string() && erasure["problem"] != told {
            told = erasure["problem"].clone();
            output::note(&format!("it waits: {}", told.as_str().unwrap_or_default()));
        }
        tokio::time::sleep(LOOK_EVERY).await;
        erasure = client.json(&Call::get(&path)).await?;
    }
    output::show(&erasure, json)?;
    match erasure["stage"].as_str() {
        Some("canceled") if wait => Err(CliError::Unfinished("the erasure is canceled".into())),
        _ => Ok(()),
    }
}

impl Subject {
    fn body(&self) -> Result<Map<String, Value>, CliError> {
        let mut body = Map::new();
        body.insert("project".into(), self.name.clone().into());
        body.insert("mentions".into(), self.mentions.into());
        let value = match self.value.as_deref() {
            Some("-") => Some(from_stdin()?),
            other => other.map(str::to_owned),
        };
        for (member, value) in [("column", &self.column), ("value", &value), ("object", &self.object)] {
            body.extend(value.clone().map(|value| (member.to_owned(), value.into())));
        }
        Ok(body)
    }
}

/// The first line of standard input.
fn from_stdin() -> Result<String, CliError> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).map_err(CliError::file("read", "-"))?;
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
