//! `kronika compact`: small files of the table into large ones, now.

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::{CliError, output};

/// Merge small files of each day and module into large ones, and wait for it.
///
/// The server does this by itself, too; answers never change by it.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let client = Client::new(&self.server, Policy::PROMPT)?;
        let report = client.json(&Call::post("/api/v1/admin/compact", Repeat::Always)).await?;
        output::show(&report, self.json)
    }
}
