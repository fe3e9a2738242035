//! `kronika backup` and `kronika restore`: a data directory and its tables to another place, and back.

use std::collections::BTreeMap;

use serde_json::json;

use super::CliError;
use super::output;
use super::settings::SettingsArgs;
use crate::engine::backup;
use crate::table::Storage;

/// Copy a data directory and its tables to another place, as they are at one moment.
///
/// Only reads, and may run beside the server. Later backups into the same place copy what is new.
#[derive(Debug, clap::Args)]
pub(crate) struct BackupArgs {
    /// Directory or URL (s3://, gs://, az://) of the backups.
    to: String,
    /// Option of that store, beside those of the environment; repeat for more.
    #[arg(long = "option", value_name = "NAME=VALUE")]
    options: Vec<String>,
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
    /// Option of that store, beside those of the environment; repeat for more.
    #[arg(long = "option", value_name = "NAME=VALUE")]
    options: Vec<String>,
    /// Print the report as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl BackupArgs {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let config = self.settings.resolve()?;
        let place = place(&self.to, &self.options)?;
        let report = backup::backup(&config, &place).await.map_err(CliError::engine)?;
        output::show(&json!(report), self.json)
    }
}

impl RestoreArgs {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let place = place(&self.from, &self.options)?;
        if self.list {
            let backups = backup::list(&place).await.map_err(CliError::engine)?;
            return output::show(&json!(backups), self.json);
        }
        let config = self.settings.resolve()?;
        let report = backup::restore(&config, &place, self.backup.as_deref()).await.map_err(CliError::engine)?;
        output::show(&json!(report), self.json)
    }
}

fn place(url: &str, options: &[String]) -> Result<Storage, CliError> {
    let option = |text: &String| {
        let (name, value) = text.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    };
    let options: Option<BTreeMap<String, String>> = options.iter().map(option).collect();
    let options = options.ok_or_else(|| CliError::Usage("an option is given as --option NAME=VALUE".into()))?;
    Storage::open(url, &options).map_err(CliError::engine)
}
