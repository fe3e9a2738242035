//! `kronika jobs`: what the server does by itself or was told to.

use serde_json::Value;

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::query::params::path_segment;
use super::{CliError, output};

const ROOT: &str = "/api/v1/jobs";

/// List, show and cancel the server's own jobs: flush, compaction, import, export, erasure, … (admin keys).
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List jobs, those that began last first.
    List {
        /// Only this kind, such as `compaction`.
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,
        /// Only those in this state: in_progress, done, failed, canceled.
        #[arg(long, value_name = "STATE")]
        state: Option<String>,
        /// Most jobs.
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
        limit: u16,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one job.
    Show {
        /// Its id.
        id: String,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Ask a job to end; what it did so far stays.
    Cancel {
        /// Its id.
        id: String,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::List { kind, state, limit, json, server } => {
                let call = Call::get(ROOT).query("limit", limit.to_string());
                let call = call.query_some("kind", kind).query_some("state", state);
                let answer: Value = Client::new(&server, Policy::PROMPT)?.json(&call).await?;
                if json {
                    return output::show(&answer, true);
                }
                output::show(&answer["jobs"], false)
            }
            Self::Show { id, json, server } => {
                let call = Call::get(format!("{ROOT}/{}", path_segment(&id)));
                output::show(&Client::new(&server, Policy::PROMPT)?.json(&call).await?, json)
            }
            Self::Cancel { id, server } => {
                let call = Call::post(format!("{ROOT}/{}/cancel", path_segment(&id)), Repeat::Always);
                let job: Value = Client::new(&server, Policy::PROMPT)?.json(&call).await?;
                output::say(&format!("{} is asked to end", job["id"].as_str().unwrap_or(&id)))
            }
        }
    }
}
