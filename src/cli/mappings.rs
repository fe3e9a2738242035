//! `kronika mappings`: how records of a sender become events.

use std::path::{Path, PathBuf};

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::query::params::path_segment;
use super::{CliError, output};

/// List, show, store and try mappings.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the mappings a key can use.
    List {
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show one mapping as it was written.
    Show {
        /// Its name.
        name: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Store a mapping, or replace it; later events go by the new one.
    Put {
        /// Its name.
        name: String,
        /// TOML file of the mapping; `-` is standard input.
        file: PathBuf,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show what sample records become, without storing them.
    Test {
        /// Name of the mapping.
        name: String,
        /// Records, JSON or NDJSON; `-` is standard input.
        file: PathBuf,
        #[command(flatten)]
        server: ServerArgs,
    },
}

const ROOT: &str = "/api/v1/mappings";

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let at = |name: &str| format!("{ROOT}/{}", path_segment(name));
        match self {
            Self::List { json, server } => output::show(&ask(&server, &Call::get(ROOT)).await?, json),
            Self::Show { name, server } => {
                let answer = Client::new(&server, Policy::PROMPT)?.send(&Call::get(at(&name))).await?;
                let text = answer.text().await.map_err(|error| CliError::Incomplete(error.into()))?;
                output::say(text.trim_end_matches('\n'))
            }
            Self::Put { name, file, server } => {
                let call = Call::put(at(&name)).body("application/toml", content(&file)?);
                Client::new(&server, Policy::PROMPT)?.send(&call).await?;
                output::say(&format!("mapping {name} stored"))
            }
            Self::Test { name, file, server } => {
                let call = Call::post(format!("{}/test", at(&name)), Repeat::Always);
                let call = call.body("application/x-ndjson", content(&file)?);
                output::show(&ask(&server, &call).await?, true)
            }
        }
    }
}

async fn ask(server: &ServerArgs, call: &Call) -> Result<serde_json::Value, CliError> {
    Client::new(server, Policy::PROMPT)?.json(call).await
}

/// The bytes of a file, or of standard input.
fn content(path: &Path) -> Result<Vec<u8>, CliError> {
    if path == Path::new("-") {
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut std::io::stdin().lock(), &mut bytes).map_err(CliError::file("read", path))?;
        return Ok(bytes);
    }
    std::fs::read(path).map_err(CliError::file("read", path))
}
