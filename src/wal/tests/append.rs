//! Appends: order, numbers, groups, sizes, a clean close.

use std::thread;

use super::*;
use crate::wal::frame;
use crate::wal::inspect;

#[test]
fn appends_come_back_durable_in_order_and_are_replayed_as_they_were() {
    let (dir, mut log) = TestLog::create(&small());
    let frames: Vec<_> =
        [0, 1, 5, 2, 0].iter().enumerate().map(|(at, rows)| frame("shop", *rows, body(at as u64, 10 * at))).collect();
    let seqs: Vec<_> = frames.iter().map(|frame| log.append(frame.clone()).unwrap()).collect();
    assert_eq!(seqs, [1, 2, 3, 8, 10]);
    let told = log.seen.wait(5);
    assert_eq!(told, seqs.iter().zip(0..).map(|(seq, ticket)| Told::Durable(*seq, ticket)).collect::<Vec<_>>());
    let stats = log.wal.stats();
    assert_eq!((stats.frames, stats.pending_frames, stats.pending_bytes, stats.next_seq), (5, 0, 0, 11));
    assert_eq!(stats.written_bytes, frames.iter().map(frame::len_of).sum::<u64>());
    assert!(stats.syncs >= 1 && stats.syncs <= 5);
    drop(log);
    let (log, replayed) = TestLog::open(dir.path(), &small());
    assert_eq!(replayed.iter().map(|replayed| replayed.seq).collect::<Vec<_>>(), seqs);
    assert_eq!(replayed.into_iter().map(|replayed| replayed.frame).collect::<Vec<_>>(), frames);
    assert_eq!(log.wal.next_seq(), 11);
}

#[test]
fn many_appenders_are_told_in_log_order_and_none_is_lost() {
    const THREADS: u64 = 8;
    const EACH: u64 = 300;
    let (dir, log) = TestLog::create(&settings(32 << 10, 8 << 20));
    let expected: Vec<_> = thread::scope(|scope| {
        let appenders: Vec<_> = (0..THREADS)
            .map(|thread| {
                let wal = &log.wal;
                scope.spawn(move || {
                    let one = |at: u64| {
                        let ticket = thread * EACH + at;
                        let rows = (ticket % 4) as u32;
                        (
                            wal.append(frame("shop", rows, body(ticket, 20 + ticket as usize % 500)), ticket).unwrap(),
                            ticket,
                        )
                    };
                    let appended: Vec<_> = (0..EACH).map(one).collect();
                    assert!(appended.is_sorted(), "one caller's appends keep their order");
                    appended
                })
            })
            .collect();
        appenders.into_iter().flat_map(|appender| appender.join().unwrap()).collect()
    });
    let told = log.seen.wait((THREADS * EACH) as usize);
    let durable = log.seen.durable();
    assert_eq!(told.len(), durable.len(), "none failed");
    assert!(durable.is_sorted_by(|one, next| one.0 < next.0), "log order");
    let mut sorted = expected;
    sorted.sort_unstable();
    assert_eq!(durable, sorted);
    assert!(log.wal.stats().syncs < THREADS * EACH, "appends share syncs");
    assert!(log.wal.stats().segments > 10);
    log.wal.close();
    let (_, replayed) = TestLog::open(dir.path(), &small());
    let replayed: Vec<_> =
        replayed.iter().map(|one| (one.seq, u64::from_le_bytes(one.frame.body[..8].try_into().unwrap()))).collect();
    assert_eq!(replayed, durable);
}

#[test]
fn close_drains_what_was_let_in() {
    let (dir, mut log) = TestLog::create(&small());
    for number in 0..200 {
        log.append(frame("shop", 1, body(number, 300))).unwrap();
    }
    let TestLog { wal, seen, .. } = log;
    wal.close();
    assert_eq!(seen.durable().len(), 200);
    assert_eq!(TestLog::open(dir.path(), &small()).1.len(), 200);
}

#[test]
fn advance_past_skips_numbers_and_never_goes_back() {
    let (dir, mut log) = TestLog::create(&small());
    assert_eq!(log.append_durably(frame("shop", 2, "a")), 1);
    log.wal.advance_past(100);
    log.wal.advance_past(50);
    assert_eq!((log.wal.next_seq(), log.append_durably(frame("shop", 1, "b"))), (101, 101));
    log.wal.advance_past(500);
    assert_eq!(log.append_durably(frame("shop", 1, "c")), 501);
    drop(log);
    let (_, replayed) = TestLog::open(dir.path(), &small());
    assert_eq!(replayed.iter().map(|replayed| replayed.seq).collect::<Vec<_>>(), [1, 101, 501]);
}

#[test]
fn a_frame_may_be_as_large_as_half_the_disk_and_not_a_byte_larger() {
    let (dir, mut log) = TestLog::create(&settings(16 << 10, 256 << 10));
    let overhead = frame::len_of(&frame("shop", 1, ""));
    let limit = (128 << 10) - SEGMENT_HEAD;
    let fits = body(7, (limit - overhead) as usize);
    match log.append(frame("shop", 1, body(7, fits.len() + 1))) {
        Err(WalError::TooLarge { size, limit: told }) => assert_eq!((size, told), (limit + 1, limit)),
        other => panic!("{other:?}"),
    }
    log.append_durably(frame("shop", 1, "small"));
    assert_eq!(log.append_durably(frame("shop", 1, fits.clone())), 2, "the refused frame took no number");
    log.append_durably(frame("shop", 1, "small"));
    drop(log);
    let sizes: Vec<_> = inspect(dir.path()).unwrap().segments.iter().map(|segment| segment.bytes).collect();
    assert_eq!(sizes[..3], [16 << 10, 128 << 10, 16 << 10], "a larger frame gets a segment of its own size");
    let (_, replayed) = TestLog::open(dir.path(), &small());
    assert_eq!(replayed[1].frame.body, fits);
}

#[test]
fn frames_that_fill_a_segment_to_the_byte() {
    let (dir, mut log) = TestLog::create(&settings(16 << 10, 1 << 20));
    let room = (16 << 10) - SEGMENT_HEAD - frame::len_of(&frame("shop", 1, ""));
    for (number, short) in [(0, 0), (1, 1), (2, 63), (3, 64), (4, 65), (5, 0)] {
        log.append_durably(frame("shop", 1, body(number, (room - short) as usize)));
    }
    drop(log);
    assert_eq!(TestLog::open(dir.path(), &small()).1.len(), 6);
}
