//! Which threads the scheduler lets go first: those of requests and of the log before those that compute for long.
//!
//! A low priority alone does not do it: a thread that has the processor keeps it for its time slice (3 ms and more),
//! whatever waits. A thread with a shorter slice is let in before that (Linux 6.12 and later; older ones ignore it).

use std::time::Duration;

/// Slice of threads that answer: the shortest there is.
const SHORT: Duration = Duration::from_micros(100);
/// Slice of threads that compute.
const LONG: Duration = Duration::from_millis(3);

/// What `sched_setattr(2)` takes, in its first version.
#[repr(C)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    runtime_ns: u64,
    deadline_ns: u64,
    period_ns: u64,
}

/// This thread, and those that it starts from now on, do little at a time and should not wait for long.
pub fn come_first() {
    set(0, SHORT);
}

/// This thread lets others go first: the more, the higher `niceness` (0 to 19) is.
pub(crate) fn give_way(niceness: u8) {
    set(niceness, LONG);
}

fn set(niceness: u8, slice: Duration) {
    let attributes = Attributes {
        size: u32::try_from(size_of::<Attributes>()).unwrap_or(u32::MAX),
        policy: libc::SCHED_OTHER.unsigned_abs(),
        flags: 0,
        nice: niceness.into(),
        priority: 0,
        runtime_ns: u64::try_from(slice.as_nanos()).unwrap_or(u64::MAX),
        deadline_ns: 0,
        period_ns: 0,
    };
    // SAFETY: a plain system call that reads the structure, which outlives it. With 0 it is about the calling thread; a
    // failure leaves everything as it was.
    let failed = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) } != 0;
    if failed {
        tracing::debug!(error = %std::io::Error::last_os_error(), "cannot change the priority of a thread");
    }
}
