//! The last fence: an allocator that does not let a query take the process down.
//!
//! When memory cannot be had, a Rust process aborts, and with it everybody's ingest. Everything before
//! this fence is there so that no query gets so far: functions ask before they take, operators reserve,
//! the watchdog stops what grows. Should a single allocation of a query still be beyond all measure,
//! its thread stops here for good, holding what it has; the query is ended with `memory_exceeded`, later
//! queries get other threads, and ingest does not notice. While the process has hardly any memory left,
//! queries wait here for others to give some back. (Unwinding out of an allocator is not allowed.)

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::task;
use super::watchdog::Memory;

/// Allocations from here on are looked at one by one.
const LARGE: usize = 64 << 20;
/// Allocations from here on wait while memory is short.
const NOTABLE: usize = 4 << 10;
/// Between two looks whether memory is still short.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether the process has hardly any memory left; set by the watchdog.
static SHORT: AtomicBool = AtomicBool::new(false);

/// Bytes of the process beyond which no query gets a large allocation; set by the watchdog.
static RESIDENT_MAX: AtomicU64 = AtomicU64::new(u64::MAX);
static ADDRESS_MAX: AtomicU64 = AtomicU64::new(u64::MAX);

/// Lets large allocations of queries be refused after what the process already has.
pub(super) fn limit(most: Memory) {
    RESIDENT_MAX.store(most.resident, Ordering::Relaxed);
    ADDRESS_MAX.store(most.address, Ordering::Relaxed);
}

/// Whether the process is beyond what [`limit`] was told.
pub(super) fn is_beyond(now: Memory) -> bool {
    now.resident > RESIDENT_MAX.load(Ordering::Relaxed) || now.address > ADDRESS_MAX.load(Ordering::Relaxed)
}

/// Lets queries wait for memory, or go on.
pub(super) fn set_short(short: bool) {
    SHORT.store(short, Ordering::Relaxed);
}

/// An allocator behind the fence.
#[derive(Debug)]
pub struct Fenced<A>(pub A);

// SAFETY: every call goes to the inner allocator unchanged, or does not return.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Fenced<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if is_watched(layout.size()) {
            wait_or_stay(layout.size());
        }
        // SAFETY: as the caller's.
        unsafe { self.0.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if is_watched(layout.size()) {
            wait_or_stay(layout.size());
        }
        // SAFETY: as the caller's.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn realloc(&self, old: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if is_watched(size) {
            wait_or_stay(size);
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

#[inline]
fn is_watched(size: usize) -> bool {
    size >= NOTABLE && (size >= LARGE || SHORT.load(Ordering::Relaxed))
}

/// Does not return where a query asks for too much, and only later where memory is short.
#[cold]
fn wait_or_stay(size: usize) {
    let Some(task) = task::try_current() else { return };
    if size >= LARGE {
        let size = size as u64;
        let now = Memory::now_without_allocating();
        let after = Memory { resident: now.resident.saturating_add(size), address: now.address.saturating_add(size) };
        if size > task.allocation_max() || is_beyond(after) {
            task.give_up_thread();
            loop {
                std::thread::park_timeout(Duration::from_secs(3_600));
            }
        }
    }
    if SHORT.load(Ordering::Relaxed) {
        task.give_up_thread();
        while SHORT.load(Ordering::Relaxed) {
            std::thread::sleep(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests;
