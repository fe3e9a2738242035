//! Start after damage: each row of the two tables in `replay`, done to files.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::wal::frame::{self, Head};
use crate::wal::replay::{Mode, open_segment, recover};
use crate::wal::{Damage, SegmentState, inspect, inspect_frames, salvage};

/// Frames 1, 2, 3, … one row each, by segment; frames of one inner slice are one group.
fn build(segments: &[&[&[u64]]]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (at, groups) in segments.iter().enumerate() {
        let made = segment::prepare(dir.path(), at as u64 + 1, 16 << 10, None).unwrap();
        let file = OpenOptions::new().write(true).open(&made.path).unwrap();
        let mut offset = SEGMENT_HEAD;
        for group in *groups {
            let start = offset;
            for seq in *group {
                let frame = numbered(*seq);
                let head = Head::of(&frame, frame::payload_crc(&frame), made.mark, start).at(*seq, *seq);
                let bytes = [&head.encode()[..], frame.project.as_str().as_bytes(), &frame.meta, &frame.body].concat();
                file.write_all_at(&bytes, offset).unwrap();
                offset += bytes.len() as u64;
            }
        }
    }
    dir
}

fn numbered(seq: u64) -> Frame {
    frame("shop", 1, body(seq, 40 + seq as usize % 7))
}

/// Sequence numbers that a start replays; every frame must be the one that was written.
fn recovered(dir: &Path) -> Result<Vec<u64>, WalError> {
    let mut seen = Vec::new();
    recover(dir, Mode::Repair, &mut |replayed| {
        assert_eq!(replayed.frame, numbered(replayed.seq), "wrong data");
        seen.push(replayed.seq);
        Ok(())
    })?;
    Ok(seen)
}

fn overwrite(dir: &Path, id: u64, offset: u64, bytes: &[u8]) {
    let file = OpenOptions::new().write(true).open(segment_path(dir, id)).unwrap();
    file.write_all_at(bytes, offset).unwrap();
}

/// Where frame `at` (from 0) of a segment begins.
fn start_of(dir: &Path, id: u64, at: usize) -> u64 {
    frame_offsets(&segment_path(dir, id))[at]
}

