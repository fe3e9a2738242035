//! What `/readyz` looks at: whether events can be taken in, kept, and stored, and with what room left.

use std::sync::atomic::Ordering;

use serde::Serialize;

use super::{Inner, now_us, probe};
use crate::query;

/// One thing that must be so for the server to be ready.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Check {
    /// `log`, `flush`, `commit`, `compaction`, `store`, `keys`, `disk`, `clock` or `stop`.
    #[schema(value_type = String)]
    pub name: &'static str,
    /// What is wrong; absent when all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Figures behind it, by name.
    #[schema(value_type = Object)]
    pub figures: serde_json::Map<String, serde_json::Value>,
}

impl Check {
    fn new(name: &'static str, problem: Option<String>, figures: &[(&str, u64)]) -> Self {
        let figures = figures.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        Self { name, problem, figures }
    }

    /// Whether all is well.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        self.problem.is_none()
    }
}

impl Inner {
    /// All checks, in the order of an event's way.
    pub(super) fn health(&self) -> Vec<Check> {
        let failures = self.tasks.failures();
        let job = |name: &str| failures.iter().find(|(job, _)| *job == name).map(|(_, error)| error.clone());
        let projects = self.projects.all();
        let log = self.wal.stats();
        let hot = self.shared.hot_bytes.load(Ordering::Relaxed) as u64;
        let oldest =
            projects.iter().filter_map(|project| project.hot().oldest).map(|oldest| oldest.elapsed().as_secs());
        let stuck: Vec<String> = projects.iter().filter_map(|project| project.table.trouble()).collect();
        let versions = projects.iter().map(|project| project.snapshot_version().files.len() as u64).sum();
        let stopping = self.shared.stopping.load(Ordering::Relaxed).then(|| "the server is stopping".to_owned());
        vec![
            Check::new(
                "log",
                log.trouble.clone(),
                &[
                    ("used_bytes", log.used_bytes),
                    ("limit_bytes", log.size_max),
                    ("pending_frames", log.pending_frames),
                ],
            ),
            Check::new("flush", job("flush"), &[("hot_bytes", hot), ("oldest_seconds", oldest.max().unwrap_or(0))]),
            Check::new(
                "commit",
                (!stuck.is_empty()).then(|| stuck.join("; ")),
                &[("tables", projects.len() as u64), ("files", versions)],
            ),
            Check::new("compaction", job("compaction"), &[]),
            self.store(),
            Check::new("keys", job("keys"), &[]),
            self.disk(),
            self.clock(),
            Check::new("stop", stopping, &[]),
        ]
    }

    /// Never a problem by itself: events are taken in until the log or memory is full, whose checks say so.
    fn store(&self) -> Check {
        let away = self.projects.storage().away().map_or(0, |away| away.lasting.as_secs().max(1));
        Check::new("store", None, &[("away_seconds", away)])
    }

    fn disk(&self) -> Check {
        let least = self.shared.config.server.disk_free_min;
        let (problem, space) = match probe::space(self.directory.root()) {
            Ok(space) if space.free_bytes < least.0 => {
                (Some(format!("{} bytes are free, less than server.disk_free_min {least}", space.free_bytes)), space)
            }
            Ok(space) if space.free_inodes == 0 && space.inodes > 0 => (Some("no inode is free".into()), space),
            Ok(space) => (None, space),
            Err(error) => (Some(format!("cannot tell the free space: {error}")), probe::Space::default()),
        };
        let figures = [("free_bytes", space.free_bytes), ("free_inodes", space.free_inodes), ("least_bytes", least.0)];
        Check::new("disk", problem, &figures)
    }

    pub(super) fn clock(&self) -> Check {
        let behind_us = self.shared.newest_us.load(Ordering::Relaxed).saturating_sub(now_us()).max(0);
        let behind_s = u64::try_from(behind_us / 1_000_000).unwrap_or(0);
        let most = self.shared.config.server.clock_back_max;
        let problem = (behind_s > most.0.as_secs()).then(|| {
            format!("the clock stands {behind_s} s behind the newest event, more than server.clock_back_max {most}")
        });
        Check::new("clock", problem, &[("behind_seconds", behind_s)])
    }
}

/// Figures of this process, as the system tells them; 0 for what it does not tell.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Process {
    pub(super) started_at_s: u64,
    pub(super) resident_bytes: u64,
    pub(super) open_fds: u64,
    pub(super) max_fds: u64,
}

/// Asks the system.
pub(super) fn process() -> Process {
    let fds = std::fs::read_dir("/proc/self/fd").map_or(0, |entries| entries.count() as u64);
    Process {
        started_at_s: started_at_s().unwrap_or(0),
        resident_bytes: query::resident_bytes(),
        open_fds: fds,
        max_fds: max_fds(),
    }
}

/// The start is in clock ticks since the boot, whose time is in another file.
fn started_at_s() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name may have blanks, but ends with the last parenthesis; the start is the 22nd field.
    let ticks: u64 = stat.rsplit_once(')')?.1.split_whitespace().nth(19)?.parse().ok()?;
    let boot = std::fs::read_to_string("/proc/stat").ok()?;
    let boot: u64 = boot.lines().find_map(|line| line.strip_prefix("btime "))?.trim().parse().ok()?;
    // SAFETY: sysconf reads a constant of the system.
    let per_second = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    Some(boot + ticks / u64::try_from(per_second).ok()?.max(1))
}

fn max_fds() -> u64 {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: getrlimit writes one rlimit to the pointer, which points to one that outlives the call.
    let status = unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) };
    if status == 0 { limit.rlim_cur } else { 0 }
}
