//! `kronika demo`: a server with the golden journals and generated events in it, ready to be asked.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::CliError;

/// Run a server with example events, and print commands to try.
#[derive(Debug, clap::Args)]
pub(crate) struct DemoArgs {
    /// Directory of the demo's data.
    #[arg(long, value_name = "DIR", default_value = "kronika-demo")]
    pub(crate) data_dir: PathBuf,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7700")]
    pub(crate) listen: SocketAddr,
    /// How many events to generate, spread over 30 days.
    #[arg(long, value_name = "N", default_value_t = 200_000)]
    pub(crate) events: u64,
    /// Keep the events of an earlier run instead of starting afresh.
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Stands here until the engine and the HTTP API are merged.
pub(crate) async fn run(_args: DemoArgs) -> Result<(), CliError> {
    Err(CliError::Usage("`kronika demo` is not part of this build yet".into()))
}
