//! Start: reads the log in order, cuts a torn tail, and refuses a log that is damaged.
//!
//! The *tail* is the last segment that holds any frame head; segments behind it are empty. Where
//! a segment's frames stop, this table decides ([`judge`]):
//!
//! | segment | its frames stop at | frame heads behind it | verdict |
//! |---|---|---|---|
//! | before the tail | zeros, or no room for a head | any | go on: the next frame must continue the chain |
//! | before the tail | damage | any | stop the start |
//! | tail | zeros or damage | one written after this place was synced | stop the start |
//! | tail | zeros | none | clean end |
//! | tail | zeros | of the torn group only | cut |
//! | tail | damage | none, or of the torn group only | cut |
//! | any | a whole frame that does not continue the chain | any | stop the start |
//!
//! *Cut* zeroes the rest of the file and logs a warning: nothing there was ever acknowledged, for a
//! group is acknowledged after its sync, and no later group was begun. Damage in the very last
//! group looks the same and is cut too: no log without a second copy can tell them apart.
//!
//! | file | verdict |
//! |---|---|
//! | newest, all zeros, no bytes, or shorter than a header page | removed: made, but never used |
//! | any other without a valid header; header of another id (a copied or renamed file) | stop |
//! | header of another format version | stop |
//! | id missing between two others | stop |
//! | `wal-….tmp` | removed: a segment being prepared, or a spare |
//! | any other name | left alone, with a warning |

use std::cell::Cell;
use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::frame::Head;
use super::ledger::Ledger;
use super::reader::{FrameReader, Step};
use super::segment::{self, Header, SEGMENT_HEAD, Segment};
use super::{Damage, Frame, Replayed, WalError, trace};

/// Receives the frames of a start, in log order.
pub(super) type Replay<'a> = &'a mut dyn FnMut(Replayed) -> Result<(), Box<dyn Error + Send + Sync>>;

/// A log that has been read to its end and may be written to.
#[derive(Debug, Default)]
pub(super) struct Recovered {
    pub(super) ledger: Ledger,
    /// Where the next frame goes in the newest segment.
    pub(super) offset: u64,
    /// An empty segment behind the newest.
    pub(super) ready: Option<Segment>,
    /// Number after the last row; 1 in a new log.
    pub(super) end_seq: u64,
    pub(super) frames: u64,
    /// Whether a torn write was cut off the end.
    pub(super) cut: bool,
}

/// How a segment's frames stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Zeros,
    Damaged(Damage),
}

/// Frame heads behind the place where a segment's frames stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Behind {
    Nothing,
    /// Written together with what is missing: that write never finished.
    TornGroup,
    /// Written after what is missing had been synced.
    LaterGroup,
}

/// What to do where a segment's frames stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    NextSegment,
    CleanEnd,
    Cut,
    Corrupt(Damage),
}

/// The decision table above.
pub(super) fn judge(tail: bool, stop: Stop, behind: Behind) -> Verdict {
    match (tail, stop, behind) {
        (false, Stop::Zeros, _) => Verdict::NextSegment,
        (_, Stop::Damaged(damage @ Damage::Gap { .. }), _) | (false, Stop::Damaged(damage), _) => {
            Verdict::Corrupt(damage)
        }
        (true, Stop::Zeros, Behind::LaterGroup) => Verdict::Corrupt(Damage::Head),
        (true, Stop::Damaged(damage), Behind::LaterGroup) => Verdict::Corrupt(damage),
        (true, Stop::Zeros, Behind::Nothing) => Verdict::CleanEnd,
        (true, Stop::Zeros, Behind::TornGroup) | (true, Stop::Damaged(_), Behind::Nothing | Behind::TornGroup) => {
            Verdict::Cut
        }
    }
}

/// Whether a start may change what it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Leaves the log fit for writing.
    Repair,
    /// Only looks.
    Look,
}

