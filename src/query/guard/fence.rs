//! The last fence: an allocator that does not let a query take the process down.
//!
//! When memory cannot be had, a Rust process aborts, and with it everybody's ingest. Everything before
//! this fence is there so that no query gets so far: functions ask before they take, operators reserve,
//! the watchdog stops what grows. Should a single allocation of a query still be beyond all measure,
//! its thread stops here for good, holding what it has; the query is ended with `memory_exceeded`, later
//! queries get other threads, and ingest does not notice. (Unwinding out of an allocator is not allowed.)

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::task;
use super::watchdog::Memory;

/// Allocations below this are not looked at.
const LARGE: usize = 64 << 20;

/// Bytes of the process beyond which no query gets a large allocation; set by the watchdog.
static RESIDENT_MAX: AtomicU64 = AtomicU64::new(u64::MAX);
static ADDRESS_MAX: AtomicU64 = AtomicU64::new(u64::MAX);

/// Lets large allocations of queries be refused after what the process already has.
pub(super) fn limit(most: Memory) {
    RESIDENT_MAX.store(most.resident, Ordering::Relaxed);
    ADDRESS_MAX.store(most.address, Ordering::Relaxed);
}

/// An allocator behind the fence.
#[derive(Debug)]
pub struct Fenced<A>(pub A);

// SAFETY: every call goes to the inner allocator unchanged, or does not return.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Fenced<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE {
            large(layout.size());
        }
        // SAFETY: as the caller's.
        unsafe { self.0.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= LARGE {
            large(layout.size());
        }
        // SAFETY: as the caller's.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if size >= LARGE {
            large(size);
        }
        // SAFETY: as the caller's.
        unsafe { self.0.realloc(old, layout, size) }
    }

    #[inline]
    unsafe fn dealloc(&self, old: *mut u8, layout: Layout) {
        // SAFETY: as the caller's.
        unsafe { self.0.dealloc(old, layout) }
    }
}

/// Does not return where a query asks for too much.
#[cold]
fn large(size: usize) {
    let Some(task) = task::try_current() else { return };
    let size = size as u64;
    let after = Memory::now_without_allocating();
    let fits = size <= task.allocation_max()
        && after.resident.saturating_add(size) <= RESIDENT_MAX.load(Ordering::Relaxed)
        && after.address.saturating_add(size) <= ADDRESS_MAX.load(Ordering::Relaxed);
    if fits {
        return;
    }
    task.give_up_thread();
    loop {
        std::thread::park_timeout(Duration::from_secs(3_600));
    }
}
