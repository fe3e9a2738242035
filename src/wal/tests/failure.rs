//! Failures of the disk: the latch, and what heals.
//!
//! The writer's open file is swapped for a device that fails, by its descriptor: no hook in the product.

use std::fs;
use std::os::fd::{AsRawFd, RawFd};

use super::*;
use crate::error::Kind;

/// Descriptor of this process that has the file open.
fn descriptor_of(path: &Path) -> RawFd {
    let path = path.canonicalize().unwrap();
    let open = fs::read_dir("/proc/self/fd").unwrap().filter_map(Result::ok);
    let mut found = open.filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == path));
    found.next().unwrap().file_name().to_str().unwrap().parse().unwrap()
}

/// Lets all that is done to the writer's file happen to `device` instead.
fn replace_with(path: &Path, device: &str) {
    let device = fs::OpenOptions::new().write(true).open(device).unwrap();
    // SAFETY: both descriptors are open; the log's file stays an owned, valid descriptor.
    let replaced = unsafe { libc::dup2(device.as_raw_fd(), descriptor_of(path)) };
    assert!(replaced >= 0);
}

#[track_caller]
fn assert_latches(device: &str) {
    let (dir, mut log) = TestLog::create(&small());
    log.append_durably(frame("shop", 1, "kept"));
    replace_with(&segment_path(dir.path(), 1), device);
    log.append(frame("shop", 1, "lost")).unwrap();
    assert_eq!(log.seen.wait(2)[1], Told::Failed("outcome_unknown", 1));
    for _ in 0..3 {
        let error = log.append(frame("shop", 1, "refused")).unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::Unavailable, "wal_broken"));
    }
    let stats = log.wal.stats();
    assert!(stats.broken && stats.pending_frames == 0 && stats.pending_bytes == 0);
    assert!(stats.last_error.unwrap().contains("wal-000000000001.log"));
    assert_eq!(log.seen.wait(2).len(), 2, "what was durable stays so, nothing else is told");
    drop(log);
    let (mut log, replayed) = TestLog::open(dir.path(), &small());
    assert_eq!(replayed.len(), 1);
    log.append_durably(frame("shop", 1, "goes on after a restart"));
}

#[test]
fn a_failed_write_latches() {
    assert_latches("/dev/full");
}

#[test]
fn a_failed_sync_latches() {
    assert_latches("/dev/null");
}

#[test]
fn every_frame_in_flight_is_told_of_exactly_once_when_the_log_breaks() {
    // One segment for all: the descriptor must not change under the test's hands.
    let (dir, mut log) = TestLog::create(&settings(4 << 20, 16 << 20));
    log.append_durably(frame("shop", 1, "first"));
    let mut let_in = 1;
    for number in 0..2000 {
        if number == 100 {
            replace_with(&segment_path(dir.path(), 1), "/dev/full");
        }
        let_in += u64::from(log.append(frame("shop", 1, body(number, 200))).is_ok());
    }
    let told = log.seen.wait(let_in as usize);
    let durable = told.iter().take_while(|told| matches!(told, Told::Durable(..))).count();
    let ticket = |told: &Told| match told {
        Told::Durable(_, ticket) | Told::Failed(_, ticket) => *ticket,
    };
    let tickets: Vec<_> = told.iter().map(ticket).collect();
    assert_eq!(tickets, (0..let_in).collect::<Vec<_>>());
    assert!(told[durable..].iter().all(|told| matches!(told, Told::Failed("outcome_unknown" | "wal_broken", _))));
    assert!(durable < told.len());
    drop(log);
    assert!(TestLog::open(dir.path(), &small()).1.len() >= durable);
}

#[test]
fn a_disk_without_room_for_a_segment_refuses_and_heals_by_itself() {
    let parent = tempfile::tempdir().unwrap();
    let (dir, away) = (parent.path().join("wal"), parent.path().join("away"));
    let (mut log, _) = TestLog::open(&dir, &small());
    log.append_durably(frame("shop", 1, "first"));
    eventually("prepared ahead", || segment_files(&dir).len() == 2);
    fs::rename(&dir, &away).unwrap();
    let large = || frame("shop", 1, body(1, 9000));
    // The open segment takes one more; opening the prepared one fails, for its path is gone.
    let mut let_in = 1;
    let refused = loop {
        match log.append(large()) {
            Ok(_) => let_in += 1,
            Err(error) => break error,
        }
        log.seen.wait(let_in);
        assert!(let_in < 200);
        if log.seen.durable().len() < let_in {
            break WalError::NoSegment { cause: Arc::new(WalError::Closed) };
        }
    };
    assert_eq!((refused.kind(), refused.code()), (Kind::Unavailable, "wal_disk_full"));
    assert!(!log.wal.stats().broken);
    let durable = log.seen.durable().len();
    fs::rename(&away, &dir).unwrap();
    eventually("appends go on", || {
        let before = log.seen.durable().len();
        if log.append(large()).is_ok() {
            let_in += 1;
            log.seen.wait(let_in);
        }
        log.seen.durable().len() > before
    });
    drop(log);
    assert_eq!(TestLog::open(&dir, &small()).1.len(), durable + 1);
}

/// A sink that panics.
struct Bomb;

impl Sink<u64> for Bomb {
    fn durable(&mut self, _: Vec<(u64, u64)>) {
        panic!("the sink of this test panics");
    }

    fn failed(&mut self, _: Arc<WalError>, _: Vec<u64>) {}
}

#[test]
fn a_sink_that_panics_breaks_the_log_and_not_the_caller() {
    let dir = tempfile::tempdir().unwrap();
    let wal = Wal::open(dir.path(), &small(), &mut |_| Ok(()), Box::new(Bomb)).unwrap();
    eventually("refused", || wal.append(frame("shop", 1, "x"), 0).is_err());
    assert!(wal.stats().broken);
    wal.close();
}
