//! `kronika projects`: the isolated journals of a server.

use serde_json::json;

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::{CliError, output};

/// List and make projects.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the projects of a server (admin keys).
    List {
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Make a project (admin keys).
    Create {
        /// Its name: lower-case letters, digits and `-`, at most 63.
        name: String,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let (call, json, server) = match self {
            Self::List { json, server } => (Call::get("/api/v1/projects"), json, server),
            Self::Create { name, json, server } => {
                let call = Call::post("/api/v1/projects", Repeat::Untouched).json(&json!({ "name": name }));
                (call, json, server)
            }
        };
        output::show(&Client::new(&server, Policy::PROMPT)?.json(&call).await?, json)
    }
}
