//! Damage anywhere in a log: salvage gives back exactly the frames that it did not hit, and readers that get
//! their bytes in small pieces read the same.

use std::io::{self, Cursor, Read, Seek, SeekFrom};

use super::*;
use crate::wal::reader::{FrameReader, Step};
use crate::wal::{inspect_frames, salvage};

/// A log of several segments, and where each frame lies: segment, first byte, end.
fn a_log() -> (TempDir, Vec<(u64, u64, u64, u64)>) {
    let (dir, mut log) = TestLog::create(&small());
    for number in 1..=60 {
        log.append_durably(frame("shop", 1 + number as u32 % 3, body(number, 30 + (number as usize * 397) % 1_500)));
    }
    drop(log);
    let mut places = Vec::new();
    inspect_frames(dir.path(), |frame| {
        places.push((frame.segment, frame.offset, frame.offset + frame.bytes, frame.seq))
    })
    .unwrap();
    assert!(places.len() == 60 && places.last().unwrap().0 > 3, "{places:?}");
    (dir, places)
}

#[test]
fn salvage_gives_back_exactly_the_frames_that_damage_did_not_hit() {
    let (dir, places) = a_log();
    let files = segment_files(dir.path());
    for round in 0..200_u64 {
        let damaged = tempfile::tempdir().unwrap();
        for file in &files {
            fs::copy(dir.path().join(file), damaged.path().join(file)).unwrap();
        }
        let mut hit = Vec::new();
        for spot in 0..1 + round % 4 {
            let (segment, _, end, _) = places[(round * 31 + spot * 17) as usize % places.len()];
            // Heads of segments and frames, and bodies; a bit, or a stretch.
            let at = (round * 7_919 + spot * 104_729) % end;
            let path = segment_path(damaged.path(), segment);
            let mut bytes = fs::read(&path).unwrap();
            let length = if round % 2 == 0 { 1 } else { 1 + round % 90 };
            let stretch = at..(at + length).min(bytes.len() as u64);
            bytes[stretch.start as usize..stretch.end as usize].iter_mut().for_each(|byte| *byte ^= 1 << (round % 8));
            fs::write(&path, bytes).unwrap();
            hit.push((segment, stretch));
        }
        let is_hit = |place: &(u64, u64, u64, u64)| {
            hit.iter().any(|(segment, at)| *segment == place.0 && at.start < place.2 && place.1 < at.end)
        };
        let whole: Vec<u64> = places.iter().filter(|place| !is_hit(place)).map(|place| place.3).collect();
        let fresh = tempfile::tempdir().unwrap();
        let out = fresh.path().join("saved");
        let report = salvage(damaged.path(), &out).unwrap();
        fs::rename(&out, fresh.path().join(&report.file)).unwrap();
        let (_, replayed) = TestLog::open(fresh.path(), &small());
        let saved: Vec<u64> = replayed.iter().map(|frame| frame.seq).collect();
        assert_eq!(saved, whole, "round {round}: hit {hit:?}");
    }
}

/// A file that gives as few bytes at a time as it likes.
struct Slow(Cursor<Vec<u8>>, usize);

impl Read for Slow {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.1 = self.1 * 31 % 97 + 1;
        if self.1 == 13 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let length = out.len().min(self.1);
        self.0.read(&mut out[..length])
    }
}

impl Seek for Slow {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.0.seek(to)
    }
}

#[test]
fn short_reads_change_nothing() {
    let (dir, places) = a_log();
    for file in segment_files(dir.path()) {
        let (id, bytes) = (segment::id_of(&file).unwrap(), fs::read(dir.path().join(&file)).unwrap());
        let len = bytes.len() as u64;
        let mut reader = FrameReader::over(Slow(Cursor::new(bytes), 5), len, None).unwrap();
        let mut seen = Vec::new();
        while let Step::Frame(head, _) = reader.next().unwrap() {
            seen.push(head.seq);
        }
        let wanted: Vec<u64> = places.iter().filter(|place| place.0 == id).map(|place| place.3).collect();
        assert_eq!(seen, wanted);
        let mut reader =
            FrameReader::over(Slow(Cursor::new(fs::read(dir.path().join(&file)).unwrap()), 3), len, None).unwrap();
        let found = reader.find(SEGMENT_HEAD, |_| true).unwrap().map(|(_, head)| head.seq);
        assert_eq!(found, wanted.first().copied());
    }
}
