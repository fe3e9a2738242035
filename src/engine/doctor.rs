//! What `kronika doctor` looks at: everything that a server counts on outside of itself.
//!
//! It may run beside a server: it takes no lock and leaves nothing behind.

use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::probe::{self, Tried};
use super::{EngineError, directory, now_s};
use crate::config::Config;
use crate::error::Report;
use crate::table::Storage;

/// Slower syncs make every batch wait.
const SYNC_SLOW: Duration = Duration::from_millis(100);
/// Slower answers of a store make flushes fall behind.
const STORE_SLOW: Duration = Duration::from_secs(2);
/// No clock of a running machine stands before this program was written (1 January 2026).
const CLOCK_LEAST_S: i64 = 1_767_225_600;
/// File systems that forget or share, by the number that `statfs` gives them.
const FILE_SYSTEMS: [(i64, &str); 4] = [
    (0x6969, "NFS: locks and syncs depend on its server"),
    (0x0102_1994, "tmpfs: its files are gone after a restart of the machine"),
    (0x794c_7630, "overlay, as in a container without a volume: its files may go with the container"),
    (0x8584_58f6, "ramfs: its files are gone after a restart of the machine"),
];

/// How a look at something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// A server runs, but somebody should look at it.
    Warn,
    /// A server does not start or loses data.
    Fail,
}

/// What was looked at and found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub what: String,
    /// How it is.
    pub verdict: Verdict,
    /// What was found.
    pub found: String,
    /// What to do; empty when all is well.
    pub advice: String,
}

impl Finding {
    fn new(what: impl Into<String>, verdict: Verdict, found: impl Into<String>, advice: &str) -> Self {
        let advice = if verdict == Verdict::Ok { String::new() } else { advice.to_owned() };
        Self { what: what.into(), verdict, found: found.into(), advice }
    }
}

/// Looks at everything that `config` names.
pub async fn examine(config: &Config) -> Vec<Finding> {
    let root = &config.server.data_dir;
    let mut findings = Vec::new();
    // What is not there yet will be made, on the disk of the nearest directory that is.
    let existing = root.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("."));
    let existing = if existing.as_os_str().is_empty() { Path::new(".") } else { existing };
    if existing == root {
        findings.push(identity(root));
    } else {
        let found = format!("`{}` does not exist; a server makes it", root.display());
        findings.push(Finding::new("data directory", Verdict::Ok, found, ""));
    }
    findings.extend(probe::try_all(existing).into_iter().map(tried));
    findings.push(space(existing, config.server.disk_free_min.0));
    findings.push(file_system(existing));
    findings.push(clock(root, config.server.clock_back_max.0));
    findings.push(descriptors(config.server.connections_max as u64));
    findings.extend(store(config, root.is_dir()).await);
    findings
}

fn identity(root: &Path) -> Finding {
    let what = "data directory";
    let advice = |error: &EngineError| error.hint().unwrap_or_default();
    match directory::Directory::look(root) {
        Ok(format) => Finding::new(what, Verdict::Ok, format!("`{}`, {format}", root.display()), ""),
        Err(error) => Finding::new(what, Verdict::Fail, error.to_string(), &advice(&error)),
    }
}

fn tried(Tried { what, outcome }: Tried) -> Finding {
    match outcome {
        Ok(took) if took > SYNC_SLOW => {
            let advice = "every batch waits for a sync: use a faster disk, or expect slow answers to senders";
            Finding::new(what, Verdict::Warn, format!("took {took:.1?}"), advice)
        }
        Ok(took) => Finding::new(what, Verdict::Ok, format!("{took:.1?}"), ""),
        Err(error) => {
            let advice = "give the server a directory of a local disk that it owns and may write";
            Finding::new(what, Verdict::Fail, error.to_string(), advice)
        }
    }
}

fn space(path: &Path, least: u64) -> Finding {
    let advice = "make room, or choose another disk: a server without room takes nothing in";
    match probe::space(path) {
        Ok(space) => {
            let few = space.inodes > 0 && space.free_inodes < 10_000;
            let verdict = if space.free_bytes < least || (few && space.free_inodes == 0) {
                Verdict::Fail
            } else if space.free_bytes < least.saturating_mul(4) || few {
                Verdict::Warn
            } else {
                Verdict::Ok
            };
            let found = format!("{} MiB and {} inodes are free", space.free_bytes >> 20, space.free_inodes);
            Finding::new("space", verdict, found, advice)
        }
        Err(error) => Finding::new("space", Verdict::Fail, error.to_string(), advice),
    }
}

