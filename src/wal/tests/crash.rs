//! Crashes: the directory is copied at random moments while many threads append; each copy is what
//! a killed process would leave, and must hold every frame that was durable when the copy began.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::*;

/// Copies taken; each waits a different time.
const COPIES: u64 = 12;

#[test]
fn a_copy_taken_at_any_moment_holds_every_durable_frame() {
    let (dir, log) = TestLog::create(&settings(64 << 10, 64 << 20));
    let stop = AtomicBool::new(false);
    let (wal, stop) = (&log.wal, &stop);
    thread::scope(|scope| {
        for thread in 0..8u64 {
            scope.spawn(move || {
                for at in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let ticket = thread << 32 | at;
                    if wal.append(frame("shop", 1, body(ticket, 9 + ticket as usize % 3000)), ticket).is_err() {
                        thread::sleep(Duration::from_millis(5));
                    }
                    // Let the groups be of all sizes, and the disk keep up.
                    if at % 16 == thread {
                        thread::sleep(Duration::from_micros(300 * thread));
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
        stop.store(true, Ordering::Relaxed);
    });
}

/// Everything durable is there, whole and once; and the copy can be written to.
fn check(crashed: &Path, durable: &[(u64, u64)]) {
    let (mut log, replayed) = TestLog::open(crashed, &settings(64 << 10, 64 << 20));
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
