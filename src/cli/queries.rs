//! `kronika queries`: questions that have a name on the server.

use super::client::{Call, Client, Policy, ServerArgs};
use super::query::answer::{self, Format, Target};
use super::query::params::{Param, path_segment};
use super::{CliError, output};

/// List and ask named queries.
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the named queries with their parameters.
    List {
        /// Print the answer as JSON.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        server: ServerArgs,
    },
    /// Ask one.
    Run {
        /// Name of the query.
        name: String,
        /// A parameter; repeat for more.
        #[arg(long = "param", short, value_name = "NAME=VALUE")]
        params: Vec<Param>,
        /// Form of the answer.
        #[arg(long, value_enum, default_value_t = Format::Table)]
        format: Format,
        #[command(flatten)]
        target: Target,
        #[command(flatten)]
        server: ServerArgs,
    },
}

const ROOT: &str = "/api/v1/queries";

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::List { json, server } => {
                output::show(&Client::new(&server, Policy::PROMPT)?.json(&Call::get(ROOT)).await?, json)
            }
            Self::Run { name, params, format, target, server } => {
                let mut call = Call::get(format!("{ROOT}/{}", path_segment(&name))).query("format", format.name());
                for param in params {
                    call = call.query(param.name, param.text);
                }
                answer::fetch(&Client::new(&server, Policy::PROMPT)?, &call, format, &target).await
            }
        }
    }
}
