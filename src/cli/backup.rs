//! `kronika backup` and `kronika restore`: a data directory and its tables to another place, and back.

use serde_json::json;

use super::CliError;
use super::output;
use super::settings::{SettingsArgs, StoreOptions};
use crate::engine::backup;

/// Copy a data directory and its tables to another place, as they are at one moment.
///
/// Only reads, and may run beside the server. Later backups into the same place copy what is new.
#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    /// Directory or URL (s3://, gs://, az://) of the backups.
    to: String,
    #[command(flatten)]
    store: StoreOptions,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Restore a backup to a data directory that does not exist yet, and its tables to an empty place.
///
/// A store that knows a later state than the backup is left alone. A restore that broke off goes on when it is repeated.
#[derive(Debug, clap::Args)]
pub(crate) struct RestoreArgs {
    /// Directory or URL (s3://, gs://, az://) of the backups.
    from: String,
    /// Id of the backup; without it the newest one.
    #[arg(long, value_name = "ID")]
    backup: Option<String>,
    /// Only show the backups that are there.
    #[arg(long)]
    list: bool,
    #[command(flatten)]
    store: StoreOptions,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl BackupArgs {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let config = self.settings.resolve()?;
        let place = self.store.open(&self.to, Some(config.storage.retry_timeout))?;
        let report = backup::backup(&config, &place).await.map_err(CliError::engine)?;
        output::show(&json!(report), self.json)
    }
}

impl RestoreArgs {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        if self.list {
            let place = self.store.open(&self.from, None)?;
            let backups = backup::list(&place).await.map_err(CliError::engine)?;
            return output::show(&json!(backups), self.json);
        }
        let config = self.settings.resolve()?;
        let place = self.store.open(&self.from, Some(config.storage.retry_timeout))?;
        let report = backup::restore(&config, &place, self.backup.as_deref()).await.map_err(CliError::engine)?;
        output::show(&json!(report), self.json)
    }
}
