//! `kronika move`: the tables of a data directory to another place.

use indicatif::{HumanBytes, ProgressBar};
use serde_json::{Value, json};

use super::CliError;
use super::output;
use super::settings::{SettingsArgs, StoreOptions};
use crate::engine::{EngineError, hold, storage_of};
use crate::event::names::ProjectName;
use crate::table::{Copied, Progress, copy_project};

const BAR: &str = "{prefix} {wide_bar} {bytes}/{total_bytes} ETA {eta}";

/// Copy all tables to another place, such as an object store.
///
/// Reads the settings of the server, which may be running: then most of the work is done while it serves, and
/// a second pass after its stop copies what came meanwhile. A pass that was broken off goes on where it was.
/// Everything copied is read back and compared. What is in the old place stays there.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The new place: a directory, file://, s3://, gs:// or az:// URL.
    #[arg(long, value_name = "URL")]
    to: String,
    #[command(flatten)]
    store: StoreOptions,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

impl Args {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let config = self.settings.resolve()?;
        // Nobody may write while the last pass runs; beside a server this is not the last one.
        let held = match hold(&config.server.data_dir) {
            Ok(held) => Some(held),
            Err(EngineError::Locked { .. }) => None,
            Err(error) => return Err(CliError::engine(error)),
        };
        let from = storage_of(&config).map_err(CliError::engine)?;
        let to = self.store.open(&self.to, Some(config.storage.retry_timeout))?;
        if from.display_url(from.prefix()) == to.display_url(to.prefix()) {
            return Err(CliError::Usage(format!("the tables lie at `{}` already", self.to)));
        }
        let projects = from.projects().await.map_err(CliError::engine)?;
        to.begin_move(&from, &projects).await.map_err(CliError::engine)?;
        let mut copied = Vec::new();
        for project in projects {
            let bar = Bar::new(&project, self.json);
            let done = copy_project(&from, &to, &project, &bar).await.map_err(CliError::engine)?;
            bar.finish();
            copied.push((project, done));
        }
        if held.is_some() {
            to.end_move().await.map_err(CliError::engine)?;
        }
        self.tell(&copied, held.is_some())
    }

    fn tell(&self, copied: &[(ProjectName, Copied)], complete: bool) -> Result<(), CliError> {
        if self.json {
            let one = |(project, done): &(ProjectName, Copied)| {
                json!({"project": project, "version": done.version, "events": done.rows, "files_copied": done.files,
                       "bytes_copied": done.bytes, "files_kept": done.kept})
            };
            let projects: Value = copied.iter().map(one).collect();
            return output::say(&format!("{:#}", json!({"to": self.to, "complete": complete, "projects": projects})));
        }
        for (project, done) in copied {
            output::say(&format!(
                "{project}: version {} with {} events is there; {} files ({}) copied, {} were there",
                done.version,
                done.rows,
                done.files,
                HumanBytes(done.bytes),
                done.kept
            ))?;
        }
        output::say(&match complete {
            true => format!(
                "Everything is at `{0}`. Set storage.url = \"{0}\" before the next start: what was taken in and is in no table \
                 yet goes there from the log.",
                self.to
            ),
            false => {
                "A server is running: stop it, run this again for what came meanwhile, then set storage.url. A start \
                      at the new place before that is refused: it would lack those events."
                    .to_owned()
            }
        })
    }
}

/// A bar on a terminal, nothing elsewhere.
struct Bar(ProgressBar);

impl Bar {
    fn new(project: &ProjectName, quiet: bool) -> Self {
        Self(output::bar(BAR, 0, quiet).with_prefix(project.to_string()))
    }

    fn finish(&self) {
        self.0.finish_and_clear();
    }
}

impl Progress for Bar {
    fn expects(&self, bytes: u64) {
        self.0.set_length(self.0.position() + bytes);
    }

    fn copied(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}
