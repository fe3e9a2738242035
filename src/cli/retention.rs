//! `kronika retention`: how long events are kept, what would go, and letting it go.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::query::params::path_segment;
use super::{CliError, output};

/// Show and set how long events are kept, and let old ones go (admin keys).
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List how long events are kept, in all projects.
    List {
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Replace the policy of a project; without options it is what the server's settings say.
    Set {
        /// Name of the project.
        name: String,
        /// How long: `forever`, or days such as `400d`.
        #[arg(long, value_name = "KEEP")]
        keep: Option<String>,
        /// The same for one module, such as `logs=30d`; `=30d` is for events without a module. May be repeated.
        #[arg(long = "module", value_name = "MODULE=KEEP")]
        modules: Vec<Module>,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show what would go now: events, bytes, partitions, the oldest and the newest day.
    DryRun {
        /// Name of the project.
        name: String,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Let go now what is too old.
    Run {
        /// Name of the project.
        name: String,
        /// The `plan` of a dry run, where it needs to be confirmed.
        #[arg(long, value_name = "PLAN")]
        confirm: Option<String>,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
}

/// A module and how long its events are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Module(String, String);

impl FromStr for Module {
    type Err = String;

    /// The last `=` parts the two: names of modules may have one.
    fn from_str(text: &str) -> Result<Self, String> {
        let (module, keep) = text.rsplit_once('=').ok_or("say MODULE=KEEP, such as logs=30d")?;
        Ok(Self(module.to_owned(), keep.to_owned()))
    }
}

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let root = |name: &str| format!("/api/v1/retention/{}", path_segment(name));
        let (call, json, server) = match self {
            Self::List { json, server } => (Call::get("/api/v1/retention"), json, server),
            Self::Set { name, keep, modules, json, server } => {
                (Call::put(root(&name)).json(&policy(keep, modules)), json, server)
            }
            Self::DryRun { name, json, server } => (Call::get(format!("{}/plan", root(&name))), json, server),
            Self::Run { name, confirm, json, server } => {
                let body = confirm.map_or_else(|| json!({}), |plan| json!({ "confirm": plan }));
                (Call::post(format!("{}/run", root(&name)), Repeat::Untouched).json(&body), json, server)
            }
        };
        output::show(&Client::new(&server, Policy::PROMPT)?.json(&call).await?, json)
    }
}

fn policy(keep: Option<String>, modules: Vec<Module>) -> Value {
    let mut policy = Map::new();
    policy.extend(keep.map(|keep| ("keep".to_owned(), keep.into())));
    let modules: Map<String, Value> = modules.into_iter().map(|Module(name, keep)| (name, keep.into())).collect();
    policy.insert("modules".into(), modules.into());
    policy.into()
}

#[cfg(test)]
mod tests;
