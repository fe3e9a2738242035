//! Reads what can be read of a log, damaged or not, without changing it: the ground of inspection
//! and salvage.
//!
//! Behind damage it goes on at the next frame head of the segment. Frames come in the order of
//! their numbers; one that would go back (a copied segment, a file's former life) is passed over.

use std::path::{Path, PathBuf};

use super::frame::Head;
use super::reader::{FrameReader, Step};
use super::segment::{self, Header, SEGMENT_HEAD};
use super::{Damage, Frame, WalError, replay};

/// What the walk comes across.
pub(super) enum Seen {
    /// A segment file; its frames and damage follow.
    Segment {
        id: u64,
        bytes: u64,
    },
    /// The segment with this id is not there.
    Missing(u64),
    Frame {
        offset: u64,
        head: Head,
        frame: Frame,
    },
    Damage {
        offset: u64,
        damage: Damage,
    },
}

/// Shows `visit` all there is, in order.
pub(super) fn walk(dir: &Path, visit: &mut dyn FnMut(Seen) -> Result<(), WalError>) -> Result<(), WalError> {
    let mut walk = Walk { end: None, visit };
    let mut next = None;
    for (id, path) in replay::list(dir, false)? {
        for missing in next.unwrap_or(id)..id {
            (walk.visit)(Seen::Missing(missing))?;
        }
        next = Some(id + 1);
        walk.segment(id, path)?;
    }
    Ok(())
}

struct Walk<'a> {
    /// Number after the last row seen.
    end: Option<u64>,
    visit: &'a mut dyn FnMut(Seen) -> Result<(), WalError>,
}

impl Walk<'_> {
    fn segment(&mut self, id: u64, path: PathBuf) -> Result<(), WalError> {
        let unreadable = || WalError::io("read log segment", &path);
        let file = replay::open(&path)?;
        let bytes = file.metadata().map_err(unreadable())?.len();
        let header = segment::read_header(&file).map_err(unreadable())?;
        (self.visit)(Seen::Segment { id, bytes })?;
        let mut reader = match header {
            Header::Blank => return Ok(()),
            Header::OtherVersion(found) => return Err(WalError::Version { path, found, known: segment::VERSION }),
            Header::Valid { id: found, mark } => {
                if found != id {
                    self.damage(0, Damage::Misnamed { found })?;
                }
                FrameReader::new(file, Some(mark)).map_err(unreadable())?
            }
            Header::Damaged => {
                self.damage(0, Damage::SegmentHead)?;
                let mut reader = FrameReader::new(file, None).map_err(unreadable())?;
                if !self.resume(&mut reader, SEGMENT_HEAD).map_err(unreadable())? {
                    return Ok(());
                }
                reader
            }
        };
        loop {
            let offset = reader.offset();
            let damage = match reader.next().map_err(unreadable())? {
                Step::Frame(head, frame) => {
                    self.frame(offset, head, frame)?;
                    continue;
                }
                Step::End => None,
                Step::Damaged(damage) => Some(damage),
            };
            let more = self.resume(&mut reader, offset + 1).map_err(unreadable())?;
            if let Some(damage) = damage.or(more.then_some(Damage::Head)) {
                self.damage(offset, damage)?;
            }
            if !more {
                return Ok(());
            }
        }
    }

    /// Goes on at the next head that leads forward, and stays with its mark.
    fn resume(&self, reader: &mut FrameReader, from: u64) -> std::io::Result<bool> {
        let found = reader.find(from, |head| self.end.is_none_or(|end| head.seq >= end))?;
        if let Some((offset, head)) = found {
            reader.set_mark(head.mark);
            reader.seek(offset)?;
        }
        Ok(found.is_some())
    }

    fn frame(&mut self, offset: u64, head: Head, frame: Frame) -> Result<(), WalError> {
        if let Some(expected) = self.end.filter(|end| *end != head.prev_end) {
            self.damage(offset, Damage::Gap { expected, found: head.prev_end })?;
        }
        if self.end.is_some_and(|end| head.seq < end) {
            return Ok(());
        }
        self.end = Some(head.end());
        (self.visit)(Seen::Frame { offset, head, frame })
    }

    fn damage(&mut self, offset: u64, damage: Damage) -> Result<(), WalError> {
        (self.visit)(Seen::Damage { offset, damage })
    }
}
