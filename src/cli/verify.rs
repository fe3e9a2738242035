//! `kronika verify`: is all there that should be, and is it what was written?

use serde_json::{Value, json};

use super::CliError;
use super::output::{self, Column, Table, say};
use super::settings::SettingsArgs;
use crate::engine::{Found, TableFigures, Verification, verify};

/// Compare a data directory and its tables with their checksums: log, tables, state files.
///
/// Changes nothing and may run beside a server. Exit code 0 when all is well, 1 when something is damaged or missing.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Read every byte of every file, not only what tells of it.
    #[arg(long)]
    deep: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl Args {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let config = self.settings.resolve()?;
        let found = verify(&config, self.deep).await.map_err(CliError::engine)?;
        if self.json {
            let mut document = json!(found);
            document["ok"] = Value::Bool(found.damage.is_empty());
            say(&format!("{document:#}"))?;
        } else {
            show(&found)?;
        }
        match found.damage.len() {
            0 => Ok(()),
            count => Err(CliError::Damaged { count }),
        }
    }
}

fn show(found: &Verification) -> Result<(), CliError> {
    say(tables(&found.tables).render(output::terminal_width()).trim_end_matches('\n'))?;
    say(&format!("{} state files, {} batches in the log", found.state_files, found.log_batches))?;
    let tell = |kind: &str, found: &Found| say(&format!("{kind}: {} {}", found.place, found.what));
    found.notes.iter().try_for_each(|note| tell("note", note))?;
    found.damage.iter().try_for_each(|damage| tell("DAMAGED", damage))
}

fn tables(figures: &[TableFigures]) -> Table {
    let columns = ["project", "version", "files", "events", "bytes", "in the log", "unchecked", "replaced", "orphans"];
    let column = |(at, name): (usize, &str)| Column { name: name.into(), right: at > 0 };
    let row = |of: &TableFigures| {
        let numbers = [of.version, of.files, of.rows, of.bytes, of.in_log, of.unchecked, of.replaced, of.orphans]
            .map(|n| Some(n.to_string()));
        std::iter::once(Some(of.project.to_string())).chain(numbers).collect()
    };
    Table { columns: columns.into_iter().enumerate().map(column).collect(), rows: figures.iter().map(row).collect() }
}
