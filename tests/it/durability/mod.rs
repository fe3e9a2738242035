//! Durability, proved: what `docs/durability.md` promises, each with a test here or named there.

mod backup;
mod crash;
mod disk;
mod load;
mod power;
mod rot;
mod store;
mod verify;

use std::process::Output;
use std::sync::Arc;

use serde_json::Value;

use super::common::{Home, kronika};

/// Runs a command of the program on a home's directory under its settings.
fn run(home: &Arc<Home>, words: &[&str]) -> Output {
    let config = home.path("kronika.toml");
    let mut command = kronika();
    command.args(words).arg("--data-dir").arg(home.data_dir());
    if config.exists() {
        command.arg("--config").arg(config);
    }
    command.output().unwrap()
}

/// What `kronika verify` finds, and its exit code.
#[track_caller]
fn verify(home: &Arc<Home>, deep: bool) -> (Option<i32>, Value) {
    let words: &[&str] = if deep { &["verify", "--json", "--deep"] } else { &["verify", "--json"] };
    let output = run(home, words);
    let found = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    (output.status.code(), found)
}

/// Nothing is damaged, says a deep look.
#[track_caller]
fn assert_sound(home: &Arc<Home>, when: &str) -> Value {
    let (code, found) = verify(home, true);
    assert_eq!((code, &found["damage"]), (Some(0), &serde_json::json!([])), "{when}: {found:#}");
    found
}

/// A number from the environment.
fn number(name: &str, default: usize) -> usize {
    std::env::var(name).ok().map_or(default, |text| text.parse().unwrap())
}