/// Reads the whole log and, unless it only looks, makes it ready for writing.
pub(super) fn recover(dir: &Path, mode: Mode, replay: Replay<'_>) -> Result<Recovered, WalError> {
    let mut segments = open_segments(dir, mode)?;
    let mut filled = segments.len();
    while filled > 0 && !holds_frames(&segments[filled - 1])? {
        filled -= 1;
    }
    let empty = segments.split_off(filled);
    let mut recovery = Recovery { done: Recovered { end_seq: 1, ..Recovered::default() }, mode, replay };
    for (at, segment) in segments.into_iter().enumerate() {
        recovery.segment(segment, at + 1 == filled)?;
    }
    if mode == Mode::Repair {
        recovery.keep_one(empty)?;
    }
    Ok(recovery.done)
}

/// Segments in order, each with a valid header and none missing in between.
fn open_segments(dir: &Path, mode: Mode) -> Result<Vec<Segment>, WalError> {
    let mut files = list(dir, mode == Mode::Repair)?;
    let mut segments = Vec::with_capacity(files.len());
    if let Some((_, newest)) = files.last()
        && never_used(newest)?
    {
        if mode == Mode::Repair {
            tracing::warn!(file = %newest.display(), "removing a log segment that was made but never used");
            fs::remove_file(newest).map_err(WalError::io("remove log segment", newest))?;
            trace::removed(newest);
        }
        files.pop();
    }
    for (id, path) in files {
        let segment = open_segment(id, &path)?;
        if let Some(missing) = segments.last().map(|last: &Segment| last.id + 1).filter(|next| *next != id) {
            return Err(WalError::MissingSegment { path: dir.join(segment::file_name(missing)) });
        }
        segments.push(segment);
    }
    Ok(segments)
}

/// Segment files by id. Removes temporary files if `clean`; warns of files that are none of the log's.
pub(super) fn list(dir: &Path, clean: bool) -> Result<Vec<(u64, PathBuf)>, WalError> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).map_err(WalError::io("list log directory", dir))? {
        let path = entry.map_err(WalError::io("list log directory", dir))?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match segment::id_of(name) {
            Some(id) => files.push((id, path)),
            None if !segment::is_temporary(name) => {
                tracing::warn!(file = %path.display(), "ignoring a file that is no log segment")
            }
            None if clean => {
                fs::remove_file(&path).map_err(WalError::io("remove temporary file", &path))?;
                trace::removed(&path);
            }
            None => {}
        }
    }
    files.sort_unstable();
    Ok(files)
}

pub(super) fn open(path: &Path) -> Result<File, WalError> {
    File::open(path).map_err(WalError::io("open log segment", path))
}

fn never_used(path: &Path) -> Result<bool, WalError> {
    let file = open(path)?;
    let len = file.metadata().map_err(WalError::io("read log segment", path))?.len();
    let header = segment::read_header(&file).map_err(WalError::io("read log segment", path))?;
    Ok(len < SEGMENT_HEAD || matches!(header, Header::Blank))
}

/// The segment in this file, if its header is what the name says.
pub(super) fn open_segment(id: u64, path: &Path) -> Result<Segment, WalError> {
    let file = open(path)?;
    let len = file.metadata().map_err(WalError::io("read log segment", path))?.len();
    let corrupt = |damage| Err(WalError::Corrupt { path: path.to_owned(), offset: 0, damage });
    match segment::read_header(&file).map_err(WalError::io("read log segment", path))? {
        Header::Valid { id: found, mark } if found == id => Ok(Segment { id, path: path.to_owned(), mark, len }),
        Header::Valid { id: found, .. } => corrupt(Damage::Misnamed { found }),
        Header::OtherVersion(found) => Err(WalError::Version { path: path.to_owned(), found, known: segment::VERSION }),
        Header::Blank | Header::Damaged => corrupt(Damage::SegmentHead),
    }
}

pub(super) fn reader(segment: &Segment) -> Result<FrameReader, WalError> {
    FrameReader::new(open(&segment.path)?, Some(segment.mark)).map_err(WalError::io("read log segment", &segment.path))
}

fn holds_frames(segment: &Segment) -> Result<bool, WalError> {
    let found = reader(segment)?.find(SEGMENT_HEAD, |_| true);
    found.map(|head| head.is_some()).map_err(WalError::io("read log segment", &segment.path))
}

struct Recovery<'a> {
    done: Recovered,
    mode: Mode,
    replay: Replay<'a>,
}

