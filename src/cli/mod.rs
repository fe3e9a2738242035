//! The command line: one file a command, and what they share.
//!
//! Commands talk to a server through the public HTTP API (`client`), run one (`serve`, `demo`), or read a
//! directory that no server holds. Nothing else in the crate prints. Errors become exit codes in `error`;
//! only `main` ends the process.

mod alerts;
mod backup;
mod client;
mod compact;
mod config;
mod demo;
mod doctor;
mod error;
mod export;
mod flush;
mod generate;
mod import;
mod jobs;
mod keys;
mod ledger;
mod logs;
mod manual;
mod mappings;
mod output;
mod projects;
mod queries;
mod query;
mod quota;
mod reconcile;
mod relocate;
mod serve;
mod settings;
mod supervisor;
mod tail;
mod verify;
mod wal;

use clap::{Parser, Subcommand};

pub use client::Problem;
pub use error::CliError;
pub use import::InputError;

/// Kronika: a columnar event journal. Send it events over HTTP, ask in SQL.
#[derive(Debug, Parser)]
#[command(name = "kronika", version, max_term_width = 110, propagate_version = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
enum Command {
    Serve(serve::Args),
    Demo(demo::Args),
    Import(import::Args),
    Reconcile(Box<reconcile::Args>),
    Query(query::Args),
    Tail(tail::Args),
    #[command(subcommand)]
    Alerts(alerts::Command),
    Export(Box<export::Args>),
    #[command(subcommand)]
    Exports(export::Command),
    #[command(subcommand)]
    Queries(queries::Command),
    #[command(subcommand)]
    Mappings(mappings::Command),
    #[command(subcommand)]
    Projects(projects::Command),
    #[command(subcommand)]
    Keys(keys::Command),
    Ledger(ledger::Args),
    #[command(subcommand)]
    DeadLetters(ledger::DeadLetters),
    Flush(flush::Args),
    Compact(compact::Args),
    #[command(subcommand)]
    Jobs(jobs::Command),
    Generate(generate::Args),
    #[command(subcommand)]
    Wal(wal::Command),
    #[command(subcommand)]
    Config(config::Command),
    Doctor(doctor::Args),
    Move(relocate::Args),
    Verify(verify::Args),
    Backup(backup::BackupArgs),
    Restore(backup::RestoreArgs),
    Completions(manual::Completions),
    Man(manual::Man),
}

impl Cli {
    /// Starts the log on standard error; that of a server starts once its settings are read.
    ///
    /// # Errors
    /// The filter of the log is none.
    pub fn start_log(&self) -> Result<(), CliError> {
        match self.command {
            Command::Serve(_) => Ok(()),
            _ => logs::start_quiet(),
        }
    }

    /// How many threads the command cannot do without.
    #[must_use]
    pub fn threads(&self) -> usize {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        match self.command {
            // Runtimes of requests and of queries, parsers, log, publisher, planners, and some for blocking work.
            Command::Serve(_) | Command::Demo(_) => 16 + 4 * cores,
            _ => 2 + cores,
        }
    }

    /// Runs the command to its end.
    ///
    /// # Errors
    /// Whatever ended it early; [`CliError::exit_code`] says what the process should end with.
    pub async fn run(self) -> Result<(), CliError> {
        // The first three end in their own way when a signal comes; the others are simply left off.
        match self.command {
            Command::Serve(args) => args.run().await,
            Command::Demo(args) => args.run().await,
            Command::Import(args) => args.run().await,
            Command::Reconcile(args) => or_ctrl_c(args.run()).await,
            Command::Query(args) => or_ctrl_c(args.run()).await,
            Command::Tail(args) => or_ctrl_c(args.run()).await,
            Command::Alerts(command) => or_ctrl_c(command.run()).await,
            Command::Export(args) => or_ctrl_c(args.run()).await,
            Command::Exports(command) => or_ctrl_c(command.run()).await,
            Command::Queries(command) => or_ctrl_c(command.run()).await,
            Command::Mappings(command) => or_ctrl_c(command.run()).await,
            Command::Projects(command) => or_ctrl_c(command.run()).await,
            Command::Keys(command) => or_ctrl_c(command.run()).await,
            Command::Ledger(args) => or_ctrl_c(args.run()).await,
            Command::DeadLetters(command) => or_ctrl_c(command.run()).await,
            Command::Flush(args) => or_ctrl_c(args.run()).await,
            Command::Compact(args) => or_ctrl_c(args.run()).await,
            Command::Jobs(command) => or_ctrl_c(command.run()).await,
            Command::Generate(args) => or_ctrl_c(args.run()).await,
            Command::Wal(command) => or_ctrl_c(command.run()).await,
            Command::Config(command) => command.run(),
            Command::Doctor(args) => or_ctrl_c(args.run()).await,
            Command::Move(args) => or_ctrl_c(args.run()).await,
            Command::Verify(args) => or_ctrl_c(args.run()).await,
            Command::Backup(args) => or_ctrl_c(args.run()).await,
            Command::Restore(args) => or_ctrl_c(args.run()).await,
            Command::Completions(args) => args.run(),
            Command::Man(args) => args.run(),
        }
    }
}

/// Lets go of the work at Ctrl-C, so that unfinished files are removed.
async fn or_ctrl_c(work: impl Future<Output = Result<(), CliError>>) -> Result<(), CliError> {
    tokio::select! {
        result = work => result,
        Ok(()) = tokio::signal::ctrl_c() => Err(CliError::Interrupted),
    }
}

/// Installs the TLS implementation that HTTP clients of this process use.
pub fn install_tls() {
    // It fails only when one is installed already, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
