//! `kronika config`: what a server would run with, and whether it would.

use std::path::PathBuf;

use serde_json::{Value, json};

use super::output::{self, Column, Table, say};
use super::settings::{SettingsArgs, tls};
use super::{CliError, logs};
use crate::config::{Config, Entry};

/// Show and check settings.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Show every setting that a server would run with; secrets are masked.
    Show {
        /// Say where each comes from: default, file and line, variable, flag.
        #[arg(long)]
        origin: bool,
        /// Print JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        settings: SettingsArgs,
    },
    /// Check a settings file, with the environment and the files that it names, without starting anything.
    Check {
        /// Settings file.
        file: PathBuf,
    },
    /// Print the annotated settings file: every setting with its meaning, range and default.
    Default,
}

impl Command {
    pub(crate) fn run(self) -> Result<(), CliError> {
        match self {
            Self::Show { origin, json, settings } => show(&settings, origin, json),
            Self::Check { file } => check(&SettingsArgs::of_file(file)),
            Self::Default => output::print(Config::ANNOTATED),
        }
    }
}

/// Says that a server would start with these settings.
pub(super) fn check(settings: &SettingsArgs) -> Result<(), CliError> {
    let config = settings.resolve()?;
    tls(&config.server)?;
    logs::check(&config.log)?;
    config.warnings().iter().try_for_each(|warning| say(&format!("note: {warning}")))?;
    say("the settings are fine")
}

fn show(settings: &SettingsArgs, origin: bool, as_json: bool) -> Result<(), CliError> {
    let given = settings.read()?;
    let entries = given.entries();
    if as_json {
        let entry = |entry: &Entry| json!({"key": entry.key, "value": entry.value, "origin": entry.origin.to_string()});
        say(&format!("{:#}", entries.iter().map(entry).collect::<Value>()))?;
    } else {
        say(table(&entries, origin).render(output::terminal_width()).trim_end_matches('\n'))?;
    }
    // Shown first: whoever looks for a fault wants to see them all.
    given.resolve()?;
    Ok(())
}

fn table(entries: &[Entry], origin: bool) -> Table {
    let names: &[&str] = if origin { &["setting", "value", "origin"] } else { &["setting", "value"] };
    let columns = names.iter().map(|name| Column { name: (*name).into(), right: false }).collect();
    let row = |entry: &Entry| {
        let mut row = vec![Some(entry.key.clone()), output::cell(&entry.value)];
        if origin {
            row.push(Some(entry.origin.to_string()));
        }
        row
    };
    Table { columns, rows: entries.iter().map(row).collect() }
}