impl Recovery<'_> {
    fn segment(&mut self, segment: Segment, tail: bool) -> Result<(), WalError> {
        let mut reader = reader(&segment)?;
        self.done.ledger.open(segment.clone());
        let stop = loop {
            let at = reader.offset();
            match reader.next().map_err(WalError::io("read log segment", &segment.path))? {
                Step::Frame(head, frame) => {
                    if let Err(gap) = self.frame(head, frame, &segment.path)? {
                        reader.seek(at).map_err(WalError::io("read log segment", &segment.path))?;
                        break Stop::Damaged(gap);
                    }
                }
                Step::End => break Stop::Zeros,
                Step::Damaged(damage) => break Stop::Damaged(damage),
            }
        };
        let offset = reader.offset();
        // Behind an earlier segment's end there is nothing to look for: the chain says whether all is there.
        let behind = if tail { behind(&mut reader, &segment.path)? } else { Behind::Nothing };
        match judge(tail, stop, behind) {
            Verdict::NextSegment => Ok(()),
            Verdict::CleanEnd => self.end(&segment, offset, false),
            Verdict::Cut => self.end(&segment, offset, true),
            Verdict::Corrupt(damage) => Err(WalError::Corrupt { path: segment.path, offset, damage }),
        }
    }

    /// Hands one frame on, if it continues the chain.
    fn frame(&mut self, head: Head, frame: Frame, path: &Path) -> Result<Result<(), Damage>, WalError> {
        if self.done.frames > 0 && head.prev_end != self.done.end_seq {
            return Ok(Err(Damage::Gap { expected: self.done.end_seq, found: head.prev_end }));
        }
        self.done.end_seq = head.end();
        self.done.frames += 1;
        self.done.ledger.note(&frame.project, head.end() - 1);
        let seq = head.seq;
        (self.replay)(Replayed { seq, frame }).map(Ok).map_err(|source| WalError::Replay {
            path: path.to_owned(),
            seq,
            source,
        })
    }

    /// Leaves the tail fit for writing at `offset`, and everything before it durable: a killed
    /// process may have left frames that are whole but were never synced.
    fn end(&mut self, segment: &Segment, offset: u64, cut: bool) -> Result<(), WalError> {
        let finish = || {
            let mut file = OpenOptions::new().write(true).open(&segment.path)?;
            if cut {
                tracing::warn!(file = %segment.path.display(), offset, "cutting a torn write off the end of the log");
                file.seek(SeekFrom::Start(offset))?;
                segment::write_zeros(&file, segment.len.saturating_sub(offset))?;
                trace::zeroed(&segment.path, offset, segment.len.saturating_sub(offset));
            }
            file.sync_data()?;
            trace::synced(&segment.path);
            Ok(())
        };
        if self.mode == Mode::Repair {
            finish().map_err(WalError::io("repair log segment", &segment.path))?;
        }
        self.done.cut = cut;
        self.done.offset = offset;
        if offset == SEGMENT_HEAD {
            // Not one whole frame: the segment before stays the newest, this one is as good as new.
            self.done.ready = self.done.ledger.drop_newest();
            self.done.offset = self.done.ledger.newest().map_or(0, |newest| newest.len);
        }
        Ok(())
    }

    /// Keeps the first of the empty segments for writing and removes the others, newest first.
    fn keep_one(&mut self, mut empty: Vec<Segment>) -> Result<(), WalError> {
        let keep = usize::from(self.done.ready.is_none());
        while empty.len() > keep {
            if let Some(newest) = empty.pop() {
                segment::remove(&newest)?;
            }
        }
        if let Some(kept) = empty.pop() {
            self.done.ready = Some(kept);
        }
        Ok(())
    }
}

/// Looks for frame heads behind the place where the reader stands.
fn behind(reader: &mut FrameReader, path: &Path) -> Result<Behind, WalError> {
    let (stop, seen) = (reader.offset(), Cell::new(false));
    let later = reader.find(stop, |head| {
        seen.set(true);
        head.group > stop
    });
    match later.map_err(WalError::io("read log segment", path))? {
        Some(_) => Ok(Behind::LaterGroup),
        None if seen.get() => Ok(Behind::TornGroup),
        None => Ok(Behind::Nothing),
    }
}

#[cfg(test)]
mod tests;
