//! Crashes: the directory is copied at random moments while many threads append; each copy is what
//! a killed process would leave, and must hold every frame that was durable when the copy began.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

/// Copies taken; each waits a different time.
const COPIES: u64 = 12;

/// Lets the appenders end also when a check fails.
struct Stop<'a>(&'a AtomicBool);

impl Drop for Stop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn a_copy_taken_at_any_moment_holds_every_durable_frame() {
    let (dir, log) = TestLog::create(&settings(64 << 10, 64 << 20));
    let stop = AtomicBool::new(false);
    let (wal, stop) = (&log.wal, &stop);
    thread::scope(|scope| {
        let _stop = Stop(stop);
        for thread in 0..8u64 {
            scope.spawn(move || {
                for ticket in (0..).map(|at| thread << 32 | at).take_while(|_| !stop.load(Ordering::Relaxed)) {
                    let frame = frame("shop", 1, body(ticket, 9 + ticket as usize % 3000));
                    if wal.append(frame, ticket).is_err() {
                        break; // the disk was fast, the log is full: what is there is enough
                    }
                    // Groups of all sizes, but no backlog that grows: the disk sets the pace.
                    while wal.stats().pending_frames > 24 {
                        std::thread::sleep(Duration::from_micros(50 * (1 + thread)));
                    }
                }
            });
        }
        for copy in 0..COPIES {
            thread::sleep(Duration::from_millis(3 + copy * 7 % 11));
            let durable = log.seen.durable();
            let crashed = tempfile::tempdir().unwrap();
            copy_dir(dir.path(), crashed.path());
            check(crashed.path(), &durable);
        }
    });
}

/// Everything durable is there, whole and once; and the copy can be written to.
fn check(crashed: &Path, durable: &[(u64, u64)]) {
    let (mut log, replayed) = TestLog::open(crashed, &settings(64 << 10, 1 << 30));
    let found: Vec<_> = replayed
        .iter()
        .map(|one| {
            let ticket = u64::from_le_bytes(one.frame.body[..8].try_into().unwrap());
            assert_eq!(one.frame.body, body(ticket, one.frame.body.len()), "changed");
            (one.seq, ticket)
        })
        .collect();
    assert!(found.len() >= durable.len() && found[..durable.len()] == *durable, "{} of {}", found.len(), durable.len());
    assert_eq!(log.append_durably(frame("shop", 1, "on")), found.len() as u64 + 1);
}
