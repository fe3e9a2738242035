//! `kronika serve`: one engine on one data directory, behind the HTTP API.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::CliError;

/// Run the server until SIGTERM or Ctrl-C.
///
/// Settings come from the defaults, the --config file, `KRONIKA__SECTION__KEY` in the environment and these flags;
/// later ones win.
#[derive(Debug, clap::Args)]
pub(crate) struct ServeArgs {
    /// Directory of the write-ahead log, keys and, by default, the tables.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// Settings file.
    #[arg(long, value_name = "FILE", env = "KRONIKA_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// File that gets the admin key of the first start (mode 0600), instead of it being printed.
    #[arg(long, value_name = "FILE", env = "KRONIKA_ADMIN_KEY_FILE", hide_env_values = true)]
    pub(crate) admin_key_file: Option<PathBuf>,
}

/// Stands here until the engine and the HTTP API are merged.
pub(crate) async fn run(_args: ServeArgs) -> Result<(), CliError> {
    Err(CliError::Usage("`kronika serve` is not part of this build yet".into()))
}
