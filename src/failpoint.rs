//! Named places at which a test lets the process die, or an operation fail.
//!
//! `KRONIKA_FAILPOINTS="wal.synced=abort@3;table.commit=error:28"` arms two of [`POINTS`]: at its third call the
//! first one ends the process without any tidying up, as a power cut would; every call of the second fails with
//! ENOSPC. Where the variable is not set, a call is one relaxed load of a flag.
//!
//! | action | meaning |
//! |---|---|
//! | `abort` | the process ends at once (SIGABRT) |
//! | `error:N` | the operation fails with the system's error N |
//! | `sleep:N` | it takes N ms longer |
//!
//! `@N` behind it: at the Nth call only; `@N-M`: at the Nth to Mth; `@N+`: from the Nth call on. Without: at each call.

use std::collections::BTreeMap;
use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The variable that arms points.
pub const VARIABLE: &str = "KRONIKA_FAILPOINTS";

/// All points, by the way of an event.
pub const POINTS: [&str; 29] = [
    "wal.write",
    "wal.written",
    "wal.synced",
    "wal.prepare",
    "wal.renamed",
    "wal.retire",
    "wal.retired",
    "publish.visible",
    "ingest.answer",
    "flush.begin",
    "disk.write",
    "disk.sync",
    "table.upload",
    "table.uploaded",
    "table.commit",
    "table.committed",
    "table.published",
    "flush.ids",
    "flush.forget",
    "table.checkpoint",
    "table.checkpointed",
    "compact.read",
    "compact.written",
    "compact.committed",
    "vacuum.delete",
    "state.write",
    "state.written",
    "export.write",
    "export.written",
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Action {
    Abort,
    Error(i32),
    Sleep(u64),
}

#[derive(Debug)]
struct Point {
    action: Action,
    /// First and last call that it acts at.
    calls: (u64, u64),
    seen: AtomicU64,
}

type Armed = BTreeMap<&'static str, Point>;

static ARMED: OnceLock<Armed> = OnceLock::new();

/// Passes the point `name`.
///
/// # Errors
/// The one that the point is armed with.
#[inline]
pub fn pass(name: &'static str) -> io::Result<()> {
    let armed = ARMED.get_or_init(from_environment);
    if armed.is_empty() { Ok(()) } else { act(armed, name) }
}

/// As [`pass`], where nothing can fail: an error is none there.
#[inline]
pub fn at(name: &'static str) {
    if let Err(error) = pass(name) {
        tracing::warn!(point = name, %error, "a failure that this place cannot have");
    }
}

/// Reads the variable, so that what is wrong in it is known before anything else happens.
///
/// # Errors
/// What is wrong, as a sentence.
pub fn check() -> Result<(), String> {
    match std::env::var(VARIABLE) {
        Ok(text) => parse(&text).map(|_| ()),
        Err(std::env::VarError::NotPresent) => Ok(()),
        Err(error) => Err(format!("{VARIABLE}: {error}")),
    }
}

fn from_environment() -> Armed {
    let text = std::env::var(VARIABLE).unwrap_or_default();
    let armed = parse(&text).unwrap_or_else(|error| {
        tracing::error!(%error, "no failpoint is armed");
        Armed::new()
    });
    for (name, point) in &armed {
        tracing::warn!(point = name, action = ?point.action, "a failpoint is armed: this is a test");
    }
    armed
}

#[cold]
fn act(armed: &Armed, name: &str) -> io::Result<()> {
    debug_assert!(POINTS.contains(&name), "`{name}` is not in the list");
    let Some(point) = armed.get(name) else { return Ok(()) };
    let call = 1 + point.seen.fetch_add(1, Ordering::Relaxed);
    if call < point.calls.0 || call > point.calls.1 {
        return Ok(());
    }
    match point.action {
        // No destructor, no buffer, no exit handler runs.
        Action::Abort => std::process::abort(),
        Action::Error(code) => Err(io::Error::from_raw_os_error(code)),
        Action::Sleep(ms) => {
            std::thread::sleep(Duration::from_millis(ms));
            Ok(())
        }
    }
}

fn parse(text: &str) -> Result<Armed, String> {
    let parts = text.split(';').map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| parse_one(part).ok_or_else(|| wrong(part))).collect()
}

fn wrong(part: &str) -> String {
    format!(
        "`{part}` arms no failpoint: write NAME=abort|error:N|sleep:N, with @N, @N-M or @N+ for calls; names are {}",
        POINTS.join(", ")
    )
}

fn parse_one(part: &str) -> Option<(&'static str, Point)> {
    let (name, rest) = part.split_once('=')?;
    let name = POINTS.iter().find(|known| **known == name)?;
    let (action, calls) = rest.split_once('@').map_or((rest, None), |(action, calls)| (action, Some(calls)));
    let calls = match calls {
        None => (1, u64::MAX),
        Some(calls) => match (calls.strip_suffix('+'), calls.split_once('-')) {
            (Some(first), _) => (first.parse().ok()?, u64::MAX),
            (None, Some((first, last))) => (first.parse().ok()?, last.parse().ok()?),
            (None, None) => (calls.parse().ok()?, calls.parse().ok()?),
        },
    };
    let action = match action.split_once(':') {
        None if action == "abort" => Action::Abort,
        Some(("error", code)) => Action::Error(code.parse().ok()?),
        Some(("sleep", ms)) => Action::Sleep(ms.parse().ok()?),
        _ => return None,
    };
    Some((name, Point { action, calls, seen: AtomicU64::new(0) }))
}

#[cfg(test)]
mod tests;
