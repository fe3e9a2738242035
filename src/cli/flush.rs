//! `kronika flush`: hot events into files of the table, now.

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::{CliError, output};

/// Write events that are only in the log and in memory to the table, and wait for it.
///
/// They are durable and visible before; other programs that read the table see them after.
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
        let report = client.json(&Call::post("/api/v1/admin/flush", Repeat::Always)).await?;
        output::show(&report, self.json)
    }
}
