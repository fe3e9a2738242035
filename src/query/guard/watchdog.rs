//! Looks at running queries from outside: steps that do not end, and the memory of the process.
//!
//! Memory that an operator does not reserve is invisible to the pool, but not to the system. When the
//! process comes near what it may have, the query that reserved the most is stopped.

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use super::executor::Inner;
use super::fence;
use super::task::{self, Reason, Task};

/// Between two looks while queries run, and while none does.
const INTERVAL: Duration = Duration::from_millis(25);
const IDLE_INTERVAL: Duration = Duration::from_millis(100);
/// After a query was stopped for memory, until the next one may be.
const SETTLING: Duration = Duration::from_millis(500);
/// Share of its memory at which a process is near the end, in percent.
const MEMORY_PERCENT: u64 = 60;
/// Share of its address space, of which much is only set aside.
const ADDRESS_PERCENT: u64 = 75;

/// Starts the watchdog of an executor; it ends with it.
pub(super) fn start(executor: &Arc<Inner>) -> std::io::Result<()> {
    let executor = Arc::downgrade(executor);
    fence::limit(Memory::limits(0).beyond());
    let limits = Memory::limits(executor.upgrade().map_or(0, |inner| inner.settings().guard.process_memory_max.0));
    std::thread::Builder::new().name("query-watch".into()).spawn(move || watch(&executor, limits)).map(|_| ())
}

fn watch(executor: &Weak<Inner>, limits: Memory) {
    let mut known: Vec<Arc<Task>> = Vec::new();
    let mut stopped = None::<Instant>;
    let mut pause = IDLE_INTERVAL;
    loop {
        std::thread::sleep(pause);
        let Some(executor) = executor.upgrade() else { return };
        let now = Memory::now();
        fence::set_short(fence::is_beyond(now));
        if !executor.is_busy() {
            known.clear();
            executor.forget_idle();
            pause = IDLE_INTERVAL;
            continue;
        }
        pause = INTERVAL;
        let stuck = task::stuck();
        known.retain(|known| stuck.iter().any(|(task, _)| Arc::ptr_eq(task, known)));
        for (task, held_for) in stuck {
            if !known.iter().any(|known| Arc::ptr_eq(&task, known)) {
                task.stop(Reason::Step);
                executor.replace_runtime(held_for);
                known.push(task);
            }
        }
        executor.forget_idle();
        let settled = stopped.is_none_or(|at| at.elapsed() > SETTLING);
        if settled && now.is_over(limits) {
            if let Some(task) = executor.largest() {
                tracing::error!("the process is near the end of its memory; its largest query is stopped");
                task.stop(Reason::ServerMemory);
            }
            stopped = Some(Instant::now());
        }
    }
}

/// Bytes of a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Memory {
    /// Really there.
    pub(super) resident: u64,
    /// Of its address space.
    pub(super) address: u64,
}

impl Memory {
    /// What the process uses now; nothing where the system does not tell.
    fn now() -> Self {
        Self::now_without_allocating()
    }

    /// As [`Memory::now`], also inside of an allocation.
    pub(super) fn now_without_allocating() -> Self {
        let mut text = [0_u8; 128];
        // SAFETY: plain system calls; the path ends with NUL, the buffer is as long as is said.
        let (read, page) = unsafe {
            let file = libc::open(c"/proc/self/statm".as_ptr(), libc::O_RDONLY | libc::O_CLOEXEC);
            let read = if file < 0 { 0 } else { libc::read(file, text.as_mut_ptr().cast(), text.len()) };
            if file >= 0 {
                libc::close(file);
            }
            (read, libc::sysconf(libc::_SC_PAGESIZE))
        };
        let text = &text[..usize::try_from(read).unwrap_or(0)];
        let page = u64::try_from(page).unwrap_or(4_096);
        let number = |digits: &[u8]| {
            digits
                .iter()
                .filter(|byte| byte.is_ascii_digit())
                .fold(0_u64, |sum, byte| sum.saturating_mul(10).saturating_add(u64::from(byte - b'0')))
        };
        let mut pages = text.split(|byte| *byte == b' ').map(number);
        let (address, resident) = (pages.next().unwrap_or(0), pages.next().unwrap_or(0));
        Self { resident: resident.saturating_mul(page), address: address.saturating_mul(page) }
    }

    /// A fifth more: where the watchdog was too late.
    fn beyond(self) -> Self {
        let more = |bytes: u64| bytes.saturating_add(bytes / 5);
        Self { resident: more(self.resident), address: more(self.address) }
    }

    /// What it may use before a query is stopped; `given` overrules what the system has.
    fn limits(given: u64) -> Self {
        let share = |limit: u64, percent: u64| (limit / 100).saturating_mul(percent);
        let resident = match given {
            0 => [total_memory(), cgroup_memory()]
                .into_iter()
                .flatten()
                .min()
                .map_or(u64::MAX, |limit| share(limit, MEMORY_PERCENT)),
            given => given,
        };
        let address = address_space().map_or(u64::MAX, |limit| share(limit, ADDRESS_PERCENT));
        Self { resident, address }
    }

    fn is_over(self, limits: Self) -> bool {
        self.resident > limits.resident || self.address > limits.address
    }
}

/// Bytes of the process that are really there; 0 where the system does not tell.
pub(crate) fn resident_bytes() -> u64 {
    Memory::now().resident
}

/// Memory of the machine.
fn total_memory() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.trim().trim_end_matches(" kB").parse::<u64>().ok().map(|kib| kib * 1_024)
}

/// Memory of the control group, in either version.
fn cgroup_memory() -> Option<u64> {
    ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .iter()
        .find_map(|path| std::fs::read_to_string(path).ok()?.trim().parse::<u64>().ok())
}

/// Limit of the address space (`ulimit -v`), if there is one.
fn address_space() -> Option<u64> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a value of the type that the call fills.
    let known = unsafe { libc::getrlimit(libc::RLIMIT_AS, &raw mut limit) } == 0;
    (known && limit.rlim_cur != libc::RLIM_INFINITY).then_some(limit.rlim_cur)
}

#[cfg(test)]
mod tests;
