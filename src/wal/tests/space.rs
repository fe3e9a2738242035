//! Disk: recycling, forgetting, the budget, what pins segments.

use std::fs;

use super::*;

/// Three frames fill a small segment.
fn third(name: &str, number: u64) -> Frame {
    frame(name, 1, body(number, 4000))
}

/// Number and bytes of the files; one that is renamed just now may be missed.
fn files(dir: &Path) -> (usize, u64) {
    let entries = fs::read_dir(dir).unwrap().filter_map(Result::ok);
    let sizes: Vec<_> = entries.filter_map(|entry| entry.metadata().ok()).map(|file| file.len()).collect();
    (sizes.len(), sizes.iter().sum())
}

#[test]
fn forgotten_segments_are_used_again_and_replay_nothing_old() {
    let (dir, mut log) = TestLog::create(&small());
    for number in 0..60 {
        let seq = log.append_durably(third("shop", number));
        if seq % 9 == 0 {
            log.wal.forget(&project("shop"), seq - 3);
            eventually("recycled", || log.wal.stats().segments <= 2);
        }
    }
    log.wal.forget(&project("shop"), 60);
    eventually("all but the newest recycled", || log.wal.stats().segments == 1);
    // The newest, one prepared, and two spares: twenty segments were written into four files or so.
    assert!(files(dir.path()).0 <= 5, "{:?}", segment_files(dir.path()));
    let newest = inspect_ids(dir.path());
    drop(log);
    let (mut log, replayed) = TestLog::open(dir.path(), &small());
    assert_eq!(replayed.iter().map(|replayed| replayed.seq).collect::<Vec<_>>(), [58, 59, 60]);
    assert_eq!(log.append_durably(third("shop", 60)), 61);
    assert!(newest.contains(&20), "{newest:?}");
}

fn inspect_ids(dir: &Path) -> Vec<u64> {
    crate::wal::inspect(dir).unwrap().segments.iter().map(|segment| segment.id).collect()
}

#[test]
fn a_segment_waits_for_all_its_projects_oldest_first() {
    let (dir, mut log) = TestLog::create(&small());
    for (number, name) in ["a", "b", "a", "b", "b", "b", "a", "a", "a", "c"].iter().enumerate() {
        log.append_durably(third(name, number as u64));
    }
    assert_eq!(log.wal.stats().segments, 4);
    log.wal.forget(&project("b"), 6);
    log.wal.forget(&project("a"), 2);
    std::thread::sleep(Duration::from_millis(30));
    assert_eq!(log.wal.stats().segments, 4, "a still holds the first, though the second is free");
    log.wal.forget(&project("a"), 3);
    eventually("the first two recycled", || log.wal.stats().segments == 2);
    drop(log);
    let (log, replayed) = TestLog::open(dir.path(), &small());
    assert_eq!(replayed.iter().map(|replayed| replayed.seq).collect::<Vec<_>>(), [7, 8, 9, 10]);
    // After a restart the books are the same.
    log.wal.forget(&project("a"), 9);
    eventually("the third recycled", || log.wal.stats().segments == 1);
}

#[test]
fn a_full_log_refuses_until_something_is_forgotten_and_keeps_its_budget() {
    let budget = 128 << 10;
    let (dir, mut log) = TestLog::create(&settings(16 << 10, budget));
    let mut appended = 0;
    let (used, limit) = loop {
        assert!(files(dir.path()).1 <= budget);
        match log.append(third("shop", appended)) {
            Ok(_) => appended += 1,
            Err(WalError::Full { used, limit }) => break (used, limit),
            Err(other) => panic!("{other}"),
        }
    };
    assert_eq!((appended, limit), (24, budget), "eight segments of three frames");
    assert!(used > budget * 8 / 10 && used <= budget);
    log.seen.wait(24);
    let stats = log.wal.stats();
    assert!(stats.used_bytes > budget * 8 / 10 && stats.bytes <= budget, "{stats:?}");
    assert!(matches!(log.append(third("shop", 0)), Err(WalError::Full { .. })));
    log.wal.forget(&project("shop"), 3);
    eventually("room again", || log.append(third("shop", 0)).is_ok());
    log.seen.wait(25);
    assert!(files(dir.path()).1 <= budget);
}

#[test]
fn a_large_frame_gets_its_disk_from_prepared_and_spare_files() {
    let budget = 128 << 10;
    let (dir, mut log) = TestLog::create(&settings(16 << 10, budget));
    for number in 0..12 {
        log.append_durably(third("shop", number));
    }
    log.wal.forget(&project("shop"), 12);
    eventually("recycled", || log.wal.stats().segments == 1);
    let large = frame("shop", 1, body(1, 56 << 10));
    for _ in 0..4 {
        let seq = log.append_durably(large.clone());
        assert!(files(dir.path()).1 <= budget);
        log.append_durably(frame("shop", 1, body(1, 11 << 10)));
        log.wal.forget(&project("shop"), seq);
        eventually("recycled", || log.wal.stats().segments == 1);
    }
}

