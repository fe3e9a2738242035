//! `kronika completions` and `kronika man`: what shells and `man` know of the command line, from the same definition.

use std::path::PathBuf;

use clap::CommandFactory;
use clap_complete::Shell;

use super::output::{print, say};
use super::{Cli, CliError};

/// Name of the program.
const NAME: &str = "kronika";

/// Print the completions of a shell.
#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// Which shell, such as bash, zsh or fish.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<(), CliError> {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), NAME, &mut text);
        print(&String::from_utf8_lossy(&text))
    }
}

/// Write the man pages, one for each command.
#[derive(Debug, clap::Args)]
pub(crate) struct Man {
    /// Directory to write them to; it is made where it is missing.
    dir: PathBuf,
}

impl Man {
    pub(crate) fn run(self) -> Result<(), CliError> {
        std::fs::create_dir_all(&self.dir).map_err(CliError::file("make", &self.dir))?;
        clap_mangen::generate_to(Cli::command(), &self.dir).map_err(CliError::file("write man pages to", &self.dir))?;
        say(&format!("man pages are in {}", self.dir.display()))
    }
}
