//! The walks of `docs/operations.md` and `docs/retention.md`: every command, each walk in one shell, in an empty directory.

use std::fmt::Write as _;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use super::common::skipped;
use super::common::stores::{Kind, Store};

const OPERATIONS: &str = include_str!("../../docs/operations.md");
const RETENTION: &str = include_str!("../../docs/retention.md");

const ON_S3: &str = "The years after: tables on S3";

/// Fenced blocks: what stands behind the fence, line of the fence, text.
fn blocks(page: &str) -> Vec<(String, usize, String)> {
    let (mut found, mut open): (Vec<(String, usize, String)>, bool) = (Vec::new(), false);
    for (at, line) in page.lines().enumerate() {
        match line.strip_prefix("```") {
            Some(_) if open => open = false,
            Some(language) => {
                open = true;
                found.push((language.to_owned(), at + 1, String::new()));
            }
            None if open => found.last_mut().unwrap().2.push_str(&format!("{line}\n")),
            None => {}
        }
    }
    found
}

/// The commands as one script that says which block it has reached.
fn script(page: &str, least: usize) -> String {
    // With `set -m` each server is a group of its own, which the end of the shell's does not end.
    let mut script = "set -euo pipefail\nset -m\ntrap 'kill -9 $(jobs -p) 2> /dev/null || true' EXIT\n".to_owned();
    let mut count = 0;
    for (language, line, text) in blocks(page) {
        match language.as_str() {
            "sh" => {
                count += 1;
                writeln!(script, "echo '### line {line}'\n{text}").unwrap();
            }
            other => assert!(
                other.strip_prefix("sh not run: ").is_some_and(|reason| reason.len() > 10),
                "line {line}: `{other}` is neither run nor says why not"
            ),
        }
    }
    assert!(count >= least, "only {count} blocks were found");
    script + "echo '### end'\n"
}

/// Ends everything that the script started.
struct Group(i32);

impl Drop for Group {
    fn drop(&mut self) {
        // SAFETY: the group is of the shell that was started here; where all of it has ended nothing is hit,
        // because its id stays taken until the shell is waited for, which happens after this or just before.
        unsafe { libc::kill(-self.0, libc::SIGKILL) };
    }
}

/// The parts of a page that begin with a heading of the first rank, by their headings.
fn parts(page: &str) -> Vec<(&str, String)> {
    let (mut parts, mut is_code): (Vec<(&str, String)>, bool) = (Vec::new(), false);
    for line in page.lines() {
        is_code ^= line.starts_with("```");
        match line.strip_prefix("# ").filter(|_| !is_code) {
            Some(heading) => parts.push((heading, String::new())),
            None => writeln!(parts.last_mut().unwrap().1, "{line}").unwrap(),
        }
    }
    parts
}

/// The part of a page under this heading.
fn part(page: &str, heading: &str) -> String {
    let found = parts(page).into_iter().find(|(found, _)| *found == heading);
    found.unwrap_or_else(|| panic!("there is no part `{heading}`")).1
}

/// Walks through a page with at least `least` blocks of commands; the directory, and what was said.
fn walk(page: &str, least: usize, env: &[(&str, &str)]) -> Option<(tempfile::TempDir, String)> {
    for tool in ["curl", "openssl"] {
        if Command::new(tool).arg("version").output().is_err() {
            return skipped(&format!("{tool} is not installed"));
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let program = Path::new(env!("CARGO_BIN_EXE_kronika")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let said = std::fs::File::create(dir.path().join("said")).unwrap();
    std::fs::create_dir(dir.path().join("walk")).unwrap();
    let mut shell = Command::new("timeout")
        .args(["-k", "1", "240", "bash", "-c"])
        .arg(script(page, least).replace(":7700", &format!(":{port}")))
        .current_dir(dir.path().join("walk"))
        .env("PATH", path)
        .env("HOME", dir.path())
        .envs(env.iter().copied())
        .stdin(Stdio::null())
        .stdout(said.try_clone().unwrap())
        .stderr(said)
        .process_group(0)
        .spawn()
        .unwrap();
    let group = Group(i32::try_from(shell.id()).unwrap());
    let status = shell.wait().unwrap();
    drop(group);
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap_or_default();
    let said = read("said");
    let log = read("walk/server.log");
    assert!(status.success() && said.contains("### end"), "{status}\n{said}\n--- log\n{log}");
    Some((dir, said))
}

#[test]
fn every_command_of_the_walk_works() {
    let Some((dir, said)) = walk(&part(OPERATIONS, "Running a server"), 10, &[]) else { return };
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap_or_default();
    let (secret, log) = (read("walk/etc/admin.key"), read("walk/server.log"));
    assert!(secret.starts_with("krn_") && !log.contains(secret.trim()) && !said.contains(secret.trim()));
}

#[test]
fn no_part_with_commands_is_left_out() {
    let commands = |(heading, text): (&'static str, String)| (!blocks(&text).is_empty()).then_some(heading);
    let walked: Vec<_> = parts(OPERATIONS).into_iter().filter_map(commands).collect();
    assert_eq!(walked, ["Running a server", ON_S3]);
}

/// Fill, dry run, hold, erasure, verify, backup, and a restore on an empty machine: the same events.
#[tokio::test(flavor = "multi_thread")]
async fn an_operator_walks_through_the_years_on_s3() {
    let Some(store) = Store::start(Kind::Weed).await else { return };
    let url = store.url();
    let env = [("S3", url.as_str()), ("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "testtest")];
    let Some((dir, said)) = walk(&part(OPERATIONS, ON_S3), 6, &env) else { return };
    let read = |name: &str| std::fs::read_to_string(dir.path().join("walk").join(name)).unwrap();
    let (after, log) = (read("after.csv"), read("server.log"));
    assert_eq!((after.lines().count(), after.contains("person-3-of-eu")), (17, false), "{after}");
    assert!(!log.contains("panicked") && !said.contains("DAMAGED"), "{said}\n{log}");
}

#[test]
fn an_administrator_walks_through_retention_hold_and_erasure() {
    let Some((dir, _)) = walk(RETENTION, 6, &[]) else { return };
    assert!(!std::fs::read_to_string(dir.path().join("walk/server.log")).unwrap().contains("panicked"));
}
