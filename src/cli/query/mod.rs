//! `kronika query`: one SQL question to a server, or to a data directory that no server holds.

pub(super) mod answer;
mod local;
pub(super) mod params;

use std::io::Read;
use std::path::PathBuf;

use serde_json::{Value, json};

use super::CliError;
use super::client::{Call, Client, Policy, Repeat, ServerArgs};
use answer::{Format, Target};
use params::Param;

/// Ask a question in SQL.
///
/// The table is `events`; views and functions are those of the HTTP API. Nothing can be changed this way.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The question; `-` reads it from standard input.
    sql: String,
    /// Value of `$NAME` in the SQL (names that are numbers: of `$1`, `$2`, …); repeat for more.
    ///
    /// Numbers, true, false, null and JSON arrays, objects and quoted strings are taken as such, anything else as text.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    params: Vec<Param>,
    /// Answer without stored files that are damaged or cannot be reached, and say so.
    #[arg(long, conflicts_with = "data_dir")]
    partial: bool,
    /// Form of the answer.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    format: Format,
    #[command(flatten)]
    target: Target,
    /// Ask this data directory instead of a server; none may be running on it.
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// Settings file of the data directory, for tables that lie elsewhere.
    #[arg(long, value_name = "FILE", requires = "data_dir")]
    config: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
}

impl Args {
    pub(crate) async fn run(self) -> Result<(), CliError> {
        let sql = self.sql()?;
        let params = params::collect(&self.params)?;
        if let Some(dir) = self.data_dir {
            let question = local::Question { dir, config: self.config, project: self.server.project, sql, params };
            return local::local_query(question, self.format, &self.target).await;
        }
        let mut question = json!({ "sql": sql, "format": self.format.name() });
        if params != Value::Null {
            question["params"] = params;
        }
        if self.partial {
            question["partial"] = Value::Bool(true);
        }
        let call = Call::post("/api/v1/query", Repeat::Always).json(&question);
        answer::fetch(&Client::new(&self.server, Policy::PROMPT)?, &call, self.format, &self.target).await
    }

    fn sql(&self) -> Result<String, CliError> {
        if self.sql != "-" {
            return Ok(self.sql.clone());
        }
        let mut sql = String::new();
        std::io::stdin().lock().read_to_string(&mut sql).map_err(CliError::file("read", "-"))?;
        Ok(sql)
    }
}