#[track_caller]
fn assert_corrupt(result: Result<Vec<u64>, WalError>, id: u64, at: u64, want: Damage) {
    match result {
        Err(WalError::Corrupt { path, offset, damage }) => {
            assert_eq!(
                (path.file_name().unwrap().to_str(), offset, damage),
                (Some(&*segment::file_name(id)), at, want)
            );
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_torn_last_frame_is_cut_and_the_log_goes_on_behind_it() {
    let dir = build(&[&[&[1], &[2], &[3]]]);
    let third = start_of(dir.path(), 1, 2);
    overwrite(dir.path(), 1, third + 70, &[0xff; 4]);
    assert_eq!(recovered(dir.path()).unwrap(), [1, 2]);
    let bytes = fs::read(segment_path(dir.path(), 1)).unwrap();
    assert!(bytes[third as usize..].iter().all(|byte| *byte == 0), "the rest is zeroed");

    let (mut log, replayed) = TestLog::open(dir.path(), &small());
    assert_eq!((replayed.len(), log.append_durably(numbered(3))), (2, 3));
    drop(log);
    assert_eq!(recovered(dir.path()).unwrap(), [1, 2, 3]);
}

#[test]
fn a_cut_is_told_by_the_start_that_made_it() {
    let dir = build(&[&[&[1], &[2]]]);
    overwrite(dir.path(), 1, start_of(dir.path(), 1, 1) + 70, &[0xff; 4]);
    let told = || TestLog::open(dir.path(), &small()).0.wal.stats().cut_at_start;
    assert_eq!((told(), told()), (true, false));
}

#[test]
fn a_torn_group_is_cut_whatever_part_of_it_reached_the_disk() {
    let groups: &[&[u64]] = &[&[1, 2], &[3, 4, 5, 6]];
    for (what, missing, kept) in [("first", 2, 2), ("second", 3, 3), ("third", 4, 4), ("last", 5, 5)] {
        for filler in [0, 0xaa] {
            let dir = build(&[groups]);
            let (from, to) = (start_of(dir.path(), 1, missing), start_of(dir.path(), 1, missing + 1));
            overwrite(dir.path(), 1, from, &vec![filler; (to - from) as usize]);
            assert_eq!(recovered(dir.path()).unwrap(), (1..=kept).collect::<Vec<_>>(), "{what} lost");
            assert_eq!(recovered(dir.path()).unwrap(), (1..=kept).collect::<Vec<_>>(), "{what} lost, second start");
        }
    }
}

#[test]
fn damage_before_a_later_group_stops_the_start_and_names_the_place() {
    for at in 0..3 {
        for filler in [0, 0xaa] {
            let dir = build(&[&[&[1], &[2], &[3], &[4]]]);
            let offset = start_of(dir.path(), 1, at);
            overwrite(dir.path(), 1, offset, &[filler; 64]);
            assert_corrupt(recovered(dir.path()), 1, offset, Damage::Head);
            overwrite(dir.path(), 1, start_of(dir.path(), 1, 0).max(offset), &[filler; 64]);
            assert_corrupt(recovered(dir.path()), 1, offset, Damage::Head);
        }
    }
    let dir = build(&[&[&[1], &[2]]]);
    overwrite(dir.path(), 1, start_of(dir.path(), 1, 0) + 90, b"?");
    let error = recovered(dir.path()).unwrap_err();
    let dir_name = dir.path().display();
    assert_eq!(
        error.to_string(),
        format!(
            "log segment `{dir_name}/wal-000000000001.log` is damaged at byte 4096: the frame's checksum does not match"
        )
    );
    assert!(error.hint().unwrap().contains(&format!("`kronika wal salvage {dir_name} OUT`")));
    assert_eq!(error.code(), "wal_corrupt");
}

#[test]
fn damage_in_an_earlier_segment_stops_the_start() {
    let dir = build(&[&[&[1, 2]], &[&[3]]]);
    let second = start_of(dir.path(), 1, 1);
    overwrite(dir.path(), 1, second, &[0xaa; 64]);
    assert_corrupt(recovered(dir.path()), 1, second, Damage::Head);
    // A last frame wiped to zeros leaves no trace but the chain.
    overwrite(dir.path(), 1, second, &[0; 64]);
    assert_corrupt(recovered(dir.path()), 2, SEGMENT_HEAD, Damage::Gap { expected: 2, found: 3 });
}

#[test]
fn a_torn_group_before_prepared_segments_is_cut() {
    let dir = build(&[&[&[1]], &[&[2, 3]], &[], &[]]);
    overwrite(dir.path(), 2, SEGMENT_HEAD, &[0xaa; 64]);
    assert_eq!(recovered(dir.path()).unwrap(), [1]);
    assert_eq!(segment_files(dir.path()), [segment::file_name(1), segment::file_name(2)], "one empty segment is kept");
    let (mut log, _) = TestLog::open(dir.path(), &small());
    for seq in 2..=4 {
        assert_eq!(log.append_durably(numbered(seq)), seq);
    }
    drop(log);
    assert_eq!(recovered(dir.path()).unwrap(), [1, 2, 3, 4]);
}

#[test]
fn a_flipped_bit_in_a_length_never_reads_past_or_skips() {
    for (field, bytes) in [("meta", 44..48), ("body", 48..52), ("project", 56..58)] {
        for bit in bytes.clone().flat_map(|byte| (0..8).map(move |bit| (byte, bit))) {
            let dir = build(&[&[&[1], &[2], &[3]]]);
            let second = start_of(dir.path(), 1, 1);
            let path = segment_path(dir.path(), 1);
            let mut bytes = fs::read(&path).unwrap();
            bytes[second as usize + bit.0] ^= 1 << bit.1;
            fs::write(&path, bytes).unwrap();
            assert!(
                matches!(recovered(dir.path()), Err(WalError::Corrupt { offset, .. }) if offset == second),
                "{field} {bit:?}"
            );
        }
    }
}

#[test]
fn every_truncation_recovers_exactly_the_whole_frames() {
    let dir = build(&[&[&[1], &[2, 3], &[4]]]);
    let path = segment_path(dir.path(), 1);
    let (offsets, bytes) = (frame_offsets(&path), fs::read(&path).unwrap());
    for len in 0..=*offsets.last().unwrap() + 80 {
        fs::write(&path, &bytes[..len as usize]).unwrap();
        let whole = offsets[1..].iter().filter(|end| **end <= len).count() as u64;
        assert_eq!(recovered(dir.path()).unwrap(), (1..=whole).collect::<Vec<_>>(), "{len} bytes");
    }
}

#[test]
fn every_flipped_bit_gives_a_prefix_or_an_error() {
    let dir = build(&[&[&[1], &[2], &[3, 4]]]);
    let path = segment_path(dir.path(), 1);
    let (offsets, good) = (frame_offsets(&path), fs::read(&path).unwrap());
    let (frames, end) = (SEGMENT_HEAD as usize, *offsets.last().unwrap() as usize);
    for bit in (0..8 * 40).chain(8 * frames..8 * (end + 80)) {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        overwrite(dir.path(), 1, 0, &bad); // in place, for speed: no new blocks to sync
        // The frame hit, and what must come of it: whole groups behind it make it an error.
        let hit = offsets.iter().filter(|start| **start as usize <= bit / 8).count();
        match (recovered(dir.path()), hit) {
            (Err(WalError::Corrupt { .. }), 0) => assert!(bit / 8 < 36),
            (Ok(all), 0) => assert_eq!((bit / 8 >= 36, all), (true, vec![1, 2, 3, 4])),
            (Err(WalError::Corrupt { offset, .. }), 1 | 2) => assert_eq!(offset, offsets[hit - 1]),
            (Ok(prefix), 3..) => assert_eq!(prefix, (1..hit as u64).collect::<Vec<_>>(), "bit {bit}"),
            (other, _) => panic!("bit {bit}: {other:?}"),
        }
    }
}

#[test]
fn a_missing_segment_between_others_stops_the_start() {
    let dir = build(&[&[&[1]], &[&[2]], &[&[3]], &[]]);
    fs::remove_file(segment_path(dir.path(), 2)).unwrap();
    let missing = |dir: &Path| match recovered(dir) {
        Err(WalError::MissingSegment { path }) => path.file_name().unwrap().to_owned(),
        other => panic!("{other:?}"),
    };
    assert_eq!(missing(dir.path()), *segment::file_name(2));
    // The newest with frames: the prepared one behind it shows the gap.
    let dir = build(&[&[&[1]], &[&[2]], &[]]);
    fs::remove_file(segment_path(dir.path(), 2)).unwrap();
    assert_eq!(missing(dir.path()), *segment::file_name(2));
    // The oldest are missing in every log that was flushed.
    let dir = build(&[&[&[1]], &[&[2]], &[&[3]]]);
    fs::remove_file(segment_path(dir.path(), 1)).unwrap();
    assert_eq!(recovered(dir.path()).unwrap(), [2, 3]);
}

#[test]
fn a_copied_segment_stops_the_start_and_a_foreign_file_does_not() {
    let dir = build(&[&[&[1]], &[&[2]]]);
    fs::copy(segment_path(dir.path(), 2), dir.path().join("wal-000000000002 (copy).log")).unwrap();
    fs::write(dir.path().join("notes.txt"), "hands off").unwrap();
    fs::write(dir.path().join("wal-000000000009.new.tmp"), "half made").unwrap();
    fs::create_dir(dir.path().join("lost+found")).unwrap();
    assert_eq!(recovered(dir.path()).unwrap(), [1, 2]);
    assert!(dir.path().join("notes.txt").exists());
    assert!(!dir.path().join("wal-000000000009.new.tmp").exists());

    fs::copy(segment_path(dir.path(), 2), segment_path(dir.path(), 3)).unwrap();
    assert_corrupt(recovered(dir.path()), 3, 0, Damage::Misnamed { found: 2 });
    fs::write(segment_path(dir.path(), 3), "no segment, but as long as one".repeat(200)).unwrap();
    assert_corrupt(recovered(dir.path()), 3, 0, Damage::SegmentHead);
}

#[test]
fn a_newest_segment_that_was_never_used_is_made_again() {
    for content in [vec![], vec![0; 100], vec![0; 16 << 10]] {
        let dir = build(&[&[&[1]]]);
        fs::write(segment_path(dir.path(), 2), &content).unwrap();
        assert_eq!(recovered(dir.path()).unwrap(), [1], "{} bytes", content.len());
        assert!(!segment_path(dir.path(), 2).exists());
        fs::write(segment_path(dir.path(), 2), &content).unwrap();
        segment::prepare(dir.path(), 3, 16 << 10, None).unwrap();
        assert_corrupt(recovered(dir.path()), 2, 0, Damage::SegmentHead);
    }
}

#[test]
fn another_format_version_is_refused() {
    let dir = build(&[&[&[1]]]);
    let mut page = segment::header(1, 5);
    page[8] = 2;
    let crc = crc32c::crc32c(&page[..32]);
    page[32..36].copy_from_slice(&crc.to_le_bytes());
    overwrite(dir.path(), 1, 0, &page);
    assert!(matches!(recovered(dir.path()), Err(WalError::Version { found: 2, known: 1, .. })));
    assert!(matches!(inspect(dir.path()), Err(WalError::Version { found: 2, .. })));
}

#[test]
fn a_body_that_looks_like_a_frame_is_not_taken_for_one() {
    let dir = build(&[&[&[1]]]);
    let (mut log, _) = TestLog::open(dir.path(), &small());
    let inner = numbered(9);
    let forged = Head::of(&inner, frame::payload_crc(&inner), 7, 1 << 20).at(9, 9).encode();
    log.append_durably(frame("shop", 1, forged.to_vec()));
    drop(log);
    let second = start_of(dir.path(), 1, 1);
    overwrite(dir.path(), 1, second, &[0xaa; 64]);
    assert_eq!(recovered(dir.path()).unwrap(), [1]);
}

#[test]
fn frames_of_a_files_former_life_are_not_taken_for_new_ones() {
    let dir = build(&[&[&[1], &[2]]]);
    let first = fs::read(segment_path(dir.path(), 1)).unwrap();
    let old = open_segment(1, &segment_path(dir.path(), 1)).unwrap();
    let spare = segment::set_aside(&old).unwrap().unwrap();
    segment::prepare(dir.path(), 2, 16 << 10, Some(&spare)).unwrap();
    assert_eq!(recovered(dir.path()).unwrap(), [0u64; 0]);
    // Even where the zeros that end the new segment never reached the disk.
    overwrite(dir.path(), 2, SEGMENT_HEAD, &first[SEGMENT_HEAD as usize..][..64]);
    assert_eq!(recovered(dir.path()).unwrap(), [0u64; 0]);
    let (mut log, _) = TestLog::open(dir.path(), &small());
    assert_eq!(log.append_durably(numbered(1)), 1);
    drop(log);
    assert_eq!(recovered(dir.path()).unwrap(), [1]);
}

#[test]
fn a_receiver_that_refuses_a_frame_stops_the_start() {
    let dir = build(&[&[&[1], &[2]]]);
    let refused = recover(dir.path(), Mode::Repair, &mut |replayed| {
        if replayed.seq == 2 { Err("no such mapping".into()) } else { Ok(()) }
    });
    assert!(matches!(refused, Err(WalError::Replay { seq: 2, .. })));
}

#[test]
fn inspection_shows_frames_damage_and_what_is_missing() {
    let dir = build(&[&[&[1], &[2], &[3]], &[&[4]], &[&[5]], &[]]);
    let second = start_of(dir.path(), 1, 1);
    overwrite(dir.path(), 1, second, &[0xaa; 64]);
    fs::remove_file(segment_path(dir.path(), 2)).unwrap();
    let before: Vec<_> =
        segment_files(dir.path()).iter().map(|name| fs::read(dir.path().join(name)).unwrap()).collect();
    let mut shown = Vec::new();
    let log = inspect_frames(dir.path(), |frame| shown.push((frame.segment, frame.seq))).unwrap();
    assert_eq!(shown, [(1, 1), (1, 3), (3, 5)]);
    assert_eq!(log.missing, [segment::file_name(2)]);
    let states: Vec<_> = log.segments.iter().map(|segment| (segment.id, segment.state, segment.frames)).collect();
    assert_eq!(states, [(1, SegmentState::Damaged, 2), (3, SegmentState::Damaged, 1), (4, SegmentState::Empty, 0)]);
    let first = &log.segments[0];
    assert_eq!((first.first_seq, first.last_seq, first.rows), (Some(1), Some(3), 2));
    assert_eq!(first.projects[&project("shop")].rows, 2);
    let errors: Vec<_> = first.errors.iter().map(|finding| (finding.offset, finding.damage)).collect();
    let third = start_of_second_whole(dir.path());
    assert_eq!(errors, [(second, Damage::Head), (third, Damage::Gap { expected: 2, found: 3 })]);
    assert!(serde_json::to_string(&log).unwrap().contains(r#""damage":"head""#));
    let after: Vec<_> = segment_files(dir.path()).iter().map(|name| fs::read(dir.path().join(name)).unwrap()).collect();
    assert_eq!(before, after, "inspection changes nothing");
}

fn start_of_second_whole(dir: &Path) -> u64 {
    let mut starts = Vec::new();
    inspect_frames(dir, |frame| starts.push(frame.offset)).unwrap();
    starts[1]
}

#[test]
fn salvage_saves_every_whole_frame_into_a_log_that_starts() {
    let dir = build(&[&[&[1], &[2], &[3]], &[&[4], &[5]], &[&[6], &[7]]]);
    overwrite(dir.path(), 1, start_of(dir.path(), 1, 1), &[0xaa; 200]); // frames 2 and 3
    overwrite(dir.path(), 2, 0, &[0xaa; 40]); // the header
    overwrite(dir.path(), 3, start_of(dir.path(), 3, 0) + 90, b"?");
    assert!(recovered(dir.path()).is_err());
    let fresh = tempfile::tempdir().unwrap();
    let out = fresh.path().join("saved");
    let report = salvage(dir.path(), &out).unwrap();
    assert_eq!((report.frames, report.rows, report.first_seq, report.last_seq), (4, 4, Some(1), Some(7)));
    assert_eq!(report.bytes, fs::metadata(&out).unwrap().len());
    assert!(matches!(salvage(dir.path(), &out), Err(WalError::Io { .. })), "never overwrites");
    fs::rename(&out, fresh.path().join(&report.file)).unwrap();
    assert_eq!(recovered(fresh.path()).unwrap(), [1, 4, 5, 7]);
    let (mut log, _) = TestLog::open(fresh.path(), &small());
    assert_eq!(log.append_durably(numbered(8)), 8);
}

#[test]
fn reopening_goes_on_where_the_log_ended() {
    let dir = build(&[&[&[1]], &[&[2]]]);
    for next in 3..6 {
        let (mut log, replayed) = TestLog::open(dir.path(), &small());
        assert_eq!(replayed.iter().map(|replayed| replayed.seq).collect::<Vec<_>>(), (1..next).collect::<Vec<_>>());
        assert_eq!(log.wal.next_seq(), next);
        log.append_durably(numbered(next));
    }
}