#[test]
fn pinning_names_the_holders_of_the_oldest_segments_once_half_is_used() {
    let (_dir, mut log) = TestLog::create(&settings(16 << 10, 128 << 10));
    log.append_durably(third("idle", 0));
    for number in 1..13 {
        log.append_durably(third("busy", number));
    }
    // Four closed segments and a third of the fifth.
    assert_eq!(log.wal.pinning(), [project("busy"), project("idle")]);
    log.wal.forget(&project("busy"), 13);
    assert_eq!(log.wal.pinning(), [project("idle")]);
    log.wal.forget(&project("idle"), 1);
    eventually("nothing pinned", || log.wal.pinning().is_empty());
}

#[test]
fn other_segment_sizes_after_a_restart() {
    let (dir, mut log) = TestLog::create(&small());
    for number in 0..7 {
        log.append_durably(third("shop", number));
    }
    drop(log);
    for size in [64 << 10, 8 << 10, 32 << 10] {
        let (mut log, replayed) = TestLog::open(dir.path(), &settings(size, 1 << 20));
        let before = replayed.len() as u64;
        for number in 0..20 {
            log.append_durably(third("shop", before + number));
        }
        log.wal.forget(&project("shop"), 1);
    }
    assert_eq!(TestLog::open(dir.path(), &small()).1.len(), 67);
}

#[test]
fn what_is_kept_free_is_for_reserved_frames_only_and_they_end_at_the_budget() {
    let (segment, budget) = (16 << 10, 128 << 10);
    let (dir, log) = TestLog::create(&settings(segment, budget));
    log.wal.keep_free(2 * segment);
    let fill = |wal: &Wal<u64>, reserved: bool| {
        let mut let_in = 0;
        loop {
            let frame = third("_audit", let_in);
            let appended = if reserved { wal.append_reserved(frame, 0) } else { wal.append(frame, 0) };
            match appended {
                Ok(_) => let_in += 1,
                Err((WalError::Full { .. }, _)) => break let_in,
                Err((other, _)) => panic!("{other}"),
            }
        }
    };
    assert_eq!(fill(&log.wal, false), 18, "six segments of three frames");
    // A frame that would fit beside the reserved ones is refused as well.
    assert!(log.wal.append_reserved(third("_audit", 0), 0).is_ok());
    assert!(matches!(log.wal.append(frame("shop", 1, "x"), 0), Err((WalError::Full { .. }, _))));
    assert_eq!(fill(&log.wal, true), 5, "the rest of two segments");
    eventually("written", || log.wal.stats().pending_frames == 0);
    assert!(files(dir.path()).1 <= budget);
    let last = log.wal.next_seq() - 1;
    log.wal.forget(&project("_audit"), last);
    eventually("room again", || log.wal.append(third("shop", 0), 0).is_ok());
}

/// Whether any file of the log holds these bytes.
fn any_holds(dir: &Path, wanted: &[u8]) -> bool {
    let files = fs::read_dir(dir).unwrap().map(|entry| fs::read(entry.unwrap().path()).unwrap_or_default());
    files.into_iter().any(|bytes| memchr::memmem::find(&bytes, wanted).is_some())
}

#[test]
fn a_renewed_log_holds_no_byte_of_before_spare_files_and_recycled_tails_included() {
    let (dir, mut log) = TestLog::create(&small());
    let secret = |number: u64| frame("shop", 1, [b"KANAREK".to_vec(), body(number, 4000).to_vec()].concat());
    // Several lives of each file: spares and the prepared segment hold old frames as well.
    for number in 0..40 {
        let seq = log.append_durably(secret(number));
        log.wal.forget(&project("shop"), seq - 1);
    }
    eventually("recycled", || log.wal.stats().segments == 1);
    assert!(any_holds(dir.path(), b"KANAREK"));
    let renewal = log.wal.renew();
    for number in 0..2 {
        renewal.begin_segment();
        // Not the helper, which needs the log for itself.
        log.wal.append(frame("other", 1, body(number, 10)), 40 + number).unwrap();
        log.seen.wait(41 + number as usize);
    }
    let first = renewal.newest();
    assert!(!renewal.is_gone_before(first), "the project still needs them");
    log.wal.forget(&project("shop"), 40);
    log.wal.forget(&project("other"), 42);
    eventually("gone", || renewal.is_gone_before(first));
    drop(renewal);
    assert!(!any_holds(dir.path(), b"KANAREK"));
    drop(log);
    let (mut log, replayed) = TestLog::open(dir.path(), &small());
    assert_eq!(replayed.iter().map(|replayed| replayed.seq).collect::<Vec<_>>(), [42]);
    assert_eq!(log.append_durably(third("shop", 1)), 43);
}

#[test]
fn files_are_used_again_once_a_renewal_has_ended() {
    let (dir, mut log) = TestLog::create(&small());
    drop(log.wal.renew());
    let last = (0..12).map(|number| log.append_durably(third("shop", number))).last().unwrap();
    log.wal.forget(&project("shop"), last);
    eventually("recycled", || log.wal.stats().segments == 1);
    // The newest, one prepared, two spares.
    eventually("spares kept", || files(dir.path()).0 == 4);
}
