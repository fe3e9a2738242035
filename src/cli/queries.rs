//! `kronika queries`: questions that have a name on the server.

use serde::Deserialize;

use super::CliError;
use super::client::{Call, Client, Policy, ServerArgs};
use super::output::{self, Column, Table};
use super::query::answer::{self, Format, Target};
use super::query::params::{Param, path_segment};

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

/// What a list needs to say of a query; `--json` shows all.
#[derive(Debug, Deserialize)]
struct Listed {
    name: String,
    title: String,
    #[serde(default)]
    parameters: Vec<Parameter>,
}

#[derive(Debug, Deserialize)]
struct Parameter {
    name: String,
    #[serde(default)]
    required: bool,
}

fn table(queries: &[Listed]) -> Table {
    let columns = ["name", "title", "parameters (* needed)"];
    let columns = columns.map(|name| Column { name: name.into(), right: false }).to_vec();
    let row = |query: &Listed| {
        let needed = |parameter: &Parameter| if parameter.required { "*" } else { "" };
        let parameters = query.parameters.iter().map(|parameter| format!("{}{}", parameter.name, needed(parameter)));
        vec![Some(query.name.clone()), Some(query.title.clone()), Some(parameters.collect::<Vec<_>>().join(" "))]
    };
    Table { columns, rows: queries.iter().map(row).collect() }
}

impl Command {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        match self {
            Self::List { json, server } => {
                let client = Client::new(&server, Policy::PROMPT)?;
                if json {
                    return output::show(&client.json(&Call::get(ROOT)).await?, true);
                }
                let queries: Vec<Listed> = client.json(&Call::get(ROOT)).await?;
                output::say(table(&queries).render(output::terminal_width()).trim_end_matches('\n'))
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

#[cfg(test)]
mod tests;
