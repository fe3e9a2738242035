//! `kronika projects`: the isolated journals of a server.

use serde_json::json;

use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use super::query::params::path_segment;
use super::quota::{Part, quota};
use super::{CliError, output};

/// List, make and delete projects.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the projects of a server (admin keys).
    List {
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Make a project (admin keys).
    Create {
        /// Its name: lower-case letters, digits and `-`, at most 63.
        name: String,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Show what a project may ask for, or give it another quota (admin keys).
    Quota {
        /// Its name.
        name: String,
        /// Parts of the new quota, such as `events_per_second=5000`; parts that are not named are what the server's settings say.
        #[arg(value_name = "NAME=VALUE")]
        parts: Vec<Part>,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Delete a project with all its events and keys, for good (admin keys).
    Delete {
        /// Its name.
        name: String,
        /// The name once more, so that none is deleted by mistake.
        #[arg(long, value_name = "NAME")]
        confirm: String,
        #[command(flatten)]
        server: ServerArgs,
    },
    #[command(subcommand)]
    Redaction(Redaction),
}

/// What is blanked in a project's events before anything is stored, besides what the server's settings say.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Redaction {
    /// Show the project's own rules and all that are in force.
    Show {
        /// Name of the project.
        name: String,
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Replace the project's own rules; without any, it has none of its own.
    Set {
        /// Name of the project.
        name: String,
        /// Path of a JSON value, such as `card.number`; `*` is any key. May be repeated.
        #[arg(long = "path", value_name = "PATH")]
        paths: Vec<String>,
        /// Name of a header, in any case. May be repeated.
        #[arg(long = "header", value_name = "NAME")]
        headers: Vec<String>,
        /// Name of a parameter of URLs and forms, in any case. May be repeated.
        #[arg(long = "parameter", value_name = "NAME")]
        parameters: Vec<String>,
        #[command(flatten)]
        server: ServerArgs,
    },
}

impl Redaction {
    async fn run(self) -> Result<(), CliError> {
        let path = |name: &str| format!("/api/v1/projects/{}/redaction", path_segment(name));
        match self {
            Self::Show { name, json, server } => {
                let call = Call::get(path(&name));
                output::show(&Client::new(&server, Policy::PROMPT)?.json(&call).await?, json)
            }
            Self::Set { name, paths, headers, parameters, server } => {
                let rules = json!({ "headers": headers, "parameters": parameters, "paths": paths });
                let call = Call::put(path(&name)).json(&rules);
                Client::new(&server, Policy::PROMPT)?.send(&call).await?;
                output::say(&format!("redaction of project {name} is changed"))
            }
        }
    }
}

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let (call, json, server) = match self {
            Self::List { json, server } => (Call::get("/api/v1/projects"), json, server),
            Self::Create { name, json, server } => {
                let call = Call::post("/api/v1/projects", Repeat::Untouched).json(&json!({ "name": name }));
                (call, json, server)
            }
            Self::Quota { name, parts, json, server } => {
                let path = format!("/api/v1/projects/{}/quota", path_segment(&name));
                let call = if parts.is_empty() { Call::get(path) } else { Call::put(path).json(&quota(&parts)) };
                (call, json, server)
            }
            Self::Delete { name, confirm, server } => {
                let path = format!("/api/v1/projects/{}", path_segment(&name));
                let call = Call::delete(path, Repeat::Untouched).query("confirm", confirm);
                Client::new(&server, Policy::PROMPT)?.send(&call).await?;
                return output::say(&format!("project {name} is deleted"));
            }
            Self::Redaction(command) => return command.run().await,
        };
        output::show(&Client::new(&server, Policy::PROMPT)?.json(&call).await?, json)
    }
}
