//! Flags that are settings, of every command that reads the settings of a server.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::CliError;
use crate::config::{self, Config, Settings, Span};
use crate::http::Tls;
use crate::table::{RemoteSettings, Storage};

/// Options of an object store that no settings file names.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct StoreOptions {
    /// An option of that store by its own name, as in `[storage.options]`, beside those of the environment; repeat for
    /// more. Keep secrets in the environment, such as AWS_SECRET_ACCESS_KEY.
    #[arg(long = "option", value_name = "NAME=VALUE", value_parser = pair)]
    options: Vec<(String, String)>,
}

impl StoreOptions {
    /// The place at `url`, of which a request is repeated for `retry_timeout`; without one as long as is usual.
    pub(crate) fn open(&self, url: &str, retry_timeout: Option<Span>) -> Result<Storage, CliError> {
        let mut remote = RemoteSettings::default();
        remote.retry_timeout = retry_timeout.map_or(remote.retry_timeout, |span| span.0);
        let options = self.options.iter().cloned().collect();
        Storage::open_with(url, &options, &remote).map_err(CliError::engine)
    }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE, such as aws_region=eu-central-1")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Which settings, and what flags change of them.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Settings")]
pub(crate) struct SettingsArgs {
    /// Directory of the write-ahead log, keys and, by default, the tables.
    #[arg(long, value_name = "DIR")]
    pub(crate) data_dir: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,
    /// A proxy in front speaks TLS.
    #[arg(long)]
    pub(crate) behind_proxy: bool,
    /// Let keys and events cross the network in the clear.
    #[arg(long)]
    pub(crate) insecure: bool,
    /// Settings file.
    #[arg(long, value_name = "FILE", env = "KRONIKA_CONFIG", hide_env_values = true)]
    pub(crate) config: Option<PathBuf>,
    /// File that gets the admin key of the first start (mode 0600), instead of it being printed.
    #[arg(long, value_name = "FILE", env = "KRONIKA_ADMIN_KEY_FILE", hide_env_values = true)]
    pub(crate) admin_key_file: Option<PathBuf>,
}

impl SettingsArgs {
    /// A file without flags.
    pub(crate) fn of_file(file: PathBuf) -> Self {
        let config = Some(file);
        Self { data_dir: None, listen: None, behind_proxy: false, insecure: false, config, admin_key_file: None }
    }

    /// The settings as given, flags last.
    pub(crate) fn read(&self) -> Result<Settings, CliError> {
        let mut settings = Settings::read(self.config.as_deref())?;
        let path = |path: &PathBuf| path.to_str().map(str::to_owned).ok_or_else(|| not_text(path));
        if let Some(dir) = &self.data_dir {
            settings.flag("--data-dir", "server.data_dir", path(dir)?)?;
        }
        if let Some(listen) = self.listen {
            settings.flag("--listen", "server.listen", listen.to_string())?;
        }
        if let Some(file) = &self.admin_key_file {
            settings.flag("--admin-key-file", "server.admin_key_file", path(file)?)?;
        }
        if self.behind_proxy {
            settings.flag("--behind-proxy", "server.behind_proxy", true)?;
        }
        if self.insecure {
            settings.flag("--insecure", "server.insecure", true)?;
        }
        Ok(settings)
    }

    /// The settings that a server would run with.
    pub(crate) fn resolve(&self) -> Result<Config, CliError> {
        Ok(self.read()?.resolve()?)
    }
}

/// Certificate and key, where the settings name them.
pub(super) fn tls(settings: &config::Server) -> Result<Option<Tls>, CliError> {
    let (Some(cert), Some(key)) = (&settings.tls_cert, &settings.tls_key) else { return Ok(None) };
    Tls::load(cert, key).map(Some).map_err(|error| CliError::Certificate(Box::new(error)))
}

fn not_text(path: &std::path::Path) -> CliError {
    CliError::Usage(format!("the path `{}` is no UTF-8 text", path.display()))
}
