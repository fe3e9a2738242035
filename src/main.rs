//! The program: parses the command line, runs the command, says what went wrong, ends with its code.

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use kronika::cli::{self, Cli, CliError};

fn main() -> ExitCode {
    let command = Cli::parse();
    if let Err(error) = command.start_log() {
        return ended(&error);
    }
    cli::install_tls();
    if let Err(source) = spare_threads(command.threads()) {
        return ended(&no_threads(source));
    }
    kronika::priority::come_first();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(source) => return ended(&no_threads(source)),
    };
    let result = runtime.block_on(command.run());
    // A blocking read of a large file must not hold up the end.
    runtime.shutdown_background();
    result.map_or_else(|error| ended(&error), |()| ExitCode::SUCCESS)
}

/// Whether the system lets this process have `count` threads: where it does not, runtimes panic.
fn spare_threads(count: usize) -> std::io::Result<()> {
    let gate = std::sync::Mutex::new(());
    let held = gate.lock();
    std::thread::scope(|scope| {
        // All wait at the gate, so that they are there at once.
        let wait = || drop(gate.lock());
        let started = (0..count).try_for_each(|_| std::thread::Builder::new().spawn_scoped(scope, wait).map(|_| ()));
        drop(held);
        started
    })
}

fn no_threads(source: std::io::Error) -> CliError {
    CliError::File { action: "start threads for", path: "kronika".into(), source }
}

fn ended(error: &CliError) -> ExitCode {
    if error.exit_code() != 0 {
        // Without standard error the exit code has to say it all.
        let _ = std::io::stderr().lock().write_all(error.text().as_bytes());
    }
    error.into()
}