fn file_system(path: &Path) -> Finding {
    let what = "file system";
    match kind_of(path) {
        Ok(kind) => match FILE_SYSTEMS.iter().find(|(number, _)| *number == kind) {
            Some((_, name)) => Finding::new(what, Verdict::Warn, *name, "keep the data directory on a local disk"),
            None => Finding::new(what, Verdict::Ok, "a local one", ""),
        },
        Err(error) => Finding::new(what, Verdict::Warn, error.to_string(), "look at the mount of the data directory"),
    }
}

fn kind_of(path: &Path) -> io::Result<i64> {
    use std::os::unix::ffi::OsStrExt;
    let name = std::ffi::CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: all zeros are a statfs; the call fills it.
    let mut found: libc::statfs = unsafe { std::mem::zeroed() };
    // SAFETY: the name is a C string and `found` one statfs, both outlive the call.
    let status = unsafe { libc::statfs(name.as_ptr(), &raw mut found) };
    if status == 0 { Ok(found.f_type) } else { Err(io::Error::last_os_error()) }
}

fn clock(root: &Path, back_max: Duration) -> Finding {
    let advice = "set the clock, and let it follow a time server: events get their time of arrival from it";
    let now = now_s();
    if now < CLOCK_LEAST_S {
        return Finding::new("clock", Verdict::Fail, format!("it stands at {now} s since 1970"), advice);
    }
    let newest =
        [root.join("wal"), root.join("receipts"), root.to_path_buf()].iter().filter_map(|dir| newest(dir)).max();
    let ahead = newest.and_then(|newest| newest.duration_since(SystemTime::now()).ok()).unwrap_or_default();
    if ahead > back_max {
        let found = format!("files of the data directory are {} s newer than the clock", ahead.as_secs());
        return Finding::new("clock", Verdict::Fail, found, advice);
    }
    Finding::new("clock", Verdict::Ok, "not behind the files", "")
}

/// Newest change of a file in `dir`, or of the file.
fn newest(dir: &Path) -> Option<SystemTime> {
    let changed = |path: &Path| std::fs::metadata(path).and_then(|found| found.modified()).ok();
    let inside =
        std::fs::read_dir(dir).into_iter().flatten().flatten().filter_map(|entry| changed(&entry.path())).max();
    inside.max(changed(dir))
}

fn descriptors(connections: u64) -> Finding {
    let most = super::health::process().max_fds;
    // The log, tables that are written and files that are read need some besides.
    let wanted = connections + 512;
    let verdict = if most < 256 {
        Verdict::Fail
    } else if most < wanted {
        Verdict::Warn
    } else {
        Verdict::Ok
    };
    let found = format!("{most} open files are allowed, {wanted} are wanted for server.connections_max {connections}");
    Finding::new(
        "descriptors",
        verdict,
        found,
        "raise the limit (ulimit -n, LimitNOFILE=), or lower server.connections_max",
    )
}

/// Tries the place of the tables; a local one only when it is there, so that nothing is made.
async fn store(config: &Config, exists: bool) -> Vec<Finding> {
    let url = super::storage_url(config);
    let is_local = !url.contains("://");
    let place = if is_local { "store".to_owned() } else { format!("store {}", without_secrets(&url)) };
    if is_local && !(exists && Path::new(&url).is_dir()) {
        return vec![Finding::new(place, Verdict::Ok, "does not exist; a server makes it", "")];
    }
    let advice = "check storage.url, its options and the rights of its key: it must put, get, list and delete";
    let storage = match Storage::open(&url, &config.storage.options) {
        Ok(storage) => storage,
        Err(error) => return vec![Finding::new(place, Verdict::Fail, error.to_string(), advice)],
    };
    let steps = storage.probe().await;
    let finding = |(what, outcome): (&'static str, Result<Duration, String>)| {
        let what = format!("{place}: {what}");
        match outcome {
            Ok(took) if took > STORE_SLOW => {
                Finding::new(what, Verdict::Warn, format!("took {took:.1?}"), "use a nearer store")
            }
            Ok(took) => Finding::new(what, Verdict::Ok, format!("{took:.1?}"), ""),
            Err(error) => Finding::new(what, Verdict::Fail, error, advice),
        }
    };
    steps.into_iter().map(finding).collect()
}

/// A URL without what stands before the host and behind the path.
fn without_secrets(url: &str) -> String {
    let Ok(mut url) = url::Url::parse(url) else { return "?".to_owned() };
    url.set_query(None);
    // Neither fails for a URL with a host; one without has no such parts.
    let _ = url.set_password(None);
    let _ = url.set_username("");
    url.to_string()
}
